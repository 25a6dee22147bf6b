(** S2, S4: the score of a mixture is the gradient of its log-density, and its Jacobian, in every direction.

    Pages: proofs/S2.md, proofs/S4.md.  For all K, d, amplitudes, means and symmetric precisions. *)

Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite.
Open Scope R_scope.

(** ** Softmax: weights a_k exp(e_k) / sum_l a_l exp(e_l) *)

Definition expsum (K : nat) (a e : nat -> R) : R := sum K (fun k => a k * exp (e k)).
Definition softmax (K : nat) (a e : nat -> R) : nat -> R := fun k => a k * exp (e k) / expsum K a e.

Section Softmax.
Variables (K : nat) (a : nat -> R).
Hypothesis K_pos : (0 < K)%nat.
Hypothesis a_pos : forall k, (k < K)%nat -> 0 < a k.

Lemma expsum_pos : forall e, 0 < expsum K a e.
Proof.
  intros e. apply sum_pos; auto. intros k Hk. apply Rmult_lt_0_compat; [auto | apply exp_pos].
Qed.

(** The responsibilities are weights: not negative, of sum 1. *)
Theorem softmax_weights : forall e, weights K (softmax K a e).
Proof.
  intros e. assert (P := expsum_pos e). split.
  - intros k Hk. unfold softmax. left. apply Rdiv_lt_0_compat; auto.
    apply Rmult_lt_0_compat; [auto | apply exp_pos].
  - unfold softmax, Rdiv. rewrite sum_scal_r. unfold expsum in *. field. lra.
Qed.

Lemma mean_softmax : forall e y, mean K (softmax K a e) y = sum K (fun k => a k * exp (e k) * y k) / expsum K a e.
Proof.
  intros e y. assert (P := expsum_pos e). unfold mean, softmax.
  rewrite (sum_ext K _ (fun k => a k * exp (e k) * y k * / expsum K a e)) by (intros; field; lra).
  now rewrite sum_scal_r.
Qed.

Variables (e : nat -> R -> R) (de : nat -> R) (s : R).
Hypothesis e_derive : forall k, (k < K)%nat -> is_derive (e k) s (de k).
Let g := softmax K a (fun k => e k s).

Lemma is_derive_expsum_with : forall (c : nat -> R -> R) (dc : nat -> R),
  (forall k, (k < K)%nat -> is_derive (c k) s (dc k)) ->
  is_derive (fun r => sum K (fun k => a k * exp (e k r) * c k r)) s
    (sum K (fun k => a k * exp (e k s) * (de k * c k s + dc k))).
Proof.
  intros c dc Hc. apply (is_derive_sum K (fun k r => a k * exp (e k r) * c k r)). intros k Hk.
  assert (E := e_derive k Hk). specialize (Hc k Hk).
  auto_derive.
  - split; [exists (de k); exact E | split; [exists (dc k); exact Hc | exact I]].
  - rewrite (is_derive_unique (fun r : R => e k r) s (de k)) by exact E.
    rewrite (is_derive_unique (fun r : R => c k r) s (dc k)) by exact Hc. ring.
Qed.

Lemma is_derive_expsum : is_derive (fun r => expsum K a (fun k => e k r)) s (sum K (fun k => a k * exp (e k s) * de k)).
Proof.
  unfold expsum.
  apply (is_derive_ext (fun r => sum K (fun k => a k * exp (e k r) * 1))).
  - intros r. apply sum_ext; intros; ring.
  - evar_last.
    + apply (is_derive_expsum_with (fun _ _ => 1) (fun _ => 0)). intros. apply (is_derive_const 1 s).
    + apply sum_ext; intros; ring.
Qed.

(** d/ds log sum_k a_k exp(e_k(s)) = sum_k gamma_k e_k'(s). *)
Theorem log_expsum_derive : is_derive (fun r => ln (expsum K a (fun k => e k r))) s (mean K g de).
Proof.
  assert (P := expsum_pos (fun k => e k s)).
  evar_last.
  - apply (is_derive_comp ln (fun r => expsum K a (fun k => e k r)) s).
    + apply is_derive_ln. exact P.
    + apply is_derive_expsum.
  - unfold g. rewrite mean_softmax. unfold scal; simpl; unfold mult; simpl. field. lra.
Qed.

(** d/ds sum_k gamma_k(s) c_k(s) = sum_k gamma_k c_k'(s) + Cov_gamma(e', c). *)
Theorem softmax_mean_derive : forall (c : nat -> R -> R) (dc : nat -> R),
  (forall k, (k < K)%nat -> is_derive (c k) s (dc k)) ->
  is_derive (fun r => mean K (softmax K a (fun k => e k r)) (fun k => c k r)) s
    (mean K g dc + covar K g de (fun k => c k s)).
Proof.
  intros c dc Hc. assert (P := expsum_pos (fun k => e k s)).
  apply (is_derive_ext (fun r => sum K (fun k => a k * exp (e k r) * c k r) / expsum K a (fun k => e k r))).
  { intros r. now rewrite mean_softmax. }
  evar_last.
  - apply is_derive_div; [exact (is_derive_expsum_with c dc Hc) | exact is_derive_expsum | apply Rgt_not_eq, P].
  - rewrite covar_expand by apply (softmax_weights (fun k => e k s)).
    fold (mean K g (fun k => de k * c k s)). unfold g. rewrite !mean_softmax.
    rewrite (sum_ext K (fun k => a k * exp (e k s) * (de k * c k s + dc k))
      (fun k => a k * exp (e k s) * (de k * c k s) + a k * exp (e k s) * dc k)) by (intros; ring).
    rewrite sum_plus. unfold minus, plus, opp; simpl. field. lra.
Qed.

End Softmax.

(** ** The mixture: g_k(x) = a_k exp(-1/2 (x - m mu_k)^T P_k (x - m mu_k)), a_k = w_k sqrt(det P_k) / (2 pi)^(d/2) *)

(** The point x + s h. *)
Definition line (x h : vec) (s : R) : vec := fun i => x i + s * h i.

Section Mixture.
Variables (K d : nat) (a : nat -> R) (m : R) (mu : nat -> vec) (P : nat -> nat -> nat -> R).
Hypothesis K_pos : (0 < K)%nat.
Hypothesis a_pos : forall k, (k < K)%nat -> 0 < a k.
Hypothesis P_symmetric : forall k, (k < K)%nat -> symmetric d (P k).

Definition offset (k : nat) (x : vec) : vec := fun i => x i - m * mu k i.
Definition exponent (x : vec) (k : nat) : R := - (1 / 2) * form d (P k) (offset k x).
Definition density (x : vec) : R := expsum K a (exponent x).
Definition responsibility (x : vec) : nat -> R := softmax K a (exponent x).
(** b_k = -P_k (x - m mu_k), and the score s = sum_k gamma_k b_k. *)
Definition component_score (k : nat) (x : vec) : vec := fun i => - matvec d (P k) (offset k x) i.
Definition score (x : vec) : vec := fun i => mean K (responsibility x) (fun k => component_score k x i).

Lemma form_line : forall A z h s, symmetric d A ->
  form d A (line z h s) = form d A z + 2 * s * dot d h (matvec d A z) + s ^ 2 * form d A h.
Proof.
  intros A z h s S. unfold form.
  rewrite (dot_ext d (line z h s) (vadd z (vscale s h)) (matvec d A (line z h s))
    (vadd (matvec d A z) (vscale s (matvec d A h)))).
  - rewrite dot_add_l, !dot_add_r, !dot_scale_l, !dot_scale_r, (matvec_symmetric d A z h S). ring.
  - intros; reflexivity.
  - intros i Hi. unfold vadd at 1, vscale. rewrite <- matvec_scale, <- matvec_add. reflexivity.
Qed.

Lemma matvec_line : forall A z h s i, matvec d A (line z h s) i = matvec d A z i + s * matvec d A h i.
Proof. intros. rewrite <- matvec_scale, <- matvec_add. reflexivity. Qed.

Lemma offset_line : forall k x h s i, offset k (line x h s) i = line (offset k x) h s i.
Proof. intros; unfold offset, line; ring. Qed.

Lemma matvec_ext : forall A u w i, (forall j, (j < d)%nat -> u j = w j) -> matvec d A u i = matvec d A w i.
Proof. intros A u w i H; unfold matvec; apply sum_ext; intros; now rewrite H. Qed.

Lemma exponent_derive : forall k x h s, (k < K)%nat ->
  is_derive (fun r => exponent (line x h r) k) s (dot d h (component_score k (line x h s))).
Proof.
  intros k x h s Hk.
  assert (S := P_symmetric k Hk).
  apply (is_derive_ext (fun r => - (1 / 2) * (form d (P k) (offset k x)
    + 2 * r * dot d h (matvec d (P k) (offset k x)) + r ^ 2 * form d (P k) h))).
  - intros r. unfold exponent. rewrite <- form_line by auto. f_equal. unfold form.
    apply dot_ext; intros; [|apply matvec_ext; intros]; symmetry; apply offset_line.
  - auto_derive; [exact I|].
    rewrite (dot_ext d h h (component_score k (line x h s))
      (vscale (-1) (vadd (matvec d (P k) (offset k x)) (vscale s (matvec d (P k) h))))).
    + rewrite dot_scale_r, dot_add_r, dot_scale_r. unfold form. field.
    + reflexivity.
    + intros i Hi. unfold component_score.
      rewrite (matvec_ext (P k) (offset k (line x h s)) (line (offset k x) h s)) by (intros; apply offset_line).
      rewrite matvec_line. unfold vscale, vadd. ring.
Qed.

Lemma component_score_derive : forall k x h s i,
  is_derive (fun r => component_score k (line x h r) i) s (- matvec d (P k) h i).
Proof.
  intros k x h s i.
  apply (is_derive_ext (fun r => - (matvec d (P k) (offset k x) i + r * matvec d (P k) h i))).
  - intros r. unfold component_score.
    rewrite (matvec_ext (P k) (offset k (line x h r)) (line (offset k x) h r)) by (intros; apply offset_line).
    now rewrite matvec_line.
  - auto_derive; [exact I | ring].
Qed.

(** S2: s = grad log p = sum_k gamma_k b_k: along every direction h, at every point,
    d/ds log p(x + s h) = <h, s(x + s h)>. *)
Theorem score_is_gradient : forall x h s,
  is_derive (fun r => ln (density (line x h r))) s (dot d h (score (line x h s))).
Proof.
  intros x h s. evar_last.
  - apply (log_expsum_derive K a K_pos a_pos (fun k r => exponent (line x h r) k)).
    intros k Hk. now apply exponent_derive.
  - cbv beta. apply (mean_dot K d (responsibility (line x h s)) (fun k => component_score k (line x h s)) h).
Qed.

(** S4: grad s = - sum_k gamma_k P_k + Cov_gamma(b): along every direction h,
    d/ds s_i(x + s h) = - sum_k gamma_k (P_k h)_i + (Cov_gamma(b) h)_i. *)
Theorem score_jacobian : forall x h s i, (i < d)%nat ->
  let y := line x h s in
  is_derive (fun r => score (line x h r) i) s
    (- mean K (responsibility y) (fun k => matvec d (P k) h i)
     + matvec d (covmatrix K (responsibility y) (fun k => component_score k y)) h i).
Proof.
  intros x h s i Hi y. evar_last.
  - apply (softmax_mean_derive K a K_pos a_pos (fun k r => exponent (line x h r) k) _ s
      (fun k Hk => exponent_derive k x h s Hk) (fun k r => component_score k (line x h r) i)).
    intros k Hk. apply component_score_derive.
  - cbv beta. fold y. change (softmax K a (fun k => exponent y k)) with (responsibility y).
    f_equal.
    + unfold mean. rewrite <- sum_opp. apply sum_ext; intros; ring.
    + set (unit := fun j => if Nat.eq_dec j i then 1 else 0).
      assert (U : forall z, dot d unit z = z i).
      { intros z. unfold dot, unit. clear - Hi. induction d as [|n IH]; [lia|]. simpl.
        destruct (Nat.eq_dec n i) as [->|N].
        - rewrite sum_zero; [ring|]. intros j Hj. destruct (Nat.eq_dec j i); [lia|ring].
        - rewrite IH by lia. ring. }
      rewrite <- (U (matvec d _ h)), covmatrix_form.
      unfold covar. apply sum_ext; intros k Hk. unfold mean at 3. 
      rewrite (U (component_score k y)).
      rewrite (sum_ext K (fun k0 => responsibility y k0 * dot d unit (component_score k0 y))
        (fun k0 => responsibility y k0 * component_score k0 y i)) by (intros; now rewrite U).
      fold (mean K (responsibility y) (fun k0 => component_score k0 y i)). ring.
Qed.

End Mixture.
