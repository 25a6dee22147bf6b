(** E4: local errors of Euler and midpoint blocks.

    Page: proofs/E4.md.  For every d; the trajectory is a curve [x0 theta] with derivatives [x1], [x2], [x3] on [0, h];
    theta is the time since the start of the block, f(., theta) = -u(., t - theta), f^ the velocity of the block. *)

Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite F1.
Open Scope R_scope.

(** f(a) <= g(a) and f' <= g' on [a, b] give f(b) <= g(b). *)
Lemma growth : forall (f df g dg : R -> R) a b, a <= b ->
  (forall t, a <= t <= b -> is_derive f t (df t)) -> (forall t, a <= t <= b -> is_derive g t (dg t)) ->
  f a <= g a -> (forall t, a <= t <= b -> df t <= dg t) -> f b <= g b.
Proof.
  intros f df g dg a b H F G A D.
  assert (N := nondecreasing (fun t => g t - f t) (fun t => dg t - df t) a b H
    (fun t Ht => is_derive_minus g f t (dg t) (df t) (G t Ht) (F t Ht)) ltac:(intros t Ht; specialize (D t Ht); lra)).
  lra.
Qed.

(** Taylor of the first order: |f'' | <= M on [0, h] gives f(h) - f(0) - h f'(0) <= M h^2/2. *)
Lemma taylor : forall (f f1 f2 : R -> R) M h, 0 <= h ->
  (forall t, 0 <= t <= h -> is_derive f t (f1 t)) -> (forall t, 0 <= t <= h -> is_derive f1 t (f2 t)) ->
  (forall t, 0 <= t <= h -> f2 t <= M) ->
  f h - f 0 - h * f1 0 <= M * h ^ 2 / 2.
Proof.
  intros f f1 f2 M h H F F1 B.
  assert (A : forall t, 0 <= t <= h -> f1 t <= f1 0 + M * t).
  { intros t T. apply (growth f1 f2 (fun r => f1 0 + M * r) (fun _ => M) 0 t); try lra.
    - intros; apply F1; lra.
    - intros. auto_derive; [exact I | ring].
    - intros; apply B; lra. }
  assert (C : f h <= f 0 + h * f1 0 + M * h ^ 2 / 2).
  { apply (growth f f1 (fun r => f 0 + r * f1 0 + M * r ^ 2 / 2) (fun r => f1 0 + M * r) 0 h); try lra; auto.
    intros. auto_derive; [exact I | field]. }
  lra.
Qed.

(** The midpoint rule with its Peano kernel of integral h^3/24: f''' <= M on [0, h] gives f(h) - f(0) - h f'(h/2) <= M h^3/24. *)
Lemma midpoint_rule : forall (f f1 f2 f3 : R -> R) M h, 0 <= h ->
  (forall t, 0 <= t <= h -> is_derive f t (f1 t)) -> (forall t, 0 <= t <= h -> is_derive f1 t (f2 t)) ->
  (forall t, 0 <= t <= h -> is_derive f2 t (f3 t)) -> (forall t, 0 <= t <= h -> f3 t <= M) ->
  f h - f 0 - h * f1 (h / 2) <= M * h ^ 3 / 24.
Proof.
  intros f f1 f2 f3 M h H F F1 F2 B. set (c := h / 2). assert (Hc : h = 2 * c) by (unfold c; field).
  assert (plus_d : forall (g dg : R -> R) t, is_derive g (c + t) (dg (c + t)) -> is_derive (fun r => g (c + r)) t (dg (c + t))).
  { intros g dg t G. evar_last.
    - apply (is_derive_comp g (fun r => c + r) t (dg (c + t)) 1 G). auto_derive; [exact I | ring].
    - unfold scal; simpl; unfold mult; simpl. ring. }
  assert (minus_d : forall (g dg : R -> R) t, is_derive g (c - t) (dg (c - t)) -> is_derive (fun r => g (c - r)) t (- dg (c - t))).
  { intros g dg t G. evar_last.
    - apply (is_derive_comp g (fun r => c - r) t (dg (c - t)) (-1) G). auto_derive; [exact I | ring].
    - unfold scal; simpl; unfold mult; simpl. ring. }
  assert (A2 : forall t, 0 <= t <= c -> f2 (c + t) - f2 (c - t) <= 2 * M * t).
  { intros t T.
    apply (growth (fun r => f2 (c + r) - f2 (c - r)) (fun r => f3 (c + r) - - f3 (c - r)) (fun r => 2 * M * r) (fun _ => 2 * M) 0 t);
      try lra.
    - intros r Hr. apply (is_derive_minus (fun q => f2 (c + q)) (fun q => f2 (c - q))).
      + apply (plus_d f2 f3), F2. lra.
      + apply (minus_d f2 f3), F2. lra.
    - intros. auto_derive; [exact I | ring].
    - rewrite Rplus_0_r, Rminus_0_r. lra.
    - intros r Hr. assert (B1 := B (c + r) ltac:(lra)). assert (B2 := B (c - r) ltac:(lra)). lra. }
  assert (A1 : forall t, 0 <= t <= c -> f1 (c + t) + f1 (c - t) - 2 * f1 c <= M * t ^ 2).
  { intros t T.
    enough (T' : f1 (c + t) - - f1 (c - t) - 2 * f1 c <= M * t ^ 2) by lra.
    apply (growth (fun r => f1 (c + r) - - f1 (c - r) - 2 * f1 c) (fun r => f2 (c + r) - - - f2 (c - r)) (fun r => M * r ^ 2)
      (fun r => 2 * M * r) 0 t); try lra.
    - intros r Hr. evar_last.
      + apply (is_derive_minus (fun q => f1 (c + q) - - f1 (c - q)) (fun _ => 2 * f1 c)).
        * apply (is_derive_minus (fun q => f1 (c + q)) (fun q => - f1 (c - q))).
          -- apply (plus_d f1 f2), F1. lra.
          -- apply (is_derive_opp (fun q => f1 (c - q))). apply (minus_d f1 f2), F1. lra.
        * apply (is_derive_const (2 * f1 c) r).
      + unfold minus, plus, opp, zero; simpl. ring.
    - intros. auto_derive; [exact I | ring].
    - rewrite Rplus_0_r, Rminus_0_r. lra.
    - intros r Hr. specialize (A2 r ltac:(lra)). lra. }
  assert (A0 : f (c + c) - f (c - c) - 2 * c * f1 c <= M * c ^ 3 / 3).
  { apply (growth (fun r => f (c + r) - f (c - r) - 2 * r * f1 c) (fun r => f1 (c + r) - - f1 (c - r) - 2 * f1 c)
      (fun r => M * r ^ 3 / 3) (fun r => M * r ^ 2) 0 c); try lra.
    - intros r Hr. apply (is_derive_minus (fun q => f (c + q) - f (c - q)) (fun q => 2 * q * f1 c)).
      + apply (is_derive_minus (fun q => f (c + q)) (fun q => f (c - q))).
        * apply (plus_d f f1), F. lra.
        * apply (minus_d f f1), F. lra.
      + auto_derive; [exact I | ring].
    - intros. auto_derive; [exact I | field].
    - rewrite Rplus_0_r, Rminus_0_r. lra.
    - intros r Hr. specialize (A1 r ltac:(lra)). lra. }
  replace (f h) with (f (c + c)) by (f_equal; lra).
  replace (f 0) with (f (c - c)) by (f_equal; ring).
  replace (M * h ^ 3 / 24) with (M * c ^ 3 / 3) by (rewrite Hc; field). rewrite Hc. exact A0.
Qed.

Section Block.
Variables (d : nat) (h : R) (x0 x1 x2 x3 : R -> vec).
Hypothesis h_pos : 0 <= h.
Hypothesis D0 : forall r i, 0 <= r <= h -> (i < d)%nat -> is_derive (fun q => x0 q i) r (x1 r i).
Hypothesis D1 : forall r i, 0 <= r <= h -> (i < d)%nat -> is_derive (fun q => x1 q i) r (x2 r i).

Lemma direction_bound : forall u y M, norm d y <= M -> dot d u y <= norm d u * M.
Proof.
  intros u y M B. eapply Rle_trans; [apply dot_le_norms|]. apply Rmult_le_compat_l; [apply norm_nonneg | exact B].
Qed.

(** |x(b) - x(0) - b x'(0)| <= b^2/2 M_2, 0 <= b <= h. *)
Lemma euler_remainder : forall M2 b, 0 <= b <= h -> (forall r, 0 <= r <= h -> norm d (x2 r) <= M2) ->
  norm d (fun i => x0 b i - x0 0 i - b * x1 0 i) <= 1 / 2 * b ^ 2 * M2.
Proof.
  intros M2 b Hb B.
  assert (PM : 0 <= M2) by (eapply Rle_trans; [apply (norm_nonneg d (x2 0)) | apply B; lra]).
  apply norm_by_directions; [assert (0 <= b ^ 2) by apply pow2_ge_0; nra|].
  intros u.
  assert (T := taylor (fun r => dot d u (x0 r)) (fun r => dot d u (x1 r)) (fun r => dot d u (x2 r)) (norm d u * M2) b
    (proj1 Hb) (fun r Hr => is_derive_dot d u x0 (x1 r) r (fun i Hi => D0 r i ltac:(lra) Hi))
    (fun r Hr => is_derive_dot d u x1 (x2 r) r (fun i Hi => D1 r i ltac:(lra) Hi))
    (fun r Hr => direction_bound u (x2 r) M2 (B r ltac:(lra)))).
  replace (dot d u (fun i => x0 b i - x0 0 i - b * x1 0 i)) with (dot d u (x0 b) - dot d u (x0 0) - b * dot d u (x1 0)).
  - lra.
  - rewrite <- dot_scale_r, <- !dot_sub_r. reflexivity.
Qed.

(** Euler: |Psi_h(x) - Phi(x)| <= h eta + 1/2 h^2 M_2, Psi_h(x) = x + h f^(x, 0), |f^ - f| <= eta at (x, 0). *)
Theorem euler_block : forall (fhat : vec -> R -> vec) M2 eta,
  (forall r, 0 <= r <= h -> norm d (x2 r) <= M2) ->
  norm d (vsub (fhat (x0 0) 0) (x1 0)) <= eta ->
  norm d (vsub (vadd (x0 0) (vscale h (fhat (x0 0) 0))) (x0 h)) <= h * eta + 1 / 2 * h ^ 2 * M2.
Proof.
  intros fhat M2 eta B E.
  assert (R := euler_remainder M2 h ltac:(lra) B).
  rewrite (norm_ext d _ (vsub (vscale h (vsub (fhat (x0 0) 0) (x1 0))) (fun i => x0 h i - x0 0 i - h * x1 0 i)))
    by (intros; unfold vsub, vadd, vscale; ring).
  eapply Rle_trans; [apply (norm_sub_triangle d _ (fun _ => 0))|].
  rewrite (norm_ext d (vsub (vscale h (vsub (fhat (x0 0) 0) (x1 0))) (fun _ => 0)) (vscale h (vsub (fhat (x0 0) 0) (x1 0))))
    by (intros; unfold vsub; ring).
  rewrite norm_opp, (norm_ext d (vsub _ (fun _ => 0)) (fun i => x0 h i - x0 0 i - h * x1 0 i)) by (intros; unfold vsub; ring).
  rewrite norm_scale, Rabs_pos_eq by exact h_pos.
  assert (h * norm d (vsub (fhat (x0 0) 0) (x1 0)) <= h * eta) by (apply Rmult_le_compat_l; auto). lra.
Qed.

Hypothesis D2 : forall r i, 0 <= r <= h -> (i < d)%nat -> is_derive (fun q => x2 q i) r (x3 r i).

(** |x(h) - x(0) - h x'(h/2)| <= h^3/24 M_3. *)
Lemma midpoint_remainder : forall M3, (forall r, 0 <= r <= h -> norm d (x3 r) <= M3) ->
  norm d (fun i => x0 h i - x0 0 i - h * x1 (h / 2) i) <= 1 / 24 * h ^ 3 * M3.
Proof.
  intros M3 B.
  assert (PM : 0 <= M3) by (eapply Rle_trans; [apply (norm_nonneg d (x3 0)) | apply B; lra]).
  apply norm_by_directions; [assert (0 <= h ^ 3) by (apply pow_le; auto); nra|].
  intros u.
  assert (T := midpoint_rule (fun r => dot d u (x0 r)) (fun r => dot d u (x1 r)) (fun r => dot d u (x2 r)) (fun r => dot d u (x3 r))
    (norm d u * M3) h h_pos (fun r Hr => is_derive_dot d u x0 (x1 r) r (fun i Hi => D0 r i Hr Hi))
    (fun r Hr => is_derive_dot d u x1 (x2 r) r (fun i Hi => D1 r i Hr Hi))
    (fun r Hr => is_derive_dot d u x2 (x3 r) r (fun i Hi => D2 r i Hr Hi))
    (fun r Hr => direction_bound u (x3 r) M3 (B r Hr))).
  replace (dot d u (fun i => x0 h i - x0 0 i - h * x1 (h / 2) i))
    with (dot d u (x0 h) - dot d u (x0 0) - h * dot d u (x1 (h / 2))).
  - lra.
  - rewrite <- dot_scale_r, <- !dot_sub_r. reflexivity.
Qed.

(** Midpoint: with the stages y^ = x + h/2 f^(x, 0) and f^(y^, h/2), f(., h/2) L-Lipschitz, x' = f(x, theta), |f^ - f| <= eta where the
    block evaluates it: |Psi_h(x) - Phi(x)| <= h eta (1 + h L/2) + h^3 (M_3/24 + L M_2/8). *)
Theorem midpoint_block : forall (f fhat : vec -> R -> vec) M2 M3 L eta,
  (forall r, 0 <= r <= h -> norm d (x2 r) <= M2) -> (forall r, 0 <= r <= h -> norm d (x3 r) <= M3) ->
  (forall r i, 0 <= r <= h -> (i < d)%nat -> x1 r i = f (x0 r) r i) -> 0 <= L ->
  (forall y z, norm d (vsub (f y (h / 2)) (f z (h / 2))) <= L * norm d (vsub y z)) ->
  let y := vadd (x0 0) (vscale (h / 2) (fhat (x0 0) 0)) in
  norm d (vsub (fhat (x0 0) 0) (f (x0 0) 0)) <= eta ->
  norm d (vsub (fhat y (h / 2)) (f y (h / 2))) <= eta ->
  norm d (vsub (vadd (x0 0) (vscale h (fhat y (h / 2)))) (x0 h))
  <= h * eta * (1 + 1 / 2 * h * L) + h ^ 3 * (1 / 24 * M3 + 1 / 8 * L * M2).
Proof.
  intros f fhat M2 M3 L eta B2 B3 X PL Lip y E1 E2.
  assert (R3 := midpoint_remainder M3 B3).
  assert (R2 := euler_remainder M2 (h / 2) ltac:(lra) B2).
  set (z := x0 (h / 2)).
  (* the stage: |y - x(h/2)| <= h/2 eta + (h/2)^2/2 M_2 *)
  assert (S : norm d (vsub y z) <= h / 2 * eta + 1 / 2 * (h / 2) ^ 2 * M2).
  { rewrite (norm_ext d _ (vadd (vscale (h / 2) (vsub (fhat (x0 0) 0) (f (x0 0) 0)))
      (vscale (-1) (fun i => x0 (h / 2) i - x0 0 i - h / 2 * x1 0 i)))).
    - eapply Rle_trans; [apply norm_triangle|]. rewrite !norm_scale.
      replace (Rabs (-1)) with 1 by (rewrite Rabs_left; lra). rewrite (Rabs_pos_eq (h / 2)) by lra.
      assert (h / 2 * norm d (vsub (fhat (x0 0) 0) (f (x0 0) 0)) <= h / 2 * eta) by (apply Rmult_le_compat_l; lra).
      lra.
    - intros i Hi. unfold y, z, vadd, vsub, vscale. rewrite (X 0 i) by (auto; lra). ring. }
  assert (V : norm d (vsub (fhat y (h / 2)) (x1 (h / 2))) <= eta + L * (h / 2 * eta + 1 / 2 * (h / 2) ^ 2 * M2)).
  { rewrite (norm_ext d _ (vsub (fhat y (h / 2)) (f z (h / 2))))
      by (intros i Hi; unfold vsub, z; rewrite (X (h / 2) i) by (auto; lra); reflexivity).
    eapply Rle_trans; [apply (norm_sub_triangle d _ (f y (h / 2)))|].
    assert (A := Lip y z). assert (L * norm d (vsub y z) <= L * (h / 2 * eta + 1 / 2 * (h / 2) ^ 2 * M2))
      by (apply Rmult_le_compat_l; auto). lra. }
  rewrite (norm_ext d _ (vadd (vscale h (vsub (fhat y (h / 2)) (x1 (h / 2))))
    (vscale (-1) (fun i => x0 h i - x0 0 i - h * x1 (h / 2) i)))) by (intros; unfold vsub, vadd, vscale; ring).
  eapply Rle_trans; [apply norm_triangle|]. rewrite !norm_scale.
  replace (Rabs (-1)) with 1 by (rewrite Rabs_left; lra). rewrite (Rabs_pos_eq h) by exact h_pos.
  assert (W : h * norm d (vsub (fhat y (h / 2)) (x1 (h / 2))) <= h * (eta + L * (h / 2 * eta + 1 / 2 * (h / 2) ^ 2 * M2)))
    by (apply Rmult_le_compat_l; auto).
  nra.
Qed.

End Block.

(** ** No constant can be smaller: curves on the line for which the bounds are attained at every h *)

(** Euler: for u = -M theta the trajectory from 0 is M theta^2/2, its second derivative M, and the block, 0 + h f(0, 0) = 0, is off by h^2 M/2. *)
Theorem euler_attained : forall M h, 0 <= M -> 0 <= h ->
  let x := fun r => M * r ^ 2 / 2 in
  (forall r, is_derive x r (M * r)) /\ (forall r, is_derive (fun q => M * q) r M) /\
  Rabs (x 0 + h * (M * 0) - x h) = 1 / 2 * h ^ 2 * M.
Proof.
  intros M h HM Hh x. unfold x. split; [|split].
  - intros r. auto_derive; [exact I | field].
  - intros r. auto_derive; [exact I | ring].
  - replace (M * 0 ^ 2 / 2 + h * (M * 0) - M * h ^ 2 / 2) with (- (1 / 2 * h ^ 2 * M)) by field.
    rewrite Rabs_Ropp. apply Rabs_pos_eq. assert (0 <= h ^ 2) by apply pow2_ge_0. nra.
Qed.

(** Midpoint: for u = -M theta^2/2 the trajectory from 0 is M theta^3/6, its third derivative M, L = 0, and the block, h f(., h/2) = M h^3/8,
    is off by h^3 M/24. *)
Theorem midpoint_attained : forall M h, 0 <= M -> 0 <= h ->
  let x := fun r => M * r ^ 3 / 6 in
  (forall r, is_derive x r (M * r ^ 2 / 2)) /\ (forall r, is_derive (fun q => M * q ^ 2 / 2) r (M * r)) /\
  (forall r, is_derive (fun q => M * q) r M) /\
  Rabs (x 0 + h * (M * (h / 2) ^ 2 / 2) - x h) = 1 / 24 * h ^ 3 * M.
Proof.
  intros M h HM Hh x. unfold x. split; [|split; [|split]].
  - intros r. auto_derive; [exact I | field].
  - intros r. auto_derive; [exact I | field].
  - intros r. auto_derive; [exact I | ring].
  - replace (M * 0 ^ 3 / 6 + h * (M * (h / 2) ^ 2 / 2) - M * h ^ 3 / 6) with (- (1 / 24 * h ^ 3 * M)) by field.
    rewrite Rabs_Ropp. apply Rabs_pos_eq. assert (0 <= h ^ 3) by (apply pow_le; auto). nra.
Qed.
