"""Why a noise schedule is not the one that it should be: factors with a fault, and the fault that says the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from certflow.numbers.arrays import Floats
from certflow.schedules.families import Cosine, VariancePreserving
from certflow.schedules.schedule import Schedule
from certflow.testing.causes.fault import factor_text
from certflow.testing.result import Cause

Factors = tuple[Floats, Floats]

#: Name -> sentence, what becomes of `a` and `b`, with `n = sqrt(1 - .)`.
_OF_FACTORS: dict[str, tuple[str, Callable[[Floats, Floats], Factors]]] = {
    "square root missing": ("its factors are a^2 and b^2: both roots are missing", lambda a, b: (a**2, b**2)),
    "square root extra": ("its factors are sqrt(a) and sqrt(b): roots are taken twice", lambda a, b: (a**0.5, b**0.5)),
    "variance for its root": ("its b is b^2, the variance and not its root", lambda a, b: (a, b**2)),
    "root of b twice": ("its b is sqrt(b): the root is taken twice", lambda a, b: (a, b**0.5)),
    "alpha_bar for its root": ("its a is a^2 = alpha_bar, and not its root", lambda a, b: (a**2, b)),
    "root of a twice": ("its a is sqrt(a): the root is taken twice", lambda a, b: (a**0.5, b)),
    "swapped": ("its a is the factor of the noise and its b that of the data", lambda a, b: (b, a)),
    "1 - a for sqrt(1 - a^2)": ("its b is 1 - a, where sqrt(1 - a^2) is meant", lambda a, b: (a, 1 - a)),
    "1 - a^2 for its root": ("its b is 1 - a^2, where its root is meant", lambda a, b: (a, 1 - a**2)),
    "sqrt(1 - a)": ("its b is sqrt(1 - a), where sqrt(1 - a^2) is meant", lambda a, b: (a, np.sqrt(1 - a))),
    "the rate twice": (
        "its a is a^2 and its b follows: the integral of beta lacks its 1/2, or alpha_bar its root",
        lambda a, b: (a**2, np.sqrt(1 - a**4)),
    ),
    "the rate halved": (
        "its a is sqrt(a) and its b follows: the integral of beta is halved twice",
        lambda a, b: (a**0.5, np.sqrt(1 - a)),
    ),
    "scaled to a^2 + b^2 = 1": (
        "it is right but for its scale: a^2 + b^2 = 1",
        lambda a, b: _over(a, b, np.hypot(a, b)),
    ),
    "scaled to a = 1": ("it is right but for its scale: a = 1 and b = sigma", lambda a, b: _over(a, b, a)),
    "scaled to a + b = 1": ("it is right but for its scale: a + b = 1", lambda a, b: _over(a, b, a + b)),
    "sign of a": ("its a has the wrong sign", lambda a, b: (-a, b)),
    "sign of b": ("its b has the wrong sign", lambda a, b: (a, -b)),
}

#: Name -> sentence, what stands in place of `sigma = b/a`.
_OF_SIGMA: dict[str, tuple[str, Callable[[Floats], Floats]]] = {
    "variance for its root": ("it is sigma^2", lambda s: s**2),
    "square root extra": ("it is sqrt(sigma)", lambda s: s**0.5),
    "log sigma": ("it is log sigma", np.log),
    "b for b/a": ("it is b = sigma / sqrt(1 + sigma^2), not b/a", lambda s: s / np.hypot(1, s)),
    "flow for b/a": ("it is b = sigma / (1 + sigma), not b/a", lambda s: s / (1 + s)),
    "upside down": ("it is a/b: upside down", lambda s: 1 / s),
    "OU time": ("it is the OU time log(1 + sigma^2)/2", lambda s: np.log1p(s**2) / 2),
    "log-SNR": ("it is the log-SNR, -2 log sigma", lambda s: -2 * np.log(s)),
}


def _over(a: Floats, b: Floats, by: Floats) -> Factors:
    return a / by, b / by


@np.errstate(all="ignore")
def schedule_causes(form: str, taus: Floats, got: Factors, like: Schedule, limit: float) -> tuple[Cause, ...]:
    """The fault whose factors are those that were got, within `limit` relative to the largest; none where none fits."""
    meant = _at(like, taus)
    if form == "sigma":
        sigma = meant[1] / meant[0]
        for name, (sentence, changed) in _OF_SIGMA.items():
            if _same((got[1],), (changed(sigma),), limit):
                return (Cause(name, sentence),)
    for cause, factors in faulty_factors(like, taus, form != "sigma"):
        if _same(_seen(form, got), _seen(form, factors), limit):
            return (cause,)
    if shifted := _shifted(got, meant, limit):
        return (shifted,)
    if _jagged(_seen(form, got), _seen(form, meant)):
        return (Cause("float32 leak", "it is right to float32 only: somewhere its numbers are rounded so"),)
    return ()


def faulty_factors(like: Schedule, taus: Floats, both: bool = True) -> Iterator[tuple[Cause, Factors]]:
    """Faults of a schedule and the factors that they make at rising times; NaN where a fault says nothing.

    both : also those that are seen in `a` and `b` themselves, and not in `b/a`
    """
    right = _at(like, taus)
    for cause, factors in _candidates(like, taus, right, both):
        if not _same(right, factors, _ALIKE):  # of this schedule it is no fault
            yield cause, factors


def _candidates(like: Schedule, taus: Floats, right: Factors, both: bool) -> Iterator[tuple[Cause, Factors]]:
    if both:
        for name, (sentence, turned) in _OF_FACTORS.items():
            yield Cause(name, sentence), turned(*right)
    yield from _other_times(like, taus)
    yield from _other_settings(like, taus)


#: Factors that are nearer than this everywhere are the same ones.
_ALIKE = 1e-6

#: What a few roundings in float32 explain, and how often an error changes its sign that is one of rounding.
_SHORT, _CHANGES = 64 * float(np.finfo(np.float32).eps), 0.25


def _jagged(got: tuple[Floats, ...], meant: tuple[Floats, ...]) -> bool:
    """Whether errors are as small as those of float32, and as irregular."""
    seen = False
    for one, other in zip(got, meant, strict=True):
        errors = (one - other) / np.maximum(1, np.abs(other))
        largest = float(np.abs(errors).max())
        if not largest <= _SHORT:
            return False
        if largest > _SHORT / 1000:
            seen = True
            if (np.sign(errors[1:]) != np.sign(errors[:-1])).mean() < _CHANGES:
                return False
    return seen


def _at(like: Schedule, taus: Floats) -> Factors:
    return np.asarray(like.a(taus)), np.asarray(like.b(taus))


def _seen(form: str, factors: Factors) -> tuple[Floats, ...]:
    return (factors[1] / factors[0],) if form == "sigma" else factors


def _other_times(like: Schedule, taus: Floats) -> Iterator[tuple[Cause, Factors]]:
    """The right schedule at other times."""
    first, last = like.first, min(like.last, float(taus[-1] + taus[0]))
    places = {
        "time reversed": ("it runs backwards: it is the schedule at last - tau", first + last - taus),
        "factor 1000": ("it divides its time by 1000", taus / 1000),
        "time times 1000": ("it multiplies its time by 1000", taus * 1000),
        "factor 2": ("its time is doubled", 2 * taus),
        "factor 1/2": ("its time is halved", taus / 2),
        "time squared": ("its time is squared", taus**2),
        "root of the time": ("its time is under a root", np.sqrt(np.abs(taus))),
        "index off by one": ("it is one index further: the entry tau + 1 stands at tau", taus + 1),
        "index one back": ("it is one index back: the entry tau - 1 stands at tau", taus - 1),
        "a step further": ("it is one training step of 1/1000 further", taus + 1 / 1000),
        "a step back": ("it is one training step of 1/1000 back", taus - 1 / 1000),
    }
    for name, (sentence, at) in places.items():
        yield Cause(name, sentence), _where_known(like, at)


def _where_known(like: Schedule, at: Floats) -> Factors:
    """NaN where the schedule has no such time: there nothing is compared."""
    known = (at >= like.first) & (at <= like.last)
    inside = np.where(known, at, like.first)
    a, b = _at(like, inside)
    return np.where(known, a, np.nan), np.where(known, b, np.nan)


def _other_settings(like: Schedule, taus: Floats) -> Iterator[tuple[Cause, Factors]]:
    if isinstance(like, VariancePreserving):
        low, high = like.beta_min, like.beta_max
        exponents = {
            "betas swapped": ("its beta falls from beta_max to beta_min", taus * (high - taus * (high - low) / 2) / 2),
            "the integral of beta": (
                "its integral of beta is tau beta(tau): beta is not integrated",
                taus * (low + taus * (high - low)) / 2,
            ),
            "beta_min left out": ("its integral of beta has no beta_min", taus**2 * (high - low) / 4),
            "slope beta_max": (
                "its beta rises by beta_max, not by beta_max - beta_min",
                taus * (low + taus * high / 2) / 2,
            ),
        }
        for name, (sentence, t) in exponents.items():
            yield Cause(name, sentence), (np.exp(-t), np.sqrt(-np.expm1(-2 * t)))
    if isinstance(like, Cosine):
        angle = (taus + like.offset) / (1 + like.offset) * np.pi / 2
        yield (
            Cause("not divided by its start", "its cosine is not divided by that of tau = 0"),
            (np.cos(angle), np.sin(angle)),
        )
        yield (
            Cause("offset left out", "its cosine has no offset"),
            (np.cos(taus * np.pi / 2), np.sin(taus * np.pi / 2)),
        )


def _shifted(got: Factors, meant: Factors, limit: float) -> Cause | None:
    """A constant factor of `sigma`: that is what a shift does to a flow."""
    known = np.isfinite(got[0]) & (got[0] > 0) & (meant[0] > 0) & (meant[1] > 0) & (got[1] > 0)
    ratio = (got[1] / got[0] * meant[0] / meant[1])[known]
    if ratio.size < 3 or abs(np.median(ratio) - 1) < 1e-3:
        return None
    factor = float(np.median(ratio))
    flow = bool(np.abs(got[0] + got[1] - 1)[known].max() <= 1000 * limit)
    if np.abs(ratio / factor - 1).max() > max(1000 * limit, 1e-9):
        return None
    if flow:
        again = f"as if a shift of {factor:.6g} were applied to times that have it already"
        missed = f"as if a shift of {1 / factor:.6g} were not applied, or taken back"
        what = again if factor > 1 else missed
        return Cause("shift", f"its sigma = b/a is {factor_text(factor)} times the right one, {what}")
    return Cause("scale", f"its sigma = b/a is {factor_text(factor)} times the right one at every time")


def _same(got: tuple[Floats, ...], meant: tuple[Floats, ...], limit: float) -> bool:
    """Whether all agree where they are numbers, at half of the places at least."""
    for one, other in zip(got, meant, strict=True):
        known = np.isfinite(other) & np.isfinite(one)
        if known.sum() < max(2, 0.4 * len(other)):
            return False
        if (np.abs(one - other)[known] > limit * np.maximum(1, np.abs(other[known]))).any():
            return False
    return True
