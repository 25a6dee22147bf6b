"""Noised data and targets of a training loop held against the schedule that they are meant to follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.numbers.arrays import Floats
from certflow.numbers.inputs import one_of, real_number, whole_number
from certflow.schedules.families import ornstein_uhlenbeck
from certflow.schedules.schedule import Schedule
from certflow.testing.causes.training_pair import TARGETS, noised_causes, target_causes
from certflow.testing.checks.drawn_noise import drawn, independent
from certflow.testing.checks.part import Part
from certflow.testing.checks.telling import run_parts
from certflow.testing.noising import read, schedule_code
from certflow.testing.pairing import ARRAYS, DTYPES, Pair, Pairing, data_of, levels_of
from certflow.testing.result import Cause, Counterexample, Result


def check_training_pair(
    make: Callable[..., Any],
    data: Any,
    *,
    schedule: Schedule | None = None,
    predicts: str | None = None,
    noise: str = "given",
    weight: Callable[[Any], Any] | None = None,
    arrays: str = "numpy",
    dtype: str = "float64",
    rows: int = 4096,
    level: float = 1e-6,
    seed: int = 0,
) -> Result:
    """`x_t = a(tau) x_0 + b(tau) z` with `z` standard normal, and the target that `predicts` names (proofs/N1.md, N2).

    Parameters
    ----------
    make : `(x0, tau, noise) -> x_t` or `(x_t, target)` or `(x_t, target, weight)`; x0 and noise of shape (n, ...), tau
        of shape (n,), each row with its own time; x_t and target of the shape of x0
    data : a mixture of which x0 are drawn, or rows of one's own, shape (N, ...)
    schedule : one of `cf.schedules` whose time tau is; default: the Ornstein-Uhlenbeck process
    predicts : "epsilon" (z), "sample" (x_0), "v_prediction" (a z - b x_0), "flow_prediction" (z - x_0), "score"
        (-z/b); None: a target is not looked at
    noise : "given": it is handed over, and x_t is held against it to rounding; "seed": `make(x0, tau, seed=...)` draws
        its own, and mean, variance and independence of `(x_t - a x_0)/b` are held within chance, of 100,000 numbers
        at least: a factor of 0.97 or 1.03 and a mean of 0.05 are seen
    weight : what the third thing should be, a function of tau
    arrays, dtype : "numpy" or "torch"; "float64" or "float32"
    rows, level, seed : rows that are made, the probability that a right one fails, and the seed

    Returns
    -------
    Result : passed

    Raises
    ------
    CheckFailed : an `AssertionError` with the row, its time and the likely cause.
    InputError : options that fit nothing.

    Examples
    --------
    >>> import numpy as np
    >>> import certflow as cf
    >>> from certflow.testing.checks.training_pair import check_training_pair
    >>> def make(x0, t, noise):
    ...     m = np.exp(-t)[:, None]
    ...     return m * x0 + np.sqrt(1 - m**2) * noise, noise
    >>> check_training_pair(make, cf.load_mixture("two-modes"), predicts="epsilon").passed
    True
    >>> def wrong(x0, t, noise):
    ...     m = np.exp(-t)[:, None]
    ...     return m * x0 + (1 - m**2) * noise, noise
    >>> try:
    ...     check_training_pair(wrong, cf.load_mixture("two-modes"), predicts="epsilon")
    ... except AssertionError as error:
    ...     print(error.result.causes[0].sentence)
    its b is b^2, the variance and not its root
    """
    options = dict(locals())
    return run_parts("check_training_pair", PARTS, prepare(options.pop("make"), options.pop("data"), **options))


def prepare(
    make: Callable[..., Any],
    data: Any,
    *,
    schedule: Schedule | None = None,
    predicts: str | None = None,
    noise: str = "given",
    weight: Callable[[Any], Any] | None = None,
    arrays: str = "numpy",
    dtype: str = "float64",
    rows: int = 4096,
    level: float = 1e-6,
    seed: int = 0,
) -> Pairing:
    """What the parts get; parameters and errors as `check_training_pair` has them."""
    if not callable(make):
        raise InputError("make", make, "a callable (x0, tau, noise) -> x_t, or (x_t, target)")
    law = ornstein_uhlenbeck() if schedule is None else schedule
    if not isinstance(law, Schedule):
        raise InputError("schedule", schedule, "one of cf.schedules, or None for the Ornstein-Uhlenbeck process")
    if predicts is not None:
        one_of(predicts, "predicts", TARGETS)
    for name, given, listed in (
        ("noise", noise, ("given", "seed")),
        ("arrays", arrays, ARRAYS),
        ("dtype", dtype, DTYPES),
    ):
        one_of(given, name, listed)
    if weight is not None and not callable(weight):
        raise InputError("weight", weight, "a function of tau")
    chance = real_number(level, "level", "a probability in (0, 0.1)", lambda value: 0 < value < 0.1)
    first = whole_number(seed, "seed")
    drawn = data_of(data, rows, first)
    return Pairing(make, drawn, law, levels_of(law), predicts, weight, noise, arrays, dtype, chance, first)


# -- the parts -------------------------------------------------------------------------------------------------


def _shape(it: Pairing) -> Result:
    for rows, of in ((slice(0, 64), ""), (slice(3, 4), "of a batch of one "), (slice(0, 0), "of an empty batch ")):
        pair, wrong = it.pair(rows)
        if pair is None:
            return it.failed("shape", of + wrong)
        if (it.predicts is not None and pair.target is None) or (it.weight is not None and pair.weight is None):
            return it.failed("shape", "it returned no target" if pair.target is None else "it returned no weight")
    return it.passed("shape", 65)


def _repeat(it: Pairing) -> Result:
    (first, wrong), (second, _) = it.pair(slice(0, 64)), it.pair(slice(0, 64))
    if first is None or second is None:
        return it.failed("repeat", wrong)
    if (first.x != second.x).any():
        how = "the same seed" if it.noise == "seed" else "the same noise"
        return it.failed("repeat", f"a second time, with {how}, x_t is another one")
    if it.noise == "seed":
        other, wrong = it.pair(slice(0, 64), it.seed + 1)
        if other is None or (other.x == first.x).all():
            return it.failed("repeat", wrong or "another seed makes the same x_t: its seed does nothing")
    return it.passed("repeat", 128)


def _noised(it: Pairing) -> Result:
    pair, wrong = it.pair()
    if pair is None:
        return it.failed("noised", wrong)
    if it.noise == "seed":
        return drawn(it, pair)
    a, b = it.factors(pair.levels)
    meant = a * pair.x0 + b * pair.z
    size = it.schedule.a(it.taus) ** 2 + it.schedule.b(it.taus) ** 2
    square = it.rows(np.asarray(size)[pair.levels])
    # a rounding of a^2 + b^2 in a^2 moves a by its part of (a^2 + b^2)/a
    limit = it.rounding * (square / a * np.abs(pair.x0) + square / b * np.abs(pair.z))
    gap = np.abs(pair.x - meant)
    if (gap <= limit).all():
        return it.passed("noised", len(pair.x))
    row, at = _worst(gap / limit)
    message = f"x_t is {pair.x[row][at]:.6g}, where a x_0 + b z = {meant[row][at]:.6g}"
    found = _row(it, pair, row, pair.x, meant, float(gap[row][at]), float(limit[row][at]))
    return it.failed("noised", message, found, noised_causes(it, pair))


def _target(it: Pairing) -> Result:
    if it.predicts is None:
        return it.passed("target", 0)
    pair, wrong = it.pair()
    if pair is None or pair.target is None:
        return it.failed("target", wrong or "it returned no target")
    a, b = it.factors(pair.levels)
    meant = TARGETS[it.predicts](pair.x0, pair.z, a, b)
    square = a**2 + b**2
    terms = TARGETS[it.predicts](-np.abs(pair.x0), np.abs(pair.z), a, b)  # no term cancels another
    spoilt = np.maximum(square / b**2, square / a**2)
    limit = it.rounding * (np.abs(terms) + np.abs(meant)) * spoilt
    if it.noise == "seed":  # the noise is known by x_t only
        limit = limit + it.rounding * (np.abs(pair.x) + np.abs(a * pair.x0)) / b * np.maximum(1, 1 / b)
    gap = np.abs(pair.target - meant)
    if (gap <= limit).all():
        return it.passed("target", len(gap))
    row, at = _worst(gap / limit)
    message = f"the target is {pair.target[row][at]:.6g}, where {it.predicts} is {meant[row][at]:.6g}"
    found = _row(it, pair, row, pair.target, meant, float(gap[row][at]), float(limit[row][at]))
    return it.failed("target", message, found, target_causes(it, pair, it.predicts))


def _weight(it: Pairing) -> Result:
    if it.weight is None:
        return it.passed("weight", 0)
    pair, wrong = it.pair()
    if pair is None or pair.weight is None:
        return it.failed("weight", wrong or "it returned no weight")
    meant = read(it.weight(it.taus))[pair.levels]
    if pair.weight.size != meant.size:
        return it.failed("weight", f"the weight has shape {pair.weight.shape}, where each row has one")
    got = pair.weight.reshape(-1)
    limit = 100 * it.rounding * np.abs(meant)
    gap = np.abs(got - meant)
    if (gap <= limit).all():
        return it.passed("weight", len(got))
    row = int((gap - limit).argmax())
    message = f"the weight is {got[row]:.6g}, where {meant[row]:.6g} is meant"
    found = Counterexample("", {"tau": float(it.taus[pair.levels[row]])}, got[row], meant[row], gap[row], limit[row])
    return it.failed("weight", message, found, _weight_causes(got, meant))


def _weight_causes(got: Floats, meant: Floats) -> tuple[Cause, ...]:
    ratio = got / meant
    if np.ptp(ratio) <= 1e-4 * abs(ratio[0]):
        return (Cause("factor", f"it is {ratio[0]:.6g} times the weight"),)
    if np.ptp(got * meant) <= 1e-4 * abs(got[0] * meant[0]):
        return (Cause("upside down", "it is divided by what it should be multiplied by"),)
    for name, power, sentence in (
        ("square root missing", 2, "it is squared"),
        ("square root extra", 0.5, "it is under a root"),
    ):
        if np.abs(got / np.abs(meant) ** power - 1).max() <= 1e-4:
            return (Cause(name, sentence),)
    return ()


def _worst(excess: Floats) -> tuple[int, Any]:
    index = np.unravel_index(int(np.nan_to_num(excess, nan=np.inf).argmax()), excess.shape)
    return int(index[0]), tuple(index[1:])


def _row(
    it: Pairing, pair: Pair, row: int, got: Floats, meant: Floats, error: float, tolerance: float
) -> Counterexample:
    inputs = {"x0": pair.x0[row], "tau": float(it.taus[pair.levels[row]]), "noise": pair.z[row]}
    return Counterexample(f"schedule = {schedule_code(it.schedule)}", inputs, got[row], meant[row], error, tolerance)


PARTS = (
    Part("shape", _shape),
    Part("repeat", _repeat),
    Part("noised", _noised),
    Part("independent", independent),
    Part("target", _target),
    Part("weight", _weight),
)
