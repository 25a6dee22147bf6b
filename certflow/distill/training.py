"""Train a stack of residual maps together: one batched step for all segments, grids and seeds.

Maps of one seed may start from the same weights, as students of one teacher do: then grids can be compared seed by
seed. Every map has mini-batches of its own, which depend on its key alone and not on what else is in the stack: epoch
by epoch the pool is passed through in the order `i -> (u i + w) mod N`, `u` coprime to `N`, with `u` and `w` drawn from
the key. Its points are independent draws, so `i` counts blocks of neighbours: fetching a block costs hardly more than
fetching a row. So a stack can be cut anywhere, and an interrupted run goes on where it was, with the same outcome.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from certflow.atomic import write_bytes_atomic
from certflow.distill.batches import Batches
from certflow.distill.cuda_graphs import CudaGraphs
from certflow.distill.maps.regression import Regression
from certflow.distill.maps.residual import Normalisers, ResidualMaps, normalisers_of
from certflow.distill.settings import Settings, Steps
from certflow.distill.stepping import Graphs, Stepper

#: Maps that are stepped together: on a CPU so many that their activations stay in the cache, on a GPU so many that
#: starting the kernels takes no longer than they run.
STACK = {"cpu": 128, "cuda": 2048}
#: Of checkpoints and of what training does: one of another number is not taken up.
FORMAT = 2
#: Steps between two looks at the clock, at the losses, and at whether to stop.
ROUND = 100


@dataclass(frozen=True)
class Segment:
    """One map to train.

    seed : the place of its data in the pool;  start, end : of its ends in the list of times
    key : what its mini-batches depend on;  origin : what its first weights depend on, the key unless given
    """

    seed: int
    start: int
    end: int
    key: str
    origin: str = ""

    @property
    def weights(self) -> int:
        """The seed of the first weights."""
        return _number(f"{self.origin or self.key}/weights")

    @property
    def order(self) -> int:
        """The seed of the order in which the pool is passed through."""
        return _number(f"{self.key}/order")


def _number(text: str) -> int:
    """63 bits of a hash."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


@dataclass
class Trained:
    """A stack of maps after training.

    losses : final ones, relative to the spread of what the segments add
    refused : why it was trained step by step although its GPU has CUDA graphs; else empty
    """

    segments: tuple[Segment, ...]
    maps: ResidualMaps
    losses: torch.Tensor
    refused: str = ""

    @property
    def diverged(self) -> list[Segment]:
        """The segments whose loss or weights are not finite."""
        finite = torch.isfinite(self.losses)
        for parameter in self.maps.parameters():
            finite &= torch.isfinite(parameter.detach().flatten(1)).all(1)
        return [segment for segment, fine in zip(self.segments, finite.tolist(), strict=True) if not fine]


def train(
    segments: Sequence[Segment],
    pool: torch.Tensor,
    settings: Settings,
    progress: Steps | None = None,
    checkpoint: Path | None = None,
) -> list[Trained]:
    """Train every segment; returns stacks of at most `STACK` maps, in the order of `segments`.

    Parameters
    ----------
    segments : what is trained
    pool : shape (seeds, times, N, d), exact points of trajectories at the times to which the segments refer; the N in
        random order
    progress : called with (steps done, steps in all)
    checkpoint : a directory where each stack is kept as it goes, and from which it is taken up
    """
    size = STACK.get(pool.device.type, STACK["cpu"])
    stacks = [tuple(segments[i : i + size]) for i in range(0, len(segments), size)]
    result = []
    for index, stack in enumerate(stacks):

        def advance(done: int, before: int = index * settings.steps) -> None:
            if progress is not None:
                progress(before + done, len(stacks) * settings.steps)

        path = None if checkpoint is None else checkpoint / f"stack-{index}.pt"
        result.append(_train_stack(stack, pool, settings, advance, path))
    return result


def _train_stack(
    segments: tuple[Segment, ...],
    pool: torch.Tensor,
    settings: Settings,
    advance: Callable[[int], None],
    path: Path | None,
) -> Trained:
    stepper = stepper_of(segments, pool, settings, graphs_on(pool.device, settings))
    maps = stepper.regression.maps
    losses = torch.full_like(stepper.total, math.nan)
    key = _key(segments, pool, settings)
    state = _load(path, key)
    if state is not None:
        losses = state["losses"].to(pool.device)
        maps.load_state_dict(state["maps"])
        stepper.take_up(state["done"], state["optimiser"])
    advance(stepper.done)
    while stepper.done < settings.steps:
        losses = stepper.run(min(ROUND, settings.steps - stepper.done))
        _save(path, key, stepper.done, losses, maps, stepper.optimiser)
        advance(stepper.done)
    return Trained(segments, maps.requires_grad_(False), losses, stepper.refused)


def graphs_on(device: torch.device, settings: Settings) -> CudaGraphs | None:
    """How steps are recorded on a GPU; a budget takes singular values, whose convergence torch looks at on the host."""
    return CudaGraphs(device) if device.type == "cuda" and settings.lipschitz is None else None


def stepper_of(segments: Sequence[Segment], pool: torch.Tensor, settings: Settings, graphs: Graphs | None) -> Stepper:
    """A stack before its first step; the maps are `.regression.maps`."""
    normalisers, pairs = _pairs(segments, pool)
    maps = ResidualMaps(
        normalisers,
        settings.hidden,
        settings.depth,
        settings.activation,
        tuple(s.weights for s in segments),
        settings.lipschitz,
    )
    # the loss is the mean squared error in the units of the data, over the spread of what the segment adds
    weights = normalisers.output_scale.square()
    regression = Regression(maps, weights / weights.sum(2, keepdim=True) / settings.batch, settings.batch)
    batches = Batches([s.order for s in segments], pairs, settings.batch)
    return Stepper(regression, batches, partial(rate_at, settings=settings), ROUND, graphs)


def _pairs(segments: Sequence[Segment], pool: torch.Tensor) -> tuple[Normalisers, torch.Tensor]:
    """The normalisers of each segment, and its normalised inputs and targets side by side, shape (n, N, 2 d).

    Side by side, because fetching the rows of a mini-batch costs by the row.
    """
    count, d = pool.shape[2:]
    pairs = torch.empty((len(segments), count, 2 * d), dtype=pool.dtype, device=pool.device)
    found = []
    for pair, segment in zip(pairs, segments, strict=True):
        x, y = pool[segment.seed, segment.start], pool[segment.seed, segment.end]
        n = normalisers_of(x.unsqueeze(0), y.unsqueeze(0))
        pair[:, :d] = (x - n.input_mean[0]) / n.input_scale[0]
        pair[:, d:] = (y - x - n.output_mean[0]) / n.output_scale[0]
        found.append(n)
    return Normalisers.stack(found), pairs


def rate_at(step: int, settings: Settings) -> float:
    """The learning rate: linear up to `warmup`, then half a cosine down to 0 at the end."""
    if step < settings.warmup:
        return settings.learning_rate * (step + 1) / settings.warmup
    share = (step - settings.warmup) / max(1, settings.steps - settings.warmup)
    return settings.learning_rate * (1 + math.cos(math.pi * share)) / 2


def _key(segments: Sequence[Segment], pool: torch.Tensor, settings: Settings) -> str:
    """What a checkpoint must agree with: the segments, the settings, and (by its first points) the pool."""
    keys = [(segment.key, segment.origin) for segment in segments]
    text = repr((FORMAT, settings, keys, pool.shape, pool[:, :, :16].tolist()))
    return hashlib.sha256(text.encode()).hexdigest()


def _save(
    path: Path | None,
    key: str,
    done: int,
    losses: torch.Tensor,
    maps: ResidualMaps,
    optimiser: torch.optim.Optimizer,
) -> None:
    if path is None:
        return
    content = {
        "key": key,
        "done": done,
        "losses": losses.cpu(),
        "maps": maps.state_dict(),
        "optimiser": optimiser.state_dict(),
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    state = buffer.getvalue()
    write_bytes_atomic(path, hashlib.sha256(state).digest() + state)


def _load(path: Path | None, key: str) -> dict[str, Any] | None:
    """What was kept of this very stack, or None (nothing there, another plan, a broken file)."""
    if path is None or not path.is_file():
        return None
    content = path.read_bytes()
    if hashlib.sha256(content[32:]).digest() != content[:32]:
        return None
    state = torch.load(io.BytesIO(content[32:]), map_location="cpu", weights_only=True)
    return state if state["key"] == key else None
