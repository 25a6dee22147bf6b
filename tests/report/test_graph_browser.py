"""The graph of statements in a real browser: by mouse, by keyboard, by its address, without scripts, on paper."""

from __future__ import annotations

from pathlib import Path

import pytest
from pages import OVERFLOWING, Visit

from certflow.report.views import write_views

FOCUSED = "() => document.activeElement.closest('.node')?.querySelector('text').textContent"
LIT = "() => [...document.querySelectorAll('.edge.lit')].length"


@pytest.fixture(scope="module")
def page_file(linked_report, tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("page")
    write_views(linked_report, directory, {})
    return directory / "report.html"


def node(page, name: str):
    return page.locator(f".statements .node:has(> text:text-is('{name}'))")


def arrive(page, name: str, fragment: str) -> None:
    """Wait until this node is chosen, or none; the address, which the page follows, must then be this."""
    page.wait_for_function(
        "name => (document.querySelector('.node.on > text')?.textContent ?? '') === name"
        " && document.getElementById('graph-panel').hidden === !name",
        arg=name,
    )
    assert page.evaluate("location.hash") == fragment


def ids(page, which: str) -> set[str]:
    return set(page.locator(f".statements .node{which} > text:first-of-type").all_text_contents())


def test_the_keyboard_reaches_every_node_and_moves_along_edges(browser, page_file, linked_report):
    with Visit(browser, page_file, 1400) as visit:
        page = visit.page
        assert page.locator(".statements [tabindex='0']").count() == 1
        page.locator(".statements [tabindex='0']").focus()
        page.keyboard.press("Home")
        reached = [page.evaluate(FOCUSED)]
        for _ in linked_report.results:
            page.keyboard.press("ArrowRight")
            reached.append(page.evaluate(FOCUSED))
        assert sorted(reached) == sorted({result.id for result in linked_report.results} | {"L3"})
        page.keyboard.press("End")
        assert page.evaluate(FOCUSED) == "E5"
        way = []
        for key in ("ArrowUp", "ArrowUp", "ArrowDown", "ArrowUp"):
            page.keyboard.press(key)
            way.append(page.evaluate(FOCUSED))
        assert way == ["F1", "L3", "F1", "L3"]
        page.keyboard.press("Enter")
        arrive(page, "L3", "#graph=L3")
        panel = page.locator("#graph-panel")
        page.keyboard.press("Tab")
        assert panel.evaluate("panel => panel.contains(document.activeElement)")
        page.keyboard.press("Escape")
        arrive(page, "", "#graph=")
        assert page.evaluate(FOCUSED) == way[-1]
        assert visit.complaints == []
        assert visit.requests == [visit.url]


def test_a_claim_leads_to_its_place_in_the_graph(browser, page_file):
    with Visit(browser, page_file, 1400) as visit:
        visit.page.locator("#claim-F1 .graph-link").click()
        arrive(visit.page, "F1", "#graph=F1")
        top, bottom = node(visit.page, "F1").evaluate(
            "node => [node.getBoundingClientRect().top, node.getBoundingClientRect().bottom]"
        )
        assert 0 <= top < bottom <= visit.page.evaluate("innerHeight")
        visit.page.locator("#graph-panel a", has_text="Statement, evidence and proof").click()
        assert visit.page.url.endswith("#claim-F1")


def test_a_click_tells_what_rests_on_what_and_the_address_restores_it(browser, page_file):
    with Visit(browser, page_file, 1400) as visit:
        page = visit.page
        panel = page.locator("#graph-panel")
        node(page, "M1").click()
        arrive(page, "M1", "#graph=M1")
        assert (ids(page, ".on"), ids(page, ".up"), ids(page, ".down")) == ({"M1"}, {"L2", "S2"}, {"E5"})
        assert page.evaluate(LIT) == 3
        panel.locator("a", has_text="E5").first.click()
        arrive(page, "E5", "#graph=E5")
        told = " ".join(panel.inner_text().split())
        assert "E5 Mean-square amplification ✓ holds; weakest evidence: empirical. Collected: empirical." in told
        assert "violated or open: F1 (✗ violated) M1 (… not yet checked) L3 (– not in this run), by way of F1" in told
        assert "Rests on F1, M1 through these S2, L3, L2 What rests on it nothing" in told
        assert page.evaluate(FOCUSED) == "E5"
        page.go_back()
        arrive(page, "M1", "#graph=M1")
        page.go_back()
        arrive(page, "", "")
        page.go_forward()
        arrive(page, "M1", "#graph=M1")
        for name, shown in (("✓ holds", "4 of 8"), ("L Spatial", "2 of 8")):
            page.get_by_role("button", name=name).click()
            page.wait_for_function(
                "text => document.querySelector('.graph-shown').textContent.includes(text)", arg=shown
            )
        arrive(page, "M1", "#graph=M1&show=holds,L")
        visible = page.locator(".node:visible > text:first-of-type").all_text_contents()
        assert sorted(visible) == ["L2", "M1"]  # what is chosen stays
        address = page.url
        page.goto("about:blank")
        page.goto(address)
        arrive(page, "M1", "#graph=M1&show=holds,L")
        assert sorted(page.locator(".node:visible > text:first-of-type").all_text_contents()) == ["L2", "M1"]
        assert "M1 Floor" in panel.inner_text()
        chosen, cover = page.locator(".node.on").bounding_box(), panel.bounding_box()
        assert chosen["y"] + chosen["height"] < cover["y"]
        panel.locator("a", has_text="Statement, evidence").click()
        assert page.url.endswith("#claim-M1")
        assert visit.complaints == []


def test_without_scripts_nodes_are_links(browser, page_file):
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(page_file.as_uri())
    assert not page.locator(".graph-help").is_visible()
    assert page.locator("a.node").count() == 7
    node(page, "F1").click()
    assert page.url.endswith("#claim-F1")
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_of_nodes_fit_and_are_seen_on_any_screen(browser, page_file, scheme):
    """WCAG 2.2, 1.4.3 and 1.4.11: 4.5 to 1 for texts on the box of their node, 3 to 1 for its line on the page."""
    worst = """() => {
      const luminance = (colour) => {
        const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map(c => c / 255)
          .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const ratio = (a, b) => { const [x, y] = [luminance(a), luminance(b)].sort(); return (y + 0.05) / (x + 0.05); };
      const page = getComputedStyle(document.body).backgroundColor;
      const found = { text: 21, line: 21, outside: -99 };
      for (const node of document.querySelectorAll(".statements .node")) {
        const box = node.querySelector(".box");
        const style = getComputedStyle(box);
        found.line = Math.min(found.line, ratio(style.stroke, page));
        for (const text of node.querySelectorAll("text")) {
          found.text = Math.min(found.text, ratio(getComputedStyle(text).fill, style.fill));
          const over = text.getBoundingClientRect().right - box.getBoundingClientRect().right;
          found.outside = Math.max(found.outside, over);
        }
      }
      return found;
    }"""
    with Visit(browser, page_file, 360, scheme) as visit:
        found = visit.page.evaluate(worst)
        assert found["text"] >= 4.5
        assert found["line"] >= 3
        assert found["outside"] < 0
        node(visit.page, "F1").click()
        arrive(visit.page, "F1", "#graph=F1")
        assert visit.page.evaluate(worst)["text"] >= 4.5
        scroll, client = visit.page.evaluate(OVERFLOWING)
        assert scroll <= client
        visit.page.set_viewport_size({"width": 660, "height": 900})  # A4 less its margins, in CSS pixels
        visit.page.emulate_media(media="print", color_scheme="light")
        assert not visit.page.locator("#graph-panel").is_visible()
        box = visit.page.locator(".statements").bounding_box()
        assert box["x"] + box["width"] <= 660
        assert box["height"] <= 950
        assert visit.page.locator("#graph").bounding_box()["height"] <= 970  # one sheet, with its words
