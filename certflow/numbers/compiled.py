"""What the compiler of torch must not look into: loaded while it works, since loading it takes longer than torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def constant(function: Callable[..., Any], *values: Any) -> Any:
    """`function(*values)` once, while compiling; the values are constants, and so is the result."""
    return function(*values)


torch.compiler.assume_constant_result(constant)


def _called(function: Callable[..., Any], *values: Any) -> Any:
    return function(*values)


#: `function(*values)` outside of what is compiled.
eagerly: Callable[..., Any] = torch.compiler.disable(_called)
