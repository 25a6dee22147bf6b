"""Rules by closed forms (3): Popoviciu's bounds on panels (L2, L3), stability (F1, F2), balanced grids (G1)."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations_with_replacement, pairwise
from operator import sub

from .arithmetic import dot
from .cases import INDICES, KINDS, LIST, Case, Rule
from .refusals import require, shown
from .sentences import at_least, at_most, exactly, rounded
from .work import MAX_VALUES, bits_of, product_steps


def squared_diameter(case: Case) -> Fraction:
    """`assertion.diameter_squared`, at least `|mu_j - mu_k|^2` for all j, k; attained by the pair of the proof."""
    means, field = case.means, "assertion.diameter_squared"
    stated: Fraction = case.assertion["diameter_squared"]
    limit, bits = stated * case.denominator**2, bits_of(x for row in means for x in row)
    each = 12 + case.size * (6 + product_steps(bits, bits))
    case.work.spend(len(means) * (len(means) + 1) // 2 * each, "problem.mixture.means")
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
    case.spend(panels + 1, "assertion.times", *times, *claim["upper"], *claim.get("lower", []), d2)
    for i, (early, late) in enumerate(pairwise(map(case.decay, times))):
        excess, growth = case.rates((late[0], early[1]), d2)
        if case.claim == "L2":
            case.bound("above", max(-excess[0], excess[1], -growth[0], growth[1]), "L", "upper", i)
        else:
            case.bound("above", growth[1], "lambda", "upper", i)
            case.bound("below", -excess[1], "1 - 1/v", "lower", i)
    largest = case.said(at_most, "upper", max(range(panels), key=claim["upper"].__getitem__))
    size = f"{panels} panel{'s' * (panels > 1)}, D^2 <= {case.said(at_most, 'diameter_squared')}"
    if case.claim == "L2":
        return f"for all x, ||J(x,t)||_2 <= upper(t) <= {largest}, {size}"
    least = case.said(at_least, "lower", min(range(panels), key=claim["lower"].__getitem__))
    return f"for all x, lower(t) <= -J(x,t) <= upper(t) <= {largest}, lower(t) >= {least}, {size}"


def flow_stability(case: Case) -> str:
    """F1: `exp(contraction) |x-y| <= |Phi(x)-Phi(y)| <= exp(growth) |x-y| <= factor |x-y|`, by Gronwall (3)."""
    growth, factor, d2 = case.assertion["growth"], case.assertion["factor"], squared_diameter(case)
    case.spend(3, "assertion.growth", d2, growth, case.assertion["contraction"], factor or Fraction(0))
    case.bound("above", case.integral("one-sided", *case.ends, d2)[1], "int lambda", "growth")
    case.bound("below", case.expansion(*case.ends)[0], "int (1 - 1/v)", "contraction")
    require((factor is None) == (growth > 600), "assertion.factor", factor, "null if growth > 600, else a number")
    if factor is not None:
        case.bound("above", case.arithmetic.exp(case.arithmetic.rational(growth))[1], "exp(growth)", "factor")
    low, high = case.said(at_least, "contraction"), case.said(at_most, "growth")
    last = "no factor" if factor is None else f"factor {case.said(at_most, 'factor')}"
    size = f"D^2 <= {case.said(at_most, 'diameter_squared')}"
    return f"for all x, y, exp({low}) <= |Phi(x)-Phi(y)| / |x-y| <= exp({high}), {last}, {size}"


def cumulative_stability(case: Case) -> str:
    """F2: `int lambda` and `int L` over `[t_min, t_max]` lie between the asserted ends, by their closed forms (3)."""
    d2, rates = squared_diameter(case), ("one-sided", "two-sided")
    case.spend(4, "assertion", d2, *case.assertion["one-sided"], *case.assertion["two-sided"])
    for key in rates:
        value, ends = case.integral(key, *case.ends, d2), case.assertion[key]
        require(len(ends) == 2, f"assertion.{key}", ends, "two ends")
        case.bound("below", value[0], "the integral", key, 0)
        case.bound("above", value[1], "the integral", key, 1)
    ends = [f"[{case.said(at_least, key, 0)}, {case.said(at_most, key, 1)}]" for key in rates]
    return f"int lambda in {ends[0]}, int L in {ends[1]}, D^2 = {case.said(exactly, 'diameter_squared')}"


def balanced_grid(case: Case) -> str:
    """G1: `[lo_k, hi_k]` holds the one `t_k` with `K int_{t_min}^{t_k} rate = (K - k) int_{t_min}^{t_max} rate` (3)."""
    d2, a, start = squared_diameter(case), case.arithmetic, case.ends[0]
    rate, segments, nodes = (case.assertion[key] for key in ("rate", "segments", "nodes"))
    require(len(nodes) == segments + 1, "assertion.nodes", nodes, f"{segments + 1} nodes, segments + 1")
    case.spend(4 * segments + 4, "assertion.segments", d2, *(end for node in nodes for end in node))
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
    width = rounded(max(high - low for low, high in nodes), up=True)
    grid = f"each node of the {rate} balanced grid of {segments} segments lies in its interval of assertion.nodes"
    return f"{grid}, of length at most {width}, D^2 = {case.said(exactly, 'diameter_squared')}"


_SPATIAL = {"diameter_squared": Fraction, "times": LIST, "upper": LIST}
_FLOW = {"diameter_squared": Fraction, "growth": Fraction, "contraction": Fraction, "factor": (Fraction,)}
_INTEGRALS = {"diameter_squared": Fraction, "one-sided": LIST, "two-sided": LIST}
_GRID = {"diameter_squared": Fraction, "rate": KINDS, "segments": range(1, MAX_VALUES), "nodes": [LIST]}
_PAIR = {"pair": INDICES}
L2 = Rule("popoviciu", _SPATIAL, {}, spatial_bounds, "proofs/L2.md, proofs/checker.md section 3")
L3 = Rule("popoviciu", _SPATIAL | {"lower": LIST}, {}, spatial_bounds, "proofs/L3.md, proofs/checker.md section 3")
F1 = Rule("closed-form", _FLOW, {}, flow_stability, "proofs/F1.md, proofs/checker.md section 3")
F2 = Rule("closed-form", _INTEGRALS, _PAIR, cumulative_stability, "proofs/F2.md, proofs/checker.md section 3")
G1 = Rule("closed-form", _GRID, _PAIR, balanced_grid, "proofs/F2.md, proofs/checker.md section 3")
