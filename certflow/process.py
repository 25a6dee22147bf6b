"""The Ornstein–Uhlenbeck noising of a Gaussian mixture and what the theory says about its flow.

`X_t = m X_0 + sqrt(1 - m^2) Z`, `m = e^{-t}`, `t` in `[t_min, t_max]` (dimensionless); `t_min` is the data end,
`t_max` the noise end; sampling runs from `t_max` down to `t_min`.
"""

from __future__ import annotations

from typing import Any

from certflow.bounds import rates as bounds
from certflow.errors import InputError
from certflow.field import evaluate as field
from certflow.law.noised import NoisedMixture
from certflow.lazy import loaded


class OrnsteinUhlenbeck(NoisedMixture):
    """Ornstein–Uhlenbeck process started from a Gaussian mixture (proofs/S1.md).

    Parameters
    ----------
    mixture : the data law
    t_min, t_max : `0 < t_min < t_max`; text and fractions are exact, a float is the binary number that it is

    `x` has shape (..., d); `t` is a scalar or broadcasts to (...). Every method returns the kind of number
    that it was given: NumPy, torch (same device and dtype), object arrays of mpmath `mpf`, Arb balls or SymPy
    expressions.

    torch differentiates every tensor that is returned, backwards and forwards; what returns a float refuses a tensor
    that requires grad. Inside `torch.vmap` and `torch.compile`, where no error can depend on data, a time that would
    be refused makes the result NaN.

    >>> import certflow as cf
    >>> cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), t_min="0.01", t_max=3)
    cf.OrnsteinUhlenbeck(cf.load_mixture('two-modes'), t_min='0.01', t_max=3)
    """

    def __repr__(self) -> str:
        """Code that makes the process after `import certflow as cf`, where its mixture is shown as such."""
        from certflow.law.code import number_code

        name = "cf.OrnsteinUhlenbeck" if type(self) is OrnsteinUhlenbeck else type(self).__qualname__
        times = f"t_min={number_code(self.exact_t_min)}, t_max={number_code(self.exact_t_max)}"
        return f"{name}({self.mixture!r}, {times})"

    # -- the field (S1-S4) ---------------------------------------------------------------------------------

    def log_density(self, x: Any, t: Any) -> Any:
        """`log p_t(x)`, `p_t = sum_k w_k N(m mu_k, C_k)`; shape (...). proofs/S1.md.

        >>> import certflow as cf
        >>> process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
        >>> process.log_density([[0.5, 0.1], [0, 0]], t=0.5).round(6)
        array([-1.781459, -1.686583])
        """
        return field.evaluate(self.mixture, "log_density", x, t)

    def responsibilities(self, x: Any, t: Any) -> Any:
        """`gamma_k(x, t)`, the posterior probability of component `k`; shape (..., K). proofs/notation.md.

        >>> import certflow as cf
        >>> process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
        >>> process.responsibilities([0.5, 0.1], t=0.5).round(6)
        array([0.281367, 0.718633])
        """
        return field.evaluate(self.mixture, "responsibilities", x, t)

    def score(self, x: Any, t: Any) -> Any:
        """`s = grad log p_t = sum_k gamma_k b_k`, `b_k = -P_k (x - m mu_k)`; shape (..., d). proofs/S2.md.

        >>> import certflow as cf
        >>> process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
        >>> process.score([0.5, 0.1], t=0.5).round(6)
        array([-0.362975, -0.154599])
        """
        return field.evaluate(self.mixture, "score", x, t)

    def velocity(self, x: Any, t: Any) -> Any:
        """`u = -x - s`, evaluated as `sum_k gamma_k (m^2 Q_k x - m P_k mu_k)`; shape (..., d). proofs/S3.md.

        >>> import certflow as cf
        >>> process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
        >>> process.velocity([0.5, 0.1], t=0.5).round(6)
        array([-0.137025,  0.054599])
        """
        return field.evaluate(self.mixture, "velocity", x, t)

    def jacobian(self, x: Any, t: Any) -> Any:
        """`J = grad u = sum_k gamma_k m^2 Q_k - Cov_gamma(u_k)`; shape (..., d, d). proofs/S4.md.

        >>> import certflow as cf
        >>> process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
        >>> process.jacobian([0.5, 0.1], t=0.5).round(6)
        array([[-0.165158,  0.      ],
               [ 0.      ,  0.545988]])
        """
        return field.evaluate(self.mixture, "jacobian", x, t)

    # -- spatial bounds (L2-L8) ----------------------------------------------------------------------------

    def lipschitz_bound(self, t: Any) -> Any:
        """`L(t) >= sup_x ||J(x, t)||_2` (the paper's two-sided bound). proofs/L2.md, L6, L7.

        Raises `NoGlobalBound` where L8 says that the supremum is infinite (see `ball_bound`).

        >>> import certflow as cf
        >>> process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
        >>> process.lipschitz_bound([0.1, 0.5, 2.0]).round(6)
        array([14.202198,  0.545988,  0.017898])
        """
        return bounds.lipschitz_bound(self.mixture, t)

    def growth_rate_bound(self, t: Any) -> Any:
        """`lambda(t) >= sup_x lambda_max(-J(x, t))`, the one-sided rate in the sampling direction. proofs/L3.md.

        Raises `NoGlobalBound` where L8 says that the supremum is infinite.

        >>> import certflow as cf
        >>> process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
        >>> process.growth_rate_bound([0.1, 0.5, 1.0]).round(6)
        array([14.202198,  0.333273,  0.029448])
        """
        return bounds.growth_rate_bound(self.mixture, t)

    def ball_bound(self, radius: Any, t: Any) -> Any:
        """`sup ||J(x, t)||_2` over the ball `|x| <= radius` is at most this; for every mixture. proofs/L8.md.

        >>> import certflow as cf
        >>> process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
        >>> round(float(process.ball_bound(2, t=0.5)), 6)
        0.545988
        """
        return bounds.ball_bound(self.mixture, radius, t)

    def outside_probability(self, radius: Any, t: Any) -> float:
        """Upper bound of the probability that `p_t` gives to `|x| > radius`. proofs/L8.md.

        >>> import certflow as cf
        >>> process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
        >>> round(process.outside_probability(3, t=0.5), 6)
        0.011935
        """
        return bounds.outside_probability(self.mixture, radius, t)

    # -- stability of the flow map (F1-F3, G2) -------------------------------------------------------------

    def stability(self, s: Any, t: Any, rate: str = "one-sided") -> Any:
        """`int_s^t rate`, `s <= t`; rate "one-sided" (`lambda`) or "two-sided" (`L`). proofs/F1.md, F2.

        >>> import certflow as cf
        >>> process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
        >>> round(float(process.stability("0.01", 3)), 6)
        6.890382
        """
        from certflow.bounds import stability

        return stability.stability(self.mixture, s, t, rate)

    def amplification(self, s: Any, t: Any, rate: str = "one-sided") -> Any:
        """`exp(int_s^t rate)`, the bound of `|Phi_{t->s}(x) - Phi_{t->s}(y)| / |x - y|`. proofs/F1.md.

        >>> import certflow as cf
        >>> process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
        >>> round(float(process.amplification("0.01", 3)), 3)
        982.776
        """
        from certflow.bounds import stability

        return stability.amplification(self.mixture, s, t, rate)

    def error_bound(self, times: Any, errors: Any, rate: str = "one-sided") -> Any:
        """`sum_k eps_k exp(int_{t_K}^{t_k} rate)`, for segments between `times` with errors `eps_k`. proofs/E3.md.

        >>> import certflow as cf
        >>> process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
        >>> round(process.error_bound([3, 1, 0.01], [1e-3, 1e-3]), 6)
        0.975814
        """
        from certflow.composition import propagation

        return propagation.gronwall_bound(self, times, errors, rate)

    def law_error_bound(self, lipschitz: Any, errors: Any) -> Any:
        """`sum_k (prod_{j>k} Lip(Psi_j)) ||Psi_k - Phi_k||`, for any maps with these constants. proofs/E2.md.

        >>> import certflow as cf
        >>> process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
        >>> round(process.law_error_bound([2, 3], [0.1, 0.2]), 6)
        0.5
        """
        from certflow.composition import propagation

        return propagation.law_bound(lipschitz, errors)

    def residual_block(self, x: Any, t: Any, h: Any, method: str = "midpoint", velocity: Any = None) -> Any:
        """`x + h F(x, t)`, one step from `t` to `t - h`; shape (..., d). proofs/E4.md.

        method : "euler" or "midpoint" (`certflow.composition.blocks`)
        velocity : in place of the exact one, `(x, t) -> u`

        >>> import certflow as cf
        >>> process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
        >>> process.residual_block([0.5, 0.1], t=1.0, h=0.1).round(6)
        array([0.501645, 0.098336])
        """
        from certflow.composition import blocks

        return blocks.residual_block(velocity or self.velocity, x, t, h, method)

    def block_error_bound(
        self, h: Any, velocity_error: Any, lipschitz: Any, second: Any, third: Any, method: str = "midpoint"
    ) -> Any:
        """The local error of `residual_block`: `h eta (1 + h L/2) + h^3 (M_3/24 + L M_2/8)`, or Euler's. proofs/E4.md.

        >>> import certflow as cf
        >>> process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
        >>> round(process.block_error_bound(h=0.1, velocity_error=0.01, lipschitz=2, second=3, third=4), 9)
        0.002016667
        """
        from certflow.composition import blocks

        return blocks.local_error_bound(h, velocity_error, lipschitz, second, third, method)

    def mismatch_floor(self, budget: float, norm: str = "mean-square") -> float:
        """What no one-step map `g` of Lipschitz constant `budget` goes under. proofs/M1.md, M2.

        norm : "mean-square", `E|g - Phi|^2 / E|Phi|^2` (M2), or "sup", `sup |g - Phi|` over the root of `E|Phi|^2` (M1)

        In one dimension, and for a product of one-dimensional laws, the error of the best such map. Else a lower bound;
        for the mean square one by symmetries of the mixture, from draws, at the confidence level 99.9 %
        (`certflow.composition.floors.mean_square_floor` says which it is). Infinite where no such map is within a
        finite distance. Raises `InputError` for a mixture that has neither factors nor symmetries, or whose floor
        float64 does not resolve, another norm, or a budget that is not positive.

        >>> import certflow as cf
        >>> process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
        >>> round(process.mismatch_floor(10), 6)
        0.001911
        """
        from certflow.composition import floors, sup_norm

        if norm not in ("mean-square", "sup"):
            raise InputError("norm", norm, "mean-square or sup")
        if norm == "sup":
            return sup_norm.sup_floor(self, budget).relative
        return floors.mean_square_floor(self, budget).relative

    def time_at_stability(self, value: Any, s: Any | None = None) -> Any:
        """The time `t` with `int_s^t lambda = value` (default `s = t_min`), by Lambert W. proofs/G2.md.

        >>> import certflow as cf
        >>> process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
        >>> t = process.time_at_stability(1)
        >>> round(float(t), 6)
        0.014318
        >>> round(float(process.stability(process.t_min, t)), 6)
        1.0
        """
        from certflow.bounds import inversion

        return inversion.time_at_stability(self.mixture, value, self.exact_t_min if s is None else s)

    def flow(self, x: Any, t_from: Any, t_to: Any, rtol: float = 1e-10) -> Any:
        """`Phi_{t_from -> t_to}(x)`, the reference flow map of `dx/dt = u`; shape (..., d). proofs/notation.md.

        >>> import certflow as cf
        >>> process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
        >>> process.flow([0.5, 0.1], t_from=3, t_to="0.01").round(6)
        array([0.917695, 0.024321])
        """
        from certflow.flow.reference import flow_map

        return flow_map(self, x, t_from, t_to, rtol=rtol)


loaded(__name__)
