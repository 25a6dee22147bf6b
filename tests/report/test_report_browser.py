"""The page in a real browser, offline: nothing is fetched, nothing is logged, nothing overflows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from depth import night
from pages import OVERFLOWING, WIDTHS, Visit

from certflow.claims.registry import STATEMENTS
from certflow.report.report import load_report
from certflow.report.views import load_figures, write_views

SCHEMES = ("light", "dark")


@pytest.fixture(scope="module")
def page_file(report, figures, tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("page")
    write_views(report, directory, figures)
    return directory / "report.html"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_page_loads_alone_and_fits(browser, page_file, width, scheme):
    with Visit(browser, page_file, width, scheme) as visit:
        assert visit.requests == [visit.url]
        assert visit.complaints == []
        scroll, client = visit.page.evaluate(OVERFLOWING)
        assert scroll <= client == width


@pytest.mark.parametrize("width", [920, 1200, 1280, 1400])
def test_every_kind_of_evidence_is_seen_at_once_on_a_screen(browser, page_file, width):
    """The matrix does not scroll, with the contents above it or beside it."""
    with Visit(browser, page_file, width) as visit:
        frame = visit.page.locator(".scroll:has(> .matrix)")
        scroll, client = frame.evaluate("element => [element.scrollWidth, element.clientWidth]")
        assert scroll <= client


@pytest.mark.parametrize("width", WIDTHS)
def test_formulas_and_figures_are_drawn(browser, page_file, report, width):
    boxes = """selector => [...document.querySelectorAll(selector)].map(element => {
      const box = element.getBoundingClientRect();
      return [box.width, box.height];
    })"""
    with Visit(browser, page_file, width) as visit:
        formulas = visit.page.evaluate(boxes, "main math")
        figures = visit.page.evaluate(boxes, "figure svg")
        assert len(formulas) >= len(report.results)
        assert all(w > 0 and h > 0 for w, h in formulas)
        assert len(figures) == 4
        assert all(w > 200 and h > 100 for w, h in figures)


def test_every_claim_can_be_reached(browser, page_file, report):
    with Visit(browser, page_file, 1400) as visit:
        for result in report.results:
            article = visit.page.locator(f"#claim-{result.id}")
            assert article.count() == 1
            assert article.is_visible()
            visit.page.locator(f".contents a[href='#claim-{result.id}']").click()
            assert visit.page.url.endswith(f"#claim-{result.id}")
            assert article.evaluate("element => element.matches(':target')")


def test_witness_of_a_violation_is_open_and_the_mixture_unfolds(browser, page_file):
    with Visit(browser, page_file, 768) as visit:
        assert visit.page.locator("#claim-F1 details.witness pre").first.is_visible()
        mixture = visit.page.locator("#mixture pre")
        assert not mixture.is_visible()
        visit.page.locator("#mixture summary").click()
        assert mixture.is_visible()
        assert "certflow/mixture/1" in mixture.inner_text()
        scroll, client = visit.page.evaluate(OVERFLOWING)
        assert scroll <= client


def test_contents_stay_beside_the_text_where_there_is_room(browser, page_file):
    with Visit(browser, page_file, 1400) as visit:
        visit.page.evaluate("window.scrollTo(0, 3000)")
        box = visit.page.locator("nav.contents").bounding_box()
        assert 0 <= box["y"] < 100
        assert box["x"] + box["width"] < visit.page.locator("main").bounding_box()["x"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_contrast_of_every_text_colour(browser, page_file, scheme):
    """WCAG 2.2, 1.4.3: at least 4.5 to 1, for every text against the nearest painted background."""
    worst = """() => {
      const channels = colour => colour.match(/[\\d.]+/g).map(Number);
      const luminance = ([r, g, b]) => {
        const linear = c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
        const [x, y, z] = [r, g, b].map(c => linear(c / 255));
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
      };
      const painted = element => {
        for (let e = element; e; e = e.parentElement) {
          const c = channels(getComputedStyle(e).backgroundColor);
          if (c.length < 4 || c[3] > 0) return c;
        }
        return [255, 255, 255];
      };
      const texts = [...document.querySelectorAll("body *:not(svg, svg *)")].filter(
        e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()));
      return texts.map(e => {
        const [a, b] = [luminance(channels(getComputedStyle(e).color)), luminance(painted(e))];
        return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.className + ": " + e.textContent.trim()];
      }).sort((p, q) => p[0] - q[0])[0];
    }"""
    with Visit(browser, page_file, 1400, scheme) as visit:
        ratio, text = visit.page.evaluate(worst)
        assert ratio >= 4.5, text


def test_lines_of_prose_are_short_enough_to_read(browser, page_file):
    longest = """() => Math.max(...[...document.querySelectorAll("main p, .lead")].map(p => {
      const size = parseFloat(getComputedStyle(p).fontSize);
      return p.getBoundingClientRect().width / size;
    }))"""
    with Visit(browser, page_file, 1400) as visit:
        assert visit.page.evaluate(longest) <= 38  # em: about 75 characters of a book face


def test_print_has_no_contents_and_fits_the_sheet(browser, page_file):
    with Visit(browser, page_file, 660) as visit:  # A4 less its margins, in CSS pixels
        visit.page.emulate_media(media="print")
        assert not visit.page.locator("nav.contents").is_visible()
        scroll, client = visit.page.evaluate(OVERFLOWING)
        assert scroll <= client


def test_hostile_text_stays_text(browser, hostile_report, tmp_path):
    write_views(hostile_report, tmp_path, {})
    with Visit(browser, tmp_path / "report.html", 360) as visit:
        assert visit.complaints == []
        assert visit.requests == [visit.url]
        assert visit.page.locator("img, iframe, object").count() == 0
        assert visit.page.locator("script").count() == 3  # the data of the graph among them
        assert "<script>alert(1)</script> ]]> ␀" in visit.page.locator("h1").inner_text()
        scroll, client = visit.page.evaluate(OVERFLOWING)
        assert scroll <= client


@pytest.mark.parametrize("width", WIDTHS)
def test_every_statement_of_the_theory_fits(browser, full_report, tmp_path, width):
    write_views(full_report, tmp_path, {})
    with Visit(browser, tmp_path / "report.html", width) as visit:
        scroll, client = visit.page.evaluate(OVERFLOWING)
        assert scroll <= client
        assert visit.page.locator(".claim > .formula math").count() == len(STATEMENTS)


def test_thousands_of_modes_make_a_page_of_ordinary_size(browser, report, tmp_path):
    count = 10_000
    mixture = dict(report.mixture) | {
        "weights": ["1/10000"] * count,
        "means": [[f"{k}.123456789", "-1"] for k in range(count)],
    }
    write_views(report.model_copy(update={"mixture": mixture}), tmp_path, {})
    path = tmp_path / "report.html"
    assert path.stat().st_size < 300_000
    with Visit(browser, path, 360) as visit:
        visit.page.locator("#mixture summary").click()
        assert "9,900 more" in visit.page.locator("#mixture pre").inner_text()
        assert "report.json" in visit.page.locator("#mixture").inner_text()


@pytest.mark.parametrize("width", WIDTHS)
def test_every_proof_fits_when_it_is_unfolded(browser, full_report, tmp_path, width):
    """Displayed formulas and tables scroll in their own boxes; nothing else is wider than the page."""
    write_views(full_report, tmp_path, {})
    with Visit(browser, tmp_path / "report.html", width) as visit:
        visit.page.evaluate("document.querySelectorAll('details.proof').forEach(proof => { proof.open = true; })")
        scroll, client = visit.page.evaluate(OVERFLOWING)
        assert scroll <= client
        wide = """() => [...document.querySelectorAll(".proof-page")]
            .filter(page => page.scrollWidth > page.clientWidth).map(page => page.id)"""
        assert visit.page.evaluate(wide) == []
        assert visit.complaints == []


def test_a_link_to_a_proof_unfolds_it(browser, full_report, tmp_path):
    write_views(full_report, tmp_path, {})
    with Visit(browser, tmp_path / "report.html", 1400) as visit:
        cited = visit.page.locator("#proof-S1")
        assert not cited.is_visible()
        visit.page.locator("#claim-L2 details.proof > summary").click()
        visit.page.locator("#proof-L2 a[href='#proof-S1']").click()
        assert cited.is_visible()


# -- what a claim leads to, copying, print -------------------------------------------------------------------

REPORTS = Path(__file__).parents[2] / "reports"
UNFOLD = "document.querySelectorAll('details').forEach(details => { details.open = true; })"


@pytest.fixture(scope="module")
def opened(browser, report, figures, tmp_path_factory) -> Iterator[Visit]:
    """One page for all the looks below, on which every claim has its proof."""
    results = tuple(r.model_copy(update={"proof": f"proofs/{r.id}.md"}) for r in report.results)
    directory = tmp_path_factory.mktemp("opened")
    write_views(report.model_copy(update={"results": results}), directory, figures)
    with Visit(browser, directory / "report.html", 1400) as visit:
        yield visit


def test_from_every_claim_two_clicks_lead_to_proof_code_and_replay(opened, report):
    """One to the claim; at the claim, or in its row, what is asked for is one more click away."""
    for result in report.results:
        opened.page.locator(f".contents a[href='#claim-{result.id}']").click()
        place = opened.page.locator(f"#claim-{result.id}")
        if place.locator("details.more").count():
            place.locator("details.more > summary").click()
            place.locator(f"a[href='#proof-{result.id}']").click()
        else:
            place.locator("details.proof > summary").click()
        assert opened.page.locator(f"#proof-{result.id}").is_visible()
        for name, inside in (("code", ".place"), ("again", ".command")):
            place.locator(f"details.{name} > summary").first.click()
            assert place.locator(f"details.{name} {inside}").first.is_visible()


def test_the_keyboard_reaches_every_link_button_and_summary(opened):
    # Of the nodes of the graph one is in the order of the Tab key, and the arrow keys lead to the others.
    unreached = """() => [...document.querySelectorAll("a[href]:not(.node), button, summary, pre")].filter(element => {
      element.focus({preventScroll: true});
      return element.tabIndex < 0 || document.activeElement !== element;
    }).map(element => element.outerHTML.slice(0, 100))"""
    opened.page.evaluate(UNFOLD)
    assert opened.page.evaluate(unreached) == []
    opened.page.locator("#claim-L2 details.again summary").first.focus()
    for expected in ("PRE", "BUTTON", "PRE", "BUTTON"):
        opened.page.keyboard.press("Tab")
        assert opened.page.evaluate("document.activeElement.tagName") == expected


def test_a_command_is_copied_by_its_button(opened):
    opened.context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened.page.evaluate(UNFOLD)
    line = opened.page.locator("#claim-F1 details.witness .line").first
    line.locator("button").click()
    line.locator("button", has_text="Copied").wait_for()
    assert opened.page.evaluate("navigator.clipboard.readText()") == "python witnesses/F1.py"
    assert opened.page.locator(".unseen[role=status]").inner_text() == "Copied: python witnesses/F1.py"
    assert opened.page.locator(".copied").count() == opened.page.locator("button.copy").count()


def test_the_numbers_behind_a_figure_are_a_file(opened):
    opened.page.evaluate(UNFOLD)
    with opened.page.expect_download() as waiting:
        opened.page.locator("#figure-rates a[download]").click()
    assert waiting.value.suggested_filename == "rates.csv"
    assert Path(waiting.value.path()).read_text().startswith("t,L,lambda\n0.01,")


def test_everything_unfolded_fits_a_phone_and_the_page_stayed_quiet(opened):
    opened.page.set_viewport_size({"width": 360, "height": 900})
    opened.page.evaluate(UNFOLD)
    scroll, client = opened.page.evaluate(OVERFLOWING)
    assert scroll <= client == 360
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith("data:text/csv")] == [opened.url]


@pytest.mark.parametrize("name", ["iris", *night("digits", "line-3", "anisotropic-pair", "two-modes")])
def test_a_report_is_small_and_short_on_paper(browser, name, tmp_path):
    """At most 3 MB, and 16 sheets of A4, 20 of the full profile (two modes): what the repository keeps, made anew."""
    write_views(load_report(REPORTS / name), tmp_path, load_figures(REPORTS / name))
    path = tmp_path / "report.html"
    assert path.stat().st_size <= 3_000_000
    with Visit(browser, path, 700) as visit:
        printed = visit.page.pdf(prefer_css_page_size=True)
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= (20 if name == "two-modes" else 16)
