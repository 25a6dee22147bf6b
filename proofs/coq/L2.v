(** L2: Popoviciu's inequality, 0 <= Cov_gamma(mu) <= D^2/4 I, and the two-sided bound of the Jacobian.

    Page: proofs/L2.md.  For all K, d, weights gamma, means mu. *)

Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite.
Open Scope R_scope.

(** The identity of the page: (M - l)^2/4 - Var = (mean - (M + l)/2)^2 + sum_k g_k (M - y_k)(y_k - l). *)
Theorem popoviciu_identity : forall K g y l M, sum K g = 1 ->
  (M - l) ^ 2 / 4 - variance K g y
  = (mean K g y - (M + l) / 2) ^ 2 + sum K (fun k => g k * ((M - y k) * (y k - l))).
Proof.
  intros K g y l M G. unfold variance. rewrite covar_expand by exact G.
  rewrite (sum_ext K (fun k => g k * ((M - y k) * (y k - l)))
    (fun k => g k * y k * (M + l) - g k * (y k * y k) - g k * (M * l))) by (intros; ring).
  rewrite !sum_minus, !sum_scal_r, G. fold (mean K g y). field.
Qed.

(** Popoviciu: numbers y_k in [l, M] have variance at most (M - l)^2/4 under any weights. *)
Theorem popoviciu : forall K g y l M, weights K g -> (forall k, (k < K)%nat -> l <= y k <= M) ->
  variance K g y <= (M - l) ^ 2 / 4.
Proof.
  intros K g y l M [G0 G1] H. assert (I := popoviciu_identity K g y l M G1).
  assert (0 <= sum K (fun k => g k * ((M - y k) * (y k - l)))).
  { apply sum_nonneg. intros k Hk. specialize (H k Hk). specialize (G0 k Hk).
    apply Rmult_le_pos; [lra|]. apply Rmult_le_pos; lra. }
  assert (0 <= (mean K g y - (M + l) / 2) ^ 2) by apply pow2_ge_0. lra.
Qed.

Lemma variance_nonneg : forall K g y, weights K g -> 0 <= variance K g y.
Proof.
  intros K g y [G0 _]. unfold variance, covar. apply sum_nonneg. intros k Hk. specialize (G0 k Hk).
  apply Rmult_le_pos; [lra | apply Rle_0_sqr].
Qed.

(** Numbers that differ by at most w in pairs lie in an interval of length w. *)
Lemma interval_of_pairs : forall K (y : nat -> R) w, (0 < K)%nat ->
  (forall k l, (k < K)%nat -> (l < K)%nat -> y k - y l <= w) ->
  exists lo, forall k, (k < K)%nat -> lo <= y k <= lo + w.
Proof.
  intros K y w HK H.
  assert (M : exists j, (j < K)%nat /\ forall k, (k < K)%nat -> y j <= y k).
  { clear H. induction K as [|[|n] IH]; [lia | exists O; split; [lia|]; intros k Hk; replace k with O by lia; lra |].
    destruct IH as (j & Hj & IH); [lia|].
    destruct (Rle_lt_dec (y j) (y (S n))) as [A|A].
    - exists j. split; [lia|]. intros k Hk. destruct (Nat.eq_dec k (S n)) as [->|]; [auto | apply IH; lia].
    - exists (S n). split; [lia|]. intros k Hk. destruct (Nat.eq_dec k (S n)) as [->|]; [lra|].
      assert (y j <= y k) by (apply IH; lia). lra. }
  destruct M as (j & Hj & M). exists (y j). intros k Hk. split; [now apply M|].
  specialize (H k j Hk Hj). lra.
Qed.

Lemma popoviciu_pairs : forall K g y w, weights K g ->
  (forall k l, (k < K)%nat -> (l < K)%nat -> y k - y l <= w) -> variance K g y <= w ^ 2 / 4.
Proof.
  intros K g y w G H.
  assert (HK : (0 < K)%nat) by (destruct K; [destruct G as [_ G]; simpl in G; lra | lia]).
  destruct (interval_of_pairs K y w HK H) as [lo L].
  replace (w ^ 2 / 4) with ((lo + w - lo) ^ 2 / 4) by (f_equal; ring).
  now apply popoviciu.
Qed.

(** D is (at least) the diameter of the means: |mu_k - mu_l| <= D for all pairs. *)
Definition diameter (K d : nat) (mu : nat -> vec) (D : R) : Prop :=
  forall k l, (k < K)%nat -> (l < K)%nat -> norm d (vsub (mu k) (mu l)) <= D.

(** Matrix form, by every direction u: 0 <= u^T Cov_gamma(mu) u <= D^2/4 |u|^2. *)
Theorem covariance_bounds : forall K d g mu D, weights K g -> diameter K d mu D ->
  forall u, 0 <= form d (covmatrix K g mu) u <= D ^ 2 / 4 * dot d u u.
Proof.
  intros K d g mu D G HD u. rewrite covmatrix_variance. split; [now apply variance_nonneg|].
  replace (D ^ 2 / 4 * dot d u u) with ((D * norm d u) ^ 2 / 4) by (rewrite <- norm_square; field).
  apply popoviciu_pairs; auto.
  intros k l Hk Hl. rewrite <- dot_sub_r. eapply Rle_trans; [apply dot_le_norms|].
  rewrite Rmult_comm. apply Rmult_le_compat_r; [apply norm_nonneg | now apply HD].
Qed.

(** The form of L1: J = (1/v - 1) I - (m^2/v^2) Cov. (That this is the derivative of the velocity: L1.v.) *)
Definition jacobian (m v : R) (C : nat -> nat -> R) : nat -> nat -> R :=
  fun i j => (1 / v - 1) * (if Nat.eq_dec i j then 1 else 0) - m ^ 2 / v ^ 2 * C i j.

Lemma matvec_jacobian : forall d m v C u i, (i < d)%nat ->
  matvec d (jacobian m v C) u i = (1 / v - 1) * u i - m ^ 2 / v ^ 2 * matvec d C u i.
Proof.
  intros d m v C u i Hi. unfold matvec, jacobian.
  rewrite (sum_ext d _ (fun j => (1 / v - 1) * ((if Nat.eq_dec i j then 1 else 0) * u j) - m ^ 2 / v ^ 2 * (C i j * u j)))
    by (intros; ring).
  rewrite sum_minus, !sum_scal. f_equal. f_equal.
  clear - Hi. induction d as [|n IH]; [lia|]. simpl. destruct (Nat.eq_dec i n) as [->|N].
  - rewrite sum_zero; [ring|]. intros j Hj. destruct (Nat.eq_dec n j); [lia|ring].
  - rewrite IH by lia. ring.
Qed.

(** L1 as a quadratic form: u^T J u = (1/v - 1)|u|^2 - (m^2/v^2) Var_gamma(<u, mu_k>). *)
Theorem jacobian_form : forall K d g mu m v u,
  form d (jacobian m v (covmatrix K g mu)) u
  = (1 / v - 1) * dot d u u - m ^ 2 / v ^ 2 * variance K g (fun k => dot d u (mu k)).
Proof.
  intros. rewrite <- covmatrix_variance. unfold form.
  rewrite (dot_ext d u u (matvec d (jacobian m v (covmatrix K g mu)) u)
    (vsub (vscale (1 / v - 1) u) (vscale (m ^ 2 / v ^ 2) (matvec d (covmatrix K g mu) u)))).
  - now rewrite dot_sub_r, !dot_scale_r.
  - reflexivity.
  - intros i Hi. now rewrite matvec_jacobian.
Qed.

Lemma jacobian_symmetric : forall K d g mu m v, symmetric d (jacobian m v (covmatrix K g mu)).
Proof.
  intros K d g mu m v i j Hi Hj. unfold jacobian. rewrite (covmatrix_symmetric K d g mu i j Hi Hj).
  destruct (Nat.eq_dec i j), (Nat.eq_dec j i); try lia; reflexivity.
Qed.

(** L(t) = max(|1/v - 1|, |1/v - 1 - m^2 D^2 / (4 v^2)|). *)
Definition two_sided (m v D : R) : R := Rmax (Rabs (1 / v - 1)) (Rabs (1 / v - 1 - m ^ 2 * D ^ 2 / (4 * v ^ 2))).

Lemma coefficient_nonneg : forall m v, v <> 0 -> 0 <= m ^ 2 / v ^ 2.
Proof.
  intros m v V. apply Rmult_le_pos; [apply pow2_ge_0|]. left. apply Rinv_0_lt_compat. nra.
Qed.

(** The modulus of a point of an interval is at most the larger modulus of its ends. *)
Lemma modulus_of_ends : forall lo hi y, lo <= y <= hi -> Rabs y <= Rmax (Rabs hi) (Rabs lo).
Proof.
  intros lo hi y H. destruct (Rle_dec 0 y).
  - eapply Rle_trans; [|apply Rmax_l]. rewrite !Rabs_pos_eq; lra.
  - eapply Rle_trans; [|apply Rmax_r]. rewrite !Rabs_left1; lra.
Qed.

(** L2: |u^T J u| <= L(t) |u|^2 in every direction. *)
Theorem jacobian_form_bound : forall K d g mu D m v, weights K g -> diameter K d mu D -> 0 < v ->
  forall u, Rabs (form d (jacobian m v (covmatrix K g mu)) u) <= two_sided m v D * dot d u u.
Proof.
  intros K d g mu D m v G HD V u.
  rewrite jacobian_form, <- covmatrix_variance.
  destruct (covariance_bounds K d g mu D G HD u) as [C0 C1].
  assert (Q := coefficient_nonneg m v ltac:(lra)).
  assert (N := dot_nonneg d u).
  set (q := m ^ 2 / v ^ 2) in *.
  replace (two_sided m v D) with (Rmax (Rabs (1 / v - 1)) (Rabs (1 / v - 1 - q * (D ^ 2 / 4))))
    by (unfold two_sided, q; do 2 f_equal; field; lra).
  assert (B := modulus_of_ends ((1 / v - 1 - q * (D ^ 2 / 4)) * dot d u u) ((1 / v - 1) * dot d u u)
    ((1 / v - 1) * dot d u u - q * form d (covmatrix K g mu) u) ltac:(split; nra)).
  rewrite !Rabs_mult, (Rabs_pos_eq (dot d u u)) in B by exact N.
  rewrite (Rmult_comm (Rabs (1 / v - 1))), (Rmult_comm (Rabs (1 / v - 1 - q * (D ^ 2 / 4)))), RmaxRmult in B by exact N.
  rewrite (Rmult_comm (dot d u u)) in B. exact B.
Qed.

(** L2: ||J||_2 <= L(t), that is |J u| <= L(t) |u| for every u. *)
Theorem jacobian_norm : forall K d g mu D m v, weights K g -> diameter K d mu D -> 0 < v ->
  forall u, norm d (matvec d (jacobian m v (covmatrix K g mu)) u) <= two_sided m v D * norm d u.
Proof.
  intros K d g mu D m v G HD V. apply symmetric_norm.
  - apply jacobian_symmetric.
  - eapply Rle_trans; [apply Rabs_pos | apply Rmax_l].
  - now apply jacobian_form_bound.
Qed.
