"""Samplers written here, from the books, right and wrong: what the check says of each."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from depth import night
from libraries import modules_kept, sampling_alone

import certflow as cf
from certflow.errors import InputError
from certflow.testing.causes.sampler import causes
from certflow.testing.checks.sampler import PARTS, check_sampler, prepare
from certflow.testing.result import CheckFailed

MIXTURE = cf.GaussianMixture([0.25, 0.75], [[-1, 0.5], [1, 0]], [0.0625, 0.25], name="two")
EDM = cf.schedules.edm()


# -- samplers of users -----------------------------------------------------------------------------------------


def euler(velocity, x, times):
    for a, b in pairwise(times):
        x = x + (b - a) * velocity(x, a)
    return x


def heun(velocity, x, times):
    for a, b in pairwise(times):
        first = velocity(x, a)
        x = x + (b - a) / 2 * (first + velocity(x + (b - a) * first, b))
    return x


def rk3(velocity, x, times):
    """Heun's third-order rule, which has no name in the package."""
    for a, b in pairwise(times):
        h = b - a
        k1 = velocity(x, a)
        k2 = velocity(x + h / 3 * k1, a + h / 3)
        k3 = velocity(x + 2 * h / 3 * k2, a + 2 * h / 3)
        x = x + h / 4 * (k1 + 3 * k3)
    return x


def ours(solver):
    """`certflow.samplers`, whose solvers are written in another way than the check's."""

    class Field:
        def __init__(self, velocity):
            self.velocity = velocity

    return lambda velocity, x, times: cf.samplers.run(Field(velocity), x, times, solver)


def ddim(noise, x, taus):
    schedule = cf.schedules.variance_preserving()
    for s, t in pairwise(taus):
        epsilon = noise(x, s)
        clean = (x - schedule.b(s) * epsilon) / schedule.a(s)
        x = schedule.a(t) * clean + schedule.b(t) * epsilon
    return x


def dpmpp_2m(denoiser, x, sigmas, share=lambda r: 1 / (2 * r)):
    old, past = None, 0.0
    for a, b in pairwise(sigmas):
        now, h = denoiser(x, a), np.log(a / b)
        used = now if old is None else now + share(past / h) * (now - old)
        x, old, past = b / a * x + (1 - b / a) * used, now, h
    return x


def reverse_sde(velocity, x, times, seed, score=2.0, noise=2**0.5):
    random = np.random.default_rng(seed)
    for a, b in pairwise(times):
        s = -x - velocity(x, a)
        x = x + (a - b) * (x + score * s) + noise * (a - b) ** 0.5 * random.standard_normal(x.shape)
    return x


def with_field(sampler, change):
    return lambda velocity, x, times: sampler(lambda y, t: change(y, velocity(y, t)), x, times)


# -- right ones ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sampler", "options", "told"),
    [
        (euler, {"order": 1, "evaluations": 1}, "Euler in t"),
        (ours("dpmpp-2m"), {"solver": "dpmpp-2m", "evaluations": lambda steps: steps}, "those of DPM-Solver++(2M)"),
        (reverse_sde, {"stochastic": True}, "no gap beyond chance at the level 1e-06"),
    ],
)
def test_a_right_sampler_passes_and_is_named(sampler, options, told):
    result = check_sampler(sampler, MIXTURE, samples=500, **options)
    assert result.passed
    assert told in result.message
    assert [part.part for part in result.parts] == [part.name for part in PARTS]
    assert result.evaluations > 0


def told_by(sampler, but=("order", "law"), **options):
    """What the parts tell of a sampler in which none of them, the dear ones aside, finds anything."""
    it = prepare(sampler, MIXTURE, **options)
    results = [part.run(it) for part in PARTS if part.name not in but]
    assert [result for result in results if not result.passed] == []
    return "; ".join(result.message for result in results)


@pytest.mark.parametrize(
    ("sampler", "options", "told"),
    [
        (heun, {"solver": "heun-t", "evaluations": 2}, "those of Heun in t"),
        (rk3, {"order": 3, "evaluations": 3}, "no step that has a name here"),
        (ours("heun"), {"solver": "heun"}, "those of Heun in sigma"),
        (
            ddim,
            {"solver": "euler", "field": "noise", "schedule": cf.schedules.variance_preserving()},
            "Euler in sigma (DDIM without noise)",
        ),
        (euler, {"order": 1, "schedule": cf.schedules.flow_matching()}, "Euler in sigma"),
        (dpmpp_2m, {"solver": "dpmpp-2m", "field": "denoiser", "schedule": EDM}, "DPM-Solver++(2M)"),
    ],
)
def test_a_right_sampler_is_named(sampler, options, told):
    assert told in told_by(sampler, **options)


@pytest.mark.parametrize(
    ("arrays", "dtype", "field"),
    [("torch", "float64", "velocity"), ("torch", "float32", "velocity"), ("numpy", "float32", "score")],
)
def test_other_arrays_and_dtypes(arrays, dtype, field):
    def sampler(handed, x, times):
        velocity = handed if field == "velocity" else lambda y, t: -y - handed(y, t)
        return heun(velocity, x, times)

    assert told_by(sampler, solver="heun-t", arrays=arrays, dtype=dtype, field=field)


@pytest.mark.parametrize("field", ["v_prediction", "flow_prediction", "denoiser"])
def test_a_field_in_another_schedule(field):
    """Heun in `sigma` by what a network on the cosine schedule says of `v`, of `eps - x_0` or of `x_0`."""
    schedule = cf.schedules.cosine()

    def sampler(handed, x, taus):
        def noise(z, tau):
            a, b = schedule.a(tau), schedule.b(tau)
            said = handed(a * z, tau)
            if field == "v_prediction":
                return (a * said + b * a * z) / (a**2 + b**2)
            clean = said if field == "denoiser" else (a * z - b * said) / (a + b)
            return (a * z - a * clean) / b

        z = x / schedule.a(taus[0])
        for s, t in pairwise(taus):
            h = schedule.b(t) / schedule.a(t) - schedule.b(s) / schedule.a(s)
            first = noise(z, s)
            z = z + h / 2 * (first + noise(z + h * first, t))
        return z * schedule.a(taus[-1])

    assert causes(prepare(sampler, MIXTURE, field=field, schedule=schedule, solver="heun")) == ()
    it = prepare(sampler, MIXTURE, field=field, schedule=schedule, solver="heun")
    assert all(part.run(it) for part in PARTS if part.name in ("shape", "times", "factor"))


def test_k_diffusion():
    names = {"sample_heun": "heun", "sample_dpm_2": "dpm-solver-2", "sample_dpmpp_2m": "dpmpp-2m"}
    options = {"field": "denoiser", "schedule": EDM, "arrays": "torch"}
    with modules_kept():
        sampling = sampling_alone()
        for name, solver in names.items():
            run = getattr(sampling, name)
            assert told_by(lambda d, x, s, run=run: run(d, x, s, disable=True), solver=solver, **options)


# -- wrong ones ------------------------------------------------------------------------------------------------


def float32_within(velocity, x, times):
    return heun(lambda y, t: velocity(y, t).astype(np.float32), x, times).astype(np.float64)


def old_time(velocity, x, times):
    for a, b in pairwise(times):
        first = velocity(x, a)
        x = x + (b - a) / 2 * (first + velocity(x + (b - a) * first, a))
    return x


def next_node(velocity, x, times):
    for a, b in pairwise(times):
        x = x + (b - a) * velocity(x, b)
    return x


def clipped(denoiser, x, sigmas):
    for a, b in pairwise(sigmas):
        x = x + (b - a) * (x - np.clip(denoiser(x, a), -1, 1)) / a
    return x


def equal_steps(velocity, x, times):
    h = (times[-1] - times[0]) / (len(times) - 1)
    for t in times[:-1]:
        x = x + h * velocity(x, t)
    return x


def step_after(velocity, x, times):
    lengths = np.diff(times)
    for t, h in zip(times[:-1], np.append(lengths[1:], lengths[-1]), strict=True):
        x = x + h * velocity(x, t)
    return x


def edm_euler(denoiser, x, sigmas, by=lambda a, b: a):
    for a, b in pairwise(sigmas):
        x = x + (b - a) * (x - denoiser(x, a)) / by(a, b)
    return x


def log_snr_for_its_half(denoiser, x, sigmas):
    for a, b in pairwise(sigmas):
        ratio = np.exp(-2 * np.log(a / b))
        x = ratio * x + (1 - ratio) * denoiser(x, a)
    return x


EDM_DENOISER = {"field": "denoiser", "schedule": EDM}
VP_NOISE = {"field": "noise", "schedule": cf.schedules.variance_preserving()}

WRONG: list[tuple[Any, dict[str, Any], str]] = [
    (euler, {}, "lower order"),
    (heun, {"solver": "heun"}, "another solver"),
    (euler, {"solver": "euler"}, "another solver"),
    (with_field(heun, lambda x, u: -u), {}, "sign"),
    (with_field(euler, lambda x, u: 2 * u), {"order": 1}, "factor 2"),
    (with_field(rk3, lambda x, u: u / 2), {"order": 3}, "factor 1/2"),
    (with_field(euler, lambda x, u: -x - u), {"order": 1}, "score for velocity"),
    (with_field(euler, lambda x, u: x + u), {"order": 1}, "minus the score for velocity"),
    (with_field(heun, lambda x, u: -2 * x - u), {}, "sign of the score"),
    (with_field(rk3, lambda x, u: (u - x) / 2), {"order": 3}, "half of the score"),
    (with_field(heun, lambda x, u: x + 2 * u), {}, "the drift of the SDE"),
    (lambda u, x, times: heun(u, x, times[::-1]), {}, "time reversed"),
    (lambda u, x, times: heun(lambda y, t: u(y, times[0] + times[-1] - t), x, times), {}, "time mirrored"),
    (lambda u, x, times: heun(u, x, times[:-1]), {}, "last step missing"),
    (lambda u, x, times: euler(u, x, times[1:]), {"order": 1}, "first step missing"),
    (lambda e, x, taus: ddim(e, x, taus[1:]), {"order": 1} | VP_NOISE, "first step missing"),
    (lambda d, x, s: dpmpp_2m(d, x, s[:-1]), EDM_DENOISER, "last step missing"),
    (next_node, {"solver": "euler-t"}, "the next node"),
    (old_time, {}, "second evaluation at the old time"),
    (clipped, {"order": 1} | EDM_DENOISER, "the denoiser clipped"),
    (lambda d, x, s: dpmpp_2m(d, x, s, lambda r: 1 / r), EDM_DENOISER, "history"),
    (lambda d, x, s: dpmpp_2m(d, x, s, lambda r: r / 2), EDM_DENOISER, "history"),
    (lambda d, x, s: dpmpp_2m(d, x, s, lambda r: 0.0), {"solver": "dpmpp-2m"} | EDM_DENOISER, "another solver"),
    (float32_within, {}, "float32 leak"),
    (equal_steps, {"solver": "euler-t"}, "equal steps"),
    (step_after, {"solver": "euler-t"}, "the next step's length"),
    (lambda d, x, s: edm_euler(d, x, s, lambda a, b: b), {"order": 1} | EDM_DENOISER, "divided by the next node"),
    (lambda d, x, s: edm_euler(d, x, s, lambda a, b: 1), {"order": 1} | EDM_DENOISER, "not divided"),
    (lambda d, x, s: edm_euler(d, x, s, lambda a, b: a**2), {"order": 1} | EDM_DENOISER, "divided twice"),
    (lambda d, x, s: edm_euler(d, s[0] * x, s), {"order": 1} | EDM_DENOISER, "scale at the start"),
    (lambda d, x, s: dpmpp_2m(d, x, s) / (1 + s[-1] ** 2) ** 0.5, EDM_DENOISER, "scale at the end"),
    (log_snr_for_its_half, {"order": 1} | EDM_DENOISER, "factor 2 in log-SNR"),
    (lambda e, x, taus: ddim(lambda y, t: -e(y, t), x, taus), {"order": 1} | VP_NOISE, "sign of the score"),
]


@pytest.mark.parametrize(("sampler", "options", "cause"), WRONG)
def test_the_cause_of_a_wrong_sampler(sampler, options, cause):
    assert [found.name for found in causes(prepare(sampler, MIXTURE, **options))] == [cause]


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ({"score": 1}, "half of the score"),
        ({"noise": 1}, "noise without its root of 2"),
        ({"noise": 2}, "variance for its root"),
        ({"score": -2}, "sign of the score"),
    ],
)
def test_the_cause_of_a_wrong_sde(options, cause):
    it = prepare(lambda *given, seed: reverse_sde(*given, seed, **options), MIXTURE, stochastic=True)
    assert [found.name for found in causes(it)] == [cause]


def test_a_right_sde_has_no_cause():
    assert causes(prepare(reverse_sde, MIXTURE, stochastic=True)) == ()


def failed(sampler, **options) -> Any:
    with pytest.raises(CheckFailed) as caught:
        check_sampler(sampler, MIXTURE, samples=500, **options)
    return caught.value.result


def test_a_failure_replays():
    result = failed(euler)
    assert {part.part for part in result.parts if not part.passed} == {"order on one Gaussian", "order"}
    assert "it is Euler in t, of order 1" in str(result)
    found = result.counterexample
    made: dict[str, Any] = {"cf": cf}
    exec(found.code, made)
    x, times, process = found.inputs["x"][None], made["times"], made["process"]
    np.testing.assert_allclose(euler(process.velocity, x, times)[0], found.got, rtol=1e-12)
    np.testing.assert_allclose(process.flow(x, times[0], times[-1])[0], found.expected, rtol=1e-8)
    assert found.error > found.tolerance


def test_what_a_sampler_is_not_is_said_first():
    result = failed(heun, solver="heun")
    assert result.message.startswith("factor: it is Heun in t, not Heun in sigma: 1 of its steps multiply deviations")
    assert len(result.counterexample.inputs["x"]) == 2


def test_an_sde_without_its_noise_is_held_by_its_law():
    result = failed(lambda u, x, times, seed: reverse_sde(u, x, times, seed, noise=0), stochastic=True)
    assert [part.part for part in result.parts if not part.passed] == ["repeat", "variance on one Gaussian", "law"]
    assert [cause.name for cause in result.causes] == ["noise missing"]


def ancestral(velocity, x, times, seed, noise=1.0):
    """DDPM's step: mean `(x + (1 - r^2) s)/r`, variance `(1 - r^2) (1 - m_b^2)/(1 - m_a^2)`, `r = m_a/m_b`."""
    random = np.random.default_rng(seed)
    for a, b in pairwise(times):
        ratio = np.exp(b - a)
        mean = (x + (1 - ratio**2) * (-x - velocity(x, a))) / ratio
        deviation = np.sqrt((1 - ratio**2) * np.expm1(-2 * b) / np.expm1(-2 * a))
        x = mean + noise * deviation * random.standard_normal(x.shape)
    return x


def on_one_gaussian(sampler, **options):
    part = next(part for part in PARTS if part.name == "variance on one Gaussian")
    return part.run(prepare(sampler, MIXTURE, stochastic=True, **options))


@pytest.mark.parametrize(
    ("sampler", "factor"),
    [
        (lambda *given, seed: reverse_sde(*given, seed, noise=0.95 * 2**0.5), "0.95"),
        *night((lambda *given, seed: ancestral(*given, seed, noise=1.05), "1.05")),
    ],
)
def test_noise_that_is_off_by_a_twentieth(sampler, factor):
    result = on_one_gaussian(sampler)
    assert not result.passed
    assert "the variance of its ends on one Gaussian is" in result.message
    assert [cause.name for cause in result.causes] == ["noise scaled"]
    assert f"scaled by a factor, about {factor}:" in result.causes[0].sentence
    assert result.counterexample.error > result.counterexample.tolerance


def test_noise_of_one_coordinate_alone():
    def off(velocity, x, times, seed):
        return reverse_sde(velocity, x, times, seed) * [1.0, 1.04]

    assert on_one_gaussian(off).message.startswith("the variance of coordinate 1")


@pytest.mark.parametrize("sampler", [reverse_sde, ancestral])
@pytest.mark.parametrize("seed", [1, *night(*range(2, 20))])
def test_right_noise_is_no_false_alarm(sampler, seed):
    assert on_one_gaussian(sampler, seed=seed).passed


def written_into(velocity, x, times):
    for a, b in pairwise(times):
        x += (b - a) * velocity(x, a)
    return x


def with_chance(velocity, x, times):
    return heun(velocity, x, times) + 1e-3 * np.random.default_rng().standard_normal(x.shape)


def centred(velocity, x, times):
    found = heun(velocity, x, times)
    return found - 1e-3 * found.mean(axis=0) if len(x) else found


def nan_where_equal(velocity, x, times):
    for a, b in pairwise(times):
        x = x + (b - a) * velocity(x, a) * ((b - a) / (b - a))
    return x


@pytest.mark.parametrize(
    ("sampler", "options", "part", "said"),
    [
        (lambda u, x, times: heun(u, x, times).sum(0), {}, "shape", "it returned shape (2,) of points of shape (5, 2)"),
        (lambda u, x, times: heun(u, x, times).tolist(), {}, "shape", "it returned list, where the points are ndarray"),
        (lambda u, x, times: heun(u, x, times) / 0, {}, "shape", "it returned numbers that are not finite"),
        (lambda u, x, times: heun(u, x, times).astype("f4"), {}, "shape", "it returned float32 of points in float64"),
        (lambda u, x, times: heun(u, x, times)[[0] * len(x)], {}, "shape", "elsewhere among others than alone"),
        (centred, {}, "shape", "elsewhere among others than alone"),
        (lambda u, x, times: x[0] + heun(u, x, times), {}, "shape", "of an empty batch it raised IndexError"),
        (lambda u, x, times: x, {}, "times", "it never asks for the field"),
        (lambda u, x, times: heun(u, x, 2 * times), {}, "times", "it asks for the field at t = 6, outside"),
        (nan_where_equal, {"order": 1}, "equal nodes", "it returned numbers that are not finite"),
        (written_into, {"order": 1}, "repeat", "it writes into its argument x"),
        (with_chance, {}, "repeat", "a second run of the same points ends elsewhere"),
        (reverse_sde, {"stochastic": True, "seed": 3}, "", ""),
        (
            lambda u, x, times, seed: reverse_sde(u, x, times, 0),
            {"stochastic": True},
            "repeat",
            "another seed ends at the same points",
        ),
        (heun, {"evaluations": 1}, "evaluations", "2 evaluations of 1 steps, where 1 are meant"),
        (float32_within, {}, "precision", "its ends jump by"),
        (lambda u, x, times: heun(u, x.astype("f4"), times), {}, "precision", "at points in float32"),
        (
            lambda u, x, times: euler(u, x, times[1:]),
            {"order": 1},
            "one segment",
            "of the error, where a quarter is due",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_what_each_part_says(sampler, options, part, said):
    it = prepare(sampler, MIXTURE, **options)
    found = {each.name: each.run(it) for each in PARTS if not each.name.startswith(("order", "law"))}
    assert part == "" or not found[part].passed
    assert said in "".join(result.message for result in found.values())
    assert part or all(found.values())


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"sampler": 3}, "sampler: got 3; required: a callable (field, x, times) -> x at times[-1]"),
        ({"mixture": 2}, "mixture: got 2; required: a GaussianMixture, the name of a built-in one, or a file"),
        ({"field": "eps"}, "field: got 'eps'; required: one of velocity, score"),
        ({"arrays": "jax"}, "arrays: got 'jax'; required: one of numpy, torch"),
        ({"dtype": "float16"}, "dtype: got 'float16'; required: one of float64, float32"),
        ({"solver": "plms"}, "solver: got 'plms'; required: one of euler, euler-t"),
        ({"order": 0}, "order: got 0; required: an int from 1 to 8"),
        ({"level": 0.5}, "level: got 0.5; required: a probability in (0, 0.1)"),
        ({"samples": 3}, "samples: got 3; required: an int from 100 to 1000000"),
        ({"level": None}, "level: got None; required: a probability in (0, 0.1)"),
        ({"solver": ["heun"]}, "solver: got ['heun']; required: one of euler, euler-t"),
        ({"dtype": np.ones(2)}, "required: one of float64, float32"),
        ({"stochastic": "yes"}, "stochastic: got 'yes'; required: True or False"),
        ({"evaluations": lambda: 1}, "evaluations: got 'a function that raises TypeError'; required: an int for each"),
        ({"evaluations": lambda count: "two"}, "evaluations: got 'two'; required: an int for each step"),
        ({"evaluations": 10**400}, "required: an int for each step"),
        ({"seed": "a"}, "seed: got 'a'; required: an int >= 0"),
        ({"schedule": "edm"}, "schedule: got 'edm'; required: one of cf.schedules, or None"),
        ({"schedule": cf.schedules.cosine()}, "field: got 'velocity'; required: another field on this schedule"),
        ({"evaluations": "2"}, "evaluations: got '2'; required: an int for each step, or a function of K"),
        ({"t_min": 4}, "t_max: got 3.0; required: a time > t_min = 4"),
    ],
)
def test_options_that_fit_nothing(options, line):
    with pytest.raises(InputError) as caught:
        check_sampler(**({"sampler": euler, "mixture": MIXTURE} | options))
    assert line in str(caught.value)
