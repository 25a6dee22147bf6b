(** C2: in straight coordinates the flow towards the noise does not expand, and defects add.

    Page: proofs/students.md, section 1 (used by proofs/C2.md).  For all K, d, weights, means. *)

Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite L1 L2 F1 A9.
Open Scope R_scope.

Section Backward.
Variables (K d : nat) (w : nat -> R) (mu : nat -> vec) (D : R).
Hypothesis K_pos : (0 < K)%nat.
Hypothesis w_pos : forall k, (k < K)%nat -> 0 < w k.
Hypothesis D_diameter : diameter K d mu D.

(** Two solutions of dz/dq = E_gamma(mu) are not farther apart at the smaller q (towards the noise) than at the larger one. *)
Theorem non_expansion : forall y z a b, 0 < a <= b -> straight K d w mu y a b -> straight K d w mu z a b ->
  norm d (vsub (y a) (z a)) <= norm d (vsub (y b) (z b)).
Proof.
  intros y z a b [A B] Y Z.
  assert (G := gronwall_upper d (fun r => vsub (y r) (z r))
    (fun r => vsub (field K d w mu r (y r)) (field K d w mu r (z r))) (fun _ => 0) (fun _ => 0) a b B).
  rewrite Rminus_0_r, exp_0, Rmult_1_l in G. apply G.
  - intros r i Hr Hi. apply (is_derive_minus (fun q => y q i) (fun q => z q i)); auto.
  - intros r Hr. apply (is_derive_const 0 r).
  - intros r Hr. rewrite Ropp_0. apply (field_one_sided K d w mu K_pos w_pos D D_diameter). lra.
Qed.

(** Defects add, with no factor of Groenwall: if |w' - E_gamma(mu)(w)| <= e(q) along y on [a, b] and z is a solution, then
    |y(a) - z(a)| <= |y(b) - z(b)| + int_a^b e; [E] is an antiderivative of e. *)
Theorem defects_add : forall (y dy z : R -> vec) (e E : R -> R) a b, 0 < a <= b ->
  (forall q i, a <= q <= b -> (i < d)%nat -> is_derive (fun r => y r i) q (dy q i)) ->
  straight K d w mu z a b ->
  (forall q, a <= q <= b -> norm d (vsub (dy q) (field K d w mu q (y q))) <= e q) ->
  (forall q, a <= q <= b -> is_derive E q (e q)) ->
  norm d (vsub (y a) (z a)) <= norm d (vsub (y b) (z b)) + (E b - E a).
Proof.
  intros y dy z e E a b [A B] Y Z De DE.
  set (x := fun r => vsub (y r) (z r)). set (dx := fun r => vsub (dy r) (field K d w mu r (z r))).
  assert (X : forall q, a <= q <= b -> is_derive (fun r => dot d (x r) (x r)) q (2 * dot d (x q) (dx q))).
  { intros q Hq. apply is_derive_norm_square. intros i Hi.
    apply (is_derive_minus (fun r => y r i) (fun r => z r i)); [now apply Y | now apply Z]. }
  assert (bound : forall q, a <= q <= b -> - (norm d (x q) * e q) <= dot d (x q) (dx q)).
  { intros q Hq.
    assert (M := field_one_sided K d w mu K_pos w_pos D D_diameter q (y q) (z q) ltac:(lra)).
    rewrite Rmult_0_l in M.
    replace (dot d (x q) (dx q)) with (dot d (x q) (vsub (dy q) (field K d w mu q (y q)))
      + dot d (x q) (vsub (field K d w mu q (y q)) (field K d w mu q (z q)))) by (unfold dx; rewrite !dot_sub_r; ring).
    assert (C := cauchy_schwarz d (x q) (vsub (dy q) (field K d w mu q (y q)))).
    assert (N := Rmult_le_compat_l (norm d (x q)) _ _ (norm_nonneg d _) (De q Hq)).
    apply Rabs_le_between in C. unfold x in *. lra. }
  apply le_epsilon. intros eps He.
  set (phi := fun r => sqrt (dot d (x r) (x r) + eps ^ 2) + E r).
  assert (pos : forall r, 0 < dot d (x r) (x r) + eps ^ 2)
    by (intros r; assert (P := dot_nonneg d (x r)); assert (0 < eps ^ 2) by (apply pow_lt; auto); lra).
  assert (M : phi a <= phi b).
  { apply (nondecreasing phi (fun r => 2 * dot d (x r) (dx r) / (2 * sqrt (dot d (x r) (x r) + eps ^ 2)) + e r)); auto.
    - intros q Hq. unfold phi.
      apply (is_derive_plus (fun r => sqrt (dot d (x r) (x r) + eps ^ 2)) E); [|now apply DE].
      evar_last.
      + apply (is_derive_comp sqrt (fun r => dot d (x r) (x r) + eps ^ 2) q).
        * apply is_derive_Reals, derivable_pt_lim_sqrt, pos.
        * apply (is_derive_plus (fun r => dot d (x r) (x r)) (fun _ => eps ^ 2)); [now apply X | apply (is_derive_const (eps ^ 2) q)].
      + assert (S := sqrt_lt_R0 _ (pos q)). unfold scal, plus, zero; simpl; unfold mult; simpl. simpl in S. field. lra.
    - intros q Hq. assert (S := sqrt_lt_R0 _ (pos q)). assert (Bq := bound q Hq).
      assert (Nn := norm_nonneg d (x q)).
      assert (le : norm d (x q) <= sqrt (dot d (x q) (x q) + eps ^ 2)).
      { unfold norm. apply sqrt_le_1_alt. assert (0 < eps ^ 2) by (apply pow_lt; auto). lra. }
      assert (eq : 0 <= e q) by (eapply Rle_trans; [apply norm_nonneg | now apply De]).
      set (s := sqrt (dot d (x q) (x q) + eps ^ 2)) in *.
      replace (2 * dot d (x q) (dx q) / (2 * s) + e q) with ((dot d (x q) (dx q) + s * e q) / s) by (field; lra).
      apply Rdiv_le_0_compat; [|exact S]. nra. }
  assert (La : norm d (x a) <= sqrt (dot d (x a) (x a) + eps ^ 2)).
  { unfold norm. apply sqrt_le_1_alt. assert (0 < eps ^ 2) by (apply pow_lt; auto). lra. }
  assert (Lb : sqrt (dot d (x b) (x b) + eps ^ 2) <= norm d (x b) + eps).
  { assert (Nb := norm_nonneg d (x b)).
    rewrite <- (sqrt_pow2 (norm d (x b) + eps)) by lra. apply sqrt_le_1_alt.
    rewrite <- norm_square. nra. }
  unfold phi, x in *. lra.
Qed.

End Backward.
