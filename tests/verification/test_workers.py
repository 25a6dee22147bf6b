"""Checks in several processes: the same results, whatever becomes of the others, and only from the same code."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from depth import night, nightly

import certflow as cf
from certflow.claims.check import Check, Context, Finding
from certflow.claims.fingerprint import LoadedCode
from certflow.claims.model import Evidence, Kind, Outcome
from certflow.claims.registry import CHECKS
from certflow.report.curves import curves
from certflow.report.plots import figure_named
from certflow.verification import overall, workers
from certflow.verification.drawings import Drawing
from certflow.verification.worker import _portable
from certflow.verification.workers import Crew

#: Checks that take a moment each, enough of them for a worker.
CHEAP = [
    check for check in CHECKS if check.kind is Kind.HIGH_PRECISION and check.claim in ("S1", "S2", "S3", "S4", "L1")
]
CHEAP += [
    check for check in CHECKS if check.name in ("L2.bound", "L3.contraction", "L3.growth", "L4.attained", "G3.nodes")
]


def context() -> Context:
    return Context(cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "3"), digits=20)


def outcomes(within, jobs, before=lambda task: None, code=None, tasks=CHEAP):
    with Crew(within, code or LoadedCode()) as crew:
        crew.enlist(len(CHEAP), jobs)
        yield from crew.outcomes(tasks, before)


def collected(jobs: int, before=lambda task: None, within: Context | None = None):
    """The evidence by check, and the checks that a worker answered."""
    came = list(outcomes(within or context(), jobs, before))
    assert sorted(check.name for check, _, _ in came) == sorted(check.name for check in CHEAP)
    assert all(isinstance(found, Evidence) for _, found, _ in came)
    told = {check.name: found.model_dump(exclude={"seconds", "checking_seconds"}) for check, found, _ in came}
    return told, {check.name for check, _, code in came if code is not None}


def test_two_processes_find_what_one_finds():
    """In a process of its own: what other tests did to modules in memory would make a worker's code another one."""
    assert len(CHEAP) >= workers._CHECKS_FOR_A_WORKER
    folders = [str(folder) for folder in Path(__file__).parents[:2]]
    code = f"import sys; sys.path[:0] = {folders!r}; import test_workers; test_workers.compare()"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert (ended.returncode, ended.stdout) == (0, "alike\n"), ended.stderr


def compare():
    alone, none = collected(1)
    together, elsewhere = collected(2)
    assert none == set()
    assert elsewhere != set()
    assert together == alone
    print("alike")


def test_few_checks_start_no_worker(monkeypatch):
    monkeypatch.setattr(workers, "_Worker", lambda *a: pytest.fail("a worker was started"))
    assert cf.verify(cf.load_mixture("two-modes"), ["S2"], digits=20, jobs=2).outcome is Outcome.HOLDS


def test_a_formula_that_was_replaced_in_memory_is_unknown_to_a_worker(monkeypatch):
    """The bound of another law is under test; a worker, which loads the true one, would say that all is well."""
    true = cf.OrnsteinUhlenbeck.lipschitz_bound
    monkeypatch.setattr(cf.OrnsteinUhlenbeck, "lipschitz_bound", lambda self, t: true(self, t) / 2)
    told, elsewhere = collected(2)
    assert elsewhere == set()
    assert told["L2.bound"]["outcome"] is Outcome.VIOLATED


def test_a_formula_that_is_replaced_during_the_run_makes_what_workers_found_count_no_more(monkeypatch):
    true = cf.OrnsteinUhlenbeck.lipschitz_bound
    code = LoadedCode()

    def before(check):
        monkeypatch.setattr(cf.OrnsteinUhlenbeck, "lipschitz_bound", lambda self, t: true(self, t) / 2)
        code.__init__()

    came = list(outcomes(context(), 2, before, code))
    assert [check.name for check, _, found in came if found is not None] == []
    assert len(came) == len(CHEAP)


def test_a_class_of_ones_own_stays_in_its_process(monkeypatch):
    class Own(cf.OrnsteinUhlenbeck):
        pass

    monkeypatch.setattr(workers, "_Worker", lambda *a: pytest.fail("a worker was started"))
    process = Own(cf.load_mixture("two-modes"), "0.01", "3")
    _, elsewhere = collected(2, within=Context(process, digits=20))
    assert elsewhere == set()


@pytest.mark.parametrize(
    "program", ["pass", *night("import sys; sys.stdin.buffer.read(1)", "import time; print('no pickle')")]
)
def test_a_worker_that_ends_at_once_costs_nothing(program, monkeypatch):
    monkeypatch.setattr(workers, "_PROGRAM", program)
    told, elsewhere = collected(3)
    assert elsewhere == set()
    assert overall(found["outcome"] for found in told.values()) is Outcome.HOLDS


def test_a_worker_that_is_killed_leaves_its_check_to_the_others(monkeypatch):
    started = []
    start = workers._Worker
    monkeypatch.setattr(workers, "_Worker", lambda *a: started.append(start(*a)) or started[-1])

    def before(check):
        started[0].process.kill()

    told, _ = collected(2, before)
    assert len(told) == len(CHEAP)
    assert all(worker.process.returncode is not None for worker in started)


@pytest.mark.parametrize("jobs", [2, *night(1)])
def test_a_figure_is_the_same_wherever_it_is_drawn(jobs):
    process = context().process
    drawings = [Drawing(name, curves(process, 20)) for name in ("stability", "rates")]
    figures = figures_of(process, 20)
    with Crew(context(), LoadedCode()) as crew:
        crew.enlist(len(CHEAP), jobs)
        assert crew.alone is (jobs == 1)
        came = {task.name: svg for task, svg, _ in crew.outcomes([drawings[0], *CHEAP], lambda task: None)}
        assert came["stability"] == figures["stability"]
        take = crew.elsewhere(drawings[1])
        assert take() == figures["rates"]


@nightly  # every day a check whose worker is gone is made here
def test_a_figure_whose_worker_is_gone_is_drawn_here():
    process = context().process
    with Crew(context(), LoadedCode()) as crew:
        crew.enlist(len(CHEAP), 2)
        crew._workers[0].process.kill()
        assert crew.elsewhere(Drawing("rates", curves(process, 20)))() == figures_of(process, 20)["rates"]


def figures_of(process, count):
    return {name: figure_named(name, curves(process, count), process, 0) for name in ("rates", "stability")}


@pytest.mark.parametrize("more", [[], *night(["L1", "L3", "L4", "L5"])])
def test_reports_of_one_and_of_two_processes_are_alike(tmp_path, more):
    law, claims = cf.load_mixture("two-modes"), ["S1", "S2", "S4", "L2", *more]
    for jobs in (1, 2):
        cf.verify(law, claims, digits=20, out=tmp_path / str(jobs), jobs=jobs)
    names = sorted(path.relative_to(tmp_path / "1") for path in (tmp_path / "1").rglob("figures/*.svg"))
    assert [name.stem for name in names] == ["amplification", "density-flow", "graph", "rates", "stability"]
    certificates = (path.relative_to(tmp_path / "1") for path in (tmp_path / "1").glob("certificates/*.json"))
    for name in [*names, *certificates]:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_a_mistake_crosses_to_the_other_process_with_its_place():
    class Odd(Exception):  # what is defined in a function cannot be sent
        pass

    for error, kept in ((ZeroDivisionError("here"), ZeroDivisionError), (Odd("there"), RuntimeError)):
        try:
            raise error
        except Exception as caught:
            sent = pickle.loads(pickle.dumps(_portable(caught)))
        assert type(sent) is kept
        assert str(error) in str(sent)
        assert "test_workers.py" in sent.__notes__[0]


@pytest.mark.parametrize("jobs", [0, 65, True, 1.5, "2", None])
def test_bad_numbers_of_processes(jobs):
    with pytest.raises(cf.InputError, match="jobs"):
        cf.verify(cf.load_mixture("two-modes"), ["S2"], jobs=jobs)


def test_an_interruption_that_a_task_swallows_ends_the_run():
    def swallow(context: Context, name: str) -> Finding:
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        return Finding(Outcome.HOLDS, "swallowed", "this mixture")

    begun: list[str] = []
    tasks = [Check(f"S1.{letter}", Kind.SAMPLED, swallow) for letter in "ab"]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            list(outcomes(context(), 1, lambda task: begun.append(task.name), tasks=tasks))
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert begun == ["S1.a"]


def ended(process: str) -> bool:
    """Is the process gone, or soon?"""
    for _ in range(600):
        if not Path("/proc", process).exists():
            return True
        time.sleep(0.1)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("sign", [signal.SIGTERM, *night(signal.SIGINT, signal.SIGKILL)])
def test_an_interrupted_run_leaves_its_evidence_and_no_process(tmp_path: Path, sign: int):
    out = tmp_path / "out"
    words = [sys.executable, "-m", "certflow", "verify", "two-modes", "--jobs", "2", "--out", str(out)]
    running = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not list(out.glob(".certflow/*.json")):
        assert running.poll() is None, running.communicate()
        time.sleep(0.05)
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    assert len(children) == 1
    os.killpg(running.pid, sign)
    printed, complaint = running.communicate(timeout=300)
    assert printed == ""
    assert "Traceback" not in complaint
    if sign == signal.SIGINT:
        assert running.returncode in (130, -sign)  # Python dies of the signal where it came within `exec` of a text
        assert len(complaint.splitlines()) == 1
        assert "interrupted" in complaint
    assert ended(children[0])
