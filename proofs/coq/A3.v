(** A3: the error of interpolating 1/S, and its bound at Chebyshev-Lobatto nodes.

    Page: proofs/A3.md (the nodal polynomial also serves proofs/A2.md).  For every degree n. *)

Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite Polynomial.
Open Scope R_scope.

(** If P of degree at most n interpolates 1/S at n + 1 different nodes, none of them 0, and W is the nodal polynomial (any polynomial of degree
    at most n + 1 that vanishes there and not at 0), then 1 - S P(S) = W(S) / W(0). *)
Theorem reciprocal_error : forall n (P W : R -> R) (s : nat -> R),
  polynomial n P -> polynomial (S n) W ->
  (forall i j, (i <= n)%nat -> (j <= n)%nat -> s i = s j -> i = j) ->
  (forall i, (i <= n)%nat -> s i <> 0) ->
  (forall i, (i <= n)%nat -> P (s i) = 1 / s i) -> (forall i, (i <= n)%nat -> W (s i) = 0) -> W 0 <> 0 ->
  forall S, 1 - S * P S = W S / W 0.
Proof.
  intros n P W s HP HW D Z I WZ W0 x.
  assert (E : 1 - x * P x - / W 0 * W x = 0); [|unfold Rdiv; lra].
  apply (poly_zero (S n) (fun y => 1 - y * P y - / W 0 * W y) (fun i => match i with O => 0 | S j => s j end)).
  - apply poly_minus; [apply poly_minus|]; [apply poly_const | now apply poly_mult_x | now apply poly_scal].
  - intros [|i] [|j] Hi Hj H; auto.
    + exfalso. apply (Z j); [lia|auto].
    + exfalso. apply (Z i); [lia|auto].
    + f_equal. apply D; [lia | lia | exact H].
  - intros [|i] Hi.
    + field. exact W0.
    + rewrite WZ, I by lia. field. split; [exact W0 | apply Z; lia].
Qed.

(** ** Chebyshev polynomials of the second kind: U_0 = 1, U_1 = 2x, U_(n+1) = 2x U_n - U_(n-1) *)

Fixpoint chebyshev (n : nat) (x : R) : R * R :=
  match n with O => (1, 2 * x) | S k => let (a, b) := chebyshev k x in (b, 2 * x * b - a) end.
Definition U (n : nat) (x : R) : R := fst (chebyshev n x).

Lemma U_0 : forall x, U 0 x = 1. Proof. reflexivity. Qed.
Lemma U_1 : forall x, U 1 x = 2 * x. Proof. reflexivity. Qed.
Lemma U_rec : forall n x, U (S (S n)) x = 2 * x * U (S n) x - U n x.
Proof. intros n x. unfold U. simpl. destruct (chebyshev n x). reflexivity. Qed.

Lemma two_steps : forall P : nat -> Prop, P O -> P 1%nat -> (forall n, P n -> P (S n) -> P (S (S n))) -> forall n, P n.
Proof.
  intros P H0 H1 H n. assert (A : P n /\ P (S n)); [|apply A].
  induction n as [|n [A B]]; auto.
Qed.

Lemma U_polynomial : forall n, polynomial n (U n).
Proof.
  apply two_steps.
  - apply (poly_ext 0 (fun _ => 1)); [intros; reflexivity | apply poly_const].
  - apply (poly_ext 1 (fun x => 2 * (x * 1))); [intros; unfold U; simpl; ring|]. apply poly_scal, poly_mult_x, poly_const.
  - intros n A B. apply (poly_ext (S (S n)) (fun x => 2 * (x * U (S n) x) - U n x)); [intros; rewrite U_rec; ring|].
    apply poly_minus; [apply poly_scal, poly_mult_x, B | apply (poly_weaken n); [lia|exact A]].
Qed.

(** sin(a) U_n(cos a) = sin((n+1) a). *)
Theorem U_cos : forall a n, sin a * U n (cos a) = sin (INR (S n) * a).
Proof.
  intros a. apply two_steps.
  - rewrite U_0. simpl. now rewrite Rmult_1_r, Rmult_1_l.
  - rewrite U_1. replace (INR 2 * a) with (2 * a) by (simpl; ring). rewrite sin_2a. ring.
  - intros n A B. rewrite U_rec.
    replace (sin a * (2 * cos a * U (S n) (cos a) - U n (cos a)))
      with (2 * cos a * (sin a * U (S n) (cos a)) - sin a * U n (cos a)) by ring.
    rewrite A, B, !S_INR. set (t := (INR n + 1 + 1) * a).
    replace ((INR n + 1) * a) with (t - a) by (unfold t; ring).
    replace ((INR n + 1 + 1 + 1) * a) with (t + a) by (unfold t; ring).
    rewrite sin_plus, sin_minus. ring.
Qed.

(** sinh(xi) U_n(cosh xi) = sinh((n+1) xi). *)
Theorem U_cosh : forall xi n, sinh xi * U n (cosh xi) = sinh (INR (S n) * xi).
Proof.
  intros a. apply two_steps.
  - rewrite U_0. simpl. now rewrite Rmult_1_r, Rmult_1_l.
  - rewrite U_1. replace (INR 2 * a) with (a + a) by (simpl; ring). unfold sinh, cosh. rewrite Ropp_plus_distr, !exp_plus. field.
  - intros n A B. rewrite U_rec.
    replace (sinh a * (2 * cosh a * U (S n) (cosh a) - U n (cosh a)))
      with (2 * cosh a * (sinh a * U (S n) (cosh a)) - sinh a * U n (cosh a)) by ring.
    rewrite A, B, !S_INR. set (t := (INR n + 1 + 1) * a).
    replace ((INR n + 1) * a) with (t + - a) by (unfold t; ring).
    replace ((INR n + 1 + 1 + 1) * a) with (t + a) by (unfold t; ring).
    unfold sinh, cosh. rewrite !Ropp_plus_distr, !Ropp_involutive, !exp_plus.
    assert (X : exp a * exp (- a) = 1) by (rewrite <- exp_plus, Rplus_opp_r; apply exp_0).
    field_simplify. lra.
Qed.

Lemma U_odd : forall x n, U n (- x) = (-1) ^ n * U n x.
Proof.
  intros x. apply two_steps.
  - unfold U. simpl. ring.
  - unfold U. simpl. ring.
  - intros n A B. rewrite !U_rec, A, B. simpl. ring.
Qed.

(** The nodal polynomial (c^2 - 1) U_(n-1)(c) of the nodes cos(pi i/n), i = 0, ..., n. *)
Definition nodal (n : nat) (c : R) : R := (c ^ 2 - 1) * U (n - 1) c.
Definition lobatto (n i : nat) : R := cos (PI * INR i / INR n).

Lemma nodal_polynomial : forall n, (0 < n)%nat -> polynomial (S n) (nodal n).
Proof.
  intros n Hn. assert (P := U_polynomial (n - 1)).
  apply (poly_ext (S n) (fun c => c ^ 2 * U (n - 1) c - U (n - 1) c)); [intros; unfold nodal; ring|].
  apply poly_minus.
  - replace (S n) with (2 + (n - 1))%nat by lia. now apply poly_mult_pow.
  - apply (poly_weaken (n - 1)); [lia | exact P].
Qed.

(** |W| <= 1 on [-1, 1]: (1 - c^2) U_(n-1)(c) = sin(a) sin(n a) for c = cos(a). *)
Theorem nodal_bound : forall n c, (0 < n)%nat -> -1 <= c <= 1 -> Rabs (nodal n c) <= 1.
Proof.
  intros n c Hn C. unfold nodal. set (a := acos c).
  assert (E : cos a = c) by (apply cos_acos; exact C).
  rewrite <- E.
  assert (S2 := sin2_cos2 a). unfold Rsqr in S2.
  replace ((cos a ^ 2 - 1) * U (n - 1) (cos a)) with (- (sin a * (sin a * U (n - 1) (cos a)))) by (replace (cos a ^ 2 - 1) with (- (sin a * sin a)) by (simpl; lra); ring).
  rewrite U_cos, Rabs_Ropp, Rabs_mult.
  assert (A := SIN_bound a). assert (B := SIN_bound (INR (S (n - 1)) * a)).
  apply Rabs_le in A. apply Rabs_le in B.
  assert (P := Rabs_pos (sin a)). assert (Q := Rabs_pos (sin (INR (S (n - 1)) * a))). nra.
Qed.

Lemma lobatto_root : forall n i, (0 < n)%nat -> (i <= n)%nat -> nodal n (lobatto n i) = 0.
Proof.
  intros n i Hn Hi. unfold nodal, lobatto. set (a := PI * INR i / INR n).
  assert (S2 := sin2_cos2 a). unfold Rsqr in S2.
  replace ((cos a ^ 2 - 1) * U (n - 1) (cos a)) with (- (sin a * (sin a * U (n - 1) (cos a)))) by (replace (cos a ^ 2 - 1) with (- (sin a * sin a)) by (simpl; lra); ring).
  rewrite U_cos. replace (S (n - 1)) with n by lia.
  replace (INR n * a) with (INR i * PI) by (unfold a; field; apply not_0_INR; lia).
  assert (Z : forall k, sin (INR k * PI) = 0).
  { intros k. apply sin_eq_0_1. exists (Z.of_nat k). now rewrite <- INR_IZR_INZ. }
  rewrite Z. ring.
Qed.

Lemma lobatto_range : forall n i, -1 <= lobatto n i <= 1.
Proof. intros; apply COS_bound. Qed.

Lemma lobatto_different : forall n i j, (i <= n)%nat -> (j <= n)%nat -> (0 < n)%nat -> lobatto n i = lobatto n j -> i = j.
Proof.
  intros n i j Hi Hj Hn E.
  assert (Pn : 0 < INR n) by (apply lt_0_INR; exact Hn).
  assert (R : forall k, (k <= n)%nat -> 0 <= PI * INR k / INR n <= PI).
  { intros k Hk. assert (P := PI_RGT_0). assert (0 <= INR k <= INR n) by (split; [apply pos_INR | now apply le_INR]).
    split.
    - apply Rdiv_le_0_compat; [nra | exact Pn].
    - apply Rmult_le_reg_r with (INR n); [exact Pn|]. replace (PI * INR k / INR n * INR n) with (PI * INR k) by (field; lra). nra. }
  apply (f_equal acos) in E. unfold lobatto in E. rewrite !acos_cos in E by (apply R; lia).
  apply INR_eq. assert (P := PI_RGT_0).
  apply (f_equal (fun y => y * INR n / PI)) in E.
  replace (INR i) with (PI * INR i / INR n * INR n / PI) by (field; lra).
  replace (INR j) with (PI * INR j / INR n * INR n / PI) by (field; lra). exact E.
Qed.

(** |W(-x_0)| = sqrt(x_0^2 - 1) sinh(n xi), x_0 = cosh(xi), xi > 0. *)
Lemma nodal_outside : forall n xi, (0 < n)%nat -> 0 < xi ->
  Rabs (nodal n (- cosh xi)) = sqrt (cosh xi ^ 2 - 1) * sinh (INR n * xi).
Proof.
  intros n xi Hn P. unfold nodal. rewrite U_odd.
  assert (X : exp xi * exp (- xi) = 1) by (rewrite <- exp_plus, Rplus_opp_r; apply exp_0).
  assert (C : (- cosh xi) ^ 2 - 1 = sinh xi * sinh xi) by (unfold sinh, cosh; nra).
  assert (C' : cosh xi ^ 2 - 1 = sinh xi * sinh xi) by (rewrite <- C; ring).
  assert (pos : forall y, 0 < y -> 0 < sinh y).
  { intros y Y. unfold sinh. assert (exp (- y) < exp y) by (apply exp_increasing; lra). lra. }
  rewrite C, C', sqrt_square by (left; auto).
  replace (sinh xi * sinh xi * ((-1) ^ (n - 1) * U (n - 1) (cosh xi)))
    with ((-1) ^ (n - 1) * (sinh xi * (sinh xi * U (n - 1) (cosh xi)))) by ring.
  rewrite U_cosh, Rabs_mult, pow_1_abs, Rmult_1_l. replace (S (n - 1)) with n by lia.
  apply Rabs_pos_eq. apply Rmult_le_pos; left; apply pos; auto.
  apply Rmult_lt_0_compat; [apply lt_0_INR; exact Hn | exact P].
Qed.

(** x_0 = (r+1)/(r-1) = cosh(xi) with xi = log((sqrt r + 1)/(sqrt r - 1)), and sqrt(x_0^2 - 1) = 2 sqrt r/(r - 1). *)
Theorem ratio_forms : forall r, 1 < r ->
  let xi := ln ((sqrt r + 1) / (sqrt r - 1)) in
  0 < xi /\ cosh xi = (r + 1) / (r - 1) /\ sqrt (cosh xi ^ 2 - 1) = 2 * sqrt r / (r - 1).
Proof.
  intros r H xi.
  assert (q1 : 1 < sqrt r) by (rewrite <- sqrt_1; apply sqrt_lt_1; lra).
  assert (qq : sqrt r * sqrt r = r) by (apply sqrt_sqrt; lra).
  assert (P : 0 < (sqrt r + 1) / (sqrt r - 1)) by (apply Rdiv_lt_0_compat; lra).
  assert (C : cosh xi = (r + 1) / (r - 1)).
  { unfold cosh, xi. rewrite exp_Ropp, exp_ln by exact P.
    replace ((r + 1) / (r - 1)) with ((sqrt r * sqrt r + 1) / (sqrt r * sqrt r - 1)) by (now rewrite qq). field. repeat split; nra. }
  split; [|split; [exact C|]].
  - unfold xi. rewrite <- ln_1. apply ln_increasing; [lra|].
    apply Rmult_lt_reg_r with (sqrt r - 1); [lra|].
    replace ((sqrt r + 1) / (sqrt r - 1) * (sqrt r - 1)) with (sqrt r + 1) by (field; lra). lra.
  - rewrite C. replace (((r + 1) / (r - 1)) ^ 2 - 1) with ((2 * sqrt r / (r - 1)) ^ 2).
    + apply sqrt_pow2. apply Rdiv_le_0_compat; nra.
    + replace ((2 * sqrt r / (r - 1)) ^ 2) with (4 * (sqrt r * sqrt r) / (r - 1) ^ 2) by (field; lra). rewrite qq. field. lra.
Qed.

(** A3: for the interpolant P of 1/S, of degree at most n, at the Chebyshev-Lobatto nodes of [b, r b], on the whole piece
    |1 - S P(S)| <= 1 / (sqrt(x_0^2 - 1) sinh(n arcosh x_0)), x_0 = (r+1)/(r-1) = cosh(xi). *)
Theorem reciprocal_bound : forall n (P : R -> R) b r, (0 < n)%nat -> 0 < b -> 1 < r -> polynomial n P ->
  let xi := ln ((sqrt r + 1) / (sqrt r - 1)) in
  let node := fun i => (b + r * b) / 2 + (r * b - b) / 2 * lobatto n i in
  (forall i, (i <= n)%nat -> P (node i) = 1 / node i) ->
  forall S, b <= S <= r * b -> Rabs (1 - S * P S) <= 1 / (sqrt (cosh xi ^ 2 - 1) * sinh (INR n * xi)).
Proof.
  intros n P b r Hn Hb Hr HP xi node HI x Hx.
  destruct (ratio_forms r Hr) as (Hxi & Hc & _). fold xi in Hxi, Hc.
  assert (rb : 0 < r * b - b) by nra.
  set (W := fun y => nodal n (2 / (r * b - b) * y + - ((b + r * b) / (r * b - b)))).
  assert (W0 : W 0 = nodal n (- cosh xi)) by (unfold W; f_equal; rewrite Hc; field; split; nra).
  assert (N0 := nodal_outside n xi Hn Hxi). rewrite <- W0 in N0.
  assert (pos : 0 < sqrt (cosh xi ^ 2 - 1) * sinh (INR n * xi)).
  { apply Rmult_lt_0_compat.
    - apply sqrt_lt_R0. rewrite Hc. replace (((r + 1) / (r - 1)) ^ 2 - 1) with (4 * r / (r - 1) ^ 2) by (field; lra).
      apply Rdiv_lt_0_compat; [lra | apply pow_lt; lra].
    - assert (0 < INR n * xi) by (apply Rmult_lt_0_compat; [apply lt_0_INR; exact Hn | exact Hxi]).
      unfold sinh. assert (exp (- (INR n * xi)) < exp (INR n * xi)) by (apply exp_increasing; lra). lra. }
  assert (Wnz : W 0 <> 0) by (intros Z; rewrite Z, Rabs_R0 in N0; lra).
  rewrite (reciprocal_error n P W node).
  - unfold Rdiv at 1. rewrite Rabs_mult, Rabs_inv, N0.
    apply Rmult_le_compat_r; [left; now apply Rinv_0_lt_compat|].
    apply nodal_bound; [exact Hn|].
    replace (2 / (r * b - b) * x + - ((b + r * b) / (r * b - b))) with ((2 * x - b - r * b) / (r * b - b)) by (field; lra).
    split; apply Rmult_le_reg_r with (r * b - b); auto;
      replace ((2 * x - b - r * b) / (r * b - b) * (r * b - b)) with (2 * x - b - r * b) by (field; lra); lra.
  - exact HP.
  - apply (poly_affine (S n) (nodal n)). now apply nodal_polynomial.
  - intros i j Hi Hj E. apply (lobatto_different n); auto. unfold node in E.
    apply Rmult_eq_reg_l with ((r * b - b) / 2); lra.
  - intros i Hi. assert (L := lobatto_range n i). unfold node. apply Rgt_not_eq. nra.
  - exact HI.
  - intros i Hi. unfold W, node.
    replace (2 / (r * b - b) * ((b + r * b) / 2 + (r * b - b) / 2 * lobatto n i) + - ((b + r * b) / (r * b - b)))
      with (lobatto n i) by (field; lra).
    now apply lobatto_root.
  - exact Wnz.
Qed.
