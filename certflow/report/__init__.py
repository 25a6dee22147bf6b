"""Views of one result: HTML, Markdown, JSON, JUnit and a CI job summary.

Names load on first use, so that importing this package pulls in neither Jinja2 nor Matplotlib.
"""

from __future__ import annotations

from certflow.lazy import attributes

_HOMES: dict[str, str] = {
    "Report": "certflow.report.report",
    "append_job_summary": "certflow.report.views",
    "density_and_flow": "certflow.report.plots",
    "figures_for": "certflow.report.plots",
    "load_figures": "certflow.report.views",
    "load_report": "certflow.report.report",
    "render_html": "certflow.report.html",
    "render_junit": "certflow.report.junit",
    "render_markdown": "certflow.report.markdown",
    "summary_markdown": "certflow.report.markdown",
    "write_certificates": "certflow.report.views",
    "write_views": "certflow.report.views",
}

__all__ = list(_HOMES)
__getattr__, __dir__ = attributes(__name__, _HOMES)
