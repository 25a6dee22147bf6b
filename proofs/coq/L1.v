(** L1: the Jacobian of the velocity for a common variance, derived from the density.

    Page: proofs/L1.md.  For all K, d, weights, means, m and v > 0. *)

Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite S2 L2.
Open Scope R_scope.

(** P_k = I / v. *)
Definition precision (v : R) : nat -> nat -> nat -> R := fun _ i j => if Nat.eq_dec i j then 1 / v else 0.
(** w_k (2 pi v)^(-d/2), the factor before the exponential. *)
Definition amplitude (d : nat) (w : nat -> R) (v : R) : nat -> R := fun k => w k * Rpower (2 * PI * v) (- INR d / 2).

Section CommonVariance.
Variables (K d : nat) (w : nat -> R) (mu : nat -> vec).
Hypothesis K_pos : (0 < K)%nat.
Hypothesis w_pos : forall k, (k < K)%nat -> 0 < w k.

(** p, gamma, s, u = -x - s at the mean factor m and the variance v. *)
Definition mixture_density (m v : R) (x : vec) : R := density K d (amplitude d w v) m mu (precision v) x.
Definition gamma (m v : R) (x : vec) : nat -> R := responsibility K d (amplitude d w v) m mu (precision v) x.
Definition mixture_score (m v : R) (x : vec) : vec := score K d (amplitude d w v) m mu (precision v) x.
Definition velocity (m v : R) (x : vec) : vec := fun i => - x i - mixture_score m v x i.

Lemma amplitude_pos : forall v k, (k < K)%nat -> 0 < amplitude d w v k.
Proof. intros v k Hk. apply Rmult_lt_0_compat; [auto | apply exp_pos]. Qed.

Lemma gamma_weights : forall m v x, weights K (gamma m v x).
Proof. intros. apply softmax_weights; auto. intros; now apply amplitude_pos. Qed.

Lemma matvec_precision : forall v k z i, (i < d)%nat -> matvec d (precision v k) z i = z i / v.
Proof.
  intros v k z i Hi. unfold matvec, precision. clear - Hi.
  induction d as [|n IH]; [lia|]. simpl. destruct (Nat.eq_dec i n) as [->|N].
  - rewrite sum_zero; [unfold Rdiv; ring|]. intros j Hj. destruct (Nat.eq_dec n j); [lia|ring].
  - rewrite IH by lia. ring.
Qed.

Lemma precision_symmetric : forall v k, symmetric d (precision v k).
Proof. intros v k i j _ _. unfold precision. destruct (Nat.eq_dec i j), (Nat.eq_dec j i); try lia; reflexivity. Qed.

(** The density is sum_k w_k (2 pi v)^(-d/2) exp(-|x - m mu_k|^2 / (2v)). *)
Theorem common_density : forall m v x, 0 < v ->
  mixture_density m v x
  = sum K (fun k => w k * Rpower (2 * PI * v) (- INR d / 2)
                    * exp (- (norm d (fun i => x i - m * mu k i) ^ 2 / (2 * v)))).
Proof.
  intros m v x V. unfold mixture_density, density, expsum, exponent, amplitude. apply sum_ext; intros k Hk.
  do 2 f_equal. unfold form.
  rewrite (dot_ext d (offset m mu k x) (offset m mu k x) (matvec d (precision v k) (offset m mu k x))
    (vscale (/ v) (offset m mu k x)));
    [| reflexivity | intros i Hi; rewrite matvec_precision by auto; unfold vscale, Rdiv; ring].
  rewrite dot_scale_r, <- norm_square. unfold offset. field. lra.
Qed.

Lemma covar_affine : forall g y z a b al be, sum K g = 1 ->
  covar K g (fun k => a + al * y k) (fun k => b + be * z k) = al * be * covar K g y z.
Proof.
  intros g y z a b al be G.
  assert (M : forall c r q, mean K g (fun k => c + r * q k) = c + r * mean K g q).
  { intros c r q. unfold mean.
    rewrite (sum_ext K _ (fun k => g k * c + r * (g k * q k))) by (intros; ring).
    rewrite sum_plus, sum_scal_r, sum_scal, G. ring. }
  unfold covar. rewrite !M, <- sum_scal. apply sum_ext; intros; ring.
Qed.

(** L1: grad u = J = (1/v - 1) I - (m^2/v^2) Cov_gamma(mu): along every direction h, at every point y = x + s h,
    d/ds u_i(x + s h) = (J h)_i. *)
Theorem velocity_jacobian : forall m v x h s i, 0 < v -> (i < d)%nat ->
  let y := line x h s in
  is_derive (fun r => velocity m v (line x h r) i) s
    (matvec d (jacobian m v (covmatrix K (gamma m v y) mu)) h i).
Proof.
  intros m v x h s i V Hi y. evar_last.
  - apply (is_derive_minus (fun r => - line x h r i) (fun r => mixture_score m v (line x h r) i)).
    + unfold line. auto_derive; [exact I | reflexivity].
    + apply (score_jacobian K d (amplitude d w v) m mu (precision v)); auto.
      * intros; now apply amplitude_pos.
      * intros; apply precision_symmetric.
  - cbv beta. fold y. change (responsibility K d (amplitude d w v) m mu (precision v) y) with (gamma m v y).
    destruct (gamma_weights m v y) as [_ G].
    rewrite matvec_jacobian by auto.
    assert (E1 : mean K (gamma m v y) (fun k => matvec d (precision v k) h i) = h i / v).
    { unfold mean. rewrite (sum_ext K _ (fun k => gamma m v y k * (h i / v)))
        by (intros; now rewrite matvec_precision).
      rewrite sum_scal_r, G. ring. }
    assert (E2 : matvec d (covmatrix K (gamma m v y) (fun k => component_score d m mu (precision v) k y)) h i
      = m ^ 2 / v ^ 2 * matvec d (covmatrix K (gamma m v y) mu) h i).
    { unfold matvec at 1 2. rewrite <- sum_scal. apply sum_ext; intros j Hj.
      rewrite <- Rmult_assoc. f_equal. unfold covmatrix.
      transitivity (covar K (gamma m v y) (fun k => - (y i / v) + m / v * mu k i) (fun k => - (y j / v) + m / v * mu k j)).
      - assert (C : forall k l, (l < d)%nat -> component_score d m mu (precision v) k y l = - (y l / v) + m / v * mu k l).
        { intros k l Hl. unfold component_score. rewrite matvec_precision by auto. unfold offset. field. lra. }
        unfold covar, mean.
        rewrite (sum_ext K (fun k => gamma m v y k * component_score d m mu (precision v) k y i)
          (fun k => gamma m v y k * (- (y i / v) + m / v * mu k i))) by (intros; now rewrite C).
        rewrite (sum_ext K (fun k => gamma m v y k * component_score d m mu (precision v) k y j)
          (fun k => gamma m v y k * (- (y j / v) + m / v * mu k j))) by (intros; now rewrite C).
        apply sum_ext; intros k Hk. now rewrite !C.
      - rewrite covar_affine by exact G. field. lra. }
    rewrite E1, E2. unfold minus, plus, opp; simpl. field. lra.
Qed.

End CommonVariance.
