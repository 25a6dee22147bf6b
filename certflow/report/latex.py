r"""Tables as LaTeX with booktabs: `\toprule`, caption and label, escaped text, powers of ten that are set as such.

A cell, a head and a caption are LaTeX already: `escaped` makes it of plain text, `numeral` of a printed number, `cell`
of what a terminal shows, `enclosure` of two ends, rounded outwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from certflow.law.mixture import GaussianMixture
from certflow.numbers.numerals import above, below
from certflow.report.formatting import clean

_NUMBER = r"[-−+]?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?"
#: A number, perhaps with its deviation, that is no part of a word.
_NUMERAL = re.compile(rf"(?<![\w.])({_NUMBER})(?: ± ({_NUMBER}))?(?![\w.]*\w)")
_PARTS = re.compile(r"([-+]?)([0-9.]+)(?:e([+-]?[0-9]+))?")
#: Plain text on the left; what stands for it outside of formulas.
_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "[": "{[}",  # after the end of a row it would open a length
    "]": "{]}",
    "*": "{*}",
    "–": "--",
    "—": "---",
    "…": r"\dots{}",
    "“": "``",
    "”": "''",
    "‘": "`",
    "’": "'",
    "\u00a0": "~",
}
_GREEK = "αβγδεηθκλμνξπρστφχψωΓΔΛΣΦΨΩ"
_NAMES = (
    r"\alpha \beta \gamma \delta \varepsilon \eta \theta \kappa \lambda \mu \nu \xi \pi \rho \sigma \tau \varphi \chi "
    r"\psi \omega \Gamma \Delta \Lambda \Sigma \Phi \Psi \Omega"
)
#: Signs that are set as formulas.
_SIGNS = {
    **dict(zip(_GREEK, _NAMES.split(), strict=True)),
    "∫": r"\int",
    "∇": r"\nabla",
    "‖": r"\|",
    "≤": r"\le",
    "≥": r"\ge",
    "≈": r"\approx",
    "≠": r"\ne",
    "∈": r"\in",
    "∂": r"\partial",
    "±": r"\pm",
    "×": r"\times",
    "·": r"\cdot",
    "→": r"\to",
    "∞": r"\infty",
    "√": r"\surd",
    "−": "-",
    "½": r"\frac{1}{2}",
}
#: Raised digits.
_RAISED = dict(zip("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789", strict=True)) | {"²": "2", "³": "3"}

#: Columns beyond which a table of small type is wider than the text of an article.
MANY = 8


@dataclass(frozen=True)
class LatexTable:
    r"""A `table` of booktabs; every text in it is LaTeX.

    label : without `tab:`; columns : letters of the columns, the first to the left and the others to the right if empty
    """

    caption: str
    label: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    columns: str = ""

    def text(self) -> str:
        """The lines of the table."""
        size = "small" if len(self.head) <= MANY else "footnotesize"
        letters = self.columns or "l" + "r" * (len(self.head) - 1)
        return "\n".join(
            [
                r"\begin{table}[htbp]",
                rf"  \centering\{size}\setlength{{\tabcolsep}}{{3pt}}",
                rf"  \caption{{{self.caption}}}",
                rf"  \label{{tab:{self.label}}}",
                rf"  \begin{{tabular}}{{@{{}}{letters}@{{}}}}",
                r"    \toprule",
                f"    {_row(self.head)}",
                r"    \midrule",
                *(f"    {_row(row)}" for row in self.rows),
                r"    \bottomrule",
                r"  \end{tabular}",
                r"\end{table}",
            ]
        )


def latex_text(tables: Iterable[LatexTable], packages: Sequence[str] = ("booktabs",)) -> str:
    """The tables as a text to be read by `\\input`, with the packages that it needs in a comment."""
    needed = "".join(rf"\usepackage{{{package}}}" for package in packages)
    return "\n\n".join([f"% {needed}", *(table.text() for table in tables)]) + "\n"


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def escaped(text: str) -> str:
    r"""Plain text as LaTeX, on one line: nothing in it is a command.

    >>> escaped("50 % of a_b, {x} ≤ 3")
    '50 \\% of a\\_b, \\{x\\} $\\le $ 3'
    """
    return _joined(_pieces(" ".join(clean(text).split())))


def _pieces(text: str) -> Iterator[tuple[bool, str]]:
    """What stands for plain text, in pieces: is it a formula, and its LaTeX."""
    for i, character in enumerate(text):
        if character in _SIGNS:
            yield True, f"{_SIGNS[character]} "
        elif character in _RAISED:
            yield True, f"{{}}^{{{_RAISED[character]}}}"
        elif character == "-" and text[i + 1 : i + 2] == "-":
            yield False, "-{}"  # two would be set as a dash
        else:
            yield False, _ESCAPES.get(character, character)


def _joined(pieces: Iterable[tuple[bool, str]]) -> str:
    """Pieces with dollar signs about formulas, neighbours in one pair of them."""
    runs = [(formula, "".join(p for _, p in run)) for formula, run in groupby(pieces, key=lambda piece: piece[0])]
    return "".join(f"${run}$" if formula else run for formula, run in runs)


def numeral(text: str) -> str:
    r"""A printed number, without dollar signs: `1.2e-05` is `1.2\times 10^{-5}`.

    >>> numeral("-1.971e+434"), numeral("0.5"), numeral("e^1.2e+20"), numeral("inf")
    ('-1.971\\times 10^{434}', '0.5', '\\mathrm{e}^{1.2\\times 10^{20}}', '\\infty')
    """
    text = text.strip().replace("−", "-")
    if text.lstrip("+-") in ("inf", "∞"):
        return ("-" if text.startswith("-") else "") + r"\infty"
    if text.startswith("e^"):
        return rf"\mathrm{{e}}^{{{numeral(text[2:])}}}"
    found = _PARTS.fullmatch(text)
    if found is None:
        return rf"\mathrm{{{escaped(text)}}}"
    sign, figures, exponent = found.groups()
    sign = sign.replace("+", "")
    if exponent is None:
        return f"{sign}{figures}"
    power = f"10^{{{int(exponent)}}}"
    return f"{sign}{power}" if figures == "1" else rf"{sign}{figures}\times {power}"


def number(text: str) -> str:
    """A printed number as a cell."""
    return f"${numeral(text)}$"


def enclosure(lower: Any, upper: Any, digits: int = 6) -> str:
    """`$[a, b]$`, which holds the exact numbers `lower` and `upper`: rounded outwards to so many digits.

    >>> enclosure("2.76083879", "2.7632460759")
    '$[2.76083, 2.76325]$'
    """
    return f"$[{numeral(below(lower, digits))}, {numeral(above(upper, digits))}]$"


def cell(text: str) -> str:
    r"""What a terminal shows in a cell, its numbers set as numbers.

    >>> cell("3.4e-05 ± 6e-06"), cell("–"), cell("91.2 %"), cell("-2")
    ('$3.4\\times 10^{-5} \\pm 6\\times 10^{-6}$', '--', '91.2 \\%', '$-2$')
    """
    found: list[tuple[bool, str]] = []
    end = 0
    text = " ".join(clean(text).split())
    for match in _NUMERAL.finditer(text):
        found += _pieces(text[end : match.start()])
        value, deviation = match.groups()
        if deviation:
            found.append((True, rf"{numeral(value)} \pm {numeral(deviation)}"))
        else:
            found.append((not re.fullmatch(r"[0-9.]+", value), numeral(value)))
        end = match.end()
    return _joined([*found, *_pieces(text[end:])])


def label_of(*names: str) -> str:
    """A label of plain characters."""
    return re.sub("[^a-z0-9]+", "-", "-".join(names).lower()).strip("-")


def subject(mixture: GaussianMixture) -> str:
    """A mixture in a few words of a caption."""
    count, name = mixture.n_components, escaped(mixture.name) or "unnamed"
    return rf"mixture \emph{{{name}}} ({count} component{'s' if count > 1 else ''} in dimension {mixture.dimension})"
