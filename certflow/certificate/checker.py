"""The checker of certificates: this one file, the standard library of Python, and nothing else.

    python checker.py FILE...

A certificate (schema `certflow/certificate/1`) asserts bounds for the probability-flow ODE of a Gaussian mixture with
common isotropic variance `s2` (THEORY L2, L3, F1, F2, G1). All of it is computed again from the file alone, in exact
rationals and outward-rounded intervals of Python integers; nothing is searched for or sampled. An assertion is accepted
only if it follows; what cannot be decided is refused, and so is a file that would take much time or memory.
Prints `accepted: FILE: CLAIM: what is asserted` or `refused: FILE: field: got ...; required: ...` for each file.
Exit code: 0 all accepted, 1 at least one refused, 2 no file named or one that cannot be read.

Notation, for times t in [t_min, t_max]: q = exp(-2 t), c = 1 - s2, v = 1 - c q > 0, D the diameter of the means,
J the Jacobian of the velocity, Phi the flow from t_max to t_min, and the rates

    lambda = 1 - 1/v + q D^2/(4 v^2)  (one-sided),      L = max(|1/v - 1|, |lambda|)  (two-sided).
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import sys
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise, product
from operator import mul
from typing import Any, NamedTuple

SCHEMA = "certflow/certificate/1"
#: Limits that keep time and memory bounded; a step of work takes about 0.1 microseconds.
MAX_BYTES, MAX_NESTING, MAX_VALUES, MAX_WORK = 16 * 2**20, 32, 1_000_000, 200_000_000
MAX_CHARACTERS, MAX_EXPONENT, MAX_DENOMINATOR_BITS, MAX_DIMENSION = 4300, 5000, 2**15, 8

Interval = tuple[int, int]


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
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:77] + "..."


def brief(number: str) -> str:
    """An exact number as it is written, cut where it is long."""
    return number if len(number) <= 40 else number[:37] + "..."


class Arithmetic:
    """Intervals `[lo, hi] 2^-bits` with integers `lo <= hi`, as pairs `(lo, hi)`.

    Each operation gives an interval that contains the result for all numbers of its operands: lower ends are rounded
    by `//` and `>>`, towards minus infinity, upper ends as the negative of the rounded negative, towards plus infinity.

    exp and log work at the finer scale `2^-w`, `w = bits + 16`, on numbers >= 0 with every step rounded down: what
    they find is a lower bound, and 16 units of `2^-w` more (SLACK; the errors counted in `_exp` and `_log` sum to
    less than 14) an upper bound.
    """

    GUARD, FINE, SLACK, MAX_ARGUMENT = 16, 32, 16, 2**20

    def __init__(self, bits: int):
        self.bits, self.one = bits, (1 << bits, 1 << bits)
        self._w = w = bits + self.GUARD
        self._mask, fine = (1 << (w - 8)) - 1, w + self.FINE
        # e^h = sum h^k/k! with 0 <= h < 2^-8: the remainder after k = n is below 1.01 2^(-8(n+1))/(n+1)! < 2^-w/3.
        n = next(n for n in range(w) if math.factorial(n + 1) << (8 * (n + 1)) >= 1 << (w + 2))
        self._exp_first, *self._exp_rest = [(1 << w) // math.factorial(k) for k in range(n, -1, -1)]
        # artanh(z)/z = sum z^(2k)/(2k+1) with 0 <= z < 2^-9: the remainder after k = n is below 2^(-18(n+1)) < 2^-w/3.
        self._log_first, *self._log_rest = [(1 << w) // (2 * k + 1) for k in range((w + 2) // 18, -1, -1)]
        # Tables of e^(i/256) and ln(1 + i/256), accumulated at scale 2^-(fine + 32) rounding down, which in 256 steps
        # loses less than 2^20 units of it: less than 2 units of 2^-w in an entry, 2 units of 2^-fine in ln 2.
        scale = fine + 32
        step = sum((1 << scale) // (math.factorial(k) << 8 * k) for k in range(n + 8))
        power, self._exp_table, total, self._log_table = 1 << scale, [1 << w], 0, [0]
        for i in range(256):
            power = power * step >> scale
            self._exp_table.append(power >> (scale - w))
            total += 2 * _artanh_of_inverse(513 + 2 * i, scale)  # ln((257 + i)/(256 + i))
            self._log_table.append(total >> (scale - w))
        self._ln2_low, self._ln2_high = total >> 32, (total >> 32) + 2

    def rational(self, value: Fraction) -> Interval:
        """The number `value`: floor and ceiling of `value 2^bits`."""
        scaled = value.numerator << self.bits
        return scaled // value.denominator, -(-scaled // value.denominator)

    def add(self, x: Interval, y: Interval) -> Interval:
        """`x + y`: sums of the ends, exact."""
        return x[0] + y[0], x[1] + y[1]

    def sub(self, x: Interval, y: Interval) -> Interval:
        """`x - y`: differences of opposite ends, exact."""
        return x[0] - y[1], x[1] - y[0]

    def mul(self, x: Interval, y: Interval) -> Interval:
        """`x y`: bilinear, hence extreme at corners; the least product rounded down, the largest up."""
        (a, b), (c, d) = x, y
        if a >= 0 and c >= 0:
            return a * c >> self.bits, -(-b * d >> self.bits)
        corners = a * c, a * d, b * c, b * d
        return min(corners) >> self.bits, -(-max(corners) >> self.bits)

    def square(self, x: Interval) -> Interval:
        """`x^2`: extreme at the ends, but 0 where the interval contains 0; rounded outward."""
        low, high = sorted((abs(x[0]), abs(x[1])))
        return 0 if x[0] <= 0 <= x[1] else low * low >> self.bits, -(-high * high >> self.bits)

    def div(self, x: Interval, y: Interval) -> Interval:
        """`x / y` for `y` without 0: monotone in both, hence extreme at corners; quotients rounded outward."""
        (a, b), (c, d) = x, y
        if c <= 0 <= d:
            raise Imprecise("division by an interval that contains 0")
        if d < 0:
            a, b, c, d = -b, -a, -d, -c
        return (a << self.bits) // (d if a >= 0 else c), -((-b << self.bits) // (c if b >= 0 else d))

    def sqrt(self, x: Interval) -> Interval:
        """`sqrt(x)`, increasing: `isqrt` rounds down, the root of the upper end is one more unless it is exact."""
        if x[0] < 0:
            raise Imprecise("square root of an interval that contains negative numbers")
        root = math.isqrt(x[1] << self.bits)
        return math.isqrt(x[0] << self.bits), root + (root * root != x[1] << self.bits)

    def log(self, x: Interval) -> Interval:
        """`ln x`, increasing: `_log` of the ends, the upper one with its slack, rounded outward."""
        if x[0] <= 0:
            raise Imprecise("logarithm of an interval that contains 0 or negative numbers")
        low = self._log(x[0])
        high = low if x[1] == x[0] else self._log(x[1])
        return low >> self.GUARD, -(-(high + self.SLACK) >> self.GUARD)

    def exp(self, x: Interval) -> Interval:
        """`e^x`: `exp_floating` rounded outward to units of `2^-bits`.

        Ends below `-bits - 1` are raised to it: the exponentials of both lie between 0 and 1 unit.
        """
        least = (-self.bits - 1) << self.bits
        low, high, exponent = self.exp_floating((max(x[0], least), max(x[1], least)))
        shift = exponent + self.bits
        return (low << shift, high << shift) if shift >= 0 else (low >> -shift, -(-high >> -shift))

    def exp_floating(self, x: Interval) -> tuple[int, int, int]:
        """`(m, M, e)` with `m 2^e <= e^x <= M 2^e` and `m >= 2^bits`: full relative precision however small `e^x`.

        `m` is `_exp` of the lower end; `M`, rounded up, is `m` plus slack times `1 + d + d^2 >= e^d` where the width
        `d` is below `2^-20`, and else `_exp` of the upper end plus slack.
        """
        low, width = x[0], x[1] - x[0]
        if max(-low, x[1]) >> self.bits >= self.MAX_ARGUMENT:
            raise Imprecise("exponential of a number that is too large")
        m, n = self._exp(low)
        top = m + self.SLACK
        if width >> (self.bits - 20):
            upper, upper_n = self._exp(x[1])
            top = (upper + self.SLACK) << (upper_n - n)
        elif width:
            part = top * width
            top += (part + (part * width >> self.bits) >> self.bits) + 2
        return m, top, n - self._w

    def _exp(self, x: int) -> tuple[int, int]:
        """`(m, n)` with `m 2^(n-w) <= e^(x 2^-bits) <= (m + 16) 2^(n-w)`.

        `x = n ln 2 + i/256 + h`, `0 <= h < 2^-8`: `e^x = 2^n e^(i/256) e^h`. Errors in units of `2^-w`: `n ln 2` is
        taken too large, by less than 1, and the shift loses 1, less than 4.1 in a result below 2; Horner's rule less
        than 1.6 of `e^h`, times `e^(i/256) <= 2`; the table 2, times `e^h < 1.01`; the product 1.
        """
        n, rest = divmod(x << (self.GUARD + self.FINE), self._ln2_high if x >= 0 else self._ln2_low)
        w, rest = self._w, rest >> self.FINE
        h, total = rest & self._mask, self._exp_first
        for coefficient in self._exp_rest:
            total = coefficient + (total * h >> w)
        return self._exp_table[rest >> (w - 8)] * total >> w, n

    def _log(self, a: int) -> int:
        """`y` with `y 2^-w <= ln(a 2^-bits) <= (y + 16) 2^-w`.

        `a 2^-bits = 2^n m`, `1 <= m < 2`, `c = 1 + i/256` the first eight places of `m`, `z = (m - c)/(m + c) < 2^-9`:
        `ln m = ln c + 2 artanh z`. Errors in units of `2^-w`: `m` 1, `z` and its square 1, Horner's rule 2.5 of
        `artanh(z)/z`, together less than 4.2 in the result; the table 2, `n ln 2` 2 as in `_exp`, the product 1.
        """
        w, length = self._w, a.bit_length()
        m = a << (w + 1 - length) if length <= w else a >> (length - 1 - w)
        n, d = length - 1 - self.bits, m & self._mask
        z = (d << w) // (2 * m - d)
        y, total = z * z >> w, self._log_first
        for coefficient in self._log_rest:
            total = coefficient + (total * y >> w)
        whole = n * (self._ln2_low if n >= 0 else self._ln2_high) >> self.FINE
        return self._log_table[(m >> (w - 8)) - 256] + (2 * total * z >> w) + whole


def _artanh_of_inverse(k: int, scale: int) -> int:
    """`artanh(1/k) = sum k^-(2j+1)/(2j+1)`, `k >= 3`, in units of `2^-scale`, less than `2 n + 2` too low, n terms."""
    power = total = (1 << scale) // k
    odd = 1
    while power:
        power, odd = power // (k * k), odd + 2
        total += power // odd
    return total


_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?[0-9]{1,6}))?")
_RATIO = re.compile(r"([+-]?[0-9]+)/([0-9]*[1-9][0-9]*)")
_EXACT = 'an exact number in quotes, such as "0.1" or "1/3"'


class Work:
    """A count of the steps of one check, the same on every machine."""

    done = 0

    def spend(self, steps: int, field: str) -> None:
        """Count the steps that `field` asks for, before they are made."""
        self.done += steps
        require(self.done <= MAX_WORK, field, self.done, f"at most {MAX_WORK} steps of work")


def parse(text: str) -> Any:
    """The value of a JSON text without floats, duplicate keys and deep nesting."""
    bare = _STRING.sub("", text)
    values = bare.count(",") + bare.count("[") + bare.count("{")
    require(values <= MAX_VALUES, "certificate", values, f"at most {MAX_VALUES} values")
    depth = 0
    for bracket in re.finditer(r"[\[\]{}]", bare):
        depth += 1 if bracket.group() in "[{" else -1
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
    """`value`, which must have the shape, with its exact numbers as fractions.

    Shapes: `{key: shape}` an object with exactly these keys; `[shape]` a list; `(shape,)` that or null; a set of texts
    or a range of integers, one of them; `Fraction`, an exact number in quotes; `str`, a text; None, anything.
    """
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
        require(type(value) in (str, int) and value in shape, field, value, one)
    elif shape is not None:
        kinds: dict[Any, str] = {dict: "an object", list: "a list"}
        required = kinds.get(type(shape), "a text" if shape is str else _EXACT)
        require(shape is str and isinstance(value, str), field, value, required)
    return value


class Case:
    """One certificate as its rule sees it, all numbers exact, and the rates of growth, enclosed.

    The mixture is `sum_k weights[k] N(means[k]/denominator, (1 - c) I)`; weights whose sum is within 1e-9 of 1 are
    divided by it. `claimed` is the assertion as it is written.
    """

    def __init__(self, content: dict[str, Any], work: Work):
        self.work, self.claim, self.claimed = work, content["claim"], content["assertion"]
        rule, assertion, hints, self.decide = RULES[self.claim]
        self.proof = read(content["proof"], {"rule": {rule}, "bits": range(64, 1025)} | hints, "proof", work)
        problem, field = read(content["problem"], _PROBLEM, "problem", work), "problem.mixture"
        problem_hash = hash_of(self.claim, content["problem"])
        require(content["hash"] == problem_hash, "hash", content["hash"], f"{problem_hash} for this problem")
        mixture, self.t_min, self.t_max = problem["mixture"], problem["t_min"], problem["t_max"]
        weights, rows, variance = mixture["weights"], mixture["means"], mixture["covariances"]["values"]
        for k, weight in enumerate(weights):
            require(weight > 0, f"{field}.weights[{k}]", weight, "a number > 0")
        units, denominator = over_common_denominator(weights, f"{field}.weights", work)
        total = Fraction(sum(units), denominator)
        require(abs(total - 1) <= Fraction(1, 10**9), f"{field}.weights", total, "a sum within 1e-9 of 1")
        require(len(rows) == len(weights), f"{field}.means", rows, f"one row for each of the {len(weights)} weights")
        size = len(rows[0])
        for k, row in enumerate(rows):
            require(len(row) == size > 0, f"{field}.means[{k}]", row, "rows of one length, at least 1")
        require(variance > 0, f"{field}.covariances.values", variance, "a variance > 0")
        require(self.t_min > 0, "problem.t_min", self.t_min, "a time > 0")
        require(self.t_max > self.t_min, "problem.t_max", self.t_max, "a time > t_min")
        self.weights = [weight / total for weight in weights]
        units, self.denominator = over_common_denominator([x for row in rows for x in row], f"{field}.means", work)
        self.means = [units[k : k + size] for k in range(0, len(units), size)]
        self.assertion = read(content["assertion"], assertion, "assertion", work)
        self.arithmetic, self.c = Arithmetic(self.proof["bits"]), 1 - variance

    def bound(self, value: Fraction, side: str, end: int, field: str, of: str) -> None:
        """Require `value >= end 2^-bits` (side "above") or `<=` ("below"), decided exactly."""
        unit = self.arithmetic.one[0]
        if not (value * unit >= end if side == "above" else value * unit <= end):
            require(False, field, value, f"a bound of {of} from {side}; as enclosed here: {shown(Fraction(end, unit))}")

    def decay(self, t: Fraction) -> Interval:
        """`q = exp(-2 t)`."""
        return self.arithmetic.exp(self.arithmetic.rational(-2 * t))

    def variance(self, q: Interval) -> Interval:
        """`v = 1 - c q`; it holds `q` once, so nothing but rounding is lost."""
        return self.arithmetic.sub(self.arithmetic.one, self.arithmetic.mul(self.arithmetic.rational(self.c), q))

    def rates(self, q: Interval, d2: Fraction) -> tuple[Interval, Interval]:
        """`1/v - 1`, and `lambda` as `q D^2/(4 v^2) - (1/v - 1)` and as `q (D^2 - 4 c v)/(4 v^2)`, for all `q` given.

        Both forms enclose it, so their intersection does. For `c > 0` all factors of the second grow with `q`: where
        `lambda >= 0` it loses nothing but rounding.
        """
        a, v, diameter = self.arithmetic, self.variance(q), self.arithmetic.rational(d2)
        excess, scale = a.sub(a.div(a.one, v), a.one), a.mul(a.rational(Fraction(4)), a.square(v))
        first = a.sub(a.div(a.mul(q, diameter), scale), excess)
        second = a.div(a.mul(q, a.sub(diameter, a.mul(a.rational(4 * self.c), v))), scale)
        return excess, (max(first[0], second[0]), min(first[1], second[1]))

    def expansion(self, q_s: Interval, q_t: Interval) -> Interval:
        """`int_s^t (1 - 1/v) = (ln v_s - ln v_t)/2`, because `dv/dt = 2 (1 - v)`."""
        low, high = self.arithmetic.sub(*(self.arithmetic.log(self.variance(q)) for q in (q_s, q_t)))
        return low >> 1, -(-high >> 1)

    def one_sided(self, q_s: Interval, q_t: Interval, d2: Fraction) -> Interval:
        """`int_s^t lambda = (ln v_s - ln v_t)/2 + D^2 (q_s - q_t)/(8 v_s v_t)`, regular at `c = 0`."""
        a = self.arithmetic
        pull = a.div(a.mul(a.rational(d2 / 8), a.sub(q_s, q_t)), a.mul(self.variance(q_s), self.variance(q_t)))
        return a.add(self.expansion(q_s, q_t), pull)

    def two_sided(self, q_s: Interval, q_t: Interval, d2: Fraction) -> Interval:
        """`int_s^t L`: for `c > 0`, `L = lambda` where `q > q*`, else `1/v - 1`; for `c <= 0`, `L = lambda`.

        `q* = (1 - D^2/(8 c))/c`, where `v = D^2/(8 c)`. The integral is split at `q*` clamped to `[q_t, q_s]`;
        clamping is increasing in all three, so clamping the ends of the intervals encloses it.
        """
        if self.c <= 0:
            return self.one_sided(q_s, q_t, d2)
        crossing = self.arithmetic.rational((1 - d2 / (8 * self.c)) / self.c)
        low, high = (min(max(x, late), early) for x, late, early in zip(crossing, q_t, q_s, strict=True))
        return self.arithmetic.sub(self.one_sided(q_s, (low, high), d2), self.expansion((low, high), q_t))


def over_common_denominator(values: list[Fraction], field: str, work: Work) -> tuple[list[int], int]:
    """Integers `n_i` and one `d` with `values[i] = n_i / d`."""
    common = 1
    for part in {value.denominator for value in values}:
        work.spend((common.bit_length() * part.bit_length() >> 15) + 1, field)
        common = math.lcm(common, part)
        require(common.bit_length() <= MAX_DENOMINATOR_BITS, field, values, "a common denominator that is not so large")
    work.spend((common.bit_length() // 8 + 1) * len(values), field)
    return [value.numerator * (common // value.denominator) for value in values], common


def hash_of(claim: str, problem: Any) -> str:
    """`sha256:` and the digest of `{"schema", "claim", "problem"}` as ASCII JSON, keys sorted, no spaces."""
    content = {"schema": SCHEMA, "claim": claim, "problem": problem}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(text.encode("ascii")).hexdigest()


def squared_diameter(case: Case) -> Fraction:
    """`assertion.diameter_squared`, at least `|mu_j - mu_k|^2` for every pair, decided in integers.

    Where the proof names a pair, that pair attains it: the value is exact.
    """
    means, field, stated = case.means, "assertion.diameter_squared", case.assertion["diameter_squared"]
    limit = stated * case.denominator**2
    whole, bits = math.floor(limit), max(abs(x) for row in means for x in row).bit_length()
    case.work.spend(len(means) ** 2 * (len(means[0]) + 1) * (1 + bits // 64), "problem.mixture.means")

    def square(j: int, k: int) -> int:
        return sum((a - b) ** 2 for a, b in zip(means[j], means[k], strict=True))

    for k in range(len(means)):
        for j in range(k):
            if square(j, k) > whole:
                require(False, field, stated, f"at least |mu_{j} - mu_{k}|^2")
    if "pair" in case.proof:
        pair = case.proof["pair"]
        require(
            len(pair) == 2 and max(pair) < len(means), "proof.pair", pair, f"two of {len(means)} components, from 0"
        )
        require(square(*pair) == limit, "proof.pair", pair, f"a pair that attains {field}")
    return stated


def spatial_bounds(case: Case) -> str:
    """L2, L3: on each panel `[t_i, t_{i+1}]` the bounds of J that follow from Popoviciu's inequality, for all x.

    `J = (1/v - 1) I - (q/v^2) Cov` with `0 <= Cov <= D^2/4 I`, so `||J|| <= L` and `1 - 1/v <= -J <= lambda`. The rates
    are enclosed for all `q` of `[exp(-2 t_{i+1}), exp(-2 t_i)]` at once, hence for all times of the panel.
    """
    d2, times, panels = squared_diameter(case), case.assertion["times"], len(case.assertion["times"]) - 1
    require(panels > 0, "assertion.times", times, "at least 2 times")
    for i, end in ((0, case.t_min), (panels, case.t_max)):
        require(times[i] == end, f"assertion.times[{i}]", times[i], f"{shown(end)}: the panels cover [t_min, t_max]")
    for i, (before, after) in enumerate(pairwise(times), 1):
        require(before < after, f"assertion.times[{i}]", after, "a time after the one before")
    for key in sorted({"upper", "lower"} & case.assertion.keys()):
        require(
            len(case.assertion[key]) == panels, f"assertion.{key}", case.assertion[key], f"{panels} bounds, one a panel"
        )
    case.work.spend(4 * panels * case.arithmetic.bits, "assertion.times")
    decays = [case.decay(t) for t in times]
    for i, upper in enumerate(case.assertion["upper"]):
        excess, growth = case.rates((decays[i + 1][0], decays[i][1]), d2)
        if case.claim == "L2":
            case.bound(upper, "above", max(-excess[0], excess[1], -growth[0], growth[1]), f"assertion.upper[{i}]", "L")
        else:
            case.bound(upper, "above", growth[1], f"assertion.upper[{i}]", "lambda")
            case.bound(case.assertion["lower"][i], "below", -excess[1], f"assertion.lower[{i}]", "1 - 1/v")
    what = "||J(x,t)||_2 <= upper(t)" if case.claim == "L2" else "lower(t) <= -J(x,t) <= upper(t)"
    largest = max(zip(case.assertion["upper"], case.claimed["upper"], strict=True))[1]
    return f"for all x, {what} <= {brief(largest)}, {panels} panels"


def flow_stability(case: Case) -> str:
    """F1: `exp(contraction) |x - y| <= |Phi(x) - Phi(y)| <= exp(growth) |x - y|` for all x, y.

    By Gronwall's inequality with `1 - 1/v <= -J <= lambda` it is enough that `growth >= int lambda` and
    `contraction <= int (1 - 1/v)`. The factor is at least `exp(growth)`, and null where growth > 600.
    """
    d2, q_s, q_t = squared_diameter(case), case.decay(case.t_min), case.decay(case.t_max)
    growth, factor = case.assertion["growth"], case.assertion["factor"]
    case.bound(growth, "above", case.one_sided(q_s, q_t, d2)[1], "assertion.growth", "int lambda")
    contraction, low = case.assertion["contraction"], case.expansion(q_s, q_t)[0]
    case.bound(contraction, "below", low, "assertion.contraction", "int (1 - 1/v)")
    require((factor is None) == (growth > 600), "assertion.factor", factor, "null if growth > 600, else a number")
    if factor is not None:
        power = case.arithmetic.exp(case.arithmetic.rational(growth))[1]
        case.bound(factor, "above", power, "assertion.factor", "exp(growth)")
    written = [brief(str(case.claimed[key])) for key in ("contraction", "growth", "factor")]
    return "for all x, y, exp({}) <= |Phi(x)-Phi(y)| / |x-y| <= exp({}), factor {}".format(*written)


def cumulative_stability(case: Case) -> str:
    """F2: `int lambda` and `int L` over `[t_min, t_max]` lie between the asserted ends, by their closed forms."""
    d2, q_s, q_t = squared_diameter(case), case.decay(case.t_min), case.decay(case.t_max)
    for key, integral in (("one-sided", case.one_sided), ("two-sided", case.two_sided)):
        value, ends, field = integral(q_s, q_t, d2), case.assertion[key], f"assertion.{key}"
        require(len(ends) == 2, field, ends, "two ends")
        case.bound(ends[0], "below", value[0], f"{field}[0]", "the integral")
        case.bound(ends[1], "above", value[1], f"{field}[1]", "the integral")
    written = [brief(end) for key in ("one-sided", "two-sided") for end in case.claimed[key]]
    return "int lambda in [{}, {}], int L in [{}, {}]".format(*written)


def balanced_grid(case: Case) -> str:
    """G1: `[lo_k, hi_k]` holds the time `t_k` with `K int_{t_min}^{t_k} rate = (K - k) int_{t_min}^{t_max} rate`.

    The integral is continuous: below its share at `lo_k` and above it at `hi_k` suffices. The rate is positive on
    `[t_min, t_max]`, so there is no other such time.
    """
    d2, q_s, q_t, a = squared_diameter(case), case.decay(case.t_min), case.decay(case.t_max), case.arithmetic
    rate, segments, nodes = (case.assertion[key] for key in ("rate", "segments", "nodes"))
    require(len(nodes) == segments + 1, "assertion.nodes", nodes, f"{segments + 1} nodes, segments + 1")
    case.work.spend(8 * segments * a.bits, "assertion.segments")
    integral = case.one_sided if rate == "one-sided" else case.two_sided
    # L = 0 needs 1/v = 1, so c = 0, and then D = 0; lambda = q (D^2 - 4 c v)/(4 v^2), and c v is linear in q.
    ends = [a.mul(a.rational(4 * case.c), case.variance(q))[1] for q in (q_s, q_t)]
    positive = a.rational(d2)[0] > max(ends) if rate == "one-sided" else case.c != 0 or d2 > 0
    require(positive, "assertion.rate", rate, "a rate that is certainly positive on [t_min, t_max]")
    total = integral(q_s, q_t, d2)
    for k, node in enumerate(nodes):
        field, share = f"assertion.nodes[{k}]", segments - k
        require(len(node) == 2 and node[0] <= node[1], field, node, "lo <= hi")
        require(k == 0 or node[1] < nodes[k - 1][0], field, node, "times before those of the last node")
        if 0 < k < segments:
            low, high = (integral(q_s, case.decay(t), d2) for t in node)
            part = f"{share}/{segments} of the integral"
            require(segments * low[1] <= share * total[0], f"{field}[0]", node[0], f"a time certainly up to {part}")
            require(segments * high[0] >= share * total[1], f"{field}[1]", node[1], f"a time certainly from {part}")
        else:
            end = case.t_min if k else case.t_max
            require(node == [end, end], field, node, f"{shown(end)} twice, an end of [t_min, t_max]")
    return f"each node of the {rate} balanced grid of {segments} segments lies in its interval of assertion.nodes"


class Law:
    """The law of the means on some of the axes: `K` points, equal ones merged, with their weights (THEORY L5).

    points : integers `a_kj` over `unit`, the middle of the range of every axis at 0; logs : enclosures of
    `log w_k - r |a_k|^2`. For all y, `p_k = exp(logs_k + y.a_k)` are the responsibilities at `t`, up to a factor.
    """

    def __init__(self, case: Case, axes: list[int], r: Interval):
        merged: dict[tuple[int, ...], Fraction] = {}
        for row, weight in zip(case.means, case.weights, strict=True):
            point = tuple(row[axis] for axis in axes)
            merged[point] = merged.get(point, Fraction(0)) + weight
        self.weights, a = merged, case.arithmetic
        middles = [max(column) + min(column) for column in zip(*merged, strict=True)]
        self.points = [tuple(2 * x - m for x, m in zip(point, middles, strict=True)) for point in merged]
        self.unit = 2 * case.denominator
        squares = [a.rational(Fraction(sum(x * x for x in point), self.unit**2)) for point in self.points]
        logs = [a.log(a.rational(weight)) for weight in merged.values()]
        self.logs = [a.sub(log, a.mul(r, square)) for log, square in zip(logs, squares, strict=True)]
        self.middle = [Fraction(m, self.unit) for m in middles]

    def span(self, members: list[int], columns: list[int]) -> int:
        """The dimension of the affine hull of some points, projected on some axes; exact."""
        rows = [[Fraction(self.points[k][j] - self.points[members[0]][j]) for j in columns] for k in members[1:]]
        rank = 0
        for j in range(len(columns)):
            pivot = next((row for row in rows[rank:] if row[j]), None)
            if pivot is not None:
                rows.remove(pivot)
                rows.insert(rank, pivot)
                rank += 1
                for i in range(rank, len(rows)):
                    factor = rows[i][j] / pivot[j]
                    rows[i] = [x - factor * y for x, y in zip(rows[i], pivot, strict=True)] if factor else rows[i]
        return rank


class Task(NamedTuple):
    """What a covering shows, for all tilts y on `columns`: with some b, `sum_k p_k (tau I - (a_k-b)(a_k-b)^T) >= 0`.

    The sum is over `members`, and over every other point with any `0 <= p_k <= budget sum_members p`. It implies that
    `lambda_max Cov_p(a) <= tau` for the law of the members.
    """

    members: list[int]
    columns: list[int]
    budget: Fraction


class Cell(NamedTuple):
    """Ends of a cell on every axis. Boxes: of y, or of s in a region `y = centre + frame s`. Cones (`sign` not 0):
    `y = u/s`, `s` between the ends on axis `facet`, `u_facet = sign`, the other `u_j` between theirs."""

    ends: tuple[tuple[Fraction, Fraction], ...]
    facet: int = 0
    sign: int = 0

    def halves(self, axis: int) -> tuple[Cell, Cell]:
        """The two halves, bisected at the middle of an axis, the lower first."""
        low, high = self.ends[axis]
        cut = (low + high) / 2
        pair = ((low, cut), (cut, high))
        first, second = (self._replace(ends=(*self.ends[:axis], part, *self.ends[axis + 1 :])) for part in pair)
        return first, second

    @property
    def bounded(self) -> bool:
        """Whether the cell is the convex hull of its vertices."""
        return not self.sign or self.ends[self.facet][0] > 0

    def vertices(self) -> list[list[Fraction]]:
        """The vertices; of a cone that runs to infinity those of its inner end."""
        if not self.sign:
            return [list(point) for point in product(*self.ends)]
        sides = [(Fraction(self.sign),) if j == self.facet else ends for j, ends in enumerate(self.ends)]
        ends = self.ends[self.facet]
        return [[x / s for x in point] for s in (ends if self.bounded else ends[1:]) for point in product(*sides)]


class Covering:
    """Verifies the coverings of one block; each leaf is settled by one rule (see `pair`, `taylor`, `face`, `region`)."""

    def __init__(self, case: Case, law: Law, block: dict[str, Any], field: str):
        self.case, self.law, self.field, self.faces = case, law, field, block["faces"]
        self.a, self.p, self.tau = case.arithmetic, case.arithmetic.bits, block["threshold"]
        self.pairs: dict[tuple[int, int], list[int | None]] = {}
        self.ln2 = self.a.log(self.a.rational(Fraction(2)))[0]
        self.geometry = [[(x << self.p) // law.unit for x in point] for point in law.points]
        everything = list(range(len(law.points)))
        self.task(Task(everything, block["pivots"], Fraction(0)), block["cover"], f"{field}.cover")
        for i, face in enumerate(self.faces):
            members, columns, where = face["members"], face["pivots"], f"{field}.faces[{i}]"
            proper = members == sorted(set(members)) and 0 < len(members) < len(everything) > members[-1]
            require(proper, f"{where}.members", members, "some of the points, ascending, not all")
            self.task(Task(members, columns, self.budget(face)), face["cover"], f"{where}.cover")

    @staticmethod
    def budget(face: dict[str, Any]) -> Fraction:
        """The share of mass off a face in the cones that it settles: `2^-(40 + n)`."""
        return Fraction(1, 1 << (40 + len(face["pivots"])))

    def task(self, task: Task, cover: dict[str, Any], field: str) -> None:
        """All tilts: `|y|_inf <= R`, and the cones over the `2n` facets of that cube."""
        n, law, radius = len(task.columns), self.law, cover["radius"]
        columns = task.columns
        size = len(law.points[0])
        fits = columns == sorted(set(columns)) and 0 < n <= MAX_DIMENSION and columns[-1] < size <= MAX_DIMENSION
        require(fits, f"{field}", columns, f"1 to {MAX_DIMENSION} pivots, ascending, among as many axes at most")
        self.case.work.spend(10 * len(task.members) * size**2, field)
        full, seen = law.span(task.members, list(range(size))), law.span(task.members, columns)
        require(full == seen == n, field, columns, "pivots on which the hull of the points projects one to one")
        require(radius > 0, f"{field}.radius", radius, "a number > 0")
        require(len(cover["cones"]) == 2 * n, f"{field}.cones", cover["cones"], f"{2 * n} trees")
        unit = (Fraction(-1), Fraction(1))
        frames = [self.frame(region, n, f"{field}.regions[{i}]") for i, region in enumerate(cover["regions"])]
        for i, (region, (frame, _)) in enumerate(zip(cover["regions"], frames, strict=True)):
            self.tree(region["boxes"], Cell((unit,) * n), task, (region["centre"], frame), [], f"{field}.regions[{i}]")
        here = [(region["centre"], inverse) for region, (_, inverse) in zip(cover["regions"], frames, strict=True)]
        self.tree(cover["boxes"], Cell(((-radius, radius),) * n), task, None, here, f"{field}.boxes")
        for i, text in enumerate(cover["cones"]):
            ends = [unit] * n
            ends[i // 2] = (Fraction(0), 1 / radius)
            self.tree(text, Cell(tuple(ends), i // 2, 2 * (i % 2) - 1), task, None, here, f"{field}.cones[{i}]")

    def frame(self, region: dict[str, Any], n: int, field: str) -> tuple[list[list[Fraction]], list[list[Fraction]]]:
        """The frame of a region and its inverse, by elimination in rationals."""
        rows = region["frame"]
        shape = len(region["centre"]) == len(rows) == n and all(len(row) == n for row in rows)
        require(shape, f"{field}.frame", rows, f"{n} rows of {n} numbers, and {n} in the centre")
        work = [[*row, *(Fraction(i == j) for j in range(n))] for i, row in enumerate(rows)]
        for j in range(n):
            pivot = next((i for i in range(j, n) if work[i][j]), -1)
            require(pivot >= 0, f"{field}.frame", rows, "a regular matrix")
            work[j], work[pivot] = work[pivot], work[j]
            work[j] = [x / work[j][j] for x in work[j]]
            for i in range(n):
                if i != j:
                    work[i] = [x - work[i][j] * y for x, y in zip(work[i], work[j], strict=True)]
        return rows, [row[n:] for row in work]

    def tree(self, text: str, root: Cell, task: Task, frame: Any, regions: list[Any], field: str) -> None:
        """A binary tree in preorder: a number bisects the cell on that axis, anything else settles it."""
        stack, n = [root], len(task.columns)
        cost = (len(task.members) + len(self.law.points[0])) * 2**n * (40 + 4 * len(self.law.points[0]) ** 2)
        for place, token in enumerate(text.split(" ")):
            where = f"{field}, token {place}"
            require(bool(stack), where, token, "the end of the tree")
            cell = stack.pop()
            if len(token) == 1 and token in "0123456789":
                self.case.work.spend(20 * n, field)
                require(int(token) < n, where, token, f"an axis below {n}")
                stack += reversed(cell.halves(int(token)))
                continue
            self.case.work.spend(cost, field)
            match = re.fullmatch(r"T|([PFR])([0-9]{1,6})(?:,([0-9]{1,6}))?", token)
            require(bool(match), where, token, "an axis, or one of the reasons P, T, F, R")
            kind, first, second = (match[1] or "T", int(match[2] or 0), int(match[3] or -1)) if match else ("", 0, 0)
            vertices = cell.vertices()
            if frame is not None:
                vertices = [
                    [c + sum(map(mul, row, v)) for c, row in zip(frame[0], frame[1], strict=True)] for v in vertices
                ]
            if kind == "R":
                settled = (
                    cell.bounded and second < 0 and first < len(regions) and self.region(vertices, *regions[first])
                )
            else:
                heights, error = self.heights(vertices, task)
                if kind == "P":
                    settled = {first, second} <= set(task.members) and self.pair(
                        heights, error, cell, task, first, second
                    )
                elif kind == "T":
                    settled = cell.bounded and self.taylor(heights, error, task)
                else:
                    inside = cell.sign and second < 0 and first < len(self.faces)
                    settled = bool(inside) and self.face(heights, error, cell, task, self.faces[first])
            if not settled:
                require(False, where, token, "a reason that settles its cell")
        require(not stack, field, f"{len(stack)} cells left open", "a tree without open cells")

    def heights(self, vertices: list[list[Fraction]], task: Task) -> tuple[dict[int, list[int]], int]:
        """`y.a_k` at the vertices for every member, in units of `2^-p`, rounded; and a bound of the error in units.

        A vertex is rounded by less than 1 unit on each axis, the product by 1.
        """
        rounded = [[(x.numerator << self.p) // x.denominator for x in vertex] for vertex in vertices]
        found, error = {}, 2
        for k in task.members:
            tilt = [self.law.points[k][j] for j in task.columns]
            found[k] = [sum(map(mul, tilt, vertex)) // self.law.unit for vertex in rounded]
            error = max(error, 2 + sum(map(abs, tilt)) // self.law.unit + 1)
        return found, error

    def ratio(self, heights: Any, error: int, cell: Cell, k: int, i: int, j: int) -> int | None:
        """An upper bound of `log(p_k / sqrt(p_i p_j))` over the cell in units, None where it has none.

        The function is affine in y. Over the convex hull of the vertices it is largest at one of them; towards
        infinity it does not grow if its linear part is certainly not positive at the inner end (a scaled `u`).
        """
        steps = [2 * x - y - z for x, y, z in zip(heights[k], heights[i], heights[j], strict=True)]
        top = max(steps) + 4 * error
        if not cell.bounded and top > 0:
            return None
        logs = self.law.logs
        return -(-(2 * logs[k][1] - logs[i][0] - logs[j][0] + top) >> 1)

    def mass(self, bounds: list[int | None]) -> int | None:
        """`exp` of the least of the bounds that exist, rounded up to units."""
        least = min((bound for bound in bounds if bound is not None), default=None)
        return None if least is None else self.a.exp((least, least))[1]

    def pair(self, heights: Any, error: int, cell: Cell, task: Task, i: int, j: int) -> bool:
        """Pair rule: `b = (a_i+a_j)/2`, `q = |a_i-a_j|^2/4 <= tau`, `p_k <= U_k (p_i+p_j)` on the cell, and

        `sum_k U_k x_k <= 1`, `x_k = (|a_k-b|^2-tau)_+ / max(tau - (e.(a_k-b))^2, tau-q)`, imply the task.
        """
        if (i, j) not in self.pairs:
            self.pairs[i, j] = self.excesses(i, j)
        need, unit, total, mass = self.pairs[i, j], self.a.one[0], 0, 0
        for k in task.members:
            if k not in (i, j) and (need[k] != 0 or task.budget):
                both = self.ratio(heights, error, cell, k, i, j) if i != j else None
                bounds = [self.ratio(heights, error, cell, k, s, s) for s in (i, j)]
                weight, excess = self.mass([*bounds, None if both is None else both - self.ln2]), need[k]
                if weight is None or excess is None:
                    return False
                total, mass = total + weight * excess, mass + weight
        outside = [need[k] for k in range(len(need)) if task.budget and k not in task.members]
        if None in outside or None in (need[i], need[j]):
            return False
        return total + task.budget * (unit + mass) * sum(filter(None, outside)) <= unit * unit

    def excesses(self, i: int, j: int) -> list[int | None]:
        """`x_k` of the pair rule for every point, rounded up to units; None where there is none, at i, j if `q > tau`."""
        points, tau = self.law.points, self.tau * 4 * self.law.unit**2
        found: list[int | None] = []
        axis = [x - y for x, y in zip(points[j], points[i], strict=True)]
        q = sum(map(mul, axis, axis))
        for k, point in enumerate(points):
            d = [2 * x - y - z for x, y, z in zip(point, points[i], points[j], strict=True)]
            surplus = sum(map(mul, d, d)) - tau
            room = tau - q
            if q:
                room = max(room, tau - Fraction(sum(map(mul, d, axis)) ** 2, q))
            if k in (i, j):
                found.append(0 if q <= tau else None)
            else:
                found.append(0 if surplus <= 0 else self.a.rational(surplus / room)[1] if room > 0 else None)
        return found

    def face(self, heights: Any, error: int, cell: Cell, task: Task, face: dict[str, Any]) -> bool:
        """Face rule: off a proper face `p_k <= budget sum_face p`, also for the points outside the task."""
        members, allowed, unit, mass = set(face["members"]), self.budget(face), self.a.one[0], 0
        if not members < set(task.members):
            return False
        for k in task.members:
            if k not in members:
                weight = self.mass([self.ratio(heights, error, cell, k, s, s) for s in face["members"]])
                if weight is None or weight > allowed * unit:
                    return False
                mass += weight
        return task.budget * (unit + mass) <= allowed * unit

    @staticmethod
    def region(vertices: list[list[Fraction]], centre: list[Fraction], inverse: list[list[Fraction]]) -> bool:
        """Whether every vertex, hence the cell, lies in the parallelepiped, whose covering is a tree of its own."""
        for vertex in vertices:
            step = [x - c for x, c in zip(vertex, centre, strict=True)]
            if any(abs(sum(map(mul, row, step))) > 1 for row in inverse):
                return False
        return True

    def taylor(self, heights: Any, error: int, task: Task) -> bool:
        """Taylor rule. With `g_k = p_k` at the mean `c` of the vertices, `d_k = a_k - b`, `A_k = tau I - d_k d_k^T`,
        `z_k` the change of `log p_k` from `c` less a common affine function, `|z_k| <= zeta_k`:

        `sum_k g_k (1 + z_k) A_k >= rho I` at every vertex, `rho = sum_k g_k (e^zeta_k - 1 - zeta_k) (|d_k|^2 - tau)_+`,
        implies the task: the left side is affine, the rest of `e^z` is not negative and `A_k >= -(|d_k|^2 - tau)_+ I`.
        """
        p, a, one, count = self.p, self.a, 1 << self.p, len(next(iter(heights.values())))
        middle = {k: sum(row) // count for k, row in heights.items()}
        logs = self.law.logs
        logits = {k: (logs[k][0] + m - error - 1, logs[k][1] + m + error + 1) for k, m in middle.items()}
        lead = max(low for low, _ in logits.values())
        g = {k: a.exp((low - lead, high - lead)) for k, (low, high) in logits.items()}
        total = sum(low for low, _ in g.values())
        shift = [sum(g[k][0] * (row[v] - middle[k]) for k, row in heights.items()) // total for v in range(count)]
        size = len(self.geometry[0])
        b = [sum(g[k][0] * self.geometry[k][j] for k in heights) // total for j in range(size)]
        d = {k: [x - y for x, y in zip(point, b, strict=True)] for k, point in enumerate(self.geometry)}
        tau = (self.tau.numerator << p) // self.tau.denominator
        # In units: z is off by `slack`, an entry of d by 1, tau by 1, so A_k by `off`, at most (4 size + 2)(1 + |d_k|^2).
        slack, rho, margin, grown = 4 * error + 4, 0, 0, 0
        lengths = {k: (sum(map(mul, x, x)) >> p) + 2 * (sum(map(abs, x)) >> p) + 4 * size + 1 for k, x in d.items()}
        parts: list[tuple[int, list[int], list[int]]] = []
        for k, row in heights.items():
            z = [x - middle[k] - s for x, s in zip(row, shift, strict=True)]
            zeta, (low, high) = max(map(abs, z)) + slack, g[k]
            raised = a.exp((logits[k][1] - lead + zeta,) * 2)[1]
            # e^z - 1 - z <= z^2/2 / (1 - z/3) for z < 3, since z^n/n! <= z^2/2 (z/3)^(n-2)
            rest = (3 * high * zeta * zeta // (2 * (3 * one - zeta)) >> p) + 2 if zeta < 2 * one else raised
            rho += rest * max(lengths[k] - tau + 1, 0)
            grown += raised
            norm = max(tau, lengths[k]) + one
            off = ((4 * size + 2) * (one + lengths[k]) >> p) + 1
            margin += ((high - low) * (one + zeta) + high * slack) * norm + high * (one + zeta) * off + one
            parts.append((low, z, d[k]))
        outside = sum(max(lengths[k] - tau + 1, 0) for k in d if k not in heights) if task.budget else 0
        rho += -(-task.budget.numerator * grown * outside // task.budget.denominator)
        floor = (rho << 2 * p) + (margin << p)
        for v in range(count):
            matrix = [[0] * size for _ in range(size)]
            for low, z, x in parts:
                weight = low * (one + z[v])
                for i in range(size):
                    for j in range(i + 1):
                        matrix[i][j] -= weight * x[i] * x[j]
                    matrix[i][i] += weight * tau << p
            for i in range(size):
                matrix[i][i] -= floor
            if not positive(matrix):
                return False
        return True


def positive(lower: list[list[int]]) -> bool:
    """Whether a symmetric integer matrix, given by its lower triangle, is positive definite: its leading minors are
    positive (Sylvester), computed without fractions (Bareiss)."""
    size, previous = len(lower), 1
    m = [[lower[max(i, j)][min(i, j)] for j in range(size)] for i in range(size)]
    for k in range(size):
        if m[k][k] <= 0:
            return False
        for i in range(k + 1, size):
            for j in range(k + 1, size):
                m[i][j] = (m[i][j] * m[k][k] - m[i][k] * m[k][j]) // previous
        previous = m[k][k]
    return True


def sharp_rate(case: Case) -> str:
    """L5: `lower <= sup_x rate(x, t) <= upper`, from both sides of `V* = sup_y lambda_max Cov_p(a)` over all y.

    `rate = 1 - 1/v + (q/v^2) V*`, two-sided `max(|1/v - 1|, (q/v^2) V* - (1/v - 1))`; `V*` depends on `r = q/(2v)` only.
    If the means are a product over blocks of axes, `Cov` is block diagonal and `V*` the largest of the blocks.
    """
    a, time, work = case.arithmetic, case.assertion["t"], case.work
    require(case.t_min <= time <= case.t_max, "assertion.t", time, "a time in [t_min, t_max]")
    q = case.decay(time)
    v = case.variance(q)
    r, excess, factor = a.div(q, (2 * v[0], 2 * v[1])), a.sub(a.div(a.one, v), a.one), a.div(q, a.square(v))

    def rate(spread: Fraction) -> Interval:
        low, high = a.sub(a.mul(factor, a.rational(spread)), excess)
        sure = max(-excess[1], excess[0], 0), max(-excess[0], excess[1])
        return (low, high) if case.assertion["kind"] == "one-sided" else (max(low, sure[0]), max(high, sure[1]))

    blocks, size = case.proof["blocks"], len(case.means[0])
    taken: list[int] = []
    for i, block in enumerate(blocks):
        axes, field = block["axes"], f"proof.blocks[{i}].axes"
        fresh = axes == sorted(set(axes)) and axes and axes[-1] < size and not set(axes) & set(taken)
        require(bool(fresh), field, axes, f"some of the axes below {size}, ascending, in no other block")
        taken += axes
    rest = [axis for axis in range(size) if axis not in taken and len({row[axis] for row in case.means}) > 1]
    require(bool(blocks) and not rest, "proof.blocks", rest, "blocks that hold every axis on which the means differ")
    work.spend(50 * len(case.means) * size * a.bits, "problem.mixture.means")
    laws = [Law(case, block["axes"], r) for block in blocks]
    whole, count = Law(case, taken, r), math.prod(len(law.points) for law in laws)
    require(count == len(whole.points), "proof.blocks", f"{count} products", f"{len(whole.points)}, as many as means")
    for point, weight in whole.weights.items():
        parts, start = Fraction(1), 0
        for law, block in zip(laws, blocks, strict=True):
            parts *= law.weights[point[start : start + len(block["axes"])]]
            start += len(block["axes"])
        require(parts == weight, "proof.blocks", weight, "weights that are products over the blocks")
    for i, (law, block) in enumerate(zip(laws, blocks, strict=True)):
        field = f"proof.blocks[{i}]"
        require(block["threshold"] > 0, f"{field}.threshold", block["threshold"], "a number > 0")
        if block["cover"] is None:
            work.spend(len(law.points) ** 2 * len(law.points[0]), field)
            limit = 4 * block["threshold"] * law.unit**2
            largest = max(sum((x - y) ** 2 for x, y in zip(s, t, strict=True)) for s in law.points for t in law.points)
            require(largest <= limit, f"{field}.threshold", block["threshold"], "at least D^2/4 of the block")
        else:
            Covering(case, law, block, field)
    upper, lower = case.assertion["upper"], case.assertion["lower"]
    case.bound(upper, "above", rate(max(block["threshold"] for block in blocks))[1], "assertion.upper", "the supremum")
    spread = witnessed(case, laws, r, a.mul(a.exp(a.rational(time)), (2 * r[0], 2 * r[1])))
    case.bound(lower, "below", rate(spread)[0], "assertion.lower", "the rate at the witness")
    ends = brief(str(case.claimed["lower"])), brief(str(case.claimed["upper"]))
    name = "lambda_max(-J)" if case.assertion["kind"] == "one-sided" else "||J||_2"
    return f"at t = {brief(str(case.claimed['t']))}, {ends[0]} <= sup over all x of {name} <= {ends[1]}"


def witnessed(case: Case, laws: list[Law], r: Interval, scale: Interval) -> Fraction:
    """A lower bound of `V*`: `e.Cov(a).e / e.e` at x, or in the limit along a normal that leaves `members` only.

    `p_k ~ w_k exp(-r |a_k|^2 + (m/v) x.a_k)`, `m/v = 2 r e^t`; a normal that is largest on `members` exactly exposes them.
    """
    a, hint = case.arithmetic, case.proof["lower"]
    require(hint["block"] < len(laws), "proof.lower.block", hint["block"], f"a block below {len(laws)}")
    law, axes = laws[hint["block"]], case.proof["blocks"][hint["block"]]["axes"]
    members, normal, vector, x = (hint[key] for key in ("members", "normal", "vector", "point"))
    every = list(range(len(law.points)))
    require(len(x) == len(case.means[0]), "proof.lower.point", x, "a number for each axis")
    require(len(vector) == len(axes) and any(vector), "proof.lower.vector", vector, "a vector on the block, not 0")
    if normal is None:
        require(members == every, "proof.lower.members", members, "all points, where there is no normal")
    else:
        require(len(normal) == len(axes), "proof.lower.normal", normal, "a number for each axis of the block")
        heights = [sum(map(mul, normal, point)) for point in law.points]
        exposed = [k for k in every if heights[k] == max(heights)]
        require(members == exposed, "proof.lower.members", members, f"the points that the normal exposes: {exposed}")
    # From the middle c of the block: -r |a+c|^2 + (m/v) x.(a+c) = -r |a|^2 + ((m/v) x - 2 r c).a + a constant.
    pulls = [
        a.sub(a.mul(scale, a.rational(x[axis])), a.mul((2 * r[0], 2 * r[1]), a.rational(c)))
        for axis, c in zip(axes, law.middle, strict=True)
    ]
    powers, total, mean, square = [], (0, 0), (0, 0), (0, 0)
    for k in members:
        powers.append(law.logs[k])
        for pull, entry in zip(pulls, law.points[k], strict=True):
            powers[-1] = a.add(powers[-1], a.mul(pull, a.rational(Fraction(entry, law.unit))))
    lead = max(high for _, high in powers)
    for k, power in zip(members, powers, strict=True):
        mass, height = a.exp(a.sub(power, (lead, lead))), a.rational(sum(map(mul, vector, law.points[k])) / law.unit)
        weighted = a.mul(mass, height)
        total, mean, square = a.add(total, mass), a.add(mean, weighted), a.add(square, a.mul(weighted, height))
    variance = a.sub(a.div(square, total), a.square(a.div(mean, total)))
    return Fraction(max(variance[0], 0), a.one[0]) / sum(map(mul, vector, vector))


_COVARIANCES = {"kind": {"common-isotropic"}, "values": Fraction}
_MIXTURE = {"schema": {"certflow/mixture/1"}, "name": str, "weights": [Fraction], "means": [[Fraction]]}
_PROBLEM = {"mixture": _MIXTURE | {"covariances": _COVARIANCES}, "t_min": Fraction, "t_max": Fraction}
_SPATIAL = {"diameter_squared": Fraction, "times": [Fraction], "upper": [Fraction]}
_FLOW = {"diameter_squared": Fraction, "growth": Fraction, "contraction": Fraction, "factor": (Fraction,)}
_INTEGRALS = {"diameter_squared": Fraction, "one-sided": [Fraction], "two-sided": [Fraction]}
_GRID = {"diameter_squared": Fraction, "rate": {"one-sided", "two-sided"}, "segments": range(1, MAX_VALUES)}
_PAIR = {"pair": [range(MAX_VALUES)]}
_SHARP = {"t": Fraction, "kind": {"one-sided", "two-sided"}, "lower": Fraction, "upper": Fraction}
_INDICES, _NUMBERS = [range(MAX_VALUES)], [Fraction]
_REGION = {"centre": _NUMBERS, "frame": [_NUMBERS], "boxes": str}
_COVER = {"radius": Fraction, "boxes": str, "cones": [str], "regions": [_REGION]}
_FACES = [{"members": _INDICES, "pivots": _INDICES, "cover": _COVER}]
_BLOCK = {"axes": _INDICES, "threshold": Fraction, "pivots": _INDICES, "cover": (_COVER,), "faces": _FACES}
_LOWER = {"block": range(MAX_VALUES), "members": _INDICES, "normal": (_NUMBERS,), "point": _NUMBERS, "vector": _NUMBERS}
#: For each claim its rule: the name, the shape of the assertion, the hints that the proof holds, and the function.
RULES: dict[str, tuple[str, dict[str, Any], dict[str, Any], Callable[[Case], str]]] = {
    "L2": ("popoviciu", _SPATIAL, {}, spatial_bounds),
    "L3": ("popoviciu", _SPATIAL | {"lower": [Fraction]}, {}, spatial_bounds),
    "L5": ("master-inequality", _SHARP, {"blocks": [_BLOCK], "lower": _LOWER}, sharp_rate),
    "F1": ("closed-form", _FLOW, {}, flow_stability),
    "F2": ("closed-form", _INTEGRALS, _PAIR, cumulative_stability),
    "G1": ("closed-form", _GRID | {"nodes": [[Fraction]]}, _PAIR, balanced_grid),
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
