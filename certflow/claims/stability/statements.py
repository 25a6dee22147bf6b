"""Statements of the flow map's stability (F1-F5)."""

from __future__ import annotations

from certflow.claims.statement import COMMON_VARIANCE, MIXTURE, Statement, beyond, paper

STATEMENTS = (
    Statement(
        id="F1",
        title="Stability of the flow map",
        statement=r"\sqrt{\frac{v_s}{v_t}} \, |x - y| \le | \Phi_{t \to s}(x) - \Phi_{t \to s}(y) | "
        r"\le \exp \left( \int_s^t \lambda \right) |x - y| \le \exp \left( \int_s^t L \right) |x - y|",
        hypotheses=(MIXTURE, r"$\delta \le s < t \le T$", "the lower bound needs a common isotropic variance"),
        source=paper("F1") + "; the one-sided form and the lower bound are beyond it",
        remark="A worst case over pairs of points: the factor is often astronomically larger than the growth at "
        "typical points (E5).",
        proof="proofs/F1.md",
        code=(
            "certflow.process.OrnsteinUhlenbeck.stability",
            "certflow.process.OrnsteinUhlenbeck.amplification",
            "certflow.bounds.stability.amplification",
        ),
        tests=("tests/bounds/test_stability.py", "tests/claims/test_verdicts.py"),
        certificate=("closed-form",),
        depends_on=("S3", "L3", "L6", "L7"),
    ),
    Statement(
        id="F2",
        title="Cumulative stability in closed form",
        statement=r"\int_s^t \lambda = \frac{1}{2} \log \frac{v_s}{v_t} + \frac{D^2 (m_s^2 - m_t^2)}{8 \, v_s v_t}",
        hypotheses=(MIXTURE, COMMON_VARIANCE, r"$\delta \le s < t \le T$"),
        source=beyond("F2"),
        remark=r"Regular for every $\sigma > 0$, also at $\sigma = 1$. The integral of $L$ is of the same kind "
        r"in two pieces.",
        proof="proofs/F2.md",
        code=(
            "certflow.process.OrnsteinUhlenbeck.stability",
            "certflow.bounds.stability.CommonVariance.integral",
            "certflow.enclosure.integrals.stability",
        ),
        tests=(
            "tests/bounds/test_stability.py",
            "tests/enclosure/test_integrals.py",
            "tests/symbolic/test_derivations.py",
        ),
        certificate=("closed-form",),
        depends_on=("L3",),
    ),
    Statement(
        id="F3",
        title="The factor is attained",
        statement=r"\left| D \Phi_{t \to s}(x) \, e \right| = \exp \left( \int_s^t \lambda \right), \qquad x \cdot "
        r"e = 0",
        hypotheses=(
            r"two components of equal weight and common isotropic variance at $\pm a$, $e = a / |a|$ (up "
            r"to a translation)",
            r"$\delta \le s < t \le T$",
        ),
        source=beyond("F3"),
        remark="So F1 with the one-sided rate cannot be improved for this mixture. With unequal weights every "
        "trajectory "
        "stays strictly below the factor.",
        proof="proofs/F3.md",
        code=(
            "certflow.process.OrnsteinUhlenbeck.amplification",
            "certflow.flow.reference.flow_with_derivative",
            "certflow.enclosure.tubes.tube.flow_tube",
        ),
        tests=(
            "tests/flow/test_flow.py",
            "tests/enclosure/tubes/test_flow_tube.py",
            "tests/symbolic/test_derivations.py",
        ),
        depends_on=("L1", "L2"),
    ),
    Statement(
        id="F4",
        title="Late-time amplification",
        statement=r"\lim_{T \to \infty} \lim_{\delta \to 0} \exp \left( \int_\delta^T \lambda \right) "
        r"= \sigma \exp \left( \frac{D^2}{8 \sigma^2} \right)",
        hypotheses=(MIXTURE, COMMON_VARIANCE),
        source=paper("F4"),
        remark=r"An identity for every $\sigma$, not only a small-$\sigma$ asymptotic. The share $\eta / (1 + "
        r"\eta)$ of the exponent "
        r"is earned before $1 - m^2 = \eta \, \sigma^2 m^2$: half of it at $\eta = 1$.",
        proof="proofs/F4.md",
        code=("certflow.process.OrnsteinUhlenbeck.amplification", "certflow.bounds.stability.CommonVariance.integral"),
        tests=("tests/bounds/test_stability.py", "tests/symbolic/test_derivations.py"),
        depends_on=("F2",),
    ),
    Statement(
        id="F5",
        title="Sharp stability",
        statement=r"| \Phi_{t \to s}(x) - \Phi_{t \to s}(y) | \le \exp \left( \int_s^t \lambda^* \right) |x - y|, "
        r"\qquad \int_s^t \lambda^* = \int_{r(t)}^{r(s)} V^*(r) \, dr - \frac{1}{2} \log \frac{v_t}{v_s} "
        r"\le \int_s^t \lambda",
        hypotheses=(MIXTURE, COMMON_VARIANCE, r"$\delta \le s < t \le T$"),
        source=beyond("F5"),
        remark=r"$\lambda^*(t) = \sup_x \lambda_{\max}(-J)$ is the rate itself, not a bound of it: no rate that holds "
        "for all x has a smaller integral. It is enclosed from both sides; on a grid of modes it is a small part of "
        "the closed form.",
        proof="proofs/F5.md",
        code=(
            "certflow.enclosure.suprema.exponent.sharp_stability",
            "certflow.certificate.sharp_integral.sharp_integral_certificate",
            "certflow.process.OrnsteinUhlenbeck.stability",
        ),
        tests=("tests/enclosure/suprema/test_exponent.py", "tests/certificate/test_checker_sharp_integral.py"),
        certificate=("panels",),
        depends_on=("F1", "F2", "L5"),
    ),
)
