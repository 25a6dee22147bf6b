(** Intervals of integers enclose: what rounding loses, and that every operation contains its results.

    Page: proofs/checker.md, section 1.  [within b i x]: the interval i of integers contains the number x at scale 2^-b. *)

Require Import Reals Psatz Lia ZArith QArith Qreals.
From Certflow Require Import Integers.
Open Scope R_scope.

(** ** Rounding *)

Lemma pow2_pos : forall n, (0 <= n)%Z -> 0 < IZR (2 ^ n).
Proof. intros n H. apply IZR_lt. now apply Z.pow_pos_nonneg. Qed.

Lemma pow2_add : forall m n, (0 <= m)%Z -> (0 <= n)%Z -> IZR (2 ^ (m + n)) = IZR (2 ^ m) * IZR (2 ^ n).
Proof. intros m n M N. now rewrite Z.pow_add_r, mult_IZR. Qed.

Lemma floor_div : forall a b, (0 < b)%Z -> IZR a / IZR b - 1 < IZR (a / b) <= IZR a / IZR b.
Proof.
  intros a b B. assert (b' : 0 < IZR b) by now apply IZR_lt.
  assert (E := Z_div_mod_eq_full a b). assert (M := Z.mod_pos_bound a b B).
  assert (e : IZR a = IZR b * IZR (a / b) + IZR (a mod b)) by (rewrite E at 1; now rewrite plus_IZR, mult_IZR).
  destruct M as [M1 M2]. apply IZR_le in M1. apply IZR_lt in M2.
  assert (Q : IZR a / IZR b = IZR (a / b) + IZR (a mod b) / IZR b) by (rewrite e; field; lra).
  assert (0 <= IZR (a mod b) / IZR b < 1).
  { split; [apply Rmult_le_pos; [exact M1 | left; now apply Rinv_0_lt_compat]|].
    apply Rmult_lt_reg_r with (IZR b); [exact b'|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. lra. }
  lra.
Qed.

Lemma ceiling_div : forall a b, (0 < b)%Z -> IZR a / IZR b <= IZR (ceiling a b) < IZR a / IZR b + 1.
Proof.
  intros a b B. unfold ceiling. assert (H := floor_div (- a) b B). rewrite opp_IZR in H |- *.
  replace (- IZR a / IZR b) with (- (IZR a / IZR b)) in H by (field; apply not_0_IZR; lia). lra.
Qed.

Lemma floor_shift : forall a n, (0 <= n)%Z ->
  IZR a / IZR (2 ^ n) - 1 < IZR (Z.shiftr a n) <= IZR a / IZR (2 ^ n).
Proof. intros a n N. rewrite Z.shiftr_div_pow2 by exact N. apply floor_div. now apply Z.pow_pos_nonneg. Qed.

Lemma ceiling_shift : forall a n, (0 <= n)%Z ->
  IZR a / IZR (2 ^ n) <= IZR (shift_up a n) < IZR a / IZR (2 ^ n) + 1.
Proof.
  intros a n N. unfold shift_up. assert (H := floor_shift (- a) n N). rewrite opp_IZR in H |- *.
  assert (P := pow2_pos n N). replace (- IZR a / IZR (2 ^ n)) with (- (IZR a / IZR (2 ^ n))) in H by (field; lra). lra.
Qed.

Lemma shift_left : forall a n, (0 <= n)%Z -> IZR (Z.shiftl a n) = IZR a * IZR (2 ^ n).
Proof. intros a n N. now rewrite Z.shiftl_mul_pow2, mult_IZR. Qed.

(** The tables remember for how many bits they are. *)
Lemma setup_bits : forall b, bits (setup b) = b.
Proof. intros b. unfold setup. destruct (log_entries _ _ _ _ _ _). reflexivity. Qed.

(** ** Operations *)

Definition within (b : Z) (i : interval) (x : R) : Prop := IZR (fst i) <= x * IZR (2 ^ b) <= IZR (snd i).

Lemma corners : forall l u m v x y, l <= x <= u -> m <= y <= v ->
  Rmin (Rmin (l * m) (l * v)) (Rmin (u * m) (u * v)) <= x * y
  <= Rmax (Rmax (l * m) (l * v)) (Rmax (u * m) (u * v)).
Proof.
  intros l u m v x y [X1 X2] [Y1 Y2].
  assert (A : forall s t, s <= t -> forall c, Rmin (c * s) (c * t) <= c * s /\ Rmin (c * s) (c * t) <= c * t
    /\ c * s <= Rmax (c * s) (c * t) /\ c * t <= Rmax (c * s) (c * t))
    by (intros; repeat split; [apply Rmin_l | apply Rmin_r | apply Rmax_l | apply Rmax_r]).
  assert (V : m <= v) by lra.
  destruct (A m v V l) as (L1 & L2 & L3 & L4). destruct (A m v V u) as (U1 & U2 & U3 & U4).
  set (minl := Rmin (l * m) (l * v)) in *. set (minu := Rmin (u * m) (u * v)) in *.
  set (maxl := Rmax (l * m) (l * v)) in *. set (maxu := Rmax (u * m) (u * v)) in *.
  assert (minl <= l * y <= maxl) by (split; destruct (Rle_lt_dec 0 l); nra).
  assert (minu <= u * y <= maxu) by (split; destruct (Rle_lt_dec 0 u); nra).
  assert (N := Rmin_l minl minu). assert (N' := Rmin_r minl minu).
  assert (M := Rmax_l maxl maxu). assert (M' := Rmax_r maxl maxu).
  destruct (Rle_lt_dec 0 y); split; nra.
Qed.

Lemma IZR_min : forall x y, IZR (Z.min x y) = Rmin (IZR x) (IZR y).
Proof.
  intros x y. destruct (Z.min_spec x y) as [[H ->]|[H ->]]; symmetry; [apply Rmin_left | apply Rmin_right]; apply IZR_le; lia.
Qed.
Lemma IZR_max : forall x y, IZR (Z.max x y) = Rmax (IZR x) (IZR y).
Proof.
  intros x y. destruct (Z.max_spec x y) as [[H ->]|[H ->]]; symmetry; [apply Rmax_right | apply Rmax_left]; apply IZR_le; lia.
Qed.

Section Enclosures.
Variable a : tables.
Hypothesis bits_pos : (0 <= bits a)%Z.
Let b := bits a.
Let P := IZR (2 ^ b).

Let P_pos : 0 < P.
Proof. unfold P. apply pow2_pos. exact bits_pos. Qed.

Lemma one_within : within b (one a) 1.
Proof. unfold within, one. cbn [fst snd]. fold b P. lra. Qed.

Lemma rational_within : forall x, within b (rational a x) (Q2R x).
Proof.
  intros x. unfold within, rational. cbn [fst snd].
  assert (D : (0 < Zpos (Qden x))%Z) by reflexivity.
  assert (F := floor_div (Z.shiftl (Qnum x) b) _ D). assert (C := ceiling_div (Z.shiftl (Qnum x) b) _ D).
  rewrite shift_left in F, C by exact bits_pos. fold P in F, C |- *. fold b.
  replace (Q2R x * P) with (IZR (Qnum x) * P / IZR (Zpos (Qden x))); [lra|].
  unfold Q2R. field. apply not_0_IZR. discriminate.
Qed.

Lemma add_within : forall i j x y, within b i x -> within b j y -> within b (add i j) (x + y).
Proof. intros i j x y. unfold within, add. cbn [fst snd]. rewrite !plus_IZR. fold P. lra. Qed.

Lemma sub_within : forall i j x y, within b i x -> within b j y -> within b (sub i j) (x - y).
Proof. intros i j x y. unfold within, sub. cbn [fst snd]. rewrite !minus_IZR. fold P. lra. Qed.

(** What is a product of ends, cut. *)
Lemma cut_within : forall low high x y, IZR low <= x * P * (y * P) <= IZR high ->
  within b (Z.shiftr low b, shift_up high b) (x * y).
Proof.
  intros low high x y [L H]. unfold within. cbn [fst snd]. fold P.
  assert (F := floor_shift low b bits_pos). assert (C := ceiling_shift high b bits_pos). fold P in F, C.
  assert (E : x * P * (y * P) / P = x * y * P) by (field; lra).
  assert (I : 0 < / P) by now apply Rinv_0_lt_compat.
  assert (IZR low / P <= x * y * P) by (rewrite <- E; apply Rmult_le_compat_r; lra).
  assert (x * y * P <= IZR high / P) by (rewrite <- E; apply Rmult_le_compat_r; lra). lra.
Qed.

Lemma mul_within : forall i j x y, within b i x -> within b j y -> within b (mul a i j) (x * y).
Proof.
  intros [l u] [m v] x y. unfold within at 1 2. cbn [fst snd]. fold P. intros X Y. unfold mul.
  destruct ((0 <=? l) && (0 <=? m))%Z eqn:E.
  - apply andb_prop in E. destruct E as [E F]. apply Z.leb_le, IZR_le in E. apply Z.leb_le, IZR_le in F.
    apply cut_within. rewrite !mult_IZR. split; apply Rmult_le_compat; lra.
  - apply cut_within. rewrite !IZR_min, !IZR_max, !mult_IZR. now apply corners.
Qed.

Lemma square_within : forall i x, within b i x -> within b (square a i) (x * x).
Proof.
  intros [l u] x. unfold within at 1. cbn [fst snd]. fold P. intros X. unfold square.
  set (low := Z.min (Z.abs l) (Z.abs u)). set (high := Z.max (Z.abs l) (Z.abs u)).
  assert (H : IZR (high * high) >= x * P * (x * P)).
  { rewrite mult_IZR. unfold high. rewrite IZR_max, !abs_IZR.
    assert (Rabs (x * P) <= Rmax (Rabs (IZR l)) (Rabs (IZR u))).
    { unfold Rmax, Rabs. repeat (destruct (Rle_dec _ _) || destruct (Rcase_abs _)); lra. }
    assert (N := Rabs_pos (x * P)). assert (Rabs (x * P) * Rabs (x * P) = x * P * (x * P))
      by (rewrite <- Rabs_mult; apply Rabs_pos_eq; nra). nra. }
  assert (N : IZR (low * low) <= x * P * (x * P) \/ ((l <=? 0) && (0 <=? u) = true)%Z).
  { destruct ((l <=? 0) && (0 <=? u))%Z eqn:E; [now right|left].
    assert (D : (0 < l \/ u < 0)%Z).
    { apply andb_false_iff in E. rewrite !Z.leb_gt in E. exact E. }
    rewrite mult_IZR. unfold low. rewrite IZR_min, !abs_IZR.
    assert (Rmin (Rabs (IZR l)) (Rabs (IZR u)) <= Rabs (x * P)).
    { destruct D as [D|D]; apply IZR_lt in D;
        unfold Rmin, Rabs; repeat (destruct (Rle_dec _ _) || destruct (Rcase_abs _)); lra. }
    assert (0 <= Rmin (Rabs (IZR l)) (Rabs (IZR u))) by (apply Rmin_glb; apply Rabs_pos).
    assert (Rabs (x * P) * Rabs (x * P) = x * P * (x * P))
      by (rewrite <- Rabs_mult; apply Rabs_pos_eq; nra). nra. }
  destruct ((l <=? 0) && (0 <=? u))%Z.
  - assert (W : within b (Z.shiftr 0 b, shift_up (high * high) b) (x * x)) by (apply cut_within; nra).
    rewrite Z.shiftr_0_l in W. exact W.
  - destruct N as [N|N]; [|discriminate]. apply cut_within. lra.
Qed.

Lemma div_positive : forall l u m v x y, (0 < m)%Z -> IZR l <= x * P <= IZR u -> IZR m <= y * P <= IZR v ->
  within b (Z.shiftl l b / (if 0 <=? l then v else m), ceiling (Z.shiftl u b) (if 0 <=? u then m else v))%Z (x / y).
Proof.
  intros l u m v x y M X Y. assert (m' := M). apply IZR_lt in m'. assert (v' : 0 < IZR v) by lra.
  assert (V : (0 < v)%Z) by now apply lt_IZR. assert (y' : 0 < y * P) by lra.
  assert (y'' : 0 < y) by (apply Rmult_lt_reg_r with P; lra).
  assert (I : 0 < / (y * P)) by now apply Rinv_0_lt_compat.
  assert (Iv : / IZR v <= / (y * P)) by (apply Rinv_le_contravar; lra).
  assert (Im : / (y * P) <= / IZR m) by (apply Rinv_le_contravar; lra).
  assert (Pv : 0 < / IZR v) by now apply Rinv_0_lt_compat.
  assert (E : x / y * P = x * P * / (y * P) * P) by (field; split; lra).
  unfold within. cbn [fst snd]. fold P. rewrite E. split.
  - eapply Rle_trans; [apply floor_div; destruct (0 <=? l)%Z; assumption|].
    rewrite shift_left by exact bits_pos. fold P. unfold Rdiv.
    replace (IZR l * P * / IZR (if (0 <=? l)%Z then v else m)) with (IZR l * / IZR (if (0 <=? l)%Z then v else m) * P) by ring.
    apply Rmult_le_compat_r; [lra|]. destruct (0 <=? l)%Z eqn:L.
    + apply Z.leb_le, IZR_le in L. apply Rmult_le_compat; lra.
    + apply Z.leb_gt, IZR_lt in L. apply Rle_trans with (IZR l * / (y * P)); [nra | apply Rmult_le_compat_r; lra].
  - eapply Rle_trans; [|apply ceiling_div; destruct (0 <=? u)%Z; assumption].
    rewrite shift_left by exact bits_pos. fold P. unfold Rdiv.
    replace (IZR u * P * / IZR (if (0 <=? u)%Z then m else v)) with (IZR u * / IZR (if (0 <=? u)%Z then m else v) * P) by ring.
    apply Rmult_le_compat_r; [lra|]. destruct (0 <=? u)%Z eqn:U.
    + apply Z.leb_le, IZR_le in U. apply Rle_trans with (IZR u * / (y * P)); [apply Rmult_le_compat_r; lra | nra].
    + apply Z.leb_gt, IZR_lt in U. apply Rle_trans with (IZR u * / (y * P)); [apply Rmult_le_compat_r; lra | nra].
Qed.

Lemma div_within : forall i j x y r, div a i j = Some r -> within b i x -> within b j y -> y <> 0 /\ within b r (x / y).
Proof.
  intros [l u] [m v] x y r. unfold div, within at 1 2. cbn [fst snd]. fold P b.
  destruct ((m <=? 0) && (0 <=? v))%Z eqn:Z0; [discriminate|]. apply andb_false_iff in Z0. rewrite !Z.leb_gt in Z0.
  destruct (v <? 0)%Z eqn:N; intros E X Y; injection E as <-.
  - apply Z.ltb_lt in N. assert (n' := N). apply IZR_lt in n'.
    assert (y <> 0) by (intros ->; lra). split; [assumption|].
    replace (x / y) with (- x / - y) by (now field). apply div_positive; [lia | rewrite !opp_IZR; lra | rewrite !opp_IZR; lra].
  - apply Z.ltb_ge in N. assert (M : (0 < m)%Z) by lia. assert (m' := M). apply IZR_lt in m'.
    assert (y <> 0) by (intros ->; lra). split; [assumption|]. now apply div_positive.
Qed.

End Enclosures.
