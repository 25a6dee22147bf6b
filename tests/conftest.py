"""What every test starts from: fixed Hypothesis examples and untouched precision contexts."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path

# One thread for each worker: together they have as many as there are cores. Before numpy and torch are imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Texts are as wide as where nobody says how wide they are: workers of pytest-xdist are told a width.
os.environ.pop("COLUMNS", None)

# Processes of tests load compiled modules, as those of a user do: where nothing is written, each compiles the package.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Kernels are compiled once for each state of their sources, in a folder of the checkout.
os.environ["NUMBA_CACHE_DIR"] = str(Path(__file__).parents[1] / ".pytest_cache" / "kernels")

# Proofs are kept in a folder of this session, shared by its workers, never in the user's own.
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["CERTFLOW_CACHE"] = tempfile.mkdtemp(prefix="certflow-tests-")
    atexit.register(shutil.rmtree, os.environ["CERTFLOW_CACHE"], ignore_errors=True)

import pytest
from hypothesis import HealthCheck, settings

# A slow machine must not turn a pass into a failure, hence no deadline; and a failure must come back.
_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile(
    "ci",
    derandomize=True,
    max_examples=60,
    deadline=None,
    print_blob=True,
    database=None,
    suppress_health_check=_QUIET,
)
settings.register_profile("nightly", max_examples=1500, deadline=None, print_blob=True, suppress_health_check=_QUIET)
settings.load_profile(os.environ.get("CERTFLOW_PROFILE", "ci"))

DEFAULT_DPS, DEFAULT_PREC = 15, 53
#: What comes with the extras, where torch is not installed (`.ci/lowest`), whatever a test does to imports.
LACKING = frozenset() if find_spec("torch") else frozenset({"torch", "diffusers", "k_diffusion", "numba"})


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Where torch is not installed, a test that comes to need an extra is skipped, also where an error says so."""
    try:
        return (yield)
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None and not (isinstance(cause, ModuleNotFoundError) and cause.name in LACKING):
            cause = cause.__cause__ or cause.__context__
        if cause is None:
            raise
        pytest.skip(str(cause))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """All tests of a file in one worker: what they share (maps that are trained, certificates) is made once."""
    from xdist.scheduler import LoadFileScheduling

    return LoadFileScheduling(config, log)


@pytest.fixture(autouse=True)
def reset_precision() -> Iterator[None]:
    """mpmath and Arb keep their precision in global contexts: no test may leak it into another."""
    import flint
    import mpmath

    mpmath.mp.dps, flint.ctx.prec = DEFAULT_DPS, DEFAULT_PREC
    yield
    mpmath.mp.dps, flint.ctx.prec = DEFAULT_DPS, DEFAULT_PREC


@pytest.fixture
def still_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time passes: a search is ended by what it may count, on a slow machine as on a fast one."""
    monkeypatch.setattr(time, "perf_counter", lambda: 0.0)


@pytest.fixture
def ticking_clock(monkeypatch: pytest.MonkeyPatch) -> count[int]:
    """Every look at the clock takes a second: a search that may last so many seconds takes so many steps."""
    ticks = count()
    monkeypatch.setattr(time, "perf_counter", ticks.__next__)
    return ticks


@dataclass(frozen=True)
class Ended:
    """What one command line left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """The real command line, in this process: `command("bound", "iris")`."""
    from certflow.cli import main

    def run(*arguments: object) -> Ended:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return run


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What each check said of each deliberately wrong formula, and the checker of corrupted certificates."""
    titles = {
        "kill": "kill table: check | evidence | wrong formula | mixture | said of it",
        "mutation": "mutations: claim | changed | files | refused | accepted and true | accepted and false",
    }
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])]
    for name, title in titles.items():
        rows = sorted(
            value for report in reports for key, value in getattr(report, "user_properties", []) if key == name
        )
        if rows:
            terminalreporter.section(title)
            for row in rows:
                terminalreporter.write_line(row)
