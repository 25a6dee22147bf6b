"""What is trained, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from certflow.distill.maps.residual import check_shape
from certflow.errors import InputError
from certflow.numbers.inputs import real_number, whole_number

#: Called with (done, total, what) by experiments; with (steps done, steps in all) by what trains.
Progress = Callable[[int, int, str], None]
Steps = Callable[[int, int], None]
#: Dimensions in which as many steps as usual suffice.
FEW_DIMENSIONS = 8


@dataclass(frozen=True)
class Settings:
    """Size and training of the residual maps.

    hidden, depth, activation, lipschitz : of the maps (`certflow.distill.maps.residual`)
    steps, batch : Adam steps, and pairs in the mini-batch of each map
    learning_rate, warmup : the largest rate, reached after `warmup` steps and then lowered to 0 along a cosine
    pool : exact pairs per seed from which mini-batches are drawn
    test : weighted points per seed on which errors are measured (`certflow.distill.weighted`), at first; in one
        dimension a quadrature chooses its own
    tolerance : relative mean squared error of the reference flow
    """

    hidden: int = 32
    depth: int = 2
    activation: str = "silu"
    lipschitz: float | None = None
    steps: int = 3000
    batch: int = 128
    learning_rate: float = 5e-3
    warmup: int = 50
    pool: int = 16_384
    test: int = 16_384
    tolerance: float = 1e-10

    def __post_init__(self) -> None:
        for name, low, high in (
            ("hidden", 1, 4096),
            ("depth", 1, 16),
            ("steps", 1, 10**7),
            ("batch", 1, 10**6),
            ("warmup", 0, 10**6),
            ("pool", 2, 10**8),
            ("test", 2, 10**8),
        ):
            object.__setattr__(self, name, whole_number(getattr(self, name), name, low, high))
        if self.batch > self.pool:
            raise InputError("batch", self.batch, f"at most the pool of {self.pool} pairs")
        for name in ("learning_rate", "tolerance"):
            value = real_number(getattr(self, name), name, "a number between 0 and 1", lambda share: 0 < share < 1)
            object.__setattr__(self, name, value)
        check_shape(self.hidden, self.activation, self.lipschitz)

    @classmethod
    def usual(cls, dimension: int) -> Settings:
        """What is used if nothing else is said: in more than `FEW_DIMENSIONS`, twice the steps.

        There 6,000 steps leave 0.7 (sixteen dimensions) to 0.35 times (wine) the error of 3,000.
        """
        return cls() if dimension <= FEW_DIMENSIONS else cls(steps=2 * cls.steps)

    def mapping(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)
