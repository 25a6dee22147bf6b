"""Noise schedules (N1): against their definitions with many digits, the tables of diffusers, and themselves."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from exact import SCHEDULES, SD, ZERO

import certflow as cf
from certflow.errors import InputError

torch = pytest.importorskip("torch")

NAMES = pytest.mark.parametrize("name", SCHEDULES)


def schedule(name: str):
    return SCHEDULES[name][0](cf.schedules)


def times(name: str, count: int = 9) -> np.ndarray:
    """OU times from one end of the finite range to the other."""
    s = schedule(name)
    return np.geomspace(s.t_min, s.t_max, count)


def exact(name: str, tau: float) -> tuple[mpmath.mpf, mpmath.mpf]:
    """`a` and `b` by definition, with the digits in force."""
    tau, half = mpmath.mpf(tau), mpmath.pi / 2
    if name == "edm":
        return mpmath.mpf(1), tau
    if name.startswith("flow"):
        return 1 - tau, tau
    if name == "vp":
        square = mpmath.exp(-mpmath.quad(lambda u: mpmath.mpf("0.1") + u * mpmath.mpf("19.9"), [0, tau]))
    elif name == "cosine":
        square = (mpmath.cos((tau + mpmath.mpf("0.008")) / mpmath.mpf("1.008") * half)) ** 2
        square /= mpmath.cos(mpmath.mpf("0.008") / mpmath.mpf("1.008") * half) ** 2
    elif name == "ou":
        square = mpmath.exp(-2 * tau)
    else:
        alphas = {"scaled-linear": SD, "zero-snr": ZERO[:-1]}[name]
        below = min(int(tau), len(alphas) - 2)
        ends = [mpmath.log((1 - mpmath.mpf(float(q))) / mpmath.mpf(float(q))) / 2 for q in alphas[below : below + 2]]
        square = 1 / (1 + mpmath.exp(2 * (ends[0] + (tau - below) * (ends[1] - ends[0]))))
    return mpmath.sqrt(square), mpmath.sqrt(1 - square)


@NAMES
def test_the_definition_with_many_digits(name):
    s = schedule(name)
    with mpmath.workdps(50):
        for t in times(name):
            tau = float(s.time_at(t))
            a, b = exact(name, tau)
            total = mpmath.sqrt(a * a + b * b)
            assert float(s.a(tau)) == pytest.approx(float(a), rel=2e-12)
            assert float(s.b(tau)) == pytest.approx(float(b), rel=2e-12)
            assert float(s.ou_time(tau)) == pytest.approx(float(mpmath.log(total / a)), rel=2e-12)
            assert float(s.scale_at(s.ou_time(tau))) == pytest.approx(float(total), rel=2e-12)


@NAMES
def test_inverses(name):
    s, t = schedule(name), times(name, 60)
    np.testing.assert_allclose(s.ou_time(s.time_at(t)), t, rtol=3e-13)
    tau = s.time_at(t)
    np.testing.assert_allclose(s.time_at(s.ou_time(tau)), tau, rtol=1e-13)
    assert (np.diff(tau) > 0).all()


@pytest.mark.parametrize("name", ["edm", "flow", "vp", "cosine", "ou"])
def test_inverses_far_beyond_the_training_range(name):
    """Relative digits survive next to the data and, where the schedule goes so far, next to the noise."""
    s = schedule(name)
    late = {"edm": 300.0, "ou": 300.0, "flow": 20.0, "cosine": 20.0, "vp": 5.0}[name]
    np.testing.assert_allclose(s.ou_time(s.time_at([1e-12, 1e-8])), [1e-12, 1e-8], rtol=1e-13)
    assert float(s.ou_time(s.time_at(late))) == pytest.approx(late, rel=1e-7 if late == 20 else 1e-14)
    assert float(s.ou_time(0)) == 0 == float(s.time_at(0))
    assert float(s.b(0)) == 0
    assert float(s.a(0)) == pytest.approx(1, rel=1e-15)


def test_the_cosine_without_offset():
    """`a = cos(tau pi/2)`, so `t = log(1 / cos)`."""
    s = cf.schedules.cosine(offset=0)
    tau = np.array([0, 1e-9, 0.3, 0.999])
    np.testing.assert_allclose(s.ou_time(tau), -np.log1p(-2 * np.sin(tau * np.pi / 4) ** 2), rtol=1e-12)
    np.testing.assert_allclose(s.time_at(s.ou_time(tau)), tau, rtol=1e-12)


@NAMES
def test_torch_says_what_numpy_says(name):
    s, t = schedule(name), times(name).reshape(3, 3)
    tau = s.time_at(t)
    for method, argument in (("a", tau), ("b", tau), ("ou_time", tau), ("time_at", t), ("scale_at", t)):
        found = getattr(s, method)(torch.from_numpy(argument))
        np.testing.assert_allclose(found.numpy(), getattr(s, method)(argument), rtol=1e-14)
        short = getattr(s, method)(torch.from_numpy(argument[1:2]).float())
        assert (short.dtype, tuple(short.shape)) == (torch.float32, (1, 3))
        np.testing.assert_allclose(short.numpy(), getattr(s, method)(argument[1:2]), rtol=2e-5)


@NAMES
def test_scalars_lists_and_single_precision(name):
    s = schedule(name)
    t = float(times(name)[4])
    tau = s.time_at(t)
    assert np.ndim(tau) == 0
    assert s.ou_time([[float(tau)]]).shape == (1, 1)
    assert s.b(np.float32(tau)).dtype == np.float32
    assert s.b(torch.tensor(float(tau), dtype=torch.bfloat16)).dtype == torch.bfloat16


@NAMES
def test_derivatives_in_the_time(name):
    """The nodes of a solver are found by gradients, which go through the schedule."""
    s, t = schedule(name), torch.from_numpy(times(name)[2:-1:2]).requires_grad_()
    for method in (s.time_at, s.scale_at, lambda t: s.ou_time(s.time_at(t)), lambda t: s.b(s.time_at(t))):
        (slope,) = torch.autograd.grad(method(t).sum(), t) if method(t).requires_grad else (torch.zeros_like(t),)
        h = 1e-6 * t.detach().numpy()
        gap = method(t.detach() + torch.from_numpy(h)) - method(t.detach() - torch.from_numpy(h))
        np.testing.assert_allclose(slope, gap.numpy() / (2 * h), rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("name", ["scaled-linear", "zero-snr"])
def test_every_index_comes_back_exactly(name):
    """A network that takes whole steps rounds down: 499.9999999 would be another step."""
    s = schedule(name)
    index = np.arange(999.0)
    assert (s.time_at(s.ou_time(index)) == index).all()
    for dtype in (torch.float32, torch.float64):
        tau = torch.arange(999, dtype=dtype)
        assert (s.time_at(s.ou_time(tau)) == tau).all()
    assert float(s.time_at(s.ou_time(41.0001))) == pytest.approx(41.0001, rel=1e-12)


@pytest.mark.parametrize("name", ["scaled-linear", "zero-snr"])
def test_every_index_survives_single_precision(name):
    """An OU time that has passed through float32, whatever the dtype in which it comes back."""
    s, index = schedule(name), np.arange(999.0)
    short = s.ou_time(index).astype(np.float32)
    for t in (short, short.astype(np.float64), torch.from_numpy(short), torch.from_numpy(short).double()):
        assert (np.asarray(s.time_at(t)) == index).all()
    for t in (s.ou_time(index.astype(np.float32)), s.ou_time(torch.from_numpy(index).float()).double()):
        assert (np.asarray(s.time_at(t)) == index).all()
    assert float(s.time_at(float(np.float32(s.ou_time(500.01))))) == pytest.approx(500.01, abs=1e-3)


@pytest.mark.parametrize("index", [3, 500, 997])
def test_no_more_than_single_precision_is_taken_for_a_whole_index(index):
    """Off by a relative 2^-22 in `log sigma` and in t, which moves log sigma by `dt/(1 - e^{-2t})`, and no more."""
    s = schedule("scaled-linear")
    logs = [mpmath.log(mpmath.sqrt(mpmath.expm1(2 * mpmath.mpf(float(s.ou_time(i)))))) for i in (index, index + 1)]
    t = mpmath.mpf(float(s.ou_time(index)))
    missed = mpmath.mpf(2) ** -22 * (abs(logs[0]) + t / -mpmath.expm1(-2 * t)) / (logs[1] - logs[0])
    assert float(s.time_at(s.ou_time(index + 0.7 * float(missed)))) == index
    between = index + 1.4 * float(missed)
    assert float(s.time_at(s.ou_time(between))) == pytest.approx(between, abs=0.01 * float(missed))


def slope(function, at: float, dtype=torch.float64) -> float:
    value = torch.tensor(at, dtype=dtype, requires_grad=True)
    return float(torch.autograd.grad(function(value), value)[0])


def test_derivatives_at_the_seams():
    """`dt/dtau = tau / (1 + tau^2)` of EDM at 1; of the cosine at 0, `speed tan(theta_0)`."""
    assert slope(cf.schedules.edm().ou_time, 1.0) == pytest.approx(0.5, rel=1e-14)
    start = np.pi / 2 * 0.008 / 1.008
    assert slope(cf.schedules.cosine().ou_time, 0.0) == pytest.approx(np.pi / 2 / 1.008 * np.tan(start), rel=1e-12)
    assert slope(cf.schedules.cosine(offset=0).ou_time, 0.0) == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", ["scaled-linear", "zero-snr", "vp"])
def test_derivatives_at_the_ends_of_the_range(name, dtype):
    """Rounding that leads out of the schedule does not take the derivative away."""
    s = schedule(name)
    for end, inside in ((s.t_min, 1 + 1e-3), (s.t_max, 1 - 1e-3)):
        for t in (end, *(float(np.nextafter(np.float32(end), np.float32(way))) for way in (0, 9))):
            assert slope(s.time_at, t, dtype) == pytest.approx(slope(s.time_at, end * inside), rel=0.02)


def test_the_infinite_end():
    """Where `a = 0` the OU time is infinite, and back."""
    for s, tau in (
        (cf.schedules.flow_matching(), 1.0),
        (cf.schedules.cosine(), 1.0),
        (cf.schedules.from_alphas_cumprod([0.9, 0.5, 0.0]), 2.0),
    ):
        assert s.ends_in_noise
        for kind in (float, np.array, lambda value: torch.tensor(value, dtype=torch.float64)):
            assert float(s.ou_time(kind(tau))) == np.inf
            assert float(s.time_at(kind(np.inf))) == tau
            assert float(s.a(kind(tau))) == pytest.approx(0, abs=1e-300)
            assert float(s.b(kind(tau))) == pytest.approx(1, rel=1e-14)
        assert np.isfinite(s.t_max)


def test_a_shift_moves_the_range_alone():
    """diffusers' training sigmas: the first and the last but one are the ends of the finite range."""
    diffusers = pytest.importorskip("diffusers")
    for shift in (0.5, 1.0, 3.0, 7.0):
        sigmas = diffusers.FlowMatchEulerDiscreteScheduler(shift=shift).sigmas.double().numpy()
        s = cf.schedules.flow_matching(shift=shift)
        np.testing.assert_allclose([s.time_at(s.t_max), s.time_at(s.t_min)], sigmas[[1, -1]], rtol=1e-6)
        np.testing.assert_allclose(s.a(sigmas), 1 - sigmas, rtol=1e-15)
        np.testing.assert_allclose(s.b(sigmas), sigmas, rtol=1e-15)


@pytest.mark.parametrize("setting", ["linear", "scaled_linear", "squaredcos_cap_v2"])
def test_the_tables_of_diffusers(setting):
    """Each index has the scheduler's own alpha_bar and sigma; between two of them its own interpolation."""
    diffusers = pytest.importorskip("diffusers")
    scheduler = diffusers.EulerDiscreteScheduler(
        beta_schedule=setting, beta_start=0.00085, beta_end=0.012, interpolation_type="linear"
    )
    s = cf.schedules.from_alphas_cumprod(scheduler.alphas_cumprod)
    index = np.arange(1000)
    np.testing.assert_allclose(s.a(index) ** 2, scheduler.alphas_cumprod.double(), rtol=1e-13)
    sigmas = scheduler.sigmas.double().numpy()[:-1][::-1]
    np.testing.assert_allclose(s.b(index) / s.a(index), sigmas, rtol=1e-6)
    logs = np.log(sigmas)
    for tau in (0.3, 17.7, 998.5):
        t = float(s.ou_time(tau))
        sigma = np.array([np.sqrt(np.expm1(2 * t))])
        assert scheduler._sigma_to_t(sigma, logs)[0] == pytest.approx(tau, abs=1e-3)
        assert float(s.time_at(t)) == pytest.approx(tau, rel=1e-12)


def test_scaled_linear_is_the_table_of_stable_diffusion():
    diffusers = pytest.importorskip("diffusers")
    scheduler = diffusers.DDIMScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012)
    s = cf.schedules.scaled_linear()
    np.testing.assert_allclose(s.a(np.arange(1000)) ** 2, scheduler.alphas_cumprod.double(), rtol=2e-5)
    np.testing.assert_allclose(s.a(np.arange(1000)) ** 2, SD, rtol=1e-12)
    assert cf.schedules.scaled_linear(0.001, 0.02, steps=50).last == 49


def test_zero_terminal_snr_of_diffusers():
    diffusers = pytest.importorskip("diffusers")
    scheduler = diffusers.DDIMScheduler(rescale_betas_zero_snr=True)
    s = cf.schedules.from_alphas_cumprod(scheduler.alphas_cumprod)
    assert s.ends_in_noise
    assert list(s.ou_time([998.5, 999])) == [np.inf, np.inf]
    assert s.t_max == float(s.ou_time(998))
    assert float(s.a(998)) ** 2 == pytest.approx(float(scheduler.alphas_cumprod[998]), rel=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: s.flow_matching(shift=0), "shift: got 0; required: a finite number > 0"),
        (lambda s: s.flow_matching(shift="3"), "shift: got '3'"),
        (lambda s: s.variance_preserving(beta_min=-1), "beta_min: got -1"),
        (lambda s: s.variance_preserving(1, 0.5), "beta_max: got 0.5; required: a finite number >= beta_min = 1"),
        (lambda s: s.cosine(offset=1), "offset: got 1"),
        (lambda s: s.scaled_linear(steps=1), "steps: got 1"),
        (lambda s: s.scaled_linear(beta_end=1), "beta_end: got 1"),
        (lambda s: s.scaled_linear(beta_start=0), "beta_start: got 0"),
        (lambda s: s.from_alphas_cumprod([0.5]), r"alphas_cumprod: got 'shape \(1,\)'"),
        (lambda s: s.from_alphas_cumprod([0.5, 0.9]), r"alphas_cumprod\[1\]: got '0.9 after 0.5'; required: strictly"),
        (lambda s: s.from_alphas_cumprod([0.9, 0.5, 0.5]), r"alphas_cumprod\[2\]: got '0.5 after 0.5'"),
        (lambda s: s.from_alphas_cumprod([0.9, 0.5, 0, 0]), r"alphas_cumprod\[2\]: got '0 after 0.5'"),
        (lambda s: s.from_alphas_cumprod([0.9, np.nan, 0.1]), r"alphas_cumprod\[1\]: got 'nan after 0.9'"),
        (lambda s: s.from_alphas_cumprod([1.0, 0.5]), r"alphas_cumprod\[0\]: got 1.0"),
        (lambda s: s.from_alphas_cumprod([0.9, 0.0]), r"alphas_cumprod\[1\]: got '0 after 0.9'"),
        (lambda s: s.scaled_linear().a(1000), "tau: got 1000.0; required: an index from 0 to 999"),
        (lambda s: s.scaled_linear().b([3, -0.5]), "tau: got -0.5; required: an index from 0 to 999"),
        (lambda s: s.scaled_linear().time_at(3.0), "t: got 3.0; required: an OU time from 0.000425181 to 2.68436"),
        (lambda s: s.scaled_linear().time_at(np.inf), "t: got inf; required: an OU time from"),
        (lambda s: s.from_alphas_cumprod(ZERO).time_at(torch.tensor([1.0, 9.9])), "t: got 9.8.*, or infinite"),
        (lambda s: s.flow_matching().ou_time(1.5), "tau: got 1.5; required: a time from 0 to 1"),
        (lambda s: s.flow_matching().ou_time(torch.tensor([0.5, np.nan])), "tau: got nan"),
        (lambda s: s.edm().ou_time(np.inf), "tau: got inf; required: a noise level sigma >= 0"),
        (lambda s: s.edm().time_at(np.inf), "t: got inf; required: a finite OU time >= 0"),
        (lambda s: s.flow_matching().time_at(-1), "t: got -1.0; required: an OU time >= 0"),
        (lambda s: s.ornstein_uhlenbeck().a("x"), "tau: got 'x'"),
        (lambda s: s.edm().a(torch.tensor([True])), "tau: got"),
        (lambda s: s.variance_preserving().time_at(5.1), "t: got 5.1; required: an OU time from 0 to 5.025"),
    ],
)
def test_bad_input_gives_one_line(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call(cf.schedules)
    assert "\n" not in str(caught.value)


def test_indices_as_integers():
    s = cf.schedules.scaled_linear()
    for index in (999, np.int64(999), torch.tensor(999)):
        assert float(s.ou_time(index)) == pytest.approx(s.t_max, rel=1e-14)


def test_inside_vmap_a_bad_time_is_nan():
    """No error can depend on data there."""
    found = torch.vmap(cf.schedules.flow_matching().ou_time)(torch.tensor([0.5, 1.5], dtype=torch.float64))
    assert float(found[0]) == pytest.approx(np.log(2) / 2)
    assert found[1].isnan()
