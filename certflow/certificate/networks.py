"""Certificates of networks for the score (proofs/A6.md): exact weights, and errors of the gadgets as hints."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from typing import Any

from certflow.certificate.checker import check
from certflow.certificate.envelope import certificate_text, envelope
from certflow.enclosure.results import ball_ends, rounded_up
from certflow.errors import InputError
from certflow.networks.common.law import CommonLaw
from certflow.networks.constructed import ConstructedScore, Proved
from certflow.networks.exact_json import gadget_mapping
from certflow.networks.plan import Pieces
from certflow.numbers.exact import exact_text, nearest_float
from certflow.numbers.precision import ball_precision

#: The format's largest precision, order and number of halvings.
MAX_BITS, MAX_ORDER, MAX_HALVINGS = 1024, 256, 8
#: Significant digits of what is asserted, and of what is said of the gadgets.
DIGITS, FINE = 6, 12
#: By how much more is asserted than was proved: the checker takes other ways to the same bound.
SLACK = Fraction(1, 10**4)
#: Bits of the checker's arithmetic beyond those of the error, for each try: neurons are sums of some hundred terms.
GUARD_BITS = (64, 128, 256)
#: What a Taylor polynomial of time may leave out, as a part of the error: no digit of what is asserted shows it.
LEFT = 1e-6
#: A radius of convergence beyond this counts as this: exponentials have none, but are not short either.
FAR = 4.0


def network_certificate(score: ConstructedScore | Proved) -> dict[str, Any]:
    """A6: `||N - s||_{L^2(p_t)} <= l2_error`, `|N - s| <= A + B |x|` for all `x` and all `t` in `[t_min, t_max]`.

    The certificate has the exact weights of the gadgets that the network is made of; what it asserts is the bound that
    is proved of the score and a ten-thousandth more, rounded up.

    score : of `cf.networks.constructed_score`, or what `cf.networks.relu_requ_score` returns; whatever norm it was made
        for, the certificate is of the error in `L^2(p_t)` and at every `x`

    Raises
    ------
    InputError : covariances that are not one isotropic variance, an error that takes more bits, terms or work than the
        checker has.

    >>> import certflow as cf
    >>> from certflow.certificate import checker
    >>> from certflow.certificate.envelope import certificate_text
    >>> p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.5", "1")
    >>> certificate = network_certificate(cf.networks.constructed_score(p, "1e-3"))
    >>> checker.check(certificate_text(certificate)).accepted
    True
    """
    constructed = score.constructed if isinstance(score, Proved) else score
    pieces, bound = constructed.pieces, constructed.bound
    if not isinstance(pieces.law, CommonLaw):
        kind = constructed.process.mixture.kind
        raise InputError("covariances", kind, "common-isotropic, for a certificate of a network")
    with ball_precision(constructed.bits):
        constant, slope = bound.everywhere
        bounds = {"l2_error": bound.l2, "A": constant, "B": slope}
        # of a single standard normal component nothing is off, whatever the functions of time
        least = min((above for above in map(_above, bounds.values()) if above), default=Fraction(1))
        asserted = {key: rounded_up(_above(ball) * (1 + SLACK), DIGITS) for key, ball in bounds.items()}
        assertion = {"network": _network(pieces), **{key: exact_text(end) for key, end in asserted.items()}}
        errors = _errors(pieces)
    for guard in GUARD_BITS:
        bits = _binary_places(least) + guard
        if bits <= MAX_BITS:
            proof = {"rule": "gadgets", "bits": bits, **_series(pieces, least), **errors}
            certificate = envelope(constructed.process, "A6", assertion, proof)
            if check(certificate_text(certificate)).accepted:
                return certificate
    raise InputError("eps", constructed.eps, "an error within reach of the checker's bits and terms")


def _network(pieces: Pieces) -> dict[str, Any]:
    """The gadgets, exactly; one component needs that of time only."""
    one = pieces.exponential is None or pieces.reciprocal is None
    return {
        "time": gadget_mapping(pieces.time),
        "exponential": None if pieces.exponential is None else gadget_mapping(pieces.exponential.gadget),
        "reciprocal": None if pieces.reciprocal is None else gadget_mapping(pieces.reciprocal.gadget),
        "log_weights": [str(weight) for weight in pieces.log_weights],
        "centre": [] if one else [str(entry) for entry in pieces.law.centre],
    }


def _errors(pieces: Pieces) -> dict[str, str | None]:
    """What the checker proves of the exponential and the reciprocal first."""
    if pieces.exponential is None or pieces.reciprocal is None:
        return dict.fromkeys(("relative", "absolute", "reciprocal"))
    exponential, reciprocal = pieces.exponential, pieces.reciprocal
    errors = {"relative": exponential.relative, "absolute": exponential.absolute, "reciprocal": reciprocal.relative}
    return {key: exact_text(rounded_up(_above(ball), FINE)) for key, ball in errors.items()}


def _above(ball: Any) -> Fraction:
    """The upper end of a ball."""
    middle, radius = ball_ends(ball)
    return middle + radius


def _binary_places(error: Fraction) -> int:
    return max(0, error.denominator.bit_length() - error.numerator.bit_length() + 1)


def _series(pieces: Pieces, error: Fraction) -> dict[str, int]:
    """Parts of each piece of time and the order of their Taylor polynomials, for the least work.

    The checker's intervals grow as the series of `1/(v_0 - sum |v_j| u^j)`, `v = 1 - c e^{-2t}`, does: its radius is
    `d = log(1/(c q))/2` for `c > 0`, `log(2 + 1/(|c| q))/2` for `c < 0`, at `q = e^{-2t}`. A part of half length `h`
    leaves about `(h/d)^order`.
    """
    c, knots = nearest_float(_fraction(pieces.law.excess)), [nearest_float(_fraction(k)) for k in pieces.time.knots]
    digits = math.log(LEFT) - _binary_places(error) * math.log(2)
    found: tuple[int, dict[str, int]] | None = None
    for halvings in range(MAX_HALVINGS + 1):
        order = 4
        for low, high in pairwise(knots):
            inverse = math.exp(2 * low) / abs(c) if c else math.inf
            radius = min(math.log(inverse if c > 0 else 2 + inverse) / 2, FAR)
            ratio = (high - low) / 2 ** (halvings + 1) / radius
            order = max(order, math.ceil(digits / math.log(ratio)) if ratio < 0.5 else MAX_ORDER + 1)
        cost = (order + 8) ** 2 * 2**halvings
        if order <= MAX_ORDER and (found is None or cost < found[0]):
            found = cost, {"halvings": halvings, "order": order}
    if found is None:
        raise InputError("t_min", nearest_float(_fraction(pieces.law.t_min)), "a time at which v is further from 0")
    return found[1]


def _fraction(number: Any) -> Fraction:
    return Fraction(int(number.p), int(number.q))
