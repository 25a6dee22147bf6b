"""Where each node of a graph of layers stands, and the way of each edge: the same graph gives the same drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from certflow.report.graph.ordering import Edge, acyclic, layers, ordered

#: Sizes in user units: a node, the space beside and below it, and the space that an edge takes in a row it passes.
WIDTH, HEIGHT, BESIDE, BELOW, PASSING = 158.0, 74.0, 12.0, 48.0, 9.0
#: Rounds in which nodes are drawn towards their neighbours.
_ROUNDS = 60
#: How strongly an edge is kept straight where it passes rows, against where it ends.
_STRAIGHT = 6.0

Point = tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """The upper left corners of the nodes, the rows (indices from left to right), and the edges with their ways.

    A way is the places that an edge passes: the lower side of its first node, then the upper and the lower edge of
    every row between, then the upper side of its last node.
    """

    corners: tuple[Point, ...]
    rows: tuple[tuple[int, ...], ...]
    ways: dict[Edge, tuple[Point, ...]]
    width: float
    height: float


def lay_out(count: int, edges: Sequence[Edge]) -> Layout:
    """Rows from above by longest paths, few crossings, and nodes near their neighbours.

    An edge that would close a circle has no way: what a report says may be in disorder.
    """
    kept = acyclic(count, edges)
    layer = layers(count, kept)
    chains, rows, steps = _split(count, kept, layer)
    rows = ordered(rows, steps)
    x = _across(rows, steps, count)
    low = min((x[node] - _half(node, count) for row in rows for node in row), default=0.0)
    x = [place - low for place in x]
    corners = tuple((x[node] - WIDTH / 2, layer[node] * (HEIGHT + BELOW)) for node in range(count))
    ends = _ports(chains, x)
    ways = {edge: _way(chain, layer[edge[0]], x, *ends[edge]) for edge, chain in chains.items()}
    return Layout(
        corners,
        tuple(tuple(node for node in row if node < count) for row in rows),
        ways,
        max((x[node] + _half(node, count) for row in rows for node in row), default=0.0),
        len(rows) * (HEIGHT + BELOW) - BELOW if rows else 0.0,
    )


def _split(
    count: int, edges: Sequence[Edge], layer: Sequence[int]
) -> tuple[dict[Edge, list[int]], list[list[int]], list[Edge]]:
    """Edges as chains of steps from a row to the next, by way of nodes of no width, which are numbered from `count`.

    The edges that leave a node share one chain down, from which each turns off in the row above its end: as few lines.
    """
    rows: list[list[int]] = [[] for _ in range(max(layer, default=-1) + 1)]
    for node in range(count):
        rows[layer[node]].append(node)
    trunks: dict[int, list[int]] = {}
    chains, fresh = {}, count
    for start, end in edges:
        trunk = trunks.setdefault(start, [start])
        for row in range(layer[start] + len(trunk), layer[end]):
            rows[row].append(fresh)
            trunk.append(fresh)
            fresh += 1
        chains[start, end] = [*trunk[: layer[end] - layer[start]], end]
    steps = dict.fromkeys(step for chain in chains.values() for step in pairwise(chain))
    return chains, rows, list(steps)


def _half(node: int, count: int) -> float:
    return WIDTH / 2 if node < count else PASSING / 2


def _across(rows: Sequence[Sequence[int]], steps: Sequence[Edge], count: int) -> list[float]:
    """The middle of each node: near the mean of its neighbours, in the order of its row, with space between."""
    size = max((node for row in rows for node in row), default=-1) + 1
    beside: list[list[tuple[int, float]]] = [[] for _ in range(size)]
    for start, end in steps:
        weight = (_STRAIGHT if start >= count else 1.0) * (_STRAIGHT if end >= count else 1.0)
        beside[start].append((end, weight))
        beside[end].append((start, weight))
    offsets = []
    for row in rows:
        offsets.append([0.0] * len(row))
        for i in range(1, len(row)):
            space = _half(row[i - 1], count) + _half(row[i], count) + BESIDE * (row[i - 1] < count or row[i] < count)
            offsets[-1][i] = offsets[-1][i - 1] + space
    widest = max((offset[-1] for offset in offsets), default=0.0)
    x = [0.0] * size
    for row, offset in zip(rows, offsets, strict=True):
        for node, place in zip(row, offset, strict=True):
            x[node] = place + (widest - offset[-1]) / 2
    for turn in range(_ROUNDS):
        for i in range(len(rows)) if turn % 2 == 0 else reversed(range(len(rows))):
            wanted, weights = [], []
            for node in rows[i]:
                total = sum(weight for _, weight in beside[node])
                mean = sum(x[other] * weight for other, weight in beside[node]) / total if total else x[node]
                wanted.append(mean)
                weights.append(total or 1.0)
            room = widest - offsets[i][-1]
            for node, place in zip(rows[i], _apart(wanted, offsets[i], weights, room), strict=True):
                x[node] = place
    return x


def _apart(wanted: Sequence[float], offsets: Sequence[float], weights: Sequence[float], room: float) -> list[float]:
    """The places nearest to the wanted ones, in weighted squares, in order, with space, and the first within `room`.

    Less the offsets the places must not fall: regression on an order, by pooling neighbours that violate it. A row
    that has no more room than its own width is pushed together; so the graph is as wide as its widest row.
    """
    pools: list[tuple[float, float, int]] = []
    for place, offset, weight in zip(wanted, offsets, weights, strict=True):
        mean, mass, size = place - offset, weight, 1
        while pools and pools[-1][0] > mean:
            before, its_mass, its_size = pools.pop()
            mean = (before * its_mass + mean * mass) / (its_mass + mass)
            mass, size = mass + its_mass, size + its_size
        pools.append((mean, mass, size))
    level = [min(max(mean, 0.0), room) for mean, _, size in pools for _ in range(size)]
    return [mean + offset for mean, offset in zip(level, offsets, strict=True)]


def _ports(chains: dict[Edge, list[int]], x: Sequence[float]) -> dict[Edge, Point]:
    """Where each edge leaves its first node and enters its last: beside each other, in the order of where they lead."""
    leaving: dict[int, set[int]] = {}
    entering: dict[int, set[int]] = {}
    for chain in chains.values():
        leaving.setdefault(chain[0], set()).add(chain[1])
        entering.setdefault(chain[-1], set()).add(chain[-2])

    def place(node: int, towards: int, joined: set[int]) -> float:
        space = min(14.0, (WIDTH - 40) / len(joined))
        return (
            x[node]
            + (sorted(joined, key=lambda other: (x[other], other)).index(towards) - (len(joined) - 1) / 2) * space
        )

    return {
        edge: (place(chain[0], chain[1], leaving[chain[0]]), place(chain[-1], chain[-2], entering[chain[-1]]))
        for edge, chain in chains.items()
    }


def _way(chain: Sequence[int], first: int, x: Sequence[float], leaves: float, enters: float) -> tuple[Point, ...]:
    step = HEIGHT + BELOW
    points = [(leaves, first * step + HEIGHT)]
    for row, node in enumerate(chain[1:-1], first + 1):
        points += [(x[node], row * step), (x[node], row * step + HEIGHT)]
    points.append((enters, (first + len(chain) - 1) * step))
    return tuple(points)
