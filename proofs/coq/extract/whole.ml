(* The integers of the library zarith, under a name that extracted modules do not take. *)
include Z
