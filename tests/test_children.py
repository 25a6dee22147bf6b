"""Children that answer: what they print disturbs no answer, they are in a group of their own and end with who asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import alive, gone

from certflow.children import bury, start

#: Answers each line with the line, in capitals, its process group and its threads; `never` is never answered.
SHOUT = """
import os, time
from certflow.children import kept_output, listen, tell
os.dup2(os.open({errors!r}, os.O_WRONLY | os.O_CREAT), 2)
answers = kept_output()
print("a library greets", flush=True)
os.system("echo so does a program that it starts")
def line(stream):
    found = stream.readline()
    if not found:
        raise EOFError
    if found == b"a mistake\\n":
        raise KeyError("a mistake")
    return found
asked = listen(line)
while True:
    told = asked.get()
    if told == b"never\\n":
        tell(answers, b"begun\\n")
        time.sleep(3600)
    words = [told.decode().strip().upper(), os.getpgid(0), os.environ["OMP_NUM_THREADS"]]
    tell(answers, (" ".join(map(str, words)) + "\\n").encode())
"""


def program(errors: Path) -> str:
    """As one line; its standard error goes to a file."""
    return f"exec({SHOUT.format(errors=str(errors))!r})"


@pytest.fixture
def child(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    started = start(program(tmp_path / "errors"))
    yield started
    bury(started)


def ask(child: subprocess.Popen[bytes], text: str) -> str:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(text.encode() + b"\n")
    child.stdin.flush()
    return child.stdout.readline().decode()


def test_answers_are_all_that_comes(child, tmp_path) -> None:
    assert ask(child, "one") == f"ONE {child.pid} 1\n"
    assert ask(child, "two") == f"TWO {child.pid} 1\n"
    assert child.pid != os.getpgid(0)
    assert (tmp_path / "errors").read_text() == "a library greets\nso does a program that it starts\n"


def test_it_ends_with_its_input_in_the_middle_of_its_work(child) -> None:
    assert ask(child, "never") == "begun\n"
    child.stdin.close()
    assert child.wait(60) == 0


def test_it_ends_where_nobody_listens(child) -> None:
    assert ask(child, "one").startswith("ONE")
    child.stdout.close()
    child.stdin.write(b"two\n")
    child.stdin.flush()
    assert child.wait(60) == 0


def test_it_ends_where_a_question_cannot_be_read(child, tmp_path) -> None:
    assert ask(child, "a mistake") == ""
    assert child.wait(60) == 1
    assert "KeyError: 'a mistake'" in (tmp_path / "errors").read_text()


def test_nothing_of_a_buried_child_stays(child) -> None:
    assert ask(child, "never") == "begun\n"
    bury(child)
    assert child.returncode == -signal.SIGKILL
    assert child.stdin.closed
    assert child.stdout.closed
    bury(child)  # once more does no harm


def test_it_ends_with_a_parent_that_is_killed(tmp_path) -> None:
    asking = (
        "import sys\nfrom certflow.children import start\n"
        f"child = start({program(tmp_path / 'errors')!r})\nprint(child.pid, flush=True)\nsys.stdin.read()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", asking], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    assert gone(pid)


@pytest.mark.skipif(sys.platform == "win32", reason="groups of processes")
def test_what_a_child_started_ends_with_it():
    """Were it to go on, it would hold the pipes of who asked."""
    child = start("import subprocess; print(subprocess.Popen(['sleep', '3600']).pid, flush=True); input()")
    assert child.stdout is not None
    grandchild = int(child.stdout.readline())
    assert alive(grandchild)
    bury(child)
    assert gone(grandchild)
