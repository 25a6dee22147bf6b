"""What a covering has to prove, in float64 with derived error margins.

A task is: for all tilts `y` in `R^n` (and all `r` of an interval, if it has one),

    M(y) = sum_k p_k(y) [ tau I - (a_k - b)(a_k - b)^T ]  is positive semidefinite for some b = b(y),

`p_k = exp(o_k + y.t_k)`, which implies `Cov_p(a) <= tau I` (proofs/sharp.md, master inequality). Cells are boxes of
tilts or cones that run to infinity; both offer upper bounds of affine functions `o + y.t` over the cell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from certflow.numbers.arrays import Floats, Indices
from certflow.numbers.floats import UNIT


@dataclass(frozen=True)
class Threshold:
    """`tau(r) = value + slope (r - reference)`; constant where the task has no `r`."""

    value: float
    slope: float = 0.0
    reference: float = 0.0

    def at(self, r: Floats | float) -> Floats:
        """`tau(r)`."""
        return self.value + self.slope * (np.asarray(r) - self.reference)


@dataclass(frozen=True)
class Task:
    """Points and log-weights of a task; a face of the hull keeps the other points as `outside`.

    geometry : (K, d') coordinates in which lengths are measured, each within `geometry_error` of the exact ones
    tilt : (K, m) statistics `t_k`, each entry within `(n + 1) u tilt_size`; `m = n`, or `n + 1` with that of `r` last
    offset : (K,) `o_k`, each within `offset_error`
    members : points that carry the law; outside : points with `p_k <= budget sum_members p`
    """

    geometry: Floats
    tilt: Floats
    offset: Floats
    geometry_error: float
    offset_error: float
    members: Indices
    outside: Indices
    budget: float = 0.0
    interval: tuple[float, float] | None = None
    sizes: Floats | None = None

    @property
    def tilts(self) -> int:
        """`n`: dimensions of the tilt, `r` not counted."""
        columns: int = self.tilt.shape[1]
        return columns - (self.interval is not None)

    @property
    def tilt_size(self) -> Floats:
        """(K, m): bounds of `|t_k|` entry by entry, before cancellation in a change of frame."""
        return np.abs(self.tilt) if self.sizes is None else self.sizes

    @property
    def radius(self) -> float:
        """Largest length of a point from the origin of the geometry."""
        return float(np.sqrt((self.geometry**2).sum(1).max())) + self.geometry_error

    @property
    def slack(self) -> float:
        """Bounds the error of a squared distance: `d'` squares of differences of numbers below `radius`, each off by
        two geometry errors and two roundings."""
        rounding: float = (self.geometry.shape[1] + 4) * UNIT * self.radius
        return 16 * self.radius * (2 * self.geometry_error + rounding)

    def face(self, members: tuple[int, ...], axes: tuple[int, ...], budget: float) -> Task:
        """The task of a face: its points, tilts along its pivot axes only, everything else outside."""
        chosen = np.array(members)
        columns = [*axes, *range(self.tilts, self.tilt.shape[1])]
        others = np.setdiff1d(np.concatenate([self.members, self.outside]), chosen)
        return Task(
            geometry=self.geometry,
            tilt=self.tilt[:, columns],
            offset=self.offset,
            geometry_error=self.geometry_error,
            offset_error=self.offset_error,
            members=chosen,
            outside=others,
            budget=budget,
            interval=self.interval,
            sizes=None if self.sizes is None else self.sizes[:, columns],
        )

    def framed(self, centre: Floats, frame: Floats) -> Task:
        """The task in the coordinates `s`, `y = centre + frame s` (tasks without `r` only)."""
        moved = np.abs(self.offset) + self.tilt_size @ np.abs(centre)
        return replace(
            self,
            tilt=self.tilt @ frame,
            offset=self.offset + self.tilt @ centre,
            offset_error=self.offset_error + 4 * (self.tilts + 4) * UNIT * float(moved.max()),
            sizes=self.tilt_size @ np.abs(frame),
        )


class Boxes:
    """N boxes `|y_j - c_j| <= h_j` (with `r` as the last coordinate, if the task has one)."""

    def __init__(self, task: Task, centre: Floats, half: Floats):
        self.task, self.centre, self.half = task, centre, half
        reach = np.abs(centre) + half
        size = (np.abs(task.offset) + reach @ task.tilt_size.T).max(1)
        #: Bounds the rounding of every affine function below: at most 2m + 8 roundings of parts below 2 `size`.
        self.error: Floats = 4 * (task.tilt.shape[1] + 8) * UNIT * size + 4 * task.offset_error

    def __len__(self) -> int:
        return len(self.centre)

    @property
    def middle(self) -> Floats:
        """The centres, shape (N, m)."""
        return self.centre

    def logits(self) -> Floats:
        """`o_k + c.t_k`, shape (N, K), each within `error`."""
        return self.task.offset + self.centre @ self.task.tilt.T

    def supremum(self, constant: Floats, vector: Floats) -> Floats:
        """Upper bounds of `o + y.t` over the cells; `constant` (N, M), `vector` (N, M, m)."""
        middle: Floats = constant + np.einsum("nkj,nj->nk", vector, self.centre)
        reach: Floats = np.einsum("nkj,nj->nk", np.abs(vector), self.half)
        return middle + reach + self.error[:, None]

    def vertices(self) -> Floats:
        """The corners relative to the centre, shape (N, 2^m, m)."""
        return self.half[:, None] * corners(self.half.shape[1])

    def sides(self) -> Floats:
        """Vectors along the sides, half as long, one for each axis that may be bisected: shape (N, m, m)."""
        return self.half[:, :, None] * np.eye(self.half.shape[1])

    def thresholds(self, threshold: Threshold) -> tuple[Floats, Floats]:
        """`tau` at the centre of each cell and its minimum over it, the latter rounded down; each (N,)."""
        n = self.task.tilts
        return _thresholds(threshold, self.centre[:, n:], self.half[:, n:])


class Cones:
    """N cells `y = u / s`, `s` in `[s_0, s_1]`, `0 <= s_0 < s_1 <= 1/R`, `u_facet = sign`, `|u_j - c_j| <= h_j` on the
    other axes: the outside of the cube `|y|_inf < R`, seen through a facet; `r` as for boxes.

    centre, half : (N, m); on the facet's own axis they hold the middle and the half width of the interval of `s`. Cells
    with `s_0 = 0` run to infinity; the others are frusta, convex hulls of their `2^n` vertices.
    """

    def __init__(self, task: Task, facet: int, sign: int, centre: Floats, half: Floats):
        self.task, self.facet, self.sign = task, facet, sign
        n, sizes = task.tilts, task.tilt_size
        self.direction, self.width = centre[:, :n].copy(), half[:, :n].copy()
        self.r, self.r_half = centre[:, n:], half[:, n:]  # (N, 0) where the task has no `r`
        self.direction[:, facet], self.width[:, facet] = sign, 0.0
        self.low, self.high = centre[:, facet] - half[:, facet], centre[:, facet] + half[:, facet]
        #: Whether each cell is bounded.
        self.finite = self.low > 0
        size = (np.abs(task.offset) + (np.abs(self.r) + self.r_half) @ sizes[:, n:].T).max(1)
        outer = np.where(self.finite, 1 / np.where(self.finite, self.low, 1.0), 1 / self.high)
        #: As for boxes; of the unbounded cells only the part at the inner end.
        reach = (np.abs(self.direction) + self.width) @ sizes[:, :n].T
        self.error: Floats = 4 * (n + 12) * UNIT * (size + reach.max(1) * outer) + 4 * task.offset_error
        #: Bounds the rounding of `u.t`: at most 2n + 8 roundings of parts below `2 |u| |t|`.
        self.slope_error: Floats = 4 * (n + 8) * UNIT * reach.max(1)

    def __len__(self) -> int:
        return len(self.direction)

    @property
    def middle(self) -> Floats:
        """A point of each cell (at twice the inner radius, if it is unbounded), and the middle `r`; shape (N, m)."""
        scale = np.where(self.finite, (1 / np.where(self.finite, self.low, 1.0) + 1 / self.high) / 2, 2 / self.high)
        return np.concatenate([self.direction * scale[:, None], self.r], axis=1)

    def logits(self) -> Floats:
        """`o_k + y.t_k` at `middle`, shape (N, K)."""
        return self.task.offset + self.middle @ self.task.tilt.T

    def supremum(self, constant: Floats, vector: Floats) -> Floats:
        """Upper bounds of `o + y.t`: with `N = max u.t` they are `o + N/s_1` if `N <= 0`, else `o + N/s_0`."""
        n = self.task.tilts
        slope = np.einsum("nkj,nj->nk", vector[..., :n], self.direction)
        slope = slope + np.einsum("nkj,nj->nk", np.abs(vector[..., :n]), self.width) + self.slope_error[:, None]
        constant = constant + np.einsum("nkj,nj->nk", vector[..., n:], self.r)
        constant = constant + np.einsum("nkj,nj->nk", np.abs(vector[..., n:]), self.r_half)
        with np.errstate(over="ignore", divide="ignore"):
            down = slope / self.high[:, None] * (1 - 4 * UNIT)
            up = np.where(slope > 0, slope / self.low[:, None] * (1 + 4 * UNIT), 0.0)
            return constant + np.where(slope <= 0, down, up) + self.error[:, None]

    def vertices(self) -> Floats:
        """The vertices of the bounded cells relative to `middle`, shape (N, 2^m, m)."""
        n = self.task.tilts
        signs = corners(n + self.r.shape[1])
        inner = signs[:, self.facet] < 0
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = np.where(inner[None], 1 / self.high[:, None], 1 / self.low[:, None])
            points = (self.direction[:, None] + self.width[:, None] * signs[:, :n]) * scale[..., None]
        return np.concatenate([points - self.middle[:, None, :n], self.r_half[:, None] * signs[:, n:]], axis=2)

    def sides(self) -> Floats:
        """As for boxes, at the outer end of bounded cells and at `middle` of the others; shape (N, n, m)."""
        scale = np.where(self.finite, 1 / np.where(self.finite, self.low, 1.0), 2 / self.high)
        depth = np.where(self.finite, (scale - 1 / self.high) / 2, scale / 2)
        n, m = self.task.tilts, self.task.tilt.shape[1]
        sides = np.concatenate([self.width * scale[:, None], self.r_half], axis=1)[:, :, None] * np.eye(m)
        sides[:, self.facet, :n] = self.direction * depth[:, None]
        return sides

    def thresholds(self, threshold: Threshold) -> tuple[Floats, Floats]:
        """As for boxes."""
        return _thresholds(threshold, self.r, self.r_half)


def _thresholds(threshold: Threshold, r: Floats, half: Floats) -> tuple[Floats, Floats]:
    """`tau` at the middle of each interval of `r`, and its minimum over it, rounded down; `r` of shape (N, 1), or
    (N, 0) where there is none."""
    if not r.shape[1]:
        return np.full(len(r), threshold.value), np.full(len(r), threshold.value)
    low, high = (threshold.at((r + sign * half)[:, 0]) for sign in (-1, 1))
    return threshold.at(r[:, 0]), np.minimum(low, high) * (1 - 8 * UNIT)


def corners(dimension: int) -> Floats:
    """All sign vectors of a box, shape (2^m, m)."""
    return np.array(np.meshgrid(*[[-1.0, 1.0]] * dimension, indexing="ij")).reshape(dimension, -1).T
