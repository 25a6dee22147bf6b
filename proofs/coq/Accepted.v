(** What the checker accepts is true: the theorem of the rules for L2, L3, F1, F2 and G1.

    Pages: proofs/checker.md, section 3; L2, L3, F1, F2, G1.  It speaks of every parsed certificate, and supposes nothing of
    the arithmetic: exponential and logarithm are those of Integers, proved to enclose. *)

Require Import Reals Psatz Lia ZArith QArith Qreals List Bool.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite S2 L1 L2 L3 F2 F1 Distances Instance Integers Intervals Exponential Logarithm Decision.
Open Scope R_scope.

(** ** The statements *)

Section Statement.
Variable p : problem.

(** The mixture sum_k w_k N(mu_k, sigma2 I) in R^d, K components, and the interval [s, T]. *)
Definition size : nat := length (weight_list p).
Definition mean (k : nat) : vec := fun i => Q2R (nth i (nth k (mean_rows p) nil) 0%Q).
Definition share (k : nat) : R := Q2R (nth k (weight_list p) 1%Q) / fold_right Rplus 0 (map Q2R (weight_list p)).
Definition jacobian_at (t : R) (x : vec) : nat -> nat -> R :=
  mixture_jacobian size (dimension p) share mean (Q2R (sigma_squared p)) t x.
Definition trajectory_of (x : R -> vec) : Prop :=
  moves size (dimension p) share mean (Q2R (sigma_squared p)) x (Q2R (start p)) (Q2R (end_time p)).
(** No two means are farther apart than D. *)
Definition no_farther (D : R) : Prop := diameter size (dimension p) mean D.
(** D is the diameter: no two means are farther apart, and the means j and k are as far. *)
Definition width_of_means (D : R) (j k : nat) : Prop :=
  diameter size (dimension p) mean D /\ (j < size)%nat /\ (k < size)%nat
  /\ norm (dimension p) (vsub (mean j) (mean k)) = D.

(** From s to T, and on each panel the bound that stands at its place. *)
Definition on_each_panel {A : Type} (P : R -> A -> Prop) (times : list Q) (bounds : list A) : Prop :=
  hd 0 (map Q2R times) = Q2R (start p) /\ last (map Q2R times) 0 = Q2R (end_time p)
  /\ panels (fun early late b => forall t, early <= t <= late -> P t b) (map Q2R times) bounds.

Definition rate_of (two_sided : bool) (c d2 : R) : R -> R :=
  if two_sided then two_sided_rate c d2 else rate c (sqrt d2).

Definition statement (asserted : assertion) : Prop :=
  let c := 1 - Q2R (sigma_squared p) in
  let s := Q2R (start p) in
  let T := Q2R (end_time p) in
  let n := norm (dimension p) in
  match asserted with
  | SpatialBound d2 times upper =>
    (* L2: no two means are farther apart; |J(x, t) h| <= upper |h| *)
    no_farther (sqrt (Q2R d2)) /\ on_each_panel (fun t b => forall x h, n (matvec (dimension p) (jacobian_at t x) h) <= b * n h) times (map Q2R upper)
  | GrowthRates d2 times upper lower =>
    (* L3: no two means are farther apart; lower |h|^2 <= -h^T J(x, t) h <= upper |h|^2 *)
    no_farther (sqrt (Q2R d2)) /\ on_each_panel (fun t b => forall x h,
      fst b * dot (dimension p) h h <= - form (dimension p) (jacobian_at t x) h <= snd b * dot (dimension p) h h)
      times (combine (map Q2R lower) (map Q2R upper))
  | FlowStability d2 growth contraction factor =>
    (* F1: no two means are farther apart; e^contraction |x(T) - y(T)| <= |x(s) - y(s)| <= e^growth |x(T) - y(T)|,
       e^growth <= factor *)
    no_farther (sqrt (Q2R d2)) /\ (forall x y, trajectory_of x -> trajectory_of y ->
      exp (Q2R contraction) * n (vsub (x T) (y T)) <= n (vsub (x s) (y s))
      <= exp (Q2R growth) * n (vsub (x T) (y T)))
    /\ match factor with Some value => exp (Q2R growth) <= Q2R value | None => True end
  | CumulativeStability d2 one_sided two_sided (j, k) =>
    (* F2: D is the diameter, and the integrals of both rates lie between the ends *)
    width_of_means (sqrt (Q2R d2)) j k
    /\ Q2R (fst one_sided) <= RInt (rate c (sqrt (Q2R d2))) s T <= Q2R (snd one_sided)
    /\ Q2R (fst two_sided) <= RInt (two_sided_rate c (Q2R d2)) s T <= Q2R (snd two_sided)
  | BalancedGrid d2 two_sided segments nodes (j, k) =>
    (* G1: D is the diameter, and of every grid in [s, T] with equal shares of the rate each node is in its interval *)
    width_of_means (sqrt (Q2R d2)) j k
    /\ forall t : nat -> R, t 0%nat = T -> t segments = s -> (forall i, (i <= segments)%nat -> s <= t i <= T) ->
      (forall i, (i < segments)%nat -> RInt (rate_of two_sided c (Q2R d2)) (t (S i)) (t i)
        = RInt (rate_of two_sided c (Q2R d2)) s T / INR segments) ->
      forall i, (i <= segments)%nat -> Q2R (fst (nth i nodes (0%Q, 0%Q))) <= t i <= Q2R (snd (nth i nodes (0%Q, 0%Q)))
  end.

End Statement.

(** ** Exact numbers *)

Lemma common_pos : forall values, (0 < common values)%Z.
Proof.
  induction values as [|x l IH]; [reflexivity|]. cbn [common fold_right]. fold (common l).
  assert (N := Z.lcm_nonneg (Zpos (Qden x)) (common l)).
  destruct (Z.eq_dec (Z.lcm (Zpos (Qden x)) (common l)) 0) as [E|E]; [|lia].
  apply Z.lcm_eq_0 in E. lia.
Qed.

Lemma common_divides : forall values x, In x values -> (Zpos (Qden x) | common values)%Z.
Proof.
  induction values as [|y l IH]; intros x H; [destruct H|]. cbn [common fold_right]. fold (common l).
  destruct H as [->|H]; [apply Z.divide_lcm_l|]. eapply Z.divide_trans; [now apply IH | apply Z.divide_lcm_r].
Qed.

Lemma over_is : forall q x, (0 < q)%Z -> (Zpos (Qden x) | q)%Z -> IZR (over q x) / IZR q = Q2R x.
Proof.
  intros q x Q [m E]. subst q. unfold over. rewrite Z.div_mul by discriminate. rewrite !mult_IZR. unfold Q2R.
  assert (m <> 0%Z) by (intros ->; lia). field. split; apply not_0_IZR; [discriminate | assumption].
Qed.

Lemma rational_le : forall x y, Qle_bool x y = true -> Q2R x <= Q2R y.
Proof. intros x y H. apply Qle_Rle. now apply Qle_bool_iff. Qed.

Lemma rational_less : forall x y, less x y = true -> Q2R x < Q2R y.
Proof.
  intros x y H. apply Qlt_Rlt. unfold less in H. apply negb_true_iff in H.
  apply Qnot_le_lt. intros L. apply Qle_bool_iff in L. congruence.
Qed.

Lemma rational_pos : forall x, (0 <? Qnum x)%Z = true -> 0 < Q2R x.
Proof.
  intros x H. apply Z.ltb_lt in H. unfold Q2R. apply IZR_lt in H. apply Rmult_lt_0_compat; [exact H|].
  apply Rinv_0_lt_compat. now apply IZR_lt.
Qed.

Lemma Q2R_whole : forall n, Q2R (n # 1) = IZR n.
Proof. intros. unfold Q2R. cbn [Qnum Qden]. field. Qed.

Lemma numerator_is : forall x, 0 < IZR (Zpos (Qden x)) /\ IZR (Qnum x) = Q2R x * IZR (Zpos (Qden x)).
Proof.
  intros x. assert (D : 0 < IZR (Zpos (Qden x))) by now apply IZR_lt. split; [exact D|]. unfold Q2R. field. lra.
Qed.

Lemma above_is : forall a x last, (0 <= bits a)%Z -> above a x last = true -> IZR last <= Q2R x * IZR (2 ^ bits a).
Proof.
  intros a x last B H. unfold above in H. apply Z.leb_le, IZR_le in H. rewrite mult_IZR, shift_left in H by exact B.
  destruct (numerator_is x) as [D N]. rewrite N in H. apply Rmult_le_reg_r with (IZR (Zpos (Qden x))); lra.
Qed.

Lemma below_is : forall a x last, (0 <= bits a)%Z -> below a x last = true -> Q2R x * IZR (2 ^ bits a) <= IZR last.
Proof.
  intros a x last B H. unfold below in H. apply Z.leb_le, IZR_le in H. rewrite mult_IZR, shift_left in H by exact B.
  destruct (numerator_is x) as [D N]. rewrite N in H. apply Rmult_le_reg_r with (IZR (Zpos (Qden x))); lra.
Qed.

(** ** Rates and integrals are enclosed *)

(** Without computing the terms, as `injection` would. *)
Lemma some_is : forall (A : Type) (x y : A), Some x = Some y -> x = y.
Proof. intros A x y H. now injection H. Qed.
Lemma pair_is : forall (A B : Type) (x u : A) (y v : B), (x, y) = (u, v) -> x = u /\ y = v.
Proof. intros A B x u y v H. now injection H. Qed.

(** As functions of x = e^(-2s) and y = e^(-2t). *)
Definition expansion_between (c x y : R) : R := 1 / 2 * ln ((1 - c * x) / (1 - c * y)).
Definition total_between (c d2 x y : R) : R :=
  expansion_between c x y + d2 * (x - y) / (8 * (1 - c * x) * (1 - c * y)).

Section Enclosed.
Variables (b : Z) (a : tables).
Hypothesis b_range : (64 <= b <= 1024)%Z.
Hypothesis bits_a : bits a = b.
Hypothesis exp_encloses : forall i r x, exponential a i = Some r -> within b i x -> within b r (exp x).
Hypothesis ln_encloses : forall i r x, logarithm a i = Some r -> within b i x -> within b r (ln x).

Let pos : (0 <= bits a)%Z.
Proof. rewrite bits_a. lia. Qed.
Let scale_pos : 0 < IZR (2 ^ b).
Proof. apply pow2_pos. lia. Qed.

Lemma one_in : within b (one a) 1.
Proof. rewrite <- bits_a. apply one_within. Qed.
Lemma rational_in : forall x, within b (rational a x) (Q2R x).
Proof. intros. rewrite <- bits_a. apply rational_within, pos. Qed.
Lemma add_in : forall i j x y, within b i x -> within b j y -> within b (add i j) (x + y).
Proof. rewrite <- bits_a. intros. now apply add_within. Qed.
Lemma sub_in : forall i j x y, within b i x -> within b j y -> within b (sub i j) (x - y).
Proof. rewrite <- bits_a. intros. now apply sub_within. Qed.
Lemma mul_in : forall i j x y, within b i x -> within b j y -> within b (mul a i j) (x * y).
Proof. rewrite <- bits_a. intros. apply mul_within; auto using pos. Qed.
Lemma square_in : forall i x, within b i x -> within b (square a i) (x * x).
Proof. rewrite <- bits_a. intros. apply square_within; auto using pos. Qed.
Lemma div_in : forall i j x y r, div a i j = Some r -> within b i x -> within b j y -> y <> 0 /\ within b r (x / y).
Proof. rewrite <- bits_a. intros i j x y r. apply div_within, pos. Qed.

Lemma intersection_in : forall i j x, within b i x -> within b j x ->
  within b (Z.max (fst i) (fst j), Z.min (snd i) (snd j)) x.
Proof.
  intros [l u] [m v] x. unfold within. cbn [fst snd]. intros X Y.
  rewrite IZR_max, IZR_min. split; [apply Rmax_lub | apply Rmin_glb]; lra.
Qed.
Lemma half_in : forall i x, within b i x -> within b (Z.shiftr (fst i) 1, shift_up (snd i) 1) (1 / 2 * x).
Proof.
  intros [l u] x. unfold within. cbn [fst snd]. intros X.
  assert (F := floor_shift l 1 ltac:(lia)). assert (C := ceiling_shift u 1 ltac:(lia)).
  change (2 ^ 1)%Z with 2%Z in F, C. lra.
Qed.

Variables (c d2 : Q).
Let c' := Q2R c.
Let d2' := Q2R d2.

Lemma decay_in : forall t q, decay a t = Some q -> within b q (exp (-2 * Q2R t)).
Proof.
  intros t q H. apply (exp_encloses _ _ _ H). replace (-2 * Q2R t) with (Q2R ((-2 # 1) * t)); [apply rational_in|].
  now rewrite Q2R_mult, Q2R_whole.
Qed.

Lemma spread_in : forall q x, within b q x -> within b (spread_of a c q) (1 - c' * x).
Proof. intros q x H. apply sub_in; [apply one_in | apply mul_in; [apply rational_in | exact H]]. Qed.

Lemma rates_in : forall q x e g, rates a c d2 q = Some (e, g) -> within b q x ->
  within b e (excess c' x) /\ within b g (growth c' d2' x).
Proof.
  intros q x e g H X. unfold rates in H. assert (V := spread_in q x X). set (v := spread_of a c q) in *.
  destruct (div a (one a) v) as [inverse|] eqn:E1; [|discriminate].
  destruct (div a (mul a q (rational a d2)) _) as [pull|] eqn:E2; [|discriminate].
  destruct (div a (mul a q (sub _ _)) _) as [second|] eqn:E3; [|discriminate].
  apply some_is, pair_is in H. destruct H as [<- <-].
  destruct (div_in _ _ _ _ _ E1 one_in V) as [N I].
  assert (E : within b (sub inverse (one a)) (excess c' x)) by (apply sub_in; [exact I | apply one_in]).
  split; [exact E|].
  assert (F : within b (mul a (rational a (4 # 1)) (square a v)) (4 * ((1 - c' * x) * (1 - c' * x)))).
  { apply mul_in; [rewrite <- (Q2R_whole 4); apply rational_in | now apply square_in]. }
  destruct (div_in _ _ _ _ _ E2 (mul_in _ _ _ _ X (rational_in d2)) F) as [_ P].
  assert (A := sub_in _ _ _ _ P E).
  assert (M : within b (mul a q (sub (rational a d2) (mul a (rational a ((4 # 1) * c)) v)))
    (x * (d2' - 4 * c' * (1 - c' * x)))).
  { apply mul_in; [exact X|]. apply sub_in; [apply rational_in|]. apply mul_in; [|exact V].
    replace (4 * c') with (Q2R ((4 # 1) * c)) by (now rewrite Q2R_mult, Q2R_whole). apply rational_in. }
  destruct (div_in _ _ _ _ _ E3 M F) as [_ B]. fold (growth c' d2' x) in B.
  replace (x * Q2R d2 / (4 * ((1 - c' * x) * (1 - c' * x))) - excess c' x) with (growth c' d2' x) in A
    by (unfold growth, excess, d2'; field; exact N).
  now apply intersection_in.
Qed.

Lemma expansion_in : forall q_s q_t x y r, 0 < 1 - c' * x -> 0 < 1 - c' * y -> within b q_s x -> within b q_t y ->
  expansion_of a c q_s q_t = Some r -> within b r (expansion_between c' x y).
Proof.
  intros q_s q_t x y r P Q X Y H. unfold expansion_of in H.
  destruct (logarithm a (spread_of a c q_s)) as [early|] eqn:E; [|discriminate].
  destruct (logarithm a (spread_of a c q_t)) as [late|] eqn:L; [|discriminate]. apply some_is in H. subst r.
  unfold expansion_between. rewrite ln_div by assumption. apply half_in.
  exact (sub_in _ _ _ _ (ln_encloses _ _ _ E (spread_in _ _ X)) (ln_encloses _ _ _ L (spread_in _ _ Y))).
Qed.

Lemma one_sided_in : forall q_s q_t x y r, 0 < 1 - c' * x -> 0 < 1 - c' * y -> within b q_s x -> within b q_t y ->
  one_sided_of a c d2 q_s q_t = Some r -> within b r (total_between c' d2' x y).
Proof.
  intros q_s q_t x y r P Q X Y H. unfold one_sided_of in H.
  destruct (div a _ _) as [pull|] eqn:E; [|discriminate].
  destruct (expansion_of a c q_s q_t) as [grown|] eqn:G; [|discriminate]. apply some_is in H. subst r.
  apply add_in; [now apply (expansion_in q_s q_t)|].
  destruct (div_in _ _ _ _ _ E (mul_in _ _ _ _ (rational_in _) (sub_in _ _ _ _ X Y))
    (mul_in _ _ _ _ (spread_in _ _ X) (spread_in _ _ Y))) as [_ I].
  replace (d2' * (x - y) / (8 * (1 - c' * x) * (1 - c' * y)))
    with (Q2R (d2 / (8 # 1)) * (x - y) / ((1 - c' * x) * (1 - c' * y))); [exact I|].
  rewrite Q2R_div, Q2R_whole by discriminate. unfold d2'. field. lra.
Qed.

Lemma clamp_in : forall i j k x y z, within b i x -> within b j y -> within b k z ->
  within b (clamp (fst i) (fst j) (fst k), clamp (snd i) (snd j) (snd k)) (Rmin (Rmax x z) y).
Proof.
  intros i j k x y z. unfold within. cbn [fst snd]. unfold clamp. rewrite !IZR_min, !IZR_max.
  set (B := IZR (2 ^ b)) in *. intros X Y Z.
  assert (E : Rmin (Rmax x z) y * B = Rmin (Rmax (x * B) (z * B)) (y * B)).
  { unfold Rmin, Rmax. destruct (Rle_dec x z), (Rle_dec (x * B) (z * B)); try nra;
      repeat (destruct (Rle_dec _ _)); nra. }
  rewrite E. unfold Rmin, Rmax. repeat (destruct (Rle_dec _ _)); lra.
Qed.

(** int L in closed form, where q* is in [y, x], above, below. *)
Lemma two_sided_in : forall s t q_s q_t r, c' < 1 -> 0 <= d2' -> 0 <= s <= t ->
  within b q_s (exp (-2 * s)) -> within b q_t (exp (-2 * t)) -> two_sided_of a c d2 q_s q_t = Some r ->
  within b r (RInt (two_sided_rate c' d2') s t).
Proof.
  intros s t q_s q_t r C D H X Y E. unfold two_sided_of in E.
  assert (V : forall r, 0 <= r -> 0 < 1 - c' * exp (-2 * r)).
  { intros q Q. rewrite <- factor_square. now apply (spread_pos c' q). }
  assert (Vs := V s ltac:(lra)). assert (Vt := V t ltac:(lra)).
  assert (O := exp_between s s t ltac:(lra)). assert (Pt := exp_pos (-2 * t)).
  set (x := exp (-2 * s)) in *. set (y := exp (-2 * t)) in *.
  destruct (Qnum c <=? 0)%Z eqn:S.
  - assert (c' <= 0).
    { apply Z.leb_le, IZR_le in S. unfold c', Q2R. assert (0 < / IZR (Zpos (Qden c))) by (apply Rinv_0_lt_compat; now apply IZR_lt).
      nra. }
    rewrite two_sided_integral_first by (auto; fold y; nra). now apply (one_sided_in q_s q_t).
  - apply Z.leb_gt in S. assert (S' : 0 < c') by (apply rational_pos; now apply Z.ltb_lt).
    set (crossing := rational a _) in E.
    destruct (one_sided_of a c d2 q_s _) as [before|] eqn:E1; [|discriminate].
    destruct (expansion_of a c _ q_t) as [after|] eqn:E2; [|discriminate]. apply some_is in E. subst r.
    set (star := (1 - d2' / (8 * c')) / c').
    assert (W : within b crossing star).
    { replace star with (Q2R ((1 - d2 / ((8 # 1) * c)) / c)); [apply rational_in|].
      assert (~ (c == 0)%Q) by (intros Z; unfold Qeq in Z; cbn in Z; lia).
      assert (~ ((8 # 1) * c == 0)%Q) by (intros Z; apply Qmult_integral in Z; destruct Z; [discriminate | contradiction]).
      rewrite Q2R_div, Q2R_minus, Q2R_div, Q2R_mult by assumption.
      rewrite (Q2R_whole 8). replace (Q2R 1) with 1 by (symmetry; exact (Q2R_whole 1)). reflexivity. }
    assert (Z := clamp_in _ _ _ _ _ _ W X Y). set (z := Rmin (Rmax star y) x) in *.
    assert (B : y <= z <= x).
    { unfold z. split; [apply Rmin_glb; [apply Rmax_r | lra] | apply Rmin_r]. }
    assert (Vz : 0 < 1 - c' * z) by nra.
    assert (R := sub_in _ _ _ _ (one_sided_in _ _ _ _ _ Vs Vz X Z E1) (expansion_in _ _ _ _ _ Vz Vt Z Y E2)).
    assert (Q : c' * star = 1 - d2' / (8 * c')) by (unfold star; field; lra).
    assert (K : 8 * c' * (1 - c' * star) = d2') by (rewrite Q; field; lra).
    assert (N : forall u, 0 < 1 - c' * u -> expansion_between c' u u = 0).
    { intros u U. unfold expansion_between. replace ((1 - c' * u) / (1 - c' * u)) with 1 by (field; lra). rewrite ln_1. ring. }
    destruct (Rle_lt_dec star y) as [L|L]; [|destruct (Rle_lt_dec x star) as [M|M]].
    + assert (z = y) as e by (unfold z; rewrite Rmax_right, Rmin_left by lra; reflexivity).
      rewrite e in R. rewrite N in R by assumption. rewrite Rminus_0_r in R.
      rewrite two_sided_integral_first by (auto; fold y; nra). exact R.
    + assert (z = x) as e by (unfold z; rewrite Rmax_left, Rmin_right by lra; reflexivity).
      rewrite e in R. unfold total_between in R at 1. rewrite N in R by assumption.
      rewrite two_sided_integral_last by (auto; fold x; nra).
      replace (- expansion c' s t) with (0 + d2' * (x - x) / (8 * (1 - c' * x) * (1 - c' * x)) - expansion_between c' x y);
        [exact R|]. unfold expansion. fold x y (expansion_between c' x y). field. lra.
    + assert (z = star) as e by (unfold z; rewrite Rmax_left, Rmin_left by lra; reflexivity). rewrite e in R.
      assert (T : exp (-2 * crossing_time c' d2') = star).
      { unfold crossing_time. fold star. replace (-2 * (- (1 / 2) * ln star)) with (ln star) by field. apply exp_ln. lra. }
      rewrite two_sided_integral_across.
      * unfold total, expansion. rewrite T. exact R.
      * lra.
      * exact D.
      * lra.
      * assert (0 < c' * star) by (apply Rmult_lt_0_compat; lra). nra.
      * assert (G : forall u v, exp (-2 * u) <= exp (-2 * v) -> v <= u).
        { intros u v U. destruct (Rle_lt_dec v u) as [w|w]; [exact w|].
          assert (exp (-2 * v) < exp (-2 * u)) by (apply exp_increasing; lra). lra. }
        split; apply G; rewrite T; [fold x | fold y]; lra.
Qed.

End Enclosed.

(** ** What a well-posed problem gives *)

Section Problem.
Variable p : problem.
Hypothesis posed : well_posed p = true.

Lemma posed_facts :
  forallb (fun x => 0 <? Qnum x)%Z (weight_list p) = true /\ (0 < size p)%nat
  /\ length (mean_rows p) = size p
  /\ 0 < Q2R (sigma_squared p) /\ 0 < Q2R (start p) < Q2R (end_time p) /\ (64 <= asked_bits p <= 1024)%Z.
Proof.
  assert (H := posed). unfold well_posed in H. repeat (apply andb_prop in H; destruct H as [H ?]).
  rewrite Z.leb_le in *. rewrite Nat.eqb_eq in *. repeat split; auto using rational_pos, rational_less.
  unfold size. destruct (weight_list p) as [|x l]; [|apply Nat.lt_0_succ].
  match goal with L : (Z.abs _ * _ <= _)%Z |- _ => cbn in L; lia end.
Qed.

Lemma share_pos : forall k, 0 < share p k.
Proof.
  destruct posed_facts as (W & N & _). unfold size in N. intros k. unfold share.
  assert (P : forall x, In x (weight_list p) -> 0 < Q2R x).
  { intros x H. rewrite forallb_forall in W. now apply rational_pos, W. }
  apply Rdiv_lt_0_compat.
  - destruct (Nat.lt_ge_cases k (length (weight_list p))) as [L|L]; [now apply P, nth_In|].
    rewrite nth_overflow by exact L. replace (Q2R 1) with 1 by (symmetry; exact (Q2R_whole 1)). lra.
  - clear W. induction (weight_list p) as [|x l IH]; [inversion N|]. cbn [map fold_right].
    assert (0 < Q2R x) by (apply P; now left). destruct l as [|y l]; [cbn; lra|].
    assert (0 < fold_right Rplus 0 (map Q2R (y :: l))) by (apply IH; [apply Nat.lt_0_succ | intros; apply P; now right]). lra.
Qed.

Lemma mean_by_integers : forall k i, point (integer_rows p) (denominator p) k i = mean p k i.
Proof.
  intros k i. unfold point, mean, integer_rows.
  change (@nil Z) with (map (over (denominator p)) nil). rewrite map_nth.
  change 0%Z with (over (denominator p) 0%Q) at 1. rewrite map_nth. apply over_is; [apply common_pos|].
  destruct (Nat.lt_ge_cases i (length (nth k (mean_rows p) nil))) as [L|L].
  - apply common_divides. apply in_concat. exists (nth k (mean_rows p) nil). split; [|now apply nth_In].
    apply nth_In. destruct (Nat.lt_ge_cases k (length (mean_rows p))) as [M|M]; [exact M|].
    rewrite (nth_overflow _ _ M) in L. inversion L.
  - rewrite nth_overflow by exact L. apply Z.divide_1_l.
Qed.

Lemma distance_of_means : forall k l, norm (dimension p) (vsub (mean p k) (mean p l))
  = norm (dimension p) (vsub (point (integer_rows p) (denominator p) k) (point (integer_rows p) (denominator p) l)).
Proof. intros k l. apply norm_ext. intros i _. unfold vsub. now rewrite !mean_by_integers. Qed.

Lemma quotient_is : forall x, Q2R x = IZR (Qnum x) / IZR (Zpos (Qden x)).
Proof. reflexivity. Qed.

Lemma rows_length : length (integer_rows p) = size p.
Proof. unfold integer_rows. rewrite map_length. apply posed_facts. Qed.

Lemma diameter_is : forall d2, no_wider p d2 = true ->
  diameter (size p) (dimension p) (mean p) (sqrt (Q2R d2)) /\ 0 <= Q2R d2.
Proof.
  intros d2 H. unfold no_wider in H. split.
  - assert (D := diameter_by_integers (dimension p) (integer_rows p) (denominator p) (Qnum d2) (Zpos (Qden d2))
      (common_pos _) eq_refl H).
    rewrite rows_length in D. intros k l K L. rewrite distance_of_means, quotient_is. now apply D.
  - unfold all_within in H. rewrite forallb_forall in H.
    assert (N : (0 < length (integer_rows p))%nat) by (rewrite rows_length; apply posed_facts).
    specialize (H _ (nth_In _ nil N)). rewrite forallb_forall in H. specialize (H _ (nth_In _ nil N)).
    assert (Z0 : forall d x, squared_distance d x x = 0%Z).
    { induction d as [|d IH]; intros x; [reflexivity|]. cbn [squared_distance]. rewrite IH. ring. }
    rewrite Z0, Z.mul_0_r in H. apply Z.leb_le in H. assert (Q := common_pos (concat (mean_rows p))). fold (denominator p) in Q.
    assert (0 <= Qnum d2)%Z by nia. rewrite quotient_is. apply Rmult_le_pos; [now apply IZR_le|].
    left. apply Rinv_0_lt_compat. now apply IZR_lt.
Qed.

Lemma attained_is : forall d2 j k, no_wider p d2 = true -> attained p d2 j k = true -> width_of_means p (sqrt (Q2R d2)) j k.
Proof.
  intros d2 j k W H. unfold attained in H. apply andb_prop in H. destruct H as [L H]. apply Z.eqb_eq in H.
  apply andb_prop in L. destruct L as [J L]. apply Nat.ltb_lt in J, L. destruct posed_facts as (_ & _ & S & _). rewrite S in J, L.
  split; [now apply diameter_is|]. split; [exact J|]. split; [exact L|].
  rewrite distance_of_means, quotient_is. apply distance_by_integers; [apply common_pos | reflexivity | exact H].
Qed.

End Problem.

(** ** Accepted means true *)

Lemma panels_covered : forall (A B : Type) (f : A -> B) (P : R -> B -> Prop) (a : tables) (holds : interval -> A -> bool),
  (forall x y early late u, 0 <= Q2R x <= Q2R y -> decay a x = Some early -> decay a y = Some late ->
    holds (fst late, snd early) u = true -> forall t, Q2R x <= t <= Q2R y -> P t (f u)) ->
  forall more before early bounds, 0 <= Q2R before -> decay a before = Some early ->
  covered a holds before early more bounds = true ->
  panels (fun x y u => forall t, x <= t <= y -> P t u) (map Q2R (before :: more)) (map f bounds).
Proof.
  intros A B f P a holds S. induction more as [|after more IH]; intros before early bounds N E H.
  - destruct bounds; [exact I | discriminate].
  - destruct bounds as [|u others]; [discriminate|]. cbn [covered] in H.
    apply andb_prop in H. destruct H as [L H]. apply rational_less in L.
    destruct (decay a after) as [late|] eqn:D; [|discriminate]. apply andb_prop in H. destruct H as [U H].
    split.
    + apply (S before after early late u); auto. lra.
    + apply (IH after late others); auto. lra.
Qed.

Lemma last_of_map : forall l, last (map Q2R l) 0 = Q2R (last l 0%Q).
Proof.
  induction l as [|x l IH]; [symmetry; exact (Q2R_whole 0)|]. destruct l as [|y l]; [reflexivity|]. exact IH.
Qed.

Lemma on_panels_is : forall (A B : Type) (f : A -> B) (P : R -> B -> Prop) p a (holds : interval -> A -> bool) times bounds,
  well_posed p = true ->
  (forall x y early late u, 0 <= Q2R x <= Q2R y -> decay a x = Some early ->
    decay a y = Some late ->
    holds (fst late, snd early) u = true -> forall t, Q2R x <= t <= Q2R y -> P t (f u)) ->
  on_panels a holds (start p) (end_time p) times bounds = true ->
  on_each_panel p P times (map f bounds).
Proof.
  intros A B f P p a holds times bounds W S H. destruct (posed_facts p W) as (_ & _ & _ & _ & T & _).
  unfold on_panels in H. destruct times as [|first more]; [discriminate|].
  apply andb_prop in H. destruct H as [H C]. apply andb_prop in H. destruct H as [H _].
  apply andb_prop in H. destruct H as [E L]. apply Qeq_bool_iff, Qeq_eqR in E. apply Qeq_bool_iff, Qeq_eqR in L.
  destruct (decay a first) as [early|] eqn:D; [|discriminate].
  split; [exact E|]. split; [rewrite last_of_map; exact L|].
  apply (panels_covered _ _ f P a holds S more first early bounds); auto. lra.
Qed.

Section Accepted.
Variables (p : problem) (a : tables).
Hypothesis posed : well_posed p = true.
Let b := asked_bits p.
Hypothesis bits_a : bits a = b.
Let c := (1 - sigma_squared p)%Q.
Hypothesis exp_encloses : forall i r x, exponential a i = Some r -> within b i x -> within b r (exp x).
Hypothesis ln_encloses : forall i r x, logarithm a i = Some r -> within b i x -> within b r (ln x).

Lemma c_is : Q2R c = 1 - Q2R (sigma_squared p).
Proof. unfold c. rewrite Q2R_minus. f_equal. exact (Q2R_whole 1). Qed.

Let b_range : (64 <= b <= 1024)%Z.
Proof. apply (posed_facts p posed). Qed.
Let unit_pos : 0 < IZR (2 ^ b).
Proof. apply pow2_pos. lia. Qed.

Lemma above_in : forall i x value, within b i x -> above a value (snd i) = true -> x <= Q2R value.
Proof.
  intros i x value [_ X] H. apply above_is in H; [|rewrite bits_a; lia]. rewrite bits_a in H.
  apply Rmult_le_reg_r with (IZR (2 ^ b)); [exact unit_pos | lra].
Qed.
Lemma below_in : forall i x value, within b i x -> below a value (fst i) = true -> Q2R value <= x.
Proof.
  intros i x value [X _] H. apply below_is in H; [|rewrite bits_a; lia]. rewrite bits_a in H.
  apply Rmult_le_reg_r with (IZR (2 ^ b)); [exact unit_pos | lra].
Qed.

(** All q of a panel are within the ends of its two decays. *)
Lemma decays_between : forall x y early late, decay a x = Some early -> decay a y = Some late ->
  forall q, exp (-2 * Q2R y) <= q <= exp (-2 * Q2R x) -> within b (fst late, snd early) q.
Proof.
  intros x y early late X Y q Q.
  apply (decay_in b a b_range bits_a exp_encloses) in X. apply (decay_in b a b_range bits_a exp_encloses) in Y.
  destruct X as [_ X]. destruct Y as [Y _]. unfold within. cbn [fst snd].
  split; (eapply Rle_trans; [eassumption|]) || (eapply Rle_trans; [|eassumption]); apply Rmult_le_compat_r; lra.
Qed.

Lemma rates_between : forall d2 x y early late e g, decay a x = Some early -> decay a y = Some late ->
  rates a c d2 (fst late, snd early) = Some (e, g) ->
  forall q, exp (-2 * Q2R y) <= q <= exp (-2 * Q2R x) ->
  within b e (excess (1 - Q2R (sigma_squared p)) q) /\ within b g (growth (1 - Q2R (sigma_squared p)) (Q2R d2) q).
Proof.
  intros d2 x y early late e g X Y F q Q. rewrite <- c_is.
  apply (rates_in b a b_range bits_a c d2 _ q e g F). exact (decays_between x y early late X Y q Q).
Qed.

Let K_pos : (0 < size p)%nat := proj1 (proj2 (posed_facts p posed)).
Let sigma2_pos : 0 < Q2R (sigma_squared p).
Proof. apply (posed_facts p posed). Qed.
Let times_pos : 0 < Q2R (start p) < Q2R (end_time p).
Proof. apply (posed_facts p posed). Qed.

(** L2: both rates of the panel are at most the bound, in size. *)
Lemma two_sided_panels : forall d2 times upper, no_wider p d2 = true ->
  on_panels a (two_sided_holds a c d2) (start p) (end_time p) times upper = true ->
  statement p (SpatialBound d2 times upper).
Proof.
  intros d2 times upper W H. destruct (diameter_is p posed d2 W) as [D P].
  split; [exact D|]. refine (on_panels_is _ _ Q2R _ p a _ times upper posed _ H). clear H.
  intros x y early late u N X Y U t T z h. unfold two_sided_holds in U.
  destruct (rates a c d2 (fst late, snd early)) as [[e g]|] eqn:F; [|discriminate].
  assert (R := rates_between d2 x y early late e g X Y F).
  assert (B : forall i v, within b i v -> (Z.max (- fst i) (snd i) <= Z.max (Z.max (- fst e) (snd e)) (Z.max (- fst g) (snd g)))%Z ->
    - Q2R u <= v <= Q2R u).
  { intros i v [I J] M. apply above_is in U; [|rewrite bits_a; lia]. rewrite bits_a in U.
    assert (A : IZR (Z.max (- fst i) (snd i)) <= Q2R u * IZR (2 ^ b)) by (eapply Rle_trans; [apply IZR_le, M | exact U]).
    rewrite IZR_max, opp_IZR in A. assert (A1 := Rmax_l (- IZR (fst i)) (IZR (snd i))).
    assert (A2 := Rmax_r (- IZR (fst i)) (IZR (snd i))).
    split; apply Rmult_le_reg_r with (IZR (2 ^ b)); try exact unit_pos; lra. }
  apply (two_sided_panel (size p) (dimension p) (share p) (mean p) (Q2R (sigma_squared p)) (Q2R d2) K_pos
    (share_pos p posed) sigma2_pos P D (Q2R x) (Q2R y)); [apply N | | | exact T].
  - intros q Q. apply (B e); [apply (R q Q) | lia].
  - intros q Q. apply (B g); [apply (R q Q) | lia].
Qed.

(** L3 *)
Lemma one_sided_panels : forall d2 times upper lower, no_wider p d2 = true ->
  on_panels a (one_sided_holds a c d2) (start p) (end_time p) times (combine lower upper) = true ->
  statement p (GrowthRates d2 times upper lower).
Proof.
  intros d2 times upper lower W H. destruct (diameter_is p posed d2 W) as [D P].
  set (f := fun u : Q * Q => (Q2R (fst u), Q2R (snd u))).
  assert (M : map f (combine lower upper) = combine (map Q2R lower) (map Q2R upper)).
  { clear H. revert upper. induction lower as [|x l IH]; intros [|y m]; cbn; try reflexivity. now rewrite IH. }
  split; [exact D|]. rewrite <- M.
  refine (on_panels_is _ _ f _ p a _ times (combine lower upper) posed _ H). clear H M. intros x y early late [low up] N X Y U t T z h. cbn [f fst snd]. unfold one_sided_holds in U.
  destruct (rates a c d2 (fst late, snd early)) as [[e g]|] eqn:F; [|discriminate]. cbn [fst snd] in U.
  apply andb_prop in U. destruct U as [U L].
  assert (R := rates_between d2 x y early late e g X Y F).
  apply (one_sided_panel (size p) (dimension p) (share p) (mean p) (Q2R (sigma_squared p)) (Q2R d2) K_pos
    (share_pos p posed) sigma2_pos P D (Q2R x) (Q2R y)); [apply N | | | exact T].
  - intros q Q. destruct (R q Q) as [[_ E] _]. apply below_is in L; [|rewrite bits_a; lia]. rewrite bits_a, opp_IZR in L.
    apply Rmult_le_reg_r with (IZR (2 ^ b)); [exact unit_pos | lra].
  - intros q Q. apply (above_in g); [apply (R q Q) | exact U].
Qed.

Let c_small : Q2R c < 1.
Proof. rewrite c_is. lra. Qed.
Let spread_positive : forall t, 0 <= t -> 0 < 1 - Q2R c * exp (-2 * t).
Proof. intros t T. rewrite <- factor_square. now apply (spread_pos (Q2R c) t). Qed.

Section Ends.
Variables q_s q_t : interval.
Hypothesis early : decay a (start p) = Some q_s.
Hypothesis late : decay a (end_time p) = Some q_t.

Let early_in := decay_in b a b_range bits_a exp_encloses _ _ early.
Let late_in := decay_in b a b_range bits_a exp_encloses _ _ late.

Lemma total_in : forall d2 r, one_sided_of a c d2 q_s q_t = Some r ->
  within b r (total (Q2R c) (Q2R d2) (Q2R (start p)) (Q2R (end_time p))).
Proof.
  intros d2 r H. apply (one_sided_in b a b_range bits_a ln_encloses c d2 q_s q_t); auto;
    apply spread_positive; lra.
Qed.
Lemma whole_expansion_in : forall r, expansion_of a c q_s q_t = Some r ->
  within b r (expansion (Q2R c) (Q2R (start p)) (Q2R (end_time p))).
Proof.
  intros r H. apply (expansion_in b a b_range bits_a ln_encloses c q_s q_t); auto; apply spread_positive; lra.
Qed.

(** F1 *)
Lemma flow_stable : forall d2 value contraction factor r e, no_wider p d2 = true ->
  one_sided_of a c d2 q_s q_t = Some r -> above a value (snd r) = true ->
  expansion_of a c q_s q_t = Some e -> below a contraction (fst e) = true ->
  match factor with
  | None => True
  | Some most => exists power, exponential a (rational a value) = Some power /\ above a most (snd power) = true
  end -> statement p (FlowStability d2 value contraction factor).
Proof.
  intros d2 value contraction factor r e W R A E B F. destruct (diameter_is p posed d2 W) as [D P].
  split; [exact D|]. split.
  - intros x y X Y.
    apply (flow_growth (size p) (dimension p) (share p) (mean p) (Q2R (sigma_squared p)) (Q2R d2) K_pos
      (share_pos p posed) sigma2_pos P D); auto; try rewrite <- c_is.
    + lra.
    + apply (below_in e); [now apply whole_expansion_in | exact B].
    + apply (above_in r); [now apply total_in | exact A].
  - destruct factor as [most|]; [|exact I]. destruct F as (power & F & M).
    apply (above_in power); [|exact M]. apply (exp_encloses _ _ _ F). apply rational_in; assumption.
Qed.

(** F2 *)
Lemma integrals_between : forall d2 one_sided two_sided j k, no_wider p d2 = true -> attained p d2 j k = true ->
  enclosed a (one_sided_of a c d2 q_s q_t) one_sided = true ->
  enclosed a (two_sided_of a c d2 q_s q_t) two_sided = true ->
  statement p (CumulativeStability d2 one_sided two_sided (j, k)).
Proof.
  intros d2 one_sided two_sided j k W A O T. destruct (diameter_is p posed d2 W) as [D P].
  assert (I : forall found ends x, (forall r, found = Some r -> within b r x) -> enclosed a found ends = true ->
    Q2R (fst ends) <= x <= Q2R (snd ends)).
  { intros [r|] ends x H E; [|discriminate]. cbn in E. apply andb_prop in E. destruct E as [L U].
    specialize (H r eq_refl). split; [now apply (below_in r) | now apply (above_in r)]. }
  split; [now apply attained_is|]. rewrite <- c_is. split.
  - refine (I _ _ _ _ O). intros r R. rewrite one_sided_integral by (auto; lra). now apply total_in.
  - refine (I _ _ _ _ T). intros r R.
    apply (two_sided_in b a b_range bits_a ln_encloses c d2 _ _ q_s q_t); auto. lra.
Qed.

(** G1 *)
Lemma integral_in : forall d2 two_sided x q r, 0 <= Q2R d2 -> Q2R (start p) <= Q2R x -> decay a x = Some q ->
  integral_of a c d2 two_sided q_s q = Some r ->
  within b r (RInt (rate_of two_sided (Q2R c) (Q2R d2)) (Q2R (start p)) (Q2R x)).
Proof.
  intros d2 two_sided x q r D X Q H. apply (decay_in b a b_range bits_a exp_encloses) in Q. destruct two_sided; cbn [rate_of].
  - apply (two_sided_in b a b_range bits_a ln_encloses c d2 _ _ q_s q); auto. lra.
  - rewrite one_sided_integral by (auto; lra).
    apply (one_sided_in b a b_range bits_a ln_encloses c d2 q_s q); auto; apply spread_positive; lra.
Qed.

Lemma grows_is : forall d2 two_sided, 0 <= Q2R d2 -> grows a c d2 two_sided q_s q_t = true ->
  forall r, Q2R (start p) <= r <= Q2R (end_time p) -> 0 < rate_of two_sided (Q2R c) (Q2R d2) r.
Proof.
  intros d2 two_sided D H r R. unfold grows in H. destruct two_sided; cbn [rate_of].
  - apply two_sided_positive; auto; [lra|]. apply orb_prop in H. destruct H as [H|H].
    + apply negb_true_iff, Z.eqb_neq in H. assert (Q2R c <> 0).
      { unfold Q2R. apply Rmult_integral_contrapositive_currified; [now apply not_0_IZR|].
        apply Rinv_neq_0_compat. now apply not_0_IZR. }
      assert (0 < Q2R c * Q2R c) by (destruct (Rtotal_order (Q2R c) 0) as [?|[?|?]]; [nra | contradiction | nra]). lra.
    + apply rational_pos in H. nra.
  - apply (one_sided_positive (Q2R c) (Q2R d2) (Q2R (end_time p))); auto; [lra|].
    assert (M := mul_in b a b_range bits_a _ _ _ _ (rational_in b a b_range bits_a ((4 # 1) * c))
      (spread_in b a b_range bits_a c _ _ late_in)).
    assert (I := rational_in b a b_range bits_a d2). destruct M as [_ M]. destruct I as [I _].
    apply Z.ltb_lt in H. assert (L : (snd (mul a (rational a ((4 # 1) * c)) (spread_of a c q_t)) < fst (rational a d2))%Z) by lia.
    apply IZR_lt in L. rewrite Q2R_mult, Q2R_whole in M. apply Rmult_lt_reg_r with (IZR (2 ^ b)); [exact unit_pos|]. lra.
Qed.

Lemma rate_of_continuous : forall d2 two_sided r, Q2R (start p) <= r -> continuous (rate_of two_sided (Q2R c) d2) r.
Proof.
  intros d2 two_sided r R. destruct two_sided; cbn [rate_of];
    [apply two_sided_rate_continuous | apply one_sided_rate_continuous]; auto; lra.
Qed.

Lemma nodes_after : forall d2 two_sided n whole nodes share before,
  nodes_hold a c d2 two_sided n share (start p) before q_s whole nodes = true -> Q2R (start p) < Q2R before.
Proof.
  intros d2 two_sided n whole. induction nodes as [|node rest IH]; intros share before H; [destruct share; discriminate|].
  destruct share as [|share]; cbn [nodes_hold] in H.
  - destruct rest; [|discriminate]. apply andb_prop in H. destruct H as [H L]. apply andb_prop in H. destruct H as [_ H].
    apply Qeq_bool_iff, Qeq_eqR in H. apply rational_less in L. lra.
  - apply andb_prop in H. destruct H as [H N]. do 2 (apply andb_prop in H; destruct H as [H _]).
    apply andb_prop in H. destruct H as [H L]. apply rational_le in H. apply rational_less in L. specialize (IH _ _ N). lra.
Qed.

Lemma nodes_between : forall d2 two_sided n whole (t : nat -> R), 0 <= Q2R d2 ->
  (forall r, Q2R (start p) <= r <= Q2R (end_time p) -> 0 < rate_of two_sided (Q2R c) (Q2R d2) r) ->
  integral_of a c d2 two_sided q_s q_t = Some whole -> t n = Q2R (start p) ->
  (forall i, (i <= n)%nat -> Q2R (start p) <= t i <= Q2R (end_time p)) ->
  (forall i, (i < n)%nat -> RInt (rate_of two_sided (Q2R c) (Q2R d2)) (t (S i)) (t i)
    = RInt (rate_of two_sided (Q2R c) (Q2R d2)) (Q2R (start p)) (Q2R (end_time p)) / INR n) ->
  forall nodes share before, (share < n)%nat -> Q2R before <= Q2R (end_time p) ->
  nodes_hold a c d2 two_sided n share (start p) before q_s whole nodes = true ->
  forall i, (i <= share)%nat ->
  Q2R (fst (nth i nodes (0%Q, 0%Q))) <= t (n - share + i)%nat <= Q2R (snd (nth i nodes (0%Q, 0%Q))).
Proof.
  intros d2 two_sided n whole t D P W Z I B. apply (integral_in d2 two_sided (end_time p)) in W; [|auto; lra..].
  induction nodes as [|node rest IH]; intros share before N T H i J; [destruct share; discriminate|].
  destruct share as [|share]; cbn [nodes_hold] in H.
  - destruct rest; [|discriminate]. apply andb_prop in H. destruct H as [H _]. apply andb_prop in H. destruct H as [E F].
    apply Qeq_bool_iff, Qeq_eqR in E. apply Qeq_bool_iff, Qeq_eqR in F.
    replace i with 0%nat by lia. rewrite Nat.sub_0_r, Nat.add_0_r, Z. cbn [nth]. lra.
  - apply andb_prop in H. destruct H as [H M]. assert (A := nodes_after _ _ _ _ _ _ _ M).
    apply andb_prop in H. destruct H as [H U]. apply andb_prop in H. destruct H as [H L].
    apply andb_prop in H. destruct H as [O F]. apply rational_le in O. apply rational_less in F.
    destruct i as [|i].
    + cbn [nth]. rewrite Nat.add_0_r.
      destruct (decay a (fst node)) as [early'|] eqn:E1; [|discriminate].
      destruct (integral_of a c d2 two_sided q_s early') as [low|] eqn:E2; [|discriminate].
      destruct (decay a (snd node)) as [late'|] eqn:E3; [|discriminate].
      destruct (integral_of a c d2 two_sided q_s late') as [high|] eqn:E4; [|discriminate].
      apply (integral_in d2 two_sided (fst node)) in E2; [|auto; lra..].
      apply (integral_in d2 two_sided (snd node)) in E4; [|auto; lra..].
      apply Z.leb_le, IZR_le in L. apply Z.leb_le, IZR_le in U. rewrite !mult_IZR, <- !INR_IZR_INZ in L, U.
      destruct E2 as [_ E2]. destruct E4 as [E4 _]. destruct W as [W1 W2].
      assert (n0 := pos_INR n). assert (s0 := pos_INR (S share)).
      apply (node_between (rate_of two_sided (Q2R c) (Q2R d2)) (Q2R (start p)) (Q2R (end_time p)) n t) with
        (count := INR n) (share := INR (S share)); auto; try lia; try lra.
      * intros r R. apply rate_of_continuous. lra.
      * f_equal. lia.
      * apply Rmult_le_reg_r with (IZR (2 ^ b)); [exact unit_pos|]. rewrite !Rmult_assoc.
        apply Rle_trans with (INR n * IZR (snd low)); [now apply Rmult_le_compat_l|].
        eapply Rle_trans; [exact L|]. now apply Rmult_le_compat_l.
      * apply Rmult_le_reg_r with (IZR (2 ^ b)); [exact unit_pos|]. rewrite !Rmult_assoc.
        apply Rle_trans with (INR (S share) * IZR (snd whole)); [now apply Rmult_le_compat_l|].
        eapply Rle_trans; [exact U|]. now apply Rmult_le_compat_l.
    + replace (n - S share + S i)%nat with (n - share + i)%nat by lia. cbn [nth].
      apply (IH share (fst node)); auto; try lia. lra.
Qed.

Lemma grid_between : forall d2 two_sided shares first rest j k whole, no_wider p d2 = true -> attained p d2 j k = true ->
  grows a c d2 two_sided q_s q_t = true -> integral_of a c d2 two_sided q_s q_t = Some whole ->
  Q2R (fst first) = Q2R (end_time p) -> Q2R (snd first) = Q2R (end_time p) ->
  nodes_hold a c d2 two_sided (S shares) shares (start p) (fst first) q_s whole rest = true ->
  statement p (BalancedGrid d2 two_sided (S shares) (first :: rest) (j, k)).
Proof.
  intros d2 two_sided shares first rest j k whole W A P I F G N. destruct (diameter_is p posed d2 W) as [D D'].
  split; [now apply attained_is|]. rewrite <- c_is. intros t T Z J B [|i] H.
  - cbn [nth]. rewrite T. lra.
  - cbn [nth]. replace (S i) with (S shares - shares + i)%nat at 1 by lia.
    replace (S i) with (S shares - shares + i)%nat by lia.
    apply (nodes_between d2 two_sided (S shares) whole t D' (grows_is d2 two_sided D' P) I Z J B rest shares (fst first));
      auto; try lia. lra.
Qed.

End Ends.

Lemma accepted_by : forall asserted, rule_accepts a p asserted = true -> statement p asserted.
Proof.
  intros [d2 times upper | d2 times upper lower | d2 growth contraction factor | d2 one_sided two_sided [j k]
    | d2 two_sided segments nodes [j k]] H;
    unfold rule_accepts in H; cbv zeta in H; fold c in H.
  - apply andb_prop in H. destruct H. now apply two_sided_panels.
  - apply andb_prop in H. destruct H as [H ?]. apply andb_prop in H. destruct H. now apply one_sided_panels.
  - apply andb_prop in H. destruct H as [W H].
    destruct (decay a (start p)) as [q_s|] eqn:S; [|discriminate].
    destruct (decay a (end_time p)) as [q_t|] eqn:T; [|discriminate].
    apply andb_prop in H. destruct H as [H F]. apply andb_prop in H. destruct H as [R E].
    destruct (one_sided_of a c d2 q_s q_t) as [r|] eqn:O; [|discriminate].
    destruct (expansion_of a c q_s q_t) as [e|] eqn:X; [|discriminate].
    apply (flow_stable q_s q_t S T d2 growth contraction factor r e); auto.
    destruct factor as [most|]; [|exact I]. apply andb_prop in F. destruct F as [_ F].
    destruct (exponential a (rational a growth)) as [power|]; [|discriminate]. now exists power.
  - apply andb_prop in H. destruct H as [H I]. apply andb_prop in H. destruct H as [W A].
    destruct (decay a (start p)) as [q_s|] eqn:S; [|discriminate].
    destruct (decay a (end_time p)) as [q_t|] eqn:T; [|discriminate].
    apply andb_prop in I. destruct I. now apply (integrals_between q_s q_t S T).
  - apply andb_prop in H. destruct H as [H I]. apply andb_prop in H. destruct H as [W A].
    destruct (decay a (start p)) as [q_s|] eqn:S; [|discriminate].
    destruct (decay a (end_time p)) as [q_t|] eqn:T; [|discriminate].
    apply andb_prop in I. destruct I as [P I].
    destruct (integral_of a c d2 two_sided q_s q_t) as [whole|] eqn:G; [|discriminate].
    destruct segments as [|shares]; [discriminate|]. destruct nodes as [|first rest]; [discriminate|].
    apply andb_prop in I. destruct I as [E N]. apply andb_prop in E. destruct E as [E F].
    apply Qeq_bool_iff, Qeq_eqR in E. apply Qeq_bool_iff, Qeq_eqR in F.
    now apply (grid_between q_s q_t S T d2 two_sided shares first rest j k whole).
Qed.

End Accepted.

(** The checker's rules: what they accept is true. *)
Theorem accepted_is_true : forall p asserted, accepted p asserted = true -> statement p asserted.
Proof.
  intros p asserted H. apply andb_prop in H. destruct H as [W R].
  destruct (posed_facts p W) as (_ & _ & _ & _ & _ & B).
  exact (accepted_by p (setup (asked_bits p)) W (setup_bits (asked_bits p))
    (fun i r x => exponential_encloses (asked_bits p) i r x B (ln2_bounds (asked_bits p) B))
    (fun i r x => logarithm_encloses (asked_bits p) i r x B) asserted R).
Qed.
