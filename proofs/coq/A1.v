(** A1: squares, products, maxima and carries by ReLU and ReQU, without error.

    Page: proofs/A1.md.  For all real numbers. *)

Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite.
Open Scope R_scope.

Definition relu (z : R) : R := Rmax 0 z.
Definition requ (z : R) : R := Rmax 0 z ^ 2.

(** z^2 = requ(z) + requ(-z). *)
Theorem square_exact : forall z, z ^ 2 = requ z + requ (- z).
Proof.
  intros z. unfold requ. destruct (Rle_dec 0 z).
  - rewrite (Rmax_right 0 z), (Rmax_left 0 (- z)) by lra. ring.
  - rewrite (Rmax_left 0 z), (Rmax_right 0 (- z)) by lra. ring.
Qed.

(** x y = s r / 4 [ (x/s + y/r)^2 - (x/s - y/r)^2 ], the squares by ReQU: four neurons. *)
Theorem product_exact : forall x y s r, 0 < s -> 0 < r ->
  x * y = s * r / 4 * ((requ (x / s + y / r) + requ (- (x / s + y / r))) - (requ (x / s - y / r) + requ (- (x / s - y / r)))).
Proof. intros x y s r S T. rewrite <- !square_exact. field. lra. Qed.

(** z = relu(z) - relu(-z). *)
Theorem carry_exact : forall z, z = relu z - relu (- z).
Proof.
  intros z. unfold relu. destruct (Rle_dec 0 z).
  - rewrite (Rmax_right 0 z), (Rmax_left 0 (- z)) by lra. ring.
  - rewrite (Rmax_left 0 z), (Rmax_right 0 (- z)) by lra. ring.
Qed.

(** max(x, y) = y + relu(x - y), with y carried: three neurons. *)
Theorem maximum_exact : forall x y, Rmax x y = (relu y - relu (- y)) + relu (x - y).
Proof.
  intros x y. rewrite <- carry_exact. unfold relu. destruct (Rle_dec y x).
  - rewrite (Rmax_left x y), (Rmax_right 0) by lra. ring.
  - rewrite (Rmax_right x y), (Rmax_left 0) by lra. ring.
Qed.

(** One neuron carries a number with a known lower bound: z = b + relu(z - b) for z >= b. *)
Theorem carry_bounded : forall z b, b <= z -> z = b + relu (z - b).
Proof. intros z b H. unfold relu. rewrite Rmax_right by lra. ring. Qed.

(** The largest of K + 1 numbers. *)
Fixpoint maximum (K : nat) (y : nat -> R) : R :=
  match K with O => y O | S k => Rmax (maximum k y) (y (S k)) end.

(** One layer: maxima of pairs, an odd one carried.  From K + 1 numbers there remain K/2 + 1. *)
Definition pairs (K : nat) (y : nat -> R) : nat -> R :=
  fun k => if Nat.leb (S (2 * k)) K then Rmax (y (2 * k)%nat) (y (S (2 * k))) else y (2 * k)%nat.

Lemma maximum_spec : forall K y, (forall k, (k <= K)%nat -> y k <= maximum K y) /\ exists k, (k <= K)%nat /\ maximum K y = y k.
Proof.
  induction K as [|K IH]; intros y; simpl.
  - split; [intros k Hk; replace k with O by lia; lra | exists O; auto].
  - destruct (IH y) as [B (j & Hj & E)]. split.
    + intros k Hk. destruct (Nat.eq_dec k (S K)) as [->|]; [apply Rmax_r|].
      eapply Rle_trans; [apply B; lia | apply Rmax_l].
    + destruct (Rle_dec (maximum K y) (y (S K))).
      * exists (S K). split; [lia|]. rewrite Rmax_right; lra.
      * exists j. split; [lia|]. rewrite Rmax_left; lra.
Qed.

(** Layer by layer the largest number stays the same. *)
Theorem layer_keeps_maximum : forall K y, maximum (K / 2) (pairs K y) = maximum K y.
Proof.
  intros K y. destruct (maximum_spec K y) as [B (j & Hj & E)].
  destruct (maximum_spec (K / 2) (pairs K y)) as [B' (i & Hi & E')].
  assert (DM := Nat.div_mod K 2 ltac:(lia)). assert (MB := Nat.mod_upper_bound K 2 ltac:(lia)).
  apply Rle_antisym.
  - rewrite E'. unfold pairs. destruct (Nat.leb_spec (S (2 * i)) K).
    + apply Rmax_lub; apply B; lia.
    + apply B. lia.
  - rewrite E.
    assert (DJ := Nat.div_mod j 2 ltac:(lia)). assert (MJ := Nat.mod_upper_bound j 2 ltac:(lia)).
    eapply Rle_trans; [|apply (B' (j / 2)%nat); apply Nat.div_le_mono; lia].
    unfold pairs. destruct (Nat.leb_spec (S (2 * (j / 2))) K).
    + destruct (Nat.eq_dec (j mod 2) 0) as [Z|Z].
      * replace (2 * (j / 2))%nat with j by lia. apply Rmax_l.
      * replace (S (2 * (j / 2)))%nat with j by lia. apply Rmax_r.
    + replace (2 * (j / 2))%nat with j by lia. lra.
Qed.

Fixpoint layers (L K : nat) (y : nat -> R) : nat -> R := match L with O => y | S l => layers l (K / 2) (pairs K y) end.

(** L layers of maxima of pairs leave the largest of up to 2^L numbers. *)
Theorem maximum_tree : forall L K y, (K < 2 ^ L)%nat -> layers L K y O = maximum K y.
Proof.
  induction L as [|L IH]; intros K y H.
  - simpl in H. replace K with O by lia. reflexivity.
  - rewrite Nat.pow_succ_r' in H. cbn [layers]. rewrite IH.
    + apply layer_keeps_maximum.
    + apply Nat.div_lt_upper_bound; lia.
Qed.
