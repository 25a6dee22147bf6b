"""Single corruptions of certificates of covariances that are not one variance, and an oracle of what they assert.

As in mutations.py: the oracle reads nothing but the file, shares no code with the checker and believes no hint.

L5, shared : the largest eigenvalue of `-J`, from the definitions at 60 digits: exact for two means; else `lower` must
    be reached at a point, of a dense search or from the file, and `upper` must reach the best point, and the bound of
    L6 or the upper end of `sharp_rate` of the file's problem
S3 : the image by quantiles along the line of the means, of components with different variances there, and across it,
    where the variances agree, 60 digits
"""

from __future__ import annotations

import copy
import json
import math
import random
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from itertools import combinations
from typing import Any

import mpmath
import numpy as np
from depth import SCALE
from mutations import Certificate, Tally, below, confirmed, corrupted_at, corrupted_text, mpf, sealed

import certflow as cf
from certflow.certificate import checker
from certflow.certificate.envelope import certificate_text
from certflow.certificate.flow_tube import flow_tube_certificate
from certflow.certificate.sharp import sharp_certificate
from certflow.enclosure.suprema.sharp import sharp_rate

DIGITS = 60
GROUPS = ("assertion, new hash", "hints", "false, hints", "problem, new hash", "problem, old hash", "characters")
OBLIQUE = [["0.1", "0.02"], ["0.02", "0.3"]]
LAWS = {
    "two": cf.GaussianMixture(["0.4", "0.6"], [["0", "0"], ["1", "0.5"]], OBLIQUE, name="two"),
    "three": cf.GaussianMixture(
        ["0.2", "0.5", "0.3"],
        [["-1.5", "0"], ["0.1", "1"], ["0.8", "0.3"]],
        [["0.04", "0.01"], ["0.01", "0.5"]],
        name="three",
    ),
    "edge": cf.GaussianMixture(
        ["0.1", "0.5", "0.1", "0.1", "0.2"],
        [["0", "0"], ["1", "0"], ["2", "0"], ["1", "1.5"], ["0.6", "0.3"]],
        [["0.01", "0"], ["0", "0.04"]],
        name="edge",
    ),
    "line in a plane": cf.GaussianMixture(
        ["1/3"] * 3, [["-1", "2"], ["0", "0"], ["1", "-2"]], [["0.3", "-0.1"], ["-0.1", "0.1"]], name="line"
    ),
}
#: Means along (3, 4), variances there and across.
TURNED = [["-0.6", "-0.8"], ["0.3", "0.4"]]


def turned(along: str, across: str) -> list[list[str]]:
    a, b = Fraction(along) / 25, Fraction(across) / 25
    return [[str(9 * a + 16 * b), str(12 * a - 12 * b)], [str(12 * a - 12 * b), str(16 * a + 9 * b)]]


TUBED = {
    "line": cf.GaussianMixture(["0.3", "0.7"], [["-1"], ["1"]], ["0.04", "0.25"], name="line"),
    "full": cf.GaussianMixture(["0.4", "0.6"], TURNED, [turned("0.04", "0.3"), turned("0.3", "0.3")], name="full"),
    "shared": cf.GaussianMixture(["0.4", "0.6"], TURNED, turned("0.04", "0.3"), name="shared"),
}
TUBES = (
    ("line", ["0.3"], "0.5", "0.4", 12),
    ("line", ["-0.2"], "0.2", "0.3", 12),
    ("full", ["0.3", "0.1"], "0.5", "0.45", 16),
    ("shared", ["-0.1", "0.2"], "0.4", "0.35", 16),
)
SHARP = (
    ("two", "0.3", "two-sided"),
    ("three", "0.05", "one-sided"),
    ("edge", "1", "one-sided"),
    ("line in a plane", "0.5", "one-sided"),
)


@cache
def certificates(family: str) -> list[Certificate]:
    """Small certificates of the family, as the package produces them."""
    if family == "S3":
        made = [flow_tube_certificate(process(name), x, *ends, digits) for name, x, *ends, digits in TUBES]
    else:
        made = [
            sharp_certificate(process(name), t, kind, gap="1e-3")[0] for name, t, kind in SHARP[: 4 if SCALE > 1 else 2]
        ]
    return [json.loads(certificate_text(content)) for content in made]


def process(name: str) -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck((LAWS | TUBED)[name], "0.01", "3")


@cache
def false_certificates(family: str) -> list[Certificate]:
    """The same with an assertion that is false by little, and hints that would go with it."""
    return [sealed(FALSIFIED[family](copy.deepcopy(content))) for content in certificates(family)]


def lowered(content: Certificate) -> Certificate:
    """L5: an upper bound below the rate at a point by 1e-9, and a threshold that is smaller by as much."""
    assertion = content["assertion"]
    with mpmath.workdps(DIGITS):
        problem = Problem(content["problem"])
        known = best_rate(problem, content)
        upper = Fraction(mpmath.nstr(known - abs(known) / 10**9, 40))
    assertion["upper"], assertion["lower"] = str(upper), str(upper - abs(upper))
    content["proof"]["threshold"] = str(Fraction(content["proof"]["threshold"]) * (1 - Fraction(1, 10**9)))
    return content


def shifted(content: Certificate) -> Certificate:
    """S3: the box moved by its width."""
    assertion = content["assertion"]
    width = Fraction(assertion["upper"][0]) - Fraction(assertion["lower"][0])
    for key in ("lower", "upper"):
        assertion[key][0] = str(Fraction(assertion[key][0]) + width)
    return content


FALSIFIED: dict[str, Callable[[Certificate], Certificate]] = {"L5": lowered, "S3": shifted}


def corrupted_file(draw: random.Random, family: str, group: str) -> tuple[str, str] | None:
    """The text of a corrupted certificate and what was changed; None where nothing was."""
    content = draw.choice(false_certificates(family) if group == "false, hints" else certificates(family))
    before = certificate_text(content)
    if group == "characters":
        text, words = corrupted_text(draw, before)
    else:
        section = "proof" if "hints" in group else group.partition(",")[0]
        content, words = corrupted_at(draw, content, (section,))
        text = certificate_text(sealed(content) if group.endswith("new hash") else content)
    return None if text == before and group != "false, hints" else (text, words)


def run(family: str, group: str, count: int, seed: int = 0) -> Tally:
    """Corrupt, check, and hold what is accepted against the oracle."""
    draw, tally, known = random.Random(f"{family} {group} {seed}"), Tally(family, group), dict[str, bool]()
    while tally.refused + tally.true + len(tally.false) < count:
        case = corrupted_file(draw, family, group)
        if case is None:
            continue
        verdict = checker.check(case[0])
        assert "cannot be checked" not in verdict.text, case[1]
        if not verdict.accepted:
            tally.refused += 1
            continue
        content = json.loads(case[0])
        key = json.dumps([content[part] for part in ("schema", "claim", "problem", "assertion", "hash")])
        if not known.get(key):  # a statement that is true stays true with other hints
            known[key] = is_true(content)
        if known[key]:
            tally.true += 1
        else:
            tally.false.append(case[1])
    return tally


# -- the oracle -------------------------------------------------------------------------------------------------------


class Problem:
    """A mixture of any covariances and its interval of time; raises ValueError unless it is one."""

    def __init__(self, mapping: Certificate):
        mixture = mapping["mixture"]
        weights = [Fraction(w) for w in mixture["weights"]]
        self.means = [tuple(Fraction(x) for x in row) for row in mixture["means"]]
        self.t_min, self.t_max = Fraction(mapping["t_min"]), Fraction(mapping["t_max"])
        size, values, kind = len(self.means[0]), mixture["covariances"]["values"], mixture["covariances"]["kind"]
        identity = [[Fraction(i == j) for j in range(size)] for i in range(size)]
        count = len(weights)
        if kind == "isotropic":
            matrices = [[[Fraction(v) * x for x in row] for row in identity] for v in values]
        elif kind in ("shared", "full"):
            matrices = [
                [[Fraction(x) for x in row] for row in part]
                for part in ([values] * count if kind == "shared" else values)
            ]
        else:
            raise ValueError("another kind")
        self.kind, self.covariances = kind, matrices
        well_formed = (
            mixture["schema"] == "certflow/mixture/1"
            and len(self.means) == count == len(matrices)
            and {len(row) for row in self.means} == {size}
            and size > 0
            and min(weights) > 0
            and abs(sum(weights) - 1) <= Fraction(1, 10**9)
            and 0 < self.t_min < self.t_max
            and all(len(part) == size and all(len(row) == size for row in part) for part in matrices)
            and all(part[i][j] == part[j][i] for part in matrices for i in range(size) for j in range(i))
            and all(min(mpmath.eigsy(matrix_of(part), eigvals_only=True)) > 0 for part in matrices)
        )
        if not well_formed:
            raise ValueError("no mixture")
        self.size, self.weights = size, [w / sum(weights) for w in weights]
        self.shared = all(part == matrices[0] for part in matrices)


def matrix_of(rows: Any) -> Any:
    return mpmath.matrix([[mpf(x) for x in row] for row in rows])


def is_true(content: Certificate) -> bool:
    """Whether the file is well-formed and what it asserts is confirmed to be true."""
    return confirmed(content, Problem, ORACLES)


def jacobian(problem: Problem, t: Fraction, x: list[Any]) -> Any:
    """`J = -I - grad s` at 60 digits from the definitions: `grad s = -sum gamma_k P_k + Cov_gamma(b)`."""
    q, m, identity = mpmath.exp(-2 * mpf(t)), mpmath.exp(-mpf(t)), mpmath.eye(problem.size)
    logits, scores, precisions, place = [], [], [], mpmath.matrix(x)
    for weight, mean, covariance in zip(problem.weights, problem.means, problem.covariances, strict=True):
        precision = (q * matrix_of(covariance) + (1 - q) * identity) ** -1
        gap = place - m * mpmath.matrix([mpf(a) for a in mean])
        score = -precision * gap
        logits.append(mpmath.log(mpf(weight)) + mpmath.log(mpmath.det(precision)) / 2 + (score.T * gap)[0] / 2)
        scores.append(score)
        precisions.append(precision)
    shares = [mpmath.exp(logit - max(logits)) for logit in logits]
    shares = [share / mpmath.fsum(shares) for share in shares]
    mean = sum((g * b for g, b in zip(shares, scores, strict=True)), mpmath.zeros(problem.size, 1))
    result = -identity
    for share, score, precision in zip(shares, scores, precisions, strict=True):
        result += share * (precision - (score - mean) * (score - mean).T)
    return result


def rate_at(problem: Problem, t: Fraction, kind: str, x: list[Any]) -> Any:
    values = mpmath.eigsy(-jacobian(problem, t, x), eigvals_only=True)
    return max(values) if kind == "one-sided" else max(abs(value) for value in values)


def best_rate(problem: Problem, content: Certificate) -> Any:
    """The largest value known: at the file's point, at the best one of a search, where one component has all mass."""
    t, kind = Fraction(content["assertion"]["t"]), content["assertion"]["kind"]
    found = [rate_at(problem, t, kind, [mpf(x) for x in searched(as_key(problem), t, kind)])]
    point = [Fraction(x) for x in content["proof"]["lower"]["point"]]
    if len(point) == problem.size:
        found.append(rate_at(problem, t, kind, [mpf(x) for x in point]))
    if problem.shared and kind == "two-sided":
        found.append(max(1 / value - 1 for value in mpmath.eigsy(noised(problem, t), eigvals_only=True)))
    return max(found)


def as_key(problem: Problem) -> Any:
    return tuple(problem.weights), tuple(problem.means), tuple(tuple(map(tuple, part)) for part in problem.covariances)


def noised(problem: Problem, t: Fraction) -> Any:
    q = mpmath.exp(-2 * mpf(t))
    return q * matrix_of(problem.covariances[0]) + (1 - q) * mpmath.eye(problem.size)


@cache
def searched(key: Any, t: Fraction, kind: str) -> list[float]:
    """A point with a large rate, in float64: random ones, others between two means and far out across, small steps."""
    weights, means = np.array(key[0], dtype=float), np.array(key[1], dtype=float)
    q, size = math.exp(-2 * float(t)), means.shape[1]
    precisions = np.linalg.inv(q * np.array(key[2], dtype=float) + (1 - q) * np.eye(size))
    offsets = np.log(weights) + np.linalg.slogdet(precisions)[1] / 2
    rng, centres = np.random.default_rng(len(means)), math.sqrt(q) * means

    def value(points: np.ndarray) -> np.ndarray:
        gaps = points[:, None] - centres
        scores = -np.einsum("kij,nkj->nki", precisions, gaps)
        logits = offsets + np.einsum("nki,nki->nk", scores, gaps) / 2
        shares = np.exp(logits - logits.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
        rest = scores - np.einsum("nk,nki->ni", shares, scores)[:, None]
        spread = np.einsum("nk,nki,nkj->nij", shares, rest, rest) - np.einsum("nk,kij->nij", shares, precisions)
        values = np.linalg.eigvalsh(spread + np.eye(size))
        return values[:, -1] if kind == "one-sided" else np.abs(values).max(1)

    reach = np.abs(centres).max() + 1
    points = rng.normal(size=(2000, size)) * reach * 10 ** rng.uniform(-1.5, 1.5, (2000, 1)) + centres.mean(0)
    for i, j in combinations(range(len(means)), 2):
        across = rng.normal(size=(100, size)) * 10 ** rng.uniform(-1.5, 2, (100, 1))
        shares = rng.uniform(0, 1, (100, 1))
        points = np.concatenate([points, centres[i] * shares + centres[j] * (1 - shares) + across])
    points = points[np.argsort(-value(points))[:24]]
    best, step = value(points), np.full(24, reach / 4)
    for _ in range(150):
        trial = points + step[:, None] * rng.normal(size=points.shape)
        found = value(trial)
        better = found > best
        points[better], best[better] = trial[better], found[better]
        step = np.where(better, 1.6 * step, 0.8 * step)
    return points[best.argmax()].tolist()


def supremum_holds(problem: Problem, content: Certificate) -> bool:
    """L5 of a shared covariance."""
    assertion = content["assertion"]
    t, kind = Fraction(assertion["t"]), assertion["kind"]
    lower, upper = mpf(assertion["lower"]), mpf(assertion["upper"])
    if problem.kind != "shared" or kind not in ("one-sided", "two-sided") or not problem.t_min <= t <= problem.t_max:
        return False
    known, closed = best_rate(problem, content), pair_bound(problem, t, kind)
    if len(set(problem.means)) == 2:  # L6: the bound is attained
        return below(lower, closed) and below(closed, upper)
    if not (below(lower, known) and below(known, upper)):
        return False
    return below(closed, upper) or below(enclosed(as_key(problem), t, kind), upper)


def pair_bound(problem: Problem, t: Fraction, kind: str) -> Any:
    """L6, the sharper form: the largest eigenvalue of `I - P + q P d d^T P / 4` over all pairs."""
    q, precision = mpmath.exp(-2 * mpf(t)), noised(problem, t) ** -1
    base, values = mpmath.eye(problem.size) - precision, []
    for a, b in combinations(sorted(set(problem.means)), 2):
        image = precision * mpmath.matrix([mpf(x - y) for x, y in zip(a, b, strict=True)])
        values.append(max(mpmath.eigsy(base + q / 4 * image * image.T, eigvals_only=True)))
    if kind == "two-sided":
        values.append(max(mpmath.eigsy(-base, eigvals_only=True)))
    return max(values)


@cache
def enclosed(key: Any, t: Fraction, kind: str) -> Any:
    """An upper bound of the supremum to the relative gap 1e-5."""
    weights, means, covariances = key
    law = cf.GaussianMixture(list(weights), [list(mean) for mean in means], [list(row) for row in covariances[0]])
    return mpf(sharp_rate(cf.OrnsteinUhlenbeck(law, t / 2, 2 * t), t, kind, gap="1e-5").upper)


def image_holds(problem: Problem, content: Certificate) -> bool:
    """S3 where means are on a line of which all covariances have the direction as an eigenvector, d = 1 or 2."""
    assertion = content["assertion"]
    x, start, end = ([Fraction(a) for a in assertion["x"]], Fraction(assertion["t_from"]), Fraction(assertion["t_to"]))
    lists = len(x) == len(assertion["lower"]) == len(assertion["upper"]) == problem.size
    if not lists or not all(problem.t_min <= t <= problem.t_max for t in (start, end)):
        return False
    value = image(as_key(problem), tuple(x), start, end)
    box = zip(assertion["lower"], assertion["upper"], strict=True)
    return all(below(mpf(low), y) and below(y, mpf(high)) for y, (low, high) in zip(value, box, strict=True))


@cache
def image(key: Any, x: tuple[Fraction, ...], start: Fraction, end: Fraction) -> list[Any]:
    weights, means, covariances = key
    if len(x) == 1:
        variances = [part[0][0] for part in covariances]
        return [line_image(weights, [mpf(mean[0]) for mean in means], variances, mpf(x[0]), start, end)]
    e = [b - a for a, b in zip(means[0], means[-1], strict=True)]
    axes, square = (e, [-e[1], e[0]]), e[0] ** 2 + e[1] ** 2
    places = [[dot(axis, mean) / square for mean in means] for axis in axes]
    images = [[[dot(row, axis) for row in part] for part in covariances] for axis in axes]
    values = [[dot(axis, v) / square for v in parts] for axis, parts in zip(axes, images, strict=True)]
    fits = all(
        v == [c * a for a in axis]
        for axis, vs, cs in zip(axes, images, values, strict=True)
        for v, c in zip(vs, cs, strict=True)
    )
    if not fits or len(set(places[1])) > 1 or len(set(values[1])) > 1:
        raise ValueError("no product of a line and a normal law")
    length = mpmath.sqrt(mpf(square))
    at = [
        line_image(weights, [length * mpf(a) for a in row], vs, mpf(dot(axis, x)) / length, start, end) / length
        for axis, row, vs in zip(axes, places, values, strict=True)
    ]
    return [at[0] * mpf(a) + at[1] * mpf(b) for a, b in zip(*axes, strict=True)]


def dot(x: Any, y: Any) -> Any:
    return sum(a * b for a, b in zip(x, y, strict=True))


def line_image(weights: Any, means: Any, variances: Any, x: Any, start: Fraction, end: Fraction) -> Any:
    """`F_end^-1(F_start(x))` by bisection, in the smaller tail."""

    def tails(s: Any, t: Fraction) -> list[Any]:
        m, q = mpmath.exp(-mpf(t)), mpmath.exp(-2 * mpf(t))
        steps = [(s - m * a) / mpmath.sqrt(2 * (q * mpf(v) + 1 - q)) for a, v in zip(means, variances, strict=True)]
        return [
            mpmath.fsum(mpf(w) * mpmath.erfc(sign * step) for w, step in zip(weights, steps, strict=True))
            for sign in (-1, 1)
        ]

    masses = tails(x, start)
    side, low, high = int(masses[1] < masses[0]), mpmath.mpf(-1), mpmath.mpf(1)
    while not (tails(low, end)[0] <= masses[0] and tails(high, end)[1] <= masses[1]):
        low, high = 2 * low, 2 * high
    while high - low > mpmath.mpf(10) ** -50:
        middle = (low + high) / 2
        if (tails(middle, end)[side] < masses[side]) == (side == 0):
            low = middle
        else:
            high = middle
    return low


ORACLES: dict[str, Callable[[Problem, Certificate], bool]] = {"L5": supremum_holds, "S3": image_holds}
