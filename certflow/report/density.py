"""Density and probability flow of a process: contours of mass, and trajectories from noise to data."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats, Matrices, Points, Times
from certflow.process import OrnsteinUhlenbeck
from certflow.report.canvas import Axes, Figure
from certflow.report.style import INK, SCREEN

_MASSES = (0.95, 0.8, 0.5, 0.2)
_SHADES = ("#e9edf2", "#c9d6e4", "#9bb5d0", "#6a90b8")
_LINE = "#8c4a2f"
#: Density evaluations are cut into pieces of about this many floats, so that thousands of modes fit.
_CHUNK = 4_000_000
#: Terms of the mixture evaluated for one panel, about: with thousands of modes the grid is coarser.
_TERMS = 10_000_000


def draw_density_and_flow(p: OrnsteinUhlenbeck, *, lines: int, seed: int) -> tuple[Figure, str]:
    """The figure of `plots.density_and_flow`, and its flow lines as CSV; axes in units of x and of dimensionless time.

    The CSV has a row for each line and time, in the order of sampling, with the coordinates that are drawn.
    """
    if p.mixture.means.shape[1] == 1:
        return _over_time(p, lines)
    return _in_the_plane(p, lines, seed)


def _flow_lines(times: Times, path: Points, axes: tuple[str, ...]) -> str:
    """CSV of points of shape (times, lines, coordinates)."""
    rows = [
        ",".join([str(k + 1), f"{t:.6g}", *(f"{value:.6g}" for value in point)])
        for k in range(path.shape[1])
        for t, point in zip(times, path[:, k], strict=True)
    ]
    return "\n".join([",".join(["line", "t", *axes]), *rows]) + "\n"


def trajectories(p: OrnsteinUhlenbeck, start: Points, times: Times) -> Points:
    """Flow of the points `start` (n, d), given at `times[0]`, to every later entry; shape (times, n, d)."""
    path = [start]
    for t_from, t_to in pairwise(times):
        path.append(np.asarray(p.flow(path[-1], float(t_from), float(t_to), rtol=1e-6)))
    return np.stack(path)


def mass_levels(density: Floats, cell: Floats, masses: tuple[float, ...] = _MASSES) -> list[float]:
    """Thresholds whose super-level sets hold the given shares of the mass on a grid, strictly increasing."""
    order = np.argsort(density, axis=None)[::-1]
    held = np.cumsum((density * cell).ravel()[order])
    index = np.searchsorted(held, np.asarray(masses) * held[-1])
    levels = density.ravel()[order][np.minimum(index, order.size - 1)]
    for i in range(1, levels.size):  # a plateau of the grid may give two shares one threshold
        levels[i] = max(levels[i], np.nextafter(levels[i - 1], np.inf))
    return [float(level) for level in levels]


def _start(p: OrnsteinUhlenbeck, count: int, seed: int) -> Points:
    """Points of `p_{t_max}`: `m X_0 + sqrt(1 - m^2) Z` (proofs/notation.md)."""
    m = np.exp(-float(p.t_max))
    # A stream of its own: the seed alone would give noise that depends on the sample of X_0.
    noise = np.random.default_rng([seed, 1]).standard_normal((count, p.mixture.means.shape[1]))
    points: Points = m * p.mixture.sample(count, seed=seed) + np.sqrt(-np.expm1(-2 * float(p.t_max))) * noise
    return points


def _log_density(p: OrnsteinUhlenbeck, points: Points, t: float) -> Floats:
    flat = points.reshape(-1, points.shape[-1])
    step = max(1, _CHUNK // p.mixture.means.size)
    parts = [np.asarray(p.log_density(flat[i : i + step], t)) for i in range(0, len(flat), step)]
    return np.concatenate(parts).reshape(points.shape[:-1])


def _axis(low: float, high: float, centres: Floats, width: float, count: int) -> Floats:
    """Grid of an axis: even, and finer about each centre, where a narrow mode would fall between nodes."""
    nodes = np.linspace(low, high, count)
    centres = np.unique(np.round(centres, 9))
    if len(centres) <= 24:
        offsets = width * np.array([0, 0.25, 0.5, 0.8, 1.2, 1.6, 2.1, 2.8, 4])
        near = (centres[:, None] + np.concatenate([-offsets, offsets])).ravel()
        nodes = np.concatenate([nodes, near[(near > low) & (near < high)]])
    return np.unique(nodes)


def _added_noise(t: float) -> float:
    return float(np.sqrt(-np.expm1(-2 * t)))


# -- two dimensions and more ---------------------------------------------------------------------------------


def _in_the_plane(p: OrnsteinUhlenbeck, lines: int, seed: int) -> tuple[Figure, str]:
    axes_of_plane = _principal_axes(p.mixture.means)
    seen = p if p.mixture.means.shape[1] == 2 else _projected(p, axes_of_plane)
    t_min, t_max = float(p.t_min), float(p.t_max)
    times = np.geomspace(t_max, t_min, 25)
    times[[0, -1]] = t_max, t_min  # geomspace may miss its ends by a rounding
    middle = float(times[12])
    path = trajectories(p, _start(p, lines, seed), times) @ axes_of_plane.T

    low, high = _window(seen, path)
    shape = (high[1] - low[1]) / (high[0] - low[0])
    figure = Figure(figsize=(8.8, min(0.85 + 2.55 * shape, 3.6)), layout="compressed")
    panels = figure.subplots(1, 3, sharex=True, sharey=True)
    for axes, t, name in zip(panels, (t_max, middle, t_min), ("noise", "", "data"), strict=True):
        _contours(axes, seen, t, low, high)
        until = int(np.flatnonzero(times == t)[0]) + 1
        for line in path[:until].transpose(1, 0, 2):
            axes.plot(*line.T, color=_LINE, linewidth=0.65, alpha=0.75)
        axes.plot(*path[until - 1].T, "o", color=_LINE, markersize=2.2)
        means = np.exp(-t) * seen.mixture.means
        axes.plot(*means.T, "x", color=INK, markersize=4.5 if len(means) <= 40 else 2, markeredgewidth=0.8)
        axes.set_title(f"$t = {t:.3g}$" + (f"  ({name})" if name else ""), color=INK)
        axes.set_aspect("equal")
        axes.set_xlim(low[0], high[0])
        axes.set_ylim(low[1], high[1])
    labels = ("$x_1$", "$x_2$") if seen is p else ("first principal axis", "second principal axis")
    for axes in panels:
        axes.set_xlabel(labels[0])
    panels[0].set_ylabel(labels[1])
    columns = ("x1", "x2") if seen is p else ("axis1", "axis2")
    return figure, _flow_lines(times, path, columns)


def _principal_axes(means: Points) -> Matrices:
    """Orthonormal rows (2, d): the coordinate axes for d = 2, else the principal axes of the means."""
    dimension = means.shape[1]
    if dimension == 2:
        return np.eye(2)
    _, _, directions = np.linalg.svd(means - means.mean(axis=0), full_matrices=dimension <= 64)
    if len(directions) < 2:  # a single mode in high dimension: any plane shows it
        directions = np.vstack([directions, np.eye(dimension)])
        directions = np.linalg.qr(directions.T)[0].T
    plane: Matrices = directions[:2]
    signs = np.sign(plane[np.arange(2), np.abs(plane).argmax(axis=1)])
    turned: Matrices = plane * signs[:, None]
    return turned


def _projected(p: OrnsteinUhlenbeck, plane: Matrices) -> OrnsteinUhlenbeck:
    """The process in the plane: noising commutes with an orthogonal projection."""
    mixture = p.mixture
    covariances = mixture.covariances
    if mixture.kind in ("shared", "full"):
        covariances = plane @ covariances @ plane.T
        covariances = (covariances + np.swapaxes(covariances, -1, -2)) / 2
    seen = GaussianMixture(mixture.weights, mixture.means @ plane.T, covariances)
    return OrnsteinUhlenbeck(seen, t_min=p.t_min, t_max=p.t_max)


def _window(seen: OrnsteinUhlenbeck, path: Points) -> tuple[Points, Points]:
    """Corners of a box that holds the trajectories, the means and, but for its tails, the data."""
    tails = np.quantile(seen.mixture.sample(4000, seed=0), [0.005, 0.995], axis=0)
    points = np.concatenate([path.reshape(-1, 2), seen.mixture.means, tails])
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.08 * (high - low).max() + 0.1
    half = (high - low) / 2 + margin
    half = np.maximum(half, 0.6 * half.max())  # a ribbon of a panel reads badly
    centre = (low + high) / 2
    return centre - half, centre + half


def _contours(axes: Axes, seen: OrnsteinUhlenbeck, t: float, low: Points, high: Points) -> None:
    centres = np.exp(-t) * seen.mixture.means
    count = int(np.clip(np.sqrt(_TERMS / len(centres)), 45, 161))
    first = _axis(low[0], high[0], centres[:, 0], _added_noise(t), count)
    second = _axis(low[1], high[1], centres[:, 1], _added_noise(t), count)
    points = np.stack(np.meshgrid(first, second), axis=-1)
    logs = _log_density(seen, points, t)
    density = np.exp(logs - logs.max())
    cell = np.outer(np.gradient(second), np.gradient(first))
    levels = mass_levels(density, cell)
    axes.contourf(first, second, density, levels=[*levels, np.inf], colors=list(_SHADES))


# -- one dimension -------------------------------------------------------------------------------------------


def _over_time(p: OrnsteinUhlenbeck, lines: int) -> tuple[Figure, str]:
    t_min, t_max = float(p.t_min), float(p.t_max)
    times = np.geomspace(t_min, t_max, 90)
    times[[0, -1]] = t_min, t_max
    quantiles = (np.arange(lines) + 0.5) / lines
    start = np.quantile(_start(p, 20_000, 0)[:, 0], quantiles)[:, None]
    path = trajectories(p, start, times[::-1])[:, :, 0]

    reach = max(np.abs(path).max(), np.abs(p.mixture.means).max()) * 1.12 + 0.1
    nodes = _axis(-reach, reach, p.mixture.means[:, 0], _added_noise(t_min), 301)
    density = np.exp(np.stack([_log_density(p, nodes[:, None], t) for t in times], axis=1))

    figure = SCREEN.figure(4.2)
    side, axes = figure.subplots(1, 2, sharey=True, width_ratios=(1, 4))
    # Each column is scaled by its own levels: a region is what holds a share of the mass at that time.
    share = _mass_rank(density, np.gradient(nodes))
    axes.contourf(times, nodes, share, levels=[0.05, 0.2, 0.5, 0.8, 1.0], colors=list(_SHADES))
    for line in path.T:
        axes.plot(times[::-1], line, color=_LINE, linewidth=0.6, alpha=0.85)
    axes.set_xscale("log")
    axes.set_xlim(t_min, t_max)
    axes.set_ylim(-reach, reach)
    axes.set_xlabel(r"$t$  (dimensionless Ornstein–Uhlenbeck time; sampling runs to the left)")
    side.fill_betweenx(nodes, density[:, 0], color=_SHADES[1], linewidth=0)
    side.plot(density[:, 0], nodes, color=INK, linewidth=0.9)
    side.set_xlim(left=0)
    side.set_xlabel(f"$p_t(x)$ at $t = {t_min:.3g}$")
    side.set_ylabel("$x$")
    side.spines[["top", "right"]].set_visible(False)
    return figure, _flow_lines(times[::-1], path[:, :, None], ("x",))


def _mass_rank(density: Floats, width: Floats) -> Floats:
    """For each node and column: the mass of all nodes of lower density in its column, in [0, 1]."""
    rank = np.empty_like(density)
    for j in range(density.shape[1]):
        order = np.argsort(density[:, j])
        held = np.cumsum(density[order, j] * width[order])
        rank[order, j] = held / held[-1]
    return rank
