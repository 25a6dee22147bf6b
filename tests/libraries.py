"""The installed k-diffusion, without the image models that its import loads."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def modules_kept() -> Iterator[None]:
    """Whatever is loaded of k-diffusion and torchvision within, `sys.modules` has of them afterwards what it had."""
    before = {name: module for name, module in sys.modules.items() if _of_k_diffusion(name)}
    try:
        yield
    finally:
        _forget()
        sys.modules.update(before)


def sampling_alone() -> Any:
    """`k_diffusion.sampling`, which needs torchvision only for a helper that converts images: that is stood in for.

    To be called within `modules_kept`, since what stands in for torchvision would confuse diffusers.
    """
    _forget()
    spec = importlib.util.find_spec("k_diffusion")
    if spec is None:
        raise ModuleNotFoundError("No module named 'k_diffusion'", name="k_diffusion")
    assert spec.submodule_search_locations is not None
    parts = {name: types.ModuleType(name) for name in ("torchvision", "torchvision.transforms", "k_diffusion")}
    parts["torchvision.transforms.functional"] = types.ModuleType("torchvision.transforms.functional")
    vars(parts["torchvision.transforms"])["functional"] = parts["torchvision.transforms.functional"]
    parts["k_diffusion"].__path__ = list(spec.submodule_search_locations)
    sys.modules.update(parts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("k_diffusion.sampling")


def _forget() -> None:
    for name in [name for name in sys.modules if _of_k_diffusion(name)]:
        del sys.modules[name]


def _of_k_diffusion(name: str) -> bool:
    return name.partition(".")[0] in ("k_diffusion", "torchvision")
