"""Names, order and captions of the figures; apart from the plots so that a rebuild needs no Matplotlib."""

from __future__ import annotations

#: Figures in the order of a report.
FIGURE_NAMES = ("density-flow", "rates", "stability", "amplification")

_TITLES = {
    "density-flow": "Density and probability flow",
    "rates": "Rates of the velocity field",
    "stability": "Cumulative stability",
    "amplification": "Amplification",
}

_CAPTIONS = {
    "rates": (
        "The two-sided Lipschitz bound L(t) and the one-sided growth rate λ(t) of the sampling direction, "
        "over time on a logarithmic axis. Only λ enters the amplification of errors, and λ ≤ L. Markers, where "
        "there are any: the suprema over all x themselves, enclosed at single times; what the bounds give away is "
        "the distance to them. Measured, no bound: the rate at which sampling drives neighbours apart at draws of the "
        "process, in the worst direction there, the largest and the median, shaded up to 95 % of the draws."
    ),
    "stability": ("The integrals of L and λ from δ to t: the exponents of the stability estimate for the flow map."),
    "amplification": (
        "The exponentials of these integrals, on a logarithmic axis: upper bounds for how much an error made "
        "at time t can have grown when sampling reaches δ."
    ),
}

_SHADING = "Shaded: the regions of highest density that hold 20, 50, 80 and 95 % of the mass"
_PANELS = "The noised mixture at three times in the order of sampling, from noise to data"

_DENSITY = {
    1: (
        "The density of the noised mixture over time, with flow lines that start at evenly spaced quantiles "
        f"at t = T. {_SHADING} at each time. On the left, the density at the data end."
    ),
    2: f"{_PANELS}, with flow lines from points drawn at t = T. {_SHADING}; crosses mark the means.",
    3: (
        f"{_PANELS}, projected on the first two principal axes of the means, with the projections of flow "
        f"lines from points drawn at t = T. {_SHADING} of the projected law; crosses mark the means."
    ),
}


def figure_title(name: str) -> str:
    """Heading of a figure; the name itself for one that is not of this package."""
    return _TITLES.get(name, name.replace("-", " "))


def caption(name: str, dimension: int = 2) -> str:
    """What a figure shows, in words; also what a screen reader says in its place."""
    if name == "density-flow":
        return _DENSITY[min(dimension, 3)]
    return _CAPTIONS.get(name, figure_title(name))
