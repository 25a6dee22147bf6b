"""The theorem of each claim: what its certificate asserts, with a proof from the theory `Instance`.

What is left to `interval` are inequalities between numbers, each a lemma of its own, so that one that does not close
has a name. `BITS` is the precision of the lemmas on panels, which have some slack; the others use that of the
certificate.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from typing import Any

from certflow.formal.gallina import pairs, real, reals
from certflow.formal.problem import Problem

BITS, DEPTH = 90, 20
#: Bits beyond those of the certificate, for the wider rounding of `interval`.
MORE_BITS = 32
#: What comes before `interval`, which takes one side to be a number.
_BOTH, _AT_MOST, _LESS = "split; ", "apply Rminus_le; ", "apply Rminus_lt; "
_GIVEN = "K_pos w_pos sigma2_pos d2_pos D_diameter"


class NotServed(Exception):
    """A certificate whose statement has no text for Coq; the message says which."""


def two_sided(problem: Problem, assertion: dict[str, Any], bits: int) -> str:
    """L2: on each panel, for all x and h, `|J h| <= upper |h|`."""
    times, upper = _fractions(assertion["times"]), _fractions(assertion["upper"])
    lemmas, steps = [], []
    for i, (early, late) in enumerate(pairwise(times)):
        for name in ("excess", "growth"):
            value = f"{name} (1 - sigma2) {'d2 ' if name == 'growth' else ''}q"
            lemmas.append(_panel(f"{name}_{i}", early, late, f"- {real(upper[i])} <= {value} <= {real(upper[i])}"))
        steps.append(_panel_step("two_sided_panel", i))
    return f"""{"".join(lemmas)}
Definition times : list R := {reals(times)}.
Definition upper : list R := {reals(upper)}.

(** L2: for all t in a panel, all x, h: |J(x, t) h| <= upper |h|, J the Jacobian of the
    velocity (Instance.jacobian_is_derivative). *)
Theorem asserted : hd 0 times = s /\\ last times 0 = T /\\
  panels (fun early late b => forall t, early <= t <= late -> forall x h,
    norm d (matvec d (mixture_jacobian K d w mu sigma2 t x) h) <= b * norm d h) times upper.
{_panels_proof(steps)}"""


def one_sided(problem: Problem, assertion: dict[str, Any], bits: int) -> str:
    """L3: on each panel, for all x and h, `lower |h|^2 <= -h^T J h <= upper |h|^2`."""
    times, upper, lower = (_fractions(assertion[key]) for key in ("times", "upper", "lower"))
    lemmas, steps = [], []
    for i, (early, late) in enumerate(pairwise(times)):
        lemmas.append(_panel(f"excess_{i}", early, late, f"excess (1 - sigma2) q <= - {real(lower[i])}"))
        lemmas.append(_panel(f"growth_{i}", early, late, f"growth (1 - sigma2) d2 q <= {real(upper[i])}"))
        steps.append(_panel_step("one_sided_panel", i))
    return f"""{"".join(lemmas)}
Definition times : list R := {reals(times)}.
Definition bounds : list (R * R) := {pairs(zip(lower, upper, strict=True))}.

(** L3: for all t in a panel, all x, h: lower |h|^2 <= -h^T J(x, t) h <= upper |h|^2, J the Jacobian of the velocity
    (Instance.jacobian_is_derivative). *)
Theorem asserted : hd 0 times = s /\\ last times 0 = T /\\
  panels (fun early late b => forall t, early <= t <= late -> forall x h,
    fst b * dot d h h <= - form d (mixture_jacobian K d w mu sigma2 t x) h <= snd b * dot d h h) times bounds.
{_panels_proof(steps, "bounds")}"""


def flow_stability(problem: Problem, assertion: dict[str, Any], bits: int) -> str:
    """F1: of two trajectories, `exp(contraction) |x-y| <= |x-y| at s <= exp(growth) |x-y| <= factor |x-y|`."""
    growth, contraction = Fraction(assertion["growth"]), Fraction(assertion["contraction"])
    factor = None if assertion["factor"] is None else Fraction(assertion["factor"])
    last = "" if factor is None else f" /\\ exp {real(growth)} <= {real(factor)}"
    more = "" if factor is None else f"Lemma factor_bound : exp {real(growth)} <= {real(factor)}.\n{_closed(bits)}"
    end = "" if factor is None else "split; [|exact factor_bound]. "
    return f"""Lemma contraction_bound : {real(contraction)} <= expansion (1 - sigma2) s T.
{_closed(bits)}Lemma growth_bound : total (1 - sigma2) d2 s T <= {real(growth)}.
{_closed(bits)}{more}
(** F1: for all trajectories x, y of the flow on [s, T]: e^contraction |x(T) - y(T)| <= |x(s) - y(s)|
    <= e^growth |x(T) - y(T)|, and e^growth <= factor where there is one. *)
Theorem asserted : (forall x y, moves K d w mu sigma2 x s T -> moves K d w mu sigma2 y s T ->
  exp {real(contraction)} * norm d (vsub (x T) (y T)) <= norm d (vsub (x s) (y s))
    <= exp {real(growth)} * norm d (vsub (x T) (y T))){last}.
Proof.
  {end}apply (flow_growth K d w mu sigma2 d2 {_GIVEN});
    [exact interval_of_time | exact contraction_bound | exact growth_bound].
Qed.
"""


def integrals(problem: Problem, assertion: dict[str, Any], bits: int) -> str:
    """F2: `D` is the diameter, and the integrals of both rates over `[s, T]` lie between the asserted ends."""
    pair = problem.attaining_pair()
    if pair is None:
        raise NotServed("F2 with a squared diameter that no two means attain")
    j, k = pair
    ends = [tuple(_fractions(assertion[key])) for key in ("one-sided", "two-sided")]
    (low, high), (two_low, two_high) = ends
    value, conditions, applied = _two_sided_integral(problem)
    lemmas = [
        _lemma("one_sided_bounds_here", f"{real(low)} <= total (1 - sigma2) d2 s T <= {real(high)}", bits, _BOTH),
        _lemma("two_sided_bounds_here", f"{real(two_low)} <= {value} <= {real(two_high)}", bits, _BOTH),
        *(_lemma(name, said, bits, before) for name, said, before in conditions),
    ]
    return f"""{problem.attained(pair)}{"".join(lemmas)}Lemma c_small : 1 - sigma2 < 1.
Proof. unfold sigma2. lra. Qed.

(** F2: D is the diameter, and the integrals over [s, T] of lambda = 1 - 1/v + m^2 D^2/(4 v^2) (`rate`) and of
    L = max(|1/v - 1|, |lambda|) (`two_sided_rate`) lie between these numbers. *)
Theorem asserted : diameter K d mu D /\\ norm d (vsub (mu {j}%nat) (mu {k}%nat)) = D /\\
  {real(low)} <= RInt (rate (1 - sigma2) D) s T <= {real(high)} /\\
  {real(two_low)} <= RInt (two_sided_rate (1 - sigma2) d2) s T <= {real(two_high)}.
Proof.
  split; [exact D_diameter|]. split; [exact D_attained|]. split.
  - unfold D. rewrite one_sided_integral;
    [exact one_sided_bounds_here | exact c_small | exact d2_pos | exact interval_of_time].
  - {applied}
Qed.
"""


def balanced_grid(problem: Problem, assertion: dict[str, Any], bits: int) -> str:
    """G1: the nodes of every balanced grid of the one-sided rate lie in their intervals."""
    if assertion["rate"] != "one-sided":
        raise NotServed("G1 of the two-sided rate")
    pair = problem.attaining_pair()
    if pair is None:
        raise NotServed("G1 with a squared diameter that no two means attain")
    (j, k), n, nodes = pair, assertion["segments"], [_fractions(node) for node in assertion["nodes"]]
    lemmas = [_lemma("rate_positive", "4 * (1 - sigma2) * (1 - (1 - sigma2) * exp (-2 * T)) < d2", bits, _LESS)]
    steps = ["destruct k as [|k]; [rewrite F; cbn [nth fst snd nodes]; unfold T; lra|]."]
    for i in range(1, n):
        low, high = nodes[i]
        part = f"{n - i} * total (1 - sigma2) d2 s T"
        sides = [
            (f"{n} * total (1 - sigma2) d2 s {real(low)}", part, "low"),
            (part, f"{n} * total (1 - sigma2) d2 s {real(high)}", "high"),
        ]
        lemmas += [_lemma(f"node_{i}_{name}", f"{less} <= {more}", bits, _AT_MOST) for less, more, name in sides]
        steps.append(
            f"destruct k as [|k]; [apply (node_between (1 - sigma2) d2 s T {n}%nat t c_small d2_pos "
            f"(proj1 interval_of_time) rate_positive I Z B {i}%nat {real(low)} {real(high)} {n} {n - i}); "
            f"first [lia | unfold s, T; lra | exact node_{i}_low | exact node_{i}_high "
            "| rewrite INR_IZR_INZ; reflexivity]|]."
        )
    steps.append("destruct k as [|k]; [rewrite Z; cbn [nth fst snd nodes]; unfold s; lra | lia].")
    return f"""{problem.attained(pair)}{"".join(lemmas)}Lemma c_small : 1 - sigma2 < 1.
Proof. unfold sigma2. lra. Qed.
Definition nodes : list (R * R) := {pairs(nodes)}.

(** G1: D is the diameter, and of every grid T = t_0, ..., t_{n} = s in [s, T] on whose segments the rate lambda has the
    same integral, each node lies in its interval. *)
Theorem asserted : diameter K d mu D /\\ norm d (vsub (mu {j}%nat) (mu {k}%nat)) = D /\\
  forall t : nat -> R, t 0%nat = T -> t {n}%nat = s -> (forall k, (k <= {n})%nat -> s <= t k <= T) ->
  (forall k, (k < {n})%nat ->
    RInt (rate (1 - sigma2) D) (t (S k)) (t k) = RInt (rate (1 - sigma2) D) s T / INR {n}%nat) ->
  forall k, (k <= {n})%nat -> fst (nth k nodes (0, 0)) <= t k <= snd (nth k nodes (0, 0)).
Proof.
  split; [exact D_diameter|]. split; [exact D_attained|]. intros t F Z I B k Hk.
  {chr(10).join("  " + step for step in steps).lstrip()}
Qed.
"""


#: The text of each claim's theorem.
STATEMENTS: dict[str, Callable[[Problem, dict[str, Any], int], str]] = {
    "L2": two_sided,
    "L3": one_sided,
    "F1": flow_stability,
    "F2": integrals,
    "G1": balanced_grid,
}


def _two_sided_integral(problem: Problem) -> tuple[str, list[tuple[str, str, str]], str]:
    """`int_s^T L` in closed form, the conditions of that form, and the end of the proof."""
    c, d2 = problem.c, problem.squared_diameter
    done = "exact c_small | exact d2_pos | exact interval_of_time"
    first = "8 * (1 - sigma2) * (1 - (1 - sigma2) * exp (-2 * T)) <= d2"
    last = "d2 <= 8 * (1 - sigma2) * (1 - (1 - sigma2) * exp (-2 * s))"
    with localcontext() as context:
        context.prec = 60
        early, late = (1 - _decimal(c) * (-2 * _decimal(t)).exp() for t in (problem.start, problem.end))
        if 8 * _decimal(c) * late <= _decimal(d2):
            value, name, said = "total (1 - sigma2) d2 s T", "first", first
        elif 8 * _decimal(c) * early >= _decimal(d2):
            value, name, said = "- expansion (1 - sigma2) s T", "last", last
        else:
            z = "(crossing_time (1 - sigma2) d2)"
            value = f"total (1 - sigma2) d2 s {z} - expansion (1 - sigma2) {z} T"
            conditions = [
                ("c_between", "0 < 1 - sigma2 < 1", _BOTH),
                ("crossed", "d2 < 8 * (1 - sigma2)", _LESS),
                ("crossing_between", f"s <= {z} <= T", _BOTH),
            ]
            lemma_names = ("c_between", "d2_pos", "(proj1 interval_of_time)", "crossed", "crossing_between")
            exact = " | ".join(f"exact {name}" for name in lemma_names)
            return value, conditions, f"rewrite two_sided_integral_across; [exact two_sided_bounds_here | {exact}]."
    applied = f"rewrite two_sided_integral_{name}; [exact two_sided_bounds_here | {done} | exact case_holds]."
    return value, [("case_holds", said, _AT_MOST)], applied


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def _fractions(texts: list[str]) -> list[Fraction]:
    return [Fraction(text) for text in texts]


def _panel(name: str, early: Fraction, late: Fraction, said: str) -> str:
    return f"""Lemma {name} : forall q, exp (-2 * {real(late)}) <= q <= exp (-2 * {real(early)}) -> {said}.
Proof. intros q Q. unfold excess, growth, sigma2, d2. interval with (i_prec {BITS}, i_bisect q, i_depth {DEPTH}). Qed.
"""


def _panel_step(theorem: str, i: int) -> str:
    return f"[apply ({theorem} K d w mu sigma2 d2 {_GIVEN}); [lra | exact excess_{i} | exact growth_{i}]|]."


def _panels_proof(steps: list[str], bounds: str = "upper") -> str:
    lines = "\n".join(f"  apply conj; {step}" for step in steps)
    return f"""Proof.
  split; [reflexivity|]. split; [reflexivity|]. unfold times, {bounds}. cbn [panels].
{lines}
  exact I.
Qed.
"""


def _lemma(name: str, said: str, bits: int, before: str) -> str:
    return f"Lemma {name} : {said}.\n{_closed(bits, before)}"


def _closed(bits: int, before: str = "") -> str:
    unfolded = "unfold total, expansion, crossing_time, sigma2, d2, s, T"
    return f"Proof. {unfolded}. {before}interval with (i_prec {bits + MORE_BITS}). Qed.\n"
