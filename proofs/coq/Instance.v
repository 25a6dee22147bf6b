(** What a certificate asserts of one mixture, from the general theorems and from inequalities between numbers.

    Pages: proofs/L2.md, L3, F1, F2, G1.  Means and weights are integers over a common denominator; c = 1 - sigma^2,
    d2 the square of the diameter; q = e^(-2t).  The inequalities that remain are for `interval`. *)

Require Import Reals Psatz Lia ZArith List.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite S2 L1 L2 L3 F2 F1 Distances.
Open Scope R_scope.

(** The mean mu_k: its entries are row k over q; the weight w_k: share k over the total. *)
Definition point (rows : list (list Z)) (q : Z) (k : nat) : vec := fun i => IZR (nth i (nth k rows nil) 0%Z) / IZR q.
Definition weight (shares : list Z) (total : Z) (k : nat) : R := IZR (nth k shares 1%Z) / IZR total.

Lemma weight_pos : forall shares total, (0 < total)%Z -> forallb (fun n => 0 <? n)%Z shares = true ->
  forall k, 0 < weight shares total k.
Proof.
  intros shares total T H k. unfold weight. apply Rdiv_lt_0_compat; apply IZR_lt; [|exact T].
  destruct (Nat.lt_ge_cases k (length shares)) as [L|L].
  - rewrite forallb_forall in H. specialize (H _ (nth_In shares 1%Z L)). cbv beta in H. now apply Z.ltb_lt.
  - rewrite nth_overflow by exact L. reflexivity.
Qed.

Lemma dot_of_points : forall d rows q k l, (0 < q)%Z ->
  dot d (vsub (point rows q k) (point rows q l)) (vsub (point rows q k) (point rows q l))
  = IZR (squared_distance d (nth k rows nil) (nth l rows nil)) / IZR (q * q).
Proof.
  intros d rows q k l Q. assert (Q' : 0 < IZR q) by now apply IZR_lt.
  rewrite mult_IZR. unfold dot. induction d as [|d IH]; simpl; [field; lra|].
  rewrite IH, plus_IZR, mult_IZR, minus_IZR. unfold vsub, point. field. lra.
Qed.

Theorem diameter_by_integers : forall d rows q top bottom, (0 < q)%Z -> (0 < bottom)%Z ->
  all_within d rows q top bottom = true -> diameter (length rows) d (point rows q) (sqrt (IZR top / IZR bottom)).
Proof.
  intros d rows q top bottom Q B H k l Hk Hl. unfold norm. apply sqrt_le_1_alt. rewrite dot_of_points by exact Q.
  unfold all_within in H. rewrite forallb_forall in H. specialize (H _ (nth_In rows nil Hk)).
  rewrite forallb_forall in H. specialize (H _ (nth_In rows nil Hl)). apply Z.leb_le, IZR_le in H.
  rewrite !mult_IZR in H. rewrite mult_IZR. assert (q' : 0 < IZR q) by now apply IZR_lt. assert (b' : 0 < IZR bottom) by now apply IZR_lt.
  set (z := IZR (squared_distance _ _ _)) in *. apply Rmult_le_reg_r with (IZR q * IZR q * IZR bottom).
  { apply Rmult_lt_0_compat; [now apply Rmult_lt_0_compat | exact b']. }
  replace (z / (IZR q * IZR q) * (IZR q * IZR q * IZR bottom)) with (IZR bottom * z) by (field; lra).
  replace (IZR top / IZR bottom * (IZR q * IZR q * IZR bottom)) with (IZR top * (IZR q * IZR q)) by (field; lra). exact H.
Qed.

Theorem distance_by_integers : forall d rows q top bottom k l, (0 < q)%Z -> (0 < bottom)%Z ->
  (bottom * squared_distance d (nth k rows nil) (nth l rows nil) = top * (q * q))%Z ->
  norm d (vsub (point rows q k) (point rows q l)) = sqrt (IZR top / IZR bottom).
Proof.
  intros d rows q top bottom k l Q B H. unfold norm. rewrite dot_of_points by exact Q. f_equal.
  apply (f_equal IZR) in H. rewrite !mult_IZR in H. rewrite mult_IZR.
  assert (0 < IZR q) by now apply IZR_lt. assert (0 < IZR bottom) by now apply IZR_lt.
  set (z := IZR (squared_distance _ _ _)) in *. apply Rmult_eq_reg_r with (IZR q * IZR q * IZR bottom);
    [|repeat apply Rmult_integral_contrapositive_currified; lra].
  transitivity (IZR bottom * z); [field; lra | rewrite H; field; lra].
Qed.

(** P holds of each two neighbouring times and the bound that stands at their place. *)
Fixpoint panels {A : Type} (P : R -> R -> A -> Prop) (times : list R) (bounds : list A) : Prop :=
  match times, bounds with
  | s :: ((t :: _) as rest), b :: more => P s t b /\ panels P rest more
  | _ :: nil, nil => True
  | _, _ => False
  end.

(** 1/v - 1, and lambda, at q = e^(-2t). *)
Definition excess (c q : R) : R := 1 / (1 - c * q) - 1.
Definition growth (c d2 q : R) : R := q * (d2 - 4 * c * (1 - c * q)) / (4 * ((1 - c * q) * (1 - c * q))).
(** int_s^t lambda, and int_s^t (1 - 1/v). *)
Definition expansion (c s t : R) : R := 1 / 2 * ln ((1 - c * exp (-2 * s)) / (1 - c * exp (-2 * t))).
Definition total (c d2 s t : R) : R :=
  expansion c s t
  + d2 * (exp (-2 * s) - exp (-2 * t)) / (8 * (1 - c * exp (-2 * s)) * (1 - c * exp (-2 * t))).

Lemma factor_square : forall t, factor t ^ 2 = exp (-2 * t).
Proof. intros t. unfold factor. simpl. rewrite Rmult_1_r, <- exp_plus. f_equal. ring. Qed.

Lemma exp_between : forall s r t, s <= r <= t -> exp (-2 * t) <= exp (-2 * r) <= exp (-2 * s).
Proof.
  assert (M : forall a b, a <= b -> exp a <= exp b) by (intros a b [H|<-]; [left; now apply exp_increasing | lra]).
  intros s r t [A B]. split; apply M; lra.
Qed.

Lemma excess_is : forall c t, excess c (exp (-2 * t)) = 1 / spread c t - 1.
Proof. intros. unfold excess, spread. now rewrite factor_square. Qed.

Lemma growth_is : forall c d2 t, 0 <= d2 -> 0 < spread c t -> growth c d2 (exp (-2 * t)) = rate c (sqrt d2) t.
Proof.
  intros c d2 t H V. unfold growth, rate, one_sided. rewrite pow2_sqrt by exact H. unfold spread in *.
  rewrite <- factor_square. field. lra.
Qed.

Lemma total_is : forall c d2 s t, 0 <= d2 -> total c d2 s t = stability c (sqrt d2) s t.
Proof. intros c d2 s t H. unfold total, expansion, stability, spread. now rewrite pow2_sqrt, !factor_square by exact H. Qed.

Section Mixture.
Variables (K d : nat) (w : nat -> R) (mu : nat -> vec) (sigma2 d2 : R).
Let c := 1 - sigma2.
Hypothesis K_pos : (0 < K)%nat.
Hypothesis w_pos : forall k, 0 < w k.
Hypothesis sigma2_pos : 0 < sigma2.
Hypothesis d2_pos : 0 <= d2.
Hypothesis d2_diameter : diameter K d mu (sqrt d2).

(** The velocity u(., t) of the flow, its Jacobian J(x, t), and that x moves along the flow on [s, t]. *)
Definition mixture_velocity (t : R) : vec -> vec := velocity K d w mu (factor t) (spread c t).
Definition mixture_jacobian (t : R) (x : vec) : nat -> nat -> R :=
  jacobian (factor t) (spread c t) (covmatrix K (gamma K d w mu (factor t) (spread c t) x) mu).
Definition moves (x : R -> vec) (s t : R) : Prop :=
  forall r i, s <= r <= t -> (i < d)%nat -> is_derive (fun q => x q i) r (mixture_velocity r (x r) i).

Let c_small : c < 1.
Proof. unfold c. lra. Qed.

(** J is the derivative of u. *)
Theorem jacobian_is_derivative : forall t x h r i, 0 <= t -> (i < d)%nat ->
  is_derive (fun q => mixture_velocity t (line x h q) i) r (matvec d (mixture_jacobian t (line x h r)) h i).
Proof. intros. apply velocity_jacobian; auto. now apply spread_pos. Qed.

Lemma mixture_weights : forall t x, weights K (gamma K d w mu (factor t) (spread c t) x).
Proof. intros. apply gamma_weights; auto. Qed.

(** L2 on a panel. *)
Theorem two_sided_panel : forall s t b, 0 <= s ->
  (forall q, exp (-2 * t) <= q <= exp (-2 * s) -> - b <= excess c q <= b) ->
  (forall q, exp (-2 * t) <= q <= exp (-2 * s) -> - b <= growth c d2 q <= b) ->
  forall r, s <= r <= t -> forall x h, norm d (matvec d (mixture_jacobian r x) h) <= b * norm d h.
Proof.
  intros s t b S E G r R x h. assert (V : 0 < spread c r) by (apply spread_pos; [exact c_small | lra]).
  specialize (E _ (exp_between s r t R)). specialize (G _ (exp_between s r t R)).
  rewrite excess_is in E. rewrite growth_is in G by auto.
  eapply Rle_trans; [apply (jacobian_norm K d _ mu (sqrt d2)); auto using mixture_weights|].
  apply Rmult_le_compat_r; [apply norm_nonneg|]. unfold two_sided. unfold rate, one_sided in G.
  apply Rmax_lub; apply Rabs_le; lra.
Qed.

(** L3 on a panel. *)
Theorem one_sided_panel : forall s t low up, 0 <= s ->
  (forall q, exp (-2 * t) <= q <= exp (-2 * s) -> excess c q <= - low) ->
  (forall q, exp (-2 * t) <= q <= exp (-2 * s) -> growth c d2 q <= up) ->
  forall r, s <= r <= t -> forall x h,
  low * dot d h h <= - form d (mixture_jacobian r x) h <= up * dot d h h.
Proof.
  intros s t low up S E G r R x h. assert (V : 0 < spread c r) by (apply spread_pos; [exact c_small | lra]).
  specialize (E _ (exp_between s r t R)). specialize (G _ (exp_between s r t R)).
  rewrite excess_is in E. rewrite growth_is in G by auto.
  destruct (one_sided_bounds K d _ mu (sqrt d2) (factor r) (spread c r) (mixture_weights r x) d2_diameter V h) as [A B].
  assert (N := dot_nonneg d h). unfold rate in G. unfold mixture_jacobian. split; nra.
Qed.

(** F1. *)
Theorem flow_growth : forall s t low up, 0 <= s <= t -> low <= expansion c s t -> total c d2 s t <= up ->
  forall x y, moves x s t -> moves y s t ->
  exp low * norm d (vsub (x t) (y t)) <= norm d (vsub (x s) (y s)) <= exp up * norm d (vsub (x t) (y t)).
Proof.
  intros s t low up H L U x y X Y.
  assert (E : 1 - sqrt sigma2 ^ 2 = c) by (rewrite pow2_sqrt by lra; reflexivity).
  assert (P : 0 < sqrt sigma2) by now apply sqrt_lt_R0.
  assert (T : forall z, moves z s t -> trajectory K d w mu (sqrt sigma2) z s t).
  { intros z Z. unfold trajectory, flow_velocity. rewrite E. exact Z. }
  assert (M : forall a b, a <= b -> exp a <= exp b) by (intros a b [Q|<-]; [left; now apply exp_increasing | lra]).
  assert (N := norm_nonneg d (vsub (x t) (y t))).
  assert (w' : forall k, (k < K)%nat -> 0 < w k) by auto.
  split.
  - eapply Rle_trans; [|apply (flow_lower K d w mu (sqrt sigma2) (sqrt d2)); eauto].
    rewrite E. apply Rmult_le_compat_r; [exact N|].
    replace (sqrt (spread c s / spread c t)) with (exp (expansion c s t)); [now apply M|].
    rewrite <- Rpower_sqrt by (apply Rdiv_lt_0_compat; apply spread_pos; try exact c_small; lra).
    unfold Rpower, expansion, spread. rewrite !factor_square. f_equal. field.
  - eapply Rle_trans; [apply (flow_stability K d w mu (sqrt sigma2) (sqrt d2)); eauto|].
    rewrite E, <- total_is by exact d2_pos. apply Rmult_le_compat_r; [exact N | now apply M].
Qed.

End Mixture.

(** F2, the one-sided rate. *)
Theorem one_sided_integral : forall c d2 s t, c < 1 -> 0 <= d2 -> 0 <= s <= t ->
  RInt (rate c (sqrt d2)) s t = total c d2 s t.
Proof. intros c d2 s t C P H. rewrite total_is by exact P. apply is_RInt_unique. now apply stability_integral. Qed.

(** F2, the two-sided rate: where it is the one-sided one, where it is 1/v - 1, and across the crossing z. *)
Definition two_sided_rate (c d2 t : R) : R := two_sided (factor t) (spread c t) (sqrt d2).

Lemma two_sided_first : forall c d2 s t, c < 1 -> 0 <= d2 -> 0 <= s <= t ->
  8 * c * (1 - c * exp (-2 * t)) <= d2 -> is_RInt (two_sided_rate c d2) s t (total c d2 s t).
Proof.
  intros c d2 s t C P H X. rewrite total_is by exact P.
  apply (is_RInt_ext (rate c (sqrt d2))); [|now apply stability_integral].
  rewrite Rmin_left, Rmax_right by lra. intros r R. unfold rate, two_sided_rate. symmetry. apply two_sided_is_one_sided.
  - apply (spread_pos c r); lra.
  - rewrite pow2_sqrt by exact P. rewrite factor_square. destruct (exp_between s r t ltac:(lra)) as [A _].
    assert (0 <= c * c * (exp (-2 * r) - exp (-2 * t))) by (apply Rmult_le_pos; nra). nra.
Qed.

Lemma two_sided_last : forall c d2 s t, c < 1 -> 0 <= d2 -> 0 <= s <= t ->
  d2 <= 8 * c * (1 - c * exp (-2 * s)) -> is_RInt (two_sided_rate c d2) s t (- expansion c s t).
Proof.
  intros c d2 s t C P H X.
  assert (V : forall r, 0 <= r -> 0 < spread c r) by (intros; now apply spread_pos).
  apply (is_RInt_ext (fun r => opp (1 - 1 / spread c r))).
  - rewrite Rmin_left, Rmax_right by lra. intros r R. unfold two_sided_rate, spread. rewrite two_sided_is_contraction.
    + unfold opp; simpl. ring.
    + apply (V r). lra.
    + rewrite pow2_sqrt by exact P. rewrite factor_square. destruct (exp_between s r t ltac:(lra)) as [_ A].
      assert (0 <= c * c * (exp (-2 * s) - exp (-2 * r))) by (apply Rmult_le_pos; nra). nra.
  - apply (is_RInt_opp (V := R_NormedModule) (fun r => 1 - 1 / spread c r) s t (expansion c s t)).
    replace (expansion c s t) with (minus (- (1 / 2) * ln (spread c t)) (- (1 / 2) * ln (spread c s))).
    + apply (is_RInt_derive (fun r => - (1 / 2) * ln (spread c r))); rewrite Rmin_left, Rmax_right by lra; intros r R.
      * apply contraction_antiderivative, V. lra.
      * specialize (V r ltac:(lra)). apply (ex_derive_continuous (fun q => 1 - 1 / spread c q)).
        unfold spread, factor in *. auto_derive. lra.
    + assert (A := V s ltac:(lra)). assert (B := V t ltac:(lra)). unfold expansion.
      unfold spread in *. rewrite !factor_square in *. rewrite ln_div by lra. unfold minus, plus, opp; simpl. ring.
Qed.

Theorem two_sided_integral_first : forall c d2 s t, c < 1 -> 0 <= d2 -> 0 <= s <= t ->
  8 * c * (1 - c * exp (-2 * t)) <= d2 -> RInt (two_sided_rate c d2) s t = total c d2 s t.
Proof. intros. apply is_RInt_unique. now apply two_sided_first. Qed.

Theorem two_sided_integral_last : forall c d2 s t, c < 1 -> 0 <= d2 -> 0 <= s <= t ->
  d2 <= 8 * c * (1 - c * exp (-2 * s)) -> RInt (two_sided_rate c d2) s t = - expansion c s t.
Proof. intros. apply is_RInt_unique. now apply two_sided_last. Qed.

(** At the crossing: v = d2/(8c), e^(-2z) = (1 - d2/(8c))/c. *)
Definition crossing_time (c d2 : R) : R := - (1 / 2) * ln ((1 - d2 / (8 * c)) / c).

Theorem two_sided_integral_across : forall c d2 s t, 0 < c < 1 -> 0 <= d2 -> 0 <= s -> d2 < 8 * c ->
  s <= crossing_time c d2 <= t ->
  RInt (two_sided_rate c d2) s t = total c d2 s (crossing_time c d2) - expansion c (crossing_time c d2) t.
Proof.
  intros c d2 s t C P S X Z. set (z := crossing_time c d2) in *.
  assert (0 < (1 - d2 / (8 * c)) / c).
  { apply Rdiv_lt_0_compat; [|lra]. apply Rlt_Rminus. apply Rlt_div_l; lra. }
  assert (E : 8 * c * (1 - c * exp (-2 * z)) = d2).
  { unfold z, crossing_time. replace (-2 * (- (1 / 2) * ln ((1 - d2 / (8 * c)) / c))) with (ln ((1 - d2 / (8 * c)) / c)) by field.
    rewrite exp_ln by assumption. field. lra. }
  apply is_RInt_unique.
  apply (is_RInt_Chasles (V := R_NormedModule) (two_sided_rate c d2) s z t); [apply two_sided_first | apply two_sided_last]; lra.
Qed.

(** G1: on a balanced grid t_0 = T, ..., t_n = s of a positive rate, a node lies between times whose integrals from s do. *)
Section Grid.
Variables (rho : R -> R) (s T : R) (n : nat) (t : nat -> R).
Hypothesis rho_continuous : forall r, s <= r <= T -> continuous rho r.
Hypothesis rho_pos : forall r, s <= r <= T -> 0 < rho r.
Hypothesis inside : forall k, (k <= n)%nat -> s <= t k <= T.
Hypothesis last_node : t n = s.
Hypothesis balanced : forall k, (k < n)%nat -> RInt rho (t (S k)) (t k) = RInt rho s T / INR n.

Lemma integrable_inside : forall a b, s <= a <= T -> s <= b <= T -> ex_RInt rho a b.
Proof.
  intros a b A B. apply (ex_RInt_continuous rho). intros z Z. apply rho_continuous.
  assert (s <= Rmin a b) by now apply Rmin_glb. assert (Rmax a b <= T) by now apply Rmax_lub. lra.
Qed.

Lemma rest_of_grid : forall j, (j <= n)%nat -> (0 < n)%nat ->
  RInt rho s (t (n - j)%nat) = INR j * (RInt rho s T / INR n).
Proof.
  induction j as [|j IH]; intros J N.
  - rewrite Nat.sub_0_r, last_node, RInt_point. simpl. unfold zero; simpl. ring.
  - rewrite S_INR. assert (B := balanced (n - S j)%nat ltac:(lia)).
    replace (S (n - S j)) with (n - j)%nat in B by lia.
    assert (I := inside n (le_n n)). rewrite last_node in I.
    assert (Ch : RInt rho s (t (n - j)%nat) + RInt rho (t (n - j)%nat) (t (n - S j)%nat) = RInt rho s (t (n - S j)%nat)).
    { apply (RInt_Chasles rho); apply integrable_inside; try exact I; apply inside; lia. }
    rewrite IH, B in Ch by lia. rewrite <- Ch. match goal with |- ?a = ?b => change (@eq R a b) end. ring.
Qed.

Lemma integral_increases : forall a b, s <= a -> a < b <= T -> RInt rho s a < RInt rho s b.
Proof.
  intros a b A B. assert (P : 0 < RInt rho a b).
  { apply RInt_gt_0; [lra | |]; intros r R; [apply rho_pos | apply rho_continuous]; lra. }
  assert (Ch : RInt rho s a + RInt rho a b = RInt rho s b) by (apply (RInt_Chasles rho); apply integrable_inside; lra).
  lra.
Qed.

Theorem node_between : forall k low up count share, (k <= n)%nat -> (0 < n)%nat -> s <= low <= T -> s <= up <= T ->
  count = INR n -> share = INR (n - k) -> count * RInt rho s low <= share * RInt rho s T ->
  share * RInt rho s T <= count * RInt rho s up -> low <= t k <= up.
Proof.
  intros k low up count share Hk N L U -> -> A B. assert (R := rest_of_grid (n - k) ltac:(lia) N).
  replace (n - (n - k))%nat with k in R by lia.
  assert (I := inside k Hk). assert (n' : 0 < INR n) by (apply lt_0_INR; exact N).
  assert (R' : INR n * RInt rho s (t k) = INR (n - k) * RInt rho s T) by (rewrite R; field; lra).
  split; apply Rnot_lt_le; intros X.
  - assert (Y := integral_increases (t k) low ltac:(lra) ltac:(lra)). nra.
  - assert (Y := integral_increases up (t k) ltac:(lra) ltac:(lra)). nra.
Qed.

End Grid.

(** Where both rates are positive. *)
Lemma one_sided_positive : forall c d2 T r, c < 1 -> 0 <= d2 -> 0 <= r <= T ->
  4 * c * (1 - c * exp (-2 * T)) < d2 -> 0 < rate c (sqrt d2) r.
Proof.
  intros c d2 T r C P R X. assert (V : 0 < spread c r) by (apply spread_pos; lra).
  unfold rate. unfold spread in *. rewrite one_sided_sign_form by exact V.
  apply Rmult_lt_0_compat; [apply Rdiv_lt_0_compat; [apply pow_lt, exp_pos | nra]|].
  rewrite pow2_sqrt by exact P. rewrite factor_square. destruct (exp_between r r T ltac:(lra)) as [Q _].
  assert (0 <= c * c * (exp (-2 * r) - exp (-2 * T))) by (apply Rmult_le_pos; nra). nra.
Qed.

Lemma two_sided_positive : forall c d2 r, c < 1 -> 0 <= d2 -> 0 <= r -> 0 < c * c + d2 -> 0 < two_sided_rate c d2 r.
Proof.
  intros c d2 r C P R X. assert (V := spread_pos c r C R). assert (M := exp_pos (-2 * r)).
  unfold two_sided_rate, two_sided. destruct (Req_dec (1 / spread c r - 1) 0) as [E|E].
  - eapply Rlt_le_trans; [|apply Rmax_r]. apply Rabs_pos_lt. rewrite E, pow2_sqrt, factor_square by exact P.
    assert (W : (1 / spread c r - 1) * spread c r = 1 - spread c r) by (field; lra). rewrite E in W.
    unfold spread in W. rewrite factor_square in W. assert (c = 0) by nra. subst c.
    unfold spread. rewrite factor_square. assert (0 < exp (-2 * r) * d2) by nra. apply Rlt_not_eq.
    replace (4 * (1 - 0 * exp (-2 * r)) ^ 2) with 4 by ring. lra.
  - eapply Rlt_le_trans; [|apply Rmax_l]. now apply Rabs_pos_lt.
Qed.

Lemma one_sided_rate_continuous : forall c d2 r, c < 1 -> 0 <= r -> continuous (rate c (sqrt d2)) r.
Proof. intros. now apply rate_continuous, spread_pos. Qed.

Lemma two_sided_rate_continuous : forall c d2 r, c < 1 -> 0 <= r -> continuous (two_sided_rate c d2) r.
Proof. intros. now apply (two_sided_continuous c (sqrt d2)), spread_pos. Qed.
