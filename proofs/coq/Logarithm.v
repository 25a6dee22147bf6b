(** The logarithm of the checker encloses: its tables, its series, and what the cuts lose.

    Page: proofs/checker.md, section 2.  The scale of a result is 2^-w, w = width b. *)

Require Import Reals Psatz Lia ZArith List.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Integers Intervals Artanh.
Open Scope R_scope.

(** ** Tables *)

Lemma artanh_sum_bounds : forall count k power square one, (0 < power)%Z -> (0 < square)%Z ->
  let s := IZR one / IZR power * partial count k (/ IZR square) in
  s - INR count <= IZR (artanh_sum count (2 * Z.of_nat k + 1) power square one) <= s.
Proof.
  induction count as [|count IH]; intros k power square one P Q; cbv zeta; cbn [artanh_sum partial].
  - simpl. lra.
  - specialize (IH (S k) (power * square)%Z square one ltac:(nia) Q). cbv zeta in IH.
    replace (2 * Z.of_nat (S k) + 1)%Z with (2 * Z.of_nat k + 1 + 2)%Z in IH by lia.
    assert (F := floor_div one ((2 * Z.of_nat k + 1) * power) ltac:(nia)). assert (O := odd_positive k).
    rewrite mult_IZR in F, IH. rewrite (plus_IZR (one / _)), S_INR. apply IZR_lt in P, Q.
    set (j := IZR (2 * Z.of_nat k + 1)) in *. set (r := partial count (S k) (/ IZR square)) in *.
    replace (IZR one / IZR power * (/ j + / IZR square * r))
      with (IZR one / (j * IZR power) + IZR one / (IZR power * IZR square) * r) by (field; lra).
    lra.
Qed.

Lemma artanh2_inverse : forall k, 1 < k -> artanh2 (/ k) = ln ((k + 1) / (k - 1)).
Proof. intros k K. unfold artanh2. f_equal. field. lra. Qed.

Lemma artanh_step : forall k terms one, (513 <= k)%Z -> (0 <= one)%Z -> IZR one <= IZR k ^ (2 * terms + 1) ->
  IZR one * artanh2 (/ IZR k) - (2 * INR terms + 3) <= IZR (2 * artanh_sum terms 1 k (k * k) one)
  <= IZR one * artanh2 (/ IZR k).
Proof.
  intros k terms one K O G. assert (K' := K). apply IZR_le in K'. apply IZR_le in O. rewrite mult_IZR.
  assert (S := artanh_sum_bounds terms 0 k (k * k) one ltac:(lia) ltac:(nia)). cbv zeta in S.
  change (2 * Z.of_nat 0 + 1)%Z with 1%Z in S. rewrite mult_IZR in S.
  assert (Z0 : 0 < / IZR k) by (apply Rinv_0_lt_compat; lra).
  assert (Z1 : / IZR k <= / 513) by (apply Rinv_le_contravar; lra).
  assert (B := artanh2_partial terms (/ IZR k) ltac:(lra)).
  rewrite Rinv_mult in S.
  set (z := / IZR k) in *. set (r := partial terms 0 (z * z)) in *.
  change (IZR one / IZR k) with (IZR one * z) in S.
  assert (T : IZR one * (z ^ (2 * terms + 1) / (1 - z * z)) <= 3 / 2).
  { assert (H : IZR one * z ^ (2 * terms + 1) <= 1).
    { unfold z. rewrite pow_inv. assert (P := pow_lt (IZR k) (2 * terms + 1) ltac:(lra)).
      apply Rmult_le_reg_r with (IZR k ^ (2 * terms + 1)); [exact P|].
      rewrite Rmult_assoc, Rinv_l by lra. lra. }
    assert (Q : z * z <= 1 / 3) by nra.
    unfold Rdiv. rewrite <- Rmult_assoc. apply Rle_trans with (1 * / (1 - z * z)).
    - apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat; lra | exact H].
    - replace (3 * / 2) with (/ (2 / 3)) by field. rewrite Rmult_1_l. apply Rinv_le_contravar; lra. }
  split; nra.
Qed.

Lemma log_entries_bounds : forall terms one cut, (0 <= one)%Z -> IZR one <= 513 ^ (2 * terms + 1) ->
  forall count k total, (513 <= k)%Z -> forall i, (i <= count)%nat ->
  exists t, nth i (fst (log_entries count terms k total one cut)) 0%Z = Z.shiftr t cut
  /\ (i = count -> snd (log_entries count terms k total one cut) = t)
  /\ let s := IZR total + IZR one * ln ((IZR k - 1 + 2 * INR i) / (IZR k - 1)) in
     s - INR i * (2 * INR terms + 3) <= IZR t <= s.
Proof.
  intros terms one cut O G. induction count as [|count IH]; intros k total K i I; assert (K' := K); apply IZR_le in K'.
  - exists total. replace i with 0%nat by lia. split; [reflexivity|]. split; [reflexivity|]. cbv zeta.
    simpl INR. replace ((IZR k - 1 + 2 * 0) / (IZR k - 1)) with 1 by (field; lra). rewrite ln_1. lra.
  - cbn [log_entries]. set (next := (total + 2 * artanh_sum terms 1 k (k * k) one)%Z).
    specialize (IH (k + 2)%Z next ltac:(lia)).
    destruct (log_entries count terms (k + 2) next one cut) as [rest last]. cbn [fst snd] in *.
    destruct i as [|i].
    + exists total. split; [reflexivity|]. split; [discriminate|]. cbv zeta.
      simpl INR. replace ((IZR k - 1 + 2 * 0) / (IZR k - 1)) with 1 by (field; lra). rewrite ln_1. lra.
    + destruct (IH i ltac:(lia)) as [t [E [L B]]]. exists t. split; [exact E|]. split; [intro; apply L; lia|].
      cbv zeta in B |- *. rewrite S_INR. rewrite plus_IZR in B.
      assert (A := artanh_step k terms one K O). rewrite artanh2_inverse in A by lra.
      assert (G' : IZR one <= IZR k ^ (2 * terms + 1))
        by (apply Rle_trans with (1 := G), pow_incr; lra).
      specialize (A G'). assert (I0 := pos_INR i). unfold next in B. rewrite plus_IZR in B.
      assert (E' : ln ((IZR k - 1 + 2 * (INR i + 1)) / (IZR k - 1))
                   = ln ((IZR k + 1) / (IZR k - 1)) + ln ((IZR k + 2 - 1 + 2 * INR i) / (IZR k + 2 - 1))).
      { rewrite <- ln_mult by (apply Rdiv_lt_0_compat; lra). f_equal. field. lra. }
      rewrite E'. lra.
Qed.

Lemma setup_bits : forall b, bits (setup b) = b.
Proof. intro b. unfold setup. destruct (log_entries _ _ _ _ _ _) as [logs last]. reflexivity. Qed.

Lemma setup_high : forall b, ln2_high (setup b) = (ln2_low (setup b) + 2)%Z.
Proof. intro b. unfold setup. destruct (log_entries _ _ _ _ _ _) as [logs last]. reflexivity. Qed.

Lemma setup_series : forall b,
  log_series (setup b) = log_coefficients (S (Z.to_nat ((width b + 2) / 18))) 0 (2 ^ width b).
Proof. intro b. unfold setup. destruct (log_entries _ _ _ _ _ _) as [logs last]. reflexivity. Qed.

Definition terms (b : Z) : nat := Z.to_nat (((width b + 2 * FINE) / 9 + 2) / 2).

Lemma setup_tables : forall b, let e := log_entries 256 (terms b) 513 0 (2 ^ (width b + 2 * FINE)) (2 * FINE) in
  log_table (setup b) = fst e /\ ln2_low (setup b) = Z.shiftr (snd e) FINE.
Proof.
  intro b. unfold setup, terms. cbv zeta. destruct (log_entries _ _ _ _ _ _) as [logs last]. split; reflexivity.
Qed.

Global Opaque setup.

Lemma terms_enough : forall b, (64 <= b <= 1024)%Z -> IZR (2 ^ (width b + 2 * FINE)) <= 513 ^ (2 * terms b + 1).
Proof.
  intros b B. apply Rle_trans with (512 ^ (2 * terms b + 1)); [|apply pow_incr; lra].
  rewrite pow_IZR. apply IZR_le. change 512%Z with (2 ^ 9)%Z. rewrite <- Z.pow_mul_r by lia.
  apply Z.pow_le_mono_r; [lia|]. unfold terms, width, GUARD, FINE.
  rewrite Nat2Z.inj_add, Nat2Z.inj_mul, Z2Nat.id by (apply Z.div_pos; [|lia]; apply Z.add_nonneg_nonneg; [apply Z.div_pos|]; lia).
  assert (H := Z_div_mod_eq_full (b + 16 + 2 * 32) 9). assert (M := Z.mod_pos_bound (b + 16 + 2 * 32) 9 ltac:(lia)).
  set (q := ((b + 16 + 2 * 32) / 9)%Z) in *.
  assert (H' := Z_div_mod_eq_full (q + 2) 2). assert (M' := Z.mod_pos_bound (q + 2) 2 ltac:(lia)). lia.
Qed.

Lemma terms_few : forall b, (64 <= b <= 1024)%Z -> 0 <= INR (terms b) <= 62.
Proof.
  intros b B. split; [apply pos_INR|]. rewrite INR_IZR_INZ. apply IZR_le. unfold terms, width, GUARD, FINE.
  rewrite Z2Nat.id by (apply Z.div_pos; [|lia]; apply Z.add_nonneg_nonneg; [apply Z.div_pos|]; lia).
  assert (H := Z_div_mod_eq_full (b + 16 + 2 * 32) 9). assert (M := Z.mod_pos_bound (b + 16 + 2 * 32) 9 ltac:(lia)).
  set (q := ((b + 16 + 2 * 32) / 9)%Z) in *.
  assert (H' := Z_div_mod_eq_full (q + 2) 2). assert (M' := Z.mod_pos_bound (q + 2) 2 ltac:(lia)). lia.
Qed.

(** An entry is at most 2 units too low. *)
Lemma table_bounds : forall b i, (64 <= b <= 1024)%Z -> (i <= 256)%nat ->
  let s := IZR (2 ^ width b) * ln (1 + INR i / 256) in
  s - 2 <= IZR (nth i (log_table (setup b)) 0%Z) <= s.
Proof.
  intros b i B I. cbv zeta. destruct (setup_tables b) as [E _]. rewrite E. clear E.
  destruct (log_entries_bounds (terms b) (2 ^ (width b + 2 * FINE)) (2 * FINE)
              ltac:(apply Z.pow_nonneg; lia) (terms_enough b B) 256 513 0 ltac:(lia) i I) as [t [E [_ T]]].
  rewrite E. clear E. cbv zeta in T. assert (F := floor_shift t (2 * FINE) ltac:(easy)).
  rewrite (pow2_add (width b)) in T by (unfold width, GUARD, FINE; lia).
  change (2 ^ (2 * FINE))%Z with 18446744073709551616%Z in T, F.
  assert (N := terms_few b B). assert (I' : 0 <= INR i <= 256).
  { split; [apply pos_INR|]. apply le_INR in I. rewrite (INR_IZR_INZ 256) in I. exact I. }
  replace ((513 - 1 + 2 * INR i) / (513 - 1)) with (1 + INR i / 256) in T by field.
  set (s := ln (1 + INR i / 256)) in *. set (W := IZR (2 ^ width b)) in *.
  assert (0 <= INR i * (2 * INR (terms b) + 3) <= 32512) by nra.
  replace (0 + W * 18446744073709551616 * s) with (18446744073709551616 * (W * s)) in T by ring.
  set (v := W * s) in *. set (r := INR i * (2 * INR (terms b) + 3)) in *. lra.
Qed.

Theorem ln2_bounds : forall b, (64 <= b <= 1024)%Z ->
  IZR (ln2_low (setup b)) <= ln 2 * IZR (2 ^ (width b + FINE)) <= IZR (ln2_low (setup b)) + 2.
Proof.
  intros b B. destruct (setup_tables b) as [_ E]. rewrite E. clear E.
  destruct (log_entries_bounds (terms b) (2 ^ (width b + 2 * FINE)) (2 * FINE)
              ltac:(apply Z.pow_nonneg; lia) (terms_enough b B) 256 513 0 ltac:(lia) 256%nat ltac:(lia)) as [t [_ [E T]]].
  rewrite (E eq_refl). clear E. cbv zeta in T. assert (F := floor_shift t FINE ltac:(easy)).
  replace (width b + 2 * FINE)%Z with (width b + FINE + FINE)%Z in T by (unfold FINE; lia).
  rewrite (pow2_add (width b + FINE)) in T by (unfold width, GUARD, FINE; lia).
  change (2 ^ FINE)%Z with 4294967296%Z in T, F.
  assert (N := terms_few b B). rewrite (INR_IZR_INZ 256) in T. change (Z.of_nat 256) with 256%Z in T.
  replace ((513 - 1 + 2 * 256) / (513 - 1)) with 2 in T by field.
  set (W := IZR (2 ^ (width b + FINE))) in *.
  replace (0 + W * 4294967296 * ln 2) with (4294967296 * (ln 2 * W)) in T by ring.
  set (v := ln 2 * W) in *. lra.
Qed.
