"""Chapter L: bounds of the Jacobian over all x, where they are attained, and where there is none."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
from hypothesis import strategies as st

from certflow.bounds.divergence import obstruction
from certflow.bounds.existence import Group
from certflow.numbers.arrays import Floats, Objects
from certflow.process import OrnsteinUhlenbeck
from certflow.testing.properties.arguments import moments, spots, two_spots
from certflow.testing.properties.property import (
    Property,
    at_most,
    equal,
    equal_pair,
    everywhere,
    has_bound,
    has_none,
    only,
    rounding,
)

#: What eigenvalues of a guarded Jacobian and a bound may lose, relative to their size.
_LOST = 1e-11


def _variance(process: Any, t: float) -> float:
    """`v = sigma^2 m^2 + 1 - m^2` of a common variance."""
    return float(process.mixture.covariances) * float(np.exp(-2 * t)) - float(np.expm1(-2 * t))


def norm(process: OrnsteinUhlenbeck, x: Floats, t: float) -> None:
    """L2, L6, L7, L8: `||J(x, t)||_2 <= L(t)`."""
    size = float(np.abs(np.linalg.eigvalsh(process.jacobian(x, t))).max())
    at_most(process, {"x": x, "t": t}, size, process.lipschitz_bound(t), _LOST * (1 + size))


def rate(process: OrnsteinUhlenbeck, x: Floats, t: float) -> None:
    """L3, L6, L7, L8: `lambda_max(-J(x, t)) <= lambda(t) <= L(t)`."""
    values = np.linalg.eigvalsh(process.jacobian(x, t))
    bound, inputs = process.growth_rate_bound(t), {"x": x, "t": t}
    slack = _LOST * (1 + float(np.abs(values).max()))
    at_most(process, inputs, -values[0], bound, slack)
    at_most(process, inputs, bound, process.lipschitz_bound(t), _LOST * (1 + abs(float(bound))))


def contraction(process: OrnsteinUhlenbeck, x: Floats, t: float) -> None:
    """L3: `lambda_min(-J(x, t)) >= 1 - 1/v`, common variance."""
    values = np.linalg.eigvalsh(process.jacobian(x, t))
    v = _variance(process, t)
    at_most(process, {"x": x, "t": t}, 1 - 1 / v, -values[-1], _LOST * (1 + 1 / v))


def closed_form(process: OrnsteinUhlenbeck, t: float) -> None:
    """L2, L3: the bounds are `max(|a|, |a - b|)` and `b - a`, `a = 1/v - 1`, `b = m^2 D^2 / (4 v^2)`."""
    v, means = _variance(process, t), process.mixture.means
    square = float(((means[:, None] - means[None]) ** 2).sum(-1).max())
    a, b = 1 / v - 1, float(np.exp(-2 * t)) * square / (4 * v**2)
    slack = _LOST * (1 + 1 / v + b)
    equal(process, {"t": t}, process.lipschitz_bound(t), max(abs(a), abs(a - b)), slack)
    equal(process, {"t": t}, process.growth_rate_bound(t), b - a, slack)


def differences(process: OrnsteinUhlenbeck, x: Floats, y: Floats, t: float) -> None:
    """`|u(x) - u(y)| <= L |x - y|` and `-(x - y) . (u(x) - u(y)) <= lambda |x - y|^2`: no Jacobian is asked."""
    change, gap = process.velocity(x, t) - process.velocity(y, t), x - y
    length, inputs = float(np.linalg.norm(gap)), {"x": x, "y": y, "t": t}
    two, one = float(process.lipschitz_bound(t)), float(process.growth_rate_bound(t))
    slack = 2 * len(x) * (rounding(process, x, t) + rounding(process, y, t))
    at_most(process, inputs, np.linalg.norm(change), two * length, slack + _LOST * two * length)
    at_most(process, inputs, -(gap @ change), one * length**2, (slack + _LOST * (1 + abs(one)) * length) * length)


def attained(process: OrnsteinUhlenbeck, t: float, along: tuple[int, ...]) -> None:
    """L4: two equal modes, on the hyperplane midway: `lambda_max(-J) = lambda`."""
    first, second = process.mixture.means
    normal = second - first
    step = np.array(along, dtype=float)
    step = step - (step @ normal) / (normal @ normal) * normal
    x = float(np.exp(-t)) * (first + second) / 2 + step
    wanted = process.growth_rate_bound(t)
    top = -np.linalg.eigvalsh(process.jacobian(x, t))[0]
    # off the hyperplane by a rounding e, the covariance falls by (m D e / v)^2, far below float64
    slack = 64 * _LOST * (1 + abs(float(wanted)))
    equal(process, {"x": x, "t": t}, top, wanted, slack)


@st.composite
def _midway(draw: st.DrawFn, process: OrnsteinUhlenbeck) -> tuple[float, tuple[int, ...]]:
    return draw(moments(process))[0], tuple(draw(st.integers(-3, 3)) for _ in range(process.mixture.dimension))


def sharp(process: OrnsteinUhlenbeck, x: Floats, t: float) -> None:
    """L5: `lambda_max(-J(x, t)) <= lambda*(t) <= lambda(t)`, `lambda*` enclosed over all x."""
    from certflow.enclosure import sharp_rate

    found, inputs = sharp_rate(process, t, gap="1e-3", seconds=10.0), {"x": x, "t": t}
    values = np.linalg.eigvalsh(process.jacobian(x, t))
    at_most(process, inputs, -values[0], float(found.upper), _LOST * (1 + float(np.abs(values).max())))
    bound = float(process.growth_rate_bound(t))
    at_most(process, inputs, float(found.lower), bound, _LOST * (1 + abs(bound)))


def ball(process: OrnsteinUhlenbeck, x: Floats, t: float) -> None:
    """L8: `||J(x, t)||_2` is at most the bound on the ball `|y| <= |x|`, whatever the mixture."""
    size = float(np.abs(np.linalg.eigvalsh(process.jacobian(x, t))).max())
    radius = float(np.linalg.norm(x)) * (1 + 4 * np.finfo(float).eps)
    at_most(process, {"x": x, "t": t}, size, process.ball_bound(max(radius, 1e-300), t), _LOST * (1 + size))


def outside(process: OrnsteinUhlenbeck, t: float, radius: float) -> None:
    """L8: `P(|X_t| > r)` is at most its bound: a share of 4,000 draws exceeds it by five deviations at most."""
    count = 4000
    rng = np.random.default_rng(0)
    data = process.mixture.sample(count, seed=0)
    noise = rng.standard_normal(data.shape)
    points = np.exp(-t) * data + np.sqrt(-np.expm1(-2 * t)) * noise
    share = float((np.linalg.norm(points, axis=1) > radius).mean())
    bound = min(1.0, process.outside_probability(radius, t))
    at_most(process, {"t": t, "radius": radius}, share, bound, 5 * (bound * (1 - bound) / count) ** 0.5 + 5 / count)


@st.composite
def _radii(draw: st.DrawFn, process: OrnsteinUhlenbeck) -> tuple[float, float]:
    return draw(moments(process))[0], draw(st.integers(1, 48)) / 8


#: Digits, and distances between which the growth is seen: the asymptotics hold far out.
_FAR_DIGITS, _NEAR, _FAR = 80, 15, 18


def growth(process: OrnsteinUhlenbeck, t: float) -> None:
    """L8: without a global bound `||J||` grows on the tie set like `|x|^2`, or like `|x|`.

    Where on a path that crosses the tie one group of components has responsibility 1/2; between `r = 1e15` and `1e18`.
    """
    found = obstruction(process.mixture, t)
    assert found is not None
    sizes = []
    with mpmath.workdps(_FAR_DIGITS):
        time = mpmath.mpf(t)
        for power in (_NEAR, _FAR):
            x = _crossing(process, found.path, mpmath.mpf(10) ** power, time)
            matrix = mpmath.matrix(process.jacobian(x, time).tolist())
            sizes.append((mpmath.mnorm(matrix, "f"), mpmath.sqrt(sum(value**2 for value in x))))
        exponent = mpmath.log(sizes[1][0] / sizes[0][0]) / mpmath.log(sizes[1][1] / sizes[0][1])
    equal(process, {"t": t}, float(exponent), 2.0 if found.growth == "quadratic" else 1.0, 0.1)


def _crossing(process: Any, path: Any, r: Any, t: Any) -> Objects:
    """The point at distance `r` on the path where the group has responsibility 1/2, by bisection."""
    m2 = mpmath.exp(-2 * t)

    def noised(group: Group, y: Objects) -> Objects:
        exact = group.exact.fractions
        size = len(y)
        matrix = exact if np.ndim(exact) == 2 else exact * np.eye(size, dtype=int)
        rows = [[mpmath.mpf(v.numerator) / v.denominator for v in row] for row in matrix]
        vector = [mpmath.mpf(v.numerator) / v.denominator for v in y]
        return np.array([m2 * mpmath.fdot(rows[i], vector) + (1 - m2) * vector[i] for i in range(size)], dtype=object)

    u, w, power = path.line(noised)
    w = np.array([mpmath.mpf(float(v)) if isinstance(v, float) else v for v in w], dtype=object)
    scale = r ** (mpmath.mpf(power.numerator) / power.denominator)
    low, high = mpmath.mpf(0), mpmath.mpf(path.end.numerator) / path.end.denominator
    indices = list(path.group.indices)

    def share(s: Any) -> Any:
        return process.responsibilities(r * u + scale * s * w, t)[indices].sum() - mpmath.mpf("0.5")

    falling = share(low) > 0
    for _ in range(200):
        middle = (low + high) / 2
        if (share(middle) > 0) == falling:
            low = middle
        else:
            high = middle
    found: Objects = r * u + scale * low * w
    return found


_FULL: dict[str, Any] = {"kinds": ["full"], "max_dimension": 2}
_SHARP = only("common-isotropic", "shared", "isotropic")

PROPERTIES = (
    Property(
        "L2.bound",
        "L2",
        "no Jacobian is larger than L",
        spots,
        norm,
        only("common-isotropic"),
        {"kinds": ["common-isotropic"]},
    ),
    Property(
        "L2.closed-form",
        "L2",
        "L and lambda are their closed forms",
        moments,
        closed_form,
        only("common-isotropic"),
        {"kinds": ["common-isotropic"]},
    ),
    Property(
        "L2.differences", "L2", "the velocity is L-Lipschitz, one-sidedly lambda", two_spots, differences, has_bound
    ),
    Property(
        "L3.rate",
        "L3",
        "no Jacobian grows faster than lambda",
        spots,
        rate,
        only("common-isotropic"),
        {"kinds": ["common-isotropic"]},
    ),
    Property(
        "L3.contraction",
        "L3",
        "no Jacobian shrinks faster than 1/v - 1",
        spots,
        contraction,
        only("common-isotropic"),
        {"kinds": ["common-isotropic"]},
    ),
    Property(
        "L4.attained",
        "L4",
        "midway between two equal modes the growth is lambda",
        _midway,
        attained,
        equal_pair,
        {
            "kinds": ["common-isotropic"],
            "min_components": 2,
            "max_components": 2,
            "weights": "equal",
            "min_distance": 1,
        },
    ),
    Property(
        "L5.sharp",
        "L5",
        "no Jacobian grows faster than the sharp rate",
        spots,
        sharp,
        _SHARP,
        {"kinds": ["common-isotropic", "shared"], "max_dimension": 2, "max_components": 3, "min_variance": "0.01"},
        share=0.1,
    ),
    Property(
        "L6.bound",
        "L6",
        "shared covariance: no Jacobian is larger than L",
        spots,
        norm,
        only("shared"),
        {"kinds": ["shared"]},
    ),
    Property(
        "L6.rate",
        "L6",
        "shared covariance: none grows faster than lambda",
        spots,
        rate,
        only("shared"),
        {"kinds": ["shared"]},
    ),
    Property(
        "L7.bound",
        "L7",
        "different variances: no Jacobian is larger than L",
        spots,
        norm,
        only("isotropic"),
        {"kinds": ["isotropic"]},
    ),
    Property(
        "L7.rate",
        "L7",
        "different variances: none grows faster than lambda",
        spots,
        rate,
        only("isotropic"),
        {"kinds": ["isotropic"]},
    ),
    Property("L8.bound", "L8", "where a bound exists, no Jacobian is larger", spots, norm, has_bound, _FULL),
    Property("L8.ball", "L8", "no Jacobian is larger than the bound on its ball", spots, ball, everywhere),
    Property(
        "L8.outside", "L8", "no more mass lies outside of a ball than its bound", _radii, outside, everywhere, share=0.5
    ),
    Property(
        "L8.growth",
        "L8",
        "where no bound exists the Jacobian grows along the tie set",
        moments,
        growth,
        has_none,
        {**_FULL, "min_components": 2, "max_components": 3, "min_dimension": 2},
        share=0.1,
    ),
)
