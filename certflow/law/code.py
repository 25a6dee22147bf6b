"""A mixture as the code that makes it."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

from certflow.law.builtin import builtin_names, builtin_parameters
from certflow.law.formats import Written
from certflow.numbers.exact import ExactArray, exact_text

#: A mixture of more numbers, or with a longer one, is shown by its sizes alone.
MOST_NUMBERS, MOST_BITS = 40, 400

#: Whole numbers up to this are written without a point.
_WHOLE = 2**53


def mixture_code(mixture: Written) -> str:
    """One expression that makes a mixture with the same exact parameters, after `import certflow as cf`.

    Binary numbers stand as Python writes them, others as texts of decimals or fractions. The name stands where it is
    not the default one.

    >>> import certflow as cf
    >>> mixture_code(cf.GaussianMixture(["1/3", "2/3"], [[0.5], [-1]], "0.04"))
    "cf.GaussianMixture(['1/3', '2/3'], [[0.5], [-1]], '0.04')"
    """
    parts = [repr(_written(part.fractions.tolist())) for part in _exact(mixture)]
    named = [] if mixture.name == "mixture" else [f"name={mixture.name!r}"]
    return f"cf.GaussianMixture({', '.join([*parts, *named])})"


def short_code(mixture: Written) -> str:
    """Code that makes the mixture, as a `repr` shows it: by its name where that is a built-in one's, and in full up to
    40 numbers. Beyond, and for symbols, its sizes with `...`, which is no code.

    >>> import certflow as cf
    >>> short_code(cf.load_mixture("digits"))
    "cf.load_mixture('digits')"
    >>> short_code(cf.GaussianMixture([1], [[0] * 50], 1, name="wide"))
    "GaussianMixture('wide', ..., K=1, d=50, common-isotropic)"
    """
    exact = _exact(mixture)
    if mixture.name in builtin_names() and not mixture.is_symbolic and _numbers(exact) == _builtin(mixture.name):
        return f"cf.load_mixture({mixture.name!r})"
    values = [value for part in exact for value in part.fractions.flat]
    if len(values) <= MOST_NUMBERS and all(map(_is_short, values)):
        return mixture_code(mixture)
    n_components, dimension = mixture.exact_means.shape
    return f"GaussianMixture({mixture.name!r}, ..., K={n_components}, d={dimension}, {mixture.kind})"


def number_code(value: Fraction) -> str:
    """A number as an argument that stands for exactly it: `3`, `0.5`, or a text such as `'0.1'` and `'1/3'`."""
    return repr(_written(value))


def _exact(mixture: Written) -> tuple[ExactArray, ...]:
    return mixture.exact_weights, mixture.exact_means, mixture.exact_covariances


def _numbers(parts: tuple[ExactArray, ...]) -> list[Any]:
    """The shapes, and every number exactly."""
    return [(part.shape, part.fractions.ravel().tolist()) for part in parts]


@cache
def _builtin(name: str) -> list[Any]:
    """The numbers of a built-in mixture; weights are divided by their sum, as `GaussianMixture` does."""
    found = builtin_parameters(name)
    weights = ExactArray.of(found.weights, "weights")
    total = sum(weights.fractions.tolist(), Fraction(0))
    shares = ExactArray(weights.fractions / total)
    return _numbers((shares, ExactArray.of(found.means, "means"), ExactArray.of(found.covariances, "covariances")))


def _is_short(value: Any) -> bool:
    """Whether it is a number, and its digits fit on a line or two."""
    return (
        isinstance(value, Fraction) and max(value.numerator.bit_length(), value.denominator.bit_length()) <= MOST_BITS
    )


def _written(value: Any) -> Any:
    if isinstance(value, list):
        return [_written(each) for each in value]
    if not isinstance(value, Fraction):
        return value
    if value.denominator == 1 and abs(value) <= _WHOLE:
        return int(value)
    near = _binary(value)
    return exact_text(value) if near is None else near


def _binary(value: Fraction) -> float | None:
    """The float64 that the number is."""
    try:
        near = float(value)
    except OverflowError:
        return None
    return near if near == value else None
