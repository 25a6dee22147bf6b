"""Errors arrive as they left: pickled, copied, and through a pool of processes."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import certflow
import certflow as cf
from certflow import errors
from certflow.certificate.checker.arithmetic import Imprecise
from certflow.certificate.checker.refusals import Refused
from certflow.enclosure.suprema.cover import Counterexample, Exhausted
from certflow.enclosure.suprema.isotropic.rate import _Unproved
from certflow.enclosure.suprema.isotropic.search import LargerValue
from certflow.formal import NotServed
from certflow.grids.export.reading import _Refused
from certflow.networks.gadgets.enclosure import UndecidedSign
from certflow.sweep.performer import Ended, OtherCode
from certflow.testing.properties.property import Refuted
from certflow.testing.result import CheckFailed, Result
from certflow.testing.result import Counterexample as Case
from certflow.testing.subject import Misbehaviour


def _noted() -> cf.InputError:
    error = cf.InputError("x", "a text", "numbers")
    error.add_note("seen in row 7")
    return error


ERRORS: dict[str, Exception] = {
    "base": errors.CertflowError("a message"),
    "input": cf.InputError("t", 0, "a time > 0"),
    "input-array": cf.InputError("x", np.array([1.0, np.nan]), "finite numbers"),
    "input-noted": _noted(),
    "no-bound": cf.NoGlobalBound("no bound", pair=(0, 1), growth="linear", proved=True),
    "integration": errors.IntegrationError("too many steps"),
    "no-enclosure": errors.NoEnclosure("out of budget"),
    "not-finite": errors.NotFinite("a ball that is not finite"),
    "normal-form": errors.OutsideNormalForm("no rule for gamma"),
    "accuracy": errors.AccuracyWarning("1 of 2 trajectories"),
    "refused": Refused("t: got 0, required > 0"),
    "a claim without a theorem": NotServed("S3"),
    "imprecise": Imprecise("division by an interval that contains 0"),
    "exhausted": Exhausted(),
    "counterexample": Counterexample(np.array([0.5, -1.0]), 1.25),
    "larger": LargerValue(np.array([0.5])),
    "unread": _Refused(2, "a number > 0"),
    "refuted": Refuted(Case("", {"t": 1.0}, 2.0, 1.0, 1.0, 1e-12)),
    "check": CheckFailed(Result("check_score", "typical points", False, "wrong at 3 of 64 points", 64)),
    "misbehaviour": Misbehaviour("it returned str, no array", {"x": np.array([0.5])}, "text"),
    "undecided": UndecidedSign("a neuron changes its sign within the piece [0, 1]"),
    "ended": Ended(),
    "other code": OtherCode("a worker has another version of the code of F2"),
    "unproved": _Unproved((0, 1.5)),  # type: ignore[arg-type]
}

WAYS: dict[str, Callable[[Any], Any]] = {
    **{f"pickle-{k}": lambda e, k=k: pickle.loads(pickle.dumps(e, k)) for k in range(pickle.HIGHEST_PROTOCOL + 1)},
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", ERRORS)
def test_every_error_arrives_whole(case: str, way: str) -> None:
    sent = ERRORS[case]
    arrived = WAYS[way](sent)
    assert type(arrived) is type(sent)
    assert str(arrived) == str(sent)
    assert arrived.args == sent.args
    assert arrived.__dict__.keys() == sent.__dict__.keys()
    for name, value in sent.__dict__.items():
        np.testing.assert_equal(getattr(arrived, name), value)


def _defined() -> Iterator[type]:
    for found in pkgutil.walk_packages(certflow.__path__, "certflow."):
        if not found.name.endswith("__main__"):
            module = import_module(found.name)
            kinds = [kind for kind in vars(module).values() if isinstance(kind, type)]
            for kind in kinds:
                if issubclass(kind, BaseException) and kind.__module__.startswith("certflow"):
                    yield kind


def test_no_error_of_the_package_is_left_out() -> None:
    pytest.importorskip("torch")
    assert set(_defined()) == {type(error) for error in ERRORS.values()}


def test_what_a_user_can_meet_has_one_base() -> None:
    for kind in (cf.InputError, cf.NoGlobalBound, errors.IntegrationError, errors.NoEnclosure):
        assert issubclass(kind, errors.CertflowError)
    assert issubclass(cf.InputError, ValueError)
    assert issubclass(cf.NoGlobalBound, ArithmeticError)


@pytest.mark.parametrize("value", [(i for i in range(3)), lambda t: t], ids=["generator", "function"])
def test_a_value_that_cannot_travel_is_told_by_its_text(value: Any) -> None:
    sent = cf.InputError("t", value, "a time > 0")
    assert sent.value is value
    for way in WAYS.values():
        arrived = way(sent)
        assert str(arrived) == str(sent)
        assert isinstance(arrived.value, str)


def test_a_value_too_large_to_show() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    for value in (10**5000, deep):
        assert "too large to show" in str(cf.InputError("n", value, "a number"))


def _bound_at(t: float) -> float:
    return float(cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes")).lipschitz_bound(t))


def test_through_a_pool_of_processes() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        with pytest.raises(cf.InputError, match="a finite time > 0") as caught:
            pool.map_async(_bound_at, [0.5, 0.0]).get(timeout=120)
        assert caught.value.field == "t"
        assert pool.map_async(_bound_at, [0.5]).get(timeout=120)[0] > 0
