"""`cf.Model`: a score network, denoiser or velocity of one's own, in the coordinates of the theory (proofs/N2.md)."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np

from certflow.errors import InputError, unknown
from certflow.numbers.exact import exact_number
from certflow.numbers.inputs import is_tensor, joint_shape, real_number, whole_number
from certflow.schedules import diffusers_models
from certflow.schedules.callables import Call
from certflow.schedules.points import Points
from certflow.schedules.predictions import PREDICTIONS, needs_signal
from certflow.schedules.products import directional, labelled
from certflow.schedules.schedule import Schedule


class Model:
    """A callable that predicts noise, data, velocity or score, as the field of an OU process (proofs/N2.md).

    With `r = sqrt(a^2 + b^2)` at the time `tau` of the schedule that belongs to `t`, the OU state `x` is the model's
    state `r x`: `f` is called with `r x` and `time_scale * tau`, and what is asked follows linearly from what it says.

    Parameters
    ----------
    f : `f(x, tau, **conditioning)`, `x` of shape (N, ...), `tau` of shape (N,); returns the shape of `x`
    predicts : "epsilon", "sample", "v_prediction" (`a epsilon - b sample`), "flow_prediction" (`epsilon - sample`) or
        "score" (of the model's own `x`)
    schedule : of `certflow.schedules`
    time_scale : 1000 for a network that takes `1000 tau`
    shape : of one sample, `(2,)` or `(4, 64, 64)`; else that of what follows the first axis of `x`
    t_min, t_max : the ends of the OU time; default: the schedule's finite range
    arrays : "torch" or "numpy" for a function that takes only these, "same" for what the caller has, each in the
        caller's dtype; default: tensors in the dtype and on the device of the parameters for a `torch.nn.Module`, its
        methods and functions that call one, for other callables what the caller has; `tau` is never shorter than
        float32, for bfloat16 has no step 999
    conditioning : further keywords, handed to `f`; arrays of one row stand for every row

    `x` has shape (N, ...), or (..., *shape) where the shape is given; a single point of R^d may have shape (d,). `t` is
    a scalar or broadcasts to the rows. Every method returns the kind, dtype and device of `x` (a list gives an array,
    float16 of NumPy float64, and NumPy's `x` with a tensor `t` a tensor of the dtype of `t`). Torch differentiates
    through it where `f` takes and returns tensors; going backwards through a NumPy callable is refused.

    Raises
    ------
    InputError : a bad argument; when called, a model that returns another shape, NaN or infinity, and times that the
        schedule does not have.

    >>> import certflow as cf
    >>> p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    >>> s = cf.schedules.edm()
    >>> def noise(x, sigma):  # sigma times minus the score of x = x_0 + sigma z
    ...     t = s.ou_time(sigma)
    ...     return -sigma[:, None] * p.score(x / s.scale_at(t)[:, None], t) / s.scale_at(t)[:, None]
    >>> m = cf.Model(noise, predicts="epsilon", schedule=s)
    >>> m.score([0.5, 0.1], t=0.5).round(6)
    array([-0.362975, -0.154599])
    """

    def __init__(
        self,
        f: Callable[..., Any],
        predicts: str,
        schedule: Schedule,
        *,
        time_scale: Any = 1.0,
        shape: Sequence[int] | None = None,
        t_min: Any = None,
        t_max: Any = None,
        arrays: str | None = None,
        **conditioning: Any,
    ):
        if not isinstance(predicts, str) or predicts not in PREDICTIONS:
            raise unknown("predicts", predicts, PREDICTIONS)
        if not isinstance(schedule, Schedule):
            raise InputError("schedule", schedule, "a schedule of certflow.schedules, such as certflow.schedules.edm()")
        self.call = Call(f, arrays, conditioning)
        self.predicts, self.schedule = predicts, schedule
        self.time_scale = real_number(
            time_scale, "time_scale", "a finite number that is not 0", lambda value: math.isfinite(value) and value != 0
        )
        self.shape = None if shape is None else _sizes(shape)
        self._set_ends(schedule.t_min if t_min is None else t_min, schedule.t_max if t_max is None else t_max)

    @classmethod
    def from_diffusers(
        cls,
        network: Any,
        scheduler: Any,
        *,
        time_scale: Any = None,
        shape: Sequence[int] | None = None,
        t_min: Any = None,
        t_max: Any = None,
        **conditioning: Any,
    ) -> Self:
        """The UNet or transformer of a diffusers pipeline with its scheduler: what it predicts, and on which schedule.

        Parameters
        ----------
        network : called as `network(x, timestep=..., **conditioning)`
        scheduler : with `alphas_cumprod` and `prediction_type`; of flow matching; or EDM's with its preconditioning
        time_scale : where the network takes another multiple of the schedule's time than the scheduler's timestep
        shape : of one sample; default: that of the network's config, where it says so
        conditioning : `class_labels`, `encoder_hidden_states` ...; one row stands for every row

        Raises
        ------
        InputError : a scheduler that does not say what its network predicts on which schedule, or says it otherwise.
        """
        read = diffusers_models.read(network, scheduler, time_scale)
        return cls(
            read.f,
            read.predicts,
            read.schedule,
            time_scale=read.time_scale,
            shape=diffusers_models.sample_shape(network) if shape is None else shape,
            t_min=read.t_min if t_min is None else t_min,
            t_max=read.t_max if t_max is None else t_max,
            arrays="torch",
            **conditioning,
        )

    def between(self, t_min: Any = None, t_max: Any = None) -> Self:
        """The same model with other ends of the OU time; None keeps an end.

        Raises
        ------
        InputError : ends that the schedule does not have, or in the wrong order.

        >>> import certflow as cf
        >>> cf.Model(lambda x, tau: 0 * x, "sample", cf.schedules.edm()).between(t_min="0.01", t_max=3)
        Model('sample', cf.schedules.edm(), t_min=0.01, t_max=3)
        """
        found = copy.copy(self)
        found._set_ends(self.t_min if t_min is None else t_min, self.t_max if t_max is None else t_max)
        return found

    def __repr__(self) -> str:
        shape = "" if self.shape is None else f", shape={self.shape}"
        return f"Model({self.predicts!r}, {self.schedule!r}{shape}, t_min={self.t_min:g}, t_max={self.t_max:g})"

    # -- the field -----------------------------------------------------------------------------------------

    def score(self, x: Any, t: Any) -> Any:
        """`s(x, t) = grad log p_t(x) = -E[z|x] / n`, `n = sqrt(1 - e^{-2t})`; shape of `x`. proofs/N2.md."""
        return self._quantity("score", x, t)

    def velocity(self, x: Any, t: Any) -> Any:
        """`u(x, t) = -x - s(x, t)`, without cancellation where the prediction allows it; shape of `x`. proofs/N2.md."""
        return self._quantity("velocity", x, t)

    def denoiser(self, x: Any, t: Any) -> Any:
        """`E[x_0|x]`; shape of `x`. Refused at infinite `t` where the model predicts epsilon or score. proofs/N2.md."""
        return self._quantity("denoiser", x, t)

    def noise(self, x: Any, t: Any) -> Any:
        """`E[z|x]`; shape of `x`. proofs/N2.md."""
        return self._quantity("noise", x, t)

    def jacobian_product(self, x: Any, t: Any, v: Any) -> Any:
        """`J(x, t) v`, `J = grad u`; shape of `x`, with `v` of that shape or one that broadcasts to it. proofs/N3.md.

        The result says how it was computed: `.method` is "forward mode" (`torch.func.jvp`), or "central differences"
        where the callable has no derivatives that torch can take. Of one that detaches `x` only a product that is zero
        throughout is noticed: detached in part, it has a wrong one. Central differences in float32 are noise below
        about `t = 1e-3` for a "sample" model of data of size 1.
        """
        points = self._points(x, t)
        vector = self._along(points, v)
        from_x, from_f = points.factors(self.predicts, "velocity")
        change, method = directional(
            self.call,
            points.scale * points.rows,
            points.tau,
            points.scale * vector,
            points.scale * points.width,
            points.given,
        )
        return labelled(points.finished(from_x * vector + from_f * change), method)

    def roundoff(self, x: Any, t: Any) -> float:
        """The unit of rounding of the callable: that of its arguments, its results or its parameters, the coarsest."""
        points = self._points(x, t)
        return self.call.roundoff(points.scale * points.rows, points.tau, points.given)

    # -- reading and calling -------------------------------------------------------------------------------

    def _quantity(self, quantity: str, x: Any, t: Any) -> Any:
        points = self._points(x, t)
        if needs_signal(self.predicts, quantity) and points.infinite:
            required = f"a finite time: where it is infinite, {self.predicts} says nothing of the data"
            raise InputError("t", math.inf, required)
        from_x, from_f = points.factors(self.predicts, quantity)
        output = self.call(points.scale * points.rows, points.tau, points.given)
        return points.finished(from_x * points.rows + from_f * output)

    def _points(self, x: Any, t: Any) -> Points:
        return Points.of(x, t, self.schedule, self.time_scale, self.shape)

    def _along(self, points: Points, v: Any) -> Any:
        """The direction, in the shape of the rows."""
        shape = tuple(points.x.shape)
        vector = points.like(v, "v")
        if joint_shape(tuple(vector.shape), shape) != shape:
            raise InputError("v", f"shape {tuple(vector.shape)}", f"a shape that broadcasts to {shape}")
        whole = vector.expand(shape) if is_tensor(vector) else np.broadcast_to(vector, shape)
        return whole.reshape(points.rows.shape)

    def _set_ends(self, t_min: Any, t_max: Any) -> None:
        self.t_min, self.t_max = self._end(t_min, "t_min"), self._end(t_max, "t_max")
        if not self.t_max > self.t_min:
            raise InputError("t_max", self.t_max, f"a time > t_min = {self.t_min:.6g}")

    def _end(self, value: Any, field: str) -> float:
        """An end of the OU time, which the schedule must have."""
        time = float(exact_number(value, field)) if not isinstance(value, float) else value
        if not 0 < time < math.inf:
            raise InputError(field, value, "a finite time > 0")
        try:
            self.schedule.time_at(time)
        except InputError as error:
            raise InputError(field, value, error.requirement) from None
        return time


def _sizes(shape: Any) -> tuple[int, ...]:
    required = "the sizes of one sample, such as (2,) or (3, 32, 32)"
    if isinstance(shape, str | bytes) or not isinstance(shape, Sequence) or not len(shape):
        raise InputError("shape", shape, required)
    return tuple(whole_number(size, "shape", 1, requirement=required) for size in shape)
