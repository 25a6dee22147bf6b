"""Statements of time grids (G1-G4)."""

from __future__ import annotations

from certflow.claims.statement import COMMON_VARIANCE, PAPER, Statement, beyond, paper

STATEMENTS = (
    Statement(
        id="G1",
        title="Stability-balanced grid",
        statement=r"\int_{t_k}^{t_{k-1}} \rho = \frac{1}{K} \int_\delta^T \rho, \qquad k = 1, \dots, K",
        hypotheses=(r"a rate $\rho > 0$: $L$, $\lambda$ where it is positive, a sharp or a data-driven one",),
        source=paper("G1"),
        remark="The unique minimiser of the largest amplification exponent of a segment; not in general of the "
        "error after training.",
        proof="proofs/G1.md",
        code=("certflow.grids.kinds.balanced.nodes", "certflow.enclosure.nodes.balanced_nodes"),
        tests=("tests/grids/kinds/test_balanced.py", "tests/enclosure/test_nodes.py"),
        certificate=("closed-form",),
        depends_on=("L5", "F1"),
    ),
    Statement(
        id="G2",
        title="Balanced nodes by Lambert W",
        statement=r"y = -\frac{W_j \left( -2 A e^{2 f} \right)}{2 A}, \qquad A = \frac{D^2}{8 c}, \qquad "
        r"t = -\frac{1}{2} \log \frac{1 - 1/y}{c}",
        hypotheses=(
            COMMON_VARIANCE,
            r"$y = 1/v$ solves $\frac{1}{2} \log y - A y = f$; $c \neq 0$, $D > 0$",
            r"$j = -1$ where $\lambda > 0$ and $\sigma < 1$; $j = 0$ where $\lambda < 0$, and for "
            r"$\sigma > 1$",
        ),
        source=beyond("G2"),
        remark=r"Where $\lambda$ changes sign (only if $\sigma < 1$ and $D^2 < 4 c$) its integral is not "
        r"monotone, and each side of "
        "the change has an inverse of its own.",
        proof="proofs/G2.md",
        code=("certflow.process.OrnsteinUhlenbeck.time_at_stability", "certflow.bounds.inversion.time_at_stability"),
        tests=("tests/bounds/test_inversion.py", "tests/enclosure/test_nodes.py", "tests/symbolic/test_derivations.py"),
        depends_on=("L3", "F2"),
    ),
    Statement(
        id="G3",
        title="Baseline grids",
        statement=r"q(t_k) = q(T) + \frac{k}{K} \left( q(\delta) - q(T) \right)",
        hypotheses=(
            r"uniform $q = t$; quadratic $q = \sqrt{t}$; log-SNR $q = \log(m / \sqrt{1 - m^2})$; "
            r"Karras $q = (\sqrt{1 - m^2} / m)^{1/7}$; cosine; geometric $q = \log t$",
        ),
        source="definitions, common in the literature",
        remark="Every grid has the same ends and the same number of segments as the balanced one.",
        proof="proofs/G3.md",
        code=("certflow.grids.kinds.coordinates.nodes",),
        tests=("tests/grids/kinds/test_coordinates.py",),
    ),
    Statement(
        id="G4",
        title="The announced result",
        statement=r"1 - \frac{\mathrm{MSE}(\text{balanced})}{\mathrm{MSE}(\text{uniform})} \approx 0.519, \qquad K = 8",
        hypotheses=(
            r"$\mathrm{MSE} = E |\Psi_K \circ \dots \circ \Psi_1 (X) - \Phi(X)|^2 / E |\Phi(X)|^2$, $X "
            r"\sim p_T$, fresh points",
        ),
        source=f"{PAPER} (abstract): up to 51.9 %",
        remark="An empirical figure of the paper for its own examples; the reduction depends on the mixture, "
        "and the sign can change.",
        proof="proofs/G4.md",
        code=("certflow.distill.experiment.run", "certflow.distill.results.Results.reduction"),
        tests=(
            "tests/distill/test_results.py",
            "tests/verification/test_verification.py",
            "tests/claims/test_students.py",
        ),
        depends_on=("G1",),
    ),
)
