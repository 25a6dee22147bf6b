"""The statements of the theory: formula, hypotheses, source and what a reader should know about each.

Plain data. LaTeX without dollar signs in `statement`; inline LaTeX between dollar signs elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

PAPER = "arXiv 2606.03820"


@dataclass(frozen=True)
class Statement:
    """One statement of the theory; `proof` is the path of its page below the repository root."""

    id: str
    title: str
    statement: str
    hypotheses: tuple[str, ...]
    source: str
    remark: str
    proof: str | None


_MIXTURE = "$p_0$ is a Gaussian mixture: weights $w_k > 0$ of sum 1, covariances positive definite"
_COMMON = r"common isotropic covariance, $\Sigma_k = \sigma^2 I$; $v = \sigma^2 m^2 + 1 - m^2$, $c = 1 - \sigma^2$"
_GRID = (
    r"a grid $T = t_0 > t_1 > \dots > t_K = \delta$ and maps $\Psi_k$ "
    r"for the exact $\Phi_k = \Phi_{t_{k-1} \to t_k}$"
)
_RELU = r"affine maps, $\mathrm{relu}(z) = \max(0, z)$ and $\mathrm{requ}(z) = \max(0, z)^2$ only; no training"


def _paper(identifier: str | None = None) -> str:
    source = f"{PAPER} (abstract)"
    return f"{source}; derivation in proofs/{identifier}.md" if identifier else f"{source}; stated in our own words"


def _beyond(identifier: str | None = None) -> str:
    return f"beyond the paper; proofs/{identifier}.md" if identifier else "beyond the paper's abstract"


def _page(identifier: str) -> str:
    return f"proofs/{identifier}.md"


_ROWS = (
    Statement(
        "S1",
        "Marginal densities",
        r"p_t = \sum_k w_k \, N(m \mu_k, C_k), \qquad \partial_t p = \nabla \cdot (x p) + \Delta p",
        (_MIXTURE, r"$C_k = m^2 \Sigma_k + (1 - m^2) I$, $m = e^{-t}$, $t > 0$"),
        _paper("S1"),
        "Everything else is computed from this density, so an error here would show in every later statement.",
        _page("S1"),
    ),
    Statement(
        "S2",
        "Score",
        r"s = \nabla \log p_t = \sum_k \gamma_k b_k, \qquad b_k = -P_k (x - m \mu_k)",
        (_MIXTURE, r"$P_k = C_k^{-1}$; $\gamma_k(x, t)$ is the posterior probability of component $k$"),
        _paper("S2"),
        "An identity for every mixture; what is tested is that the code computes it, not whether it is true.",
        _page("S2"),
    ),
    Statement(
        "S3",
        "Velocity of the probability-flow ODE",
        r"u = -x - s = \sum_k \gamma_k \left( m^2 Q_k x - m P_k \mu_k \right), "
        r"\qquad \partial_t p + \nabla \cdot (u p) = 0",
        (_MIXTURE, r"$Q_k = P_k (I - \Sigma_k)$, so that $P_k - I = m^2 Q_k$"),
        _paper("S3"),
        "The second form does not cancel at late noising times, where $-x$ and $-s$ nearly annihilate each other.",
        _page("S3"),
    ),
    Statement(
        "S4",
        "Jacobian",
        r"J = \nabla u = -I + \sum_k \gamma_k P_k - \mathrm{Cov}_\gamma(b) "
        r"= \sum_k \gamma_k m^2 Q_k - \mathrm{Cov}_\gamma(u_k)",
        (_MIXTURE, r"$u_k = m^2 Q_k x - m P_k \mu_k$ is the velocity of component $k$ alone"),
        _paper("S4"),
        "$J$ is symmetric. Its first part is bounded; only the covariance of the components' velocities can be large.",
        _page("S4"),
    ),
    Statement(
        "L1",
        "Jacobian for a common variance",
        r"J = \left( \frac{1}{v} - 1 \right) I - \frac{m^2}{v^2} \, \mathrm{Cov}_\gamma(\mu)",
        (_MIXTURE, _COMMON),
        _paper("L1"),
        "All that varies in space is the posterior covariance of the means.",
        _page("L1"),
    ),
    Statement(
        "L2",
        "Two-sided Lipschitz bound",
        r"\| J(x, t) \|_2 \le L(t) = \max \left( \left| \frac{1}{v} - 1 \right| , "
        r"\left| \frac{1}{v} - 1 - \frac{m^2 D^2}{4 v^2} \right| \right)",
        (_MIXTURE, _COMMON, r"$D = \max_{k,l} |\mu_k - \mu_l|$", r"all $x \in \mathbb{R}^d$"),
        _paper("L2"),
        "This is the worst case over all $x$; typical points are much calmer.",
        _page("L2"),
    ),
    Statement(
        "L3",
        "One-sided rate in the sampling direction",
        r"1 - \frac{1}{v} \le \lambda_{\min}(-J) \le \lambda_{\max}(-J) "
        r"\le \lambda(t) = 1 - \frac{1}{v} + \frac{m^2 D^2}{4 v^2}",
        (_MIXTURE, _COMMON, r"all $x \in \mathbb{R}^d$"),
        _beyond("L3"),
        r"This rate alone governs how errors grow while sampling. It never exceeds $L$ and may be "
        r"negative (contraction).",
        _page("L3"),
    ),
    Statement(
        "L4",
        "When the bounds are exact",
        r"\sup_x \lambda_{\max}(-J(x, t)) = \lambda(t), \qquad \sup_x \| J(x, t) \|_2 = L(t)",
        (
            _MIXTURE,
            _COMMON,
            r"two means at distance $D$ span an edge of the convex hull of the means that holds no other "
            r"mean "
            r"(always so for $K = 2$ or affinely independent means)",
        ),
        _beyond("L4"),
        "The condition is also necessary. Where it fails (a ring, points on a line) the bounds are "
        "strictly too large, "
        "and L5 gives the sharp value.",
        _page("L4"),
    ),
    Statement(
        "L5",
        "Sharp bound of an instance",
        r"\lambda^*(t) = \sup_x \lambda_{\max}(-J) = 1 - \frac{1}{v} + \frac{m^2}{v^2} V^*(r), \qquad "
        r"V^*(r) = \sup_y \lambda_{\max} \left( \mathrm{Cov}_\gamma(\mu) \right)",
        (
            _MIXTURE,
            r"the suprema are finite (L8); they are enclosed for isotropic covariances and for a shared one",
            r"the form with $V^*$ is that of a common isotropic covariance, $\Sigma_k = \sigma^2 I$: $y = m x / v$, "
            r"$r = m^2 / (2 v)$, $\gamma_k \propto w_k \exp(y \cdot \mu_k - r |\mu_k|^2)$",
        ),
        _beyond("L5"),
        r"Enclosed for one mixture: an upper bound that a covering of $\mathbb{R}^d$ proves for all $x$, and a "
        r"point, or a direction at infinity, that comes close to it. In that form $L^*$ is the larger of "
        r"$|1/v - 1|$ and $\frac{m^2}{v^2} V^* - (1/v - 1)$.",
        _page("L5"),
    ),
    Statement(
        "L6",
        "Shared covariance",
        r"\lambda_{\max}(-J) \le 1 - \lambda_{\min}(P) + \frac{m^2 D_P^2}{4}, \qquad "
        r"D_P = \max_{k,l} | P (\mu_k - \mu_l) |",
        (
            _MIXTURE,
            r"$\Sigma_k = \Sigma$ for all $k$; $P = (m^2 \Sigma + (1 - m^2) I)^{-1}$",
            r"$\Sigma$ is no multiple of $I$, for which L2 and L3 say the same",
            r"all $x$",
        ),
        _beyond("L6"),
        "The two terms are largest in directions that may differ, so unlike L3 the bound can be loose "
        "even for $K = 2$; "
        "the proof page gives the form that is exact there.",
        _page("L6"),
    ),
    Statement(
        "L7",
        "Different isotropic variances",
        r"\| \mathrm{Cov}_\gamma(b) \|_2 \le \sum_{i < j} B_{ij}, \qquad B_{ij} = "
        r"\frac{\kappa_{ij}}{\sinh G_{ij}}, "
        r"\qquad (F_{\max} + G) \tanh \frac{G}{2} = 1",
        (
            _MIXTURE,
            r"$\Sigma_k = \sigma_k^2 I$, not all equal (else L2 and L3); for $v_i < v_j$: $\kappa = 1/v_i - 1/v_j$",
            r"$F_{\max} = \log \frac{w_i}{w_j} + \frac{d}{2} \log \frac{v_j}{v_i} "
            r"+ \frac{|\mu_i - \mu_j|^2}{2 (\sigma_j^2 - \sigma_i^2)}$",
            r"a pair of equal variance contributes $m^2 |\mu_i - \mu_j|^2 / (4 v_i^2)$",
        ),
        _beyond("L7"),
        r"Always finite. The sum over pairs is generous for many components; the maximum over pairs "
        r"would not be a bound.",
        _page("L7"),
    ),
    Statement(
        "L8",
        "Different anisotropic covariances: when a global bound exists",
        r"\sup_x \| J(x, t) \|_2 < \infty \iff \Sigma_k \le \Sigma_* \ \text{and} \ "
        r"\Pi_k \mu_k \in \mathrm{conv} \{ \Pi_k \mu_l : \Sigma_l = \Sigma_* \} \ \text{for all} \ k",
        (
            _MIXTURE,
            r"$\Sigma_*$ is one of the covariances, $\Pi_k$ the projection on the kernel of $\Sigma_* - \Sigma_k$",
            r"for $K = 2$: $\Sigma_1 - \Sigma_2$ is semidefinite, and $\mu_1 - \mu_2$ lies in its range",
        ),
        _beyond("L8"),
        r"The condition does not depend on $t$. Where it fails, $\| J \|$ grows like $|x|^2$ or $|x|$ "
        r"along the set where "
        "two components tie; then a bound on a ball is what can be had.",
        _page("L8"),
    ),
    Statement(
        "F1",
        "Stability of the flow map",
        r"\sqrt{\frac{v_s}{v_t}} \, |x - y| \le | \Phi_{t \to s}(x) - \Phi_{t \to s}(y) | "
        r"\le \exp \left( \int_s^t \lambda \right) |x - y| \le \exp \left( \int_s^t L \right) |x - y|",
        (_MIXTURE, r"$\delta \le s < t \le T$", "the lower bound needs a common isotropic variance"),
        _paper("F1") + "; the one-sided form and the lower bound are beyond it",
        "A worst case over pairs of points: the factor is often astronomically larger than the growth at "
        "typical points (E5).",
        _page("F1"),
    ),
    Statement(
        "F2",
        "Cumulative stability in closed form",
        r"\int_s^t \lambda = \frac{1}{2} \log \frac{v_s}{v_t} + \frac{D^2 (m_s^2 - m_t^2)}{8 \, v_s v_t}",
        (_MIXTURE, _COMMON, r"$\delta \le s < t \le T$"),
        _beyond("F2"),
        r"Regular for every $\sigma > 0$, also at $\sigma = 1$. The integral of $L$ is of the same kind "
        r"in two pieces.",
        _page("F2"),
    ),
    Statement(
        "F3",
        "The factor is attained",
        r"\left| D \Phi_{t \to s}(x) \, e \right| = \exp \left( \int_s^t \lambda \right), \qquad x \cdot "
        r"e = 0",
        (
            r"two components of equal weight and common isotropic variance at $\pm a$, $e = a / |a|$ (up "
            r"to a translation)",
            r"$\delta \le s < t \le T$",
        ),
        _beyond("F3"),
        "So F1 with the one-sided rate cannot be improved for this mixture. With unequal weights every "
        "trajectory "
        "stays strictly below the factor.",
        _page("F3"),
    ),
    Statement(
        "F4",
        "Late-time amplification",
        r"\lim_{T \to \infty} \lim_{\delta \to 0} \exp \left( \int_\delta^T \lambda \right) "
        r"= \sigma \exp \left( \frac{D^2}{8 \sigma^2} \right)",
        (_MIXTURE, _COMMON),
        _paper("F4"),
        r"An identity for every $\sigma$, not only a small-$\sigma$ asymptotic. The share $\eta / (1 + "
        r"\eta)$ of the exponent "
        r"is earned before $1 - m^2 = \eta \, \sigma^2 m^2$: half of it at $\eta = 1$.",
        _page("F4"),
    ),
    Statement(
        "E1",
        "Error along the learned path",
        r"e_k \le e^{\Lambda_k} e_{k-1} + \sup_{y \in A_k} | \Psi_k(y) - \Phi_k(y) |, "
        r"\qquad \Lambda_k = \int_{t_k}^{t_{k-1}} \lambda",
        (_GRID, r"$A_k$ holds the points that the learned path reaches after $k - 1$ segments"),
        _paper("E1"),
        "The local errors are taken where the learned path goes, which need not be where training looked.",
        _page("E1"),
    ),
    Statement(
        "E2",
        "Error on the data law",
        r"\| e_K \| \le \sum_k \left( \prod_{j > k} \mathrm{Lip}(\Psi_j) \right) "
        r"\| \Psi_k - \Phi_k \|_{L^q(p_{t_{k-1}})}",
        (_GRID, r"norms in $L^q(p_T)$; each $\Psi_j$ is Lipschitz"),
        _paper("E2"),
        "The local errors are measured exactly where training measures them, because the exact flow transports $p_t$.",
        _page("E2"),
    ),
    Statement(
        "E3",
        "Discrete Grönwall inequality",
        r"e_K \le \sum_k \varepsilon_k \exp \left( \int_\delta^{t_k} \lambda \right)",
        (_GRID, r"$\varepsilon_k$ bounds the local error of segment $k$ as in E1"),
        _paper("E3"),
        "An error made at $t_k$ is multiplied by the amplification still to come.",
        _page("E3"),
    ),
    Statement(
        "E4",
        "Residual composition",
        r"\begin{aligned} \text{Euler:} \quad & | \Psi_h(x) - \Phi_{t \to t-h}(x) | \le h \eta + "
        r"\tfrac{1}{2} h^2 M_2 \\ \text{midpoint:} \quad & | \Psi_h(x) - \Phi_{t \to t-h}(x) | \le h \eta \left( 1 + "
        r"\tfrac{1}{2} h L \right) + h^3 \left( \tfrac{1}{24} M_3 + \tfrac{1}{8} L M_2 \right) \end{aligned}",
        (
            r"one-step blocks $\Psi_h(x) = x + h F(x, t)$: Euler, and the explicit midpoint rule, a Runge–Kutta method",
            r"the velocity is off by at most $\eta$ where the block evaluates it; it is $L$-Lipschitz at $t - h/2$",
            r"$M_n$ is the largest norm of the $n$-th derivative along the exact trajectory from $x$",
        ),
        _paper("E4"),
        "No constant can be smaller. Composed over a grid, E3 bounds the global error by the amplified sum of these.",
        _page("E4"),
    ),
    Statement(
        "E5",
        "Mean-square amplification",
        r"\| e_K \|_{L^2} \lesssim \sum_k \| D \Phi_{t_k \to \delta} \, \xi_k \|_{L^2}, \qquad "
        r"A(t) = \left( \frac{1}{d} E_{p_t} \| D \Phi_{t \to \delta} \|_F^2 \right)^{1/2}",
        (
            _GRID,
            r"local errors $\xi_k$ small together with the derivatives of $\Psi_k - \Phi_k$; first order in both",
        ),
        _beyond("E5"),
        "Exact in the limit. Small values alone are not enough: small errors that oscillate fast are a counterexample. "
        "Those of trained maps are made next to separatrices and stretched until they "
        "saturate: they can be many times the first-order sum, and dozens of orders below the worst case of F1. With "
        "errors carried along the learned path by the flow itself, the sum bounds them whatever their size.",
        _page("E5"),
    ),
    Statement(
        "M1",
        "Lipschitz mismatch in sup norm",
        r"\sup |g - \Phi| \ge \frac{1}{2} \sup_{x, y} \left( |\Phi(x) - \Phi(y)| - B |x - y| \right)",
        ("$g$ is any $B$-Lipschitz map",),
        _paper("M1"),
        "For every mixture: a floor for every student of that Lipschitz constant, however it is trained. Where the "
        "right side is infinite, no such student is within a finite distance.",
        _page("M1"),
    ),
    Statement(
        "M2",
        "Lipschitz mismatch in mean square",
        r"E |g - \Phi|^2 \ge \frac{1}{4} E \left( |\Phi(X) - \Phi(R X)| - B |X - R X| \right)_+^2",
        ("$g$ is any $B$-Lipschitz map", "$R$ is an involution that preserves $p_T$, and $X$ has law $p_T$"),
        _beyond("M2"),
        "The symmetries of a mixture give such involutions. In one dimension, for every mixture, the exact optimum is "
        "an isotonic regression; optima of the factors of a product add up; for the symmetric two-mode mixture the "
        "bound is attained.",
        _page("M2"),
    ),
    Statement(
        "M3",
        "Segments that are needed",
        r"K \ge \frac{\log \mathrm{Lip}(\Phi)}{\log B}",
        (
            r"the flow map is reproduced exactly by $K$ maps, each $B$-Lipschitz, $B > 1$",
            r"$\mathrm{Lip}(\Phi)$ is finite; where it is at most $B$, $K = 1$",
        ),
        _paper("M3"),
        r"With $\Lambda = \int_\delta^T \lambda$: on the balanced grid, which needs $\lambda > 0$, each segment needs "
        r"only $e^{\Lambda / K}$; where $\Lambda \le 0$ one segment is enough.",
        _page("M3"),
    ),
    Statement(
        "G1",
        "Stability-balanced grid",
        r"\int_{t_k}^{t_{k-1}} \rho = \frac{1}{K} \int_\delta^T \rho, \qquad k = 1, \dots, K",
        (r"a rate $\rho > 0$: $L$, $\lambda$ where it is positive, a sharp or a data-driven one",),
        _paper(),
        "The unique minimiser of the largest amplification exponent of a segment; not in general of the "
        "error after training.",
        None,
    ),
    Statement(
        "G2",
        "Balanced nodes by Lambert W",
        r"y = -\frac{W_j \left( -2 A e^{2 f} \right)}{2 A}, \qquad A = \frac{D^2}{8 c}, \qquad "
        r"t = -\frac{1}{2} \log \frac{1 - 1/y}{c}",
        (
            _COMMON,
            r"$y = 1/v$ solves $\frac{1}{2} \log y - A y = f$; $c \neq 0$, $D > 0$",
            r"$j = -1$ where $\lambda > 0$ and $\sigma < 1$; $j = 0$ where $\lambda < 0$, and for "
            r"$\sigma > 1$",
        ),
        _beyond("G2"),
        r"Where $\lambda$ changes sign (only if $\sigma < 1$ and $D^2 < 4 c$) its integral is not "
        r"monotone, and each side of "
        "the change has an inverse of its own.",
        _page("G2"),
    ),
    Statement(
        "G3",
        "Baseline grids",
        r"q(t_k) = q(T) + \frac{k}{K} \left( q(\delta) - q(T) \right)",
        (
            r"uniform $q = t$; quadratic $q = \sqrt{t}$; log-SNR $q = \log(m / \sqrt{1 - m^2})$; "
            r"Karras $q = (\sqrt{1 - m^2} / m)^{1/7}$; cosine; geometric $q = \log t$",
        ),
        "definitions, common in the literature",
        "Every grid has the same ends and the same number of segments as the balanced one.",
        None,
    ),
    Statement(
        "G4",
        "The announced result",
        r"1 - \frac{\mathrm{MSE}(\text{balanced})}{\mathrm{MSE}(\text{uniform})} \approx 0.519, \qquad K = 8",
        (
            r"$\mathrm{MSE} = E |\Psi_K \circ \dots \circ \Psi_1 (X) - \Phi(X)|^2 / E |\Phi(X)|^2$, $X "
            r"\sim p_T$, fresh points",
        ),
        f"{PAPER} (abstract): up to 51.9 %",
        "An empirical figure of the paper for its own examples; the reduction depends on the mixture, "
        "and the sign can change.",
        None,
    ),
    Statement(
        "A1",
        "Exact products",
        r"z^2 = \mathrm{requ}(z) + \mathrm{requ}(-z), \qquad x y = \frac{1}{4} \left( (x + y)^2 - (x - "
        r"y)^2 \right), "
        r"\qquad \max(a, b) = a + \mathrm{relu}(b - a)",
        (_RELU,),
        _paper(),
        "Exact in real arithmetic; only the exponential and the reciprocal are approximated.",
        None,
    ),
    Statement(
        "A2",
        "Exponential",
        r"e^z \approx \left( \sum_{i=0}^{p} \frac{(z / 2^r)^i}{i!} \right)^{2^r}, \qquad -Z \le z \le 0",
        (_RELU, r"$r$ squarings of a Taylor polynomial of degree $p$"),
        _paper(),
        r"Depth $O(r + \log p)$ or $O(r + p)$, with an explicit relative error.",
        None,
    ),
    Statement(
        "A3",
        "Reciprocal",
        r"y_{n+1} = y_n (2 - q y_n), \qquad y_0 = \frac{2}{\alpha + \beta}, \qquad 1 - q y_{n+1} = (1 - "
        r"q y_n)^2",
        (_RELU, r"$0 < \alpha \le q \le \beta$"),
        _paper(),
        r"The error squares at each step: depth $O(\log \log (1 / \varepsilon) + \log (\beta / \alpha))$.",
        None,
    ),
    Statement(
        "A4",
        "Softmax",
        r"\gamma_k = \frac{e^{l_k - \max l}}{\sum_j e^{l_j - \max l}}, \qquad \sum_j e^{l_j - \max l} "
        r"\in [1, K]",
        (_RELU, r"logits clipped at $\log(K / \varepsilon)$ below their maximum"),
        _paper(),
        "The maximum is exact (A1), so the sum that is inverted is never small.",
        None,
    ),
    Statement(
        "A5",
        "The score network",
        r"\sup_{|x|_\infty \le R} | N(x, t) - s(x, t) | \le \varepsilon, \qquad "
        r"\text{depth, width} = \mathrm{polylog}(1 / \varepsilon)",
        (_RELU, r"input $(x, t)$ with $|x|_\infty \le R$, $t \in [\delta, T]$"),
        _paper(),
        r"Depth and width are explicit in $K, d, D, \sigma, \delta, T$.",
        None,
    ),
    Statement(
        "A6",
        "Approximation uniform in time",
        r"\sup_{t \in [\delta, T]} \| N(\cdot, t) - s(\cdot, t) \|_{L^p(p_t)} \le \varepsilon",
        (_RELU, r"$R = O(\sqrt{\log(1 / \varepsilon)})$ for the box of A5; Gaussian tails outside"),
        _paper(),
        "The guarantee is for the construction, not for a trained network of the same size.",
        None,
    ),
)

#: Every statement by its id, in the order of the theory.
STATEMENTS: dict[str, Statement] = {row.id: row for row in _ROWS}
