"""Where a model errs: errors planted in one place are found there."""

from __future__ import annotations

import numpy as np
import pytest

import certflow as cf
from certflow.auditing.measuring import Draws
from certflow.auditing.places import FIELDS, Places, distances, places

TIME = 0.2


@pytest.fixture(scope="module")
def ring() -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck(cf.load_mixture("ring-8"))


def classes(found: Places, title: str):
    return dict(found.tables)[title]


def test_an_error_of_one_component_is_its_own(ring):
    x = Draws.of(ring, 2048, 0).x(TIME)
    nearest = ring.responsibilities(x, TIME).argmax(1)
    found = places(ring, x, TIME, np.where(nearest == 5, 1.0, 0.0))
    first, *others = classes(found, "by component of largest responsibility")
    assert first.name == "component 5"
    assert first.error == pytest.approx(1)
    assert first.draws == pytest.approx((nearest == 5).mean())
    assert first.factor == pytest.approx(1 / first.draws)
    assert sum(row.error for row in others) == 0
    assert sum(row.draws for row in (first, *others)) == pytest.approx(1)


def test_an_error_at_ties_is_next_to_ties(ring):
    x = Draws.of(ring, 2048, 1).x(TIME)
    second = np.sort(ring.responsibilities(x, TIME), axis=1)[:, -2]
    found = places(ring, x, TIME, (second > 0.3) + 0.0)
    *others, tied = classes(found, "next to ties")
    assert tied.error == pytest.approx(1)
    assert sum(row.error for row in others) == 0


def test_an_error_far_out_is_far_out():
    process = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[1, 0, 2]], [[2, 0.5, 0], [0.5, 1, 0], [0, 0, 0.1]]))
    x = Draws.of(process, 4096, 2).x(TIME)
    m = np.exp(-TIME)
    covariance = m**2 * np.array([[2, 0.5, 0], [0.5, 1, 0], [0, 0, 0.1]]) + (1 - m**2) * np.eye(3)
    offsets = x - m * np.array([1, 0, 2])
    far = np.sqrt(np.einsum("ni,ij,nj->n", offsets, np.linalg.inv(covariance), offsets) / 3)
    assert distances(process, x, TIME) == pytest.approx(far)
    found = places(process, x, TIME, (far > np.quantile(far, 0.995)) + 0.0)
    assert [title for title, _ in found.tables] == ["by distance from the nearest component"]
    *others, last = found.tables[0][1]
    assert last.error == pytest.approx(1)
    assert last.draws == pytest.approx(0.01, abs=0.001)
    assert sum(row.error for row in others) == 0


def test_the_map_shows_the_error_where_it_is(ring):
    x = Draws.of(ring, 4096, 3).x(TIME)
    found = places(ring, x, TIME, (x[:, 0] > 0.5) + 0.0).map
    assert found.error.shape == (FIELDS, FIELDS)
    right = found.edges[0][1:] > 0.5  # fields that reach beyond
    assert found.error[~right].sum() == 0
    assert found.error[right].sum() > 0.9
    assert np.nanmax(found.factor()) == pytest.approx(1 / (x[:, 0] > 0.5).mean())


def test_many_components_are_listed_by_error():
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("grid-4x4"))
    x = Draws.of(process, 1024, 4).x(TIME)
    rows = classes(places(process, x, TIME, (x**2).sum(1)), "by component of largest responsibility")
    assert len(rows) == 9
    assert rows[-1].name == "the other 8"
    assert [row.error for row in rows[:-1]] == sorted((row.error for row in rows[:-1]), reverse=True)
    assert sum(row.error for row in rows) == pytest.approx(1)
