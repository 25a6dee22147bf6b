(** A9: straight coordinates zeta = x / sqrt(v), kappa = m / sqrt(v), in which the flow is dzeta/dkappa = E_gamma(mu).

    Page: proofs/A9.md, sections 1 and 2.  For all K, d, weights, means, sigma > 0. *)

Require Import Reals Psatz Lia FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite S2 L1 L2 F1 F2.
Open Scope R_scope.

Section Straight.
Variables (K d : nat) (w : nat -> R) (mu : nat -> vec).
Hypothesis K_pos : (0 < K)%nat.
Hypothesis w_pos : forall k, (k < K)%nat -> 0 < w k.

(** g(zeta, kappa) = E_gamma(mu), gamma_k proportional to w_k exp(-|zeta - kappa mu_k|^2 / 2): mean factor kappa, variance 1. *)
Definition field (kappa : R) (zeta : vec) : vec := fun i => mean K (gamma K d w mu kappa 1 zeta) (fun k => mu k i).

(** The page's form: gamma_k proportional to w_k exp(kappa <mu_k, zeta> - kappa^2 |mu_k|^2 / 2). *)
Theorem field_logits : forall kappa zeta i,
  field kappa zeta i
  = mean K (softmax K w (fun k => kappa * dot d (mu k) zeta - kappa ^ 2 * dot d (mu k) (mu k) / 2)) (fun k => mu k i).
Proof.
  intros kappa zeta i. unfold field.
  set (e := fun k => kappa * dot d (mu k) zeta - kappa ^ 2 * dot d (mu k) (mu k) / 2).
  rewrite mean_softmax by auto.
  unfold gamma, responsibility. rewrite mean_softmax by (auto; intros; now apply (amplitude_pos K d w w_pos)).
  set (f := Rpower (2 * PI * 1) (- INR d / 2) * exp (- (1 / 2) * dot d zeta zeta)).
  assert (F : 0 < f) by (apply Rmult_lt_0_compat; apply exp_pos).
  assert (G : forall k, amplitude d w 1 k * exp (exponent d kappa mu (precision 1) zeta k) = f * (w k * exp (e k))).
  { intros k. unfold amplitude, f.
    replace (exponent d kappa mu (precision 1) zeta k) with (- (1 / 2) * dot d zeta zeta + e k).
    - rewrite exp_plus. ring.
    - unfold exponent, e, form.
      rewrite (dot_ext d (offset kappa mu k zeta) (vsub zeta (vscale kappa (mu k)))
        (matvec d (precision 1 k) (offset kappa mu k zeta)) (vsub zeta (vscale kappa (mu k)))).
      + rewrite dot_sub_l, !dot_sub_r, !dot_scale_l, !dot_scale_r, (dot_comm d zeta (mu k)). field.
      + reflexivity.
      + intros j Hj. rewrite matvec_precision by auto. unfold offset, vsub, vscale. field. }
  unfold expsum.
  rewrite (sum_ext K (fun k => amplitude d w 1 k * exp (exponent d kappa mu (precision 1) zeta k))
    (fun k => f * (w k * exp (e k)))) by (intros; apply G).
  rewrite (sum_ext K (fun k => amplitude d w 1 k * exp (exponent d kappa mu (precision 1) zeta k) * mu k i)
    (fun k => f * (w k * exp (e k) * mu k i))) by (intros k Hk; rewrite G; ring).
  rewrite !sum_scal.
  assert (P := expsum_pos K w K_pos w_pos e). unfold expsum in P. field. lra.
Qed.

(** u = x (1/v - 1) - (m/v) E_gamma(mu). *)
Lemma velocity_mean : forall m v x i, 0 < v -> (i < d)%nat ->
  velocity K d w mu m v x i = (1 / v - 1) * x i - m / v * mean K (gamma K d w mu m v x) (fun k => mu k i).
Proof.
  intros m v x i V Hi. unfold velocity, mixture_score, score. fold (gamma K d w mu m v x).
  destruct (gamma_weights K d w mu K_pos w_pos m v x) as [_ G].
  assert (E : mean K (gamma K d w mu m v x) (fun k => component_score d m mu (precision v) k x i)
    = - (x i / v) + m / v * mean K (gamma K d w mu m v x) (fun k => mu k i)).
  { unfold mean.
    rewrite (sum_ext K _ (fun k => gamma K d w mu m v x k * - (x i / v) + m / v * (gamma K d w mu m v x k * mu k i))).
    - rewrite sum_plus, sum_scal_r, sum_scal, G. ring.
    - intros k Hk. unfold component_score. rewrite matvec_precision by auto. unfold offset. field. lra. }
  rewrite E. field. lra.
Qed.

(** gamma is the same in both coordinates. *)
Lemma gamma_straight : forall m v x k, 0 < v -> (k < K)%nat ->
  gamma K d w mu m v x k = gamma K d w mu (m / sqrt v) 1 (vscale (/ sqrt v) x) k.
Proof.
  intros m v x k V Hk.
  assert (S := sqrt_lt_R0 v V). assert (SS := sqrt_sqrt v ltac:(lra)).
  assert (E : forall j, exponent d m mu (precision v) x j
    = exponent d (m / sqrt v) mu (precision 1) (vscale (/ sqrt v) x) j).
  { intros j. unfold exponent, form, dot. f_equal. apply sum_ext; intros i Hi.
    rewrite !matvec_precision by auto. unfold offset, vscale. rewrite <- SS at 1. field. lra. }
  unfold gamma, responsibility, softmax, expsum.
  set (a := Rpower (2 * PI * v) (- INR d / 2)). set (b := Rpower (2 * PI * 1) (- INR d / 2)).
  assert (A : 0 < a) by apply exp_pos. assert (B : 0 < b) by apply exp_pos.
  unfold amplitude. fold a b.
  rewrite (sum_ext K (fun j => w j * a * exp (exponent d m mu (precision v) x j))
    (fun j => a * (w j * exp (exponent d m mu (precision v) x j)))) by (intros; ring).
  rewrite (sum_ext K (fun j => w j * b * exp (exponent d (m / sqrt v) mu (precision 1) (vscale (/ sqrt v) x) j))
    (fun j => b * (w j * exp (exponent d m mu (precision v) x j)))) by (intros; rewrite E; ring).
  rewrite !sum_scal, E.
  assert (P := expsum_pos K w K_pos w_pos (exponent d m mu (precision v) x)). unfold expsum in P.
  field. repeat split; lra.
Qed.

(** A9.1: along a trajectory x(t), zeta(t) = x/sqrt(v) and kappa(t) = m/sqrt(v) have
    dzeta/dt = E_gamma(mu) dkappa/dt, that is dzeta/dkappa = g(zeta, kappa). *)
Theorem straight_coordinates : forall sigma x t i, 0 < sigma -> 0 <= t -> (i < d)%nat ->
  let c := 1 - sigma ^ 2 in
  let kappa := fun r => factor r / sqrt (spread c r) in
  is_derive (fun r => x r i) t (flow_velocity K d w mu sigma t (x t) i) ->
  exists dkappa, is_derive kappa t dkappa /\
    is_derive (fun r => x r i / sqrt (spread c r)) t (field (kappa t) (vscale (/ sqrt (spread c t)) (x t)) i * dkappa).
Proof.
  intros sigma x t i Hs T Hi c kappa X.
  assert (C : c < 1) by (unfold c; assert (0 < sigma ^ 2) by (apply pow_lt; auto); lra).
  assert (V := spread_pos c t C T).
  set (v := spread c t) in *. set (m := factor t).
  assert (S := sqrt_lt_R0 v V). assert (SS := sqrt_sqrt v ltac:(lra)).
  assert (cm : c * m ^ 2 = 1 - v) by (unfold v, m, spread; ring).
  assert (Dv : is_derive (fun r => sqrt (spread c r)) t (c * m ^ 2 / sqrt v)).
  { evar_last.
    - apply (is_derive_comp sqrt (fun r => spread c r) t (/ (2 * sqrt v)) (2 * (c * m ^ 2))).
      + apply is_derive_Reals, derivable_pt_lim_sqrt. exact V.
      + unfold spread, m, factor. auto_derive; [exact I | ring].
    - unfold scal; simpl; unfold mult; simpl. field. lra. }
  exists (- m / (v * sqrt v)). split.
  - unfold kappa. evar_last.
    + apply is_derive_div; [| exact Dv | apply Rgt_not_eq; exact S].
      unfold factor. auto_derive; [exact I | reflexivity].
    + fold v. fold (factor t) m. rewrite cm.
      unfold minus, plus, opp; simpl. fold v.
      replace (1 - v) with (1 - sqrt v * sqrt v) by (now rewrite SS).
      replace (- m / (v * sqrt v)) with (- m / (sqrt v * sqrt v * sqrt v)) by (now rewrite SS).
      field. lra.
  - evar_last.
    + apply is_derive_div; [exact X | exact Dv | apply Rgt_not_eq; exact S].
    + unfold flow_velocity. fold c. fold v m. rewrite velocity_mean by auto.
      replace (field (kappa t) (vscale (/ sqrt v) (x t)) i) with (mean K (gamma K d w mu m v (x t)) (fun k => mu k i)).
      * set (E := mean K (gamma K d w mu m v (x t)) (fun k => mu k i)). fold v. rewrite cm.
        unfold minus, plus, opp; simpl. fold v.
        replace (1 / v) with (1 / (sqrt v * sqrt v)) by (now rewrite SS).
        replace (m / v) with (m / (sqrt v * sqrt v)) by (now rewrite SS).
        replace (1 - v) with (1 - sqrt v * sqrt v) by (now rewrite SS).
        replace (- m / (v * sqrt v)) with (- m / (sqrt v * sqrt v * sqrt v)) by (now rewrite SS).
        field. lra.
      * unfold field, mean. apply sum_ext; intros k Hk. rewrite gamma_straight by auto. reflexivity.
Qed.

(** A9.2: the derivative of g in the direction h is kappa Cov_gamma(mu) h. *)
Theorem field_jacobian : forall kappa zeta h s i, 0 < kappa -> (i < d)%nat ->
  let y := line zeta h s in
  is_derive (fun r => field kappa (line zeta h r) i) s
    (kappa * matvec d (covmatrix K (gamma K d w mu kappa 1 y) mu) h i).
Proof.
  intros kappa zeta h s i P Hi y.
  apply (is_derive_ext (fun r => - / kappa * velocity K d w mu kappa 1 (line zeta h r) i)).
  { intros r. rewrite velocity_mean by (auto; lra). unfold field.
    match goal with |- ?l = ?r => change (@eq R l r) end. field. lra. }
  evar_last.
  - apply (is_derive_scal (fun r => velocity K d w mu kappa 1 (line zeta h r) i) s (- / kappa)).
    apply (velocity_jacobian K d w mu K_pos w_pos); auto; lra.
  - fold y. rewrite matvec_jacobian by auto. unfold scal; simpl; unfold mult; simpl. field. lra.
Qed.

Variable D : R.
Hypothesis D_diameter : diameter K d mu D.

(** 0 <= <h, g(zeta + h) - g(zeta)> <= kappa D^2/4 |h|^2. *)
Lemma field_one_sided : forall kappa x y, 0 < kappa ->
  0 * dot d (vsub x y) (vsub x y) <= dot d (vsub x y) (vsub (field kappa x) (field kappa y))
  <= kappa * (D ^ 2 / 4) * dot d (vsub x y) (vsub x y).
Proof.
  intros kappa x y P. set (h := vsub x y).
  assert (M := mean_value d (field kappa)
    (fun z i j => kappa * covmatrix K (gamma K d w mu kappa 1 z) mu i j) 0 (kappa * (D ^ 2 / 4)) y h).
  replace (line y h 1) with x in M; [replace (line y h 0) with y in M; [apply M|]|].
  - intros z.
    assert (B := covariance_bounds K d (gamma K d w mu kappa 1 z) mu D (gamma_weights K d w mu K_pos w_pos _ _ z) D_diameter h).
    replace (form d (fun i j => kappa * covmatrix K (gamma K d w mu kappa 1 z) mu i j) h)
      with (kappa * form d (covmatrix K (gamma K d w mu kappa 1 z) mu) h).
    + split; [rewrite Rmult_0_l; apply Rmult_le_pos; lra | rewrite Rmult_assoc; apply Rmult_le_compat_l; lra].
    + unfold form. rewrite <- dot_scale_r. apply dot_ext; auto. intros i Hi. unfold vscale, matvec.
      rewrite <- sum_scal. apply sum_ext; intros; ring.
  - intros s i Hi. evar_last; [now apply field_jacobian|].
    unfold matvec. rewrite <- sum_scal. apply sum_ext; intros; ring.
  - apply functional_extensionality. intros i. unfold line, h, vsub. ring.
  - apply functional_extensionality. intros i. unfold line, h, vsub. ring.
Qed.

(** A solution of dzeta/dkappa = g on [a, b]. *)
Definition straight (z : R -> vec) (a b : R) : Prop :=
  forall q i, a <= q <= b -> (i < d)%nat -> is_derive (fun r => z r i) q (field q (z q) i).

(** Errors grow by at most exp(D^2/8 (kappa_2^2 - kappa_1^2)). *)
Theorem straight_growth : forall y z a b, 0 < a <= b -> straight y a b -> straight z a b ->
  norm d (vsub (y b) (z b)) <= exp (D ^ 2 / 8 * (b ^ 2 - a ^ 2)) * norm d (vsub (y a) (z a)).
Proof.
  intros y z a b [A B] Y Z.
  assert (G := gronwall_lower d (fun r => vsub (y r) (z r)) (fun r => vsub (field r (y r)) (field r (z r)))
    (fun r => - (r * (D ^ 2 / 4))) (fun r => - (D ^ 2 / 8 * r ^ 2)) a b B).
  cbv beta in G.
  replace (norm d (vsub (y b) (z b))) with
    (exp (D ^ 2 / 8 * (b ^ 2 - a ^ 2)) * (exp (- (D ^ 2 / 8 * b ^ 2) - - (D ^ 2 / 8 * a ^ 2)) * norm d (vsub (y b) (z b)))).
  - apply Rmult_le_compat_l; [left; apply exp_pos|]. apply G.
    + intros r i Hr Hi. apply (is_derive_minus (fun q => y q i) (fun q => z q i)); auto.
    + intros r Hr. auto_derive; [exact I | field].
    + intros r Hr. rewrite Ropp_involutive. apply field_one_sided. lra.
  - rewrite <- Rmult_assoc, <- exp_plus.
    replace (D ^ 2 / 8 * (b ^ 2 - a ^ 2) + (- (D ^ 2 / 8 * b ^ 2) - - (D ^ 2 / 8 * a ^ 2))) with 0 by ring.
    rewrite exp_0. ring.
Qed.

End Straight.
