"""How local errors of a composition bound its end-to-end error (proofs/E2.md, E3, E5)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any
from weakref import WeakKeyDictionary

from certflow.errors import InputError
from certflow.law.kept import Recent
from certflow.law.noised import Process
from certflow.numbers.arithmetic import arithmetic_of
from certflow.numbers.exact import check_plain, exact_number, is_symbolic
from certflow.numbers.inputs import real_number

#: Integrals of a process over segments, by times and rate. With the process, not with its mixture (`mixture.kept`):
#: processes of one mixture may have different formulas, as the false twins have.
_KEPT: WeakKeyDictionary[Any, Recent[list[float]]] = WeakKeyDictionary()
#: A laboratory run asks for this many grids again and again, at most.
_MOST = 256


def gronwall_bound(process: Process, times: Sequence[Any], errors: Sequence[Any], rate: str = "one-sided") -> Any:
    """`e_K <= sum_k eps_k exp(int_{t_K}^{t_k} rate)`: an error made at `t_k` grows by what is still to come. E3.

    Parameters
    ----------
    process : its `stability` is used
    times : `t_0 > ... > t_K`
    errors : `eps_1, ..., eps_K`, each at least the error of its segment wherever the learned path goes

    Expressions, for derivations, give an expression; of them nothing is checked but how many they are.

    Raises
    ------
    InputError : not one error for each segment, or one that is negative or NaN; times that do not decrease.
    NoGlobalBound : proofs/L8.md.
    """
    if _symbolic(times, errors):
        return _sum_of_expressions(process, times, errors, rate)
    return _sum(size * exp_or_inf(exponent) for size, exponent in _grown(process, times, errors, rate))


def log_gronwall_bound(
    process: Process, times: Sequence[float], errors: Sequence[float], rate: str = "one-sided"
) -> float:
    """`log sum_k eps_k exp(int_{t_K}^{t_k} rate)`, the logarithm of `gronwall_bound` also beyond the largest float64;
    `-inf` where no segment errs. proofs/E3.md. Raises as `gronwall_bound`."""
    logs = [math.log(size) + exponent for size, exponent in _grown(process, times, errors, rate)]
    largest = max(logs, default=-math.inf)
    if not math.isfinite(largest):
        return largest
    return largest + math.log(math.fsum(math.exp(value - largest) for value in logs))


def _grown(process: Process, times: Sequence[float], errors: Sequence[float], rate: str) -> list[tuple[float, float]]:
    """`(eps_k, int_{t_K}^{t_k} rate)` of every segment that errs."""
    moments = _numbers("times", times, "finite times > 0, strictly decreasing (noise end first)")
    if not all(math.inf > t > s > 0 for t, s in pairwise(moments)):
        raise InputError("times", times, "finite times > 0, strictly decreasing (noise end first)")
    sizes = _checked("errors", errors, len(moments) - 1, "one for each segment")
    exponents = _exponents(process, tuple(moments), rate)
    return [(size, math.fsum(exponents[k:])) for k, size in enumerate(sizes, 1) if size]


def _sum_of_expressions(process: Process, times: Sequence[Any], errors: Sequence[Any], rate: str) -> Any:
    """`gronwall_bound` of expressions."""
    if len(errors) != len(times) - 1:
        raise InputError("errors", f"{len(errors)} expressions", f"{len(times) - 1}, one for each segment")
    exponents = [process.stability(s, t, rate) for t, s in pairwise(times)]
    grown = [sum(exponents[k:]) for k in range(1, len(times))]
    return sum(size * arithmetic_of(value).exp(value) for size, value in zip(errors, grown, strict=True))


def _symbolic(*lists: Any) -> bool:
    """Whether there are expressions among the entries."""
    return any(isinstance(values, list | tuple) and any(map(is_symbolic, values)) for values in lists)


def _exponents(process: Process, times: tuple[float, ...], rate: str) -> list[float]:
    """The integral of the rate over each segment; kept, since an experiment asks again for every seed."""
    kept = _KEPT.setdefault(process, Recent(_MOST))
    found = kept.get((times, rate))
    if found is None:
        found = [float(value) for value in process.stability(times[1:], times[:-1], rate)]
        kept.keep((times, rate), found)
    return found


def law_bound(lipschitz: Sequence[Any], errors: Sequence[Any]) -> Any:
    """`||e_K|| <= sum_k (prod_{j>k} Lip(Psi_j)) ||Psi_k - Phi_k||_{L^2(p_{t_{k-1}})}`. proofs/E2.md.

    lipschitz : `Lip(Psi_1), ..., Lip(Psi_K)`; errors : the norms, as many. Expressions give an expression.

    Raises
    ------
    InputError : different numbers of the two, or one that is negative or NaN.
    """
    if _symbolic(lipschitz, errors):
        if len(errors) != len(lipschitz):
            raise InputError(
                "errors", f"{len(errors)} expressions", f"{len(lipschitz)}, as many as Lipschitz constants"
            )
        return sum(math.prod(lipschitz[k:]) * size for k, size in enumerate(errors, 1))
    constants = _numbers("lipschitz", lipschitz, "numbers >= 0, one for each map")
    constants = _checked("lipschitz", constants, len(constants), "one for each map")
    sizes = _checked("errors", errors, len(constants), "as many as Lipschitz constants")
    # a constant map ends every error before it, however large and however steep the other maps
    return _sum(math.prod(constants[k:]) * size for k, size in enumerate(sizes, 1) if size and 0 not in constants[k:])


def coherent_sum(squares: Iterable[float]) -> float:
    """`(sum_k sqrt(s_k))^2`: the mean square of a sum of errors of mean squares `s_k` is at most that. proofs/E5.md."""
    total = _sum(map(math.sqrt, squares))
    return total * total  # infinite where `total**2` would raise OverflowError


def exp_or_inf(value: float) -> float:
    """`exp(value)`, infinite beyond the largest float64."""
    return math.exp(value) if value < 709 else math.inf


def _sum(terms: Iterable[float]) -> float:
    """The sum of terms `>= 0`, infinite beyond the largest float64."""
    try:
        return math.fsum(terms)
    except OverflowError:
        return math.inf


def _checked(name: str, values: Sequence[float], count: int, what: str) -> list[float]:
    numbers = _numbers(name, values, f"numbers >= 0, {what}")
    if len(numbers) != count or not all(number >= 0 for number in numbers):
        raise InputError(name, values, f"numbers >= 0, {what}")
    return numbers


def _numbers(name: str, values: Any, requirement: str) -> list[float]:
    """The entries as floats, infinite ones among them; a text is the number written."""
    if isinstance(values, str | bytes):
        raise InputError(name, values, requirement)
    try:
        check_plain(values, name, requirement)
        listed = list(values)
    except TypeError:
        raise InputError(name, values, requirement) from None
    return [_number(name, value, requirement) for value in listed]


def _number(name: str, value: Any, requirement: str) -> float:
    try:
        number = exact_number(value, name) if isinstance(value, str) else value
    except InputError:
        raise InputError(name, value, requirement) from None
    return real_number(number, name, requirement, lambda number: not math.isnan(number))
