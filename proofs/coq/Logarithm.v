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

Opaque setup.

Lemma terms_range : forall b, (64 <= b <= 1024)%Z ->
  (width b + 2 * FINE <= 9 * (2 * Z.of_nat (terms b) + 1))%Z /\ (Z.of_nat (terms b) <= 62)%Z.
Proof.
  intros b B. unfold terms, width, GUARD, FINE.
  assert (H := Z_div_mod_eq_full (b + 16 + 2 * 32) 9). assert (M := Z.mod_pos_bound (b + 16 + 2 * 32) 9 ltac:(lia)).
  set (q := ((b + 16 + 2 * 32) / 9)%Z) in *.
  assert (H' := Z_div_mod_eq_full (q + 2) 2). assert (M' := Z.mod_pos_bound (q + 2) 2 ltac:(lia)). lia.
Qed.

Lemma terms_enough : forall b, (64 <= b <= 1024)%Z -> IZR (2 ^ (width b + 2 * FINE)) <= 513 ^ (2 * terms b + 1).
Proof.
  intros b B. apply Rle_trans with (512 ^ (2 * terms b + 1)); [|apply pow_incr; lra].
  rewrite pow_IZR. apply IZR_le. change 512%Z with (2 ^ 9)%Z. rewrite <- Z.pow_mul_r by lia.
  apply Z.pow_le_mono_r; [lia|]. assert (T := terms_range b B). lia.
Qed.

Lemma terms_few : forall b, (64 <= b <= 1024)%Z -> 0 <= INR (terms b) <= 62.
Proof.
  intros b B. split; [apply pos_INR|]. rewrite INR_IZR_INZ. apply IZR_le. apply terms_range. exact B.
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
              ltac:(apply Z.pow_nonneg; lia) (terms_enough b B) 256 513 0 ltac:(lia) 256 ltac:(lia)) as [t [_ [E T]]].
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

(** ** Series *)

(** Horner's value, at y cut to h, is at most 6 units too low. *)
Lemma horner_bounds : forall w h y, (0 <= w)%Z -> (0 <= h)%Z -> 0 <= y <= 1 / 4 ->
  y * IZR (2 ^ w) - 1 <= IZR h <= y * IZR (2 ^ w) -> forall count k,
  let s := IZR (2 ^ w) * partial count k y in
  s - 6 <= IZR (fold_right (fun c total => c + Z.shiftr (total * h) w)%Z 0%Z (log_coefficients count k (2 ^ w))) <= s.
Proof.
  intros w h y O H0 Y H. assert (W := pow2_pos w O). apply IZR_le in H0.
  induction count as [|count IH]; intro k; cbv zeta; cbn [log_coefficients fold_right partial]; [lra|].
  specialize (IH (S k)). cbv zeta in IH. assert (P := partial_bounds count (S k) y Y).
  set (t := fold_right _ _ _) in *. set (p := partial count (S k) y) in *.
  assert (C := floor_div (2 ^ w) (2 * Z.of_nat k + 1) ltac:(lia)).
  assert (F := floor_shift (t * h) w O). rewrite (plus_IZR (2 ^ w / _)). rewrite mult_IZR in F.
  set (W' := IZR (2 ^ w)) in *. set (H' := IZR h) in *.
  replace (W' * (/ IZR (2 * Z.of_nat k + 1) + y * p)) with (W' / IZR (2 * Z.of_nat k + 1) + W' * y * p)
    by (field; apply not_0_IZR; lia).
  set (c := W' / IZR (2 * Z.of_nat k + 1)) in *. set (q := H' / W').
  assert (Q : q * W' = H') by (unfold q; field; lra).
  assert (Q1 : 0 <= q <= y) by (split; apply Rmult_le_reg_r with W'; lra).
  replace (IZR t * H' / W') with (IZR t * q) in F by (unfold q; field; lra).
  assert (U : IZR t * q <= W' * y * p) by nra.
  assert (L : W' * y * p - 4 <= IZR t * q) by nra.
  lra.
Qed.

(** The fraction z = d / (2 m - d), its square, its series and the product, each cut: at most 4 units too low. *)
Lemma fraction_bounds : forall w count m d, (0 <= w)%Z -> (0 <= d)%Z -> (512 * d <= 2 * m - d)%Z -> (0 < m)%Z ->
  IZR (2 ^ w) * ((1 / 512) ^ 2) ^ count <= 1 ->
  let z := (Z.shiftl d w / (2 * m - d))%Z in
  let total := fold_right (fun c total => c + Z.shiftr (total * Z.shiftr (z * z) w) w)%Z 0%Z
                 (log_coefficients count 0 (2 ^ w)) in
  let s := IZR (2 ^ w) * artanh2 (IZR d / (2 * IZR m - IZR d)) in
  s - 4 <= IZR (Z.shiftr (2 * total * z) w) <= s.
Proof.
  intros w count m d O D DM M G. cbv zeta. assert (W := pow2_pos w O).
  assert (F := floor_div (Z.shiftl d w) (2 * m - d) ltac:(lia)).
  assert (Z0 : (0 <= Z.shiftl d w / (2 * m - d))%Z) by (apply Z.div_pos; [apply Z.shiftl_nonneg; exact D | lia]).
  set (z := (Z.shiftl d w / (2 * m - d))%Z) in *.
  rewrite shift_left, minus_IZR, mult_IZR in F by exact O.
  assert (HM : 512 * IZR d <= 2 * IZR m - IZR d) by (rewrite <- !mult_IZR, <- minus_IZR; now apply IZR_le).
  apply IZR_le in D. apply IZR_lt in M.
  set (z0 := IZR d / (2 * IZR m - IZR d)) in *.
  assert (B0 : 0 <= z0 <= 1 / 512).
  { unfold z0. split; [apply Rdiv_le_0_compat; lra|]. apply Rmult_le_reg_r with (2 * IZR m - IZR d); [lra|].
    unfold Rdiv at 1. rewrite Rmult_assoc, Rinv_l by lra. lra. }
  replace (IZR d * IZR (2 ^ w) / (2 * IZR m - IZR d)) with (IZR (2 ^ w) * z0) in F by (unfold z0; field; lra).
  clearbody z0.
  assert (H := horner_bounds w (Z.shiftr (z * z) w) ((IZR z / IZR (2 ^ w)) * (IZR z / IZR (2 ^ w))) O
                 ltac:(apply Z.shiftr_nonneg; nia)).
  assert (FH := floor_shift (z * z) w O).
  set (t := fold_right _ _ _) in *. assert (FP := floor_shift (2 * t * z) w O).
  apply IZR_le in Z0. rewrite mult_IZR in FH. rewrite (mult_IZR (2 * t)), (mult_IZR 2) in FP.
  set (W' := IZR (2 ^ w)) in *. set (s := IZR z / W') in *.
  assert (S : IZR z = s * W') by (unfold s; field; lra).
  assert (S0 : 0 <= s) by (unfold s; apply Rdiv_le_0_compat; lra).
  rewrite S in F, FH, FP. clearbody s.
  assert (S1 : s <= z0) by (apply Rmult_le_reg_r with W'; lra).
  replace (s * W' * (s * W') / W') with (s * s * W') in FH by (field; lra).
  replace (2 * IZR t * (s * W') / W') with (2 * (IZR t * s)) in FP by (field; lra).
  specialize (H ltac:(nra) ltac:(lra) count 0%nat). cbv zeta in H. fold t in H.
  assert (A := artanh2_partial count s ltac:(lra)). assert (R := artanh2_growth s z0 ltac:(lra) ltac:(lra)).
  set (p := partial count 0 (s * s)) in *.
  assert (I : 0 <= 2 / (1 - z0 * z0) <= 5 / 2).
  { split; [apply Rdiv_le_0_compat; nra|]. apply Rmult_le_reg_r with (1 - z0 * z0); [nra|].
    unfold Rdiv at 1. rewrite Rmult_assoc, Rinv_l by nra. nra. }
  assert (T : W' * (s ^ (2 * count + 1) / (1 - s * s)) <= 1 / 8).
  { assert (E : W' * s ^ (2 * count) <= 1).
    { apply Rle_trans with (2 := G). apply Rmult_le_compat_l; [lra|]. rewrite <- pow_mult. apply pow_incr. lra. }
    rewrite pow_add, pow_1. replace (W' * (s ^ (2 * count) * s / (1 - s * s)))
      with ((W' * s ^ (2 * count)) * (s / (1 - s * s))) by (field; nra).
    assert (J : 0 <= s / (1 - s * s) <= 1 / 8).
    { split; [apply Rdiv_le_0_compat; nra|]. apply Rmult_le_reg_r with (1 - s * s); [nra|].
      unfold Rdiv at 1. rewrite Rmult_assoc, Rinv_l by nra. nra. }
    assert (0 <= W' * s ^ (2 * count)) by (apply Rmult_le_pos; [lra | apply pow_le; exact S0]). nra. }
  assert (U : IZR t * s <= W' * (s * p)) by nra.
  assert (L : W' * (s * p) - 6 / 512 <= IZR t * s) by nra.
  assert (A1 : W' * (2 * (s * p)) <= W' * artanh2 s) by (apply Rmult_le_compat_l; lra).
  assert (A2 : W' * artanh2 s <= W' * (2 * (s * p)) + 1 / 4).
  { apply Rle_trans with (W' * (2 * (s * p) + 2 * (s ^ (2 * count + 1) / (1 - s * s)))); [|lra].
    apply Rmult_le_compat_l; lra. }
  assert (R1 : W' * artanh2 s <= W' * artanh2 z0) by (apply Rmult_le_compat_l; lra).
  assert (R2 : W' * artanh2 z0 <= W' * artanh2 s + 5 / 2).
  { assert (W' * (artanh2 z0 - artanh2 s) <= W' * ((z0 - s) * (2 / (1 - z0 * z0)))) by (apply Rmult_le_compat_l; lra).
    assert (0 <= W' * (z0 - s) <= 1) by (split; [apply Rmult_le_pos; lra | lra]). nra. }
  split; lra.
Qed.

Lemma series_enough : forall b, (64 <= b <= 1024)%Z ->
  IZR (2 ^ width b) * ((1 / 512) ^ 2) ^ S (Z.to_nat ((width b + 2) / 18)) <= 1.
Proof.
  intros b B. set (n := S (Z.to_nat ((width b + 2) / 18))).
  assert (N : (width b <= 18 * Z.of_nat n)%Z).
  { unfold n. rewrite Nat2Z.inj_succ, Z2Nat.id by (apply Z.div_pos; unfold width, GUARD; lia).
    assert (H := Z_div_mod_eq_full (width b + 2) 18). assert (M := Z.mod_pos_bound (width b + 2) 18 ltac:(lia)). lia. }
  replace ((1 / 512) ^ 2) with (/ 262144) by (simpl; field). rewrite pow_inv.
  assert (P : 0 < 262144 ^ n) by (apply pow_lt; lra).
  apply Rmult_le_reg_r with (262144 ^ n); [exact P|]. rewrite Rmult_assoc, Rinv_l, Rmult_1_l, Rmult_1_r by lra.
  rewrite pow_IZR. apply IZR_le. change 262144%Z with (2 ^ 18)%Z. rewrite <- Z.pow_mul_r by lia.
  apply Z.pow_le_mono_r; [lia | exact N].
Qed.

(** ** Mantissa and exponent *)

(** n ln 2, with the end of ln 2 that makes it smaller. *)
Lemma exponent_bounds : forall b n, (64 <= b <= 1024)%Z -> (-1024 <= n <= MAX_LENGTH)%Z ->
  let s := IZR (2 ^ width b) * (IZR n * ln 2) in
  s - 2 <= IZR (Z.shiftr (n * (if 0 <=? n then ln2_low (setup b) else ln2_high (setup b)))%Z FINE) <= s.
Proof.
  intros b n B N. cbv zeta. assert (L := ln2_bounds b B). rewrite setup_high.
  rewrite pow2_add in L by (unfold width, GUARD, FINE; lia).
  set (end2 := if (0 <=? n)%Z then _ else _). assert (F := floor_shift (n * end2) FINE ltac:(easy)).
  rewrite mult_IZR in F. change (2 ^ FINE)%Z with 4294967296%Z in L, F.
  change MAX_LENGTH with 1073741824%Z in N. destruct N as [N1 N2]. apply IZR_le in N1, N2.
  set (low := ln2_low (setup b)) in *. clearbody low. set (W := IZR (2 ^ width b)) in *.
  replace (ln 2 * (W * 4294967296)) with (W * ln 2 * 4294967296) in L by ring.
  replace (W * (IZR n * ln 2)) with (IZR n * (W * ln 2)) by ring. set (v := W * ln 2) in *. clearbody v W.
  destruct (0 <=? n)%Z eqn:E; unfold end2 in *.
  - apply Z.leb_le, IZR_le in E.
    assert (IZR n * IZR low <= IZR n * (v * 4294967296)) by (apply Rmult_le_compat_l; lra).
    assert (IZR n * (v * 4294967296 - 2) <= IZR n * IZR low) by (apply Rmult_le_compat_l; lra).
    split; lra.
  - apply Z.leb_gt, IZR_lt in E. rewrite plus_IZR in F.
    assert (IZR n * (IZR low + 2) <= IZR n * (v * 4294967296)) by (apply Rmult_le_compat_neg_l; lra).
    assert (IZR n * (v * 4294967296 + 2) <= IZR n * (IZR low + 2)) by (apply Rmult_le_compat_neg_l; lra).
    split; lra.
Qed.

Lemma mantissa_bounds : forall w x, (0 <= w)%Z -> (0 < x)%Z ->
  let length := (Z.log2 x + 1)%Z in
  let m := if (length <=? w)%Z then Z.shiftl x (w + 1 - length) else Z.shiftr x (length - 1 - w) in
  (2 ^ w <= m < 2 ^ w * 2)%Z /\ IZR m <= IZR x / IZR (2 ^ Z.log2 x) * IZR (2 ^ w) < IZR m + 1.
Proof.
  intros w x O X. cbv zeta. assert (L0 := Z.log2_nonneg x). assert (L := Z.log2_spec x X).
  set (l := Z.log2 x) in *. clearbody l. set (m := if (_ <=? _)%Z then _ else _).
  assert (P := pow2_pos l L0). assert (W := pow2_pos w O).
  assert (H : IZR m <= IZR x / IZR (2 ^ l) * IZR (2 ^ w) < IZR m + 1).
  { unfold m. destruct (l + 1 <=? w)%Z eqn:E.
    - apply Z.leb_le in E. rewrite shift_left by lia.
      assert (K : IZR (2 ^ w) = IZR (2 ^ l) * IZR (2 ^ (w - l))) by (rewrite <- pow2_add by lia; do 2 f_equal; lia).
      rewrite K. replace (w + 1 - (l + 1))%Z with (w - l)%Z by lia.
      replace (IZR x / IZR (2 ^ l) * (IZR (2 ^ l) * IZR (2 ^ (w - l))))
        with (IZR x * IZR (2 ^ (w - l))) by (field; lra).
      lra.
    - apply Z.leb_gt in E. replace (l + 1 - 1 - w)%Z with (l - w)%Z by lia.
      assert (F := floor_shift x (l - w) ltac:(lia)). assert (Q := pow2_pos (l - w) ltac:(lia)).
      assert (K : IZR (2 ^ l) = IZR (2 ^ (l - w)) * IZR (2 ^ w)) by (rewrite <- pow2_add by lia; do 2 f_equal; lia).
      rewrite K.
      replace (IZR x / (IZR (2 ^ (l - w)) * IZR (2 ^ w)) * IZR (2 ^ w))
        with (IZR x / IZR (2 ^ (l - w))) by (field; lra).
      lra. }
  split; [|exact H]. rewrite Z.pow_succ_r in L by exact L0. destruct L as [L1 L2].
  apply IZR_le in L1. apply IZR_lt in L2.
  rewrite mult_IZR in L2. set (q := IZR x / IZR (2 ^ l)) in *.
  assert (E : IZR x = q * IZR (2 ^ l)) by (unfold q; field; lra). rewrite E in L1, L2.
  assert (Q : 1 <= q < 2).
  { split; [apply Rmult_le_reg_r with (IZR (2 ^ l)) | apply Rmult_lt_reg_r with (IZR (2 ^ l))]; lra. }
  split.
  - apply Z.lt_succ_r. unfold Z.succ. apply lt_IZR. rewrite plus_IZR. nra.
  - apply lt_IZR. rewrite mult_IZR. nra.
Qed.

(** ln m = ln c + ln (m / c), c the first eight places of m. *)
Lemma split_bounds : forall b m, (64 <= b <= 1024)%Z -> (2 ^ width b <= m < 2 ^ width b * 2)%Z ->
  let w := width b in
  let d := Z.land m (Z.ones (w - 8)) in
  let z := (Z.shiftl d w / (2 * m - d))%Z in
  let total := horner (setup b) (log_series (setup b)) (Z.shiftr (z * z) w) in
  let s := IZR (2 ^ w) * ln (IZR m / IZR (2 ^ w)) in
  s - 6 <= IZR (nth (Z.to_nat (Z.shiftr m (w - 8) - 256)) (log_table (setup b)) 0%Z) + IZR (Z.shiftr (2 * total * z) w)
  <= s.
Proof.
  intros b m B M. cbv zeta. assert (w8 : (72 <= width b - 8)%Z) by (unfold width, GUARD; lia).
  unfold horner. rewrite setup_bits, setup_series, Z.land_ones, Z.shiftr_div_pow2 by lia.
  assert (E : (2 ^ width b = 2 ^ (width b - 8) * 256)%Z).
  { change 256%Z with (2 ^ 8)%Z. rewrite <- Z.pow_add_r by lia. f_equal. lia. }
  assert (V := Z.pow_pos_nonneg 2 (width b - 8) ltac:(lia) ltac:(lia)).
  assert (D := Z_div_mod_eq_full m (2 ^ (width b - 8))). assert (R := Z.mod_pos_bound m (2 ^ (width b - 8)) V).
  set (q := (m / 2 ^ (width b - 8))%Z) in *. set (d := (m mod 2 ^ (width b - 8))%Z) in *.
  assert (Q : (256 <= q < 512)%Z) by (rewrite E in M; split; nia).
  assert (T := table_bounds b (Z.to_nat (q - 256)) B ltac:(lia)). cbv zeta in T.
  rewrite INR_IZR_INZ, Z2Nat.id, minus_IZR in T by lia.
  assert (F := fraction_bounds (width b) (S (Z.to_nat ((width b + 2) / 18))) m d
                 ltac:(lia) ltac:(lia) ltac:(nia) ltac:(nia) (series_enough b B)). cbv zeta in F.
  assert (G : ln (IZR m / IZR (2 ^ width b)) = ln (1 + (IZR q - 256) / 256) + artanh2 (IZR d / (2 * IZR m - IZR d))).
  { rewrite E. destruct R as [R _]. apply IZR_le in R. apply IZR_lt in V. destruct Q as [Q _]. apply IZR_le in Q.
    rewrite D, plus_IZR, !mult_IZR. fold q d. set (v := IZR (2 ^ (width b - 8))) in *. clearbody q d v.
    assert (C : 0 < v * IZR q) by (apply Rmult_lt_0_compat; lra).
    unfold artanh2. rewrite <- ln_mult.
    - f_equal. field. repeat split; lra.
    - lra.
    - replace ((1 + IZR d / (2 * (v * IZR q + IZR d) - IZR d)) / (1 - IZR d / (2 * (v * IZR q + IZR d) - IZR d)))
        with ((v * IZR q + IZR d) / (v * IZR q)) by (field; repeat split; lra).
      apply Rdiv_lt_0_compat; lra. }
  rewrite G, Rmult_plus_distr_l. clear G D R M E. lra.
Qed.

(** ** Logarithm *)

(** At most 9 units too low; SLACK allows 16. *)
Theorem log_part_bounds : forall b x, (64 <= b <= 1024)%Z -> (0 < x)%Z -> (Z.log2 x < MAX_LENGTH)%Z ->
  IZR (log_part (setup b) x) <= ln (IZR x / IZR (2 ^ b)) * IZR (2 ^ width b)
  <= IZR (log_part (setup b) x) + IZR SLACK.
Proof.
  intros b x B X L. unfold log_part. rewrite setup_bits. cbv zeta.
  assert (W0 : (0 <= width b)%Z) by (unfold width, GUARD; lia). assert (L0 := Z.log2_nonneg x).
  destruct (mantissa_bounds (width b) x W0 X) as [M1 M2]. cbv zeta in M1, M2.
  set (m := if (_ <=? width b)%Z then _ else _) in *. clearbody m.
  assert (S := split_bounds b m B M1). cbv zeta in S.
  replace (Z.log2 x + 1 - 1 - b)%Z with (Z.log2 x - b)%Z by lia.
  assert (N := exponent_bounds b (Z.log2 x - b) B ltac:(lia)). cbv zeta in N.
  rewrite !plus_IZR.
  set (table := IZR (nth _ _ _)) in *. set (series := IZR (Z.shiftr (2 * _ * _) _)) in *.
  set (whole := IZR (Z.shiftr _ FINE)) in *.
  clearbody table series whole.
  assert (W := pow2_pos (width b) W0). assert (P := pow2_pos (Z.log2 x) L0). assert (PB := pow2_pos b ltac:(lia)).
  destruct M1 as [M1 _]. apply IZR_le in M1. apply IZR_lt in X.
  assert (E : ln (IZR x / IZR (2 ^ b)) = ln (IZR x / IZR (2 ^ Z.log2 x)) + IZR (Z.log2 x - b) * ln 2).
  { rewrite !ln_div by lra. assert (K : forall n, (0 <= n)%Z -> ln (IZR (2 ^ n)) = IZR n * ln 2).
    { intros n N0. rewrite <- (Z2Nat.id n N0), <- pow_IZR, ln_pow, INR_IZR_INZ by lra. reflexivity. }
    rewrite !K, minus_IZR by lia. lra. }
  rewrite E. clear E. set (y := IZR x / IZR (2 ^ Z.log2 x)) in *. clearbody y.
  set (u := IZR (2 ^ width b)) in *. clearbody u.
  assert (G := ln_growth (IZR m / u) y ltac:(apply Rdiv_lt_0_compat; lra)
                 ltac:(apply Rmult_le_reg_r with u; [exact W | unfold Rdiv; rewrite Rmult_assoc, Rinv_l by lra; lra])).
  assert (H : u * ((y - IZR m / u) / (IZR m / u)) <= 1).
  { replace (u * ((y - IZR m / u) / (IZR m / u))) with ((y * u - IZR m) * (u / IZR m)) by (field; lra).
    assert (0 <= u / IZR m <= 1).
    { split; [apply Rdiv_le_0_compat; lra|]. apply Rmult_le_reg_r with (IZR m); [lra|].
      unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. lra. }
    nra. }
  change (IZR SLACK) with 16.
  assert (0 <= u * (ln y - ln (IZR m / u)) <= 1).
  { split; [apply Rmult_le_pos; lra|]. apply Rle_trans with (2 := H). apply Rmult_le_compat_l; lra. }
  split; lra.
Qed.

Theorem logarithm_encloses : forall b i r x, (64 <= b <= 1024)%Z ->
  logarithm (setup b) i = Some r -> within b i x -> within b r (ln x).
Proof.
  intros b [l u] r x B E [I1 I2]. unfold logarithm in E. cbn [fst snd] in *.
  destruct ((l <=? 0)%Z || (MAX_LENGTH <=? Z.log2 u)%Z)%bool eqn:C; [discriminate|].
  apply Bool.orb_false_iff in C. destruct C as [C1 C2]. apply Z.leb_gt in C1, C2.
  injection E as <-.
  assert (LU : (l <= u)%Z) by (apply le_IZR; lra). assert (M := Z.log2_le_mono l u LU).
  assert (HL := log_part_bounds b l B C1 ltac:(lia)). assert (HU := log_part_bounds b u B ltac:(lia) C2).
  assert (FL := floor_shift (log_part (setup b) l) GUARD ltac:(easy)).
  assert (FU := ceiling_shift (log_part (setup b) u + SLACK) GUARD ltac:(easy)). rewrite plus_IZR in FU.
  unfold within. cbn [fst snd]. unfold width in HL, HU. rewrite pow2_add in HL, HU by (unfold GUARD; lia).
  assert (P := pow2_pos b ltac:(lia)). change (2 ^ GUARD)%Z with 65536%Z in *.
  set (p := IZR (2 ^ b)) in *. clearbody p. apply IZR_lt in C1. apply IZR_le in LU.
  assert (GL : 0 <= ln x - ln (IZR l / p)).
  { apply ln_growth; [apply Rdiv_lt_0_compat; lra|]. apply Rmult_le_reg_r with p; [exact P|].
    unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. lra. }
  assert (GU : 0 <= ln (IZR u / p) - ln x).
  { apply ln_growth; [apply Rmult_lt_reg_r with p; lra|]. apply Rmult_le_reg_r with p; [exact P|].
    unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. lra. }
  assert (ln (IZR l / p) * p <= ln x * p) by (apply Rmult_le_compat_r; lra).
  assert (ln x * p <= ln (IZR u / p) * p) by (apply Rmult_le_compat_r; lra).
  split; lra.
Qed.
