"""Where the blocks of a residual network begin and end, in `kappa`; and the proved error of what they make (A9, E3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from flint import arb

from certflow.errors import unknown
from certflow.networks.gadgets.polynomials import dyadic
from certflow.networks.residual.coordinates import Coordinates
from certflow.networks.residual.local_errors import LocalErrors
from certflow.networks.residual.methods import Method
from certflow.numbers.arrays import Floats

#: Nodes are multiples of `2^-60 kappa_T`, or of `2^-60` where `kappa_T` is larger than 1.
_BITS = 60
#: Places at which the density of a balanced grid is looked at.
_LOOK = 120
#: Blocks of a balanced grid that each have a length of their own: beyond, neighbours share one.
_SEGMENTS = 256
#: Steps of a balanced grid are hardly longer than this over `L`: too little is known of their errors.
_LONGEST = 0.4
#: The kinds of grid: equal steps of `kappa`, equal steps of `t`, equal contributions to the bound.
KINDS = ("balanced", "uniform-kappa", "uniform-time")


@dataclass(frozen=True)
class Segment:
    """`count` blocks of equal length between `lower` and `upper`, which are exact."""

    lower: Any
    upper: Any
    count: int = 1

    @property
    def length(self) -> Any:
        """`h` of a block."""
        return (self.upper - self.lower) / self.count

    def blocks(self) -> Iterator[tuple[Any, Any]]:
        """`(kappa, h)` of each block."""
        for i in range(self.count):
            yield self.lower + i * self.length, self.length


def balanced(coordinates: Coordinates, errors: LocalErrors, blocks: int, segments: int = _SEGMENTS) -> list[Segment]:
    """Steps of equal contributions `C_q h^{q+1} exp(...)` to the bound: `h ~ (C_q A)^{-1/(q+1)}`, none very long.

    segments : where there are more blocks than these, neighbours share a length and a constant
    """
    low, high = _range(coordinates)
    kappas = np.geomspace(low, high, _LOOK)
    order = errors.analytic.method.order
    constants = np.array([errors.constant(kappa) for kappa in kappas])
    still_to_come = float(coordinates.diameter) ** 2 * (high**2 - kappas**2) / 8
    density = np.exp((np.log(np.maximum(constants, 1e-300)) + still_to_come - still_to_come[0]) / (order + 1))
    rates = float(coordinates.diameter) ** 2 * kappas / 4
    length = _integrals(density, kappas)[-1] / (blocks * density)
    density = density * (1 + (length * rates / _LONGEST) ** 4) ** 0.25
    passed = _integrals(density, kappas)
    parts = min(blocks, segments)
    shares = np.round(np.linspace(0, blocks, parts + 1)).astype(int)
    ends = np.interp(passed[-1] * shares / blocks, passed, kappas)
    return _segments(coordinates, ends, np.diff(shares).tolist())


def _integrals(density: Floats, kappas: Floats) -> Floats:
    """From the first of the `kappas` to each, by the trapezoidal rule."""
    return np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(kappas))])


def uniform_kappa(coordinates: Coordinates, blocks: int) -> list[Segment]:
    """Equal steps of `kappa`."""
    return _segments(coordinates, np.linspace(*_range(coordinates), blocks + 1), [1] * blocks)


def uniform_time(coordinates: Coordinates, blocks: int) -> list[Segment]:
    """Equal steps of `t`."""
    first, last = coordinates.law.t_max, coordinates.law.t_min
    times = [first + (last - first) * i / blocks for i in range(blocks + 1)]
    return _segments(coordinates, np.array([float(coordinates.kappa(time).mid()) for time in times]), [1] * blocks)


def grid_of(kind: Any, coordinates: Coordinates, errors: LocalErrors, blocks: int) -> list[Segment]:
    """The grid of that kind.

    Raises
    ------
    InputError : there is no such kind.
    """
    if kind == "balanced":
        return balanced(coordinates, errors, blocks)
    if kind == "uniform-kappa":
        return uniform_kappa(coordinates, blocks)
    if kind == "uniform-time":
        return uniform_time(coordinates, blocks)
    raise unknown("grid", kind, KINDS)


@dataclass(frozen=True)
class Composed:
    """Parts of the bound of a composition in `zeta`, for all `zeta` (A9); balls.

    steps : what the truncation errors of the blocks add up to at the end;  field : what errors of the field do;
    ends : what the nodes at both ends do, which are not exactly `kappa_T` and `kappa_delta`
    """

    steps: Any
    field: Any
    ends: Any

    @property
    def total(self) -> Any:
        return (self.steps + self.field + self.ends).upper()


def composed_error(
    coordinates: Coordinates, errors: LocalErrors, segments: Sequence[Segment], field_error: Any = 0
) -> Composed:
    """`sum_k (eps_k + d_k) exp int_{kappa_{k+1}} kappa D^2/4`: truncation `eps_k`, errors of the field `d_k` (E3).

    field_error : `eta >= |g^ - g|` for all `zeta` at every node of every block
    """
    method: Method = errors.analytic.method
    steps = field = arb(0)
    first, last = coordinates.ends
    ends = abs(first - arb(segments[0].lower)) * coordinates.speed
    for segment in segments:
        lower, upper, h = arb(segment.lower), arb(segment.upper), arb(segment.length)
        start = lower if segment.count == 1 else lower.union(upper - h)
        growth = coordinates.growth(lower, upper)
        # of `count` blocks all but the last are followed by others: their growth is at most that of the whole segment
        share = segment.count if segment.count == 1 else segment.count * growth
        steps = growth * steps + share * errors.bound(start, h)
        field = growth * field + share * method.propagated(arb(field_error), coordinates.lipschitz(upper), h)
        ends = growth * ends
    ends = ends + abs(last - arb(segments[-1].upper)) * coordinates.speed
    return Composed(steps.upper(), field.upper(), ends.upper())


def _range(coordinates: Coordinates) -> tuple[float, float]:
    first, last = coordinates.ends
    return float(first.mid()), float(last.mid())


def _segments(coordinates: Coordinates, ends: Floats, counts: list[int]) -> list[Segment]:
    """Segments between dyadic nodes; the outer ones are those next to `kappa_T` and `kappa_delta`."""
    first, last = coordinates.ends
    bits = node_bits(first)
    nodes = [dyadic(end, bits) for end in (first, *map(arb, ends[1:-1].tolist()), last)]
    return [Segment(lower, upper, count) for (lower, upper), count in zip(pairwise(nodes), counts, strict=True)]


def node_bits(first: Any) -> int:
    """Binary places of nodes that begin at about this number: as many significant ones, however small it is."""
    mantissa, exponent = (int(part) for part in first.mid().man_exp())
    return _BITS + max(0, -(exponent + mantissa.bit_length()))
