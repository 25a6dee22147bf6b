"""A training step as a CUDA graph: its kernels are recorded once and then started together, by one call.

As the notes of `torch.cuda.graph` ask: what is captured has run before, on the stream on which it is captured; the
memory that it takes comes from a pool of the graph's own, which goes back when the graph does; no random numbers, no
gradient that is allocated anew, nothing that the host must wait for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import torch

#: A capture that failed, and why. The allocator of torch goes on asking the graph: it is kept, and none is tried again.
_FAILED: list[tuple[torch.cuda.CUDAGraph, str]] = []


@cache
def _stream(device: torch.device, thread: int) -> torch.cuda.Stream:
    """One for all that a thread trains: cuBLAS keeps memory for every stream on which it has worked."""
    return torch.cuda.Stream(device)


class CudaGraphs:
    """Runs and captures steps on a stream beside the one that is current."""

    def __init__(self, device: torch.device):
        self.stream = _stream(device, threading.get_ident())

    @contextmanager
    def aside(self) -> Iterator[None]:
        """On that stream, after what was started before and before what is started afterwards."""
        here = torch.cuda.current_stream(self.stream.device)
        self.stream.wait_stream(here)
        try:
            with torch.cuda.stream(self.stream):
                yield
        finally:
            here.wait_stream(self.stream)

    def captured(self, step: Callable[[], None]) -> Callable[[], None]:
        """What does the same as `step`, which is not carried out; called aside.

        Raises
        ------
        RuntimeError : it cannot be captured here.
        """
        if _FAILED:
            raise RuntimeError(_FAILED[0][1])
        graph = torch.cuda.CUDAGraph()
        try:
            # a thread of the user's may go on allocating: only this one must not
            with torch.cuda.graph(graph, stream=self.stream, capture_error_mode="thread_local"):
                step()
        except RuntimeError as error:
            _FAILED.append((graph, str(error)))
            raise
        replay: Callable[[], None] = graph.replay
        return replay
