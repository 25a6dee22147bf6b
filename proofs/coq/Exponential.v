(** The exponential of the checker encloses.

    Page: proofs/checker.md, section 2.  A unit is 2^-w, w = width b.  All that is computed before the last step is cut
    from above, so it is a lower bound; [exp_parts_encloses] says that it lacks less than SLACK units. *)

Require Import Reals Psatz Lia ZArith List.
From Certflow Require Import Taylor.
From Certflow Require Import Integers.
From Certflow Require Import Intervals.
Open Scope R_scope.

(** ** The fields of the tables *)

Section Fields.
Variable b : Z.

Lemma setup_bits : bits (setup b) = b.
Proof. unfold setup. destruct (log_entries _ _ _ _ _ _). reflexivity. Qed.

Lemma setup_series : exp_series (setup b) = exp_coefficients (S (exp_order b)) 0 1 (2 ^ width b).
Proof. unfold setup. destruct (log_entries _ _ _ _ _ _). reflexivity. Qed.

Lemma setup_table : exp_table (setup b) =
  exp_entries 256 (2 ^ (width b + 64)) (exp_step (exp_order b + 8) 0 1 (2 ^ (width b + 64))) (width b + 64) 64.
Proof. unfold setup. destruct (log_entries _ _ _ _ _ _). reflexivity. Qed.

Lemma setup_ln2 : ln2_high (setup b) = (ln2_low (setup b) + 2)%Z.
Proof. unfold setup. destruct (log_entries _ _ _ _ _ _). reflexivity. Qed.

End Fields.

Global Opaque setup.

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
  4 * IZR (2 ^ width b) <= INR (fact (S (exp_order b))) * 256 ^ S (exp_order b) /\ (exp_order b <= Z.to_nat (width b))%nat.
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
  - specialize (IH (Datatypes.S k)). cbv zeta in IH. cbn [exp_coefficients exp_tail]. unfold horner in IH |- *. cbn [fold_right].
    replace (Z.of_nat (fact k) * Z.of_nat (Datatypes.S k))%Z with (Z.of_nat (fact (Datatypes.S k))) by (rewrite fact_simpl; lia).
    set (rest := fold_right _ _ _) in *. rewrite plus_IZR.
    assert (F1 := floor_div (2 ^ width b) (Z.of_nat (fact k)) ltac:(assert (F := lt_O_fact k); lia)).
    assert (F2 := floor_shift (rest * h) (width b) P). rewrite at_b. rewrite mult_IZR in F2. rewrite <- INR_IZR_INZ in F1.
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
  { assert (y ^ n <= (/ 256) ^ n) by now apply pow_incr.
    assert (D : 0 < 256 ^ n) by (apply pow_lt; lra).
    rewrite pow_inv in H0 by lra.
    apply Rle_trans with (W * (/ 256 ^ n / INR (fact n))).
    - apply Rmult_le_compat_l; [lra|]. apply Rmult_le_compat_r; [left; now apply Rinv_0_lt_compat | exact H0].
    - replace (W * (/ 256 ^ n / INR (fact n))) with (/ 4 * (4 * W) * / (INR (fact n) * 256 ^ n)) by (field; lra).
      rewrite <- (Rmult_1_r (/ 4)) at 2. rewrite Rmult_assoc. apply Rmult_le_compat_l; [lra|].
      apply Rmult_le_reg_r with (INR (fact n) * 256 ^ n); [now apply Rmult_lt_0_compat|].
      rewrite Rmult_assoc, Rinv_l by (apply Rgt_not_eq; now apply Rmult_lt_0_compat). lra. }
  destruct T as [T1 T2]. apply (Rmult_le_compat_l W) in T1; [|lra]. apply (Rmult_le_compat_l W) in T2; [|lra].
  set (r := y ^ n / INR (fact n)) in *. nra.
Qed.
