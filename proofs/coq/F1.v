(** F1: Groenwall's inequality with a rate that depends on time, and the stability of the flow of a mixture.

    Page: proofs/F1.md.  For all K, d, weights, means, sigma > 0; any two solutions of dx/dt = u(x, t). *)

Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite S2 L1 L2 L3 F2.
Open Scope R_scope.

(** A function with a derivative >= 0 does not decrease. *)
Lemma nondecreasing : forall (f df : R -> R) a b, a <= b ->
  (forall t, a <= t <= b -> is_derive f t (df t)) -> (forall t, a <= t <= b -> 0 <= df t) -> f a <= f b.
Proof.
  intros f df a b H D P. destruct H as [H|<-]; [|lra].
  destruct (MVT_gen f a b df) as (c & C & E).
  - intros x X. rewrite Rmin_left, Rmax_right in X by lra. apply D. lra.
  - intros x X. rewrite Rmin_left, Rmax_right in X by lra. apply derivable_continuous_pt.
    exists (df x). apply is_derive_Reals, D. lra.
  - rewrite Rmin_left, Rmax_right in C by lra. specialize (P c C). nra.
Qed.

Lemma is_derive_square : forall (f : R -> R) (x l : R), is_derive f x l -> is_derive (fun s => f s * f s) x (2 * (f x * l)).
Proof.
  intros f x l H. auto_derive.
  - split; [exists l; exact H | split; [exists l; exact H | exact I]].
  - rewrite (is_derive_unique (fun s : R => f s) x l H). ring.
Qed.

Lemma is_derive_weighted : forall (f g : R -> R) (x df dg : R), is_derive f x df -> is_derive g x dg ->
  is_derive (fun s => f s * exp (2 * g s)) x ((df + 2 * dg * f x) * exp (2 * g x)).
Proof.
  intros f g x df dg F G. auto_derive.
  - split; [exists df; exact F | split; [exists dg; exact G | exact I]].
  - rewrite (is_derive_unique (fun s : R => f s) x df F), (is_derive_unique (fun s : R => g s) x dg G). ring.
Qed.

Lemma is_derive_norm_square : forall d (z : R -> vec) (dz : vec) (t : R),
  (forall i, (i < d)%nat -> is_derive (fun s => z s i) t (dz i)) ->
  is_derive (fun s => dot d (z s) (z s)) t (2 * dot d (z t) dz).
Proof.
  intros d z dz t H. unfold dot. rewrite <- sum_scal. apply (is_derive_sum d (fun i s => z s i * z s i)).
  intros i Hi. apply (is_derive_square (fun s => z s i)). now apply H.
Qed.

(** Groenwall: z' . z >= -rate |z|^2 on [s, t], Rate an antiderivative of rate; then
    |z(s)| <= exp(Rate(t) - Rate(s)) |z(t)|. *)
Theorem gronwall_upper : forall d (z dz : R -> vec) (rate Rate : R -> R) s t, s <= t ->
  (forall r i, s <= r <= t -> (i < d)%nat -> is_derive (fun q => z q i) r (dz r i)) ->
  (forall r, s <= r <= t -> is_derive Rate r (rate r)) ->
  (forall r, s <= r <= t -> - rate r * dot d (z r) (z r) <= dot d (z r) (dz r)) ->
  norm d (z s) <= exp (Rate t - Rate s) * norm d (z t).
Proof.
  intros d z dz rate Rate s t H Dz DR B.
  assert (M : dot d (z s) (z s) * exp (2 * Rate s) <= dot d (z t) (z t) * exp (2 * Rate t)).
  { apply (nondecreasing (fun r => dot d (z r) (z r) * exp (2 * Rate r))
      (fun r => (2 * dot d (z r) (dz r) + 2 * rate r * dot d (z r) (z r)) * exp (2 * Rate r))); auto.
    - intros r Hr. assert (N := is_derive_norm_square d z (dz r) r (fun i => Dz r i Hr)). specialize (DR r Hr).
      exact (is_derive_weighted (fun q => dot d (z q) (z q)) Rate r _ _ N DR).
    - intros r Hr. specialize (B r Hr). assert (E := exp_pos (2 * Rate r)). apply Rmult_le_pos; lra. }
  apply Rsqr_incr_0_var.
  - unfold Rsqr. rewrite norm_square.
    replace (exp (Rate t - Rate s) * norm d (z t) * (exp (Rate t - Rate s) * norm d (z t)))
      with (exp (Rate t - Rate s) * exp (Rate t - Rate s) * (norm d (z t) * norm d (z t))) by ring.
    rewrite norm_square, <- exp_plus.
    apply Rmult_le_reg_r with (exp (2 * Rate s)); [apply exp_pos|].
    eapply Rle_trans; [exact M|]. right.
    replace (2 * Rate t) with (Rate t - Rate s + (Rate t - Rate s) + 2 * Rate s) by ring.
    rewrite exp_plus. ring.
  - apply Rmult_le_pos; [left; apply exp_pos | apply norm_nonneg].
Qed.

(** From the other side: z' . z <= -low |z|^2 gives |z(s)| >= exp(Low(t) - Low(s)) |z(t)|. *)
Theorem gronwall_lower : forall d (z dz : R -> vec) (low Low : R -> R) s t, s <= t ->
  (forall r i, s <= r <= t -> (i < d)%nat -> is_derive (fun q => z q i) r (dz r i)) ->
  (forall r, s <= r <= t -> is_derive Low r (low r)) ->
  (forall r, s <= r <= t -> dot d (z r) (dz r) <= - low r * dot d (z r) (z r)) ->
  exp (Low t - Low s) * norm d (z t) <= norm d (z s).
Proof.
  intros d z dz low Low s t H Dz DR B.
  assert (M : - (dot d (z s) (z s) * exp (2 * Low s)) <= - (dot d (z t) (z t) * exp (2 * Low t))).
  { apply (nondecreasing (fun r => - (dot d (z r) (z r) * exp (2 * Low r)))
      (fun r => - ((2 * dot d (z r) (dz r) + 2 * low r * dot d (z r) (z r)) * exp (2 * Low r)))); auto.
    - intros r Hr. assert (N := is_derive_norm_square d z (dz r) r (fun i => Dz r i Hr)). specialize (DR r Hr).
      apply (is_derive_opp (fun q => dot d (z q) (z q) * exp (2 * Low q))).
      exact (is_derive_weighted (fun q => dot d (z q) (z q)) Low r _ _ N DR).
    - intros r Hr. specialize (B r Hr). assert (E := exp_pos (2 * Low r)). nra. }
  apply Rsqr_incr_0_var; [|apply norm_nonneg].
  unfold Rsqr. rewrite norm_square.
  replace (exp (Low t - Low s) * norm d (z t) * (exp (Low t - Low s) * norm d (z t)))
    with (exp (Low t - Low s) * exp (Low t - Low s) * (norm d (z t) * norm d (z t))) by ring.
  rewrite norm_square, <- exp_plus.
  apply Rmult_le_reg_r with (exp (2 * Low s)); [apply exp_pos|].
  eapply Rle_trans; [|apply Ropp_le_cancel; exact M]. right.
  replace (2 * Low t) with (Low t - Low s + (Low t - Low s) + 2 * Low s) by ring.
  rewrite (exp_plus (Low t - Low s + (Low t - Low s)) (2 * Low s)). ring.
Qed.

(** Mean value along a segment: where the derivative of a field in every direction h has h^T (Du h) between lo |h|^2 and hi |h|^2,
    lo |h|^2 <= <h, u(x + h) - u(x)> <= hi |h|^2. *)
Lemma mean_value : forall d (u : vec -> vec) (J : vec -> nat -> nat -> R) lo hi x h,
  (forall y, lo * dot d h h <= form d (J y) h <= hi * dot d h h) ->
  (forall s i, (i < d)%nat -> is_derive (fun r => u (line x h r) i) s (matvec d (J (line x h s)) h i)) ->
  lo * dot d h h <= dot d h (vsub (u (line x h 1)) (u (line x h 0))) <= hi * dot d h h.
Proof.
  intros d u J lo hi x h B D. rewrite dot_sub_r.
  assert (G : forall s, is_derive (fun r => dot d h (u (line x h r))) s (form d (J (line x h s)) h)).
  { intros s. apply (is_derive_dot d h (fun r => u (line x h r))). intros i Hi. now apply D. }
  destruct (MVT_gen (fun r => dot d h (u (line x h r))) 0 1 (fun s => form d (J (line x h s)) h)) as (c & _ & E).
  - intros; apply G.
  - intros y _. apply derivable_continuous_pt. eexists. apply is_derive_Reals, G.
  - specialize (B (line x h c)). rewrite Rminus_0_r, Rmult_1_r in E. rewrite E. exact B.
Qed.

Section Flow.
Variables (K d : nat) (w : nat -> R) (mu : nat -> vec) (sigma D : R).
Hypothesis K_pos : (0 < K)%nat.
Hypothesis w_pos : forall k, (k < K)%nat -> 0 < w k.
Hypothesis sigma_pos : 0 < sigma.
Hypothesis D_diameter : diameter K d mu D.
Let c := 1 - sigma ^ 2.

(** The velocity at the time t: m = e^(-t), v = sigma^2 m^2 + 1 - m^2. *)
Definition flow_velocity (t : R) : vec -> vec := velocity K d w mu (factor t) (spread c t).

(** x moves along the flow on [s, t]. *)
Definition trajectory (x : R -> vec) (s t : R) : Prop :=
  forall r i, s <= r <= t -> (i < d)%nat -> is_derive (fun q => x q i) r (flow_velocity r (x r) i).

Lemma c_small : c < 1.
Proof. unfold c. assert (0 < sigma ^ 2) by (apply pow_lt; auto). lra. Qed.

Lemma velocity_one_sided : forall t x y, 0 <= t ->
  - rate c D t * dot d (vsub x y) (vsub x y)
  <= dot d (vsub x y) (vsub (flow_velocity t x) (flow_velocity t y))
  <= - (1 - 1 / spread c t) * dot d (vsub x y) (vsub x y).
Proof.
  intros t x y T. assert (V := spread_pos c t c_small T).
  set (h := vsub x y).
  assert (M := mean_value d (flow_velocity t)
    (fun z => jacobian (factor t) (spread c t) (covmatrix K (gamma K d w mu (factor t) (spread c t) z) mu))
    (- rate c D t) (- (1 - 1 / spread c t)) y h).
  replace (line y h 1) with x in M; [replace (line y h 0) with y in M; [apply M|]|].
  - intros z. destruct (one_sided_bounds K d (gamma K d w mu (factor t) (spread c t) z) mu D (factor t) (spread c t)
      (gamma_weights K d w mu K_pos w_pos _ _ z) D_diameter V h) as [A B].
    unfold rate. lra.
  - intros s i Hi. now apply (velocity_jacobian K d w mu K_pos w_pos).
  - apply FunctionalExtensionality.functional_extensionality. intros i. unfold line, h, vsub. ring.
  - apply FunctionalExtensionality.functional_extensionality. intros i. unfold line, h, vsub. ring.
Qed.

(** F1: |x(s) - y(s)| <= exp(int_s^t lambda) |x(t) - y(t)| for any two trajectories, the integral in the closed form of F2. *)
Theorem flow_stability : forall x y s t, 0 <= s <= t -> trajectory x s t -> trajectory y s t ->
  norm d (vsub (x s) (y s)) <= exp (stability c D s t) * norm d (vsub (x t) (y t)).
Proof.
  intros x y s t [S T] X Y.
  replace (stability c D s t) with (stability c D s t - stability c D s s).
  - apply (gronwall_upper d (fun r => vsub (x r) (y r))
      (fun r => vsub (flow_velocity r (x r)) (flow_velocity r (y r))) (rate c D) (stability c D s)); auto.
    + intros r i Hr Hi. apply (is_derive_minus (fun q => x q i) (fun q => y q i)); auto.
    + intros r Hr. apply stability_derive; apply spread_pos; try apply c_small; lra.
    + intros r Hr. apply velocity_one_sided. lra.
  - assert (V := spread_pos c s c_small S). unfold stability at 2.
    replace (spread c s / spread c s) with 1 by (field; lra). rewrite ln_1. field. lra.
Qed.

(** The same with Coquelicot's integral of lambda. *)
Corollary flow_stability_integral : forall x y s t, 0 <= s <= t -> trajectory x s t -> trajectory y s t ->
  norm d (vsub (x s) (y s)) <= exp (RInt (rate c D) s t) * norm d (vsub (x t) (y t)).
Proof.
  intros x y s t H X Y.
  rewrite (is_RInt_unique (rate c D) s t (stability c D s t)) by (apply stability_integral; auto; apply c_small).
  now apply flow_stability.
Qed.

(** The paper's form, with the two-sided L: |x(s) - y(s)| <= exp(int_s^t L) |x(t) - y(t)|. *)
Corollary flow_stability_two_sided : forall x y s t, 0 <= s <= t -> trajectory x s t -> trajectory y s t ->
  norm d (vsub (x s) (y s))
  <= exp (RInt (fun r => two_sided (factor r) (spread c r) D) s t) * norm d (vsub (x t) (y t)).
Proof.
  intros x y s t H X Y.
  eapply Rle_trans; [now apply flow_stability_integral|].
  apply Rmult_le_compat_r; [apply norm_nonneg|].
  assert (pos : forall r, s <= r <= t -> 0 < spread c r) by (intros r Hr; apply spread_pos; [apply c_small | lra]).
  assert (I : RInt (rate c D) s t <= RInt (fun r => two_sided (factor r) (spread c r) D) s t).
  { apply RInt_le; try lra.
    - apply (ex_RInt_continuous (rate c D)). intros r Hr. rewrite Rmin_left, Rmax_right in Hr by lra. now apply rate_continuous, pos.
    - apply (ex_RInt_continuous (fun r => two_sided (factor r) (spread c r) D)).
      intros r Hr. rewrite Rmin_left, Rmax_right in Hr by lra. now apply two_sided_continuous, pos.
    - intros r Hr. apply one_sided_le_two_sided, pos. lra. }
  destruct I as [I| ->]; [left; now apply exp_increasing | lra].
Qed.

(** From below: |x(s) - y(s)| >= sqrt(v_s/v_t) |x(t) - y(t)|. *)
Theorem flow_lower : forall x y s t, 0 <= s <= t -> trajectory x s t -> trajectory y s t ->
  sqrt (spread c s / spread c t) * norm d (vsub (x t) (y t)) <= norm d (vsub (x s) (y s)).
Proof.
  intros x y s t [S T] X Y.
  assert (Vs := spread_pos c s c_small S). assert (Vt := spread_pos c t c_small ltac:(lra)).
  replace (sqrt (spread c s / spread c t)) with
    (exp (- (1 / 2) * ln (spread c t) - - (1 / 2) * ln (spread c s))).
  - apply (gronwall_lower d (fun r => vsub (x r) (y r))
      (fun r => vsub (flow_velocity r (x r)) (flow_velocity r (y r))) (fun r => 1 - 1 / spread c r)
      (fun r => - (1 / 2) * ln (spread c r))); auto.
    + intros r i Hr Hi. apply (is_derive_minus (fun q => x q i) (fun q => y q i)); auto.
    + intros r Hr. apply contraction_antiderivative, spread_pos; try apply c_small; lra.
    + intros r Hr. apply velocity_one_sided. lra.
  - rewrite <- Rpower_sqrt by (now apply Rdiv_lt_0_compat). unfold Rpower. f_equal.
    change (spread c s / spread c t) with (spread c s * / spread c t). rewrite ln_mult, ln_Rinv by (auto; now apply Rinv_0_lt_compat). field.
Qed.

(** The flow is unique: two trajectories that meet at t are one before t. *)
Corollary flow_unique : forall x y s t, 0 <= s <= t -> trajectory x s t -> trajectory y s t ->
  (forall i, (i < d)%nat -> x t i = y t i) -> forall i, (i < d)%nat -> x s i = y s i.
Proof.
  intros x y s t H X Y E i Hi. assert (N := flow_stability x y s t H X Y).
  replace (norm d (vsub (x t) (y t))) with 0 in N.
  - assert (Z : dot d (vsub (x s) (y s)) (vsub (x s) (y s)) = 0).
    { rewrite <- norm_square. assert (P := norm_nonneg d (vsub (x s) (y s))). rewrite Rmult_0_r in N. nra. }
    assert (W := norm_zero_entry d _ Z i Hi). unfold vsub in W. lra.
  - unfold norm. rewrite <- sqrt_0 at 1. f_equal. symmetry. apply sum_zero.
    intros j Hj. unfold vsub. rewrite (E j Hj). ring.
Qed.

End Flow.
