(** The rules of Decision as a program: their integers become those of the library zarith (Whole).

    What is trusted beside Coq: extraction, the lines below, zarith, the OCaml compiler, and main.ml, which reads. *)

Require Import ZArith QArith List.
From Certflow Require Import Integers Decision.
Require Extraction.
Require Import ExtrOcamlBasic.
Extraction Language OCaml.

Extract Inductive positive => "Whole.t" [ "(fun p -> Whole.succ (Whole.shift_left p 1))" "(fun p -> Whole.shift_left p 1)" "Whole.one" ]
  "(fun odd even one p -> if Whole.equal p Whole.one then one () else (if Whole.testbit p 0 then odd else even) (Whole.shift_right p 1))".
Extract Inductive Z => "Whole.t" [ "Whole.zero" "(fun p -> p)" "Whole.neg" ]
  "(fun zero above below n -> let s = Whole.sign n in if s = 0 then zero () else if s > 0 then above n else below (Whole.neg n))".
Extract Inductive comparison => "int" [ "0" "(-1)" "1" ]
  "(fun equal less more c -> if c = 0 then equal () else if c < 0 then less () else more ())".
Extract Inductive nat => "int" [ "0" "(fun n -> n + 1)" ] "(fun zero next n -> if n = 0 then zero () else next (n - 1))".

Extract Inlined Constant Pos.mul => "Whole.mul".
Extract Inlined Constant Pos.add => "Whole.add".
Extract Inlined Constant Z.opp => "Whole.neg".
Extract Inlined Constant Z.abs => "Whole.abs".
Extract Inlined Constant Z.add => "Whole.add".
Extract Inlined Constant Z.sub => "Whole.sub".
Extract Inlined Constant Z.mul => "Whole.mul".
Extract Inlined Constant Z.min => "Whole.min".
Extract Inlined Constant Z.max => "Whole.max".
Extract Inlined Constant Z.eqb => "Whole.equal".
Extract Inlined Constant Z.leb => "Whole.leq".
Extract Inlined Constant Z.ltb => "Whole.lt".
Extract Inlined Constant Z.compare => "Whole.compare".
(* In Coq x / 0 = 0 and x mod 0 = x. *)
Extract Constant Z.div => "(fun a b -> if Whole.sign b = 0 then Whole.zero else Whole.fdiv a b)".
Extract Constant Z.modulo => "(fun a b -> if Whole.sign b = 0 then a else Whole.sub a (Whole.mul b (Whole.fdiv a b)))".
Extract Constant Z.lcm => "(fun a b -> if Whole.sign a = 0 || Whole.sign b = 0 then Whole.zero else Whole.lcm a b)".
(* A negative number of places shifts the other way; a negative power is 0. *)
Extract Constant Z.shiftl =>
  "(fun a n -> let n = Whole.to_int n in if n >= 0 then Whole.shift_left a n else Whole.shift_right a (-n))".
Extract Constant Z.shiftr =>
  "(fun a n -> let n = Whole.to_int n in if n >= 0 then Whole.shift_right a n else Whole.shift_left a (-n))".
Extract Constant Z.pow => "(fun a n -> if Whole.sign n < 0 then Whole.zero else Whole.pow a (Whole.to_int n))".
Extract Constant Z.land => "Whole.logand".
Extract Constant Z.log2 => "(fun a -> if Whole.sign a <= 0 then Whole.zero else Whole.of_int (Whole.numbits a - 1))".
Extract Constant Z.of_nat => "Whole.of_int".
Extract Constant Z.to_nat => "(fun a -> if Whole.sign a <= 0 then 0 else Whole.to_int a)".

Extraction "rules.ml" setup well_posed rule_accepts.
