"""The error that a list of steps makes with a solver, beside that of the best steps at the same cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from certflow.numbers.numerals import figure
from certflow.terminal import filled

#: Columns of running text.
#: Advice is given where a list has more than this times the least mean squared error: twice its root.
BETTER = 4.0


@dataclass(frozen=True)
class Score:
    """`E|Psi(X) - Phi(X)|^2 / E|Phi(X)|^2`, and the factor within which it is expected in nine cases of ten."""

    relative_mse: float
    within_factor: float

    def text(self) -> str:
        """For people."""
        return f"relative MSE {self.relative_mse:.2e}, within a factor {figure(self.within_factor, 3)}"


@dataclass(frozen=True)
class Measurement:
    """What a solver makes of a list, on points that both lists share; proofs/G4.md, G5.md.

    Attributes
    ----------
    sampler : a name of `certflow.samplers.SOLVERS`
    chosen : why this solver
    reason : why nothing is measured; then all that follows is None
    evaluations : of the model over the list; the best steps have as many
    listed, best : the two errors, equal where nothing better is known
    kind : what the best steps are: "optimised", the kind of a named grid, or "these steps"
    steps : the name of a list -> the best one in the words of the list that was read; None where it cannot be told
    mend : the line that puts it in the place of the other
    notes : what to know, a sentence each
    """

    sampler: str
    chosen: str
    reason: str | None = None
    evaluations: int | None = None
    listed: Score | None = None
    best: Score | None = None
    kind: str | None = None
    steps: dict[str, list[float]] | None = None
    mend: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def times_the_best(self) -> float | None:
        """The error of the list over that of the best steps."""
        if self.listed is None or self.best is None:
            return None
        return self.listed.relative_mse / self.best.relative_mse if self.best.relative_mse else 1.0

    @property
    def is_far(self) -> bool:
        """Whether the list has more than `BETTER` times the least error."""
        ratio = self.times_the_best
        return ratio is not None and ratio > BETTER

    def lines(self) -> list[str]:
        """For people."""
        if self.listed is None or self.best is None:
            return [_filled(f"not measured with {self.sampler} ({self.chosen}): {self.reason}")]
        calls = f"{self.evaluations} evaluation{'s' if self.evaluations != 1 else ''}"
        lines = [_filled(f"measured with {self.sampler} ({self.chosen}), {calls}:")]
        lines.append(f"  these steps: {self.listed.text()}")
        if self.kind == "these steps":
            lines.append("  none better is known at the same cost")
        else:
            ratio = figure(self.times_the_best or 1.0, 3)
            lines.append(f"  the best at the same cost ({self.kind}): {self.best.text()}; these have {ratio} times it")
        lines += [_filled(note, "  ") for note in self.notes]
        if self.mend is not None and not self.is_far:  # advice has the line already
            lines.append(f"  better: {self.mend}")
        return lines

    def mapping(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "sampler": self.sampler,
            "chosen": self.chosen,
            "reason": self.reason,
            "evaluations": self.evaluations,
            "relative_mse": None if self.listed is None else self.listed.relative_mse,
            "within_factor": None if self.listed is None else self.listed.within_factor,
            "best_relative_mse": None if self.best is None else self.best.relative_mse,
            "best_within_factor": None if self.best is None else self.best.within_factor,
            "times_the_best": self.times_the_best,
            "kind": self.kind,
            "steps": self.steps,
            "mend": self.mend,
            "notes": list(self.notes),
        }


def _filled(text: str, indent: str = "") -> str:
    return filled(text, indent, indent or "  ")
