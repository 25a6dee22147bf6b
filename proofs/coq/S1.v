(** S1 and S3: the density of the noised mixture solves its Fokker-Planck equation, and the velocity carries it.

    Pages: proofs/S1.md (isotropic covariances, of one component a different variance than of another), proofs/S3.md (a common variance).
    For all K, d, weights, means, t >= 0. *)

Require Import Reals Psatz Lia FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite S2 L1 F1 F2.
Open Scope R_scope.

(** The direction of axis i. *)
Definition axis (i : nat) : vec := fun j => if Nat.eq_dec j i then 1 else 0.

Lemma dot_axis : forall d i z, (i < d)%nat -> dot d (axis i) z = z i.
Proof.
  intros d i z Hi. unfold dot, axis. induction d as [|n IH]; [lia|]. simpl.
  destruct (Nat.eq_dec n i) as [->|N].
  - rewrite sum_zero; [ring|]. intros j Hj. destruct (Nat.eq_dec j i); [lia|ring].
  - rewrite IH by lia. ring.
Qed.

(** ** One component: N(x; m mu, v I) at the time t *)

Section Component.
Variables (d : nat) (c : R) (mu : vec).
Hypothesis c_small : c < 1.

Definition from_mean (t : R) (x : vec) : vec := fun i => x i - factor t * mu i.
Definition log_normal (t : R) (x : vec) : R :=
  - (INR d / 2) * ln (2 * PI * spread c t) - dot d (from_mean t x) (from_mean t x) / (2 * spread c t).
(** (2 pi v)^(-d/2) exp(-|x - m mu|^2 / (2v)). *)
Definition normal (t : R) (x : vec) : R := exp (log_normal t x).

Lemma normal_form : forall t x,
  normal t x = Rpower (2 * PI * spread c t) (- INR d / 2) * exp (- (norm d (from_mean t x) ^ 2 / (2 * spread c t))).
Proof.
  intros t x. unfold normal, log_normal, Rpower. rewrite <- exp_plus. f_equal.
  replace (norm d (from_mean t x) ^ 2) with (norm d (from_mean t x) * norm d (from_mean t x)) by ring.
  rewrite norm_square. unfold Rdiv. ring.
Qed.

Lemma normal_time : forall t x, 0 <= t ->
  let v := spread c t in let z := from_mean t x in
  is_derive (fun r => normal r x) t
    (normal t x * (- INR d * (1 - v) / v - factor t * dot d z mu / v + dot d z z * (1 - v) / v ^ 2)).
Proof.
  intros t x T v z. assert (V := spread_pos c t c_small T). fold v in V.
  assert (P := PI_RGT_0).
  assert (Dz : is_derive (fun r => dot d (from_mean r x) (from_mean r x)) t (2 * (factor t * dot d z mu))).
  { evar_last.
    - apply (is_derive_norm_square d (fun r => from_mean r x) (vscale (factor t) mu)).
      intros i Hi. unfold from_mean, vscale, factor. auto_derive; [exact I | ring].
    - rewrite dot_scale_r. reflexivity. }
  assert (Dv : is_derive (fun r => spread c r) t (2 * (1 - v))).
  { unfold v, spread, factor. auto_derive; [exact I | ring]. }
  assert (general : forall (q s : R -> R) dq ds, is_derive q t dq -> is_derive s t ds -> 0 < s t ->
    is_derive (fun r => exp (- (INR d / 2) * ln (2 * PI * s r) - q r / (2 * s r))) t
      (exp (- (INR d / 2) * ln (2 * PI * s t) - q t / (2 * s t))
       * (- (INR d / 2) * (ds / s t) - dq / (2 * s t) + q t * ds / (2 * s t ^ 2)))).
  { intros q s dq ds Q S Ps. auto_derive.
    - repeat split; try (eexists; eassumption); try nra.
    - rewrite (is_derive_unique (fun r : R => q r) t dq Q), (is_derive_unique (fun r : R => s r) t ds S).
      unfold Rminus, Rdiv. field. split; lra. }
  evar_last.
  - exact (general _ _ _ _ Dz Dv V).
  - fold v z. unfold normal, log_normal. fold v z. f_equal. field. lra.
Qed.

Lemma square_along : forall t x i s, (i < d)%nat ->
  dot d (from_mean t (line x (axis i) s)) (from_mean t (line x (axis i) s))
  = dot d (from_mean t x) (from_mean t x) + 2 * s * from_mean t x i + s ^ 2.
Proof.
  intros t x i s Hi.
  rewrite (dot_ext d _ (vadd (from_mean t x) (vscale s (axis i))) _ (vadd (from_mean t x) (vscale s (axis i))))
    by (intros; unfold from_mean, line, vadd, vscale; ring).
  rewrite dot_add_l, !dot_add_r, !dot_scale_l, !dot_scale_r, (dot_comm d (from_mean t x) (axis i)), !dot_axis by exact Hi.
  unfold axis at 1. destruct (Nat.eq_dec i i); [ring|lia].
Qed.

(** d/dx_i of the density is -z_i/v times it. *)
Definition slope (t : R) (i : nat) (x : vec) : R := - (from_mean t x i / spread c t) * normal t x.

Lemma from_mean_along : forall t x i s, from_mean t (line x (axis i) s) i = from_mean t x i + s.
Proof. intros. unfold from_mean, line, axis. destruct (Nat.eq_dec i i); [ring|lia]. Qed.

Lemma normal_axis : forall t x i s, 0 <= t -> (i < d)%nat ->
  is_derive (fun r => normal t (line x (axis i) r)) s (slope t i (line x (axis i) s)).
Proof.
  intros t x i s T Hi. assert (V := spread_pos c t c_small T).
  unfold slope. rewrite from_mean_along. unfold normal, log_normal. rewrite square_along by exact Hi.
  set (q := dot d (from_mean t x) (from_mean t x)). set (z := from_mean t x i). set (v := spread c t) in *.
  apply (is_derive_ext (fun r => exp (- (INR d / 2) * ln (2 * PI * v) - (q + 2 * r * z + r ^ 2) / (2 * v)))).
  { intros r. rewrite square_along by exact Hi. reflexivity. }
  auto_derive; [lra|]. change (s ^ 2) with (s * (s * 1)). unfold Rminus, Rdiv. field. lra.
Qed.

Lemma slope_axis : forall t x i, 0 <= t -> (i < d)%nat ->
  is_derive (fun r => slope t i (line x (axis i) r)) 0
    (normal t x * (from_mean t x i ^ 2 / spread c t ^ 2 - 1 / spread c t)).
Proof.
  intros t x i T Hi. assert (V := spread_pos c t c_small T).
  assert (L0 : line x (axis i) 0 = x) by (apply functional_extensionality; intros j; unfold line; ring).
  assert (N := normal_axis t x i 0 T Hi). unfold slope in *. rewrite L0 in N.
  apply (is_derive_ext (fun r => - ((from_mean t x i + r) / spread c t) * normal t (line x (axis i) r))).
  { intros r. now rewrite from_mean_along. }
  set (z := from_mean t x i) in *. set (v := spread c t) in *.
  assert (general : forall (f : R -> R) df, is_derive f 0 df ->
    is_derive (fun r => - ((z + r) / v) * f r) 0 (- (1 / v) * f 0 + - (z / v) * df)).
  { intros f df F. auto_derive.
    - exists df. exact F.
    - rewrite (is_derive_unique (fun r : R => f r) 0 df F). field. lra. }
  evar_last; [exact (general _ _ N)|]. cbv beta. rewrite L0. field. lra.
Qed.

End Component.

(** ** The mixture p_t = sum_k w_k N(m mu_k, v_k I), v_k = sigma_k^2 m^2 + 1 - m^2 = 1 - c_k m^2 *)

Section Equations.
Variables (K d : nat) (w c : nat -> R) (mu : nat -> vec).
Hypothesis c_small : forall k, (k < K)%nat -> c k < 1.

Definition noised (t : R) (x : vec) : R := sum K (fun k => w k * normal d (c k) (mu k) t x).
Definition gradient (t : R) (i : nat) (x : vec) : R := sum K (fun k => w k * slope d (c k) (mu k) t i x).
Definition second (t : R) (i : nat) (x : vec) : R :=
  sum K (fun k => w k * (normal d (c k) (mu k) t x * (from_mean (mu k) t x i ^ 2 / spread (c k) t ^ 2 - 1 / spread (c k) t))).

Lemma noised_gradient : forall t x i s, 0 <= t -> (i < d)%nat ->
  is_derive (fun r => noised t (line x (axis i) r)) s (gradient t i (line x (axis i) s)).
Proof.
  intros t x i s T Hi. unfold noised, gradient.
  apply (is_derive_sum K (fun k r => w k * normal d (c k) (mu k) t (line x (axis i) r))).
  intros k Hk. apply (is_derive_scal (fun r => normal d (c k) (mu k) t (line x (axis i) r))). apply normal_axis; auto.
Qed.

Lemma noised_second : forall t x i, 0 <= t -> (i < d)%nat ->
  is_derive (fun r => gradient t i (line x (axis i) r)) 0 (second t i x).
Proof.
  intros t x i T Hi. unfold gradient, second.
  apply (is_derive_sum K (fun k r => w k * slope d (c k) (mu k) t i (line x (axis i) r))).
  intros k Hk. apply (is_derive_scal (fun r => slope d (c k) (mu k) t i (line x (axis i) r))). apply slope_axis; auto.
Qed.

(** S1: d_t p = div(x p) + Laplace p = sum_i (p + x_i d_i p + d_i^2 p). *)
Theorem fokker_planck : forall t x, 0 <= t ->
  is_derive (fun r => noised r x) t (sum d (fun i => noised t x + x i * gradient t i x + second t i x)).
Proof.
  intros t x T. evar_last.
  - unfold noised. apply (is_derive_sum K (fun k r => w k * normal d (c k) (mu k) r x)).
    intros k Hk. apply (is_derive_scal (fun r => normal d (c k) (mu k) r x)). apply normal_time; auto.
  - unfold noised, gradient, second.
    rewrite (sum_ext d _ (fun i => sum K (fun k => w k * normal d (c k) (mu k) t x
      * (1 - x i * (from_mean (mu k) t x i / spread (c k) t)
         + (from_mean (mu k) t x i ^ 2 / spread (c k) t ^ 2 - 1 / spread (c k) t))))).
    + rewrite sum_swap. apply sum_ext; intros k Hk.
      assert (V := spread_pos (c k) t (c_small k Hk) T).
      set (z := from_mean (mu k) t x). set (v := spread (c k) t) in *.
      rewrite sum_scal, Rmult_assoc. f_equal. f_equal.
      rewrite (sum_ext d _ (fun i => (1 - 1 / v) + (z i * z i) * (1 / v ^ 2 - 1 / v) - factor t / v * (z i * mu k i)))
        by (intros i Hi; unfold z, from_mean; field; lra).
      rewrite sum_minus, sum_plus, sum_const, sum_scal_r, sum_scal.
      fold (dot d z z) (dot d z (mu k)). field. lra.
    + intros i Hi. rewrite <- sum_scal, <- !sum_plus. apply sum_ext; intros k Hk. unfold slope. ring.
Qed.

End Equations.

(** ** The velocity of F1 carries the density *)

Section Continuity.
Variables (K d : nat) (w : nat -> R) (mu : nat -> vec) (sigma : R).
Hypothesis K_pos : (0 < K)%nat.
Hypothesis w_pos : forall k, (k < K)%nat -> 0 < w k.
Hypothesis sigma_pos : 0 < sigma.
Let c := 1 - sigma ^ 2.
Let p := noised K d w (fun _ => c) mu.

Lemma c_below : c < 1.
Proof. unfold c. assert (0 < sigma ^ 2) by (apply pow_lt; auto). lra. Qed.

(** p is the density whose score is in the velocity. *)
Lemma same_density : forall t x, 0 <= t -> p t x = mixture_density K d w mu (factor t) (spread c t) x.
Proof.
  intros t x T. assert (V := spread_pos c t c_below T).
  rewrite (common_density K d w mu) by exact V. unfold p, noised. apply sum_ext; intros k Hk.
  rewrite normal_form. unfold from_mean. ring.
Qed.

(** The score times p is the gradient. *)
Lemma score_times_density : forall t x i, 0 <= t -> (i < d)%nat ->
  mixture_score K d w mu (factor t) (spread c t) x i * p t x = gradient K d w (fun _ => c) mu t i x.
Proof.
  intros t x i T Hi. assert (V := spread_pos c t c_below T).
  assert (L0 : line x (axis i) 0 = x) by (apply functional_extensionality; intros j; unfold line; ring).
  assert (G := noised_gradient K d w (fun _ => c) mu (fun k _ => c_below) t x i 0 T Hi). rewrite L0 in G.
  assert (S := score_is_gradient K d (amplitude d w (spread c t)) (factor t) mu (precision (spread c t)) K_pos
    (fun k Hk => amplitude_pos K d w w_pos (spread c t) k Hk) (fun k _ => precision_symmetric K d K_pos (spread c t) k) x (axis i) 0).
  rewrite L0, dot_axis in S by exact Hi.
  assert (pos : 0 < p t x).
  { rewrite same_density by exact T. apply expsum_pos; auto. intros; now apply (amplitude_pos K d w w_pos). }
  assert (E : is_derive (fun r => ln (p t (line x (axis i) r))) 0 (gradient K d w (fun _ => c) mu t i x / p t x)).
  { evar_last.
    - apply (is_derive_comp ln (fun r => p t (line x (axis i) r)) 0 (/ p t x)); [|exact G].
      rewrite L0. apply is_derive_ln. exact pos.
    - unfold scal; simpl; unfold mult; simpl. field. lra. }
  apply (is_derive_ext _ (fun r => ln (p t (line x (axis i) r)))) in S.
  - apply is_derive_unique in S. apply is_derive_unique in E.
    unfold mixture_score. rewrite <- S, E. field. lra.
  - intros r. f_equal. symmetry. now apply same_density.
Qed.

(** S3: d_t p + div(u p) = 0, u = -x - grad log p: [div i] is the derivative of u_i p along axis i. *)
Theorem continuity_equation : forall t x, 0 <= t -> exists (dp : R) (div : nat -> R),
  is_derive (fun r => p r x) t dp /\
  (forall i, (i < d)%nat -> is_derive (fun s => flow_velocity K d w mu sigma t (line x (axis i) s) i * p t (line x (axis i) s)) 0 (div i)) /\
  dp + sum d div = 0.
Proof.
  intros t x T.
  exists (sum d (fun i => p t x + x i * gradient K d w (fun _ => c) mu t i x + second K d w (fun _ => c) mu t i x)).
  exists (fun i => - (p t x + x i * gradient K d w (fun _ => c) mu t i x + second K d w (fun _ => c) mu t i x)).
  split; [|split].
  - apply (fokker_planck K d w (fun _ => c) mu (fun k _ => c_below)). exact T.
  - intros i Hi.
    assert (L0 : line x (axis i) 0 = x) by (apply functional_extensionality; intros j; unfold line; ring).
    assert (G := noised_gradient K d w (fun _ => c) mu (fun k _ => c_below) t x i 0 T Hi). rewrite L0 in G. fold p in G.
    assert (H := noised_second K d w (fun _ => c) mu (fun k _ => c_below) t x i T Hi).
    apply (is_derive_ext (fun s => - ((x i + s) * p t (line x (axis i) s)) - gradient K d w (fun _ => c) mu t i (line x (axis i) s))).
    + intros s. unfold flow_velocity, velocity. fold c.
      rewrite <- (score_times_density t (line x (axis i) s) i T Hi).
      match goal with |- ?l = ?r => change (@eq R l r) end.
      replace (line x (axis i) s i) with (x i + s) by (unfold line, axis; destruct (Nat.eq_dec i i); [ring|lia]). ring.
    + assert (general : forall (f g : R -> R) df dg, is_derive f 0 df -> is_derive g 0 dg ->
        is_derive (fun s => - ((x i + s) * f s) - g s) 0 (- (f 0 + x i * df + dg))).
      { intros f g df dg F Gd. auto_derive.
        - repeat split; eexists; eassumption.
        - rewrite (is_derive_unique (fun s : R => f s) 0 df F), (is_derive_unique (fun s : R => g s) 0 dg Gd). ring. }
      evar_last; [exact (general _ _ _ _ G H)|]. cbv beta. now rewrite L0.
  - rewrite sum_opp. ring.
Qed.

End Continuity.
