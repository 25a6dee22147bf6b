"""Faults that would make a model say what it says: those that `cf.testing.check_score` names."""

from __future__ import annotations

from functools import partial

from certflow.auditing.subject import Subject
from certflow.errors import InputError
from certflow.process import OrnsteinUhlenbeck
from certflow.testing.checks.score import check_score
from certflow.testing.result import Cause, CheckFailed

#: Typical points on which faults are compared, with others in proportion: a search without success looks at them all.
POINTS = 64


def causes_of(subject: Subject, process: OrnsteinUhlenbeck, seed: int) -> tuple[Cause, ...]:
    """The causes, in the model's own prediction and schedule; none where no known fault explains every answer."""
    model = subject.model
    f = partial(model.call.f, **model.call.conditioning) if model.call.conditioning else model.call.f
    try:
        check_score(
            f,
            process.mixture,
            t_min=process.exact_t_min,
            t_max=process.exact_t_max,
            predicts=model.predicts,
            schedule=model.schedule,
            time_scale=model.time_scale,
            max_examples=POINTS,
            seed=seed,
        )
    except CheckFailed as failed:
        return failed.result.causes
    except InputError:  # the check asks more of the code than an audit does: other points, other batches
        return ()
    return ()
