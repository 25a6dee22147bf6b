"""What an audit found: the errors over time, the worst draw, likely causes, places, consequences; and its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from certflow.auditing.consequences import Consequences
from certflow.auditing.measuring import Moment
from certflow.auditing.places import Places
from certflow.auditing.witness import Witness
from certflow.process import OrnsteinUhlenbeck
from certflow.testing.result import Cause

SCHEMA = "certflow/audit/1"
#: Exit codes of `certflow audit` by verdict.
EXIT_CODES = {"within": 0, "above": 1, "inconclusive": 3}


@dataclass(frozen=True, eq=False)
class Findings:
    """A model held against the exact one, on draws of its law: empirical throughout.

    process : the mixture on [t_min, t_max]; model : how the model describes itself; quantity : what was compared
    threshold : of the relative error; given : whether somebody asked for it, or it is 1,000 times the `roundoff`
    moments : the error at each time; witness : the worst draw, None where nothing errs; causes : faults that fit
    places : where in space, at the time of the largest error; consequences : what it makes of samples
    notes : what else is to be known
    """

    process: OrnsteinUhlenbeck
    model: str
    quantity: str
    threshold: float
    given: bool
    roundoff: float
    samples: int
    seed: int
    moments: tuple[Moment, ...]
    witness: Witness | None
    causes: tuple[Cause, ...]
    places: Places | None
    consequences: Consequences
    notes: tuple[str, ...]

    @property
    def above(self) -> tuple[Moment, ...]:
        """The times at which the whole interval is above the threshold."""
        return tuple(moment for moment in self.moments if moment.error.low > self.threshold)

    @property
    def undecided(self) -> tuple[Moment, ...]:
        """The times at which the threshold is inside the interval."""
        return tuple(moment for moment in self.moments if moment.error.low <= self.threshold < moment.error.high)

    @property
    def verdict(self) -> str:
        """ "above" at some time, "inconclusive" where the threshold is inside an interval, else "within"."""
        return "above" if self.above else "inconclusive" if self.undecided else "within"

    @property
    def exit_code(self) -> int:
        """0 within, 1 above, 3 inconclusive."""
        return EXIT_CODES[self.verdict]

    @property
    def largest(self) -> Moment:
        """The time of the largest error."""
        return max(self.moments, key=lambda moment: moment.error.value)

    def mapping(self) -> dict[str, Any]:
        """Everything, as JSON has it (an infinite number is a text): schema certflow/audit/1."""
        from certflow import __version__
        from certflow.law.formats import to_mapping
        from certflow.report.formatting import plain

        found: dict[str, Any] = plain(
            {
                "schema": SCHEMA,
                "certflow": __version__,
                "evidence": "empirical",
                "verdict": self.verdict,
                "exit_code": self.exit_code,
                "mixture": to_mapping(self.process.mixture),
                "t_min": self.process.t_min,
                "t_max": self.process.t_max,
                "model": self.model,
                "quantity": self.quantity,
                "threshold": self.threshold,
                "threshold_given": self.given,
                "roundoff": self.roundoff,
                "samples": self.samples,
                "seed": self.seed,
                "errors": [moment.mapping() for moment in self.moments],
                "witness": None if self.witness is None else self.witness.mapping(),
                "causes": [{"name": cause.name, "sentence": cause.sentence} for cause in self.causes],
                "places": None if self.places is None else self.places.mapping(),
                "consequences": self.consequences.mapping(),
                "notes": list(self.notes),
            }
        )
        return found
