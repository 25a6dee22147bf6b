r"""A report as LaTeX tables: its main numbers, the claims by chapter with the strength of their evidence, the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from certflow.claims.model import ClaimResult, Kind, Outcome
from certflow.numbers.numerals import above, exponential_above
from certflow.report import verdict
from certflow.report.document import Document
from certflow.report.latex import LatexTable, cell, enclosure, escaped, label_of, latex_text, number, numeral
from certflow.report.mathml import split_inline

PACKAGES = ("booktabs", "array", "amsmath", "amssymb")
_RATES = {"one-sided": r"\lambda^*", "two-sided": "L^*"}


def report_latex(report: Document) -> str:
    """Tables of booktabs; enclosures rounded outwards, bounds up."""
    return latex_text(_tables(report), PACKAGES)


def _tables(report: Document) -> Iterator[LatexTable]:
    yield _numbers(report)
    for group in verdict.groups(report):
        decided = [result for result in group.results if result.outcome not in _OPEN]
        if decided:
            yield _claims(report, group.key, group.title, decided)
    rest = [result for result in report.results if result.outcome in _OPEN]
    if rest:
        yield _rest(report, rest)


_OPEN = (Outcome.NOT_APPLICABLE, Outcome.NOT_CHECKED)


def _subject(report: Document) -> str:
    count, dimension = len(report.mixture["weights"]), len(report.mixture["means"][0])
    return (
        rf"mixture \emph{{{escaped(verdict.mixture_name(report))}}} ($K = {count}$, $d = {dimension}$), "
        rf"${numeral(report.t_min)} \le t \le {numeral(report.t_max)}$"
    )


def _label(report: Document, *names: str) -> str:
    return label_of(*names, verdict.mixture_name(report))


def _numbers(report: Document) -> LatexTable:
    """Suprema that were enclosed, the exponents of the stability estimates and their factors."""
    rows = [
        (f"${symbol}({numeral(t)})$", enclosure(lower, upper), "enclosure")
        for symbol, t, lower, upper in _enclosed(report)
    ]
    if (curves := report.curves) is not None:
        for symbol, values in (("L", curves.stability_two_sided), (r"\lambda", curves.stability_one_sided)):
            if values is not None:
                rows.append((rf"$\int {symbol}$", number(above(values[-1])), "double precision, rounded up"))
                rows.append((rf"$\exp\int {symbol}$", number(exponential_above(values[-1])), rows[-1][2]))
    for item in (item for result in report.results for item in result.evidence if item.outcome is Outcome.HOLDS):
        if (found := item.numbers.get("integral_of_the_sharp_rate")) is not None:
            rows.append((r"$\int \lambda^*$", f"${found}$", "enclosure"))
            factor = number(str(item.numbers["amplification_at_most"]))
            rows.append((r"$\exp\int \lambda^*$", factor, "enclosure, rounded up"))
    rows.append(("certificates", str(len(report.certificates)), "to be checked by \\texttt{certflow check}"))
    held = sum(result.outcome is Outcome.HOLDS for result in report.results)
    rows.append(("claims that hold", str(held), escaped(f"of {verdict.checked(report)} checked")))
    caption = f"Main numbers, {_subject(report)}. Verdict: {escaped(verdict.headline(report))}."
    return LatexTable(caption, _label(report, "numbers"), ("quantity", "value", "how it is known"), rows, "lrl")


def _enclosed(report: Document) -> Iterator[tuple[str, str, Fraction, Fraction]]:
    """Symbol, time and ends of every sharp rate that was enclosed, once each."""
    seen = set()
    for result in report.results:
        for item in result.evidence:
            if item.kind is Kind.ENCLOSURE and item.outcome is Outcome.HOLDS:
                for row in item.numbers.get("sharp_rates", ()):
                    if (row["rate"], row["t"]) not in seen:
                        seen.add((row["rate"], row["t"]))
                        yield _RATES[row["rate"]], row["t"], Fraction(row["lower"]), Fraction(row["upper"])


def _claims(report: Document, key: str, title: str, results: list[ClaimResult]) -> LatexTable:
    rows = [
        (
            escaped(result.id),
            _prose(result.title),
            escaped(result.outcome.value),
            escaped(", ".join(verdict.KIND_LABEL[kind] for kind in _kinds(result))),
            _prose(_decisive(result)),
        )
        for result in results
    ]
    caption = (
        f"{escaped(title)}: claims, {_subject(report)}. Evidence is listed from the strongest to the weakest kind, and "
        "a claim is never stronger than the weakest, of which the last column tells."
    )
    ragged = r">{\raggedright\arraybackslash}"
    columns = rf"l{ragged}p{{0.21\linewidth}}l{ragged}p{{0.17\linewidth}}{ragged}p{{0.35\linewidth}}"
    head = ("claim", "statement", "outcome", "evidence", "the weakest of it says")
    return LatexTable(caption, _label(report, "claims", key or "other"), head, rows, columns)


def _kinds(result: ClaimResult) -> list[Kind]:
    """The kinds of evidence that give the claim its outcome, the strongest first."""
    found = {item.kind for item in result.evidence if item.outcome is result.outcome}
    return [kind for kind in Kind if kind in found]


def _decisive(result: ClaimResult) -> str:
    found = verdict.weakest(result)
    return result.reason or ("" if found is None else found.summary)


def _rest(report: Document, results: list[ClaimResult]) -> LatexTable:
    """Claims that do not apply or were not checked, by the reason why."""
    reasons: dict[tuple[Outcome, str], list[str]] = {}
    for result in results:
        reasons.setdefault((result.outcome, result.reason), []).append(result.id)
    rows = [
        (escaped(", ".join(ids)), escaped(outcome.value), _prose(reason)) for (outcome, reason), ids in reasons.items()
    ]
    caption = f"Claims that do not apply or were not checked, {_subject(report)}."
    columns = r">{\raggedright\arraybackslash}p{0.2\linewidth}l>{\raggedright\arraybackslash}p{0.55\linewidth}"
    return LatexTable(caption, _label(report, "rest"), ("claims", "outcome", "why"), rows, columns)


#: What a terminal writes for symbols.
_SYMBOLS = {
    "lambda_max(-J)": r"\lambda_{\max}(-J)",
    "lambda*": r"\lambda^*",
    "lambda": r"\lambda",
    "||J||_2": r"\|J\|_2",
    "||J||": r"\|J\|",
    "sigma^2": r"\sigma^2",
    "sigma": r"\sigma",
    "int": r"\int",
}
_SYMBOL = re.compile(
    r"lambda_max\(-J\)|\blambda\*|\blambda\b|\|\|J\|\|(?:_2)?|\bsigma\^2|\bsigma\b|\bint(?= (?:lambda|L)\b)"
)


def _prose(text: str) -> str:
    """Text with inline formulas, which stay what they are; signs that a terminal writes in ASCII are set as such."""
    return "".join(f"${piece}$" if formula else _spaced(piece) for formula, piece in split_inline(text))


def _spaced(piece: str) -> str:
    """A piece of text, the symbols in it set as such, that keeps the spaces which part it from formulas."""
    parts, end = list[str](), 0
    for match in _SYMBOL.finditer(piece):
        parts += [_plain(piece[end : match.start()]), f"${_SYMBOLS[match[0]]}$"]
        end = match.end()
    return "".join([*parts, _plain(piece[end:])])


def _plain(piece: str) -> str:
    before = " " if piece[:1].isspace() else ""
    after = " " if piece[-1:].isspace() and piece.strip() else ""
    return f"{before}{cell(_signs(piece))}{after}"


def _signs(piece: str) -> str:
    for plain, sign in (("<=", "≤"), (">=", "≥"), ("||", "‖")):
        piece = piece.replace(plain, sign)
    return piece
