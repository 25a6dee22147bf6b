"""Layers, order and places of the graph of statements: properties of random graphs, and that of the theory itself."""

from __future__ import annotations

from itertools import combinations, pairwise, product

from depth import cases
from hypothesis import given, settings
from hypothesis import strategies as st

from certflow.claims.registry import STATEMENTS
from certflow.report.graph.layout import BELOW, BESIDE, HEIGHT, WIDTH, lay_out
from certflow.report.graph.nodes import theory_nodes
from certflow.report.graph.ordering import ROOM, acyclic, crossings, layers, ordered


@st.composite
def graphs(draw, most=14):
    """A number of nodes and edges without circles, numbered in any order."""
    count = draw(st.integers(0, most))
    names = draw(st.permutations(range(count)))
    pairs = [(names[a], names[b]) for a, b in combinations(range(count), 2)]
    return count, draw(st.lists(st.sampled_from(pairs), unique=True, max_size=25)) if pairs else []


def longest(node: int, edges) -> int:
    """The length of the longest path that ends at a node, by following all of them back."""
    return max((longest(start, edges) + 1 for start, end in edges if end == node), default=0)


@settings(max_examples=cases(25))
@given(graphs())
def test_edges_lead_down_and_rows_are_no_longer_than_they_must(graph):
    count, edges = graph
    assert acyclic(count, edges) == edges
    layer = layers(count, edges)
    assert all(layer[start] < layer[end] for start, end in edges)
    assert all(layer[node] >= longest(node, edges) for node in range(count))
    entered = {end for _, end in edges}
    if count <= ROOM:
        assert [layer[node] for node in sorted(entered)] == [longest(node, edges) for node in sorted(entered)]
    for row in set(layer):
        here = [node for node in range(count) if layer[node] == row]
        free = [node for node in here if all(layer[end] > row + 1 for start, end in edges if start == node)]
        assert len(here) <= ROOM or not free


@settings(max_examples=cases(25))
@given(st.integers(1, 6), st.data())
def test_what_closes_a_circle_is_left_out_and_nothing_else(count, data):
    """Against reachability by powers: an edge is left out only where the kept ones already lead back."""
    everything = list(product(range(count), repeat=2))
    edges = data.draw(st.lists(st.sampled_from(everything), max_size=12))
    kept = acyclic(count, edges)
    for node in range(count):
        assert longest(node, kept) < count  # which ends only where there is no circle
    for start, end in set(edges) - set(kept):
        assert reaches(kept, end, start)


def reaches(edges, start: int, end: int) -> bool:
    found = {start}
    for _ in edges:
        found |= {b for a, b in edges if a in found}
    return end in found


@settings(max_examples=cases(25))
@given(st.permutations(range(4)), st.permutations(range(4, 8)), st.data())
def test_crossings_are_those_of_the_drawing(upper, lower, data):
    """Two edges cross where the differences of their ends have different signs."""
    edges = data.draw(st.lists(st.sampled_from(list(product(upper, lower))), unique=True))
    crossed = [
        (upper.index(a) - upper.index(c)) * (lower.index(b) - lower.index(d)) < 0
        for (a, b), (c, d) in combinations(edges, 2)
    ]
    assert crossings(upper, lower, edges) == sum(crossed)


@settings(max_examples=cases(25))
@given(st.lists(st.integers(0, 3), min_size=1, max_size=6), st.permutations(range(4)))
def test_rows_are_sorted_out_where_nothing_needs_to_cross(above, upper):
    """Each node of the lower row hangs on one of the upper: then the barycentres leave no crossing."""
    lower = [4 + i for i in range(len(above))]
    edges = list(zip(above, lower, strict=True))
    rows = ordered([upper, lower], edges)
    assert [sorted(row) for row in rows] == [sorted(upper), lower]
    assert crossings(*rows, edges) == 0


@settings(max_examples=cases(25))
@given(graphs(8))
def test_an_order_never_has_more_crossings_than_the_one_that_was_given(graph):
    count, edges = graph
    steps = [(a, b) for a, b in edges if a < count // 2 <= b]
    given_rows = [list(range(count // 2)), list(range(count // 2, count))]
    assert crossings(*ordered(given_rows, steps), steps) <= crossings(*given_rows, steps)


@settings(max_examples=cases(25))
@given(graphs())
def test_nodes_stand_apart_and_ways_pass_between_them(graph):
    count, edges = graph
    layout = lay_out(count, edges)
    assert lay_out(count, edges) == layout
    assert set(layout.ways) == set(edges)
    assert sorted(node for row in layout.rows for node in row) == list(range(count))
    for row in layout.rows:
        places = [layout.corners[node] for node in row]
        assert all(b[0] - a[0] >= WIDTH + BESIDE - 1e-6 for a, b in pairwise(places))
        assert len({y for _, y in places}) <= 1
    for x, y in layout.corners:
        assert -1e-6 <= x <= layout.width - WIDTH + 1e-6
        assert 0 <= y <= layout.height - HEIGHT
    for (start, end), way in layout.ways.items():
        assert abs(way[0][0] - layout.corners[start][0] - WIDTH / 2) < WIDTH / 2
        assert way[0][1] == layout.corners[start][1] + HEIGHT
        assert abs(way[-1][0] - layout.corners[end][0] - WIDTH / 2) < WIDTH / 2
        assert way[-1][1] == layout.corners[end][1]
        for (x, top), (below, bottom) in zip(way[1:-1:2], way[2:-1:2], strict=True):  # straight down, past a row
            assert (x, top + HEIGHT) == (below, bottom)
            assert top % (HEIGHT + BELOW) == 0
            assert not any(left < x < left + WIDTH and y == top for left, y in layout.corners)


def test_the_theory_is_drawn_in_few_rows_with_few_crossings():
    nodes = theory_nodes(STATEMENTS.values())
    index = {node.id: i for i, node in enumerate(nodes)}
    edges = [(index[on], index[node.id]) for node in nodes for on in node.rests_on]
    layout = lay_out(len(nodes), edges)
    assert acyclic(len(nodes), edges) == edges
    assert len(layout.rows) == max(longest(node, edges) for node in range(len(nodes))) + 1
    assert max(map(len, layout.rows)) <= ROOM
    assert layout.width < 7 * (WIDTH + BESIDE)
