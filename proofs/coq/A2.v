(** A2: completing the square, and the clipped coordinate of a piece.

    Page: proofs/A2.md.  For every degree 2m and every polynomial. *)

Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite Polynomial A1.
Open Scope R_scope.

(** Let p(c) = alpha c^(2m) + lower terms, alpha <> 0, m >= 1. There is q = c^m + lower terms, whose constant term is free,
    such that p = alpha q^2 + r with deg r <= m. *)
Theorem complete_the_square : forall m alpha (p low : R -> R), (0 < m)%nat -> alpha <> 0 ->
  polynomial (2 * m - 1) low -> (forall c, p c = alpha * c ^ (2 * m) + low c) ->
  exists l, polynomial (m - 1) l /\
    forall q0, polynomial m (fun c => p c - alpha * (c ^ m + l c + q0) ^ 2).
Proof.
  intros m alpha p low Hm HA HL HP.
  assert (steps : forall j, (j < m)%nat -> exists l, polynomial (m - 1) l /\
    polynomial (2 * m - 1 - j) (fun c => p c - alpha * (c ^ m + l c) ^ 2)).
  { induction j as [|j IH]; intros Hj.
    - exists (fun _ => 0). split; [apply poly_const|].
      replace (2 * m - 1 - 0)%nat with (2 * m - 1)%nat by lia.
      apply (poly_ext _ low); [|exact HL]. intros c. rewrite HP, Rplus_0_r.
      replace (2 * m)%nat with (m + m)%nat by lia. rewrite pow_add. ring.
    - destruct (IH ltac:(lia)) as (l & Hl & E).
      replace (2 * m - 1 - j)%nat with (S (2 * m - 1 - S j)) in E by lia.
      destruct (poly_leading _ _ E) as (b & g & G & Eg).
      set (y := b / (2 * alpha)).
      exists (fun c => l c + y * c ^ (m - 1 - j)). split.
      + apply poly_plus; [exact Hl|]. apply poly_scal. apply (poly_weaken (m - 1 - j)); [lia | apply poly_pow].
      + apply (poly_ext _ (fun c => g c - b * (c ^ (m - 1 - j) * l c) - alpha * y ^ 2 * c ^ (2 * (m - 1 - j)))).
        * intros c.
          replace (p c - alpha * (c ^ m + (l c + y * c ^ (m - 1 - j))) ^ 2)
            with (p c - alpha * (c ^ m + l c) ^ 2 - 2 * alpha * y * c ^ (m - 1 - j) * c ^ m
                  - 2 * alpha * y * (c ^ (m - 1 - j) * l c) - alpha * y ^ 2 * (c ^ (m - 1 - j) * c ^ (m - 1 - j))) by ring.
          rewrite Eg. replace (2 * alpha * y) with b by (unfold y; field; exact HA).
          replace (S (2 * m - 1 - S j)) with ((m - 1 - j) + m)%nat by lia. rewrite pow_add.
          replace (2 * (m - 1 - j))%nat with ((m - 1 - j) + (m - 1 - j))%nat by lia. rewrite pow_add. ring.
        * apply poly_minus; [apply poly_minus|].
          -- exact G.
          -- apply poly_scal. apply (poly_weaken (m - 1 - j + (m - 1))); [lia | now apply poly_mult_pow].
          -- apply poly_scal. apply (poly_weaken (2 * (m - 1 - j))); [lia | apply poly_pow]. }
  destruct (steps (m - 1)%nat ltac:(lia)) as (l & Hl & E).
  replace (2 * m - 1 - (m - 1))%nat with m in E by lia.
  exists l. split; [exact Hl|]. intros q0.
  apply (poly_ext _ (fun c => (p c - alpha * (c ^ m + l c) ^ 2) - 2 * alpha * q0 * (c ^ m + l c) - alpha * q0 ^ 2)).
  - intros c. ring.
  - apply poly_minus; [apply poly_minus; [exact E|] | apply poly_const].
    apply poly_scal, poly_plus; [apply poly_pow | apply (poly_weaken (m - 1)); [lia | exact Hl]].
Qed.

(** So p = sign(alpha) requ(sqrt|alpha| q) + r on [-1, 1]: one ReQU neuron squares q, which is positive there, and deg q, r <= m. *)
Theorem one_square_neuron : forall m alpha (p low : R -> R), (0 < m)%nat -> alpha <> 0 ->
  polynomial (2 * m - 1) low -> (forall c, p c = alpha * c ^ (2 * m) + low c) ->
  exists q r, polynomial m q /\ polynomial m r /\
    forall c, -1 <= c <= 1 -> 0 < q c /\ p c = sign alpha * requ (sqrt (Rabs alpha) * q c) + r c.
Proof.
  intros m alpha p low Hm HA HL HP.
  destruct (complete_the_square m alpha p low Hm HA HL HP) as (l & Hl & E).
  assert (Hq : polynomial m (fun c => c ^ m + l c))
    by (apply poly_plus; [apply poly_pow | apply (poly_weaken (m - 1)); [lia | exact Hl]]).
  destruct (poly_bounded m _ Hq) as (B & HB).
  exists (fun c => c ^ m + l c + (B + 1)), (fun c => p c - alpha * (c ^ m + l c + (B + 1)) ^ 2).
  split; [apply poly_plus; [exact Hq | apply poly_const]|]. split; [apply E|].
  intros c C. specialize (HB c C). apply Rabs_le_between in HB.
  assert (Q : 0 < c ^ m + l c + (B + 1)) by lra. split; [exact Q|].
  set (q := c ^ m + l c + (B + 1)) in *. unfold requ.
  assert (S := sqrt_pos (Rabs alpha)).
  rewrite Rmax_right by nra.
  replace ((sqrt (Rabs alpha) * q) ^ 2) with (sqrt (Rabs alpha) * sqrt (Rabs alpha) * q ^ 2) by ring.
  rewrite sqrt_sqrt by apply Rabs_pos.
  replace (sign alpha * (Rabs alpha * q ^ 2)) with (alpha * q ^ 2); [ring|].
  rewrite <- Rmult_assoc. f_equal. destruct (Rlt_dec 0 alpha).
  - rewrite sign_eq_1, Rabs_pos_eq by lra. ring.
  - rewrite sign_eq_m1, Rabs_left by lra. ring.
Qed.

(** The first layer: y_j = relu((z - k_j)/h_j), g_j = y_j - (h_(j+1)/h_j) y_(j+1) is the clipped coordinate of the piece [k_j, k_j + h_j],
    and its square is y_j^2 - (h_(j+1)/h_j)^2 y_(j+1)^2 - 2 (h_(j+1)/h_j) y_(j+1). *)
Theorem clipped_coordinate : forall z k h h', 0 < h -> 0 < h' ->
  let y := relu ((z - k) / h) in
  let y' := relu ((z - (k + h)) / h') in
  let g := y - h' / h * y' in
  g = Rmax 0 (Rmin 1 ((z - k) / h)) /\ g ^ 2 = y ^ 2 - (h' / h) ^ 2 * y' ^ 2 - 2 * (h' / h) * y'.
Proof.
  intros z k h h' H H' y y' g.
  assert (scale : (z - (k + h)) / h' = h / h' * ((z - k) / h - 1)) by (field; lra).
  set (u := (z - k) / h) in *.
  assert (P : 0 < h / h') by (now apply Rdiv_lt_0_compat).
  destruct (Rle_dec u 1) as [A|A].
  - assert (Y' : y' = 0) by (unfold y', relu; rewrite scale; apply Rmax_left; nra).
    assert (G : g = y) by (unfold g; rewrite Y'; ring). split.
    + rewrite G. unfold y, relu. now rewrite Rmin_right.
    + rewrite G, Y'. ring.
  - assert (Y' : h' / h * y' = u - 1) by (unfold y', relu; rewrite scale, Rmax_right by nra; field; lra).
    assert (Y : y = u) by (unfold y, relu; apply Rmax_right; lra).
    assert (G : g = 1) by (unfold g; rewrite Y', Y; ring). split.
    + rewrite G, Rmin_left, Rmax_right by lra. reflexivity.
    + rewrite G, Y. replace ((h' / h) ^ 2 * y' ^ 2) with ((h' / h * y') ^ 2) by ring.
      replace (2 * (h' / h) * y') with (2 * (h' / h * y')) by ring. rewrite Y'. ring.
Qed.

(** f = (e^z - e^(-Z))/(1 - e^(-Z)) is off from e^z by at most e^(-Z)/(1 - e^(-Z)) for z <= 0. *)
Theorem shifted_exponential : forall z Z, 0 < Z -> z <= 0 ->
  Rabs ((exp z - exp (- Z)) / (1 - exp (- Z)) - exp z) <= exp (- Z) / (1 - exp (- Z)).
Proof.
  intros z Z HZ Hz.
  assert (E : exp (- Z) < 1) by (rewrite <- exp_0; apply exp_increasing; lra).
  assert (E0 := exp_pos (- Z)). assert (F0 := exp_pos z).
  assert (F : exp z <= 1) by (rewrite <- exp_0; destruct Hz as [Hz| ->]; [left; now apply exp_increasing | lra]).
  replace ((exp z - exp (- Z)) / (1 - exp (- Z)) - exp z) with (- (exp (- Z) / (1 - exp (- Z)) * (1 - exp z))) by (field; lra).
  assert (Q : 0 < exp (- Z) / (1 - exp (- Z))) by (apply Rdiv_lt_0_compat; lra).
  rewrite Rabs_Ropp, Rabs_pos_eq by nra. nra.
Qed.
