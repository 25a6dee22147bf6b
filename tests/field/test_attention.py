"""Components of one variance streamed on torch: mpmath, direct distances in float64, differences, measured memory."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import mpmath
import numpy as np
import pytest
from scipy.special import logsumexp

import certflow as cf
from certflow.field import evaluate

torch = pytest.importorskip("torch")

from certflow.field import attention  # noqa: E402

# torch's own: it scripts its rules for forward derivatives when the first of them is taken
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")

QUANTITIES = pytest.mark.parametrize("quantity", ["log_density", "score", "velocity"])
#: Logits in a tile, so that a few dozen components take many tiles.
TILE = 12


@pytest.fixture
def small_tiles(monkeypatch):
    """Everything is streamed, two points and six components at a time."""
    monkeypatch.setattr(evaluate, "KEPT_LOGITS", 0)
    monkeypatch.setattr(attention, "TILE", {"cpu": TILE})
    monkeypatch.setattr(attention, "POINTS", {"cpu": 2})


def process(components: int = 37, dimension: int = 3, spread: float = 1.0) -> cf.OrnsteinUhlenbeck:
    rng = np.random.default_rng(components)
    weights = rng.uniform(0.5, 1.5, components)
    means = spread * rng.standard_normal((components, dimension))
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights / weights.sum(), means, "0.05"))


def points(count: int, dimension: int = 3, spread: float = 1.0):
    return torch.tensor(spread * np.random.default_rng(1).standard_normal((count, dimension)))


def by_mpmath(mixture: cf.GaussianMixture, quantity: str, x, t: float):
    """The quantity of one point by the definition of the density, with 40 digits."""
    with mpmath.workdps(40):
        m = mpmath.exp(-mpmath.mpf(float(t)))
        v = m**2 * mpmath.mpf(1) / 20 + 1 - m**2
        x = [mpmath.mpf(float(value)) for value in x]
        offsets = [[a - m * mpmath.mpf(float(b)) for a, b in zip(x, mean, strict=True)] for mean in mixture.means]
        terms = [
            mpmath.mpf(float(weight)) * mpmath.exp(-sum(o * o for o in offset) / (2 * v))
            for weight, offset in zip(mixture.weights, offsets, strict=True)
        ]
        total, weights = mpmath.fsum(terms), mpmath.fsum(mpmath.mpf(float(w)) for w in mixture.weights)
        if quantity == "log_density":
            return [float(mpmath.log(total / weights) - len(x) * mpmath.log(2 * mpmath.pi * v) / 2)]
        score = [-mpmath.fsum(p * o[i] for p, o in zip(terms, offsets, strict=True)) / total / v for i in range(len(x))]
        return [float(s if quantity == "score" else -a - s) for a, s in zip(x, score, strict=True)]


@QUANTITIES
@pytest.mark.parametrize(("spread", "times"), [(1.0, 0.3), (1.0, [0.05, 0.3, 1.0, 0.1, 2.0]), (30.0, 0.02)])
@pytest.mark.parametrize(("dtype", "accuracy"), [(torch.float64, 2e-14), (torch.float32, 1e-5)])
def test_against_mpmath(small_tiles, quantity, spread, times, dtype, accuracy):
    """Means thirty apart at a time near the data: logits of neighbouring tiles differ by thousands."""
    p, x = process(spread=spread), points(5, spread=spread).to(dtype)
    t = torch.tensor(times, dtype=dtype)
    found = getattr(p, quantity)(x, t)
    assert found.dtype == dtype
    expected = [by_mpmath(p.mixture, quantity, row, time) for row, time in zip(x, t.expand(5), strict=True)]
    expected = np.array(expected).reshape(found.shape)
    np.testing.assert_allclose(found.double(), expected, rtol=0, atol=accuracy * np.abs(expected).max())


def test_many_components_against_direct_distances(monkeypatch):
    """Above the limit, with the tiles as they are: streamed, and equal to sums over distances in float64."""
    p, x, t = process(70_000, 2), points(64, 2), 0.1
    calls = []
    monkeypatch.setattr(attention, "streamed", lambda *given, real=attention.streamed: calls.append(1) or real(*given))
    score, log_density = p.score(x, t), p.log_density(x, t)
    assert len(calls) == 2
    m = math.exp(-t)
    v = m * m * 0.05 + 1 - m * m
    offsets = x.numpy()[:, None] - m * p.mixture.means
    logits = np.log(p.mixture.weights) - (offsets**2).sum(-1) / (2 * v)
    total = logsumexp(logits, axis=1)
    expected = -np.einsum("nk,nkd->nd", np.exp(logits - total[:, None]), offsets) / v
    np.testing.assert_allclose(score, expected, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(log_density, total - np.log(2 * np.pi * v), rtol=1e-12)
    p.score(x[:32], t)  # few points: their logits are kept
    p.jacobian(x[:1], t)
    p.responsibilities(x, t)
    assert len(calls) == 2


@QUANTITIES
@pytest.mark.parametrize("times", [0.3, [0.1, 0.3, 1.0]])
def test_derivatives_against_differences(small_tiles, quantity, times):
    p, x = process(20), points(3).requires_grad_()
    t = torch.tensor(times, dtype=torch.float64, requires_grad=True)
    function = getattr(p, quantity)
    assert torch.autograd.gradcheck(function, (x, t), check_forward_ad=True, check_batched_grad=True)
    assert torch.autograd.gradgradcheck(function, (x, t))


def test_derivative_against_the_jacobian(small_tiles):
    """Streamed backwards and forwards, against the formula of the Jacobian in NumPy: `J = -I - grad s`."""
    p, x = process(), points(5)
    expected = p.jacobian(x.numpy(), 0.2)
    for derivative in (torch.func.jacrev, torch.func.jacfwd):
        found = torch.func.vmap(derivative(lambda row: p.score(row, 0.2)))(x)
        np.testing.assert_allclose(-np.eye(3) - found.numpy(), expected, rtol=1e-10, atol=1e-10)
    hessian = torch.func.vmap(torch.func.hessian(lambda row: p.log_density(row, 0.2)))(x)
    np.testing.assert_allclose(-np.eye(3) - hessian.numpy(), expected, rtol=1e-10, atol=1e-10)


def test_third_derivatives_as_of_kept_logits(small_tiles, monkeypatch):
    """No derivative is dropped without a word: those of the second pass are made by torch."""
    p, x = process(), points(4).requires_grad_()

    def third(how):
        function = p.score
        for derivative in how:
            function = derivative(function)
        return function(x[0], 0.3)

    def repeated():
        value = p.score(x, 0.3).sin()
        for _ in range(2):
            (value,) = torch.autograd.grad(value.sum(), x, create_graph=True)
        return torch.autograd.grad(value.sum(), x)[0]

    back, forth = torch.func.jacrev, torch.func.jacfwd
    streamed = [repeated(), *(third(how) for how in ((back, back), (forth, back), (back, forth), (forth, forth)))]
    monkeypatch.setattr(evaluate, "KEPT_LOGITS", 2**22)
    kept = [repeated(), *[third((back, back))] * 4]
    for found, expected in zip(streamed, kept, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


@QUANTITIES
def test_nested_forward_derivatives(small_tiles, monkeypatch, quantity):
    """Along lines in x and in t, twice and three times, against those of the backward kind without streaming."""
    p, x, t = process(), points(4), torch.tensor(0.3, dtype=torch.float64)
    along = {
        "x": lambda s: getattr(p, quantity)(x + s * torch.ones_like(x), t).sum(),
        "t": lambda s: getattr(p, quantity)(x, t + s).sum(),
    }

    def nested(how, line, depth):
        for _ in range(depth):
            line = how(line)
        return line(torch.zeros((), dtype=torch.float64))

    cases = [(line, depth) for line in along.values() for depth in (1, 2, 3)]
    streamed = [nested(torch.func.jacfwd, *case) for case in cases]
    monkeypatch.setattr(evaluate, "KEPT_LOGITS", 2**22)
    kept = [nested(torch.func.grad, *case) for case in cases]
    for found, expected in zip(streamed, kept, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_hessian_of_a_scalar_of_the_score(small_tiles, monkeypatch):
    p, x = process(), points(1)[0]
    hessian = torch.func.jacfwd(torch.func.jacrev(lambda y: p.score(y[None], 0.3).sin().sum()))
    found = hessian(x)
    monkeypatch.setattr(evaluate, "KEPT_LOGITS", 2**22)
    torch.testing.assert_close(found, hessian(x), rtol=1e-10, atol=1e-10)


@QUANTITIES
def test_compiled_and_batched(small_tiles, monkeypatch, quantity):
    p, x, times = process(), points(5), torch.linspace(0.1, 1.0, 5, dtype=torch.float64)
    function = getattr(p, quantity)
    compiled = torch.compile(lambda rows: function(rows, 0.3), backend="eager", fullgraph=True)
    found = [compiled(x), torch.func.vmap(function)(x, times), torch.func.vmap(function, (0, None))(x, times[0])]
    monkeypatch.setattr(evaluate, "KEPT_LOGITS", 2**22)
    for value, t in zip(found, (0.3, times, times[0]), strict=True):
        torch.testing.assert_close(value, function(x, t), rtol=1e-10, atol=1e-10)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@QUANTITIES
def test_on_a_gpu(quantity):
    p, x = process(70_000, 2), points(64, 2)
    found = getattr(p, quantity)(x.cuda(), 0.1)
    assert found.is_cuda
    torch.testing.assert_close(found.cpu(), getattr(p, quantity)(x, 0.1), rtol=1e-10, atol=1e-10)


MEMORY = """
import re
from pathlib import Path
import numpy as np, torch, certflow as cf
from certflow.field import evaluate
rng = np.random.default_rng(0)
p = cf.OrnsteinUhlenbeck(cf.GaussianMixture(np.full(100_000, 1e-5), rng.standard_normal((100_000, 2)), 0.01))
x = torch.tensor(rng.standard_normal((256, 2)), requires_grad=True)
p.score(x[:1], 0.3).sum().backward()
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024  # MiB
peaks = [peak()]
p.score(x, 0.3).sum().backward()
peaks.append(peak())
evaluate.KEPT_LOGITS = 2**40
p.score(x, 0.3).sum().backward()
print(peaks[1] - peaks[0], peak() - peaks[1])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks /proc")
def test_memory_beside_one_tile():
    """256 points by 10^5 components, with the derivative: 195 MiB an array, of which the plain way has several."""
    environment = {**os.environ, "PYTHONPATH": str(Path(cf.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True, env=environment)
    streamed, kept = map(float, done.stdout.split())
    assert streamed < 128
    assert kept > 195
