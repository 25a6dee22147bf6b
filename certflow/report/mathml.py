"""LaTeX to MathML Core: the subset that browsers draw without help, or the source itself.

`latex2mathml` translates; the pass below repairs what MathML Core dropped since MathML 3 (named spaces,
`\\sup` with its limit at the side, operators without thin spaces) and admits nothing but presentation
elements, so that no statement can carry markup into a page.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache
from xml.etree import ElementTree

from latex2mathml.converter import convert_to_element
from markupsafe import Markup, escape

from certflow.report.formatting import clean

_ELEMENTS = frozenset(
    {
        "math", "mrow", "mi", "mo", "mn", "mtext", "mspace", "msub", "msup", "msubsup", "munder", "mover",
        "munderover", "mfrac", "msqrt", "mroot", "mtable", "mtr", "mtd", "mstyle", "mpadded", "mphantom",
        "mmultiscripts", "mprescripts", "none",
    }
)  # fmt: skip
_ATTRIBUTES = frozenset(
    {
        "display", "displaystyle", "scriptlevel", "mathvariant", "stretchy", "fence", "form", "minsize",
        "maxsize", "lspace", "rspace", "width", "accent", "movablelimits", "linethickness", "columnalign",
        "separator", "symmetric", "largeop",
    }
)  # fmt: skip
_NAMED_SPACE = {
    "negativethinmathspace": "-0.167em",
    "negativemediummathspace": "-0.222em",
    "negativethickmathspace": "-0.278em",
    "thinmathspace": "0.167em",
    "mediummathspace": "0.222em",
    "thickmathspace": "0.278em",
}
_LIMIT_OPERATORS = frozenset({"sup", "inf", "max", "min", "lim", "limsup", "liminf", "argmax", "argmin", "esssup"})
_UNDER = {"msub": "munder", "msup": "mover", "msubsup": "munderover"}
_SCRIPTS = frozenset({*_UNDER, *_UNDER.values()})
_ROWS = frozenset({"math", "mrow", "mtd", "mstyle", "mpadded", "msqrt"})
_OPENING, _CLOSING = "([{⟨⌊⌈", ")]}⟩⌋⌉!"
_LARGE = "∑∏∫∮⋃⋂"
_BREAKING = (",", ";", "=", "<", ">", ":")
_UNBROKEN = 14  # characters of a formula that a line of text keeps together
_ORDINARY = "∞∅∂∇∀∃⊤⊥"  # mathematical symbols that stand for things, not for operations
_REFERENCE = re.compile("&#x([0-9A-Fa-f]{1,5});")  # the translator's way to write a symbol
_UPRIGHT = re.compile("&#x000[4-7][0-9A-F];")  # an ASCII letter is written so only where it stands upright
_INLINE = re.compile(r"(?<!\\)\$(.+?)(?<!\\)\$", re.DOTALL)


def typeset(latex: str, *, display: bool = False) -> Markup:
    """MathML for `latex`; where the translation fails, the LaTeX itself in a `code` element."""
    markup = _convert(latex, display)
    if markup is None:
        return Markup('<code class="tex">{}</code>').format(clean(latex))
    return Markup(markup)


def typeset_inline(text: str) -> Markup:
    """Plain text whose parts between `$` signs are LaTeX; everything else is escaped."""
    parts: list[Markup] = []
    end = 0
    for match in _INLINE.finditer(text):
        parts += [escape(clean(text[end : match.start()])), typeset(match.group(1))]
        end = match.end()
    parts.append(escape(clean(text[end:])))
    return Markup("").join(parts)


def split_inline(text: str) -> list[tuple[bool, str]]:
    """`text` cut at its inline formulas: pairs (is LaTeX, content), for views that keep the LaTeX."""
    pieces: list[tuple[bool, str]] = []
    end = 0
    for match in _INLINE.finditer(text):
        pieces += [(False, text[end : match.start()]), (True, match.group(1))]
        end = match.end()
    pieces.append((False, text[end:]))
    return [piece for piece in pieces if piece[1]]


@lru_cache(maxsize=4096)  # the proof pages have about 2,000 formulas
def _convert(latex: str, display: bool) -> str | None:
    if clean(latex) != latex:
        return None
    source = re.sub(r"\\(begin|end)\{(?:aligned|gathered)\}", r"\\\1{split}", latex)
    source = source.replace(r"\operatorname*", r"\operatorname")
    source = re.sub(r"\\[lr]([vV])ert(?![A-Za-z])", lambda bar: "|" if bar.group(1) == "v" else r"\|", source)
    source = re.sub(r"(\\[bB]igg?[lrm]?)\s*\\\|", r"\1‖", source)  # whose sized bar the translator does not know
    try:
        root = convert_to_element(source, display="block" if display else "inline")
    except Exception:  # the translator raises its own types, KeyError, IndexError ...: all mean "cannot"
        return None
    if not _only_presentation(root):
        return None
    _repair(root)
    if display or len("".join(root.itertext())) <= _UNBROKEN:
        root.set("alttext", latex)
        return _text(root)
    return "<wbr>".join(map(_text, _broken(root)))


def _text(element: ElementTree.Element) -> str:
    """The markup of an element, without the search for namespaces that makes `ElementTree.tostring` slow."""
    tag, text = element.tag, element.text or ""
    named = "".join([f' {name}="{html.escape(value)}"' for name, value in element.items()])
    inner = "".join([_text(child) for child in element])
    return f"<{tag}{named}>{text if text.isalnum() else html.escape(text)}{inner}</{tag}>"


def _broken(root: ElementTree.Element) -> list[ElementTree.Element]:
    """A long formula of a text line as pieces between which the line may break.

    As TeX does: after a relation, a binary operator or a comma that no fence encloses. Browsers do not break
    a formula, and on a narrow screen it would run out of the page.
    """
    pieces = [ElementTree.Element("math", root.attrib)]
    row = root[0] if len(root) == 1 and root[0].tag == "mrow" else root
    depth = 0
    for child in row:
        operator = _core(child)
        pieces[-1].append(child)
        if operator.tag != "mo":
            continue
        form, symbol = operator.get("form"), operator.text or ""
        depth += (form == "prefix" and symbol in "|‖") or symbol in tuple(_OPENING)
        depth -= (form == "postfix" and symbol in "|‖") or symbol in tuple(_CLOSING)
        is_infix = form is None and (symbol in _BREAKING or unicodedata.category(symbol[:1] or " ") == "Sm")
        if is_infix and depth == 0 and symbol not in _LARGE + _ORDINARY and operator is child:
            operator.set("form", "infix")  # at the end of its piece it would be taken for a postfix
            pieces.append(ElementTree.Element("math", root.attrib))
    return [piece for piece in pieces if len(piece)]


def _only_presentation(root: ElementTree.Element) -> bool:
    """Whether every element is presentation MathML, with plain text; drops unknown attributes.

    The translator writes symbols as character references, which become the characters here.
    """
    for element in root.iter():
        text = element.text or ""
        if element.tag not in _ELEMENTS or "<" in text or text.startswith("\\"):
            return False
        if "&" in text:
            if element.tag == "mi" and _UPRIGHT.fullmatch(text):
                element.set("mathvariant", "normal")
            if "&" in _REFERENCE.sub("", text):
                return False
            element.text = _REFERENCE.sub(lambda match: clean(chr(int(match.group(1), 16))), text)
        for name in element.attrib.keys() - _ATTRIBUTES:
            del element.attrib[name]
    return True


def _repair(root: ElementTree.Element) -> None:
    for element in root.iter():
        for name, value in element.items():
            if value in _NAMED_SPACE:
                element.set(name, _NAMED_SPACE[value])
        _join_upright_letters(element)
        _reclassify(element)
        if element.tag in _UNDER and _name(element[0]) in _LIMIT_OPERATORS:
            element.tag = _UNDER[element.tag]
            element[0].tag = "mo"
            element[0].set("movablelimits", "true")
        _wrap_sized_base(element)
    for element in root.iter():
        if element.tag in _ROWS:
            _pair_bars(element)
            _space_row(element)


def _join_upright_letters(row: ElementTree.Element) -> None:
    """`KL` in upright type is one name, not the product of K and L."""
    if row.tag != "mrow" or len(row) < 2:
        return
    letters = list(row)
    if all(child.tag == "mi" and child.get("mathvariant") == "normal" for child in letters):
        letters[0].text = "".join(child.text or "" for child in letters)
        del letters[0].attrib["mathvariant"]  # names of several letters are upright by default
        for child in letters[1:]:
            row.remove(child)


def _wrap_sized_base(script: ElementTree.Element) -> None:
    """`\\Bigr)^2`: browsers size a delimiter in a row, not where it is itself the base of a script."""
    if script.tag not in _UNDER or script[0].get("minsize") is None:
        return
    delimiter = script[0]
    script.remove(delimiter)
    row = ElementTree.Element("mrow")
    row.append(delimiter)
    script.insert(0, row)
    if "form" not in delimiter.attrib and delimiter.text in tuple(_OPENING + _CLOSING):
        delimiter.set("form", "prefix" if delimiter.text in _OPENING else "postfix")


def _reclassify(element: ElementTree.Element) -> None:
    """Relations and arrows become operators, with their spaces; capital Greek letters stand upright."""
    symbol = element.text or ""
    if element.tag == "mo" and symbol in ("∞", "∅", "⊤", "⊥", "…", "⋯"):
        element.tag = "mi"
    if element.tag != "mi" or len(symbol) != 1:
        return
    if symbol == ";" or (unicodedata.category(symbol) == "Sm" and symbol not in _ORDINARY):
        element.tag = "mo"
    elif "Α" <= symbol <= "Ω":
        element.set("mathvariant", "normal")


def _core(element: ElementTree.Element) -> ElementTree.Element:
    """What decides the spaces about an element: the base of its scripts, the only child of its row."""
    while element.tag in _SCRIPTS or (element.tag == "mrow" and len(element) == 1):
        element = element[0]
    return element


def _name(element: ElementTree.Element) -> str:
    """The name of an operator such as `max` or `Cov`; empty for anything else."""
    text = element.text or ""
    if len(text) < 2 or element.tag not in ("mi", "mo"):
        return ""
    text = text.replace("\xa0", "").replace(" ", "")
    return text if len(text) > 1 and text.isalpha() else ""


def _pair_bars(row: ElementTree.Element) -> None:
    """Bars come in pairs: without a form, the middle of a row would space them as relations."""
    bars = [core for core in map(_core, row) if core.tag == "mo" and core.text in ("|", "‖")]
    bars = [bar for bar in bars if "form" not in bar.attrib]
    if len(bars) % 2 == 0:
        for index, bar in enumerate(bars):
            _set_space(bar, "0", "0", form="postfix" if index % 2 else "prefix")


def _space_row(row: ElementTree.Element) -> None:
    """Thin spaces around `log`, `max`, `Cov`, none after the minus of `(-J)`: TeX's rules, which the
    operator dictionary of MathML cannot know.
    """
    cores = [_core(child) for child in row]
    for index, core in enumerate(cores):
        before = cores[index - 1] if index else None
        after = cores[index + 1] if index + 1 < len(cores) else None
        if _name(core) and (len(cores) > 1 or core.tag == "mo"):
            core.tag = "mo"
            _set_space(core, "0.167em" if _ends_term(before) else "0", "0.167em" if _begins_term(after) else "0")
        elif core.tag == "mo" and core.text in ("−", "+", "±") and not _ends_term(before):
            _set_space(core, "0", "0", form="prefix")
        elif core.tag == "mo" and core.text == "/":
            _set_space(core, "0", "0")


def _ends_term(element: ElementTree.Element | None) -> bool:
    """Whether a binary operator may follow: after a variable or a closing fence, not after a relation."""
    if element is None or element.tag == "mspace":
        return False
    if element.tag != "mo":
        return True
    is_closing = element.get("form") == "postfix" or (element.text or " ") in _CLOSING + _ORDINARY
    return is_closing and element.get("form") != "prefix"


def _begins_term(element: ElementTree.Element | None) -> bool:
    """Whether a name needs a space before it: before a variable or another name, not before a fence."""
    if element is None or element.tag == "mspace":
        return False
    if element.tag == "mrow":  # \left( ... \right)
        return len(element) > 0 and _begins_term(_core(element[0]))
    return element.tag != "mo" or bool(_name(element)) or (element.text or "") in ("∇", "∂", "|", "‖", *_LARGE)


def _set_space(operator: ElementTree.Element, before: str, after: str, *, form: str | None = None) -> None:
    operator.set("lspace", before)
    operator.set("rspace", after)
    if form:
        operator.set("form", form)
