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

(** ** Operations *)

Definition within (b : Z) (i : interval) (x : R) : Prop := IZR (fst i) <= x * IZR (2 ^ b) <= IZR (snd i).
