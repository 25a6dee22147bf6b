"""Work in several processes: this one, and workers that take tasks from the far end of the same list."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from threadpoolctl import threadpool_limits

from certflow.children import bury, start
from certflow.claims.check import Check, Context
from certflow.claims.fingerprint import LoadedCode, agrees
from certflow.claims.model import Evidence, Kind
from certflow.process import OrnsteinUhlenbeck
from certflow.verification.drawings import Drawing
from certflow.verification.worker import Found, Start, attempted

#: A worker costs as much to start as some ten small checks.
_CHECKS_FOR_A_WORKER = 12
_PROGRAM = "from certflow.verification.worker import serve; serve()"

Task = Check | Drawing
#: What came of a task: evidence, a figure, or the mistake in the code that it met; and digests of the code of a worker.
Came = tuple[Task, Evidence | str | Exception, dict[str, str] | None]


def usual_jobs() -> int:
    """One for each core that this process may use, at most four."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, 4)


class Crew:
    """This process and its workers. They are ended with the `with` block, whatever they are doing.

    What a worker found counts only if its code is the code that is loaded here: formulas that were replaced in memory
    are unknown to it. A task whose worker is gone is run here. Where the class under test is not the package's own,
    and for measurements on trained maps, which use every core, there is no worker.
    """

    def __init__(self, context: Context, code: LoadedCode):
        self.context, self.code = context, code
        self._workers: list[_Worker] = []
        self._limits: threadpool_limits | None = None

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.end()
        if self._limits is not None:
            self._limits.restore_original_limits()

    def enlist(self, checks: int, jobs: int) -> None:
        """Start as many workers as so many checks are worth, so that `jobs` processes work, each in one thread.

        Threads of linear algebra wait by spinning: those of several processes would take the cores from each other.
        """
        number = min(jobs - 1, checks // _CHECKS_FOR_A_WORKER)
        if sys.executable and type(self.context.process) is OrnsteinUhlenbeck:
            self._workers = [_Worker(self.context, self.code) for _ in range(number)]
        if self._workers:
            self._limits = threadpool_limits(1, "blas")

    @property
    def alone(self) -> bool:
        """Is there no worker?"""
        return not any(worker.there for worker in self._workers)

    def outcomes(self, tasks: Sequence[Task], before: Callable[[Task], None]) -> Iterator[Came]:
        """Do every task; yields what came of each as soon as this process can look.

        before : called with each task that this process is about to do
        """
        line = _Line(tasks)
        feeders = [threading.Thread(target=worker.feed, args=(line,), daemon=True) for worker in self._workers]
        for feeder in feeders:
            feeder.start()
        remaining = len(tasks)
        while remaining:
            task = line.first()
            if task is not None:
                before(task)
                with _interruptible():
                    came = attempted(task, self.context)
                remaining -= 1
                yield task, came, None
            for asked, found in line.answers(wait=task is None):
                if agrees(found.code, self.code.digests()):
                    remaining -= 1
                    yield asked, found.came, found.code
                else:
                    line.back(asked, here=True)
        for feeder in feeders:
            feeder.join()

    def elsewhere(self, drawing: Drawing) -> Callable[[], str]:
        """Have a figure drawn by a worker, if there is one, while this process does other things; returns its taker."""
        line = _Line([drawing])
        worker = next((worker for worker in self._workers if worker.there), None)
        if worker is not None:
            threading.Thread(target=worker.feed, args=(line,), daemon=True).start()

        def take() -> str:
            for _, found in line.answers(wait=worker is not None):
                if isinstance(found.came, str) and agrees(found.code, self.code.digests()):
                    return found.came
            return drawing.run(self.context)

        return take


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """An interruption within the block ends it, at the latest at its end: imports of some libraries swallow one."""
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or usual is not signal.default_int_handler:
        yield
        return
    came: list[int] = []

    def remember(number: int, frame: Any) -> None:
        came.append(number)
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, remember)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
    if came:
        raise KeyboardInterrupt


class _Line:
    """The tasks that wait, and the answers that came: this process takes from the front, workers from the end.

    Derivations and figures stand at the end. They share nothing with the other checks, which keep to one process what
    they compute of the mixture as far as possible.
    """

    def __init__(self, tasks: Sequence[Task]):
        self._waiting = sorted(tasks, key=lambda task: isinstance(task, Drawing) or task.kind is Kind.SYMBOLIC)
        self._here = {task.name for task in tasks if isinstance(task, Check) and task.trains}
        self._lock = threading.Lock()
        self._answers: queue.SimpleQueue[tuple[Task, Found] | None] = queue.SimpleQueue()

    def first(self) -> Task | None:
        with self._lock:
            return self._waiting.pop(0) if self._waiting else None

    def last(self) -> Task | None:
        """The last one that may be done elsewhere."""
        with self._lock:
            for index in reversed(range(len(self._waiting))):
                if self._waiting[index].name not in self._here:
                    return self._waiting.pop(index)
        return None

    def back(self, task: Task, here: bool = False) -> None:
        """Put back a task that has no answer."""
        with self._lock:
            self._waiting.append(task)
            if here:
                self._here.add(task.name)

    def answer(self, task: Task, found: Found) -> None:
        self._answers.put((task, found))

    def wake(self) -> None:
        """Let who waits for an answer look at the line again."""
        self._answers.put(None)

    def answers(self, wait: bool) -> Iterator[tuple[Task, Found]]:
        """The answers that are there; if told to wait, at least one or a call to wake."""
        with contextlib.suppress(queue.Empty):
            while True:
                answer = self._answers.get(block=wait)
                wait = False
                if answer is not None:
                    yield answer


class _Worker:
    """A process that does checks and figures; it is told of the context with the first one."""

    def __init__(self, context: Context, code: LoadedCode):
        self.process = start(_PROGRAM)
        self.there = True
        self._start: bytes | None = pickle.dumps(Start(context, code.digests()))

    def feed(self, line: _Line) -> None:
        """Send one task after another, until none is left or the worker is gone."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        task = None
        try:
            if self._start is not None:
                self.process.stdin.write(self._start)
                self._start = None
            while self.there and (task := line.last()) is not None:
                self.process.stdin.write(pickle.dumps(task.name if isinstance(task, Check) else task))
                self.process.stdin.flush()
                line.answer(task, pickle.load(self.process.stdout))
        except (OSError, EOFError, pickle.UnpicklingError):
            self.there = False
            if task is not None:
                line.back(task)
        finally:
            line.wake()

    def end(self) -> None:
        self.there = False
        bury(self.process)
