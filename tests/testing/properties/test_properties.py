"""The properties hold of random mixtures, and do not hold of processes with one formula made wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from depth import night, nightly
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

import certflow as cf
from certflow.claims.composition import twins as composed
from certflow.claims.field import twins as wrong
from certflow.claims.grids import twins as gridded
from certflow.claims.mismatch import twins as mismatched
from certflow.claims.registry import STATEMENTS
from certflow.claims.spatial import twins as spatial
from certflow.claims.stability import twins as stable
from certflow.testing import LipschitzMap, processes
from certflow.testing.properties import PROPERTIES, Property, Refuted, grids, mismatch

BY_NAME = {each.name: each for each in PROPERTIES}
#: What takes seconds an example.
SLOW = ("G5.search",)
#: Properties whose wrong processes are left to the night; others of these claims are refuted every day.
DEAR = ("E5.telescope", "L8.growth")
DEPTH = settings().max_examples / 8


@pytest.mark.parametrize(
    "each", [pytest.param(p, marks=[nightly] if p.name in SLOW else [], id=p.name) for p in PROPERTIES]
)
def test_it_holds_of_random_mixtures(each: Property) -> None:
    @given(st.data())
    @settings(max_examples=max(1, round(DEPTH * each.share)))
    def check(data: st.DataObject) -> None:
        process = data.draw(processes(**each.mixtures))
        assume(each.applies(process.mixture) is None)
        each.holds(process, *data.draw(each.strategy(process)))

    check()


def scaled(name: str, size: float) -> type[cf.OrnsteinUhlenbeck]:
    """A quantity of the field `1 + size` times what it is."""

    def method(self: Any, *arguments: Any) -> Any:
        return getattr(cf.OrnsteinUhlenbeck, name)(self, *arguments) * (1 + size)

    return type("Scaled", (cf.OrnsteinUhlenbeck,), {name: method})


def disturbed(change: Callable[[Any, Any, Any], Any], name: str = "score") -> type[cf.OrnsteinUhlenbeck]:
    """A quantity of the field with something added to it, a function of the mixture, x and t."""

    def method(self: Any, x: Any, t: Any) -> Any:
        return getattr(cf.OrnsteinUhlenbeck, name)(self, x, t) + change(self.mixture, np.asarray(x), t)

    return type("Disturbed", (cf.OrnsteinUhlenbeck,), {name: method})


class Bent(cf.OrnsteinUhlenbeck):
    """A flow that forgets symmetry, and does not compose."""

    def flow(self, x: Any, t_from: Any, t_to: Any, rtol: float = 1e-10) -> Any:
        return super().flow(x, t_from, t_to, rtol) + 1e-3


class Crowded(cf.OrnsteinUhlenbeck):
    """Too little mass outside."""

    def outside_probability(self, radius: Any, t: Any) -> float:
        return super().outside_probability(radius, t) / 20


class Flat(cf.OrnsteinUhlenbeck):
    """A Jacobian that does not grow."""

    def jacobian(self, x: Any, t: Any) -> Any:
        return super().jacobian(0 * x, t)


TIGHT = type(
    "Tight",
    (cf.OrnsteinUhlenbeck,),
    {
        name: (lambda method: lambda self, t: method(self, t) * (1 - 1e-6))(getattr(cf.OrnsteinUhlenbeck, name))
        for name in ("lipschitz_bound", "growth_rate_bound")
    },
)

LINE = cf.GaussianMixture(["1/2", "1/2"], [[-1], [1]], "0.09", name="line")
SHARED = cf.GaussianMixture(["1/2", "1/2"], [[-1, 0], [1, 0]], [["0.04", 0], [0, "0.2"]], name="shared")
SYMMETRIC = cf.GaussianMixture(["1/4", "1/2", "1/4"], [[-1, 1], [0, 0], [1, -1]], "0.09", name="symmetric")

#: A wrong process for each property, and a mixture on which it shows.
KILLS: dict[str, tuple[type[cf.OrnsteinUhlenbeck], Any]] = {
    "S1.fokker-planck": (wrong.DoubledTime, "two-modes"),
    "S2.gradient": (scaled("score", 1e-9), "random-5"),
    "S2.posterior": (scaled("score", 1e-7), "random-5"),
    "S3.drift": (scaled("velocity", 1e-9), "random-5"),
    "S3.size": (wrong.WrongSignVelocity, "two-modes"),
    "S4.derivative": (scaled("jacobian", 1e-9), "anisotropic-pair"),
    "S2.rotation": (disturbed(lambda m, x, t: 1e-7 * np.eye(x.shape[-1])[0]), "random-5"),
    "S2.translation": (disturbed(lambda m, x, t: 1e-7 * x), "random-5"),
    "S2.permutation": (wrong.SwappedResponsibilities, "random-5"),
    "S2.splitting": (disturbed(lambda m, x, t: 1e-7 * m.n_components), "random-5"),
    "S2.product": (disturbed(lambda m, x, t: 1e-7 * m.dimension), "random-5"),
    "S1.markov": (disturbed(lambda m, x, t: 1e-7 * t), "random-5"),
    "S2.one-component": (scaled("score", 1e-8), "anisotropic-pair"),
    "S2.equal-means": (disturbed(lambda m, x, t: 1e-7), "random-5"),
    "S1.early": (disturbed(lambda m, x, t: 1e-7, "log_density"), "random-5"),
    "S1.late": (disturbed(lambda m, x, t: 1e-9, "velocity"), "random-5"),
    "L2.bound": (TIGHT, "two-modes"),
    "L2.closed-form": (TIGHT, "ring-8"),
    "L2.differences": (spatial.HalvedBounds, "two-modes"),
    "L3.rate": (TIGHT, "two-modes"),
    "L3.contraction": (scaled("jacobian", 1e-6), "two-modes"),
    "L4.attained": (TIGHT, "two-modes"),
    "L5.sharp": (scaled("jacobian", 0.01), "two-modes"),
    "L6.bound": (TIGHT, SHARED),
    "L6.rate": (spatial.HalvedBounds, SHARED),
    "L7.bound": (spatial.HalvedBounds, "two-variances"),
    "L7.rate": (spatial.HalvedBounds, "two-variances"),
    "L8.bound": (spatial.HalvedBounds, "ordered-pair"),
    "L8.ball": (spatial.HalvedBounds, "ordered-pair"),
    "L8.outside": (Crowded, "two-modes"),
    "L8.growth": (Flat, "anisotropic-pair"),
    "F1.above": (wrong.OvershootingFlow, LINE),
    "F1.below": (stable.CollapsingFlow, LINE),
    "F1.sum": (stable.HalfExponent, "two-modes"),
    "F2.closed-form": (stable.LostPrefactor, "two-modes"),
    "F3.attained": (stable.HalfExponent, "two-modes"),
    "F4.limit": (stable.HalfExponent, "two-modes"),
    "S3.semigroup": (Bent, LINE),
    "S3.inverse": (wrong.OvershootingFlow, LINE),
    "S3.transport": (wrong.DoubledTime, LINE),
    "E1.path": (composed.ReversedAmplification, LINE),
    "E2.law": (composed.ForgottenErrors, LINE),
    "E3.sum": (composed.ForgottenErrors, LINE),
    "E4.block": (composed.ForgottenDiscretisation, LINE),
    "E5.telescope": (Bent, LINE),
    "E5.linear": (wrong.OvershootingFlow, LINE),
    "M1.floor": (mismatched.DoubledFloor, LINE),
    "M2.pair": (Bent, SYMMETRIC),
    "M2.floor": (mismatched.DoubledFloor, LINE),
    "G1.minimax": (gridded.NoiseEndGrid, "two-modes"),
    "G2.inverse": (gridded.WrongBranch, "two-modes"),
}


@pytest.mark.parametrize("name", [*(name for name in KILLS if name not in DEAR), *night(*DEAR)])
def test_it_does_not_hold_of_a_wrong_process(name: str) -> None:
    """Among 100 examples at most; the first that is found is not made smaller."""
    formulas, source = KILLS[name]
    each, process = BY_NAME[name], formulas(cf.load_mixture(source) if isinstance(source, str) else source)
    assert each.applies(process.mixture) is None

    @given(each.strategy(process))
    @settings(max_examples=100, phases=[Phase.generate], report_multiple_bugs=False)
    def check(arguments: tuple[Any, ...]) -> None:
        each.holds(process, *arguments)

    with pytest.raises(Refuted) as caught:
        check()
    found = caught.value.counterexample
    assert found.error > found.tolerance


def test_what_depends_on_no_method_of_the_process_can_fail_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong count of segments, a grid from the wrong end, a schedule with the wrong scale, a wrong constant."""
    process = cf.OrnsteinUhlenbeck(LINE)
    grid_of_kind, needed = grids.grid_of_kind, mismatch.segments_needed
    monkeypatch.setattr(grids, "grid_of_kind", lambda *given: _Reversed(grid_of_kind(*given).times[::-1]))
    monkeypatch.setattr(mismatch, "segments_needed", lambda *given: (needed(*given) or 1) + 1)
    for name in ("G3.ends", "G3.measured", "M3.composed"):
        each = dataclasses.replace(BY_NAME[name], share=1.0)
        assert not each.run(process, examples=4), name
    steep = type("Steep", (LipschitzMap,), {"constant": 0.0})([[0.0]], [0.0], [[2.0]], [[2.0]], [0.0])
    x = np.array([[0.01], [-0.01]])
    with pytest.raises(Refuted):
        BY_NAME["M1.pair"].holds(cf.OrnsteinUhlenbeck(LINE, "0.01", "0.011"), 40 * x, _Near(steep))
    schedule = cf.schedules.flow_matching()
    monkeypatch.setattr(type(schedule), "_scale_at", lambda self, xp, t: xp.ones_like(t))
    with pytest.raises(Refuted):
        BY_NAME["N1.time-change"].holds(process, schedule, "epsilon", np.array([0.3]), 0.5)


@dataclasses.dataclass
class _Reversed:
    times: Any


class _Near:
    """The flow of a short time itself, said to be constant."""

    constant = 0.0

    def __init__(self, other: LipschitzMap):
        self.other = other

    def __call__(self, x: Any) -> Any:
        return x


def test_every_property_names_a_claim_and_is_killed() -> None:
    assert len(BY_NAME) == len(PROPERTIES)
    assert {each.claim for each in PROPERTIES} - {"N1", "G5"} <= set(STATEMENTS)  # pages without a claim
    others = {"G3.ends", "G3.measured", "M3.composed", "M1.pair", "N1.time-change", *SLOW}
    assert set(BY_NAME) == set(KILLS) | others


#: Claims that say nothing of any x, t or mixture, or that others imply (L1 by L2 and S4, F5 by F1, L5; G3 is its own);
#: C1 to C4 speak of maps that are given by their weights.
ELSEWHERE = {"L1", "G4", "F5", "C1", "C2", "C3", "C4"}


def test_every_claim_about_points_times_or_mixtures_has_a_property() -> None:
    held = {each.claim for each in PROPERTIES}
    assert {claim for claim in STATEMENTS if not claim.startswith("A")} - held == ELSEWHERE


def test_a_run_tells_what_it_looked_at() -> None:
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("iris"))
    each = BY_NAME["S2.permutation"]
    found = each.run(process, seed=3, examples=5)
    assert (found.check, found.passed, found.evaluations) == ("S2.permutation", True, 5)
    assert found.message == "the order of components does not matter: no counterexample among 5 examples"
    left_out = BY_NAME["F3.attained"].run(process, examples=5)
    assert (left_out.passed, left_out.evaluations) == (True, 0)
    assert left_out.message == "does not apply: stated for two equal modes of common isotropic variance"


def test_a_counterexample_is_small_and_replays() -> None:
    found = BY_NAME["S2.gradient"].run(wrong.WrongSignScore(LINE), seed=0, examples=30)
    assert found.counterexample is not None
    assert found.message == "the score is the gradient of the log-density: it does not hold"
    with pytest.raises(Refuted):
        BY_NAME["S2.gradient"].holds(wrong.WrongSignScore(LINE), *found.counterexample.inputs.values())
    assert found.counterexample.inputs["t"] == 3.0
    again = BY_NAME["S2.gradient"].run(wrong.WrongSignScore(LINE), seed=0, examples=30)
    assert again.counterexample is not None
    assert again.counterexample.inputs["x"] == found.counterexample.inputs["x"]


def test_a_number_that_is_none_is_no_agreement() -> None:
    lost = disturbed(lambda m, x, t: np.nan)(LINE)
    assert not BY_NAME["S2.gradient"].run(lost, examples=2)
    assert not dataclasses.replace(BY_NAME["F1.above"], share=1.0).run(
        type("Lost", (Bent,), {"flow": lambda self, x, a, b, rtol=0: np.nan * x})(LINE), examples=2
    )
