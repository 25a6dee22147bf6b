(** The arithmetic of the checker of certificates: intervals of integers, exponential and logarithm.

    Page: proofs/checker.md, sections 1 and 2; code: certflow/certificate/checker/arithmetic.py, function for function,
    with the same integers.  A pair (l, u) stands for [l, u] 2^-bits.  What is computed here is proved to enclose in the
    theories Intervals, Exponential and Logarithm. *)

Require Import ZArith QArith List.
Open Scope Z_scope.

Definition interval : Type := (Z * Z)%type.

(** The scale of exp and log is 2^-w, w = bits + GUARD; that of the tables 2^-(w + 2 FINE). *)
Definition GUARD := 16.
Definition FINE := 32.
Definition SLACK := 16.
Definition MAX_ARGUMENT := 2 ^ 20.
(** Numbers with more digits have no logarithm here; no file that is read holds one. *)
Definition MAX_LENGTH := 2 ^ 30.

(** ceil(a / b), and ceil(a 2^-n). *)
Definition ceiling (a b : Z) : Z := - (- a / b).
Definition shift_up (a n : Z) : Z := - Z.shiftr (- a) n.

(** ** Tables *)

Record tables := {
  bits : Z;
  exp_series : list Z;  (** 2^w / k!, k = 0, ..., n *)
  log_series : list Z;  (** 2^w / (2 k + 1) *)
  exp_table : list Z;   (** e^(i/256) 2^w, i = 0, ..., 256 *)
  log_table : list Z;   (** ln(1 + i/256) 2^w *)
  ln2_low : Z;          (** ln 2, at the scale 2^-(w + FINE) *)
  ln2_high : Z
}.

(** The least n with (n + 1)! 2^(8 (n + 1)) >= goal; product is (n + 1)! 2^(8 (n + 1)). *)
Fixpoint order (fuel n : nat) (product goal : Z) : nat :=
  match fuel with
  | O => n
  | S more => if goal <=? product then n else order more (S n) (product * (Z.of_nat (S (S n)) * 256)) goal
  end.

(** one / k!, one / (k + 1)!, ...: so many. *)
Fixpoint exp_coefficients (count k : nat) (factorial one : Z) : list Z :=
  match count with
  | O => nil
  | S more => one / factorial :: exp_coefficients more (S k) (factorial * Z.of_nat (S k)) one
  end.

(** one / (2 k + 1), one / (2 k + 3), ...: so many. *)
Fixpoint log_coefficients (count k : nat) (one : Z) : list Z :=
  match count with
  | O => nil
  | S more => one / (2 * Z.of_nat k + 1) :: log_coefficients more (S k) one
  end.

(** e^(1/256): the sum of so many terms one / (k! 2^(8 k)). *)
Fixpoint exp_step (count k : nat) (factorial one : Z) : Z :=
  match count with
  | O => 0
  | S more => one / Z.shiftl factorial (8 * Z.of_nat k) + exp_step more (S k) (factorial * Z.of_nat (S k)) one
  end.

(** artanh(1/k): the sum of so many terms one / (j k^j), power = k^j. *)
Fixpoint artanh_sum (count : nat) (j power square one : Z) : Z :=
  match count with
  | O => 0
  | S more => one / (j * power) + artanh_sum more (j + 2) (power * square) square one
  end.

(** power, power e^(1/256), ..., each cut by so many places. *)
Fixpoint exp_entries (count : nat) (power step scale cut : Z) : list Z :=
  Z.shiftr power cut :: match count with
  | O => nil
  | S more => exp_entries more (Z.shiftr (power * step) scale) step scale cut
  end.

(** total, total + 2 artanh(1/k), total + 2 artanh(1/k) + 2 artanh(1/(k + 2)), ..., each cut; and the last, uncut. *)
Fixpoint log_entries (count terms : nat) (k total one cut : Z) : list Z * Z :=
  match count with
  | O => (Z.shiftr total cut :: nil, total)
  | S more =>
    let (rest, last) := log_entries more terms (k + 2) (total + 2 * artanh_sum terms 1 k (k * k) one) one cut in
    (Z.shiftr total cut :: rest, last)
  end.

Definition width (b : Z) : Z := b + GUARD.
Definition exp_order (b : Z) : nat := order (Z.to_nat (width b)) 0 256 (2 ^ (width b + 2)).

Definition setup (b : Z) : tables :=
  let w := width b in
  let scale := w + 2 * FINE in
  let cut := 2 * FINE in
  let n := exp_order b in
  let one := 2 ^ scale in
  let step := exp_step (n + 8) 0 1 one in
  let (logs, last) := log_entries 256 (Z.to_nat ((scale / 9 + 2) / 2)) 513 0 one cut in
  let low := Z.shiftr last FINE in
  {| bits := b;
     exp_series := exp_coefficients (S n) 0 1 (2 ^ w);
     log_series := log_coefficients (S (Z.to_nat ((w + 2) / 18))) 0 (2 ^ w);
     exp_table := exp_entries 256 one step scale cut;
     log_table := logs;
     ln2_low := low;
     ln2_high := low + 2 |}.

(** ** Operations *)

Section Operations.
Variable a : tables.
Let p := bits a.
Let w := width p.

Definition one : interval := (2 ^ p, 2 ^ p).
Definition rational (x : Q) : interval :=
  let scaled := Z.shiftl (Qnum x) p in (scaled / Zpos (Qden x), ceiling scaled (Zpos (Qden x))).
Definition add (x y : interval) : interval := (fst x + fst y, snd x + snd y).
Definition sub (x y : interval) : interval := (fst x - snd y, snd x - fst y).
Definition mul (x y : interval) : interval :=
  let (l, u) := x in let (m, v) := y in
  if (0 <=? l) && (0 <=? m)
  then (Z.shiftr (l * m) p, shift_up (u * v) p)
  else let '(c1, c2, c3, c4) := (l * m, l * v, u * m, u * v) in
    (Z.shiftr (Z.min (Z.min c1 c2) (Z.min c3 c4)) p, shift_up (Z.max (Z.max c1 c2) (Z.max c3 c4)) p).
Definition square (x : interval) : interval :=
  let (l, u) := x in
  let low := Z.min (Z.abs l) (Z.abs u) in
  let high := Z.max (Z.abs l) (Z.abs u) in
  (if (l <=? 0) && (0 <=? u) then 0 else Z.shiftr (low * low) p, shift_up (high * high) p).
(** None where y contains 0. *)
Definition div (x y : interval) : option interval :=
  let (m, v) := y in
  if (m <=? 0) && (0 <=? v) then None else
  let '(l, u, m, v) := if v <? 0 then (- snd x, - fst x, - v, - m) else (fst x, snd x, m, v) in
  Some (Z.shiftl l p / (if 0 <=? l then v else m), ceiling (Z.shiftl u p) (if 0 <=? u then m else v)).

(** sum of c_k h^k, each product cut. *)
Definition horner (series : list Z) (h : Z) : Z := fold_right (fun c total => c + Z.shiftr (total * h) w) 0 series.

(** (m, n) with m 2^(n-w) <= e^(x 2^-bits) <= (m + SLACK) 2^(n-w). *)
Definition exp_parts (x : Z) : Z * Z :=
  let long := Z.shiftl x (GUARD + FINE) in
  let ln2 := if 0 <=? x then ln2_high a else ln2_low a in
  let rest := Z.shiftr (long mod ln2) FINE in
  let h := Z.land rest (Z.ones (w - 8)) in
  (Z.shiftr (nth (Z.to_nat (Z.shiftr rest (w - 8))) (exp_table a) 0 * horner (exp_series a) h) w, long / ln2).

(** m 2^n rounded down, rounded up. *)
Definition scaled_down (m n : Z) : Z := if 0 <=? n then Z.shiftl m n else Z.shiftr m (- n).
Definition scaled_up (m n : Z) : Z := if 0 <=? n then Z.shiftl m n else shift_up m (- n).

(** e^x; None where it is too large. *)
Definition exponential (x : interval) : option interval :=
  let least := Z.shiftl (- p - 1) p in
  let low := Z.max (fst x) least in
  let high := Z.max (snd x) least in
  if MAX_ARGUMENT <=? Z.shiftr high p then None else
  let (m, n) := exp_parts low in
  let (M, N) := exp_parts high in
  Some (scaled_down m (n - GUARD), scaled_up (M + SLACK) (N - GUARD)).

(** y with y 2^-w <= ln(x 2^-bits) <= (y + SLACK) 2^-w, for x > 0. *)
Definition log_part (x : Z) : Z :=
  let length := Z.log2 x + 1 in
  let m := if length <=? w then Z.shiftl x (w + 1 - length) else Z.shiftr x (length - 1 - w) in
  let n := length - 1 - p in
  let d := Z.land m (Z.ones (w - 8)) in
  let z := Z.shiftl d w / (2 * m - d) in
  let total := horner (log_series a) (Z.shiftr (z * z) w) in
  nth (Z.to_nat (Z.shiftr m (w - 8) - 256)) (log_table a) 0 + Z.shiftr (2 * total * z) w
  + Z.shiftr (n * (if 0 <=? n then ln2_low a else ln2_high a)) FINE.

(** ln x; None where it contains 0 or negative numbers, or is longer than MAX_LENGTH. *)
Definition logarithm (x : interval) : option interval :=
  if (fst x <=? 0) || (MAX_LENGTH <=? Z.log2 (snd x)) then None else
  Some (Z.shiftr (log_part (fst x)) GUARD, shift_up (log_part (snd x) + SLACK) GUARD).

End Operations.
