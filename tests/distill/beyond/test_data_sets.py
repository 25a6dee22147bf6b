"""The data sets: their sizes, scale and what is held out."""

from __future__ import annotations

import numpy as np
import pytest

from certflow.distill.beyond.data_sets import DATA_SETS, data_set, digits, tiles
from certflow.errors import InputError

SHAPES = {"two-moons": ((2000, 2), (1000, 2)), "digits": ((1348, 8), (449, 8)), "patches": ((6360, 64), (2120, 64))}


@pytest.mark.parametrize("name", DATA_SETS)
def test_scale_and_what_is_held_out(name):
    data = data_set(name)
    assert (data.rows.shape, data.held_out.shape) == SHAPES[name]
    np.testing.assert_allclose(data.rows.mean(0), 0, atol=1e-12)
    assert data.rows.var(0).mean() == pytest.approx(1)
    assert data.held_out.var(0).mean() == pytest.approx(1, abs=0.1)
    again = data_set(name)
    assert np.array_equal(data.rows, again.rows)
    assert np.array_equal(data.held_out, again.held_out)


def test_nothing_held_out_is_trained_on():
    data = data_set("digits")
    rows = {row.tobytes() for row in data.rows.round(9)}
    assert not any(row.tobytes() in rows for row in data.held_out.round(9))
    both = np.concatenate([data.rows, data.held_out])
    whole = digits()
    spread = np.sqrt(whole.var(0).sum() / both.var(0).sum())
    np.testing.assert_allclose(np.sort((both - both.mean(0)) * spread, 0), np.sort(whole, 0), atol=1e-9)


def test_tiles_are_those_of_the_photographs():
    from sklearn.datasets import load_sample_images

    first = load_sample_images().images[0].mean(2)
    found = tiles()
    assert found.shape == (8480, 64)
    assert np.array_equal(found[0].reshape(8, 8), first[:8, :8])
    assert np.array_equal(found[81].reshape(8, 8), first[8:16, 8:16])  # 80 tiles in a row


def test_an_unknown_data_set():
    with pytest.raises(InputError) as caught:
        data_set("cats")
    assert caught.value.field == "data_set"
