"""Errors and warnings that a user of certflow can meet; all pass unchanged between processes.

Python makes an error anew from its class and `args`; these have more to carry, so they say how (`__reduce__`).
"""

from __future__ import annotations

import copy
import copyreg
import difflib
import pickle
from collections.abc import Iterable
from typing import Any

#: How torch is installed with certflow, for errors of what needs it.
INSTALL_TORCH = "pip install 'certflow[torch]'"
INSTALL_ONNX = "pip install 'certflow[onnx]'"
#: Which part of two names must agree for one to be meant by the other; longer texts are no names.
_NEAR, _LONGEST_NAME = 0.6, 100


class CertflowError(Exception):
    """What every error of this package is; pickles and copies with its message and attributes."""

    def __reduce__(self) -> tuple[Any, ...]:
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class InputError(CertflowError, ValueError):
    """Bad input, told in one line: the field, the value received, what is required.

    told : what the line says in place of "got" and the value, where there is none: "missing"
    """

    def __init__(self, field: str, value: Any, requirement: str, told: str = ""):
        self.field = field
        self.value = value
        self.requirement = requirement
        super().__init__(f"{field}: {told or f'got {_short(value)}'}; required: {requirement}")

    def __reduce__(self) -> tuple[Any, ...]:
        make, arguments, state = super().__reduce__()
        return make, arguments, state | {"value": _portable(self.value)}


class NoGlobalBound(CertflowError, ArithmeticError):
    """`sup_x ||grad u(x, t)||` is infinite for this mixture (proofs/L8.md): an exact decision, the same for every `t`.

    Attributes
    ----------
    pair : the two components (indices from 0) whose tie set carries the growth
    growth : "quadratic" (like `|x|^2`) or "linear" (like `|x|`)
    proved : True, for the decision leaves no mixture open
    """

    def __init__(self, message: str, *, pair: tuple[int, int], growth: str, proved: bool):
        super().__init__(message)
        self.pair = pair
        self.growth = growth
        self.proved = proved


class IntegrationError(CertflowError, ArithmeticError):
    """The flow could not be integrated: a trajectory needs more steps than the limit."""


class NoEnclosure(CertflowError, ArithmeticError):
    """The budget ended without any finite enclosure: inconclusive, and nothing is said about the value."""


class NotFinite(CertflowError, ArithmeticError, ValueError):
    """A ball without finite ends, where ends are needed."""


class OutsideNormalForm(CertflowError, ValueError):
    """The expression holds a function for which the normal form has no rule."""


class AccuracyWarning(RuntimeWarning):
    """Some trajectories did not reach the tolerance that was asked for."""


def missing(field: str, requirement: str) -> InputError:
    """The error of what must be there and is not."""
    return InputError(field, None, requirement, "missing")


def unknown(field: str, value: Any, known: Iterable[Any], before: str = "one of ", after: str = "") -> InputError:
    """The error of a name that is none of those known: it lists them, and asks about the nearest."""
    names = [str(name) for name in known]
    return InputError(field, value, f"{before}{', '.join(names)}{after}{did_you_mean(value, names)}")


def did_you_mean(value: Any, known: Iterable[str]) -> str:
    """`; did you mean iris?` of the name that a text comes nearest to; empty where none is near."""
    found = nearest(value, known)
    return "" if found is None else f"; did you mean {found}?"


def nearest(value: Any, known: Iterable[str]) -> str | None:
    """The name that a text differs least from, upper and lower case, `_` and `-` taken for the same; None if far."""
    if not isinstance(value, str) or len(value) > _LONGEST_NAME:
        return None
    folded = {_folded(name): name for name in reversed(list(known))}  # of two alike the first
    found = difflib.get_close_matches(_folded(value), reversed(list(folded)), n=1, cutoff=_NEAR)
    return folded[found[0]] if found else None


def _folded(name: str) -> str:
    return name.strip().casefold().replace("_", "-")


def _portable(value: Any) -> Any:
    """The value, or its text where it does not travel (an open file, a generator, a tensor with a graph)."""
    try:
        copy.deepcopy(value)
        pickle.loads(pickle.dumps(value))
    except Exception:  # whatever a foreign class raises: the message has told of the value
        return _short(value)
    return value


def _short(value: Any, limit: int = 80) -> str:
    try:
        shown = value if isinstance(value, str) else repr(value)
    except (ValueError, RecursionError):  # an integer of too many digits, lists too deep inside each other
        shown = f"<{type(value).__name__} too large to show>"
    text = " ".join(shown.split())
    if isinstance(value, str):
        text = repr(text)
    if len(text) <= limit:
        return text
    head = (limit - 1) // 2
    return f"{text[:head]}…{text[head + 1 - limit :]}"  # the end of a path is its name
