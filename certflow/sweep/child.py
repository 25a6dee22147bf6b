"""A process that does tasks one after the other: lines of JSON come in and go out (`certflow.sweep.performer`).

It ends as soon as its input does, in the middle of a task too, so none is left behind when who asks is killed.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from pathlib import Path
from typing import Any, TextIO

from certflow.sweep.performing import perform
from certflow.sweep.questions import code_of
from certflow.sweep.results import Store
from certflow.sweep.tasks import Task


def serve() -> None:
    """Do the tasks that come on standard input; what libraries print goes to standard error.

    A line is `{"task": ..., "folder": DIR or null}`. With a folder the result is written there before it is told, and
    one that is there already is told as it is: so a task that was finished is never done again.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    asked: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(asked,), daemon=True).start()
    _tell(answers, {"ready": os.getpid()})
    while True:
        content = json.loads(asked.get())
        task = Task.from_mapping(content["task"])
        if code_of(task.question) != task.question.code:
            _tell(answers, {"other_code": True})
            continue
        store = Store(Path(content["folder"])) if content["folder"] else None
        found = None if store is None else store.load(task, failures=False)
        if found is None:
            found = perform(task)
            if store is not None:
                store.save(task, found)
        _tell(answers, {"result": found.mapping()})


def _tell(answers: TextIO, content: dict[str, Any]) -> None:
    try:
        answers.write(json.dumps(content) + "\n")
        answers.flush()
    except BrokenPipeError:  # who asked is gone
        os._exit(0)


def _listen(asked: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        asked.put(line)
    os._exit(0)
