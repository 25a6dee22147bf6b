"""What is kept with a mixture: made once, by mixture and arguments, and left out of copies."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import weakref
from collections.abc import Callable

import numpy as np
import pytest

import certflow as cf
from certflow.law.kept import Recent


def full() -> cf.GaussianMixture:
    return cf.GaussianMixture(["1/3", "2/3"], [[0, 0], ["0.1", 1]], [[[2, 0], [0, 2]], [[1, 0], [0, "0.3"]]])


def used(mixture: cf.GaussianMixture) -> cf.GaussianMixture:
    """After a call of all that keeps something."""
    process = cf.OrnsteinUhlenbeck(mixture)
    process.jacobian(np.ones((1000, mixture.dimension)), 0.3)
    process.lipschitz_bound(np.linspace(0.1, 1, 1000))
    process.stability(0.1, 1)
    assert mixture.diameter > 0
    assert mixture.covariance_matrices.shape == (mixture.n_components, mixture.dimension, mixture.dimension)
    assert len(mixture.kept) > 1
    return mixture


def test_made_once_for_each_maker_and_arguments() -> None:
    mixture, calls = full(), []

    def maker(owner: cf.GaussianMixture, *arguments: int) -> object:
        assert owner is mixture
        calls.append(arguments)
        return object()

    def nothing(owner: cf.GaussianMixture) -> None:
        calls.append(("nothing",))

    first = mixture.kept[maker]
    assert mixture.kept[maker] is first
    assert mixture.kept[maker, 1] is mixture.kept[maker, 1] is not first
    assert mixture.kept[maker, 1] is not mixture.kept[maker, 2]
    assert mixture.kept[nothing] is None
    assert mixture.kept[nothing] is None
    assert calls == [(), (1,), (2,), ("nothing",)]


def test_an_error_is_not_kept() -> None:
    mixture, calls = full(), []

    def maker(owner: cf.GaussianMixture) -> int:
        calls.append(1)
        if len(calls) == 1:
            raise cf.InputError("mixture", "it", "patience")
        return 7

    with pytest.raises(cf.InputError):
        mixture.kept[maker]
    assert mixture.kept[maker] == 7


def test_mixtures_keep_apart() -> None:
    first, second = full(), full()

    def maker(owner: cf.GaussianMixture) -> int:
        return id(owner)

    assert (first.kept[maker], second.kept[maker]) == (id(first), id(second))


def test_threads_get_one_object() -> None:
    mixture, barrier, found = full(), threading.Barrier(2), []

    def maker(owner: cf.GaussianMixture) -> object:
        barrier.wait(timeout=10)  # both are here before either is done
        return object()

    threads = [threading.Thread(target=lambda: found.append(mixture.kept[maker])) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] is found[1]


@pytest.mark.parametrize("other", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
@pytest.mark.parametrize("name", ["full", "wine", "two-modes"])
def test_a_copy_has_the_parameters_alone(name: str, other: Callable[[cf.GaussianMixture], cf.GaussianMixture]) -> None:
    fresh = full() if name == "full" else cf.load_mixture(name)
    size = len(pickle.dumps(fresh))
    mixture = used(fresh)
    assert len(pickle.dumps(mixture)) == size
    twin = other(mixture)
    assert not twin.kept
    assert twin.kept is not mixture.kept
    assert (twin.name, twin.kind, twin.origin) == (mixture.name, mixture.kind, mixture.origin)
    x = np.full((2, mixture.dimension), 0.7)
    one, two = (cf.OrnsteinUhlenbeck(law).score(x, "0.3") for law in (mixture, twin))
    np.testing.assert_array_equal(one, two)
    with pytest.raises(ValueError, match="read-only"):
        twin.means[0, 0] = 5.0
    with pytest.raises(ValueError, match="read-only"):
        twin.exact_means.values[0, 0] = 5.0


def test_what_is_kept_goes_with_the_mixture() -> None:
    mixture = used(full())
    kept = weakref.ref(mixture.exact_means)
    gc.disable()  # no circle may be needed to be found
    try:
        del mixture
        assert kept() is None
    finally:
        gc.enable()


def test_recent_values_are_few() -> None:
    recent: Recent[int] = Recent(2)
    assert [recent.keep(key, key) for key in range(5)] == list(range(5))
    assert dict(recent) == {4: 4}
