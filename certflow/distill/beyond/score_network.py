"""A score network trained on data, and its flow as a teacher: no mixture is assumed anywhere.

The denoiser `D(x, t) = E[X_0 | X_t = x]` is learned by denoising score matching with EDM's preconditioning in the
variance-exploding variables `x / m`, `sigma = sqrt(e^{2t} - 1)`; the score is `s = (m D - x) / (1 - m^2)` and the
velocity `u = -x - s`. This is outside the setting of the theory: the network is what it is, and rates are estimated by
Jacobian-vector products.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from certflow.distill.reference import ReferenceFlow
from certflow.distill.samples import noise, stream_seeds
from certflow.distill.settings import Steps
from certflow.numbers.arrays import Floats, Points
from certflow.process import OrnsteinUhlenbeck

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
        """`D`, shape (N, d), for `z` of shape (N, d) and `sigma` of shape (N, 1)."""
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
    ends = [0.5 * math.log(math.expm1(2 * t)) for t in (t_min, t_max)]
    network = Denoiser(rows.shape[1], hidden, seed=seed)
    kept = [parameter.detach().clone() for parameter in network.parameters()]
    optimiser = torch.optim.Adam(network.parameters(), lr=learning_rate, fused=True)
    for step in range(steps):
        x = rows[torch.randint(len(rows), (batch,), generator=generator, device="cpu")]
        # stratified: the levels of a batch are spread evenly
        shares = (
            torch.arange(batch, device="cpu").unsqueeze(1) + torch.rand(batch, 1, generator=generator, **SINGLE)
        ) / batch
        sigma = (ends[0] + (ends[1] - ends[0]) * shares).exp()
        z = x + sigma * torch.randn(x.shape, generator=generator, **SINGLE)
        loss = ((1 + sigma**-2) * (network(z, sigma) - x).square()).sum(1).mean()
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


class NetworkFlow(ReferenceFlow):
    """The probability flow of a denoiser, started from noised data; what `ReferenceFlow` does, without a mixture.

    Parameters
    ----------
    interval : a process of which only `t_min`, `t_max` and the dimension are used
    """

    def __init__(self, denoiser: Denoiser, data: Points, interval: OrnsteinUhlenbeck, steps: int = 16):
        super().__init__(interval, "cpu", steps)
        self.denoiser, self.data = denoiser, data
        self.s = 0.05  # of the time of the steps only

    def draw(self, count: int, seed: int, purpose: int) -> torch.Tensor:
        """Rows of the data, drawn with replacement, noised to `t_max`."""
        first, second = stream_seeds(seed, purpose)
        return noise(self._rows(count, first), self.process.t_max, second)

    def _rows(self, count: int, seed: int) -> Points:
        return self.data[np.random.default_rng(seed).integers(len(self.data), size=count)]

    def velocity(self, x: torch.Tensor, t: float) -> torch.Tensor:
        m, variance = math.exp(-t), -math.expm1(-2 * t)
        sigma = torch.full((x.shape[0], 1), math.sqrt(variance) / m, dtype=x.dtype, device=x.device)
        velocity: torch.Tensor = (m * m * x - m * self.denoiser(x / m, sigma)) / variance
        return velocity

    def velocity_and_jacobian(self, x: torch.Tensor, t: float) -> tuple[torch.Tensor, torch.Tensor]:
        count, d = x.shape  # all directions in one pass: what a product costs is mostly starting it
        directions = torch.eye(d, dtype=x.dtype, device=x.device).repeat(count, 1)
        velocities, columns = self._jvp(x.repeat_interleave(d, dim=0), t, directions)
        return velocities[::d], columns.reshape(count, d, d).transpose(1, 2)

    def _jvp(self, x: torch.Tensor, t: float, v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """`u(x, t)` and `J(x, t) v`."""
        with warnings.catch_warnings():
            # torch's own, from 2.14 on: it scripts its rules for forward derivatives when the first of them is taken
            warnings.filterwarnings("ignore", ".torch.jit.script. is deprecated")
            value, product = torch.func.jvp(lambda z: self.velocity(z, t), (x,), (v,))  # type: ignore[misc]
        return value, product

    def factors(self, times: Sequence[float]) -> None:
        """No bound of a network's rate is known."""
        return None

    def typical_rate(self, times: Sequence[float], samples: int = 2048, seed: int = 0) -> Floats:
        """`(E ||J||_F^2)^{1/2}` at noised data, shape (T,): `E_v |J v|^2 = ||J||_F^2` for `v` of independent signs."""
        rows = self._rows(samples, seed)
        signs = np.random.default_rng([seed, 3]).integers(0, 2, size=rows.shape)
        v = torch.from_numpy(2.0 * signs - 1.0)
        squares = []
        for t in times:
            x = noise(rows, t, seed)
            _, product = self._jvp(x, t, v)
            squares.append(float(product.square().sum(1).mean()))
        return np.sqrt(squares)
