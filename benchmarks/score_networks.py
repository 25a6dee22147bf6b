"""Score networks enclosed: their L2 error at given times, the error of solvers with them (proofs/score-networks.md).

    python benchmarks/score_networks.py [--rtol 0.05]

Two modes at -1 and 1, sigma 0.2 and 0.3, in one dimension, t from 0.01 to 3: a denoiser of 32 SiLU twice, trained here
for 3,000 steps, ReLU and ReQU networks as they are made, constructed networks at 1e-2, 1e-3, 1e-6; a mixture of two
variances; a triangle in two dimensions. Solvers: 4 and 8 steps, uniform in arctan sigma. Seconds are CPU time. It
writes results/score_networks.json and prints the table with the relative gap that was reached.
"""

from __future__ import annotations

import argparse
import math
import time
from typing import Any

import numpy as np
import torch
from measure import limit_threads, report, verdict

import certflow as cf
from certflow.errors import NoEnclosure

TIMES = ("0.01", "0.05", "0.2", "1", "3")
EPS = ("1e-2", "1e-3", "1e-6")
SIGMAS = ("0.04", "0.09")
SAMPLERS = ("euler", "heun", "dpmpp-2m")
STEPS = (4, 8)
SECONDS, RTOL, BUDGET = 5.0, "0.05", 10


class Denoiser(torch.nn.Module):
    """`D = z/(1 + s^2) + s/sqrt(1 + s^2) F(z/sqrt(1 + s^2), log(s)/4)`."""

    def __init__(self) -> None:
        super().__init__()
        layers = [torch.nn.Linear(2, 32), torch.nn.SiLU(), torch.nn.Linear(32, 32), torch.nn.SiLU()]
        self.net = torch.nn.Sequential(*layers, torch.nn.Linear(32, 1))

    def forward(self, z: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        s = sigma.unsqueeze(1)
        total = (1 + s * s).sqrt()
        return z / total**2 + s / total * self.net(torch.cat([z / total, s.log() / 4], dim=1))


class ReQU(torch.nn.Module):
    """`max(x, 0)^2`."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x) ** 2


def trained(p: cf.OrnsteinUhlenbeck, steps: int = 3000) -> cf.Model:
    """A denoiser trained on draws of the mixture."""
    torch.manual_seed(0)
    network = Denoiser()
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    data = torch.from_numpy(p.mixture.sample(4096, seed=0)).float()
    low, high = (0.5 * math.log(math.expm1(2 * t)) for t in (p.t_min, p.t_max))
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 3e-3 * (1 + math.cos(math.pi * step / steps)) / 2
        clean = data[torch.randint(len(data), (512,))]
        sigma = torch.empty(512).uniform_(low, high).exp()
        noisy = clean + sigma[:, None] * torch.randn(512, 1)
        loss = ((1 + 1 / sigma[:, None] ** 2) * (network(noisy, sigma) - clean) ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return cf.Model(network.double().requires_grad_(False), "sample", cf.schedules.edm(), shape=(1,))


def plain(activation: Any, inputs: int = 2) -> Any:
    """A module that gives the score, as it is made."""
    torch.manual_seed(0)
    layers = [torch.nn.Linear(inputs, 32), activation(), torch.nn.Linear(32, 32), activation()]
    return torch.nn.Sequential(*layers, torch.nn.Linear(32, inputs - 1)).requires_grad_(False)


def grid(steps: int) -> list[str]:
    """Times of a grid uniform in arctan sigma from 3 to 0.01."""
    ends = [math.atan(math.sqrt(math.expm1(2 * t))) for t in (3.0, 0.01)]
    inner = [math.log1p(math.tan(angle) ** 2) / 2 for angle in np.linspace(*ends, steps + 1)[1:-1]]
    return ["3", *(f"{t:.6f}" for t in inner), "0.01"]


def row(law: str, network: str, what: str, ask: Any, target: bool = True) -> dict[str, Any]:
    """One enclosure with its CPU seconds."""
    start = time.process_time()
    try:
        found = ask()
    except NoEnclosure as error:
        shown = {"law": law, "network": network, "what": what, "relative error": str(error)[:40]}
        return {**shown, "gap": "-", "cells": "-", "s": f"{time.process_time() - start:.2f}", "5 % in 5 s": "not met"}
    seconds = time.process_time() - start
    gap = float((found.upper - found.lower) / found.upper)
    met = "met" if found.complete and verdict(seconds, f"<= {SECONDS}") == "met" else "not met"
    return {
        "law": law,
        "network": network,
        "what": what,
        "relative error": f"{found:.4}",
        "gap": f"{gap:.2g}",
        "cells": str(found.cells),
        "s": f"{seconds:.2f}",
        "5 % in 5 s": met if target else f"({met})",
    }


def line(law: str, p: cf.OrnsteinUhlenbeck, rtol: str) -> list[dict[str, Any]]:
    """All rows of a mixture in one dimension."""
    networks = {"trained SiLU": trained(p), "ReLU": plain(torch.nn.ReLU), "ReQU": plain(ReQU)}
    networks |= {f"constructed {eps}": cf.networks.relu_requ_score(p, eps, arithmetic="arb") for eps in EPS}
    rows = []
    for name, network in networks.items():
        for t in TIMES:
            ask = lambda n=network, t=t: cf.enclosure.score_error(p, n, t, rtol=rtol, seconds=BUDGET)  # noqa: E731
            rows.append(row(law, name, f"t = {t}", ask))
    for name in ("trained SiLU", "constructed 1e-3"):
        for sampler in SAMPLERS:
            for steps in STEPS:
                ask = lambda n=networks[name], s=sampler, k=steps: cf.enclosure.sampler_error(  # noqa: E731
                    p, n, grid(k), s, rtol=rtol, seconds=BUDGET
                )
                rows.append(row(law, name, f"{sampler}, K = {steps}", ask))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rtol", default=RTOL)
    rtol = parser.parse_args().rtol
    limit_threads_of_one()
    rows = []
    for variance in SIGMAS:
        law = cf.GaussianMixture(["1/2", "1/2"], [["-1"], ["1"]], variance)
        rows += line(f"modes, {variance}", cf.OrnsteinUhlenbeck(law, "0.01", "3"), rtol)
    law = cf.GaussianMixture(["0.3", "0.7"], [["-1"], ["1"]], ["0.04", "0.16"])
    rows += line("two variances", cf.OrnsteinUhlenbeck(law, "0.01", "3"), rtol)
    triangle = cf.GaussianMixture(["1/3"] * 3, [["1", "0"], ["-1/2", "7/8"], ["-1/2", "-7/8"]], "1/16")
    p = cf.OrnsteinUhlenbeck(triangle, "0.01", "3")
    for t in TIMES:
        network = plain(torch.nn.SiLU, 3)
        ask = lambda t=t: cf.enclosure.score_error(p, network, t, rtol=rtol, seconds=BUDGET)  # noqa: E731, B023
        rows.append(row("triangle", "SiLU", f"t = {t}", ask, target=False))
    report("score_networks", "Score networks, enclosed", rows, rows)


def limit_threads_of_one() -> None:
    """One thread, whatever the command line says."""
    import sys

    arguments, sys.argv = sys.argv, sys.argv[:1]
    limit_threads()
    sys.argv = arguments


if __name__ == "__main__":
    main()
