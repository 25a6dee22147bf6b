"""A process that does tasks one after the other: lines of JSON come in and go out (`certflow.sweep.performer`)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, BinaryIO

from certflow.children import kept_output, listen, tell
from certflow.sweep.performing import perform
from certflow.sweep.questions import difference
from certflow.sweep.results import Store
from certflow.sweep.tasks import Task


def serve() -> None:
    """Do the tasks that come on standard input; what libraries print goes to standard error.

    A line is `{"task": ..., "folder": DIR or null}`. With a folder the result is written there before it is told, and
    one that is there already is told as it is: so a task that was finished is never done again.
    """
    answers = kept_output()
    asked = listen(_line)
    tell(answers, _text({"ready": os.getpid()}))
    while True:
        content = asked.get()
        task = Task.from_mapping(content["task"])
        if other := difference(task.question):
            tell(answers, _text({"other_code": other}))
            continue
        store = Store(Path(content["folder"])) if content["folder"] else None
        found = None if store is None else store.load(task, failures=False)
        if found is None:
            found = perform(task)
            if store is not None:
                store.save(task, found)
        tell(answers, _text({"result": found.mapping()}))


def _line(stream: BinaryIO) -> Any:
    line = stream.readline()
    if not line:
        raise EOFError
    return json.loads(line)


def _text(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode() + b"\n"
