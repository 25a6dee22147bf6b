"""The network behind a callable: what it is, is a method of, holds, or calls through other functions."""

from __future__ import annotations

import dis
import inspect
from collections.abc import Iterator
from functools import partial
from types import CodeType
from typing import Any

#: So many steps from the callable are followed: a decorated function called by a function is two.
_DEPTH = 5


def is_module(f: Any) -> bool:
    """Whether this is a `torch.nn.Module` (told without importing torch)."""
    return any(base.__module__ == "torch.nn.modules.module" for base in type(f).__mro__)


def network_of(f: Any) -> Any:
    """The nearest `torch.nn.Module`: the callable itself, or what it refers to by name; None without one."""
    seen, level = {id(f)}, [f]
    for _ in range(_DEPTH):
        found = next((value for value in level if is_module(value)), None)
        if found is not None:
            return found
        following = {id(held): held for value in level for held in _held(value)}
        level = [held for key, held in following.items() if key not in seen]
        seen |= following.keys()
    return None


def first_parameter(network: Any) -> Any:
    """The first floating parameter of a module; None where there is none."""
    parameters = () if network is None else network.parameters()
    return next((value for value in parameters if value.is_floating_point()), None)


def _held(f: Any) -> list[Any]:
    """What a function, a method, a partial function or another callable object refers to."""
    if isinstance(f, partial):
        return [f.func, *f.args, *f.keywords.values()]
    if inspect.ismethod(f):
        owner = f.__self__
        return [owner, *([] if inspect.isclass(owner) else _attributes(owner)), f.__func__]
    if inspect.isfunction(f):
        names = [name for name in _globals_loaded(f.__code__) if name in f.__globals__]
        defaults = [*(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values()]
        return [*_cells(f), *(f.__globals__[name] for name in names), *defaults, *_attributes(f)]
    if callable(f) and not inspect.isclass(f):
        return [*_attributes(f), type(f).__call__]
    return []


def _attributes(value: Any) -> list[Any]:
    return list(vars(value).values()) if hasattr(value, "__dict__") else []


def _cells(f: Any) -> Iterator[Any]:
    for cell in f.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # a name that has no value yet
            continue


def _globals_loaded(code: CodeType) -> Iterator[str]:
    """Names of globals that code reads, in functions within it too; `x.norm` reads an attribute, no global `norm`."""
    for instruction in dis.get_instructions(code):
        if instruction.opname == "LOAD_GLOBAL":
            yield instruction.argval
    for constant in code.co_consts:
        if inspect.iscode(constant):
            yield from _globals_loaded(constant)
