"""What NumPy changes without a word is refused in one line, wherever numbers come in; its integers are integers."""

from __future__ import annotations

import datetime
import inspect
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import certflow as cf
from certflow import grids
from certflow.flow.reference import flow_with_derivative, trajectories
from certflow.grids.grid import load as load_grid
from certflow.numbers.exact import ExactArray, exact_number
from certflow.numbers.inputs import file_path, float_array, real_number, seed_numbers, whole_number

TWO = cf.GaussianMixture(["0.5", "0.5"], [["-1", "0"], ["1", "0"]], "0.04")
P = cf.OrnsteinUhlenbeck(TWO, "0.05", "2.5")
LINE = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.5", "0.5"], [["-1"], ["1"]], "0.04"), "0.05", "2.5")


class Frame:
    """A table as pandas has it: no sequence, but an array when asked."""

    def __init__(self, values: Any):
        self.values = np.asarray(values)
        self.shape, self.ndim = self.values.shape, self.values.ndim

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.values if dtype is None else self.values.astype(dtype)

    def __len__(self) -> int:
        return len(self.values)


#: entries that are no real numbers; each stands for one number in the arrays below
ENTRIES: dict[str, Any] = {
    "complex": 0.3 + 5j,
    "numpy-complex": np.complex64(1),
    "bool": True,
    "numpy-bool": np.True_,
    "none": None,
    "text": "abc",
    "bytes": b"1",
    "date": np.datetime64("2020-01-01"),
    "span": np.timedelta64(3, "s"),
    "python-date": datetime.date(2020, 1, 1),
    "set": {1},
    "dict": {1: 2},
    "object": object(),
    "function": len,
    "masked": np.ma.masked,
    "nan": float("nan"),
}


def arrays(row: list[Any]) -> dict[str, Any]:
    """The row of good numbers with one bad entry in it, in the forms in which arrays come."""
    found: dict[str, Any] = {}
    for name, entry in ENTRIES.items():
        bad = [*row[:-1], entry]
        found[f"list-{name}"] = bad
        if name != "masked":
            array = np.empty(len(row), dtype=object)
            array[:] = bad
            found[f"object-{name}"] = array
    floats = np.array(row, dtype=float)
    found["masked-array"] = np.ma.masked_array(floats, mask=[*([False] * (len(row) - 1)), True])
    for name, dtype in (("c", complex), ("b", bool), ("S", "S3"), ("m", "m8[s]"), ("void", [("a", float)])):
        found[f"array-{name}"] = np.zeros(len(row), dtype=dtype)
    found["array-M"] = np.array(["2020-01-01"] * len(row), dtype="M8[D]")
    found["frame-complex"], found["frame-none"] = Frame(floats + 1j), Frame(np.array([*row[:-1], None], dtype=object))
    found["ragged"] = [*row[:-1], [1.0, 2.0]]
    found["number"] = {"not": "an array"}
    return found


#: where arrays come in: the call, and a row of numbers that it takes
ARRAYS: dict[str, tuple[Callable[[Any], Any], list[Any]]] = {
    "score": (lambda x: P.score(x, 0.5), [0.3, 0.1]),
    "log-density-times": (lambda t: P.log_density(np.zeros((2, 2)), t), [0.3, 0.1]),
    "lipschitz": (P.lipschitz_bound, [0.3, 0.1]),
    "growth": (P.growth_rate_bound, [0.3, 0.1]),
    "ball-radius": (lambda r: P.ball_bound(r, 0.5), [0.3, 0.1]),
    "stability-s": (lambda s: P.stability(s, 2.0), [0.3, 0.1]),
    "stability-t": (lambda t: P.stability(0.01, t), [0.3, 0.1]),
    "amplification": (lambda t: P.amplification(0.01, t), [0.3, 0.1]),
    "error-bound-times": (lambda t: P.error_bound(t, [0.1]), [0.3, 0.1]),
    "error-bound-errors": (lambda e: P.error_bound([2.5, 1.0, 0.05], e), [0.3, 0.1]),
    "law-bound": (lambda e: P.law_error_bound([1.0, 2.0], e), [0.3, 0.1]),
    "law-bound-constants": (lambda c: P.law_error_bound(c, [1.0, 2.0]), [0.3, 0.1]),
    "flow": (lambda x: P.flow(x, 1.0, 0.5), [0.3, 0.1]),
    "flow-with-derivative": (lambda x: flow_with_derivative(P, x, 1.0, 0.5), [0.3, 0.1]),
    "trajectories": (lambda t: trajectories(P, [0.3, 0.1], t), [0.3, 0.1]),
    "residual-block": (lambda x: P.residual_block(x, 0.5, 0.1), [0.3, 0.1]),
    "weights": (lambda w: cf.GaussianMixture(w, [[0], [1]], 1), [0.5, 0.5]),
    "means": (lambda m: cf.GaussianMixture([1], [m] if isinstance(m, list) else m, 1), [0.5, 0.5]),
    "variances": (lambda v: cf.GaussianMixture([0.5, 0.5], [[0, 0, 0], [1, 1, 1]], v), [0.5, 0.5]),
    "fit": (lambda x: cf.GaussianMixture.fit(x, 1), [0.5, 0.25, 1.0]),
    "time-grid": (lambda t: cf.TimeGrid("custom", t), [2.0, 0.5]),
    "exact-array": (lambda x: ExactArray.of(x, "x"), [0.5, 0.25]),
}


@pytest.mark.parametrize("place", ARRAYS)
def test_arrays(place: str) -> None:
    call, row = ARRAYS[place]
    if place != "means":
        call(row)
    for name, bad in arrays(row).items():
        with pytest.raises(cf.InputError, match="required: ") as caught:
            call(bad)
        assert "\n" not in str(caught.value), name


#: where one number comes in
NUMBERS: dict[str, Callable[[Any], Any]] = {
    "score-t": lambda t: P.score([0.3, 0.1], t),
    "lipschitz": P.lipschitz_bound,
    "ball-radius": lambda r: P.ball_bound(r, 0.5),
    "outside-radius": lambda r: P.outside_probability(r, 0.5),
    "outside-t": lambda t: P.outside_probability(2.0, t),
    "stability": lambda s: P.stability(s, 2.0),
    "time-at-stability": P.time_at_stability,
    "time-at-stability-s": lambda s: P.time_at_stability(0.1, s),
    "flow-t": lambda t: P.flow([0.3, 0.1], t, 0.4),
    "flow-rtol": lambda rtol: P.flow([0.3, 0.1], 0.5, 0.4, rtol),
    "block-t": lambda t: P.residual_block([0.3, 0.1], t, 0.1),
    "block-h": lambda h: P.residual_block([0.3, 0.1], 2.0, h),
    "block-error": lambda e: P.block_error_bound(0.1, e, 1.0, 1.0, 1.0),
    "floor": LINE.mismatch_floor,
    "t-min": lambda t: cf.OrnsteinUhlenbeck(TWO, t, 2),
    "t-max": lambda t: cf.OrnsteinUhlenbeck(TWO, "0.01", t),
    "variance": lambda v: cf.GaussianMixture([1], [[0]], v),
    "rho": lambda rho: cf.time_grid(P, 4, "karras", rho=rho),
    "exact-number": exact_number,
}


#: An infinite bound, no times at all, and the default.
MEANT = {
    ("block-error", "infinite"),
    ("lipschitz", "empty"),
    ("stability", "empty"),
    ("ball-radius", "empty"),
    ("time-at-stability-s", "none"),
}


@pytest.mark.parametrize("place", NUMBERS)
def test_numbers(place: str) -> None:
    NUMBERS[place](0.25) if place != "floor" else NUMBERS[place](1.5)
    for name, bad in (ENTRIES | {"ragged": [[1.0], [1.0, 2.0]], "infinite": float("inf"), "empty": []}).items():
        if (place, name) in MEANT:
            continue
        with pytest.raises(cf.InputError, match="required: ") as caught:
            NUMBERS[place](bad)
        assert "\n" not in str(caught.value), name


@pytest.mark.parametrize("kind", ["complex64", "bool"])
def test_tensors(kind: str) -> None:
    torch = pytest.importorskip("torch")
    bad = torch.zeros(2, dtype=getattr(torch, kind))
    good = torch.tensor([0.3, 0.1])
    for call in (
        lambda: P.score(bad, 0.5),
        lambda: P.score(good, bad[0]),
        lambda: P.score([0.3, 0.1], bad[0]),
        lambda: P.lipschitz_bound(bad),
        lambda: P.stability(good, bad),
        lambda: P.flow(bad, 1.0, 0.5),
        lambda: cf.GaussianMixture(bad, [[0], [1]], 1),
        lambda: cf.GaussianMixture.fit(bad, 1),
    ):
        with pytest.raises(cf.InputError, match="required: "):
            call()


def test_a_tensor_with_a_graph_is_no_data() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(cf.InputError, match=r"data: got tensor.*tensor\.detach\(\)"):
        cf.GaussianMixture.fit(torch.ones(9, 2, requires_grad=True), 2)


@pytest.mark.parametrize("text", ["I", "2 + I", "oo", "nan", "zoo"])
def test_expressions_that_are_not_real(text: str) -> None:
    import sympy

    bad = sympy.sympify(text)
    for call in (lambda: P.score([bad, 0], 1), lambda: cf.GaussianMixture([1], [[bad]], 1)):
        with pytest.raises(cf.InputError, match="real, finite"):
            call()
    with pytest.raises(cf.InputError, match="real, finite"):
        P.score([sympy.Symbol("y", imaginary=True), 0], 1)


def test_what_is_plain_stays() -> None:
    """An array without a masked entry, text, fractions, decimals, integers and tables of numbers are read."""
    x = np.array([0.25, 0.5])
    wanted = P.score(x, 0.5)
    for same in (
        np.ma.masked_array(x),
        np.ma.masked_array(x, mask=[False, False]),
        ["1/4", "0.5"],
        np.array(["0.25", "0.5"]),
        [Fraction(1, 4), Decimal("0.5")],
        x.astype(np.float16),
        x.astype(np.longdouble),
        Frame(x),
    ):
        np.testing.assert_array_equal(P.score(same, "1/2"), wanted)
    np.testing.assert_array_equal(P.score(np.array([1, -2]), np.int8(1)), P.score([1.0, -2.0], 1.0))
    assert exact_number(np.longdouble(1) / 3) - Fraction(1, 3) < Fraction(1, 2**60)


def test_the_entry_is_named() -> None:
    with pytest.raises(cf.InputError, match=r"^x\[1\]: got None"):
        P.score(np.array([1.0, None], dtype=object), 0.5)
    with pytest.raises(cf.InputError, match=r"^t: got 'masked entries'; required: real numbers, none of them masked"):
        P.lipschitz_bound(np.ma.masked_array([0.5, 1.0], mask=[False, True]))
    with pytest.raises(cf.InputError, match=r"^x\[0\]: got .*1e400|^x\[0\]: got 10000.*within 1\.8e308"):
        P.score([10**400, 0], 0.5)


@pytest.mark.parametrize("kind", [np.int8, np.int64, np.uint16, np.intp])
def test_integers_of_numpy_are_integers(kind: Any) -> None:
    two = kind(2)
    assert type(whole_number(two, "n", 0, 5)) is int
    assert seed_numbers(two, 9, "seeds") == (0, 1)
    assert seed_numbers(np.array([3, 1], dtype=kind), 9, "seeds") == (3, 1)
    np.testing.assert_array_equal(TWO.sample(two, seed=two), TWO.sample(2, seed=2))
    fitted = cf.GaussianMixture.fit(np.arange(8.0)[:, None], two, seed=two)
    assert fitted.origin == cf.GaussianMixture.fit(np.arange(8.0)[:, None], 2, seed=2).origin
    assert all(type(value) in (int, float, str, bool) for value in fitted.origin.values())
    assert cf.time_grid(P, two, "uniform").segments == 2
    assert len(cf.enclosure.balanced_nodes(P, two, digits=kind(8))) == 3
    assert cf.enclosure.stability(P, 1, 2, digits=kind(8)).complete
    assert cf.verify(TWO, ["S2"], seed=two, digits=kind(20)).seed == 2


@pytest.mark.parametrize("bad", [True, np.True_, 2.0, np.float64(2), "2", None, np.timedelta64(2, "s"), -1, [2]])
def test_what_is_no_integer(bad: Any) -> None:
    for call in (
        lambda: whole_number(bad, "n"),
        lambda: TWO.sample(bad),
        lambda: bad is None or TWO.sample(2, seed=bad) is bad,
        lambda: cf.GaussianMixture.fit([[0.0], [1.0]], bad),
        lambda: cf.GaussianMixture.fit([[0.0], [1.0]], 1, seed=bad),
        lambda: cf.time_grid(P, bad, "uniform"),
        lambda: cf.verify(TWO, ["S2"], seed=bad),
        lambda: cf.enclosure.balanced_nodes(P, bad),
    ):
        if bad is None and "seed=bad) is bad" in inspect.getsource(call):
            continue
        with pytest.raises(cf.InputError, match="required: "):
            call()


def test_floats_of_numpy_are_numbers() -> None:
    assert LINE.mismatch_floor(np.float32(1.5)) == LINE.mismatch_floor(1.5)
    assert cf.time_grid(P, 3, "karras", rho=np.float64(7)).options["rho"] == 7.0
    assert real_number(np.float32(0.5), "x", "a number") == 0.5
    assert grids.grid_of_kind(P, 3, "uniform").export("edm", tolerance=np.float64(9)).format == "edm"


def test_a_view_is_not_copied() -> None:
    x = np.array([0.5, 1.0])
    assert float_array(x, "x") is x


@pytest.mark.parametrize(
    ("means", "variances"),
    [
        ([[0, 0], [1, 1], [2, 0]], [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]),
        ([[0, 0], [1, 1]], [[0.04, 0.01], [0.02, 0.05]]),
        ([[0, 0], [1, 1]], [[0.01, 0.04], [0.04, 0.01]]),
    ],
    ids=["K-above-d", "K-is-d", "K-is-d-symmetric"],
)
def test_diagonal_covariances_are_told_how_to_come(means: Any, variances: Any) -> None:
    weights = [Fraction(1, len(means))] * len(means)
    with pytest.raises(cf.InputError, match=r"variances\[:, :, None\] \* np.eye\(2\)") as caught:
        cf.GaussianMixture(weights, means, variances)
    remedy = str(caught.value).rpartition(": ")[2]
    matrices = eval(remedy, {"variances": np.array(variances), "np": np})
    assert cf.GaussianMixture(weights, means, matrices).kind == "full"


class Named:
    """A path of another class, whose name is what is given."""

    def __init__(self, name: Any):
        self.name = name

    def __fspath__(self) -> Any:
        return self.name

    def __repr__(self) -> str:
        return f"Named({self.name!r})"


#: what names no file: `os.fspath` and the file system have an error of their own for each
NO_NAMES = [None, 3, 2.5, b"x", True, ["a"], Named(b"x"), Named(3), "a\0.json", "\ud800.json"]
READERS: dict[str, Callable[[Any], Any]] = {
    "MIXTURE": cf.load_mixture,
    "path": TWO.save,
    "grid": load_grid,
    "out": lambda name: cf.verify(TWO, ["S1"], out=name),
    "folder": lambda name: cf.distill.Results.save(None, name),
}


@pytest.mark.parametrize("field", READERS)
@pytest.mark.parametrize("bad", NO_NAMES, ids=ascii)
def test_what_names_no_file(field: str, bad: Any) -> None:
    if bad is None and field == "out":
        return  # no directory is asked for
    with pytest.raises(cf.InputError) as raised:
        READERS[field](bad)
    assert str(raised.value).startswith(f"{field}: got ")
    assert "\n" not in str(raised.value)


def test_a_path_of_another_class_names_a_file() -> None:
    assert cf.load_mixture(Named("two-modes")).name == "two-modes"
    assert file_path(Named("a/b"), "path", "a name").parts == ("a", "b")
