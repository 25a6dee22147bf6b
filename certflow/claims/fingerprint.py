"""What code is this? Digests of the package's source, and of the functions, classes and constants that are loaded.

The source says what a new process would run. What runs here may differ from it: a formula was replaced in memory, or
a file was edited after it was loaded. Of both, neither holds paths, addresses or line numbers.
"""

from __future__ import annotations

import functools
import hashlib
import re
import sys
import time
import types
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

_PACKAGE = __name__.partition(".")[0]
_ROOT = Path(__file__).parents[1]
_LOADED = time.time()
_PLAIN = (type(None), bool, int, float, complex, str, bytes, Fraction, type(Ellipsis))
#: Names that say where a module lies, what it was compiled to or when it was loaded, not what it computes.
_UNTOLD = {"__dict__", "__weakref__", "__doc__", "__annotations__", "__builtins__", "__file__", "__cached__"}
_UNTOLD |= {"__spec__", "__loader__", "__path__", "_LOADED"}
#: What `torch.compile` puts into the modules that it has read: `__compiled_fn_7_...`, `__builtins_dict___2`, `_281_c9`.
_COMPILED = re.compile(r"__\w*(?<!__)|_\d+_c\d+")


def source_digest() -> str | None:
    """SHA-256 of every source file of the package with its path below it; None where there are none to read."""
    found = hashlib.sha256()
    try:
        files = sorted((path.relative_to(_ROOT).as_posix(), path) for path in _ROOT.rglob("*.py"))
        for name, path in files:
            content = path.read_bytes()
            found.update(f"{name}\0{len(content)}\0".encode() + content)
    except OSError:
        return None
    return found.hexdigest() if files else None


def edited_since_loaded() -> bool:
    """Was a source file touched after this process loaded the package? Then its digest is not that of the code."""
    try:
        return any(max(s.st_mtime, s.st_ctime) >= _LOADED for s in (path.stat() for path in _ROOT.rglob("*.py")))
    except OSError:
        return True


def live_digests() -> dict[str, str]:
    """Of each loaded module of the package, a digest of what its names stand for at this moment."""
    loaded = {name: module for name, module in list(sys.modules.items()) if name.partition(".")[0] == _PACKAGE}
    return {
        name: _text_digest(
            f"{key} {_told(value, name)}"
            for key, value in sorted(vars(module).items())
            if _counts(key) and loaded.get(f"{name}.{key}") is not value
        )
        for name, module in sorted(loaded.items())
    }


class LoadedCode:
    """The digests of the loaded code; they are made anew only where modules were loaded since."""

    def __init__(self) -> None:
        self._digests: dict[str, str] = {}
        self._names: set[str] = set()

    def digests(self) -> dict[str, str]:
        names = {name for name in sys.modules if name.partition(".")[0] == _PACKAGE}
        if names != self._names:
            self._digests, self._names = live_digests(), names
        return self._digests


def class_digest(cls: type) -> str:
    """A digest of a class and of those that it inherits from."""
    return _text_digest(_class(each, each.__module__) for each in cls.__mro__ if each is not object)


def agrees(recorded: Mapping[str, str], live: Mapping[str, str]) -> bool:
    """Is every module that is loaded now as it was when `recorded`?

    Modules that were not loaded then had no part in what was found. Those that are not loaded now are to come from the
    source, so a record goes together with a `source_digest`.
    """
    return all(live.get(name, digest) == digest for name, digest in recorded.items())


def _text_digest(parts: Iterable[str]) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return found.hexdigest()


def _counts(name: str) -> bool:
    return name not in _UNTOLD and not name.startswith("__pydantic") and not _COMPILED.fullmatch(name)


def _told(value: Any, home: str, within: tuple[int, ...] = ()) -> str:
    """What a name of the module `home` stands for, in words that are the same in every process.

    What another module of the package defines is told there and only named here. Objects that change while the
    package works (caches, precision contexts) are told by their type only.
    """
    if id(value) in within:
        return "itself"
    within = (*within, id(value))

    def tell(part: Any) -> str:
        return _told(part, home, within)

    if isinstance(value, Enum):
        return f"{type(value).__qualname__}.{value.name}"
    if isinstance(value, _PLAIN):
        return f"{type(value).__name__} {value!r}"
    if isinstance(value, tuple | list):
        return f"{type(value).__name__} [{', '.join(map(tell, value))}]"
    if isinstance(value, set | frozenset):
        return f"set {sorted(map(tell, value))}"
    if isinstance(value, dict):
        return f"dict {sorted(f'{tell(key)}: {tell(item)}' for key, item in value.items())}"
    if isinstance(value, types.ModuleType):
        return f"module {value.__name__}"
    if isinstance(value, types.FunctionType):
        return _function(value, home, tell)
    if isinstance(value, type):
        return _class(value, home, within) if value.__module__ == home else f"class {_name(value)}"
    if isinstance(value, functools.partial):
        return f"partial {tell(value.func)} {tell(value.args)} {tell(value.keywords)}"
    if isinstance(value, classmethod | staticmethod | types.MethodType):
        return f"{type(value).__name__} {tell(value.__func__)}"
    if isinstance(value, property):
        return f"property {tell(value.fget)} {tell(value.fset)}"
    if isinstance(value, functools.cached_property):
        return f"property {tell(value.func)}"
    if hasattr(value, "__wrapped__"):
        return f"{type(value).__name__} {tell(value.__wrapped__)}"
    if isinstance(value, np.ndarray):
        return f"array {value.dtype} {value.shape} {tell(value.tolist())}"
    if hasattr(value, "_mpf_"):
        return f"mpf {tell(tuple(map(int, value._mpf_)))}"
    if type(value).__module__.startswith("sympy."):
        return f"{_name(type(value))} {value}"
    if is_dataclass(value) and type(value).__hash__ is not None:  # frozen
        return f"{_name(type(value))} {tell({f.name: getattr(value, f.name) for f in fields(value)})}"
    if isinstance(value, types.BuiltinFunctionType):
        return f"builtin {value.__module__}.{value.__qualname__}"
    ours = type(value).__module__.partition(".")[0] == _PACKAGE
    own = {k: v for k, v in getattr(value, "__dict__", {}).items() if isinstance(v, types.FunctionType)} if ours else {}
    return f"object of {_name(type(value))} {tell(own)}"


def _name(value: Any) -> str:
    return f"{value.__module__}.{value.__qualname__}"


def _function(value: types.FunctionType, home: str, tell: Any) -> str:
    """The code of a function with what it was bound to; its name alone where another module of the package tells it."""
    if value.__module__ != home and _is_where_it_says(value):
        return f"function {_name(value)}"
    cells = [cell.cell_contents for cell in value.__closure__ or () if not _is_empty(cell)]
    bound = [value.__defaults__, value.__kwdefaults__, cells]
    if value.__module__.partition(".")[0] != _PACKAGE:  # nothing else tells what a stranger refers to
        known = {name: value.__globals__[name] for name in value.__code__.co_names if name in value.__globals__}
        bound.append({name: item for name, item in known.items() if isinstance(item, _PLAIN)})
    return f"function {value.__qualname__} {_code(value.__code__)} {tell(bound)}"


def _is_where_it_says(value: types.FunctionType) -> bool:
    if value.__module__.partition(".")[0] != _PACKAGE:
        return False
    found: Any = sys.modules.get(value.__module__)
    for part in value.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is value


def _is_empty(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return True
    return False


def _class(value: type, home: str, within: tuple[int, ...] = ()) -> str:
    members = sorted((name, item) for name, item in vars(value).items() if _counts(name))
    told = [f"{name} {_told(item, home, (*within, id(value)))}" for name, item in members]
    return f"class {_name(value)} {[_name(base) for base in value.__bases__]} {told}"


@functools.cache
def _code(code: types.CodeType) -> str:
    constants = [_code(c) if isinstance(c, types.CodeType) else _told(c, "") for c in code.co_consts]
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    return _text_digest([code.co_code.hex(), repr(names), repr(counts), *constants])
