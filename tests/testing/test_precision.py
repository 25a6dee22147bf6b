"""Formats round as NumPy and torch do; the error model covers what it must and no more than it says."""

from __future__ import annotations

import numpy as np
import pytest

from certflow.errors import InputError
from certflow.testing.precision import PRECISIONS, precision_of

VALUES = np.concatenate([np.random.default_rng(0).standard_normal(1000) * 10.0 ** np.arange(-5, 5).repeat(100), [0, 1]])


@pytest.mark.parametrize("name", ["float64", "float32", "float16"])
def test_rounding_is_that_of_numpy(name: str) -> None:
    values = VALUES[np.abs(VALUES) < 6e4]
    np.testing.assert_array_equal(PRECISIONS[name].rounded(values), values.astype(name).astype(float))


def test_rounding_is_that_of_torch_in_bfloat16() -> None:
    torch = pytest.importorskip("torch")
    single = VALUES.astype(np.float32).astype(float)
    there = torch.tensor(single).float().bfloat16().double().numpy()
    np.testing.assert_array_equal(PRECISIONS["bfloat16"].rounded(single), there)


@pytest.mark.parametrize("name", PRECISIONS)
def test_numbers_between_two_ends_stay_there(name: str) -> None:
    found = PRECISIONS[name].between(np.linspace(0, 4, 999), 0.01, 3)
    assert found.min() >= 0.01
    assert found.max() <= 3
    np.testing.assert_array_equal(PRECISIONS[name].rounded(found), found)


def test_names_of_formats() -> None:
    assert precision_of(np.float32) is precision_of(np.dtype("float32")) is precision_of("float32")
    with pytest.raises(InputError, match="dtype"):
        precision_of("int8")
