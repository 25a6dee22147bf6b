"""What a check of other people's code found: a result, its counterexample, the causes that fit it.

A check that finds nothing returns its `Result`; one that finds something raises `CheckFailed`, an `AssertionError`
whose `result` says the same. Nothing here is a proof: a check that passed has found no counterexample among the points
that it looked at (proofs/evidence.md, "sampled").
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Cause:
    """A fault that explains what was found: code which has it says the same at every point, within the tolerance."""

    name: str  #: short and stable, such as "sign", "factor", "variance for its root"
    sentence: str  #: one sentence for the reader: "it returns minus the score"


@dataclass(frozen=True)
class Counterexample:
    """The smallest case found in which the code is wrong."""

    code: str  #: Python lines that make what is tested against, where `import certflow as cf` went before
    inputs: Mapping[str, Any]  #: by name, in the order of the call: `{"x": array([0.5, 0.]), "t": 1.0}`
    got: Any
    expected: Any
    error: float  #: by how much they differ, in the norm that the check names
    tolerance: float  #: what rounding in the dtype of the code allows there

    @property
    def excess(self) -> float:
        """How many times the tolerance the error is."""
        return self.error / self.tolerance if self.tolerance > 0 else float("inf")

    def __str__(self) -> str:
        shown = [f"{name} = {_plain(value)}" for name, value in self.inputs.items()]
        return "\n".join(
            [
                *self.code.splitlines(),
                *shown,
                f"got      {_plain(self.got)}",
                f"expected {_plain(self.expected)}",
                f"error {self.error:.3g}, {self.excess:.3g} times the tolerance {self.tolerance:.3g}",
            ]
        )


@dataclass(frozen=True)
class Result:
    """What one check, or one part of it, found."""

    check: str  #: "check_score"
    part: str  #: which of its parts: "typical points", "batch of one"; "" for a whole check
    passed: bool
    message: str  #: one sentence with the decisive number
    evaluations: int = 0  #: points at which the code was called
    counterexample: Counterexample | None = None
    causes: tuple[Cause, ...] = field(default=())
    parts: tuple[Result, ...] = field(default=())  #: of a whole check

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        name = self.check if not self.part else f"{self.check}, {self.part}"
        lines = [f"{name}: {self.message}"]
        if self.counterexample is not None:
            lines += ["", *(f"    {line}" for line in str(self.counterexample).splitlines())]
        if self.causes:
            lines += ["", *(f"likely cause: {cause.sentence} ({cause.name})" for cause in self.causes)]
        return "\n".join(lines)

    def to_mapping(self) -> dict[str, Any]:
        """The result as JSON has it: arrays become lists, numbers that are none become texts."""
        return {
            "check": self.check,
            "part": self.part,
            "passed": self.passed,
            "message": self.message,
            "evaluations": self.evaluations,
            "counterexample": None if self.counterexample is None else _counterexample(self.counterexample),
            "causes": [{"name": cause.name, "sentence": cause.sentence} for cause in self.causes],
            "parts": [part.to_mapping() for part in self.parts],
        }


class CheckFailed(AssertionError):
    """The code is wrong; `.result` tells where, by how much and, where a cause fits, why."""

    def __init__(self, result: Result):
        super().__init__(str(result))
        self.result = result

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.result,), self.__dict__


#: Called with every result of a check, and with what it is about: the names of the subject and of the mixture.


def _counterexample(found: Counterexample) -> dict[str, Any]:
    return {
        "code": found.code,
        "inputs": {name: _json(value) for name, value in found.inputs.items()},
        "got": _json(found.got),
        "expected": _json(found.expected),
        "error": _json(found.error),
        "tolerance": _json(found.tolerance),
    }


def _json(value: Any) -> Any:
    """Lists and numbers that JSON has, or a text."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, list | tuple):
        return [_json(each) for each in value]
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return str(value)
    return value


def _plain(value: Any) -> str:
    """Numbers as Python reads them back, lists for arrays."""
    value = value.tolist() if hasattr(value, "tolist") else value
    return repr(value)
