"""A network as a `torch.nn.Module`: affine maps, ReLU and ReQU on points in columns."""

from __future__ import annotations

from typing import Any

import torch

from certflow.errors import InputError
from certflow.networks.constructed import ConstructedScore, Proved
from certflow.networks.graph import Network
from certflow.networks.matrices import matrices
from certflow.networks.rows import Sizes, rows
from certflow.numbers.inputs import one_of
from certflow.numbers.tensors import TorchArithmetic

#: Points that go through the layers together, so that what is in memory stays in the cache.
CHUNK = 512

#: The dtypes that a module is made in; `.to` takes it to others.
DTYPES = {"float64": torch.float64, "float32": torch.float32}


class Affine(torch.nn.Module):
    """`h -> W h + b`, shape (inputs, N) -> (outputs, N); `weight` has shape (outputs, inputs), `bias` (outputs,)."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor):
        super().__init__()
        self.weight = torch.nn.Parameter(weight, requires_grad=False)
        self.bias = torch.nn.Parameter(bias, requires_grad=False)

    def forward(self, columns: torch.Tensor) -> torch.Tensor:
        return torch.addmm(self.bias[:, None], self.weight, columns)

    def extra_repr(self) -> str:
        outputs, inputs = self.weight.shape
        return f"inputs={inputs}, outputs={outputs}"


class ReluRequ(Affine):
    """`h -> (relu(z_1), ..., relu(z_k), requ(z_{k+1}), ...)`, `z = W h + b`; `relus` is `k`."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor, relus: int):
        super().__init__(weight, bias)
        self.relus = relus

    def forward(self, columns: torch.Tensor) -> torch.Tensor:
        argument = super().forward(columns)
        if argument.requires_grad:
            positive = torch.relu(argument)
            return torch.cat([positive[: self.relus], positive[self.relus :].square()])
        positive = torch.relu_(argument)  # in place, where no derivative is asked for
        squared = positive[self.relus :]
        squared.mul_(squared)
        return positive

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, relu={self.relus}, requ={len(self.weight) - self.relus}"


class NetworkModule(Sizes, torch.nn.Module):
    """`N(x, t)` in torch: `.layers` of ReLU and ReQU, then the affine `.outputs`.

    network : its inputs are the `d` entries of `x`, then `t`; it stays at hand as `.network`, with its exact weights
    arithmetic : "float64" or "float32", the dtype of the weights, each the nearest to the exact one

    Weights and biases are parameters that ask for no gradient: `state_dict`, `.to`, `.double` work as usual,
    derivatives with respect to `x` and `t` are those of the network, and who wants to train it calls
    `.requires_grad_()`. In each layer the neurons with ReLU come first, so the rows are not in the order of `.network`.

    >>> import torch
    >>> from certflow.networks.gadgets.exact import product
    >>> network = Network(2)
    >>> network = network.finish([product(network, network.input(0), network.input(1))])
    >>> NetworkModule(network)(torch.tensor([[3.0], [-2.0]]), 0.5)
    tensor([[ 1.5000],
            [-1.0000]], dtype=torch.float64)
    """

    def __init__(self, network: Network, arithmetic: str = "float64"):
        super().__init__()
        dtype = DTYPES[one_of(arithmetic, "arithmetic", DTYPES)]
        self.network = network
        parts = []
        for affine in matrices(network):
            weight, bias = (torch.tensor(part, dtype=dtype) for part in (affine.weight, affine.bias))
            parts.append(Affine(weight, bias) if affine.relus is None else ReluRequ(weight, bias, affine.relus))
        self.layers = torch.nn.Sequential(*parts[:-1])
        self.outputs = parts[-1]

    def forward(self, x: Any, t: Any) -> torch.Tensor:
        """The outputs, shape (..., outputs), in the dtype and on the device of the weights.

        x : shape (..., d); t : a scalar, or of a shape that broadcasts to (...)

        Raises
        ------
        InputError : shapes that do not fit, or no real numbers.
        """
        arithmetic = TorchArithmetic(self.outputs.weight.dtype, self.outputs.weight.device)
        batch, points, times = rows(arithmetic.read(x, "x"), arithmetic.read(t, "t"), self.network.inputs - 1)
        columns = torch.cat([points.T, times[None]]).to(self.outputs.weight.dtype)
        parts = [self.outputs(self.layers(part)) for part in columns.split(CHUNK, dim=1)]
        return torch.cat(parts, dim=1).T.reshape((*batch, len(self.network.outputs)))

    def exact_layers(self) -> list[Any]:
        """As of `.network`: the exact weights, of which those of the module are the nearest.

        Raises
        ------
        InputError : weights that have been changed since.
        """
        for part, affine in zip([*self.layers, self.outputs], matrices(self.network), strict=True):
            for name in ("weight", "bias"):
                own = getattr(part, name).detach().cpu()
                if not torch.equal(own, torch.as_tensor(getattr(affine, name)).to(own.dtype)):
                    raise InputError("network", f"a {name} that was changed", "the weights of the construction")
        return super().exact_layers()


class ScoreModule(Proved, NetworkModule):
    """A constructed score as a `torch.nn.Module`; see `certflow.networks.score.relu_requ_score`."""

    def __init__(self, constructed: ConstructedScore, arithmetic: str):
        super().__init__(constructed.network, arithmetic)
        self.constructed = constructed
