"""Statements of composed errors (E1-E5)."""

from __future__ import annotations

from certflow.claims.statement import Statement, beyond, paper

_GRID = (
    r"a grid $T = t_0 > t_1 > \dots > t_K = \delta$ and maps $\Psi_k$ "
    r"for the exact $\Phi_k = \Phi_{t_{k-1} \to t_k}$"
)

STATEMENTS = (
    Statement(
        id="E1",
        title="Error along the learned path",
        statement=r"e_k \le e^{\Lambda_k} e_{k-1} + \sup_{y \in A_k} | \Psi_k(y) - \Phi_k(y) |, "
        r"\qquad \Lambda_k = \int_{t_k}^{t_{k-1}} \lambda",
        hypotheses=(_GRID, r"$A_k$ holds the points that the learned path reaches after $k - 1$ segments"),
        source=paper("E1"),
        remark="The local errors are taken where the learned path goes, which need not be where training looked.",
        proof="proofs/E1.md",
        code=(
            "certflow.distill.carried.exact_entries",
            "certflow.process.OrnsteinUhlenbeck.amplification",
        ),
        tests=("tests/distill/test_carried.py", "tests/verification/test_verification.py"),
        depends_on=("F1",),
    ),
    Statement(
        id="E2",
        title="Error on the data law",
        statement=r"\| e_K \| \le \sum_k \left( \prod_{j > k} \mathrm{Lip}(\Psi_j) \right) "
        r"\| \Psi_k - \Phi_k \|_{L^q(p_{t_{k-1}})}",
        hypotheses=(_GRID, r"norms in $L^q(p_T)$; each $\Psi_j$ is Lipschitz"),
        source=paper("E2"),
        remark="The local errors are measured exactly where training measures them, because the exact flow transports "
        "$p_t$.",
        proof="proofs/E2.md",
        code=("certflow.process.OrnsteinUhlenbeck.law_error_bound", "certflow.composition.propagation.law_bound"),
        tests=("tests/composition/test_propagation.py", "tests/verification/test_verification.py"),
        depends_on=("S3",),
    ),
    Statement(
        id="E3",
        title="Discrete Grönwall inequality",
        statement=r"e_K \le \sum_k \varepsilon_k \exp \left( \int_\delta^{t_k} \lambda \right)",
        hypotheses=(_GRID, r"$\varepsilon_k$ bounds the local error of segment $k$ as in E1"),
        source=paper("E3"),
        remark="An error made at $t_k$ is multiplied by the amplification still to come.",
        proof="proofs/E3.md",
        code=("certflow.process.OrnsteinUhlenbeck.error_bound", "certflow.composition.propagation.gronwall_bound"),
        tests=("tests/composition/test_propagation.py", "tests/verification/test_verification.py"),
        depends_on=("E1",),
    ),
    Statement(
        id="E4",
        title="Residual composition",
        statement=r"\begin{aligned} \text{Euler:} \quad & | \Psi_h(x) - \Phi_{t \to t-h}(x) | \le h \eta + "
        r"\tfrac{1}{2} h^2 M_2 \\ \text{midpoint:} \quad & | \Psi_h(x) - \Phi_{t \to t-h}(x) | \le h \eta \left( 1 + "
        r"\tfrac{1}{2} h L \right) + h^3 \left( \tfrac{1}{24} M_3 + \tfrac{1}{8} L M_2 \right) "
        r"\\ \text{fourth order, } \zeta = x / \sqrt{v} \text{:} \quad & | \Psi_h(\zeta) - \Phi_h(\zeta) | \le "
        r"h \textstyle\sum_i b_i \delta_i + C_4 h^5, \quad \delta_i = \eta + c_i h L \delta_{i-1} \end{aligned}",
        hypotheses=(
            r"one-step blocks $\Psi_h(x) = x + h F(x, t)$: Euler, and the explicit midpoint rule, a Runge–Kutta method",
            r"the classical fourth-order block: one common isotropic variance, in the coordinates of A9, where $C_4$ "
            r"is for all $\zeta$ and $L = \kappa D^2 / 4$",
            r"the velocity is off by at most $\eta$ where the block evaluates it; it is $L$-Lipschitz at $t - h/2$",
            r"$M_n$ is the largest norm of the $n$-th derivative along the exact trajectory from $x$",
        ),
        source=paper("E4"),
        remark="No constant of Euler and midpoint can be smaller. Composed over a grid, E3 bounds the global error by "
        "the amplified sum of these.",
        proof="proofs/E4.md",
        code=(
            "certflow.process.OrnsteinUhlenbeck.residual_block",
            "certflow.process.OrnsteinUhlenbeck.block_error_bound",
            "certflow.composition.blocks.residual_block",
            "certflow.composition.blocks.local_error_bound",
            "certflow.networks.residual.local_errors.LocalErrors.bound",
            "certflow.networks.residual.methods.Method.propagated",
        ),
        tests=(
            "tests/composition/test_blocks.py",
            "tests/claims/test_verdicts.py",
            "tests/networks/residual/test_local_errors.py",
            "tests/claims/networks/test_blocks.py",
        ),
        depends_on=("E3",),
    ),
    Statement(
        id="E5",
        title="Mean-square amplification",
        statement=r"\| e_K \|_{L^2} \lesssim \sum_k \| D \Phi_{t_k \to \delta} \, \xi_k \|_{L^2}, \qquad "
        r"A(t) = \left( \frac{1}{d} E_{p_t} \| D \Phi_{t \to \delta} \|_F^2 \right)^{1/2}",
        hypotheses=(
            _GRID,
            r"local errors $\xi_k$ small together with the derivatives of $\Psi_k - \Phi_k$; first order in both",
        ),
        source=beyond("E5"),
        remark="Exact in the limit. Small values alone are not enough: small errors that oscillate fast are a "
        "counterexample. Those of trained maps are made next to separatrices and stretched until they saturate: they "
        "can be many times the first-order sum, and dozens of orders below the worst case of F1. With "
        "errors carried along the learned path by the flow itself, the sum bounds them whatever their size.",
        proof="proofs/E5.md",
        code=("certflow.composition.propagation.coherent_sum", "certflow.distill.ledger.ledger"),
        tests=("tests/composition/test_propagation.py", "tests/verification/test_verification.py"),
        depends_on=("S3", "E2"),
    ),
)
