"""Inputs at the edges: narrow and far too large boxes, scales near the ends of float64, code that works in place."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import certflow as cf
from certflow.enclosure.students.line.flow import between
from certflow.enclosure.students.maps import ExactMap, lipschitz_bound, read_maps
from certflow.enclosure.students.plane.slopes import two_norm_below
from certflow.errors import InputError, NoEnclosure

ONE, ZERO = np.ones(1), np.zeros(1)


def layers(*weights: float, bias: float = 0.0, activation: str = "relu") -> ExactMap:
    """One neuron in each layer."""
    count = len(weights)
    biases = tuple(np.array([bias]) if i == 0 else ZERO for i in range(count))
    return ExactMap(tuple(np.array([[w]]) for w in weights), biases, activation, 0.0, ZERO, ONE, ZERO, ONE)


def test_a_bound_of_all_slopes_survives_squares_below_float64():
    deep = layers(1e-200, *[2.0**40] * 20)
    assert 1e-200 * 2.0**800 <= deep.lipschitz_bound() <= 1e-119 * 2.0**800  # a square below float64 counts as 2^-800
    tiny, large = layers(1e-170), layers(*[2.0**40] * 25)
    assert lipschitz_bound([tiny, tiny, large]) >= 1e-340 * 2.0**999
    assert lipschitz_bound([layers(*[2.0**40] * 25), layers(*[2.0**40] * 25)]) == np.inf


@pytest.mark.parametrize("box", [(1e6 + 0.1, 1e6 + 0.2), (1e6, 1e6 + 1e-9), (1.0, 1.0 + 2**-52), (0.0, 5e-324)])
def test_narrow_boxes_have_cells(box):
    cells = between(*box, 40)
    assert len(cells.centre) >= 1
    assert cells.low[0] <= box[0] < box[1] <= cells.high[-1]
    assert (cells.low[1:] == cells.high[:-1]).all()
    assert (cells.centre + cells.half == cells.high).all()
    found = cf.enclosure.student_lipschitz(layers(1e-6, 3.0, activation="tanh"), box, seconds=5)
    slope = 3e-6 * (1 - np.tanh(1e-6 * np.array(box)) ** 2)
    assert float(found.lower) <= slope.max() * (1 + 1e-12)
    assert slope.max() <= float(found.upper) * (1 + 1e-12)


def test_a_narrow_box_far_out_is_told_to_two_percent():
    far = cf.GaussianMixture([1], [["1e6"]], "0.04")
    p = cf.OrnsteinUhlenbeck(far, "0.01", "1")
    m, n = np.exp(-1.0), np.exp(-0.01)
    spread = np.sqrt((n * n * 0.04 + 1 - n * n) / (m * m * 0.04 + 1 - m * m))
    box = (m * 1e6 + 0.5, m * 1e6 + 0.5625)
    found = cf.enclosure.student_distance(p, layers(1.0, bias=6e5), ["1", "0.01"], box)
    gaps = [abs(x + 6e5 - n * 1e6 - spread * (x - m * 1e6)) for x in box]
    assert float(found.lower) * (1 - 1e-9) <= max(gaps) <= float(found.upper) * (1 + 1e-9)
    assert found.complete


@pytest.mark.parametrize(
    ("mean", "variance", "early", "slope", "shift"),
    [("0", "1e-100", "1e-100", 1e-45, 0.0), ("1", "1e-30", "1e-30", 1e-5, 1.0), ("1e12", "0.04", "0.01", 0.25, 8e11)],
)
def test_scales_near_the_ends_of_float64(mean, variance, early, slope, shift):
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[mean]], variance), early, "1")
    # relu(slope x + shift) never meets its kink, or x -> slope x
    found = cf.enclosure.student_error(p, layers(slope, bias=shift), ["1", early], seconds=5)
    with mpmath.workdps(150):
        mu, s2, d, a, b = (mpmath.mpf(x) for x in (mean, variance, early, slope, shift))
        m, n = mpmath.exp(-1), mpmath.exp(-d)
        start, end = m * m * s2 - mpmath.expm1(-2), n * n * s2 - mpmath.expm1(-2 * d)
        wrong = (a * m * mu + b - n * mu) ** 2 + (a * mpmath.sqrt(start) - mpmath.sqrt(end)) ** 2
        exact = wrong / ((n * mu) ** 2 + end)
        low, high = (mpmath.mpf(x.numerator) / x.denominator for x in (found.lower, found.upper))
        assert low <= exact <= high


def test_bad_boxes_times_and_weights_are_told_in_one_line():
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0]], "0.04"))
    for box in [(0, 1e300), (-1e308, 1e308), (0, float("nan"))]:
        with pytest.raises(InputError, match=r"box: .* two numbers below 2\^60 in size, low < high"):
            cf.enclosure.student_lipschitz(layers(1.0), box)
        with pytest.raises(InputError, match="box: "):
            cf.enclosure.student_distance(p, layers(1.0), ["3", "0.01"], box)
    with pytest.raises(NoEnclosure, match="cannot be enclosed at"):
        cf.enclosure.student_distance(p, layers(1.0), ["3", "0.01"], (1e17, 1.1e17))
    for times in (["1e400", "1"], ["3", "1e-400"]):
        with pytest.raises(InputError, match=r"times: .* times between 1e-300 and 1e300"):
            cf.enclosure.student_error(p, layers(1.0), times)
    for weights in ("a", [["a"]], [[1j]], [[1.0], [2.0, 3.0]]):
        with pytest.raises(InputError, match=r"weights: .* float64 numbers, 2 axes"):
            ExactMap((weights,), (ZERO,), "relu", 0.0, ZERO, ONE, ZERO, ONE)


def spread_out(dimension: int, size: float = 1.0) -> ExactMap:
    """`x -> size tanh(x)` in each coordinate: its Lipschitz constant is `size`, at zero."""
    eye, one, zero = np.eye(dimension), np.ones(dimension), np.zeros(dimension)
    return ExactMap((eye, eye * size), (zero, zero), "tanh", 0.0, zero, one, zero, one)


def test_boxes_of_many_dimensions_begin_with_few_cells():
    for dimension in (4, 7):
        box = [[-0.5] * dimension, [0.75] * dimension]
        found = cf.enclosure.student_lipschitz(spread_out(dimension), box, rtol="0.5", seconds=1)
        assert float(found.lower) <= 1 <= float(found.upper)
        assert len(found.cells.bound) <= 20_000


def test_slopes_beyond_the_models_are_told():
    steep = ExactMap((np.eye(2) * 2.0**39,) * 3, (np.zeros(2),) * 3, "relu", 0.0, *(np.ones(2),) * 4)
    with pytest.raises(NoEnclosure, match="no finite bound of the student's slope"):
        cf.enclosure.student_lipschitz(steep, [[-4, -4], [4, 4]], seconds=1)


def test_lower_bounds_of_norms_near_the_least_numbers_are_true():
    sizes = 10.0 ** np.random.default_rng(0).uniform(-161.5, -159, 100)
    below = two_norm_below(sizes[:, None, None] * np.array([[1, 0.3], [0.1, 0.7]]))
    with mpmath.workdps(40):
        for size, low in zip(sizes, below, strict=True):
            matrix = mpmath.matrix((size * np.array([[1, 0.3], [0.1, 0.7]])).tolist())
            assert mpmath.mpf(float(low)) <= mpmath.svd_r(matrix, compute_uv=False)[0]


def test_modules_that_compute_something_else_are_refused():
    torch = pytest.importorskip("torch")

    class Linear(torch.nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    class Sequential(torch.nn.Sequential):
        def forward(self, x):
            return x + super().forward(x)

    hooked = torch.nn.Linear(1, 1)
    hooked.register_forward_hook(lambda module, given, found: 2 * found)
    for module in (Linear(1, 1), Sequential(torch.nn.Linear(1, 1)), torch.nn.Sequential(hooked)):
        with pytest.raises(InputError, match="a network of "):
            read_maps(module)


@pytest.mark.parametrize("way", ["inplace", "iadd", "clone", "view", "relu_"])
def test_code_that_works_in_place_is_read_as_torch_runs_it(way):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)

    class Block(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c = (torch.nn.Linear(*n).double() for n in ((2, 6), (6, 6), (6, 1)))

        def forward(self, x, t):
            h = self.a(torch.cat([x, t[:, None]], 1))
            if way == "inplace":  # h is changed, too
                h = h + self.b(torch.nn.functional.relu(h, inplace=True))
            elif way == "iadd":
                g = h
                g += self.b(h)
                h = h + torch.tanh(g)
            elif way == "clone":
                h = h + self.b(torch.nn.functional.silu(h.clone(), inplace=True))
            elif way == "view":
                g = h[:, :6]
                g += 1
            else:
                h = h + self.b(torch.relu_(h))
            return self.c(h)

    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.5", "0.5"], [["-1"], ["1"]], "0.09"))
    module = Block()
    if way in ("view", "relu_"):
        with pytest.raises(InputError, match="network: "):
            cf.enclosure.score_error(p, module, "0.5")
        return
    found = cf.enclosure.score_error(p, module, "0.5", rtol="0.01")
    x = torch.linspace(-7, 7, 40_001, dtype=torch.float64)[:, None]
    with torch.no_grad():
        said = module(x, torch.full((len(x),), 0.5, dtype=torch.float64)).numpy()[:, 0]
    points = x.numpy()
    score, density = p.score(points, 0.5)[:, 0], np.exp(p.log_density(points, 0.5))
    ratio = (density * (said - score) ** 2).sum() / (density * score**2).sum()
    assert float(found.lower) <= ratio * (1 + 1e-6)
    assert ratio * (1 - 1e-6) <= float(found.upper)
