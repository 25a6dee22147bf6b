"""Statements of the field: density, score, velocity, Jacobian (S1-S4)."""

from __future__ import annotations

from certflow.claims.statement import MIXTURE, Statement, paper

STATEMENTS = (
    Statement(
        id="S1",
        title="Marginal densities",
        statement=r"p_t = \sum_k w_k \, N(m \mu_k, C_k), \qquad \partial_t p = \nabla \cdot (x p) + \Delta p",
        hypotheses=(MIXTURE, r"$C_k = m^2 \Sigma_k + (1 - m^2) I$, $m = e^{-t}$, $t > 0$"),
        source=paper("S1"),
        remark="Everything else is computed from this density, so an error here would show in every later statement.",
        proof="proofs/S1.md",
        code=(
            "certflow.process.OrnsteinUhlenbeck.log_density",
            "certflow.field.components.IsotropicComponents.logits",
            "certflow.field.components.SharedComponents.logits",
            "certflow.field.components.FullComponents.logits",
            "certflow.field.components.IsotropicComponents.log_scale",
            "certflow.field.components.SharedComponents.log_scale",
            "certflow.field.components.FullComponents.log_scale",
        ),
        tests=("tests/field/test_field.py", "tests/symbolic/test_derivations.py"),
    ),
    Statement(
        id="S2",
        title="Score",
        statement=r"s = \nabla \log p_t = \sum_k \gamma_k b_k, \qquad b_k = -P_k (x - m \mu_k)",
        hypotheses=(MIXTURE, r"$P_k = C_k^{-1}$; $\gamma_k(x, t)$ is the posterior probability of component $k$"),
        source=paper("S2"),
        remark="An identity for every mixture; what is tested is that the code computes it, not whether it is true.",
        proof="proofs/S2.md",
        code=(
            "certflow.process.OrnsteinUhlenbeck.score",
            "certflow.process.OrnsteinUhlenbeck.responsibilities",
            "certflow.field.components.IsotropicComponents.score",
            "certflow.field.components.SharedComponents.score",
            "certflow.field.components.FullComponents.score",
        ),
        tests=("tests/field/test_properties.py", "tests/symbolic/test_derivations.py"),
        depends_on=("S1",),
    ),
    Statement(
        id="S3",
        title="Velocity of the probability-flow ODE",
        statement=r"u = -x - s = \sum_k \gamma_k \left( m^2 Q_k x - m P_k \mu_k \right), "
        r"\qquad \partial_t p + \nabla \cdot (u p) = 0",
        hypotheses=(MIXTURE, r"$Q_k = P_k (I - \Sigma_k)$, so that $P_k - I = m^2 Q_k$"),
        source=paper("S3"),
        remark="The second form does not cancel at late noising times, where $-x$ and $-s$ nearly annihilate each "
        "other.",
        proof="proofs/S3.md",
        code=(
            "certflow.process.OrnsteinUhlenbeck.velocity",
            "certflow.process.OrnsteinUhlenbeck.flow",
            "certflow.field.components.IsotropicComponents.velocity",
            "certflow.field.components.SharedComponents.velocity",
            "certflow.field.components.FullComponents.velocity",
            "certflow.flow.reference.flow_map",
        ),
        tests=("tests/symbolic/test_derivations.py", "tests/certificate/test_checker_flow_tube.py"),
        certificate=("taylor-steps",),
        depends_on=("S1", "S2"),
    ),
    Statement(
        id="S4",
        title="Jacobian",
        statement=r"J = \nabla u = -I + \sum_k \gamma_k P_k - \mathrm{Cov}_\gamma(b) "
        r"= \sum_k \gamma_k m^2 Q_k - \mathrm{Cov}_\gamma(u_k)",
        hypotheses=(MIXTURE, r"$u_k = m^2 Q_k x - m P_k \mu_k$ is the velocity of component $k$ alone"),
        source=paper("S4"),
        remark="$J$ is symmetric. Its first part is bounded; only the covariance of the components' velocities can be "
        "large.",
        proof="proofs/S4.md",
        code=(
            "certflow.process.OrnsteinUhlenbeck.jacobian",
            "certflow.field.components.IsotropicComponents.jacobian",
            "certflow.field.components.SharedComponents.jacobian",
            "certflow.field.components.FullComponents.jacobian",
        ),
        tests=("tests/field/test_field.py", "tests/field/test_properties.py", "tests/symbolic/test_derivations.py"),
        depends_on=("S1", "S2"),
    ),
)
