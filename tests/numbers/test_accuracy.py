"""Balls of rising precision: as many digits as the result asks for, and an end where there are none."""

import flint
import numpy as np
import pytest

from certflow.numbers.accuracy import from_balls, tolerance


@pytest.mark.parametrize(("places", "bits"), [(10, [128]), (60, [128, 256, 512]), (250, [128, 256, 512, 1024])])
def test_cancellation_raises_the_precision(places, bits):
    seen = []

    def difference():
        seen.append(flint.ctx.prec)
        small = 1 / flint.arb(10) ** places
        return [(1 + small) - 1, flint.arb(0)]

    assert from_balls(difference).tolist() == [float(f"1e-{places}"), 0.0]
    assert seen == bits


def test_an_exact_zero_and_what_is_no_number_end_at_the_last_precision():
    seen = []
    assert from_balls(lambda: seen.append(flint.ctx.prec) or flint.arb(0)) == 0
    assert seen == [128, 256, 512, 1024, 2400]
    assert np.isnan(from_balls(lambda: [flint.arb("nan")])).all()


def test_the_precision_is_put_back():
    before = flint.ctx.prec
    from_balls(lambda: flint.arb(2).sqrt())
    assert flint.ctx.prec == before


@pytest.mark.parametrize(("dimension", "wanted"), [(1, 5e-13), (64, 5e-13), (128, 1e-12), (640, 5e-12)])
def test_the_tolerance_grows_beyond_64_dimensions(dimension, wanted):
    assert tolerance(dimension) == pytest.approx(wanted, rel=1e-12)
