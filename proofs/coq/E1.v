(** E1, E2, E3: error propagation under composition.

    Pages: proofs/E1.md, proofs/E2.md, proofs/E3.md.  For every number of segments K, every d, any maps Phi_k and Psi_k.
    Segment k + 1 of the pages is number k here: it goes from t_k to t_(k+1) and has the maps [phi k], [psi k]. *)

Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite F2.
Open Scope R_scope.

(** f_(n-1) o ... o f_0. *)
Fixpoint compose (f : nat -> vec -> vec) (n : nat) (x : vec) : vec :=
  match n with O => x | S k => f k (compose f k x) end.

(** The product f 0 * ... * f (n-1). *)
Fixpoint prod (n : nat) (f : nat -> R) : R := match n with O => 1 | S k => prod k f * f k end.

Section Propagation.
Variables (d : nat) (phi psi : nat -> vec -> vec).

Definition distance (x y : vec) : R := norm d (vsub x y).

(** e_k = |z_k - y_k|, where z follows the learned maps from z_0 and y the exact ones from y_0. *)
Definition error (z0 y0 : vec) (k : nat) : R := distance (compose psi k z0) (compose phi k y0).

(** E1: e_k <= exp(Lambda_k) e_(k-1) + |Psi_k(z_(k-1)) - Phi_k(z_(k-1))|. *)
Theorem error_step : forall Lambda k z0 y0,
  (forall x y, distance (phi k x) (phi k y) <= exp (Lambda k) * distance x y) ->
  error z0 y0 (S k) <= exp (Lambda k) * error z0 y0 k
                       + distance (psi k (compose psi k z0)) (phi k (compose psi k z0)).
Proof.
  intros Lambda k z0 y0 H. unfold error. simpl.
  assert (T := norm_sub_triangle d (psi k (compose psi k z0)) (phi k (compose psi k z0)) (phi k (compose phi k y0))).
  specialize (H (compose psi k z0) (compose phi k y0)). unfold distance in *. lra.
Qed.

(** Discrete Groenwall: e_(k+1) <= a_k e_k + eps_k and a_k >= 0 give e_n <= (a_0 ... a_(n-1)) e_0 + sum_k eps_k a_(k+1) ... a_(n-1). *)
Theorem discrete_gronwall : forall (e eps a : nat -> R) n,
  (forall k, (k < n)%nat -> 0 <= a k) ->
  (forall k, (k < n)%nat -> e (S k) <= a k * e k + eps k) ->
  e n <= prod n a * e O + sum n (fun k => eps k * prod (n - S k) (fun j => a (S k + j)%nat)).
Proof.
  intros e eps a n. induction n as [|n IH]; intros A H.
  - simpl. lra.
  - assert (I : e n <= prod n a * e O + sum n (fun k => eps k * prod (n - S k) (fun j => a (S k + j)%nat)))
      by (apply IH; intros; [apply A | apply H]; lia).
    assert (An := A n ltac:(lia)). assert (Hn := H n ltac:(lia)).
    eapply Rle_trans; [exact Hn|].
    apply Rle_trans with (a n * (prod n a * e O + sum n (fun k => eps k * prod (n - S k) (fun j => a (S k + j)%nat))) + eps n);
      [nra|]. right.
    change (sum (S n) ?f) with (sum n f + f n). cbv beta.
    rewrite Nat.sub_diag. cbn [prod].
    rewrite (sum_ext n (fun k => eps k * prod (S n - S k) (fun j => a (S k + j)%nat))
      (fun k => a n * (eps k * prod (n - S k) (fun j => a (S k + j)%nat)))).
    + rewrite sum_scal. ring.
    + intros k Hk. replace (S n - S k)%nat with (S (n - S k)) by lia. cbn [prod].
      replace (S k + (n - S k))%nat with n by lia. ring.
Qed.

Lemma prod_exp : forall n f, prod n (fun k => exp (f k)) = exp (sum n f).
Proof. induction n as [|n IH]; intros f; simpl; [now rewrite exp_0|]. rewrite IH, exp_plus. reflexivity. Qed.

(** E3: with |Psi_k - Phi_k| <= eps_k along the learned path, e_K <= sum_k eps_k exp(int_delta^(t_k) lambda):
    I k is an antiderivative of the rate at t_k, so that Lambda_k = I(t_(k-1)) - I(t_k). *)
Theorem error_sum : forall (I eps : nat -> R) n x0,
  (forall k x y, (k < n)%nat -> distance (phi k x) (phi k y) <= exp (I k - I (S k)) * distance x y) ->
  (forall k, (k < n)%nat -> distance (psi k (compose psi k x0)) (phi k (compose psi k x0)) <= eps k) ->
  error x0 x0 n <= sum n (fun k => eps k * exp (I (S k) - I n)).
Proof.
  intros I eps n x0 L E.
  assert (G := discrete_gronwall (error x0 x0) eps (fun k => exp (I k - I (S k))) n).
  eapply Rle_trans; [apply G|].
  - intros; left; apply exp_pos.
  - intros k Hk. eapply Rle_trans; [apply (error_step (fun k => I k - I (S k)))|].
    + intros. now apply L.
    + apply Rplus_le_compat_l. now apply E.
  - right.
    replace (error x0 x0 0) with 0.
    + rewrite Rmult_0_r, Rplus_0_l. apply sum_ext; intros k Hk. f_equal.
      rewrite (prod_exp (n - S k) (fun j => I (S k + j)%nat - I (S (S k + j)))). f_equal.
      assert (T : forall p q, sum p (fun j => I (q + j)%nat - I (S (q + j))) = I q - I (q + p)%nat).
      { induction p as [|p IH]; intros q; simpl; [rewrite Nat.add_0_r; ring|].
        rewrite IH. replace (q + S p)%nat with (S (q + p)) by lia. ring. }
      rewrite T. f_equal. f_equal. lia.
    + unfold error, distance, norm, dot, vsub. simpl. rewrite sum_zero; [now rewrite sqrt_0|]. intros; ring.
Qed.

(** E3 as on the page, with Coquelicot's integral: Lambda_k = int_(t_k)^(t_(k-1)) lambda. *)
Corollary error_sum_integral : forall (lambda : R -> R) (t eps : nat -> R) n x0,
  (forall i j, (i <= n)%nat -> (j <= n)%nat -> ex_RInt lambda (t i) (t j)) ->
  (forall k x y, (k < n)%nat -> distance (phi k x) (phi k y) <= exp (RInt lambda (t (S k)) (t k)) * distance x y) ->
  (forall k, (k < n)%nat -> distance (psi k (compose psi k x0)) (phi k (compose psi k x0)) <= eps k) ->
  error x0 x0 n <= sum n (fun k => eps k * exp (RInt lambda (t n) (t (S k)))).
Proof.
  intros lambda t eps n x0 X L E.
  eapply Rle_trans; [apply (error_sum (fun k => RInt lambda (t n) (t k)) eps n x0)|].
  - intros k x y Hk.
    replace (RInt lambda (t n) (t k) - RInt lambda (t n) (t (S k))) with (RInt lambda (t (S k)) (t k)); [now apply L|].
    assert (C : RInt lambda (t n) (t (S k)) + RInt lambda (t (S k)) (t k) = RInt lambda (t n) (t k)) by
      (apply (RInt_Chasles lambda (t n) (t (S k)) (t k)); apply X; lia). lra.
  - exact E.
  - right. apply sum_ext; intros k Hk. rewrite RInt_point. unfold zero; simpl. now rewrite Rminus_0_r.
Qed.

(** E2, at one starting point x: with Y_k = Phi_k o ... o Phi_1 (x) on the exact path,
    |Psi(x) - Phi(x)| <= sum_k (prod_(j>k) Lip(Psi_j)) |Psi_k(Y_(k-1)) - Phi_k(Y_(k-1))|. *)
Theorem error_on_exact_path : forall (lip : nat -> R) n x,
  (forall k, 0 <= lip k) ->
  (forall k y z, (k < n)%nat -> distance (psi k y) (psi k z) <= lip k * distance y z) ->
  error x x n <= sum n (fun k => prod (n - S k) (fun j => lip (S k + j)%nat)
                                 * distance (psi k (compose phi k x)) (phi k (compose phi k x))).
Proof.
  intros lip n x P L.
  assert (G := discrete_gronwall (error x x)
    (fun k => distance (psi k (compose phi k x)) (phi k (compose phi k x))) lip n (fun k _ => P k)).
  eapply Rle_trans; [apply G|].
  - intros k Hk. unfold error. simpl.
    assert (T := norm_sub_triangle d (psi k (compose psi k x)) (psi k (compose phi k x)) (phi k (compose phi k x))).
    specialize (L k (compose psi k x) (compose phi k x) Hk). unfold distance in *. lra.
  - right. replace (error x x 0) with 0.
    + rewrite Rmult_0_r, Rplus_0_l. apply sum_ext; intros; ring.
    + unfold error, distance, norm, dot, vsub. simpl. rewrite sum_zero; [now rewrite sqrt_0|]. intros; ring.
Qed.

End Propagation.

(** ** In mean square: X takes finitely many values x_i with the probabilities p_i *)

Definition rms (n : nat) (p f : nat -> R) : R := sqrt (sum n (fun i => p i * f i ^ 2)).

Lemma rms_scale : forall n p a f, 0 <= a -> rms n p (fun i => a * f i) = a * rms n p f.
Proof.
  intros n p a f A. unfold rms.
  rewrite (sum_ext n _ (fun i => a ^ 2 * (p i * f i ^ 2))) by (intros; ring).
  rewrite sum_scal, sqrt_mult_alt by apply pow2_ge_0. f_equal. now apply sqrt_pow2.
Qed.

Lemma rms_le : forall n p f g, (forall i, (i < n)%nat -> 0 <= p i) ->
  (forall i, (i < n)%nat -> 0 <= f i <= g i) -> rms n p f <= rms n p g.
Proof.
  intros n p f g P H. apply sqrt_le_1_alt, sum_le. intros i Hi. apply Rmult_le_compat_l; auto.
  apply pow_incr. now apply H.
Qed.

(** Minkowski. *)
Lemma rms_plus : forall n p f g, (forall i, (i < n)%nat -> 0 <= p i) ->
  rms n p (fun i => f i + g i) <= rms n p f + rms n p g.
Proof.
  intros n p f g P.
  assert (E : forall h, rms n p h = norm n (fun i => sqrt (p i) * h i)).
  { intros h. unfold rms, norm, dot. f_equal. apply sum_ext; intros i Hi.
    replace (sqrt (p i) * h i * (sqrt (p i) * h i)) with (sqrt (p i) * sqrt (p i) * h i ^ 2) by ring.
    now rewrite sqrt_sqrt by auto. }
  rewrite !E. eapply Rle_trans; [|apply norm_triangle]. right. apply norm_ext. intros; unfold vadd; ring.
Qed.

Lemma rms_sum : forall K n p (f : nat -> nat -> R), (forall i, (i < n)%nat -> 0 <= p i) ->
  rms n p (fun i => sum K (fun k => f k i)) <= sum K (fun k => rms n p (f k)).
Proof.
  induction K as [|K IH]; intros n p f P; simpl.
  - unfold rms. rewrite sum_zero, sqrt_0; [lra|]. intros; ring.
  - eapply Rle_trans; [apply rms_plus; auto|]. apply Rplus_le_compat_r. now apply IH.
Qed.

(** E2 for q = 2 and a law on finitely many points:
    ||e_K|| <= sum_k (prod_(j>k) Lip(Psi_j)) ||Psi_k - Phi_k||, each norm in the law of the exact path at t_(k-1). *)
Theorem error_on_law : forall d phi psi (lip : nat -> R) K n (p : nat -> R) (x : nat -> vec),
  (forall i, (i < n)%nat -> 0 <= p i) -> (forall k, 0 <= lip k) ->
  (forall k y z, (k < K)%nat -> distance d (psi k y) (psi k z) <= lip k * distance d y z) ->
  rms n p (fun i => error d phi psi (x i) (x i) K)
  <= sum K (fun k => prod (K - S k) (fun j => lip (S k + j)%nat)
            * rms n p (fun i => distance d (psi k (compose phi k (x i))) (phi k (compose phi k (x i))))).
Proof.
  intros d phi psi lip K n p x P L H.
  eapply Rle_trans.
  - apply rms_le; auto. intros i Hi. split; [apply norm_nonneg|]. now apply (error_on_exact_path d phi psi lip).
  - eapply Rle_trans; [now apply rms_sum|]. right. apply sum_ext; intros k Hk. apply rms_scale.
    generalize (K - S k)%nat. induction n0 as [|q IH]; simpl; [lra|]. now apply Rmult_le_pos.
Qed.
