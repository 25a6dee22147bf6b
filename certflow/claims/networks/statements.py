"""Statements of approximation by networks (A1-A6), which no check covers yet."""

from __future__ import annotations

from certflow.claims.model import Kind
from certflow.claims.statement import Statement, paper

_RELU = r"affine maps, $\mathrm{relu}(z) = \max(0, z)$ and $\mathrm{requ}(z) = \max(0, z)^2$ only; no training"

STATEMENTS = (
    Statement(
        id="A1",
        title="Exact products",
        statement=r"z^2 = \mathrm{requ}(z) + \mathrm{requ}(-z), \qquad x y = \frac{1}{4} \left( (x + y)^2 - (x - "
        r"y)^2 \right), "
        r"\qquad \max(a, b) = a + \mathrm{relu}(b - a)",
        hypotheses=(_RELU,),
        source=paper(),
        remark="Exact in real arithmetic; only the exponential and the reciprocal are approximated.",
        proof="proofs/A.md",
        proved=False,
        pending=(Kind.SYMBOLIC, Kind.HIGH_PRECISION),
    ),
    Statement(
        id="A2",
        title="Exponential",
        statement=r"e^z \approx \left( \sum_{i=0}^{p} \frac{(z / 2^r)^i}{i!} \right)^{2^r}, \qquad -Z \le z \le 0",
        hypotheses=(_RELU, r"$r$ squarings of a Taylor polynomial of degree $p$"),
        source=paper(),
        remark=r"Depth $O(r + \log p)$ or $O(r + p)$, with an explicit relative error.",
        proof="proofs/A.md",
        proved=False,
        depends_on=("A1",),
        pending=(Kind.SYMBOLIC, Kind.HIGH_PRECISION),
    ),
    Statement(
        id="A3",
        title="Reciprocal",
        statement=r"y_{n+1} = y_n (2 - q y_n), \qquad y_0 = \frac{2}{\alpha + \beta}, \qquad 1 - q y_{n+1} = (1 - "
        r"q y_n)^2",
        hypotheses=(_RELU, r"$0 < \alpha \le q \le \beta$"),
        source=paper(),
        remark=r"The error squares at each step: depth $O(\log \log (1 / \varepsilon) + \log (\beta / \alpha))$.",
        proof="proofs/A.md",
        proved=False,
        depends_on=("A1",),
        pending=(Kind.SYMBOLIC, Kind.HIGH_PRECISION),
    ),
    Statement(
        id="A4",
        title="Softmax",
        statement=r"\gamma_k = \frac{e^{l_k - \max l}}{\sum_j e^{l_j - \max l}}, \qquad \sum_j e^{l_j - \max l} "
        r"\in [1, K]",
        hypotheses=(_RELU, r"logits clipped at $\log(K / \varepsilon)$ below their maximum"),
        source=paper(),
        remark="The maximum is exact (A1), so the sum that is inverted is never small.",
        proof="proofs/A.md",
        proved=False,
        depends_on=("A1", "A2", "A3"),
        pending=(Kind.SYMBOLIC, Kind.HIGH_PRECISION),
    ),
    Statement(
        id="A5",
        title="The score network",
        statement=r"\sup_{|x|_\infty \le R} | N(x, t) - s(x, t) | \le \varepsilon, \qquad "
        r"\text{depth, width} = \mathrm{polylog}(1 / \varepsilon)",
        hypotheses=(_RELU, r"input $(x, t)$ with $|x|_\infty \le R$, $t \in [\delta, T]$"),
        source=paper(),
        remark=r"Depth and width are explicit in $K, d, D, \sigma, \delta, T$.",
        proof="proofs/A.md",
        proved=False,
        depends_on=("S2", "A4"),
        pending=(Kind.SYMBOLIC, Kind.HIGH_PRECISION),
    ),
    Statement(
        id="A6",
        title="Approximation uniform in time",
        statement=r"\sup_{t \in [\delta, T]} \| N(\cdot, t) - s(\cdot, t) \|_{L^p(p_t)} \le \varepsilon",
        hypotheses=(_RELU, r"$R = O(\sqrt{\log(1 / \varepsilon)})$ for the box of A5; Gaussian tails outside"),
        source=paper(),
        remark="The guarantee is for the construction, not for a trained network of the same size.",
        proof="proofs/A.md",
        proved=False,
        depends_on=("A5",),
        pending=(Kind.SYMBOLIC, Kind.HIGH_PRECISION),
    ),
)
