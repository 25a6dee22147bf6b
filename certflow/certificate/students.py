"""Certificates of students in one dimension (C2, C4): exact weights, and the flow backwards on cells as hints."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from certflow.certificate.checker.arithmetic import Imprecise
from certflow.certificate.student_hints import searches
from certflow.enclosure.results import rounded_down, rounded_up
from certflow.enclosure.students.maps import ExactMap, check_ends, read_maps
from certflow.errors import InputError
from certflow.numbers.exact import exact_number, exact_text
from certflow.process import OrnsteinUhlenbeck

#: Relative width of what is asserted, where none is asked for.
RTOL = "0.05"
#: Digits of what is asserted.
DIGITS = 6
#: Binary places of weights, and decimal digits of their integers, that the format has.
PLACES, LONGEST = 1024, 80
#: The least relative width that may be asked for, and one that is not made less.
FINEST, FINE = 1e-6, 1e-4


def student_certificate(process: OrnsteinUhlenbeck, maps: Any, *, rtol: Any = RTOL) -> dict[str, Any]:
    """C2: `lower <= E|Psi(X) - Phi(X)|^2 / E|Phi(X)|^2 <= upper`, X of the law at `t_max`, Phi the flow to `t_min`.

    process : a mixture in one dimension, of any covariances, between the first and the last time of the maps
    maps : as `read_maps` takes them, with SiLU, tanh or ReLU, the first to be applied first
    rtol : `upper <= (1 + rtol) lower`, nearly, unless that takes more cells than `MOST`

    Raises
    ------
    InputError : another dimension, a map of several coordinates, pairs that are sorted, a skip but 0 or 1, a tolerance
        out of range, maps too steep or too large for the checker.

    >>> import certflow as cf
    >>> from certflow.certificate import checker
    >>> from certflow.certificate.envelope import certificate_text
    >>> p = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["1/2", "1/2"], [["-1"], ["1"]], "0.09"), "0.1", "1")
    >>> still = ExactMap([[[1.0]]], [[0.0]], "relu", 0.0, [0.0], [1.0], [0.0], [1.0])
    >>> certificate = student_certificate(p, still)
    >>> checker.check(certificate_text(certificate)).accepted
    True
    """
    content, tolerance = {"maps": _student(process, maps)}, _tolerance(rtol)
    bounds = {"lower": "0", "upper": "1"}
    for search in searches(process, "C2", content | bounds):
        try:
            found = search.cells(content["maps"], tolerance)
        except Imprecise:
            continue
        low, high = search.relative(found)
        asserted = rounded_down(low, DIGITS), rounded_up(high, DIGITS)
        bounds = {key: exact_text(bound) for key, bound in zip(("lower", "upper"), asserted, strict=True)}
        made = search.certificate(content | bounds, {"cells": found.hints()})
        if made is not None:
            return made
    raise InputError("maps", "maps that the checker's bits do not reach", "maps that are less steep")


def comparison_certificate(
    process: OrnsteinUhlenbeck, better: Any, worse: Any, *, ratio: Any = None, rtol: Any = None
) -> dict[str, Any]:
    """C4: `E|Psi_worse(X) - Phi(X)|^2 >= ratio E|Psi_better(X) - Phi(X)|^2`; process and maps as above.

    ratio : at least 1; by default what is proved, rounded down
    rtol : of both errors; by default a tenth, or less where it takes less to tell them apart

    Raises
    ------
    InputError : as above; a ratio that is not proved; a first student that is not proved better.
    """
    content = {"better": _student(process, better), "worse": _student(process, worse)}
    claimed = None if ratio is None else exact_number(ratio, "ratio")
    if claimed is not None and not claimed >= 1:
        raise InputError("ratio", ratio, "a number >= 1")
    proved, tolerance = Fraction(0), _tolerance("0.1" if rtol is None else rtol)
    for search in searches(process, "C4", content | {"ratio": "1"}):
        try:
            while True:
                found = {key: search.cells(content[key], tolerance) for key in content}
                (low, high), (least, most) = found["better"].ends, found["worse"].ends
                proved, excluded = Fraction(least, high), Fraction(most, max(low, 1))
                wanted = (1 + excluded) / 2 if claimed is None else claimed
                if rtol is not None or proved >= wanted or excluded < wanted or tolerance < FINE:
                    break
                tolerance /= 4
        except Imprecise:
            continue
        asserted = rounded_down(proved, DIGITS) if claimed is None else claimed
        if not 1 <= asserted <= proved:
            break
        made = search.certificate(
            content | {"ratio": exact_text(asserted)}, {key: cells.hints() for key, cells in found.items()}
        )
        if made is not None:
            return made
    if ratio is None:
        reached = f"proved is a ratio of {float(proved):.4g} at least"
        raise InputError("better", "a student that is not proved better", f"one with the smaller error: {reached}")
    raise InputError("ratio", ratio, f"a number from 1 to what is proved, {float(proved):.4g}")


def _tolerance(rtol: Any) -> float:
    value = float(exact_number(rtol, "rtol"))
    if not FINEST <= value <= 1:
        raise InputError("rtol", rtol, "a number from 1e-6 to 1")
    return value


# -- exact weights ----------------------------------------------------------------------------------------------------


def _student(process: Any, maps: Any) -> list[dict[str, Any]]:
    if not isinstance(process, OrnsteinUhlenbeck):
        raise InputError("process", process, "a certflow.OrnsteinUhlenbeck")
    check_ends(maps, exact_number(process.t_max, "t_max"), exact_number(process.t_min, "t_min"))
    return [_map(one) for one in read_maps(maps)]


def _map(one: ExactMap) -> dict[str, Any]:
    """The map as the format has it: weights as integers over a power of 2, a row of a matrix as one text."""
    if one.dimension != 1:
        raise InputError("maps", f"maps of {one.dimension} coordinates", "maps of one coordinate")
    if one.activation == "groupsort":
        raise InputError("maps", "groupsort", "silu, tanh or relu, for a certificate")
    if one.skip not in (0.0, 1.0):
        raise InputError("maps", f"s = {one.skip}", "s = 0 or 1, for a certificate")
    layers = []
    for weight, bias in zip(one.weights, one.biases, strict=True):
        rows = [*weight.T.tolist(), bias.tolist()]
        places = max(x.as_integer_ratio()[1].bit_length() - 1 for row in rows for x in row)
        if places > PLACES or 1 << places + 41 >= 10**LONGEST:
            raise InputError(
                "maps", f"weights of {places} binary places", "fewer places: weights that are 0, or larger"
            )
        texts = [" ".join(str(int(Fraction(x) * 2**places)) for x in row) for row in rows]
        layers.append({"places": places, "weights": texts[:-1], "biases": texts[-1]})
    names = ("input_mean", "input_scale", "output_mean", "output_scale")
    numbers = {name: exact_text(Fraction(float(getattr(one, name)[0]))) for name in names}
    return {"skip": int(one.skip), "activation": str(one.activation), "layers": layers} | numbers
