"""torch tensors: derivatives of every quantity, and the transformations of torch.

Derivatives are held against those of the mpmath arithmetic at 30 digits, or against differences of float64 values.
"""

from __future__ import annotations

import copy
import subprocess
import sys

import mpmath
import numpy as np
import pytest
from depth import night

import certflow as cf
from certflow.errors import InputError
from certflow.flow.reference import flow_with_derivative

torch = pytest.importorskip("torch")

# torch's own: it scripts its rules for forward derivatives when the first of them is taken
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")

COVARIANCES = {
    "common-isotropic": "1/5",
    "isotropic": ["1/5", "1/2", "13/10"],
    "shared": [["1/2", "1/10"], ["1/10", "3/10"]],
    "full": [
        [["1/2", "1/10"], ["1/10", "3/10"]],
        [["9/10", "1/10"], ["1/10", "4/5"]],
        [["3/2", "1/5"], ["1/5", "2"]],
    ],
}
MEANS = [["1", "1/2"], ["-7/10", "1/5"], ["1/10", "-11/10"]]
KINDS = pytest.mark.parametrize("kind", COVARIANCES)
RATES = pytest.mark.parametrize("rate", ["one-sided", "two-sided"])
FIELDS = ("log_density", "responsibilities", "score", "velocity", "jacobian")


def process(kind: str) -> cf.OrnsteinUhlenbeck:
    """A process of which nothing is kept yet."""
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture(["3/10", "1/2", "1/5"], MEANS, COVARIANCES[kind]))


def tensor(value, grad: bool = False):
    return torch.tensor(value, dtype=torch.float64, requires_grad=grad)


def derivatives(function, point: float) -> tuple[float, float]:
    """The first two derivatives of a function of one tensor by autograd."""
    x = tensor(point, grad=True)
    (first,) = torch.autograd.grad(function(x), x, create_graph=True)
    (second,) = torch.autograd.grad(first, x)
    return float(first.detach()), float(second)


def exact_derivatives(function, point: float) -> tuple[float, float]:
    with mpmath.workdps(30):
        return tuple(float(mpmath.diff(function, mpmath.mpf(point), order)) for order in (1, 2))


def pair_function(p, name: str, rate: str):
    return lambda s, t: getattr(p, name)(s, t, rate)


# -- derivatives -----------------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("name", ["lipschitz_bound", "growth_rate_bound"])
@pytest.mark.parametrize("t", [0.05, 0.37])
def test_rates_in_t(kind, name, t):
    rate = getattr(process(kind), name)
    assert derivatives(rate, t) == pytest.approx(exact_derivatives(rate, t), rel=1e-9)


@pytest.mark.parametrize("kind", ["isotropic", "full"])
def test_bound_on_a_ball_in_the_radius_and_in_t(kind):
    p = process(kind)
    for function in (lambda r: p.ball_bound(r, 0.3), lambda t: p.ball_bound(2.5, t)):
        assert derivatives(function, 0.8) == pytest.approx(exact_derivatives(function, 0.8), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("kind", ["common-isotropic", "shared"])
def test_bound_on_a_ball_of_one_covariance(kind):
    """It does not depend on the radius."""
    p, r = process(kind), tensor([1.0, 2.0], grad=True)
    p.ball_bound(r, 0.3).sum().backward()
    assert torch.equal(r.grad, torch.zeros(2, dtype=torch.float64))
    expected = exact_derivatives(lambda t: p.ball_bound(2.5, t), 0.8)
    assert derivatives(lambda t: p.ball_bound(2.5, t), 0.8) == pytest.approx(expected, rel=1e-9)


def test_bound_on_a_ball_where_all_components_have_one_mean():
    """Their distance is 0 at all times: its derivative is 0, not that of a square root."""
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["1/2", "1/2"], [["0", "0"]] * 2, ["1/4", "3"]))
    expected = exact_derivatives(lambda t: p.ball_bound(2.5, t), 0.4)
    assert derivatives(lambda t: p.ball_bound(2.5, t), 0.4) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("kind", ["isotropic", *night("full")])
@RATES
@pytest.mark.parametrize("name", ["stability", "amplification"])
def test_stability_in_both_times(kind, rate, name):
    p = process(kind)
    function, step = pair_function(p, name, rate), 1e-4
    s, t = tensor([0.1, 0.2], grad=True), tensor(0.6, grad=True)
    first = torch.autograd.grad(function(s, t).sum(), (s, t), create_graph=True)
    second = torch.autograd.grad(first[0].sum() + first[1], (s, t))
    starts = np.array([0.1, 0.2])
    by_s = (function(starts + step, 0.6) - function(starts - step, 0.6)) / (2 * step)
    by_t = (function(starts, 0.6 + step) - function(starts, 0.6 - step)).sum() / (2 * step)
    np.testing.assert_allclose(first[0].detach(), by_s, rtol=1e-5)
    assert float(first[1].detach()) == pytest.approx(by_t, rel=1e-5)
    moved, before = (_gradient_sum(function, starts, 0.6 + change) for change in (step, -step))
    assert float(second[1]) == pytest.approx((moved - before) / (2 * step), rel=1e-5)


def _gradient_sum(function, s, t) -> float:
    s, t = tensor(s, grad=True), tensor(t, grad=True)
    return float(sum(part.sum() for part in torch.autograd.grad(function(s, t).sum(), (s, t))))


def test_time_at_stability_in_the_value_and_in_s():
    p = process("common-isotropic")
    for function in (lambda v: p.time_at_stability(v, 0.1), lambda s: p.time_at_stability(0.2, s)):
        assert derivatives(function, 0.15) == pytest.approx(exact_derivatives(function, 0.15), rel=1e-8)


@KINDS
def test_fields_in_x_and_t_twice(kind):
    p = process(kind)
    x, t = tensor([[0.3, -0.4]], grad=True), tensor(0.37, grad=True)
    for name in FIELDS:
        assert torch.autograd.gradcheck(getattr(p, name), (x, t))
        assert torch.autograd.gradgradcheck(getattr(p, name), (x, t))


def test_blocks_in_all_that_they_are_given():
    p = process("isotropic")
    x, t, h = tensor([[0.3, -0.4]], grad=True), tensor(0.37, grad=True), tensor(0.1, grad=True)
    assert torch.autograd.gradcheck(p.residual_block, (x, t, h))
    sizes = [tensor(value, grad=True) for value in (0.1, 0.01, 2.0, 3.0, 4.0)]
    assert torch.autograd.gradcheck(p.block_error_bound, sizes)
    plain = p.residual_block(np.array([[0.3, -0.4]]), 0.37, h)
    assert plain.requires_grad


@pytest.mark.parametrize("kind", ["isotropic", "full"])
def test_functional_and_forward_derivatives(kind):
    """`torch.func.grad`, `jvp` and both orders of two of them agree with autograd."""
    p = process(kind)
    for function in (p.growth_rate_bound, lambda t: p.ball_bound(2.0, t), lambda t: p.stability(0.1, t)):
        first, second = derivatives(function, 0.4)
        t, one = tensor(0.4), tensor(1.0)
        assert float(torch.func.grad(function)(t)) == pytest.approx(first, rel=1e-12)
        assert float(torch.func.jvp(function, (t,), (one,))[1]) == pytest.approx(first, rel=1e-12)
        assert float(torch.func.grad(torch.func.grad(function))(t)) == pytest.approx(second, rel=1e-10)
        forward = torch.func.jvp(torch.func.grad(function), (t,), (one,))[1]
        assert float(forward) == pytest.approx(second, rel=1e-10)


def test_forward_derivatives_of_the_flow():
    p = process("isotropic")
    x, v = np.array([[0.3, -0.4]]), tensor([[1.0, 2.0]])
    _, derivative = flow_with_derivative(p, x, 1.0, 0.6, rtol=1e-8)
    expected = derivative @ v.numpy()[0]

    def flow(z):
        return p.flow(z, 1.0, 0.6, rtol=1e-8)

    np.testing.assert_allclose(torch.func.jvp(flow, (tensor(x),), (v,))[1], expected, rtol=1e-6)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(tensor(x), v)
        tangent = torch.autograd.forward_ad.unpack_dual(flow(dual)).tangent
    np.testing.assert_allclose(tangent, expected, rtol=1e-6)
    np.testing.assert_allclose(torch.func.jacrev(flow)(tensor(x))[0, :, 0], derivative[0], rtol=1e-6)


@pytest.mark.parametrize(
    ("field", "call"),
    [
        ("radius", lambda p, x: p.outside_probability(x, 0.5)),
        ("t", lambda p, x: p.outside_probability(2.0, x)),
        ("times", lambda p, x: p.error_bound([1.0, x], [0.1])),
        ("errors", lambda p, x: p.error_bound([1.0, 0.5], [x])),
        ("lipschitz", lambda p, x: p.law_error_bound([x], [0.1])),
        ("errors", lambda p, x: p.law_error_bound([1.0], [x])),
        ("budget", lambda p, x: p.mismatch_floor(x)),
        ("t_to", lambda p, x: p.flow(torch.zeros(1, 2), 1.0, x)),
    ],
)
def test_where_a_float_is_returned_a_tensor_that_requires_grad_is_refused(field, call):
    p = process("isotropic")
    with pytest.raises(InputError, match=f"^{field}: got"):
        call(p, tensor(0.4, grad=True))


# -- transformations -------------------------------------------------------------------------------------------


@KINDS
def test_vmap_over_points_and_times(kind):
    p = process(kind)
    x, t = tensor([[0.3, 0.1], [1.0, 0.0]]), tensor([0.5, 0.6])
    for name in FIELDS:
        mapped = torch.vmap(getattr(p, name))(x, t)
        torch.testing.assert_close(mapped, getattr(p, name)(x, t))
    for function in (p.lipschitz_bound, p.growth_rate_bound, lambda s: p.ball_bound(2.0, s)):
        torch.testing.assert_close(torch.vmap(function)(t), function(t))
    for rate in ("one-sided", "two-sided"):
        mapped = torch.vmap(lambda s, rate=rate: p.stability(0.1, s, rate))(t)
        torch.testing.assert_close(mapped, p.stability(0.1, t, rate))
    torch.testing.assert_close(torch.vmap(p.residual_block)(x, t, t / 4)[0], p.residual_block(x[0], 0.5, 0.125))


def test_vmap_where_values_decide():
    p = process("common-isotropic")
    values = tensor([0.1, 0.2])
    expected = [p.time_at_stability(0.1), p.time_at_stability(0.2)]
    np.testing.assert_allclose(torch.vmap(p.time_at_stability)(values), expected, rtol=1e-14)
    bad = torch.vmap(lambda s: p.score(tensor([0.1, 0.2]), s))(tensor([-1.0, 0.5]))
    assert bad[0].isnan().all()
    torch.testing.assert_close(bad[1], p.score(tensor([0.1, 0.2]), 0.5))
    with pytest.raises(InputError, match=r"x: got 'a tensor inside vmap'; required: a batch of points"):
        torch.vmap(lambda x: p.flow(x, 1.0, 0.5))(torch.zeros(2, 2))


@KINDS
def test_compiled_whole_before_anything_is_kept(kind):
    p, x, t = process(kind), tensor([[0.3, 0.1], [1.0, 0.0]]), tensor(0.5)
    compiled = torch.compile(lambda x, t: p.score(x, t), backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x, t), process(kind).score(x, t))
    assert compiled(x, -t).isnan().all()
    torch.testing.assert_close(p.score(x, t), process(kind).score(x, t))


def test_compiled_with_breaks():
    p, t = process("full"), tensor(0.5)
    for function in (p.growth_rate_bound, lambda t: p.stability(0.1, t), lambda t: p.ball_bound(2.0, t)):
        torch.testing.assert_close(torch.compile(function, backend="eager")(t), function(t))


def _inference(p, x):
    with torch.inference_mode():
        p.score(x, 0.5)


@pytest.mark.parametrize(
    "first",
    [
        _inference,
        lambda p, x: torch.func.grad(lambda y: p.score(y, 0.5).sum())(x),
        lambda p, x: torch.vmap(lambda y: p.score(y, 0.5))(x),
        lambda p, x: torch.compile(lambda y: p.score(y, 0.5), backend="eager")(x),
    ],
    ids=["inference_mode", "grad", "vmap", "compile"],
)
@KINDS
def test_what_is_kept_belongs_to_no_mode(kind, first):
    p = process(kind)
    first(p, torch.zeros(1, 2))
    x = torch.zeros(1, 2, requires_grad=True)
    p.score(x, 0.5).sum().backward()
    fresh = torch.zeros(1, 2, requires_grad=True)
    process(kind).score(fresh, 0.5).sum().backward()
    assert torch.equal(x.grad, fresh.grad)
    copy.deepcopy(p.mixture)


# -- dtypes and defaults ---------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_short_dtypes_are_evaluated_in_float32(kind, dtype):
    p = process(kind)
    x, t = torch.tensor([[0.3, -0.4]], dtype=dtype), torch.tensor(0.375, dtype=dtype)
    calls = [lambda x, t, name=name: getattr(p, name)(x, t) for name in FIELDS]
    calls += [lambda x, t: p.lipschitz_bound(t), lambda x, t: p.ball_bound(2.0, t), lambda x, t: p.stability(0.1, t)]
    calls += [lambda x, t: p.amplification(0.1, t)]
    for call in calls:
        result = call(x, t)
        assert result.dtype == dtype
        assert torch.equal(result, call(x.float(), t.float()).to(dtype))


def test_a_subclass_of_tensor_keeps_its_graph():
    class Named(torch.Tensor):
        pass

    t = torch.tensor(0.4, dtype=torch.float64).as_subclass(Named).requires_grad_()
    assert process("isotropic").growth_rate_bound(t).requires_grad


@pytest.fixture(params=["dtype", *night("device")])
def other_default(request):
    """Another default of torch: float64, or a device on which nothing can be computed."""
    if request.param == "dtype":
        torch.set_default_dtype(torch.float64)
    else:
        torch.set_default_device("meta")
    yield
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)


def _laboratory():
    from dataclasses import replace

    from certflow.distill.beyond.score_network import train_denoiser

    p = process("isotropic")
    settings = replace(cf.distill.Settings.usual(2), steps=10, hidden=8, pool=128, batch=64, test=64, tolerance=1e-6)
    row = cf.distill.run(p, ["uniform"], [1], 1, "cpu", settings).rows[0]
    network = train_denoiser(p.mixture.sample(64, seed=0), 0.05, 3.0, hidden=4, steps=3, batch=8)
    bound = p.stability(torch.full((), 0.1, dtype=torch.float32, device="cpu"), 0.5)
    return row["relative_mse"], [part.tolist() for part in network.parameters()], bound.item()


@pytest.fixture(scope="module")
def usual():
    return _laboratory()


def test_torch_defaults_change_no_result(usual, other_default):
    assert _laboratory() == usual


def test_the_compiler_of_torch_is_loaded_by_those_alone_who_compile():
    """Loading it takes longer than loading torch."""
    code = (
        "import sys, torch, certflow as cf; p = cf.OrnsteinUhlenbeck(cf.load_mixture('two-modes'))\n"
        "p.score(torch.zeros(3, 2), 0.5); p.jacobian(torch.zeros(3, 2, requires_grad=True), torch.tensor(0.5))\n"
        "torch.func.vmap(lambda x: p.score(x, 0.5))(torch.ones(3, 2)); print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
