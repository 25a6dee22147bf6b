"""Networks by name and error, built once, and their evaluation in float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pytest

import certflow as cf
from certflow.networks.general.assembly import assembled, made
from certflow.networks.general.bound import Bound, proved_bound
from certflow.networks.general.design import design
from certflow.networks.general.law import GeneralLaw, general_law
from certflow.networks.graph import Network
from certflow.networks.plan import Pieces, Plan
from certflow.numbers.precision import ball_precision

#: Small mixtures beside the built-in ones: every kind of covariance, variances above 1 and equal to it.
SMALL = {
    "wide": lambda: cf.GaussianMixture(["0.5", "0.5"], [[-1, 0], [1, 2]], ["3", "10"]),
    "unit": lambda: cf.GaussianMixture(["0.5", "0.5"], [[-1, 0], [1, 2]], ["1", "0.5"]),
    "line": lambda: cf.GaussianMixture(["0.3", "0.3", "0.4"], [[1], [-1], [0]], ["0.3", "0.1", "0.1"]),
    "tilted": lambda: cf.GaussianMixture(["0.3", "0.7"], [[1, 0], [-1, 0]], [["0.3", "0.1"], ["0.1", "0.2"]]),
    "mixed": lambda: cf.GaussianMixture(
        ["0.3", "0.3", "0.4"],
        [[1, 0], [-1, 0], [0, 2]],
        [[["0.3", 0], [0, "0.3"]], [["0.1", 0], [0, "0.2"]], [["0.3", "0.1"], ["0.1", "0.2"]]],
    ),
    "one": lambda: cf.GaussianMixture([1], [[1, 2]], [["0.3", "0.1"], ["0.1", "0.2"]]),
    "twice": lambda: cf.GaussianMixture(["0.5", "0.5"], [[1, 2], [1, 2]], [["0.3", "0.1"], ["0.1", "0.2"]]),
}


@dataclass(frozen=True)
class Built:
    """A network and all that it is made from."""

    process: cf.OrnsteinUhlenbeck
    law: GeneralLaw
    plan: Plan
    pieces: Pieces
    bound: Bound
    network: Network
    bits: int

    def of(self, plan: Plan) -> Built:
        """The network of another plan for the same law."""
        with ball_precision(2 * self.bits):
            pieces = made(self.law, plan, self.bits)
            bound = proved_bound(pieces, 2, self.bits)
            return replace(self, plan=plan, pieces=pieces, bound=bound, network=assembled(pieces))

    def errors(self, x: np.ndarray, t: float) -> np.ndarray:
        """`|N - s|` of rows, in float64."""
        rows = np.column_stack([x, np.full(len(x), t)])
        return np.linalg.norm(evaluated(self.network, rows) - self.process.score(x, t), axis=1)

    def sample(self, n: int, t: float, seed: int) -> np.ndarray:
        noise = np.random.default_rng(seed).standard_normal((n, self.law.dimension))
        return math.exp(-t) * self.process.mixture.sample(n, seed=seed) + math.sqrt(-math.expm1(-2 * t)) * noise


def evaluated(network: Network, rows: np.ndarray) -> np.ndarray:
    """The outputs at rows, layer by layer in float64."""
    for layer in network.layers:
        squares = np.array([neuron.square for neuron in layer])
        rows = np.maximum(_affine([neuron.row for neuron in layer], rows), 0)
        rows = np.where(squares, rows * rows, rows)
    return _affine(network.outputs, rows)


def _affine(found: list, rows: np.ndarray) -> np.ndarray:
    weights = np.zeros((rows.shape[1], len(found)))
    for j, row in enumerate(found):
        for i, weight in row.weights.items():
            weights[i, j] = int(weight.p) / int(weight.q)
    return rows @ weights + [int(row.bias.p) / int(row.bias.q) for row in found]


@lru_cache(maxsize=32)
def _built(name: str, eps: float) -> Built:
    mixture = SMALL[name]() if name in SMALL else cf.load_mixture(name)
    process = cf.OrnsteinUhlenbeck(mixture)
    bits = 90 + math.ceil(-math.log2(eps))
    with ball_precision(2 * bits):
        law = general_law(process, bits)
        plan = design(law, eps)
        pieces = made(law, plan, bits)
        bound = proved_bound(pieces, 3, bits)
        return Built(process, law, plan, pieces, bound, assembled(pieces), bits)


@pytest.fixture
def built() -> Callable[[str, float], Built]:
    return _built
