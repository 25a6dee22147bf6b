"""The mini-batches of a stack, fetched in blocks of neighbouring rows, in an order that every map draws for itself.

Epoch by epoch block `u i + w mod M` of the `M` blocks follows on block `i`, `u` coprime to `M`. `seek` runs on the
host and writes `u`, `w` and the place in the epoch into buffers; from there on `advance` and `fetch` work on the device
alone, with the same calls on the same buffers from step to step, as a CUDA graph wants it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

#: Neighbouring rows of the pool that are fetched together.
BLOCK = 8


class Batches:
    """Mini-batches of `batch` rows.

    Parameters
    ----------
    seeds : one int for each map, from which its order is drawn
    pairs : shape (n, N, 2 d), the inputs and targets of each map side by side
    """

    def __init__(self, seeds: Sequence[int], pairs: torch.Tensor, batch: int):
        count, pool, width = pairs.shape
        block = math.gcd(BLOCK, pool, batch)
        self.blocks, self.per_batch = pool // block, batch // block
        self.per_epoch = self.blocks // self.per_batch
        self.shape = (batch, width)
        self.table = pairs.view(count * self.blocks, block * width)
        self.generators = [np.random.default_rng(seed) for seed in seeds]
        self.epoch = -1

        def whole(*shape: int) -> torch.Tensor:
            return torch.zeros(shape, dtype=torch.int64, device=pairs.device)

        self.factor, self.offset = whole(count, 1), whole(count, 1)
        self.base = torch.arange(self.per_batch, device=pairs.device)
        self.place = whole(self.per_batch)
        self.first = torch.arange(count, device=pairs.device).unsqueeze(1) * self.blocks
        self.rows = whole(count, self.per_batch)

    def seek(self, step: int) -> int:
        """Let the mini-batches of `step` come next, in this epoch or a later one; the steps until the epoch ends."""
        epoch, part = divmod(step, self.per_epoch)
        drawn: list[tuple[int, int]] = []
        while self.epoch < epoch:
            self.epoch += 1
            drawn = [self._draw(generator) for generator in self.generators]
        if drawn:
            for buffer, column in zip((self.factor, self.offset), zip(*drawn, strict=True), strict=True):
                buffer.copy_(torch.tensor(column).unsqueeze(1))
        torch.add(self.base, part * self.per_batch, out=self.place)
        return self.per_epoch - part

    def _draw(self, generator: np.random.Generator) -> tuple[int, int]:
        while True:
            factor, offset = (int(n) for n in generator.integers(self.blocks, size=2))
            if math.gcd(factor, self.blocks) == 1:
                return factor, offset

    def advance(self) -> None:
        """Go to the next mini-batches."""
        torch.mul(self.factor, self.place, out=self.rows).add_(self.offset).remainder_(self.blocks).add_(self.first)
        self.place.add_(self.per_batch)

    def fetch(self, a: int, b: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The inputs and targets of the maps a to b - 1, each of shape (b - a, batch, d)."""
        z, target = self.table.index_select(0, self.rows[a:b].reshape(-1)).view(b - a, *self.shape).chunk(2, dim=2)
        return z, target
