"""Tasks done by processes of this machine."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from certflow.errors import InputError
from certflow.sweep.performer import Ended, OtherCode, Performer
from certflow.sweep.results import Result
from certflow.sweep.tasks import Task

Answer = tuple[Task, Result]


def local_results(tasks: Sequence[Task], folder: Path, workers: int) -> Iterator[Answer]:
    """What comes of each task, as soon as it is done, by so many processes; results are written below `folder`.

    However the iteration ends, the processes end with it.
    """
    waiting = deque(tasks)
    answers: queue.SimpleQueue[Answer | BaseException] = queue.SimpleQueue()
    performers = [Performer() for _ in range(min(workers, len(tasks)))]

    def work(performer: Performer) -> None:
        try:
            while (task := _next(waiting)) is not None:
                answers.put((task, performer.perform(task, folder)))
        except Ended:
            pass
        except BaseException as error:
            answers.put(error)
        finally:
            performer.end()

    threads = [threading.Thread(target=work, args=(performer,), daemon=True) for performer in performers]
    for thread in threads:
        thread.start()
    try:
        for _ in tasks:
            answer = answers.get()
            if isinstance(answer, OtherCode):
                raise InputError("certflow", str(answer), "the same code and libraries as long as it runs")
            if isinstance(answer, BaseException):
                raise answer
            yield answer
    finally:
        waiting.clear()
        for performer in performers:
            performer.end()
        for thread in threads:
            thread.join()


def _next(waiting: deque[Task]) -> Task | None:
    """The next task, which other threads may have taken; None where none is left."""
    try:
        return waiting.popleft()
    except IndexError:
        return None
