"""Tasks done by the workers of a Dask cluster, each in a child process of its own.

A worker may be killed at any time: Dask gives its task to another one. A task that was finished is not done again:
where the workers see the directory of the sweep, its result lies there before anybody is told of it, and who is asked
for it a second time finds it there.
"""

from __future__ import annotations

import atexit
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from certflow.atomic import write_text_atomic
from certflow.errors import InputError
from certflow.sweep.performer import OtherCode, Performer
from certflow.sweep.results import Result, Status
from certflow.sweep.tasks import Task

#: How the extra is installed that speaks to a cluster.
INSTALL = "pip install 'certflow[cluster]'"
#: Seconds to wait for the scheduler.
PATIENCE = 10
#: Tasks that wait at the scheduler for each thread of a worker.
AHEAD = 8

_HERE = threading.local()


def remote(task: dict[str, Any], folder: str, mark: str) -> dict[str, Any]:
    """What a worker runs: a task in the child process of this thread.

    folder, mark : the directory of the sweep; it is used where this machine sees the file `mark` in it
    """
    if not hasattr(_HERE, "performer"):
        _HERE.performer = Performer()
        atexit.register(_HERE.performer.end)
    shared = Path(folder) if (Path(folder) / mark).exists() else None
    try:
        return _HERE.performer.perform(Task.from_mapping(task), shared).mapping()  # type: ignore[no-any-return]
    except OtherCode as error:
        return {"other_code": str(error)}


def cluster_results(address: str, tasks: Sequence[Task], folder: Path) -> Iterator[tuple[Task, Result]]:
    """What comes of each task, as soon as it is done, by the workers of the cluster at this address.

    However the iteration ends, what was not begun is taken back.

    Raises
    ------
    InputError : no Dask, no cluster at the address, or workers with another version of the code or of a library.
    """
    client, as_completed, killed = _client(address)
    with client, _mark(folder) as mark:
        waiting = iter(tasks)
        asked: dict[str, Task] = {}

        def more(count: int) -> list[Any]:
            futures = []
            for task in islice(waiting, count):
                key = f"certflow-{task.key}-{mark}"
                asked[key] = task
                futures.append(client.submit(remote, task.mapping(), str(folder), mark, key=key, pure=False))
            return futures

        threads = sum(client.nthreads().values()) or 1
        going = as_completed(more(AHEAD * threads), loop=client.loop)
        try:
            for future in going:
                task = asked.pop(future.key)
                try:
                    answer = future.result()
                except killed as error:
                    yield task, Result(task.key, Status.CRASHED, "", f"its workers ended: {error}", limit=task.seconds)
                else:
                    if "other_code" in answer:
                        required = "a cluster whose workers have the same versions of all"
                        raise InputError("--cluster", address, f"{required} ({answer['other_code']})")
                    yield task, Result.from_mapping(answer)
                future.release()
                for each in more(1):
                    going.add(each)
        finally:
            client.cancel(list(going.futures))


def _client(address: str) -> tuple[Any, Any, Any]:
    try:
        from distributed import Client, as_completed
        from distributed.scheduler import KilledWorker
    except ModuleNotFoundError:
        raise InputError("--cluster", address, f"distributed, which is not installed: {INSTALL}") from None
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        told = " ".join(str(error).split()) or type(error).__name__
        raise InputError("--cluster", address, f"the address of a Dask scheduler: tcp://HOST:8786 ({told})") from None
    return client, as_completed, KilledWorker


@contextmanager
def _mark(folder: Path) -> Iterator[str]:
    """A file in the directory of the sweep, by which a worker knows that it sees the same one."""
    name = f".{secrets.token_hex(8)}.shared"
    path = write_text_atomic(folder / name, "")
    try:
        yield name
    finally:
        path.unlink(missing_ok=True)
