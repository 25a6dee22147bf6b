"""Markdown of the proof pages as HTML: no raw HTML, formulas as MathML, links only within the document."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markupsafe import Markup

from certflow.report.formatting import clean
from certflow.report.mathml import typeset

_FORMULA = re.compile(r"\$\$(.+?)\$\$|\$(?!\s)((?:\\.|[^$\\])+?)(?<!\s)\$", re.DOTALL)
_BEFORE, _AFTER = re.compile(r"[(\[]+$"), re.compile(r"^[,.;:)\]-]+")


def render_page(text: str, anchors: Mapping[str, str], level: int) -> Markup:
    """A page as HTML whose title is a heading of this `level`, the other headings one level below.

    anchors : the fragment to which a link to a page leads, by its file, as in `L2.md`; of other links the words stay
    """
    reader = _reader()
    tokens = reader.parse(clean(text))
    headings = [token for token in tokens if token.type in ("heading_open", "heading_close")]
    for place, token in enumerate(headings):
        token.tag = f"h{level if place < 2 else level + 1}"
    for place, token in enumerate(tokens):
        children = token.children or []
        _lead_links(children, anchors)
        _keep_together(children)
        if _is_display(children) and tokens[place - 1].type == "paragraph_open":
            tokens[place - 1].tag = tokens[place + 1].tag = "div"  # a formula may be wider than a line of prose
    return Markup(clean(reader.renderer.render(tokens, reader.options, {})))  # an entity may hide what `clean` shows


@cache
def _reader() -> MarkdownIt:
    """CommonMark with tables and formulas, without raw HTML, images and addresses."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "autolink"])
    reader.inline.ruler.before("escape", "formula", _take_formula)
    reader.add_render_rule("formula", _formula)
    reader.add_render_rule("table_open", _table_open)
    reader.add_render_rule("table_close", _table_close)
    return reader


def _take_formula(state: StateInline, silent: bool) -> bool:
    """A rule of the parser: what stands between dollar signs is LaTeX, and nothing in it Markdown."""
    match = _FORMULA.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        token = state.push("formula", "math", 0)
        token.content = (match.group(1) or match.group(2)).strip()
        token.block = match.group(1) is not None
    state.pos = match.end()
    return True


def _formula(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    if token.block:  # a span, since it may stand within a paragraph
        return f'<span class="formula" tabindex="0">{typeset(token.content, display=True)}</span>'
    pieces = str(typeset(token.content)).split("<wbr>")  # between which the line may break
    if "before" in token.meta:
        pieces[0] = f'<span class="joined">{token.meta["before"]}{pieces[0]}</span>'
    if "after" in token.meta:
        pieces[-1] = f'<span class="joined">{pieces[-1]}{token.meta["after"]}</span>'
    return "<wbr>".join(pieces)


def _table_open(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return '<div class="scroll" tabindex="0">\n<table>\n'


def _table_close(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return "</table>\n</div>\n"


def _is_display(tokens: Sequence[Token]) -> bool:
    return bool(tokens) and all(token.type == "formula" and token.block for token in tokens)


def _lead_links(tokens: Sequence[Token], anchors: Mapping[str, str]) -> None:
    lead = False
    for token in tokens:
        if token.type == "link_open":
            anchor = anchors.get(str(token.attrGet("href")))
            lead = anchor is not None
            token.attrs = {"href": f"#{anchor}"}
        if token.type in ("link_open", "link_close"):
            token.hidden = not lead


def _keep_together(tokens: Sequence[Token]) -> None:
    """Give each formula of a text line the punctuation about it: browsers would break the line between them."""
    for before, after in pairwise(tokens):
        _move(before, _BEFORE, after, "before")
        _move(after, _AFTER, before, "after")


def _move(text: Token, mark: re.Pattern[str], formula: Token, key: str) -> None:
    match = mark.search(text.content) if text.type == "text" else None
    if match is not None and formula.type == "formula" and not formula.block:
        formula.meta[key] = match.group()
        text.content = mark.sub("", text.content)
