"""All views of one report in one directory, and the way back from the directory to the report."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from certflow.atomic import write_text_atomic
from certflow.certificate.envelope import certificate_text, write_certificate
from certflow.errors import InputError
from certflow.report.again import MIXTURE_FILE
from certflow.report.badge import badge
from certflow.report.captions import FIGURE_NAMES, caption
from certflow.report.citation import bibliography
from certflow.report.commands import CHECKER
from certflow.report.document import Document
from certflow.report.formatting import json_text
from certflow.report.graph.drawing import draw_alone
from certflow.report.graph.nodes import report_nodes
from certflow.report.html import render_html
from certflow.report.junit import render_junit
from certflow.report.markdown import render_markdown, summary_markdown
from certflow.report.svg import isolate
from certflow.report.verdict import mixture_name
from certflow.report.witnesses import witness_scripts

#: The figure that every report has, made from it alone; the page draws its own.
GRAPH = "graph"
#: Certificates are named after their claim.
_OWN_NAME = re.compile(r"[A-Z][0-9]+(-[a-z0-9.+-]+)?\.json")
_OWN_SCRIPT = re.compile(r"[A-Z][0-9]+\.py")


def write_views(
    report: Document, directory: str | os.PathLike[str], figures: Mapping[str, str] | None = None
) -> list[Path]:
    """Write `report.json`, `report.md`, `report.html`, `junit.xml` and `figures/*.svg`, each atomically.

    `figures/graph.svg`, the graph of statements, is drawn from the report whatever the figures are.
    With them what the commands of the page need: the mixture alone, the witnesses as files of Python, beside the
    certificates the checker; and `badge.svg` and `report.bib`.
    `figures` maps names (lower case letters, digits, hyphens) to SVG text. Without it, the figures that lie
    in the directory already are used, so that the views are rebuilt without computing anything. Returns
    the paths written. Raises `ValueError` for a bad figure name or a figure that is not SVG.
    """
    folder = Path(directory)
    kept = load_figures(folder) if figures is None else _checked(figures)
    page = render_html(report, kept)  # everything is rendered before anything is written
    contents = {
        "report.json": report_json(report),
        "report.md": render_markdown(report, kept),
        "report.html": page,
        "junit.xml": render_junit(report),
        f"figures/{GRAPH}.svg": draw_alone(report_nodes(report), f"{mixture_name(report)}: what rests on what"),
        "badge.svg": badge(report),
        "report.bib": bibliography(report),
        MIXTURE_FILE: _encodable(json_text(report.mixture) + "\n"),
        **witness_scripts(report),
        **(_checker() if report.certificates else {}),
    }
    if figures is not None:
        contents |= {f"figures/{name}.svg": svg for name, svg in kept.items()}
        for name in set(FIGURE_NAMES) - set(kept):  # of an earlier run on another mixture
            (folder / "figures" / f"{name}.svg").unlink(missing_ok=True)
    for path in (folder / "witnesses").glob("*.py"):
        if f"witnesses/{path.name}" not in contents and _OWN_SCRIPT.fullmatch(path.name):
            path.unlink(missing_ok=True)
    return [write_text_atomic(folder / name, content) for name, content in contents.items()]


def write_certificates(report: Document, directory: str | os.PathLike[str]) -> list[Path]:
    """Write the certificates that the evidence of a report carries, and remove those of an earlier run.

    A file that holds its certificate already is left alone: a run writes each as soon as it is found. Evidence that
    was read back from a file names its certificates without carrying them: then nothing is touched. Returns the paths
    written.
    """
    folder = Path(directory)
    evidence = [item for result in report.results for item in result.evidence]
    if any(set(item.certificates) != set(item.contents) for item in evidence):
        return []
    contents = {path: certificate for item in evidence for path, certificate in item.contents.items()}
    for path in (folder / "certificates").glob("*.json"):
        if f"certificates/{path.name}" not in contents and _OWN_NAME.fullmatch(path.name):
            path.unlink(missing_ok=True)
    missing = {path: found for path, found in contents.items() if not _holds(folder / path, certificate_text(found))}
    return [write_certificate(certificate, folder / path) for path, certificate in missing.items()]


def _holds(path: Path, text: str) -> bool:
    try:
        return path.is_file() and path.read_bytes() == text.encode("utf-8")
    except OSError:
        return False


def report_json(report: Document) -> str:
    """The report as JSON text that `load_report` reads back to an equal report."""
    return _encodable(json_text(report.model_dump(by_alias=True)) + "\n")


def _encodable(text: str) -> str:
    """Surrogates have no UTF-8 form; every other character JSON carries as it is."""
    return re.sub("[\ud800-\udfff\x7f-\x9f]", lambda match: f"\\u{ord(match.group()):04x}", text)


def _checker() -> dict[str, str]:
    """The modules of the independent checker, by their places beside the certificates."""
    folder = files("certflow.certificate.checker")
    modules = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".py"))
    return {f"{CHECKER}/{name}": (folder / name).read_text(encoding="utf-8") for name in modules}


def load_figures(directory: str | os.PathLike[str]) -> dict[str, str]:
    """The figures kept in `directory/figures`, by name, but for the graph of statements; empty if there are none.

    Raises `ValueError`, naming the file, for one that is not an SVG document.
    """
    figures: dict[str, str] = {}
    for path in sorted((Path(directory) / "figures").glob("*.svg")):
        if path.stem == GRAPH:
            continue
        try:
            figures |= _checked({path.stem: path.read_text(encoding="utf-8")})
        except ValueError as error:
            raise InputError(str(path), f"unusable ({error})", "an SVG document, or no file") from None
    return figures


def append_job_summary(report: Document) -> Path | None:
    """Append `summary_markdown(report)` to the file named by GITHUB_STEP_SUMMARY; `None` if it is not set."""
    target = os.environ.get("GITHUB_STEP_SUMMARY")
    if not target:
        return None
    with open(target, "a", encoding="utf-8", newline="\n") as stream:
        stream.write(summary_markdown(report))
    return Path(target)


def _checked(figures: Mapping[str, str]) -> dict[str, str]:
    for name in figures:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
            raise InputError("figure name", name, "lower case letters, digits and single hyphens")
        if name == GRAPH:
            raise InputError("figure name", name, "another name: the graph of statements has it")
    return {name: isolate(svg, name, caption(name) if "<title" not in svg else "") for name, svg in figures.items()}
