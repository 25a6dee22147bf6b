"""Runs tests against a mutated copy of the tree, each mutant in a process of its own.

A process that has imported what certflow stands on forks for each mutant, so that only certflow and the tests are
loaded again. The quickest tests run first, and the run stops at the first failure.
"""

from __future__ import annotations

import compileall
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mutation.selection import ROOT, Mutant

#: Below the standard library; certflow itself is loaded by each process.
_BELOW = (
    "flint hypothesis hypothesis.strategies hypothesis.extra.numpy matplotlib mpmath numpy pydantic pytest "
    "scipy.integrate scipy.interpolate scipy.optimize scipy.special scipy.stats sklearn.mixture sympy threadpoolctl "
    "torch typer"
)


@contextmanager
def copied_tree() -> Iterator[Path]:
    """A copy of the package and its tests, compiled; a changed module has another age and is compiled again."""
    with tempfile.TemporaryDirectory(prefix="certflow-mutants-") as folder:
        tree = Path(folder) / "tree"
        left_out = shutil.ignore_patterns(".git", ".venv", "*.egg-info", "__pycache__", "reports", "results")
        shutil.copytree(ROOT, tree, ignore=left_out)
        for folder in ("certflow", "tests"):
            compileall.compile_dir(tree / folder, quiet=2)
        yield tree


def preload() -> None:
    """Imports what is below certflow, once for all mutants."""
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ |= {
        "HYPOTHESIS_NO_PLUGINS": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }  # those of an installed certflow
    sys.dont_write_bytecode = True
    for name in _BELOW.split():
        __import__(name)


def timed(tree: Path, tests: tuple[str, ...], seconds: float) -> dict[str, float]:
    """CPU seconds of each test on the unchanged tree, as many as run in the seconds given; all must pass."""
    found = _in_a_process(lambda: _run(tree, tests, _Clock(seconds)), cpu_seconds=20 * seconds)
    if found is None or found["code"]:
        raise RuntimeError(f"the tests fail on the unchanged tree: {found}")
    return dict(found["seconds"])


def killer(
    tree: Path, mutant: Mutant, tests: tuple[str, ...], known: dict[str, float] | None, cpu_seconds: float
) -> str | None:
    """The first test that fails on the mutant, "the time limit" or "loading"; None where all pass.

    known : which tests are run, those of the smallest number first; None: all tests of the files, as they stand there
    cpu_seconds : after which the run is ended: a mutant that does not come back is killed
    """
    place = tree / "certflow" / mutant.module
    source = place.read_text(encoding="utf-8")
    place.write_text(mutant.change.applied(source), encoding="utf-8")
    try:
        reports = _Reports() if known is None else _Order(known)
        files = tests if known is None else tuple(sorted({name.partition("::")[0] for name in known}))
        found = _in_a_process(lambda: _run(tree, files, reports), cpu_seconds)
    finally:
        place.write_text(source, encoding="utf-8")
    if found is None:
        return "the time limit"
    if found["failed"] or found["code"] == 0:
        return found["failed"]
    timed(tree, tests, 0.0)  # raises where the unchanged tree does not load either
    return "loading"


class _Reports:
    """Keeps which test failed first."""

    def __init__(self) -> None:
        self.failed: str | None = None
        self.seconds: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and self.failed is None:
            self.failed = report.nodeid


class _Clock(_Reports):
    """Times every test, and leaves out those that are reached too late."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.left = seconds

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """The first of every file, then the second of every file: some of each are reached."""
        met: Counter[Any] = Counter()
        places = {}
        for item in items:
            places[item] = met[item.path]
            met[item.path] += 1
        items.sort(key=places.__getitem__)

    def pytest_runtest_protocol(self, item: Any, nextitem: Any) -> Any:
        from _pytest.runner import runtestprotocol

        if self.left < 0:
            return True
        before = _cpu()
        runtestprotocol(item, nextitem=nextitem, log=True)
        self.seconds[item.nodeid] = _cpu() - before
        self.left -= self.seconds[item.nodeid]
        return True


class _Order(_Reports):
    """Runs the tests whose time is known, the quickest first."""

    def __init__(self, known: dict[str, float]) -> None:
        super().__init__()
        self.known = known

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = sorted((each for each in items if each.nodeid in self.known), key=lambda e: self.known[e.nodeid])


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _run(tree: Path, tests: tuple[str, ...], reports: _Reports) -> dict[str, Any]:
    import pytest

    os.chdir(tree)
    sys.path.insert(0, str(tree))
    plugins = ["-p", "no:cacheprovider", "-p", "pytest_timeout", "-p", "_hypothesis_pytestplugin"]
    code = pytest.main(["-x", "-q", "--assert=plain", *plugins, *tests], plugins=[reports])
    return {"code": int(code), "failed": reports.failed, "seconds": reports.seconds}


def _in_a_process(work: Callable[[], dict[str, Any]], cpu_seconds: float) -> dict[str, Any] | None:
    """What the work returns in a fork of this process; None where it is ended by its limit of CPU time."""
    with tempfile.TemporaryDirectory(prefix="certflow-mutant-") as folder:
        answer = Path(folder) / "answer.json"
        child = os.fork()
        if child == 0:
            try:
                os.environ["TMPDIR"] = tempfile.tempdir = folder
                quiet = os.open(os.devnull, os.O_WRONLY)
                os.dup2(quiet, 1)
                os.dup2(quiet, 2)
                limit = int(_cpu() + cpu_seconds) + 1
                resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 10))
                signal.signal(signal.SIGXCPU, signal.SIG_DFL)
                answer.write_text(json.dumps(work()))
                os._exit(0)
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            return None
        return json.loads(answer.read_text()) if answer.exists() else {"code": 3, "failed": None, "seconds": {}}
