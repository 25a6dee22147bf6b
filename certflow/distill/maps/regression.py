"""The squared error of a stack of residual maps and its gradient, by hand, in buffers that stay in the cache.

    loss_i = sum_{r, k} w_ik (N_i(z_ir)_k - y_irk)^2,

`z, y` the normalised inputs and targets of map `i`. What is as large as a layer lives in buffers that are allocated
once, and on a CPU the stack is gone through in slices of so few maps that what a layer leaves for the way back is still
in the cache. Of a whole training this saves about a tenth against `torch.autograd` on the whole stack, most of it in
many dimensions (`benchmarks/distill_speed.py`); the rest is matrix products, activations and Adam.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from certflow.distill.maps.residual import ResidualMaps, is_narrow

#: Maps in a slice. On a GPU a slice is the whole stack: there the time is that of starting kernels.
SLICE = 32


class Regression:
    """Losses and gradients of `maps` on mini-batches of `batch` pairs.

    Parameters
    ----------
    weights : `w`, shape (n, 1, d)

    Attributes
    ----------
    parameters : all weights and biases of the stack as one flat tensor with its gradient, to hand to an optimiser; the
        parameters of `maps` become views of it
    """

    def __init__(self, maps: ResidualMaps, weights: torch.Tensor, batch: int):
        self.maps, self.weights = maps, weights
        count = len(weights)
        on_cpu = weights.device.type == "cpu"
        self.size = min(SLICE, count) if on_cpu else count
        self.parameters = _flattened(maps)
        self.matrix_gradients = [w.grad for w in maps.weights]
        if maps.lipschitz is not None:  # gradients of the matrices within the budget, to be passed on to the weights
            self.matrix_gradients = [torch.empty_like(w) for w in maps.weights]
        self.biases = [b.detach() for b in maps.biases]
        self.bias_gradients = [b.grad for b in maps.biases]
        last = len(maps.weights) - 1
        self.buffers = [_Layer(w, self.size, batch, i == 0, i == last) for i, w in enumerate(maps.weights)]

    def __call__(self, fetch: Callable[[int, int], tuple[torch.Tensor, torch.Tensor]]) -> torch.Tensor:
        """The loss of each map, shape (n,), and in `parameters.grad` the gradient of their sum.

        fetch : gives `z` and `y`, each (b - a, batch, d), of the maps a to b - 1; asked for slice after slice
        """
        matrices = self.maps.effective_weights()
        count = len(self.weights)
        losses = torch.empty(count, dtype=self.weights.dtype, device=self.weights.device)
        with torch.no_grad():
            for a in range(0, count, self.size):
                b = min(a + self.size, count)
                z, y = fetch(a, b)
                losses[a:b] = self._slice([m.detach()[a:b] for m in matrices], z, y, a, b)
        if self.maps.lipschitz is not None:
            for weight in self.maps.weights:
                weight.grad.zero_()
            torch.autograd.backward(matrices, self.matrix_gradients)
        return losses

    def _slice(self, matrices: list[torch.Tensor], z: torch.Tensor, y: torch.Tensor, a: int, b: int) -> torch.Tensor:
        activation = self.maps.activation
        inputs = [z]
        for layer, matrix, bias in zip(self.buffers, matrices, self.biases, strict=True):
            h = layer.affine(inputs[-1], matrix, bias[a:b])
            if layer is not self.buffers[-1]:
                activation.keep(h, layer.kept[: b - a])
            inputs.append(h)
        g = inputs.pop().sub_(y)
        weighted = g * self.weights[a:b]
        losses = (g * weighted).sum((1, 2))
        g = weighted.mul_(2)
        for i in reversed(range(len(matrices))):
            layer, gradient = self.buffers[i], self.matrix_gradients[i]
            layer.matrix_gradient(inputs[i], g, gradient[a:b])
            torch.sum(g, 1, keepdim=True, out=self.bias_gradients[i][a:b])
            if i > 0:
                below = self.buffers[i - 1].kept[: b - a]
                back = torch.bmm(g, matrices[i].mT, out=layer.back[: b - a])
                activation.pull(back, inputs[i], below)
                g = below
        return losses


class _Layer:
    """Buffers of one layer for a slice: its values, what its derivative wants, and what goes back to its inputs."""

    def __init__(self, weight: torch.Tensor, size: int, batch: int, first: bool, last: bool):
        _, rows, columns = weight.shape
        self.narrow = is_narrow(weight)

        def buffer(*shape: int) -> torch.Tensor:
            return torch.empty(shape, dtype=weight.dtype, device=weight.device)

        none = buffer(0)
        self.value = buffer(size, batch, columns)
        self.turned = buffer(size, columns, batch) if self.narrow else none
        self.kept = none if last else buffer(size, batch, columns)
        self.back = none if first else buffer(size, batch, rows)

    def affine(self, z: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """`z W + b`, in the layer's buffer."""
        value = self.value[: len(z)]
        if self.narrow:
            product = torch.bmm(weight.mT, z.mT, out=self.turned[: len(z)])
            return torch.add(product.mT, bias, out=value)
        return torch.baddbmm(bias, z, weight, out=value)

    def matrix_gradient(self, z: torch.Tensor, g: torch.Tensor, out: torch.Tensor) -> None:
        """`z^T g`."""
        if self.narrow:
            out.copy_(torch.bmm(g.mT, z).mT)
        else:
            torch.bmm(z.mT, g, out=out)


def _flattened(maps: ResidualMaps) -> torch.Tensor:
    """The parameters of the maps in one tensor, of which they become views; their gradients are views of its own."""
    parts = [*maps.weights, *maps.biases]
    flat = torch.cat([p.detach().flatten() for p in parts]).requires_grad_()
    gradient = flat.grad = torch.zeros_like(flat)
    start = 0
    for part in parts:
        end = start + part.numel()
        part.data = flat.detach()[start:end].view_as(part)
        part.grad = gradient[start:end].view_as(part)
        start = end
    return flat
