"""A7: the fit of a table of sizes, against tables whose rate is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from certflow.errors import InputError
from certflow.networks.rate import Size, rate


def table(depth, width, exponents=(2, 5, 10, 20, 40, 400)):
    return [Size(f"1e-{e}", depth(e * math.log(10)), width(e * math.log(10)), 7) for e in exponents]


def test_a_depth_of_the_double_logarithm_is_fitted_exactly():
    found = rate(table(lambda x: 5 + 2 * math.log2(x), lambda x: 10 + 4 * x), components=8)
    assert (found.depth.intercept, found.depth.slope) == pytest.approx((5, 2))
    assert (found.width.intercept, found.width.slope) == pytest.approx((10, 4))
    assert found.depth.residual < 1e-9
    assert found.depth_in_log.residual > 1
    assert found.powers["neurons"] == pytest.approx(0, abs=1e-9)
    # 5 + 2 y <= 2 + 3 + 3 y + c: the least y of the table decides
    assert found.allowance == pytest.approx(-math.log2(2 * math.log(10)))
    assert found.theory(found.log)[0] == pytest.approx(found.depth.at(found.log_log)[0])
    assert (found.theory(found.log) >= found.depth.at(found.log_log) - 1e-9).all()


def test_a_layer_for_each_digit_is_told_from_it():
    found = rate(table(lambda x: 3 + x, lambda x: x**1.5), components=2)
    assert found.depth_in_log.residual < 1e-9 < 1 < found.depth.residual
    assert found.powers["width"] == pytest.approx(1.5)


def test_rows_come_in_any_order():
    rows = table(lambda x: round(x), lambda x: round(2 * x))
    assert np.array_equal(rate(rows[::-1], 2).log, rate(rows, 2).log)


@pytest.mark.parametrize(
    "eps", [["1e-2", "1e-3"], ["1e-2", "1e-2", "1e-3"], ["1e-2", "0.5", "1e-9"], [0, "1e-2", "1e-9"]]
)
def test_a_table_that_tells_no_rate_is_refused(eps):
    with pytest.raises(InputError, match=r"^(sizes|eps): got .*; required: "):
        rate([Size(e, 3, 3, 3) for e in eps], 2)
