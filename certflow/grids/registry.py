"""All kinds of time grids behind one function (THEORY G1-G3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from certflow.errors import InputError
from certflow.grids.grid import MAX_SEGMENTS, TimeGrid
from certflow.grids.options import SAMPLES, SEED, Option, count, one_of, optional, positive
from certflow.grids.rates import finished
from certflow.process import OrnsteinUhlenbeck


@dataclass(frozen=True)
class Kind:
    """How the nodes of one kind of grid are found.

    module : where its function `nodes(process, segments, **options)` is, which returns nodes, shape (K + 1,), latest
    first, and options that depend on the mixture; rates : what `rate` may be, the default first (empty: no rate)
    """

    module: str
    summary: str
    options: Mapping[str, Option] = field(default_factory=dict)
    rates: tuple[str, ...] = ()


def _coordinate(summary: str, **options: Option) -> Kind:
    return Kind("certflow.grids.kinds.coordinates", summary, options)


#: The rate of the default kind; for a kind that does not know it, it stands for the kind's own default.
DEFAULT_RATE = "one-sided"

#: The kinds by name.
KINDS: dict[str, Kind] = {
    "uniform": _coordinate("uniform in t"),
    "quadratic": _coordinate("uniform in the square root of t"),
    "cosine": _coordinate(
        "uniform in the phase of the cosine schedule of improved DDPM", offset=Option(0.008, positive)
    ),
    "geometric": _coordinate("uniform in log t"),
    "logsnr": _coordinate("uniform in log-SNR, that is in log sigma"),
    "karras": _coordinate("uniform in sigma^(1/rho) (EDM)", rho=Option(7.0, positive)),
    "exponential": _coordinate("uniform in log sigma (the name that k-diffusion has for it)"),
    "polyexponential": _coordinate("log sigma along ramp^rho (k-diffusion)", rho=Option(1.0, positive)),
    "flow-matching": _coordinate(
        "uniform in u = sigma/(1 + sigma), then u -> k u/(1 + (k-1) u)", shift=Option(1.0, positive)
    ),
    "arctan": _coordinate(
        "uniform in arctan(sigma/c): exactly optimal for Euler on one Gaussian of scale c",
        scale=Option(None, optional(positive)),
    ),
    "ays": Kind(
        "certflow.grids.kinds.ays",
        "minimises the bound KLUB of Align Your Steps for this mixture",
        {"samples": Option(4096, SAMPLES.check), "seed": SEED},
    ),
    "gits": Kind(
        "certflow.grids.kinds.gits",
        "dynamic programming on how far Euler steps leave the exact trajectories (GITS)",
        {
            "candidates": Option(None, optional(count(3, 2001))),
            "coefficient": Option(1.15, positive),
            "metric": Option("l2", one_of(("l2", "deviation"))),
            "samples": Option(256, SAMPLES.check),
            "seed": SEED,
        },
    ),
    "score-optimal": Kind(
        "certflow.grids.kinds.score_optimal",
        "equal lengths of the path of scores (Score-Optimal Diffusion Schedules)",
        {"samples": SAMPLES, "seed": SEED},
    ),
    "stability-balanced": Kind(
        "certflow.grids.kinds.balanced",
        "equal integrals of a bound of the rate, so that the largest exponent of a segment is least",
        rates=("one-sided", "two-sided", "sharp"),
    ),
    "typical": Kind(
        "certflow.grids.kinds.typical",
        "equal integrals of the size of the Jacobian at typical points",
        {"samples": SAMPLES, "seed": SEED},
        rates=("frobenius", "spectral"),
    ),
}


#: The kind that a pilot chooses, the kind of a grid made from the pilot itself, and what such grids tell.
AUTO, PLANNED = "auto", "planned"
PREDICTED = ("predicted_relative_mse", "within_factor", "reason")
#: What `certflow.planning.planner.recommend` may be told beside.
PLAN_OPTIONS = ("settings", "device", "progress")


def summary_of(kind: str) -> str:
    """What the nodes of this kind are, in a few words."""
    if kind in KINDS:
        return KINDS[kind].summary
    return "the shortest path in predicted errors of segments" if kind == PLANNED else "nodes of one's own"


def time_grid(
    process: OrnsteinUhlenbeck,
    segments: int | None = 8,
    kind: str = "stability-balanced",
    rate: str | None = None,
    *,
    tolerance: float | None = None,
    **options: Any,
) -> TimeGrid:
    """`t_0 = t_max > t_1 > ... > t_K = t_min`, the nodes of a sampler of `K` segments (THEORY G1-G3).

    Parameters
    ----------
    segments : `K`, from 1 to 10,000; None with a tolerance
    kind : a name of `certflow.grids.KINDS`; "auto" leaves the choice to a pilot (needs torch, takes some ten seconds)
    tolerance : a relative mean squared error between 0 and 1: the fewest segments for which a pilot predicts at most
        this (`certflow.planning.planner`); the grid's options tell the predicted error and how far to trust it
    rate : for "stability-balanced" one of one-sided (`lambda`, the default), two-sided (the paper's `L`), sharp
        (`lambda*`, enclosed); for "typical" one of frobenius (default), spectral; other kinds have no rate
    options : those of the kind, see `KINDS[kind].options`; of a plan settings, device and progress

    The first and the last node are `t_max` and `t_min` exactly. Whatever determined the others stands in `.options`.

    Raises
    ------
    InputError : an unknown kind, rate or option; a mixture for which the kind has no grid (`stability-balanced`
        needs a global bound, THEORY L8); nodes that float64 cannot tell apart.
    """
    if not isinstance(process, OrnsteinUhlenbeck):
        raise InputError("process", process, "a certflow.OrnsteinUhlenbeck")
    if process.mixture.is_symbolic:
        raise InputError("mixture", "symbolic parameters", "numbers")
    if kind == AUTO or tolerance is not None:
        # Imported here: the planner stands on the grids, so it is on a higher floor.
        from certflow.planning.planner import recommend

        check_plan(rate, options)
        return recommend(process, segments, tolerance, kind=kind, **options).grid
    number = count(1, MAX_SEGMENTS)("segments", segments)
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError("kind", kind, f"one of {', '.join(KINDS)}, {AUTO}")
    given = _checked(kind, rate, options)
    module = import_module(KINDS[kind].module)
    extra = {"kind": kind} if module.__name__ == "certflow.grids.kinds.coordinates" else {}
    times, found = module.nodes(process, number, **extra, **given)
    return finished(process, kind, times, given | found)


def check_plan(rate: str | None, options: Mapping[str, Any]) -> None:
    """Raise `InputError` for a rate or an option of a kind: a plan compares kinds with their defaults."""
    given = {"rate": None if rate == DEFAULT_RATE else rate, **options}
    for name, value in given.items():
        if value is not None and name not in PLAN_OPTIONS:
            raise InputError(name, value, f"no {name} for a plan, which compares kinds with their defaults")


def _checked(kind: str, rate: str | None, options: Mapping[str, Any]) -> dict[str, Any]:
    known = KINDS[kind]
    if rate == DEFAULT_RATE and rate not in known.rates:
        rate = None  # what a caller who names the default for every kind means
    for name in options:
        if name not in known.options:
            have = [*(["rate"] if known.rates else []), *known.options]
            raise InputError(name, options[name], f"an option of kind {kind}, which has {', '.join(have) or 'none'}")
    checked: dict[str, Any] = {}
    if known.rates:
        checked["rate"] = known.rates[0] if rate is None else one_of(known.rates)("rate", rate)
    elif rate is not None:
        raise InputError("rate", rate, f"no rate for kind {kind} (kinds with a rate: {', '.join(_with_rates())})")
    return checked | {
        name: option.check(name, options.get(name, option.default)) for name, option in known.options.items()
    }


def _with_rates() -> list[str]:
    return [name for name, kind in KINDS.items() if kind.rates]
