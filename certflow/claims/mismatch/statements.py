"""Statements of Lipschitz mismatch (M1-M3)."""

from __future__ import annotations

from certflow.claims.statement import Statement, beyond, paper

STATEMENTS = (
    Statement(
        id="M1",
        title="Lipschitz mismatch in sup norm",
        statement=r"\sup |g - \Phi| \ge \frac{1}{2} \sup_{x, y} \left( |\Phi(x) - \Phi(y)| - B |x - y| \right)",
        hypotheses=("$g$ is any $B$-Lipschitz map",),
        source=paper("M1"),
        remark="For every mixture: a floor for every student of that Lipschitz constant, however it is trained. Where "
        "the right side is infinite, no such student is within a finite distance.",
        proof="proofs/M1.md",
        code=("certflow.process.OrnsteinUhlenbeck.mismatch_floor", "certflow.composition.sup_norm.sup_floor"),
        tests=("tests/composition/test_floors.py", "tests/claims/test_mismatched.py", "tests/claims/test_students.py"),
    ),
    Statement(
        id="M2",
        title="Lipschitz mismatch in mean square",
        statement=r"E |g - \Phi|^2 \ge \frac{1}{4} E \left( |\Phi(X) - \Phi(R X)| - B |X - R X| \right)_+^2",
        hypotheses=("$g$ is any $B$-Lipschitz map", "$R$ is an involution that preserves $p_T$, and $X$ has law $p_T$"),
        source=beyond("M2"),
        remark="The symmetries of a mixture give such involutions. In one dimension, for every mixture, the exact "
        "optimum is an isotonic regression; optima of the factors of a product add up; for the symmetric two-mode "
        "mixture the bound is attained.",
        proof="proofs/M2.md",
        code=(
            "certflow.process.OrnsteinUhlenbeck.mismatch_floor",
            "certflow.composition.floors.mean_square_floor",
            "certflow.composition.floors.best_map",
        ),
        tests=(
            "tests/composition/test_floors.py",
            "tests/claims/test_mismatched.py",
            "tests/distill/students/test_mismatch_students.py",
            "tests/claims/test_students.py",
        ),
        depends_on=("S3",),
    ),
    Statement(
        id="M3",
        title="Segments that are needed",
        statement=r"K \ge \frac{\log \mathrm{Lip}(\Phi)}{\log B}",
        hypotheses=(
            r"the flow map is reproduced exactly by $K$ maps, each $B$-Lipschitz, $B > 1$",
            r"$\mathrm{Lip}(\Phi)$ is finite; where it is at most $B$, $K = 1$",
        ),
        source=paper("M3"),
        remark=r"With $\Lambda = \int_\delta^T \lambda$: on the balanced grid, which needs $\lambda > 0$, each segment "
        r"needs only $e^{\Lambda / K}$; where $\Lambda \le 0$ one segment is enough.",
        proof="proofs/M3.md",
        code=("certflow.composition.segments.segments_needed", "certflow.composition.segments.flow_constant"),
        tests=("tests/composition/test_floors.py", "tests/claims/test_mismatched.py", "tests/claims/test_students.py"),
        depends_on=("F1", "F3", "M1", "M2"),
    ),
)
