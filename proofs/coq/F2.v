(** F2: the integral of lambda in closed form.

    Page: proofs/F2.md.  m = e^(-t), v = 1 - c m^2, c = 1 - sigma^2 of any sign, D any number. *)

Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite L2 L3.
Open Scope R_scope.

Definition factor (t : R) : R := exp (- t).
Definition spread (c t : R) : R := 1 - c * factor t ^ 2.
Definition rate (c D t : R) : R := one_sided (factor t) (spread c t) D.

(** v is positive at all t >= 0 for every variance sigma^2 > 0, that is c < 1. *)
Lemma spread_pos : forall c t, c < 1 -> 0 <= t -> 0 < spread c t.
Proof.
  intros c t C T. unfold spread, factor.
  assert (0 < exp (- t)) by apply exp_pos.
  assert (exp (- t) <= 1) by (rewrite <- exp_0; destruct T as [T|<-]; [left; apply exp_increasing; lra | rewrite Ropp_0; lra]).
  set (m := exp (- t)) in *. assert (0 < m ^ 2 <= 1) by (split; nra).
  destruct (Rle_dec c 0); nra.
Qed.

(** v = sigma^2 m^2 + 1 - m^2, the variance of a component at t. *)
Theorem spread_is_variance : forall sigma t, spread (1 - sigma ^ 2) t = sigma ^ 2 * factor t ^ 2 + 1 - factor t ^ 2.
Proof. intros; unfold spread; ring. Qed.

(** For c <> 0: d/dt [ -1/2 ln v - D^2/(8 c v) ] = lambda(t). *)
Theorem antiderivative : forall c D t, c <> 0 -> 0 < spread c t ->
  is_derive (fun s => - (1 / 2) * ln (spread c s) - D ^ 2 / (8 * c * spread c s)) t (rate c D t).
Proof.
  intros c D t C V. unfold rate, one_sided, spread, factor in *.
  auto_derive.
  - repeat split; try lra. apply Rmult_integral_contrapositive_currified; lra.
  - field. repeat split; lra.
Qed.

(** d/dt (-1/2 ln v) = 1 - 1/v, the integral in the lower bound of F1. *)
Theorem contraction_antiderivative : forall c t, 0 < spread c t ->
  is_derive (fun s => - (1 / 2) * ln (spread c s)) t (1 - 1 / spread c t).
Proof.
  intros c t V. unfold spread, factor in *.
  auto_derive; [lra | field; lra].
Qed.

(** The form without the quotient by c: 1/2 ln(v_s/v_t) + D^2 (m_s^2 - m_t^2) / (8 v_s v_t). *)
Definition stability (c D s t : R) : R :=
  1 / 2 * ln (spread c s / spread c t) + D ^ 2 * (factor s ^ 2 - factor t ^ 2) / (8 * spread c s * spread c t).

Theorem stability_derive : forall c D s t, 0 < spread c s -> 0 < spread c t ->
  is_derive (fun r => stability c D s r) t (rate c D t).
Proof.
  intros c D s t S V. unfold stability, rate, one_sided, spread, factor in *.
  auto_derive.
  - repeat split; try lra.
    + apply Rdiv_lt_0_compat; lra.
    + apply Rmult_integral_contrapositive_currified; [apply Rmult_integral_contrapositive_currified|]; lra.
  - field. repeat split; lra.
Qed.

Lemma factor_continuous : forall t, continuous factor t.
Proof.
  intros t. apply (ex_derive_continuous factor). exists (- exp (- t)). unfold factor. auto_derive; [exact I | ring].
Qed.

Lemma rate_continuous : forall c D t, 0 < spread c t -> continuous (rate c D) t.
Proof.
  intros c D t V. apply (ex_derive_continuous (rate c D)). unfold rate, one_sided, spread, factor in *.
  auto_derive. repeat split; try lra. repeat apply Rmult_integral_contrapositive_currified; lra.
Qed.

Lemma two_sided_continuous : forall c D t, 0 < spread c t -> continuous (fun r => two_sided (factor r) (spread c r) D) t.
Proof.
  intros c D t V.
  set (p := fun r => 1 / spread c r - 1). set (q := fun r => 1 / spread c r - 1 - factor r ^ 2 * D ^ 2 / (4 * spread c r ^ 2)).
  assert (P : continuous p t).
  { apply (ex_derive_continuous p). unfold p, spread, factor in *. auto_derive. repeat split; lra. }
  assert (Q : continuous q t).
  { apply (ex_derive_continuous q). unfold q, spread, factor in *. auto_derive. repeat split; try lra.
    repeat apply Rmult_integral_contrapositive_currified; lra. }
  apply (continuous_ext (fun r => (Rabs (p r) + Rabs (q r) + Rabs (Rabs (p r) - Rabs (q r))) * / 2)).
  { intros r. match goal with |- ?l = ?r => change (@eq R l r) end. change (two_sided (factor r) (spread c r) D) with (Rmax (Rabs (p r)) (Rabs (q r))). unfold Rmax.
    destruct (Rle_dec (Rabs (p r)) (Rabs (q r))).
    - rewrite (Rabs_left1 (Rabs (p r) - Rabs (q r))) by lra. field.
    - rewrite (Rabs_pos_eq (Rabs (p r) - Rabs (q r))) by lra. field. }
  assert (A : forall h, continuous h t -> continuous (fun r => Rabs (h r)) t)
    by (intros h H; apply (continuous_comp h Rabs); [exact H | apply continuous_Rabs]).
  apply (continuous_mult (fun r => Rabs (p r) + Rabs (q r) + Rabs (Rabs (p r) - Rabs (q r))) (fun _ => / 2)).
  - apply (continuous_plus (fun r => Rabs (p r) + Rabs (q r)) (fun r => Rabs (Rabs (p r) - Rabs (q r)))).
    + apply (continuous_plus (fun r => Rabs (p r)) (fun r => Rabs (q r))); now apply A.
    + apply A. apply (continuous_minus (fun r => Rabs (p r)) (fun r => Rabs (q r))); now apply A.
  - apply continuous_const.
Qed.

(** int_s^t lambda = 1/2 ln(v_s/v_t) + D^2 (m_s^2 - m_t^2)/(8 v_s v_t), for every c < 1, 0 included. *)
Theorem stability_integral : forall c D s t, c < 1 -> 0 <= s <= t ->
  is_RInt (rate c D) s t (stability c D s t).
Proof.
  intros c D s t C [S T].
  replace (stability c D s t) with (minus (stability c D s t) (stability c D s s)).
  - apply (is_RInt_derive (fun r => stability c D s r)); intros x; rewrite Rmin_left, Rmax_right by auto; intros [X1 X2].
    + apply stability_derive; apply spread_pos; lra.
    + apply rate_continuous, spread_pos; lra.
  - assert (V := spread_pos c s C S). assert (V2 := spread_pos c t C ltac:(lra)). unfold minus, plus, opp, stability; simpl.
    replace (spread c s / spread c s) with 1 by (field; lra). rewrite ln_1. field. split; lra.
Qed.

(** The case c = 0 by itself: D^2/8 (m_s^2 - m_t^2). *)
Theorem stability_unit_variance : forall D s t, stability 0 D s t = D ^ 2 / 8 * (factor s ^ 2 - factor t ^ 2).
Proof.
  intros. unfold stability, spread. rewrite !Rmult_0_l, !Rminus_0_r.
  replace (1 / 1) with 1 by field. rewrite ln_1. field.
Qed.

(** The amplification: exp(int lambda) = sqrt(v_s/v_t) exp(D^2 (m_s^2 - m_t^2)/(8 v_s v_t)). *)
Theorem amplification_form : forall c D s t, 0 < spread c s -> 0 < spread c t ->
  exp (stability c D s t)
  = sqrt (spread c s / spread c t) * exp (D ^ 2 * (factor s ^ 2 - factor t ^ 2) / (8 * spread c s * spread c t)).
Proof.
  intros c D s t S T. unfold stability. rewrite exp_plus. f_equal.
  rewrite <- Rpower_sqrt by (now apply Rdiv_lt_0_compat). unfold Rpower. f_equal. field.
Qed.

(** Two-sided: L = lambda where 8 c v <= D^2, and L = 1/v - 1 elsewhere. *)
Theorem two_sided_is_one_sided : forall c D m, let v := 1 - c * m ^ 2 in 0 < v -> 8 * c * v <= D ^ 2 ->
  two_sided m v D = one_sided m v D.
Proof.
  intros c D m v V H. unfold two_sided, one_sided.
  assert (Q : 1 / v - 1 - m ^ 2 * D ^ 2 / (4 * v ^ 2) = m ^ 2 / v ^ 2 * (c * v - D ^ 2 / 4)) by (unfold v in *; field; lra).
  assert (A : 1 / v - 1 = m ^ 2 / v ^ 2 * (c * v)) by (unfold v in *; field; lra).
  replace (1 - 1 / v + m ^ 2 * D ^ 2 / (4 * v ^ 2)) with (m ^ 2 / v ^ 2 * (D ^ 2 / 4 - c * v)) by (unfold v in *; field; lra).
  rewrite Q, A. assert (P := coefficient_nonneg m v ltac:(lra)).
  rewrite !(Rabs_mult (m ^ 2 / v ^ 2)), !(Rabs_pos_eq (m ^ 2 / v ^ 2)) by exact P.
  rewrite RmaxRmult by exact P. f_equal.
  assert (0 <= D ^ 2) by apply pow2_ge_0.
  rewrite (Rabs_left1 (c * v - D ^ 2 / 4)) by lra.
  rewrite Rmax_right; [lra|]. apply Rabs_le. lra.
Qed.

Theorem two_sided_is_contraction : forall c D m, let v := 1 - c * m ^ 2 in 0 < v -> D ^ 2 <= 8 * c * v ->
  two_sided m v D = 1 / v - 1.
Proof.
  intros c D m v V H. unfold two_sided.
  assert (Q : 1 / v - 1 - m ^ 2 * D ^ 2 / (4 * v ^ 2) = m ^ 2 / v ^ 2 * (c * v - D ^ 2 / 4)) by (unfold v in *; field; lra).
  assert (A : 1 / v - 1 = m ^ 2 / v ^ 2 * (c * v)) by (unfold v in *; field; lra).
  rewrite Q, A. assert (P := coefficient_nonneg m v ltac:(lra)).
  rewrite !(Rabs_mult (m ^ 2 / v ^ 2)), !(Rabs_pos_eq (m ^ 2 / v ^ 2)) by exact P.
  rewrite RmaxRmult by exact P. f_equal.
  assert (0 <= D ^ 2) by apply pow2_ge_0.
  rewrite (Rabs_pos_eq (c * v)) by lra.
  apply Rmax_left. apply Rabs_le. lra.
Qed.

(** The crossing: 8 c v = D^2 exactly where m^2 = (1 - D^2/(8c))/c. *)
Theorem crossing : forall c D m, c <> 0 -> (8 * c * (1 - c * m ^ 2) = D ^ 2 <-> m ^ 2 = 1 / c * (1 - D ^ 2 / (8 * c))).
Proof.
  intros c D m C. split; intros H.
  - rewrite <- H. field. exact C.
  - rewrite H. field. exact C.
Qed.
