"""The public constructed network for the score of a mixture: `cf.networks.relu_requ_score`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.law.noised import NoisedMixture
from certflow.networks.arithmetic import ExactNetwork
from certflow.networks.constructed import ConstructedScore, Proved, constructed_score, error_asked
from certflow.numbers.inputs import one_of

#: Unit roundoffs of the arithmetics that round.
UNITS = {"float64": 2.0**-53, "float32": 2.0**-24}
#: A network's rounding in `L^2(p_t)` is about this many roundings of the largest drift, `a (|mu| + |x|)` at the data
#: end.
_ROUNDINGS = 64
ARITHMETICS = (*UNITS, "mpmath", "arb")


class ExactScore(Proved, ExactNetwork):
    """A constructed score in the numbers of its arguments: float64, mpmath, Arb balls; see `relu_requ_score`."""

    def __init__(self, constructed: ConstructedScore):
        super().__init__(constructed.network)
        self.constructed = constructed


def relu_requ_score(p: NoisedMixture, eps: Any, p_norm: Any = 2, arithmetic: str = "float64") -> Any:
    """A network of affine maps, ReLU and ReQU only, built without training, with

        sup_{t_min <= t <= t_max} || N(., t) - s(., t) ||_{L^p(p_t)} <= error_bound <= eps.

    p : an `OrnsteinUhlenbeck` process, any kind of covariance
    eps : at least 1e-200; text keeps it exact
    p_norm : `p` from 1 to 1000; infinity only where the error is bounded (`sigma = 1`)
    arithmetic : "float64" or "float32" for a `torch.nn.Module` (`forward(x, t)`: x (..., d), t a scalar or (...)),
        "mpmath" or "arb" for a callable on such numbers with the same exact weights

    Both have `.depth`, `.width`, `.neurons`, `.parameters_count`, `.error_bound`, `.parts`, `.pointwise_bound(x)`. The
    bound is of the network in exact arithmetic; what float64 and float32 round is measured by
    `certflow.networks.conditioning.rounding`: up to 4e-12 and 4e-5 for the built-in mixtures.

    Statements A1 to A6 (proofs/A5.md, A6.md); the announcement is that of arXiv 2606.03820.

    Raises
    ------
    InputError : `eps` out of range or below what the arithmetic can show, a `p_norm` not from 1 to 1000, another
        arithmetic.

    >>> import certflow as cf
    >>> p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    >>> network = cf.networks.relu_requ_score(p, "1e-6")
    >>> network.depth, network.error_bound <= 1e-6
    (11, True)
    """
    one_of(arithmetic, "arithmetic", ARITHMETICS)
    if arithmetic not in UNITS:
        return ExactScore(constructed_score(p, eps, p_norm))
    limit = UNITS[arithmetic] * _ROUNDINGS * _drift(p)
    if error_asked(eps) < limit:
        rounds = f'at least {limit:.1g}, about what {arithmetic} rounds; arithmetic="mpmath" or "arb" goes below'
        raise InputError("eps", eps, rounds)
    from certflow.networks.module import ScoreModule

    return ScoreModule(constructed_score(p, eps, p_norm), arithmetic)


def _drift(p: NoisedMixture) -> float:
    """About the largest size of the score's terms, `(m |mu_k| + sqrt(d v)) / v` at the data end, `v` the least
    variance.
    """
    m2 = math.exp(-2 * p.t_min)
    least = float(np.linalg.eigvalsh(p.mixture.covariance_matrices).min())
    variance = least * m2 - math.expm1(-2 * p.t_min)
    reach = math.sqrt(m2) * float(np.linalg.norm(p.mixture.means, axis=1).max())
    return (reach + math.sqrt(p.mixture.dimension * variance)) / variance
