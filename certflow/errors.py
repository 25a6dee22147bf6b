"""Errors that a user of certflow can meet."""

from __future__ import annotations

from typing import Any


class InputError(ValueError):
    """Bad input, told in one line: the field, the value received, what is required."""

    def __init__(self, field: str, value: Any, requirement: str):
        self.field = field
        self.value = value
        self.requirement = requirement
        super().__init__(f"{field}: got {_short(value)}; required: {requirement}")


class NoGlobalBound(ArithmeticError):
    """`sup_x ||grad u(x, t)||` is infinite for this mixture (THEORY L8): an exact decision, the same for every `t`.

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


def _short(value: Any, limit: int = 80) -> str:
    text = " ".join((value if isinstance(value, str) else repr(value)).split())
    if isinstance(value, str):
        text = repr(text)
    if len(text) <= limit:
        return text
    head = (limit - 1) // 2
    return f"{text[:head]}…{text[head + 1 - limit :]}"  # the end of a path is its name
