"""What `certflow bound --sharp` adds: the enclosed suprema over all x, and their integral (proofs/L5.md to L7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from certflow.commands.texts import renamed
from certflow.enclosure.suprema.exponent import SharpStability, sharp_stability
from certflow.enclosure.suprema.rate import SharpRate
from certflow.enclosure.suprema.sharp import sharp_rate
from certflow.numbers.exact import exact_text
from certflow.process import OrnsteinUhlenbeck

#: Relative gaps asked for, and seconds after which a wider enclosure is accepted (of one rate, of the integral).
RATE_GAP, INTEGRAL_GAP, RATE_SECONDS, INTEGRAL_SECONDS = "1e-6", "1e-3", 10.0, 60.0


@dataclass(frozen=True)
class Sharp:
    """`lambda*` and `L*` at the times of the table; the integral of `lambda*` where it can be enclosed."""

    times: tuple[str, ...]
    one_sided: tuple[SharpRate, ...]
    two_sided: tuple[SharpRate, ...]
    integral: SharpStability | None

    @property
    def complete(self) -> bool:
        """Whether every gap asked for was reached."""
        rates = (*self.one_sided, *self.two_sided)
        return all(rate.complete for rate in rates) and (self.integral is None or self.integral.complete)

    def mapping(self) -> dict[str, Any]:
        """For JSON: exact decimals as texts, the witnesses of the lower bounds."""
        rows = [
            {"t": time, "growth_rate": _rate(one), "lipschitz": _rate(two)}
            for time, one, two in zip(self.times, self.one_sided, self.two_sided, strict=True)
        ]
        integral = None
        if self.integral is not None:
            ends = {"lower": str(self.integral.lower), "upper": str(self.integral.upper)}
            integral = {**ends, "closed_form": str(self.integral.popoviciu), "complete": self.integral.complete}
        return {"rows": rows, "stability_one_sided": integral, "complete": self.complete}


def sharp(process: OrnsteinUhlenbeck, times: tuple[str, ...]) -> Sharp:
    """Enclose the sharp rates at every time of the table; `InputError` for full covariances."""

    def rates(kind: str) -> tuple[SharpRate, ...]:
        with renamed({"t": "--t-max"}):
            return tuple(sharp_rate(process, time, kind, gap=RATE_GAP, seconds=RATE_SECONDS) for time in times)

    integral = None
    if process.mixture.kind == "common-isotropic":
        with renamed({"t": "--t-max"}):
            integral = sharp_stability(process, times[0], times[-1], gap=INTEGRAL_GAP, seconds=INTEGRAL_SECONDS)
    return Sharp(times, rates("one-sided"), rates("two-sided"), integral)


def _rate(rate: SharpRate) -> dict[str, Any]:
    direction = rate.witness.direction
    return {
        "lower": str(rate.lower),
        "upper": str(rate.upper),
        "complete": rate.complete,
        "witness": {
            "point": [exact_text(entry) for entry in rate.witness.point],
            "direction": None if direction is None else [exact_text(entry) for entry in direction],
            "components": list(rate.witness.components),
        },
    }
