"""The bar is silent unless somebody looks or asks."""

from __future__ import annotations

import io
import sys
import threading

import pytest

from certflow.errors import InputError
from certflow.progress import Heartbeat, progress_bar, progress_of, spoken


def test_nothing_off_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar() as advance:
        advance(1, 2, "less than a minute")
    with progress_of(None, "search") as told:
        assert told is None
    assert capsys.readouterr() == ("", "")


def test_off_a_terminal_its_last_state_where_it_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_of(True, "search [a]") as told:
        assert told is not None
        for done in range(4):
            told(done, 3)
    out, err = capsys.readouterr()
    assert not out
    assert err.count("3/3 search [a]") == 1
    assert "2/3" not in err


def test_work_that_tells_nothing_leaves_no_empty_bar(capsys: pytest.CaptureFixture[str]) -> None:
    """A grid of a formula has no parts to count; "0/?" would look as if it had failed."""
    with progress_of(True, "karras"):
        pass
    assert capsys.readouterr().err.strip() == ""


def test_a_terminal_sees_it_move(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress_bar() as advance:
        advance(2, 3, "pilot")


def test_a_function_is_told_itself() -> None:
    seen: list[tuple[int, int]] = []
    with progress_of(lambda done, total: seen.append((done, total)), "search") as told:
        assert told is not None
        told(1, 2)
    assert seen == [(1, 2)]


@pytest.mark.parametrize("asked", ["yes", 1, 0.5])
def test_what_is_neither_is_refused(asked: object) -> None:
    with (
        pytest.raises(InputError, match=r"^progress: got .*; required: True for a bar on stderr"),
        progress_of(asked, ""),
    ):
        pass


class Clock:
    """A clock that somebody sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_off_a_terminal_a_line_a_minute_tells_what_is_left() -> None:
    """Work of 200 parts, one in three seconds: 600 seconds, and no more than ten lines."""
    clock, stream = Clock(), io.StringIO()
    heart = Heartbeat(clock, stream)
    for done in range(201):
        clock.now = 100.0 + 3 * done
        heart.advance(done, 200, "L5 sharp rates")
    lines = stream.getvalue().splitlines()
    assert lines[0] == "certflow: after 1 min, 20 of 200 done, about 9 min left: L5 sharp rates"
    assert lines[4] == "certflow: after 5 min, 100 of 200 done, about 5 min left: L5 sharp rates"
    assert len(lines) == 10


def test_work_that_says_nothing_is_told_to_go_on() -> None:
    clock, stream = Clock(), io.StringIO()
    heart = Heartbeat(clock, stream)
    for _ in range(7):
        clock.now += 20
        heart.beat()
    assert stream.getvalue().splitlines() == ["certflow: after 1 min", "certflow: after 2 min"]


def test_a_closed_stream_ends_no_run() -> None:
    clock, stream = Clock(), io.StringIO()
    heart = Heartbeat(clock, stream)
    stream.close()
    clock.now += 100
    heart.beat()


def test_no_watcher_outlives_its_run() -> None:
    before = threading.active_count()
    with progress_bar() as advance:
        advance(1, 2, "work")
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59.4, "59 s"), (89, "1 min"), (3599, "1 h 0 min"), (9000, "2 h 30 min")]
)
def test_times_in_words(seconds: float, words: str) -> None:
    assert spoken(seconds) == words
