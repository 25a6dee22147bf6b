"""Statements of students given by their weights (C1-C4)."""

from __future__ import annotations

from certflow.claims.statement import MIXTURE, Statement, beyond

_STUDENT = (
    r"$\Psi = \Psi_K \circ \dots \circ \Psi_1$, maps given by their weights: the real functions that these binary "
    r"numbers denote, with affine layers and SiLU, tanh, ReLU or sorted pairs"
)
_FLOW = r"$\Phi = \Phi_{T \to \delta}$ the exact flow map, $X \sim p_T$"
_SELF = "tests/claims/test_students.py"

STATEMENTS = (
    Statement(
        id="C1",
        title="Distance of a student from the flow",
        statement=r"\underline{d} \le \sup_{x \in B} | \Psi(x) - \Phi(x) | \le \overline{d}",
        hypotheses=(MIXTURE, _STUDENT, _FLOW, "$B$ is an interval of the noise end"),
        source=beyond("C1"),
        remark="Proved of a student at hand, over all points of the interval; in one dimension. Rounding of its "
        "evaluation in float32 comes on top.",
        proof="proofs/C1.md",
        code=("certflow.enclosure.students.error.student_distance",),
        tests=(_SELF,),
    ),
    Statement(
        id="C2",
        title="Mean square error of a student",
        statement=r"E | \Psi(X) - \Phi(X) |^2 = \int \left| \Psi(\Phi^{-1}(y)) - y \right|^2 p_\delta(y) \, dy "
        r"\in [ \underline{e}, \overline{e} ]",
        hypotheses=(MIXTURE, _STUDENT, _FLOW),
        source=beyond("C2"),
        remark="Tails included. The laboratory measures this number; here it is enclosed.",
        proof="proofs/C2.md",
        code=("certflow.enclosure.students.error.student_error", "certflow.distill.enclosed.certify"),
        tests=(_SELF, "tests/distill/test_enclosed_students.py"),
        certificate=("student-cells",),
        depends_on=("C1",),
    ),
    Statement(
        id="C3",
        title="Lipschitz constant of a student",
        statement=r"\underline{L} \le \sup_{x \in B} \| D \Psi(x) \|_2 \le \overline{L}",
        hypotheses=(_STUDENT, "$B$ is an interval or a box"),
        source=beyond("C3"),
        remark="Of a student with kinks the largest slope on either side of them. The product of the layers' spectral "
        "norms, which training uses as a budget, is only an upper bound.",
        proof="proofs/C3.md",
        code=("certflow.enclosure.students.error.student_lipschitz",),
        tests=(_SELF,),
    ),
    Statement(
        id="C4",
        title="Of two students one has the smaller error",
        statement=r"\overline{e}_1 < \underline{e}_2 \;\Rightarrow\; \frac{E | \Psi_2(X) - \Phi(X) |^2}{E | "
        r"\Psi_1(X) - \Phi(X) |^2} \ge \frac{\underline{e}_2}{\overline{e}_1} > 1",
        hypotheses=(MIXTURE, _STUDENT, _FLOW, "both students are of the same law and the same times"),
        source=beyond("C4"),
        remark="So that one grid is better than another is a theorem about the students at hand; of other trainings it "
        "says nothing.",
        proof="proofs/C4.md",
        code=("certflow.enclosure.students.error.compare_students", "certflow.distill.results.Results.proved"),
        tests=(_SELF, "tests/distill/test_enclosed_students.py"),
        certificate=("student-cells",),
        depends_on=("C2",),
    ),
)
