"""The pytest plugin: fixtures, a marker and options to hold code and mixtures against the theory in one's own CI.

::

    @pytest.mark.claim("L2", "F1")
    def test_my_mixture(certify):
        assert certify("my-mixture.json")

Whoever installs the package loads this module in every run of pytest, so that it imports nothing heavy; NumPy and the
rest come with the first test that uses them. What tests find is attached to their reports, which pytest-xdist carries
to the controller, and told at the end: on the terminal by claim and by check, with `--certflow-report=DIR` in files.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import certflow
from certflow.errors import InputError
from certflow.testing.hearing import listening
from certflow.testing.options import (
    SUITE,
    check_options,
    claims_allowed,
    mixture_loaded,
    mixture_sources,
    profile_of,
    seed_of,
)

if TYPE_CHECKING:
    from certflow.testing.gathered import Gathered

#: Of an item: what its checks have found and no report has told yet.
_FOUND = pytest.StashKey[list[dict[str, Any]]]()


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """The options `--certflow-...`."""
    _leave_unrewritten(pluginmanager)
    group = parser.getgroup("certflow", "checks against exact Gaussian mixtures (certflow)")
    for name, metavar, told in (
        ("profile", "quick|full", "how much evidence is collected (default: quick)"),
        ("seed", "N", f"of what {SUITE} and `certify` draw (default: 0)"),
        ("claims", "L2,F1,...", "only these claims: those of `certify`, and tests that are marked with them"),
        ("report", "DIR", "write results.json, junit.xml and summary.md here"),
        ("score", "MODULE:NAME", f"the score function that {SUITE} checks"),
        ("predicts", "WORD", "what it predicts, as `cf.Model` has it (default: score)"),
        ("schedule", "NAME[:KEY=VALUE]", "its noise schedule, of `cf.schedules` (default: Ornstein-Uhlenbeck time)"),
    ):
        group.addoption(f"--certflow-{name}", metavar=metavar, help=told)
    group.addoption(
        "--certflow-mixture",
        metavar="FILE|NAME",
        action="append",
        help=f"a mixture of the fixture `mixture` and of {SUITE}; may be repeated (default: all built-in ones)",
    )
    group.addoption(
        "--certflow-allow-inconclusive",
        action="store_true",
        help="a report of `certify` that is inconclusive is no failure",
    )


def _leave_unrewritten(pluginmanager: pytest.PytestPluginManager) -> None:
    """Take the package off pytest's list of modules whose assertions are rewritten.

    pytest puts the whole package of a plugin there. To rewrite some 300 modules takes seconds, and kept derivations are
    served to the code that they prove, of which the rewritten one is another.
    """
    hook = getattr(pluginmanager, "rewrite_hook", None)
    getattr(hook, "_must_rewrite", set()).discard("certflow")
    getattr(hook, "_marked_for_rewrite_cache", {}).clear()


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers and the fixture `mixture`; refuse bad options in one line."""
    config.addinivalue_line("markers", "claim(*ids): the test is about these claims of certflow, such as 'L2'")
    config.addinivalue_line("markers", "certflow: the test uses certflow (set by itself)")
    if not hasattr(config, "workerinput"):  # which workers of pytest-xdist have
        config.pluginmanager.register(_Controller(config), "certflow-controller")
    try:
        config.pluginmanager.register(_mixtures(mixture_sources(config)), "certflow-mixtures")
        check_options(config)
    except InputError as error:
        raise pytest.UsageError(str(error)) from None


def _mixtures(sources: tuple[str, ...]) -> object:
    """A plugin with the fixture `mixture`, whose parameters are known when options are."""

    class Mixtures:
        @pytest.fixture(params=sources, ids=[Path(source).stem for source in sources])
        def mixture(self, request: pytest.FixtureRequest) -> Any:
            """A mixture: each built-in one, or each of `--certflow-mixture`."""
            return mixture_loaded(request.param)

    return Mixtures()


@pytest.fixture
def certify(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """`certify(mixture, claims=None, profile=None, **options)`: `cf.verify` of it; the report is collected.

    `mixture` is a mixture, a process, a built-in name or a file. Without `claims` they are those of the test's marker
    `claim`, then all; `--certflow-claims` leaves out others. The report is true where it holds, so `assert` it.
    """
    config = request.config
    marked = [claim for mark in request.node.iter_markers("claim") for claim in mark.args]

    def run(subject: Any, claims: Any = None, profile: str | None = None, **options: Any) -> Any:
        asked = [claims] if isinstance(claims, str) else claims
        wanted = claims_allowed(config, list(asked or marked) or None)
        if wanted == []:
            pytest.skip("--certflow-claims names none of its claims")
        known = mixture_loaded(os.fspath(subject)) if isinstance(subject, str | os.PathLike) else subject
        options.setdefault("seed", seed_of(config))
        report = certflow.verify(known, wanted, profile or profile_of(config), **options)
        from certflow.testing.gathered import of_report

        request.node.stash.setdefault(_FOUND, []).append(of_report(report))
        return report.allowing_inconclusive() if config.getoption("--certflow-allow-inconclusive") else report

    return run


def pytest_report_header(config: pytest.Config) -> str | None:
    """One line on what options say; none where there are none."""
    names = ("mixture", "claims", "profile", "seed", "score", "predicts", "schedule", "report", "allow-inconclusive")
    given = {name: config.getoption(f"--certflow-{name}") for name in names}
    told = {name: ", ".join(value) if isinstance(value, list) else value for name, value in given.items() if value}
    if not told:
        return None
    words = [name.replace("-", " ") if value is True else f"{name} {value}" for name, value in told.items()]
    return f"certflow {certflow.__version__}: {'; '.join(words)}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests that use certflow, and leave out those of other claims than `--certflow-claims`."""
    left: list[pytest.Item] = []
    out: list[pytest.Item] = []
    for item in items:
        fixtures, case = getattr(item, "fixturenames", ()), _case(item)
        claims = [claim for mark in item.iter_markers("claim") for claim in mark.args]
        if claims or case is not None or "certify" in fixtures:
            item.add_marker(pytest.mark.certflow)
        (out if claims and claims_allowed(config, claims) == [] else left).append(item)
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = left


def _case(item: pytest.Item) -> Any:
    """The case of `parametrize_with_checks` that an item runs; its class is looked for only where it was loaded."""
    module = sys.modules.get("certflow.testing.parametrize")
    found = getattr(getattr(item, "callspec", None), "params", {}).get("check")
    return found if module is not None and isinstance(found, module.Case) else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """While a test runs, hear what its checks find."""
    found = item.stash[_FOUND] = []
    with listening(lambda result, about: found.append({"kind": "check", **about, **result.to_mapping()})):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach to a report what its test found: pytest-xdist carries it to the controller."""
    report = yield
    claims = [claim for mark in item.iter_markers("claim") for claim in mark.args]
    found = item.stash.get(_FOUND, [])
    ours = item.get_closest_marker("certflow") is not None
    if found or (ours and (report.when == "call" or not report.passed)):
        report.certflow = {"claims": claims, "found": [*found]}  # type: ignore[attr-defined]
        found.clear()
    return report


def _gathered() -> Gathered:
    """What was found: nothing yet. A run that uses nothing of certflow does not load it."""
    from certflow.testing.gathered import Gathered

    return Gathered()


class _Controller:
    """What is done once in a session, by the process that the user started: gather, tell, write."""

    def __init__(self, config: pytest.Config):
        self.config, self.used = config, False
        self.gathered = functools.cache(_gathered)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gather what came with a report."""
        told = getattr(report, "certflow", None)
        if told is not None:
            self.used = True
            self.gathered().add(report, told)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """What was found, by claim and by check."""
        lines = self.gathered().lines() if self.used else []
        if lines:
            terminalreporter.section("certflow")
            for line in lines:
                terminalreporter.write_line(line)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None, object, object]:
        """Counts go into pytest's own JUnit file before it is written; last, the files of `--certflow-report`."""
        if self.used:
            for plugin in self.config.pluginmanager.get_plugins():
                if hasattr(plugin, "add_global_property"):  # that of --junitxml
                    for name, value in self.gathered().properties().items():
                        plugin.add_global_property(name, value)
        result = yield
        folder = self.config.getoption("--certflow-report")
        if folder is not None:
            from certflow.testing.files import write_files

            try:
                write_files(self.gathered(), self.config.invocation_params.dir / folder)
            except OSError as error:
                required = "a directory that can be written"
                pytest.exit(f"--certflow-report: got {folder!r} ({error.strerror}); required: {required}", returncode=4)
        return result
