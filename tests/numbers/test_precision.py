"""Precision belongs to the caller: none is left changed, on any path, and threads do not change each other's."""

from __future__ import annotations

import decimal
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import flint
import mpmath
import numpy as np
import pytest
import sympy  # noqa: F401  (its import adds a filter of warnings)

import certflow as cf
from certflow.numbers.precision import ball_precision, mpmath_context

P = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "3")
X, Y = "0.3", "0.1"


@contextmanager
def restless() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _legacy_state() -> list[int]:
    return np.random.get_state()[1].tolist()  # noqa: NPY002  (what callers may still use)


def _point() -> np.ndarray:
    return np.array([[mpmath.mpf(X), mpmath.mpf(Y)]], dtype=object)


def _balls() -> np.ndarray:
    return np.array([[flint.arb(X), flint.arb(Y)]], dtype=object)


def _near_zero() -> Any:
    """A point whose float64 score needs balls."""
    return P.score(np.array([np.exp(-0.5) * 1e-200, 0.0]), 0.5)


#: calls that change a precision inside, and some that fail there
CALLS: dict[str, Callable[[], Any]] = {
    "score": lambda: P.score(_point(), mpmath.mpf("0.5")),
    "score-balls": lambda: P.score(_balls(), flint.arb("0.5")),
    "score-repaired": _near_zero,
    "rate": lambda: P.growth_rate_bound(mpmath.mpf("0.5")),
    "rate-balls": lambda: P.lipschitz_bound(flint.arb("0.5")),
    "inverse": lambda: P.time_at_stability(1.0),
    "inverse-mpmath": lambda: P.time_at_stability(mpmath.mpf(1)),
    "stability": lambda: P.stability(mpmath.mpf("0.1"), mpmath.mpf(1)),
    "flow": lambda: P.flow(_point(), 0.5, 0.4, 1e-8),
    "enclosure": lambda: cf.enclosure.stability(P, "0.1", 1),
    "bounds": lambda: cf.enclosure.rate_bounds(P, "0.1", 1, panels=3),
    "tube": lambda: cf.enclosure.flow_tube(P, [X, Y], "0.5", "0.4", digits=8),
    "error-time": lambda: P.score(_point(), mpmath.mpf(-1)),
    "error-value": lambda: P.time_at_stability(1e9),
    "error-value-balls": lambda: P.time_at_stability(flint.arb(10) ** 9),
    "error-shape": lambda: P.score(np.array([mpmath.mpf(1)], dtype=object), 1),
    "error-tube": lambda: cf.enclosure.flow_tube(P, [X, Y], "0.5", "0.4", max_steps=1),
    "verify": lambda: cf.verify(P, ["S2", "F2"], digits=20),
}


@pytest.mark.parametrize("call", CALLS)
def test_no_state_is_left_changed(call: str) -> None:
    def state() -> tuple[Any, ...]:
        return (
            *(mpmath.mp.prec, mpmath.mp.dps, flint.ctx.prec, np.geterr(), decimal.getcontext().prec),
            *(list(warnings.filters), random.getstate(), _legacy_state(), sys.getrecursionlimit()),
        )

    with mpmath.workdps(33), flint.ctx.workprec(77):
        before = state()
        with suppress(ArithmeticError, ValueError):
            CALLS[call]()
        assert state() == before


def test_distillation_leaves_torch_as_it_was() -> None:
    torch = pytest.importorskip("torch")
    from certflow.distill.settings import Settings

    def state() -> tuple[Any, ...]:
        return (
            *(torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled(), np.geterr()),
            *(torch.get_rng_state().tolist(), _legacy_state(), random.getstate()),
            torch.are_deterministic_algorithms_enabled(),
        )

    before = state()
    cf.distill.run(P, ["uniform"], [1], 1, "cpu", Settings(steps=3, hidden=4, warmup=1, batch=4, pool=64, test=64))
    assert state() == before


@pytest.mark.parametrize(
    ("call", "other"),
    [
        (lambda: P.score(_point(), mpmath.mpf("0.5"))[0, 0], lambda: P.time_at_stability(1.5)),
        (lambda: P.growth_rate_bound(mpmath.mpf("0.5")), lambda: P.score(_point(), "0.25")),
        (lambda: P.stability(mpmath.mpf("0.1"), mpmath.mpf(1)), lambda: P.flow(_point(), 0.5, 0.45, 1e-5)),
        (lambda: P.time_at_stability(mpmath.mpf(1)), lambda: P.lipschitz_bound(mpmath.mpf("0.5"))),
    ],
    ids=["score", "rate", "stability", "inverse"],
)
def test_sixty_digits_in_threads(call: Callable[[], Any], other: Callable[[], Any]) -> None:
    with mpmath.workdps(60):
        wanted = call()
        other()

        def work(i: int) -> Any:
            if i % 2:
                other()
                return wanted
            return call()

        with restless(), ThreadPoolExecutor(4) as pool:
            found = list(pool.map(work, range(80)))
        assert all(value == wanted for value in found)
        assert mpmath.mp.dps == 60


def test_balls_in_threads() -> None:
    """Balls keep the precision that is asked for, whatever other threads ask for."""
    with flint.ctx.workprec(200):
        wanted = P.score(_balls(), flint.arb("0.5"))[0, 0]

        def work(i: int) -> Any:
            if i % 2:
                _near_zero()
                cf.enclosure.stability(P, "0.5", 1, digits=10)
                return wanted
            return P.score(_balls(), flint.arb("0.5"))[0, 0]

        balls = _balls()
        with restless(), ThreadPoolExecutor(4) as pool:
            found = list(pool.map(work, range(60)))
        assert balls[0, 0].overlaps(flint.arb(X))
        assert all(value.overlaps(wanted) for value in found)
        assert flint.ctx.prec == 200


def test_numbers_return_to_the_context_they_came_from() -> None:
    own = mpmath.MPContext()
    own.dps = 45
    x = np.array([own.mpf(X), own.mpf(Y)], dtype=object)
    found = P.score(x, own.mpf("0.5"))[0]
    assert type(found) is own.mpf
    with mpmath.workdps(45):
        wanted = P.score(_point()[0], mpmath.mpf("0.5"))[0]
        assert type(wanted) is mpmath.mpf
        assert found == wanted
        assert all(type(entry) is mpmath.mpf for entry in P.flow(_point()[0], 0.5, 0.45, 1e-5))
        assert type(P.stability(mpmath.mpf("0.1"), 1)) is mpmath.mpf
        assert type(P.amplification(mpmath.mpf("0.1"), 1)) is mpmath.mpf
        assert type(P.time_at_stability(mpmath.mpf(1))) is mpmath.mpf
        assert type(P.residual_block(_point()[0], mpmath.mpf("0.5"), mpmath.mpf("0.1"))[0]) is mpmath.mpf


def test_constants_have_all_digits() -> None:
    with mpmath.workdps(50):
        named = P.score(np.array([mpmath.pi, 0], dtype=object), mpmath.mpf(1))
        plain = P.score(np.array([+mpmath.pi, 0], dtype=object), mpmath.mpf(1))
        assert abs(named[0] - plain[0]) < mpmath.mpf(10) ** -48


def test_results_are_rounded_to_the_callers_precision() -> None:
    with mpmath.workdps(25):
        value = P.growth_rate_bound(mpmath.mpf("0.5"))
        assert value._mpf_[3] <= mpmath.mp.prec


def test_a_context_is_of_its_thread_and_precision() -> None:
    with ThreadPoolExecutor(1) as pool:
        elsewhere = pool.submit(mpmath_context, 100).result()
    assert mpmath_context(100) is mpmath_context(100) is not elsewhere
    assert mpmath_context(100).prec == elsewhere.prec == 100


def test_ball_precision_is_put_back_by_an_error() -> None:
    before = flint.ctx.prec

    def failing() -> None:
        with ball_precision(300):
            assert flint.ctx.prec == 300
            with ball_precision(extra=20):
                assert flint.ctx.prec == 320
                raise KeyError

    with pytest.raises(KeyError):
        failing()
    assert flint.ctx.prec == before


def test_verifications_in_threads() -> None:
    """Evidence of high precision keeps its digits while other threads verify with fewer."""
    few, many = (cf.verify(P, ["S2"], digits=digits) for digits in (15, 40))
    with restless(), ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda digits: cf.verify(P, ["S2"], digits=digits), [15, 40, 15, 40]))
    for report, wanted in zip(found, [few, many, few, many], strict=True):
        pairs = zip(report.results[0].evidence, wanted.results[0].evidence, strict=True)
        for one, other in pairs:
            assert one.model_dump(exclude={"seconds"}) == other.model_dump(exclude={"seconds"})
