"""Statements of approximation by constructed networks (A1-A9)."""

from __future__ import annotations

from certflow.claims.statement import COMMON_VARIANCE, MIXTURE, Statement, beyond, paper

_RELU = r"affine maps, $\mathrm{relu}(z) = \max(0, z)$ and $\mathrm{requ}(z) = \max(0, z)^2$ only; no training"
_DISPLAYED = (
    "displayed for a common isotropic variance; other covariances have the same depth, and a bound at every point that "
    "is cubic in $|x|$ (proofs/networks-general.md)"
)
_SYMBOLIC, _CLAIMS = "tests/symbolic/test_networks.py", "tests/claims/networks/test_networks.py"

STATEMENTS = (
    Statement(
        id="A1",
        title="Exact products and maxima",
        statement=r"z^2 = \mathrm{requ}(z) + \mathrm{requ}(-z), \qquad x y = \frac{1}{4} \left( (x + y)^2 - (x - "
        r"y)^2 \right), "
        r"\qquad \max(x, y) = y + \mathrm{relu}(x - y)",
        hypotheses=(_RELU,),
        source=paper("A1"),
        remark="Exact on all of $\\mathbb{R}$, so that products need no bounded inputs: no box of $x$, and no tail.",
        proof="proofs/A1.md",
        code=(
            "certflow.networks.gadgets.exact.square",
            "certflow.networks.gadgets.exact.product",
            "certflow.networks.gadgets.exact.largest",
        ),
        tests=(_SYMBOLIC, _CLAIMS),
    ),
    Statement(
        id="A2",
        title="A piecewise polynomial of a clipped scalar",
        statement=r"p = \pm q^2 + r, \qquad \deg q, \deg r \le \frac{n}{2}, \qquad | E(z) - e^z | \le \theta e^z + "
        r"\varphi \quad (z \le 0)",
        hypotheses=(_RELU, r"degree $n = 2^L$ on every piece; interpolation at Chebyshev–Lobatto nodes"),
        source=paper("A2"),
        remark=r"Depth exactly $L$, about $n$ neurons a piece. $\theta$ and $\varphi$ are made from the weights, their "
        "rounding included.",
        proof="proofs/A2.md",
        code=(
            "certflow.networks.gadgets.pieces.piecewise",
            "certflow.networks.gadgets.polynomials.completed_squares",
            "certflow.networks.gadgets.exponential.exponential",
            "certflow.networks.gadgets.enclosure.pieces",
        ),
        tests=(_SYMBOLIC, _CLAIMS),
        depends_on=("A1",),
    ),
    Statement(
        id="A3",
        title="Reciprocal without iteration",
        statement=r"1 - S P(S) = \frac{W(S)}{W(0)}, \qquad \left| \frac{W(S)}{W(0)} \right| \le \frac{1}{\sqrt{x_0^2 - "
        r"1} \, \sinh(n \, \mathrm{arcosh} \, x_0)}, \qquad x_0 = \frac{r + 1}{r - 1}",
        hypotheses=(_RELU, r"pieces $[b, r b]$ of one ratio $r$; $W$ the nodal polynomial, degree $n = 2^L$"),
        source=paper("A3"),
        remark="The number of exact digits is proportional to $n$, and a layer doubles $n$: no Newton steps.",
        proof="proofs/A3.md",
        code=(
            "certflow.networks.gadgets.reciprocal.reciprocal",
            "certflow.networks.gadgets.reciprocal.ratio_error",
        ),
        tests=(_SYMBOLIC, _CLAIMS),
        depends_on=("A2",),
    ),
    Statement(
        id="A4",
        title="Functions of time without iteration",
        statement=r"q = 1 + 2 c r, \qquad a - \tilde{a} = W \alpha_a, \qquad q - \tilde{q} = W \alpha_q",
        hypotheses=(
            _RELU,
            COMMON_VARIANCE,
            r"$a = m/v$, $q = 1/v$, $r = m^2/(2v)$, interpolated at the same nodes; $\alpha$ are sums over their poles",
        ),
        source=paper("A4"),
        remark="The errors share their nodes, so that those of $a$ and $q$ cancel where they count.",
        proof="proofs/A4.md",
        code=(
            "certflow.networks.common.times.time_gadget",
            "certflow.networks.times.boxes",
        ),
        tests=(_SYMBOLIC, _CLAIMS),
        depends_on=("A2",),
    ),
    Statement(
        id="A5",
        title="The score network",
        statement=r"\tilde{s} = \tilde{a} o + R(S) \, \tilde{a} N - \tilde{q} x, \qquad \text{depth} = L_T + 1 + "
        r"\lceil \log_2 K \rceil + L_E + L_S + 1",
        hypotheses=(_RELU, MIXTURE, _DISPLAYED, r"input $(x, t)$, $x \in \mathbb{R}^d$, $t \in [\delta, T]$"),
        source=paper("A5"),
        remark=r"$S = \sum_k E_k$ and $N = \sum_k E_k (\mu_k - o)$ with $E_k$ for $e^{l_k - \max l}$.",
        proof="proofs/A5.md",
        code=(
            "certflow.networks.common.assembly.assembled",
            "certflow.networks.score.relu_requ_score",
        ),
        tests=(_SYMBOLIC, _CLAIMS),
        depends_on=("S2", "A1", "A2", "A3", "A4"),
    ),
    Statement(
        id="A6",
        title="The error, for every point and every time",
        statement=r"\sup_t \| \tilde{s} - s \|_{L^2(p_t)} \le \varepsilon, \qquad | \tilde{s}(x, t) - s(x, t) | "
        r"\le A + B |x| \quad (x \in \mathbb{R}^d)",
        hypotheses=(_RELU, MIXTURE, _DISPLAYED, r"$t \in [\delta, T]$"),
        source=paper("A6"),
        remark=r"All constants are made from the weights. With $A + B \sup_t \| X_t \|_p$ every $L^p$, $p < \infty$, "
        "at once. The guarantee is for the construction, not for a trained network of the same size.",
        proof="proofs/A6.md",
        code=(
            "certflow.networks.common.bound.proved_bound",
            "certflow.networks.general.bound.proved_bound",
            "certflow.certificate.networks.network_certificate",
            "certflow.networks.common.law.largest_varentropy",
            "certflow.networks.constructed.norm_bound",
        ),
        tests=(_SYMBOLIC, _CLAIMS),
        certificate=("gadgets",),
        depends_on=("L2", "A5"),
    ),
    Statement(
        id="A7",
        title="The rate",
        statement=r"\text{depth} \le 2 + \lceil \log_2 K \rceil + 3 \log_2 \log \frac{1}{\varepsilon} + O(1), \qquad "
        r"\text{width} = O \left( K \log \frac{1}{\varepsilon} + d \right)",
        hypotheses=(_RELU, MIXTURE, COMMON_VARIANCE),
        source=paper("A7"),
        remark="Doubly logarithmic depth, where the paper's abstract announces a polylogarithm.",
        proof="proofs/A7.md",
        code=("certflow.networks.rate.rate", "certflow.networks.common.design.design"),
        tests=("tests/networks/test_rate.py", _CLAIMS),
        depends_on=("A6",),
    ),
    Statement(
        id="A8",
        title="A depth that no network goes under",
        statement=r"\sup_x | \tilde{s} - s | \ge \frac{9}{40} \, a D \left( 2 \sqrt{2} \, N \right)^{-(2^L + 2)}, "
        r"\qquad N = \prod_{l=1}^{L} \left( 1 + 2^{l-1} W \right)",
        hypotheses=(
            r"two components of a common isotropic variance at a distance $D > 0$, one time, $a = m/v$",
            r"any network of affine maps, ReLU and ReQU of depth $L \ge 1$ and at most $W$ neurons a layer",
        ),
        source=beyond("A8"),
        remark=r"So $L \ge \log_2 \log (1/\varepsilon) - O(\log \log \log (1/\varepsilon))$ at polylogarithmic width. "
        "A statement in the sup norm; at errors that are asked for in practice it is 1 to 3 layers.",
        proof="proofs/A8.md",
        code=("certflow.networks.floor.depth_floor", "certflow.networks.floor.log_distance"),
        tests=("tests/networks/test_floor.py", _SYMBOLIC, _CLAIMS),
        depends_on=("S2",),
    ),
    Statement(
        id="A9",
        title="Composition in straight coordinates",
        statement=r"\begin{aligned} & \frac{d \zeta}{d \kappa} = E_\gamma(\mu), \qquad \zeta = \frac{x}{\sqrt{v}}, "
        r"\quad \kappa = \frac{m}{\sqrt{v}} \\ & | \hat\Phi(x) - \Phi_{T \to \delta}(x) | \le \sqrt{v_\delta} \sum_k "
        r"( \varepsilon_k + d_k ) \, e^{D^2 ( \kappa_N^2 - \kappa_{k+1}^2 ) / 8} \end{aligned}",
        hypotheses=(
            MIXTURE,
            COMMON_VARIANCE,
            r"$\hat\Phi$: blocks from $\kappa_k$ to $\kappa_{k+1}$, $\kappa_0 = \kappa(T)$, "
            r"$\kappa_N = \kappa(\delta)$, by Euler, midpoint or the classical fourth-order method",
            r"$\varepsilon_k$ bounds the error of block $k$ with the exact field for all $\zeta$, $d_k$ what errors "
            "of the field add",
        ),
        source=beyond("A9"),
        remark="Residual blocks need neither a branch for time nor $1/v$. Every bound is for all $x$. For more than "
        r"two modes $\varepsilon_k$ comes from Schwarz's lemma and is coarse.",
        proof="proofs/A9.md",
        code=(
            "certflow.process.OrnsteinUhlenbeck.velocity",
            "certflow.networks.residual.network.residual_network",
            "certflow.networks.residual.local_errors.LocalErrors.bound",
            "certflow.networks.residual.grids.composed_error",
        ),
        tests=(
            _SYMBOLIC,
            _CLAIMS,
            "tests/networks/residual/test_local_errors.py",
            "tests/networks/residual/test_network.py",
            "tests/claims/networks/test_blocks.py",
        ),
        depends_on=("S3", "L1"),
    ),
)
