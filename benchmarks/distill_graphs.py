"""Training of residual maps through CUDA graphs against step by step, on a GPU; what a graph saves, as a count.

    python benchmarks/distill_graphs.py [THREADS]

The count needs no GPU: calls of torch in one step that start a kernel (neither views nor bare allocations), which on a
GPU does not depend on the number of maps; a replay is one call. Where there is a GPU, stacks of 8, 128 and 2,048 maps
are stepped in both ways in turn, timed until the device has finished; the table goes to results/distill_graphs.json.
A minute or two, most of it for the pool of points.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from distill_speed import prepared
from measure import interleaved, limit_threads, ratios, report
from rich.console import Console
from rich.table import Table
from torch.utils._python_dispatch import TorchDispatchMode

from certflow.distill.cuda_graphs import CudaGraphs
from certflow.distill.maps.activations import ACTIVATIONS
from certflow.distill.settings import Settings
from certflow.distill.stepping import Stepper
from certflow.distill.training import ROUND, Segment, stepper_of

STACKS = (8, 128, 2048)
#: Steps of one timing, timings of each way.
STEPS, ROUNDS = 3 * ROUND, 7
BARE = {"aten::empty", "aten::empty_strided", "aten::empty_like", "aten::new_empty"}


def main() -> None:
    limit_threads()
    table = Table("maps of", "activation", "calls that start a kernel, in one step", title="What a graph saves")
    for dimension in (2, 16):
        for activation in ACTIVATIONS:
            table.add_row(f"{dimension} dimensions", activation, str(calls(dimension, activation)))
    Console().print(table)
    if not torch.cuda.is_available():
        print("no GPU: steps per second were not measured")
        return
    rows: list[dict[str, str]] = []
    numbers: list[dict[str, Any]] = []
    segments, pool, settings = prepared("ring-8", "cuda", math.ceil(max(STACKS) / 96))
    settings = replace(settings, steps=10 * (ROUNDS + 1) * STEPS)  # the learning rate stays large
    for count in STACKS:
        case(rows, numbers, segments[:count], pool, settings)
    report("distill_graphs", "Steps of training through CUDA graphs, two hidden layers of 32, batch 128", rows, numbers)


class Counter(TorchDispatchMode):
    """Counts calls that start a kernel."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        view = any(out.alias_info is not None and not out.alias_info.is_write for out in func._schema.returns)
        self.count += func.namespace == "aten" and not view and func._schema.name not in BARE
        return func(*args, **(kwargs or {}))


def calls(dimension: int, activation: str) -> int:
    """In a step on a stack that a CPU does not cut into slices, as a GPU never does."""
    settings = Settings(activation=activation, pool=1024)
    points = torch.randn(1, 2, settings.pool, dimension)
    stepper = stepper_of([Segment(0, 0, 1, key=str(i)) for i in range(8)], points, settings, None)
    stepper.run(1)
    with Counter() as counter:
        stepper.step()
    return counter.count


def case(rows: Any, numbers: Any, segments: list[Segment], pool: torch.Tensor, settings: Settings) -> None:
    """Both ways on one stack."""
    ways = {
        "graph": stepper_of(segments, pool, settings, CudaGraphs(pool.device)),
        "step by step": stepper_of(segments, pool, settings, None),
    }
    losses: dict[str, float] = {}

    def timed(name: str, stepper: Stepper) -> None:
        for _ in range(STEPS // ROUND):
            losses[name] = float(stepper.run(ROUND).mean())  # waits for the device

    seconds = interleaved({name: lambda n=name, s=one: timed(n, s) for name, one in ways.items()}, ROUNDS)
    if ways["graph"].refused:
        raise SystemExit(ways["graph"].refused)
    quotient = losses["graph"] / losses["step by step"]
    if not 0.8 < quotient < 1.25:
        raise SystemExit(f"{len(segments)} maps: losses {losses}: these are not the same maps")
    speed = {name: STEPS / sorted(values)[len(values) // 2] for name, values in seconds.items()}
    ratio = ratios(seconds["step by step"], seconds["graph"])
    rows.append(
        {
            "maps": str(len(segments)),
            "device": torch.cuda.get_device_name(),
            "steps a second": f"{speed['graph']:.4g}",
            "step by step": f"{speed['step by step']:.4g}",
            "ratio (min to max)": f"{ratio['median']:.3g} ({ratio['min']:.3g} to {ratio['max']:.3g})",
            "loss / other's": f"{quotient:.4f}",
        }
    )
    numbers.append({"maps": len(segments), "seconds": seconds, "ratio": ratio, "losses": losses})


if __name__ == "__main__":
    main()
