"""False twins of composed errors: errors forgotten, an amplification turned round, a stage at the wrong time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flint import fmpq

from certflow.claims.evidence.straight import AlteredBlocks
from certflow.networks.residual.methods import METHODS, Method
from certflow.numbers.arithmetic import arithmetic_of
from certflow.process import OrnsteinUhlenbeck


class ReversedAmplification(OrnsteinUhlenbeck):
    """`exp(-int lambda)`: distances shrink where they grow."""

    def amplification(self, s: Any, t: Any, rate: str = "one-sided") -> Any:
        return 1 / super().amplification(s, t, rate)


class ForgottenErrors(OrnsteinUhlenbeck):
    """Bounds of a composition that count the error of the last segment only."""

    def error_bound(self, times: Any, errors: Any, rate: str = "one-sided") -> Any:
        return super().error_bound(times, [*(0.0 for _ in errors[1:]), errors[-1]], rate)

    def law_error_bound(self, lipschitz: Any, errors: Any) -> Any:
        return super().law_error_bound(lipschitz, [*(0.0 for _ in errors[1:]), errors[-1]])


class FullStage(AlteredBlocks):
    """Blocks with their stages at `h` for `h/2`: of order 1."""

    def stepped(self, method: Method) -> Method:
        return replace(method, nodes=tuple(fmpq(bool(node)) for node in method.nodes))

    def residual_block(self, x: Any, t: Any, h: Any, method: str = "midpoint", velocity: Any = None) -> Any:
        if method == "euler":
            return super().residual_block(x, t, h, method, velocity)
        stage = super().residual_block(x, t, h, "euler", velocity)
        return arithmetic_of(x, t).asarray(x) - h * (velocity or self.velocity)(stage, t - h)


class ForgottenDiscretisation(OrnsteinUhlenbeck):
    """A bound of blocks that counts the error of the velocity only."""

    def block_error_bound(
        self, h: Any, velocity_error: Any, lipschitz: Any, second: Any, third: Any, method: str = "midpoint"
    ) -> Any:
        return super().block_error_bound(h, velocity_error, lipschitz, 0 * second, 0 * third, method)


class EulerStep(AlteredBlocks):
    """Every block is one of Euler, whatever its bound is for."""

    def stepped(self, method: Method) -> Method:
        return METHODS["euler"]
