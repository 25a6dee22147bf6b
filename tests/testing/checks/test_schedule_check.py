"""Noise schedules as people write them, right and wrong: what the check says of each."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import certflow as cf
from certflow.errors import InputError
from certflow.testing.checks.schedule import PARTS, check_schedule
from certflow.testing.result import CheckFailed

VP = cf.schedules.variance_preserving()
FLOW = cf.schedules.flow_matching()
COSINE = cf.schedules.cosine()
EDM = cf.schedules.edm()
SD = cf.schedules.scaled_linear()


def vp_a(tau):
    return np.exp(-0.25 * tau**2 * 19.9 - 0.05 * tau)


def vp_b(tau):
    return np.sqrt(1 - np.exp(-0.5 * tau**2 * 19.9 - 0.1 * tau))


def sd_table(dtype=np.float64):
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=dtype) ** 2
    return np.cumprod(1 - betas)


def cosine_a(tau):
    return np.cos((tau + 0.008) / 1.008 * math.pi / 2) / np.cos(0.008 / 1.008 * math.pi / 2)


# -- right ones ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("like", [VP, FLOW, COSINE, EDM, SD, cf.schedules.ornstein_uhlenbeck()])
def test_schedules_of_the_package_pass(like):
    result = check_schedule(like, like=like)
    assert [part.part for part in result.parts] == [part.name for part in PARTS]
    assert check_schedule(like)


@pytest.mark.parametrize(
    ("schedule", "options"),
    [
        ((vp_a, vp_b), {"like": VP}),
        ((lambda tau: vp_a(tau).astype("f4"), lambda tau: vp_b(tau).astype("f4")), {"like": VP}),
        ((lambda tau: 1 - tau, lambda tau: tau), {"like": FLOW}),
        ((cosine_a, lambda tau: np.sqrt(1 - cosine_a(tau) ** 2)), {"like": COSINE}),
        ((lambda tau: torch.exp(-0.25 * tau**2 * 19.9 - 0.05 * tau), lambda tau: torch.sqrt(
            1 - torch.exp(-0.5 * tau**2 * 19.9 - 0.1 * tau))), {"like": VP, "arrays": "torch"}),
        (lambda tau: tau, {"like": EDM}),
        (lambda tau: vp_b(tau) / vp_a(tau), {"like": VP}),
        (sd_table(), {"like": SD}),
        (torch.tensor(sd_table(np.float32)), {"like": SD}),
        (sd_table().tolist(), {}),
        (SimpleNamespace(a=vp_a, b=vp_b, log_snr=lambda tau: 2 * np.log(vp_a(tau) / vp_b(tau))), {}),
        (SimpleNamespace(a=np.ones_like, b=lambda s: s, sigma=lambda s: s, first=0.002, last=80.0), {"like": EDM}),
    ],
)  # fmt: skip
def test_a_right_schedule_passes(schedule, options):
    assert check_schedule(schedule, **options)


# -- wrong ones ------------------------------------------------------------------------------------------------


def of_exponent(exponent):
    """`a = e^{-E/2}`, `b = sqrt(1 - e^{-E})`."""
    return lambda tau: np.exp(-exponent(tau) / 2), lambda tau: np.sqrt(1 - np.exp(-exponent(tau)))


def shifted(tau, shift=3.0):
    return shift * tau / (1 + (shift - 1) * tau)


WRONG = [
    (of_exponent(lambda tau: 2 * (0.1 * tau + 9.95 * tau**2)), VP, "the rate twice"),
    (of_exponent(lambda tau: (0.1 * tau + 9.95 * tau**2) / 2), VP, "the rate halved"),
    ((lambda tau: vp_a(tau) ** 2, lambda tau: vp_b(tau) ** 2), VP, "square root missing"),
    ((lambda tau: vp_a(tau), lambda tau: vp_b(tau) ** 2), VP, "variance for its root"),
    ((lambda tau: vp_a(tau) ** 2, vp_b), VP, "alpha_bar for its root"),
    ((lambda tau: vp_a(tau) ** 0.5, vp_b), VP, "root of a twice"),
    ((vp_a, lambda tau: vp_b(tau) ** 0.5), VP, "root of b twice"),
    ((vp_b, vp_a), VP, "swapped"),
    ((vp_a, lambda tau: 1 - vp_a(tau)), VP, "1 - a for sqrt(1 - a^2)"),
    ((vp_a, lambda tau: np.sqrt(1 - vp_a(tau))), VP, "sqrt(1 - a)"),
    ((lambda tau: vp_a(1 - tau), lambda tau: vp_b(1 - tau)), VP, "time reversed"),
    ((lambda tau: vp_a(tau / 1000), lambda tau: vp_b(tau / 1000)), VP, "factor 1000"),
    ((lambda tau: vp_a(tau + 0.001), lambda tau: vp_b(tau + 0.001)), VP, "a step further"),
    (of_exponent(lambda tau: tau * (0.1 + 19.9 * tau)), VP, "the integral of beta"),
    (of_exponent(lambda tau: 20 * tau - 9.95 * tau**2), VP, "betas swapped"),
    (of_exponent(lambda tau: 9.95 * tau**2), VP, "beta_min left out"),
    (of_exponent(lambda tau: 0.1 * tau + 10 * tau**2), VP, "slope beta_max"),
    ((lambda tau: np.ones_like(tau), lambda tau: vp_b(tau) / vp_a(tau)), VP, "scaled to a = 1"),
    ((lambda tau: vp_a(tau).astype("f4").astype("f8"), vp_b), VP, "float32 leak"),
    ((lambda tau: 1 - shifted(tau), shifted), FLOW, "shift"),
    ((lambda tau: 1 - shifted(tau, 1 / 3), lambda tau: shifted(tau, 1 / 3)), FLOW, "shift"),
    ((lambda tau: tau, lambda tau: 1 - tau), FLOW, "swapped"),
    ((lambda tau: np.sqrt(1 - tau**2), lambda tau: tau), FLOW, ""),
    ((lambda tau: cosine_a(tau) ** 2, lambda tau: np.sqrt(1 - cosine_a(tau) ** 4)), COSINE, "the rate twice"),
    ((lambda tau: cosine_a(tau) * math.cos(0.008 / 1.008 * math.pi / 2),
      lambda tau: np.sin((tau + 0.008) / 1.008 * math.pi / 2)), COSINE, "not divided by its start"),
    ((lambda tau: np.cos(tau * math.pi / 2), lambda tau: np.sin(tau * math.pi / 2)), COSINE, "offset left out"),
    (lambda tau: tau**2, EDM, "variance for its root"),
    (lambda tau: np.log(tau), EDM, "log sigma"),
    (lambda tau: 2 * tau, EDM, "factor 2"),
    (lambda tau: vp_b(tau), VP, "b for b/a"),
    (lambda tau: vp_a(tau) / vp_b(tau), VP, "upside down"),
    (np.sqrt(sd_table()), SD, "the rate halved"),
    (sd_table() ** 2, SD, "the rate twice"),
    (1 - sd_table(), SD, "swapped"),
    (sd_table()[::-1], SD, "time reversed"),
    (sd_table()[1:], SD, "index off by one"),
    (np.append(1 - 1e-9, sd_table()[:-1]), SD, "index one back"),
]  # fmt: skip


def failed(schedule, **options):
    with pytest.raises(CheckFailed) as caught:
        check_schedule(schedule, **options)
    return caught.value.result


@pytest.mark.parametrize(("schedule", "like", "cause"), WRONG)
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_a_wrong_schedule_is_told_with_its_cause(schedule, like, cause):
    result = failed(schedule, like=like)
    assert [found.name for found in result.causes] == ([cause] if cause else [])
    assert "like" in [part.part for part in result.parts if not part.passed]


@pytest.mark.parametrize("factor", [1 + 1e-6, 1 - 1e-6])
def test_a_variance_wrong_by_a_millionth_is_found(factor):
    result = failed((vp_a, lambda tau: vp_b(tau) * factor**0.5), like=VP)
    assert result.causes == ()
    assert result.counterexample.error == pytest.approx(1e-6, rel=0.02)
    assert check_schedule((vp_a, lambda tau: vp_b(tau) * factor**0.5), like=VP, rtol=2e-6)


def test_a_float32_variance_wrong_by_a_thousandth_is_found():
    result = failed((lambda tau: vp_a(tau).astype("f4"), lambda tau: (vp_b(tau) * 1.0005).astype("f4")), like=VP)
    assert result.message.startswith("like: b(tau) =")


@pytest.mark.parametrize(
    ("schedule", "part", "said"),
    [
        ((vp_b, vp_a), "monotone", "sigma = b/a falls from"),
        ((lambda tau: vp_a(0.1 * tau), lambda tau: vp_b(0.1 * tau)), "ends", "there is more data than noise"),
        ((lambda tau: vp_a(tau + 1), lambda tau: vp_b(tau + 1)), "ends", "there is more noise than data"),
        ((lambda tau: 1.0, vp_b), "values", "a has shape () of times of shape"),
        ((vp_a, lambda tau: -vp_b(tau)), "values", "b = -"),
        ((vp_a, lambda tau: tau / np.zeros_like(tau)), "values", "b = inf, no finite number"),
        ((vp_a, lambda tau: math.sqrt(tau)), "values", "it raised TypeError"),
        ((vp_a, lambda tau: vp_b(tau) + 0.1 * (np.ndim(tau) == 0)), "values", "b of one time is"),
        (SimpleNamespace(a=vp_a, b=vp_b, log_snr=lambda t: np.log(vp_a(t) / vp_b(t))), "inverse", "log_snr is"),
        (
            SimpleNamespace(a=vp_a, b=vp_b, ou_time=VP.ou_time, time_at=lambda t: t),
            "inverse",
            "time_at(ou_time(tau)) =",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:Conversion of an array", "ignore:only length-1")
def test_what_each_part_says(schedule, part, said):
    found = {each.part: each for each in failed(schedule).parts}
    assert not found[part].passed
    assert said in found[part].message


@pytest.mark.parametrize(
    ("schedule", "options", "line"),
    [
        (3, {}, "schedule: got 3; required: an object with a(tau) and b(tau)"),
        (["a", "b"], {}, "schedule: got ['a', 'b']; required: an object"),
        ((vp_a, vp_b), {"like": "vp"}, "like: got 'vp'; required: one of cf.schedules, or None"),
        ((vp_a, vp_b), {"first": 1, "last": 0}, "last: got 0.0; required: a time > first = 1"),
        ((vp_a, vp_b), {"arrays": "jax"}, "arrays: got 'jax'; required: one of numpy, torch"),
        ((vp_a, vp_b), {"rtol": 2}, "rtol: got 2; required: a number in [0, 1)"),
        (sd_table(), {"like": VP}, "like: got cf.schedules.variance_preserving("),
    ],
)
def test_what_is_no_schedule(schedule, options, line):
    with pytest.raises(InputError) as caught:
        check_schedule(schedule, **options)
    assert line in str(caught.value)
