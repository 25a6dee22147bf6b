"""The checker of certificates: this one file, the standard library of Python, and nothing else.

    python checker.py FILE...

A certificate asserts bounds for the probability-flow ODE of a Gaussian mixture with common isotropic variance `s2`. All
of it is computed again from the file alone, in exact rationals and outward-rounded intervals of integers; nothing is
searched for or sampled, and what cannot be decided, or would take much time or memory, is refused. Prints a line for
each file; exit code 0: all accepted, 1: at least one refused, 2: no file named or one that cannot be read.

The proofs are in proofs/checker.md: numbers in parentheses are its sections. At a time t in [t_min, t_max]:
q = e^(-2t), c = 1 - s2, v = 1 - c q, D the diameter of the means, J the Jacobian of the velocity, and the rates
lambda = 1 - 1/v + q D^2/(4 v^2) (one-sided) and L = max(|1/v - 1|, |lambda|) (two-sided).
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import sys
from collections.abc import Callable, Iterable
from fractions import Fraction
from itertools import accumulate, combinations_with_replacement, islice, pairwise, product
from operator import add, mul, sub
from typing import Any, NamedTuple

SCHEMA = "certflow/certificate/1"
#: Limits that keep time and memory bounded; a step of work takes about 0.1 microseconds.
MAX_BYTES, MAX_NESTING, MAX_VALUES, MAX_WORK = 16 * 2**20, 32, 1_000_000, 200_000_000
MAX_CHARACTERS, MAX_EXPONENT, MAX_DENOMINATOR_BITS, MAX_DIMENSION, MAX_ORDER = 4300, 5000, 2**15, 8, 256

Interval = tuple[int, int]
Matrix = list[list[Fraction]]


class Refused(Exception):
    """Why a certificate is not accepted, in one line: the field, what it holds, what it must hold."""


class Imprecise(ArithmeticError):
    """An operand is too wide or too large for the operation."""


class Verdict(NamedTuple):
    """What is said of one certificate; `text` is what is asserted, or why it is refused."""

    accepted: bool
    claim: str | None
    text: str

    def line(self, name: str) -> str:
        """The verdict on the file of this name, in one line."""
        name = "".join(c if c.isprintable() else "?" for c in name)
        return f"accepted: {name}: {self.claim}: {self.text}" if self.accepted else f"refused: {name}: {self.text}"


def require(holds: bool, field: str, received: Any, required: str) -> None:
    """Refuse the certificate unless the condition holds."""
    if not holds:
        raise Refused(f"{field or 'certificate'}: got {shown(received)}; required: {required}")


def shown(value: Any) -> str:
    """A value in few ASCII characters, on one line; a number to 15 digits."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else f"a list of length {len(value)}"
    if isinstance(value, Fraction):
        return f"{float(value):.15g}" if abs(value) < 10**300 else "a number beyond 1e300"
    return brief(json.dumps(value), 80)


def brief(text: str, most: int = 40) -> str:
    """A text, cut where it is long."""
    return text if len(text) <= most else text[: most - 3] + "..."


class Arithmetic:
    """Intervals `[lo, hi] 2^-bits` with integers `lo <= hi`, as pairs; every operation rounds outward (1).

    exp and log work at the scale `2^-w`, `w = bits + GUARD`, and round down; SLACK units more bound from above (2)."""

    GUARD, FINE, SLACK, MAX_ARGUMENT = 16, 32, 16, 2**20

    def __init__(self, bits: int):
        self.bits, self.one = bits, (1 << bits, 1 << bits)
        self._w = w = bits + self.GUARD
        self._mask, scale = (1 << (w - 8)) - 1, w + 2 * self.FINE
        n = next(n for n in range(w) if math.factorial(n + 1) << (8 * (n + 1)) >= 1 << (w + 2))
        self._exp_series = [(1 << w) // math.factorial(k) for k in range(n, -1, -1)]
        self._log_series = [(1 << w) // (2 * k + 1) for k in range((w + 2) // 18, -1, -1)]
        step = sum((1 << scale) // (math.factorial(k) << 8 * k) for k in range(n + 8))
        power, self._exp_table, total, self._log_table = 1 << scale, [1 << w], 0, [0]
        for k in range(513, 1025, 2):  # e^(i/256), and ln(1 + i/256) by steps of 2 artanh(1/k)
            power = power * step >> scale
            self._exp_table.append(power >> (scale - w))
            total += 2 * sum((1 << scale) // (j * k**j) for j in range(1, scale // 9 + 2, 2))
            self._log_table.append(total >> (scale - w))
        self._ln2_low, self._ln2_high = total >> self.FINE, (total >> self.FINE) + 2

    def rational(self, value: Fraction) -> Interval:
        """The number `value`: floor and ceiling of `value 2^bits`."""
        scaled = value.numerator << self.bits
        return scaled // value.denominator, -(-scaled // value.denominator)

    def add(self, x: Interval, y: Interval) -> Interval:
        """`x + y`, exact."""
        return x[0] + y[0], x[1] + y[1]

    def sub(self, x: Interval, y: Interval) -> Interval:
        """`x - y`, exact."""
        return x[0] - y[1], x[1] - y[0]

    def mul(self, x: Interval, y: Interval) -> Interval:
        """`x y`, extreme at corners."""
        (a, b), (c, d) = x, y
        corners = (a * c, b * d) if a >= 0 and c >= 0 else (a * c, a * d, b * c, b * d)
        return min(corners) >> self.bits, -(-max(corners) >> self.bits)

    def square(self, x: Interval) -> Interval:
        """`x^2`: extreme at the ends, but 0 where the interval contains 0."""
        low, high = sorted((abs(x[0]), abs(x[1])))
        return 0 if x[0] <= 0 <= x[1] else low * low >> self.bits, -(-high * high >> self.bits)

    def div(self, x: Interval, y: Interval) -> Interval:
        """`x / y` for `y` without 0, extreme at corners."""
        (a, b), (c, d) = x, y
        if c <= 0 <= d:
            raise Imprecise("division by an interval that contains 0")
        if d < 0:
            a, b, c, d = -b, -a, -d, -c
        return (a << self.bits) // (d if a >= 0 else c), -((-b << self.bits) // (c if b >= 0 else d))

    def sqrt(self, x: Interval) -> Interval:
        """`sqrt(x)`, increasing."""
        if x[0] < 0:
            raise Imprecise("square root of an interval that contains negative numbers")
        root = math.isqrt(x[1] << self.bits)
        return math.isqrt(x[0] << self.bits), root + (root * root != x[1] << self.bits)

    def log(self, x: Interval) -> Interval:
        """`ln x`, increasing."""
        if x[0] <= 0:
            raise Imprecise("logarithm of an interval that contains 0 or negative numbers")
        return self._log(x[0]) >> self.GUARD, -(-(self._log(x[1]) + self.SLACK) >> self.GUARD)

    def exp(self, x: Interval) -> Interval:
        """`e^x`, increasing; ends below `-bits - 1` are raised to it: the exponentials of both are below a unit."""
        low, high = (max(end, (-self.bits - 1) << self.bits) for end in x)
        if high >> self.bits >= self.MAX_ARGUMENT:
            raise Imprecise("exponential of a number that is too large")
        m, n = self._exp(low)
        M, N = self._exp(high) if high > low else (m, n)
        n, N, M = n - self.GUARD, N - self.GUARD, M + self.SLACK
        return m << n if n >= 0 else m >> -n, M << N if N >= 0 else -(-M >> -N)

    def _exp(self, x: int) -> tuple[int, int]:
        """`(m, n)` with `m 2^(n-w) <= e^(x 2^-bits) <= (m + 16) 2^(n-w)`, by `x = n ln 2 + i/256 + h` (2)."""
        n, rest = divmod(x << (self.GUARD + self.FINE), self._ln2_high if x >= 0 else self._ln2_low)
        w, rest, total = self._w, rest >> self.FINE, 0
        h = rest & self._mask
        for coefficient in self._exp_series:
            total = coefficient + (total * h >> w)
        return self._exp_table[rest >> (w - 8)] * total >> w, n

    def _log(self, a: int) -> int:
        """`y` with `y 2^-w <= ln(a 2^-bits) <= (y + 16) 2^-w`, by `a 2^-bits = 2^n m`, `m` near `1 + i/256` (2)."""
        w, length, total = self._w, a.bit_length(), 0
        m = a << (w + 1 - length) if length <= w else a >> (length - 1 - w)
        n, d = length - 1 - self.bits, m & self._mask
        z = (d << w) // (2 * m - d)
        y = z * z >> w
        for coefficient in self._log_series:
            total = coefficient + (total * y >> w)
        whole = n * (self._ln2_low if n >= 0 else self._ln2_high) >> self.FINE
        return self._log_table[(m >> (w - 8)) - 256] + (2 * total * z >> w) + whole


_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?[0-9]{1,6}))?")
_RATIO = re.compile(r"([+-]?[0-9]+)/([0-9]*[1-9][0-9]*)")
_TOKEN = re.compile(r"[0-9]|T|[FR][0-9]{1,6}|P[0-9]{1,6},[0-9]{1,6}")
_EXACT = 'an exact number in quotes, such as "0.1" or "1/3"'


class Work:
    """A count of the steps of one check, the same on every machine."""

    done = 0

    def spend(self, steps: int, field: str, bits: int = 0) -> None:
        """Count the steps that `field` asks for, before they are made; more where numbers have many bits."""
        self.done += steps * (1 + (bits // 128) ** 2)
        require(self.done <= MAX_WORK, field, self.done, f"at most {MAX_WORK} steps of work")


def bits_of(numbers: Iterable[Fraction | int]) -> int:
    """The length of the longest numerator or denominator."""
    return max((max(x.numerator.bit_length(), x.denominator.bit_length()) for x in numbers), default=0)


def dot(x: Iterable[Any], y: Iterable[Any]) -> Any:
    """`x.y`, to the end of the shorter one."""
    return sum(map(mul, x, y))


def parse(text: str) -> Any:
    """The value of a JSON text without floats, duplicate keys and deep nesting."""
    bare = _STRING.sub("", text)
    values = sum(map(bare.count, ",[{"))
    require(values <= MAX_VALUES, "certificate", values, f"at most {MAX_VALUES} values")
    brackets = re.finditer(r"[\[\]{}]", bare)
    depth = max(accumulate(1 if bracket.group() in "[{" else -1 for bracket in brackets), default=0)
    require(depth <= MAX_NESTING, "certificate", depth, f"at most {MAX_NESTING} nested levels")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            require(key not in found, shown(key)[1:-1], "this key twice", "each key once")
            found[key] = value
        return found

    def inexact(literal: str) -> Any:
        require(False, "certificate", literal, f"integers, and {_EXACT}")

    try:
        return json.loads(text, parse_float=inexact, parse_constant=inexact, object_pairs_hook=unique)
    except ValueError as error:  # also of an integer that is too long
        raise Refused(f"certificate: got a text that is not JSON ({error}); required: one JSON object") from None


def read(value: Any, shape: Any, field: str, work: Work) -> Any:
    """`value`, its exact numbers as fractions, which must have the shape: `{key: shape}`, an object with these keys;
    `[shape]`, a list; `(shape,)`, that or null; a set of texts or a range of integers, one of them; `Fraction`, an
    exact number in quotes; `str`, a text; None, anything."""
    if isinstance(shape, dict) and isinstance(value, dict):
        for key in [*value, *shape]:
            where = f"{field}.{shown(key)[1:-1]}".lstrip(".")
            require(key in value, where, "nothing", "this key")
            require(key in shape, where, "this key", f"no key but {', '.join(shape)}")
        return {key: read(value[key], inner, f"{field}.{key}".lstrip("."), work) for key, inner in shape.items()}
    if isinstance(shape, list) and isinstance(value, list):
        return [read(entry, shape[0], f"{field}[{i}]", work) for i, entry in enumerate(value)]
    if isinstance(shape, tuple):
        return value if value is None else read(value, shape[0], field, work)
    if shape is Fraction and isinstance(value, str):
        require(len(value) <= MAX_CHARACTERS, field, value, f"a number of at most {MAX_CHARACTERS} characters")
        decimal = _DECIMAL.fullmatch(value)
        require(bool(decimal or _RATIO.fullmatch(value)), field, value, _EXACT)
        exponent = abs(int(decimal[1] or 0)) if decimal else 0
        require(exponent <= MAX_EXPONENT, field, value, f"a decimal exponent of at most {MAX_EXPONENT} in size")
        work.spend(len(value) + exponent, field)
        return Fraction(value)
    if isinstance(shape, set | range):
        one = f"an integer from {shape[0]} to {shape[-1]}" if isinstance(shape, range) else " or ".join(sorted(shape))
        require(type(value) is (int if isinstance(shape, range) else str) and value in shape, field, value, one)
    elif shape is not None:
        kinds: dict[Any, str] = {dict: "an object", list: "a list"}
        required = kinds.get(type(shape), "a text" if shape is str else _EXACT)
        require(shape is str and isinstance(value, str), field, value, required)
    return value


class Case:
    """One certificate as its rule sees it, exact: the mixture `sum_k weights[k]/total N(means[k]/denominator, (1-c) I)`
    in integers, the assertion, also as it is written (`claimed`), the proof; and the rates of growth, enclosed (3)."""

    def __init__(self, content: dict[str, Any], work: Work):
        self.work, self.claim, self.claimed = work, content["claim"], content["assertion"]
        rule, assertion, hints, self.decide = RULES[self.claim]
        self.proof = read(content["proof"], {"rule": {rule}, "bits": range(64, 1025)} | hints, "proof", work)
        problem, field = read(content["problem"], _PROBLEM, "problem", work), "problem.mixture"
        hashed = {"schema": SCHEMA, "claim": self.claim, "problem": content["problem"]}
        text = json.dumps(hashed, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        problem_hash = "sha256:" + hashlib.sha256(text.encode("ascii")).hexdigest()
        require(content["hash"] == problem_hash, "hash", content["hash"], f"{problem_hash} for this problem")
        mixture, self.t_min, self.t_max = problem["mixture"], problem["t_min"], problem["t_max"]
        weights, rows, variance = mixture["weights"], mixture["means"], mixture["covariances"]["values"]
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
        self.assertion = read(content["assertion"], assertion, "assertion", work)
        self.arithmetic, self.c = Arithmetic(self.proof["bits"]), 1 - variance
        self.ends = self.decay(self.t_min), self.decay(self.t_max)

    def bound(self, side: str, end: int, of: str, key: str, *indices: int) -> None:
        """Require an entry of the assertion to be `>= end 2^-bits` (side "above") or `<=` ("below"), exactly."""
        value, unit = self.assertion[key], self.arithmetic.one[0]
        for i in indices:
            value, key = value[i], f"{key}[{i}]"
        if not (value * unit >= end if side == "above" else value * unit <= end):
            required = f"a bound of {of} from {side}; as enclosed here: {shown(Fraction(end, unit))}"
            require(False, f"assertion.{key}", value, required)

    def within(self, key: str) -> None:
        """Require the time of this name in the assertion to be one of the interval."""
        time = self.assertion[key]
        require(self.t_min <= time <= self.t_max, f"assertion.{key}", time, "a time in [t_min, t_max]")

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


def over_common_denominator(values: list[Fraction], field: str, work: Work) -> tuple[list[int], int]:
    """Integers `n_i` and one `d` with `values[i] = n_i / d`."""
    common = 1
    for part in {value.denominator for value in values}:
        work.spend((common.bit_length() * part.bit_length() >> 15) + 1, field)
        common = math.lcm(common, part)
        require(common.bit_length() <= MAX_DENOMINATOR_BITS, field, values, "a common denominator that is not so large")
    work.spend((common.bit_length() // 8 + 1) * len(values), field)
    return [value.numerator * (common // value.denominator) for value in values], common


def squared_diameter(case: Case) -> Fraction:
    """`assertion.diameter_squared`, at least `|mu_j - mu_k|^2` for all j, k; attained by the pair of the proof."""
    means, field, stated = case.means, "assertion.diameter_squared", case.assertion["diameter_squared"]
    limit, bits = stated * case.denominator**2, bits_of(x for row in means for x in row)
    case.work.spend(len(means) ** 2 * (case.size + 1) * (1 + bits // 64), "problem.mixture.means")
    whole, pair = math.floor(limit), case.proof.get("pair")
    for (j, first), (k, second) in combinations_with_replacement(enumerate(means), 2):
        if sum((x - y) ** 2 for x, y in zip(first, second, strict=True)) > whole:
            require(False, field, stated, f"at least |mu_{j} - mu_{k}|^2")
    if pair is not None:
        required = f"two of {len(means)} components, from 0"
        require(len(pair) == 2 and max(pair) < len(means), "proof.pair", pair, required)
        step = list(map(sub, *(means[k] for k in pair)))
        require(dot(step, step) == limit, "proof.pair", pair, f"a pair that attains {field}")
    return stated


def spatial_bounds(case: Case) -> str:
    """L2, L3: on each panel `[t_i, t_{i+1}]`, for all x, `||J|| <= L`, `1 - 1/v <= -J <= lambda` (3)."""
    d2, times, claim = squared_diameter(case), case.assertion["times"], case.assertion
    panels = len(times) - 1
    require(panels > 0, "assertion.times", times, "at least 2 times")
    for i, end in ((0, case.t_min), (panels, case.t_max)):
        require(times[i] == end, f"assertion.times[{i}]", times[i], f"{shown(end)}: the panels cover [t_min, t_max]")
    for i, (before, after) in enumerate(pairwise(times), 1):
        require(before < after, f"assertion.times[{i}]", after, "a time after the one before")
    for key in sorted({"upper", "lower"} & claim.keys()):
        require(len(claim[key]) == panels, f"assertion.{key}", claim[key], f"{panels} bounds, one a panel")
    case.work.spend(4 * panels * case.arithmetic.bits, "assertion.times")
    for i, (early, late) in enumerate(pairwise(map(case.decay, times))):
        excess, growth = case.rates((late[0], early[1]), d2)
        if case.claim == "L2":
            case.bound("above", max(-excess[0], excess[1], -growth[0], growth[1]), "L", "upper", i)
        else:
            case.bound("above", growth[1], "lambda", "upper", i)
            case.bound("below", -excess[1], "1 - 1/v", "lower", i)
    what = "||J(x,t)||_2 <= upper(t)" if case.claim == "L2" else "lower(t) <= -J(x,t) <= upper(t)"
    largest = max(zip(claim["upper"], case.claimed["upper"], strict=True))[1]
    return f"for all x, {what} <= {brief(largest)}, {panels} panels"


def flow_stability(case: Case) -> str:
    """F1: `exp(contraction) |x-y| <= |Phi(x)-Phi(y)| <= exp(growth) |x-y| <= factor |x-y|`, by Gronwall (3)."""
    growth, factor, d2 = case.assertion["growth"], case.assertion["factor"], squared_diameter(case)
    case.bound("above", case.integral("one-sided", *case.ends, d2)[1], "int lambda", "growth")
    case.bound("below", case.expansion(*case.ends)[0], "int (1 - 1/v)", "contraction")
    require((factor is None) == (growth > 600), "assertion.factor", factor, "null if growth > 600, else a number")
    if factor is not None:
        case.bound("above", case.arithmetic.exp(case.arithmetic.rational(growth))[1], "exp(growth)", "factor")
    written = [brief(str(case.claimed[key])) for key in ("contraction", "growth", "factor")]
    return "for all x, y, exp({}) <= |Phi(x)-Phi(y)| / |x-y| <= exp({}), factor {}".format(*written)


def cumulative_stability(case: Case) -> str:
    """F2: `int lambda` and `int L` over `[t_min, t_max]` lie between the asserted ends, by their closed forms (3)."""
    d2, rates = squared_diameter(case), ("one-sided", "two-sided")
    for key in rates:
        value, ends = case.integral(key, *case.ends, d2), case.assertion[key]
        require(len(ends) == 2, f"assertion.{key}", ends, "two ends")
        case.bound("below", value[0], "the integral", key, 0)
        case.bound("above", value[1], "the integral", key, 1)
    written = [brief(end) for key in rates for end in case.claimed[key]]
    return "int lambda in [{}, {}], int L in [{}, {}]".format(*written)


def balanced_grid(case: Case) -> str:
    """G1: `[lo_k, hi_k]` holds the one `t_k` with `K int_{t_min}^{t_k} rate = (K - k) int_{t_min}^{t_max} rate` (3)."""
    d2, a, start = squared_diameter(case), case.arithmetic, case.ends[0]
    rate, segments, nodes = (case.assertion[key] for key in ("rate", "segments", "nodes"))
    require(len(nodes) == segments + 1, "assertion.nodes", nodes, f"{segments + 1} nodes, segments + 1")
    case.work.spend(8 * segments * a.bits, "assertion.segments")
    largest = max(a.mul(a.rational(4 * case.c), case.variance(q))[1] for q in case.ends)
    positive = a.rational(d2)[0] > largest if rate == "one-sided" else case.c != 0 or d2 > 0
    require(positive, "assertion.rate", rate, "a rate that is certainly positive on [t_min, t_max]")
    total = case.integral(rate, *case.ends, d2)
    for k, node in enumerate(nodes):
        field, share = f"assertion.nodes[{k}]", segments - k
        require(len(node) == 2 and node[0] <= node[1], field, node, "lo <= hi")
        require(k == 0 or node[1] < nodes[k - 1][0], field, node, "times before those of the last node")
        if 0 < k < segments:
            low, high = (case.integral(rate, start, case.decay(t), d2) for t in node)
            part = f"{share}/{segments} of the integral"
            require(segments * low[1] <= share * total[0], f"{field}[0]", node[0], f"a time certainly up to {part}")
            require(segments * high[0] >= share * total[1], f"{field}[1]", node[1], f"a time certainly from {part}")
        else:
            end = case.t_min if k else case.t_max
            require(node == [end, end], field, node, f"{shown(end)} twice, an end of [t_min, t_max]")
    return f"each node of the {rate} balanced grid of {segments} segments lies in its interval of assertion.nodes"


class Law:
    """The law of the means on some axes (4), equal ones merged: points `a_k`, integers over `unit`, the `middle` of an
    axis at 0, weights, and `logs = log w_k - r |a_k|^2`: responsibilities are `p_k = exp(logs_k + y.a_k)`, scaled."""

    def __init__(self, case: Case, means: list[list[int]], axes: list[int], r: Interval):
        merged: dict[tuple[int, ...], int] = {}
        for row, weight in zip(means, case.weights, strict=True):
            point = tuple(row[axis] for axis in axes)
            merged[point] = merged.get(point, 0) + weight
        self.weights, self.unit, a = merged, 2 * case.denominator, case.arithmetic
        middles = [max(column) + min(column) for column in zip(*merged, strict=True)]
        self.middle = [Fraction(m, self.unit) for m in middles]
        self.points = [[2 * x - m for x, m in zip(point, middles, strict=True)] for point in merged]
        squares = [a.mul(r, a.rational(Fraction(dot(point, point), self.unit**2))) for point in self.points]
        logs = [a.log(a.rational(Fraction(weight, case.total))) for weight in merged.values()]
        self.logs = list(map(a.sub, logs, squares))
        self.size = bits_of([self.unit, *(x for point in self.points for x in point)])


class Task(NamedTuple):
    """What a covering shows, for all tilts y on `columns`: with some b, `sum_k p_k (tau I - (a_k-b)(a_k-b)^T) >= 0`,
    the sum over `members`, and over every other point with any `0 <= p_k <= budget sum_members p` (5)."""

    members: list[int]
    columns: list[int]
    budget: Fraction


class Cell(NamedTuple):
    """Ends of a cell on every axis. Boxes: of y, or of s in a region `y = centre + frame s`. Cones (`sign` not 0):
    `y = u/s`, `s` between the ends on axis `facet`, `u_facet = sign`, the other `u_j` between theirs."""

    ends: tuple[tuple[Fraction, Fraction], ...]
    facet: int = 0
    sign: int = 0

    def halved(self, axis: int) -> list[Cell]:
        """The two halves, bisected at the middle of an axis, the upper first."""
        low, high = self.ends[axis]
        parts = ((low + high) / 2, high), (low, (low + high) / 2)
        return [self._replace(ends=(*self.ends[:axis], part, *self.ends[axis + 1 :])) for part in parts]

    def vertices(self) -> tuple[Matrix, bool]:
        """The vertices; of a cone to infinity those of its inner end, and False: the cell is not their hull."""
        if not self.sign:
            return [list(point) for point in product(*self.ends)], True
        sides = [(Fraction(self.sign),) if j == self.facet else ends for j, ends in enumerate(self.ends)]
        scales = [s for s in self.ends[self.facet] if s]
        return [[x / s for x in u] for s in scales for u in product(*sides)], len(scales) == 2


class Covering:
    """Verifies the coverings of one block: that of all its points, and that of every face which the proof names (5).
    While a cell is settled, `heights[k]` is `y.a_k` at its vertices for each member, in units, off by < `error`."""

    def __init__(self, case: Case, law: Law, tau: Fraction, block: dict[str, Any], field: str):
        self.a, self.p, self.work, self.law = case.arithmetic, case.arithmetic.bits, case.work, law
        self.tau, self.ln2 = tau, self.a.log(self.a.rational(Fraction(2)))[0]
        self.geometry = [[(x << self.p) // law.unit for x in point] for point in law.points]
        self.excesses: dict[tuple[int, int], list[int | None]] = {}
        self.tasks: list[Task] = []
        count, size = len(law.points), len(law.points[0])
        parts = [(block | {"members": list(range(count))}, field)]
        parts += [(face, f"{field}.faces[{i}]") for i, face in enumerate(block["faces"])]
        for part, where in parts:
            members, columns, n = part["members"], part["pivots"], len(part["pivots"])
            proper = members == sorted(set(members)) and 0 < len(members) < count + (part is parts[0][0])
            require(proper and members[-1] < count, f"{where}.members", members, "some of the points, ascending")
            fits = columns == sorted(set(columns)) and 0 < n <= MAX_DIMENSION and columns[-1] < size <= MAX_DIMENSION
            require(fits, f"{where}.pivots", columns, f"1 to {MAX_DIMENSION} axes, ascending, of as many at most")
            self.work.spend(20 * len(members) * size * n, where, n * law.size)
            base = law.points[members[0]]
            rows = [list(map(Fraction, map(sub, law.points[k], base))) for k in members[1:]]
            one_to_one = eliminate(rows, columns) == n and not any(map(any, rows[n:]))
            require(one_to_one, f"{where}.pivots", columns, "axes on which the hull of the points projects one to one")
            self.tasks.append(Task(members, columns, Fraction(len(self.tasks) > 0, 1 << (40 + n))))
        for task, (part, where) in zip(self.tasks, parts, strict=True):
            self.cover(task, part["cover"], f"{where}.cover")

    def cover(self, task: Task, cover: dict[str, Any], field: str) -> None:
        """All tilts: `|y|_inf <= R`, and the cones over the `2n` facets of that cube; the regions by themselves."""
        n, radius, unit = len(task.columns), cover["radius"], (Fraction(-1), Fraction(1))
        require(radius > 0, f"{field}.radius", radius, "a number > 0")
        require(len(cover["cones"]) == 2 * n, f"{field}.cones", cover["cones"], f"{2 * n} trees")
        regions: list[tuple[list[Fraction], Matrix]] = []
        for i, region in enumerate(cover["regions"]):
            centre, rows, where = region["centre"], region["frame"], f"{field}.regions[{i}]"
            shape = len(centre) == len(rows) == n and all(len(row) == n for row in rows)
            require(shape, f"{where}.frame", rows, f"{n} rows of {n} numbers, and {n} in the centre")
            frame = [[c, *row] for c, row in zip(centre, rows, strict=True)]
            self.work.spend(40 * n**3, where, n * bits_of(x for row in frame for x in row))
            inverse = [[*row, *(Fraction(j == k) for k in range(n))] for j, row in enumerate(rows)]
            require(eliminate(inverse, range(n)) == n, f"{where}.frame", rows, "a regular matrix")
            self.tree(region["boxes"], Cell((unit,) * n), task, f"{where}.boxes", frame=frame)
            regions.append((centre, [row[n:] for row in inverse]))
        self.tree(cover["boxes"], Cell(((-radius, radius),) * n), task, f"{field}.boxes", regions)
        for i, text in enumerate(cover["cones"]):
            facet, ends = i // 2, [unit] * n
            ends[facet] = (Fraction(0), 1 / radius)
            self.tree(text, Cell(tuple(ends), facet, 2 * (i % 2) - 1), task, f"{field}.cones[{i}]", regions)

    def tree(self, text: str, root: Cell, task: Task, field: str, regions: Any = (), frame: Any = ()) -> None:
        """A binary tree in preorder: a number bisects the cell on that axis, a letter names what settles it: P, T, F,
        see `pair`, `taylor`, `face`; R, that every vertex, hence the cell, lies in a region that is covered."""
        n, unit, stack = len(task.columns), self.law.unit, [root]
        count, size = len(self.geometry), len(self.geometry[0])
        cost = 2**n * (40 * n + 20 * n * len(frame) + count * (10 + 2 * size**2) + 2 * size**3) + count * (60 + self.p)
        long = self.law.size + bits_of([self.tau, *(x for row in frame for x in row)])
        self.work.spend(100 * n * (text.count(" ") + 1) + 10 * count * n, field, long)
        tilts = {k: [self.law.points[k][j] for j in task.columns] for k in task.members}
        rows = [[self.a.rational(x)[0] for x in row] for row in frame]
        off = max((sum(map(abs, row)) >> self.p) + 4 + n for row in rows) if rows else 1
        self.error = (max(sum(map(abs, tilt)) for tilt in tilts.values()) // unit + 1) * off + 4 + n
        for place, token in enumerate(text.split(" ")):
            where = f"{field}, token {place}"
            require(bool(stack), where, token, "the end of the tree")
            require(bool(_TOKEN.fullmatch(token)), where, token, "an axis, or one of the reasons P, T, F, R")
            cell, kind, numbers = stack.pop(), token[0], [int(number) for number in re.findall("[0-9]+", token)]
            depth, settled = bits_of(end for ends in cell.ends for end in ends), False
            if kind not in "PTFR":
                require(numbers[0] < n, where, token, f"an axis below {n}")
                self.work.spend(20 * n, where, depth)
                stack += cell.halved(numbers[0])
                continue
            self.work.spend(cost, where, depth + long)
            vertices, bounded = cell.vertices()
            if kind == "R" and bounded and numbers[0] < len(regions):
                centre, inverse = regions[numbers[0]]
                self.work.spend(30 * 2**n * n**2, where, depth + bits_of(x for row in inverse for x in row))
                steps = [list(map(sub, vertex, centre)) for vertex in vertices]
                settled = all(abs(dot(row, step)) <= 1 for step in steps for row in inverse)
            elif kind != "R":
                rounded = [[(x.numerator << self.p) // x.denominator for x in vertex] for vertex in vertices]
                if rows:
                    rounded = [[dot(row, (self.a.one[0], *vertex)) >> self.p for row in rows] for vertex in rounded]
                self.heights = {k: [dot(tilt, vertex) // unit for vertex in rounded] for k, tilt in tilts.items()}
                if kind == "P":
                    settled = set(numbers) <= set(task.members) and self.pair(task, bounded, *numbers)
                elif kind == "T":
                    settled = bounded and self.taylor(task)
                elif cell.sign and numbers[0] + 1 < len(self.tasks):
                    settled = self.face(task, bounded, self.tasks[numbers[0] + 1])
            require(settled, where, token, "a reason that settles its cell")
        require(not stack, field, f"{len(stack)} cells left open", "a tree without open cells")

    def share(self, k: int, pairs: Iterable[tuple[int, int]], bounded: bool) -> int | None:
        """`U` with `p_k <= U sum p_i` over the cell, the sum over the points in the pairs, in units; None without one:
        `p_i + p_j >= 2 sqrt(p_i p_j)`, `log(p_k / sqrt(p_i p_j))` is affine and towards infinity must not grow."""
        rows, logs, bounds = self.heights, self.law.logs, []
        for i, j in pairs:
            top = max(map(add, map(sub, rows[k], rows[i]), map(sub, rows[k], rows[j]))) + 4 * self.error
            if bounded or top <= 0:
                bound = -(-(2 * logs[k][1] - logs[i][0] - logs[j][0] + top) >> 1)
                bounds.append(bound - self.ln2 if i != j else bound)
        return self.a.exp((min(bounds), min(bounds)))[1] if bounds else None

    def pair(self, task: Task, bounded: bool, i: int, j: int) -> bool:
        """Pair rule: `b = (a_i+a_j)/2`, `q = |a_i-a_j|^2/4 <= tau`, `p_k <= U_k (p_i+p_j)`, `sum_k U_k x_k <= 1`,
        `x_k = (|a_k-b|^2-tau)_+ / max(tau - (e.(a_k-b))^2, tau-q)`."""
        if (i, j) not in self.excesses:
            self.excesses[i, j] = self.excess(i, j)
        need, unit, total, mass = self.excesses[i, j], self.a.one[0], 0, 0
        outside = [x for k, x in enumerate(need) if task.budget and k not in self.heights]
        for k in task.members:
            if k not in (i, j) and (need[k] != 0 or task.budget):
                share, excess = self.share(k, ((i, i), (j, j), (i, j)), bounded), need[k]
                if share is None or excess is None:
                    return False
                total, mass = total + share * excess, mass + share
        if None in (need[i], need[j], *outside):
            return False
        return total + task.budget * (unit + mass) * sum(filter(None, outside)) <= unit * unit

    def excess(self, i: int, j: int) -> list[int | None]:
        """`x_k` of the pair rule for each point, rounded up to units; None where there is none (at i, j: `q > tau`)."""
        points, tau, found = self.law.points, self.tau * 4 * self.law.unit**2, list[int | None]()
        self.work.spend(100 * len(points) * len(points[0]), "proof.blocks", self.law.size + bits_of([self.tau]))
        axis, centre = list(map(sub, points[j], points[i])), list(map(add, points[j], points[i]))
        q = dot(axis, axis)
        for k, point in enumerate(points):
            d = [2 * x - c for x, c in zip(point, centre, strict=True)]
            surplus, room = dot(d, d) - tau, tau - (min(q, Fraction(dot(d, axis) ** 2, q)) if q else 0)
            if k in (i, j) or surplus <= 0:
                found.append(0 if q <= tau else None)
            else:
                found.append(self.a.rational(surplus / room)[1] if room > 0 else None)
        return found

    def face(self, task: Task, bounded: bool, face: Task) -> bool:
        """Face rule: off a proper face `p_k <= budget sum_face p`, also for the points outside the task."""
        others, unit, mass = set(task.members) - set(face.members), self.a.one[0], 0
        if not set(face.members) < set(task.members):
            return False
        self.work.spend(10 * 2 ** len(task.columns) * len(others) * len(face.members), "proof.blocks")
        for k in others:
            share = self.share(k, ((s, s) for s in face.members), bounded)
            if share is None or share > face.budget * unit:
                return False
            mass += share
        return task.budget * (unit + mass) <= face.budget * unit

    def taylor(self, task: Task) -> bool:
        """Taylor rule: `sum_k g_k (1 + z_k) (tau I - d_k d_k^T) >= rho I` at every vertex; `g_k = p_k` at their mean,
        `d_k = a_k - b`, `z_k` the change of `log p_k` less a common affine function, at most `zeta_k` in size, and
        `rho = sum_k g_k (e^zeta_k - 1 - zeta_k) (|d_k|^2 - tau)_+`."""
        p, a, one, rows, logs, error = self.p, self.a, 1 << self.p, self.heights, self.law.logs, self.error
        corners, axes = range(len(rows[task.members[0]])), range(len(self.geometry[0]))
        middle = {k: sum(row) // len(corners) for k, row in rows.items()}
        logits = {k: (logs[k][0] + m - error - 1, logs[k][1] + m + error + 1) for k, m in middle.items()}
        lead = max(low for low, _ in logits.values())
        g = {k: a.exp((low - lead, high - lead)) for k, (low, high) in logits.items()}
        total = sum(low for low, _ in g.values())
        shift = [sum(g[k][0] * (row[v] - middle[k]) for k, row in rows.items()) // total for v in corners]
        b = [sum(g[k][0] * self.geometry[k][j] for k in rows) // total for j in axes]
        d = [list(map(sub, point, b)) for point in self.geometry]
        # In units: z is off by `slack`, an entry of d by 1, tau by 1, so A_k by `wide (1 + |d_k|^2)` at most.
        tau, wide, slack = (self.tau.numerator << p) // self.tau.denominator, 4 * len(axes) + 2, 4 * error + 4
        squares = [(dot(x, x) >> p) + 2 * (sum(map(abs, x)) >> p) + wide for x in d]
        surplus = [max(square - tau + 1, 0) for square in squares]
        rho, margin, grown, weights = 0, 0, 0, []
        for k, row in rows.items():
            z = [x - middle[k] - s for x, s in zip(row, shift, strict=True)]
            zeta, (low, high) = max(map(abs, z)) + slack, g[k]
            raised = a.exp((logits[k][1] - lead + zeta,) * 2)[1]
            # e^z - 1 - z <= z^2/2 / (1 - z/3) for z < 3
            rest = (3 * high * zeta * zeta // (2 * (3 * one - zeta)) >> p) + 2 if zeta < 2 * one else raised
            rho, grown = rho + rest * surplus[k], grown + raised
            margin += ((high - low) * (one + zeta) + high * slack) * (max(tau, squares[k]) + one) + one
            margin += high * (one + zeta) * ((wide * (one + squares[k]) >> p) + 1)
            weights.append([low * (one + x) for x in z])
        outside = sum(x for k, x in enumerate(surplus) if k not in rows)
        rho += math.ceil(task.budget * grown * outside)
        entries = [[(tau << p if i == j else 0) - d[k][i] * d[k][j] for k in rows] for i in axes for j in range(i + 1)]
        for corner in zip(*weights, strict=True):
            flat = iter([dot(corner, entry) for entry in entries])
            matrix = [list(islice(flat, i + 1)) for i in axes]
            for i in axes:
                matrix[i][i] -= (rho << 2 * p) + (margin << p)
            if not positive(matrix):
                return False
        return True


def positive(lower: list[list[int]]) -> bool:
    """Whether a symmetric integer matrix, given by its lower triangle, is positive definite: its leading minors are
    positive (Sylvester), computed without fractions (Bareiss) in its place."""
    previous = 1
    for k, pivot in enumerate(lower):
        if pivot[k] <= 0:
            return False
        for i in range(k + 1, len(lower)):
            for j in range(k + 1, i + 1):
                lower[i][j] = (lower[i][j] * pivot[k] - lower[i][k] * lower[j][k]) // previous
        previous = pivot[k]
    return True


def eliminate(rows: Matrix, columns: Iterable[int]) -> int:
    """Reduce the rows, in place, by elimination on these columns (Gauss, Jordan); the number of pivots, which lead."""
    rank = 0
    for j in columns:
        pivot = next((i for i in range(rank, len(rows)) if rows[i][j]), None)
        if pivot is not None:
            rows[rank], rows[pivot] = rows[pivot], rows[rank]
            rows[rank] = [x / rows[rank][j] for x in rows[rank]]
            for i, row in enumerate(rows):
                if i != rank and row[j]:
                    rows[i] = [x - row[j] * y for x, y in zip(row, rows[rank], strict=True)]
            rank += 1
    return rank


def sharp_rate(case: Case) -> str:
    """L5: `lower <= sup_x rate(x, t) <= upper`, `rate = (q/v^2) V* - (1/v - 1)`, if two-sided at least `|1/v - 1|`, by
    both sides of `V* = sup_y lambda_max Cov_p(a)`, by blocks; with a turn, of `(f x + g y, f y - g x)` (4)."""
    a, claim, blocks, work, means = case.arithmetic, case.assertion, case.proof["blocks"], case.work, case.means
    time, one_sided, turn, scale = claim["t"], claim["kind"] == "one-sided", case.proof["turn"], 1
    case.within("t")
    q = case.decay(time)
    v = case.variance(q)
    r, excess, factor = a.div(q, (2 * v[0], 2 * v[1])), a.sub(a.div(a.one, v), a.one), a.div(q, a.square(v))
    pull = a.mul(a.exp(a.rational(time)), (2 * r[0], 2 * r[1]))
    if turn is not None:
        fits, required = case.size == len(turn) == 2 and any(turn), "two integers, not both 0, for means in a plane"
        require(fits, "proof.turn", turn, required)
        means, scale = [[dot(turn, row), turn[0] * row[1] - turn[1] * row[0]] for row in means], dot(turn, turn)
        r = r[0] // scale, -(-r[1] // scale)

    def rate(spread: Fraction) -> Interval:
        low, high = a.sub(a.mul(factor, a.rational(spread)), excess)
        sure = max(-excess[1], excess[0], 0), max(-excess[0], excess[1])
        return (low, high) if one_sided else (max(low, sure[0]), max(high, sure[1]))

    taken = [axis for block in blocks for axis in block["axes"]]
    for i, block in enumerate(blocks):
        axes, fresh = block["axes"], i > 0 or len(taken) == len(set(taken))
        fits = fresh and axes and axes == sorted(set(axes)) and axes[-1] < case.size
        require(bool(fits), f"proof.blocks[{i}].axes", axes, f"axes below {case.size}, ascending, in no other block")
    rest = [axis for axis in set(range(case.size)) - set(taken) if len({row[axis] for row in means}) > 1]
    require(bool(blocks) and not rest, "proof.blocks", rest, "blocks that hold every axis on which the means differ")
    work.spend(50 * len(means) * case.size * a.bits, "problem.mixture.means", bits_of([case.total]))
    laws, whole = [Law(case, means, block["axes"], r) for block in blocks], Law(case, means, taken, r)
    count = math.prod(len(law.points) for law in laws)
    require(count == len(whole.points), "proof.blocks", f"{count} products", f"{len(whole.points)}, as many as means")
    for point, weight in whole.weights.items():
        entries = iter(point)
        parts = [law.weights[tuple(islice(entries, len(law.middle)))] for law in laws]
        fits = math.prod(parts) == weight * case.total ** (len(laws) - 1)
        require(fits, "proof.blocks", Fraction(weight, case.total), "weights that are products over the blocks")
    for i, (law, block) in enumerate(zip(laws, blocks, strict=True)):
        field, threshold, points = f"proof.blocks[{i}]", block["threshold"], law.points
        require(threshold > 0, f"{field}.threshold", threshold, "a number > 0")
        if block["cover"] is None:
            work.spend(10 * len(points) ** 2 * len(points[0]), field, law.size)
            largest = max(sum((a - b) ** 2 for a, b in zip(x, y, strict=True)) for x, y in product(points, points))
            fits = largest <= 4 * threshold * scale * law.unit**2
            require(fits, f"{field}.threshold", threshold, "at least D^2/4 of the block")
        else:
            Covering(case, law, threshold * scale, block, field)
    case.bound("above", rate(max(block["threshold"] for block in blocks))[1], "the supremum", "upper")
    case.bound("below", rate(witnessed(case, laws, r, pull) / scale)[0], "the rate at the witness", "lower")
    t, low, high = (brief(case.claimed[key]) for key in ("t", "lower", "upper"))
    return f"at t = {t}, {low} <= sup over all x of {'lambda_max(-J)' if one_sided else '||J||_2'} <= {high}"


def witnessed(case: Case, laws: list[Law], r: Interval, pull: Interval) -> Fraction:
    """A lower bound of `V*`: `e.Cov(a).e / e.e` at x, or in the limit along a normal that is largest on `members` only;
    `p_k ~ w_k exp(-r |a_k|^2 + (m/v) x.a_k)`, `m/v = 2 r e^t` (4)."""
    a, hint, field = case.arithmetic, case.proof["lower"], "proof.lower"
    require(hint["block"] < len(laws), f"{field}.block", hint["block"], f"a block below {len(laws)}")
    law, axes = laws[hint["block"]], case.proof["blocks"][hint["block"]]["axes"]
    members, vector, x = (hint[key] for key in ("members", "vector", "point"))
    normal = [Fraction(0)] * len(axes) if hint["normal"] is None else hint["normal"]
    require(len(x) == case.size, f"{field}.point", x, "a number for each axis")
    require(len(vector) == len(axes) and any(vector), f"{field}.vector", vector, "a vector on the block, not 0")
    require(len(normal) == len(axes), f"{field}.normal", normal, "a number for each axis of the block")
    case.work.spend(100 * len(law.points) * len(axes), field, law.size + bits_of([*normal, *vector]))
    heights = [dot(normal, point) for point in law.points]
    exposed = [k for k, height in enumerate(heights) if height == max(heights)]
    require(members == exposed, f"{field}.members", members, f"the {len(exposed)} points that the normal exposes")
    # From the middle c: -r |a+c|^2 + (m/v) x.(a+c) = -r |a|^2 + ((m/v) x - 2 r c).a + a constant. Any tilt will do.
    shifts = [a.mul((2 * r[0], 2 * r[0]), a.rational(c))[0] for c in law.middle]
    tilt = [a.mul(pull, a.rational(x[axis]))[0] - shift for axis, shift in zip(axes, shifts, strict=True)]
    total, mean, square = (0, 0), (0, 0), (0, 0)
    powers = [a.add(law.logs[k], a.rational(Fraction(dot(tilt, law.points[k]), law.unit * a.one[0]))) for k in members]
    lead = max(high for _, high in powers)
    for k, power in zip(members, powers, strict=True):
        mass, height = a.exp(a.sub(power, (lead, lead))), a.rational(dot(vector, law.points[k]) / law.unit)
        weighted = a.mul(mass, height)
        total, mean, square = a.add(total, mass), a.add(mean, weighted), a.add(square, a.mul(weighted, height))
    variance = a.sub(a.div(square, total), a.square(a.div(mean, total)))
    return Fraction(max(variance[0], 0), a.one[0]) / dot(vector, vector)


def flow_tube(case: Case) -> str:
    """S3: `lower <= Phi(x) <= upper`, Phi the flow from `t_from` to `t_to`, in `z = x/sqrt(v)`, `Q = e^-t/sqrt(v)`:
    `dz/dQ = sum_k gamma_k mu_k`, `gamma_k ~ w_k exp(-|z - Q mu_k|^2/2)` (6)."""
    a, claim, steps = case.arithmetic, case.assertion, case.proof["steps"]
    for key in ("x", "lower", "upper"):
        require(len(claim[key]) == case.size, f"assertion.{key}", claim[key], f"{case.size} numbers, one for each axis")
    nodes, roots, clocks = [], [], []
    for i, node in enumerate([case.proof["start"], *(step["end"] for step in steps)]):
        low, high = a.rational(node)
        require(0 < low == high, f"proof.steps[{i - 1}].end" if i else "proof.start", node, "a positive binary number")
        nodes.append(low)
    for key in ("t_from", "t_to"):
        case.within(key)
        roots.append(a.sqrt(case.variance(case.decay(claim[key]))))
        clocks.append(a.div(a.exp(a.rational(-claim[key])), roots[-1]))
    tube = Tube(case, [a.div(a.rational(entry), roots[0]) for entry in claim["x"]])
    tube.radius += tube.drift(clocks[0], nodes[0])
    for i, step in enumerate(steps):
        tube.step(nodes[i], nodes[i + 1], step["order"], f"proof.steps[{i}]")
    tube.radius += tube.drift(clocks[1], nodes[-1])
    for i, z in enumerate(tube.z):
        low, high = a.mul(roots[1], (z - tube.radius, z + tube.radius))
        case.bound("below", low, "the image", "lower", i)
        case.bound("above", high, "the image", "upper", i)
    words = [brief(case.claimed[key]) for key in ("t_from", "t_to")]
    return "Phi from t = {} to t = {} takes x into the box [lower, upper]".format(*words)


class Tube:
    """All solutions within `radius` of `z` at one Q, and a proof of where a step takes them (6). In units."""

    def __init__(self, case: Case, start: list[Interval]):
        self.a, self.case = case.arithmetic, case
        case.work.spend(len(case.weights) * (100 + 2 * self.a.bits), "problem.mixture.weights", bits_of([case.total]))
        self.logs = [self.a.log(self.a.rational(Fraction(weight, case.total))) for weight in case.weights]
        self.means = [[(x << self.a.bits) // case.denominator for x in row] for row in case.means]
        self.speed = max(math.isqrt(dot(row, row)) for row in self.means) + 1 + len(start)
        self.z, self.radius = [low for low, _ in start], sum(high - low for low, high in start)

    def drift(self, clock: Interval, node: int) -> int:
        """How far a solution moves between any number of an interval and the node."""
        return (max(clock[1] - node, node - clock[0]) * self.speed >> self.a.bits) + 1

    def step(self, now: int, end: int, order: int, field: str) -> None:
        """From `now` to `end = now + h`, along `z + y h g + Z(y)`, `0 <= y <= 1`. With `e_k = mu_k - g`, up to a common
        function, the logarithm of `p_k = w_k exp(-|z - Q mu_k|^2/2)` gains `b_k = h l_k y + Q Z.e_k - h^2 n_k y^2/2`;
        the path is a solution if `Z' = h T/S`, `S = sum p_k`, `T = sum p_k e_k`. Polynomials Z, b_k and `E_k` near p_k
        follow by recurrence; on [0, 1], b_k is off by theta, at most `up`, and nowhere gains more than `rise`, and
        `|E_k' - b_k' E_k| <= rest`, `|E_k - p_k| <= eps`, `S >= least`, `|Z' - h T/S| <= defect` (6)."""
        a, case, z, size, h, top = self.a, self.case, self.z, self.case.size, end - now, max(now, end)
        p, one, axes, den = a.bits, a.one[0], range(size), case.denominator
        bulk = bits_of([top, den, *z, *(x for row in self.means for x in row)])
        case.work.spend((len(self.means) + size) * (40 * size + p + 300), field, bulk // 3)
        halves = [sum((x * den - now * m) ** 2 for x, m in zip(z, row, strict=True)) for row in case.means]
        halves = [half // (2 * den**2 << p) for half in halves]
        logits = [(log[0] - half - 1, log[1] - half) for log, half in zip(self.logs, halves, strict=True)]
        lead = max(low for low, _ in logits)
        mass = [a.exp((low - lead, high - lead)) for low, high in logits]
        first = sum(low for low, _ in mass)

        def average(values: Iterable[int]) -> int:
            return sum(low * value for (low, _), value in zip(mass, values, strict=True)) // first

        g = [average(column) for column in zip(*self.means, strict=True)]
        arms = [list(map(sub, row, g)) for row in self.means]
        gaps = [[(x << p) - now * m for x, m in zip(z, row, strict=True)] for row in self.means]
        slopes = list(map(dot, gaps, arms))
        bends = [dot(arm, arm) for arm in arms]
        alpha, nu = average(slopes), average(bends)
        E, db, S = [[low] for low, _ in mass], [list[int]() for _ in mass], [first]
        Z, dZ = [[0] for _ in axes], [list[int]() for _ in axes]
        for n in range(order):
            long = bits_of(row[-1] for row in [*E, *Z])
            case.work.spend(6 * (len(arms) + size) * (n + 3), field, max(bulk, long) // 3)
            for j in axes:
                pull = h * sum(row[n] * arm[j] for row, arm in zip(E, arms, strict=True)) >> p
                Z[j].append((pull - dot(S[1:], dZ[j][::-1])) // ((n + 1) * first))
                dZ[j].append((n + 1) * Z[j][-1])
            for k, arm in enumerate(arms):
                gain = sum((h * Z[j][n] + now * Z[j][n + 1]) * arm[j] for j in axes) >> 2 * p
                gain += (h * (slopes[k] - alpha), -h * h * (bends[k] - nu) >> 1)[n] >> 3 * p if n < 2 else 0
                db[k].append((n + 1) * gain)
                E[k].append(dot(db[k], E[k][::-1]) // ((n + 1) << p))
            S.append(sum(row[-1] for row in E))
        up = [sum(abs(x) // (n + 1) for n, x in enumerate(row) if n or x > 0) for row in db]
        rise = [max(0, row[0] + sum(map(abs, row[1:]))) if low else 0 for (low, _), row in zip(mass, db, strict=True)]
        reach = [math.isqrt(bend) + 1 + size for bend in bends]
        far = sum(map(abs, z)) + (abs(h) * sum(map(abs, g)) >> p) + sum(abs(x) for row in Z for x in row) + size + 1
        left = abs(h) * sum(abs(row[-1]) for row in Z) * max(reach)
        theta = 2 * order + 4 + (left + 2 * size * top * (far + (top * self.speed >> p) + one) >> 2 * p)
        mean = sum(abs(average(row[n] // (n + 1) for row in db)) + 1 for n in range(order))
        least = first * (one - mean - theta) >> p
        peaks = [high - lead + x + theta for (_, high), x in zip(logits, up, strict=True)]
        fits = least > 0 and theta < one >> 10 and max(*peaks, *rise) < one << 10
        require(fits, field, Fraction(max(*peaks, *rise), one), "a step in which masses grow by less than e^1024")
        defect = order**2 * (size + 1) * (first + 2 * one)
        for j in axes:
            pull = h * sum(row[-1] * arm[j] for row, arm in zip(E, arms, strict=True)) >> p
            for n in range(order):
                defect += abs(dot(S[n + 1 :], dZ[j][::-1]) - (0 if n else pull))
        fast, shares = sum(abs(x) for row in dZ for x in row), []
        for k, (low, high) in enumerate(mass):
            grown, most, peak = (a.exp((x, x))[1] for x in (rise[k], up[k] if low else 0, peaks[k]))
            rest = sum(abs(dot(db[k][n:], E[k][::-1])) for n in range(order)) + one * order * (order + 1)
            eps = (grown * rest >> 2 * p) + ((high - low + (2 * theta * high >> p) + 1) * most >> p) + 2
            defect += (eps if low else peak) * (fast + (abs(h) * reach[k] >> p) + 1)
            shares.append(min(one, (257 * peak << p) // (256 * least) + 1))
        defect = defect // least + (size * abs(h) >> p) + 2
        terms = [sum(u * e[i] * e[j] for u, e in zip(shares, arms, strict=True)) >> 2 * p for i in axes for j in axes]
        spread = math.isqrt(dot(terms, terms)) + 1 + size + 2 * size * sum((x >> p) + 2 for x in reach)
        growth = (max(h, 0) * top * spread >> 2 * p) + 1
        require(growth < one << 10, field, Fraction(growth, one), "a step in which distances grow by less than e^1024")
        self.radius = (a.exp((growth, growth))[1] * (self.radius + defect) >> p) + 1
        thin = self.radius * top * max(reach) < 1 << (3 * p - 10)
        require(thin, field, Fraction(self.radius, one), "a tube that is thinner")
        self.radius += size
        self.z = [x + (h * y >> p) + sum(row) for x, y, row in zip(z, g, Z, strict=True)]


_LIST, _INDICES, _KINDS = [Fraction], [range(MAX_VALUES)], {"one-sided", "two-sided"}
_MIXTURE = {"schema": {"certflow/mixture/1"}, "name": str, "weights": _LIST, "means": [_LIST]}
_COVARIANCES = {"kind": {"common-isotropic"}, "values": Fraction}
_PROBLEM = {"mixture": _MIXTURE | {"covariances": _COVARIANCES}, "t_min": Fraction, "t_max": Fraction}
_SPATIAL = {"diameter_squared": Fraction, "times": _LIST, "upper": _LIST}
_FLOW = {"diameter_squared": Fraction, "growth": Fraction, "contraction": Fraction, "factor": (Fraction,)}
_INTEGRALS = {"diameter_squared": Fraction, "one-sided": _LIST, "two-sided": _LIST}
_GRID = {"diameter_squared": Fraction, "rate": _KINDS, "segments": range(1, MAX_VALUES), "nodes": [_LIST]}
_SHARP = {"t": Fraction, "kind": _KINDS, "lower": Fraction, "upper": Fraction}
_TUBE = {"x": _LIST, "t_from": Fraction, "t_to": Fraction, "lower": _LIST, "upper": _LIST}
_REGIONS = [{"centre": _LIST, "frame": [_LIST], "boxes": str}]
_COVER = {"radius": Fraction, "boxes": str, "cones": [str], "regions": _REGIONS}
_FACES = [{"members": _INDICES, "pivots": _INDICES, "cover": _COVER}]
_BLOCK = {"axes": _INDICES, "threshold": Fraction, "pivots": _INDICES, "cover": (_COVER,), "faces": _FACES}
_LOWER = {"block": range(MAX_VALUES), "members": _INDICES, "normal": (_LIST,), "point": _LIST, "vector": _LIST}
_BLOCKS = {"blocks": [_BLOCK], "turn": ([range(-(2**64), 2**64)],), "lower": _LOWER}
_STEPS = {"start": Fraction, "steps": [{"end": Fraction, "order": range(2, MAX_ORDER + 1)}]}
#: For each claim its rule: the name, the shape of the assertion, the hints that the proof holds, and the function.
RULES: dict[str, tuple[str, dict[str, Any], dict[str, Any], Callable[[Case], str]]] = {
    "L2": ("popoviciu", _SPATIAL, {}, spatial_bounds),
    "L3": ("popoviciu", _SPATIAL | {"lower": _LIST}, {}, spatial_bounds),
    "L5": ("master-inequality", _SHARP, _BLOCKS, sharp_rate),
    "F1": ("closed-form", _FLOW, {}, flow_stability),
    "F2": ("closed-form", _INTEGRALS, {"pair": _INDICES}, cumulative_stability),
    "G1": ("closed-form", _GRID, {"pair": _INDICES}, balanced_grid),
    "S3": ("taylor-steps", _TUBE, _STEPS, flow_tube),
}
_PARTS = {"problem": None, "assertion": None, "proof": None, "hash": str, "producer": None}
_CERTIFICATE = {"schema": {SCHEMA}, "claim": set(RULES)} | _PARTS


def check(text: str) -> Verdict:
    """Decide one certificate; never raises, and takes bounded time and memory on any text."""
    claim, work = None, Work()
    try:
        content = read(parse(text), _CERTIFICATE, "", work)
        claim, producer = content["claim"], content["producer"]
        texts = isinstance(producer, dict) and all(isinstance(entry, str) for entry in producer.values())
        require(texts, "producer", producer, "an object of texts")
        case = Case(content, work)
        problem = content["problem"]
        name, t_min, t_max = shown(problem["mixture"]["name"]), brief(problem["t_min"]), brief(problem["t_max"])
        return Verdict(True, claim, f"{case.decide(case)}; mixture {name}, t from {t_min} to {t_max}")
    except Refused as reason:
        return Verdict(False, claim, str(reason))
    except Imprecise as error:
        return Verdict(False, claim, f"proof.bits: got {error}; required: more bits, or a milder problem")
    except Exception as error:  # a flaw of the checker must look neither like an acceptance nor like a crash
        return Verdict(False, claim, f"certificate: cannot be checked: {type(error).__name__}")


def check_file(path: str) -> Verdict:
    """Decide the certificate in a file, of which at most MAX_BYTES are read; OSError as the file system raises it."""
    with open(path, "rb") as stream:
        content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        return Verdict(False, None, f"certificate: got more than {MAX_BYTES} bytes; required: a smaller file")
    try:
        return check(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        return Verdict(False, None, f"certificate: got a byte at {error.start} that is not UTF-8; required: JSON")


def main(paths: list[str]) -> int:
    """Check the files, print a line for each, return the exit code."""
    if not paths:
        print("usage: checker.py FILE...", file=sys.stderr)
        return 2
    code = 0
    for path in paths:
        try:
            verdict = check_file(path)
        except OSError as error:
            print(f"certflow: CERTIFICATE: got {path!r}; required: a file to read ({error.strerror})", file=sys.stderr)
            return 2
        print(verdict.line(path), flush=True)
        code = max(code, 0 if verdict.accepted else 1)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
