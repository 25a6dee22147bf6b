"""Grids uniform in a coordinate (G3), against published nodes and against the published formulas in mpmath."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy.optimize import minimize

import certflow as cf
from certflow.grids.kinds.coordinates import data_scale, log_sigma, time_of_log_sigma

#: The first 16 of the 18 noise levels of EDM (sigma_min 0.002, sigma_max 80, rho 7), as other programs print them.
EDM = [
    *(80.0, 57.58598472124816, 40.78557379650796, 28.374584604156844, 19.35245298032523, 12.91008238075732),
    *(8.400935309099816, 5.315194521796382, 3.256821519765537, 1.9233398370400518, 1.088170636545279),
    *(0.5853481231945422, 0.29644228447915727, 0.13951646873101678, 0.05994731123547159, 0.022934518372333384),
]
#: A schedule printed in the documentation of GITS: members of the 61 candidates between the same ends.
GITS = (80, 10.9836, 3.8811, 1.584, 0.5666, 0.1698, 0.002)
ENDS = [("0.01", "3"), ("1e-6", "3"), ("1e-12", "20"), ("2.999", "3")]


def time_of(sigma: float) -> float:
    return math.log1p(sigma**2) / 2


def process(t_min: Any = "0.01", t_max: Any = "3", name: str = "two-modes") -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck(cf.load_mixture(name), t_min, t_max)


def test_karras_has_the_published_levels_of_edm() -> None:
    grid = cf.time_grid(process(time_of(0.002), time_of(80.0)), 17, "karras")
    assert grid.sigmas[:16] == pytest.approx(EDM, rel=1e-9)
    assert grid.sigmas[-1] == pytest.approx(0.002, rel=1e-9)


def test_karras_has_the_published_schedule_of_gits_among_its_nodes() -> None:
    sigmas = cf.time_grid(process(time_of(0.002), time_of(80.0)), 60, "karras").sigmas
    for level in GITS:
        assert np.abs(np.round(sigmas, 4) - level).min() < 1e-9, level


def sigma(t: Any) -> Any:
    return mpmath.sqrt(mpmath.expm1(2 * t))


def back(s: Any) -> Any:
    return mpmath.log1p(s * s) / 2


def half_log_snr(t: Any) -> Any:
    """ln(m / sqrt(1 - m^2))."""
    return mpmath.log(mpmath.exp(-t) / mpmath.sqrt(1 - mpmath.exp(-2 * t)))


def karras(high: Any, low: Any, share: Any) -> Any:
    """EDM, eq. 5."""
    a, b = (mpmath.root(sigma(t), 7) for t in (high, low))
    return back((a + share * (b - a)) ** 7)


def exponential(high: Any, low: Any, share: Any) -> Any:
    """k-diffusion, get_sigmas_exponential: a straight line of log sigma."""
    a, b = (mpmath.log(sigma(t)) for t in (high, low))
    return back(mpmath.exp(a + share * (b - a)))


def polyexponential(high: Any, low: Any, share: Any) -> Any:
    """k-diffusion, get_sigmas_polyexponential with rho = 3."""
    a, b = (mpmath.log(sigma(t)) for t in (high, low))
    return back(mpmath.exp((1 - share) ** 3 * (a - b) + b))


def cosine(high: Any, low: Any, share: Any) -> Any:
    """Improved DDPM, eq. 17: alpha_bar = f(tau)/f(0), with tau in equal steps."""
    s = mpmath.mpf("0.008")
    whole = 1 + s

    def f(tau: Any) -> Any:
        return mpmath.cos((tau + s) / whole * mpmath.pi / 2) ** 2

    def tau(t: Any) -> Any:
        return whole * 2 / mpmath.pi * mpmath.acos(mpmath.sqrt(mpmath.exp(-2 * t) * f(0))) - s

    a, b = tau(high), tau(low)
    return -mpmath.log(f(a + share * (b - a)) / f(0)) / 2


def shifted(high: Any, low: Any, share: Any) -> Any:
    """SD3, eq. 23, with shift 3: equal steps of s, then u = 3 s / (1 + 2 s); sigma = u / (1 - u)."""

    def unshifted(t: Any) -> Any:
        u = sigma(t) / (1 + sigma(t))
        return u / (3 - 2 * u)

    a, b = unshifted(high), unshifted(low)
    s = a + share * (b - a)
    u = 3 * s / (1 + 2 * s)
    return back(u / (1 - u))


def arctan(high: Any, low: Any, share: Any) -> Any:
    """Align Your Steps, theorem 3.1, with c = 0.7."""
    c = mpmath.mpf(0.7)
    a, b = (mpmath.atan(sigma(t) / c) for t in (high, low))
    return back(c * mpmath.tan((1 - share) * a + share * b))


def straight(q: Callable[[Any], Any], inverse: Callable[[Any], Any]) -> Callable[[Any, Any, Any], Any]:
    return lambda high, low, share: inverse(q(high) + share * (q(low) - q(high)))


FORMULAS: dict[str, tuple[dict[str, Any], Callable[[Any, Any, Any], Any]]] = {
    "uniform": ({}, straight(lambda t: t, lambda q: q)),
    "quadratic": ({}, straight(mpmath.sqrt, lambda q: q * q)),
    "geometric": ({}, straight(mpmath.log, mpmath.exp)),
    "logsnr": ({}, straight(lambda t: -half_log_snr(t), lambda q: back(mpmath.exp(q)))),
    "exponential": ({}, exponential),
    "karras": ({}, karras),
    "polyexponential": ({"rho": 3}, polyexponential),
    "cosine": ({}, cosine),
    "flow-matching": ({"shift": 3}, shifted),
    "arctan": ({"scale": 0.7}, arctan),
}


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("kind", FORMULAS)
def test_nodes_follow_the_published_formula(kind: str, ends: tuple[str, str]) -> None:
    """50 digits against float64: 1e-12 of the time, at every scale of the data end."""
    options, formula = FORMULAS[kind]
    here = process(*ends)
    for segments in (1, 2, 7, 64):
        grid = cf.time_grid(here, segments, kind, **options)
        with mpmath.workdps(50):
            high, low = mpmath.mpf(here.t_max), mpmath.mpf(here.t_min)
            expected = [float(formula(high, low, mpmath.mpf(k) / segments)) for k in range(segments + 1)]
        assert grid.times == pytest.approx(expected, rel=1e-12)
        assert (grid.times[0], grid.times[-1]) == (here.t_max, here.t_min)


@pytest.mark.parametrize(("t_min", "t_max"), [("1e-300", "1"), ("1e-3", "700"), ("1e-12", "1e300"), ("400", "401")])
@pytest.mark.parametrize("kind", FORMULAS)
def test_extreme_intervals_give_a_grid_or_one_clear_line(kind: str, t_min: str, t_max: str) -> None:
    here = process(t_min, t_max)
    try:
        grid = cf.time_grid(here, 8, kind)
    except cf.InputError as error:
        assert "float64 cannot tell all nodes" in str(error)  # noqa: PT017
    else:
        assert (grid.times[0], grid.times[-1]) == (here.t_max, here.t_min)


def test_arctan_is_optimal_for_euler_on_one_gaussian() -> None:
    """Theorem 3.1 by brute force: the product of Euler's factors is nearest to the flow's on the arctan grid."""
    c, ends = 0.6, (0.05, 20.0)

    def contraction(inner: np.ndarray) -> float:
        s = np.concatenate([[ends[1]], inner, [ends[0]]])
        factor = 1 - (s[:-1] - s[1:]) * s[:-1] / (c * c + s[:-1] ** 2)
        exact = math.sqrt((c * c + ends[0] ** 2) / (c * c + ends[1] ** 2))
        return (float(np.prod(factor)) / exact - 1) ** 2

    start = np.geomspace(ends[1], ends[0], 6)[1:-1]
    found = minimize(
        contraction, start, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-16, "maxiter": 9000}
    )
    grid = cf.time_grid(process(time_of(ends[0]), time_of(ends[1])), 5, "arctan", scale=c)
    assert grid.sigmas[1:-1] == pytest.approx(found.x, rel=1e-3)
    assert contraction(grid.sigmas[1:-1]) <= found.fun * (1 + 1e-9)
    for other in ("logsnr", "karras", "flow-matching"):
        assert contraction(cf.time_grid(process(time_of(ends[0]), time_of(ends[1])), 5, other).sigmas[1:-1]) > found.fun


@pytest.mark.parametrize("name", ["two-modes", "wine", "iris-full", "two-variances"])
def test_the_default_scale_is_the_spread_of_the_data(name: str) -> None:
    here = process(name=name)
    data = here.mixture.sample(400_000, seed=1)
    assert data_scale(here) == pytest.approx(math.sqrt(data.var(axis=0).mean()), rel=5e-3)
    grid = cf.time_grid(here, 4, "arctan")
    assert grid.options["scale"] == data_scale(here)
    assert np.array_equal(grid.times, cf.time_grid(here, 4, "arctan", scale=data_scale(here)).times)


def test_sigma_and_half_log_snr() -> None:
    grid = cf.time_grid(process("1e-9", "20"), 16, "geometric")
    with mpmath.workdps(40):
        expected = [mpmath.log(sigma(mpmath.mpf(t))) for t in grid.times]
        ratios = [half_log_snr(mpmath.mpf(t)) for t in grid.times]
    assert grid.sigmas == pytest.approx([float(mpmath.exp(w)) for w in expected], rel=1e-13)
    assert grid.half_log_snr == pytest.approx([float(ratio) for ratio in ratios], rel=1e-13)
    assert log_sigma(grid.times) == pytest.approx([float(w) for w in expected], rel=1e-13)
    assert time_of_log_sigma(log_sigma(grid.times)) == pytest.approx(grid.times, rel=1e-13)


def test_names_that_mean_the_same() -> None:
    here = process()
    logsnr = cf.time_grid(here, 9, "logsnr").times
    assert np.array_equal(logsnr, cf.time_grid(here, 9, "exponential").times)
    assert cf.time_grid(here, 9, "polyexponential").times == pytest.approx(logsnr, rel=1e-13)
    assert cf.time_grid(here, 9, "karras", rho=1e5).times == pytest.approx(logsnr, rel=1e-3)
