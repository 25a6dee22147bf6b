"""Which modules are mutated, which tests belong to them, and which mutants a seed selects."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mutation.operators import OPERATORS, Change, changes

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Area:
    """Modules of one purpose, and the files of tests that belong to them, those that cost least first."""

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Mutant:
    """One change of one module."""

    area: str
    module: str
    change: Change

    @property
    def key(self) -> str:
        """The same as long as the module is: module, operator, line, what stands there instead."""
        change = self.change
        return f"{self.module}:{change.line}:{change.operator}:{change.original} -> {change.mutated}"


def _files(folder: str, prefix: str, names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{prefix}{name}.py" for name in names.split())


AREAS: tuple[Area, ...] = (
    Area("field", ("field/components.py",), _files("tests/field", "test_", "components field properties")),
    Area(
        "bounds",
        _files("bounds", "", "rates stability inversion existence peak"),
        _files("tests/bounds", "test_", "shapes bounds stability inversion existence rate_accuracy"),
    ),
    Area(
        "flow",
        _files("flow", "", "reference extrapolation clock quantile_map"),
        ("tests/flow/test_flow.py", "tests/composition/test_floors.py"),
    ),
    Area(
        "grids",
        _files(
            "grids", "", "nodes rates kinds/balanced kinds/coordinates kinds/entropic kinds/score_optimal kinds/typical"
        ),
        _files("tests/grids/kinds", "test_", "coordinates entropic score_optimal typical balanced"),
    ),
    Area(
        "samplers",
        _files("samplers", "", "solvers rollout field"),
        _files("tests/samplers", "test_", "solvers error"),
    ),
    Area(
        "schedules",
        _files("schedules", "", "families predictions table schedule"),
        _files("tests/schedules", "test_", "schedule model"),
    ),
    Area(
        "checker",
        _files(
            "certificate/checker",
            "",
            "reading verdicts arithmetic closed_forms sharp_rates sharp_integrals coverings flow_tubes",
        ),
        _files(
            "tests/certificate",
            "test_",
            "check_command closed_form_producers checker_arithmetic work checker_flow_tube checker_sharp "
            "checker_sharp_integral checker_rules mutations",
        ),
    ),
)


def selected(count: int, seed: int, excluded: frozenset[str] = frozenset()) -> list[Mutant]:
    """So many mutants of each area, its operators in turn, no two on one line of a module."""
    chosen: list[Mutant] = []
    for area in AREAS:
        rng = random.Random(f"{seed} {area.name}")
        offered = _in_turn(area, rng)
        lines: set[tuple[str, int]] = set()
        mine: list[Mutant] = []
        for mutant in offered:
            place = (mutant.module, mutant.change.line)
            if place in lines or mutant.key in excluded:
                continue
            lines.add(place)
            mine.append(mutant)
            if len(mine) == count:
                break
        chosen += mine
    return chosen


def _in_turn(area: Area, rng: random.Random) -> Iterator[Mutant]:
    """The mutants of an area, operator after operator, modules and places as the seed has them."""
    by_operator: dict[str, dict[str, list[Mutant]]] = {name: {} for name in OPERATORS}
    for module in area.modules:
        source = (ROOT / "certflow" / module).read_text(encoding="utf-8")
        for change in changes(source):
            mutant = Mutant(area.name, module, change)
            by_operator[change.operator].setdefault(module, []).append(mutant)
    for modules in by_operator.values():
        for mutants in modules.values():
            rng.shuffle(mutants)
    while any(by_operator.values()):
        for modules in by_operator.values():
            if modules:
                module = rng.choice(sorted(modules))
                yield modules[module].pop()
                if not modules[module]:
                    del modules[module]
