"""A noise schedule held against itself and against the one that it should be."""

from __future__ import annotations

from typing import Any

import numpy as np

from certflow.numbers.arrays import Floats
from certflow.schedules.schedule import Schedule
from certflow.testing.causes.schedule import schedule_causes
from certflow.testing.checks.part import Part
from certflow.testing.checks.telling import run_parts
from certflow.testing.noising import Noising, noising_of, read, schedule_code
from certflow.testing.result import Cause, Counterexample, Result

#: Roundings of `a^2` and `b^2`, relative to `a^2 + b^2`, that plain formulas make: products of N numbers make N.
ROUNDINGS = 64


def check_schedule(
    schedule: Any,
    mixture: Any = None,
    *,
    like: Schedule | None = None,
    first: Any = None,
    last: Any = None,
    arrays: str = "numpy",
    rtol: float | None = None,
) -> Result:
    """`x = a(tau) x_0 + b(tau) z` with `sigma = b/a` strictly rising from the data end to the noise end (proofs/N1.md).

    Parameters
    ----------
    schedule : an object with `a(tau)` and `b(tau)` (and, where it has them, `ou_time` and `time_at` that are inverse to
        each other, `sigma`, `log_snr`), such as one of `cf.schedules`; a pair of such functions; one function, which
        is `sigma = b/a`; or the list of `alpha_bar` by index, as `alphas_cumprod` of diffusers
    mixture : not needed; there so that all checks are called alike
    like : the one of `cf.schedules` that it should be
    first, last : the ends of its time; default: its own, or those of `like`, or 0 and 1
    arrays : "numpy" or "torch", what the functions take
    rtol : what is allowed beyond rounding, relative to `a^2 + b^2`

    `a^2` and `b^2` are held to 64 roundings of the dtype that is returned, relative to `a^2 + b^2` (of a table of N
    entries to N, a product of so many): plain formulas such as `sqrt(1 - a^2)` keep that everywhere.

    Returns
    -------
    Result : passed

    Raises
    ------
    CheckFailed : an `AssertionError` with the time, both factors and the likely cause.
    InputError : what is no schedule; ends that are none.

    Examples
    --------
    >>> import numpy as np
    >>> import certflow as cf
    >>> from certflow.testing.checks.schedule import check_schedule
    >>> def a(tau): return np.exp(-(0.1 * tau + 9.95 * tau**2) / 2)
    >>> def b(tau): return np.sqrt(1 - a(tau) ** 2)
    >>> check_schedule((a, b), like=cf.schedules.variance_preserving()).passed
    True
    >>> try:
    ...     check_schedule((lambda tau: a(tau) ** 2, b), like=cf.schedules.variance_preserving())
    ... except AssertionError as error:
    ...     print(error.result.causes[0].sentence)
    its a is a^2 = alpha_bar, and not its root
    """
    options = {"like": like, "first": first, "last": last, "arrays": arrays, "rtol": rtol}
    return run_parts("check_schedule", PARTS, prepare(schedule, mixture, **options))


def prepare(
    schedule: Any,
    mixture: Any = None,
    *,
    like: Schedule | None = None,
    first: Any = None,
    last: Any = None,
    arrays: str = "numpy",
    rtol: float | None = None,
) -> Noising:
    """What the parts get; parameters and errors as `check_schedule` has them."""
    return noising_of(schedule, like, first, last, arrays, rtol)


# -- the parts -------------------------------------------------------------------------------------------------


def _values(it: Noising) -> Result:
    """Finite, of the shape of its times, the same of one time as of many, positive."""
    try:
        a, b = it.factors()
        alone = {name: [read(f(tau)) for tau in _some(it)] for name, f in (("a", it.a), ("b", it.b))}
    except (Exception, SystemExit) as error:  # whatever the user's code raises is its answer
        said = f"it raised {type(error).__name__}: {' '.join(str(error).split())}"
        found = Counterexample("", {"tau": it.taus[:1]}, said, "a(tau), b(tau)", np.inf, 0.0)
        return Result("check_schedule", "values", False, said, 0, found)
    for name, values in (("a", a), ("b", b)):
        if values.shape != it.taus.shape:
            return _failed(it, "values", f"{name} has shape {values.shape} of times of shape {it.taus.shape}", 0)
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            return _failed(it, "values", f"{name} = {values[bad[0]]:g}, no finite number", int(bad[0]))
        negative = np.flatnonzero(values < 0)
        if negative.size:
            return _failed(it, "values", f"{name} = {values[negative[0]]:.6g} is negative", int(negative[0]))
        for tau, one in zip(_some(it), alone[name], strict=True):
            place = int(np.flatnonzero(it.taus == tau)[0])
            if one.size != 1 or abs(float(one.reshape(-1)[0]) - values[place]) > _limit(it) * max(1.0, values[place]):
                return _failed(it, "values", f"{name} of one time is {one}, in an array {values[place]:.6g}", place)
    return Result("check_schedule", "values", True, "", 2 * len(it.taus))


def _monotone(it: Noising) -> Result:
    factors = _factors(it)
    if factors is None:
        return _unasked("monotone")
    with np.errstate(all="ignore"):
        sigma = factors[1] / factors[0]
        logs = np.log(sigma)
        steps = np.diff(logs)
        # in float32 neighbours near an end may be one
        slack = 8 * _eps(it) * (1 + 1 / np.minimum(factors[0], factors[1])[1:] ** 2) if it.is_short else 0
    wrong = np.flatnonzero(~(steps + slack > 0) & np.isfinite(steps))
    if wrong.size:
        place = int(wrong[0]) + 1
        message = f"sigma = b/a falls from {sigma[place - 1]:.6g} to {sigma[place]:.6g}: it rises from data to noise"
        causes = _causes(it)
        if not causes and (steps[np.isfinite(steps)] < 0).all():
            causes = (Cause("time reversed", "it runs backwards, or a and b are swapped: noise comes first"),)
        return _failed(it, "monotone", message, place, causes)
    return Result("check_schedule", "monotone", True, "")


def _ends(it: Noising) -> Result:
    """More data than noise at the data end, more noise at the other."""
    factors = _factors(it)
    if factors is None:
        return _unasked("ends")
    a, b = factors
    if not b[0] < a[0]:
        message = f"at its first time a = {a[0]:.4g}, b = {b[0]:.4g}: there is more noise than data"
        return _failed(it, "ends", message, 0, _causes(it))
    if not b[-1] > a[-1]:
        message = f"at its last time a = {a[-1]:.4g}, b = {b[-1]:.4g}: there is more data than noise"
        return _failed(it, "ends", message, -1, _causes(it))
    return Result("check_schedule", "ends", True, f"sigma from {b[0] / a[0]:.3g} to {b[-1] / max(a[-1], 1e-300):.3g}")


def _inverse(it: Noising) -> Result:
    """`ou_time = log( sqrt(a^2 + b^2)/a )`, `time_at(ou_time(tau)) = tau`, `sigma = b/a`, `log_snr = 2 log(a/b)`."""
    factors = _factors(it)
    if factors is None:
        return _unasked("inverse")
    a, b = factors
    inside = (a > 0) & (b > 0)
    taus, a, b = it.taus[inside], a[inside], b[inside]
    forms = {
        "ou_time": np.log1p((b / a) ** 2) / 2,
        "sigma": b / a,
        "log_snr": 2 * np.log(a / b),
    }
    spoilt = 1 + (np.maximum(a, b) / np.minimum(a, b)) ** 2  # a rounding of a^2 or b^2 moves log(b/a) so much
    limit = _limit(it) * spoilt
    for name, meant in forms.items():
        if name in it.extra:
            got = read(it.extra[name](taus))
            gap = np.abs(got - meant) / np.maximum(1, np.abs(meant))
            if (gap > limit).any():
                place = int((gap / limit).argmax())
                message = f"{name} is {got[place]:.6g}, where a and b give {meant[place]:.6g}"
                return _compared(it, "inverse", message, taus[place], got[place], meant[place], limit[place])
    if {"ou_time", "time_at"} <= set(it.extra):
        got = read(it.extra["time_at"](it.extra["ou_time"](taus)))
        gap = np.abs(got - taus)
        far = 1e-3 * np.maximum(np.abs(taus), (taus[-1] - taus[0]) * 1e-3) if it.is_short else 1e-6 * (1 + np.abs(taus))
        if (gap > far).any():
            place = int((gap / far).argmax())
            message = f"time_at(ou_time(tau)) = {got[place]:.6g}, of tau = {taus[place]:.6g}"
            return _compared(it, "inverse", message, taus[place], got[place], taus[place], far[place])
    return Result("check_schedule", "inverse", True, "")


def _like(it: Noising) -> Result:
    if it.like is None:
        return Result("check_schedule", "like", True, "")
    factors = _factors(it)
    if factors is None:
        return _unasked("like")
    got, meant = factors, it.meant()
    if it.form == "sigma":
        with np.errstate(all="ignore"):
            got, meant = _of_sigma(factors[1]), _of_sigma(meant[1] / meant[0])
    size = meant[0] ** 2 + meant[1] ** 2
    gaps = [np.abs(one * np.abs(one) - other**2) / size for one, other in zip(got, meant, strict=True)]
    gap = np.nan_to_num(np.maximum(*gaps), nan=np.inf)
    limit = max(_limit(it), it.rtol)
    if (gap <= limit).all():
        return Result("check_schedule", "like", True, "", 2 * len(it.taus))
    place = int(gap.argmax())
    name = "a" if gaps[0][place] >= gaps[1][place] else "b"
    which = int(name == "b")
    message = f"{name}(tau) = {got[which][place]:.6g}, where {meant[which][place]:.6g} is meant"
    if it.form == "sigma":
        message = (
            f"sigma(tau) = {factors[1][place]:.6g}, where {it.meant()[1][place] / it.meant()[0][place]:.6g} is meant"
        )
    found = Counterexample(
        f"schedule = {schedule_code(it.like)}",
        {"tau": it.taus[place]},
        [one[place] for one in got],
        [other[place] for other in meant],
        float(gap[place]),
        limit,
    )
    return Result("check_schedule", "like", False, message, 2 * len(it.taus), found, _causes(it))


def _of_sigma(sigma: Floats) -> tuple[Floats, Floats]:
    """Factors with `a^2 + b^2 = 1`."""
    return 1 / np.hypot(1, sigma), sigma / np.hypot(1, sigma)


def _factors(it: Noising) -> tuple[Floats, Floats] | None:
    """None where the part of values says what is wrong."""
    try:
        a, b = it.factors()
    except (Exception, SystemExit):  # told there
        return None
    good = a.shape == b.shape == it.taus.shape and bool(np.isfinite(a).all() and np.isfinite(b).all())
    return (a, b) if good else None


def _unasked(part: str) -> Result:
    return Result("check_schedule", part, False, "its values are no numbers")


def _some(it: Noising) -> list[float]:
    return [float(it.taus[place]) for place in (0, len(it.taus) // 2, -1)]


def _eps(it: Noising) -> float:
    return float(np.finfo(np.float32 if it.is_short else np.float64).eps)


def _limit(it: Noising) -> float:
    return _eps(it) * (max(ROUNDINGS, len(it.taus)) if it.form == "table" else ROUNDINGS)


def _causes(it: Noising) -> tuple[Cause, ...]:
    factors = _factors(it)
    if it.like is None or factors is None:
        return ()
    # a root near 0 keeps half of the digits
    return schedule_causes(it.form, it.taus, factors, it.like, max(_limit(it), it.rtol) ** 0.5)


def _compared(it: Noising, part: str, message: str, tau: float, got: Any, meant: Any, limit: float) -> Result:
    found = Counterexample("", {"tau": tau}, got, meant, abs(float(got) - float(meant)), float(limit))
    return Result("check_schedule", part, False, message, len(it.taus), found, _causes(it))


def _failed(it: Noising, part: str, message: str, place: int, causes: tuple[Cause, ...] | None = None) -> Result:
    tau = float(it.taus[place])
    found = Counterexample("", {"tau": tau}, message, "a schedule", np.inf, 0.0)
    said = _causes(it) if causes is None else causes
    return Result("check_schedule", part, False, f"{message}, at tau = {tau:.6g}", len(it.taus), found, said)


PARTS = (
    Part("values", _values),
    Part("monotone", _monotone),
    Part("ends", _ends),
    Part("inverse", _inverse),
    Part("like", _like),
)
