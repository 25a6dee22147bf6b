"""Models of exact mixtures with a fault planted in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from certflow.process import OrnsteinUhlenbeck
from certflow.schedules.predictions import PREDICTIONS
from certflow.testing.planted import FAULTS, PlantedModel
from certflow.testing.strategies.mixtures import mixtures
from certflow.testing.strategies.numbers import check_some
from certflow.testing.strategies.schedules import schedules

_T_MIN, _T_MAX = 0.01, 3.0
#: Mixtures on which every fault shows: two or three components far apart, of different weight, narrower than the prior.
_TELLING: dict[str, Any] = {
    "kinds": ["common-isotropic", "isotropic"],
    "min_components": 2,
    "max_components": 3,
    "max_dimension": 2,
    "min_variance": "0.04",
    "max_variance": "1/4",
    "min_distance": 1,
    "weights": "unequal",
}


@st.composite
def planted_models(
    draw: st.DrawFn, *, faults: Sequence[str] = tuple(FAULTS), predicts: Sequence[str] = tuple(PREDICTIONS)
) -> PlantedModel:
    """Exact models (`PlantedModel`; `.model` is the `cf.Model`) with one of the given faults (`FAULTS`), or "none".

    The mixtures are such that every fault shows; the times of the process are those from 0.01 to 3 that its schedule
    has. Shrinks towards the first fault (of all: none), the first prediction, OU time for a schedule, and the mixture
    as `mixtures` does.

    Raises
    ------
    InputError : an unknown fault or prediction, or none.
    """
    for field, given, known in (("faults", faults, FAULTS), ("predicts", predicts, PREDICTIONS)):
        check_some(field, given, known)
    fault, told = draw(st.sampled_from(list(faults))), draw(st.sampled_from(list(predicts)))
    schedule = draw(schedules().filter(lambda schedule: schedule.t_max >= 2 * _T_MIN))
    t_min, t_max = max(_T_MIN, schedule.t_min), min(_T_MAX, schedule.t_max)
    return PlantedModel(OrnsteinUhlenbeck(draw(mixtures(**_TELLING)), t_min, t_max), told, schedule, fault)
