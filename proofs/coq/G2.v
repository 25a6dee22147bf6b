(** G2: the balanced node by the equation of Lambert's function.

    Page: proofs/G2.md.  c <> 0 (of any sign), A = D^2/(8c), y = 1/v. *)

Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite F2.
Open Scope R_scope.

(** f(t) = 1/2 log y - A y is the antiderivative of lambda of F2. *)
Theorem antiderivative_in_precision : forall c D t, c <> 0 -> 0 < spread c t ->
  - (1 / 2) * ln (spread c t) - D ^ 2 / (8 * c * spread c t)
  = 1 / 2 * ln (1 / spread c t) - D ^ 2 / (8 * c) * (1 / spread c t).
Proof.
  intros c D t C V. replace (1 / spread c t) with (/ spread c t) by (field; lra).
  rewrite ln_Rinv by exact V. field. split; lra.
Qed.

(** 1/2 log y - A y = f is w e^w = -2A e^(2f) for w = -2 A y. *)
Theorem lambert_equation : forall A y f, A <> 0 -> 0 < y ->
  (1 / 2 * ln y - A * y = f <-> (-2 * A * y) * exp (-2 * A * y) = -2 * A * exp (2 * f)).
Proof.
  intros A y f HA Y. split.
  - intros <-. replace (2 * (1 / 2 * ln y - A * y)) with (ln y + -2 * A * y) by field. rewrite exp_plus, exp_ln by exact Y. ring.
  - intros H. assert (E : y * exp (-2 * A * y) = exp (2 * f)).
    { apply Rmult_eq_reg_l with (-2 * A); [lra|]. intros Z. apply HA. lra. }
    apply (f_equal ln) in E. rewrite ln_exp, ln_mult, ln_exp in E by (auto; apply exp_pos). lra.
Qed.

(** t = -1/2 log((1 - 1/y)/c), y = 1/v. *)
Theorem time_of_precision : forall c t, c <> 0 -> 0 < spread c t ->
  t = - (1 / 2) * ln ((1 - 1 / (1 / spread c t)) / c).
Proof.
  intros c t C V.
  replace ((1 - 1 / (1 / spread c t)) / c) with (exp (- (2 * t))).
  - rewrite ln_exp. field.
  - replace (1 / (1 / spread c t)) with (spread c t) by (field; lra). unfold spread, factor.
    replace (exp (- (2 * t))) with (exp (- t) ^ 2) by (simpl; rewrite Rmult_1_r, <- exp_plus; f_equal; ring). field. exact C.
Qed.

(** c = 0: int_s^t lambda = Lambda is m_t^2 = m_s^2 - 8 Lambda/D^2. *)
Theorem unit_variance_node : forall D s t Lambda, D <> 0 ->
  (stability 0 D s t = Lambda <-> factor t ^ 2 = factor s ^ 2 - 8 * Lambda / D ^ 2).
Proof.
  intros D s t L HD. rewrite stability_unit_variance. assert (P : D ^ 2 <> 0) by (apply pow_nonzero; exact HD). split; intros H.
  - rewrite <- H. field. exact HD.
  - rewrite H. field. exact HD.
Qed.
