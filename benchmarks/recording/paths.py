"""The hot paths whose speed is recorded, each a fixed piece of work by the public functions, from fixed numbers.

A path that is to cost something else on purpose gets another name: its history begins anew.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from measure import mixture, noised_points

import certflow as cf
from certflow.certificate.checker import check
from certflow.certificate.closed_forms import PRODUCERS
from certflow.certificate.envelope import certificate_text
from certflow.certificate.flow_tube import flow_tube_certificate
from certflow.certificate.sharp import sharp_certificate
from certflow.enclosure.students.maps import ExactMap

TIME = 0.3
POINT = ["0.3", "-0.4"]


@dataclass(frozen=True)
class HotPath:
    """A name; which work of `peers.PEERS` its time is held against; what prepares the call that is timed."""

    name: str
    peer: str
    prepare: Callable[[], Callable[[], Any]]


def many_points(quantity: str, kind: str, count: int, components: int, dimension: int) -> HotPath:
    """A quantity of the field at points of `p_t`."""

    def prepare() -> Callable[[], Any]:
        law = mixture(kind, components, dimension)
        return partial(getattr(cf.OrnsteinUhlenbeck(law), quantity), noised_points(law, TIME, count), TIME)

    return HotPath(f"{quantity}, {kind}, N={count} K={components} d={dimension}", "arrays", prepare)


def one_point(quantity: str, kind: str) -> HotPath:
    """The latency of a call for one point."""

    def prepare() -> Callable[[], Any]:
        process = cf.OrnsteinUhlenbeck(mixture(kind, 2, 2))
        return partial(getattr(process, quantity), np.array([0.7, 0.2]), TIME)

    return HotPath(f"{quantity}, {kind}, one point", "integers", prepare)


def tied_rows() -> Callable[[], Any]:
    """Rows between modes far apart, which float64 cannot settle and the guard computes again."""
    means = 1000 * np.stack([np.arange(8), np.zeros(8)], axis=1)
    process = cf.OrnsteinUhlenbeck(cf.GaussianMixture(np.full(8, 1 / 8), means, 0.01))
    noise = 1e-6 * np.random.default_rng(0).normal(size=(500, 2))
    return partial(process.score, np.exp(-0.01) * (means[0] + means[1]) / 2 + noise, 0.01)


def checked(claim: str) -> HotPath:
    """The checker on a certificate of the claim."""

    def prepare() -> Callable[[], Any]:
        process = cf.OrnsteinUhlenbeck(cf.load_mixture("ring-8"), "0.01", 3)
        if claim == "L5":
            made = sharp_certificate(process, "0.3")[0]
        elif claim == "S3":
            made = flow_tube_certificate(process, POINT, "3", "0.01", 12)
        else:
            made = PRODUCERS[claim](process)
        return partial(check, certificate_text(made))

    return HotPath(f"checker, {claim}", "integers", prepare)


def searched_grid() -> Callable[[], Any]:
    """The grid with the least error of a solver, by a search."""
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    return partial(cf.time_grid, process, 2, kind="auto", sampler="euler")


def tube() -> Callable[[], Any]:
    """The flow of one point to 12 digits, proved."""
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("random-5"), "0.01", 3)
    return partial(cf.enclosure.flow_tube, process, POINT, "3", "0.01", 12)


def supremum() -> Callable[[], Any]:
    """The sharp rate over all x, enclosed."""
    return partial(cf.enclosure.sharp_rate, cf.OrnsteinUhlenbeck(cf.load_mixture("ring-8"), "0.01", 3), "0.3")


def student() -> Callable[[], Any]:
    """The error of a map of width 16 on a line, enclosed to 2 %."""
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes-1d"), "0.01", 3)
    rng = np.random.default_rng(0)
    sizes = (1, 16, 16, 1)
    weights = tuple(rng.normal(size=size) / size[0] ** 0.5 for size in itertools.pairwise(sizes))
    biases = tuple(rng.normal(size=size) for size in sizes[1:])
    zero, one = np.zeros(1), np.ones(1)
    maps = ExactMap(weights, biases, "silu", 1.0, zero, one, zero, one)
    return partial(cf.enclosure.student_error, process, maps, ["3", "0.01"])


PATHS = (
    many_points("score", "common-isotropic", 2_000, 64, 64),
    many_points("score", "isotropic", 5_000, 8, 2),
    many_points("score", "shared", 2_000, 16, 8),
    many_points("score", "full", 2_000, 8, 8),
    many_points("velocity", "common-isotropic", 5_000, 8, 2),
    many_points("velocity", "full", 2_000, 8, 2),
    many_points("jacobian", "common-isotropic", 5_000, 8, 2),
    many_points("jacobian", "isotropic", 50, 64, 64),
    many_points("jacobian", "full", 2_000, 8, 2),
    many_points("log_density", "common-isotropic", 5_000, 8, 2),
    many_points("log_density", "isotropic", 2_000, 64, 64),
    many_points("log_density", "full", 2_000, 8, 8),
    HotPath("score, rows computed again, N=500 K=8 d=2", "arrays", tied_rows),
    one_point("score", "common-isotropic"),
    one_point("jacobian", "full"),
    checked("L2"),
    checked("F2"),
    checked("L5"),
    checked("S3"),
    HotPath("grid search, two-modes, Euler, K=2", "integers", searched_grid),
    HotPath("flow tube, random-5, 12 digits", "integers", tube),
    HotPath("sharp rate, ring-8", "integers", supremum),
    HotPath("student error, width 16", "integers", student),
)
