"""Models (N2): exact predictions of a mixture under every schedule against the process, one Gaussian, bad models."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
from exact import MEANS, SCHEDULES, VARIANCES, WEIGHTS, posterior, prediction

import certflow as cf
from certflow.errors import InputError
from certflow.schedules import PREDICTIONS

torch = pytest.importorskip("torch")

PROCESS = cf.OrnsteinUhlenbeck(cf.GaussianMixture(WEIGHTS, MEANS, VARIANCES), t_min="1e-9", t_max=20)
EDM = cf.schedules.edm()
BOTH = pytest.mark.parametrize("name", SCHEDULES)
EACH = pytest.mark.parametrize("predicts", PREDICTIONS)


def exact_model(name: str, predicts: str, **options) -> cf.Model:
    make, ab = SCHEDULES[name]

    def f(x, tau):
        assert tau.shape == (len(x),)
        return prediction(predicts, x, *ab(tau))

    return cf.Model(f, predicts, make(cf.schedules), **options)


def points(t, count: int = 40) -> np.ndarray:
    """Rows of `p_t`."""
    rng = np.random.default_rng(3)
    data, z = PROCESS.mixture.sample(count, seed=1), rng.standard_normal((count, 2))
    t = np.broadcast_to(t, (count,))[:, None]
    return np.exp(-t) * data + np.sqrt(-np.expm1(-2 * t)) * z


@BOTH
@EACH
def test_an_exact_model_is_the_mixture(name, predicts):
    """Score to 1e-10 at both ends of the range and between; the rest to the rounding that the prediction leaves."""
    m = exact_model(name, predicts)
    for t in np.geomspace(m.t_min, m.t_max, 5):
        x = points(t)
        score = PROCESS.score(x, t)
        np.testing.assert_allclose(m.score(x, t), score, rtol=1e-10, atol=1e-10 * np.abs(score).max())
        np.testing.assert_allclose(
            m.velocity(x, t), PROCESS.velocity(x, t), rtol=1e-10, atol=1e-10 * (1 + abs(score).max())
        )
        data, noise = posterior(x, np.full(len(x), math.exp(-t)), np.full(len(x), math.sqrt(-math.expm1(-2 * t))))
        np.testing.assert_allclose(m.denoiser(x, t), data, rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(m.noise(x, t), noise, rtol=1e-10, atol=1e-10)


@BOTH
@EACH
def test_times_of_their_own_for_each_row(name, predicts):
    m = exact_model(name, predicts)
    t = np.geomspace(m.t_min, m.t_max, 40)
    x = points(t)
    expected = PROCESS.score(x, t)
    np.testing.assert_allclose(m.score(x, t), expected, rtol=1e-10, atol=1e-10 * np.abs(expected).max())


@EACH
def test_the_velocity_loses_nothing_late_where_the_prediction_does_not(predicts):
    """`u = O(e^{-t})`: of `sample`, `v_prediction` and `flow_prediction` no term of order 1 cancels."""
    m, t = exact_model("ou", predicts), 12.0
    x = points(t)
    error = np.abs(m.velocity(x, t) - PROCESS.velocity(x, t)).max() / np.abs(PROCESS.velocity(x, t)).max()
    if predicts in ("sample", "v_prediction", "flow_prediction"):
        assert error < 1e-13
    else:  # of -x and -s, both of order 1, e^{-12} remains
        assert error > 1e-12


@pytest.mark.parametrize("t", [0.02, 0.7, 2.5])
@pytest.mark.parametrize("name", ["edm", "flow", "vp"])
def test_one_gaussian_in_closed_form(name, t):
    """`N(mu, v)`: `score = -(x - m mu) / V`, `u = (V - 1) (x - m mu) / V - m mu ...`, `V = m^2 v + 1 - m^2`."""
    mean, variance = np.array([0.3, -1.2, 2.0]), 0.7
    make, ab = SCHEDULES[name]

    def f(x, tau):
        a, b = (part[:, None] for part in ab(tau))
        return -(x - a * mean) / (a * a * variance + b * b)

    m = cf.Model(f, "score", make(cf.schedules))
    x = np.random.default_rng(0).standard_normal((20, 3))
    shrink = math.exp(-t)
    total = shrink**2 * variance + 1 - shrink**2
    score = -(x - shrink * mean) / total
    # numbers of size 1 are subtracted: near zero the last digits are rounding
    np.testing.assert_allclose(m.score(x, t), score, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(m.velocity(x, t), -x - score, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(m.denoiser(x, t), mean + shrink * variance / total * (x - shrink * mean), rtol=1e-11)


def test_an_infinite_time():
    """There the state is noise: score and velocity are known, of the data epsilon and score say nothing."""
    x = points(20.0)
    for predicts in PREDICTIONS:
        m = exact_model("flow", predicts)
        np.testing.assert_allclose(m.score(x, np.inf), -x, rtol=1e-12)
        np.testing.assert_allclose(m.velocity(x, np.inf), 0 * x, atol=1e-12)
        if predicts in ("epsilon", "score"):
            for t in (np.inf, torch.tensor(math.inf, dtype=torch.float64), np.where(np.arange(40) == 7, np.inf, 1.0)):
                with pytest.raises(
                    InputError, match=f"t: got inf; required: a finite time: where it is infinite, {predicts}"
                ):
                    m.denoiser(x, t)
        else:
            mean = PROCESS.mixture.weights @ PROCESS.mixture.means
            np.testing.assert_allclose(m.denoiser(x, np.inf), np.broadcast_to(mean, x.shape), rtol=1e-12)


# -- kinds of number, shapes, devices --------------------------------------------------------------------------


class Linear(torch.nn.Module):
    """A module whose forward pass is `x W + tau`, in its own dtype."""

    def __init__(self, dtype=torch.float32, device="cpu"):
        super().__init__()
        weight = torch.tensor([[0.5, -0.2], [0.1, 0.3]], dtype=dtype, device=device)
        self.weight = torch.nn.Parameter(weight)
        self.seen: list[tuple] = []

    def forward(self, x, tau, shift=None):
        self.seen.append((x.dtype, tau.dtype, tuple(tau.shape)))
        out = x @ self.weight + tau[:, None]
        return out if shift is None else out + shift


def test_torch_in_torch_out():
    m = exact_model("edm", "epsilon", arrays="numpy")
    x = points(0.5)
    for dtype, rtol in ((torch.float64, 1e-10), (torch.float32, 1e-5), (torch.float16, 2e-2)):
        found = m.score(torch.from_numpy(x).to(dtype), 0.5)
        assert found.dtype == dtype
        np.testing.assert_allclose(found.double(), PROCESS.score(x, 0.5), rtol=rtol, atol=10 * rtol)
    assert m.score(x.astype(np.float32), 0.5).dtype == np.float32
    assert isinstance(m.score(x.tolist(), "1/2"), np.ndarray)
    assert isinstance(m.score(x.tolist(), torch.tensor(0.5)), torch.Tensor)


def test_a_module_is_called_in_its_own_dtype():
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        net = Linear(dtype)
        m = cf.Model(net, "sample", cf.schedules.flow_matching(), time_scale=1000)
        x = points(0.5)
        expected = x @ np.array([[0.5, -0.2], [0.1, 0.3]])
        for given in (x, x.astype(np.float32), torch.from_numpy(x), torch.from_numpy(x).half()):
            found = m.denoiser(given, 0.5)
            assert found.dtype == given.dtype
            times = torch.float32 if dtype == torch.bfloat16 else dtype
            assert net.seen[-1] == (dtype, times, (40,))
            tau = float(m.schedule.time_at(0.5))
            scaled = expected * float(m.schedule.scale_at(0.5)) + 1000 * tau
            np.testing.assert_allclose(np.asarray(torch.as_tensor(found).detach().double()), scaled, rtol=2e-2)


class Steps(torch.nn.Module):
    """A network of whole steps, which keeps those it saw."""

    def __init__(self):
        super().__init__()
        self.weight, self.seen = torch.nn.Parameter(torch.ones(2)), []

    def forward(self, x, tau):
        self.seen.append(tau)
        return x * self.weight


@pytest.mark.parametrize("short", [torch.bfloat16, torch.float16])
def test_no_step_is_lost_to_short_numbers(short):
    """999 is 1000 in bfloat16, and 999/1000 of the way is no number of either: all get their times in float32."""
    s, seen = cf.schedules.scaled_linear(), []
    net = Steps().to(short)

    def plain(x, tau):
        seen.append(tau)
        return x

    x = torch.zeros(3, 2, dtype=short)
    for step in (999, 997, 513, 258.3):
        for f, arrays, given in (
            (net, None, x),
            (net, None, x.float().numpy()),
            (net, "torch", x),
            (net.forward, "same", x),
            (plain, None, x),
            (plain, "torch", x),
            (plain, "numpy", x),
            (lambda x, tau: net(x, tau), None, x),
        ):
            found = cf.Model(f, "epsilon", s, arrays=arrays).score(given, s.ou_time(step))
            assert found.dtype == given.dtype
            (tau,) = (*net.seen, *seen)
            assert float(tau[0]) == pytest.approx(step, rel=1e-6)
            assert str(tau.dtype).endswith("float32")
            net.seen.clear(), seen.clear()


class Held:
    """An object whose call goes through a module that it holds."""

    def __init__(self, net):
        self.net = net

    def __call__(self, x, tau):
        return self.net(x, tau)


def test_functions_that_call_a_module_are_called_in_its_dtype():
    """A closure, a method, a partial function, an object: a float64 caller meets a network in float32."""
    net = Linear()
    x = points(0.5)
    expected = cf.Model(net, "sample", EDM).denoiser(x, 0.5)
    closure = lambda x, tau: net(torch.cat([x], dim=0), tau)  # noqa: E731
    for f in (closure, net.forward, functools.partial(net, shift=None), Held(net)):
        m = cf.Model(f, "sample", EDM)
        for given in (x, torch.from_numpy(x)):
            found = m.denoiser(given, 0.5)
            assert found.dtype == given.dtype
            assert net.seen[-1] == (torch.float32, torch.float32, (40,))
            np.testing.assert_allclose(torch.as_tensor(found).detach(), expected, rtol=1e-6)
        assert m.jacobian_product(x, 0.5, x).method == "forward mode"
    with pytest.raises(RuntimeError, match="dtype"):
        cf.Model(closure, "sample", EDM, arrays="torch").denoiser(x, 0.5)


norm = torch.nn.LayerNorm(2).half()
weights_of_globals = Linear()


def test_an_attribute_is_no_global_of_its_name():
    """`x.norm(...)` reads no `norm` of the module; a network that is read is found all the same."""

    def plain(x, tau):
        return x / (1 + x.norm(dim=-1, keepdim=True))

    found = cf.Model(plain, "sample", EDM).denoiser(torch.from_numpy(points(0.5)), 0.5)
    x = points(0.5) * float(EDM.scale_at(0.5))
    np.testing.assert_allclose(found, x / (1 + np.linalg.norm(x, axis=1, keepdims=True)), rtol=1e-12)
    assert cf.Model(plain, "sample", EDM).call.network is None
    through = lambda x, tau: norm(x)  # noqa: E731
    assert cf.Model(through, "sample", EDM).call.network is norm


def by_global(x, tau):
    return weights_of_globals(x, tau)


@torch.no_grad()
def decorated(x, tau):
    return weights_of_globals(x, tau)


class Plain:
    def __init__(self, net):
        self.net = net

    def predict(self, x, tau):
        return self.net(x, tau)


def test_networks_some_steps_away():
    """Through functions, decorators, defaults and methods: a NumPy caller's arrays become the network's tensors."""
    net, plain = Linear(), Plain(Linear())

    def inner(x, tau):
        return sum(net(part, tau) for part in (x,))

    for f in (
        lambda x, tau: -by_global(x, 1 - tau),
        decorated,
        lambda x, tau: -decorated(x, tau),
        lambda x, tau: -inner(x, tau),
        lambda x, tau, n=net: n(x, tau),
        plain.predict,
        functools.partial(lambda n, x, tau: n(x, tau), net),
        functools.partial(plain.predict),
        lambda x, tau: -functools.partial(inner, x)(tau),
    ):
        m = cf.Model(f, "sample", cf.schedules.flow_matching())
        x = points(0.5)
        found = m.denoiser(x, 0.5)
        assert found.dtype == np.float64
        np.testing.assert_allclose(m.denoiser(torch.from_numpy(x), 0.5).detach(), found, rtol=1e-12)
    recursive = lambda x, tau: recursive(x, tau)  # noqa: E731
    assert cf.Model(recursive, "sample", EDM).call.network is None


def test_a_single_point_of_a_module():
    """Nothing of what is handed over is read-only, of which torch would warn."""
    found = cf.Model(Linear(), "sample", EDM).jacobian_product(np.array([0.3, 0.4]), 0.5, [1.0, 0.0])
    assert found.shape == (2,)


def test_an_end_in_single_precision():
    """The last time of a table, rounded to float32, is a time of it."""
    for m in (exact_model("scaled-linear", "epsilon"), exact_model("vp", "sample")):
        for end in (m.t_min, m.t_max):
            near = [np.nextafter(np.float32(end), np.float32(way)) for way in (0, 9)]
            for t in (*near, torch.tensor(float(near[1]), dtype=torch.float32)):
                assert m.score(points(0.5), float(t)).shape == (40, 2)


def test_derivatives_reach_points_times_and_weights():
    net = Linear(torch.float64)
    m = cf.Model(net, "flow_prediction", cf.schedules.flow_matching())
    x = torch.from_numpy(points(0.5)[:3]).requires_grad_()
    t = torch.tensor([0.2, 0.5, 1.5], dtype=torch.float64, requires_grad=True)
    for quantity in (m.score, m.velocity, m.denoiser, m.noise):
        assert torch.autograd.gradcheck(quantity, (x, t))
    m.score(x, t).sum().backward()
    assert net.weight.grad.abs().sum() > 0
    table = cf.Model(net, "v_prediction", cf.schedules.scaled_linear(), time_scale=0.001)
    assert torch.autograd.gradcheck(table.velocity, (x, t))


@pytest.mark.parametrize(
    ("f", "arrays"), [(lambda x, tau: 0.3 * x, "numpy"), (lambda x, tau: 0.3 * x.detach().numpy(), None)]
)
def test_no_derivative_of_half_a_formula(f, arrays):
    """Of `c_x x + c_f f`, torch knows the first term alone where `f` is NumPy's: that is no gradient."""
    m = cf.Model(f, "sample", EDM, arrays=arrays)
    for dtype in (torch.float64, torch.float32):
        plain = torch.from_numpy(points(0.5)).to(dtype)
        x, t = plain.clone().requires_grad_(), torch.tensor(0.5, dtype=dtype, requires_grad=True)
        for call in (m.score, m.velocity, m.denoiser, m.noise, lambda z, s: m.jacobian_product(z, s, 1.0)):
            for point, time in ((x, 0.5), (plain, t), (x, t)):
                found = call(point, time)
                torch.testing.assert_close(found.detach(), call(plain, 0.5), rtol=1e-4, atol=1e-4)
                with pytest.raises(InputError, match="model: got 'NumPy arrays'; required: a callable of torch"):
                    found.sum().backward()
        assert not m.score(plain, 0.5).requires_grad
        with torch.no_grad():
            assert not m.score(x, t).requires_grad


def test_numpy_callers_get_no_graph():
    found = cf.Model(Linear(), "sample", cf.schedules.edm()).score(points(0.5), 0.5)
    assert isinstance(found, np.ndarray)


def test_shapes():
    images = np.random.default_rng(0).standard_normal((5, 3, 4, 4))
    seen = []

    def f(x, tau):
        seen.append((x.shape, tau.shape))
        return x * tau[:, None, None, None]

    m = cf.Model(f, "sample", cf.schedules.edm(), shape=(3, 4, 4))
    for batch in ((), (5,), (2, 5)):
        x = np.broadcast_to(images[0], (*batch, 3, 4, 4))
        assert m.score(x, 0.5).shape == x.shape
        assert seen[-1][0] == (math.prod(batch), 3, 4, 4)
        assert m.score(x, np.full(batch, 0.5)).shape == x.shape
    np.testing.assert_allclose(m.score(images, 0.5)[2], m.score(images[2], 0.5), rtol=1e-14)
    assert cf.Model(f, "sample", cf.schedules.edm()).score(images, [0.1, 0.2, 0.3, 0.4, 0.5]).shape == images.shape
    assert m.score(np.zeros((0, 3, 4, 4)), 0.5).shape == (0, 3, 4, 4)


def test_one_point_and_rows_without_a_shape():
    m = exact_model("vp", "epsilon")
    np.testing.assert_allclose(m.score([0.3, -0.2], 0.5), PROCESS.score([0.3, -0.2], 0.5), rtol=1e-10)


def test_conditioning():
    """A keyword reaches the callable; one row stands for every row."""
    shifts = []

    def f(x, tau, label, kind="plain"):
        shifts.append((np.shape(label), kind))
        return x + label

    m = cf.Model(f, "sample", cf.schedules.ornstein_uhlenbeck(), label=np.array([[1.0, 2.0]]), kind="other")
    x = points(0.5)
    np.testing.assert_allclose(m.denoiser(x, 0.5), x + np.array([1.0, 2.0]), rtol=1e-14)
    assert shifts == [((40, 2), "other")]
    rows = cf.Model(f, "sample", cf.schedules.ornstein_uhlenbeck(), label=x)
    np.testing.assert_allclose(rows.denoiser(x, 0.5), 2 * x, rtol=1e-14)
    net = cf.Model(Linear(), "sample", cf.schedules.edm(), shift=torch.ones(1, 2))
    plain = cf.Model(Linear(), "sample", cf.schedules.edm())
    np.testing.assert_allclose(net.denoiser(x, 0.5) - plain.denoiser(x, 0.5), np.ones((40, 2)), rtol=1e-5)


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor])
def test_rows_of_conditioning_that_no_call_takes_are_named(kind):
    m = cf.Model(lambda x, tau, label: x + label, "sample", EDM, label=kind(np.ones((7, 2))))
    message = r"label: got 'shape \(7, 2\)'; required: one row, or one for each of the 40 rows of x in a call"
    x = kind(points(0.5))
    calls = (
        lambda: m.score(x, 0.5),
        lambda: m.jacobian_product(x, 0.5, x),
        lambda: cf.schedules.typical_rate(m, x, [0.5], samples=80, batch=40),
    )
    for call in calls:
        with pytest.raises(InputError, match=message) as caught:
            call()
        assert "\n" not in str(caught.value)
    table = kind(np.arange(20.0).reshape(10, 2))
    of_classes = cf.Model(lambda x, tau, table: x + table[3], "sample", EDM, table=table)
    assert of_classes.score(x, 0.5).shape == (40, 2)
    opaque = cf.Model(lambda x, tau, table: kind(np.sin(np.asarray(x))), "sample", EDM, table=table)
    assert opaque.jacobian_product(x, 0.5, x).method == "central differences"


def test_ends_and_what_it_says_of_itself():
    m = exact_model("scaled-linear", "v_prediction", shape=(2,))
    assert (m.t_min, m.t_max) == (m.schedule.ou_time(0), m.schedule.ou_time(999))
    assert repr(m).startswith("Model('v_prediction', cf.schedules.scaled_linear(beta_start=0.00085,")
    assert "shape=(2,)" in repr(m)
    own = exact_model("edm", "epsilon", t_min="0.01", t_max=3)
    assert (own.t_min, own.t_max) == (0.01, 3.0)
    assert cf.Model is cf.schedules.Model


def test_other_ends_are_those_of_another_model():
    m = cf.Model(lambda x, tau: 0 * x, "sample", EDM, t_min="0.01", t_max=3)
    other = m.between(t_max="1/2")
    assert (other.t_min, other.t_max, m.t_max) == (0.01, 0.5, 3.0)
    assert other.schedule is m.schedule
    with pytest.raises(InputError, match=r"^t_max: got 0.01; required: a time > t_min = 0.01$"):
        m.between(t_max="0.01")
    with pytest.raises(InputError, match=r"^t_min: got -1; required: a finite time > 0$"):
        m.between(t_min=-1)


@pytest.mark.parametrize(("own", "dtype"), [(None, torch.float64), (torch.float32, torch.float32)])
def test_the_unit_of_rounding_is_the_coarsest(own, dtype):
    """Of arguments in float64 and float32, and of a network's parameters."""
    f = (lambda x, tau: 0.5 * x) if own is None else Linear(own)
    m = cf.Model(f, "flow_prediction", cf.schedules.flow_matching())
    assert m.roundoff(points(0.5), 0.5) == torch.finfo(dtype).eps
    assert m.roundoff(torch.from_numpy(points(0.5)).float(), 0.5) == torch.finfo(torch.float32).eps


def test_inside_vmap():
    m = exact_model("edm", "epsilon", arrays="torch")
    m.call.f = lambda x, tau: x * tau[:, None]
    x = torch.from_numpy(points(0.5))
    found = torch.vmap(lambda z: m.score(z, 0.5))(x)
    torch.testing.assert_close(found, m.score(x, 0.5))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_on_a_gpu():
    """Points and network on either side, in either precision: results where the points are."""
    x = points(0.5)
    for dtype, rtol in ((torch.float64, 1e-9), (torch.float32, 1e-4)):
        net = Linear(dtype, "cuda")
        m = cf.Model(net, "flow_prediction", cf.schedules.flow_matching())
        here = cf.Model(Linear(torch.float64), "flow_prediction", cf.schedules.flow_matching())
        for given in (x, torch.from_numpy(x), torch.from_numpy(x).cuda()):
            for t in (0.5, torch.tensor(0.5), torch.full((40,), 0.5, device="cuda")):
                if isinstance(given, np.ndarray) and isinstance(t, torch.Tensor):
                    continue
                found = m.score(given, t)
                assert getattr(found, "device", None) == getattr(given, "device", None)
                np.testing.assert_allclose(
                    torch.as_tensor(found).detach().cpu(), here.score(x, 0.5), rtol=rtol, atol=rtol
                )
            product = m.jacobian_product(given, 0.5, given)
            assert product.method == "forward mode"
            expected = here.jacobian_product(x, 0.5, x)
            np.testing.assert_allclose(torch.as_tensor(product).detach().cpu(), expected, rtol=rtol, atol=rtol)
    for s in SCHEDULES.values():
        schedule = s[0](cf.schedules)
        t = np.geomspace(schedule.t_min, schedule.t_max, 9)
        found = schedule.time_at(torch.from_numpy(t).cuda())
        np.testing.assert_allclose(found.cpu(), schedule.time_at(t), rtol=1e-12)
        np.testing.assert_allclose(schedule.ou_time(found).cpu(), t, rtol=1e-12)


# -- what is refused -------------------------------------------------------------------------------------------

X = np.zeros((4, 2))


def good(x, tau):
    return x


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cf.Model(good, "noise", EDM), "predicts: got 'noise'; required: one of epsilon, sample, v_prediction"),
        (lambda: cf.Model(good, None, EDM), "predicts: got None"),
        (lambda: cf.Model(good, np.array(["epsilon", "sample"]), EDM), "predicts: got .*; required: one of epsilon"),
        (lambda: cf.Model(good, ["epsilon"], EDM), r"predicts: got \['epsilon'\]; required: one of epsilon"),
        (lambda: cf.Model(good, "epsilon", EDM, arrays=np.array(["numpy", "same"])), "arrays: got .*; required: one"),
        (lambda: cf.Model(3, "epsilon", EDM), r"f: got 3; required: a callable f\(x, tau\)"),
        (lambda: cf.Model(lambda x: x, "epsilon", EDM), "f: got 'too many positional arguments'; required"),
        (lambda: cf.Model(lambda x, t, c: x, "epsilon", EDM), "f: got \"missing a required argument: 'c'\"; required"),
        (lambda: cf.Model(good, "epsilon", "edm"), "schedule: got 'edm'; required: a schedule of certflow.schedules"),
        (lambda: cf.Model(good, "epsilon", EDM, time_scale=0), "time_scale: got 0"),
        (lambda: cf.Model(good, "epsilon", EDM, shape=2), "shape: got 2"),
        (lambda: cf.Model(good, "epsilon", EDM, shape=()), "shape: got"),
        (
            lambda: cf.Model(good, "epsilon", EDM, arrays="jax"),
            "arrays: got 'jax'; required: one of torch, numpy, same",
        ),
        (lambda: cf.Model(good, "epsilon", EDM, timescale=1), "timescale: got 1; required: a keyword of Model or of"),
        (lambda: cf.Model(Linear(), "sample", EDM, label=1), "label: got 1; required: .*: shift"),
        (lambda: cf.Model(good, "epsilon", EDM, t_min=0), "t_min: got 0; required: a finite time > 0"),
        (lambda: cf.Model(good, "epsilon", EDM, t_max=np.inf), "t_max: got inf"),
        (lambda: cf.Model(good, "epsilon", EDM, t_max="x"), "t_max: got 'x'"),
        (lambda: cf.Model(good, "epsilon", EDM, t_min=2, t_max=1), "t_max: got 1.0; required: a time > t_min = 2"),
        (
            lambda: cf.Model(good, "epsilon", cf.schedules.scaled_linear(), t_max=3),
            "t_max: got 3; required: an OU time from 0.000425181 to 2.68436, which the schedule has",
        ),
        (lambda: cf.Model(good, "epsilon", EDM).score(X, 0), "t: got 0.0; required: a time > 0"),
        (lambda: cf.Model(good, "epsilon", EDM).score(X, [0.1, np.nan, 0.2, 0.3]), "t: got nan"),
        (lambda: cf.Model(good, "epsilon", EDM).score(X, np.inf), "t: got inf; required: a finite OU time >= 0"),
        (lambda: cf.Model(good, "epsilon", EDM).score(X, [0.1, 0.2]), r"t: got 'shape \(2,\)'; required: a scalar or"),
        (lambda: cf.Model(good, "epsilon", EDM).score(3.0, 0.5), "x: got 'one number'"),
        (lambda: cf.Model(good, "epsilon", EDM).score(X + np.nan, 0.5), "x: got nan; required: finite numbers"),
        (lambda: cf.Model(good, "epsilon", EDM).score(torch.zeros(4, 2).int(), 0.5), "x: got 'a torch tensor of torch"),
        (
            lambda: cf.Model(good, "epsilon", EDM, shape=(3,)).score(X, 0.5),
            r"x: got 'shape \(4, 2\)'; required: shape \(..., 3\)",
        ),
        (
            lambda: cf.Model(good, "epsilon", cf.schedules.scaled_linear()).score(X, 3.0),
            "t: got 3.0; required: an OU time from 0.000425181 to 2.68436",
        ),
        (
            lambda: cf.Model(good, "epsilon", EDM).jacobian_product(X, 0.5, np.ones(3)),
            r"v: got 'shape \(3,\)'; required: a shape that broadcasts to \(4, 2\)",
        ),
    ],
)
def test_bad_input_gives_one_line(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


class Output:
    """What a network of diffusers returns."""

    sample = X


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (
            lambda x, tau: x[:, :1],
            r"model: got 'shape \(4, 1\) returned'; required: an array of the shape of x, \(4, 2\)",
        ),
        (lambda x, tau: x.sum(1), r"model: got 'shape \(4,\) returned'"),
        (
            lambda x, tau: x + float("nan") * (tau > 0)[:, None],
            "model: got 'nan returned in row 0, at tau = 1.3.*; required: finite",
        ),
        (lambda x, tau: x - math.inf, "model: got '-inf returned in row 0"),
        (lambda x, tau: (x, x), r"model: got 'tuple returned'; required: .*Model.from_diffusers"),
        (lambda x, tau: Output(), "model: got 'Output returned'; required: .*Model.from_diffusers"),
        (lambda x, tau: None, "model: got 'NoneType returned'"),
        (lambda x, tau: x > 0, "model: got '(torch.)?bool returned'; required: real numbers"),
        (lambda x, tau: x + 1j, "model: got '(torch.)?complex.* returned'; required: real numbers"),
    ],
)
@pytest.mark.parametrize("kind", [np.asarray, torch.tensor])
def test_a_bad_model_gives_one_line(f, message, kind):
    for call in (lambda m: m.score(kind(X), 0.5), lambda m: m.jacobian_product(kind(X), 0.5, kind(X + 1))):
        with pytest.raises(InputError, match=message) as caught:
            call(cf.Model(f, "epsilon", EDM))
        assert "\n" not in str(caught.value)


def test_the_bad_row_is_named():
    def f(x, tau):
        out = np.array(x)
        out[2, 1] = np.nan
        return out

    with pytest.raises(InputError, match=r"nan returned in row 2, at tau = 0.65"):
        cf.Model(f, "epsilon", EDM).score(X, [0.1, 0.2, 0.1784, 0.4])
