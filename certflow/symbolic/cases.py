"""Mixtures with symbolic parameters, on which the package's formulas are derived.

Time enters through `m = e^{-t}`, a symbol in (0, 1), so that `t = -log m` and `d/dt = -m d/dm`. The last
weight is one minus the others. Every symbol lies in an open interval with rational ends; within the box of
these intervals the covariances are positive definite and the weights positive.

The covariances are written either by the entries of `Sigma_k` or, where that keeps the polynomials small, by
the entries of `C_k = m^2 Sigma_k + (1 - m^2) I`, so `Sigma_k = (C_k - (1 - m^2) I) / m^2`: at each `m` a
bijection. There `d/dt` at fixed `Sigma_k` is `-m d/dm + 2 (I - C_k) . d/dC_k`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import sympy as sp

from certflow.law.covariances import KINDS
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Objects
from certflow.process import OrnsteinUhlenbeck
from certflow.symbolic.derivation import Derivation, plain_sum
from certflow.symbolic.values import Interval


def _between(low: str, high: str) -> Interval:
    return Interval(sp.Rational(low), sp.Rational(high))


@dataclass(frozen=True)
class SymbolicCase:
    """A symbolic mixture and the point `(x, t)` at which its field is taken.

    `weights`, `means`, `covariances` are the arguments of `GaussianMixture`; `matrices[k]` is `Sigma_k`;
    `rates` is `d/dt` of the symbols that depend on time. What a case keeps depends on these alone, never on the
    process that is held against it.
    """

    name: str
    kind: str
    weights: tuple[sp.Expr, ...]
    means: tuple[tuple[sp.Expr, ...], ...]
    covariances: Any
    matrices: tuple[sp.ImmutableMatrix, ...]
    m: sp.Symbol
    x: tuple[sp.Symbol, ...]
    domain: Mapping[sp.Symbol, Interval]
    rates: Mapping[sp.Symbol, sp.Expr]

    @property
    def n_components(self) -> int:
        """`K`."""
        return len(self.weights)

    @property
    def dimension(self) -> int:
        """`d`."""
        return len(self.x)

    @property
    def t(self) -> sp.Expr:
        """`t = -log m`."""
        return -sp.log(self.m)

    @property
    def point(self) -> Objects:
        """`x` as an object array of shape (d,)."""
        return np.array(self.x, dtype=object)

    @property
    def scope(self) -> str:
        """What the derivation covers, in words."""
        return f"all weights, means, {self.kind} covariances, x and t for K = {self.n_components}, d = {self.dimension}"

    # -- the density, written out from the parameters ---------------------------------------------------

    @cached_property
    def component_densities(self) -> tuple[sp.Expr, ...]:
        """`w_k N(x; m mu_k, C_k)` for each `k`: the oracle (proofs/S1.md).

        `w_k (2 pi)^{-d/2} det(C_k)^{-1/2} exp(-(x - m mu_k)^T C_k^{-1} (x - m mu_k) / 2)` with
        `C_k = m^2 Sigma_k + (1 - m^2) I`, inverted by cofactors; no formula of the package is used.
        """
        x = sp.Matrix(self.x)
        densities = []
        for weight, mean, sigma in zip(self.weights, self.means, self.matrices, strict=True):
            covariance = self.m**2 * sigma + (1 - self.m**2) * sp.eye(self.dimension)
            determinant = covariance.det(method="berkowitz")
            offset = x - self.m * sp.Matrix(mean)
            square = (offset.T * covariance.adjugate() * offset)[0, 0] / determinant
            norm = sp.sqrt((2 * sp.pi) ** self.dimension * determinant)
            densities.append(weight / norm * sp.exp(-square / 2))
        return tuple(densities)

    @cached_property
    def density(self) -> sp.Expr:
        """`p_t(x) = sum_k w_k N(x; m mu_k, C_k)` (proofs/S1.md)."""
        return plain_sum(*self.component_densities)

    @cached_property
    def gradient(self) -> tuple[sp.Expr, ...]:
        """`grad p`."""
        return tuple(along(self.density) for along in self.partials())

    @cached_property
    def hessian(self) -> tuple[tuple[sp.Expr, ...], ...]:
        """`Hess p`, by rows."""
        return tuple(tuple(along(slope) for along in self.partials()) for slope in self.gradient)

    @cached_property
    def density_rate(self) -> sp.Expr:
        """`d_t p`."""
        return self.clock()(self.density)

    def partials(self) -> tuple[Derivation, ...]:
        """`d/dx_i` for each `i`."""
        return tuple(Derivation({xi: sp.S.One}) for xi in self.x)

    def clock(self) -> Derivation:
        """`d/dt` at fixed `x`, weights, means and `Sigma_k`."""
        return Derivation(self.rates)


@cache
def symbolic_case(kind: str, n_components: int, dimension: int, *, noised: bool = False) -> SymbolicCase:
    """The mixture of the given kind, `K` and `d` with every parameter a symbol of its own.

    noised : the symbols for the covariances are the entries of `C_k` instead of those of `Sigma_k`
    """
    domain: dict[sp.Symbol, Interval] = {}

    def symbol(name: str, low: str, high: str, **assumptions: bool) -> sp.Symbol:
        made = sp.Symbol(name, **(assumptions or {"real": True}))
        domain[made] = _between(low, high)
        return made

    m = symbol("m", "1/10", "9/10", positive=True)
    rates: dict[sp.Symbol, sp.Expr] = {m: -m}
    x = tuple(symbol(f"x{i}", "-1", "1") for i in range(dimension))
    free = tuple(symbol(f"w{k}", "1/20", f"1/{n_components}", positive=True) for k in range(n_components - 1))
    weights = (*free, 1 - sp.Add(*free))
    means = tuple(tuple(symbol(f"a{k}{i}", "-1", "1") for i in range(dimension)) for k in range(n_components))

    def entry(label: str, i: int, j: int) -> sp.Expr:
        unit = 1 if i == j else 0
        name = f"{'C' if noised else 'S'}{label}{i}{j}"
        made = symbol(name, "1/2", "3", positive=True) if unit else symbol(name, "-1/5", "1/5")
        if not noised:
            return made
        rates[made] = 2 * (unit - made)
        return (made - (1 - m**2) * unit) / m**2

    def matrix(label: str) -> sp.ImmutableMatrix:
        upper = {(i, j): entry(label, i, j) for i in range(dimension) for j in range(i, dimension)}
        return sp.ImmutableMatrix(dimension, dimension, lambda i, j: upper[min(i, j), max(i, j)])

    eye = sp.eye(dimension)
    covariances: Any
    if kind == "common-isotropic":
        covariances = entry("", 0, 0)
        matrices = tuple(sp.ImmutableMatrix(covariances * eye) for _ in weights)
    elif kind == "isotropic":
        covariances = tuple(entry(str(k), 0, 0) for k in range(n_components))
        matrices = tuple(sp.ImmutableMatrix(s2 * eye) for s2 in covariances)
    elif kind == "shared":
        shared = matrix("")
        covariances, matrices = _rows(shared), (shared,) * n_components
    elif kind == "full":
        matrices = tuple(matrix(str(k)) for k in range(n_components))
        covariances = tuple(_rows(each) for each in matrices)
    else:
        raise ValueError(f"kind: received {kind!r}, required one of {', '.join(KINDS)}")
    name = f"{kind} ({n_components}, {dimension})"
    fixed = MappingProxyType(domain), MappingProxyType(rates)
    return SymbolicCase(name, kind, weights, means, covariances, matrices, m, x, *fixed)


def _rows(matrix: sp.Matrix) -> tuple[tuple[sp.Expr, ...], ...]:
    return tuple(map(tuple, matrix.tolist()))


def derivation_cases() -> tuple[SymbolicCase, ...]:
    """The `(kind, K, d)` on which S1-S4 are derived: each kind, `K = 3` on the line, `K = 2` in the plane."""
    return tuple(
        symbolic_case(kind, n_components, dimension, noised=noised)
        for kind, n_components, dimension, noised in (
            ("common-isotropic", 2, 1, False),
            ("common-isotropic", 2, 2, False),
            ("common-isotropic", 3, 1, False),
            ("common-isotropic", 3, 2, False),
            ("isotropic", 2, 1, False),
            ("isotropic", 2, 2, True),
            ("isotropic", 3, 1, True),
            ("shared", 2, 2, True),
            ("full", 2, 2, True),
        )
    )


def process_of(case: SymbolicCase, process: type[OrnsteinUhlenbeck] = OrnsteinUhlenbeck) -> OrnsteinUhlenbeck:
    """The package's process on the symbolic mixture; `process` replaces `OrnsteinUhlenbeck` (same call)."""
    mixture = GaussianMixture(list(case.weights), [list(mean) for mean in case.means], case.covariances, name=case.name)
    return process(mixture, t_min="1/100", t_max=3)
