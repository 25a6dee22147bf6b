(** L4 for two components, and formula (star) of the notation: no smaller rate than lambda serves.

    Pages: proofs/L4.md (the case K = 2), proofs/notation.md.  Any weights, any two different means, every d, m > 0, v > 0. *)

Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite S2 L1 L2 L3.
Open Scope R_scope.

(** Formula (star) of the notation: Cov_gamma(y, z) = 1/2 sum_(k,l) gamma_k gamma_l (y_k - y_l)(z_k - z_l). *)
Theorem covariance_by_pairs : forall K g y z, sum K g = 1 ->
  covar K g y z = 1 / 2 * sum K (fun k => sum K (fun l => g k * g l * ((y k - y l) * (z k - z l)))).
Proof.
  intros K g y z G. rewrite covar_expand by exact G.
  rewrite (sum_ext K (fun k => sum K (fun l => g k * g l * ((y k - y l) * (z k - z l))))
    (fun k => g k * (y k * z k) + g k * sum K (fun l => g l * (y l * z l)) - (g k * y k * mean K g z + g k * z k * mean K g y))).
  - rewrite sum_minus, !sum_plus, !sum_scal_r, G. fold (mean K g y) (mean K g z). field.
  - intros k Hk.
    rewrite (sum_ext K _ (fun l => g k * (y k * z k) * g l + g k * (g l * (y l * z l)) - (g k * y k * (g l * z l) + g k * z k * (g l * y l))))
      by (intros; ring).
    rewrite sum_minus, !sum_plus, !sum_scal, G. fold (mean K g y) (mean K g z). ring.
Qed.

Section TwoModes.
Variables (d : nat) (w : nat -> R) (mu : nat -> vec) (m v : R).
Hypothesis w_pos : forall k, (k < 2)%nat -> 0 < w k.
Hypothesis m_pos : 0 < m.
Hypothesis v_pos : 0 < v.
Let u := vsub (mu O) (mu 1%nat).
Hypothesis different : 0 < dot d u u.
Let D := norm d u.
Let minus_jacobian x h := - form d (jacobian m v (covmatrix 2 (gamma 2 d w mu m v x) mu)) h.

(** Where gamma_1 = gamma_2 the bound of L3 is attained in the direction of mu_1 - mu_2: u^T (-J) u = lambda |u|^2. *)
Theorem rate_attained : forall x, gamma 2 d w mu m v x O = gamma 2 d w mu m v x 1%nat ->
  minus_jacobian x u = one_sided m v D * dot d u u.
Proof.
  intros x E. unfold minus_jacobian. rewrite jacobian_form.
  destruct (gamma_weights 2 d w mu ltac:(lia) w_pos m v x) as [_ G].
  set (g := gamma 2 d w mu m v x) in *.
  assert (G0 : g O = 1 / 2) by (simpl in G; lra). assert (G1 : g 1%nat = 1 / 2) by (simpl in G; lra).
  assert (V : variance 2 g (fun k => dot d u (mu k)) = dot d u u * dot d u u / 4).
  { unfold variance. rewrite covariance_by_pairs by exact G. simpl. rewrite G0, G1.
    replace (dot d u (mu O)) with (dot d u u + dot d u (mu 1%nat)) by (unfold u at 2; rewrite dot_sub_r; ring). field. }
  rewrite V. unfold one_sided, D.
  replace (norm d u ^ 2) with (dot d u u) by (rewrite <- norm_square; ring). field. lra.
Qed.

(** Such points exist, whatever the weights. *)
Theorem tie_exists : exists x, gamma 2 d w mu m v x O = gamma 2 d w mu m v x 1%nat.
Proof.
  set (s := v * ln (w 1%nat / w O) / (m * dot d u u)).
  exists (fun i => m * (mu O i + mu 1%nat i) / 2 + s * u i).
  set (x := fun i => m * (mu O i + mu 1%nat i) / 2 + s * u i).
  assert (W0 := w_pos O ltac:(lia)). assert (W1 := w_pos 1%nat ltac:(lia)).
  assert (F : forall k, exponent d m mu (precision v) x k = - (dot d (offset m mu k x) (offset m mu k x) / (2 * v))).
  { intros k. unfold exponent, form.
    rewrite (dot_ext d (offset m mu k x) (offset m mu k x) (matvec d (precision v k) (offset m mu k x)) (vscale (/ v) (offset m mu k x))).
    - rewrite dot_scale_r. field. lra.
    - reflexivity.
    - intros i Hi. rewrite matvec_precision by auto. unfold vscale, Rdiv. ring. }
  assert (N0 : dot d (offset m mu O x) (offset m mu O x) = (s - m / 2) ^ 2 * dot d u u).
  { replace ((s - m / 2) ^ 2 * dot d u u) with (dot d (vscale (s - m / 2) u) (vscale (s - m / 2) u))
      by (rewrite dot_scale_l, dot_scale_r; ring).
    apply dot_ext; intros i Hi; unfold offset, x, vscale, u, vsub; field. }
  assert (N1 : dot d (offset m mu 1 x) (offset m mu 1 x) = (s + m / 2) ^ 2 * dot d u u).
  { replace ((s + m / 2) ^ 2 * dot d u u) with (dot d (vscale (s + m / 2) u) (vscale (s + m / 2) u))
      by (rewrite dot_scale_l, dot_scale_r; ring).
    apply dot_ext; intros i Hi; unfold offset, x, vscale, u, vsub; field. }
  unfold gamma, responsibility, softmax. f_equal. rewrite !F, N0, N1. unfold amplitude.
  rewrite !(Rmult_comm (w _)), !Rmult_assoc. f_equal.
  rewrite <- (exp_ln (w O)) at 1 by auto. rewrite <- (exp_ln (w 1%nat)) at 1 by auto. rewrite <- !exp_plus. f_equal.
  assert (L : ln (w 1%nat / w O) = ln (w 1%nat) - ln (w O)).
  { unfold Rdiv. rewrite ln_mult, ln_Rinv by (auto; now apply Rinv_0_lt_compat). ring. }
  assert (S : s * m * dot d u u = v * (ln (w 1%nat) - ln (w O))) by (unfold s; rewrite <- L; field; split; lra).
  apply Rmult_eq_reg_r with v; [|lra].
  replace ((ln (w O) + - ((s - m / 2) ^ 2 * dot d u u / (2 * v))) * v)
    with (ln (w O) * v - (s ^ 2 + m ^ 2 / 4) * dot d u u / 2 + s * m * dot d u u / 2) by (field; lra).
  replace ((ln (w 1%nat) + - ((s + m / 2) ^ 2 * dot d u u / (2 * v))) * v)
    with (ln (w 1%nat) * v - (s ^ 2 + m ^ 2 / 4) * dot d u u / 2 - s * m * dot d u u / 2) by (field; lra).
  rewrite S. lra.
Qed.

(** L4 for K = 2: sup_x lambda_max(-J(x)) = lambda: lambda serves for all x, and no smaller number does. *)
Theorem rate_is_sharp : forall r, (forall x h, minus_jacobian x h <= r * dot d h h) <-> one_sided m v D <= r.
Proof.
  intros r. split.
  - intros H. destruct tie_exists as [x E].
    specialize (H x u). rewrite rate_attained in H by exact E.
    apply Rmult_le_reg_r with (dot d u u); auto.
  - intros H x h.
    assert (Dm : diameter 2 d mu D).
    { intros k l Hk Hl. unfold D, u. assert (Z : forall y, norm d (vsub y y) = 0).
      { intros y. unfold norm, dot, vsub. rewrite sum_zero; [apply sqrt_0|]. intros; ring. }
      destruct k as [|[|k]], l as [|[|l]]; try lia; rewrite ?Z; try apply norm_nonneg; try lra.
      rewrite norm_opp. lra. }
    assert (B := one_sided_bounds 2 d (gamma 2 d w mu m v x) mu D m v (gamma_weights 2 d w mu ltac:(lia) w_pos m v x) Dm v_pos h).
    assert (P := dot_nonneg d h). unfold minus_jacobian. nra.
Qed.

End TwoModes.
