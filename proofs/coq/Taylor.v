(** The exponential function: its Taylor sums from both sides, small numbers, powers of two.

    Page: proofs/checker.md, section 2; for the theory Exponential. *)

Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite Polynomial.
Open Scope R_scope.

(** ** Taylor sums *)

(** 1 + y + ... + y^(n-1)/(n-1)! *)
Definition exp_sum (n : nat) (y : R) : R := sum n (fun k => y ^ k / INR (fact k)).

Lemma fact_pos : forall n, 0 < INR (fact n).
Proof. intros n. apply lt_0_INR, lt_O_fact. Qed.

Lemma fact_S : forall n, INR (fact (S n)) = INR (S n) * INR (fact n).
Proof. intros n. rewrite fact_simpl. apply mult_INR. Qed.

Lemma exp_sum_S : forall n y, exp_sum (S n) y = exp_sum n y + y ^ n / INR (fact n).
Proof. reflexivity. Qed.

Lemma exp_term_derive : forall n y, is_derive (fun x => x ^ S n / INR (fact (S n))) y (y ^ n / INR (fact n)).
Proof.
  intros n y. assert (F := fact_pos n). assert (P : INR (S n) <> 0) by now apply not_0_INR.
  apply is_derive_ext with (fun x => / INR (fact (S n)) * x ^ S n); [intros; apply Rmult_comm|].
  replace (y ^ n / INR (fact n)) with (/ INR (fact (S n)) * (INR (S n) * 1 * y ^ n))
    by (rewrite fact_S; field; split; [lra | exact P]).
  apply is_derive_scal. apply (is_derive_pow (fun x => x) (S n) y 1). apply (is_derive_id y).
Qed.

Lemma exp_sum_derive : forall n y, is_derive (exp_sum (S n)) y (exp_sum n y).
Proof.
  induction n as [|n IH]; intros y.
  - apply is_derive_ext with (fun _ => 1); [intros; unfold exp_sum; simpl; field|]. apply (is_derive_const 1 y).
  - apply is_derive_ext with (fun x => exp_sum (S n) x + x ^ S n / INR (fact (S n))); [reflexivity|].
    rewrite exp_sum_S. apply (is_derive_plus (exp_sum (S n)) (fun x => x ^ S n / INR (fact (S n))));
      [apply IH | apply exp_term_derive].
Qed.

(** A function that is 0 at 0 and has a derivative that is never negative. *)
Lemma derive_nonneg : forall f f' y, 0 <= y -> f 0 = 0 ->
  (forall x, 0 <= x <= y -> is_derive f x (f' x)) -> (forall x, 0 <= x <= y -> 0 <= f' x) -> 0 <= f y.
Proof.
  intros f f' y Y Z D P. destruct Y as [Y|<-]; [|lra].
  destruct (MVT_cor2 f f' 0 y Y) as (c & E & C); [intros; apply is_derive_Reals, D; lra|].
  assert (0 <= f' c * (y - 0)) by (apply Rmult_le_pos; [apply P|]; lra). lra.
Qed.

Lemma exp_sum_0 : forall n, exp_sum (S n) 0 = 1.
Proof.
  induction n as [|n IH]; [unfold exp_sum; simpl; field|].
  rewrite exp_sum_S, IH. rewrite pow_i by lia. field. apply not_0_INR, fact_neq_0.
Qed.

Lemma exp_le : forall x y, x <= y -> exp x <= exp y.
Proof. intros x y [H|E]; [left; now apply exp_increasing | subst; lra]. Qed.

Lemma exp_taylor : forall n M y, 0 <= y -> exp y <= M ->
  exp_sum n y <= exp y <= exp_sum n y + M * (y ^ n / INR (fact n)).
Proof.
  induction n as [|n IH]; intros M y Y H.
  - unfold exp_sum. simpl. assert (P := exp_pos y). lra.
  - assert (I : forall x, 0 <= x <= y -> exp_sum n x <= exp x <= exp_sum n x + M * (x ^ n / INR (fact n))).
    { intros x [X1 X2]. apply IH; [exact X1|]. apply Rle_trans with (exp y); [now apply exp_le | exact H]. }
    split.
    + assert (0 <= exp y - exp_sum (S n) y); [|lra].
      apply derive_nonneg with (f := fun x => exp x - exp_sum (S n) x) (f' := fun x => exp x - exp_sum n x);
        try exact Y.
      * rewrite exp_sum_0, exp_0. ring.
      * intros x X. apply (is_derive_minus exp (exp_sum (S n))); [apply is_derive_exp | apply exp_sum_derive].
      * intros x X. specialize (I x X). lra.
    + assert (0 <= exp_sum (S n) y + M * (y ^ S n / INR (fact (S n))) - exp y); [|lra].
      apply derive_nonneg with (f := fun x => exp_sum (S n) x + M * (x ^ S n / INR (fact (S n))) - exp x)
        (f' := fun x => exp_sum n x + M * (x ^ n / INR (fact n)) - exp x); try exact Y.
      * rewrite exp_sum_0, exp_0, pow_i by lia. field. apply not_0_INR, fact_neq_0.
      * intros x X. apply (is_derive_minus (fun x => exp_sum (S n) x + M * (x ^ S n / INR (fact (S n)))) exp);
          [|apply is_derive_exp].
        apply (is_derive_plus (exp_sum (S n)) (fun x => M * (x ^ S n / INR (fact (S n))))); [apply exp_sum_derive|].
        apply is_derive_scal, exp_term_derive.
      * intros x X. specialize (I x X). lra.
Qed.

(** 1/k! + y/(k+1)! + ...: so many terms, each from the one before as Horner does it. *)
Fixpoint exp_tail (count k : nat) (y : R) : R :=
  match count with O => 0 | S more => / INR (fact k) + y * exp_tail more (S k) y end.

Lemma exp_tail_sum : forall count k y, exp_tail count k y = sum count (fun j => y ^ j / INR (fact (k + j))).
Proof.
  induction count as [|count IH]; intros k y; [reflexivity|].
  rewrite sum_shift. cbn [exp_tail]. rewrite IH, <- sum_scal, Nat.add_0_r. simpl pow at 1.
  f_equal; [unfold Rdiv; ring|]. apply sum_ext. intros j _. rewrite Nat.add_succ_r. cbn [pow Nat.add].
  unfold Rdiv. ring.
Qed.

Lemma exp_tail_whole : forall count y, exp_tail count 0 y = exp_sum count y.
Proof. intros count y. exact (exp_tail_sum count 0 y). Qed.

(** ** Small numbers *)

(** A lower argument loses at most the difference, times the value. *)
Lemma exp_gap : forall x y, exp y - exp x <= (y - x) * exp y.
Proof.
  intros x y. replace (exp x) with (exp y * exp (x - y)) by (rewrite <- exp_plus; f_equal; ring).
  assert (P := exp_pos y). assert (H := exp_ineq1_le (x - y)). nra.
Qed.

Lemma exp_small : forall y, 0 <= y <= / 256 -> 1 <= exp y <= 256 / 255.
Proof.
  intros y [Y1 Y2]. assert (L := exp_ineq1_le y). split; [lra|].
  assert (G := exp_gap 0 y). rewrite exp_0 in G. nra.
Qed.

Lemma ln2_range : / 2 < ln 2 <= 3 / 4.
Proof.
  split; [exact ln_lt_2|]. rewrite <- (ln_exp (3 / 4)). apply ln_le; [lra|].
  assert (H := exp_taylor 3 (exp (3 / 4)) (3 / 4) ltac:(lra) ltac:(lra)). unfold exp_sum in H. simpl in H. lra.
Qed.

(** ** Powers of two *)

(** 2^n, n of either sign. *)
Definition two (n : Z) : R := exp (IZR n * ln 2).

Lemma two_pos : forall n, 0 < two n.
Proof. intros n. apply exp_pos. Qed.

Lemma two_add : forall m n, two (m + n) = two m * two n.
Proof. intros m n. unfold two. rewrite <- exp_plus, plus_IZR. f_equal. ring. Qed.

Lemma two_nonneg : forall n, (0 <= n)%Z -> two n = IZR (2 ^ n).
Proof.
  intros n N. unfold two. rewrite <- (Z2Nat.id n N), <- INR_IZR_INZ.
  change (Rpower 2 (INR (Z.to_nat n)) = IZR (2 ^ Z.of_nat (Z.to_nat n))).
  rewrite Rpower_pow by lra. apply (pow_IZR 2).
Qed.

Lemma two_opp : forall n, two n * two (- n) = 1.
Proof. intros n. rewrite <- two_add, Z.add_opp_diag_r. unfold two. rewrite Rmult_0_l. apply exp_0. Qed.
