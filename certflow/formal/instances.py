"""The theorems of claims on an interval: what a certificate asserts, with a proof from the theory `Instance`.

What is left to `interval` are inequalities between numbers, each a lemma of its own, so that one that does not close
has a name. `BITS` is the precision of the lemmas on panels, which have some slack; the others use that of the
certificate.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

from certflow.formal.gallina import NotServed, pairs, real, reals
from certflow.formal.problem import Problem

BITS, DEPTH = 90, 20
#: Bits beyond those of the certificate, for the wider rounding of `interval`.
MORE_BITS = 32
#: What comes before `interval`, which takes one side to be a number.
_BOTH, _AT_MOST, _LESS = "split; ", "apply Rminus_le; ", "apply Rminus_lt; "
_UNFOLDED = "unfold total, expansion, crossing_time, sigma2, d2, s, T; "
#: The rates in the words of `Instance`, by the name in a certificate.
_RATES = {"one-sided": "(rate (1 - sigma2) D)", "two-sided": "(two_sided_rate (1 - sigma2) d2)"}
_C_SMALL = "Lemma c_small : 1 - sigma2 < 1.\nProof. unfold sigma2. lra. Qed.\n"
_GIVEN = "K_pos w_pos sigma2_pos d2_pos D_diameter"


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

(** L2: no two means are farther apart than D; for all t in a panel, all x, h: |J(x, t) h| <= upper |h|,
    J the Jacobian of the velocity (Instance.jacobian_is_derivative). *)
Theorem asserted : diameter K d mu D /\\ hd 0 times = s /\\ last times 0 = T /\\
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

(** L3: no two means are farther apart than D; for all t in a panel, all x, h:
    lower |h|^2 <= -h^T J(x, t) h <= upper |h|^2, J the Jacobian of the velocity
    (Instance.jacobian_is_derivative). *)
Theorem asserted : diameter K d mu D /\\ hd 0 times = s /\\ last times 0 = T /\\
  panels (fun early late b => forall t, early <= t <= late -> forall x h,
    fst b * dot d h h <= - form d (mixture_jacobian K d w mu sigma2 t x) h <= snd b * dot d h h) times bounds.
{_panels_proof(steps, "bounds")}"""


def flow_stability(problem: Problem, assertion: dict[str, Any], bits: int) -> str:
    """F1: of two trajectories, `exp(contraction) |x-y| <= |x-y| at s <= exp(growth) |x-y| <= factor |x-y|`."""
    growth, contraction = Fraction(assertion["growth"]), Fraction(assertion["contraction"])
    factor = None if assertion["factor"] is None else Fraction(assertion["factor"])
    last = "" if factor is None else f" /\\ exp {real(growth)} <= {real(factor)}"
    more = "" if factor is None else _lemma("factor_bound", f"exp {real(growth)} <= {real(factor)}", bits)
    end = "" if factor is None else "split; [|exact factor_bound]. "
    lemmas = [
        _lemma("contraction_bound", f"{real(contraction)} <= expansion (1 - sigma2) s T", bits),
        _lemma("growth_bound", f"total (1 - sigma2) d2 s T <= {real(growth)}", bits),
    ]
    return f"""{"".join(lemmas)}{more}
(** F1: no two means are farther apart than D; for all trajectories x, y of the flow on [s, T]:
    e^contraction |x(T) - y(T)| <= |x(s) - y(s)|
    <= e^growth |x(T) - y(T)|, and e^growth <= factor where there is one. *)
Theorem asserted : diameter K d mu D /\\ (forall x y, moves K d w mu sigma2 x s T -> moves K d w mu sigma2 y s T ->
  exp {real(contraction)} * norm d (vsub (x T) (y T)) <= norm d (vsub (x s) (y s))
    <= exp {real(growth)} * norm d (vsub (x T) (y T))){last}.
Proof.
  split; [exact D_diameter|]. {end}apply (flow_growth K d w mu sigma2 d2 {_GIVEN});
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
    one_sided, two_sided = (_integral(problem, rate, problem.end, bits) for rate in _RATES)
    lemmas = [
        _lemma("one_sided_bounds_here", f"{real(low)} <= {one_sided.value} <= {real(high)}", bits, _BOTH),
        _lemma("two_sided_bounds_here", f"{real(two_low)} <= {two_sided.value} <= {real(two_high)}", bits, _BOTH),
        one_sided.lemma("one_sided_here"),
        two_sided.lemma("two_sided_here"),
    ]
    return f"""{problem.attained(pair)}{_C_SMALL}{"".join(lemmas)}
(** F2: D is the diameter, and the integrals over [s, T] of lambda = 1 - 1/v + m^2 D^2/(4 v^2) (`rate`) and of
    L = max(|1/v - 1|, |lambda|) (`two_sided_rate`) lie between these numbers. *)
Theorem asserted : diameter K d mu D /\\ norm d (vsub (mu {j}%nat) (mu {k}%nat)) = D /\\
  {real(low)} <= RInt (rate (1 - sigma2) D) s T <= {real(high)} /\\
  {real(two_low)} <= RInt (two_sided_rate (1 - sigma2) d2) s T <= {real(two_high)}.
Proof.
  split; [exact D_diameter|]. split; [exact D_attained|].
  split; [rewrite one_sided_here; exact one_sided_bounds_here | rewrite two_sided_here; exact two_sided_bounds_here].
Qed.
"""


def balanced_grid(problem: Problem, assertion: dict[str, Any], bits: int) -> str:
    """G1: the nodes of every balanced grid of the rate lie in their intervals."""
    pair = problem.attaining_pair()
    if pair is None:
        raise NotServed("G1 with a squared diameter that no two means attain")
    (j, k), n, kind = pair, assertion["segments"], assertion["rate"]
    nodes = [_fractions(node) for node in assertion["nodes"]]
    rate, name = _RATES[kind], kind.replace("-", "_")
    lemmas = [_integral(problem, kind, problem.end, bits).lemma("integral")]
    positive = {
        "one-sided": ("4 * (1 - sigma2) * (1 - (1 - sigma2) * exp (-2 * T)) < d2", "(one_sided_positive _ _ T)"),
        "two-sided": ("0 < (1 - sigma2) * (1 - sigma2) + d2", "two_sided_positive"),
    }
    condition, theorem = positive[kind]
    lemmas.append(_lemma("positive", condition, bits, _LESS))
    steps = ["destruct k as [|k]; [rewrite F; cbn [nth fst snd nodes]; unfold T; lra|]."]
    for i in range(1, n):
        for end, side in zip(nodes[i], ("low", "high"), strict=True):
            lemmas.append(_integral(problem, kind, end, bits).lemma(f"integral_{i}_{side}"))
            sides = f"{n} * RInt {rate} s {real(end)}", f"{n - i} * RInt {rate} s T"
            less, more = sides if side == "low" else sides[::-1]
            rewritten = f"rewrite integral_{i}_{side}, integral. "
            lemmas.append(_lemma(f"node_{i}_{side}", f"{less} <= {more}", bits, _AT_MOST, rewritten))
        low, high = nodes[i]
        steps.append(
            f"destruct k as [|k]; [apply (node_between {rate} s T {n}%nat t rate_continuous rate_positive I Z B "
            f"{i}%nat {real(low)} {real(high)} {n} {n - i}); first [lia | unfold s, T; lra | exact node_{i}_low "
            f"| exact node_{i}_high | rewrite INR_IZR_INZ; reflexivity]|]."
        )
    steps.append("destruct k as [|k]; [rewrite Z; cbn [nth fst snd nodes]; unfold s; lra | lia].")
    return f"""{problem.attained(pair)}{_C_SMALL}{"".join(lemmas)}
Lemma rate_positive : forall r, s <= r <= T -> 0 < {rate} r.
Proof. intros r R. assert (H := interval_of_time). apply {theorem};
  [exact c_small | exact d2_pos | lra | exact positive]. Qed.
Lemma rate_continuous : forall r, s <= r <= T -> continuous {rate} r.
Proof. intros r R. assert (H := interval_of_time). apply {name}_rate_continuous; [exact c_small | lra]. Qed.
Definition nodes : list (R * R) := {pairs(nodes)}.

(** G1: D is the diameter, and of every grid T = t_0, ..., t_{n} = s in [s, T] on whose segments the {kind} rate has the
    same integral, each node lies in its interval. *)
Theorem asserted : diameter K d mu D /\\ norm d (vsub (mu {j}%nat) (mu {k}%nat)) = D /\\
  forall t : nat -> R, t 0%nat = T -> t {n}%nat = s -> (forall k, (k <= {n})%nat -> s <= t k <= T) ->
  (forall k, (k < {n})%nat -> RInt {rate} (t (S k)) (t k) = RInt {rate} s T / INR {n}%nat) ->
  forall k, (k <= {n})%nat -> fst (nth k nodes (0, 0)) <= t k <= snd (nth k nodes (0, 0)).
Proof.
  split; [exact D_diameter|]. split; [exact D_attained|]. intros t F Z I B k Hk.
  {chr(10).join("  " + step for step in steps).lstrip()}
Qed.
"""


class _Integral(NamedTuple):
    """`int_s^end` of a rate in closed form, and what proves it."""

    rate: str
    end: str
    value: str
    proof: str

    def lemma(self, name: str) -> str:
        return f"Lemma {name} : RInt {self.rate} s {self.end} = {self.value}.\nProof. {self.proof} Qed.\n"


def _integral(problem: Problem, kind: str, end: Fraction, bits: int) -> _Integral:
    """The case of the two-sided one is decided here and proved there."""
    rate, to = _RATES[kind], "T" if end == problem.end else real(end)
    total, given = f"total (1 - sigma2) d2 s {to}", "exact c_small | exact d2_pos | unfold s, T; lra"
    if kind == "one-sided":
        return _Integral(rate, to, total, f"apply one_sided_integral; [{given}].")
    c, d2, closed = problem.c, problem.squared_diameter, _interval(bits)
    with localcontext() as context:
        context.prec = 60
        early, late = (1 - as_decimal(c) * (-2 * as_decimal(t)).exp() for t in (problem.start, end))
        first, last = 8 * as_decimal(c) * late <= as_decimal(d2), 8 * as_decimal(c) * early >= as_decimal(d2)
    if first or last:
        value, name = (total, "first") if first else (f"- expansion (1 - sigma2) s {to}", "last")
        return _Integral(
            rate, to, value, f"apply two_sided_integral_{name}; [{given} | {_UNFOLDED}{_AT_MOST}{closed}]."
        )
    z = "(crossing_time (1 - sigma2) d2)"
    value = f"total (1 - sigma2) d2 s {z} - expansion (1 - sigma2) {z} {to}"
    given = "unfold sigma2; lra | exact d2_pos | exact (proj1 interval_of_time) | unfold sigma2, d2; lra"
    return _Integral(rate, to, value, f"apply two_sided_integral_across; [{given} | {_UNFOLDED}{_BOTH}{closed}].")


def as_decimal(value: Fraction) -> Decimal:
    """To the digits of the context."""
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
  split; [exact D_diameter|]. split; [reflexivity|]. split; [reflexivity|]. unfold times, {bounds}. cbn [panels].
{lines}
  exact I.
Qed.
"""


def _lemma(name: str, said: str, bits: int, before: str = "", first: str = "") -> str:
    return f"Lemma {name} : {said}.\nProof. {first}{_UNFOLDED}{before}{_interval(bits)}. Qed.\n"


def _interval(bits: int) -> str:
    return f"interval with (i_prec {bits + MORE_BITS})"
