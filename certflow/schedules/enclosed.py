"""A schedule's own time and scale at an exact OU time, as balls: what proofs need (proofs/N1.md)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from certflow.errors import InputError
from certflow.schedules.families import EDM, Cosine, FlowMatching, OrnsteinUhlenbeckTime, VariancePreserving
from certflow.schedules.schedule import Schedule
from certflow.schedules.table import Table


def enclosed(schedule: Schedule, t: Fraction) -> tuple[Any, Any]:
    """`tau` with `ou_time(tau) = t`, and `r = sqrt(a^2 + b^2)` there, as Arb balls at the precision in force.

    The parameters of a schedule are the binary numbers that they are. Of a table `tau` is the float64 number that
    `time_at` gives for the nearest float64 to `t`: an index, which the table defines by rounding.

    Raises
    ------
    InputError : a time that the schedule does not have, a schedule of another family.
    """
    from flint import arb, fmpq

    nearest = float(schedule.time_at(float(t)))  # refuses a time that is not of the schedule
    time = arb(fmpq(t.numerator, t.denominator))
    m, one = (-time).exp(), arb(1)
    n = (-(-2 * time).expm1()).sqrt()
    if isinstance(schedule, EDM):
        return n / m, 1 / m
    if isinstance(schedule, FlowMatching):
        return n / (m + n), 1 / (m + n)
    if isinstance(schedule, OrnsteinUhlenbeckTime):
        return time, one
    if isinstance(schedule, VariancePreserving):
        low, rise = arb(schedule.beta_min), arb(schedule.beta_max) - arb(schedule.beta_min)
        return 4 * time / (low + (low * low + 4 * rise * time).sqrt()), one
    if isinstance(schedule, Cosine):
        offset = arb(schedule.offset)
        speed = arb.pi() / 2 / (1 + offset)
        # a = cos(theta) / cos(theta_0) = m
        return (m * (offset * speed).cos()).acos() / speed - offset, one
    if isinstance(schedule, Table):
        return arb(nearest), one
    raise InputError("schedule", schedule, "a schedule of certflow.schedules")
