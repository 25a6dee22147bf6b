"""Certificates of sharp rates (proofs/L5.md): the coverings that `sharp_rate` finds, as hints for the checker."""

from __future__ import annotations

from bisect import bisect_left
from fractions import Fraction
from functools import cache
from math import ceil, exp, expm1
from typing import Any

from certflow.certificate.closed_forms import MAX_BITS
from certflow.certificate.envelope import envelope
from certflow.certificate.hints import cover_hints, face_hints
from certflow.certificate.sharp_shared import shared_certificate
from certflow.enclosure.suprema.common import coarser
from certflow.enclosure.suprema.points import turned_point
from certflow.enclosure.suprema.rate import Block, SharpRate
from certflow.enclosure.suprema.shared import closed_rate
from certflow.enclosure.suprema.sharp import sharp_rate
from certflow.errors import InputError
from certflow.numbers.exact import exact_number, exact_text, time_text
from certflow.numbers.numerals import below
from certflow.process import OrnsteinUhlenbeck

#: Kinds of covariance of which sharp rates have certificates.
CERTIFIED = ("common-isotropic", "shared")
#: Bits of the checker's arithmetic: the float64 margins of the producer are far above what it can lose with these.
#: After the time `USUAL` rates fall like `e^{-2t}`, and three bits more for each unit of time keep their digits.
BITS, USUAL = 128, 3
#: Bits that `D^2/v^2` may take of these; what it takes beyond is added. The checker's numbers are of fixed point: an
#: error of the last place in `x` is one of `D/v` places in the logits, and the variance is `D` times as steep.
TAKEN = 40
#: Coverings with more leaves than this are made again with a wider gap, at most the widest: a check then stays below a
#: second (some 4,000 to 8,000 leaves a second).
MAX_LEAVES, WIDEST = 3000, Fraction(1, 10)


def sharp_certificate(
    process: OrnsteinUhlenbeck, t: Any, rate: str = "one-sided", *, gap: Any = "1e-9", seconds: float = 60.0
) -> tuple[dict[str, Any], SharpRate]:
    """L5: `lower <= sup_x rate(x, t) <= upper`, with the covering that proves it, and the rate it was made from.

    Where the covering has more than `MAX_LEAVES` leaves, the gap is widened by powers of ten, at most to `WIDEST`; if
    that is not enough, the largest coverings give way to the closed form, and the rate counts as not complete.

    Raises
    ------
    InputError : a time outside `[t_min, t_max]` or beyond the format's precision, covariances that are neither
        common-isotropic nor shared, fewer than two means.
    """
    time, wanted = exact_number(t, "t"), exact_number(gap, "gap")
    if not process.exact_t_min <= time <= process.exact_t_max:
        raise InputError("t", t, f"a time from t_min = {process.t_min:g} to t_max = {process.t_max:g}")
    if process.mixture.kind not in CERTIFIED:
        raise InputError("mixture", f"{process.mixture.kind} covariances", " or ".join(CERTIFIED))
    least = BITS
    if process.mixture.kind == "common-isotropic":
        least += max(0, lost_bits(process, time) - TAKEN)
    bits, latest = least + max(0, ceil(3 * (time - USUAL))), USUAL + Fraction(MAX_BITS - least, 3)
    if bits > MAX_BITS:
        within = f", at most {below(latest, 6)}" if latest >= USUAL else ""
        raise InputError("t", time_text(time), f"a time at which {MAX_BITS} bits hold the rate{within}")
    found = _small(process, time, rate, wanted, seconds)
    if process.mixture.kind == "shared":
        return shared_certificate(process, found, bits), found
    if not found.blocks:
        raise InputError("mixture", "a single mean", "at least two different means")
    assertion = {
        "t": exact_text(time),
        "kind": rate,
        "lower": exact_text(found.lower),
        "upper": exact_text(found.upper),
    }
    proof = {
        "rule": "master-inequality",
        "bits": bits,
        "blocks": [_block(block) for block in found.blocks],
        "turn": None if found.turn is None else list(found.turn),
        "lower": _lower(found),
    }
    return envelope(process, "L5", assertion, proof), found


def lost_bits(process: OrnsteinUhlenbeck, time: Fraction) -> int:
    """About `log2(D^2/v^2)`."""
    variance: Any = process.mixture.exact_covariances.fractions[()]
    width = variance * Fraction(exp(-2 * time)) - Fraction(expm1(-2 * time))
    ratio: Fraction = Fraction(process.mixture.diameter_squared) / width**2
    return ratio.numerator.bit_length() - ratio.denominator.bit_length()


def _small(process: OrnsteinUhlenbeck, time: Fraction, rate: str, wanted: Fraction, seconds: float) -> SharpRate:
    """The rate with the first of the gaps `wanted`, `10 wanted`, ... whose covering is small enough (by bisection)."""

    @cache
    def found(place: int) -> SharpRate:
        return sharp_rate(process, time, rate, gap=wanted * 10**place, seconds=seconds)

    if found(0).leaves <= MAX_LEAVES:
        return found(0)
    places = [place for place in range(1, 100) if wanted * 10**place <= WIDEST]
    first = bisect_left(places, True, key=lambda place: found(place).leaves <= MAX_LEAVES)
    if first < len(places):
        return found(places[first])
    last = found(places[-1] if places else 0)
    return closed_rate(last, process.mixture) if last.metric else coarser(last, process.mixture, MAX_LEAVES)


def _block(block: Block) -> dict[str, Any]:
    header = {"axes": list(block.axes), "threshold": exact_text(block.found.upper)}
    proof = block.found.proof
    if proof is None:  # Popoviciu's inequality
        return {**header, "pivots": [], "cover": None, "faces": []}
    faces = face_hints(proof, block.points, block.points.axes)
    return {**header, "pivots": list(block.points.axes), "cover": cover_hints(proof), "faces": faces}


def _lower(found: SharpRate) -> dict[str, Any]:
    witness, vector, number = found.witness, found.direction, found.best_block
    block = found.blocks[number]
    point, normal = (_in_blocks(entry, found.turn) for entry in (witness.point, witness.direction))
    return {
        "block": number,
        "members": list(found.members),
        "normal": None if normal is None else [exact_text(normal[a]) for a in block.axes],
        "point": [exact_text(entry) for entry in point or ()],
        "vector": [exact_text(entry) for entry in vector],
    }


def _in_blocks(vector: tuple[Fraction, ...] | None, turn: tuple[int, int] | None) -> tuple[Fraction, ...] | None:
    """`v` with `U^T v` the vector: in the coordinates of the blocks, if the plane is turned."""
    if vector is None or turn is None:
        return vector
    size = turn[0] ** 2 + turn[1] ** 2
    x, y = turned_point(vector, turn)
    return (x / size, y / size)
