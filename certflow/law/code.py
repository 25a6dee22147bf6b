"""A mixture as the code that makes it."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from certflow.numbers.exact import exact_text

if TYPE_CHECKING:
    from certflow.law.mixture import GaussianMixture


def mixture_code(mixture: GaussianMixture) -> str:
    """One expression that makes a mixture with the same exact parameters, after `import certflow as cf`.

    Binary numbers stand as Python writes them, others as texts of decimals or fractions.

    >>> import certflow as cf
    >>> mixture_code(cf.GaussianMixture(["1/3", "2/3"], [[0.5], [-1]], "0.04"))
    "cf.GaussianMixture(['1/3', '2/3'], [[0.5], [-1.0]], '0.04')"
    """
    parts = (mixture.exact_weights, mixture.exact_means, mixture.exact_covariances)
    return f"cf.GaussianMixture({', '.join(repr(_written(part.values.tolist())) for part in parts)})"


def _written(value: Any) -> Any:
    if isinstance(value, list):
        return [_written(each) for each in value]
    if not isinstance(value, Fraction):
        return value
    if value.denominator == 1:
        return int(value)
    return _binary(value) or exact_text(value)


def _binary(value: Fraction) -> float | None:
    """The float64 that the number is."""
    try:
        near = float(value)
    except OverflowError:
        return None
    return near if near == value else None
