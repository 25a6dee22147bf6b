(** 2 artanh z = ln ((1 + z) / (1 - z)): its partial sums, what they lack, and how much it grows.

    Page: proofs/checker.md, section 2. *)

Require Import Reals Psatz Lia ZArith.
From Coquelicot Require Import Coquelicot.
Open Scope R_scope.

(** sum over i < count of y^i / (2 (k + i) + 1). *)
Fixpoint partial (count k : nat) (y : R) : R :=
  match count with
  | O => 0
  | S more => / IZR (2 * Z.of_nat k + 1) + y * partial more (S k) y
  end.

Definition artanh2 (z : R) : R := ln ((1 + z) / (1 - z)).

(** ** The logarithm *)

Lemma ln_below : forall t, 0 < t -> ln t <= t - 1.
Proof.
  intros t T. apply Rnot_lt_le. intro L. apply exp_increasing in L. rewrite exp_ln in L by exact T.
  assert (H := exp_ineq1_le (t - 1)). lra.
Qed.

Lemma ln_growth : forall a b, 0 < a -> a <= b -> 0 <= ln b - ln a <= (b - a) / a.
Proof.
  intros a b A B. split.
  - destruct B as [B | B]; [assert (H := ln_increasing a b A B); lra | rewrite B; lra].
  - rewrite <- ln_div by lra. replace ((b - a) / a) with (b / a - 1) by (field; lra).
    apply ln_below. apply Rdiv_lt_0_compat; lra.
Qed.

(** ** Derivatives *)

Lemma odd_positive : forall k, 1 <= IZR (2 * Z.of_nat k + 1).
Proof. intro k. apply IZR_le. lia. Qed.

Lemma artanh2_derive : forall z, -1 < z < 1 -> is_derive artanh2 z (2 / (1 - z * z)).
Proof.
  intros z Z. unfold artanh2. auto_derive.
  - split; [lra|]. split; [|easy]. apply Rmult_lt_0_compat; [lra | apply Rinv_0_lt_compat; lra].
  - field. repeat split; nra.
Qed.

Lemma partial_derive : forall count k z, -1 < z < 1 ->
  is_derive (fun z => z ^ (2 * k + 1) * partial count k (z * z)) z
    ((z ^ (2 * k) - z ^ (2 * (k + count))) / (1 - z * z)).
Proof.
  induction count as [|count IH]; intros k z Z.
  - replace ((z ^ (2 * k) - z ^ (2 * (k + 0))) / (1 - z * z)) with 0.
    + apply is_derive_ext with (fun _ => 0); [intro t; simpl; ring | apply @is_derive_const].
    + rewrite Nat.add_0_r. field. nra.
  - assert (O := odd_positive k).
    assert (E : forall t : R,
      t ^ (2 * k + 1) / IZR (2 * Z.of_nat k + 1) + t ^ (2 * S k + 1) * partial count (S k) (t * t)
      = t ^ (2 * k + 1) * partial (S count) k (t * t)).
    { intro t. replace (2 * S k + 1)%nat with (2 + (2 * k + 1))%nat by lia. rewrite (pow_add t 2).
      cbn [partial pow]. field. lra. }
    apply (is_derive_ext _ _ _ _ E). clear E.
    replace ((z ^ (2 * k) - z ^ (2 * (k + S count))) / (1 - z * z))
      with (z ^ (2 * k) + (z ^ (2 * S k) - z ^ (2 * (S k + count))) / (1 - z * z)).
    + apply @is_derive_plus; [|now apply IH].
      replace (z ^ (2 * k)) with (INR (2 * k + 1) * z ^ pred (2 * k + 1) / IZR (2 * Z.of_nat k + 1)).
      * generalize (2 * k + 1)%nat, (IZR (2 * Z.of_nat k + 1)). intros n c. auto_derive; [easy | unfold Rdiv; ring].
      * replace (pred (2 * k + 1)) with (2 * k)%nat by lia.
        replace (INR (2 * k + 1)) with (IZR (2 * Z.of_nat k + 1)) by (rewrite INR_IZR_INZ; f_equal; lia).
        field. lra.
    + replace (2 * (k + S count))%nat with (2 * (S k + count))%nat by lia.
      replace (2 * S k)%nat with (2 + 2 * k)%nat by lia. rewrite (pow_add z 2). cbn [pow]. field. nra.
Qed.

(** ** Bounds *)

Lemma artanh2_zero : artanh2 0 = 0.
Proof. unfold artanh2. replace ((1 + 0) / (1 - 0)) with 1 by field. apply ln_1. Qed.

Lemma artanh2_growth : forall s z, 0 <= s <= z -> z < 1 ->
  0 <= artanh2 z - artanh2 s <= (z - s) * (2 / (1 - z * z)).
Proof.
  intros s z [S [L | E]] Z; [|subst z; lra].
  destruct (MVT_cor2 artanh2 (fun c => 2 / (1 - c * c)) s z L) as [c [E [C1 C2]]].
  { intros c C. apply is_derive_Reals. apply artanh2_derive. lra. }
  rewrite E. assert (P : 0 < 1 - z * z) by nra. assert (Q : 1 - z * z <= 1 - c * c) by nra.
  assert (B : 0 < 2 / (1 - c * c)) by (apply Rdiv_lt_0_compat; lra).
  assert (2 / (1 - c * c) <= 2 / (1 - z * z)) by (apply Rmult_le_compat_l; [lra | now apply Rinv_le_contravar]).
  nra.
Qed.

(** The sum of so many terms lacks at most 2 z^(2 count + 1) / (1 - z^2). *)
Lemma artanh2_partial : forall count z, 0 <= z < 1 ->
  2 * (z * partial count 0 (z * z)) <= artanh2 z
  <= 2 * (z * partial count 0 (z * z)) + 2 * (z ^ (2 * count + 1) / (1 - z * z)).
Proof.
  intros count z [[Z | Z] Z1].
  2: { subst z. rewrite artanh2_zero, pow_i by lia. split; lra. }
  set (g := fun z => artanh2 z - 2 * (z ^ (2 * 0 + 1) * partial count 0 (z * z))).
  destruct (MVT_cor2 g (fun c => 2 * (c ^ (2 * count) / (1 - c * c))) 0 z Z) as [c [E [C1 C2]]].
  { intros c C. apply is_derive_Reals.
    replace (2 * (c ^ (2 * count) / (1 - c * c)))
      with (2 / (1 - c * c) - 2 * ((c ^ (2 * 0) - c ^ (2 * (0 + count))) / (1 - c * c)))
      by (simpl (2 * 0)%nat; rewrite Nat.add_0_l; simpl (c ^ 0); field; nra).
    apply @is_derive_minus; [apply artanh2_derive; lra|].
    apply is_derive_scal. apply partial_derive. lra. }
  unfold g in E. rewrite artanh2_zero in E. simpl (2 * 0 + 1)%nat in E. rewrite !pow_1 in E.
  assert (P : 0 < 1 - z * z) by nra. assert (Q : 1 - z * z <= 1 - c * c) by nra.
  assert (G : 0 <= c ^ (2 * count) <= z ^ (2 * count)) by (split; [apply pow_le | apply pow_incr]; lra).
  assert (I : 0 < / (1 - c * c) <= / (1 - z * z))
    by (split; [apply Rinv_0_lt_compat; lra | now apply Rinv_le_contravar]).
  assert (B : 0 <= c ^ (2 * count) / (1 - c * c) <= z ^ (2 * count) / (1 - z * z)).
  { unfold Rdiv. split; [apply Rmult_le_pos; lra | apply Rmult_le_compat; lra]. }
  replace (z ^ (2 * count + 1) / (1 - z * z)) with (z * (z ^ (2 * count) / (1 - z * z)))
    by (rewrite pow_add, pow_1; field; lra).
  split; nra.
Qed.

Lemma partial_bounds : forall count k y, 0 <= y <= 1 / 4 -> 0 <= partial count k y <= 2.
Proof.
  induction count as [|count IH]; intros k y Y; cbn [partial]; [lra|].
  specialize (IH (S k) y Y). assert (O := odd_positive k).
  assert (0 < / IZR (2 * Z.of_nat k + 1) <= 1).
  { split; [apply Rinv_0_lt_compat; lra|]. rewrite <- Rinv_1. apply Rinv_le_contravar; lra. }
  nra.
Qed.
