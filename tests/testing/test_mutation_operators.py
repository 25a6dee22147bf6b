"""The operators that make mutants say what they are said to say."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

BENCHMARKS = str(Path(__file__).parents[2] / "benchmarks")
sys.path.append(BENCHMARKS)  # as for its scripts
try:
    from mutation.operators import OPERATORS, changes
    from mutation.selection import AREAS, ROOT, selected
finally:
    sys.path.remove(BENCHMARKS)


@pytest.mark.parametrize(
    ("operator", "source", "mutated"),
    [
        ("sign", "y = a + b", ["y = (a - b)"]),
        ("sign", "y = a - b", ["y = (a + b)"]),
        ("sign", "y = -a", ["y = a"]),
        ("factor", "y = a / b", ["y = (2 * (a / b))"]),
        ("operand", "y = a - b", ["y = (b - a)"]),
        ("operand", "y = a <= b", ["y = (b <= a)"]),
        ("operand", "y = a == b", []),
        ("constant", "y = f(3) + 0.5", ["y = f(4) + 0.5", "y = f(3) + 0.75"]),
        ("constant", "y = x[3]", []),
        ("index", "y = x[-1]", ["y = x[0]"]),
        ("index", "y = x[1:]", ["y = x[2:]"]),
        ("dtype", "y = x.astype(np.float64)", ["y = x.astype(np.float32)"]),
        ("dtype", "y = np.exp(x)", ["y = np.float32(np.exp(x))"]),
        ("term", "y = a - b", ["y = a", "y = (-b)"]),
        ("argument", "y = f(a, b, c)", ["y = f(b, a, c)"]),
        ("argument", "y = f(a, a)", []),
        ("sign", "raise ValueError(a + b)", []),
        ("constant", "x: Literal[3] = f'{4}'", []),
        ("sign", "'é'; y = c(a\n + b)", ["'é'; y = c((a - b))"]),  # the parser counts bytes
    ],
)
def test_an_operator_writes_what_it_says(operator: str, source: str, mutated: list[str]) -> None:
    found = [change.applied(source) for change in changes(source) if change.operator == operator]
    assert sorted(found) == sorted(mutated)


def test_the_selection_is_the_same_every_time_and_has_every_operator_in_every_area() -> None:
    mutants = selected(12, seed=0)
    assert mutants == selected(12, seed=0)
    assert len(mutants) == 84
    for area in AREAS:
        mine = [mutant for mutant in mutants if mutant.area == area.name]
        assert len({(mutant.module, mutant.change.line) for mutant in mine}) == 12
        assert len({mutant.change.operator for mutant in mine}) >= len(OPERATORS) - 2
        assert all((ROOT / test).exists() for test in area.tests)


def test_a_mutant_that_is_left_out_is_followed_by_another() -> None:
    first = selected(12, seed=0)
    rest = selected(12, seed=0, excluded=frozenset({first[0].key}))
    assert len(rest) == 84
    assert first[0] not in rest
    assert rest[12:] == first[12:]
