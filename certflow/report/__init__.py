"""Views of one result: HTML, Markdown, JSON, JUnit and a CI job summary.

Names load on first use, so that importing this package pulls in neither Jinja2 nor Matplotlib.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "append_job_summary": "views",
    "density_and_flow": "plots",
    "figures_for": "plots",
    "load_figures": "views",
    "load_report": "views",
    "render_html": "html",
    "render_junit": "junit",
    "render_markdown": "markdown",
    "summary_markdown": "markdown",
    "write_certificates": "views",
    "write_views": "views",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
