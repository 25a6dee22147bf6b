"""The end-to-end error of a solver over a grid (proofs/G4.md, G6.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.law.mixture import GaussianMixture
from certflow.law.noised import noised
from certflow.numbers.arrays import Floats, Points, Times
from certflow.numbers.inputs import whole_number
from certflow.samplers.field import Denoiser, Flow, denoise_of
from certflow.samplers.reference import exact_end
from certflow.samplers.rollout import node_times, read, run
from certflow.samplers.solvers import solver_of

MAX_SAMPLES = 10_000_000


def relative_mse(
    model: Denoiser | Flow, times: Any, sampler: str = "euler", *, samples: int = 4096, seed: int = 0
) -> float:
    """`E|Psi(X) - Phi(X)|^2 / E|Phi(X)|^2`, `X ~ p_T`, `T = times[0]`, `Phi` the flow to `times[-1]`. proofs/G4.md.

    Parameters
    ----------
    model : an `OrnsteinUhlenbeck`, whose reference flow is `Phi` and of whose `p_T` exact draws are taken; or an object
        with `denoiser(x, t)` and the `shape` of one point, which is handed NumPy points, starts from standard normal
        numbers and whose `Phi` is a fine solve of its own flow
    times, sampler : as `certflow.samplers.run` takes them; the last time is positive
    samples, seed : how many draws and which; grids that are compared should share them

    The mean is heavy-tailed: a trajectory next to a separatrix may decide it, so that 1,000 draws can be off by a
    factor of ten and more. 50,000 tell grids apart by a few percent. Of a model, what is below about 1e-8 is the error
    of the fine solve, not of the grid.

    Raises
    ------
    InputError : what `run` refuses; a last time of 0; a model that has no `shape`, takes tensors only, or whose flow is
        not resolved.

    Examples
    --------
    >>> import certflow as cf
    >>> process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    >>> for kind in ("flow-matching", "typical"):
    ...     print(kind, f"{cf.samplers.relative_mse(process, cf.time_grid(process, 8, kind), 'heun'):.0e}")
    flow-matching 7e-04
    typical 5e-01
    """
    return float(squared_errors(model, (times,), sampler, samples=samples, seed=seed)[0].mean())


def squared_errors(
    model: Denoiser | Flow, grids: Sequence[Any], sampler: str, *, samples: int = 4096, seed: int = 0
) -> list[Floats]:
    """`|Psi(x_i) - Phi(x_i)|^2 / E|Phi(X)|^2` of every grid, each of shape (samples,), on points common to all.

    grids : times as `relative_mse` takes them, all from the same first time to the same last one; errors as there
    """
    listed, solver = [node_times(times) for times in grids], solver_of(sampler)
    first, last = (float(listed[0][end]) for end in (0, -1))
    x = start(model, first, whole_number(samples, "samples", 1, MAX_SAMPLES), whole_number(seed, "seed"))
    _check_numpy(model, x[:1], listed[0])
    exact = exact_end(model, x, first, last)
    rows, scale = len(x), float((exact**2).sum()) / len(x)
    return [((run(model, x, t, solver.name) - exact).reshape(rows, -1) ** 2).sum(1) / scale for t in listed]


def _check_numpy(model: Denoiser | Flow, x: Points, times: Times) -> None:
    points, nodes = read(x, times)
    denoise = denoise_of(model)
    try:
        denoise(points, nodes[0])
    except (TypeError, AttributeError) as error:  # what tensors have and arrays do not
        what = f"{type(error).__name__} ({' '.join(str(error).split())})"
        raise InputError("model", what, "a denoiser that takes NumPy points") from error


def start(model: Denoiser | Flow, t: float, samples: int, seed: int) -> Points:
    """Points at which trajectories start: exact draws of `p_t` of a mixture, standard normal ones for a model."""
    if isinstance(model, type):
        denoise_of(model)
    mixture, shape = getattr(model, "mixture", None), getattr(model, "shape", None)
    first, second = (int(number) for number in np.random.SeedSequence(seed).generate_state(2, np.uint64))
    generator = np.random.default_rng(second)
    if isinstance(mixture, GaussianMixture):
        data = mixture.sample(samples, seed=first)
        return noised(data, t, generator.standard_normal(data.shape))
    if not isinstance(shape, tuple):
        raise InputError("model", model, "a mixture's process, or an object with the shape of one of its points")
    return generator.standard_normal((samples, *shape))
