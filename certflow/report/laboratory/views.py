"""All views of a distillation experiment in one directory: JSON, CSV, HTML, Markdown and figures."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from markupsafe import Markup

from certflow.atomic import write_text_atomic
from certflow.distill.results import SCHEMA, Growth, Results
from certflow.errors import InputError
from certflow.law.library import from_mapping
from certflow.process import OrnsteinUhlenbeck
from certflow.report.formatting import value_text
from certflow.report.html import FigureView, environment
from certflow.report.laboratory.findings import MEANING, evidence, limits, sentences, tables, taken
from certflow.report.laboratory.plots import Drawing
from certflow.report.laboratory.table import Table
from certflow.report.markdown import cell_text, code_lines, table_lines, text
from certflow.report.saved import read_document

FILE = "distill.json"
_REQUIRED = "a distill.json as `certflow distill --out DIR` writes it"


@dataclass(frozen=True)
class Experiment:
    """What the views show: results, the growth of perturbations, grids that were left out, the command line."""

    results: Results
    process: OrnsteinUhlenbeck
    growth: Growth | None
    left_out: Sequence[str]
    command: str

    @classmethod
    def of(cls, results: Results) -> Experiment:
        """From what `distill.json` keeps."""
        setting = results.setting
        process = OrnsteinUhlenbeck(from_mapping(setting["law"]), setting["t_min"], setting["t_max"])
        growth = Growth.from_mapping(setting["growth"]) if "growth" in setting else None
        return cls(results, process, growth, setting.get("left_out", ()), setting.get("command", "cf.distill.run"))

    @property
    def name(self) -> str:
        return self.process.mixture.name or "unnamed mixture"

    def sentences(self) -> list[str]:
        return sentences(self.results, self.growth)

    def facts(self) -> list[tuple[str, Any]]:
        """What a reader sees first."""
        setting = self.results.setting
        return [
            ("components", setting["components"]),
            ("dimension", setting["dimension"]),
            ("time interval", f"{setting['t_min']} ≤ t ≤ {setting['t_max']}"),
            ("segments", ", ".join(map(str, self.results.segments()))),
            ("seeds", len({row["seed"] for row in self.results.rows})),
            ("training steps", setting["settings"]["steps"]),
            ("maps trained", setting["maps"]),
            ("parameters per map", setting["parameters_per_map"]),
        ]

    def run(self) -> list[tuple[str, Any]]:
        """How it was obtained."""
        setting = self.results.setting
        return [
            ("time and place", taken(setting)),
            ("reference flow", setting["reference"]),
            ("maps and training", setting["settings"]),
            *setting.get("environment", {}).items(),
        ]


def figures(experiment: Experiment) -> list[Drawing]:
    """The figures that there is something to draw for, in the order of the page."""
    from certflow.report.laboratory.error_maps import error_map
    from certflow.report.laboratory.flow_plots import clouds, growth_of_perturbations
    from certflow.report.laboratory.plots import errors_by_number, errors_by_segment, nodes

    results, process = experiment.results, experiment.process
    found = [errors_by_number(results), nodes(results, process), errors_by_segment(results)]
    found += [error_map(results, process), clouds(results)]
    if experiment.growth is not None:
        found.append(growth_of_perturbations(experiment.growth, process))
    return [drawing for drawing in found if drawing is not None]


def write_experiment(experiment: Experiment, directory: str | os.PathLike[str]) -> list[Path]:
    """Write `distill.html`, `.md`, `.json`, `.csv` and `figures/*.svg`, each atomically; returns the paths."""
    views = render(experiment)  # everything is rendered before anything is written
    return [*_written(views, directory), *experiment.results.save(directory)]


def load_experiment(directory: str | os.PathLike[str]) -> Experiment:
    """The experiment whose `distill.json` lies in `directory`.

    Raises
    ------
    InputError : `distill.json` is missing, unreadable, truncated, of another schema, or lacks something.
    """
    path = Path(directory) / FILE
    data = read_document(path, SCHEMA, _REQUIRED)
    with _readable(path):
        return Experiment.of(Results.from_mapping(data))


def rebuild_experiment(directory: str | os.PathLike[str]) -> tuple[Experiment, list[Path]]:
    """Make the pages and figures anew from `distill.json` alone; returns the experiment and the paths written.

    Raises
    ------
    InputError : as `load_experiment`.
    """
    experiment = load_experiment(directory)
    with _readable(Path(directory) / FILE):
        views = render(experiment)
    return experiment, _written(views, directory)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Within the block, what is missing in a file is said in one line."""
    try:
        yield
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise InputError(str(path), f"{type(error).__name__} {error}", _REQUIRED) from None


def render(experiment: Experiment) -> dict[str, str]:
    """The pages and figures, by their paths in the directory."""
    drawings = figures(experiment)
    pages = {"distill.html": render_html(experiment, drawings), "distill.md": render_markdown(experiment, drawings)}
    return pages | {f"figures/distill-{drawing.name}.svg": drawing.svg for drawing in drawings}


def _written(contents: Mapping[str, str], directory: str | os.PathLike[str]) -> list[Path]:
    return [write_text_atomic(Path(directory) / name, content) for name, content in contents.items()]


def documented(results: Results, growth: Growth | None, left_out: Sequence[str], command: str) -> Results:
    """The results with all that a page shows beside them."""
    from certflow import __version__

    known = {
        "environment": {
            "certflow": __version__,
            "python": platform.python_version(),
            "platform": f"{platform.system()} {platform.machine()}",
            "cores": str(os.cpu_count()),
        }
    }
    told = {"left_out": list(left_out), "command": command}
    more = {} if growth is None else {"growth": growth.mapping()}
    return replace(results, setting={**results.setting, **known, **told, **more})


def render_html(experiment: Experiment, drawings: Sequence[Drawing]) -> str:
    """The experiment as one HTML page: no scripts, no network, everything inside."""
    views = [FigureView(f"figure-{one.name}", one.title, one.caption, Markup(one.svg)) for one in drawings]
    return (
        environment()
        .get_template("distill.html.j2")
        .render(
            name=experiment.name,
            facts=experiment.facts(),
            sentences=experiment.sentences(),
            diverged=experiment.results.diverged(),
            left_out=experiment.left_out,
            tables=tables(experiment.results),
            figures=views,
            evidence=evidence(experiment.results),
            meaning=MEANING,
            limits=limits(experiment.results),
            command=experiment.command,
            run=experiment.run(),
        )
    )


def render_markdown(experiment: Experiment, drawings: Sequence[Drawing]) -> str:
    """The experiment in GitHub-flavoured Markdown; figures are linked as `figures/distill-NAME.svg`."""
    told = [*experiment.sentences(), *experiment.results.diverged(), *experiment.left_out]
    lines = [
        f"# {text(experiment.name)}: certflow distillation laboratory",
        "",
        f"**{evidence(experiment.results)}**",
        "",
    ]
    lines += [*(f"- {text(sentence)}" for sentence in told), ""]
    lines += [*table_lines(("", ""), [(text(key), cell_text(value_text(value))) for key, value in experiment.facts()])]
    for table in tables(experiment.results):
        lines += ["", f"## {text(table.title)}", "", *_numbers(table), "", text(table.note)]
    lines += ["", "## Figures", ""]
    for one in drawings:
        image = f"![{text(one.caption)}](figures/distill-{one.name}.svg)"
        lines += [f"### {text(one.title)}", "", image, "", text(one.caption), ""]
    lines += ["## What it means and does not mean", "", text(MEANING), ""]
    lines += [text(limits(experiment.results)), "", "## The run", ""]
    lines += [*code_lines(experiment.command, "sh"), ""]
    lines += table_lines(("", ""), [(text(key), cell_text(value_text(value))) for key, value in experiment.run()])
    return "\n".join(lines) + "\n"


def _numbers(table: Table) -> list[str]:
    rows = [
        tuple(f"**{text(cell)}**" if (i, j) in table.best else cell_text(cell) for j, cell in enumerate(row))
        for i, row in enumerate(table.rows)
    ]
    return table_lines(tuple(map(cell_text, table.head)), rows)
