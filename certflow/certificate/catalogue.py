"""Which certificates a mixture has: the one list of them, by claim.

An offer is made whether or not the mixture has it: `make` tells, by the certificate or by the reason why there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from certflow.certificate.closed_forms import PRODUCERS
from certflow.certificate.sharp import sharp_certificate
from certflow.certificate.sharp_integral import sharp_integral_certificate
from certflow.errors import InputError, NoEnclosure
from certflow.numbers.exact import time_text
from certflow.process import OrnsteinUhlenbeck

Producer = Callable[[float], tuple[dict[str, Any], bool]]
#: Seconds that a search has at least.
_LEAST = 1e-3


@dataclass(frozen=True)
class Made:
    """What became of an offer: the certificate, and whether the gap wanted was reached; or why there is none."""

    certificate: dict[str, Any] | None
    complete: bool = True
    reason: str = ""


@dataclass(frozen=True)
class Offer:
    """A certificate that may be asked for: the stem of its file, its claim, whether it is searched for, its producer
    (given seconds, it returns the certificate and whether its gap was reached)."""

    stem: str
    claim: str
    searched: bool
    producer: Producer

    def make(self, seconds: float) -> Made:
        """The certificate, within about so many seconds, or the reason why this mixture has none of the kind."""
        try:
            certificate, complete = self.producer(max(seconds, _LEAST))
        except (InputError, NoEnclosure) as error:
            return Made(None, reason=str(error))
        return Made(certificate, complete)


def offers(process: OrnsteinUhlenbeck, sharp: bool = False, times: Sequence[Fraction] = ()) -> list[Offer]:
    """The closed forms over `[t_min, t_max]`; with `sharp` also both sharp rates at the `times`, and the integral."""
    found = [
        Offer(claim, claim, False, lambda _, produce=produce: (produce(process), True))  # type: ignore[misc]
        for claim, produce in PRODUCERS.items()
    ]
    if not sharp:
        return found
    taken: set[str] = set()
    for time in times:
        stem = _free(f"L5-t-{time_text(time)}", taken)
        rates = ("one-sided", "two-sided")
        found += [Offer(f"{stem}-{rate}", "L5", True, _sharp_rate(process, time, rate)) for rate in rates]
    return [*found, Offer("F5", "F5", True, _sharp_integral(process))]


def _sharp_rate(process: OrnsteinUhlenbeck, time: Fraction, rate: str) -> Producer:
    def produce(seconds: float) -> tuple[dict[str, Any], bool]:
        certificate, found = sharp_certificate(process, time, rate, seconds=seconds)
        return certificate, found.complete

    return produce


def _sharp_integral(process: OrnsteinUhlenbeck) -> Producer:
    def produce(seconds: float) -> tuple[dict[str, Any], bool]:
        certificate, made = sharp_integral_certificate(process, seconds=seconds)
        return certificate, made.found.complete

    return produce


def _free(stem: str, taken: set[str]) -> str:
    """The stem, with a number where another time has the same digits."""
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}"
    taken.add(name)
    return name
