(** G1: the stability-balanced grid.

    Page: proofs/G1.md.  For every number of segments n and every rate that is integrable over [delta, T], grids in
    [delta, T]; I(t) = int_delta^t rate.  Nothing is asked of the rate at other times: lambda has a pole before 0 where
    sigma < 1. *)

Require Import Reals Psatz Lia.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite.
Open Scope R_scope.

Section Grid.
Variables (rho : R -> R) (delta T : R).
Hypothesis ordered : delta <= T.
Hypothesis integrable : ex_RInt rho delta T.
Let share (t : nat -> R) (k : nat) : R := RInt rho (t (S k)) (t k).
Let inside (r : R) : Prop := delta <= r <= T.

Lemma integrable_inside : forall a b, inside a -> inside b -> ex_RInt rho a b.
Proof.
  assert (H : forall a b, delta <= a -> a <= b -> b <= T -> ex_RInt rho a b).
  { intros a b A B C. apply (ex_RInt_Chasles_2 rho delta a b); [lra|].
    apply (ex_RInt_Chasles_1 rho delta b T); [lra | exact integrable]. }
  unfold inside. intros a b A B. destruct (Rle_dec a b); [apply H; lra | apply ex_RInt_swap, H; lra].
Qed.

Lemma chasles : forall a b c, inside a -> inside b -> inside c -> RInt rho a b + RInt rho b c = RInt rho a c.
Proof. intros. apply (RInt_Chasles rho a b c); now apply integrable_inside. Qed.

(** The shares of the segments of any grid T = t_0, ..., t_n = delta in [delta, T] have the sum R. *)
Theorem shares_sum : forall n (t : nat -> R), t O = T -> t n = delta -> (forall k, (k <= n)%nat -> delta <= t k <= T) ->
  sum n (share t) = RInt rho delta T.
Proof.
  intros n t t0 tn I. rewrite <- t0, <- tn. clear tn.
  induction n as [|n IH]; simpl.
  - rewrite RInt_point. reflexivity.
  - rewrite IH by (intros; apply I; lia). rewrite <- (chasles (t (S n)) (t n) (t O)) by (apply I; lia). unfold share. ring.
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
  (forall k, (k <= n)%nat -> delta <= t k <= T) ->
  exists k, (k < n)%nat /\ RInt rho delta T / INR n <= share t k.
Proof.
  intros n t Hn H0 Hd I. apply some_term_large; auto.
  rewrite (shares_sum n t H0 Hd I). right. field. apply not_0_INR. lia.
Qed.

(** A grid no segment of which passes R / n is balanced. *)
Theorem minimiser_is_balanced : forall n (t : nat -> R), (0 < n)%nat -> t O = T -> t n = delta ->
  (forall k, (k <= n)%nat -> delta <= t k <= T) ->
  (forall k, (k < n)%nat -> share t k <= RInt rho delta T / INR n) ->
  forall k, (k < n)%nat -> share t k = RInt rho delta T / INR n.
Proof.
  intros n t Hn H0 Hd I B k Hk. set (a := RInt rho delta T / INR n) in *.
  assert (S0 : sum n (fun j => a - share t j) = 0).
  { rewrite sum_minus, sum_const, (shares_sum n t H0 Hd I). unfold a. field. apply not_0_INR. lia. }
  assert (Tm := sum_term_le n (fun j => a - share t j) k ltac:(intros j Hj; specialize (B j Hj); lra) Hk).
  cbv beta in Tm. specialize (B k Hk). lra.
Qed.

(** G1.2, the minimiser is unique where the rate is positive (its integral over every interval of positive length in
    [delta, T] is). *)
Theorem unique_minimiser : (forall a b, delta <= a -> a < b -> b <= T -> 0 < RInt rho a b) ->
  forall n (s t : nat -> R), (0 < n)%nat -> s O = T -> s n = delta -> t O = T -> t n = delta ->
  (forall k, (k <= n)%nat -> delta <= s k <= T) -> (forall k, (k <= n)%nat -> delta <= t k <= T) ->
  (forall k, (k < n)%nat -> share s k <= RInt rho delta T / INR n) ->
  (forall k, (k < n)%nat -> share t k <= RInt rho delta T / INR n) ->
  forall k, (k <= n)%nat -> s k = t k.
Proof.
  intros P n s t Hn S0 Sn T0 Tn Is It Bs Bt.
  assert (inj : forall a b c, inside a -> inside b -> inside c -> RInt rho a c = RInt rho b c -> a = b).
  { intros a b c A B C E. assert (Q := chasles a b c A B C). destruct (Rtotal_order a b) as [L|[L|L]]; auto.
    - specialize (P a b (proj1 A) L (proj2 B)). lra.
    - assert (Q' := chasles b a c B A C). specialize (P b a (proj1 B) L (proj2 A)). lra. }
  assert (Es := minimiser_is_balanced n s Hn S0 Sn Is Bs). assert (Et := minimiser_is_balanced n t Hn T0 Tn It Bt).
  induction k as [|k IH]; intros Hk; [congruence|].
  apply (inj _ _ (s k)); [apply Is; lia | apply It; lia | apply Is; lia |]. rewrite (IH ltac:(lia)) at 2.
  unfold share in Es, Et. rewrite Es, Et by lia. reflexivity.
Qed.

(** The rate on [delta, T], continued by its values at the ends: it is integrable over every interval. *)
Let held (r : R) : R := rho (Rmax delta (Rmin r T)).

Lemma held_is : forall r, inside r -> held r = rho r.
Proof. unfold inside, held. intros r H. rewrite Rmin_left by lra. now rewrite Rmax_right by lra. Qed.

Lemma held_integrable : forall a b, ex_RInt held a b.
Proof.
  assert (H : forall b, ex_RInt held delta b).
  { assert (M : forall b, inside b -> ex_RInt held delta b).
    { intros b B. apply (ex_RInt_ext rho).
      - unfold inside in B. rewrite Rmin_left, Rmax_right by lra. intros r R. symmetry. apply held_is. unfold inside. lra.
      - apply integrable_inside; unfold inside in *; lra. }
    intros b. destruct (Rle_dec delta b) as [A|A]; [destruct (Rle_dec b T) as [B|B]; [apply M; now split|]|].
    - apply (ex_RInt_Chasles held delta T b); [apply M; unfold inside; lra|].
      apply (ex_RInt_ext (fun _ => rho T)); [|apply ex_RInt_const].
      rewrite Rmin_left, Rmax_right by lra. intros r R. unfold held. rewrite Rmin_right by lra. now rewrite Rmax_right by lra.
    - apply (ex_RInt_ext (fun _ => rho delta)); [|apply ex_RInt_const].
      rewrite Rmin_right, Rmax_left by lra. intros r R. unfold held. rewrite Rmin_left by lra. now rewrite Rmax_left by lra. }
  intros a b. apply (ex_RInt_Chasles held a delta b); [apply ex_RInt_swap|]; apply H.
Qed.

Lemma held_integral : forall a b, inside a -> inside b -> RInt held a b = RInt rho a b.
Proof.
  intros a b A B. apply RInt_ext. intros r R. apply held_is. unfold inside in *.
  assert (delta <= Rmin a b) by (apply Rmin_glb; lra). assert (Rmax a b <= T) by (apply Rmax_lub; lra). lra.
Qed.

(** G1.1, existence: for a rate that is >= 0 there are nodes in [delta, T], in order, with equal shares. *)
Theorem balanced_grid_exists : (forall a b, delta <= a -> a <= b -> b <= T -> 0 <= RInt rho a b) ->
  forall n, (0 < n)%nat -> exists t : nat -> R, t O = T /\ t n = delta /\
    (forall k, (k < n)%nat -> delta <= t (S k) <= t k) /\
    (forall k, (k < n)%nat -> share t k = RInt rho delta T / INR n).
Proof.
  intros P n Hn. destruct (ex_intro (fun r : R => r = RInt rho delta T) _ eq_refl) as (R0 & ER). rewrite <- ER.
  assert (PR : 0 <= R0) by (rewrite ER; apply P; lra).
  assert (Pn : 0 < INR n) by (apply lt_0_INR; auto).
  assert (cont : forall x, continuous (fun t => RInt held delta t) x).
  { intros x. apply (continuous_RInt_1 held delta x (fun t => RInt held delta t)).
    exists (mkposreal 1 Rlt_0_1). intros z _. apply (RInt_correct held). apply held_integrable. }
  (* one step: a node below s with the share a *)
  assert (step : forall s a, delta <= s <= T -> 0 <= a <= RInt rho delta s ->
    exists r, delta <= r <= s /\ RInt rho r s = a).
  { intros s a [S1 S2] [A1 A2].
    rewrite <- held_integral in A2 by (unfold inside; lra).
    destruct (IVT_gen (fun t => RInt held delta t) delta s (RInt held delta s - a)) as (r & Hr & E).
    - intros x. apply continuity_pt_filterlim. apply cont.
    - rewrite RInt_point. unfold zero; simpl. rewrite Rmin_left, Rmax_right by lra. lra.
    - rewrite Rmin_left, Rmax_right in Hr by lra. exists r. split; [exact Hr|].
      rewrite !held_integral in E by (unfold inside; lra).
      assert (C := chasles delta r s ltac:(unfold inside; lra) ltac:(unfold inside; lra) ltac:(unfold inside; lra)). lra. }
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
      + assert (C := chasles delta r (t k) ltac:(unfold inside; lra) ltac:(unfold inside; lra) ltac:(unfold inside; lra)). rewrite S_INR. lra. }
  destruct (chain n (le_n n)) as (t & t0 & tk & ts & tI).
  assert (Z : RInt rho delta (t n) = 0) by (rewrite tI; assert (INR n * (R0 / INR n) = R0) by (field; lra); lra).
  assert (below : forall j, (j <= n)%nat -> t j <= T).
  { induction j as [|j IH]; intros J; [rewrite t0; apply Rle_refl|].
    specialize (ts j ltac:(lia)). specialize (IH ltac:(lia)). lra. }
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
    assert (Tk : inside (t k)) by (split; [specialize (ts k Hk); lra | apply below; lia]).
    assert (C := chasles delta (t (S n)) (t k) ltac:(unfold inside; lra) tk Tk). replace (S k) with (S n) in Ek by lia. lra.
Qed.

End Grid.
