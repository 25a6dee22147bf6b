"""Statements of the spatial bounds (L1-L8)."""

from __future__ import annotations

from certflow.claims.model import Kind
from certflow.claims.statement import COMMON_VARIANCE, MIXTURE, Statement, beyond, paper

STATEMENTS = (
    Statement(
        id="L1",
        title="Jacobian for a common variance",
        statement=r"J = \left( \frac{1}{v} - 1 \right) I - \frac{m^2}{v^2} \, \mathrm{Cov}_\gamma(\mu)",
        hypotheses=(MIXTURE, COMMON_VARIANCE),
        source=paper("L1"),
        remark="All that varies in space is the posterior covariance of the means.",
        proof="proofs/L1.md",
        code=("certflow.field.components.IsotropicComponents.jacobian",),
        tests=("tests/field/test_properties.py", "tests/symbolic/test_derivations.py"),
        depends_on=("S4",),
    ),
    Statement(
        id="L2",
        title="Two-sided Lipschitz bound",
        statement=r"\| J(x, t) \|_2 \le L(t) = \max \left( \left| \frac{1}{v} - 1 \right| , "
        r"\left| \frac{1}{v} - 1 - \frac{m^2 D^2}{4 v^2} \right| \right)",
        hypotheses=(MIXTURE, COMMON_VARIANCE, r"$D = \max_{k,l} |\mu_k - \mu_l|$", r"all $x \in \mathbb{R}^d$"),
        source=paper("L2"),
        remark="This is the worst case over all $x$; typical points are much calmer.",
        proof="proofs/L2.md",
        code=(
            "certflow.process.OrnsteinUhlenbeck.lipschitz_bound",
            "certflow.bounds.rates.lipschitz_bound",
            "certflow.enclosure.closed_forms.rate_bounds",
        ),
        tests=(
            "tests/bounds/test_bounds.py",
            "tests/enclosure/test_closed_forms.py",
            "tests/claims/test_enclosed.py",
            "tests/symbolic/test_derivations.py",
        ),
        certificate=("popoviciu",),
        depends_on=("L1",),
    ),
    Statement(
        id="L3",
        title="One-sided rate in the sampling direction",
        statement=r"1 - \frac{1}{v} \le \lambda_{\min}(-J) \le \lambda_{\max}(-J) "
        r"\le \lambda(t) = 1 - \frac{1}{v} + \frac{m^2 D^2}{4 v^2}",
        hypotheses=(MIXTURE, COMMON_VARIANCE, r"all $x \in \mathbb{R}^d$"),
        source=beyond("L3"),
        remark=r"This rate alone governs how errors grow while sampling. It never exceeds $L$ and may be "
        r"negative (contraction).",
        proof="proofs/L3.md",
        code=(
            "certflow.process.OrnsteinUhlenbeck.growth_rate_bound",
            "certflow.bounds.rates.growth_rate_bound",
            "certflow.enclosure.closed_forms.rate_bounds",
        ),
        tests=(
            "tests/bounds/test_bounds.py",
            "tests/enclosure/test_closed_forms.py",
            "tests/claims/test_enclosed.py",
            "tests/symbolic/test_derivations.py",
        ),
        certificate=("popoviciu",),
        depends_on=("L1", "L2"),
    ),
    Statement(
        id="L4",
        title="When the bounds are exact",
        statement=r"\sup_x \lambda_{\max}(-J(x, t)) = \lambda(t), \qquad \sup_x \| J(x, t) \|_2 = L(t)",
        hypotheses=(
            MIXTURE,
            COMMON_VARIANCE,
            r"two means at distance $D$ span an edge of the convex hull of the means that holds no other "
            r"mean "
            r"(always so for $K = 2$ or affinely independent means)",
        ),
        source=beyond("L4"),
        remark="The condition is also necessary. Where it fails (a ring, points on a line) the bounds are "
        "strictly too large, "
        "and L5 gives the sharp value.",
        proof="proofs/L4.md",
        code=("certflow.law.exposed.exposed_diameter", "certflow.process.OrnsteinUhlenbeck.growth_rate_bound"),
        tests=("tests/bounds/test_bounds.py", "tests/claims/test_verdicts.py", "tests/symbolic/test_derivations.py"),
        depends_on=("L1", "L2", "L3"),
    ),
    Statement(
        id="L5",
        title="Sharp bound of an instance",
        statement=r"\lambda^*(t) = \sup_x \lambda_{\max}(-J) = 1 - \frac{1}{v} + \frac{m^2}{v^2} V^*(r), \qquad "
        r"V^*(r) = \sup_y \lambda_{\max} \left( \mathrm{Cov}_\gamma(\mu) \right)",
        hypotheses=(
            MIXTURE,
            r"the suprema are finite (L8); they are enclosed for isotropic covariances and for a shared one",
            r"the form with $V^*$ is that of a common isotropic covariance, $\Sigma_k = \sigma^2 I$: $y = m x / v$, "
            r"$r = m^2 / (2 v)$, $\gamma_k \propto w_k \exp(y \cdot \mu_k - r |\mu_k|^2)$",
        ),
        source=beyond("L5"),
        remark=r"Enclosed for one mixture: an upper bound that a covering of $\mathbb{R}^d$ proves for all $x$, and a "
        r"point, or a direction at infinity, that comes close to it. In that form $L^*$ is the larger of "
        r"$|1/v - 1|$ and $\frac{m^2}{v^2} V^* - (1/v - 1)$.",
        proof="proofs/L5.md",
        code=("certflow.enclosure.suprema.sharp.sharp_rate", "certflow.enclosure.suprema.exponent.sharp_stability"),
        tests=(
            "tests/enclosure/suprema/test_sharp.py",
            "tests/enclosure/suprema/test_isotropic.py",
            "tests/enclosure/suprema/test_exponent.py",
            "tests/certificate/test_checker_sharp.py",
            "tests/claims/test_enclosed.py",
        ),
        certificate=("master-inequality",),
        depends_on=("L1", "L4", "L6", "F2"),
    ),
    Statement(
        id="L6",
        title="Shared covariance",
        statement=r"\lambda_{\max}(-J) \le 1 - \lambda_{\min}(P) + \frac{m^2 D_P^2}{4}, \qquad "
        r"D_P = \max_{k,l} | P (\mu_k - \mu_l) |",
        hypotheses=(
            MIXTURE,
            r"$\Sigma_k = \Sigma$ for all $k$; $P = (m^2 \Sigma + (1 - m^2) I)^{-1}$",
            r"$\Sigma$ is no multiple of $I$, for which L2 and L3 say the same",
            r"all $x$",
        ),
        source=beyond("L6"),
        remark="The two terms are largest in directions that may differ, so unlike L3 the bound can be loose "
        "even for $K = 2$; "
        "the proof page gives the form that is exact there.",
        proof="proofs/L6.md",
        code=(
            "certflow.process.OrnsteinUhlenbeck.lipschitz_bound",
            "certflow.process.OrnsteinUhlenbeck.growth_rate_bound",
            "certflow.bounds.rates.spectral_bound",
        ),
        tests=("tests/bounds/test_bounds.py", "tests/claims/test_enclosed.py", "tests/symbolic/test_derivations.py"),
        depends_on=("S4", "L2"),
    ),
    Statement(
        id="L7",
        title="Different isotropic variances",
        statement=r"\| \mathrm{Cov}_\gamma(b) \|_2 \le \sum_{i < j} B_{ij}, \qquad B_{ij} = "
        r"\frac{\kappa_{ij}}{\sinh G_{ij}}, "
        r"\qquad (F_{\max} + G) \tanh \frac{G}{2} = 1",
        hypotheses=(
            MIXTURE,
            r"$\Sigma_k = \sigma_k^2 I$, not all equal (else L2 and L3); for $v_i < v_j$: $\kappa = 1/v_i - 1/v_j$",
            r"$F_{\max} = \log \frac{w_i}{w_j} + \frac{d}{2} \log \frac{v_j}{v_i} "
            r"+ \frac{|\mu_i - \mu_j|^2}{2 (\sigma_j^2 - \sigma_i^2)}$",
            r"a pair of equal variance contributes $m^2 |\mu_i - \mu_j|^2 / (4 v_i^2)$",
        ),
        source=beyond("L7"),
        remark=r"Always finite. The sum over pairs is generous for many components; the maximum over pairs "
        r"would not be a bound.",
        proof="proofs/L7.md",
        code=(
            "certflow.process.OrnsteinUhlenbeck.lipschitz_bound",
            "certflow.process.OrnsteinUhlenbeck.growth_rate_bound",
            "certflow.bounds.rates.spectral_bound",
            "certflow.bounds.peak.peak",
        ),
        tests=(
            "tests/bounds/test_bounds.py",
            "tests/bounds/test_rate_accuracy.py",
            "tests/enclosure/suprema/test_isotropic.py",
            "tests/symbolic/test_derivations.py",
        ),
        depends_on=("S4", "L2"),
    ),
    Statement(
        id="L8",
        title="Different anisotropic covariances: when a global bound exists",
        statement=r"\sup_x \| J(x, t) \|_2 < \infty \iff \Sigma_k \le \Sigma_* \ \text{and} \ "
        r"\Pi_k \mu_k \in \mathrm{conv} \{ \Pi_k \mu_l : \Sigma_l = \Sigma_* \} \ \text{for all} \ k",
        hypotheses=(
            MIXTURE,
            r"$\Sigma_*$ is one of the covariances, $\Pi_k$ the projection on the kernel of $\Sigma_* - \Sigma_k$",
            r"for $K = 2$: $\Sigma_1 - \Sigma_2$ is semidefinite, and $\mu_1 - \mu_2$ lies in its range",
        ),
        source=beyond("L8"),
        remark=r"The condition does not depend on $t$. Where it fails, $\| J \|$ grows like $|x|^2$ or $|x|$ "
        r"along the set where "
        "two components tie; then a bound on a ball is what can be had.",
        proof="proofs/L8.md",
        code=(
            "certflow.bounds.existence.existence",
            "certflow.bounds.divergence.obstruction",
            "certflow.bounds.domination.Domination",
            "certflow.process.OrnsteinUhlenbeck.ball_bound",
            "certflow.process.OrnsteinUhlenbeck.outside_probability",
        ),
        tests=(
            "tests/bounds/test_existence.py",
            "tests/claims/test_existence.py",
            "tests/symbolic/test_derivations.py",
        ),
        depends_on=("S4", "L2", "L6", "L7"),
        pending=(Kind.ENCLOSURE,),
    ),
)
