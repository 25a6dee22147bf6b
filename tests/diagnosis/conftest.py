"""The installed libraries whose schedules are examined."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import logging
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch


@pytest.fixture(scope="session")
def make() -> Callable[..., Any]:
    """`make("EulerDiscrete", 8, shift=3.0)`: a scheduler of the installed diffusers after its `set_timesteps`."""
    diffusers = importlib.import_module("diffusers")
    logging.getLogger("diffusers").setLevel(logging.ERROR)

    def made(name: str, steps: int | None = None, mu: float | None = None, **config: Any) -> Any:
        scheduler = getattr(diffusers, f"{name}Scheduler")(**config)
        more: dict[str, Any] = {} if mu is None else {"mu": mu}
        if name == "SCM" and steps != 2:
            more["intermediate_timesteps"] = None
        if steps is not None:
            scheduler.set_timesteps(steps, **more)
        return scheduler

    return made


@pytest.fixture(scope="session")
def k_diffusion() -> SimpleNamespace:
    """The `get_sigmas_...` of the installed k-diffusion, without the image models that its import loads."""
    spec = importlib.util.find_spec("k_diffusion")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    source = Path(spec.submodule_search_locations[0], "sampling.py").read_text(encoding="utf-8")
    wanted = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and (node.name.startswith("get_sigmas") or node.name == "append_zero")
    ]
    names: dict[str, Any] = {"torch": torch, "math": math}
    exec(compile(ast.Module(wanted, []), "sampling.py", "exec"), names)
    return SimpleNamespace(**names)
