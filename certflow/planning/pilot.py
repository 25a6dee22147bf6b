"""A pilot: some forty segments trained, from which the error of every other segment and of every grid is predicted.

What is predicted is the logarithm of the local error `E|Psi(y_a) - Phi_{a -> b}(y_a)|^2 / E|Phi|^2` of a trained
segment `(a, b)`. A Gaussian process (scikit-learn) on the place of the segment in `log sigma`, its length and its
probes (`certflow.planning.probe`) is fitted to the pilot's segments; its standard deviation says how far to trust it.
Local errors along a grid are then combined by the empirical law

    MSE(t_0, ..., t_K) = (sum_k sqrt(local_k))^2 n^-beta,    n = (sum_k sqrt(local_k))^2 / sum_k local_k,

where `n`, from 1 to K, counts the segments that matter and `beta` is measured on the chains that the pilot's own
segments form: 0 if errors add in phase and nothing amplifies or damps them, 1 if they are independent. There is no
amplification factor in it. The first-order amplified sum of E5 predicts less well (`benchmarks/coherence.py`):
errors are made near separatrices, where the flow stretches them until they are as large as the distance between modes,
and no further.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from certflow.composition.propagation import coherent_sum
from certflow.distill.ledger import Maps
from certflow.distill.reference import ReferenceFlow
from certflow.distill.samples import TEST
from certflow.distill.settings import Settings, Steps
from certflow.distill.training import Segment, train
from certflow.errors import InputError
from certflow.numbers.arrays import Floats, Times
from certflow.planning.probe import probes
from certflow.process import OrnsteinUhlenbeck

#: Standard deviation of the logarithm of an MSE about the law, seeds included.
LAW_SPREAD = 0.25
#: Seeds of what a pilot draws, one for each of the maps that it trains of a segment; experiments use small ones.
SEEDS = (2**31, 2**31 + 1)
PROBE_POINTS = 4096
#: Lengths of the pilot's segments in shares of the coordinate, and the distance of their starts.
LENGTHS = ((1.0, 1.0), (0.5, 0.25), (0.25, 0.125), (0.125, 0.125), (1 / 16, 1 / 16), (1 / 32, 1 / 8))


@dataclass(frozen=True)
class Prediction:
    """`relative_mse` with `spread`, the standard deviation of its logarithm."""

    relative_mse: float
    spread: float

    @property
    def factor(self) -> float:
        """The true value is expected within this factor, in nine cases of ten."""
        return math.exp(1.645 * self.spread)


class Pilot:
    """Predicted errors of segments between given times.

    Parameters
    ----------
    process, settings : what is to be distilled, and how
    times : from `t_max` to `t_min`, the nodes between which segments will be asked for
    coordinate : shape (T,), increasing from 0 at `t_max` to 1 at `t_min`: the pilot's segments are spread evenly in it
    """

    def __init__(
        self,
        process: OrnsteinUhlenbeck,
        times: Sequence[float],
        coordinate: Floats,
        settings: Settings | None = None,
        device: torch.device | str = "cpu",
        progress: Steps | None = None,
    ):
        if len(times) < 17:
            raise InputError("times", f"{len(times)} times", "at least 17, between which a pilot can choose")
        self.process, self.settings = process, settings or Settings.usual(process.mixture.dimension)
        self.times = [float(time) for time in times]
        self.places = {time: index for index, time in enumerate(self.times)}
        self.flow = ReferenceFlow(process, device)
        draws = self.flow.draw(PROBE_POINTS, SEEDS[0], TEST)
        error = self.flow.choose_steps(draws, self.times[0], self.times[-1])
        if not error <= 1e-6:  # NaN too
            requirement = "one that RK4 resolves to 1e-6"
            raise InputError("mixture", f"a reference flow of relative error {error:.1e}", requirement)
        self.points = self.flow.nodes(draws, self.times).cpu()
        self.pairs, self.chains = pilot_pairs(np.asarray(coordinate)), chains(np.asarray(coordinate))
        self.beta = 0.0
        self._fit(self._train(progress))

    def _train(self, progress: Steps | None) -> Floats:
        """`log local` of each pilot segment, from the mean over its maps; sets `beta`."""
        nodes = sorted({index for pair in self.pairs for index in pair})
        places = {index: place for place, index in enumerate(nodes)}
        pool = self.flow.pool(self.settings.pool, SEEDS, [self.times[index] for index in nodes])
        segments = [
            Segment(
                draw,
                places[a],
                places[b],
                key=f"pilot/{draw}/{self.times[a]!r}/{self.times[b]!r}",
                origin=f"pilot/{draw}/{origin}",
            )
            for draw in range(len(SEEDS))
            for (a, b), origin in self.pairs.items()
        ]
        maps = Maps(train(segments, pool, self.settings, progress))
        if maps.broken:
            raise InputError("settings", "training that diverged in the pilot", "for instance a smaller learning rate")
        found, told = [], []
        for draw in range(len(SEEDS)):
            wheres = {pair: (draw, places[pair[0]], places[pair[1]]) for pair in self.pairs}
            local = {pair: self._error(maps, [where], pair) for pair, where in wheres.items()}
            for chain in self.chains:
                parts = [local[pair] for pair in chain]
                error = self._error(maps, [wheres[pair] for pair in chain], (chain[0][0], chain[-1][1]))
                told.append((coherent_sum(parts), effective(parts), error))
            found.append([local[pair] for pair in self.pairs])
        self.beta = _coherence(told)
        logs: Floats = np.log(np.mean(found, axis=0))
        return logs

    def _error(self, maps: Maps, wheres: Sequence[tuple[int, int, int]], ends: tuple[int, int]) -> float:
        """`E|Psi_k o ... o Psi_1(y_a) - y_b|^2 / E|Phi|^2` of maps one after another."""
        x = self.points[ends[0]].to(self.flow.device)
        for where in wheres:
            x = maps.apply(where, x)
        gap = (x.cpu() - self.points[ends[1]]).square().sum(1).mean()
        return float(gap / self.points[-1].square().sum(1).mean())

    def _features(self, pairs: Sequence[tuple[int, int]]) -> Floats:
        log_sigma = 0.5 * np.log(np.expm1(2 * np.array(self.times)))
        start, end = (log_sigma[[pair[i] for pair in pairs]] for i in (0, 1))
        return np.column_stack([start, end, np.log(start - end), np.log(probes(self.points, pairs) + 1e-16)])

    def _fit(self, logs: Floats) -> None:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

        features = self._features(list(self.pairs))
        self.mean, self.scale = features.mean(0), features.std(0)
        self.offset = float((logs - features[:, 3]).mean())
        kernel = ConstantKernel(1.0) * RBF([1.0] * features.shape[1], (0.3, 30.0)) + WhiteKernel(0.05, (0.01, 0.5))
        self.regressor = GaussianProcessRegressor(kernel, n_restarts_optimizer=2, random_state=0)
        with warnings.catch_warnings():  # a length at its bound says that a feature does not matter: no harm
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.regressor.fit((features - self.mean) / self.scale, logs - features[:, 3] - self.offset)

    def local(self, pairs: Sequence[tuple[int, int]]) -> tuple[Floats, Floats]:
        """`log local` of segments (pairs of indices) and its standard deviation."""
        features = self._features(pairs)
        mean, deviation = self.regressor.predict((features - self.mean) / self.scale, return_std=True)
        return mean + self.offset + features[:, 3], deviation

    def predict(self, times: Sequence[float] | Times) -> Prediction:
        """The end-to-end error of a grid whose nodes are among the times of the pilot.

        Raises
        ------
        InputError : a node that is not.
        """
        for time in times:
            if float(time) not in self.places:
                raise InputError("times", float(time), f"one of the {len(self.times)} times that the pilot was given")
        nodes = [self.places[float(time)] for time in times]
        logs, deviations = self.local(list(pairwise(nodes)))
        roots = np.exp(logs / 2)
        shares = roots / roots.sum()
        spread = math.sqrt(float((shares**2 * deviations**2).sum()) + LAW_SPREAD**2)
        return Prediction(combine(np.exp(logs), self.beta), spread)


def effective(local: Sequence[float] | Floats) -> float:
    """`(sum sqrt(local))^2 / sum local`: how many segments matter, from 1 to K."""
    values = np.asarray(local)
    return coherent_sum(values) / float(values.sum())


def combine(local: Sequence[float] | Floats, beta: float) -> float:
    """The law: `(sum sqrt(local))^2 n^-beta`."""
    discount: float = effective(local) ** -beta
    return coherent_sum(local) * discount


def _coherence(chains_: Sequence[tuple[float, float, float]]) -> float:
    """`beta` by least squares of `log(sum / error) = beta log n`, within [-1, 1]."""
    x = np.log([n for _, n, _ in chains_])
    y = np.log([total / error for total, _, error in chains_])
    return float(np.clip((x @ y) / max(float(x @ x), 1e-12), -1, 1))


def pilot_pairs(coordinate: Floats) -> dict[tuple[int, int], str]:
    """Segments of the lengths of `LENGTHS` in the coordinate, as pairs of the nearest indices; and their origin.

    Those of one length that can be laid end to end start from the same weights, as those of a grid do; the others from
    other ones, so that what is peculiar to a draw is averaged out.
    """
    pairs: dict[tuple[int, int], str] = {}
    for length, step in LENGTHS:
        for i, start in enumerate(np.arange(0, 1 - length + 1e-9, step)):
            a, b = _nearest(coordinate, start), _nearest(coordinate, start + length)
            if a < b:
                pairs.setdefault((a, b), f"{length:g}/{i % max(1, round(length / step))}")
    return pairs


def chains(coordinate: Floats) -> list[list[tuple[int, int]]]:
    """The grids of two segments or more that `pilot_pairs` holds: those of one length, laid end to end from 0 to 1."""
    found: list[list[tuple[int, int]]] = []
    for length, step in LENGTHS:
        if length % step:  # the starts leave gaps
            continue
        ends = dict.fromkeys(_nearest(coordinate, share) for share in np.arange(0, 1 + 1e-9, length))
        chain = list(pairwise(ends))
        if len(chain) > 1 and chain not in found:
            found.append(chain)
    return found


def _nearest(coordinate: Floats, share: float) -> int:
    return int(np.abs(coordinate - share).argmin())
