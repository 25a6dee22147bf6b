"""One thing that is wrong with a list of steps, and all that was found in one list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from certflow.diagnosis.measurement import Measurement
from certflow.numbers.arrays import Times
from certflow.numbers.numerals import figure
from certflow.terminal import filled

SCHEMA = "certflow/diagnosis/1"

#: Name of an error -> what it means.
ERRORS: dict[str, str] = {
    "not-a-level": "a NaN, an infinite or a negative number",
    "one-step": "a schedule of one step that divides by zero",
    "unsorted": "a node above the one before it",
    "repeated": "a node twice: its step does nothing, and schedulers that look nodes up skip one",
    "idle-last-step": "a last step from a noise level to the same level",
    "zero-missing": "no final 0, where the library takes the list to its end and no further",
    "zero-doubled": "a final 0 twice, or one beside the one that the library adds",
    "sigmas-for-timesteps": "noise levels where timesteps are meant",
    "timesteps-for-sigmas": "timesteps where noise levels are meant",
    "another-scale": "noise levels of another convention",
    "out-of-range": "an end where the model was never trained",
    "shifted-twice": "the shift of the scheduler applied to a list that has it already",
    "times-disagree": "a timestep that names another noise level than the sigma beside it, beyond rounding",
    "too-few": "fewer evaluations than asked for",
    "too-many": "more evaluations than asked for",
}

#: Name of an advice -> what it means.
ADVICE: dict[str, str] = {
    "first-time-depends-on-steps": "the first noise level changes with the number of steps",
    "crowded": "many steps where hardly anything happens",
    "rounding-merges": "different noise levels that the model is told as one timestep",
    "end-shifted-twice": "the last noise level shifted twice by the library itself",
    "zero-is-added": "a final 0 in a list for a library that may add one",
    "better-steps": "other steps at the same cost have a fraction of the error",
}


@dataclass(frozen=True)
class Finding:
    """An error or a piece of advice.

    Attributes
    ----------
    name : a key of `ERRORS` or of `ADVICE`
    where : "sigmas", "timesteps" or "times", the list that it is about
    index, value : the place in that list, from 0, and what stands there; None where it is about the whole
    message : what is wrong, a sentence
    mend : a line that mends it, Python over a list or the scheduler of that name
    """

    name: str
    where: str
    index: int | None
    value: float | None
    message: str
    mend: str

    @property
    def is_error(self) -> bool:
        """Whether the samples are wrong, and not only dearer or coarser than need be."""
        return self.name in ERRORS

    def lines(self) -> list[str]:
        """For people: the kind, what is wrong, the line that mends it."""
        level, meaning = ("error", ERRORS) if self.is_error else ("advice", ADVICE)
        message = filled(self.message, "  ", "  ")
        return [filled(f"{level}: {self.name}: {meaning[self.name]}", indent="  "), message, f"  mend: {self.mend}"]

    def mapping(self) -> dict[str, Any]:
        """Plain JSON values; a value that is no number of JSON stands as text."""
        finite = self.value is None or abs(self.value) < float("inf")
        return {
            "name": self.name,
            "level": "error" if self.is_error else "advice",
            "where": self.where,
            "index": self.index,
            "value": self.value if finite else str(self.value),
            "message": self.message,
            "mend": self.mend,
        }


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """All that was found in one list of steps.

    Attributes
    ----------
    meant_for : the scheduler or library whose conventions were held against it
    findings : errors first
    times : the nodes above noise level 0 as OU times, `t = 1/2 log(1 + sigma^2)`, noisiest first
    mended : the name of the list -> the list with all errors mended, where a list was given and they can be; else None
    """

    meant_for: str
    findings: tuple[Finding, ...]
    times: Times
    mended: dict[str, list[float]] | None
    measured: Measurement | None = None

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What makes the samples wrong."""
        return tuple(finding for finding in self.findings if finding.is_error)

    @property
    def advice(self) -> tuple[Finding, ...]:
        """What could be better."""
        return tuple(finding for finding in self.findings if not finding.is_error)

    @property
    def ok(self) -> bool:
        """No error; advice may be there."""
        return not self.errors

    def text(self) -> str:
        """For people: what was found, each with its line, and the mended list."""
        advice = f"{_count(len(self.advice), 'piece')} of advice" if self.advice else "no advice"
        lines = [filled(f"{self.meant_for}: {_count(len(self.errors), 'error')}, {advice}")]
        if self.times.size > 1:
            ends = f"t from {figure(self.times[0], 4)} to {figure(self.times[-1], 4)} in OU time"
            lines.append(filled(f"{self.times.size} noise levels, {ends}"))
        if self.measured is not None:
            lines += ["", *self.measured.lines()]
        for finding in self.findings:
            lines += ["", *finding.lines()]
        if self.mended is not None:
            name, values = next(iter(self.mended.items()))
            lines += ["", f"Mended: {name} = [{', '.join(f'{value:.9g}' for value in values)}]"]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        """The verdict in one line."""
        found = f"{_count(len(self.errors), 'error')}, {_count(len(self.advice), 'piece')} of advice"
        return f"<diagnosis of {_count(self.times.size, 'noise level')} for {self.meant_for}: {found}>"

    def mapping(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "schema": SCHEMA,
            "meant_for": self.meant_for,
            "ok": self.ok,
            "findings": [finding.mapping() for finding in self.findings],
            "times": self.times.tolist(),
            "mended": self.mended,
            "measured": None if self.measured is None else self.measured.mapping(),
        }


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
