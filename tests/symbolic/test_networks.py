"""A1 to A6, A8, A9: the identities of the constructive networks reduce to zero, wrong ones do not."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sympy as sp
from flint import fmpq

from certflow.networks.formulas import NetworkFormulas, formulas_of, monic_root
from certflow.networks.gadgets import exact
from certflow.networks.gadgets.pieces import piecewise
from certflow.networks.graph import Network
from certflow.process import OrnsteinUhlenbeck
from certflow.symbolic import Verdict, derive
from certflow.symbolic.networks import outputs_at

RIGHT = NetworkFormulas()


def with_(**wrong):
    """A class of processes whose networks have one formula wrong."""
    return type("Wrong", (OrnsteinUhlenbeck,), {"networks": replace(RIGHT, **wrong)})


def shifted_knots(knots, functions, **options):
    return piecewise([*knots[:-1], knots[-1] + fmpq(1, 1000)], functions, **options)


class WrongSignScore(OrnsteinUhlenbeck):
    def score(self, x, t):
        return -super().score(x, t)


class HalfVelocity(OrnsteinUhlenbeck):
    def velocity(self, x, t):
        return super().velocity(x, t) / 2


class SwappedResponsibilities(OrnsteinUhlenbeck):
    def responsibilities(self, x, t):
        return super().responsibilities(x, t)[::-1]


@pytest.mark.parametrize(
    ("wrong", "statement", "name"),
    [
        (with_(square=lambda n, z: n.requ(z)), "A1", "A1.exact"),
        (with_(square=lambda n, z: n.requ(z) - n.requ(-z)), "A1", "A1.exact"),
        (with_(product=lambda *a: exact.product(*a) * 2), "A1", "A1.exact"),
        (with_(product=lambda n, x, y, scales=(1, 1): exact.product(n, x, y)), "A1", None),
        (with_(maximum=lambda n, x, y: n.relu(y - x) + exact.carry(n, y)), "A1", "A1.exact"),
        (with_(carry=lambda n, z: n.relu(z)), "A1", "A1.exact"),
        (with_(piecewise=shifted_knots), "A2", "A2.clipped"),
        (with_(monic_root=lambda p: [2 * q for q in monic_root(p)[:-1]] + [1]), "A2", "A2.square"),
        (with_(relative_remainder=lambda w, s: w(s) / w(-1)), "A3", "A3.remainder"),
        (with_(drift=lambda c, r: 1 + c * r), "A4", "A4.forms"),
        (with_(drift=lambda c, r: 1 + c * r * r), "A4", "A4.pole"),
        (with_(drift=lambda c, r: 2 * c * r), "A5", "A5.score"),
        (WrongSignScore, "A5", "A5.score"),
        (with_(logit_error=lambda rho, eta, logit, w, n: rho * logit + eta * n), "A6", "A6.logits"),
        (with_(logit_error=lambda rho, eta, logit, w, n: rho * (logit - w)), "A6", "A6.logits"),
        (SwappedResponsibilities, "A6", "A6.overlap"),
        (WrongSignScore, "A8", "A8.logistic"),
        (HalfVelocity, "A9", "A9.coordinates"),
    ],
)
def test_a_wrong_formula_does_not_vanish(wrong, statement, name):
    verdicts = {residual.name: residual.verdict for residual in derive(statement, wrong)}
    if name is None:  # another scale is another network for the same function
        assert set(verdicts.values()) == {Verdict.ZERO}
    else:
        assert verdicts[name] is Verdict.NONZERO


def test_a_network_is_run_on_the_chamber_of_a_point():
    x = sp.Symbol("x", real=True)
    network = Network(1)
    value = network.requ(network.relu(network.input(0) - 1) - 2) * 3 + 5
    network.finish([value])
    assert outputs_at(network, [x], {x: sp.Integer(4)}) == [3 * x**2 - 18 * x + 32]
    assert outputs_at(network, [x], {x: sp.Integer(2)}) == [5]
    with pytest.raises(ValueError, match="boundary of a chamber"):
        outputs_at(network, [x], {x: sp.Integer(3)})


def test_the_root_of_a_square_is_the_square_root():
    """`(c^2 + 3 c + 2)^2 = c^4 + 6 c^3 + 13 c^2 + 12 c + 4`: all but the constant term of the root."""
    assert monic_root([sp.Integer(n) for n in (4, 12, 13, 6, 1)]) == [0, 3, 1]


def test_formulas_are_the_packages_unless_a_class_brings_its_own():
    assert formulas_of(OrnsteinUhlenbeck).square is exact.square
    assert formulas_of(OrnsteinUhlenbeck).piecewise is piecewise
    assert formulas_of(with_(carry=max)).carry is max
