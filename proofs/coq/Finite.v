(** Finite sums, vectors of R^d, weights: the words in which the pages are written.

    A vector of R^d is a function [nat -> R] of which only the entries 0, ..., d-1 are looked at. *)

Require Import Reals Psatz Lia List Permutation FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
Open Scope R_scope.

(** [sum n f] is f 0 + ... + f (n-1). *)
Fixpoint sum (n : nat) (f : nat -> R) : R :=
  match n with O => 0 | S k => sum k f + f k end.

(** The same sum as Coquelicot's, which counts up to n included. *)
Theorem sum_is_sum_n : forall n f, sum (S n) f = sum_n f n.
Proof.
  induction n as [|n IH]; intros f.
  - rewrite sum_O. simpl. ring.
  - rewrite sum_Sn, <- IH. reflexivity.
Qed.

Lemma sum_ext : forall n f g, (forall k, (k < n)%nat -> f k = g k) -> sum n f = sum n g.
Proof.
  induction n as [|n IH]; intros f g H; simpl; [reflexivity|].
  rewrite (IH f g), (H n); auto; intros; apply H; lia.
Qed.

Lemma sum_plus : forall n f g, sum n (fun k => f k + g k) = sum n f + sum n g.
Proof. induction n as [|n IH]; intros; simpl; [ring|]. rewrite IH. ring. Qed.

Lemma sum_minus : forall n f g, sum n (fun k => f k - g k) = sum n f - sum n g.
Proof. induction n as [|n IH]; intros; simpl; [ring|]. rewrite IH. ring. Qed.

Lemma sum_scal : forall n c f, sum n (fun k => c * f k) = c * sum n f.
Proof. induction n as [|n IH]; intros; simpl; [ring|]. rewrite IH. ring. Qed.

Lemma sum_scal_r : forall n c f, sum n (fun k => f k * c) = sum n f * c.
Proof. induction n as [|n IH]; intros; simpl; [ring|]. rewrite IH. ring. Qed.

Lemma sum_opp : forall n f, sum n (fun k => - f k) = - sum n f.
Proof. induction n as [|n IH]; intros; simpl; [ring|]. rewrite IH. ring. Qed.

Lemma sum_const : forall n c, sum n (fun _ => c) = INR n * c.
Proof.
  induction n as [|n IH]; intros; [simpl; ring|].
  rewrite S_INR. simpl sum. rewrite IH. ring.
Qed.

Lemma sum_zero : forall n f, (forall k, (k < n)%nat -> f k = 0) -> sum n f = 0.
Proof.
  intros n f H. rewrite (sum_ext n f (fun _ => 0) H), sum_const. ring.
Qed.

Lemma sum_le : forall n f g, (forall k, (k < n)%nat -> f k <= g k) -> sum n f <= sum n g.
Proof.
  induction n as [|n IH]; intros f g H; simpl; [lra|].
  apply Rplus_le_compat; [apply IH; intros; apply H; lia | apply H; lia].
Qed.

Lemma sum_nonneg : forall n f, (forall k, (k < n)%nat -> 0 <= f k) -> 0 <= sum n f.
Proof.
  intros n f H. rewrite <- (sum_zero n (fun _ => 0)) by auto. apply sum_le. exact H.
Qed.

Lemma sum_pos : forall n f, (0 < n)%nat -> (forall k, (k < n)%nat -> 0 < f k) -> 0 < sum n f.
Proof.
  intros [|n] f Hn H; [lia|]. simpl.
  assert (0 <= sum n f) by (apply sum_nonneg; intros; left; apply H; lia).
  assert (0 < f n) by (apply H; lia). lra.
Qed.

Lemma sum_swap : forall n p (f : nat -> nat -> R),
  sum n (fun i => sum p (fun j => f i j)) = sum p (fun j => sum n (fun i => f i j)).
Proof.
  induction n as [|n IH]; intros p f; simpl.
  - symmetry. apply sum_zero. auto.
  - rewrite IH, <- sum_plus. reflexivity.
Qed.

Lemma sum_abs_le : forall n f, Rabs (sum n f) <= sum n (fun k => Rabs (f k)).
Proof.
  induction n as [|n IH]; intros f; simpl; [rewrite Rabs_R0; lra|].
  eapply Rle_trans; [apply Rabs_triang|]. apply Rplus_le_compat_r, IH.
Qed.

Lemma sum_term_le : forall n f k, (forall j, (j < n)%nat -> 0 <= f j) -> (k < n)%nat -> f k <= sum n f.
Proof.
  induction n as [|n IH]; intros f k H Hk; [lia|]. simpl.
  assert (0 <= f n) by (apply H; lia).
  assert (0 <= sum n f) by (apply sum_nonneg; intros; apply H; lia).
  destruct (Nat.eq_dec k n) as [->|]; [lra|].
  specialize (IH f k). assert (f k <= sum n f) by (apply IH; [intros; apply H|]; lia). lra.
Qed.

Lemma sum_list : forall n f, sum n f = fold_right Rplus 0 (map f (seq 0 n)).
Proof.
  induction n as [|n IH]; intros f; [reflexivity|].
  rewrite seq_S, map_app, fold_right_app. simpl. rewrite IH, Rplus_0_r.
  generalize (map f (seq 0 n)); induction l as [|a l IHl]; simpl; [ring|]. rewrite <- IHl. ring.
Qed.

(** A sum does not change when an involution exchanges its terms. *)
Lemma sum_involution : forall n f r,
  (forall i, (i < n)%nat -> (r i < n)%nat /\ r (r i) = i) ->
  sum n (fun i => f (r i)) = sum n f.
Proof.
  intros n f r H. rewrite !sum_list.
  rewrite <- (map_map r f).
  assert (P : Permutation (map r (seq 0 n)) (seq 0 n)).
  { apply NoDup_Permutation_bis.
    - apply NoDup_nth with (d := O). rewrite map_length, seq_length. intros i j Hi Hj E.
      rewrite (nth_indep _ O (r O)), (nth_indep _ O (r O)) in E by (rewrite map_length, seq_length; auto).
      rewrite !map_nth, !seq_nth in E by auto. simpl in E.
      destruct (H i Hi) as [_ <-]. destruct (H j Hj) as [_ <-]. now rewrite E.
    - rewrite map_length. auto.
    - intros x Hx. apply in_map_iff in Hx. destruct Hx as (y & <- & Hy).
      apply in_seq in Hy. apply in_seq. destruct (H y); lia. }
  apply (Permutation_map f) in P.
  induction P; simpl; try lra; congruence.
Qed.

Lemma is_derive_sum : forall n (f : nat -> R -> R) (df : nat -> R) (x : R),
  (forall k, (k < n)%nat -> is_derive (f k) x (df k)) ->
  is_derive (fun y => sum n (fun k => f k y)) x (sum n df).
Proof.
  induction n as [|n IH]; intros f df x H; simpl.
  - apply (is_derive_const 0 x).
  - apply (is_derive_plus (fun y => sum n (fun k => f k y)) (f n)).
    + apply IH. intros; apply H; lia.
    + apply H; lia.
Qed.

(** ** Vectors *)

Definition vec := nat -> R.
Definition vadd (x y : vec) : vec := fun i => x i + y i.
Definition vsub (x y : vec) : vec := fun i => x i - y i.
Definition vscale (a : R) (x : vec) : vec := fun i => a * x i.

(** [dot d x y] is the scalar product of R^d, [norm d x] the Euclidean norm. *)
Definition dot (d : nat) (x y : vec) : R := sum d (fun i => x i * y i).
Definition norm (d : nat) (x : vec) : R := sqrt (dot d x x).

Section Vectors.
Variable d : nat.

Lemma dot_comm : forall x y, dot d x y = dot d y x.
Proof. intros; apply sum_ext; intros; ring. Qed.

Lemma dot_add_r : forall x y z, dot d x (vadd y z) = dot d x y + dot d x z.
Proof. intros; unfold dot, vadd. rewrite <- sum_plus. apply sum_ext; intros; ring. Qed.

Lemma dot_sub_r : forall x y z, dot d x (vsub y z) = dot d x y - dot d x z.
Proof. intros; unfold dot, vsub. rewrite <- sum_minus. apply sum_ext; intros; ring. Qed.

Lemma dot_scale_r : forall a x y, dot d x (vscale a y) = a * dot d x y.
Proof. intros; unfold dot, vscale. rewrite <- sum_scal. apply sum_ext; intros; ring. Qed.

Lemma dot_add_l : forall x y z, dot d (vadd y z) x = dot d y x + dot d z x.
Proof. intros. rewrite dot_comm, dot_add_r, !(dot_comm x). reflexivity. Qed.

Lemma dot_sub_l : forall x y z, dot d (vsub y z) x = dot d y x - dot d z x.
Proof. intros. rewrite dot_comm, dot_sub_r, !(dot_comm x). reflexivity. Qed.

Lemma dot_scale_l : forall a x y, dot d (vscale a y) x = a * dot d y x.
Proof. intros. rewrite dot_comm, dot_scale_r, (dot_comm x). reflexivity. Qed.

Lemma dot_nonneg : forall x, 0 <= dot d x x.
Proof. intros; apply sum_nonneg; intros; nra. Qed.

Lemma norm_nonneg : forall x, 0 <= norm d x.
Proof. intros; apply sqrt_pos. Qed.

Lemma norm_square : forall x, norm d x * norm d x = dot d x x.
Proof. intros; apply sqrt_sqrt, dot_nonneg. Qed.

Lemma norm_ext : forall x y, (forall i, (i < d)%nat -> x i = y i) -> norm d x = norm d y.
Proof. intros x y H; unfold norm, dot; f_equal; apply sum_ext; intros i Hi; now rewrite H. Qed.

Lemma dot_ext : forall x y u w, (forall i, (i < d)%nat -> x i = y i) -> (forall i, (i < d)%nat -> u i = w i) ->
  dot d x u = dot d y w.
Proof. intros x y u w H1 H2; unfold dot; apply sum_ext; intros i Hi; now rewrite H1, H2. Qed.

Lemma norm_zero_entry : forall x, dot d x x = 0 -> forall i, (i < d)%nat -> x i = 0.
Proof.
  intros x H i Hi.
  assert (x i * x i <= dot d x x)
    by (apply (sum_term_le d (fun i => x i * x i) i); auto; intros; nra).
  nra.
Qed.

(** Cauchy and Schwarz. *)
Theorem cauchy_schwarz_square : forall x y, dot d x y * dot d x y <= dot d x x * dot d y y.
Proof.
  intros x y.
  destruct (Req_dec (dot d y y) 0) as [Z|Z].
  - assert (E : dot d x y = 0)
      by (apply sum_zero; intros i Hi; rewrite (norm_zero_entry y Z i Hi); ring).
    rewrite E, Z. lra.
  - assert (P := dot_nonneg y). assert (0 < dot d y y) by lra.
    assert (Q := dot_nonneg (vsub (vscale (dot d y y) x) (vscale (dot d x y) y))).
    rewrite dot_sub_l, !dot_sub_r, !dot_scale_l, !dot_scale_r, (dot_comm y x) in Q.
    nra.
Qed.

Theorem cauchy_schwarz : forall x y, Rabs (dot d x y) <= norm d x * norm d y.
Proof.
  intros x y. apply Rsqr_incr_0_var.
  - rewrite <- Rsqr_abs. unfold Rsqr.
    replace (norm d x * norm d y * (norm d x * norm d y)) with ((norm d x * norm d x) * (norm d y * norm d y)) by ring.
    rewrite !norm_square. apply cauchy_schwarz_square.
  - apply Rmult_le_pos; apply norm_nonneg.
Qed.

Lemma dot_le_norms : forall x y, dot d x y <= norm d x * norm d y.
Proof. intros. eapply Rle_trans; [apply Rle_abs | apply cauchy_schwarz]. Qed.

Theorem norm_triangle : forall x y, norm d (vadd x y) <= norm d x + norm d y.
Proof.
  intros x y. apply Rsqr_incr_0_var.
  - unfold Rsqr. rewrite norm_square, dot_add_l, !dot_add_r, (dot_comm y x).
    rewrite <- (norm_square x), <- (norm_square y). assert (H := dot_le_norms x y). lra.
  - assert (A := norm_nonneg x). assert (B := norm_nonneg y). lra.
Qed.

Lemma norm_scale : forall a x, norm d (vscale a x) = Rabs a * norm d x.
Proof.
  intros. unfold norm. rewrite dot_scale_l, dot_scale_r, <- Rmult_assoc.
  rewrite sqrt_mult_alt by nra. f_equal. change (a * a) with (Rsqr a). apply sqrt_Rsqr_abs.
Qed.

Lemma norm_opp : forall x y, norm d (vsub x y) = norm d (vsub y x).
Proof. intros; unfold norm, dot, vsub. f_equal. apply sum_ext; intros; ring. Qed.

Lemma norm_sub_triangle : forall x y z, norm d (vsub x z) <= norm d (vsub x y) + norm d (vsub y z).
Proof.
  intros. rewrite (norm_ext _ (vadd (vsub x y) (vsub y z))) by (intros; unfold vadd, vsub; ring).
  apply norm_triangle.
Qed.

(** What is bounded in every direction is bounded: the direction of the vector itself tells. *)
Lemma norm_by_directions : forall x B, 0 <= B -> (forall u, dot d u x <= B * norm d u) -> norm d x <= B.
Proof.
  intros x B HB H. specialize (H x). rewrite <- norm_square in H.
  assert (P := norm_nonneg x). destruct (Req_dec (norm d x) 0); [lra|].
  apply Rmult_le_reg_r with (norm d x); lra.
Qed.

Lemma is_derive_dot : forall (u : vec) (x : R -> vec) (dx : vec) (t : R),
  (forall i, (i < d)%nat -> is_derive (fun s => x s i) t (dx i)) ->
  is_derive (fun s => dot d u (x s)) t (dot d u dx).
Proof.
  intros u x dx t H. unfold dot. apply is_derive_sum. intros k Hk.
  apply (is_derive_scal (fun s => x s k) t (u k)). now apply H.
Qed.

End Vectors.

(** ** Matrices: [matvec d A u] is A u, [form d A u] is u^T A u *)

Definition matvec (d : nat) (A : nat -> nat -> R) (u : vec) : vec := fun i => sum d (fun j => A i j * u j).
Definition form (d : nat) (A : nat -> nat -> R) (u : vec) : R := dot d u (matvec d A u).
Definition symmetric (d : nat) (A : nat -> nat -> R) : Prop :=
  forall i j, (i < d)%nat -> (j < d)%nat -> A i j = A j i.

Lemma matvec_symmetric : forall d A u w, symmetric d A -> dot d u (matvec d A w) = dot d w (matvec d A u).
Proof.
  intros d A u w S. unfold dot, matvec.
  rewrite (sum_ext d (fun i => u i * sum d (fun j => A i j * w j)) (fun i => sum d (fun j => u i * A i j * w j)))
    by (intros; rewrite <- sum_scal; apply sum_ext; intros; ring).
  rewrite sum_swap. apply sum_ext; intros j Hj. rewrite <- sum_scal. apply sum_ext; intros i Hi.
  rewrite (S i j) by auto. ring.
Qed.

Lemma matvec_add : forall d A u w i, matvec d A (vadd u w) i = matvec d A u i + matvec d A w i.
Proof. intros; unfold matvec, vadd; rewrite <- sum_plus; apply sum_ext; intros; ring. Qed.

Lemma matvec_sub : forall d A u w i, matvec d A (vsub u w) i = matvec d A u i - matvec d A w i.
Proof. intros; unfold matvec, vsub; rewrite <- sum_minus; apply sum_ext; intros; ring. Qed.

Lemma matvec_scale : forall d A a u i, matvec d A (vscale a u) i = a * matvec d A u i.
Proof. intros; unfold matvec, vscale; rewrite <- sum_scal; apply sum_ext; intros; ring. Qed.

(** The norm of a symmetric matrix is the largest value of its form on unit vectors:
    if |u^T A u| <= L |u|^2 for all u, then |A u| <= L |u| for all u. *)
Theorem symmetric_norm : forall d A L, symmetric d A -> 0 <= L ->
  (forall u, Rabs (form d A u) <= L * dot d u u) ->
  forall u, norm d (matvec d A u) <= L * norm d u.
Proof.
  intros d A L S HL H u.
  assert (pol : forall w, 2 * dot d w (matvec d A u) <= L * (dot d u u + dot d w w)).
  { intros w.
    assert (P := H (vadd u w)). assert (M := H (vsub u w)).
    apply Rabs_le_between in P. apply Rabs_le_between in M. unfold form in P, M.
    rewrite (dot_ext d (vadd u w) (vadd u w) (matvec d A (vadd u w)) (vadd (matvec d A u) (matvec d A w))) in P
      by (intros; first [reflexivity | apply matvec_add]).
    rewrite (dot_ext d (vsub u w) (vsub u w) (matvec d A (vsub u w)) (vsub (matvec d A u) (matvec d A w))) in M
      by (intros; first [reflexivity | apply matvec_sub]).
    rewrite !dot_add_l, !dot_add_r in P. rewrite !dot_sub_l, !dot_sub_r in M.
    rewrite (matvec_symmetric d A u w S) in *. rewrite (dot_comm d w u) in *. lra. }
  set (y := matvec d A u) in *.
  assert (Y := norm_nonneg d y). assert (U := norm_nonneg d u).
  destruct (Req_dec (norm d u) 0) as [Z|Z].
  - assert (Zu : dot d u u = 0) by (rewrite <- norm_square, Z; ring).
    assert (E : dot d y y = 0).
    { apply sum_zero. intros i Hi. unfold y, matvec.
      rewrite (sum_zero d (fun j => A i j * u j)); [ring|].
      intros j Hj. rewrite (norm_zero_entry d u Zu j Hj). ring. }
    rewrite Z. unfold norm. rewrite E, sqrt_0. lra.
  - destruct (Req_dec (norm d y) 0) as [Zy|Zy]; [rewrite Zy; nra|].
    specialize (pol (vscale (norm d u / norm d y) y)).
    rewrite dot_scale_l, dot_scale_l, dot_scale_r, <- !norm_square in pol.
    replace (2 * (norm d u / norm d y * (norm d y * norm d y))) with (2 * norm d u * norm d y) in pol by (field; auto).
    replace (norm d u / norm d y * (norm d u / norm d y * (norm d y * norm d y))) with (norm d u * norm d u) in pol
      by (field; auto).
    apply Rmult_le_reg_l with (norm d u); lra.
Qed.

(** ** Weights: numbers >= 0 with sum 1, their mean and variance *)

Definition weights (K : nat) (g : nat -> R) : Prop := (forall k, (k < K)%nat -> 0 <= g k) /\ sum K g = 1.
Definition mean (K : nat) (g y : nat -> R) : R := sum K (fun k => g k * y k).
Definition covar (K : nat) (g y z : nat -> R) : R :=
  sum K (fun k => g k * ((y k - mean K g y) * (z k - mean K g z))).
Definition variance (K : nat) (g y : nat -> R) : R := covar K g y y.

(** Cov_gamma(mu): entry (i, j) is the covariance of the coordinates i and j of the vectors mu_k. *)
Definition covmatrix (K : nat) (g : nat -> R) (mu : nat -> vec) : nat -> nat -> R :=
  fun i j => covar K g (fun k => mu k i) (fun k => mu k j).

Lemma covar_expand : forall K g y z, sum K g = 1 ->
  covar K g y z = sum K (fun k => g k * (y k * z k)) - mean K g y * mean K g z.
Proof.
  intros K g y z G. unfold covar.
  rewrite (sum_ext K _ (fun k => g k * (y k * z k) - g k * y k * mean K g z - (g k * z k * mean K g y
     - g k * (mean K g y * mean K g z)))) by (intros; ring).
  rewrite !sum_minus, !sum_scal_r. fold (mean K g y) (mean K g z). rewrite G. ring.
Qed.

Lemma mean_dot : forall K d g mu u, mean K g (fun k => dot d u (mu k)) = dot d u (fun i => mean K g (fun k => mu k i)).
Proof.
  intros. unfold mean, dot.
  rewrite (sum_ext K _ (fun k => sum d (fun i => u i * (g k * mu k i))))
    by (intros; rewrite <- sum_scal; apply sum_ext; intros; ring).
  rewrite sum_swap. apply sum_ext; intros. apply sum_scal.
Qed.

(** The covariance of <a, mu_k> and <u, mu_k> is a^T Cov u. *)
Lemma covmatrix_form : forall K d g mu a u,
  dot d a (matvec d (covmatrix K g mu) u) = covar K g (fun k => dot d a (mu k)) (fun k => dot d u (mu k)).
Proof.
  intros. unfold covar.
  rewrite (sum_ext K _ (fun k => sum d (fun i => sum d (fun j => a i * u j *
    (g k * ((mu k i - mean K g (fun k => mu k i)) * (mu k j - mean K g (fun k => mu k j)))))))).
  - rewrite sum_swap. unfold dot. apply sum_ext; intros i Hi.
    rewrite sum_swap. unfold matvec. rewrite <- sum_scal. apply sum_ext; intros j Hj.
    unfold covmatrix, covar. rewrite sum_scal. ring.
  - intros k Hk. rewrite (mean_dot K d g mu a), (mean_dot K d g mu u).
    set (c := fun i => mean K g (fun k0 => mu k0 i)).
    rewrite <- (dot_sub_r d a (mu k) c), <- (dot_sub_r d u (mu k) c).
    unfold dot at 1. rewrite <- sum_scal_r, <- sum_scal. apply sum_ext; intros i Hi.
    unfold dot. rewrite <- sum_scal, <- sum_scal. apply sum_ext; intros j Hj. unfold vsub, c. ring.
Qed.

Lemma covmatrix_symmetric : forall K d g mu, symmetric d (covmatrix K g mu).
Proof. intros K d g mu i j _ _. unfold covmatrix, covar. apply sum_ext; intros; ring. Qed.

(** u^T Cov_gamma(mu) u is the variance of the numbers <u, mu_k>. *)
Theorem covmatrix_variance : forall K d g mu u,
  form d (covmatrix K g mu) u = variance K g (fun k => dot d u (mu k)).
Proof. intros. unfold form, variance. apply covmatrix_form. Qed.
