(** Squared distances of rows of integers, and whether all are at most a quotient.

    Page: proofs/checker.md, section 3. *)

Require Import ZArith List.

(** |x - y|^2 of integers. *)
Fixpoint squared_distance (d : nat) (x y : list Z) : Z :=
  match d with O => 0 | S i => squared_distance i x y + (nth i x 0 - nth i y 0) * (nth i x 0 - nth i y 0) end%Z.
(** (|x - y|/q)^2 <= top/bottom for all rows. *)
Definition all_within (d : nat) (rows : list (list Z)) (q top bottom : Z) : bool :=
  forallb (fun x => forallb (fun y => bottom * squared_distance d x y <=? top * (q * q))%Z rows) rows.
