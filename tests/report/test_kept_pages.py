"""Proof pages are typeset once and served to later runs: the same text, or none."""

from __future__ import annotations

from pathlib import Path

import pytest
from markupsafe import Markup

from certflow.report.commonmark import render_page
from certflow.report.kept_pages import KeptPages

TEXT = "# L2. A bound\n\nFor $t > 0$ see [L3](L3.md) and [S2](S2.md).\n"
ANCHORS = {"L3.md": "proof-L3", "F1.md": "proof-F1"}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CERTFLOW_CACHE", str(tmp_path))
    return tmp_path / "pages"


def typeset(text=TEXT, anchors=ANCHORS, level=3):
    """What is shown, and how often it was made."""
    made = []

    def counted(*arguments):
        made.append(arguments)
        return render_page(*arguments)

    return KeptPages(counted).page("L2", text, anchors, level), len(made)


def test_a_page_is_typeset_once(place):
    (first, made), (second, again) = typeset(), typeset()
    assert (made, again) == (1, 0)
    assert first == second == render_page(TEXT, ANCHORS, 3)
    assert isinstance(second, Markup)
    assert 'href="#proof-L3"' in second


@pytest.mark.parametrize(
    "change",
    [
        {"text": TEXT.replace("> 0", "> 1")},
        {"level": 5},
        {"anchors": {**ANCHORS, "S2.md": "proof-S2"}},
        {"anchors": {"F1.md": "proof-F1"}},
    ],
)
def test_another_page_is_another(place, change):
    typeset()
    given = {"text": TEXT, "anchors": ANCHORS, "level": 3} | change
    found, made = typeset(**given)
    assert made == 1
    assert found == render_page(**given)


def test_a_page_that_no_link_leads_to_changes_nothing(place):
    typeset()
    assert typeset(anchors={**ANCHORS, "G3.md": "proof-G3"})[1] == 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-9]),
        lambda path: path.write_bytes(bytes(range(256))),
        lambda path: path.write_text(path.read_text().replace("proof-L3", "proof-L2")),
    ],
)
def test_a_damaged_page_is_typeset_anew(place, damage):
    typeset()
    (path,) = place.iterdir()
    damage(path)
    assert typeset() == (render_page(TEXT, ANCHORS, 3), 1)
    assert typeset()[1] == 0


def test_without_a_folder_or_with_other_code_every_page_is_typeset(place, monkeypatch):
    monkeypatch.setattr("certflow.report.kept_pages.edited_since_loaded", lambda: True)
    assert [typeset()[1], typeset()[1]] == [1, 1]
    assert not place.exists()
    monkeypatch.undo()
    (place.parent / "file").write_text("")
    monkeypatch.setenv("CERTFLOW_CACHE", str(place.parent / "file"))
    assert [typeset()[1], typeset()[1]] == [1, 1]


def test_pages_of_other_versions_do_not_pile_up(place):
    for level in range(1, 6):
        for anchor in ("a", "b"):
            typeset(level=level, anchors={"L3.md": anchor})
    assert len(list(place.glob("L2-*.html"))) == 8
