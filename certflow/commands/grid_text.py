"""What `certflow grid` prints of a grid: the table with its picture, or the same as JSON."""

from __future__ import annotations

from typing import Any

from certflow.commands.grid_making import Made
from certflow.commands.grid_request import Request
from certflow.commands.grid_table import Table
from certflow.commands.texts import headline
from certflow.grids.grid import TimeGrid
from certflow.grids.nodes import DISTILLED
from certflow.numbers.numerals import exponential, figure
from certflow.planning.names import PREDICTED, summary_of
from certflow.process import OrnsteinUhlenbeck
from certflow.samplers.solvers import SOLVERS
from certflow.terminal import filled, table


def grid_text(request: Request, made: Made, process: OrnsteinUhlenbeck, shown: Table, ends: tuple[str, str]) -> str:
    """The nodes with what belongs to them, the picture, what the columns say, and for which maps the grid is meant."""
    found = made.grid
    number = f"{found.segments} segment{'s' if found.segments > 1 else ''}"
    options = ", ".join(
        f"{name.replace('_', ' ')} {_value(value)}" for name, value in found.options.items() if name not in PREDICTED
    )
    kind = f"{found.kind} ({options})" if options else found.kind
    lines = [
        filled(f"{headline(process.mixture)}, {ends[0]} ≤ t ≤ {ends[1]}"),
        filled(f"{number}, {kind}{_for(found)}: {summary_of(found.kind)}"),
        "",
        table(*_cells(found, shown, ends)),
        "",
        *_picture(found, shown, ends),
        "",
        filled(_explanation(found, shown)),
        "",
        filled(_meaning(request, made)),
    ]
    return "\n".join(lines)


def _meaning(request: Request, made: Made) -> str:
    """For which maps the grid is meant, what it costs, and what error is predicted or measured."""
    found, solver = made.grid, request.solver
    cost = request.evaluations(found.segments)
    words = [f"{sentence[0].upper()}{sentence[1:]}." for sentence in made.told]
    if solver is None:
        words.append(
            f"For maps that are trained on the segments, one evaluation for each ({cost} in all). A solver "
            f"({', '.join(SOLVERS)}) wants other nodes: --sampler."
        )
        return " ".join(words)
    over = f"these {found.segments} segments" if found.segments > 1 else "this one segment"
    words.append(
        f"For the solver {solver}: {cost} evaluation{'s' if cost > 1 else ''} of the model over {over}; a sampler "
        "that steps on from t_min to noise level 0 makes one more."
    )
    if (comparison := made.comparison) is not None:
        words.append(
            f"{comparison.sentence()}. Measured on the same {comparison.samples} draws, against the exact flow."
        )
    elif found.options.get(PREDICTED[0]) is not None:
        words.append(f"{prediction(found)}, {found.options['reason']}.")
        if request.tolerance is not None and request.segments is None:
            words.append(f"No fewer segments that were tried are predicted to reach {figure(request.tolerance)}.")
    return " ".join(words)


def prediction(found: TimeGrid) -> str:
    """The error that the search predicts, and how far to trust it."""
    error, factor = (found.options[name] for name in PREDICTED[:2])
    return f"Predicted relative MSE {figure(error, 3)}, nine times in ten within a factor {factor:.2f}"


def _for(found: TimeGrid) -> str:
    return "" if found.sampler == DISTILLED else f" for {found.sampler}"


def _value(value: Any) -> str:
    return figure(value) if isinstance(value, float) else str(value)


def _cells(found: TimeGrid, shown: Table, ends: tuple[str, str]) -> tuple[list[str], list[list[str]]]:
    head = [
        "k",
        "t",
        "σ",
        "½ log SNR",
        *(["∫λ"] if shown.exponents else []),
        *([shown.name] if shown.integrals else []),
    ]
    rows = []
    for k, (t, sigma, ratio) in enumerate(zip(found.times, shown.sigmas, found.half_log_snr, strict=True)):
        time = ends[1] if k == 0 else ends[0] if k == found.segments else figure(t, 6)
        columns = [column for column in (shown.exponents, shown.integrals) if column]
        rows.append([str(k), time, figure(sigma), figure(ratio), *(figure(c[k - 1]) if k else "" for c in columns)])
    return head, rows


def _picture(found: TimeGrid, shown: Table, ends: tuple[str, str]) -> list[str]:
    """The curves over `log t`, and the nodes on their axis."""
    from certflow.commands.unicode_plot import log_plot, stride

    curves = [("○", shown.curve_bound)] if shown.curve_bound else []
    legend = ["○ λ(t)"] if shown.curve_bound else []
    curves.append(("·", shown.curve_typical))
    lines = log_plot(shown.curve_times, curves, [*legend, "· typical ‖∇u‖_F", "● nodes, on the axis"], ends)
    step = stride(len(shown.curve_times))
    axis, start = list(lines[-2]), lines[-2].index("└") + 1
    for column in shown.columns(found.times):
        axis[start + column // step] = "●"
    return [*lines[:-2], "".join(axis), lines[-1]]


def _explanation(found: TimeGrid, shown: Table) -> str:
    words = []
    if shown.exponents:
        largest = max(shown.exponents)
        words.append(
            "∫λ is taken from t_k to t_(k-1): the segment that ends at node k multiplies the distance of any two "
            f"points by at most exp ∫λ (F1). The largest is {figure(largest)}, a factor {exponential(largest)}"
        )
        if shown.uniform is not None and found.kind != "uniform":
            words.append(
                f"(with nodes uniform in t it is {figure(shown.uniform)}, a factor {exponential(shown.uniform)}):"
            )
            words.append("an upper bound for every x.")
        else:
            words[-1] += ": an upper bound for every x."
    else:
        words.append("This mixture has no global bound (proofs/L8.md), so no exponent is shown.")
    if "positive_until" in found.options:
        words.append(
            f"Beyond t = {figure(found.options['positive_until'])} the flow contracts: the first segment takes that in."
        )
    if shown.integrals:
        words.append(f"{shown.name} is what this grid makes equal: {shown.meaning}.")
    words.append(
        "The typical ‖∇u‖_F of the plot is the root mean square of the Frobenius norm at sampled points, no bound."
    )
    return " ".join(words)


def grid_mapping(
    request: Request, made: Made, process: OrnsteinUhlenbeck, shown: Table, ends: tuple[str, str]
) -> dict[str, Any]:
    """The document `certflow/grid-table/1`.

    sampler : the maps that the grid is meant for; evaluations : of the model, over its segments;
    predicted_relative_mse, within_factor : what a pilot or a search predicts, null where neither was asked;
    measured : for nodes of a named kind with a solver, the solver's error on them and on the best grid, on common draws
    """
    mixture, found = process.mixture, made.grid
    measured = None if made.comparison is None else made.comparison.mapping()
    return {
        "schema": "certflow/grid-table/1",
        "mixture": mixture.name,
        "components": mixture.n_components,
        "dimension": mixture.dimension,
        "covariance": mixture.kind,
        "t_min": ends[0],
        "t_max": ends[1],
        "kind": found.kind,
        "options": dict(found.options),
        "segments": found.segments,
        "sampler": found.sampler,
        "evaluations": request.evaluations(found.segments),
        **{name: found.options.get(name) for name in PREDICTED[:2]},
        **({} if measured is None else {"measured": measured}),
        "arithmetic": "float64",
        "rows": shown.rows(found),
    }
