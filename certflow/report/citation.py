"""How a report is cited: BibTeX of the report and of the paper whose theory it verifies."""

from __future__ import annotations

import hashlib
import json
import re

from certflow.report.badge import badge_words
from certflow.report.document import Document
from certflow.report.formatting import clean
from certflow.report.verdict import chosen, mixture_name

PAPER = """@misc{gao2026quantitative,
  title         = {A Quantitative Approximation Framework for Flow Distillation in Diffusion Models},
  author        = {Gao and Li and Shi and Zhou},
  year          = {2026},
  eprint        = {2606.03820},
  archivePrefix = {arXiv}
}
"""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{letter: "\\" + letter for letter in "{}%&$#_"},
}


def mixture_digest(report: Document) -> str:
    """SHA-256 of the law alone: the JSON of its weights, means and covariances, with sorted keys and no spaces."""
    law = {key: report.mixture.get(key) for key in ("weights", "means", "covariances")}
    return hashlib.sha256(json.dumps(law, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def citation(report: Document) -> str:
    """The BibTeX entry of the report: mixture and its digest, version, date, verdict."""
    digest = mixture_digest(report)
    version = report.environment.get("certflow", "")
    slug = re.sub(r"[^a-z0-9]+", "-", mixture_name(report).lower()).strip("-") or "mixture"
    some = f"{len(report.results)} of {report.claims_known} claims of " if chosen(report) else ""
    title = f"Verification of {some}flow distillation theory for the Gaussian mixture {mixture_name(report)}"
    dated = re.match(r"(\d{4})-(\d{2})-\d{2}", report.started)
    facts = [
        f"Verdict: {badge_words(report)}",
        f"{report.t_min} <= t <= {report.t_max}",
        f"profile {report.profile}",
        f"mixture SHA-256 {digest}",
    ]
    fields = {
        "title": f"{{{_tex(title)}}}",
        "author": f"{{{{{_tex(f'certflow {version}'.strip())}}}}}",
        "year": f"{{{dated[1]}}}" if dated else "",
        "month": _MONTHS[int(dated[2]) - 1] if dated and 1 <= int(dated[2]) <= 12 else "",
        "howpublished": f"{{{_tex(f'Report of {report.started[:10]}')}}}",
        "note": f"{{{_tex('; '.join(facts))}}}",
    }
    lines = [f"  {key:<12} = {value}" for key, value in fields.items() if value]
    return f"@misc{{certflow-{slug[:40]}-{digest[:8]},\n" + ",\n".join(lines) + "\n}\n"


def bibliography(report: Document) -> str:
    """Both entries: `report.bib`."""
    return f"{citation(report)}\n{PAPER}"


def _tex(text: str) -> str:
    """Text that stands for itself in BibTeX, on one line."""
    one_line = " ".join(clean(text).split())
    escaped = "".join(_SPECIAL.get(letter, letter) for letter in one_line)
    return escaped.replace("<=", r"$\le$")
