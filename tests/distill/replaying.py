"""A step recorded on a CPU as a CUDA graph records it on a GPU: the calls of torch, with their tensors and numbers.

A replay makes the same calls on the same tensors and knows nothing else: a number that Python worked out stays what it
was, and a tensor that was made anew for one step is not seen by the next. What the host would wait for is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

ATEN = torch.ops.aten
#: On a GPU each waits for the device, or copies from the host.
HOST = {
    ATEN._local_scalar_dense,
    ATEN.item,
    ATEN.is_nonzero,
    ATEN.nonzero,
    ATEN.masked_select,
    ATEN.unique_dim,
    ATEN._unique2,
    ATEN.lift_fresh,
    ATEN.equal,
}
#: They do so where the index is a mask.
INDEXING = {ATEN.index, ATEN.index_put, ATEN.index_put_, ATEN._index_put_impl_}


def tensors(tree: Any) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


def address(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


class Recorder(TorchDispatchMode):
    """The calls within a `with`; afterwards `undo` and `replay`."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, tuple[Any, ...], dict[str, Any], Any]] = []
        self.made: set[int] = set()
        self.before: dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func.namespace == "profiler":
            return func(*args, **kwargs)
        masked = func.overloadpacket in INDEXING and any(index.dtype == torch.bool for index in tensors(args[1]))
        if masked or func.overloadpacket in HOST:
            raise RuntimeError(f"operation not permitted when stream is capturing: {func}")
        given = tensors((args, kwargs))
        for tensor in given:
            if address(tensor) not in self.made | set(self.before):
                self.before[address(tensor)] = (tensor.untyped_storage(), tensor.untyped_storage().clone())
        result = func(*args, **kwargs)
        places = {address(tensor) for tensor in given}
        self.made |= {address(tensor) for tensor in tensors(result)} - places
        self.calls.append((func, args, kwargs, result))
        return result

    def undo(self) -> None:
        """All tensors that were there before are as they were."""
        for storage, content in self.before.values():
            storage.copy_(content)

    @torch.no_grad()
    def replay(self) -> None:
        for func, args, kwargs, result in self.calls:
            again = func(*args, **kwargs)
            for old, new in zip(tensors(result), tensors(again), strict=True):
                if address(old) != address(new):
                    old.copy_(new)

    def signature(self) -> list[Any]:
        """The calls as a graph keeps them: shapes, numbers, and the addresses of what was there before."""
        told = []
        for func, args, kwargs, _ in self.calls:
            leaves: list[Any] = []
            for leaf in tree_leaves((args, kwargs)):
                if isinstance(leaf, torch.Tensor):
                    own = address(leaf) if address(leaf) in self.before else None
                    leaves.append((tuple(leaf.shape), leaf.stride(), leaf.storage_offset(), leaf.dtype, own))
                else:
                    leaves.append(leaf)
            told.append((str(func), leaves))
        return told


class Recordings:
    """In place of `CudaGraphs`; counts what it records."""

    def __init__(self) -> None:
        self.count = 0

    def aside(self) -> nullcontext[None]:
        return nullcontext()

    def captured(self, step: Callable[[], None]) -> Callable[[], None]:
        self.count += 1
        recorder = Recorder()
        with recorder:
            step()
        recorder.undo()
        return recorder.replay
