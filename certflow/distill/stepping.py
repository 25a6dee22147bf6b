"""Training steps over buffers that stay where they are, so that a step can be recorded once and replayed.

On a GPU one small step takes longer to start, kernel by kernel, than to run; a CUDA graph starts it by one call. A
graph repeats the same kernels on the same addresses with the same numbers. So nothing in `Stepper.step` comes from the
host: the learning rate and the place in the epoch are read from tensors that the step itself moves on, and Adam counts
its steps on the device. What the host must do (draw an epoch, compute learning rates) is done between steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import torch

from certflow.distill.batches import Batches
from certflow.distill.maps.regression import Regression

#: Steps that are carried out before one is captured: cuBLAS and the allocator then have what they want.
WARM_UP = 3


class Graphs(Protocol):
    """How a step is recorded (`certflow.distill.cuda_graphs.CudaGraphs`)."""

    def aside(self) -> AbstractContextManager[None]:
        """Where steps are run."""

    def captured(self, step: Callable[[], None]) -> Callable[[], None]:
        """What does the same as `step`, which is not carried out."""


class Stepper:
    """Adam on a stack of maps.

    Parameters
    ----------
    rate_at : the learning rate of a step
    longest : steps of a run at most
    graphs : how a step is recorded after `WARM_UP` of them; None for step by step

    Attributes
    ----------
    done : steps that were carried out
    refused : why no graph is used although one was asked for, a line; else empty
    """

    def __init__(
        self,
        regression: Regression,
        batches: Batches,
        rate_at: Callable[[int], float],
        longest: int,
        graphs: Graphs | None = None,
    ):
        self.regression, self.batches, self.rate_at, self.graphs = regression, batches, rate_at, graphs
        weights, parameters = regression.weights, regression.parameters
        device = weights.device
        on_gpu = device.type == "cuda"
        # fused Adam reads the rate as a float on a GPU and as a double on a CPU
        self.rates = torch.zeros(longest, dtype=torch.float32 if on_gpu else torch.float64, device=device)
        self.rate = torch.zeros_like(self.rates[:1])
        self.index = torch.zeros(1, dtype=torch.int64, device=device)
        self.total = torch.zeros(len(weights), dtype=weights.dtype, device=device)
        self.optimiser = torch.optim.Adam([parameters], lr=self.rate, fused=True, capturable=on_gpu)
        self.moments = {
            "step": torch.zeros((), dtype=torch.float32, device=device),
            "exp_avg": torch.zeros_like(parameters),
            "exp_avg_sq": torch.zeros_like(parameters),
        }
        self.optimiser.state[parameters] = self.moments
        self.done = self.warm = 0
        self.refused = ""
        self.replay: Callable[[], None] | None = None

    def take_up(self, done: int, state: Mapping[str, Any]) -> None:
        """Go on from `done` steps, with the state dictionary that Adam had."""
        self.done = done
        for name, value in state["state"][0].items():
            self.moments[name].copy_(value)

    def run(self, steps: int) -> torch.Tensor:
        """The mean loss of each map over the next `steps` steps, shape (n,)."""
        with self.graphs.aside() if self.graphs is not None else nullcontext():
            self.total.zero_()
            self.index.zero_()
            end = self.done + steps
            rates = [self.rate_at(step) for step in range(self.done, end)]
            self.rates[:steps].copy_(torch.tensor(rates, dtype=self.rates.dtype))
            while self.done < end:
                part = min(end - self.done, self.batches.seek(self.done))
                for _ in range(part):
                    self._next()
                self.done += part
        return self.total / steps

    def step(self) -> None:
        """One step, the same calls on the same addresses every time."""
        torch.index_select(self.rates, 0, self.index, out=self.rate)
        self.index.add_(1)
        self.batches.advance()
        self.total.add_(self.regression(self.batches.fetch))
        self.optimiser.step()

    def _next(self) -> None:
        if self.graphs is not None and self.warm == WARM_UP:
            self._capture(self.graphs)
        self.warm += 1
        if self.replay is None:
            self.step()
        else:
            self.replay()

    def _capture(self, graphs: Graphs) -> None:
        try:
            self.replay = graphs.captured(self.step)
        except RuntimeError as error:
            reason = next(iter(str(error).splitlines()), "no reason given")
            self.refused = f"step by step, as no CUDA graph could be captured ({reason})"
