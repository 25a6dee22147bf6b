(** The checker's rules for L2, L3, F1, F2 and G1 as functions: which certificates are accepted.

    Page: proofs/checker.md, section 3; code: certflow/certificate/checker/cases.py and closed_forms.py, decision for
    decision.  A certificate is its parsed content: exact numbers as quotients, lists of them, places.  That what is
    accepted is true is proved in the theory Accepted. *)

Require Import ZArith QArith List Bool.
From Certflow Require Import Distances Integers.
Open Scope Z_scope.

(** The mixture of N(mean_rows_k, sigma_squared I) with shares proportional to weight_list, an interval of time, and the
    bits to work with. *)
Record problem := {
  weight_list : list Q; mean_rows : list (list Q); sigma_squared : Q; start : Q; end_time : Q; asked_bits : Z }.

(** What is asserted; d2 is at least the square of the diameter of the means, and equal to it where a pair attains it. *)
Inductive assertion :=
  | SpatialBound (d2 : Q) (times upper : list Q)                    (** L2 *)
  | GrowthRates (d2 : Q) (times upper lower : list Q)               (** L3 *)
  | FlowStability (d2 growth contraction : Q) (factor : option Q)   (** F1 *)
  | CumulativeStability (d2 : Q) (one_sided two_sided : Q * Q) (pair : nat * nat)  (** F2 *)
  | BalancedGrid (d2 : Q) (two_sided : bool) (segments : nat) (nodes : list (Q * Q)) (pair : nat * nat).  (** G1 *)

Definition less (x y : Q) : bool := negb (Qle_bool y x).

(** Integers over a common denominator. *)
Definition common (values : list Q) : Z := fold_right (fun x l => Z.lcm (Zpos (Qden x)) l) 1 values.
Definition over (denominator : Z) (x : Q) : Z := Qnum x * (denominator / Zpos (Qden x)).
Definition denominator (p : problem) : Z := common (concat (mean_rows p)).
Definition integer_rows (p : problem) : list (list Z) := map (map (over (denominator p))) (mean_rows p).
Definition dimension (p : problem) : nat := length (hd nil (mean_rows p)).

Definition well_posed (p : problem) : bool :=
  let q := common (weight_list p) in
  let total := fold_right Z.add 0 (map (over q) (weight_list p)) in
  forallb (fun x => 0 <? Qnum x) (weight_list p) && (Z.abs (total - q) * 10 ^ 9 <=? q)
  && (length (mean_rows p) =? length (weight_list p))%nat && (0 <? dimension p)%nat
  && forallb (fun row => length row =? dimension p)%nat (mean_rows p)
  && (0 <? Qnum (sigma_squared p)) && (0 <? Qnum (start p)) && less (start p) (end_time p)
  && (64 <=? asked_bits p) && (asked_bits p <=? 1024).

(** d2 is at least every squared distance of two means; the means j and k attain it. *)
Definition no_wider (p : problem) (d2 : Q) : bool :=
  all_within (dimension p) (integer_rows p) (denominator p) (Qnum d2) (Zpos (Qden d2)).
Definition attained (p : problem) (d2 : Q) (j k : nat) : bool :=
  (j <? length (mean_rows p))%nat && (k <? length (mean_rows p))%nat
  && (Zpos (Qden d2) * squared_distance (dimension p) (nth j (integer_rows p) nil) (nth k (integer_rows p) nil)
      =? Qnum d2 * (denominator p * denominator p)).

Notation "'let?' x ':=' e 'in' f" := (match e with Some x => f | None => None end)
  (at level 200, x binder, e at level 100, f at level 200).
Notation "'if?' x ':=' e 'then' f" := (match e with Some x => f | None => false end)
  (at level 200, x binder, e at level 100, f at level 200).

(** An asserted number is a bound of what is enclosed, from above, from below. *)
Definition above (a : tables) (value : Q) (last : Z) : bool :=
  last * Zpos (Qden value) <=? Z.shiftl (Qnum value) (bits a).
Definition below (a : tables) (value : Q) (last : Z) : bool :=
  Z.shiftl (Qnum value) (bits a) <=? last * Zpos (Qden value).

(** ** Rates and integrals, c = 1 - sigma^2 *)

Section Rates.
Variables (a : tables) (c d2 : Q).

(** q = e^(-2t), v = 1 - c q. *)
Definition decay (t : Q) : option interval := exponential a (rational a ((-2 # 1) * t)).
Definition spread_of (q : interval) : interval := sub (one a) (mul a (rational a c) q).

(** 1/v - 1, and lambda in two forms, the same number, whose enclosures are intersected. *)
Definition rates (q : interval) : option (interval * interval) :=
  let v := spread_of q in
  let diameter := rational a d2 in
  let? inverse := div a (one a) v in
  let excess := sub inverse (one a) in
  let scale := mul a (rational a (4 # 1)) (square a v) in
  let? pull := div a (mul a q diameter) scale in
  let first := sub pull excess in
  let? second := div a (mul a q (sub diameter (mul a (rational a ((4 # 1) * c)) v))) scale in
  Some (excess, (Z.max (fst first) (fst second), Z.min (snd first) (snd second))).

(** int (1 - 1/v) = (ln v_s - ln v_t)/2 *)
Definition expansion_of (q_s q_t : interval) : option interval :=
  let? early := logarithm a (spread_of q_s) in
  let? late := logarithm a (spread_of q_t) in
  let difference := sub early late in
  Some (Z.shiftr (fst difference) 1, shift_up (snd difference) 1).

(** int lambda *)
Definition one_sided_of (q_s q_t : interval) : option interval :=
  let? pull := div a (mul a (rational a (d2 / (8 # 1))) (sub q_s q_t)) (mul a (spread_of q_s) (spread_of q_t)) in
  let? expansion := expansion_of q_s q_t in
  Some (add expansion pull).

(** int L: lambda up to the crossing q*, clamped, then 1/v - 1. *)
Definition clamp (x early late : Z) : Z := Z.min (Z.max x late) early.
Definition two_sided_of (q_s q_t : interval) : option interval :=
  if Qnum c <=? 0 then one_sided_of q_s q_t else
  let crossing := rational a ((1 - d2 / ((8 # 1) * c)) / c) in
  let z := (clamp (fst crossing) (fst q_s) (fst q_t), clamp (snd crossing) (snd q_s) (snd q_t)) in
  let? before := one_sided_of q_s z in
  let? after := expansion_of z q_t in
  Some (sub before after).

(** The integral of one of the two rates. *)
Definition integral_of (two_sided : bool) : interval -> interval -> option interval :=
  if two_sided then two_sided_of else one_sided_of.

(** Each two neighbouring times, in order, and the bound that stands at their place. *)
Fixpoint covered {A : Type} (holds : interval -> A -> bool) (before : Q) (early : interval) (times : list Q)
  (bounds : list A) : bool :=
  match times, bounds with
  | nil, nil => true
  | after :: more, b :: others =>
    less before after &&
    (if? late := decay after then holds (fst late, snd early) b && covered holds after late more others)
  | _, _ => false
  end.

Definition two_sided_holds (q : interval) (upper : Q) : bool :=
  if? found := rates q then
  let (excess, growth) := found in
  above a upper (Z.max (Z.max (- fst excess) (snd excess)) (Z.max (- fst growth) (snd growth))).
Definition one_sided_holds (q : interval) (bound : Q * Q) : bool :=
  if? found := rates q then
  let (excess, growth) := found in
  above a (snd bound) (snd growth) && below a (fst bound) (- snd excess).

Definition enclosed (integral : option interval) (ends : Q * Q) : bool :=
  if? found := integral then below a (fst ends) (fst found) && above a (snd ends) (snd found).

(** The rate is certainly positive. *)
Definition grows (two_sided : bool) (q_s q_t : interval) : bool :=
  if two_sided then negb (Qnum c =? 0) || (0 <? Qnum d2)
  else let factor := rational a ((4 # 1) * c) in
    Z.max (snd (mul a factor (spread_of q_s))) (snd (mul a factor (spread_of q_t))) <? fst (rational a d2).

(** The nodes after one at `before`, down to s: at each, n times the integral from s is on both sides of its share of the
    whole. *)
Fixpoint nodes_hold (two_sided : bool) (n share : nat) (s before : Q) (q_s whole : interval) (nodes : list (Q * Q)) : bool :=
  match share, nodes with
  | O, node :: nil => Qeq_bool (fst node) s && Qeq_bool (snd node) s && less (snd node) before
  | S less_share, node :: rest =>
    Qle_bool (fst node) (snd node) && less (snd node) before
    && (if? early := decay (fst node) then if? low := integral_of two_sided q_s early then
        Z.of_nat n * snd low <=? Z.of_nat share * fst whole)
    && (if? late := decay (snd node) then if? high := integral_of two_sided q_s late then
        Z.of_nat share * snd whole <=? Z.of_nat n * fst high)
    && nodes_hold two_sided n less_share s (fst node) q_s whole rest
  | _, _ => false
  end.

End Rates.

(** ** Rules *)

(** On panels from s to t. *)
Definition on_panels {A : Type} (a : tables) (holds : interval -> A -> bool) (s t : Q) (times : list Q) (bounds : list A) : bool :=
  match times with
  | first :: more =>
    Qeq_bool first s && Qeq_bool (last times 0%Q) t && (0 <? length more)%nat
    && (if? early := decay a first then covered a holds first early more bounds)
  | nil => false
  end.

(** The decision with given tables; with those of the asked bits. *)
Definition rule_accepts (a : tables) (p : problem) (asserted : assertion) : bool :=
  let c := (1 - sigma_squared p)%Q in
  let s := start p in
  let t := end_time p in
  match asserted with
  | SpatialBound d2 times upper => no_wider p d2 && on_panels a (two_sided_holds a c d2) s t times upper
  | GrowthRates d2 times upper lower =>
    no_wider p d2 && (length upper =? length lower)%nat
    && on_panels a (one_sided_holds a c d2) s t times (combine lower upper)
  | FlowStability d2 growth contraction factor =>
    no_wider p d2 && (if? q_s := decay a s then if? q_t := decay a t then
    (if? integral := one_sided_of a c d2 q_s q_t then above a growth (snd integral))
    && (if? expansion := expansion_of a c q_s q_t then below a contraction (fst expansion))
    && match factor with
       | None => less (600 # 1) growth
       | Some value => negb (less (600 # 1) growth)
         && (if? power := exponential a (rational a growth) then above a value (snd power))
       end)
  | CumulativeStability d2 one_sided two_sided (j, k) =>
    no_wider p d2 && attained p d2 j k && (if? q_s := decay a s then if? q_t := decay a t then
    enclosed a (one_sided_of a c d2 q_s q_t) one_sided
    && enclosed a (two_sided_of a c d2 q_s q_t) two_sided)
  | BalancedGrid d2 two_sided segments nodes (j, k) =>
    no_wider p d2 && attained p d2 j k && (if? q_s := decay a s then if? q_t := decay a t then
    grows a c d2 two_sided q_s q_t && (if? whole := integral_of a c d2 two_sided q_s q_t then
    match segments, nodes with
    | S shares, first :: rest => Qeq_bool (fst first) t && Qeq_bool (snd first) t
      && nodes_hold a c d2 two_sided segments shares s (fst first) q_s whole rest
    | _, _ => false
    end))
  end.

Definition accepted (p : problem) (asserted : assertion) : bool :=
  well_posed p && rule_accepts (setup (asked_bits p)) p asserted.
