"""The page of a sweep in a real browser, offline: diagrams whose cells say in words what their colours show."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from pages import OVERFLOWING, Visit, outline, targets

from certflow.sweep.diagrams import _bins, diagrams
from certflow.sweep.page import page
from certflow.sweep.results import Result, Status, Store
from certflow.sweep.running import Sweep, run
from certflow.sweep.specification import specification

SPEC = """schema = "certflow/sweep/1"
name = "a <b>sweep</b> & more"
[[mixtures]]
layout = "line"
components = [2, 3]
sigma = [0.1, 0.2, 0.4]
copies = 2
[[experiments]]
name = "student-grids"
label = "students"
[[experiments]]
name = "segments"
[[claims]]
ids = ["L2"]
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sweep]:
    """A sweep whose results are made up: the gain is K sigma / 0.4, one task failed, one is violated."""
    folder = tmp_path_factory.mktemp("sweep")
    store = Store(folder)
    spec = specification(SPEC)
    for place, (member, task) in enumerate(spec.tasks()):
        sigma, k = member.parameters["sigma"], member.parameters["components"]
        result = Result(
            task.key, Status.DONE, "measured", "", {"gain_balanced": k * sigma / 0.4, "enough": 1.0, "floor": None}
        )
        if task.question.label == "L2":
            result = Result(
                task.key, Status.DONE, "violated" if place in (0, 3) else "holds", "<script>alert(1)</script>", {}
            )
        if task.question.label == "students" and (k, sigma) == (3, 0.4):
            result = Result(task.key, Status.CRASHED, "", "its process ended")
        store.save(task, result)
    found = run(spec, folder)
    assert (found.computed, found.exit_code) == (0, 1)
    return folder / "sweep.html", found


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1400, "light")])
def test_page_loads_alone_and_fits(browser, made, width, scheme) -> None:
    with Visit(browser, made[0], width, scheme) as visit:
        assert visit.requests == [visit.url]
        assert visit.complaints == []
        scroll, client = visit.page.evaluate(OVERFLOWING)
        assert scroll <= client == width
        assert visit.page.locator("h1").inner_text() == "a <b>sweep</b> & more"


def test_a_cell_leads_to_its_rows(browser, made) -> None:
    with Visit(browser, made[0], 1400) as visit:
        cell = visit.page.locator("#diagram-3 table.diagram td a, #diagram-0 table.diagram td a").first
        cell.click()
        target = visit.page.locator(":target")
        assert target.is_visible()
        assert target.inner_text() == cell.get_attribute("aria-label")
        assert "family-0/" in target.locator("xpath=following-sibling::table[1]").inner_text()


def test_contrast_of_every_cell(browser, made) -> None:
    """WCAG AA, by the colours that the browser computes."""
    with Visit(browser, made[0], 1400) as visit:
        colours = visit.page.evaluate(
            "() => [...document.querySelectorAll('.diagram td:not(.none)')].map(e => {"
            " const s = getComputedStyle(e); return [s.backgroundColor, s.color]; })"
        )
    assert len(colours) > 10
    for ground, ink in colours:
        light, dark = sorted((luminance(ground), luminance(ink)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (ground, ink)


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_outline_and_links(made) -> None:
    text = made[0].read_text(encoding="utf-8")
    parsed = outline(text)
    assert targets(parsed.links) <= set(parsed.ids)
    assert len(parsed.ids) == len(set(parsed.ids))
    assert "script" not in parsed.tags
    assert all(link.startswith("#") for link in parsed.links)
    assert not any(after - before > 1 for before, after in zip(parsed.headings, parsed.headings[1:], strict=False))
    assert "family-0/8" in text, "failures are listed"


def test_cells_are_medians_by_hand(made) -> None:
    drawn = next(each for each in diagrams(made[1].specification, made[1].rows) if "gain balanced" in each.title)
    assert (drawn.x, drawn.y) == ("ratio", "components")
    assert drawn.columns == ("5", "10", "20")
    cells = {head: [cell.value for cell in cells] for head, cells in drawn.lines}
    assert cells["2"] == pytest.approx([2.0, 1.0, 0.5])
    assert cells["3"] == [None, pytest.approx(1.5), pytest.approx(0.75)]
    lost = drawn.lines[1][1][0]
    assert (lost.count, lost.asked, lost.text) == (0, 2, "–")
    grounds = {cell.text: cell.ground for _, row in drawn.lines for cell in row}
    middle = [int(grounds["1"][i : i + 2], 16) for i in (1, 3, 5)]
    assert min(middle) > 230, "a gain of 1 is neither side: nearly white"
    assert drawn.scale[4][1] == "1"
    assert math.prod(float(drawn.scale[end][1]) for end in (0, -1)) == pytest.approx(1, rel=0.02)


def test_many_numbers_are_binned_by_quantiles() -> None:
    values = [float(value) for value in range(1, 61)]
    place, heads = _bins(values)
    counts = [sum(place(value) == index for value in values) for index in range(len(heads))]
    assert counts == [10] * 6
    assert heads == ["1 to 10", "11 to 20", "21 to 30", "31 to 40", "41 to 50", "51 to 60"]
    place, heads = _bins(["b", None, "a"])
    assert (heads, [place(value) for value in ("a", "b", None)]) == (["a", "b", "none"], [0, 1, 2])


def test_the_same_rows_give_the_same_page(made) -> None:
    found = made[1]
    assert page(found.specification, found.rows, found.columns, "") == page(
        found.specification, found.rows, found.columns, ""
    )
