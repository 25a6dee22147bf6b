"""Runs of sweeps: each task once, whatever happens to processes; failures told apart; a second run does the rest."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from counting import counted, traces
from processes import gone

import certflow as cf
from certflow.errors import InputError
from certflow.sweep.code import libraries
from certflow.sweep.performer import Ended, Performer
from certflow.sweep.results import Result, Status, Store
from certflow.sweep.running import run
from certflow.sweep.specification import specification


def test_rows_have_parameters_and_figures(tmp_path: Path) -> None:
    spec = counted(tmp_path, 3)
    found = run(spec, tmp_path / "out", workers=1)
    assert (found.exit_code, found.computed) == (0, 3)
    assert [row["sigma"] for row in found.rows] == [0.1, 0.11, 0.12]
    assert [row["counted.variance"] for row in found.rows] == pytest.approx([0.01, 0.0121, 0.0144])
    assert all(row["separation"] == 2 and row["counted.diameter"] == pytest.approx(2, rel=1e-5) for row in found.rows)
    with open(tmp_path / "out" / "sweep.csv", newline="", encoding="utf-8") as stream:
        lines = list(csv.DictReader(stream))
    assert list(lines[0]) == list(found.columns)
    assert [float(line["counted.variance"]) for line in lines] == pytest.approx([0.01, 0.0121, 0.0144])


def test_parquet_is_the_same_table(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    found = run(counted(tmp_path, 2), tmp_path / "out", workers=1)
    table = parquet.read_table(tmp_path / "out" / "sweep.parquet")
    assert table.column_names == list(found.columns)
    for row, line in zip(found.rows, table.to_pylist(), strict=True):
        assert {name: line[name] for name in row} == row
    assert table.schema.field("separation").metadata == {b"meaning": b"largest distance of two means, D"}


def test_a_second_run_does_what_is_missing(tmp_path: Path) -> None:
    first = run(counted(tmp_path, 3), tmp_path / "out", workers=1)
    assert run(counted(tmp_path, 3), tmp_path / "out", workers=1).computed == 0
    heard: list[tuple[int, int, str]] = []
    more = run(counted(tmp_path, 5), tmp_path / "out", workers=1, progress=lambda *told: heard.append(told))
    assert more.computed == 2
    assert heard[0] == (0, 2, "3 kept of an earlier run"), "the time left is that of what is missing"
    assert [told[:2] for told in heard[1:]] == [(1, 2), (2, 2)]
    assert list(more.rows[:3]) == list(first.rows)
    broken = next((tmp_path / "out" / "results").iterdir())
    broken.write_text("{")
    assert run(counted(tmp_path, 5), tmp_path / "out", workers=1).computed == 1
    assert sorted(map(len, traces(tmp_path).values())) == [1, 1, 1, 1, 2]
    assert run(counted(tmp_path, 5), tmp_path / "out", workers=1, fresh=True).computed == 5


def test_other_options_and_other_code_are_other_tasks(tmp_path: Path) -> None:
    run(counted(tmp_path, 1), tmp_path / "out", workers=1)
    assert run(counted(tmp_path, 1, seconds=0.001), tmp_path / "out", workers=1).computed == 1
    (_, task), (_, other) = (next(counted(tmp_path, 1, seconds=s).tasks()) for s in (0.0, 0.5))
    assert task.key != other.key
    assert type(task).from_mapping(json.loads(json.dumps(task.mapping()))) == task


@pytest.fixture
def upgraded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Called with a version, NumPy is said to be installed in it, here and in children."""

    def upgrade(version: str) -> None:
        described = tmp_path / version / f"numpy-{version}.dist-info"
        described.mkdir(parents=True)
        (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: numpy\nVersion: {version}\n")
        monkeypatch.syspath_prepend(str(tmp_path / version))
        libraries.cache_clear()

    yield upgrade
    monkeypatch.undo()
    libraries.cache_clear()


def test_other_versions_of_libraries_are_other_tasks(tmp_path: Path, upgraded: Callable[[str], None]) -> None:
    """Rows of one table come from one environment; what another one found stays on disk, and counts again in it."""
    out = tmp_path / "out"
    first = run(counted(tmp_path, 2), out, workers=1)
    before = {path.name: path.read_bytes() for path in (out / "results").iterdir()}
    upgraded("9.9")
    assert run(counted(tmp_path, 2), out, workers=1).computed == 2
    assert run(counted(tmp_path, 3), out, workers=1).computed == 1
    files = {path.name: path.read_bytes() for path in (out / "results").iterdir()}
    assert before.items() <= files.items()
    told = [json.loads(content)["task"]["question"]["libraries"]["numpy"] for content in files.values()]
    assert sorted(told) == sorted([np.__version__] * 2 + ["9.9"] * 3)
    upgraded(np.__version__)
    again = run(counted(tmp_path, 2), out, workers=1, retry=True)
    assert (again.computed, again.rows) == (0, first.rows)


def test_a_directory_of_another_sweep_is_refused(tmp_path: Path) -> None:
    run(counted(tmp_path, 1), tmp_path / "out", workers=1)
    before = (tmp_path / "out" / "sweep.csv").read_bytes()
    other = replace(counted(tmp_path, 2), name="other")
    with pytest.raises(InputError, match=r"which holds the sweep .*; required: a directory for 'other', or --fresh"):
        run(other, tmp_path / "out", workers=1)
    assert (tmp_path / "out" / "sweep.csv").read_bytes() == before
    assert run(other, tmp_path / "out", workers=1, fresh=True).computed == 2


def test_mistakes_and_refusals_are_told_apart(tmp_path: Path) -> None:
    found = run(counted(tmp_path, 1, fail=True), tmp_path / "out", workers=1)
    (row,) = found.rows
    assert (row["status"], row["reason"], found.exit_code) == ("error", "RuntimeError: a mistake", 3)
    text = 'schema = "certflow/sweep/1"\n[[mixtures]]\nmixture = ["two-variances", "two-modes"]\n'
    spec = specification(text + '[[experiments]]\nname = "exponents"\n[[claims]]\nids = ["L2"]\n')
    found = run(spec, tmp_path / "refused", workers=1)
    told = {(row["mixture"], row["task"]): row for row in found.rows}
    assert told["two-variances", "exponents"]["status"] == "refused"
    assert "common-isotropic" in told["two-variances", "exponents"]["reason"]
    assert told["two-variances", "L2"]["status"] == "refused", "not applicable: L7 is the statement for it"
    assert told["two-modes", "exponents"]["outcome"] == "measured"
    assert told["two-modes", "L2"]["outcome"] == "holds"
    assert found.exit_code == 0


def test_a_task_over_its_limit_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certflow.sweep.performer.GRACE", 0.0)
    found = run(counted(tmp_path, 1, seconds=60, limit=0.5), tmp_path / "out", workers=1)
    (row,) = found.rows
    assert (row["status"], found.exit_code) == ("out of budget", 3)
    assert run(counted(tmp_path, 1, seconds=60, limit=0.5), tmp_path / "out", workers=1).computed == 0
    assert run(counted(tmp_path, 1, seconds=60, limit=0.6), tmp_path / "out", workers=1).computed == 1, "more time"


def test_a_process_that_dies_once_is_replaced_and_twice_is_a_crash(tmp_path: Path) -> None:
    found = run(counted(tmp_path, 2, die=1), tmp_path / "out", workers=2)
    assert [row["status"] for row in found.rows] == ["done", "done"]
    assert [len(starts) for starts in traces(tmp_path).values()] == [2, 2]
    other = tmp_path / "other"
    other.mkdir()
    found = run(counted(other, 1, die=9), other / "out", workers=1)
    (row,) = found.rows
    assert (row["status"], found.exit_code) == ("crashed", 3)
    assert "signal SIGKILL" in row["reason"]
    assert run(counted(other, 1, die=9), other / "out", workers=1).computed == 0, "kept"
    assert run(counted(other, 1, die=9), other / "out", workers=1, retry=True).computed == 1


def test_a_violation_is_the_verdict(tmp_path: Path) -> None:
    spec = counted(tmp_path, 2)
    tasks = [task for _, task in spec.tasks()]
    store = Store(tmp_path / "out")
    store.save(tasks[0], Result(tasks[0].key, Status.DONE, "violated", "because", {}))
    found = run(spec, tmp_path / "out", workers=1)
    assert (found.exit_code, found.computed) == (1, 1)
    store.save(tasks[0], Result(tasks[0].key, Status.DONE, "inconclusive", "", {}))
    assert run(spec, tmp_path / "out", workers=1).exit_code == 3


def test_a_law_asked_for_twice_is_computed_once(tmp_path: Path) -> None:
    spec = specification(
        'schema = "certflow/sweep/1"\n[[mixtures]]\nmixture = "two-modes"\n[[mixtures]]\nmixture = "two-modes"\n'
        '[[claims]]\nids = ["L3"]\n'
    )
    found = run(spec, tmp_path / "out", workers=1)
    assert (len(found.rows), found.computed) == (2, 1)
    assert found.rows[0]["claim.weakest"] == "sampled"


def test_an_interruption_loses_nothing(tmp_path: Path) -> None:
    """SIGINT to the real command: what was finished is on disk, no process is left, the same command goes on."""
    spec = counted(tmp_path, 12, seconds=0.4)
    (tmp_path / "spec.toml").write_text(spec.text, encoding="utf-8")
    out = tmp_path / "out"
    words = [
        sys.executable,
        "-m",
        "certflow",
        "sweep",
        str(tmp_path / "spec.toml"),
        "--out",
        str(out),
        "--workers",
        "2",
    ]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background a shell has it ignored
    try:
        running = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    deadline = time.monotonic() + 120
    while len(list((out / "results").glob("*.json"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130
    assert f"what was finished is kept in {out}" in told
    kept = {path.stem: path.read_bytes() for path in (out / "results").glob("*.json")}
    assert 3 <= len(kept) < 12
    assert all(json.loads(content)["result"]["status"] == "done" for content in kept.values())
    found = run(spec, out, workers=2)
    assert (found.exit_code, found.computed) == (0, 12 - len(kept))
    assert all((out / "results" / f"{key}.json").read_bytes() == content for key, content in kept.items())
    finished = {row["mixture"].replace("/", "-") for row in found.rows if row["key"] in kept}
    assert all(len(traces(tmp_path)[name]) == 1 for name in finished), "nothing that was finished was done again"


def test_a_child_ends_with_who_asked(tmp_path: Path) -> None:
    """A parent that is killed leaves no process behind."""
    program = (
        "import os, sys, threading\nfrom certflow.sweep.performer import Performer\n"
        "p = Performer()\nchild = p._started()\nprint(child.pid, flush=True)\nsys.stdin.read()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    for stream in (parent.stdin, parent.stdout):
        stream.close()  # type: ignore[union-attr]
    assert gone(child)


def test_an_interruption_does_not_wait_for_a_child_that_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child's imports never come to their end: `end` ends it in the middle of them."""
    begun = tmp_path / "begun"
    program = f"import os, pathlib, sys; pathlib.Path({str(begun)!r}).write_text(str(os.getpid())); sys.stdin.read()"
    monkeypatch.setattr("certflow.sweep.performer._PROGRAM", program)
    ((_, task),) = counted(tmp_path, 1).tasks()
    performer, came = Performer(), list[str]()

    def work() -> None:
        try:
            performer.perform(task, None)
        except Ended:
            came.append("ended")

    asking, ending = (threading.Thread(target=job, daemon=True) for job in (work, performer.end))
    asking.start()
    while not (begun.exists() and begun.read_text()):
        time.sleep(0.01)
    ending.start()
    ending.join(60)
    waited = ending.is_alive()
    if waited:  # nobody else would end the child
        os.kill(int(begun.read_text()), signal.SIGKILL)
    asking.join(60)
    assert not waited
    assert came == ["ended"]
    assert gone(int(begun.read_text()))


def test_nothing_starts_after_the_end(tmp_path: Path) -> None:
    ((_, task),) = counted(tmp_path, 1).tasks()
    performer = Performer()
    performer.end()
    with pytest.raises(Ended):
        performer.perform(task, None)
    assert not traces(tmp_path)


def test_bad_arguments(tmp_path: Path) -> None:
    spec = counted(tmp_path, 1)
    for words, told in (({"workers": 0}, "workers"), ({"workers": 1, "cluster": "tcp://x:1"}, "not both")):
        with pytest.raises(InputError, match=told):
            run(spec, tmp_path / "out", **words)
    assert cf.sweep.run is run
    assert os.listdir(tmp_path / "traces") == []
