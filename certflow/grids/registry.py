"""All kinds of time grids behind one function (proofs/G1.md to G3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from certflow.errors import InputError, did_you_mean, unknown
from certflow.grids.grid import MAX_SEGMENTS, TimeGrid
from certflow.grids.kinds import ays, balanced, coordinates, entropic, gits, optimal_steps, score_optimal, typical
from certflow.grids.model_field import ModelField
from certflow.grids.options import SAMPLES, SEED, Option, count, one_of, optional, positive
from certflow.grids.rates import finished
from certflow.numbers.arrays import Times
from certflow.process import OrnsteinUhlenbeck


@dataclass(frozen=True)
class Kind:
    """How the nodes of one kind of grid are found.

    nodes : `nodes(process, segments, **options)`, which returns nodes, shape (K + 1,), latest first, and options that
    depend on the mixture; rates : what `rate` may be, the default first (empty: no rate); of_models : whether a model
    has such a grid
    """

    nodes: Callable[..., tuple[Times, dict[str, Any]]]
    summary: str
    options: Mapping[str, Option] = field(default_factory=dict)
    rates: tuple[str, ...] = ()
    of_models: bool = True


def _coordinate(name: str, summary: str, **options: Option) -> tuple[str, Kind]:
    return name, Kind(partial(coordinates.nodes, kind=name), summary, options)


#: The kind that is made where none is named.
DEFAULT_KIND = "stability-balanced"

#: The rate of the default kind; for a kind that does not know it, it stands for the kind's own default.
DEFAULT_RATE = "one-sided"

#: The kinds that are uniform in a coordinate: of all but arctan's scale they know the two ends alone.
COORDINATES = dict(
    (
        _coordinate("uniform", "uniform in t"),
        _coordinate("quadratic", "uniform in the square root of t"),
        _coordinate(
            "cosine", "uniform in the phase of the cosine schedule of improved DDPM", offset=Option(0.008, positive)
        ),
        _coordinate("geometric", "uniform in log t"),
        _coordinate("logsnr", "uniform in log-SNR, that is in log sigma"),
        _coordinate("karras", "uniform in sigma^(1/rho) (EDM)", rho=Option(7.0, positive)),
        _coordinate("exponential", "uniform in log sigma (the name that k-diffusion has for it)"),
        _coordinate("polyexponential", "log sigma along ramp^rho (k-diffusion)", rho=Option(1.0, positive)),
        _coordinate(
            "flow-matching",
            "uniform in u = sigma/(1 + sigma), then u -> k u/(1 + (k-1) u)",
            shift=Option(1.0, positive),
        ),
        _coordinate(
            "arctan",
            "uniform in arctan(sigma/c): exactly optimal for Euler on one Gaussian of scale c",
            scale=Option(None, optional(positive)),
        ),
    )
)

#: The kinds by name.
KINDS: dict[str, Kind] = {
    **COORDINATES,
    "ays": Kind(
        ays.nodes,
        "minimises the bound KLUB of Align Your Steps for this mixture",
        {"samples": Option(4096, SAMPLES.check), "seed": SEED},
    ),
    "entropic": Kind(
        entropic.nodes,
        "equal decrements of the entropy of the data given the noised point (entropic time)",
        {"samples": SAMPLES, "seed": SEED},
        rates=entropic.RATES,
    ),
    "gits": Kind(
        gits.nodes,
        "dynamic programming on how far Euler steps leave the exact trajectories (GITS)",
        {
            "candidates": Option(None, optional(count(3, 2001))),
            "coefficient": Option(1.15, positive),
            "metric": Option("l2", one_of(("l2", "deviation"))),
            "samples": Option(256, SAMPLES.check),
            "seed": SEED,
        },
    ),
    "optimal-steps": Kind(
        optimal_steps.nodes,
        "dynamic programming on how far a rollout of Euler steps is from the exact trajectories (OptimalSteps)",
        {
            "candidates": Option(None, optional(count(3, 2001))),
            "shift": Option(1.0, positive),
            "samples": Option(256, SAMPLES.check),
            "seed": SEED,
        },
    ),
    "score-optimal": Kind(
        score_optimal.nodes,
        "equal lengths of the path of scores (Score-Optimal Diffusion Schedules)",
        {"samples": SAMPLES, "seed": SEED},
    ),
    "stability-balanced": Kind(
        balanced.nodes,
        "equal integrals of a bound of the rate, so that the largest exponent of a segment is least",
        rates=("one-sided", "two-sided", "sharp"),
        of_models=False,
    ),
    "typical": Kind(
        typical.nodes,
        "equal integrals of the size of the Jacobian at typical points",
        {"samples": SAMPLES, "seed": SEED},
        rates=("frobenius", "spectral"),
    ),
}


def grid_of_kind(
    process: OrnsteinUhlenbeck | ModelField,
    segments: Any,
    kind: str = DEFAULT_KIND,
    rate: str | None = None,
    **options: Any,
) -> TimeGrid:
    """`t_0 = t_max > t_1 > ... > t_K = t_min`, the nodes of one kind (proofs/G1.md, G2.md, G3.md); no pilot is asked.

    `certflow.time_grid` is this and the choice among kinds; its parameters and errors are told there. Of a model it
    takes the field with its data.
    """
    if not isinstance(process, OrnsteinUhlenbeck | ModelField):
        raise InputError("process", process, "a certflow.OrnsteinUhlenbeck")
    if isinstance(process, OrnsteinUhlenbeck) and process.mixture.is_symbolic:
        raise InputError("mixture", "symbolic parameters", "numbers")
    number = count(1, MAX_SEGMENTS)("segments", segments)
    if not isinstance(kind, str) or kind not in KINDS:
        raise unknown("kind", kind, KINDS)
    if isinstance(process, ModelField) and not KINDS[kind].of_models:
        known = [name for name, entry in KINDS.items() if entry.of_models]
        raise unknown("kind", kind, known, after=" for a model: a bound over all x is known of mixtures alone")
    given = _checked(kind, rate, options)
    times, found = KINDS[kind].nodes(process, number, **given)
    return finished((process.t_min, process.t_max), kind, times, given | found)


def _checked(kind: str, rate: str | None, options: Mapping[str, Any]) -> dict[str, Any]:
    known = KINDS[kind]
    if rate == DEFAULT_RATE and rate not in known.rates:
        rate = None  # what a caller who names the default for every kind means
    for name in options:
        if name not in known.options:
            have = [*(["rate"] if known.rates else []), *known.options]
            which = f"an option of kind {kind}, which has {', '.join(have) or 'none'}{did_you_mean(name, have)}"
            raise InputError(name, options[name], which)
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
