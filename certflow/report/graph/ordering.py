"""Layers of a graph and the order within each: longest paths, then few crossings (Sugiyama, Tagawa, Toda 1981)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Edge = tuple[int, int]

#: As many nodes a row should hold.
ROOM = 5
#: Passes down and up over the layers; the best order seen is kept.
_PASSES = 16


def acyclic(count: int, edges: Sequence[Edge]) -> list[Edge]:
    """The edges between `count` nodes, without those that close a circle when they are taken in order."""
    after: list[set[int]] = [set() for _ in range(count)]
    kept = []
    for start, end in edges:
        if start != end and end not in after[start] and not _reaches(end, start, after):
            after[start].add(end)
            kept.append((start, end))
    return kept


def _reaches(start: int, goal: int, after: Sequence[set[int]]) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        here = waiting.pop()
        if here == goal:
            return True
        fresh = after[here] - seen
        seen |= fresh
        waiting.extend(fresh)
    return False


def layers(count: int, edges: Sequence[Edge]) -> list[int]:
    """The layer of each node: the length of the longest path that ends there, or more; edges have no circle.

    A node into which nothing leads stands as low above those that it leads to as there is room, so that its edges are
    short. Where a row is full, nodes that can wait, since what they lead to stands lower still, go to the next.
    """
    layer = [0] * count
    for _ in range(count):
        for start, end in edges:
            layer[end] = max(layer[end], layer[start] + 1)
    limit = [min((layer[end] for start, end in edges if start == node), default=0) for node in range(count)]
    for node in sorted(set(range(count)) - {end for _, end in edges}):
        free = (row for row in range(limit[node] - 1, 0, -1) if layer.count(row) < ROOM)
        layer[node] = next(free, 0)
    row = 0
    while row <= max(layer, default=0):
        here = [node for node in range(count) if layer[node] == row]
        waiting = [node for node in here if all(layer[end] > row + 1 for start, end in edges if start == node)]
        excess = len(here) - ROOM
        for node in waiting[-excess:] if excess > 0 else ():
            layer[node] += 1
        row += 1
    return layer


def crossings(upper: Sequence[int], lower: Sequence[int], edges: Sequence[Edge]) -> int:
    """How many pairs of edges cross between two layers of which the orders are given."""
    above, below = _places(upper), _places(lower)
    ends = [below[end] for _, end in sorted(edges, key=lambda edge: (above[edge[0]], below[edge[1]]))]
    return sum(first > second for i, first in enumerate(ends) for second in ends[i + 1 :])


def ordered(rows: Sequence[Sequence[int]], edges: Sequence[Edge]) -> list[list[int]]:
    """The rows with their nodes in an order of few crossings; each edge leads from a row to the next.

    Barycentres of the neighbours, down and up in turn, each time followed by exchanges of neighbours that help.
    """
    between = _between(rows, edges)
    best = current = [list(row) for row in rows]
    least = _total(current, between)
    for turn in range(_PASSES):
        current = _swept([list(row) for row in current], between, down=turn % 2 == 0)
        _exchange(current, between)
        total = _total(current, between)
        if total < least:
            best, least = [list(row) for row in current], total
    return best


def _between(rows: Sequence[Sequence[int]], edges: Sequence[Edge]) -> list[list[Edge]]:
    """The edges from each row to the next."""
    row_of = {node: index for index, row in enumerate(rows) for node in row}
    found: list[list[Edge]] = [[] for _ in rows]
    for start, end in edges:
        found[row_of[start]].append((start, end))
    return found


def _total(rows: Sequence[Sequence[int]], between: Sequence[Sequence[Edge]]) -> int:
    return sum(crossings(rows[i], rows[i + 1], between[i]) for i in range(len(rows) - 1))


def _swept(rows: list[list[int]], between: Sequence[Sequence[Edge]], *, down: bool) -> list[list[int]]:
    """Each row sorted by the mean place of its neighbours in the row before; without neighbours, by its own."""
    indices = range(1, len(rows)) if down else range(len(rows) - 2, -1, -1)
    for i in indices:
        place = _places(rows[i - 1] if down else rows[i + 1])
        edges = between[i - 1] if down else [(end, start) for start, end in between[i]]
        beside: dict[int, list[int]] = {node: [] for node in rows[i]}
        for start, end in edges:
            beside[end].append(place[start])
        own = _places(rows[i])
        means = {
            node: sum(found) / len(found) if found else own[node] * len(place) / len(own)
            for node, found in beside.items()
        }
        rows[i].sort(key=lambda node: (means[node], own[node]))
    return rows


def _exchange(rows: list[list[int]], between: Sequence[Sequence[Edge]]) -> None:
    """Exchange neighbours in a row as long as that takes crossings away."""
    for i, row in enumerate(rows):
        sides = [
            (rows[j], edges)
            for j, edges in ((i - 1, between[i - 1] if i else []), (i + 1, _turned(between[i])))
            if 0 <= j < len(rows)
        ]
        beside = {
            node: [sorted(_places(other)[a] for a, b in edges if b == node) for other, edges in sides] for node in row
        }
        improved = True
        while improved:
            improved = False
            for k in range(len(row) - 1):
                left, right = row[k], row[k + 1]
                if _crossed(beside[left], beside[right]) > _crossed(beside[right], beside[left]):
                    row[k], row[k + 1], improved = right, left, True


def _turned(edges: Sequence[Edge]) -> list[Edge]:
    return [(end, start) for start, end in edges]


def _crossed(left: Sequence[Sequence[int]], right: Sequence[Sequence[int]]) -> int:
    """Crossings of the edges of two neighbours, from the places of what they are joined to on either side."""
    return sum(a > b for one, other in zip(left, right, strict=True) for a in one for b in other)


def _places(row: Sequence[int]) -> Mapping[int, int]:
    return {node: place for place, node in enumerate(row)}
