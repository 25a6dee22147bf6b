"""A student on a batch of Taylor models: the composition of its maps, and of their derivatives.

The last `d` symbols of a basis are fresh: at the start of each map what is uncertain, but for the symbols before them,
becomes one symbol for each coordinate. The symbols before them are kept through all maps (the error of the flow, one
for each coordinate, in two dimensions and more).
In one dimension one symbol suffices: what is uncertain is one number (proofs/students.md, section 5).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from certflow.enclosure.students.activations import activated, pulled
from certflow.enclosure.students.maps import ExactMap
from certflow.enclosure.students.rounding import UNIT, up
from certflow.enclosure.students.taylor import Basis, Models, affine, guarded
from certflow.numbers.arrays import Floats


def renewed(basis: Basis, models: Models) -> Models:
    """The models with their remainder and their last `d` symbols as one symbol for each coordinate; no remainder.

    As they are, if the basis has fewer than `d` symbols.
    """
    c, r = models
    d = c.shape[2]
    if basis.symbols < d:
        return models
    first = basis.terms - d
    whole = up(np.abs(c[first:]).sum(0) + r, d + 1)
    result = c.copy()
    result[first:] = 0.0
    for a in range(d):
        result[first + a, :, a] = whole[:, a]
    return guarded(result, np.zeros_like(r))


def normalised(one: ExactMap, models: Models) -> Models:
    """`(x - a) / r`."""
    c, r = models
    moved = c.copy()
    moved[0] -= one.input_mean
    lost = 4 * UNIT * (np.abs(c).sum(0) + np.abs(one.input_mean))
    return guarded(moved / one.input_scale, up((r + lost) / one.input_scale, len(c) + 4))


def finished(one: ExactMap, models: Models, network: Models, shift: bool = True) -> Models:
    """`s x + b + c y` from `x` and `y`; without `b` for derivatives."""
    c = one.skip * models.coefficients + one.output_scale * network.coefficients
    mean = one.output_mean if shift else np.zeros_like(one.output_mean)
    c[0] += mean
    sizes = abs(one.skip) * np.abs(models.coefficients) + np.abs(one.output_scale) * np.abs(network.coefficients)
    lost = abs(one.skip) * models.remainder + np.abs(one.output_scale) * network.remainder
    lost = lost + 4 * UNIT * (sizes.sum(0) + np.abs(mean))
    return guarded(c, up(lost, len(c) + 8))


@np.errstate(all="ignore")
def push(basis: Basis, models: Models, maps: Sequence[ExactMap]) -> Models:
    """Models of `Psi_K o ... o Psi_1 (f)` from those of `f`, shape (cells, d)."""
    for one in maps:
        models = renewed(basis, models)
        z = normalised(one, models)
        last = len(one.weights) - 1
        for i, (weight, bias) in enumerate(zip(one.weights, one.biases, strict=True)):
            z = affine(z, weight, bias)
            if i < last:
                z = activated(one.activation, basis, z)
        models = finished(one, models, z)
    return models


@np.errstate(all="ignore")
def push_derivatives(
    basis: Basis, models: Models, changes: Sequence[Models], maps: Sequence[ExactMap], kinks: bool = False
) -> tuple[Models, list[Models]]:
    """Models of `Psi(f)` and of `D Psi(f) df` for each derivative `df` given, shapes (cells, d).

    Where maps have kinks, the derivative is that almost everywhere. With `kinks` the first symbol of the basis, which
    must have more than `d`, stands for the slope at the first kink of each cell.
    """
    moved = list(changes)
    free = np.ones(models.coefficients.shape[1], dtype=bool) if kinks else None
    for one in maps:
        models = renewed(basis, models)
        z = normalised(one, models)
        moved = [_without_fresh(basis, change) for change in moved]
        slopes = [_divided(change, one.input_scale) for change in moved]
        last = len(one.weights) - 1
        for i, (weight, bias) in enumerate(zip(one.weights, one.biases, strict=True)):
            z = affine(z, weight, bias)
            slopes = [affine(slope, weight, np.zeros_like(bias)) for slope in slopes]
            if i < last:
                slopes = pulled(one.activation, basis, z, slopes, free)
                z = activated(one.activation, basis, z)
        moved = [finished(one, change, slope, shift=False) for change, slope in zip(moved, slopes, strict=True)]
        models = finished(one, models, z)
    return models, moved


def _without_fresh(basis: Basis, models: Models) -> Models:
    """The last `d` symbols in the remainder: from here on they stand for other functions."""
    c, r = models
    d = c.shape[2]
    if basis.symbols < d:
        return models
    result = c.copy()
    result[basis.terms - d :] = 0.0
    return Models(result, up(r + np.abs(c[basis.terms - d :]).sum(0), d + 1))


def _divided(models: Models, scale: Floats) -> Models:
    c, r = models
    return guarded(c / scale, up((r + 2 * UNIT * np.abs(c).sum(0)) / scale, len(c) + 4))
