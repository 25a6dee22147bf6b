"""Certificates of the integral of the sharp rate (proofs/F5.md): the panels of `sharp_stability`, as hints."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.certificate.checker import check
from certflow.certificate.closed_forms import MAX_BITS, MAX_GROWTH, factor_above
from certflow.certificate.envelope import certificate_text, envelope
from certflow.certificate.sharp import BITS, TAKEN, USUAL, lost_bits
from certflow.enclosure.expressions import ball
from certflow.enclosure.integrals import check_effort
from certflow.enclosure.results import ball_ends, rounded_down, rounded_up
from certflow.enclosure.suprema.cover import Cover
from certflow.enclosure.suprema.exponent import SharpIntegral, sharp_integral
from certflow.enclosure.suprema.panels import Panel, Piece
from certflow.enclosure.suprema.points import Points
from certflow.enclosure.suprema.search import Proof
from certflow.errors import InputError
from certflow.numbers.exact import exact_text, time_text
from certflow.numbers.numerals import below
from certflow.numbers.precision import ball_precision
from certflow.process import OrnsteinUhlenbeck

#: Digits of the ends, and by how much they are moved outwards: far more than what a checker loses, far below the gap.
DIGITS, SLACK = 12, Fraction(1, 10**13)
#: Share of the integral that the midpoint rule of the checker may lose, and the largest number of steps of a piece.
LOST, MAX_STEPS = 5e-4, 2000
#: Seconds that a search has at least: for what is found without one.
_LEAST = 1e-3
#: Where the checker would be asked for more work than it does, the gap is widened by `FACTOR`, at most to `WIDEST`.
FACTOR, WIDEST = 4, Fraction(1, 10)


def sharp_integral_certificate(
    process: OrnsteinUhlenbeck, *, gap: Any = "5e-3", seconds: float = 60.0
) -> tuple[dict[str, Any], SharpIntegral]:
    """F5: `lower <= int lambda* <= upper` over `[t_min, t_max]` and `|Phi(x) - Phi(y)| <= factor |x - y|`, with the
    panels that prove it, and the enclosure that it was made from (`found.complete`: the gap asked for was reached).

    Where the checker would refuse the panels for their work, the gap is widened; if that is not enough, Popoviciu's
    inequality takes the place of the largest coverings, and the enclosure counts as not complete.

    Raises
    ------
    InputError : covariances that are not common-isotropic, fewer than two different means, a precision beyond the
        format's, a mixture that is too large for the checker, a gap or seconds out of range.
    """
    if process.mixture.kind != "common-isotropic":
        raise InputError("mixture", f"{process.mixture.kind} covariances", "common-isotropic covariance")
    wanted, seconds = check_effort(gap, seconds)
    bits = _bits(process)
    deadline, width = time.perf_counter() + seconds, wanted
    while True:
        left = max(deadline - time.perf_counter(), _LEAST)
        made = sharp_integral(process, process.exact_t_min, process.exact_t_max, width, left)
        certificate = _certificate(process, made, bits)
        if check(certificate_text(certificate)).accepted:
            complete = made.found.complete and width == wanted
            return certificate, replace(made, found=replace(made.found, complete=complete))
        if FACTOR * width > WIDEST or time.perf_counter() > deadline:
            break
        width *= FACTOR
    while sum(map(_leaves, made.panels)):
        made = _coarser(made)
        certificate = _certificate(process, made, bits)
        if check(certificate_text(certificate)).accepted:
            return certificate, made
    raise InputError("mixture", f"{process.mixture.n_components} components", "a mixture of which the checker can read")


def _leaves(panel: Panel) -> int:
    return sum(proof.leaves for proof in panel.proofs if proof is not None)


def _coarser(made: SharpIntegral) -> SharpIntegral:
    """With at most half of the leaves: Popoviciu's inequality takes the place of the largest coverings."""
    popoviciu = max(points.diameter_squared for points in made.factors) / 4
    allowed, kept = sum(map(_leaves, made.panels)) // 2, {}
    for panel in sorted(made.panels, key=_leaves):
        allowed -= _leaves(panel)
        loose = replace(
            panel,
            levels=None,
            upper=(Fraction(panel.high) - Fraction(panel.low)) * popoviciu,
            proofs=(None,) * len(panel.proofs),
        )
        kept[panel.low] = panel if allowed >= 0 else loose
    found = replace(made.found, complete=False)
    return replace(made, found=found, panels=tuple(kept[low] for low in sorted(kept)))


def _certificate(process: OrnsteinUhlenbeck, made: SharpIntegral, bits: int) -> dict[str, Any]:
    if not made.panels:
        raise InputError("mixture", "a single mean", "at least two different means")
    pieces = [(panel.piece, _steps(panel, panel.piece)) for panel in made.panels if panel.piece is not None]
    with ball_precision(2 * BITS):
        drift, off = ball_ends(_expansion(process))
    upper = sum((panel.upper for panel in made.panels), Fraction(0))
    lower = sum((_midpoints(piece, steps) for piece, steps in pieces), Fraction(0))
    growth = rounded_up(upper + drift + off + SLACK * (upper + abs(drift)), DIGITS)
    least = rounded_down(lower + drift - off - 100 * SLACK * (lower + abs(drift)), DIGITS)
    assertion = {
        "lower": exact_text(least),
        "upper": exact_text(growth),
        "factor": None if growth > MAX_GROWTH else exact_text(factor_above(growth)),
    }
    proof = {
        "rule": "panels",
        "bits": bits,
        "turn": None if made.turn is None else list(made.turn),
        "blocks": [
            {"axes": list(axes), "pivots": list(points.axes)}
            for axes, points in zip(made.blocks, made.factors, strict=True)
        ],
        "start": exact_text(Fraction(made.panels[0].low)),
        "panels": [_panel(panel, made.factors) for panel in made.panels],
        "pieces": [_piece(piece, made.factors[piece.factor], steps) for piece, steps in pieces],
    }
    return envelope(process, "F5", assertion, proof)


def _bits(process: OrnsteinUhlenbeck) -> int:
    """Bits of the checker's arithmetic; refused before anything is searched for where the format has not so many."""
    end, lost = process.exact_t_max, max(0, lost_bits(process, process.exact_t_min) - TAKEN)
    latest = USUAL + Fraction(MAX_BITS - BITS - lost, 3)
    if process.exact_t_min < latest < end:
        raise InputError(
            "t_max", time_text(end), f"a time of at most {below(latest, 6)}, for which {MAX_BITS} bits suffice"
        )
    bits: int = BITS + max(0, math.ceil(3 * (end - USUAL))) + lost
    if bits > MAX_BITS:
        raise InputError("t_min, t_max", f"{bits} bits needed", f"an interval for which {MAX_BITS} bits suffice")
    return bits


def _expansion(process: OrnsteinUhlenbeck) -> Any:
    """`int (1 - 1/v) = 1/2 ln(v_s/v_t)`, a ball."""
    variance: Any = process.mixture.exact_covariances.fractions[()]
    ends = process.exact_t_min, process.exact_t_max
    low, high = (ball(2 * t).expm1() + ball(variance) for t in ends)
    return (low / high).log() / 2 + ball(ends[1] - ends[0])


def _panel(panel: Panel, factors: tuple[Points, ...]) -> dict[str, Any]:
    levels, proofs = panel.levels, panel.proofs
    if levels is None:
        widest = max(points.diameter_squared for points in factors) / 4
        levels, proofs = (widest, widest), (None,) * len(factors)
    covers = [None if proof is None else _covers(proof, points) for proof, points in zip(proofs, factors, strict=True)]
    return {
        "end": exact_text(Fraction(panel.high)),
        "levels": [exact_text(level) for level in levels],
        "covers": covers,
    }


def _covers(proof: Proof, points: Points) -> dict[str, Any]:
    used = sorted(proof.faces)
    places = {number: place for place, number in enumerate(used)}
    faces = [
        {
            "members": list(points.faces[number].members),
            "pivots": [points.axes[axis] for axis in points.faces[number].axes],
            "cover": _cover(proof.faces[number], places),
        }
        for number in used
    ]
    return {"cover": _cover(proof.whole, places), "faces": faces}


def _cover(cover: Cover, places: dict[int, int]) -> dict[str, Any]:
    return {
        "radius": exact_text(Fraction(cover.radius)),
        "boxes": cover.boxes.text(places),
        "cones": [tree.text(places) for tree in cover.cones],
    }


def _piece(piece: Piece, points: Points, steps: int) -> dict[str, Any]:
    """In the checker's coordinates `r` is that of the turned points, `r/scale`, and so is the slope."""
    return {
        "start": exact_text(piece.low),
        "end": exact_text(piece.high),
        "steps": steps,
        "block": piece.factor,
        "members": list(piece.members),
        "normal": None if piece.normal is None else [exact_text(entry) for entry in piece.normal],
        "tilt": [exact_text(entry) for entry in piece.tilt],
        "slope": [exact_text(entry * points.scale) for entry in piece.slope],
        "vector": [exact_text(entry) for entry in piece.vector],
    }


def _steps(panel: Panel, piece: Piece) -> int:
    """So many that the midpoint rule loses a small share of the panel's integral, `W^3 H^2 S^2 / (192 steps^2)`."""
    width, (height, rate) = float(piece.high - piece.low), _ranges(piece)
    value = float(panel.lower * piece.line.size)
    if not value > 0:
        return 1
    steps = math.sqrt(width**3 * height**2 * rate**2 / (192 * LOST * value))
    return max(1, min(math.ceil(steps), MAX_STEPS))


def _ranges(piece: Piece) -> tuple[float, float]:
    line = piece.line
    return float(max(line.heights) - min(line.heights)), float(max(line.rates) - min(line.rates))


def _midpoints(piece: Piece, steps: int) -> Fraction:
    """What the checker will find, in float64: which decides nothing, since the checker does it again."""
    width, (height, rate) = float(piece.high - piece.low), _ranges(piece)
    nodes = np.linspace(0.5, steps - 0.5, steps, dtype=np.float64) * (width / steps) + float(piece.low)
    off = width**3 * height**2 * rate**2 / (192 * steps**2)
    return Fraction(max(float(piece.line.variances(nodes).sum()) * width / steps - off, 0.0)) / piece.line.size
