"""`cf.audit`: a model held against the exact one of a mixture."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from textwrap import shorten
from typing import Any

from certflow.auditing.consequences import consequences
from certflow.auditing.diagnosis import causes_of
from certflow.auditing.measuring import DOUBT, EXACT, Draws, Moment, errors_at, grid, moment, squares
from certflow.auditing.places import places
from certflow.auditing.result import Findings
from certflow.auditing.subject import Subject, repeats, subject_of
from certflow.auditing.text import text
from certflow.auditing.witness import witness
from certflow.errors import InputError, unknown
from certflow.law.library import load_mixture
from certflow.law.mixture import GaussianMixture
from certflow.numbers.inputs import real_number, whole_number
from certflow.planning.time_grid import time_grid
from certflow.process import OrnsteinUhlenbeck
from certflow.progress import progress_of
from certflow.samplers.solvers import solver_of
from certflow.schedules.model import Model
from certflow.schedules.schedule import Schedule

#: The default threshold is so many times the roundoff of the model's numbers.
ROUNDINGS = 1e3
#: The grid over which samplers run: a usual one, made for none of them.
KIND = "flow-matching"
#: The ends of time of a callable.
T_MIN, T_MAX = 0.01, 3.0
#: With fewer draws an error on 0.3 % of the law would be met by none of them in more than 5 % of runs.
MIN_SAMPLES = 1024
MAX_SAMPLES = 10_000_000


class Audit(Findings):
    """What `cf.audit` found: `.verdict`, `.exit_code`, the numbers, and how they are shown."""

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        """The verdict in one line."""
        largest = self.largest
        return (
            f"<audit of {shorten(self.model, 40, placeholder='...')}: {self.verdict}, largest relative error of its "
            f"{self.quantity} {largest.error.value:.3g} at t = {largest.t:.4g}, threshold {self.threshold:.3g}>"
        )

    def text(self) -> str:
        """A short account, the verdict first."""
        return text(self)

    def save(self, directory: str | os.PathLike[str], command: str = "") -> list[Path]:
        """Write `audit.html`, `audit.md` and `audit.json`, each whole or not at all; returns the paths.

        command : the command line that is shown as the way to obtain them again
        """
        from certflow.auditing.page import write  # which draws

        return write(self, directory, command)


def audit(
    model: Any,
    mixture: GaussianMixture | OrnsteinUhlenbeck | str | os.PathLike[str],
    *,
    predicts: str | None = None,
    schedule: Schedule | None = None,
    quantity: str = "score",
    max_error: float | None = None,
    t_min: Any = None,
    t_max: Any = None,
    times: int = 16,
    samples: int = 8192,
    seed: int = 0,
    sampler: str = "euler",
    segments: int = 8,
    time_scale: float | None = None,
    arrays: str | None = None,
    code: str | None = None,
    progress: Any = None,
) -> Audit:
    """`R(t) = (E|q_hat - q|^2 / E|q|^2)^{1/2}`, means over `X ~ p_t`, at times in geometric progression. S2, E1, E5.

    `q` is the score (or another quantity) of the mixture, `q_hat` what the model says of it. Beside the errors: the
    worst draw as code that replays it, faults that would explain it, where in space it errs, and what it makes of
    samples, predicted (E1, E5) and measured.

    Parameters
    ----------
    model : a `cf.Model`; or a callable `f(x, tau)`, `x` of shape (N, d), `tau` of shape (N,), of NumPy arrays or torch
        tensors, a `torch.nn.Module` too
    mixture : a mixture, the name of a built-in one, a file; or an `OrnsteinUhlenbeck`, whose interval of time is then
        the default
    predicts, schedule, time_scale, arrays : of a callable, as `cf.Model` takes them; default: the score, on
        `cf.schedules.ornstein_uhlenbeck()`
    quantity : "score", "velocity", "denoiser" or "noise"
    max_error : the threshold of `R`; default: 1,000 times the unit of rounding of the model's numbers
    t_min, t_max : ends of the OU time; default: those of a `cf.Model`, else 0.01 and 3 as far as the schedule has them
    times, samples, seed : how many times, how many draws at each (the same for all), and which
    sampler, segments : the solver that is run with the exact score and with the model, in so many steps
    code : Python that makes `f`, the callable (or `model`, the `cf.Model`), for the replay of the worst draw
    progress : True for a bar on stderr, or a function of (done, total)

    Returns
    -------
    Audit : `.verdict` is "above" where at some time the whole interval of `R` is above the threshold, "inconclusive"
        where an interval has it inside, else "within". All intervals together miss with a probability of 5 % where
        means of groups of draws are nearly normal; they are empirical, and errors on less than `3/N` of the N draws are
        not seen (proofs/audit.md). N is at least 1,024.

    Raises
    ------
    InputError : a bad argument; a model of other points, which returns another shape or NaN, or whose code fails.

    >>> import certflow as cf
    >>> mixture = cf.load_mixture("two-modes")
    >>> p = cf.OrnsteinUhlenbeck(mixture)
    >>> found = cf.audit(lambda x, t: 1.01 * p.score(x, t), mixture, max_error=1e-3, samples=1024, times=4)
    >>> found.verdict, round(found.largest.error.value, 6)
    ('above', 0.01)
    """
    process = _process(model, mixture, schedule, t_min, t_max)
    if quantity not in EXACT:
        raise unknown("quantity", quantity, EXACT)
    count = whole_number(times, "times", 2, 1000)
    number = whole_number(samples, "samples", MIN_SAMPLES, MAX_SAMPLES)
    steps = whole_number(segments, "segments", 1, 1000)
    limit = None if max_error is None else _limit(max_error)
    solver = solver_of(sampler).name
    draws = Draws.of(process, number, whole_number(seed, "seed"))
    listed = grid(process, count).tolist()
    first = draws.x(listed[0])[:2]
    subject = subject_of(model, predicts, schedule, time_scale, arrays, code, first, listed[0])
    roundoff = subject.roundoff(first, listed[0])
    threshold = ROUNDINGS * roundoff if limit is None else limit
    with progress_of(progress, "audit") as told:
        work = _Work(told, count + 4)
        found: list[Moment] = []
        for t in listed:
            found.append(moment(subject, process, quantity, draws, t, DOUBT / count))
            work.step()
        nodes = time_grid(process, steps, KIND).times
        ends = consequences(subject, process, draws, nodes, solver, KIND, work.step)
    largest = max(found, key=lambda each: each.error.value)
    erring = largest.error.value > 0
    worst = max((each.worst for each in found), key=lambda each: each.relative)
    return Audit(
        process=process,
        model=repr(subject.model),
        quantity=quantity,
        threshold=threshold,
        given=limit is not None,
        roundoff=roundoff,
        samples=number,
        seed=int(seed),
        moments=tuple(found),
        witness=witness(worst, process, quantity, subject.code, threshold) if erring else None,
        causes=causes_of(subject, process, int(seed)) if largest.error.high > threshold else (),
        places=_places(subject, process, quantity, draws, largest) if erring else None,
        consequences=ends,
        notes=tuple(_notes(subject, first, listed[0], threshold, limit is not None)),
    )


def _process(model: Any, mixture: Any, schedule: Any, t_min: Any, t_max: Any) -> OrnsteinUhlenbeck:
    """The mixture on the interval that is asked for, which the model's schedule must have."""
    low: Any
    high: Any
    if isinstance(mixture, OrnsteinUhlenbeck):
        law, low, high = mixture.mixture, mixture.exact_t_min, mixture.exact_t_max
    else:
        law = mixture if isinstance(mixture, GaussianMixture) else load_mixture(mixture)
        low, high = T_MIN, T_MAX
        if isinstance(model, Model):
            low, high = model.t_min, model.t_max
        elif isinstance(schedule, Schedule):
            low, high = max(T_MIN, schedule.t_min), min(T_MAX, schedule.t_max)
    if law.is_symbolic:
        raise InputError("mixture", "symbolic parameters", "numbers")
    process = OrnsteinUhlenbeck(law, low if t_min is None else t_min, high if t_max is None else t_max)
    own = model.schedule if isinstance(model, Model) else schedule
    if own is not None:
        if not isinstance(own, Schedule):
            raise InputError("schedule", own, "a schedule of certflow.schedules, such as certflow.schedules.edm()")
        for field, t in (("t_min", process.t_min), ("t_max", process.t_max)):
            try:
                own.time_at(t)
            except InputError as error:
                raise InputError(field, t, error.requirement) from None
    return process


def _limit(value: Any) -> float:
    return real_number(value, "max_error", "a finite number > 0", lambda number: 0 < number < float("inf"))


def _places(subject: Subject, process: OrnsteinUhlenbeck, quantity: str, draws: Draws, at: Moment) -> Any:
    x = draws.x(at.t)
    got, expected = errors_at(subject, process, quantity, x, at.t)
    squared = squares(got - expected)
    return places(process, x, at.t, squared) if squared.any() else None


def _notes(subject: Subject, x: Any, t: float, threshold: float, given: bool) -> list[str]:
    notes = []
    if not repeats(subject, x, t):
        notes.append("The model says two things at the same point (dropout? a network is asked after model.eval()).")
    if threshold >= 1 and not given:
        notes.append(
            f"The threshold {threshold:.3g}, 1,000 times the rounding of the model's numbers, is above 1, the error of "
            "a model that says 0: set max_error."
        )
    return notes


class _Work:
    """Steps of a run, told to whoever listens."""

    def __init__(self, told: Callable[[int, int], None] | None, total: int):
        self.told, self.total, self.done = told or (lambda done, total: None), total, 0
        self.told(0, total)

    def step(self) -> None:
        self.done += 1
        self.told(self.done, self.total)
