"""Sweeps on a Dask cluster whose workers are killed while it runs: nothing is lost, nothing finished is done twice."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from counting import counted, traces
from depth import nightly

from certflow.errors import InputError
from certflow.sweep.running import Sweep, run

pytest.importorskip("distributed")

pytestmark = pytest.mark.filterwarnings("ignore")  # what Dask says of its own parts


class Killer:
    """Told of progress, it kills a worker whenever so many more tasks are done."""

    def __init__(self, cluster: Any, after: tuple[int, ...]):
        self.cluster, self.after = cluster, list(after)
        self.killed: list[int] = []

    def __call__(self, done: int, total: int, what: str) -> None:
        if self.after and done >= self.after[0]:
            self.after.pop(0)
            nannies = [nanny for nanny in self.cluster.workers.values() if nanny.pid and nanny.pid not in self.killed]
            self.killed.append(nannies[0].pid)
            os.kill(nannies[0].pid, signal.SIGKILL)


def on_cluster(folder: Path, workers: int, tasks: int, kills: tuple[int, ...], seconds: float) -> tuple[Sweep, Killer]:
    from distributed import LocalCluster

    options = {"n_workers": workers, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with LocalCluster(**options) as cluster:  # type: ignore[arg-type]
        killer = Killer(cluster, kills)
        spec = counted(folder, tasks, seconds=seconds)
        return run(spec, folder / "out", cluster=cluster.scheduler_address, progress=killer), killer


def check(folder: Path, found: Sweep, kills: int) -> None:
    """All there, and no call began after the result of its task was written."""
    assert [row["status"] for row in found.rows] == ["done"] * len(found.rows)
    began = traces(folder)
    assert len(began) == len(found.rows)
    for row in found.rows:
        written = (folder / "out" / "results" / f"{row['key']}.json").stat().st_mtime_ns
        assert all(moment < written for moment in began[row["mixture"].replace("/", "-")])
    again = sum(len(moments) - 1 for moments in began.values())
    assert again <= kills, "a worker that is killed loses the one task that it was at"
    assert run(found.specification, folder / "out", workers=1).computed == 0


def test_workers_are_killed(tmp_path: Path) -> None:
    found, killer = on_cluster(tmp_path, workers=2, tasks=14, kills=(3, 7), seconds=0.2)
    assert len(killer.killed) == 2
    assert found.exit_code == 0
    check(tmp_path, found, 2)
    assert not list((tmp_path / "out").glob(".*.shared"))


@nightly
def test_ten_workers_of_which_three_are_killed(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "here").mkdir()
    found, killer = on_cluster(tmp_path / "there", workers=10, tasks=80, kills=(10, 25, 40), seconds=0.5)
    assert len(killer.killed) == 3
    check(tmp_path / "there", found, 3)
    local = run(counted(tmp_path / "here", 80, seconds=0.0), tmp_path / "here" / "out", workers=2)
    told = ("mixture", "sigma", "separation", "status", "counted.diameter", "counted.variance")
    assert [[row[name] for name in told] for row in found.rows] == [[row[name] for name in told] for row in local.rows]


def test_no_cluster_at_the_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certflow.sweep.cluster.PATIENCE", 0.5)
    for address in ("tcp://127.0.0.1:9", "nowhere"):
        with pytest.raises(InputError, match=r"--cluster: got .* the address of a Dask scheduler"):
            run(counted(tmp_path, 1), tmp_path / "out", cluster=address)


def test_a_finished_task_is_not_done_again(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """What a worker runs, called twice: where it sees the directory, the second call finds the first one's result."""
    from certflow.sweep import cluster

    ((_, task),) = counted(tmp_path, 1).tasks()
    (tmp_path / "mark").touch()
    request.addfinalizer(lambda: cluster._HERE.__dict__.pop("performer").end())
    first = cluster.remote(task.mapping(), str(tmp_path), "mark")
    assert cluster.remote(task.mapping(), str(tmp_path), "mark") == first
    assert [len(starts) for starts in traces(tmp_path).values()] == [1]
    path = tmp_path / "results" / f"{task.key}.json"
    path.unlink()
    assert cluster.remote(task.mapping(), str(tmp_path), "no such mark")["figures"] == first["figures"]
    assert not path.exists(), "elsewhere it only tells the result"

    def told(**other: object) -> object:
        stale = task.mapping() | {"question": task.mapping()["question"] | other}
        return cluster.remote(stale, str(tmp_path), "mark")["other_code"]

    here = task.question.libraries
    assert told(code="another") == "a worker has another version of the code of counted"
    assert told(libraries={**here, "numpy": "0.1"}) == f"a worker has numpy {here['numpy']} in place of numpy 0.1"
    assert told(libraries={**here, "numbat": "1.0"}) == "a worker has no numbat in place of numbat 1.0"
    assert [len(starts) for starts in traces(tmp_path).values()] == [2]
