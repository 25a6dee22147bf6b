"""SymPy derivations that the package's formulas are held against, listed by statement.

`derive("S4")` builds the symbolic mixtures of the statement, runs the package's own code on them and returns
one `Residual` for each derivation: expressions that reduce to exactly zero when the formula is right.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

from certflow.composition.blocks import ORDERS
from certflow.process import OrnsteinUhlenbeck
from certflow.symbolic import approximation, blocks, covariances, field, networks, propagation, spatial, stability
from certflow.symbolic.cases import SymbolicCase, derivation_cases, process_of, symbolic_case
from certflow.symbolic.normal_form import NormalForm
from certflow.symbolic.zero_test import Residual, Verdict, decide

__all__ = [
    "DERIVATIONS",
    "NormalForm",
    "Residual",
    "SymbolicCase",
    "Verdict",
    "decide",
    "derivation_cases",
    "derive",
    "process_of",
    "symbolic_case",
]

Derivation = Callable[[type[OrnsteinUhlenbeck]], Residual]


def _on(
    function: Callable[[OrnsteinUhlenbeck, SymbolicCase], Residual], *cases: Callable[[], SymbolicCase]
) -> list[Derivation]:
    """The derivation on each case, as functions of the process class under test."""

    def run(case: Callable[[], SymbolicCase], process: type[OrnsteinUhlenbeck]) -> Residual:
        built = case()
        return function(process_of(built, process), built)

    return [partial(run, case) for case in cases]


def _alone(function: Callable[..., Residual], *arguments: Any) -> list[Derivation]:
    """A step of a proof that uses no code of the package."""
    return [lambda process: function(*arguments)]


def _case(kind: str, n_components: int, dimension: int, noised: bool = False) -> Callable[[], SymbolicCase]:
    return partial(symbolic_case, kind, n_components, dimension, noised=noised)


_EVERY = [partial(lambda index: derivation_cases()[index], index) for index in range(len(derivation_cases()))]
_COMMON = [_case("common-isotropic", *size) for size in ((2, 1), (2, 2), (3, 1), (3, 2))]
_PAIRS = _COMMON[:2]
_ISOTROPIC = [_case("isotropic", 2, 1), _case("isotropic", 2, 2, True)]

#: Derivations of each statement; each takes the process class under test.
DERIVATIONS: dict[str, list[Derivation]] = {
    "S1": _on(field.density_is_mixture, *_EVERY) + _on(field.fokker_planck, *_EVERY),
    "S2": _on(field.responsibilities_are_posterior, *_EVERY) + _on(field.score_is_gradient, *_EVERY),
    "S3": _on(field.velocity_is_drift, *_EVERY) + _on(field.continuity_equation, *_EVERY),
    "S4": _on(field.jacobian_is_derivative, *_EVERY),
    "L1": _on(spatial.common_variance_form, *_COMMON),
    "L2": [
        *(step for size in (2, 3, 4) for step in _alone(spatial.popoviciu, size)),
        *_on(spatial.two_sided_bound, *_PAIRS),
    ],
    "L3": _on(spatial.one_sided_bound, *_PAIRS),
    "L4": [
        *_on(spatial.attained_at_tie, spatial.tie_case),
        *_on(spatial.approached_along_edge, spatial.edge_case),
    ],
    "L6": _on(covariances.shared_covariance_form, _case("shared", 2, 2, True))
    + _on(covariances.shared_covariance_bound, covariances.diagonal_case),
    "L7": [
        *_on(covariances.isotropic_log_ratio, *_ISOTROPIC),
        *_on(covariances.isotropic_eigenvector, *_ISOTROPIC),
        *_alone(covariances.pair_supremum),
        *_alone(covariances.two_component_supremum),
    ],
    "L8": [
        *_alone(covariances.kernel_of_precisions),
        *_alone(covariances.ordered_log_ratio),
        *_on(covariances.quadratic_growth, covariances.crossed_case),
    ],
    "F1": [*_alone(stability.contraction_integral), *_on(stability.growth_equation, stability.generic_case)],
    "F2": [
        *_on(stability.integral_of_rate, stability.generic_case, stability.unit_variance_case),
        *_alone(stability.antiderivative),
        *_alone(stability.crossing_of_terms),
        *_on(stability.two_sided_integral, stability.crossing_case),
    ],
    "F3": _on(stability.separatrix_growth, stability.separatrix_case),
    "F4": _on(stability.full_amplification, stability.generic_case),
    "E1": [
        *_on(propagation.comparison_equation, stability.generic_case, stability.unit_variance_case),
        *_on(propagation.step_of_one_gaussian, _case("common-isotropic", 1, 1)),
    ],
    "E2": [
        step
        for count in (1, 2, 3, 4)
        for step in _on(partial(propagation.law_of_affine_maps, count=count), stability.generic_case)
    ],
    "E3": [
        *(
            step
            for count in (1, 2, 3)
            for step in _on(partial(propagation.recursion, count=count), stability.generic_case)
        ),
        *_on(propagation.induction, stability.generic_case),
    ],
    "E4": [
        *(
            step
            for method, dimension in product(ORDERS, (1, 2))
            for step in _on(partial(blocks.order, method=method, dimension=dimension), stability.generic_case)
        ),
        *_on(blocks.bound_is_attained, stability.generic_case),
    ],
    "G2": _alone(stability.lambert_inverse) + _on(stability.lambert_time, stability.generic_case),
    "A1": [networks.exact_gadgets],
    "A2": [networks.clipped_polynomials, *(partial(networks.completed_square, half=half) for half in (2, 4))],
    "A3": [
        *(partial(networks.reciprocal_remainder, degree=degree) for degree in (1, 2, 3)),
        *(step for degree in (2, 4, 8) for step in _alone(networks.reciprocal_size, degree)),
    ],
    "A4": [networks.functions_of_time, *(partial(networks.pole_remainder, degree=degree) for degree in (1, 2, 3))],
    "A5": _on(approximation.score_of_the_network, *_COMMON[:3]),
    "A6": [
        approximation.errors_of_logits,
        *_alone(approximation.largest_varentropy),
        *_on(approximation.geometric_mean, *_PAIRS),
    ],
    "A8": [
        *_on(approximation.logistic_on_a_line, *_PAIRS),
        *(step for degree in (2, 3) for step in _alone(approximation.expansion_at_a_pole, degree)),
    ],
    "A9": _on(approximation.residual_coordinates, *_COMMON[:3]),
}


def derive(statement: str, process: type[OrnsteinUhlenbeck] = OrnsteinUhlenbeck) -> tuple[Residual, ...]:
    """Run every derivation of a statement; `process` replaces `OrnsteinUhlenbeck` (called the same way).

    Raises
    ------
    KeyError : the statement has no derivation.
    """
    return tuple(derivation(process) for derivation in DERIVATIONS[statement])
