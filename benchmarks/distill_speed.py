"""Residual maps trained together against the same maps trained one after another.

    python benchmarks/distill_speed.py [THREADS]

The peer is an ordinary loop: `torch.nn.Sequential`, `torch.optim.Adam`, a shuffled index for each epoch; pool, first
weights, batch, learning rates and number of steps are the same. Every way in which Adam can step (fused, foreach,
a loop over the tensors) is run, and the fastest counts. Times are CPU times of the process: what else runs on the
machine costs both sides wall time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from statistics import fmean, median
from typing import Any

import torch
from measure import interleaved, limit_threads, ratios, report, verdict

import certflow as cf
from certflow.distill.plan import Plan, make_plan
from certflow.distill.reference import ReferenceFlow
from certflow.distill.settings import Settings
from certflow.distill.training import Segment, rate_at, train
from certflow.networks.residual import ResidualMaps, normalisers_of

GRIDS = ("uniform", "logsnr", "cosine", "karras", "quadratic", "geometric")
SEGMENTS, SEEDS = 8, 2
STEPS, ROUNDS, TAIL = 600, 3, 100
#: Maps that the peer trains; its time is scaled to all of them.
ALONE = 4
ADAM: dict[str, dict[str, bool]] = {"fused": {"fused": True}, "foreach": {"foreach": True}, "loop": {"foreach": False}}


def main() -> None:
    limit_threads()
    rows: list[dict[str, str]] = []
    numbers: list[dict[str, Any]] = []
    for name in ("two-modes", "ring-8", "modes-16d"):
        case(rows, numbers, name)
    if torch.cuda.is_available():
        for copies in (1, 20):
            on_gpu(rows, numbers, "ring-8", copies)
    report("distill_speed", "Training of residual maps, two hidden layers of 32, batch 128", rows, numbers)


def prepared(name: str) -> tuple[Plan, torch.Tensor]:
    process = cf.OrnsteinUhlenbeck(cf.load_mixture(name), "0.01", "3")
    plan = make_plan(process, GRIDS, [SEGMENTS], SEEDS, Settings(steps=STEPS))
    flow = ReferenceFlow(process, steps=8)
    return plan, flow.pool(plan.settings.pool, plan.seeds, plan.times)


def case(rows: Any, numbers: Any, name: str) -> None:
    plan, pool = prepared(name)
    together: list[float] = []
    alone: dict[str, list[float]] = {way: [] for way in ADAM}
    some = plan.segments[:: math.ceil(len(plan.segments) / ALONE)]
    functions: dict[str, Callable[[], Any]] = {
        "together": lambda: together.__setitem__(slice(None), losses_together(plan, pool, some))
    }
    for way in ADAM:
        functions[way] = lambda way=way: alone[way].__setitem__(
            slice(None), [train_alone(segment, pool, plan.settings, way) for segment in some]
        )
    seconds = interleaved(functions, ROUNDS, time.process_time)
    best = min(ADAM, key=lambda way: median(seconds[way]))
    own = [s / len(plan.segments) / STEPS * 1e6 for s in seconds["together"]]
    other = [s / len(some) / STEPS * 1e6 for s in seconds[best]]
    ratio = ratios(other, own)
    quotient = math.exp(fmean(math.log(a / b) for a, b in zip(together, alone[best], strict=True)))
    if not 0.8 < quotient < 1.25:
        raise SystemExit(f"{name}: losses {together} and {alone[best]}: these are not the same maps")
    rows.append(
        {
            "case": f"{name}, {len(plan.segments)} maps",
            "against": f"one after another, Adam {best}",
            "us a map and step": f"{median(own):.1f}",
            "other": f"{median(other):.1f}",
            "ratio (min to max)": f"{ratio['median']:.1f} ({ratio['min']:.1f} to {ratio['max']:.1f})",
            "target": ">= 8",
            "": verdict(ratio["median"], ">= 8"),
            "loss / other's": f"{quotient:.2f}",
        }
    )
    numbers.append({"case": name, "cpu_seconds": seconds, "ratio": ratio, "losses": [together, alone[best]]})


def losses_together(plan: Plan, pool: torch.Tensor, some: Any) -> list[float]:
    """Train everything; the final losses of some."""
    final = {
        segment: loss
        for stack in train(plan.segments, pool, plan.settings)
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
    )
    start = ResidualMaps(fit, hidden, settings.depth, seeds=(segment.weights,))
    with torch.no_grad():
        for layer, weight, bias in zip(net[::2], start.weights, start.biases, strict=True):
            layer.weight.copy_(weight[0].T)
            layer.bias.copy_(bias[0, 0])
    optimiser = torch.optim.Adam(net.parameters(), lr=settings.learning_rate, **ADAM[way])
    parts: tuple[torch.Tensor, ...] = ()
    total = torch.zeros(())
    for step in range(settings.steps):
        place = step % (x.shape[0] // settings.batch)
        if place == 0:
            parts = torch.randperm(x.shape[0]).split(settings.batch)
        rows = parts[place]
        loss = ((net(x[rows]) - y[rows]).square() * weights).sum(1).mean()
        optimiser.param_groups[0]["lr"] = rate_at(step, settings)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        if step >= settings.steps - TAIL:
            total += loss.detach()
    return float(total) / TAIL


def on_gpu(rows: Any, numbers: Any, name: str, copies: int) -> None:
    plan, pool = prepared(name)
    pool = pool.cuda()
    segments = [Segment(s.seed, s.start, s.end, key=f"{s.key}/{copy}") for copy in range(copies) for s in plan.segments]

    def together() -> None:
        train(segments, pool, plan.settings)
        torch.cuda.synchronize()

    seconds = interleaved({"together": together}, ROUNDS)["together"]
    micro = median(seconds) / len(segments) / STEPS * 1e6
    device = torch.cuda.get_device_name()
    rows.append(
        {
            "case": f"{name}, {len(segments)} maps, {device}",
            "against": "-",
            "us a map and step": f"{micro:.3g} (wall)",
            "other": "-",
            "ratio (min to max)": "-",
            "target": "-",
            "": "-",
            "loss / other's": "-",
        }
    )
    numbers.append({"case": f"{name}, {device}", "maps": len(segments), "seconds": seconds})


if __name__ == "__main__":
    main()
