"""The planted faults of the benchmark are faults, and what they are planted into is right."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from depth import night

import certflow as cf
from certflow.testing import check_sampler, check_score
from certflow.testing.result import CheckFailed

BENCHMARKS = str(Path(__file__).parents[2] / "benchmarks")
sys.path.append(BENCHMARKS)  # as for its scripts
try:
    from faults import blind, plain
    from faults import open as seen
finally:
    sys.path.remove(BENCHMARKS)

FAULTS = [*seen.FAULTS, *blind.FAULTS]
SCORES = [fault for fault in FAULTS if fault.kind == "score"]
SAMPLERS = [fault for fault in FAULTS if fault.kind == "sampler"]
X = np.random.default_rng(0).standard_normal((40, 2))


def right(fault: Any) -> Any:
    """The exact prediction that the fault is said to make, at `x` and at times of its schedule."""
    schedule = fault.options.get("schedule")
    base = {
        "NoneType": plain.PlainScore,
        "EDM": plain.EDMScore,
        "FlowMatching": plain.FlowScore,
    }.get(type(schedule).__name__)
    code = base(fault.mixture) if base else plain.TrainingStepsScore(fault.mixture, plain.alphas_cumprod())
    answers = {
        "score": code.score,
        "epsilon": code.epsilon,
        "sample": code.sample,
        "v_prediction": lambda x, t: code.a(t) * code.epsilon(x, t) - code.b(t) * code.sample(x, t),
        "flow_prediction": lambda x, t: code.epsilon(x, t) - code.sample(x, t),
    }
    code.answer = answers[fault.options.get("predicts", "score")]
    return code


def times(fault: Any) -> Any:
    """Forty times of the schedule, no two alike."""
    last = {"EDM": 20.0, "FlowMatching": 0.9, "Table": 900.0}
    schedule = fault.options.get("schedule")
    return np.geomspace(1, 40, 40) / 40 * (2.0 if schedule is None else last[type(schedule).__name__])


def test_there_are_forty_faults_half_of_them_blind() -> None:
    assert len(seen.FAULTS) == len(blind.FAULTS) == 20
    assert len({fault.name for fault in FAULTS}) == 40
    assert (len(SCORES), len(SAMPLERS)) == (28, 12)


@pytest.mark.parametrize("fault", SCORES, ids=lambda fault: fault.name)
def test_a_wrong_score_is_wrong_and_the_plain_one_right(fault: Any) -> None:
    schedule, predicts = fault.options.get("schedule"), fault.options.get("predicts", "score")
    t = times(fault)
    truth = right(fault)(X, t)
    model = cf.Model(lambda x, tau: right(fault)(x, tau), predicts, schedule or cf.schedules.ornstein_uhlenbeck())
    ou = t if schedule is None else schedule.ou_time(t)
    r = np.ones(40) if schedule is None else np.hypot(schedule.a(t), schedule.b(t))
    exact = cf.OrnsteinUhlenbeck(fault.mixture, t_min=float(ou[0]), t_max=float(ou[-1])).score(X / r[:, None], ou)
    np.testing.assert_allclose(model.score(X / r[:, None], ou), exact, rtol=1e-9, atol=1e-9)
    said = fault.make()
    if isinstance(said, plain.PlainScore):
        wrong = said(X, t)
    else:
        torch = pytest.importorskip("torch")
        wrong = said(torch.tensor(X), torch.tensor(t)).detach().numpy()
    assert wrong.shape == truth.shape
    assert np.isfinite(wrong).all()
    assert np.abs(wrong - truth).max() > 1e-9 * np.abs(truth).max()


@pytest.mark.parametrize("fault", SAMPLERS, ids=lambda fault: fault.name)
def test_a_wrong_sampler_is_not_of_its_order(fault: Any) -> None:
    score = plain.PlainScore(fault.mixture)

    def velocity(x: Any, t: Any) -> Any:
        return -x - score(x, t)

    plain_one = {1: plain.euler, 2: plain.heun, 4: plain.runge_kutta}[fault.options["order"]]
    exact = plain.runge_kutta(velocity, X[:6], np.geomspace(3.0, 0.05, 301))

    def error(sampler: Any, segments: int) -> float:
        return float(np.abs(sampler(velocity, X[:6], np.geomspace(3.0, 0.05, segments + 1)) - exact).mean())

    assert error(plain_one, 64) / error(plain_one, 128) > 0.75 * 2 ** fault.options["order"]
    if fault.name == "times of its own":  # of its order, but with other steps than it is told
        assert error(fault.make(), 64) != error(plain_one, 64)
    else:
        assert error(fault.make(), 64) / error(fault.make(), 128) < 0.75 * 2 ** fault.options["order"]


#: Every day one of each kind of cause, the others in the night.
EVERYDAY = ("twice the score", "time runs backwards", "equal weights", "Heun that is Euler")
SEEN = [fault for fault in seen.FAULTS if fault.name in EVERYDAY]
SEEN += night(*(fault for fault in seen.FAULTS if fault.name not in EVERYDAY))


@pytest.mark.parametrize("fault", SEEN, ids=lambda fault: fault.name)
def test_a_planted_fault_is_caught_and_its_cause_named(fault: Any) -> None:
    check = check_score if fault.kind == "score" else check_sampler
    with pytest.raises(CheckFailed) as failed:
        check(fault.make(), fault.mixture, **fault.options)
    assert fault.named_by(failed.value.result.causes)
