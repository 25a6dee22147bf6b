"""What is audited: a `cf.Model`, or a callable of which one is made; what its own code raises is told in one line."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.numbers.arrays import Points
from certflow.schedules.families import ornstein_uhlenbeck
from certflow.schedules.model import Model
from certflow.schedules.schedule import Schedule

_TAKES = "a callable f(x, tau) of NumPy arrays or torch tensors, x of shape (N, {}), tau of shape (N,)"


@dataclass(frozen=True)
class Subject:
    """A model of points of R^d, as samplers ask for it; errors of its own code are `InputError`."""

    model: Model
    dimension: int
    code: str  #: Python that makes `model`, or a comment that says what it is

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.dimension,)

    def quantity(self, name: str, x: Points, t: float) -> Points:
        """`score`, `velocity`, `denoiser` or `noise` at points of shape (N, d)."""
        try:
            found: Points = getattr(self.model, name)(x, t)
        except (Exception, SystemExit) as error:  # whatever the user's code raises
            if isinstance(error, InputError) and error.field == "model":  # what is refused of what it returns
                raise
            raise InputError("model", _told(error), _TAKES.format(self.dimension)) from error
        return found

    def denoiser(self, x: Points, t: Any) -> Points:
        return self.quantity("denoiser", x, t)

    def velocity(self, x: Points, t: Any) -> Points:
        return self.quantity("velocity", x, t)

    def roundoff(self, x: Points, t: float) -> float:
        return self.model.roundoff(x, t)


def subject_of(
    model: Any,
    predicts: str | None,
    schedule: Schedule | None,
    time_scale: float | None,
    arrays: str | None,
    code: str | None,
    x: Points,
    t: float,
) -> Subject:
    """The subject, once it has been asked at `x`, shape (N, d), and `t`.

    code : Python that makes `f`, the callable, or `model`, the `cf.Model`, and `schedule` where it is a long table

    Raises
    ------
    InputError : what is neither a `cf.Model` nor a callable; a model that says something else of itself than the
        arguments; one that takes other points, returns another shape or NaN, or fails.
    """
    d = x.shape[1]
    if isinstance(model, Model):
        given = {"predicts": predicts, "schedule": schedule, "time_scale": time_scale, "arrays": arrays}
        for field, value in given.items():
            if value is not None:
                raise InputError(field, value, "nothing beside a cf.Model, which has its own")
        if model.shape is not None and model.shape != (d,):
            raise InputError("model", f"samples of shape {model.shape}", f"shape ({d},), that of the mixture's points")
        return _asked(Subject(model, d, code or f"# model: the {model!r} that was audited"), x, t)
    if isinstance(model, type) or not callable(model):
        what = model.__name__ if isinstance(model, type) else model
        raise InputError("model", what, "a cf.Model or a callable f(x, tau), an object and not its class")

    def of(kind: str | None) -> Subject:
        scale = 1.0 if time_scale is None else time_scale
        own = ornstein_uhlenbeck() if schedule is None else schedule
        known = Model(model, predicts or "score", own, time_scale=scale, shape=(d,), arrays=kind)
        line = _model_code(predicts, schedule, time_scale, kind)
        return Subject(known, d, f"{code}\n{line}" if code else f"{line}  # f: the callable that was audited")

    subject = of(arrays)
    try:
        return _asked(subject, x, t)
    except InputError as error:
        # what tensors have and arrays do not
        if arrays is not None or not isinstance(error.__cause__, TypeError | AttributeError) or not find_spec("torch"):
            raise
        return _asked(of("torch"), x, t)


def _asked(subject: Subject, x: Points, t: float) -> Subject:
    subject.quantity("score", x, t)
    return subject


def repeats(subject: Subject, x: Points, t: float) -> bool:
    """Whether the model says the same twice."""
    return bool(np.array_equal(subject.quantity("score", x, t), subject.quantity("score", x, t)))


def _model_code(predicts: str | None, schedule: Schedule | None, time_scale: float | None, arrays: str | None) -> str:
    """The line that makes the model of `f`; a table too long to be written is `schedule`, its owner's name for it."""
    shown = repr(schedule or ornstein_uhlenbeck())
    on = shown if shown.startswith("cf.schedules.") else "schedule"
    further = "" if time_scale is None else f", time_scale={time_scale!r}"
    further += "" if arrays is None else f", arrays={arrays!r}"
    return f"model = cf.Model(f, {predicts or 'score'!r}, {on}{further})"


def _told(error: BaseException) -> str:
    said = " ".join(str(error).split())
    return f"{type(error).__name__} ({said})" if said else type(error).__name__
