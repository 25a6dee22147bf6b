"""What rounding does to a network of exact weights that is evaluated in float64 or float32: measured, not proved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from certflow.law.noised import NoisedMixture, noised
from certflow.networks.arithmetic import ExactNetwork
from certflow.networks.graph import Network
from certflow.networks.measuring import inner_times
from certflow.networks.module import NetworkModule
from certflow.numbers.arrays import Floats, Times
from certflow.numbers.doubledouble import DoubleDouble, DoubleDoubleArithmetic
from certflow.numbers.inputs import whole_number

#: Times at which rounding is measured, evenly in log t.
TIMES = 12


@dataclass(frozen=True)
class Rounding:
    """`(E |N_rounded(X_t, t) - N(X_t, t)|^2)^{1/2}` over times, `N` with its exact weights.

    arithmetic : "float64" or "float32"; times : shape (T,), numbers of that arithmetic; errors : shape (T,)
    samples : draws of `X_t` at each time
    """

    arithmetic: str
    times: Times
    errors: Floats
    samples: int

    @property
    def largest(self) -> float:
        """The largest error over the times."""
        return float(self.errors.max())


def rounding(
    network: Network, process: NoisedMixture, arithmetic: str = "float64", samples: int = 400, seed: int = 0
) -> Rounding:
    """The error in `L^2(p_t)` that weights and operations of `arithmetic` make, root mean square over draws of `X_t`.

    The network is evaluated by `NetworkModule` and, at the same points and times (numbers of `arithmetic`, times
    rounded into the interval), with its exact weights in double-double arithmetic, which knows about 31 digits.

    network : its inputs are the `d` entries of `x`, then `t`
    samples : draws at each of 12 times, evenly in log t

    Raises
    ------
    InputError : another arithmetic, or no number of samples.
    """
    count = whole_number(samples, "samples", 1)
    module, exact, double_double = NetworkModule(network, arithmetic), ExactNetwork(network), DoubleDoubleArithmetic()
    kind = np.dtype(arithmetic).type
    data = process.mixture.sample(count, seed=seed)
    normal = np.random.default_rng([whole_number(seed, "seed"), 1]).normal(size=data.shape)
    times = inner_times(process, TIMES, kind)
    points = np.concatenate([noised(data, float(time), normal) for time in times]).astype(kind).astype(np.float64)
    repeated = np.repeat(times.astype(np.float64), count)
    rounded = module(points, repeated).double().numpy()
    outputs = exact.of([DoubleDouble(column) for column in (*points.T, repeated)], double_double)
    off = np.stack([(DoubleDouble(rounded[:, i]) - values).to_float() for i, values in enumerate(outputs)])
    errors = np.sqrt((off**2).sum(axis=0).reshape(TIMES, count).mean(axis=1))
    return Rounding(arithmetic, times.astype(np.float64), errors, count)
