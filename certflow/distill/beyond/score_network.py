"""A denoiser trained on data: no mixture is assumed anywhere.

`D(x, t) = E[X_0 | X_t = x]` is learned by denoising score matching with EDM's preconditioning in the variance-exploding
variables `z = x / m`, `sigma = sqrt(e^{2t} - 1)`. This is outside the setting of the theory: the network is what it is.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import torch

from certflow.distill.settings import Steps
from certflow.numbers.arrays import Points
from certflow.schedules import Model, edm

#: Frequencies of the embedding of `log sigma`.
FREQUENCIES = (0.5, 1.0, 2.0)
#: Power of the moving average of the weights, by step.
AVERAGE = 0.999
#: Where and in what it is trained, whatever torch's defaults: a seed names one network.
SINGLE: Any = {"dtype": torch.float32, "device": "cpu"}


class Denoiser(torch.nn.Module):
    """`D = c_skip z + c_out F(c_in z, c_noise)`, `z = x / m`, EDM's preconditioning with the data scale 1.

    F : affine layers with SiLU between, on `c_in z` and an embedding of `log sigma`
    """

    def __init__(self, dimension: int, hidden: int = 64, depth: int = 3, seed: int = 0):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        sizes = [dimension + 1 + 2 * len(FREQUENCIES), *[hidden] * depth, dimension]
        self.weights, self.biases = torch.nn.ParameterList(), torch.nn.ParameterList()
        for before, after in pairwise(sizes):
            bound = 1 / math.sqrt(before)
            self.weights.append(torch.empty(before, after, **SINGLE).uniform_(-bound, bound, generator=generator))
            self.biases.append(torch.empty(after, **SINGLE).uniform_(-bound, bound, generator=generator))

    def forward(self, z: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """`D`, shape (N, d), for `z` of shape (N, d) and `sigma` of shape (N,)."""
        sigma = sigma.unsqueeze(1)
        total = (1 + sigma * sigma).sqrt()
        level = sigma.log() / 4
        waves = [wave(frequency * 4 * level) for frequency in FREQUENCIES for wave in (torch.sin, torch.cos)]
        h = torch.cat([z / total, level, *waves], dim=1)
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            h = h @ weight + bias
            if i < len(self.weights) - 1:
                h = torch.nn.functional.silu(h)
        return z / total**2 + sigma / total * h


def train_denoiser(
    data: Points,
    t_min: float,
    t_max: float,
    *,
    hidden: int = 64,
    steps: int = 4000,
    batch: int = 512,
    learning_rate: float = 3e-3,
    seed: int = 0,
    progress: Steps | None = None,
) -> Denoiser:
    """Minimise `E (1 + 1/sigma^2) |D(X_0 + sigma Z, sigma) - X_0|^2`, `log sigma` uniform between its ends.

    data : shape (n, d), of unit scale. Returns the moving average of the weights, in float64.
    """
    generator = torch.Generator().manual_seed(seed)
    rows = torch.from_numpy(data).float()
    network = Denoiser(rows.shape[1], hidden, seed=seed)
    kept = [parameter.detach().clone() for parameter in network.parameters()]
    optimiser = torch.optim.Adam(network.parameters(), lr=learning_rate, fused=True)
    for step in range(steps):
        x = rows[torch.randint(len(rows), (batch,), generator=generator, device="cpu")]
        loss = _loss(network, x, t_min, t_max, generator)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * min(1, (step + 1) / 100) * (1 + math.cos(math.pi * step / steps)) / 2
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        weight = min(AVERAGE, (step + 1) / (step + 10))
        with torch.no_grad():
            for average, parameter in zip(kept, network.parameters(), strict=True):
                average.lerp_(parameter, 1 - weight)
        if progress is not None and (step + 1) % 100 == 0:
            progress(step + 1, steps)
    with torch.no_grad():
        for average, parameter in zip(kept, network.parameters(), strict=True):
            parameter.copy_(average)
    return network.double().requires_grad_(False)


@torch.no_grad()
def denoising_loss(network: Denoiser, data: Points, t_min: float, t_max: float, seed: int = 0) -> float:
    """What training minimises, for one coordinate, at given rows: how well the network knows them."""
    rows = torch.from_numpy(data)
    generator = torch.Generator().manual_seed(seed)
    return float(_loss(network, rows, t_min, t_max, generator)) / rows.shape[1]


def _loss(network: Denoiser, x: torch.Tensor, t_min: float, t_max: float, generator: torch.Generator) -> torch.Tensor:
    """One level for each row; they are stratified, spread evenly over the rows."""
    ends = [0.5 * math.log(math.expm1(2 * t)) for t in (t_min, t_max)]
    shares = (torch.arange(len(x), device="cpu") + torch.rand(len(x), generator=generator, **SINGLE)) / len(x)
    sigma = (ends[0] + (ends[1] - ends[0]) * shares).exp().to(x.dtype)
    levels = sigma.unsqueeze(1)
    z = x + levels * torch.randn(x.shape, generator=generator, **SINGLE)
    loss: torch.Tensor = ((1 + levels**-2) * (network(z, sigma) - x).square()).sum(1).mean()
    return loss


def model_of(network: Denoiser, t_min: float, t_max: float) -> Model:
    """The network as `cf.Model`: it predicts the data, and its time is sigma."""
    dimension = network.biases[-1].shape[0]
    return Model(network, "sample", edm(), shape=(dimension,), t_min=t_min, t_max=t_max)
