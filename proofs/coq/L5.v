(** L5: the sharp rate of an instance reduces to one function of one variable.

    Page: proofs/L5.md (the reduction for a common variance).  For all K, d, weights, means, m > 0, v > 0. *)

Require Import Reals Psatz Lia FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite S2 L1 L2 F2.
Open Scope R_scope.

Section Reduction.
Variables (K d : nat) (w : nat -> R) (mu : nat -> vec).
Hypothesis K_pos : (0 < K)%nat.
Hypothesis w_pos : forall k, (k < K)%nat -> 0 < w k.

(** gamma_k proportional to w_k exp(y . mu_k - r |mu_k|^2). *)
Definition reduced (r : R) (y : vec) : nat -> R := softmax K w (fun k => dot d y (mu k) - r * dot d (mu k) (mu k)).

(** The responsibilities at x are these with y = m x / v and r = m^2/(2v). *)
Theorem reduced_responsibilities : forall m v x k, 0 < v -> (k < K)%nat ->
  gamma K d w mu m v x k = reduced (m ^ 2 / (2 * v)) (vscale (m / v) x) k.
Proof.
  intros m v x k V Hk.
  set (e := fun j => dot d (vscale (m / v) x) (mu j) - m ^ 2 / (2 * v) * dot d (mu j) (mu j)).
  set (f := Rpower (2 * PI * v) (- INR d / 2) * exp (- (dot d x x / (2 * v)))).
  assert (F : 0 < f) by (apply Rmult_lt_0_compat; apply exp_pos).
  assert (G : forall j, amplitude d w v j * exp (exponent d m mu (precision v) x j) = f * (w j * exp (e j))).
  { intros j. unfold amplitude, f.
    replace (exponent d m mu (precision v) x j) with (- (dot d x x / (2 * v)) + e j); [rewrite exp_plus; ring|].
    unfold exponent, e, form.
    rewrite (dot_ext d (offset m mu j x) (vsub x (vscale m (mu j)))
      (matvec d (precision v j) (offset m mu j x)) (vscale (/ v) (vsub x (vscale m (mu j))))).
    - rewrite dot_scale_r, dot_sub_l, !dot_sub_r, !dot_scale_l, !dot_scale_r, (dot_comm d (mu j) x). field. lra.
    - reflexivity.
    - intros i Hi. rewrite matvec_precision by auto. unfold offset, vsub, vscale. field. lra. }
  change (reduced (m ^ 2 / (2 * v)) (vscale (m / v) x) k) with (softmax K w e k).
  unfold gamma, responsibility, softmax, expsum.
  rewrite (sum_ext K (fun j => amplitude d w v j * exp (exponent d m mu (precision v) x j))
    (fun j => f * (w j * exp (e j)))) by (intros; apply G).
  rewrite sum_scal, G.
  assert (P := expsum_pos K w K_pos w_pos e). unfold expsum in P. field. lra.
Qed.

(** V bounds the covariance under all y exactly if 1 - 1/v + (m^2/v^2) V bounds -J at all x: so lambda* = 1 - 1/v + (m^2/v^2) V*(r). *)
Theorem sharp_rate_reduced : forall m v V, 0 < m -> 0 < v ->
  (forall y u, variance K (reduced (m ^ 2 / (2 * v)) y) (fun k => dot d u (mu k)) <= V * dot d u u)
  <-> (forall x u, - form d (jacobian m v (covmatrix K (gamma K d w mu m v x) mu)) u
                   <= (1 - 1 / v + m ^ 2 / v ^ 2 * V) * dot d u u).
Proof.
  intros m v V Hm Hv.
  assert (Q : 0 < m ^ 2 / v ^ 2) by (apply Rdiv_lt_0_compat; apply pow_lt; auto).
  assert (E : forall x u, variance K (gamma K d w mu m v x) (fun k => dot d u (mu k))
    = variance K (reduced (m ^ 2 / (2 * v)) (vscale (m / v) x)) (fun k => dot d u (mu k))).
  { intros x u. unfold variance, covar, mean.
    rewrite (sum_ext K (fun k => gamma K d w mu m v x k * dot d u (mu k))
      (fun k => reduced (m ^ 2 / (2 * v)) (vscale (m / v) x) k * dot d u (mu k)))
      by (intros; now rewrite reduced_responsibilities).
    apply sum_ext; intros k Hk. now rewrite reduced_responsibilities. }
  split.
  - intros H x u. rewrite jacobian_form, E. specialize (H (vscale (m / v) x) u).
    assert (A := Rmult_le_compat_l (m ^ 2 / v ^ 2) _ _ (Rlt_le _ _ Q) H). lra.
  - intros H y u. specialize (H (vscale (v / m) y) u). rewrite jacobian_form, E in H.
    replace (vscale (m / v) (vscale (v / m) y)) with y in H
      by (apply functional_extensionality; intros i; unfold vscale; field; lra).
    apply Rmult_le_reg_l with (m ^ 2 / v ^ 2); [exact Q|]. lra.
Qed.

End Reduction.

(** dr/dt = -m^2/v^2 for r = m^2/(2v), which turns int (m^2/v^2) V* dt into int V* dr. *)
Theorem coordinate_derive : forall c t, 0 < spread c t ->
  is_derive (fun s => factor s ^ 2 / (2 * spread c s)) t (- (factor t ^ 2 / spread c t ^ 2)).
Proof.
  intros c t V. unfold spread, factor in *. auto_derive.
  - repeat split; lra.
  - field. lra.
Qed.
