(** G1: the stability-balanced grid.

    Page: proofs/G1.md.  For every number of segments n and every rate >= 0 that is integrable; I(t) = int_delta^t rate. *)

Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite.
Open Scope R_scope.

Section Grid.
Variables (rho : R -> R) (delta T : R).
Hypothesis integrable : forall a b, ex_RInt rho a b.
Let share (t : nat -> R) (k : nat) : R := RInt rho (t (S k)) (t k).

Lemma chasles : forall a b c, RInt rho a b + RInt rho b c = RInt rho a c.
Proof. intros. exact (RInt_Chasles rho a b c (integrable _ _) (integrable _ _)). Qed.

(** The shares of the segments of any grid T = t_0, ..., t_n = delta have the sum R. *)
Theorem shares_sum : forall n (t : nat -> R), t O = T -> t n = delta -> sum n (share t) = RInt rho delta T.
Proof.
  intros n t <- <-.
  induction n as [|n IH]; simpl.
  - rewrite RInt_point. reflexivity.
  - rewrite IH, <- (chasles (t (S n)) (t n) (t O)). unfold share. ring.
Qed.

Lemma some_term_large : forall n (f : nat -> R) a, (0 < n)%nat -> INR n * a <= sum n f -> exists k, (k < n)%nat /\ a <= f k.
Proof.
  induction n as [|n IH]; intros f a Hn H; [lia|].
  rewrite S_INR in H. simpl in H. destruct (Rle_dec a (f n)) as [A|A]; [exists n; split; [lia|exact A]|].
  destruct n as [|n].
  - exists O. simpl in *. split; [lia|lra].
  - destruct (IH f a) as (k & Hk & E); [lia | lra |]. exists k. split; [lia|exact E].
Qed.

(** G1.1, minimax: on every grid with n segments some segment has a share of at least R / n, and on the balanced one all have exactly that;
    so max_k int_(t_k)^(t_(k-1)) rate is smallest on the balanced grid. *)
Theorem minimax : forall n (t : nat -> R), (0 < n)%nat -> t O = T -> t n = delta ->
  exists k, (k < n)%nat /\ RInt rho delta T / INR n <= share t k.
Proof.
  intros n t Hn H0 Hd. apply some_term_large; auto.
  rewrite (shares_sum n t H0 Hd). right. field. apply not_0_INR. lia.
Qed.

(** A grid no segment of which passes R / n is balanced. *)
Theorem minimiser_is_balanced : forall n (t : nat -> R), (0 < n)%nat -> t O = T -> t n = delta ->
  (forall k, (k < n)%nat -> share t k <= RInt rho delta T / INR n) ->
  forall k, (k < n)%nat -> share t k = RInt rho delta T / INR n.
Proof.
  intros n t Hn H0 Hd B k Hk. set (a := RInt rho delta T / INR n) in *.
  assert (S0 : sum n (fun j => a - share t j) = 0).
  { rewrite sum_minus, sum_const, (shares_sum n t H0 Hd). unfold a. field. apply not_0_INR. lia. }
  assert (Tm := sum_term_le n (fun j => a - share t j) k ltac:(intros j Hj; specialize (B j Hj); lra) Hk).
  cbv beta in Tm. specialize (B k Hk). lra.
Qed.

(** G1.2, the minimiser is unique where the rate is positive (its integral over every interval of positive length is). *)
Theorem unique_minimiser : (forall a b, a < b -> 0 < RInt rho a b) ->
  forall n (s t : nat -> R), (0 < n)%nat -> s O = T -> s n = delta -> t O = T -> t n = delta ->
  (forall k, (k < n)%nat -> share s k <= RInt rho delta T / INR n) ->
  (forall k, (k < n)%nat -> share t k <= RInt rho delta T / INR n) ->
  forall k, (k <= n)%nat -> s k = t k.
Proof.
  intros P n s t Hn S0 Sn T0 Tn Bs Bt.
  assert (inj : forall a b c, RInt rho a c = RInt rho b c -> a = b).
  { intros a b c E. assert (C := chasles a b c). destruct (Rtotal_order a b) as [L|[L|L]]; auto.
    - specialize (P a b L). lra.
    - assert (C' := chasles b a c). specialize (P b a L). lra. }
  assert (Es := minimiser_is_balanced n s Hn S0 Sn Bs). assert (Et := minimiser_is_balanced n t Hn T0 Tn Bt).
  induction k as [|k IH]; intros Hk; [congruence|].
  apply (inj _ _ (s k)). rewrite (IH ltac:(lia)) at 2.
  unfold share in Es, Et. rewrite Es, Et by lia. reflexivity.
Qed.

(** G1.1, existence: for a rate that is >= 0 and delta <= T there are nodes in [delta, T], in order, with equal shares. *)
Theorem balanced_grid_exists : (forall a b, a <= b -> 0 <= RInt rho a b) -> delta <= T ->
  forall n, (0 < n)%nat -> exists t : nat -> R, t O = T /\ t n = delta /\
    (forall k, (k < n)%nat -> delta <= t (S k) <= t k) /\
    (forall k, (k < n)%nat -> share t k = RInt rho delta T / INR n).
Proof.
  intros P H n Hn. destruct (ex_intro (fun r : R => r = RInt rho delta T) _ eq_refl) as (R0 & ER). rewrite <- ER.
  assert (PR : 0 <= R0) by (rewrite ER; apply P; auto).
  assert (Pn : 0 < INR n) by (apply lt_0_INR; auto).
  assert (cont : forall x, continuous (fun t => RInt rho delta t) x).
  { intros x. apply (continuous_RInt_1 rho delta x (fun t => RInt rho delta t)).
    exists (mkposreal 1 Rlt_0_1). intros z _. apply (RInt_correct rho). apply integrable. }
  (* one step: a node below s with the share a *)
  assert (step : forall s a, delta <= s <= T -> 0 <= a <= RInt rho delta s ->
    exists r, delta <= r <= s /\ RInt rho r s = a).
  { intros s a [S1 S2] [A1 A2].
    destruct (IVT_gen (fun t => RInt rho delta t) delta s (RInt rho delta s - a)) as (r & Hr & E).
    - intros x. apply continuity_pt_filterlim. apply cont.
    - rewrite RInt_point. unfold zero; simpl. rewrite Rmin_left, Rmax_right by lra. lra.
    - rewrite Rmin_left, Rmax_right in Hr by lra. exists r. split; [exact Hr|].
      assert (C := chasles delta r s). lra. }
  assert (chain : forall k, (k <= n)%nat -> exists t : nat -> R, t O = T /\ delta <= t k <= T /\
    (forall j, (j < k)%nat -> delta <= t (S j) <= t j /\ RInt rho (t (S j)) (t j) = R0 / INR n) /\
    RInt rho delta (t k) = R0 - INR k * (R0 / INR n)).
  { induction k as [|k IH]; intros Hk.
    - exists (fun _ => T). simpl. repeat split; try lra; try lia.
    - destruct (IH ltac:(lia)) as (t & t0 & tk & ts & tI).
      assert (kn : INR (S k) <= INR n) by (apply le_INR; lia).
      assert (q : 0 <= R0 / INR n) by (apply Rdiv_le_0_compat; auto).
      assert (nq : INR n * (R0 / INR n) = R0) by (field; lra).
      destruct (step (t k) (R0 / INR n)) as (r & Hr & E); auto.
      { rewrite tI. rewrite S_INR in kn. split; [exact q|]. nra. }
      exists (fun j => if Nat.eq_dec j (S k) then r else t j).
      destruct (Nat.eq_dec 0 (S k)) as [e|_]; [lia|].
      destruct (Nat.eq_dec (S k) (S k)) as [_|e]; [|lia].
      split; [exact t0|]. split; [lra|]. split.
      + intros j Hj. destruct (Nat.eq_dec j (S k)) as [e|_]; [lia|].
        destruct (Nat.eq_dec (S j) (S k)) as [e|e].
        * assert (j = k) as -> by lia. split; [lra | exact E].
        * apply ts. lia.
      + assert (C := chasles delta r (t k)). rewrite S_INR. lra. }
  destruct (chain n (le_n n)) as (t & t0 & tk & ts & tI).
  assert (Z : RInt rho delta (t n) = 0) by (rewrite tI; assert (INR n * (R0 / INR n) = R0) by (field; lra); lra).
  (* the last node becomes delta itself: no share is lost *)
  destruct n as [|n]; [lia|].
  exists (fun j => if Nat.eq_dec j (S n) then delta else t j).
  destruct (Nat.eq_dec 0 (S n)) as [e|_]; [lia|]. destruct (Nat.eq_dec (S n) (S n)) as [_|e]; [|lia].
  split; [exact t0|]. split; [reflexivity|]. unfold share. split.
  - intros k Hk. destruct (Nat.eq_dec k (S n)) as [e|_]; [lia|].
    assert (Tk := proj1 (ts k Hk)).
    destruct (Nat.eq_dec (S k) (S n)); lra.
  - intros k Hk. destruct (Nat.eq_dec k (S n)) as [e|_]; [lia|].
    assert (Ek := proj2 (ts k Hk)).
    destruct (Nat.eq_dec (S k) (S n)) as [e|e]; [|exact Ek].
    assert (C := chasles delta (t (S n)) (t k)). replace (S k) with (S n) in Ek by lia. lra.
Qed.

End Grid.
