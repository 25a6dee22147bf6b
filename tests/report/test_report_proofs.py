"""The page holds the proofs of its claims: whole, with their formulas, linked to each other, free of foreign markup."""

from __future__ import annotations

import re
from html import unescape
from itertools import pairwise
from pathlib import Path

import pytest
from pages import outline, targets

from certflow.claims.registry import STATEMENTS
from certflow.report import load_report, render_html, render_markdown, write_views
from certflow.report.commonmark import render_page
from certflow.report.mathml import _convert

PAGES = sorted((Path(__file__).resolve().parents[2] / "proofs").glob("*.md"))
CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)


def of_one(report, identifier, **changes):
    """The report with one of its claims, changed."""
    (result,) = (result for result in report.results if result.id == identifier)
    return report.model_copy(update={"results": (result.model_copy(update=changes),)})


@pytest.fixture(scope="module")
def page(full_report) -> str:
    return render_html(full_report)


def articles(page: str) -> dict[str, str]:
    return dict(re.findall(r'<article class="claim" id="claim-(\w+)">(.*?)</article>', page, re.DOTALL))


def held(page: str) -> dict[str, str]:
    """The HTML of each page that is held, by name."""
    opening = r'<details class="proof">\n<summary>.*?</summary>\n<div class="proof-page" id="proof-([\w-]+)">'
    return dict(re.findall(opening + r"(.*?)</div>\n</details>", page, re.DOTALL))


def words(text: str) -> list[str]:
    return re.findall(r"\w{2,}", text)


def words_of_markdown(text: str) -> list[str]:
    """Words outside formulas and code; what leads a list, a link's address and a table's rule are no words."""
    text = CODE.sub(" ", text)
    text = re.sub(r"\$\$.*?\$\$|\$.*?\$", " ", text, flags=re.DOTALL)
    text = re.sub(r"\]\([\w.#-]*\)", " ", text)
    return words(re.sub(r"^ *\d+\. ", " ", text, flags=re.MULTILINE))


def words_of_html(markup: str) -> list[str]:
    markup = re.sub(r"<math.*?</math>|<code.*?</code>", " ", markup, flags=re.DOTALL)
    return words(unescape(re.sub(r"<[^>]*>", " ", markup)))


def test_every_claim_of_a_full_report_has_its_proof_held(page):
    found = articles(page)
    assert list(found) == list(STATEMENTS)
    for identifier, article in found.items():
        name = Path(STATEMENTS[identifier].proof).stem
        assert f"<summary>Proof <code>proofs/{name}.md</code></summary>" in article
        text = next(path for path in PAGES if path.stem == name).read_text(encoding="utf-8")
        assert words_of_html(held(article)[name]) == words_of_markdown(text)


def test_a_full_report_is_sound(page):
    parsed = outline(page)
    assert len(parsed.ids) == len(set(parsed.ids))
    assert all(link.startswith("#") for link in parsed.links)
    assert targets(parsed.links) <= set(parsed.ids)
    assert all(after <= before + 1 for before, after in pairwise(parsed.headings))
    assert 'class="tex"' not in page


def test_links_lead_to_the_pages_that_are_held(page):
    pages = held(page)
    assert {path.stem for path in PAGES if path.stem[0].isupper()} - {"README"} == set(pages) - {"notation"}
    assert '<a href="#proof-S1">S1</a>' in pages["L2"]
    assert '<a href="#proof-notation">notation</a>' in pages["L4"]
    assert "have a page of their own, sharp-isotropic.</p>" in pages["L5"]
    assert "#proof-sharp" not in page
    for path in PAGES:
        if path.stem in pages:
            links = re.findall(r"\[([^]]*)\]\(([\w-]*)\.md\)", path.read_text(encoding="utf-8"))
            assert all(name in pages or text == name for text, name in links), "a page without a link is named"


def test_proofs_are_closed(page):
    assert page.count('<details class="proof">') == len(held(page))


def test_a_report_of_one_claim_holds_what_its_proof_cites(full_report):
    page = render_html(of_one(full_report, "L2"))
    parsed = outline(page)
    pages = held(page)
    assert list(pages) == ["L2", "L1", "notation", "S1", "S4", "S2"]
    cited = page.split('id="cited"')[1]
    assert list(held(cited)) == list(pages)[1:]
    assert "#cited" in parsed.links
    assert targets(parsed.links) <= set(parsed.ids)
    assert all(after <= before + 1 for before, after in pairwise(parsed.headings))


@pytest.mark.parametrize("proof", [None, "proofs/S99.md", "proofs/../README.md", "README.md", "proofs/L2.md "])
def test_without_a_page_the_claim_stands_as_it_did(full_report, proof):
    page = render_html(of_one(full_report, "L2", proof=proof))
    assert held(page) == {}
    assert "#proof" not in page
    assert "#cited" not in page


def test_proofs_add_little_for_each_page_and_no_formula_is_translated_twice(full_report, page):
    bare = tuple(result.model_copy(update={"proof": None}) for result in full_report.results)
    without = render_html(full_report.model_copy(update={"results": bare}))
    assert len(page.encode()) - len(without.encode()) < 25_000 * len(held(page))
    before = _convert.cache_info().misses
    assert render_html(full_report) == page
    assert _convert.cache_info().misses == before


def test_a_rebuild_gives_the_same(full_report, page, tmp_path):
    write_views(full_report, tmp_path, {})
    assert render_html(load_report(tmp_path)) == page


def test_markdown_names_the_pages_and_says_where_they_are(full_report):
    text = render_markdown(of_one(full_report, "L2"))
    assert "proofs/L2.md" in text
    assert "](proofs" not in text
    assert text.count("Proof pages lie in the folder `proofs` of the package and of its repository") == 1


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_no_markup_of_a_page_is_left_over_and_every_formula_converts(path):
    source = path.read_text(encoding="utf-8")
    markup = str(render_page(source, {}, 3))
    parsed = outline(markup)
    assert parsed.headings[0] == 3
    assert set(parsed.headings[1:]) <= {4}
    assert parsed.links == []
    without = re.sub(r"<math.*?</math>|<code.*?</code>", "", markup, flags=re.DOTALL)
    assert not re.search(r"\$|\*|\]\(|`|\\[A-Za-z]|^#|^ *\|", without, re.MULTILINE)
    assert 'class="tex"' not in markup
    displayed, plain = CODE.sub("", source).count("$$") // 2, CODE.sub("", source).count("$")
    pieces = re.sub(r"</?span[^>]*>", "", markup).replace("</math><wbr><math", "")
    assert markup.count('<math display="block"') == displayed
    assert pieces.count('<math display="inline"') == plain // 2 - 2 * displayed
    assert words_of_html(markup) == words_of_markdown(source)


HOSTILE = """# <script>alert(1)</script>

<img src=x onerror=alert(1)> and <iframe src="http://a.b"></iframe>

<div onclick="alert(1)">

![picture](http://a.b/c.png) <http://a.b> [go](javascript:alert(1)) [out](http://a.b "title") [L2](L2.md#x)
&#x202e;reversed&#0; $\\text{<script>alert(1)</script>}$ $\\href{javascript:alert(1)}{x}$ `<b>$x$`

[L2]: http://a.b
[L2]

```$x$ "onclick
<b>
```

$$\\frac{<i>$$
"""


def test_hostile_markup_stays_text():
    markup = str(render_page(HOSTILE, {"L2.md": "proof-L2"}, 5))
    parsed = outline(markup)
    allowed = {"h5", "p", "code", "pre", "span", "div", "math", "mrow", "mi", "mo", "mfrac"}
    assert parsed.tags <= allowed
    assert parsed.links == []
    assert not re.search(r"<[^>]*(?:onclick|onerror|href|src)", markup.replace(r"\href{", ""))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in markup
    assert "\u202e" not in markup
    assert "\x00" not in markup


def test_only_links_to_held_pages_are_links():
    markup = render_page("# T\n\n[L2](L2.md), [S1](S1.md), [**L2**](L2.md)", {"L2.md": "proof-L2"}, 3)
    expected = '<a href="#proof-L2">L2</a>, S1, <a href="#proof-L2"><strong>L2</strong></a>'
    assert f"<p>{expected}</p>" in markup


def test_formulas_keep_their_backslashes_and_take_no_emphasis():
    markup = str(render_page(r"# T" "\n\n" r"$a_1 * b_2 * \{c\}$ costs \$5, `$x$` and so on", {}, 3))
    assert "<em>" not in markup
    assert "costs $5, <code>$x$</code> and" in markup
    assert '<mo stretchy="false">{</mo>' in markup
    assert 'class="tex"' not in markup


def test_punctuation_stays_on_the_line_of_its_formula():
    markup = str(render_page("# T\n\nLet ($x$, with $K$-fold $y$.", {}, 3))
    text = re.sub(r"<math.*?</math>", "#", markup)
    joined = '<span class="joined">'
    assert f"Let {joined}{joined}(#</span>,</span> with {joined}#-</span>fold {joined}#.</span>" in text
