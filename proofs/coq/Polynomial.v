(** Polynomial functions of degree at most n, as A2 and A3 need them. *)

Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite.
Open Scope R_scope.

(** f(x) = a_0 + a_1 x + ... + a_n x^n. *)
Definition coefficients (n : nat) (a : nat -> R) (f : R -> R) : Prop := forall x, f x = sum (S n) (fun k => a k * x ^ k).
Definition polynomial (n : nat) (f : R -> R) : Prop := exists a, coefficients n a f.

Lemma poly_ext : forall n f g, (forall x, f x = g x) -> polynomial n f -> polynomial n g.
Proof. intros n f g E [a H]. exists a. intros x. rewrite <- E. apply H. Qed.

Lemma poly_weaken : forall n p f, (n <= p)%nat -> polynomial n f -> polynomial p f.
Proof.
  intros n p f H [a A]. exists (fun k => if Nat.leb k n then a k else 0). intros x. rewrite A. clear A.
  induction H as [|p H IH].
  - apply sum_ext. intros k Hk. destruct (Nat.leb_spec k n); [reflexivity|lia].
  - rewrite IH. change (sum (S (S p)) ?f) with (sum (S p) f + f (S p)). cbv beta.
    destruct (Nat.leb_spec (S p) n); [lia|ring].
Qed.

Lemma poly_plus : forall n f g, polynomial n f -> polynomial n g -> polynomial n (fun x => f x + g x).
Proof.
  intros n f g [a A] [b B]. exists (fun k => a k + b k). intros x. rewrite A, B, <- sum_plus. apply sum_ext; intros; ring.
Qed.

Lemma poly_scal : forall n c f, polynomial n f -> polynomial n (fun x => c * f x).
Proof. intros n c f [a A]. exists (fun k => c * a k). intros x. rewrite A, <- sum_scal. apply sum_ext; intros; ring. Qed.

Lemma poly_minus : forall n f g, polynomial n f -> polynomial n g -> polynomial n (fun x => f x - g x).
Proof.
  intros n f g F G. apply (poly_ext n (fun x => f x + (-1) * g x)); [intros; ring|].
  apply poly_plus; [exact F | now apply poly_scal].
Qed.

Lemma poly_const : forall n c, polynomial n (fun _ => c).
Proof.
  intros n c. apply (poly_weaken 0); [lia|]. exists (fun _ => c). intros x. simpl. ring.
Qed.

Lemma sum_shift : forall n f, sum (S n) f = f O + sum n (fun k => f (S k)).
Proof. induction n as [|n IH]; intros f; [simpl; ring|]. simpl in *. rewrite IH. ring. Qed.

Lemma poly_mult_x : forall n f, polynomial n f -> polynomial (S n) (fun x => x * f x).
Proof.
  intros n f [a A]. exists (fun k => match k with O => 0 | S j => a j end). intros x.
  rewrite sum_shift, A, <- sum_scal. rewrite Rmult_0_l, Rplus_0_l. apply sum_ext; intros; simpl; ring.
Qed.

Lemma poly_mult_pow : forall k n f, polynomial n f -> polynomial (k + n) (fun x => x ^ k * f x).
Proof.
  induction k as [|k IH]; intros n f F.
  - apply (poly_ext n f); [intros; simpl; ring | exact F].
  - apply (poly_ext (S (k + n)) (fun x => x * (x ^ k * f x))); [intros; simpl; ring|].
    apply poly_mult_x, IH, F.
Qed.

Lemma poly_pow : forall n, polynomial n (fun x => x ^ n).
Proof.
  intros n. apply (poly_ext n (fun x => x ^ n * 1)); [intros; ring|].
  replace n with (n + 0)%nat at 1 by lia. apply poly_mult_pow, poly_const.
Qed.

(** The leading coefficient split off. *)
Lemma poly_leading : forall n f, polynomial (S n) f -> exists b g, polynomial n g /\ forall x, f x = b * x ^ S n + g x.
Proof.
  intros n f [a A]. exists (a (S n)), (fun x => sum (S n) (fun k => a k * x ^ k)). split.
  - exists a. intros x. reflexivity.
  - intros x. rewrite A. change (sum (S (S n)) ?f) with (sum (S n) f + f (S n)). cbv beta. ring.
Qed.

Lemma poly_affine : forall n f a b, polynomial n f -> polynomial n (fun x => f (a * x + b)).
Proof.
  induction n as [|n IH]; intros f a b F.
  - destruct F as [c C]. exists c. intros x. rewrite C. simpl. ring.
  - destruct (poly_leading n f F) as (l & g & G & E).
    apply (poly_ext (S n) (fun x => l * (a * x + b) ^ S n + g (a * x + b))); [intros; now rewrite E|].
    apply poly_plus; [|apply (poly_weaken n); [lia | now apply IH]].
    apply poly_scal.
    assert (P := IH (fun x => x ^ n) a b (poly_pow n)).
    apply (poly_ext (S n) (fun x => a * (x * (a * x + b) ^ n) + b * (a * x + b) ^ n)); [intros; simpl; ring|].
    apply poly_plus; apply poly_scal; [now apply poly_mult_x | apply (poly_weaken n); [lia|exact P]].
Qed.

(** A root splits off a factor. *)
Lemma poly_root : forall n f r, polynomial (S n) f -> f r = 0 -> exists g, polynomial n g /\ forall x, f x = (x - r) * g x.
Proof.
  induction n as [|n IH]; intros f r F Z; destruct (poly_leading _ f F) as (b & g & G & E).
  - exists (fun _ => b). split; [apply poly_const|]. intros x.
    destruct G as [c C]. rewrite E in *. rewrite C in *. simpl in *. lra.
  - destruct (IH (fun x => r * b * x ^ S n + g x) r) as (q & Q & Eq).
    + apply poly_plus; [apply poly_scal, poly_pow | exact G].
    + rewrite <- Z, E. simpl. ring.
    + exists (fun x => b * x ^ S n + q x). split.
      * apply poly_plus; [apply poly_scal, poly_pow | apply (poly_weaken n); [lia|exact Q]].
      * intros x. rewrite E. specialize (Eq x). simpl in *. lra.
Qed.

(** A polynomial of degree at most n that vanishes at n + 1 different points is zero. *)
Theorem poly_zero : forall n f (s : nat -> R), polynomial n f ->
  (forall i j, (i <= n)%nat -> (j <= n)%nat -> s i = s j -> i = j) -> (forall i, (i <= n)%nat -> f (s i) = 0) ->
  forall x, f x = 0.
Proof.
  induction n as [|n IH]; intros f s F D Z x.
  - destruct F as [c C]. specialize (Z O (le_n _)). rewrite C in *. simpl in *. lra.
  - destruct (poly_root n f (s (S n)) F (Z (S n) (le_n _))) as (g & G & E).
    rewrite E, (IH g s G); [ring | |].
    + intros i j Hi Hj. apply D; lia.
    + intros i Hi. assert (Zi := Z i ltac:(lia)). rewrite E in Zi.
      apply Rmult_integral in Zi. destruct Zi as [Zi|Zi]; [|exact Zi].
      assert (i = S n) by (apply D; [lia | lia | lra]). lia.
Qed.

(** On [-1, 1] a polynomial is at most the sum of its coefficients' sizes. *)
Lemma poly_bounded : forall n f, polynomial n f -> exists B, forall x, -1 <= x <= 1 -> Rabs (f x) <= B.
Proof.
  intros n f [a A]. exists (sum (S n) (fun k => Rabs (a k))). intros x X. rewrite A.
  eapply Rle_trans; [apply sum_abs_le|]. apply sum_le. intros k Hk. rewrite Rabs_mult, <- RPow_abs.
  rewrite <- (Rmult_1_r (Rabs (a k))) at 2. apply Rmult_le_compat_l; [apply Rabs_pos|].
  rewrite <- (pow1 k). apply pow_incr. split; [apply Rabs_pos | apply Rabs_le; lra].
Qed.
