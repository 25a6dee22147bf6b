"""What does not depend on t is computed once: a quadrature asks for rates at hundreds of nodes, and does no exact
arithmetic at any of them."""

from fractions import Fraction

import numpy as np
import pytest

import certflow as cf
from certflow.bounds import existence, rates

OPERATIONS = ("__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__truediv__", "__rtruediv__")
NARROW, WIDE, CROSSED = [["0.1", 0], [0, "0.1"]], [["0.3", "0.1"], ["0.1", "0.4"]], [["0.2", 0], [0, "0.05"]]
THIRDS, QUARTERS = ["1/3"] * 3, ["0.25"] * 4
LAWS = {
    "isotropic": (THIRDS, [[-1, 0], [1, 0], ["1/3", 2]], ["0.04", "0.09", "0.04"]),
    "full": (QUARTERS, [[-1, 0], [1, 0], [0, "1/3"], [0, 1]], [NARROW, WIDE, NARROW, [[1, 0], [0, "0.9"]]]),
    "full with a crossed pair": (THIRDS, [[-1, 0], [1, "1/3"], [0, 0]], [NARROW, CROSSED, WIDE]),
    "shared": (THIRDS, [[-1, 0], [1, 0], ["1/3", 2]], WIDE),
}
QUANTITIES = {
    "one-sided": lambda process, t: process.growth_rate_bound(t),
    "two-sided": lambda process, t: process.lipschitz_bound(t),
    "ball": lambda process, t: process.ball_bound(2.0, t),
}


def process_of(law):
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture(*LAWS[law]))


@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("law", LAWS)
def test_no_exact_arithmetic_after_the_first_time(law, quantity, monkeypatch):
    process = process_of(law)
    call = QUANTITIES[quantity]
    done = []
    for name in OPERATIONS:
        plain = getattr(Fraction, name)
        monkeypatch.setattr(
            Fraction, name, lambda a, b, plain=plain, name=name: done.append(name) or plain(a, b), raising=True
        )
    call(process, 0.3)
    first = len(done)
    again = call(process, np.array([0.1, 0.3, 1.0]))
    assert first > 0
    assert len(done) == first
    monkeypatch.undo()
    np.testing.assert_allclose(again, [call(process_of(law), t) for t in (0.1, 0.3, 1.0)], rtol=1e-12)


@pytest.mark.parametrize(
    ("law", "module", "name", "most"),
    [("isotropic", rates, "exact_diameter_squared", 2), ("full", existence, "signature", 24)],
)
def test_a_quadrature_asks_once(law, module, name, most, monkeypatch):
    """At most once a group for its diameter; for signatures, a few times each ordered pair of the three groups."""
    plain, calls = getattr(module, name), []
    monkeypatch.setattr(module, name, lambda *args: calls.append(args) or plain(*args))
    process = process_of(law)
    process.stability(0.01, 3.0)
    assert 0 < len(calls) <= most
    before = len(calls)
    process.stability(0.02, 2.0, "two-sided")
    assert len(calls) == before
