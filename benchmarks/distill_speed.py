"""Residual maps trained together against the same maps trained one after another.

    python benchmarks/distill_speed.py [THREADS [cuda]]

The peer is an ordinary loop: `torch.nn.Sequential`, `torch.optim.Adam`, a shuffled index for each epoch; pool, first
weights, batch, learning rates and number of steps are the same. Every way in which Adam can step (fused, foreach,
a loop over the tensors) is run, and the fastest counts. Times are CPU times of the process: what else runs on the
machine costs both sides wall time. With `cuda` both are run on the GPU, 96 and 1,920 maps together, timed until it has
finished; that table is kept apart, in results/distill_speed_cuda.json.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import fmean, median
from typing import Any

import torch
from measure import interleaved, limit_threads, ratios, report, verdict

import certflow as cf
from certflow.distill.maps.residual import ResidualMaps, normalisers_of
from certflow.distill.plan import make_plan
from certflow.distill.reference import ReferenceFlow
from certflow.distill.settings import Settings
from certflow.distill.training import Segment, rate_at, train

GRIDS = ("uniform", "logsnr", "cosine", "karras", "quadratic", "geometric")
SEGMENTS, SEEDS = 8, 2
STEPS, ROUNDS, TAIL = 600, 3, 100
#: Maps that the peer trains; its time is scaled to all of them.
ALONE = 4
ADAM: dict[str, dict[str, bool]] = {"fused": {"fused": True}, "foreach": {"foreach": True}, "loop": {"foreach": False}}
#: Those that are run: on a GPU a loop over the tensors starts the same kernels one by one.
WAYS = {"cpu": ("fused", "foreach", "loop"), "cuda": ("fused", "foreach")}


def main() -> None:
    limit_threads()
    rows: list[dict[str, str]] = []
    numbers: list[dict[str, Any]] = []
    title = "Training of residual maps, two hidden layers of 32, batch 128"
    if sys.argv[2:] == ["cuda"]:
        for copies in (1, 20):
            case(rows, numbers, "ring-8", "cuda", copies)
        report("distill_speed_cuda", title, rows, numbers)
    else:
        for name in ("two-modes", "ring-8", "modes-16d"):
            case(rows, numbers, name, "cpu")
        report("distill_speed", title, rows, numbers)


def prepared(name: str, device: str, copies: int) -> tuple[list[Segment], torch.Tensor, Settings]:
    """Segments of all grids and seeds, `copies` of each with mini-batches of their own; pool; settings."""
    process = cf.OrnsteinUhlenbeck(cf.load_mixture(name), "0.01", "3")
    plan = make_plan(process, GRIDS, [SEGMENTS], SEEDS, Settings(activation="silu", steps=STEPS))
    pool = ReferenceFlow(process, steps=8).pool(plan.settings.pool, plan.seeds, plan.times)
    segments = [replace(s, key=f"{s.key}/{copy}") for copy in range(copies) for s in plan.segments]
    return segments, pool.to(device), plan.settings


def case(rows: Any, numbers: Any, name: str, device: str, copies: int = 1) -> None:
    """Both on one device: CPU times of the process on a CPU, times until the device has finished on a GPU."""
    segments, pool, settings = prepared(name, device, copies)
    together: list[float] = []
    ways = WAYS[device]
    alone: dict[str, list[float]] = {way: [] for way in ways}
    some = segments[:: math.ceil(len(segments) / ALONE)]
    functions: dict[str, Callable[[], Any]] = {
        "together": lambda: together.__setitem__(slice(None), losses_together(segments, pool, settings, some))
    }
    for way in ways:
        functions[way] = lambda way=way: alone[way].__setitem__(
            slice(None), [train_alone(segment, pool, settings, way) for segment in some]
        )
    # reading the losses waits for the device
    seconds = interleaved(functions, ROUNDS, time.process_time if device == "cpu" else time.perf_counter)
    best = min(ways, key=lambda way: median(seconds[way]))
    own = [s / len(segments) / STEPS * 1e6 for s in seconds["together"]]
    other = [s / len(some) / STEPS * 1e6 for s in seconds[best]]
    ratio = ratios(other, own)
    quotient = math.exp(fmean(math.log(a / b) for a, b in zip(together, alone[best], strict=True)))
    if not 0.8 < quotient < 1.25:
        raise SystemExit(f"{name}: losses {together} and {alone[best]}: these are not the same maps")
    place = "" if device == "cpu" else f", {torch.cuda.get_device_name()}"
    target = ">= 8" if copies == 1 else ""
    rows.append(
        {
            "case": f"{name}, {len(segments)} maps{place}",
            "against": f"one after another, Adam {best}",
            "us a map and step": f"{median(own):.3g}",
            "other": f"{median(other):.3g}",
            "ratio (min to max)": f"{ratio['median']:.3g} ({ratio['min']:.3g} to {ratio['max']:.3g})",
            "target": target or "-",
            "": verdict(ratio["median"], target),
            "loss / other's": f"{quotient:.2f}",
        }
    )
    numbers.append({"case": f"{name}{place}", "maps": len(segments), "seconds": seconds, "ratio": ratio})
    numbers[-1]["losses"] = [together, alone[best]]


def losses_together(segments: list[Segment], pool: torch.Tensor, settings: Settings, some: Any) -> list[float]:
    """Train everything; the final losses of some."""
    final = {
        segment: loss
        for stack in train(segments, pool, settings)
        for segment, loss in zip(stack.segments, stack.losses.tolist(), strict=True)
    }
    return [final[segment] for segment in some]


def train_alone(segment: Segment, pool: torch.Tensor, settings: Settings, way: str) -> float:
    """One map by the ordinary loop; its mean loss over the last steps."""
    inputs, outputs = (pool[segment.seed, end] for end in (segment.start, segment.end))
    fit = normalisers_of(inputs.unsqueeze(0), outputs.unsqueeze(0))
    x = (inputs - fit.input_mean[0]) / fit.input_scale[0]
    y = (outputs - inputs - fit.output_mean[0]) / fit.output_scale[0]
    weights = fit.output_scale[0].square()
    weights = weights / weights.sum()
    d, hidden = x.shape[1], settings.hidden
    net = torch.nn.Sequential(
        torch.nn.Linear(d, hidden),
        torch.nn.SiLU(),
        torch.nn.Linear(hidden, hidden),
        torch.nn.SiLU(),
        torch.nn.Linear(hidden, d),
    ).to(pool.device)
    start = ResidualMaps(fit, hidden, settings.depth, seeds=(segment.weights,))
    with torch.no_grad():
        for layer, weight, bias in zip(net[::2], start.weights, start.biases, strict=True):
            layer.weight.copy_(weight[0].T)
            layer.bias.copy_(bias[0, 0])
    optimiser = torch.optim.Adam(net.parameters(), lr=settings.learning_rate, **ADAM[way])
    parts: tuple[torch.Tensor, ...] = ()
    total = torch.zeros((), device=pool.device)
    for step in range(settings.steps):
        place = step % (x.shape[0] // settings.batch)
        if place == 0:
            parts = torch.randperm(x.shape[0], device=x.device).split(settings.batch)
        rows = parts[place]
        loss = ((net(x[rows]) - y[rows]).square() * weights).sum(1).mean()
        optimiser.param_groups[0]["lr"] = rate_at(step, settings)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        if step >= settings.steps - TAIL:
            total += loss.detach()
    return float(total) / TAIL


if __name__ == "__main__":
    main()
