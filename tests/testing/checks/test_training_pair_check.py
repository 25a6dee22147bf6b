"""Noised data and targets as training loops make them, right and wrong: what the check says of each."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from depth import night

import certflow as cf
from certflow.errors import InputError
from certflow.testing.checks.training_pair import PARTS, check_training_pair
from certflow.testing.result import CheckFailed

MIXTURE = cf.GaussianMixture([0.25, 0.75], [[-1, 0.5], [1, 0]], [0.0625, 0.25])
IMAGES = np.random.default_rng(5).uniform(-1, 1, (40, 1, 3, 3))
VP = cf.schedules.variance_preserving()
FLOW = cf.schedules.flow_matching()
SD = cf.schedules.scaled_linear()
TABLE = np.cumprod(1 - np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2)


def factors(tau, ndim=2):
    """`a` and `b` of the variance-preserving schedule with beta from 0.1 to 20, of shape (n, 1, ...)."""
    exponent = (0.1 * tau + 9.95 * tau**2).reshape(-1, *(1,) * (ndim - 1))
    return np.exp(-exponent / 2), np.sqrt(1 - np.exp(-exponent))


def made(target=lambda x0, z, a, b: z, change=lambda a, b: (a, b), time=lambda tau: tau, noise=lambda z: z):
    def make(x0, tau, z):
        a, b = change(*factors(time(tau), x0.ndim))
        return a * x0 + b * noise(z), target(x0, z, a, b)

    return make


def drawn(change=lambda a, b: (a, b), time=lambda tau: tau, noise=lambda z: z):
    """With its own noise."""

    def make(x0, tau, seed):
        a, b = change(*factors(time(tau), x0.ndim))
        return a * x0 + b * noise(np.random.default_rng(seed).standard_normal(x0.shape))

    return make


TARGETS = {
    "epsilon": lambda x0, z, a, b: z,
    "sample": lambda x0, z, a, b: x0,
    "v_prediction": lambda x0, z, a, b: a * z - b * x0,
    "flow_prediction": lambda x0, z, a, b: z - x0,
    "score": lambda x0, z, a, b: -z / b,
}


# -- right ones ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("predicts", TARGETS)
@pytest.mark.parametrize("data", [MIXTURE, IMAGES])
def test_a_right_pair_passes(predicts, data):
    result = check_training_pair(made(TARGETS[predicts]), data, schedule=VP, predicts=predicts)
    assert [part.part for part in result.parts] == [part.name for part in PARTS]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_right_pair_in_torch_passes(dtype):
    alphas = torch.tensor(TABLE)

    def make(x0, step, noise):
        kept = alphas[step.long()].to(x0.dtype)[:, None]
        a, b = kept.sqrt(), (1 - kept).sqrt()
        return a * x0 + b * noise, a * noise - b * x0, kept[:, 0] / (1 - kept[:, 0])

    options = {"predicts": "v_prediction", "arrays": "torch", "dtype": dtype}
    assert check_training_pair(make, MIXTURE, schedule=SD, weight=lambda n: TABLE[n.astype(int)] / (
        1 - TABLE[n.astype(int)]), **options)  # fmt: skip


def test_a_right_flow_passes():
    def make(x0, u, noise):
        u = u[:, None]
        return (1 - u) * x0 + u * noise, noise - x0

    assert check_training_pair(make, "two-modes", schedule=FLOW, predicts="flow_prediction")


@pytest.mark.parametrize("data", [MIXTURE, IMAGES])
def test_own_noise_is_held_within_chance(data):
    result = check_training_pair(drawn(), data, schedule=VP, noise="seed")
    assert "within chance at the level 1e-06" in result.message


def test_a_target_is_held_against_the_noise_in_the_data():
    def make(x0, tau, seed):
        a, b = factors(tau)
        z = np.random.default_rng(seed).standard_normal(x0.shape)
        return a * x0 + b * z, z

    assert check_training_pair(make, MIXTURE, schedule=VP, noise="seed", predicts="epsilon")


# -- wrong ones ------------------------------------------------------------------------------------------------

CHANGES = [
    (lambda a, b: (a, b**2), "variance for its root"),
    (lambda a, b: (a**2, b), "alpha_bar for its root"),
    (lambda a, b: (a**0.5, b), "root of a twice"),
    (lambda a, b: (a**2, b**2), "square root missing"),
    (lambda a, b: (b, a), "swapped"),
    (lambda a, b: (1.0, b), "data not scaled"),
    (lambda a, b: (a, 1.0), "noise not scaled"),
    (lambda a, b: (a, 1 - a), "1 - a for sqrt(1 - a^2)"),
]
TIMES = [
    (lambda tau: 1 - tau, "time reversed"),
    (lambda tau: tau * 0 + tau[:1], "one time"),
    (lambda tau: tau / 1000, "factor 1000"),
]


def failed(make, data=MIXTURE, **options):
    with pytest.raises(CheckFailed) as caught:
        check_training_pair(make, data, schedule=VP, **options)
    return caught.value.result


@pytest.mark.parametrize(("change", "cause"), CHANGES)
def test_wrong_factors(change, cause):
    def swapped_or_not(a, b):
        found = change(a, b)
        return tuple(np.broadcast_to(f, a.shape) for f in found)

    given = failed(made(change=swapped_or_not))
    own = failed(drawn(change=swapped_or_not), noise="seed", rows=40_000)
    for result in (given, own):
        assert [found.name for found in result.causes] in ([cause], ["noise for data"] if cause == "swapped" else [])
        assert result.message.startswith("noised")


@pytest.mark.parametrize(("time", "cause"), TIMES)
@pytest.mark.parametrize("noise", ["given", "seed"])
def test_wrong_times(time, cause, noise):
    make = (made if noise == "given" else drawn)(time=time)
    guarded = (lambda x0, tau, z: make(x0, tau, z)) if noise == "given" else make
    result = failed(guarded, noise=noise, rows=40_000)
    assert [found.name for found in result.causes] == [cause]


@pytest.mark.parametrize(
    ("noise", "cause"),
    [
        (lambda z: -z, "sign of the noise"),
        (lambda z: 0 * z, "noise missing"),
        (lambda z: z * 0 + z[:1], "noise reused"),
        (lambda z: np.roll(z, 1, axis=0), "rows shuffled"),
    ],
)
def test_wrong_noise(noise, cause):
    assert [found.name for found in failed(made(noise=noise)).causes] == [cause]


@pytest.mark.parametrize(
    ("noise", "part", "cause"),
    [
        (lambda z: z * 0 + z[:1], "independent", "noise reused"),
        (lambda z: (z + z[:1]) / 2**0.5, "independent", "noise reused"),
        (lambda z: 0 * z, "noised", "noise missing"),
        (lambda z: np.sign(z), "independent", ""),
        (lambda z: (z - z.min()) / np.ptp(z), "noised", ""),
    ],
)
def test_wrong_noise_of_its_own(noise, part, cause):
    def make(x0, tau, seed):
        return drawn(noise=noise)(x0, tau, seed) if len(x0) > 1 else drawn()(x0, tau, seed)

    result = failed(make, noise="seed", seed=1)
    assert not {each.part: each for each in result.parts}[part].passed
    assert cause == "" or cause in [found.name for each in result.parts for found in each.causes]


@pytest.mark.parametrize(
    ("predicts", "target", "cause"),
    [
        ("epsilon", lambda x0, z, a, b: -z, "sign"),
        ("epsilon", lambda x0, z, a, b: b * z, "scale"),
        ("epsilon", lambda x0, z, a, b: x0, "another prediction"),
        ("epsilon", lambda x0, z, a, b: a * x0 + b * z, "another prediction"),
        ("epsilon", lambda x0, z, a, b: np.random.default_rng(1).standard_normal(z.shape), "another noise"),
        ("epsilon", lambda x0, z, a, b: 1.5 * z, "factor"),
        ("sample", lambda x0, z, a, b: a * x0, "scale"),
        ("v_prediction", lambda x0, z, a, b: b * x0 - a * z, "sign"),
        ("v_prediction", lambda x0, z, a, b: a * z + b * x0, "sign within"),
        ("v_prediction", lambda x0, z, a, b: b * z - a * x0, "a and b swapped"),
        ("flow_prediction", lambda x0, z, a, b: x0 - z, "sign"),
        ("flow_prediction", lambda x0, z, a, b: x0 + z, "sign within"),
        ("score", lambda x0, z, a, b: z / b, "sign"),
        ("score", lambda x0, z, a, b: -z / b**2, "variance for its root"),
        ("score", lambda x0, z, a, b: -z, "scale"),
        ("score", lambda x0, z, a, b: z, "scale"),
    ],
)
def test_a_wrong_target(predicts, target, cause):
    result = failed(made(target), predicts=predicts)
    assert result.message.startswith("target: the target is")
    assert [found.name for found in result.causes] == [cause]


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda w: w, ""),
        (lambda w: 2 * w, "factor"),
        (lambda w: 1 / w, "upside down"),
        (lambda w: w**2, "square root missing"),
    ],
)
def test_a_weight(change, cause):
    def snr(tau):
        a, b = factors(tau)
        return (a / b)[:, 0] ** 2

    def make(x0, tau, z):
        return (*made()(x0, tau, z), change(snr(tau)))

    if not cause:
        assert check_training_pair(make, MIXTURE, schedule=VP, weight=snr)
        return
    assert [found.name for found in failed(make, weight=snr).causes] == [cause]


def test_a_variance_wrong_by_a_millionth_is_found():
    result = failed(made(change=lambda a, b: (a, b * (1 + 1e-6) ** 0.5)))
    assert result.causes == ()
    assert result.counterexample.excess > 10
    found = result.counterexample
    a, b = factors(np.array([found.inputs["tau"]]))
    np.testing.assert_allclose(a[0] * found.inputs["x0"] + b[0] * found.inputs["noise"], found.expected)


@pytest.mark.parametrize(
    ("make", "options", "said"),
    [
        (lambda x0, tau, z: x0.sum(), {}, "shape: x_t has shape ()"),
        (lambda x0, tau, z: x0.tolist(), {}, "shape: x_t is list, where the data are ndarray"),
        (lambda x0, tau, z: x0.astype("f4"), {}, "shape: x_t is float32, of data in float64"),
        (lambda x0, tau, z: x0 + np.nan, {}, "shape: x_t has numbers that are not finite"),
        (lambda x0, tau, z: x0[0] + x0, {}, "shape: of an empty batch it raised IndexError"),
        (lambda x0, tau, z: np.multiply(x0, 2, out=x0), {}, "shape: it writes into its arguments"),
        (lambda x0, tau, z: made()(x0, tau, z)[0], {"predicts": "epsilon"}, "shape: it returned no target"),
        (lambda x0, tau, z: 1 / 0, {}, "shape: it raised ZeroDivisionError"),
        (lambda x0, tau, seed: drawn()(x0, tau, 1), {"noise": "seed"}, "repeat: another seed makes the same x_t"),
        (lambda x0, tau, seed: drawn()(x0, tau, None), {"noise": "seed"}, "repeat: a second time, with the same seed"),
    ],
)
def test_what_is_no_pair(make, options, said):
    assert said in failed(make, **options).message


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"make": 3}, "make: got 3; required: a callable (x0, tau, noise)"),
        ({"data": [1, 2]}, "data: got 'shape (2,)'; required: a mixture, or finite rows"),
        ({"schedule": "vp"}, "schedule: got 'vp'; required: one of cf.schedules"),
        ({"predicts": "eps"}, "predicts: got 'eps'; required: one of epsilon, sample"),
        ({"noise": "own"}, "noise: got 'own'; required: one of given, seed"),
        ({"arrays": "jax"}, "arrays: got 'jax'; required: one of numpy, torch"),
        ({"weight": 2}, "weight: got 2; required: a function of tau"),
        ({"rows": 3}, "rows: got 3; required: an int from 512"),
        ({"level": 1}, "level: got 1; required: a probability in (0, 0.1)"),
    ],
)
def test_options_that_fit_nothing(options, line):
    with pytest.raises(InputError) as caught:
        check_training_pair(**({"make": made(), "data": MIXTURE} | options))
    assert line in str(caught.value)


def test_noise_shared_by_the_coordinates_of_a_row():
    def make(x0, tau, seed):
        noise = np.random.default_rng(seed).standard_normal((len(x0), 1))
        return VP.a(tau)[:, None] * x0 + VP.b(tau)[:, None] * noise

    result = failed(make, noise="seed")
    assert "independent: the noise of neighbouring coordinates has correlation" in result.message
    assert result.causes[0].name == "noise shared"


@pytest.mark.parametrize(
    ("noise", "cause", "said"),
    [
        (lambda z: 0.97 * z, "noise scaled", "its noise is scaled by a factor 0.97"),
        (lambda z: 1.03 * z, "noise scaled", "its noise is scaled by a factor 1.03"),
        (lambda z: z + 0.05, "noise not centred", "its noise has the mean 0.049"),
        (lambda z: z * [1.2, 0.75], "noise by coordinate", "coordinate 1 of its noise has the variance 0.56"),
        (lambda z: z * [1.04, 0.96], "noise by coordinate", "of its noise has the variance"),
        (lambda z: z + np.array([0.05, -0.05]), "noise by coordinate", "of its noise has the mean"),
    ],
)
def test_noise_that_is_nearly_normal(noise, cause, said):
    result = failed(drawn(noise=noise), noise="seed")
    assert next(part.part for part in result.parts if not part.passed) == "noised"
    assert [found.name for found in result.causes] == [cause]
    assert said in result.causes[0].sentence
    assert result.counterexample.error > result.counterexample.tolerance


def test_noise_of_one_level_alone_has_no_factor():
    """A factor that is told is that of every level."""

    def make(x0, tau, seed):
        factor = np.where(tau == tau[0], 0.8, 1.0)[:, None]
        return drawn(noise=lambda z: factor * z)(x0, tau, seed)

    assert not [cause for cause in failed(make, noise="seed").causes if cause.name == "noise scaled"]


@pytest.mark.parametrize("seed", [3, 4, *night(*range(5, 23))])
def test_right_noise_is_no_false_alarm(seed):
    data = IMAGES if seed % 4 == 0 else MIXTURE
    assert check_training_pair(drawn(), data, schedule=VP, noise="seed", seed=seed)
