"""The columns of the table of rows, with what each means."""

from __future__ import annotations

from collections.abc import Mapping

from certflow.sweep.experiments.experiment import Figure
from certflow.sweep.experiments.registry import EXPERIMENTS
from certflow.sweep.tasks import Question

#: What describes a mixture; these are the axes that diagrams may have.
PARAMETERS: Mapping[str, str] = {
    "components": "K",
    "dimension": "d",
    "covariances": "kind: common-isotropic, isotropic, shared, full",
    "sigma": "root of the mean variance of a component along a coordinate",
    "separation": "largest distance of two means, D",
    "nearest": "least distance of two different means",
    "ratio": "separation / sigma",
    "imbalance": "largest weight / smallest weight",
    "layout": "where the means lie: line, ring, simplex, random; empty where no family says so",
    "anisotropy": "largest variance / smallest variance that the family asked for",
    "data": "the data set that was fitted",
}

#: The other columns before the figures.
GENERAL: Mapping[str, str] = {
    "mixture": "name of the mixture",
    "family": "name of its table in the specification",
    **PARAMETERS,
    "t_min": "data end of the interval of t",
    "t_max": "noise end",
    "task": "label of the question: an experiment, a claim by its id, or a function of one's own",
    "kind": "claim, experiment or call",
    "options": "of the question, as JSON",
    "status": "done, refused, out of budget, error or crashed",
    "outcome": "of a claim its outcome; of an experiment measured, violated or inconclusive",
    "reason": "why a task was refused, failed, or what its figures refute",
    "seconds": "wall time of the task in its process",
    "cpu_seconds": "processor time of the task, in its process and in those that it started",
    "key": "hash of the task: its file is results/KEY.json",
}

#: Figures of a claim.
CLAIM: Mapping[str, Figure] = {
    "checks": Figure("pieces of evidence that were collected"),
    "weakest": Figure("the weakest kind of evidence that holds"),
    "kinds": Figure("the kinds of evidence that hold"),
}


def figures_of(question: Question) -> Mapping[str, Figure]:
    """The figures that are known of a question before it is asked; none of a function of one's own."""
    if question.kind == "claim":
        return CLAIM
    if question.kind == "experiment":
        extra = {
            _mse(grid): Figure(f"the error on the grid {grid}", "log") for grid in question.options.get("grids", [])
        }
        return {**extra, **EXPERIMENTS[question.name].figures}
    return {}


def _mse(grid: str) -> str:
    from certflow.sweep.experiments.comparison import column

    return column(grid)


def prefix(question: Question) -> str:
    """What stands before the figures of a question in the names of columns."""
    return {"claim": "claim", "call": question.label}.get(question.kind, question.name)


def described(asked: tuple[Question, ...]) -> dict[str, str]:
    """Every column that these questions fill, with its meaning, in order."""
    found = dict(GENERAL)
    for question in asked:
        for name, figure in figures_of(question).items():
            found.setdefault(f"{prefix(question)}.{name}", figure.meaning)
    return found
