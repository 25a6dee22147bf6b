(** The exponential of the checker encloses.

    Page: proofs/checker.md, section 2.  A unit is 2^-w, w = width b.  All that is computed before the last step is cut
    from above, so it is a lower bound; [exp_parts_encloses] says that it lacks less than SLACK units. *)

Require Import Reals Psatz Lia ZArith List.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite Polynomial Taylor Integers Intervals.
Open Scope R_scope.

Lemma INR_le_IZR : forall n z, (Z.of_nat n <= z)%Z -> INR n <= IZR z.
Proof. intros n z H. rewrite INR_IZR_INZ. now apply IZR_le. Qed.

(** ** The fields of the tables *)

Section Fields.
Variable b : Z.


Lemma setup_series : exp_series (setup b) = exp_coefficients (S (exp_order b)) 0 1 (2 ^ width b).
Proof. unfold setup. destruct (log_entries _ _ _ _ _ _). reflexivity. Qed.

Lemma setup_table : exp_table (setup b) =
  exp_entries 256 (2 ^ (width b + 64)) (exp_step (exp_order b + 8) 0 1 (2 ^ (width b + 64))) (width b + 64) 64.
Proof. unfold setup. destruct (log_entries _ _ _ _ _ _). reflexivity. Qed.

Lemma setup_ln2 : ln2_high (setup b) = (ln2_low (setup b) + 2)%Z.
Proof. unfold setup. destruct (log_entries _ _ _ _ _ _). reflexivity. Qed.

End Fields.

Local Opaque setup.

(** ** How many terms *)

Lemma order_enough : forall fuel n product goal,
  product = (Z.of_nat (fact (S n)) * 256 ^ Z.of_nat (S n))%Z -> (goal <= 256 ^ Z.of_nat (S n + fuel))%Z ->
  let m := order fuel n product goal in
  (goal <= Z.of_nat (fact (S m)) * 256 ^ Z.of_nat (S m))%Z /\ (m <= n + fuel)%nat.
Proof.
  induction fuel as [|fuel IH]; intros n product goal P G.
  - cbn [order]. cbv zeta. split; [|lia]. rewrite Nat.add_0_r in G. assert (F := lt_O_fact (S n)).
    assert (0 < 256 ^ Z.of_nat (S n))%Z by (apply Z.pow_pos_nonneg; lia). nia.
  - cbn [order]. destruct (goal <=? product)%Z eqn:E.
    + apply Z.leb_le in E. rewrite <- P. cbv zeta. split; [exact E | lia].
    + destruct (IH (S n) (product * (Z.of_nat (S (S n)) * 256))%Z goal) as [H1 H2].
      * rewrite P, (fact_simpl (S n)), Nat2Z.inj_mul, (Nat2Z.inj_succ (S n)), Z.pow_succ_r by lia.
        rewrite <- Nat2Z.inj_succ. ring.
      * now rewrite <- Nat.add_succ_comm in G.
      * cbv zeta. split; [exact H1 | lia].
Qed.

Lemma exp_order_enough : forall b, (0 <= b)%Z ->
  4 * IZR (2 ^ width b) <= INR (fact (S (exp_order b))) * 256 ^ S (exp_order b)
  /\ (exp_order b <= Z.to_nat (width b))%nat.
Proof.
  intros b B. assert (P : (0 <= width b)%Z) by (unfold width, GUARD; lia).
  destruct (order_enough (Z.to_nat (width b)) 0 256 (2 ^ (width b + 2))) as [H1 H2]; [reflexivity| |].
  - change 256%Z with (2 ^ 8)%Z. rewrite <- Z.pow_mul_r by lia. apply Z.pow_le_mono_r; lia.
  - fold (exp_order b) in H1, H2. split; [|exact H2].
    apply IZR_le in H1. rewrite mult_IZR, <- INR_IZR_INZ, <- (pow_IZR 256), pow2_add in H1 by lia.
    change (IZR (2 ^ 2)) with 4 in H1. lra.
Qed.

(** ** The series by Horner's rule *)

Section Horner.
Variables (a : tables) (b : Z).
Hypothesis at_b : bits a = b.
Hypothesis b_pos : (0 <= b)%Z.
Let W := IZR (2 ^ width b).

Lemma horner_bounds : forall h count k, (0 <= h)%Z -> IZR h / W <= / 256 ->
  let value := W * exp_tail count k (IZR h / W) in
  value - 2.01 <= IZR (horner a (exp_coefficients count k (Z.of_nat (fact k)) (2 ^ width b)) h) <= value.
Proof.
  intros h count k H S. assert (P : (0 <= width b)%Z) by (unfold width, GUARD; lia).
  assert (W0 : 0 < W) by now apply pow2_pos. apply IZR_le in H.
  assert (Y : 0 <= IZR h / W) by (apply Rmult_le_pos; [exact H | left; now apply Rinv_0_lt_compat]).
  revert k. induction count as [|count IH]; intros k; cbv zeta.
  - cbn. lra.
  - specialize (IH (Datatypes.S k)). cbv zeta in IH. cbn [exp_coefficients exp_tail]. unfold horner in IH |- *.
    cbn [fold_right].
    replace (Z.of_nat (fact k) * Z.of_nat (Datatypes.S k))%Z with (Z.of_nat (fact (Datatypes.S k)))
      by (rewrite fact_simpl; lia).
    set (rest := fold_right _ _ _) in *. rewrite plus_IZR.
    assert (F1 := floor_div (2 ^ width b) (Z.of_nat (fact k)) ltac:(assert (F := lt_O_fact k); lia)).
    assert (F2 := floor_shift (rest * h) (width b) P). rewrite at_b. rewrite mult_IZR in F2.
    rewrite <- INR_IZR_INZ in F1.
    fold W in F1, F2. replace (IZR rest * IZR h / W) with (IZR h / W * IZR rest) in F2 by (field; lra).
    set (y := IZR h / W) in *. set (t := exp_tail count (Datatypes.S k) y) in *. unfold Rdiv in F1. nra.
Qed.

End Horner.

Lemma horner_exp : forall b h, (0 <= b)%Z -> (0 <= h)%Z -> IZR h / IZR (2 ^ width b) <= / 256 ->
  let value := IZR (2 ^ width b) * exp (IZR h / IZR (2 ^ width b)) in
  value - 2.3 <= IZR (horner (setup b) (exp_series (setup b)) h) <= value.
Proof.
  intros b h B H S. cbv zeta. rewrite setup_series.
  assert (K := horner_bounds (setup b) b (setup_bits b) B h (Datatypes.S (exp_order b)) 0 H S). cbv zeta in K.
  change (Z.of_nat (fact 0)) with 1%Z in K. rewrite exp_tail_whole in K.
  destruct (exp_order_enough b B) as [E _]. set (n := Datatypes.S (exp_order b)) in *.
  assert (W0 : 0 < IZR (2 ^ width b)) by (apply pow2_pos; unfold width, GUARD; lia).
  set (W := IZR (2 ^ width b)) in *. apply IZR_le in H.
  assert (Y : 0 <= IZR h / W) by (apply Rmult_le_pos; [exact H | left; now apply Rinv_0_lt_compat]).
  set (y := IZR h / W) in *. assert (X := exp_small y (conj Y S)).
  assert (T := exp_taylor n (256 / 255) y Y ltac:(lra)).
  assert (F := fact_pos n).
  assert (R : W * (y ^ n / INR (fact n)) <= / 4).
  { assert (Q : y ^ n <= (/ 256) ^ n) by now apply pow_incr.
    assert (D : 0 < 256 ^ n) by (apply pow_lt; lra).
    rewrite pow_inv in Q by lra.
    apply Rle_trans with (W * (/ 256 ^ n / INR (fact n))).
    - apply Rmult_le_compat_l; [lra|]. apply Rmult_le_compat_r; [left; now apply Rinv_0_lt_compat | exact Q].
    - replace (W * (/ 256 ^ n / INR (fact n))) with (/ 4 * (4 * W) * / (INR (fact n) * 256 ^ n)) by (field; lra).
      rewrite <- (Rmult_1_r (/ 4)) at 2. rewrite Rmult_assoc. apply Rmult_le_compat_l; [lra|].
      apply Rmult_le_reg_r with (INR (fact n) * 256 ^ n); [now apply Rmult_lt_0_compat|].
      rewrite Rmult_assoc, Rinv_l by (apply Rgt_not_eq; now apply Rmult_lt_0_compat). lra. }
  destruct T as [T1 T2]. apply (Rmult_le_compat_l W) in T1; [|lra]. apply (Rmult_le_compat_l W) in T2; [|lra].
  set (r := y ^ n / INR (fact n)) in *. nra.
Qed.

(** ** The table *)

Lemma exp_step_terms : forall one count k,
  let value := IZR one * sum count (fun j => (/ 256) ^ (k + j) / INR (fact (k + j))) in
  value - INR count <= IZR (exp_step count k (Z.of_nat (fact k)) one) <= value.
Proof.
  intros one count. induction count as [|count IH]; intros k; cbv zeta.
  - cbn. lra.
  - specialize (IH (S k)). cbv zeta in IH. rewrite sum_shift, S_INR, Nat.add_0_r. cbn [exp_step].
    replace (Z.of_nat (fact k) * Z.of_nat (S k))%Z with (Z.of_nat (fact (S k))) by (rewrite fact_simpl; lia).
    rewrite (sum_ext count _ (fun j => (/ 256) ^ (S k + j) / INR (fact (S k + j))))
      by (intros; now rewrite Nat.add_succ_r).
    rewrite plus_IZR, Z.shiftl_mul_pow2, Z.pow_mul_r by lia. change (2 ^ 8)%Z with 256%Z.
    assert (F0 := fact_pos k). assert (P : 0 < 256 ^ k) by (apply pow_lt; lra).
    assert (F := floor_div one (Z.of_nat (fact k) * 256 ^ Z.of_nat k)
      ltac:(apply Z.mul_pos_pos; [assert (L := lt_O_fact k); lia | apply Z.pow_pos_nonneg; lia])).
    rewrite mult_IZR, <- INR_IZR_INZ, <- (pow_IZR 256) in F.
    replace (IZR one / (INR (fact k) * 256 ^ k)) with (IZR one * ((/ 256) ^ k / INR (fact k))) in F
      by (rewrite pow_inv by lra; field; lra).
    rewrite Rmult_plus_distr_l. lra.
Qed.

Lemma fact_more : forall n k, INR (fact (S k)) * INR (fact (S n)) <= INR (fact (S n + k)).
Proof.
  intros n. induction k as [|k IH]; [rewrite Nat.add_0_r; change (INR (fact 1)) with 1; lra|].
  rewrite (fact_S (S k)), Nat.add_succ_r, (fact_S (S n + k)).
  assert (INR (S (S k)) <= INR (S (S n + k))) by (apply le_INR; lia).
  rewrite Rmult_assoc. apply Rmult_le_compat; [apply pos_INR | | assumption | assumption].
  apply Rmult_le_pos; apply pos_INR.
Qed.

Lemma exp_step_bounds : forall b, (0 <= b)%Z -> let one := (2 ^ (width b + 64))%Z in let n := exp_order b in
  IZR one * exp (/ 256) - (INR n + 9) <= IZR (exp_step (n + 8) 0 1 one) <= IZR one * exp (/ 256).
Proof.
  intros b B. cbv zeta. destruct (exp_order_enough b B) as [E _]. set (n := exp_order b) in *.
  assert (P : (0 <= width b)%Z) by (unfold width, GUARD; lia).
  assert (H := exp_step_terms (2 ^ (width b + 64)) (n + 8) 0). cbv zeta in H.
  change (Z.of_nat (fact 0)) with 1%Z in H. change (sum (n + 8) _) with (exp_sum (n + 8) (/ 256)) in H.
  rewrite plus_INR in H. rewrite pow2_add in H |- * by lia. assert (W0 := pow2_pos (width b) P).
  set (W := IZR (2 ^ width b)) in *. set (step := IZR (exp_step _ _ _ _)) in *.
  change (IZR (2 ^ 64)) with 18446744073709551616 in *. change (INR 8) with (1 + 1 + 1 + 1 + 1 + 1 + 1 + 1) in H.
  assert (X := exp_small (/ 256) ltac:(lra)).
  assert (T := exp_taylor (n + 8) (256 / 255) (/ 256) ltac:(lra) ltac:(lra)).
  assert (M := fact_more n 7). replace (INR (fact 8)) with 40320 in M by (rewrite INR_IZR_INZ; reflexivity).
  replace (S n + 7)%nat with (n + 8)%nat in M by lia.
  assert (F := fact_pos (S n)). assert (F8 := fact_pos (n + 8)).
  set (f := INR (fact (S n))) in *. set (g := INR (fact (n + 8))) in *.
  assert (D : 0 < 256 ^ S n) by (apply pow_lt; lra).
  rewrite pow_inv in T by lra. replace (n + 8)%nat with (S n + 7)%nat in T at 3 by lia. rewrite pow_add in T.
  set (d := 256 ^ S n) in *.
  assert (R : W * (/ (d * 256 ^ 7) / g) <= / (4 * 40320 * 256 ^ 7)).
  { apply Rle_trans with ((f * d / 4) * (/ (d * 256 ^ 7) / (40320 * f))).
    - apply Rmult_le_compat; [lra| |lra|].
      + left. apply Rmult_lt_0_compat; apply Rinv_0_lt_compat; [|exact F8]. apply Rmult_lt_0_compat; [exact D | lra].
      + apply Rmult_le_compat_l; [left; apply Rinv_0_lt_compat, Rmult_lt_0_compat; [exact D | lra]|].
        apply Rinv_le_contravar; [lra | exact M].
    - right. field. lra. }
  destruct T as [T1 T2]. apply (Rmult_le_compat_l W) in T1; [|lra]. apply (Rmult_le_compat_l W) in T2; [|lra].
  set (r := / (d * 256 ^ 7) / g) in *. set (e := exp (/ 256)) in *. set (q := exp_sum (n + 8) (/ 256)) in *. lra.
Qed.

(** Powers of the step, each cut: the i-th loses at most i m e^(i/256), m one more than the step loses. *)
Lemma power_bounds : forall scale step m, (0 <= scale)%Z ->
  let one := IZR (2 ^ scale) in
  256 * m <= one -> 1 <= m -> one * exp (/ 256) - (m - 1) <= IZR step <= one * exp (/ 256) ->
  forall i, (i <= 256)%nat -> let power := Nat.iter i (fun p => Z.shiftr (p * step) scale) (2 ^ scale)%Z in
  exp (INR i / 256) * (one - INR i * m) <= IZR power <= exp (INR i / 256) * one.
Proof.
  intros scale step m P one M1 M2 [S1 S2]. assert (O := pow2_pos scale P). fold one in O.
  induction i as [|i IH]; intros I; cbv zeta.
  - cbn [Nat.iter nat_rect INR]. replace (0 / 256) with 0 by field. rewrite exp_0. fold one. lra.
  - specialize (IH ltac:(lia)). cbv zeta in IH. cbn [Nat.iter nat_rect]. unfold Nat.iter in IH.
    set (power := nat_rect _ _ _ _) in *. assert (F := floor_shift (power * step) scale P).
    rewrite mult_IZR in F. fold one in F. rewrite S_INR.
    replace ((INR i + 1) / 256) with (INR i / 256 + / 256) by field.
    rewrite exp_plus. assert (X : 1 <= exp (/ 256)) by (apply exp_small; lra).
    assert (V : 1 <= exp (INR i / 256)).
    { rewrite <- exp_0 at 1. apply exp_le. apply Rmult_le_pos; [apply pos_INR | lra]. }
    assert (J : INR i <= 255) by (apply INR_le_IZR; lia).
    assert (J0 := pos_INR i).
    set (e := exp (/ 256)) in *. set (v := exp (INR i / 256)) in *. set (p := IZR power) in *. set (s := IZR step) in *.
    set (j := INR i) in *. destruct IH as [L U].
    assert (jm : 0 <= j * m <= 255 * m) by nra.
    assert (p0 : 0 <= p) by (apply Rle_trans with (v * (one - j * m)); [apply Rmult_le_pos; lra | exact L]).
    assert (A : p * s / one <= v * e * one).
    { apply Rle_div_l; [lra|].
      assert (p * s <= p * (one * e)) by now apply Rmult_le_compat_l.
      assert (p * (one * e) <= v * one * (one * e)) by (apply Rmult_le_compat_r; [apply Rmult_le_pos|]; lra). nra. }
    assert (B : v * e * (one - j * m) - v * (m - 1) <= p * s / one).
    { apply Rle_div_r; [lra|].
      assert (p * (one * e - (m - 1)) <= p * s) by now apply Rmult_le_compat_l.
      assert (p * (m - 1) <= v * one * (m - 1)) by (apply Rmult_le_compat_r; lra).
      assert (v * (one - j * m) * (one * e) <= p * (one * e)) by (apply Rmult_le_compat_r; [apply Rmult_le_pos|]; lra).
      nra. }
    assert (v * e >= v) by nra. split; [|lra].
    replace (v * e * (one - (j + 1) * m)) with (v * e * (one - j * m) - v * e * (m - 1) - v * e) by ring.
    assert (v * (m - 1) <= v * e * (m - 1)) by (apply Rmult_le_compat_r; lra). lra.
Qed.

Lemma entries_nth : forall step scale cut count power i, (i <= count)%nat ->
  nth i (exp_entries count power step scale cut) 0%Z =
  Z.shiftr (Nat.iter i (fun p => Z.shiftr (p * step) scale) power) cut.
Proof.
  intros step scale cut count. induction count as [|count IH]; intros power [|i] I; [reflexivity | lia | reflexivity |].
  cbn [exp_entries nth]. rewrite IH by lia. unfold Nat.iter. now rewrite nat_rect_succ_r.
Qed.

(** An entry of the table lacks less than 1 + 2^-10 units. *)
Lemma table_bounds : forall b i, (64 <= b <= 1024)%Z -> (i < 256)%nat ->
  let value := IZR (2 ^ width b) * exp (INR i / 256) in
  value - (1 + / 1024) <= IZR (nth i (exp_table (setup b)) 0%Z) <= value.
Proof.
  intros b i B I. cbv zeta. rewrite setup_table, entries_nth by lia.
  assert (P : (80 <= width b <= 1040)%Z) by (unfold width, GUARD; lia).
  assert (S := exp_step_bounds b ltac:(lia)). cbv zeta in S.
  destruct (exp_order_enough b ltac:(lia)) as [_ N].
  set (step := exp_step _ _ _ _) in *.
  assert (N' : INR (exp_order b) <= 1040) by (apply INR_le_IZR; lia).
  assert (W := pow2_add (width b) 64 ltac:(lia) ltac:(lia)). assert (O := pow2_pos (width b) ltac:(lia)).
  assert (O1 : 1 <= IZR (2 ^ width b)) by (apply (IZR_le 1), (Zlt_le_succ 0), Z.pow_pos_nonneg; lia).
  change (IZR (2 ^ 64)) with 18446744073709551616 in W.
  assert (H := power_bounds (width b + 64) step (INR (exp_order b) + 10) ltac:(lia)). cbv zeta in H.
  assert (M0 := pos_INR (exp_order b)).
  assert (Q := H ltac:(lra) ltac:(lra) ltac:(lra) i ltac:(lia)). clear H S. set (power := Nat.iter _ _ _) in *.
  assert (F := floor_shift power 64 ltac:(lia)). change (IZR (2 ^ 64)) with 18446744073709551616 in F.
  rewrite W in Q. set (unit := IZR (2 ^ width b)) in *.
  assert (V : exp (INR i / 256) <= 3).
  { apply Rle_trans with (exp 1); [|exact exp_le_3]. apply exp_le.
    assert (INR i <= 256); [|lra]. apply INR_le_IZR. lia. }
  assert (V0 := exp_pos (INR i / 256)). assert (J0 := pos_INR i).
  assert (J : INR i <= 256) by (apply INR_le_IZR; lia).
  set (v := exp (INR i / 256)) in *. set (j := INR i) in *. set (m := INR (exp_order b) + 10) in *.
  assert (jm : 0 <= j * m <= 256 * 1050) by (unfold m; nra).
  assert (v * (j * m) <= 3 * (256 * 1050)) by nra. lra.
Qed.

(** ** The argument *)

Definition ln2_known (b : Z) : Prop :=
  IZR (ln2_low (setup b)) <= ln 2 * IZR (2 ^ (width b + FINE)) <= IZR (ln2_low (setup b)) + 2.

Definition in_range (b x : Z) : Prop := ((- b - 1) * 2 ^ b <= x < MAX_ARGUMENT * 2 ^ b)%Z.

(** x 2^-b = n ln 2 + rest 2^-w, up to less than 1 + 2^-9 units. *)
Lemma argument_bounds : forall b x, (64 <= b <= 1024)%Z -> ln2_known b -> in_range b x ->
  let long := Z.shiftl x (GUARD + FINE) in
  let ln2 := if (0 <=? x)%Z then ln2_high (setup b) else ln2_low (setup b) in
  let rest := Z.shiftr (long mod ln2) FINE in
  let lost := IZR (2 ^ width b) * (IZR x / IZR (2 ^ b) - IZR (long / ln2) * ln 2) - IZR rest in
  (0 <= rest < 2 ^ width b)%Z /\ 0 <= lost <= 1 + / 512.
Proof.
  intros b x B [K1 K2] [X1 X2]. cbv zeta. rewrite setup_ln2.
  set (long := Z.shiftl x (GUARD + FINE)). set (ln2 := if (0 <=? x)%Z then _ else _).
  assert (P := pow2_pos b ltac:(lia)).
  assert (b40 : 18446744073709551616 <= IZR (2 ^ b)).
  { change 18446744073709551616 with (IZR (2 ^ 64)). apply IZR_le, Z.pow_le_mono_r; lia. }
  assert (WV : IZR (2 ^ (width b + FINE)) = IZR (2 ^ width b) * 4294967296).
  { unfold FINE. apply pow2_add; unfold width, GUARD; lia. }
  assert (WB : IZR (2 ^ width b) = IZR (2 ^ b) * 65536).
  { unfold width, GUARD. apply pow2_add; lia. }
  rewrite WV in K1, K2. rewrite WB in K1, K2 |- *.
  assert (EL : IZR long = IZR x * (65536 * 4294967296)).
  { unfold long. rewrite shift_left by discriminate.
    change (2 ^ (GUARD + FINE))%Z with (65536 * 4294967296)%Z. now rewrite mult_IZR. }
  assert (lr := ln2_range). assert (B1 : 64 <= IZR b <= 1024) by (split; apply IZR_le; lia).
  apply IZR_le in X1. apply IZR_lt in X2. rewrite mult_IZR in X1, X2. rewrite minus_IZR, opp_IZR in X1.
  change (IZR MAX_ARGUMENT) with 1048576 in X2.
  assert (E : ((0 <= x)%Z /\ ln2 = ln2_low (setup b) + 2 \/ (x < 0)%Z /\ ln2 = ln2_low (setup b))%Z).
  { unfold ln2. destruct (0 <=? x)%Z eqn:E; [apply Z.leb_le in E | apply Z.leb_gt in E]; auto. }
  clearbody ln2. set (low := ln2_low (setup b)) in *. set (D := IZR (2 ^ b)) in *.
  assert (DL : D / 2 <= ln 2 * D <= D * (3 / 4)).
  { split; [|rewrite (Rmult_comm D)]; [unfold Rdiv; rewrite Rmult_comm|]; apply Rmult_le_compat_r; lra. }
  assert (L : D * 65536 * 1073741824 <= IZR ln2 <= ln 2 * (D * 65536 * 4294967296) + 2).
  { destruct E as [[_ ->]|[_ ->]]; [rewrite plus_IZR|]; lra. }
  destruct L as [L1 L2].
  assert (XL : - (1025 * (D * 65536 * 4294967296)) <= IZR long <= 1048576 * (D * 65536 * 4294967296)).
  { assert (IZR b * D <= 1024 * D) by (apply Rmult_le_compat_r; lra). rewrite EL. lra. }
  assert (L0 : (0 < ln2)%Z) by (apply lt_IZR; lra).
  assert (M := Z.mod_pos_bound long ln2 L0). assert (Q := Z_div_mod_eq_full long ln2).
  assert (Q' : IZR long = IZR ln2 * IZR (long / ln2) + IZR (long mod ln2))
    by (rewrite Q at 1; now rewrite plus_IZR, mult_IZR).
  assert (F := floor_shift (long mod ln2) FINE ltac:(discriminate)). change (IZR (2 ^ FINE)) with 4294967296 in F.
  assert (R0 : (0 <= Z.shiftr (long mod ln2) FINE)%Z) by (now apply Z.shiftr_nonneg).
  destruct M as [M1 M2]. apply IZR_le in M1. apply IZR_lt in M2.
  set (rest := Z.shiftr (long mod ln2) FINE) in *. set (rho := IZR (long mod ln2)) in *.
  set (n := IZR (long / ln2)) in *.
  split.
  - split; [exact R0|]. apply lt_IZR. rewrite WB. fold D. lra.
  - assert (X' : IZR x = (IZR ln2 * n + rho) / (65536 * 4294967296)) by (rewrite <- Q', EL; field).
    replace (D * 65536 * (IZR x / D - n * ln 2) - IZR rest) with
      (n * (IZR ln2 - ln 2 * (D * 65536 * 4294967296)) / 4294967296 + (rho / 4294967296 - IZR rest))
      by (rewrite X'; field; lra).
    assert (T : 0 <= n * (IZR ln2 - ln 2 * (D * 65536 * 4294967296)) <= 8388608); [|lra].
    set (V := D * 65536 * 4294967296) in *. destruct E as [[N E]|[N E]].
    + assert (N0 : 0 <= n).
      { apply IZR_le. apply Z.div_pos; [|exact L0]. unfold long. now apply Z.shiftl_nonneg. }
      assert (E' : IZR ln2 = IZR low + 2) by (rewrite E; apply plus_IZR).
      assert (U : n <= 4194304).
      { apply Rnot_lt_le. intros n0. assert (IZR ln2 * 4194304 < IZR ln2 * n)
          by (apply Rmult_lt_compat_l; unfold V in *; lra).
        unfold V in *. lra. }
      split; [apply Rmult_le_pos; lra|]. replace 8388608 with (4194304 * 2) by ring. apply Rmult_le_compat; lra.
    + assert (N0 : n <= 0).
      { apply IZR_lt in N. apply Rnot_lt_le. intros n0.
        assert (0 < IZR ln2 * n) by (apply Rmult_lt_0_compat; unfold V in *; lra). lra. }
      assert (U : - 4200 <= n).
      { apply Rnot_lt_le. intros n0. assert (IZR ln2 * n < IZR ln2 * - 4200)
          by (apply Rmult_lt_compat_l; unfold V in *; lra).
        unfold V in *. lra. }
      assert (E' : IZR ln2 = IZR low) by now rewrite E.
      replace (n * (IZR ln2 - ln 2 * V)) with (- n * (ln 2 * V - IZR ln2)) by ring.
      split; [apply Rmult_le_pos; lra|]. apply Rle_trans with (4200 * 2); [apply Rmult_le_compat; lra | lra].
Qed.

(** ** The value *)

(** What lacks less than 2.3 and 1 + 2^-10 units in the factors lacks less than 12 in the value; y is the argument, lost
    units above u/256 + v. *)
Lemma value_bounds : forall W table series eu ev y lost, 256 <= W -> 1 <= eu -> 1 <= ev <= 256 / 255 -> eu * ev <= 3 ->
  W * eu - (1 + / 1024) <= table <= W * eu -> W * ev - 2.3 <= series <= W * ev ->
  0 <= lost <= 1 + / 512 -> eu * ev <= y <= eu * ev + lost / W * y ->
  table * series / W <= W * y <= table * series / W + 12.
Proof.
  intros W table series eu ev y lost W1 U V UV [T1 T2] [S1 S2] [L1 L2] [Y1 Y2].
  assert (s0 : 0 <= series) by nra. assert (t0 : 0 <= table) by nra.
  assert (y3 : y <= 3.1).
  { assert (lost / W <= / 128); [|nra]. apply Rle_div_l; lra. }
  assert (A : W * y <= W * (eu * ev) + 3.2).
  { apply (Rmult_le_compat_l W) in Y2; [|lra].
    replace (W * (eu * ev + lost / W * y)) with (W * (eu * ev) + lost * y) in Y2 by (field; lra).
    assert (lost * y <= (1 + / 512) * 3.1) by (apply Rmult_le_compat; nra). lra. }
  assert (P : table * series / W <= W * (eu * ev)).
  { apply Rle_div_l; [lra|].
    replace (W * (eu * ev) * W) with (W * eu * (W * ev)) by ring. now apply Rmult_le_compat. }
  assert (Q : W * (eu * ev) - 8 <= table * series / W).
  { apply Rle_div_r; [lra|].
    assert (e3 : eu <= 3) by nra.
    assert (H1 : (W * eu - (1 + / 1024)) * series <= table * series) by (apply Rmult_le_compat_r; lra).
    assert (H2 : W * eu * (W * ev - 2.3) <= W * eu * series) by (apply Rmult_le_compat_l; nra).
    assert (H3 : series <= W * (256 / 255)) by (apply Rle_trans with (W * ev); [|apply Rmult_le_compat_l]; lra).
    assert (H4 : W * eu <= W * 3) by (apply Rmult_le_compat_l; lra). lra. }
  assert (W * (eu * ev) <= W * y) by (apply Rmult_le_compat_l; lra). lra.
Qed.

Theorem exp_parts_encloses : forall b x, (64 <= b <= 1024)%Z -> ln2_known b -> in_range b x ->
  let (m, n) := exp_parts (setup b) x in
  IZR m * two (n - width b) <= exp (IZR x / IZR (2 ^ b)) <= IZR (m + SLACK) * two (n - width b).
Proof.
  intros b x B K X. assert (A := argument_bounds b x B K X). cbv zeta in A. unfold exp_parts. rewrite setup_bits.
  set (long := Z.shiftl x (GUARD + FINE)) in *. set (ln2 := if (0 <=? x)%Z then _ else _) in *.
  set (rest := Z.shiftr (long mod ln2) FINE) in *. set (n := (long / ln2)%Z) in *. cbv zeta.
  destruct A as [[R0 R1] A]. set (w := width b) in *. assert (w80 : (80 <= w)%Z) by (unfold w, width, GUARD; lia).
  rewrite Z.land_ones, (Z.shiftr_div_pow2 rest) by lia.
  assert (E := Z_div_mod_eq_full rest (2 ^ (w - 8))).
  assert (U0 : (0 < 2 ^ (w - 8))%Z) by (apply Z.pow_pos_nonneg; lia).
  assert (M := Z.mod_pos_bound rest (2 ^ (w - 8)) U0).
  assert (WU : (2 ^ w = 2 ^ (w - 8) * 256)%Z).
  { change 256%Z with (2 ^ 8)%Z. rewrite <- Z.pow_add_r by lia. f_equal. lia. }
  assert (I : (0 <= rest / 2 ^ (w - 8) < 256)%Z).
  { split; [now apply Z.div_pos | apply Z.div_lt_upper_bound; lia]. }
  set (h := (rest mod 2 ^ (w - 8))%Z) in *. set (i := (rest / 2 ^ (w - 8))%Z) in *. set (unit := (2 ^ (w - 8))%Z) in *.
  assert (WU' : IZR (2 ^ w) = IZR unit * 256) by (rewrite WU; apply mult_IZR).
  assert (U1 : 1 <= IZR unit) by (apply IZR_le; lia).
  assert (E' : IZR rest = IZR unit * IZR i + IZR h) by (rewrite E; now rewrite plus_IZR, mult_IZR).
  assert (Hh : 0 <= IZR h / IZR (2 ^ w) <= / 256).
  { rewrite WU'. destruct M as [M1 M2]. apply IZR_le in M1. apply IZR_lt in M2. split.
    - apply Rmult_le_pos; [exact M1 | left; apply Rinv_0_lt_compat; lra].
    - apply Rle_div_l; lra. }
  assert (T := table_bounds b (Z.to_nat i) B ltac:(lia)). cbv zeta in T. fold w in T.
  assert (S := horner_exp b h ltac:(lia) ltac:(lia) ltac:(apply Hh)). cbv zeta in S. fold w in S.
  rewrite INR_IZR_INZ, Z2Nat.id in T by lia.
  set (table := nth _ _ _) in *. set (series := horner _ _ _) in *.
  assert (F := floor_shift (table * series) w ltac:(lia)). rewrite mult_IZR in F.
  set (m := Z.shiftr (table * series) w) in *.
  set (W := IZR (2 ^ w)) in *. set (arg := IZR x / IZR (2 ^ b)) in *.
  assert (W1 : 256 <= W) by lra.
  set (y := exp (arg - IZR n * ln 2)).
  assert (EY : exp arg = y * two n) by (unfold y, two; rewrite <- exp_plus; f_equal; ring).
  assert (ES : exp (IZR i / 256) * exp (IZR h / W) = exp (IZR rest / W)).
  { rewrite <- exp_plus. f_equal. rewrite E', WU'. field. lra. }
  set (lost := W * (arg - IZR n * ln 2) - IZR rest) in A.
  assert (EL : IZR rest / W = arg - IZR n * ln 2 - lost / W) by (unfold lost; field; lra).
  assert (LW : 0 <= lost / W) by (apply Rmult_le_pos; [lra | left; apply Rinv_0_lt_compat; lra]).
  assert (I' : 0 <= IZR i / 256) by (apply Rmult_le_pos; [apply IZR_le; lia | lra]).
  assert (V := value_bounds W (IZR table) (IZR series) (exp (IZR i / 256)) (exp (IZR h / W)) y lost W1).
  rewrite ES in V.
  destruct V as [V1 V2]; [ | now apply exp_small | | exact T | exact S | exact A | |].
  - rewrite <- exp_0 at 1. now apply exp_le.
  - apply Rle_trans with (exp 1); [|exact exp_le_3]. apply exp_le.
    apply Rle_div_l; [lra|].
    assert (IZR rest < W) by now apply IZR_lt. lra.
  - assert (G := exp_gap (IZR rest / W) (arg - IZR n * ln 2)). fold y in G. split; [apply exp_le; lra|].
    replace (arg - IZR n * ln 2 - IZR rest / W) with (lost / W) in G by lra. lra.
  - rewrite EY, plus_IZR. assert (TW : W * two (n - w) = two n).
    { unfold W. rewrite <- two_nonneg, <- two_add by lia. f_equal. lia. }
    rewrite <- TW. assert (P := two_pos (n - w)). set (p := two (n - w)) in *.
    replace (y * (W * p)) with (W * y * p) by ring. change (IZR SLACK) with 16.
    split; apply Rmult_le_compat_r; lra.
Qed.

(** ** Both ends *)

Lemma down_bound : forall m n, IZR (scaled_down m n) <= IZR m * two n.
Proof.
  intros m n. unfold scaled_down. destruct (0 <=? n)%Z eqn:E; [apply Z.leb_le in E | apply Z.leb_gt in E].
  - rewrite shift_left, two_nonneg by exact E. lra.
  - assert (F := floor_shift m (- n) ltac:(lia)). rewrite <- two_nonneg in F by lia.
    assert (O := two_opp n). assert (P := two_pos (- n)).
    replace (IZR m / two (- n)) with (IZR m * two n) in F; [lra|]. rewrite <- (Rmult_1_r (IZR m)) at 2. rewrite <- O.
    field. lra.
Qed.

Lemma up_bound : forall m n, IZR m * two n <= IZR (scaled_up m n).
Proof.
  intros m n. unfold scaled_up. destruct (0 <=? n)%Z eqn:E; [apply Z.leb_le in E | apply Z.leb_gt in E].
  - rewrite shift_left, two_nonneg by exact E. lra.
  - assert (F := ceiling_shift m (- n) ltac:(lia)). rewrite <- two_nonneg in F by lia.
    assert (O := two_opp n). assert (P := two_pos (- n)).
    replace (IZR m / two (- n)) with (IZR m * two n) in F; [lra|]. rewrite <- (Rmult_1_r (IZR m)) at 2. rewrite <- O.
    field. lra.
Qed.

(** The least argument has an exponential below a unit 2^-b. *)
Lemma least_bound : forall b, (0 <= b)%Z -> exp (IZR ((- b - 1) * 2 ^ b) / IZR (2 ^ b)) * IZR (2 ^ b) < 1.
Proof.
  intros b B. assert (P := pow2_pos b B). rewrite mult_IZR, minus_IZR, opp_IZR, <- two_nonneg by exact B.
  assert (P' := two_pos b). replace ((- IZR b - 1) * two b / two b) with (- IZR b - 1) by (field; lra).
  unfold two. rewrite <- exp_plus. apply Rlt_le_trans with (exp 0); [apply exp_increasing | rewrite exp_0; lra].
  assert (R := ln2_range). apply IZR_le in B. nra.
Qed.

Theorem exponential_encloses : forall b i r x, (64 <= b <= 1024)%Z -> ln2_known b ->
  exponential (setup b) i = Some r -> within b i x -> within b r (exp x).
Proof.
  intros b i r x B K E [X1 X2]. unfold exponential in E. rewrite setup_bits, Z.shiftl_mul_pow2 in E by lia.
  set (least := ((- b - 1) * 2 ^ b)%Z) in *. set (low := Z.max (fst i) least) in *.
  set (high := Z.max (snd i) least) in *.
  assert (P := pow2_pos b ltac:(lia)). assert (Pz : (0 < 2 ^ b)%Z) by (apply Z.pow_pos_nonneg; lia).
  destruct (MAX_ARGUMENT <=? Z.shiftr high b)%Z eqn:H; [discriminate|]. apply Z.leb_gt in H.
  rewrite Z.shiftr_div_pow2 in H by lia.
  assert (H' : (high < MAX_ARGUMENT * 2 ^ b)%Z).
  { assert (Q := Z_div_mod_eq_full high (2 ^ b)). assert (M := Z.mod_pos_bound high (2 ^ b) Pz). nia. }
  assert (O : (fst i <= snd i)%Z) by (apply le_IZR; lra).
  assert (EL := exp_parts_encloses b low B K ltac:(unfold in_range; fold least; lia)).
  assert (EH := exp_parts_encloses b high B K ltac:(unfold in_range; fold least; lia)).
  destruct (exp_parts (setup b) low) as [m n]. destruct (exp_parts (setup b) high) as [M N].
  injection E as <-. cbn [fst snd].
  assert (S : forall k, two (k - GUARD) = two (k - width b) * IZR (2 ^ b)).
  { intros k. rewrite <- two_nonneg, <- two_add by lia. f_equal. unfold width. lia. }
  assert (D := down_bound m (n - GUARD)). assert (U := up_bound (M + SLACK) (N - GUARD)).
  rewrite S, <- Rmult_assoc in D, U.
  destruct EL as [EL _], EH as [_ EH]. apply (Rmult_le_compat_r (IZR (2 ^ b))) in EL; [|lra].
  apply (Rmult_le_compat_r (IZR (2 ^ b))) in EH; [|lra]. split; cbn [fst snd].
  - destruct (Z.le_gt_cases least (fst i)) as [C|C].
    + replace low with (fst i) in EL by lia.
      assert (exp (IZR (fst i) / IZR (2 ^ b)) * IZR (2 ^ b) <= exp x * IZR (2 ^ b)); [|lra].
      apply Rmult_le_compat_r; [lra|]. apply exp_le. apply Rle_div_l; lra.
    + replace low with least in EL by lia. assert (L := least_bound b ltac:(lia)). fold least in L.
      assert (Z0 : (scaled_down m (n - GUARD) < 1)%Z) by (apply lt_IZR; lra).
      assert (IZR (scaled_down m (n - GUARD)) <= 0) by (apply IZR_le; lia).
      assert (0 < exp x * IZR (2 ^ b)) by (apply Rmult_lt_0_compat; [apply exp_pos | exact P]). lra.
  - assert (exp x * IZR (2 ^ b) <= exp (IZR high / IZR (2 ^ b)) * IZR (2 ^ b)); [|lra].
    apply Rmult_le_compat_r; [lra|]. apply exp_le. apply Rle_div_r; [lra|].
    assert (IZR (snd i) <= IZR high) by (apply IZR_le; lia). lra.
Qed.
