"""A small reader of LaTeX tables that shares nothing with the package: it refuses what LaTeX would stumble over."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

#: Commands for single characters, and the character that each one shows.
SHOWN = {
    r"\textbackslash{}": "\\",
    r"\textasciicircum{}": "^",
    r"\textasciitilde{}": "~",
    r"\textless{}": "<",
    r"\textgreater{}": ">",
    r"\textbar{}": "|",
    r"\textquotedbl{}": '"',
    r"\textasciigrave{}": "`",
    r"\dots{}": "…",
    "-{}": "-",
    "{[}": "[",
    "{]}": "]",
    "{*}": "*",
    **{rf"\{character}": character for character in "{}$&#%_"},
}
_TOKEN = re.compile("|".join(map(re.escape, sorted(SHOWN, key=len, reverse=True))))


@dataclass(frozen=True)
class Read:
    """What a table says."""

    caption: str
    label: str
    columns: str
    head: list[str]
    rows: list[list[str]]


def shown(latex: str) -> str:
    """The text that escaped plain text shows; asserts that nothing in it is special to LaTeX."""
    assert not re.search(r"[\\{}$&#%_^~<>|\"`]|--", _TOKEN.sub("\0", latex)), latex
    return _TOKEN.sub(lambda found: SHOWN[found[0]], latex)


def value(latex: str) -> Fraction:
    r"""The number that a cell shows, as `$-1.2\times 10^{-5}$`."""
    found = re.fullmatch(r"\$?(-?)(?:([0-9.]+)(?:\\times )?)?(?:10\^\{(-?[0-9]+)\})?\$?", latex)
    assert found, latex
    sign, figures, power = found.groups()
    return Fraction(f"{sign}1") * Fraction(figures or 1) * Fraction(10) ** int(power or 0)


def ends(latex: str) -> tuple[Fraction, Fraction]:
    """The two ends of an enclosure, `$[a, b]$`."""
    low, high = latex.removeprefix("$[").removesuffix("]$").split(", ")
    return value(low), value(high)


def tables(text: str) -> list[Read]:
    """Every table of a text, which is nothing but tables and comments."""
    balanced(text)
    body = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    found = re.findall(r"\\begin\{table\}\[htbp\]\n(.*?)\\end\{table\}", body, re.DOTALL)
    assert not re.sub(r"\\begin\{table\}\[htbp\]\n.*?\\end\{table\}", "", body, flags=re.DOTALL).strip()
    return [_table(one) for one in found]


def balanced(text: str) -> None:
    """Braces, dollars and environments are closed as they were opened; every `%` of a line of text is escaped."""
    stack: list[str] = []
    depth = dollars = 0
    for line in text.splitlines():
        if line.startswith("%"):
            continue
        assert not re.search(r"(?<!\\)%", line), line
        for token in re.findall(r"\\begin\{\w+\}|\\end\{\w+\}|\\.|[{}$]", line):
            if token.startswith(r"\begin"):
                stack.append(token[7:-1])
            elif token.startswith(r"\end{"):
                assert stack.pop() == token[5:-1]
            elif token in "{}":
                depth += 1 if token == "{" else -1
                assert depth >= 0, line
            elif token == "$":
                dollars += 1
        assert depth == 0, line
        assert dollars % 2 == 0, line
    assert not stack


def _table(body: str) -> Read:
    lines = [line.strip() for line in body.strip().splitlines()]
    caption, label = lines[1].removeprefix(r"\caption{").removesuffix("}"), lines[2].removeprefix(r"\label{")[:-1]
    assert re.fullmatch(r"\\centering\\(small|footnotesize)\\setlength\{\\tabcolsep\}\{3pt\}", lines[0])
    assert re.fullmatch(r"tab:[a-z0-9-]+", label)
    columns = re.fullmatch(r"\\begin\{tabular\}\{@\{\}(.*)@\{\}\}", lines[3])[1]
    assert (lines[4], lines[6], lines[-2], lines[-1]) == (r"\toprule", r"\midrule", r"\bottomrule", r"\end{tabular}")
    rows = []
    for line in (lines[5], *lines[7:-2]):
        assert line.endswith(r" \\"), line
        assert not line.startswith(("[", "*")), line
        rows.append([cell.strip() for cell in re.split(r"(?<!\\)&", line.removesuffix(r"\\"))])
    wide = len(re.sub(r"[@>]\{(?:[^{}]|\{[^{}]*\})*\}|\{(?:[^{}])*\}", "", columns))
    assert {len(row) for row in rows} == {wide}, columns
    return Read(caption, label, columns, rows[0], rows[1:])
