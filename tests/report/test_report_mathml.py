"""Formulas: MathML Core only, TeX's spaces, and the source where the translation fails."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from certflow.claims.registry import STATEMENTS
from certflow.report.mathml import split_inline, typeset, typeset_inline


def tree(latex: str, *, display: bool = False) -> ElementTree.Element:
    markup = typeset(latex, display=display)
    assert markup.startswith("<math"), markup
    return ElementTree.fromstring(str(markup))


def operator(latex: str, symbol: str) -> ElementTree.Element:
    return next(element for element in tree(latex).iter("mo") if element.text == symbol)


def test_display_and_inline():
    assert tree("x", display=True).get("display") == "block"
    assert tree("x").get("display") == "inline"
    assert tree(r"\frac{m^2}{v}").get("alttext") == r"\frac{m^2}{v}"


def test_sup_takes_its_limit_below():
    assert tree(r"\sup_{x} f", display=True).find(".//munder/mo").text == "sup"
    assert operator(r"\sup_{x} f", "sup").get("movablelimits") == "true"


def test_names_have_thin_spaces_except_before_a_fence():
    assert operator(r"\nabla \log p", "log").get("rspace") == "0.167em"
    assert (
        operator(r"a \log(p)", "log").attrib | {"lspace": "0.167em", "rspace": "0"}
        == operator(r"a \log(p)", "log").attrib
    )
    assert operator(r"\operatorname{Cov}_\gamma(b)", "Cov").get("rspace") == "0"


def test_minus_of_a_negative_is_no_subtraction():
    assert operator(r"\lambda(-J)", "−").get("form") == "prefix"
    assert operator(r"b = -P", "−").get("form") == "prefix"
    assert operator(r"(a) - b", "−").get("form") is None
    assert operator(r"a_k - b", "−").get("form") is None


def test_bars_open_and_close():
    bars = [element.get("form") for element in tree("a|x|b").iter("mo") if element.text == "|"]
    assert bars == ["prefix", "postfix"]


def test_relations_are_operators_and_capital_greek_is_upright():
    assert operator(r"P \succeq 0", "⪰") is not None
    assert next(tree(r"\Sigma").iter("mi")).get("mathvariant") == "normal"
    assert [element.text for element in tree(r"d_{\mathrm{KL}}").iter("mi")] == ["d", "KL"]


def test_sized_delimiter_under_a_script_stands_in_a_row():
    base = tree(r"\Bigl( x \Bigr)^2").find(".//msup")[0]
    assert (base.tag, base[0].text, base[0].get("form")) == ("mrow", ")", "postfix")


def test_several_lines():
    assert len(list(tree(r"\begin{aligned} a &= b \\ c &= d \end{aligned}").iter("mtr"))) == 2


@pytest.mark.parametrize(
    "latex",
    [
        r"\frac{",
        r"\left( a",
        "",
        r"\unknown{x}",
        "a & b",
        r"\text{<b>}",
        r"\text{<script>alert(1)</script>}",
        r"\text{<mi onclick='alert(1)'>x</mi>}",
    ],
)
def test_what_cannot_be_typeset_is_shown_as_source(latex):
    markup = str(typeset(latex))
    assert markup.startswith('<code class="tex">')
    assert "<b>" not in markup
    assert "<script" not in markup
    assert "<mi" not in markup


def test_a_long_formula_of_a_text_line_may_break_after_its_relations():
    markup = str(typeset(r"A = |a - b| + f(c, d), \quad c \le \sum_k e_k"))
    pieces = [ElementTree.fromstring(piece) for piece in markup.split("<wbr>")]
    assert ["".join(piece.itertext()) for piece in pieces] == ["A=", "|a−b|+", "f(c,d),", "c≤", "∑kek"]
    assert pieces[0][-1].get("form") == "infix"


def test_short_and_displayed_formulas_stay_whole():
    assert "<wbr>" not in typeset(r"w_k > 0")
    assert "<wbr>" not in typeset(r"A = |a - b| + f(c, d), \quad c \le \sum_k e_k", display=True)


@pytest.mark.parametrize("identifier", STATEMENTS)
def test_every_statement_of_the_theory_is_typeset(identifier):
    statement = STATEMENTS[identifier]
    assert typeset(statement.statement, display=True).startswith("<math")
    for line in (statement.title, *statement.hypotheses, statement.source, statement.remark):
        assert 'class="tex"' not in typeset_inline(line)


def test_inline_text():
    assert str(typeset_inline("a < b & $x$ <i>")).startswith("a &lt; b &amp; <math")
    assert str(typeset_inline("costs $5")) == "costs $5"
    assert split_inline("a $x$ b") == [(False, "a "), (True, "x"), (False, " b")]


def test_bars_that_say_their_side_are_bars():
    for latex in (r"\lvert a \rvert", r"\lVert a \rVert_2", r"\Big\| a \Big\|_2"):
        bars = [element for element in tree(latex).iter("mo") if element.text in ("|", "‖")]
        assert [bar.get("form") for bar in bars] == ["prefix", "postfix"]
    assert [bar.get("stretchy") for bar in tree(r"\lvert a \rvert").iter("mo")] == ["false", "false"]
