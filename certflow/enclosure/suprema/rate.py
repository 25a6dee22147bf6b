"""What is known of a sharp rate at one time."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from certflow.enclosure.results import Ends, ExactDecimal
from certflow.enclosure.suprema.points import Points
from certflow.enclosure.suprema.search import Proof
from certflow.enclosure.suprema.supremum import Supremum
from certflow.enclosure.suprema.witness import Witness, spread_out, turned_back

#: Digits of the bounds.
DIGITS = 20


@dataclass(frozen=True)
class Block:
    """One factor of a product law (the law itself if it is none): its axes, its points and what is known of `V*`."""

    axes: tuple[int, ...]
    points: Points
    found: Supremum

    @property
    def leaves(self) -> int:
        """Number of settled cells in its proof."""
        return 0 if self.found.proof is None else self.found.proof.leaves


@dataclass(frozen=True)
class Metric:
    """The proof of a shared covariance: `Cov(U alpha) <= I` for all tilts, `alpha` the coordinates of the points, `U`
    (rational) with `|U alpha|^2` near `a.M(level)^{-1} a`; by Popoviciu's inequality where `proof` is None."""

    points: Points
    level: Fraction
    factor: list[list[Fraction]]
    proof: Proof | None


@dataclass(frozen=True, repr=False)
class SharpRate(Ends):
    """`lower <= sup_x rate <= upper`, both proved; exact decimals; `f"{rate:.6}"` rounds them outwards.

    rate : "one-sided" (`lambda*`) or "two-sided" (`L*`); witness : where it is at least `lower`; complete : whether the
    relative gap asked for was reached (if not, the verdict is inconclusive and this is the best enclosure so far);
    spread : for common variance the same for `V*`, the supremum of `lambda_max Cov_gamma(mu)`; blocks : what the proof
    consists of, in the coordinates of the plane turned by `turn`, if that is not None; best_block, members, direction :
    block, points and vector of the witness (without blocks: in `R^d`); metric : the proof of a shared covariance
    """

    lower: ExactDecimal
    upper: ExactDecimal
    witness: Witness
    complete: bool
    rate: str
    time: Fraction
    spread: tuple[ExactDecimal, ExactDecimal] | None = None
    blocks: tuple[Block, ...] = ()
    best_block: int = 0
    members: tuple[int, ...] = ()
    direction: tuple[Fraction, ...] = ()
    turn: tuple[int, int] | None = None
    metric: Metric | None = None

    @property
    def kind(self) -> str:
        """The name of `rate` in earlier versions."""
        return self.rate

    @property
    def vector(self) -> tuple[Fraction, ...]:
        """`direction` as a vector `e` of `R^d`: at the witness `e.(-J).e / e.e`, if two-sided its modulus, is at least
        the lower bound (to the rounding of `e`, where it stands for an eigenvector)."""
        if not self.blocks:
            return self.direction
        block = self.blocks[self.best_block]
        return turned_back(spread_out(self.direction, block.axes, len(self.witness.point)), self.turn)

    @property
    def relative_gap(self) -> float:
        """`(upper - lower) / |upper|`."""
        return float((self.upper - self.lower) / abs(self.upper)) if self.upper else float(self.upper - self.lower)

    @property
    def leaves(self) -> int:
        """Number of settled cells in the proof."""
        covered = 0 if self.metric is None or self.metric.proof is None else self.metric.proof.leaves
        return covered + sum(block.leaves for block in self.blocks)
