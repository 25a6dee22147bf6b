"""A sampler held against the exact flow and law of a mixture: which one it is, of what order, and where it ends."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from typing import Any

import numpy as np

from certflow.law.mixture import GaussianMixture
from certflow.numbers.inputs import one_of, whole_number
from certflow.process import OrnsteinUhlenbeck
from certflow.schedules.schedule import Schedule
from certflow.testing.causes.sampler import causes
from certflow.testing.checks import accuracy
from certflow.testing.checks.accuracy import broken, compared
from certflow.testing.checks.part import Part
from certflow.testing.checks.preparation import mixture_of
from certflow.testing.checks.telling import run_parts
from certflow.testing.result import Counterexample, Result
from certflow.testing.sampling import Sampling, check_fields
from certflow.testing.solvers import KNOWN_SOLVERS, apart


def check_sampler(
    sampler: Callable[..., Any],
    mixture: GaussianMixture | str | PathLike[str],
    order: int | None = None,
    *,
    solver: str | None = None,
    field: str = "velocity",
    schedule: Schedule | None = None,
    arrays: str = "numpy",
    dtype: str = "float64",
    stochastic: bool = False,
    evaluations: int | Callable[[int], int] | None = None,
    t_min: Any = 0.01,
    t_max: Any = 3.0,
    samples: int = 2000,
    level: float = 1e-6,
    seed: int = 0,
) -> Result:
    """`|Psi_K(x) - Phi(x)| = O(K^{-order})` on smooth grids, `Psi_K` the sampler, `Phi` the exact flow (proofs/G6.md).

    Parameters
    ----------
    sampler : `(velocity, x, times) -> x at times[-1]`; x of shape (n, d); times of shape (K + 1,), descending from
        `t_max`, the noise end, to `t_min`; `velocity(x, t)` is `dx/dt = -x - grad log p_t(x)` along rising t, exact, of
        the shape of x, t one time or one for each row. A step from a to b so goes by `(b - a) * velocity`, `b - a < 0`
    mixture : a mixture, the name of a built-in one, or a file
    order : the order that is claimed; that of `solver`, or 2
    solver : the name that it goes by, of `certflow.testing.solvers.KNOWN_SOLVERS`: then its steps are held against that
        formula to rounding, and it is told which one it really is
    field : what it is handed in place of the velocity: "score", "denoiser" (`E[x_0|x]`), "noise" (`E[z|x]`),
        "v_prediction", "flow_prediction"
    schedule : one of `cf.schedules`: x, times and field are then those of that schedule; with `cf.schedules.edm()` and
        "denoiser" a sampler is `(denoiser, x, sigmas)`, as k-diffusion has it
    arrays, dtype : "numpy" or "torch"; "float64" or "float32"
    stochastic : it takes `seed=`, an int; it is then held by its law, and by mean and variance of one Gaussian, where
        noise of 0.95 or 1.05 times `sqrt(2 h)` is seen; it repeats itself by seed
    evaluations : rows that it may ask for each row and step, or a function of K that gives all; else they are told
    t_min, t_max : the interval
    samples, level, seed : draws for its law, the probability that a right one fails, and the seed of the draws

    What rounding explains is 1000 units of the dtype; solvers that differ do so by 5e-4 and more. A slope counts as the
    order where it is nearer to it than to the one below: at least order - 1/2, in the last of the doublings.

    Returns
    -------
    Result : passed; its message names the solver and the slopes

    Raises
    ------
    CheckFailed : an `AssertionError` with the counterexample and its likely causes.
    InputError : options that fit nothing.

    Examples
    --------
    >>> import certflow as cf
    >>> from certflow.testing.checks.sampler import check_sampler
    >>> def euler(velocity, x, times):
    ...     for a, b in zip(times[:-1], times[1:]):
    ...         x = x + (b - a) * velocity(x, a)
    ...     return x
    >>> mixture = cf.load_mixture("two-modes")
    >>> check_sampler(euler, mixture, order=1).passed
    True
    >>> check_sampler(euler, mixture, solver="heun-t")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    certflow.testing.result.CheckFailed: check_sampler: factor: it is Euler in t, not Heun in t...
    """
    options = dict(locals())
    return run_parts("check_sampler", PARTS, prepare(options.pop("sampler"), options.pop("mixture"), **options))


def prepare(
    sampler: Callable[..., Any],
    mixture: GaussianMixture | str | PathLike[str],
    *,
    t_min: Any = 0.01,
    t_max: Any = 3.0,
    **options: Any,
) -> Sampling:
    """What the parts get; parameters and errors as `check_sampler` has them."""
    law = mixture_of(mixture)
    solver, order = options.get("solver"), options.pop("order", None)
    if solver is not None:
        one_of(solver, "solver", KNOWN_SOLVERS)
    if order is None:
        order = 2 if solver is None else KNOWN_SOLVERS[solver].order
    sampling = Sampling(sampler, OrnsteinUhlenbeck(law, t_min, t_max), whole_number(order, "order", 1, 8), **options)
    check_fields(sampling)
    return sampling


# -- the parts -------------------------------------------------------------------------------------------------


def _shape(it: Sampling) -> Result:
    x, times = it.points(5), it.nodes(3)
    ran = it.run(x, times)
    if ran.end is None:
        return broken(it, "shape", ran, x, times)
    if ran.dtype != it.dtype:
        return it.failed("shape", f"it returned {ran.dtype} of points in {it.dtype}", ran.calls.rows)
    alone, none = it.run(x[1:2], times), it.run(x[:0], times)
    if alone.end is None:
        return broken(it, "shape", alone, x[1:2], times, "of a batch of one ")
    if none.end is None:
        return broken(it, "shape", none, x[:0], times, "of an empty batch ")
    if not it.stochastic and (gap := apart(ran.end[1:2], alone.end)) > it.rounding:
        message = f"a point ends elsewhere among others than alone, by {gap:.3g}"
        found = compared(it, it.process, x[1:2], times, ran.end[1:2], alone.end, gap, it.rounding)
        return it.failed("shape", message, ran.calls.rows, found)
    return it.passed("shape", "", ran.calls.rows + alone.calls.rows)


def _times(it: Sampling) -> Result:
    x, times = it.points(2), it.nodes(4)
    ran = it.run(x, times)
    if ran.end is None:
        return broken(it, "times", ran, x, times)
    asked = ran.calls.times
    slack = 1e-6 if it.dtype == "float64" else 1e-3
    message = ""
    if not asked:
        message = "it never asks for the field"
    elif max(asked) > times[0] * (1 + slack) or min(asked) < times[-1] * (1 - slack):
        message = f"it asks for the field at t = {max(asked, key=lambda t: abs(t - times.mean())):.6g}, outside"
    elif max(asked) < times[1] * (1 - slack):
        message = "it never asks for the field in the first segment"
    elif min(asked) > times[-2] * (1 + slack):
        message = "it never asks for the field in the last segment"
    if not message:
        return it.passed("times", "", ran.calls.rows)
    message += f" of times from {times[0]:g} to {times[-1]:g}"
    found = Counterexample(it.code(it.process, times), {"x": x[0]}, asked, times, np.inf, slack)
    return it.failed("times", message, ran.calls.rows, found, causes(it))


def _equal_nodes(it: Sampling) -> Result:
    """A last step between equal times does nothing, or is refused."""
    x, times = it.points(4), it.nodes(3)
    again = np.append(times, times[-1])
    plain, idle = it.run(x, times), it.run(x, again)
    if idle.wrong.startswith("it raised") or plain.end is None:
        return it.passed("equal nodes", "")
    if idle.end is None:
        return broken(it, "equal nodes", idle, x, again)
    if not it.stochastic and (gap := apart(idle.end, plain.end)) > it.rounding:
        found = compared(it, it.process, x, again, idle.end, plain.end, gap, it.rounding)
        return it.failed("equal nodes", f"a step between equal times moves points by {gap:.3g}", 0, found)
    return it.passed("equal nodes", "", plain.calls.rows + idle.calls.rows)


def _repeat(it: Sampling) -> Result:
    x, times = it.points(4), it.nodes(3)
    first, second = it.run(x, times), it.run(x, times)
    rows = first.calls.rows + second.calls.rows
    if first.end is None or second.end is None:
        return broken(it, "repeat", first if first.end is None else second, x, times)
    if first.changed:
        return it.failed("repeat", f"it writes into its argument {first.changed}", rows)
    if (first.end != second.end).any():
        how = "with the same seed" if it.stochastic else "of the same points"
        gap = float(np.abs(first.end - second.end).max())
        found = compared(it, it.process, x, times, second.end, first.end, gap, 0.0)
        return it.failed("repeat", f"a second run {how} ends elsewhere, by {gap:.3g}", rows, found)
    if it.stochastic:
        other = it.run(x, times, seed=it.seed + 1)
        if other.end is None or (other.end == first.end).all():
            return it.failed("repeat", "another seed ends at the same points: its seed does nothing", rows)
    return it.passed("repeat", "", rows)


def _evaluations(it: Sampling) -> Result:
    x, counts = it.points(3), {}
    for segments in (1, 4, 8):
        ran = it.run(x, it.nodes(segments))
        if ran.end is None:
            return broken(it, "evaluations", ran, x, it.nodes(segments))
        counts[segments] = ran.calls.rows / len(x)
    told = f"{(counts[8] - counts[4]) / 4:g} evaluations a step"
    if it.evaluations is None:
        return it.passed("evaluations", told)
    for segments, got in counts.items():
        wanted = it.wanted(segments)
        if got != wanted:
            times = it.nodes(segments)
            found = Counterexample(it.code(it.process, times), {"x": x[0]}, got, wanted, abs(got - wanted), 0.0)
            message = f"{got:g} evaluations of {segments} steps, where {wanted:g} are meant"
            return it.failed("evaluations", message, int(sum(counts.values())), found, causes(it))
    return it.passed("evaluations", told)


PARTS = (
    Part("shape", _shape),
    Part("times", _times),
    Part("equal nodes", _equal_nodes),
    Part("repeat", _repeat),
    Part("evaluations", _evaluations),
    Part("precision", accuracy.precision),
    Part("factor", accuracy.factor),
    Part("one segment", accuracy.one_segment),
    Part("order on one Gaussian", accuracy.order_on_gaussian),
    Part("order", accuracy.order_on_mixture),
    Part("variance on one Gaussian", accuracy.moments_on_gaussian),
    Part("law", accuracy.law),
)
