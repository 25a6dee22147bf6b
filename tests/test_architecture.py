"""The house is as ARCHITECTURE.md draws it: rooms on floors, imports point down, no circle, few files on a hot path."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import certflow as cf

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "certflow"
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")

#: Modules of the package by dotted name.
MODULES = {
    ".".join(("certflow", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}


def imported(name: str) -> Iterator[str]:
    """The modules of the package that a module imports, anywhere in it: inside functions too."""
    package = name if MODULES[name].name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join(
                    [*package.split(".")[: len(package.split(".")) - node.level + 1], *filter(None, [base])]
                )
            for alias in node.names:
                full = f"{base}.{alias.name}"
                if full in MODULES:
                    yield full
                elif base in MODULES:
                    yield base


def loaded(name: str) -> Iterator[str]:
    """Modules that a module names as text, to be loaded on first use: `"certflow.grids.kinds.ays"`."""
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in MODULES:
            yield node.value


def room(name: str) -> str:
    """The room of a module: its folder, or the module itself where it stands at the top."""
    return name.split(".")[1] if "." in name else "certflow"


@cache
def files() -> dict[str, set[str]]:
    """The other modules that each one imports. Every worker collects this file, one of them reads the package."""
    return {name: {other for other in imported(name) if other not in (name, "certflow")} for name in MODULES}


#: The floors of ARCHITECTURE.md, lowest first: room -> rooms that it may import.
FLOORS = {
    row: set(re.findall(r"`(\w+)`", below))
    for row, below in re.findall(r"^\| `(\w+)`[^|]*\|[^|]*\| ([^|]*)\|$", PAGE, flags=re.MULTILINE)
}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The strongly connected components of more than one node."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph[node]:
            if other not in index:
                visit(other)
            if other in stack:
                low[node] = min(low[node], low[other])
        if low[node] == index[node]:
            part = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(part) > 1:
                found.append(sorted(part))

    sys.setrecursionlimit(10_000)
    for node in graph:
        if node not in index:
            visit(node)
    return found


def test_circles_are_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c"]]


def test_no_circle_of_files() -> None:
    assert circles(files()) == []


def test_the_page_has_every_room() -> None:
    assert set(FLOORS) == {room(name) for name in MODULES} - {"certflow"}


def test_the_page_has_no_import_up() -> None:
    rooms = list(FLOORS)
    up = {row: below - set(rooms[: rooms.index(row)]) for row, below in FLOORS.items()}
    assert {row: names for row, names in up.items() if names} == {}


@pytest.mark.parametrize("name", sorted(set(map(room, MODULES)) - {"certflow"}))
def test_a_room_imports_what_the_page_allows(name: str) -> None:
    used = {
        (room(other), module, other)
        for module in MODULES
        if room(module) == name
        for other in (*files()[module], *loaded(module))
        if room(other) not in (name, "certflow")
    }
    assert {place for place in used if place[0] not in FLOORS[name]} == set()
    assert FLOORS[name] == {place[0] for place in used}, "the page names rooms that are not imported"


def test_at_most_ten_modules_at_the_top() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= 10


def test_tests_mirror_the_rooms() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and list(path.rglob("test_*.py"))}
    assert folders - rooms <= {"formal"}  # the theories of proofs/coq, which are no room of the package
    assert rooms - folders == set()


def test_modules_are_small() -> None:
    """At most 350 lines each: a module is a noun, not a drawer."""
    long = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in MODULES.items()}
    assert {name: lines for name, lines in long.items() if lines > 350} == {}


@pytest.mark.parametrize("name", ["two-modes", "two-variances", "wine"])
def test_a_warm_score_calls_functions_of_few_files(name: str) -> None:
    process = cf.OrnsteinUhlenbeck(cf.load_mixture(name))
    x = np.zeros((3, process.mixture.dimension)) + 0.1
    process.score(x, 0.5)
    files: set[str] = set()

    def note(frame, event, _):
        if event == "call" and str(PACKAGE) in frame.f_code.co_filename:
            files.add(Path(frame.f_code.co_filename).relative_to(PACKAGE).as_posix())

    sys.setprofile(note)
    process.score(x, 0.5)
    sys.setprofile(None)
    assert len(files) <= 8, sorted(files)


def test_only_tests_are_rewritten_by_pytest(pytestconfig: pytest.Config) -> None:
    """pytest rewrites assertions of files by their name, those of `zero_test.py` too, were `*_test.py` a pattern."""
    patterns = pytestconfig.getini("python_files")
    matched = {name for name, path in MODULES.items() if any(fnmatch(path.name, pattern) for pattern in patterns)}
    assert {name for name in matched if not name.startswith("certflow.testing.suite.")} == set()
    assert matched, "the suite is made of tests"
    assert pytestconfig.getini("testpaths") == ["tests"]
    files = (ROOT / "tests").rglob("*.py")
    tests = [path for path in files if re.search(r"^def test_", path.read_text(encoding="utf-8"), re.MULTILINE)]
    assert tests
    assert not [path for path in tests if not any(fnmatch(path.name, pattern) for pattern in patterns)]


def test_no_public_name_of_a_package_is_that_of_a_module_in_it() -> None:
    """Whoever imports the module would find it in the place of what the name stands for."""
    packages = [import_module(name) for name, path in MODULES.items() if path.name == "__init__.py"]
    taken = {
        f"{package.__name__}.{name}"
        for package in packages
        for name, home in getattr(package, "_HOMES", {}).items()
        if home and f"{package.__name__}.{name}" in MODULES
    }
    assert taken == set()
