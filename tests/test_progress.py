"""The bar is silent unless somebody looks or asks."""

from __future__ import annotations

import sys

import pytest

from certflow.errors import InputError
from certflow.progress import progress_bar, progress_of


def test_nothing_off_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar() as advance:
        assert advance is None
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
        assert advance is not None
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
