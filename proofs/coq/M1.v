(** M1, M2, M3: Lipschitz mismatch.

    Pages: proofs/M1.md, proofs/M2.md, proofs/M3.md.  For every d, any maps Phi and g, any B. *)

Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite E1.
Open Scope R_scope.

Definition lipschitz (d : nat) (B : R) (g : vec -> vec) : Prop := forall x y, distance d (g x) (g y) <= B * distance d x y.

(** M1: sup |g - Phi| >= 1/2 (|Phi(x) - Phi(y)| - B |x - y|) for every pair: whatever bounds |g - Phi| everywhere, twice it bounds
    what every pair demands. *)
Theorem mismatch : forall d B (g Phi : vec -> vec) S, lipschitz d B g ->
  (forall x, distance d (g x) (Phi x) <= S) ->
  forall x y, 1 / 2 * (distance d (Phi x) (Phi y) - B * distance d x y) <= S.
Proof.
  intros d B g Phi S L H x y.
  assert (T1 := norm_sub_triangle d (Phi x) (g x) (Phi y)). assert (T2 := norm_sub_triangle d (g x) (g y) (Phi y)).
  assert (O := norm_opp d (Phi x) (g x)). assert (Hx := H x). assert (Hy := H y). specialize (L x y).
  unfold distance in *. lra.
Qed.

(** As suprema in the extended reals, either of which may be infinite. *)
Corollary mismatch_supremum : forall d B (g Phi : vec -> vec), lipschitz d B g ->
  Rbar_le (Lub_Rbar (fun r => exists x y, r = 1 / 2 * (distance d (Phi x) (Phi y) - B * distance d x y)))
          (Lub_Rbar (fun r => exists x, r = distance d (g x) (Phi x))).
Proof.
  intros d B g Phi L.
  destruct (Lub_Rbar_correct (fun r => exists x, r = distance d (g x) (Phi x))) as [U _].
  apply Lub_Rbar_correct. intros r (x & y & ->).
  destruct (Lub_Rbar (fun r => exists x, r = distance d (g x) (Phi x))) as [s| |].
  - simpl. apply (mismatch d B g Phi s L). intros z. apply (U (distance d (g z) (Phi z))). now exists z.
  - exact I.
  - exfalso. apply (U (distance d (g x) (Phi x))). now exists x.
Qed.

(** M2, pairing: X takes the values x_i with probabilities p_i, R is an involution that preserves the law
    (it exchanges points of equal probability: R x_i = x_(r i)).  Then
    E |g(X) - Phi(X)|^2 >= 1/4 E (|Phi(X) - Phi(RX)| - B |X - RX|)_+^2. *)
Theorem pairing : forall d B (g Phi : vec -> vec) n (p : nat -> R) (x : nat -> vec) (r : nat -> nat),
  lipschitz d B g -> (forall i, (i < n)%nat -> 0 <= p i) ->
  (forall i, (i < n)%nat -> (r i < n)%nat /\ r (r i) = i) -> (forall i, (i < n)%nat -> p (r i) = p i) ->
  1 / 4 * sum n (fun i => p i * Rmax 0 (distance d (Phi (x i)) (Phi (x (r i))) - B * distance d (x i) (x (r i))) ^ 2)
  <= sum n (fun i => p i * distance d (g (x i)) (Phi (x i)) ^ 2).
Proof.
  intros d B g Phi n p x r L P Rn Rp.
  set (e := fun i => distance d (g (x i)) (Phi (x i))).
  assert (E : sum n (fun i => p i * e i ^ 2) = 1 / 2 * sum n (fun i => p i * (e i ^ 2 + e (r i) ^ 2))).
  { rewrite (sum_ext n (fun i => p i * (e i ^ 2 + e (r i) ^ 2)) (fun i => p i * e i ^ 2 + p (r i) * e (r i) ^ 2))
      by (intros; rewrite Rp by auto; ring).
    rewrite sum_plus, (sum_involution n (fun i => p i * e i ^ 2) r Rn). field. }
  change (sum n (fun i => p i * distance d (g (x i)) (Phi (x i)) ^ 2)) with (sum n (fun i => p i * e i ^ 2)).
  rewrite E, <- !sum_scal. apply sum_le. intros i Hi.
  set (y := distance d (Phi (x i)) (Phi (x (r i))) - B * distance d (x i) (x (r i))).
  assert (Y : y <= e i + e (r i)).
  { unfold y, e. assert (T1 := norm_sub_triangle d (Phi (x i)) (g (x i)) (Phi (x (r i)))).
    assert (T2 := norm_sub_triangle d (g (x i)) (g (x (r i))) (Phi (x (r i)))).
    assert (O := norm_opp d (Phi (x i)) (g (x i))). specialize (L (x i) (x (r i))). unfold distance in *. lra. }
  assert (A : 0 <= e i) by apply norm_nonneg. assert (C : 0 <= e (r i)) by apply norm_nonneg.
  assert (M : 0 <= Rmax 0 y <= e i + e (r i)) by (split; [apply Rmax_l | apply Rmax_lub; lra]).
  assert (Q : Rmax 0 y ^ 2 <= (e i + e (r i)) ^ 2) by (apply pow_incr; exact M).
  assert (S : 0 <= (e i - e (r i)) ^ 2) by apply pow2_ge_0.
  specialize (P i Hi).
  replace (1 / 4 * (p i * Rmax 0 y ^ 2)) with (p i * (1 / 4 * Rmax 0 y ^ 2)) by ring.
  replace (1 / 2 * (p i * (e i ^ 2 + e (r i) ^ 2))) with (p i * (1 / 2 * (e i ^ 2 + e (r i) ^ 2))) by ring.
  apply Rmult_le_compat_l; [exact P | lra].
Qed.

(** M3: a composition of K maps, each B-Lipschitz, is B^K-Lipschitz. *)
Theorem composition_lipschitz : forall d B (psi : nat -> vec -> vec) K, 0 <= B ->
  (forall k, (k < K)%nat -> lipschitz d B (psi k)) -> lipschitz d (B ^ K) (compose psi K).
Proof.
  intros d B psi K HB. induction K as [|K IH]; intros L x y; simpl; [lra|].
  assert (A := L K ltac:(lia) (compose psi K x) (compose psi K y)).
  assert (C := IH (fun k Hk => L k ltac:(lia)) x y). simpl in A.
  eapply Rle_trans; [exact A|]. rewrite Rmult_assoc. now apply Rmult_le_compat_l.
Qed.

(** M3: so if Phi stretches some pair by the factor l > 0 and such a composition is Phi on that pair, then K >= log l / log B. *)
Theorem segments_needed : forall d B (psi : nat -> vec -> vec) (Phi : vec -> vec) K x y l, 1 < B -> 0 < l ->
  (forall k, (k < K)%nat -> lipschitz d B (psi k)) ->
  (forall i, (i < d)%nat -> compose psi K x i = Phi x i) -> (forall i, (i < d)%nat -> compose psi K y i = Phi y i) ->
  0 < distance d x y -> l * distance d x y <= distance d (Phi x) (Phi y) ->
  ln l / ln B <= INR K.
Proof.
  intros d B psi Phi K x y l HB Hl L Ex Ey Hd H.
  assert (C := composition_lipschitz d B psi K ltac:(lra) L x y).
  replace (distance d (compose psi K x) (compose psi K y)) with (distance d (Phi x) (Phi y)) in C
    by (apply norm_ext; intros; unfold vsub; rewrite Ex, Ey; auto).
  assert (P : l <= B ^ K) by (apply Rmult_le_reg_r with (distance d x y); lra).
  assert (LB : 0 < ln B) by (rewrite <- ln_1; apply ln_increasing; lra).
  apply Rmult_le_reg_r with (ln B); [exact LB|].
  replace (ln l / ln B * ln B) with (ln l) by (field; lra).
  rewrite <- ln_pow by lra. destruct P as [P|<-]; [left; now apply ln_increasing | lra].
Qed.

(** M3: with K >= Lambda / log B segments of equal share, each needs the constant exp(Lambda / K) <= B. *)
Theorem segments_enough : forall Lambda B K, 1 < B -> (0 < K)%nat -> Lambda / ln B <= INR K ->
  exp (Lambda / INR K) <= B.
Proof.
  intros Lambda B K HB HK H.
  assert (LB : 0 < ln B) by (rewrite <- ln_1; apply ln_increasing; lra).
  assert (PK : 0 < INR K) by (apply lt_0_INR; exact HK).
  replace B with (exp (ln B)) by (apply exp_ln; lra).
  assert (Q : Lambda / INR K <= ln B).
  { apply Rmult_le_reg_r with (INR K); [exact PK|].
    replace (Lambda / INR K * INR K) with (Lambda / ln B * ln B) by (field; lra). rewrite (Rmult_comm (ln B)).
    apply Rmult_le_compat_r; lra. }
  destruct Q as [Q| ->]; [left; now apply exp_increasing | lra].
Qed.

(** ** M1 in one dimension is an equality *)

Section Line.
Variables (B Delta : R) (Phi : R -> R).
Hypothesis B_nonneg : 0 <= B.
Hypothesis nondecreasing : forall x y, x <= y -> Phi x <= Phi y.
(** Delta/2 is the right side of M1: Phi(y) - Phi(x) - B (y - x) <= Delta for all x <= y. *)
Hypothesis fall : forall x y, x <= y -> Phi y - Phi x - B * (y - x) <= Delta.

Let f z := B * z - Phi z.
(** The largest value of f on the left, and the least on the right. *)
Let M z := real (Lub_Rbar (fun r => exists y, y <= z /\ r = f y)).
Let N z := real (Glb_Rbar (fun r => exists y, z <= y /\ r = f y)).

Lemma M_lub : forall z, (forall y, y <= z -> f y <= M z) /\ forall b, (forall y, y <= z -> f y <= b) -> M z <= b.
Proof.
  intros z. unfold M. destruct (Lub_Rbar_correct (fun r => exists y, y <= z /\ r = f y)) as [U L].
  assert (C : Rbar_le (Lub_Rbar (fun r => exists y, y <= z /\ r = f y)) (Finite (f z + Delta))).
  { apply L. intros r (y & Hy & ->). simpl. unfold f. specialize (fall y z Hy). lra. }
  destruct (Lub_Rbar (fun r => exists y, y <= z /\ r = f y)) as [s| |].
  - split.
    + intros y Hy. apply (U (f y)). now exists y.
    + intros b Hb. apply (L (Finite b)). intros r (y & Hy & ->). simpl. now apply Hb.
  - destruct C.
  - exfalso. apply (U (f z)). exists z. split; [lra|reflexivity].
Qed.

Lemma N_glb : forall z, (forall y, z <= y -> N z <= f y) /\ forall b, (forall y, z <= y -> b <= f y) -> b <= N z.
Proof.
  intros z. unfold N. destruct (Glb_Rbar_correct (fun r => exists y, z <= y /\ r = f y)) as [U L].
  assert (C : Rbar_le (Finite (f z - Delta)) (Glb_Rbar (fun r => exists y, z <= y /\ r = f y))).
  { apply L. intros r (y & Hy & ->). simpl. unfold f. specialize (fall z y Hy). lra. }
  destruct (Glb_Rbar (fun r => exists y, z <= y /\ r = f y)) as [s| |].
  - split.
    + intros y Hy. apply (U (f y)). now exists y.
    + intros b Hb. apply (L (Finite b)). intros r (y & Hy & ->). simpl. now apply Hb.
  - exfalso. apply (U (f z)). exists z. split; [lra|reflexivity].
  - destruct C.
Qed.

(** Some g with slopes in [0, B] is never farther from Phi than Delta/2 (no continuity of Phi is needed). *)
Theorem mismatch_attained : exists g : R -> R,
  (forall x y, x <= y -> 0 <= g y - g x <= B * (y - x)) /\ forall z, Rabs (g z - Phi z) <= Delta / 2.
Proof.
  exists (fun z => B * z - (M z + N z) / 2).
  assert (slope : forall y z, y <= z -> f z <= f y + B * (z - y))
    by (intros y z H; unfold f; specialize (nondecreasing y z H); lra).
  split.
  - intros x y H. destruct (M_lub x) as [Mx Mx']. destruct (M_lub y) as [My My'].
    destruct (N_glb x) as [Nx Nx']. destruct (N_glb y) as [Ny Ny'].
    assert (M1 : M x <= M y) by (apply Mx'; intros q Hq; apply My; lra).
    assert (N1 : N x <= N y) by (apply Ny'; intros q Hq; apply Nx; lra).
    assert (M2 : M y <= M x + B * (y - x)).
    { apply My'. intros q Hq. destruct (Rle_dec q x) as [Q|Q].
      - assert (A := Mx q Q). assert (0 <= B * (y - x)) by (apply Rmult_le_pos; lra). lra.
      - assert (A := Mx x (Rle_refl x)). assert (S := slope x q ltac:(lra)).
        assert (B * (q - x) <= B * (y - x)) by (apply Rmult_le_compat_l; lra). lra. }
    assert (N2 : N y - B * (y - x) <= N x).
    { apply Nx'. intros q Hq. destruct (Rle_dec y q) as [Q|Q].
      - assert (A := Ny q Q). assert (0 <= B * (y - x)) by (apply Rmult_le_pos; lra). lra.
      - assert (A := Ny y (Rle_refl y)). assert (S := slope q y ltac:(lra)).
        assert (B * (y - q) <= B * (y - x)) by (apply Rmult_le_compat_l; lra). lra. }
    lra.
  - intros z. destruct (M_lub z) as [Mz Mz']. destruct (N_glb z) as [Nz Nz'].
    assert (A := Mz z (Rle_refl z)). assert (C := Nz z (Rle_refl z)).
    assert (W : M z <= N z + Delta).
    { apply Mz'. intros y Hy. assert (E : f y - Delta <= N z); [|lra].
      apply Nz'. intros q Hq. unfold f. assert (F := fall y q ltac:(lra)). lra. }
    unfold f in *. apply Rabs_le. lra.
Qed.

End Line.
