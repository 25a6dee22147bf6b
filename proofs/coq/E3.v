(** E3 for the flow of a mixture: from the density to the sum of errors.

    Page: proofs/E3.md.  For all K, d, weights, means, sigma > 0, every grid, any learned maps. *)

Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite L2 F1 F2 E1.
Open Scope R_scope.

Lemma stability_additive : forall c D r s t, c < 1 -> 0 <= r -> r <= s -> s <= t ->
  stability c D r s + stability c D s t = stability c D r t.
Proof.
  intros c D r s t C R0 RS ST.
  assert (A := stability_integral c D r s C ltac:(lra)). assert (B := stability_integral c D s t C ltac:(lra)).
  assert (T := stability_integral c D r t C ltac:(lra)).
  assert (S := is_RInt_Chasles (rate c D) r s t _ _ A B).
  assert (U : RInt (rate c D) r t = stability c D r s + stability c D s t) by (apply is_RInt_unique; exact S).
  assert (W : RInt (rate c D) r t = stability c D r t) by (apply is_RInt_unique; exact T). lra.
Qed.

Section Mixture.
Variables (K d : nat) (w : nat -> R) (mu : nat -> vec) (sigma D : R).
Hypothesis K_pos : (0 < K)%nat.
Hypothesis w_pos : forall k, (k < K)%nat -> 0 < w k.
Hypothesis sigma_pos : 0 < sigma.
Hypothesis D_diameter : diameter K d mu D.
Let c := 1 - sigma ^ 2.

(** [phi] is the flow map from the time t to the time s: from every x a trajectory leads to phi(x). *)
Definition flow_map (phi : vec -> vec) (s t : R) : Prop :=
  forall x, exists y : R -> vec, trajectory K d w mu sigma y s t /\
    (forall i, (i < d)%nat -> y t i = x i) /\ (forall i, (i < d)%nat -> y s i = phi x i).

(** F1 for the flow map: it is exp(int_s^t lambda)-Lipschitz. *)
Theorem flow_map_lipschitz : forall phi s t, 0 <= s <= t -> flow_map phi s t ->
  forall x y, distance d (phi x) (phi y) <= exp (stability c D s t) * distance d x y.
Proof.
  intros phi s t H F x y. destruct (F x) as (X & TX & X1 & X2). destruct (F y) as (Y & TY & Y1 & Y2).
  assert (B := flow_stability K d w mu sigma D K_pos w_pos sigma_pos D_diameter X Y s t H TX TY).
  unfold distance.
  rewrite (norm_ext d (vsub (phi x) (phi y)) (vsub (X s) (Y s))) by (intros; unfold vsub; rewrite X2, Y2; auto).
  rewrite (norm_ext d (vsub x y) (vsub (X t) (Y t))) by (intros; unfold vsub; rewrite X1, Y1; auto). exact B.
Qed.

(** E3: e_K <= sum_k eps_k exp(int_delta^(t_k) lambda), for the flow maps phi k from t_k to t_(k+1) and any maps psi k. *)
Theorem mixture_error_sum : forall (phi psi : nat -> vec -> vec) (t eps : nat -> R) n x0,
  0 <= t n -> (forall k, (k < n)%nat -> t (S k) <= t k) ->
  (forall k, (k < n)%nat -> flow_map (phi k) (t (S k)) (t k)) ->
  (forall k, (k < n)%nat -> distance d (psi k (compose psi k x0)) (phi k (compose psi k x0)) <= eps k) ->
  error d phi psi x0 x0 n <= sum n (fun k => eps k * exp (stability c D (t n) (t (S k)))).
Proof.
  intros phi psi t eps n x0 Hn Ht F E.
  assert (C : c < 1) by (unfold c; assert (0 < sigma ^ 2) by (apply pow_lt; auto); lra).
  assert (low : forall j k, (k + j = n)%nat -> t n <= t k).
  { induction j as [|j IH]; intros k Hk.
    - replace k with n by lia. lra.
    - assert (A := IH (S k) ltac:(lia)). assert (B := Ht k ltac:(lia)). lra. }
  eapply Rle_trans; [apply (error_sum d phi psi (fun k => stability c D (t n) (t k)) eps n x0)|].
  - intros k x y Hk.
    assert (L := low (n - S k)%nat (S k) ltac:(lia)). assert (T := Ht k Hk).
    assert (A := stability_additive c D (t n) (t (S k)) (t k) C Hn L T).
    replace (stability c D (t n) (t k) - stability c D (t n) (t (S k))) with (stability c D (t (S k)) (t k)) by lra.
    apply flow_map_lipschitz; [lra | now apply F].
  - exact E.
  - right. apply sum_ext; intros k Hk. f_equal. f_equal.
    replace (stability c D (t n) (t n)) with 0; [ring|].
    assert (A := stability_additive c D (t n) (t n) (t n) C Hn (Rle_refl _) (Rle_refl _)). lra.
Qed.

End Mixture.
