"""The package's formulas reduce to what differentiation gives; deliberately wrong ones do not."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

from certflow.bounds.peak import peak
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arithmetic import arithmetic_of
from certflow.process import OrnsteinUhlenbeck
from certflow.symbolic import DERIVATIONS, Verdict, decide, derivation_cases, derive, symbolic_case
from certflow.symbolic.values import Interval

HALF = Interval(sp.Rational(1, 10), sp.Rational(9, 10))
x, y, m = sp.Symbol("x", real=True), sp.Symbol("y", real=True), sp.Symbol("m", positive=True)
DOMAIN = {x: HALF, y: HALF, m: HALF}


@pytest.mark.parametrize("statement", DERIVATIONS)
def test_derivations_vanish(statement):
    for residual in derive(statement):
        assert residual.vanishes, (residual.name, residual.scope, residual.verdicts)
        assert residual.scope


class SlightlyWrong(OrnsteinUhlenbeck):
    """Every quantity of the field wrong by a thousandth of `m`."""

    def log_density(self, x, t):
        return super().log_density(x, t) + sp.exp(-t) / 1000

    def responsibilities(self, x, t):
        return super().responsibilities(x, t) + sp.exp(-t) / 1000

    def score(self, x, t):
        return super().score(x, t) + sp.exp(-t) / 1000

    def velocity(self, x, t):
        return super().velocity(x, t) + sp.exp(-t) / 1000

    def jacobian(self, x, t):
        return super().jacobian(x, t) + sp.exp(-t) / 1000


@pytest.mark.parametrize("statement", ["S1", "S2", "S3", "S4", "L1"])
def test_wrong_formulas_and_right_ones_see_nothing_of_each_other(statement):
    for process, verdict in [(OrnsteinUhlenbeck, Verdict.ZERO), (SlightlyWrong, Verdict.NONZERO)] * 2:
        assert {residual.verdict for residual in derive(statement, process)} == {verdict}


def test_what_a_case_keeps_is_made_once_and_not_handed_on():
    first, again = derivation_cases()[5], derivation_cases()[5]
    assert first is again
    assert first.hessian is again.hessian
    assert first.density_rate is again.density_rate
    other = replace(first, means=first.means[::-1])
    assert other.density != first.density
    with pytest.raises(TypeError):
        first.domain[x] = HALF
    with pytest.raises(TypeError):
        first.rates[x] = x


def test_every_covariance_kind_is_covered():
    assert {case.kind for case in derivation_cases()} == {"common-isotropic", "isotropic", "shared", "full"}


class LostFactorDensity(OrnsteinUhlenbeck):
    def log_density(self, x, t):
        return super().log_density(x, t) + sp.log(2)


class StationaryDensity(OrnsteinUhlenbeck):
    def log_density(self, x, t):
        return super().log_density(x, 2 * t)


class SwappedResponsibilities(OrnsteinUhlenbeck):
    def responsibilities(self, x, t):
        return super().responsibilities(x, t)[::-1]


class WrongSignScore(OrnsteinUhlenbeck):
    def score(self, x, t):
        return -super().score(x, t)


class DisturbedVelocity(OrnsteinUhlenbeck):
    def velocity(self, x, t):
        return super().velocity(x, t) + (1 + x[::-1]) / 1000


class DisturbedJacobian(OrnsteinUhlenbeck):
    """Every entry wrong by `m`, in which the dimension of an entry is lost."""

    def jacobian(self, x, t):
        return super().jacobian(x, t) + sp.exp(-t)


class DisturbedBounds(OrnsteinUhlenbeck):
    """A factor 2 in `L`, `m^2/4` too much in `lambda`, a thousandth in its integral, a shift of time."""

    def lipschitz_bound(self, t):
        return 2 * super().lipschitz_bound(t)

    def growth_rate_bound(self, t):
        return super().growth_rate_bound(t) + sp.exp(-2 * t) / 4

    def stability(self, s, t, rate="one-sided"):
        return super().stability(s, t, rate) * sp.Rational(1001, 1000)

    def time_at_stability(self, value, s=None):
        return super().time_at_stability(value, s) + 1


@pytest.mark.parametrize(
    ("wrong", "statement", "name"),
    [
        (LostFactorDensity, "S1", "S1.density"),
        (StationaryDensity, "S1", "S1.fokker-planck"),
        (SwappedResponsibilities, "S2", "S2.responsibilities"),
        (SwappedResponsibilities, "L7", "L7.log-ratio"),
        (WrongSignScore, "S2", "S2.gradient"),
        (DisturbedVelocity, "S3", "S3.velocity"),
        (DisturbedVelocity, "S3", "S3.continuity"),
        (DisturbedVelocity, "F3", "F3.separatrix"),
        (DisturbedJacobian, "S4", "S4.hessian"),
        (DisturbedJacobian, "L1", "L1.form"),
        (DisturbedJacobian, "L4", "L4.tie"),
        (DisturbedJacobian, "L4", "L4.edge"),
        (DisturbedJacobian, "L6", "L6.form"),
        (DisturbedJacobian, "L7", "L7.eigenvector"),
        (DisturbedBounds, "L2", "L2.bound"),
        (DisturbedBounds, "L3", "L3.bound"),
        (DisturbedBounds, "L6", "L6.bound"),
        (DisturbedBounds, "F2", "F2.integral"),
        (DisturbedBounds, "F2", "F2.two-sided"),
        (DisturbedBounds, "F3", "F3.separatrix"),
        (DisturbedBounds, "F4", "F4.factor"),
        (DisturbedBounds, "G2", "G2.time"),
        (DisturbedBounds, "E3", "E3.induction"),
        (DisturbedVelocity, "E1", "E1.attained"),
    ],
)
def test_wrong_formulas_do_not_vanish(wrong, statement, name):
    found = [residual for residual in derive(statement, wrong) if residual.name == name]
    assert found
    assert all(residual.verdict is Verdict.NONZERO for residual in found), [r.verdicts for r in found]


def test_quadratic_growth_is_noticed():
    class NoCovariance(OrnsteinUhlenbeck):
        def jacobian(self, x, t):
            return super().jacobian(x / 2, t)

    assert derive("L8", NoCovariance)[-1].verdict is Verdict.NONZERO


@pytest.mark.parametrize(
    "expression",
    [
        sp.exp(x + y) - sp.exp(x) * sp.exp(y),
        sp.exp(x / (1 - m**2)) ** 2 - sp.exp(x * m / (m - m**3)) * sp.exp(x / (1 - m**2)),
        sp.sqrt((1 - m**2) * y) - sp.sqrt(1 - m) * sp.sqrt(1 + m) * sp.sqrt(y),
        sp.sqrt(4 * sp.pi) - 2 * sp.sqrt(sp.pi),
        sp.log((1 - m**2) * y / 3) - sp.log(1 - m) - sp.log(1 + m) - sp.log(y) + sp.log(3),
        1 / (1 + sp.exp(-x)) - sp.exp(x) / (1 + sp.exp(x)),
        (sp.sqrt(1 + m) + sp.sqrt(y)) * (sp.sqrt(1 + m) - sp.sqrt(y)) - 1 - m + y,
        sp.sqrt(y) * (sp.sqrt(1 + sp.sqrt(y)) - 1) * (sp.sqrt(1 + sp.sqrt(y)) + 1) - y,
        sp.sqrt(y / (1 - y)) * sp.sqrt((1 - y) / y) - 1,
        sp.log(sp.pi * y) - sp.log(sp.pi) - sp.log(y),
        sp.exp(sp.pi * x) ** 3 * sp.exp(-sp.pi * x / 2) - sp.exp(5 * sp.pi * x / 2),
    ],
)
def test_zero_test_recognises_zero(expression):
    assert decide(expression, DOMAIN) is Verdict.ZERO


@pytest.mark.parametrize(
    "expression",
    [
        sp.exp(x + y) - sp.exp(x) * sp.exp(y) + sp.Rational(1, 10**12),
        sp.sqrt((m - 1) ** 2) - (m - 1),
        sp.log(y**2) - sp.log(y),
        sp.exp(x) - 1 - x - x**2 / 2,
        sp.cos(x) - 1,
        sp.pi - sp.Rational(355, 113),
        sp.Max(x, y) - x,
    ],
)
def test_zero_test_recognises_what_is_not_zero(expression):
    assert decide(expression, DOMAIN) is Verdict.NONZERO


@pytest.mark.parametrize("expression", [sp.cos(x) ** 2 + sp.sin(x) ** 2 - 1, sp.cbrt(8 * y + 8) - 2 * sp.cbrt(1 + y)])
def test_zero_outside_the_normal_form_is_never_claimed_to_be_nonzero(expression):
    assert decide(expression, DOMAIN) in (Verdict.UNDECIDED, Verdict.ZERO)


def test_symbol_without_a_domain_is_undecided():
    assert decide(sp.Symbol("z") - x, {x: HALF}) is Verdict.UNDECIDED


def test_unknown_kind_names_the_choices():
    with pytest.raises(ValueError, match="kind: received 'round', required one of common-isotropic"):
        symbolic_case("round", 2, 1)


def test_import_of_the_package_leaves_sympy_alone():
    code = "import sys, certflow; sys.exit('sympy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_maximum_over_pairs_is_no_bound():
    """L7: copies of the narrow component leave the Jacobian alone, but every pair's bound shrinks."""
    means, variances, t = [[0.0], [1.5]], [0.04, 1.0], 0.3
    single = OrnsteinUhlenbeck(GaussianMixture([0.3, 0.7], means, variances))
    # the wide component has variance 1, so the bound of lambda is the bound of the covariance alone
    sharp = single.growth_rate_bound(t)
    m2 = np.exp(-2 * t)
    v = np.array(variances) * m2 + 1 - m2
    kappa = 1 / v[0] - 1 / v[1]
    top = np.log(0.03 / 0.7) + np.log(v[1] / v[0]) / 2 + 1.5**2 / (2 * 0.96)  # ten copies of weight 0.03
    each = kappa * peak(arithmetic_of(np.array([top])), np.array([top]))[0]
    x = np.linspace(-6, 6, 20001)[:, None]
    gamma = single.responsibilities(x, t)
    scores = -(x - np.exp(-t) * np.array(means).T) / v
    reached = (gamma.prod(axis=1) * (scores[:, 0] - scores[:, 1]) ** 2).max()
    assert each < 0.2 * reached
    assert reached <= sharp < reached * (1 + 1e-4)
    assert reached <= 10 * each


def test_dominated_pair_is_harmless():
    """L8: an indefinite difference of covariances with a finite supremum, at every t."""
    precision = [sp.Matrix([[a, 0], [0, b]]).inv() for a, b in ((1, 1 + m**2), (1 + m**2, 1))]
    third = 1 / (1 + 9 * m**2)
    gap = (precision[0] + precision[1])[0, 0] / 2 - third
    expected = (17 * m**2 + 9 * m**4) / (2 * (1 + m**2) * (1 + 9 * m**2))
    assert decide(gap - expected, DOMAIN) is Verdict.ZERO
