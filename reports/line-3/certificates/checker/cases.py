"""A certificate as its rule sees it, and the rates of growth, enclosed (3)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

from .arithmetic import Arithmetic, Interval
from .reading import over_common_denominator, read
from .refusals import require
from .sentences import rounded
from .work import MAX_VALUES, Work, bits_of, fraction_steps, product_steps

SCHEMA = "certflow/certificate/1"
#: Shapes that several rules share.
LIST, INDICES, KINDS = [Fraction], [range(MAX_VALUES)], {"one-sided", "two-sided"}
_MIXTURE = {"schema": {"certflow/mixture/1"}, "name": str, "weights": LIST, "means": [LIST]}
#: Shapes of the covariances by kind.
COVARIANCES: dict[str, Any] = {"common-isotropic": Fraction, "isotropic": LIST, "shared": [LIST], "full": [[LIST]]}


class Rule(NamedTuple):
    """How certificates of one claim are decided: the rule's name in the file, the shapes of the assertion and of the
    hints, the function, which refuses or says what is asserted, where it is proved that what it accepts is true, and
    the kind of covariances that it is for."""

    name: str
    assertion: dict[str, Any]
    hints: dict[str, Any]
    decide: Callable[[Case], str]
    proofs: str
    kind: str = "common-isotropic"


class Case:
    """One certificate as its rule sees it, exact: the mixture `sum_k weights[k]/total N(means[k]/denominator, Sigma_k)`
    in integers, its `covariances` as they are written, `Sigma_k = (1-c) I` if they are common; the assertion, also as
    it is written (`claimed`), the proof; and the rates of growth of a common variance, enclosed (3)."""

    def __init__(self, content: dict[str, Any], rule: Rule, work: Work):
        self.work, self.claim, self.claimed = work, content["claim"], content["assertion"]
        self.proof = read(content["proof"], {"rule": {rule.name}, "bits": range(64, 1025)} | rule.hints, "proof", work)
        covariances = {"kind": {rule.kind}, "values": COVARIANCES[rule.kind]}
        shape = {"mixture": _MIXTURE | {"covariances": covariances}, "t_min": Fraction, "t_max": Fraction}
        problem, field = read(content["problem"], shape, "problem", work), "problem.mixture"
        mixture, self.t_min, self.t_max = problem["mixture"], problem["t_min"], problem["t_max"]
        weights, rows, self.covariances = mixture["weights"], mixture["means"], mixture["covariances"]["values"]
        self.kind = rule.kind
        variance = self.covariances if rule.kind == "common-isotropic" else Fraction(1)
        for k, weight in enumerate(weights):
            require(weight > 0, f"{field}.weights[{k}]", weight, "a number > 0")
        self.weights, denominator = over_common_denominator(weights, f"{field}.weights", work)
        self.total, total = sum(self.weights), Fraction(sum(self.weights), denominator)
        require(abs(total - 1) <= Fraction(1, 10**9), f"{field}.weights", total, "a sum within 1e-9 of 1")
        require(len(rows) == len(weights), f"{field}.means", rows, f"one row for each of the {len(weights)} weights")
        self.size = size = len(rows[0])
        for k, row in enumerate(rows):
            require(len(row) == size > 0, f"{field}.means[{k}]", row, "rows of one length, at least 1")
        require(variance > 0, f"{field}.covariances.values", variance, "a variance > 0")
        require(self.t_min > 0, "problem.t_min", self.t_min, "a time > 0")
        require(self.t_max > self.t_min, "problem.t_max", self.t_max, "a time > t_min")
        units, self.denominator = over_common_denominator([x for row in rows for x in row], f"{field}.means", work)
        self.means = [units[k : k + size] for k in range(0, len(units), size)]
        self.assertion = read(content["assertion"], rule.assertion, "assertion", work)
        self.remarks = hash_remarks(content)
        work.spend(Arithmetic.setup(self.proof["bits"]), "proof.bits")
        self.arithmetic, self.c = Arithmetic(self.proof["bits"]), 1 - variance
        self.spend(1, "problem.t_min", self.t_min, self.t_max)
        self.ends = self.decay(self.t_min), self.decay(self.t_max)

    def spend(self, enclosures: int, field: str, *numbers: Fraction) -> None:
        """Count so many enclosures of rates or integrals, each of at most four exponentials and logarithms, 60 products
        and 8 operations on fractions, of numbers that are as long as these."""
        a, long = self.arithmetic, bits_of([self.c, *numbers])
        each = 4 * a.steps + 60 * product_steps(a.bits + 2 * long, a.bits + 2 * long) + 8 * fraction_steps(long)
        self.work.spend(enclosures * each, field)

    def bound(self, side: str, end: int, of: str, key: str, *indices: int) -> None:
        """Require an entry of the assertion to be `>= end 2^-bits` (side "above") or `<=` ("below"), exactly."""
        value, bits = self.assertion[key], self.arithmetic.bits
        for i in indices:
            value, key = value[i], f"{key}[{i}]"
        here, there = value.numerator << bits, end * value.denominator
        if not (here >= there if side == "above" else here <= there):
            enclosed = rounded(Fraction(end, 1 << bits), up=side == "above")
            require(False, f"assertion.{key}", value, f"a bound of {of} from {side}; as enclosed here: {enclosed}")

    def within(self, key: str) -> None:
        """Require the time of this name in the assertion to be one of the interval."""
        time = self.assertion[key]
        require(self.t_min <= time <= self.t_max, f"assertion.{key}", time, "a time in [t_min, t_max]")

    def said(self, how: Callable[[str, Fraction], str], key: str, *indices: int) -> str:
        """An entry of the assertion in a sentence: `at_most`, `at_least` or `exactly` what is written there."""
        text, value = self.claimed[key], self.assertion[key]
        for i in indices:
            text, value = text[i], value[i]
        return how(text, value)

    def decay(self, t: Fraction) -> Interval:
        """`q = exp(-2 t)`."""
        return self.arithmetic.exp(self.arithmetic.rational(-2 * t))

    def variance(self, q: Interval) -> Interval:
        """`v = 1 - c q`."""
        return self.arithmetic.sub(self.arithmetic.one, self.arithmetic.mul(self.arithmetic.rational(self.c), q))

    def rates(self, q: Interval, d2: Fraction) -> tuple[Interval, Interval]:
        """`1/v - 1`, and `lambda = q D^2/(4 v^2) - (1/v - 1) = q (D^2 - 4 c v)/(4 v^2)`, for all `q` given."""
        a, v, diameter = self.arithmetic, self.variance(q), self.arithmetic.rational(d2)
        excess, scale = a.sub(a.div(a.one, v), a.one), a.mul(a.rational(Fraction(4)), a.square(v))
        first = a.sub(a.div(a.mul(q, diameter), scale), excess)
        second = a.div(a.mul(q, a.sub(diameter, a.mul(a.rational(4 * self.c), v))), scale)
        return excess, (max(first[0], second[0]), min(first[1], second[1]))

    def expansion(self, q_s: Interval, q_t: Interval) -> Interval:
        """`int_s^t (1 - 1/v) = (ln v_s - ln v_t)/2`."""
        low, high = self.arithmetic.sub(*(self.arithmetic.log(self.variance(q)) for q in (q_s, q_t)))
        return low >> 1, -(-high >> 1)

    def integral(self, rate: str, q_s: Interval, q_t: Interval, d2: Fraction) -> Interval:
        """`int_s^t lambda = (ln v_s - ln v_t)/2 + D^2 (q_s - q_t)/(8 v_s v_t)`, or `int_s^t L`.

        For `c <= 0`, `L = lambda`; else it is split at `q* = (1 - D^2/(8 c))/c`, clamped to `[q_t, q_s]`."""
        a = self.arithmetic
        if rate == "two-sided" and self.c > 0:
            crossing = a.rational((1 - d2 / (8 * self.c)) / self.c)
            low, high = (min(max(x, late), early) for x, late, early in zip(crossing, q_t, q_s, strict=True))
            return a.sub(self.integral("one-sided", q_s, (low, high), d2), self.expansion((low, high), q_t))
        pull = a.div(a.mul(a.rational(d2 / 8), a.sub(q_s, q_t)), a.mul(self.variance(q_s), self.variance(q_t)))
        return a.add(self.expansion(q_s, q_t), pull)


def hash_remarks(content: dict[str, Any]) -> list[str]:
    """Require the hash of claim, problem and assertion (`sha256-statement:`).

    An older file has that of claim and problem only (`sha256:`): a remark says so."""
    old = content["hash"].startswith("sha256:")
    keys = ["schema", "claim", "problem", *([] if old else ["assertion"])]
    hashed = {key: content[key] for key in keys}
    text = json.dumps(hashed, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    right = ("sha256:" if old else "sha256-statement:") + hashlib.sha256(text.encode("ascii")).hexdigest()
    required = f"{right} for this {'problem' if old else 'claim, problem and assertion'}"
    require(content["hash"] == right, "hash", content["hash"], required)
    return (
        ["hash of claim and problem only: an older file, whose hash would not show a changed assertion"] if old else []
    )
