"""How measurements are judged, and that checks of one run share them."""

from __future__ import annotations

import dataclasses
import math

import pytest

import certflow as cf
from certflow.claims.check import PROFILES, Context
from certflow.claims.evidence.measured import experiment, judged, perturbations
from certflow.claims.field.twins import LostIdentity
from certflow.claims.model import Outcome

FAST = dataclasses.replace(PROFILES["quick"], training_steps=20, training_seeds=1, training_segments=(2,))


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ([0.5, -3.0], Outcome.HOLDS),
        ([1.0], Outcome.HOLDS),
        ([0.5, 1.0000001], Outcome.VIOLATED),
        ([math.inf, 0.0], Outcome.VIOLATED),
        ([math.nan, 0.0], Outcome.INCONCLUSIVE),
        ([7.0, math.nan], Outcome.INCONCLUSIVE),
        ([], Outcome.INCONCLUSIVE),
    ],
)
def test_the_largest_case_decides(values, outcome):
    found = judged("gap", [(value, {"place": i}) for i, value in enumerate(values)], 1.0, "here", {"more": 1})
    assert found.outcome is outcome
    assert found.numbers["more"] == 1
    if outcome is Outcome.VIOLATED:
        worst = values.index(max(values))
        assert found.witness == {"place": worst, "measured": values[worst]}
    else:
        assert found.witness is None


@pytest.mark.parametrize(
    ("measure", "made_by"),
    [(experiment, "certflow.distill.run"), (perturbations, "certflow.distill.growth.growth")],
)
def test_what_is_measured_once_serves_every_check_of_a_run(measure, made_by, monkeypatch):
    """By what it is kept, whatever it is: what is measured is that of other tests."""
    pytest.importorskip("torch")
    monkeypatch.setattr(made_by, lambda process, *_, **__: (process,))

    def context(kind=cf.OrnsteinUhlenbeck, name="two-modes", t_min="0.01", seed=0):
        return Context(kind(cf.load_mixture(name), t_min, "3"), FAST, seed=seed)

    first = measure(context())
    assert measure(context()) is first
    assert type(measure(context(kind=LostIdentity))[0]) is LostIdentity
    for other in (context(t_min="0.02"), context(seed=1), context(kind=LostIdentity), context(name="line-3")):
        assert measure(other) is not first
