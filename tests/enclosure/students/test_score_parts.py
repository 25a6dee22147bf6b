"""What score networks are computed with: quantities, exact layers, bounds of growth, the law on boxes."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
import torch
from flint import arb
from score_oracle import density_and_score, process, rows_score

import certflow as cf
from certflow.enclosure.students.score import field as fields
from certflow.enclosure.students.score.algebras import CellModels, Growth, requ
from certflow.enclosure.students.score.balls import Balls, above, balls, mapped, times
from certflow.enclosure.students.score.field import Field
from certflow.enclosure.students.score.layers import ExactLayers
from certflow.enclosure.students.score.networks import network_growth, read_network
from certflow.enclosure.students.score.torch_quantities import TorchQuantity
from certflow.enclosure.students.taylor import Basis, Models
from certflow.errors import InputError, NoEnclosure
from certflow.numbers.precision import ball_precision
from certflow.schedules.enclosed import enclosed

BASIS = Basis(1, 3, 2)
ETA = np.linspace(-1, 1, 41)


def random_models(count: int, seed: int = 0, centre: float = 1.0) -> Models:
    rng = np.random.default_rng(seed)
    c = rng.normal(size=(BASIS.terms, count, 1)) * np.array([centre, 0.5, 0.2, 0.1, 0.05, 0.05])[:, None, None]
    return Models(c, np.abs(rng.normal(size=(count, 1))) * 0.01)


def values(models: Models, eta: np.ndarray, eps: np.ndarray, share: float) -> np.ndarray:
    """A function that the model stands for: symbols `eps`, `share` of the remainder."""
    c = models.coefficients[..., 0]
    return c[:4].T @ eta ** np.arange(4)[:, None] + (c[4:].T @ eps)[:, None] + share * models.remainder


def test_requ_holds_for_every_function_of_the_model() -> None:
    for seed in range(20):
        models = random_models(50, seed, centre=0.5)
        found = requ(BASIS, models)
        for eps in ([1, 1], [-1, 1], [0.3, -1]):
            for share in (-1.0, 0.0, 1.0):
                truth = np.maximum(values(models, ETA, np.array(eps), share), 0) ** 2
                off = np.abs(truth - values(found, ETA, np.array(eps), 0.0))
                assert (off <= found.remainder * (1 + 1e-12)).all()


def test_requ_is_sharp_where_the_sign_is_known_and_of_second_order_where_not() -> None:
    c = np.zeros((BASIS.terms, 3, 1))
    c[0, :, 0], c[1, :, 0] = (2.0, -2.0, 0.0), 0.01
    found = requ(BASIS, Models(c, np.zeros((3, 1))))
    assert (found.remainder[:2] < 1e-13).all()
    assert found.coefficients[0, 1, 0] < 1e-200
    assert found.remainder[2] <= 0.0858 * 0.01**2


def test_requ_of_a_model_of_which_nothing_is_known() -> None:
    found = requ(BASIS, Models(np.zeros((BASIS.terms, 1, 1)), np.full((1, 1), np.inf)))
    assert np.isinf(found.remainder).all()
    assert not np.isnan(found.coefficients).any()


def test_balls_of_numbers_that_float64_does_not_hold() -> None:
    third = arb(1) / 3
    found = balls([third, arb(2), arb("1e-400")])
    assert found.radius[1] == 0.0
    assert found.radius[2] > 0
    for i, number in enumerate((Fraction(1, 3), Fraction(2), Fraction(1, 10**400))):
        assert abs(number - Fraction(found.middle[i])) <= Fraction(found.radius[i])
    assert above(arb("1e-400")) > 0 == above(arb(0))
    wide = Models(np.ones((BASIS.terms, 1, 1)), np.zeros((1, 1)))
    scaled = times(wide, Balls(np.array([2.0]), np.array([0.5])))
    assert scaled.remainder[0, 0] >= 0.5 * BASIS.terms
    moved = mapped(wide, Balls(np.ones((1, 1)), np.full((1, 1), 0.25)), Balls(np.zeros(1), np.full(1, 1.0)))
    assert moved.remainder[0, 0] >= 0.25 * BASIS.terms + 1


@pytest.mark.parametrize("law", ["modes", "uneven"])
def test_density_and_score_on_boxes(law: str) -> None:
    law_field, basis = Field(process(law).mixture, Fraction(1, 5)), Basis(1, 5)
    low = np.linspace(-5, 4.9, 100)[:, None]
    local = law_field.on(basis, basis.boxes(low, low + 0.1))
    for eta in (-1.0, 0.25, 1.0):
        truth = density_and_score(low[:, 0] + 0.05 * (1 + eta), 0.2, law)
        for models, exact in zip(local, truth, strict=True):
            value = np.polynomial.polynomial.polyval(eta, models.coefficients[:, :, 0])
            assert (np.abs(value - exact) <= models.remainder[:, 0] + 1e-12 * (1 + np.abs(exact))).all()
    assert np.median(local.score.remainder) < 1e-4
    assert np.isfinite(local.score.remainder).all()


def test_what_is_beyond_the_cells() -> None:
    law_field = Field(process("uneven").mixture, Fraction(1, 5))
    low, high = law_field.box(3.0)
    found = law_field.beyond([2.0, 3.0], low, high)
    x = np.linspace(-12, 12, 200_001)
    p, _ = density_and_score(x, 0.2, "uneven")
    outside = (x < low[0]) | (x > high[0])
    truth = float((p * (2 + 3 * np.abs(x)) ** 2 * outside).sum() * (x[1] - x[0]))
    assert truth <= found <= 12 * truth
    assert law_field.beyond([1.0], low, np.array([0.0])) == np.inf


def test_a_normal_tail_by_mpmath() -> None:
    for power in (0, 2, 6):
        with mpmath.workdps(30):
            truth = 2 * mpmath.quad(lambda z, j=power: z**j * mpmath.npdf(z), [3, 6, 20])
        found = fields._normal_tail(arb(3), power)
        assert abs(float(found.mid()) / float(truth) - 1) < 1e-12


def test_exact_layers_with_neurons_that_see_the_time_alone() -> None:
    network = cf.networks.relu_requ_score(process(), "1e-2", arithmetic="arb")
    layers, time = ExactLayers(network.exact_layers()), Fraction(3, 10)
    basis = Basis(1, 4)
    low = np.linspace(-4, 3.99, 800)[:, None]
    found = layers(CellModels(basis, len(low)), basis.boxes(low, low + 0.01), time, 1)
    said = rows_score(network.exact_layers(), 0.3)(low[:, 0] + 0.005)
    assert (np.abs(found.coefficients[0, :, 0] - said) <= found.remainder[:, 0] + 1e-9).all()
    assert np.median(found.remainder) < 1e-6


def test_layers_of_ones_own() -> None:
    """`max(x - t, 0)^2 / 3 - tanh(2x)`, weights fractions: what is read without torch."""

    class Own:
        def exact_layers(self):
            hidden = [(0, {0: 1, 1: -1}, "requ"), (0.0, {0: Fraction(2)}, "tanh")]
            return [hidden, [(0, {0: Fraction(1, 3), 1: -1}, "")]]

    x, w = np.linspace(-7, 7, 400_001, retstep=True)
    p, s = density_and_score(x, 0.25)
    said = np.maximum(x - 0.25, 0) ** 2 / 3 - np.tanh(2 * x)
    found = cf.enclosure.score_error(process(), Own(), "0.25", rtol="1e-4")
    assert float((w * p * (said - s) ** 2).sum()) in found.error
    assert found.complete
    with pytest.raises(InputError, match="gelu"):
        ExactLayers([[(0, {0: 1}, "gelu")], [(0, {0: 1}, "")]])


def test_a_changed_module_is_not_the_constructed_network() -> None:
    module = cf.networks.relu_requ_score(process(), "1e-2")
    module.layers[0].weight.data[0, 0] += 0.5
    with pytest.raises(InputError, match="changed"):
        module.exact_layers()


@pytest.mark.parametrize("t", ["0.01", "0.3", "2"])
def test_times_of_schedules(t: str) -> None:
    """By mpmath: `tau` and `r` of each family."""
    exact = Fraction(t)
    with mpmath.workdps(30):
        time = mpmath.mpf(exact.numerator) / exact.denominator
        m = mpmath.exp(-time)
        n = mpmath.sqrt(1 - m * m)
        offset = mpmath.mpf(0.008)
        angle = mpmath.acos(m * mpmath.cos(offset / (1 + offset) * mpmath.pi / 2))
        low, rise = mpmath.mpf(0.1), 20 - mpmath.mpf(0.1)
        expected = {
            cf.schedules.edm(): (n / m, 1 / m),
            cf.schedules.flow_matching(3): (n / (m + n), 1 / (m + n)),
            cf.schedules.ornstein_uhlenbeck(): (time, 1),
            cf.schedules.cosine(): (angle / (mpmath.pi / 2) * (1 + offset) - offset, 1),
            cf.schedules.variance_preserving(): ((-low + mpmath.sqrt(low**2 + 4 * rise * time)) / rise, 1),
        }
        for schedule, pair in expected.items():
            with ball_precision(100):
                found = enclosed(schedule, exact)
            for ball, truth in zip(found, pair, strict=True):
                assert abs(float(ball.mid()) - float(truth)) < 1e-15 * abs(float(truth))
                assert ball.rad() < 1e-25
    table = cf.schedules.scaled_linear()
    assert float(enclosed(table, Fraction("0.3"))[0].mid()) == float(table.time_at(0.3))


# -- growth ----------------------------------------------------------------------------------------------------


def test_bounds_of_growth_hold() -> None:
    torch.manual_seed(1)
    network = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.SiLU(), torch.nn.Linear(8, 1)).double()
    constant, slope = network_growth(read_network(network, process()), "score", 1, Fraction(1, 2))
    x = torch.linspace(-1e3, 1e3, 1001, dtype=torch.float64)[:, None]
    said = network(torch.cat([x, torch.full_like(x, 0.5)], 1)).abs()
    assert (said <= constant + slope * x.abs()).all()
    assert slope < 10


def test_growth_of_too_many_squares_is_not_known() -> None:
    algebra, rows = Growth(), np.array([[0.0], [1.0]])
    for _ in range(5):
        rows = algebra.activated("requ", rows)
    assert len(rows) == 33
    with pytest.raises(NoEnclosure, match="degree 64"):
        algebra.activated("requ", rows)


# -- quantities ------------------------------------------------------------------------------------------------


def quantity(n: int = 1, axes: int = 2) -> TorchQuantity:
    low = np.array([[0.5] * n])
    basis = Basis(n, 3)
    return TorchQuantity(CellModels(basis, 1), basis.boxes(low, low + 0.5), axes=axes)


def test_operations_of_torch_say_what_torch_says() -> None:
    t = torch.tensor([0.7], dtype=torch.float64)
    weight = torch.tensor([[0.5, -1.0, 2.0]], dtype=torch.float64)

    def code(x, s):
        s = s[:, None]
        s = s.expand(len(x), 1).view(x.shape[0], -1)
        h = torch.cat([x * weight, s.log().sin(), 1 - x[:, 0:1] / 3 * torch.ones(x.shape[0], 1)], dim=-1)
        h = torch.nn.functional.silu(h - s) + torch.tanh(-h) * 2
        return (h**2).reshape(-1, 5)[:, :2] @ weight[0, :2, None] + (s.exp() - 2).square() + torch.relu(x) ** 2

    found = code(quantity(), TorchQuantity.of_numbers(quantity().algebra, [arb(0.7)], 1)).rows()
    for eta in (-1.0, 0.1, 1.0):
        truth = float(code(torch.tensor([[0.75 + 0.25 * eta]], dtype=torch.float64), t))
        value = np.polynomial.polynomial.polyval(eta, found.coefficients[:, 0, 0])
        assert abs(truth - value) <= found.remainder[0, 0] + 1e-12
    assert found.remainder[0, 0] < 0.05


@pytest.mark.parametrize(
    "code",
    [
        lambda x, t: x * t,  # torch makes (N, N) of (N, 1) and (N,)
        lambda x, t: x / x,
        lambda x, t: x if x > 0 else -x,
        lambda x, t: x if t == 1 else -x,
        lambda x, t: x.sin(),
        lambda x, t: x.mean(0),
        lambda x, t: torch.nn.functional.dropout(x),
        lambda x, t: torch.cat([x, x], 0),
        lambda x, t: x[0],
        lambda x, t: torch.from_numpy(np.asarray(x)),
        lambda x, t: np.sin(x),
        lambda x, t: t,
        lambda x, t: x**3,
        lambda x, t: torch.zeros(4, 3) + x,
        lambda x, t: x.view(1, -1),
        lambda x, t: x + torch.linspace(0, 1, len(x))[:, None],
    ],
)
def test_code_that_cannot_be_read_is_refused(code) -> None:
    model = cf.Model(code, "sample", cf.schedules.edm(), shape=(1,))
    with pytest.raises(InputError, match="network"):
        cf.enclosure.score_error(process(), model, "0.1")


def test_conditioning_is_refused() -> None:
    model = cf.Model(lambda x, s, c: x * c, "sample", cf.schedules.edm(), c=2.0)
    with pytest.raises(InputError, match="conditioning"):
        cf.enclosure.score_error(process(), model, "0.1")
