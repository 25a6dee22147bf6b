(** L3: the one-sided rate: 1 - 1/v <= lambda_min(-J) <= lambda_max(-J) <= lambda = 1 - 1/v + m^2 D^2/(4 v^2) <= L.

    Page: proofs/L3.md.  For all K, d, weights gamma, means mu, by every direction u. *)

Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite L2.
Open Scope R_scope.

Definition one_sided (m v D : R) : R := 1 - 1 / v + m ^ 2 * D ^ 2 / (4 * v ^ 2).

(** (1 - 1/v) |u|^2 <= u^T (-J) u <= lambda |u|^2. *)
Theorem one_sided_bounds : forall K d g mu D m v, weights K g -> diameter K d mu D -> 0 < v ->
  forall u, (1 - 1 / v) * dot d u u <= - form d (jacobian m v (covmatrix K g mu)) u <= one_sided m v D * dot d u u.
Proof.
  intros K d g mu D m v G HD V u. rewrite jacobian_form, <- covmatrix_variance.
  destruct (covariance_bounds K d g mu D G HD u) as [C0 C1].
  assert (Q := coefficient_nonneg m v ltac:(lra)).
  replace (one_sided m v D) with (1 - 1 / v + m ^ 2 / v ^ 2 * (D ^ 2 / 4)) by (unfold one_sided; field; lra).
  split; nra.
Qed.

(** lambda <= L. *)
Theorem one_sided_le_two_sided : forall m v D, 0 < v -> one_sided m v D <= two_sided m v D.
Proof.
  intros m v D V. unfold two_sided, one_sided. eapply Rle_trans; [|apply Rmax_r].
  rewrite <- Rabs_Ropp. eapply Rle_trans; [|apply Rle_abs]. lra.
Qed.

(** With v = 1 - c m^2: lambda = (m^2/v^2) (D^2/4 - c v), which shows its sign. *)
Theorem one_sided_sign_form : forall m c D, let v := 1 - c * m ^ 2 in 0 < v ->
  one_sided m v D = m ^ 2 / v ^ 2 * (D ^ 2 / 4 - c * v).
Proof. intros m c D v V. unfold one_sided, v in *. field. lra. Qed.

(** It is negative only where c v > D^2/4, so only for sigma < 1 (c > 0). *)
Theorem one_sided_negative : forall m c D, let v := 1 - c * m ^ 2 in 0 < v -> 0 < m ->
  (one_sided m v D < 0 <-> D ^ 2 / 4 < c * v).
Proof.
  intros m c D v V M. unfold v at 1. rewrite one_sided_sign_form by exact V. fold v.
  assert (0 < m ^ 2 / v ^ 2) by (apply Rdiv_lt_0_compat; nra).
  split; intros N; nra.
Qed.
