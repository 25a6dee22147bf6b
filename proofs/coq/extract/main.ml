(* Reads parsed certificates, one a line, and says "accepted" or "refused" of each.

   A line: claim bits; variance t_min t_max; the weights, the rows of the means; then of the claim
     L2 d2 times upper; L3 d2 times upper lower; F1 d2 growth contraction (value or -); F2 d2 one-sided two-sided pair;
     G1 d2 rate segments nodes pair.
   A number is p/q, with 0x before hexadecimal digits, a list its length and its entries, all with one space between them.
   "refused" as well where the line does not fit. The tables of each number of bits are made once. *)

open Rules

exception Unfit

let number text =
  let whole text = try Whole.of_string text with Invalid_argument _ -> raise Unfit in
  match String.index_opt text '/' with
  | None -> raise Unfit
  | Some i ->
    let bottom = whole (String.sub text (i + 1) (String.length text - i - 1)) in
    if Whole.sign bottom <= 0 then raise Unfit;
    { qnum = whole (String.sub text 0 i); qden = bottom }

let tables = Hashtbl.create 8

let tables_of bits =
  match Hashtbl.find_opt tables bits with
  | Some found -> found
  | None ->
    let made = setup bits in
    Hashtbl.add tables bits made;
    made

let decided line =
  let words = ref (String.split_on_char ' ' line) in
  let word () =
    match !words with
    | [] -> raise Unfit
    | first :: rest ->
      words := rest;
      first
  in
  let place () = match int_of_string_opt (word ()) with Some n when n >= 0 -> n | _ -> raise Unfit in
  let exact () = number (word ()) in
  let many read =
    let n = place () in
    let rec entries n found = if n = 0 then List.rev found else entries (n - 1) (read () :: found) in
    entries n []
  in
  let two read = match many read with [ first; second ] -> (first, second) | _ -> raise Unfit in
  let claim = word () in
  let asked_bits = Whole.of_int (place ()) in
  let sigma_squared = exact () in
  let start = exact () in
  let end_time = exact () in
  let weight_list = many exact in
  let mean_rows = many (fun () -> many exact) in
  let problem = { weight_list; mean_rows; sigma_squared; start; end_time; asked_bits } in
  let d2 = exact () in
  let asserted =
    match claim with
    | "L2" ->
      let times = many exact in
      SpatialBound (d2, times, many exact)
    | "L3" ->
      let times = many exact in
      let upper = many exact in
      GrowthRates (d2, times, upper, many exact)
    | "F1" ->
      let growth = exact () in
      let contraction = exact () in
      let last = word () in
      FlowStability (d2, growth, contraction, if last = "-" then None else Some (number last))
    | "F2" ->
      let one_sided = two exact in
      let two_sided = two exact in
      CumulativeStability (d2, one_sided, two_sided, two place)
    | "G1" ->
      let two_sided = match word () with "two-sided" -> true | "one-sided" -> false | _ -> raise Unfit in
      let segments = place () in
      let nodes = many (fun () -> two exact) in
      BalancedGrid (d2, two_sided, segments, nodes, two place)
    | _ -> raise Unfit
  in
  if !words <> [] then raise Unfit;
  well_posed problem && rule_accepts (tables_of asked_bits) problem asserted

let () =
  try
    while true do
      let line = input_line stdin in
      print_endline (if try decided line with Unfit -> false then "accepted" else "refused")
    done
  with End_of_file -> ()
