(** L6: a covariance that all components share.

    Page: proofs/L6.md.  For all K, d, weights, means and symmetric P = (m^2 Sigma + (1 - m^2) I)^(-1). *)

Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite S2 L2.
Open Scope R_scope.

Section Shared.
Variables (K d : nat) (a : nat -> R) (m : R) (mu : nat -> vec) (P : nat -> nat -> R).
Hypothesis K_pos : (0 < K)%nat.
Hypothesis a_pos : forall k, (k < K)%nat -> 0 < a k.
Hypothesis P_symmetric : symmetric d P.

Definition shared_gamma (x : vec) : nat -> R := responsibility K d a m mu (fun _ => P) x.
Definition shared_velocity (x : vec) : vec := fun i => - x i - score K d a m mu (fun _ => P) x i.
(** J h = P h - h - m^2 P Cov_gamma(mu) P h. *)
Definition shared_jacobian (g : nat -> R) (h : vec) : vec :=
  fun i => matvec d P h i - h i - m ^ 2 * matvec d P (matvec d (covmatrix K g mu) (matvec d P h)) i.

Lemma shared_weights : forall x, weights K (shared_gamma x).
Proof. intros. now apply softmax_weights. Qed.

Lemma covar_shift : forall g y z b c r q, sum K g = 1 ->
  covar K g (fun k => b + r * y k) (fun k => c + q * z k) = r * q * covar K g y z.
Proof.
  intros g y z b c r q G.
  assert (M : forall e f x, mean K g (fun k => e + f * x k) = e + f * mean K g x).
  { intros e f x. unfold mean.
    rewrite (sum_ext K _ (fun k => g k * e + f * (g k * x k))) by (intros; ring).
    rewrite sum_plus, sum_scal_r, sum_scal, G. ring. }
  unfold covar. rewrite !M, <- sum_scal. apply sum_ext; intros; ring.
Qed.

Lemma covar_ext : forall g y z y' z', (forall k, (k < K)%nat -> y k = y' k) -> (forall k, (k < K)%nat -> z k = z' k) ->
  covar K g y z = covar K g y' z'.
Proof.
  intros g y z y' z' E F. unfold covar, mean.
  rewrite (sum_ext K (fun k => g k * y k) (fun k => g k * y' k)) by (intros; now rewrite E).
  rewrite (sum_ext K (fun k => g k * z k) (fun k => g k * z' k)) by (intros; now rewrite F).
  apply sum_ext; intros; now rewrite E, F.
Qed.

(** Cov_gamma(b) = m^2 P Cov_gamma(mu) P, by all pairs of directions. *)
Lemma shared_covariance : forall g x e h, sum K g = 1 ->
  dot d e (matvec d (covmatrix K g (fun k => component_score d m mu (fun _ => P) k x)) h)
  = m ^ 2 * dot d (matvec d P e) (matvec d (covmatrix K g mu) (matvec d P h)).
Proof.
  intros g x e h G. rewrite !covmatrix_form.
  assert (B : forall y k, dot d y (component_score d m mu (fun _ => P) k x)
    = - dot d y (matvec d P x) + m * dot d (matvec d P y) (mu k)).
  { intros y k. rewrite (dot_comm d (matvec d P y)), <- (matvec_symmetric d P y (mu k) P_symmetric).
    replace (- dot d y (matvec d P x) + m * dot d y (matvec d P (mu k)))
      with (dot d y (vadd (vscale (-1) (matvec d P x)) (vscale m (matvec d P (mu k)))))
      by (rewrite dot_add_r, !dot_scale_r; ring).
    apply dot_ext; auto. intros i Hi. unfold component_score, vadd, vscale.
    rewrite <- (matvec_scale d P m (mu k) i).
    replace (matvec d P (offset m mu k x) i) with (matvec d P (vsub x (vscale m (mu k))) i) by reflexivity.
    rewrite matvec_sub. ring. }
  rewrite (covar_ext g _ _ (fun k => - dot d e (matvec d P x) + m * dot d (matvec d P e) (mu k))
    (fun k => - dot d h (matvec d P x) + m * dot d (matvec d P h) (mu k))) by (intros; apply B).
  rewrite covar_shift by exact G. ring.
Qed.

Lemma unit_vector : forall i z, (i < d)%nat -> dot d (fun j => if Nat.eq_dec j i then 1 else 0) z = z i.
Proof.
  intros i z Hi. unfold dot. clear - Hi. induction d as [|n IH]; [lia|]. simpl.
  destruct (Nat.eq_dec n i) as [->|N].
  - rewrite sum_zero; [ring|]. intros j Hj. destruct (Nat.eq_dec j i); [lia|ring].
  - rewrite IH by lia. ring.
Qed.

(** L6, the form: along every direction h, at every point y = x + s h, d/ds u_i(x + s h) = (J h)_i. *)
Theorem shared_velocity_jacobian : forall x h s i, (i < d)%nat ->
  let y := line x h s in
  is_derive (fun r => shared_velocity (line x h r) i) s (shared_jacobian (shared_gamma y) h i).
Proof.
  intros x h s i Hi y. evar_last.
  - apply (is_derive_minus (fun r => - line x h r i) (fun r => score K d a m mu (fun _ => P) (line x h r) i)).
    + unfold line. auto_derive; [exact I | reflexivity].
    + apply (score_jacobian K d a m mu (fun _ => P)); auto.
  - cbv beta. fold y. change (responsibility K d a m mu (fun _ => P) y) with (shared_gamma y).
    destruct (shared_weights y) as [_ G].
    set (e := fun j => if Nat.eq_dec j i then 1 else 0).
    assert (S : forall q, dot d (matvec d P e) q = matvec d P q i).
    { intros q. rewrite dot_comm, (matvec_symmetric d P q e P_symmetric). unfold e. now apply unit_vector. }
    rewrite <- (unit_vector i (matvec d (covmatrix K (shared_gamma y) _) h)) by exact Hi. fold e.
    rewrite shared_covariance, S by exact G. unfold shared_jacobian.
    unfold mean. rewrite sum_scal_r, G. unfold minus, plus, opp; simpl. ring.
Qed.

(** h^T (-J) h = |h|^2 - h^T P h + m^2 Var_gamma(<P h, mu_k>). *)
Theorem shared_form : forall g h,
  - dot d h (shared_jacobian g h) = dot d h h - form d P h + m ^ 2 * variance K g (fun k => dot d (matvec d P h) (mu k)).
Proof.
  intros g h. rewrite <- covmatrix_variance. unfold form.
  set (q := matvec d (covmatrix K g mu) (matvec d P h)).
  replace (dot d h (shared_jacobian g h)) with (dot d h (vsub (vsub (matvec d P h) h) (vscale (m ^ 2) (matvec d P q)))) by reflexivity.
  rewrite !dot_sub_r, dot_scale_r, (matvec_symmetric d P h q P_symmetric), (dot_comm d q). ring.
Qed.

(** The sharper bound: h^T (-J) h <= |h|^2 - h^T P h + m^2/4 max_(k,l) (h . P (mu_k - mu_l))^2, the maximum bounded by w^2. *)
Theorem shared_sharper : forall g h w, weights K g ->
  (forall k l, (k < K)%nat -> (l < K)%nat -> dot d h (matvec d P (vsub (mu k) (mu l))) <= w) ->
  dot d h h - form d P h <= - dot d h (shared_jacobian g h) <= dot d h h - form d P h + m ^ 2 / 4 * w ^ 2.
Proof.
  intros g h w G H. rewrite shared_form.
  assert (V0 := variance_nonneg K g (fun k => dot d (matvec d P h) (mu k)) G).
  assert (V1 : variance K g (fun k => dot d (matvec d P h) (mu k)) <= w ^ 2 / 4).
  { apply popoviciu_pairs; auto. intros k l Hk Hl. rewrite <- dot_sub_r, dot_comm.
    rewrite <- (matvec_symmetric d P h (vsub (mu k) (mu l)) P_symmetric). now apply H. }
  assert (M : 0 <= m ^ 2) by apply pow2_ge_0. split; nra.
Qed.

(** L6: with |P (mu_k - mu_l)| <= D_P and p |h|^2 <= h^T P h (p the least eigenvalue of P),
    h^T (-J) h <= (1 - p + m^2 D_P^2/4) |h|^2. *)
Theorem shared_rate : forall g h p DP, weights K g ->
  (forall k l, (k < K)%nat -> (l < K)%nat -> norm d (matvec d P (vsub (mu k) (mu l))) <= DP) ->
  p * dot d h h <= form d P h ->
  - dot d h (shared_jacobian g h) <= (1 - p + m ^ 2 * DP ^ 2 / 4) * dot d h h.
Proof.
  intros g h p DP G H E.
  destruct (shared_sharper g h (norm d h * DP) G) as [_ S].
  - intros k l Hk Hl. eapply Rle_trans; [apply dot_le_norms|]. apply Rmult_le_compat_l; [apply norm_nonneg | now apply H].
  - replace (m ^ 2 / 4 * (norm d h * DP) ^ 2) with (m ^ 2 * DP ^ 2 / 4 * (norm d h * norm d h)) in S by field.
    rewrite norm_square in S. lra.
Qed.

End Shared.
