"""The flow map in one dimension, without an ODE: `Phi_{t -> s} = F_s^{-1} o F_t`, `F` the distribution functions.

The flow keeps order and carries `p_t` to `p_s` (proofs/S3.md), so it is the monotone map between them. Where modes are
many widths apart `Phi` is all but a jump and its inverse all but constant; the sum

    sigma = z + Phi(z),    dz/dsigma = p_s(x) / (p_t(z) + p_s(x)),    dx/dsigma = p_t(z) / (p_t(z) + p_s(x)),

`x = Phi(z)`, is a coordinate in which both are smooth and well conditioned, and in which the mass is
`p_t p_s / (p_t + p_s) dsigma`: the coordinate of every quadrature here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from certflow.errors import InputError
from certflow.law.noised import Process
from certflow.numbers.arrays import Flags, Floats, Indices

#: Nodes of the Gauss-Legendre rule of one panel.
NODES = 6
#: Panels per standard deviation of the narrowest component, and the most panels of a curve.
PANELS_PER_WIDTH, MAX_PANELS = 8.0, 20_000
#: Standard deviations of the outermost component to which a curve extends: the mass beyond is 1e-20.
REACH = 9.5
#: The least relative change of a distribution function over a width that float64 tells from none.
RESOLVED = 1e-9
#: Relative difference of the logarithms of two tails that counts as none.
SAME = 1e-6
#: Most steps towards a root; bisection alone would take 64 of them.
ITERATIONS = 130

#: Of a point and its image.
OfPair = Callable[[Floats, Floats], Floats]
#: `function(y, which)`: values and derivatives of the problems with these indices.
Function = Callable[[Floats, Indices], tuple[Floats, Floats]]


class Marginal:
    """One marginal of a process in one dimension: `F_t = sum_k w_k N((x - m mu_k) / sqrt(v_k))`; x of any shape."""

    def __init__(self, process: Process, t: float):
        mixture = process.mixture
        if mixture.is_symbolic:
            raise InputError("mixture", "symbolic parameters", "numbers")
        if mixture.dimension != 1:
            raise InputError("mixture", f"dimension {mixture.dimension}", "a mixture in one dimension")
        m = math.exp(-t)
        self.log_weights = np.log(mixture.weights / mixture.weights.sum())
        self.means = m * mixture.means[:, 0]
        self.widths = np.sqrt(m * m * mixture.covariance_matrices[:, 0, 0] - math.expm1(-2 * t))

    def standard(self, x: Floats) -> Floats:
        """`(x - m mu_k) / sqrt(v_k)`, shape (..., K)."""
        return (np.asarray(x)[..., None] - self.means) / self.widths

    def log_tails(self, x: Floats) -> Floats:
        """`log F(x)` and `log (1 - F(x))`, shape (2, ...)."""
        from scipy.special import log_ndtr

        y = self.standard(x)
        return np.stack([_log_sum(self.log_weights + log_ndtr(y)), _log_sum(self.log_weights + log_ndtr(-y))])

    def log_density(self, x: Floats) -> Floats:
        """`log p(x)`."""
        y = self.standard(x)
        return _log_sum(self.log_weights - y * y / 2 - np.log(self.widths)) - math.log(2 * math.pi) / 2

    @property
    def reach(self) -> tuple[float, float]:
        """An interval with all but 1e-20 of the mass."""
        return float((self.means - REACH * self.widths).min()), float((self.means + REACH * self.widths).max())


@dataclass(frozen=True)
class Nodes:
    """A quadrature along the curve `(z, Phi(z))`: `E f(X, Phi(X)) ~ sum_i weights_i f(z_i, x_i)`, `X ~ p_t`.

    low, high : shape (P,), ends of the panels in the coordinate `z + Phi(z)`, ascending
    z, x, weights, log_slope : shape (P * NODES,), z and x ascending; `x = Phi(z)`, `Phi'(z) = p_t(z) / p_s(x)`
    """

    low: Floats
    high: Floats
    z: Floats
    x: Floats
    weights: Floats
    log_slope: Floats

    @property
    def ascending(self) -> bool:
        """False where float64 has lost the curve: modes so far apart that a width is lost in a coordinate."""
        return all(np.diff(v).min(initial=0.0) >= -1e-6 * np.abs(v).max(initial=0.0) for v in (self.z, self.x))

    @property
    def slope(self) -> Floats:
        """`Phi'(z)`; infinite where it is beyond float64."""
        with np.errstate(over="ignore"):
            return np.exp(self.log_slope)

    def shifted(self, z: float, x: float) -> Nodes:
        """The nodes of the law that lies `z` further at the noise end, and `x` further at the data end."""
        return replace(self, low=self.low + (z + x), high=self.high + (z + x), z=self.z + z, x=self.x + x)

    def mean(self, values: Floats) -> float:
        """`E f`, for `values` of `f` at the nodes."""
        return float(self.weights @ values)


class QuantileMap:
    """`Phi_{t_from -> t_to}` of a process in one dimension (default: from `t_max` to `t_min`).

    Raises
    ------
    InputError : another dimension, symbolic parameters, a time that is not > 0.
    """

    def __init__(self, process: Process, t_from: float | None = None, t_to: float | None = None):
        times = (process.t_max if t_from is None else t_from, process.t_min if t_to is None else t_to)
        for name, time in zip(("t_from", "t_to"), times, strict=True):
            if not 0 < time < math.inf:
                raise InputError(name, time, "one finite time > 0")
        self.start, self.end = (Marginal(process, float(time)) for time in times)

    def __call__(self, z: Floats) -> Floats:
        """`Phi(z)`, shape of `z`."""
        return _carried(self.start, self.end, z)

    def at(self, coordinate: Floats) -> tuple[Floats, Floats]:
        """`(z, Phi(z))` where `z + Phi(z)` is `coordinate`; shapes of it."""
        s = np.asarray(coordinate, dtype=np.float64).ravel()
        margin = 2 * (np.abs(s) + max(abs(v) for v in (*self.start.reach, *self.end.reach)))

        def equation(z: Floats, which: Indices) -> tuple[Floats, Floats]:
            x = s[which] - z
            tails, other = self.start.log_tails(z), self.end.log_tails(x)
            excess, lower = _excess(tails, other)
            return excess, _rate(self.start.log_density(z), tails, lower) + _rate(self.end.log_density(x), other, lower)

        z = _increasing_root(equation, -margin, margin).reshape(np.shape(coordinate))
        return z, np.asarray(coordinate) - z

    def resolved(self, z: Floats, x: Floats) -> Flags:
        """Where `x = Phi(z)` is known: both distribution functions have one value there, and at one end at least a
        change of place changes it."""
        change, tails = [], []
        for one, point in ((self.start, z), (self.end, x)):
            tails.append(one.log_tails(point))
            rate = _rate(one.log_density(point), tails[-1], tails[-1][0] < tails[-1][1])
            with np.errstate(over="ignore"):
                change.append(rate * one.widths.min())
        excess, lower = _excess(tails[0], tails[1])
        size = np.abs(np.where(lower, tails[0][0], tails[1][1]))
        known: Flags = (np.maximum(*change) > RESOLVED) & (np.abs(excess) <= SAME * (1 + size))
        return known

    def reach(self) -> tuple[float, float]:
        """The coordinates between which lies all but 1e-20 of the mass."""
        ends = np.array(self.start.reach)
        low, high = ends + self(ends)
        return float(low), float(high)

    def panels(self) -> Floats:
        """Ends of panels, several for each width of the narrowest component; of equal length, if those are not many.

        Else several for each width of each component, at either time: far from all of them is no mass.
        """
        low, high = self.reach()
        width = min(self.start.widths.min(), self.end.widths.min())
        if (high - low) * PANELS_PER_WIDTH <= MAX_PANELS * width:
            return np.linspace(low, high, math.ceil((high - low) * PANELS_PER_WIDTH / width) + 1)
        steps = np.linspace(-REACH, REACH, math.ceil(2 * REACH * PANELS_PER_WIDTH) + 1)
        z, x = ((one.means[:, None] + steps * one.widths[:, None]).ravel() for one in (self.start, self.end))
        ends = np.concatenate([z + self(z), x + _carried(self.end, self.start, x), [low, high]])
        ends = np.unique(ends[(low <= ends) & (ends <= high)])
        apart = np.diff(ends, prepend=-math.inf) > 1e-13 * max(abs(low), abs(high))
        return ends[apart]

    def nodes(self, panels: Floats | None = None) -> Nodes:
        """Gauss-Legendre nodes between the ends given, shape (P + 1,); by default those of `panels()`."""
        ends = self.panels() if panels is None else np.asarray(panels, dtype=np.float64)
        return self._mended(self._nodes(ends[:-1], ends[1:]))

    def _nodes(self, low: Floats, high: Floats) -> Nodes:
        points, weights = np.polynomial.legendre.leggauss(NODES)
        half = (high - low)[:, None] / 2
        z, x = self.at(((low[:, None] + half) + half * points).ravel())
        start, end = self.start.log_density(z), self.end.log_density(x)
        mass = np.exp(start + end - np.logaddexp(start, end)) * (half * weights).ravel()
        return Nodes(low, high, z, x, mass, start - end)

    def refine(self, nodes: Nodes, where: Indices, parts: int) -> Nodes:
        """The nodes with the panels of the nodes `where` (indices), and the panels next to them, cut in `parts`."""
        hit = np.unique(np.asarray(where) // NODES)
        hit = np.unique(np.clip(np.concatenate([hit - 1, hit, hit + 1]), 0, len(nodes.low) - 1))
        if not len(hit):
            return nodes
        ends = np.linspace(nodes.low[hit], nodes.high[hit], parts + 1)
        new = self._nodes(ends[:-1].T.ravel(), ends[1:].T.ravel())
        kept = np.ones(len(nodes.low), dtype=bool)
        kept[hit] = False
        each = np.repeat(kept, NODES)
        low = np.concatenate([nodes.low[kept], new.low])
        order = np.argsort(low)
        places = (order[:, None] * NODES + np.arange(NODES)).ravel()

        def joined(name: str) -> Floats:
            result: Floats = np.concatenate([getattr(nodes, name)[each], getattr(new, name)])[places]
            return result

        high = np.concatenate([nodes.high[kept], new.high])[order]
        return self._mended(Nodes(low[order], high, joined("z"), joined("x"), joined("weights"), joined("log_slope")))

    def _mended(self, nodes: Nodes) -> Nodes:
        """The nodes with straight pieces of the curve where float64 cannot tell it: between modes so far apart that
        both distribution functions are flat, any root is one, and no mass lies there."""
        known = self.resolved(nodes.z, nodes.x)
        if known.all() or not known.any():
            return nodes
        s = nodes.z + nodes.x
        z = np.where(known, nodes.z, np.interp(s, s[known], nodes.z[known]))
        return replace(nodes, z=z, x=np.where(known, nodes.x, s - z))

    def crossings(self, function: OfPair, panels: Floats) -> list[float]:
        """Coordinates at which `function(z, x)` changes sign, one at most between neighbouring ends of panels."""
        from scipy.optimize import brentq

        values = np.asarray(function(*self.at(panels)))

        def along(s: float) -> float:
            z, x = self.at(np.array(s))
            return float(function(z, x))

        places = np.flatnonzero(np.sign(values[:-1]) * np.sign(values[1:]) < 0)
        found = [float(brentq(along, panels[i], panels[i + 1], xtol=1e-15, rtol=1e-14)) for i in places]
        return sorted(found + panels[values == 0].tolist())


def _carried(start: Marginal, end: Marginal, z: Floats) -> Floats:
    """`F_end^{-1}(F_start(z))`, shape of `z`."""
    flat = np.asarray(z, dtype=np.float64).ravel()
    low, high = end.reach
    own = start.log_tails(flat)
    margin = 10 * float(end.widths.max()) * (1 + np.abs(start.standard(flat)).max(-1, initial=0.0))

    def equation(x: Floats, which: Indices) -> tuple[Floats, Floats]:
        tails = end.log_tails(x)
        excess, lower = _excess(tails, own[:, which])
        return excess, _rate(end.log_density(x), tails, lower)

    return _increasing_root(equation, low - margin, high + margin).reshape(np.shape(z))


def _log_sum(logs: Floats) -> Floats:
    result: Floats = np.logaddexp.reduce(logs, axis=-1)
    return result


def _excess(tails: Floats, other: Floats) -> tuple[Floats, Flags]:
    """Positive where the first distribution function is the larger, by the tail that is the smaller; and which."""
    lower = other[0] < other[1]
    return np.where(lower, tails[0] - other[0], other[1] - tails[1]), lower


def _rate(density: Floats, tails: Floats, lower: Flags) -> Floats:
    """The derivative of `log F`, or of `-log (1 - F)`."""
    result: Floats = np.exp(np.minimum(density - np.where(lower, tails[0], tails[1]), 700.0))
    return result


def _increasing_root(function: Function, low: Floats, high: Floats) -> Floats:
    """Elementwise root of an increasing function of shape (N,): Newton's method, and bisection where that is slow.

    `function(y, which)` returns values and derivatives at `y` for the problems with indices `which`.
    """
    y, step = (low + high) / 2, high - low
    which = np.arange(len(y))
    for _ in range(ITERATIONS):
        value, slope = function(y[which], which)
        above = value > 0
        high[which] = np.where(above, y[which], high[which])
        low[which] = np.where(above, low[which], y[which])
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            newton = y[which] - value / slope
        fine = (newton >= low[which]) & (newton <= high[which]) & (np.abs(newton - y[which]) < np.abs(step[which]) / 2)
        following = np.where(fine, newton, (low[which] + high[which]) / 2)
        step[which] = following - y[which]
        y[which] = following
        which = which[np.abs(step[which]) > 1e-15 * (1 + np.abs(following))]
        if not len(which):
            break
    return y
