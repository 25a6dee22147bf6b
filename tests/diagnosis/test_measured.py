"""The error that steps make with a solver, against a solver and a flow that are written here."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from depth import nightly

import certflow as cf
from certflow.diagnosis import Diagnosis
from certflow.diagnosis.measurement import BETTER, Measurement
from certflow.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

K, MATCH, EULER = "k-diffusion", "FlowMatchEulerDiscreteScheduler", "EulerDiscreteScheduler"
STABLE = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
TWO = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
MEANS, SPREAD = np.array([[-1.5, 0.0], [1.5, 0.0]]), 0.3


class Modes:
    """The denoiser of two Gaussians, for torch and NumPy, in OU coordinates: no mixture of the package."""

    t_min, t_max, shape = 1e-4, 12.0, (2,)

    def denoiser(self, x: Any, t: Any) -> Any:
        if isinstance(x, np.ndarray):
            t = float(t)
            return exploding(x * math.exp(t), math.sqrt(math.expm1(2 * t)))
        m = torch.exp(-torch.as_tensor(t, dtype=x.dtype))
        variance = SPREAD**2 * m**2 + 1 - m**2
        means = torch.from_numpy(MEANS)
        logits = -((x[:, None] - m * means) ** 2).sum(-1) / (2 * variance)
        mean = torch.softmax(logits, 1) @ means
        return mean + SPREAD**2 * m / variance * (x - m * mean)


def exploding(z: np.ndarray, sigma: float) -> np.ndarray:
    """`E[x_0 | x_0 + sigma n = z]` of the same law, in NumPy."""
    variance = SPREAD**2 + sigma**2
    logits = -((z[:, None] - MEANS) ** 2).sum(-1) / (2 * variance)
    weights = np.exp(logits - logits.max(1, keepdims=True))
    mean = (weights / weights.sum(1, keepdims=True)) @ MEANS
    return mean + SPREAD**2 / variance * (z - mean)


class One:
    """The denoiser `v m x / (1 - m^2 + m^2 v)` of `N(0, v)`, of which a solver makes a multiple."""

    t_min, t_max, shape = 1e-7, 12.0, (1,)

    def denoiser(self, x: Any, t: Any) -> Any:
        m = torch.exp(-t) if isinstance(t, torch.Tensor) else math.exp(-t)
        return SPREAD**2 * m * x / (1 - m**2 + m**2 * SPREAD**2)


def solved(denoise: Any, z: Any, sigmas: Any, sampler: str) -> Any:
    """Euler's steps, Heun's, or those of DPM-Solver++(2M), which are linear in `log sigma`."""
    past = None
    for a, b, before in zip(sigmas[:-1], sigmas[1:], [None, *sigmas[:-2]], strict=True):
        now = denoise(z, a)
        following = z + (b - a) * (z - now) / a
        if sampler == "heun":
            slopes = (z - now) / a + (following - denoise(following, b)) / b
            following = z + (b - a) * slopes / 2
        if sampler == "dpmpp-2m" and before is not None:
            slope = (now - past) / (math.log(before) - math.log(a))
            following = b / a * z + (1 - b / a) * (now + slope * (math.log(a) - math.log(b)) / 2)
        past, z = now, following
    return z


def true_error(sigmas: list[float], sampler: str = "euler") -> float:
    """`E|Psi - Phi|^2 / E|Phi|^2` of `exploding` from standard normal starts, by 200 steps of Heun."""
    levels = np.array(sigmas)
    z = math.sqrt(1 + levels[0] ** 2) * np.random.default_rng(7).standard_normal((2000, 2))
    exact = solved(exploding, z, np.geomspace(levels[0], levels[-1], 200), "heun")
    return float(((solved(exploding, z, levels, sampler) - exact) ** 2).sum() / (exact**2).sum())


def one_error(sigmas: Any, sampler: str = "euler") -> float:
    """The same of `One`, whatever the starts: the flow multiplies `z` by a ratio of standard deviations."""
    reached = solved(lambda z, sigma: SPREAD**2 / (SPREAD**2 + sigma**2) * z, 1.0, list(sigmas), sampler)
    return float((reached / math.sqrt((SPREAD**2 + sigmas[-1] ** 2) / (SPREAD**2 + sigmas[0] ** 2)) - 1) ** 2)


def levels_of(found: Diagnosis) -> np.ndarray:
    return np.sqrt(np.expm1(2 * found.times))


def measured(steps: Any, library: str = "diffusers", **options: Any) -> tuple[Diagnosis, Measurement]:
    found = cf.doctor(steps, library, **{"model": One(), **options})
    assert found.measured is not None
    json.dumps(found.mapping(), allow_nan=False)
    assert found.text()
    return found, found.measured


def score(found: Measurement) -> tuple[float, float]:
    assert found.listed is not None
    assert found.best is not None
    return found.listed.relative_mse, found.best.relative_mse


@pytest.mark.parametrize("sampler", ["euler", "heun"])
def test_both_errors_are_those_of_a_solver_written_here(sampler):
    sigmas = [14.6, 9.0, 0.1]
    _, found = measured([*sigmas, 0.0], K, sampler=sampler, model=Modes())
    assert (found.sampler, found.chosen, found.kind) == (sampler, "asked for", "optimised")
    assert found.evaluations == (5 if sampler == "heun" else 3)
    assert found.steps is not None
    better = found.steps["sigmas"]
    assert (better[0], better[-2:]) == (14.6, [0.1, 0.0])
    own, best = score(found)
    assert own == pytest.approx(true_error(sigmas, sampler), rel=0.2)
    assert best == pytest.approx(true_error(better[:-1], sampler), rel=0.2)
    assert best < own / 2
    for said in (found.listed, found.best):
        assert said is not None
        assert 1 < said.within_factor < 1.5


@nightly  # 40,000 points; every day, below: errors and best steps of fewer
def test_a_mixture_is_measured_from_end_to_end_of_the_list_whatever_its_own_interval():
    """Steps that are far from the best are told as advice, which is no error; the line makes them the best."""
    sigmas = [40.0, 39.0, 38.0, 0.05]
    found = cf.doctor([*sigmas, 0.0], K, process=TWO)
    assert found.ok
    assert found.measured is not None
    process = cf.OrnsteinUhlenbeck(TWO.mixture, found.times[-1], found.times[0])
    own, best = score(found.measured)
    assert own == pytest.approx(cf.samplers.relative_mse(process, found.times, samples=20_000, seed=5), rel=0.05)
    (advice,) = [finding for finding in found.advice if finding.name == "better-steps"]
    assert advice.value == pytest.approx(own / best)
    assert own / best > BETTER
    names = {"sigmas": [*sigmas, 0.0]}
    exec(advice.mend, {}, names)
    assert (names["sigmas"][0], names["sigmas"][-2:]) == (40.0, [0.05, 0.0])
    again = cf.doctor(names["sigmas"], K)
    assert again.ok
    error = cf.samplers.relative_mse(process, again.times, samples=20_000, seed=5)
    assert error == pytest.approx(best, rel=0.1)


TIMES = [3.0, 2.9, 2.8, 0.1]
U = [0.95, 0.94, 0.93, 0.1]


@pytest.mark.parametrize(
    ("steps", "options"),
    [
        (TIMES, {"library": "ou"}),
        ({"times": TIMES}, {"library": "ou"}),
        (U, {"scheduler": MATCH}),
        (U, {"scheduler": {"_class_name": MATCH, "shift": 3.0}}),
        ([1.0, *U[1:]], {"scheduler": MATCH}),
        ({"timesteps": [1000 * u for u in U]}, {"scheduler": MATCH}),
        ([*U, 0.0], {"scheduler": "LTXEulerAncestralRFScheduler"}),
        ({"sigmas": U, "mu": 1.15}, {"scheduler": {"_class_name": MATCH, "use_dynamic_shifting": True}}),
        ([999, 990, 980, 20], {"scheduler": "DPMSolverMultistepScheduler"}),
        ([999.0, 990.5, 980.0, 20.5], {"scheduler": "HeunDiscreteScheduler"}),
        ({"timesteps": [999.0, 990.0, 980.0, 20.0]}, {"scheduler": EULER}),
        ({"sigmas": [14.6, 14.0, 13.0, 0.1, 0.0]}, {"scheduler": {"_class_name": EULER, **STABLE}}),
        ([1.54, 1.53, 1.52, 0.2, 0.0], {"scheduler": "SCMScheduler"}),
        ({"sigmas": [0.0, 0.1, 0.2, 0.9]}, {"scheduler": "EDMEulerScheduler"}),
        (U, {}),
    ],
)
def test_the_best_steps_are_in_the_words_of_the_list(steps, options):
    """Pasted in its place they are found without an error, and cost and end as it did."""
    before, found = measured(steps, **options)
    assert before.ok, before.errors
    assert found.mend is not None
    assert found.steps is not None
    (name, values), *_ = found.steps.items()
    given = steps if isinstance(steps, dict) else {name: steps}
    assert len(values) == len(given[name])
    if "EDM" not in str(options):
        names: dict[str, Any] = {}
        exec(found.mend, {}, names)
        assert names == {name: values}
        assert (values[0], values[-1]) == (given[name][0], given[name][-1])
    after = cf.doctor({**given, name: values}, **options)
    assert after.ok, after.errors
    assert after.times.size == before.times.size
    own, best = score(found)
    if given[name][0] != 1.0:  # pure noise
        assert own == pytest.approx(one_error(levels_of(before), found.sampler), rel=0.01)
        assert best == pytest.approx(one_error(levels_of(after), found.sampler), rel=0.01)


@pytest.mark.parametrize(
    ("name", "config", "sampler"),
    [
        ("EulerDiscrete", STABLE, "euler"),
        ("HeunDiscrete", STABLE, "heun"),
        ("DPMSolverMultistep", STABLE, "dpmpp-2m"),
        ("FlowMatchEulerDiscrete", {"shift": 3.0}, "euler"),
        ("EDMEuler", {}, "euler"),
    ],
)
def test_the_line_of_a_scheduler_makes_it_step_over_the_best(make, name, config, sampler):
    scheduler = make(name, 5, **config)
    before = copy.deepcopy(scheduler.timesteps)
    _, found = measured(scheduler)
    assert (found.sampler, found.chosen) == (sampler, f"the solver of {name}Scheduler")
    assert torch.equal(scheduler.timesteps, before)
    assert found.mend is not None
    exec(found.mend, {"scheduler": scheduler, "np": np, "torch": torch})
    after = cf.doctor(scheduler)
    assert after.ok, after.errors
    assert after.times.size == 5
    assert score(found)[1] == pytest.approx(one_error(levels_of(after), sampler), rel=0.02)


def test_a_scheduler_that_takes_no_list_is_measured_and_told_so(make):
    scheduler = make("DDIM", 4, timestep_spacing="trailing", set_alpha_to_one=False)
    _, found = measured(scheduler)
    assert found.sampler == "euler"
    assert "DDIMScheduler takes a number of steps and no list" in found.notes[-1]
    assert found.steps is not None
    assert len(found.steps["timesteps"]) == 4
    levels = ((1 - scheduler.alphas_cumprod) / scheduler.alphas_cumprod).sqrt().double().numpy()
    for steps, error in zip(([999, 749, 499, 249], found.steps["timesteps"]), score(found), strict=True):
        assert error == pytest.approx(one_error(levels[[*map(int, steps), 0]]), rel=0.01)


@dataclasses.dataclass(frozen=True)
class Frozen(One):
    """Its ends cannot be set."""

    t_min: float = 0.001
    t_max: float = 4.0


class Computed(One):
    """Nor can these."""

    t_min = property(lambda self: 0.001)
    t_max = property(lambda self: 4.0)


@pytest.mark.parametrize("model", [Frozen(), Computed()])
def test_a_model_whose_ends_cannot_be_set_is_measured_and_left_as_it_is(model):
    _, found = measured([14.6, 0.5, 0.0], K, model=model)
    assert score(found)[0] == pytest.approx(one_error([14.6, 0.5]), rel=1e-3)
    assert (model.t_min, model.t_max) == (0.001, 4.0)


@pytest.mark.parametrize(
    ("name", "config", "sampler"),
    [
        ("DPMSolverMultistep", {"solver_type": "bh2"}, "dpmpp-2m"),  # which diffusers makes the midpoint's
        ("DPMSolverMultistep", {"solver_type": "heun"}, None),
        ("DPMSolverMultistep", {"solver_order": 3}, None),
        ("DPMSolverMultistep", {"algorithm_type": "sde-dpmsolver++"}, None),
        ("EDMDPMSolverMultistep", {"algorithm_type": "sde-dpmsolver++"}, None),
        ("EDMDPMSolverMultistep", {}, "dpmpp-2m"),
        ("FlowMatchEulerDiscrete", {"stochastic_sampling": True}, None),
        ("LTXEulerAncestralRF", {"eta": 0.0}, "euler"),
        ("LTXEulerAncestralRF", {}, None),
        ("LCM", {}, None),
    ],
)
def test_a_class_whose_steps_are_another_methods_implies_no_solver(name, config, sampler):
    steps = {"sigmas": [0.9, 0.5]} if name.startswith(("Flow", "LTX")) else {"timesteps": [900.0, 500.0]}
    found = cf.doctor(steps, scheduler={"_class_name": f"{name}Scheduler", **config}, model=One()).measured
    assert found is not None
    assert found.sampler == (sampler or "euler")
    assert found.chosen.startswith("the solver of" if sampler else "the default")


def test_the_shift_of_the_scheduler_counts():
    """`u = k s / (1 + (k - 1) s)`, `sigma = u / (1 - u)`, `k = 3`."""
    before, found = measured(U, scheduler={"_class_name": MATCH, "shift": 3.0})
    sigmas = [3 * u / (1 - u) for u in U]
    assert score(found)[0] == pytest.approx(one_error(sigmas), rel=1e-3)
    np.testing.assert_allclose(np.sqrt(np.expm1(2 * before.times)), sigmas, rtol=1e-9)


@pytest.mark.parametrize(
    ("steps", "options", "reason"),
    [
        ([14.6, 5.1, 5.1, 1.2, 0], {"library": K}, "sigmas do not fall strictly"),
        ([5.1, 14.6, 1.2, 0], {"library": K}, "sigmas do not fall strictly"),
        ([14.6, math.nan, 1.2, 0], {"library": K}, "an entry is no noise level"),
        ([14.6, 0], {"library": K}, "a single noise level above 0"),
        ([0.0, 0.0], {"library": K}, "divides by zero"),
        ([999, 749, 499], {"library": "ou"}, "numbers of another kind|numbers are of another kind"),
        ("timesteps = [999, 749, 499]", {}, "the scheduler, which is not named"),
        (U, {"scheduler": {"_class_name": MATCH, "use_karras_sigmas": True}}, "with use_karras_sigmas"),
        (U, {"scheduler": {"_class_name": MATCH, "shift_terminal": 0.1}}, "with shift_terminal"),
        (U, {"scheduler": {"_class_name": MATCH, "use_dynamic_shifting": True}}, "with use_dynamic_shifting"),
        (
            {"timesteps": [950.0, 500.0, 100.0]},
            {"scheduler": {"_class_name": MATCH, "shift": 3.0}},
            "other noise levels",
        ),
        ([1.0, 0.5, 1e-8], {"library": "ou"}, "t = 1e-08 in OU time is none of the model"),
        ([0.9], {"scheduler": MATCH}, "a single noise level above 0"),
    ],
)
def test_what_cannot_be_measured_says_why(steps, options, reason):
    found = cf.doctor(steps, **options, model=One()).measured
    assert found is not None
    assert found.reason is not None
    assert found.listed is found.best is found.steps is found.mend is found.times_the_best is None
    assert any(word in found.reason for word in reason.split("|"))
    assert "not measured with euler" in found.lines()[0]


def test_a_list_with_errors_whose_steps_fall_is_measured():
    before, found = measured([14.6, 5.0, 1.2], K)
    assert [finding.name for finding in before.errors] == ["zero-missing"]
    assert score(found)[0] == pytest.approx(one_error([14.6, 5.0, 1.2]), rel=1e-3)
    assert found.evaluations == 2
    before, found = measured([14.6, 5.0, 1.2, 0.0], K, num_inference_steps=4)
    assert [finding.name for finding in before.errors] == ["too-few"]
    assert found.mend is None
    assert "before the errors are mended (too-few)" in found.notes[-1]


def test_one_step_between_two_levels_leaves_no_choice():
    before, found = measured([14.6, 1.0, 0.0], K)
    assert (found.kind, found.times_the_best, found.mend) == ("these steps", 1.0, None)
    assert "leaves no choice" in found.notes[0]
    assert "none better is known" in before.text()


def test_the_best_steps_themselves_are_told_as_such():
    sigmas = [14.6, 4.0, 1.5, 0.5, 0.0]
    for _ in range(2):
        _, found = measured(sigmas, K)
        if found.steps is None:
            break
        sigmas = found.steps["sigmas"]
    else:
        _, found = measured(sigmas, K)
    assert found.kind == "these steps"
    assert found.times_the_best == 1


def test_without_a_law_nothing_is_measured():
    found = cf.doctor([14.6, 5.0, 0.0], K)
    assert found.measured is None
    assert found.mapping()["measured"] is None
    assert "measured" not in found.text()


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"sampler": "heun"}, "sampler: got 'heun'; required: a process or a model"),
        ({"sampler": "magic", "process": TWO}, "sampler: got 'magic'; required: one of euler, heun, dpmpp-2m"),
        ({"process": TWO.mixture}, "process: .*required: a certflow.OrnsteinUhlenbeck"),
        ({"process": TWO, "model": One()}, "model: .*none beside a process"),
        ({"model": 7}, "model: got 7; required"),
        ({"model": One}, "model: got 'One'"),
        ({"model": type("Endless", (), {"denoiser": One.denoiser})()}, "t_min: got None"),
    ],
)
def test_bad_input_is_one_line(options, line):
    with pytest.raises(InputError, match=line) as refused:
        cf.doctor([14.6, 5.0, 1.0, 0.0], K, **options)
    assert "\n" not in str(refused.value)
