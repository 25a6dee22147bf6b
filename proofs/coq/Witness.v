(** L5: a point at which -J has at least a given Rayleigh quotient, or a ray along which there is one.

    Page: proofs/L5.md.  The lower bound of sup_x lambda_max(-J(x, t)), and of sup_x |J(x, t)|, that a certificate asserts:
    point, normal of the ray and direction are integers over a common denominator, as are bounds of the exponentials. *)

Require Import Reals Psatz Lia ZArith List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import Finite S2 L1 L2 F2 L5 Instance.
Open Scope R_scope.

(** ** The variance from below *)

(** The least of sum_k a_k (y_k - c)^2, times sum_k a_k. *)
Definition scatter (K : nat) (a y : nat -> R) : R :=
  sum K (fun k => a k * (y k * y k)) * sum K a - sum K (fun k => a k * y k) * sum K (fun k => a k * y k).

Lemma scatter_least : forall K a y c,
  scatter K a y <= sum K (fun k => a k * ((y k - c) * (y k - c))) * sum K a.
Proof.
  intros K a y c. unfold scatter.
  rewrite (sum_ext K (fun k => a k * ((y k - c) * (y k - c)))
    (fun k => a k * (y k * y k) - 2 * c * (a k * y k) + c * c * a k)) by (intros; ring).
  rewrite sum_plus, sum_minus, !sum_scal.
  assert (Q := pow2_ge_0 (sum K (fun k => a k * y k) - c * sum K a)). nra.
Qed.

(** Masses p_k >= a_k >= 0 of sum at most H: their variance is at least scatter(a) / (sum a * H). *)
Lemma variance_from_below : forall K p a y H r, 0 < sum K p <= H -> (forall k, (k < K)%nat -> 0 <= a k <= p k) ->
  0 < sum K a -> r * (sum K a * H) <= scatter K a y -> r <= variance K (fun k => p k / sum K p) y.
Proof.
  intros K p a y H r [P S] A Sa X. set (g := fun k => p k / sum K p).
  assert (V : variance K g y * sum K p = sum K (fun k => p k * ((y k - mean K g y) * (y k - mean K g y)))).
  { unfold variance, covar. rewrite <- sum_scal_r. apply sum_ext; intros. unfold g at 1. field. lra. }
  assert (B : sum K (fun k => a k * ((y k - mean K g y) * (y k - mean K g y)))
    <= sum K (fun k => p k * ((y k - mean K g y) * (y k - mean K g y)))).
  { apply sum_le. intros k Hk. apply Rmult_le_compat_r; [apply Rle_0_sqr | now apply A]. }
  assert (C := scatter_least K a y (mean K g y)).
  assert (N : 0 <= variance K g y).
  { apply Rmult_le_reg_r with (sum K p); [exact P|]. rewrite V, Rmult_0_l. apply sum_nonneg. intros k Hk.
    specialize (A k Hk). apply Rmult_le_pos; [lra | apply Rle_0_sqr]. }
  assert (r * (sum K a * H) <= variance K g y * (sum K a * H)).
  { eapply Rle_trans; [exact X|]. eapply Rle_trans; [exact C|].
    eapply Rle_trans; [apply Rmult_le_compat_r; [lra | exact B]|]. rewrite <- V.
    assert (0 <= variance K g y * sum K a) by nra. nra. }
  apply Rmult_le_reg_r with (sum K a * H); [apply Rmult_lt_0_compat; lra | assumption].
Qed.

(** The variance is the least mean square of the distance to a number. *)
Lemma variance_from_above : forall K g y c, weights K g ->
  variance K g y <= sum K (fun k => g k * ((y k - c) * (y k - c))).
Proof.
  intros K g y c [_ G]. assert (E := covar_expand K g y y G).
  assert (S := scatter_least K g y c). unfold scatter in S. unfold variance. rewrite E, G in *. unfold mean. lra.
Qed.

(** ** Along a ray x + j n *)

Section Ray.
Variables (K d : nat) (w : nat -> R) (mu : nat -> vec) (m v shift top : R) (x n : vec) (face : nat -> bool).
Hypothesis K_pos : (0 < K)%nat.
Hypothesis w_pos : forall k, (k < K)%nat -> 0 < w k.
Hypothesis m_pos : 0 < m.
Hypothesis v_pos : 0 < v.
(** The means on the face are farthest in the direction n. *)
Hypothesis on_face : forall k, (k < K)%nat -> face k = true -> dot d n (mu k) = top.
Hypothesis off_face : forall k, (k < K)%nat -> face k = false -> dot d n (mu k) < top.

(** The mass of a component at x, and at x + j n, up to factors that all components share. *)
Definition mass (k : nat) : R :=
  w k * exp (m / v * dot d x (mu k) - m ^ 2 / (2 * v) * dot d (mu k) (mu k) - shift).
Definition ratio (k : nat) : R := exp (m / v * (dot d n (mu k) - top)).
Definition mass_at (j k : nat) : R := mass k * ratio k ^ j.
Let along (j : nat) : nat -> R := gamma K d w mu m v (line x n (INR j)).

Lemma mass_pos : forall k, (k < K)%nat -> 0 < mass k.
Proof. intros k Hk. apply Rmult_lt_0_compat; [auto | apply exp_pos]. Qed.

Lemma mass_at_pos : forall j k, (k < K)%nat -> 0 < mass_at j k.
Proof. intros j k Hk. apply Rmult_lt_0_compat; [now apply mass_pos | apply pow_lt, exp_pos]. Qed.

Lemma total_mass_pos : forall j, 0 < sum K (mass_at j).
Proof. intros j. apply sum_pos; [exact K_pos|]. intros; now apply mass_at_pos. Qed.

Lemma exp_multiple : forall j a, exp a ^ j = exp (INR j * a).
Proof.
  induction j as [|j IH]; intros a; [simpl; now rewrite Rmult_0_l, exp_0|].
  rewrite S_INR. simpl. rewrite IH, <- exp_plus. f_equal. ring.
Qed.

Lemma gamma_along : forall j k, (k < K)%nat -> along j k = mass_at j k / sum K (mass_at j).
Proof.
  intros j k Hk. unfold along. rewrite reduced_responsibilities by auto. unfold reduced, softmax, expsum.
  set (e := fun l => dot d (vscale (m / v) (line x n (INR j))) (mu l) - m ^ 2 / (2 * v) * dot d (mu l) (mu l)).
  set (f := exp (- shift - INR j * (m / v * top))).
  assert (F : 0 < f) by apply exp_pos.
  assert (E : forall l, mass_at j l = f * (w l * exp (e l))).
  { intros l. unfold mass_at, mass, ratio, f. rewrite exp_multiple.
    match goal with |- w l * exp ?a * exp ?b = exp ?p * (w l * exp ?q) => transitivity (w l * exp (a + b));
      [rewrite exp_plus; ring | replace (a + b) with (p + q); [rewrite exp_plus; ring|]] end.
    unfold e. rewrite dot_scale_l.
    change (line x n (INR j)) with (vadd x (vscale (INR j) n)). rewrite dot_add_l, dot_scale_l. ring. }
  rewrite (sum_ext K (mass_at j) (fun l => f * (w l * exp (e l)))) by (intros; apply E).
  rewrite sum_scal, E. change (w k * exp (e k) / sum K (fun l => w l * exp (e l))
    = f * (w k * exp (e k)) / (f * sum K (fun l => w l * exp (e l)))).
  assert (P := expsum_pos K w K_pos w_pos e). unfold expsum in P. field. lra.
Qed.

(** Along the ray only the masses on the face are left. *)
Lemma masses_left : forall z, is_lim_seq (fun j => sum K (fun k => mass_at j k * z k))
  (sum K (fun k => if face k then mass k * z k else 0)).
Proof.
  intros z. assert (G : forall l, (l <= K)%nat -> is_lim_seq (fun j => sum l (fun k => mass_at j k * z k))
    (sum l (fun k => if face k then mass k * z k else 0))); [|now apply G].
  induction l as [|l IH]; intros L; [apply is_lim_seq_const|].
  simpl. apply is_lim_seq_plus'; [apply IH; lia|]. unfold mass_at. destruct (face l) eqn:F.
  - apply is_lim_seq_ext with (fun _ => mass l * z l); [|apply is_lim_seq_const].
    intros j. unfold ratio. rewrite on_face by (auto; lia).
    rewrite Rminus_eq_0, Rmult_0_r, exp_0, pow1. ring.
  - apply is_lim_seq_ext with (fun j => mass l * z l * ratio l ^ j); [intros; ring|].
    replace 0 with (mass l * z l * 0) by ring.
    apply (is_lim_seq_scal_l (fun j => ratio l ^ j) (mass l * z l) 0), is_lim_seq_geom.
    unfold ratio. rewrite Rabs_pos_eq by (left; apply exp_pos). rewrite <- exp_0. apply exp_increasing.
    specialize (off_face l ltac:(lia) F). assert (0 < m / v) by (now apply Rdiv_lt_0_compat). nra.
Qed.

Lemma comes_below : forall (u : nat -> R) (l b : R), is_lim_seq u l -> l < b -> exists j, u j <= b.
Proof.
  intros u l b L B. destruct (proj2 (is_lim_seq_spec u l) L (mkposreal (b - l) ltac:(lra))) as [j J].
  exists j. specialize (J j (le_n j)). simpl in J. apply Rabs_def2 in J. lra.
Qed.

(** A variance that bounds of the masses on the face have is reached, but for less than `slack`. *)
Lemma variance_on_ray : forall (y a b : nat -> R) (slack r : R), 0 < slack ->
  (forall k, (k < K)%nat -> if face k then 0 <= a k /\ a k <= mass k <= b k else a k = 0 /\ b k = 0) -> 0 < sum K a ->
  r * (sum K a * (sum K b + slack)) <= scatter K a y -> exists j, r <= variance K (along j) y.
Proof.
  intros y a b slack r S B A X. destruct (comes_below _ _ (sum K b + slack) (masses_left (fun _ => 1))) as [j J].
  - apply Rle_lt_trans with (sum K b); [|lra]. apply sum_le. intros k Hk. specialize (B k Hk). destruct (face k); lra.
  - exists j. rewrite (sum_ext K (fun k => mass_at j k * 1) (mass_at j)) in J by (intros; ring).
    unfold variance, covar. assert (E : mean K (along j) y = mean K (fun k => mass_at j k / sum K (mass_at j)) y)
      by (apply sum_ext; intros; now rewrite gamma_along).
    rewrite E, (sum_ext K (fun k => along j k * _) (fun k => mass_at j k / sum K (mass_at j)
      * ((y k - mean K (fun k => mass_at j k / sum K (mass_at j)) y)
         * (y k - mean K (fun k => mass_at j k / sum K (mass_at j)) y)))) by (intros; now rewrite gamma_along).
    apply (variance_from_below K (mass_at j) a y (sum K b + slack)); auto.
    + split; [apply total_mass_pos | exact J].
    + intros k Hk. specialize (B k Hk). assert (P := mass_at_pos j k Hk). destruct (face k) eqn:F; [|lra].
      unfold mass_at, ratio. rewrite on_face by auto. rewrite Rminus_eq_0, Rmult_0_r, exp_0, pow1. lra.
Qed.

(** Where all means of the face have the same y, the variance falls below every number > 0. *)
Lemma variance_vanishes : forall (y : nat -> R) (c e : R) (i : nat), 0 < e -> (i < K)%nat -> face i = true ->
  (forall k, (k < K)%nat -> face k = true -> y k = c) -> exists j, variance K (along j) y <= e.
Proof.
  intros y c e i E I Fi Y. set (z := fun k => (y k - c) * (y k - c)). assert (P := mass_pos i I).
  destruct (comes_below _ _ (e * mass i) (masses_left z)) as [j J].
  - rewrite sum_zero; [now apply Rmult_lt_0_compat|]. intros k Hk. destruct (face k) eqn:F; [|reflexivity].
    unfold z. rewrite (Y k Hk F). ring.
  - exists j. eapply Rle_trans; [apply (variance_from_above K _ y c), gamma_weights; auto|].
    assert (T := total_mass_pos j).
    assert (M : mass i <= sum K (mass_at j)).
    { apply Rle_trans with (mass_at j i); [|apply (sum_term_le K); auto; intros; left; now apply mass_at_pos].
      unfold mass_at, ratio. rewrite on_face by auto. rewrite Rminus_eq_0, Rmult_0_r, exp_0, pow1. lra. }
    rewrite (sum_ext K _ (fun k => mass_at j k * z k * / sum K (mass_at j)))
      by (intros; fold (along j); rewrite gamma_along by assumption; unfold z; field; lra).
    rewrite sum_scal_r. apply Rmult_le_reg_r with (sum K (mass_at j)); [exact T|].
    rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra. nra.
Qed.

End Ray.

(** ** From integers *)

Definition entries (row : list Z) (q : Z) : vec := fun i => IZR (nth i row 0%Z) / IZR q.

Fixpoint dot_z (d : nat) (x y : list Z) : Z :=
  match d with O => 0 | S i => dot_z i x y + nth i x 0 * nth i y 0 end%Z.
Fixpoint sum_z (n : nat) (f : nat -> Z) : Z := match n with O => 0 | S k => sum_z k f + f k end%Z.

Lemma dot_entries : forall d x y p q, (0 < p)%Z -> (0 < q)%Z ->
  dot d (entries x p) (entries y q) = IZR (dot_z d x y) / (IZR p * IZR q).
Proof.
  intros d x y p q P Q. apply IZR_lt in P, Q. unfold dot. induction d as [|d IH]; simpl; [field; lra|].
  rewrite IH, plus_IZR, mult_IZR. unfold entries. field. lra.
Qed.

Lemma sum_of_integers : forall n f s, sum n (fun k => IZR (f k) / s) = IZR (sum_z n f) / s.
Proof.
  intros n f s. induction n as [|n IH]; simpl; [unfold Rdiv; ring|]. rewrite IH, plus_IZR. unfold Rdiv. ring.
Qed.

(** (m/v) a - (m^2/2v) b - shift, a and b over products of denominators: the exponent of a component. *)
Definition exponent_of (c t shift : R) (p q a b : Z) : R :=
  factor t / spread c t * (IZR a / (IZR p * IZR q)) - factor t ^ 2 / (2 * spread c t) * (IZR b / (IZR q * IZR q)) - shift.

Section Integers.
Variables (d : nat) (rows : list (list Z)) (q : Z) (shares : list Z) (total : Z) (sigma2 t shift : R).
Variables (point_row : list Z) (p : Z) (normal direction : list Z) (top : Z) (bounds : list (Z * Z)) (unit : Z).
Let K := length rows.
Let c := 1 - sigma2.
Let row (k : nat) : list Z := nth k rows nil.
Let mu : nat -> vec := point rows q.
Let w : nat -> R := weight shares total.
Let x : vec := entries point_row p.
Let n : vec := entries normal 1.
Let h : vec := entries direction 1.
Let along (j : nat) : nat -> nat -> R := mixture_jacobian K d w mu sigma2 t (line x n (INR j)).

Hypothesis K_pos : (0 < K)%nat.
Hypothesis w_pos : forall k, 0 < w k.
Hypothesis sigma2_pos : 0 < sigma2.
Hypothesis t_pos : 0 <= t.
Hypothesis p_pos : (0 < p)%Z.
Hypothesis q_pos : (0 < q)%Z.

Hypothesis total_pos : (0 < total)%Z.
Hypothesis unit_pos : (0 < unit)%Z.

(** Whether a mean is on the face, and that none is beyond. *)
Definition on_the_face (k : nat) : bool := (dot_z d normal (row k) =? top)%Z.
Definition none_beyond : bool := forallb (fun r => dot_z d normal r <=? top)%Z rows.

(** Integers below and above the masses on the face: share * bound, over total * unit. *)
Definition least_mass (k : nat) : Z := if on_the_face k then (nth k shares 1 * fst (nth k bounds (0, 0)))%Z else 0%Z.
Definition most_mass (k : nat) : Z := if on_the_face k then (nth k shares 1 * snd (nth k bounds (0, 0)))%Z else 0%Z.
Definition height (k : nat) : Z := dot_z d direction (row k).
Definition square : Z := dot_z d direction direction.

(** The variance along the direction, over its square, is at least num/den wherever the masses have these bounds. *)
Definition shown (num den : Z) : bool :=
  let least := sum_z K least_mass in
  let first := sum_z K (fun k => least_mass k * height k)%Z in
  let second := sum_z K (fun k => least_mass k * (height k * height k))%Z in
  ((0 <? den) && (0 <? square) && (0 <? least) && forallb (fun b => 0 <=? fst b) bounds
   && (num * (square * (q * q)) * (least * (sum_z K most_mass + 1)) <=? den * (second * least - first * first)))%Z%bool.
(** The means on the face have the same height as mean i, which is one of them. *)
Definition level (i : nat) : bool :=
  (Nat.ltb i K && on_the_face i
   && forallb (fun k => if on_the_face k then height k =? height i else true)%Z (seq 0 K))%bool.

(** The exponent of a mass is in its bounds. *)
Definition bounded (k : nat) : Prop :=
  IZR (fst (nth k bounds (0, 0)%Z)) / IZR unit
  <= exp (exponent_of c t shift p q (dot_z d point_row (row k)) (dot_z d (row k) (row k)))
  <= IZR (snd (nth k bounds (0, 0)%Z)) / IZR unit.

Let v_pos : 0 < spread c t.
Proof. apply spread_pos; [unfold c; lra | exact t_pos]. Qed.

Lemma dot_integers : forall y k, dot d (entries y 1) (mu k) = IZR (dot_z d y (row k)) / IZR q.
Proof.
  intros y k. change (mu k) with (entries (row k) q). rewrite dot_entries by (reflexivity || assumption).
  apply IZR_lt in q_pos. field. lra.
Qed.

Lemma direction_square : dot d h h = IZR square.
Proof. unfold h. rewrite dot_entries by reflexivity. fold square. field. Qed.

Lemma face_is_top : forall k, (k < K)%nat -> on_the_face k = true -> dot d n (mu k) = IZR top / IZR q.
Proof. intros k Hk F. unfold n. rewrite dot_integers. apply Z.eqb_eq in F. now rewrite F. Qed.

Lemma others_below : none_beyond = true -> forall k, (k < K)%nat -> on_the_face k = false -> dot d n (mu k) < IZR top / IZR q.
Proof.
  intros B k Hk F. unfold n. rewrite dot_integers. unfold none_beyond in B. rewrite forallb_forall in B.
  specialize (B _ (nth_In rows nil Hk)). apply Z.leb_le in B. apply Z.eqb_neq in F. apply IZR_lt in q_pos.
  apply Rmult_lt_compat_r; [now apply Rinv_0_lt_compat | apply IZR_lt; unfold row in *; lia].
Qed.

Lemma mass_is : forall k, mass d w mu (factor t) (spread c t) shift x k
  = IZR (nth k shares 1%Z) / IZR total * exp (exponent_of c t shift p q (dot_z d point_row (row k)) (dot_z d (row k) (row k))).
Proof.
  intros k. unfold mass, exponent_of, x. change (mu k) with (entries (row k) q).
  now rewrite !dot_entries by assumption.
Qed.

Lemma quotient_on_ray : forall j, - form d (along j) h
  = (1 - 1 / spread c t) * dot d h h
    + factor t ^ 2 / spread c t ^ 2
      * variance K (gamma K d w mu (factor t) (spread c t) (line x n (INR j))) (fun k => dot d h (mu k)).
Proof. intros j. unfold along, mixture_jacobian. fold c. rewrite jacobian_form. ring. Qed.

(** L5, the one-sided rate from below. *)
Theorem quotient_reached : forall num den low, none_beyond = true -> shown num den = true ->
  (forall k, (k < K)%nat -> on_the_face k = true -> bounded k) ->
  low <= 1 - 1 / spread c t + factor t ^ 2 / spread c t ^ 2 * (IZR num / IZR den) ->
  0 < dot d h h /\ exists j, low * dot d h h <= - form d (along j) h.
Proof.
  intros num den low B S X L. unfold shown in S. rewrite !Bool.andb_true_iff in S.
  destruct S as ((((S1 & S2) & S3) & S4) & S5). apply Z.ltb_lt, IZR_lt in S1, S2, S3. apply Z.leb_le, IZR_le in S5.
  rewrite forallb_forall in S4.
  rewrite !mult_IZR, plus_IZR, minus_IZR, !mult_IZR in S5.
  assert (T := total_pos). assert (U := unit_pos). assert (Q := q_pos). apply IZR_lt in T, U, Q.
  set (s := IZR total * IZR unit). assert (s' : 0 < s) by now apply Rmult_lt_0_compat.
  split; [rewrite direction_square; exact S2|].
  destruct (variance_on_ray K d w mu (factor t) (spread c t) shift (IZR top / IZR q) x n on_the_face) with
    (y := fun k => dot d h (mu k)) (a := fun k => IZR (least_mass k) / s) (b := fun k => IZR (most_mass k) / s)
    (slack := 1 / s) (r := IZR num / IZR den * dot d h h) as [j J]; auto using face_is_top, others_below.
  - apply exp_pos.
  - now apply Rdiv_lt_0_compat; [lra|].
  - intros k Hk. unfold least_mass, most_mass. destruct (on_the_face k) eqn:F; [|split; field; lra].
    specialize (X k Hk F). unfold bounded in X. rewrite mass_is, !mult_IZR.
    assert (W := w_pos k). unfold w, weight in W. set (g := IZR (nth k shares 1%Z)) in *.
    assert (P : 0 <= IZR (fst (nth k bounds (0, 0)%Z))).
    { apply IZR_le. destruct (Nat.lt_ge_cases k (length bounds)) as [M|M];
        [apply Z.leb_le, S4, nth_In, M | rewrite nth_overflow by exact M; reflexivity]. }
    set (lo := IZR (fst _)) in *. set (hi := IZR (snd _)) in *. set (e := exp _) in *.
    replace (g * lo / s) with (g / IZR total * (lo / IZR unit)) by (unfold s; field; lra).
    replace (g * hi / s) with (g / IZR total * (hi / IZR unit)) by (unfold s; field; lra).
    assert (0 <= lo / IZR unit) by (apply Rmult_le_pos; [exact P | left; now apply Rinv_0_lt_compat]).
    repeat split; [apply Rmult_le_pos | apply Rmult_le_compat_l | apply Rmult_le_compat_l]; lra.
  - rewrite sum_of_integers. now apply Rdiv_lt_0_compat.
  - rewrite !sum_of_integers, direction_square. unfold scatter.
    rewrite (sum_ext K _ (fun k => IZR (least_mass k * (height k * height k)) / (s * (IZR q * IZR q))))
      by (intros; unfold h; rewrite dot_integers, !mult_IZR; fold (height k); field; lra).
    rewrite (sum_ext K (fun k => IZR (least_mass k) / s * _) (fun k => IZR (least_mass k * height k) / (s * IZR q)))
      by (intros; unfold h; rewrite dot_integers, !mult_IZR; fold (height k); field; lra).
    rewrite !sum_of_integers.
    set (A := IZR (sum_z K least_mass)) in *. set (H := IZR (sum_z K most_mass)) in *.
    set (F := IZR (sum_z K (fun k => _ * height k)%Z)) in *. set (G := IZR (sum_z K (fun k => _ * (_ * _))%Z)) in *.
    replace (IZR num / IZR den * IZR square * (A / s * (H / s + 1 / s)))
      with (IZR num * (IZR square * (IZR q * IZR q)) * (A * (H + 1)) * / (IZR den * (s * s * (IZR q * IZR q)))) by (field; lra).
    replace (G / (s * (IZR q * IZR q)) * (A / s) - F / (s * IZR q) * (F / (s * IZR q)))
      with (IZR den * (G * A - F * F) * / (IZR den * (s * s * (IZR q * IZR q)))) by (field; lra).
    apply Rmult_le_compat_r; [|exact S5]. left. apply Rinv_0_lt_compat. repeat apply Rmult_lt_0_compat; assumption.
  - exists j. rewrite quotient_on_ray. set (V := variance _ _ _) in *.
    assert (Mv : 0 <= factor t ^ 2 / spread c t ^ 2) by (apply coefficient_nonneg; lra).
    assert (N := dot_nonneg d h). apply Rmult_le_compat_r with (r := dot d h h) in L; [|exact N].
    apply Rmult_le_compat_l with (r := factor t ^ 2 / spread c t ^ 2) in J; [|exact Mv]. lra.
Qed.

Lemma norm_from_form : forall A low, 0 < dot d h h -> low * dot d h h <= Rabs (form d A h) ->
  low * norm d h <= norm d (matvec d A h).
Proof.
  intros A low P L. assert (C := cauchy_schwarz d h (matvec d A h)). fold (form d A h) in C.
  rewrite <- norm_square in L, P. assert (N := norm_nonneg d h).
  assert (0 < norm d h) by (destruct N as [N|N]; [exact N | rewrite <- N in P; lra]).
  apply Rmult_le_reg_l with (norm d h); [assumption | lra].
Qed.

(** L5, the two-sided rate from below: where the one-sided one is as large, *)
Theorem norm_reached : forall low, 0 < dot d h h /\ (exists j, low * dot d h h <= - form d (along j) h) ->
  0 < dot d h h /\ exists j, low * norm d h <= norm d (matvec d (along j) h).
Proof.
  intros low (P & j & L). split; [exact P|]. exists j. apply norm_from_form; [exact P|].
  rewrite <- Rabs_Ropp. eapply Rle_trans; [exact L | apply Rle_abs].
Qed.

(** and below 1/v - 1, towards means in which the masses end. *)
Theorem norm_reached_at_level : forall i low, (0 < square)%Z -> none_beyond = true -> level i = true ->
  low < 1 / spread c t - 1 -> 0 < dot d h h /\ exists j, low * norm d h <= norm d (matvec d (along j) h).
Proof.
  intros i low S B E L. apply IZR_lt in S. rewrite <- direction_square in S. split; [exact S|].
  unfold level in E. rewrite !Bool.andb_true_iff in E. destruct E as ((I & F) & E). apply Nat.ltb_lt in I.
  rewrite forallb_forall in E. assert (M := exp_pos (- t)). fold (factor t) in M.
  destruct (variance_vanishes K d w mu (factor t) (spread c t) 0 (IZR top / IZR q) x n on_the_face) with
    (y := fun k => dot d h (mu k)) (c := IZR (height i) / IZR q) (i := i)
    (e := (1 / spread c t - 1 - low) * dot d h h * (spread c t ^ 2 / factor t ^ 2)) as [j J];
    auto using face_is_top, others_below.
  - apply Rmult_lt_0_compat; [apply Rmult_lt_0_compat; lra | apply Rdiv_lt_0_compat; now apply pow_lt].
  - intros k Hk Fk. unfold h. rewrite dot_integers. fold (height k).
    specialize (E k ltac:(apply in_seq; lia)). rewrite Fk in E. apply Z.eqb_eq in E. now rewrite E.
  - exists j. apply norm_from_form; [exact S|]. eapply Rle_trans; [|apply Rle_abs].
    assert (Z := quotient_on_ray j). set (V := variance _ _ _) in *.
    assert (Mv : 0 <= factor t ^ 2 / spread c t ^ 2) by (apply coefficient_nonneg; lra).
    apply Rmult_le_compat_l with (r := factor t ^ 2 / spread c t ^ 2) in J; [|exact Mv].
    replace (factor t ^ 2 / spread c t ^ 2 * ((1 / spread c t - 1 - low) * dot d h h * (spread c t ^ 2 / factor t ^ 2)))
      with ((1 / spread c t - 1 - low) * dot d h h) in J by (field; lra). lra.
Qed.

End Integers.

(** Without a normal the ray is the point. *)
Lemma ray_of_point : forall x r, line x (entries nil 1) r = x.
Proof.
  intros x r. apply functional_extensionality. intros i. unfold line, entries. destruct i; simpl; field.
Qed.
