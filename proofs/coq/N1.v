(** N1: every noise schedule is the OU process in other clothes.

    Page: proofs/N1.md.  x = a x_0 + b z with a > 0, b >= 0, r = sqrt(a^2 + b^2), sigma = b/a. *)

Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite F2.
Open Scope R_scope.

Section Schedule.
Variables (a b : R).
Hypothesis a_pos : 0 < a.
Hypothesis b_nonneg : 0 <= b.
Let r := sqrt (a ^ 2 + b ^ 2).
Let t := ln (r / a).

Lemma r_square : r * r = a ^ 2 + b ^ 2.
Proof. unfold r. apply sqrt_sqrt. nra. Qed.

Lemma r_pos : 0 < r.
Proof. unfold r. apply sqrt_lt_R0. nra. Qed.

(** e^(-t) = a/r, and x/r = m x_0 + sqrt(1 - m^2) z. *)
Theorem schedule_factor : factor t = a / r /\ sqrt (1 - factor t ^ 2) = b / r.
Proof.
  assert (R := r_pos). assert (RR := r_square).
  assert (E : factor t = a / r).
  { unfold factor, t. rewrite <- ln_Rinv by (now apply Rdiv_lt_0_compat).
    rewrite exp_ln by (apply Rinv_0_lt_compat; now apply Rdiv_lt_0_compat). field. lra. }
  split; [exact E|]. rewrite E.
  replace (1 - (a / r) ^ 2) with ((b / r) ^ 2).
  - apply sqrt_pow2. now apply Rdiv_le_0_compat.
  - replace ((b / r) ^ 2) with (b ^ 2 / (r * r)) by (field; lra). replace ((a / r) ^ 2) with (a ^ 2 / (r * r)) by (field; lra).
    rewrite RR. field. nra.
Qed.

(** t = 1/2 log(1 + sigma^2), sigma = sqrt(e^(2t) - 1), t >= 0. *)
Theorem schedule_time : t = 1 / 2 * ln (1 + (b / a) ^ 2) /\ b / a = sqrt (exp (2 * t) - 1) /\ 0 <= t.
Proof.
  assert (R := r_pos). assert (RR := r_square).
  assert (P : 0 < r / a) by (now apply Rdiv_lt_0_compat).
  assert (Q : 1 + (b / a) ^ 2 = r / a * (r / a)).
  { replace (r / a * (r / a)) with (r * r / a ^ 2) by (field; lra). rewrite RR. field. lra. }
  assert (T : t = 1 / 2 * ln (1 + (b / a) ^ 2)) by (rewrite Q, ln_mult by auto; unfold t; field).
  split; [exact T|]. split.
  - replace (2 * t) with (ln (1 + (b / a) ^ 2)) by (rewrite T; field). rewrite exp_ln by nra.
    replace (1 + (b / a) ^ 2 - 1) with ((b / a) ^ 2) by ring. symmetry. apply sqrt_pow2. now apply Rdiv_le_0_compat.
  - rewrite T. assert (H : 0 <= (b / a) ^ 2) by apply pow2_ge_0.
    assert (L : ln 1 <= ln (1 + (b / a) ^ 2)) by (destruct H as [H|<-]; [left; apply ln_increasing; lra | rewrite Rplus_0_r; lra]).
    rewrite ln_1 in L. lra.
Qed.

End Schedule.
