(** M3, statement 2, and G1, statement 3: segments of the flow of a mixture.

    Pages: proofs/M3.md, proofs/G1.md.  For all K, d, weights, means, sigma > 0. *)

Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite L2 F1 F2 E1 E3 M1.
Open Scope R_scope.

Section Segments.
Variables (K d : nat) (w : nat -> R) (mu : nat -> vec) (sigma D : R).
Hypothesis K_pos : (0 < K)%nat.
Hypothesis w_pos : forall k, (k < K)%nat -> 0 < w k.
Hypothesis sigma_pos : 0 < sigma.
Hypothesis D_diameter : diameter K d mu D.
Let c := 1 - sigma ^ 2.

(** A segment with the share int_s^t lambda = Lambda / n is exp(Lambda/n)-Lipschitz, and B-Lipschitz as soon as n >= Lambda / log B. *)
Theorem segment_lipschitz : forall phi s t Lambda n B, 0 <= s <= t -> flow_map K d w mu sigma phi s t ->
  (0 < n)%nat -> stability c D s t = Lambda / INR n ->
  lipschitz d (exp (Lambda / INR n)) phi /\ (1 < B -> Lambda / ln B <= INR n -> lipschitz d B phi).
Proof.
  intros phi s t Lambda n B H F Hn S.
  assert (L : lipschitz d (exp (Lambda / INR n)) phi).
  { intros x y. rewrite <- S. now apply (flow_map_lipschitz K d w mu sigma D K_pos w_pos sigma_pos D_diameter). }
  split; [exact L|]. intros HB HL x y.
  eapply Rle_trans; [apply L|]. apply Rmult_le_compat_r; [apply norm_nonneg | now apply segments_enough].
Qed.

(** Where int lambda <= 0, the flow map does not expand: one segment is enough for every B >= 1. *)
Theorem one_segment : forall phi s t, 0 <= s <= t -> flow_map K d w mu sigma phi s t -> stability c D s t <= 0 -> lipschitz d 1 phi.
Proof.
  intros phi s t H F S x y.
  eapply Rle_trans; [now apply (flow_map_lipschitz K d w mu sigma D K_pos w_pos sigma_pos D_diameter)|].
  apply Rmult_le_compat_r; [apply norm_nonneg|]. fold c.
  assert (E : exp (stability c D s t) <= exp 0) by (destruct S as [S| ->]; [left; now apply exp_increasing | lra]).
  rewrite exp_0 in E. exact E.
Qed.

End Segments.
