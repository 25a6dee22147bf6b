"""The compiled formulas: as right as the guard says, in doubt where they must be, the same in any number of threads."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import weakref

import mpmath
import numpy as np
import pytest
from adversaries import critical_points, tie_points, wide_spread
from depth import cases
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import KINDS, PAIRS, QUANTITIES, noised, random_mixture
from oracle import Oracle, relative_error

import certflow as cf
from certflow.field import evaluate
from certflow.field.fused import rows, threads
from certflow.testing import points, processes

pytest.importorskip("numba")

VECTORS = ("score", "velocity", "jacobian")


def generally(law, quantity, x, t):
    """What the general formulas and their guard say."""
    return evaluate._in_chunks(law, evaluate.FLOATS, quantity, x, np.array([t]))


def error(quantity, value, exact):
    """Of one row: relative in norm; of a log-density below one and of responsibilities absolute."""
    if quantity == "log_density":
        return abs(value - exact) / max(1, abs(exact))
    size = 1 if quantity == "responsibilities" else np.linalg.norm(exact)
    return np.linalg.norm(value - exact) / size if size else np.linalg.norm(value)


@pytest.mark.parametrize("adversary", [wide_spread, tie_points, critical_points])
@pytest.mark.parametrize("kind", KINDS)
def test_a_row_that_is_in_no_doubt_is_right(kind, adversary, monkeypatch):
    """Against 130 digits, at points where float64 loses them; zeros of the score are in doubt at first."""
    law = PAIRS[kind]
    p, oracle, doubts, first = cf.OrnsteinUhlenbeck(law, "1e-9", 50), Oracle(law), 0, 0
    x, times = adversary(p, np.random.default_rng(6), cases(30))
    for point, t in zip(x, times, strict=True):
        exact = oracle.at(point, t)
        for quantity in VECTORS:
            value, doubtful = rows.fused_rows(law, quantity, point[None], np.array([t]))
            doubts += len(doubtful)
            if not len(doubtful):
                assert relative_error(value[0], exact[quantity]) < 5e-13
            with monkeypatch.context() as without_repair:
                without_repair.setattr(rows, "_is_repaired", lambda *_: False)
                first += len(rows.fused_rows(law, quantity, point[None], np.array([t]))[1])
    assert adversary is not critical_points or first
    assert doubts < first or not first if kind.endswith("isotropic") else doubts == first


@settings(max_examples=40)
@given(processes(), st.data())
def test_as_the_general_formulas_on_any_mixture(p, data):
    law, t = p.mixture, data.draw(st.floats(1e-3, 5))
    x = np.atleast_2d(data.draw(points(law.dimension, min_points=3)))
    for quantity in QUANTITIES:
        value, doubtful = rows.fused_rows(law, quantity, x, np.array([t]))
        for n in set(range(len(x))) - set(doubtful.tolist()):
            assert error(quantity, value[n], generally(law, quantity, x[n : n + 1], t)[0]) < 1e-12


@pytest.mark.parametrize(("count", "dimension"), [(2, 1), (8, 2), (130, 3), (5, 9), (70, 20)])
@pytest.mark.parametrize("kind", KINDS)
def test_every_size_and_few_doubts(kind, count, dimension):
    """Tiles across and down, lanes of points and of coordinates, one component; ordinary points are seldom in doubt."""
    law, t = random_mixture(kind, count, dimension), 0.3
    x = noised(law, t, 200)
    for quantity in QUANTITIES:
        values, doubtful = rows.fused_rows(law, quantity, x, np.array([t]))
        exact = generally(law, quantity, x, t)
        good = np.setdiff1d(np.arange(len(x)), doubtful)
        assert max(error(quantity, values[n], exact[n]) for n in good) < 2e-13
        dense = quantity == "jacobian" and count == 130  # modes that cancel most of the Jacobian
        assert dense or len(doubtful) <= 0.03 * len(x)


def test_more_dimensions_than_a_tile():
    law, t = random_mixture("shared", 70, 65), 0.3
    x = noised(law, t, 100)
    for quantity in ("log_density", "responsibilities", "score", "velocity"):
        values, doubtful = rows.fused_rows(law, quantity, x, np.array([t]))
        assert not len(doubtful)
        exact = generally(law, quantity, x, t)
        assert max(error(quantity, values[n], exact[n]) for n in range(len(x))) < 2e-13


@pytest.mark.parametrize("kind", KINDS)
def test_rows_in_doubt_are_computed_again(kind, monkeypatch):
    """Through the facade: where every call is taken for a large one, hard points come out as before."""
    monkeypatch.setattr(rows, "LARGE", 0)
    law = random_mixture(kind, 3, 2)
    p, oracle = cf.OrnsteinUhlenbeck(law, "1e-9", 50), Oracle(law)
    x, t = noised(law, 0.3, 80), 0.3
    x[:20], x[20:23] = _zero_of_the_score(p, x[0], t), [[1e8, 1], [-3e7, 2e8], [0, -1e9]]
    for quantity in VECTORS:
        values = getattr(p, quantity)(x, t)
        _, doubtful = rows.fused_rows(law, quantity, x, np.array([t]))
        assert quantity != "score" or kind.endswith("isotropic") or set(range(20)) <= set(doubtful.tolist())
        for n in (0, 20, 21, 22, 30):
            assert relative_error(values[n], oracle.at(x[n], t)[quantity]) < 1e-12


def _zero_of_the_score(p, x, t):
    for _ in range(60):
        x = x - np.linalg.solve(-p.jacobian(x, t) - np.eye(len(x)), p.score(x, t))
    return x


def test_any_number_of_threads_and_any_place_in_the_array(monkeypatch):
    """To the last bit."""
    for kind in KINDS:
        law = random_mixture(kind, 9, 3)
        x, t = noised(law, 0.2, 3_000), np.array([0.2])
        for quantity in QUANTITIES:
            monkeypatch.setattr(threads, "thread_count", lambda: 1)
            values, doubtful = rows.fused_rows(law, quantity, x, t)
            monkeypatch.setattr(rows, "_PIECE", 2**14)
            monkeypatch.setattr(threads, "thread_count", lambda: 3)
            again, doubtful_again = rows.fused_rows(law, quantity, x, t)
            np.testing.assert_array_equal(values, again)
            np.testing.assert_array_equal(doubtful, doubtful_again)
            np.testing.assert_array_equal(rows.fused_rows(law, quantity, x[37:], t)[0], values[37:])
            monkeypatch.undo()


def test_arrays_as_callers_have_them(monkeypatch):
    """Read-only, of columns first, every second row; the same numbers."""
    monkeypatch.setattr(rows, "LARGE", 0)
    p = cf.OrnsteinUhlenbeck(random_mixture("common-isotropic", 8, 2))
    x = noised(p.mixture, 0.3, 400)
    expected = p.score(x, 0.3)
    frozen = x.copy()
    frozen.flags.writeable = False
    spaced = np.zeros((800, 2))
    spaced[::2] = x
    for given_x in (frozen, np.asfortranarray(x), spaced[::2], x.reshape(20, 20, 2)):
        np.testing.assert_array_equal(p.score(given_x, 0.3).reshape(-1, 2), expected)


def test_points_that_overflow_are_in_doubt():
    law = random_mixture("isotropic", 3, 2)
    x = np.array([[1e200, 0], [0.1, 0.2]])
    for quantity in QUANTITIES:
        assert 0 in rows.fused_rows(law, quantity, x, np.array([0.3]))[1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_point_that_is_not_finite_is_refused(kind, monkeypatch):
    """Wherever it stands, whichever coordinate it is."""
    monkeypatch.setattr(rows, "LARGE", 0)
    law = random_mixture(kind, 3, 2)
    p = cf.OrnsteinUhlenbeck(law)
    for bad in (np.nan, np.inf, -np.inf):
        for place in ((0, 0), (70, 1), (199, 0)):
            x = noised(law, 0.3, 200)
            x[place] = bad
            for quantity in QUANTITIES:
                with pytest.raises(cf.errors.InputError, match=rf"finite numbers \(point {place[0]}, "):
                    getattr(p, quantity)(x, 0.3)


def test_a_mixture_is_let_go_with_its_formulas():
    """At once, not at the next round of garbage collection."""
    law = random_mixture("isotropic", 3, 2)
    x = noised(law, 0.3, 200)
    x[0] = 1e8
    gone = weakref.ref(law)
    for quantity in QUANTITIES:
        rows.fused_rows(law, quantity, x, np.array([0.3]))
    del law
    assert gone() is None


def test_a_process_that_forks_has_threads_of_its_own():
    """Those that wait for calls do not live on in the child."""
    code = """
import os, numpy as np, certflow as cf
p, x = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes")), np.linspace(-1, 1, 800_000).reshape(-1, 2)
expected = p.score(x, 0.3)
child = os.fork()
if not child:
    os._exit(0 if np.array_equal(p.score(x, 0.3), expected) else 3)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    environment = {**os.environ, "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, env=environment, timeout=120)


def test_pieces_are_done_once_each_and_none_after_an_error(monkeypatch):
    """An error in any of the threads, IndexError included, reaches the caller, and the threads serve the next call."""
    monkeypatch.setattr(threads, "thread_count", lambda: 3)
    here = threading.get_ident()
    for fails_here in (True, False):
        for kind in (ZeroDivisionError, IndexError, KeyboardInterrupt):
            done = []

            def work(piece, fails_here=fails_here, kind=kind, done=done):
                done.append(piece)
                time.sleep(1e-3)
                if (threading.get_ident() == here) == fails_here:
                    raise kind

            with pytest.raises(kind):
                threads.shared(work, range(100_000))
            assert len(done) < 1000
        done = []
        threads.shared(done.append, range(500))
        assert sorted(done) == list(range(500))


@pytest.mark.parametrize("most", [0, 1])
def test_where_threads_cannot_be_started_every_piece_is_done(monkeypatch, most):
    """No thread, or one of three: `can't start new thread`, as where a container has a limit."""
    started = []

    class Limited(threading.Thread):
        def start(self):
            if len(started) == most:
                raise RuntimeError("can't start new thread")
            started.append(self)
            super().start()

    monkeypatch.setattr(threads, "thread_count", lambda: 4)
    monkeypatch.setattr(threads, "Thread", Limited)
    threads._waiting.cache_clear()
    try:
        for _ in range(200):
            done = []
            threads.shared(lambda piece, done=done: (time.sleep(1e-5), done.append(piece)), range(20))
            assert sorted(done) == list(range(20))
    finally:
        threads._waiting.cache_clear()
    assert len(started) == most


def test_the_exponential_to_one_unit_in_the_last_place():
    from certflow.field.fused.lanes import exponential

    rng = np.random.default_rng(0)
    drawn = np.concatenate([-rng.uniform(0, 1, 500), -(10 ** rng.uniform(0, 2.85, 500)), [0.0, -708.0]])
    with mpmath.workdps(40):
        for a in drawn:
            exact = mpmath.exp(mpmath.mpf(float(a)))
            assert abs(mpmath.mpf(exponential(float(a))) - exact) <= mpmath.mpf(2) ** -52 * exact
    assert exponential(-708.1) == exponential(-1e6) == exponential(-np.inf) == 0
    assert exponential(0.0) == 1
    assert np.isnan(exponential(np.nan))


def test_small_calls_load_no_compiler():
    """Numba takes half a second to import: only a large call does so."""
    code = """
import sys, numpy as np, certflow as cf
p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
p.score(np.ones((10_000, 2)), 0.3)
assert "numba" not in sys.modules
p.score(np.ones((200_000, 2)), 0.3)
assert "numba" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_buffers_are_bounded(monkeypatch):
    """Of so many components that a block of their logits would take much memory, the general formulas take chunks."""
    law = random_mixture("common-isotropic", 130, 3)
    assert rows.serves(law, "score", 10**6, 0.3)
    monkeypatch.setattr(rows, "_BUFFER", 64 * 129)
    assert not rows.serves(law, "score", 10**6, 0.3)


def test_without_numba_the_general_formulas_answer(monkeypatch):
    law = random_mixture("full", 4, 2)
    x = noised(law, 0.3, 100)
    monkeypatch.setattr(rows, "LARGE", 0)
    assert rows.serves(law, "score", len(x), 0.3)
    monkeypatch.setattr(rows, "_is_there", lambda: False)
    assert not rows.serves(law, "score", len(x), 0.3)
    np.testing.assert_array_equal(cf.OrnsteinUhlenbeck(law).score(x, 0.3), generally(law, "score", x, 0.3))


def test_where_no_folder_can_be_written_kernels_are_compiled_all_the_same(monkeypatch):
    from certflow.field.fused import compiling

    compile_for = compiling.njit

    def njit(signatures, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return compile_for(signatures, **options)

    monkeypatch.setattr(compiling, "njit", njit)

    @compiling.kernel(compiling.known(1), compiling.filled(1))
    def doubled(a, out):
        out[:] = 2 * a

    found = np.empty(2)
    doubled(np.array([1.0, 2.0]), found)
    np.testing.assert_array_equal(found, [2, 4])


@pytest.mark.parametrize(("quantity", "variance", "t"), [("velocity", "0.04", 345.0), ("jacobian", "0.36", 172.0)])
def test_late_times_where_squares_underflow(quantity, variance, t):
    """Results of size 1e-300 beside bounds whose squares are 0: many points as one by one."""
    law = cf.GaussianMixture(["0.3", "0.3", "0.4"], [["-0.8"], ["0.8"], ["0"]], variance)
    p, x = cf.OrnsteinUhlenbeck(law), np.linspace(-1, 1, 200_001)[1::2, None]
    many, some = getattr(p, quantity)(x, t)[:3], getattr(p, quantity)(x[:3], t)
    np.testing.assert_allclose(many, some, rtol=1e-9)
