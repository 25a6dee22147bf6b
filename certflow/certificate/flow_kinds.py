"""Certificates of flow tubes of covariances that are not one variance (proofs/S3.md): nodes and orders as hints."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from certflow.certificate.checker import check
from certflow.certificate.envelope import certificate_text, envelope
from certflow.enclosure.tubes.heat import HeatPath, heat_path
from certflow.errors import InputError
from certflow.numbers.exact import exact_text, time_text
from certflow.numbers.numerals import below
from certflow.process import OrnsteinUhlenbeck

#: The format's largest precision and order, and the largest dimension of covariances that are matrices.
MAX_BITS, MAX_ORDER, MAX_DIMENSION = 1024, 256, 8
#: Bits of a step's error beyond the digits, of the first attempt and of later ones; bits of the checker beyond these.
FIRST_BITS, MORE_BITS, GUARD_BITS = 32, (0, 48, 144), 96
#: Each step of the path in so many parts.
PARTS = (1, 2, 4)


def kind_tube_certificate(
    process: OrnsteinUhlenbeck, x: tuple[Fraction, ...], start: Fraction, end: Fraction, digits: int
) -> dict[str, Any]:
    """S3 of any covariances, accepted by the checker.

    Raises
    ------
    InputError : matrices of more than `MAX_DIMENSION` rows, or a path that the format's precision does not confirm.
    """
    mixture, refused = process.mixture, ""
    if mixture.kind != "isotropic" and mixture.dimension > MAX_DIMENSION:
        raise InputError("mixture", f"matrices of {mixture.dimension} rows", f"at most {MAX_DIMENSION}")
    wanted = math.ceil(digits * math.log2(10)) + FIRST_BITS
    # A node `e^(2t) - 1` has about so many bits, and the path is told in twice as many (`_size_in_bits`).
    latest = (MAX_BITS - wanted - GUARD_BITS) * math.log(2) / 4
    for name, time in (("t_from", start), ("t_to", end)):
        if time > latest:
            raise InputError(name, time_text(time), f"a time of at most {below(latest, 6)}, for {MAX_BITS} bits")
    for more, parts in ((more, parts) for more in MORE_BITS for parts in PARTS):
        path = heat_path(mixture, x, start, end, wanted + more)
        bits = wanted + more + GUARD_BITS + 2 * _size_in_bits(process, path, x)
        if path.image is None or bits > MAX_BITS or path.order > MAX_ORDER:
            break
        assertion = image_assertion(x, start, end, (path.image, path.image), digits)
        proof = {"rule": "heat-steps", "bits": bits, "floors": _floors(process), **_steps(path, parts)}
        certificate = envelope(process, "S3", assertion, proof)
        verdict = check(certificate_text(certificate))
        if verdict.accepted:
            return certificate
        refused = verdict.text
        if "steps of work" in refused:  # more bits and more parts are more work
            break
    raise InputError("x", [exact_text(entry) for entry in x], f"a path that {MAX_BITS} bits confirm ({refused})")


def _steps(path: HeatPath, parts: int) -> dict[str, Any]:
    """The nodes, with each step in so many parts."""
    pairs = pairwise(path.nodes)
    ends = [left + (right - left) * Fraction(part, parts) for left, right in pairs for part in range(1, parts + 1)]
    return {
        "start": exact_text(path.nodes[0]),
        "steps": [{"end": exact_text(end), "order": path.order} for end in ends],
    }


def _floors(process: OrnsteinUhlenbeck) -> list[str]:
    """Numbers a little below the eigenvalues of each covariance; 0 where float64 does not see that."""
    values = process.mixture.exact_covariances.fractions
    if process.mixture.kind == "isotropic":
        return [exact_text(Fraction(value) * Fraction(1023, 1024)) for value in values]
    parts = [values] if process.mixture.kind == "shared" else list(values)
    lowest = (float(np.linalg.eigvalsh(np.array(part, dtype=float))[0]) * (1 - 2**-20) for part in parts)
    return [exact_text(Fraction(max(value, 0.0))) for value in lowest]


def _size_in_bits(process: OrnsteinUhlenbeck, path: HeatPath, x: tuple[Fraction, ...]) -> int:
    """Bits of the largest of means, coordinates and nodes, and of the largest precision."""
    numbers = [*process.mixture.exact_means.fractions.flat, *x, *path.nodes]
    narrow = min(float(np.linalg.eigvalsh(part)[0]) for part in process.mixture.covariance_matrices)
    widest = max(0, math.ceil(-math.log2(narrow + float(min(path.nodes)))))
    return widest + max(math.ceil(abs(Fraction(number))).bit_length() for number in numbers)


def image_assertion(
    x: Sequence[Fraction],
    start: Fraction,
    end: Fraction,
    box: tuple[Sequence[Fraction], Sequence[Fraction]],
    digits: int,
) -> dict[str, Any]:
    """What S3 asserts: the image of `x` lies in the box, half a unit of the last of so many digits wider each way."""
    slack, (lower, upper) = Fraction(5, 10 ** (digits + 1)), box
    return {
        "x": [exact_text(entry) for entry in x],
        "t_from": exact_text(start),
        "t_to": exact_text(end),
        "lower": [_decimal(value - slack, digits + 3, math.floor) for value in lower],
        "upper": [_decimal(value + slack, digits + 3, math.ceil) for value in upper],
    }


def _decimal(value: Fraction, places: int, rounded: Any) -> str:
    """A decimal of so many places."""
    return exact_text(Fraction(rounded(value * 10**places), 10**places))
