"""What code is this? Digests of the package's source, and of the functions, classes and constants that are loaded.

The source says what a new process would run. What runs here may differ from it: a formula was replaced in memory, or
a file was edited after it was loaded. Of both, neither holds paths, addresses or line numbers.
"""

from __future__ import annotations

import functools
import hashlib
import operator
import re
import sys
import time
import types
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

_PACKAGE = __name__.partition(".")[0]
_ROOT = Path(__file__).parents[1]
_LOADED = time.time()
#: By their ids, objects that were looked into and that can be changed in place.
_Seen = dict[int, Any]
_PLAIN = (type(None), bool, int, float, complex, str, bytes, Fraction, type(Ellipsis))
#: Names that say where a module lies, what it was compiled to or when it was loaded, not what it computes.
_UNTOLD = {"__dict__", "__weakref__", "__doc__", "__annotations__", "__builtins__", "__file__", "__cached__"}
_UNTOLD |= {"__spec__", "__loader__", "__path__", "_LOADED", "__slotnames__"}  # the last is left by pickle
#: What `torch.compile` puts into the modules that it has read: `__compiled_fn_7_...`, `__builtins_dict___2`, `_281_c9`.
_COMPILED = re.compile(r"__\w*(?<!__)|_\d+_c\d+")
#: What pytest puts before the names that it adds to a module when it rewrites assertions: `@pytest_ar`.
_REWRITTEN = "@"


def source_digest() -> str | None:
    """SHA-256 of every source file of the package with its path below it; None where there are none to read.

    They are read again where the file system says that one of them changed.
    """
    try:
        files = sorted((path.relative_to(_ROOT).as_posix(), path) for path in _ROOT.rglob("*.py"))
        stamps = ((path.stat(), name) for name, path in files)
        return _digest_of(_ROOT, tuple((name, s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino) for s, name in stamps))
    except OSError:
        return None


@functools.lru_cache(maxsize=1)
def _digest_of(root: Path, files: tuple[tuple[str, int, int, int, int], ...]) -> str | None:
    """The digest of files with their sizes, times of change and numbers."""
    found = hashlib.sha256()
    for name, *_ in files:
        content = (root / name).read_bytes()
        found.update(f"{name}\0{len(content)}\0".encode() + content)
    return found.hexdigest() if files else None


def edited_since_loaded() -> bool:
    """Was a source file touched after this process loaded the package? Then its digest is not that of the code."""
    try:
        return any(max(s.st_mtime, s.st_ctime) >= _LOADED for s in (path.stat() for path in _ROOT.rglob("*.py")))
    except OSError:
        return True


def live_digests() -> dict[str, str]:
    """Of each loaded module of the package, a digest of what its names stand for at this moment.

    What was told is told anew where anything that it was told from is no longer the same object; else only the modules
    that were loaded since are told.
    """
    return _LIVE.digests()


class _Live:
    """Digests of the loaded modules with all that they were told from and that can be changed in place."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self.names: dict[str, dict[str, Any]] = {}
        self.sources: list[tuple[Any, tuple[Any, ...]]] = []
        self.codes: dict[int, tuple[types.CodeType, str]] = {}

    def digests(self) -> dict[str, str]:
        loaded = {name: module for name, module in list(sys.modules.items()) if name.partition(".")[0] == _PACKAGE}
        names = {name: _names(module, name, loaded) for name, module in loaded.items()}
        if not self._stands(names):
            self.found, self.names, self.sources = {}, {}, []
        seen: _Seen = {}
        for name in sorted(names.keys() - self.found.keys()):
            told = (f"{key} {_told(value, name, seen)}" for key, value in sorted(names[name].items()))
            self.found[name] = _text_digest(told)
        self.names = names
        self.sources += [(value, _parts(value)) for value in seen.values()]
        return {name: self.found[name] for name in sorted(names)}

    def _stands(self, names: dict[str, dict[str, Any]]) -> bool:
        told = (
            name in names and list(was) == list(names[name]) and _same(was.values(), names[name].values())
            for name, was in self.names.items()
        )
        return all(told) and all(_same(_parts(value), parts) for value, parts in self.sources)


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
    return _text_digest(_class(each, each.__module__, {}) for each in cls.__mro__ if each is not object)


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


@functools.cache
def _counts(name: str) -> bool:
    return name not in _UNTOLD and not name.startswith(("__pydantic", _REWRITTEN)) and not _COMPILED.fullmatch(name)


def _names(module: types.ModuleType, name: str, loaded: Mapping[str, types.ModuleType]) -> dict[str, Any]:
    """What counts of a module, without the modules below it."""
    return {k: v for k, v in vars(module).items() if _counts(k) and loaded.get(f"{name}.{k}") is not v}


def _parts(value: Any) -> tuple[Any, ...]:
    """What an object is told by: the same objects as long as nothing in it was replaced."""
    if isinstance(value, types.FunctionType):
        return (value.__code__, *_bound(value))
    if isinstance(value, type):
        return tuple(part for item in vars(value).items() if _counts(item[0]) for part in item)
    if isinstance(value, dict):
        return (*value, *value.values())
    if isinstance(value, list | set):
        return tuple(value)
    if isinstance(value, np.ndarray):
        return (sys.intern(_text_digest([str(value.dtype), str(value.shape), value.tobytes().hex()])),)
    if hasattr(value, "__wrapped__"):
        return (value.__wrapped__,)
    return _attributes(value)


def _same(these: Collection[Any], those: Collection[Any]) -> bool:
    return len(these) == len(those) and all(map(operator.is_, these, those))


def _told(value: Any, home: str, seen: _Seen, within: tuple[int, ...] = ()) -> str:
    """What a name of the module `home` stands for, in words that are the same in every process.

    What another module of the package defines is told there and only named here. Objects that change while the
    package works (caches, precision contexts) are told by their type only. What it looked into, it adds to `seen`.
    """
    if id(value) in within:
        return "itself"
    within = (*within, id(value))

    def tell(part: Any) -> str:
        return _told(part, home, seen, within)

    def looked_into(told: str) -> str:
        seen[id(value)] = value
        return told

    if isinstance(value, Enum):
        return f"{type(value).__qualname__}.{value.name}"
    if isinstance(value, _PLAIN):
        return f"{type(value).__name__} {value!r}"
    if isinstance(value, tuple | list):
        told = f"{type(value).__name__} [{', '.join(map(tell, value))}]"
        return told if isinstance(value, tuple) else looked_into(told)
    if isinstance(value, set | frozenset):
        return looked_into(f"set {sorted(map(tell, value))}")
    if isinstance(value, dict):
        return looked_into(f"dict {sorted(f'{tell(key)}: {tell(item)}' for key, item in value.items())}")
    if isinstance(value, types.ModuleType):
        return f"module {value.__name__}"
    if isinstance(value, types.FunctionType):
        named = value.__module__ != home and _is_where_it_says(value)
        return f"function {_name(value)}" if named else looked_into(_function(value, tell))
    if isinstance(value, type):
        return _class(value, home, seen, within) if value.__module__ == home else f"class {_name(value)}"
    if isinstance(value, functools.partial):
        return f"partial {tell(value.func)} {tell(value.args)} {tell(value.keywords)}"
    if isinstance(value, classmethod | staticmethod | types.MethodType):
        return f"{type(value).__name__} {tell(value.__func__)}"
    if isinstance(value, property):
        return f"property {tell(value.fget)} {tell(value.fset)}"
    if isinstance(value, functools.cached_property):
        return f"property {tell(value.func)}"
    if hasattr(value, "__wrapped__"):
        return looked_into(f"{type(value).__name__} {tell(value.__wrapped__)}")
    if isinstance(value, np.ndarray):
        return looked_into(f"array {value.dtype} {value.shape} {tell(tuple(value.ravel().tolist()))}")
    if hasattr(value, "_mpf_"):
        return f"mpf {tell(tuple(map(int, value._mpf_)))}"
    if type(value).__module__.startswith("sympy."):
        return f"{_name(type(value))} {value}"
    if isinstance(value, types.BuiltinFunctionType):
        return f"builtin {value.__module__}.{value.__qualname__}"
    if is_dataclass(value) or _is_ours(type(value)):
        return looked_into(f"object of {_name(type(value))} {tell(_attributes(value))}")
    return f"object of {_name(type(value))}"


def _attributes(value: Any) -> tuple[Any, ...]:
    """What an object is told by: its fields where it is frozen, else the functions that were put into it."""
    if is_dataclass(value) and type(value).__hash__ is not None:
        return tuple(part for f in fields(value) for part in (f.name, getattr(value, f.name)))
    own = getattr(value, "__dict__", {})
    return tuple(part for item in own.items() if isinstance(item[1], types.FunctionType) for part in item)


def _is_ours(value: Any) -> bool:
    return bool(value.__module__.partition(".")[0] == _PACKAGE)


def _name(value: Any) -> str:
    return f"{value.__module__}.{value.__qualname__}"


def _function(value: types.FunctionType, tell: Any) -> str:
    """The code of a function with what it was bound to."""
    return f"function {value.__qualname__} {_code(value.__code__)} {tell(_bound(value))}"


def _bound(value: types.FunctionType) -> tuple[Any, ...]:
    """Defaults and closure of a function; of a stranger's also the plain values that it refers to, which nothing else
    tells."""
    cells = [cell.cell_contents for cell in value.__closure__ or () if not _is_empty(cell)]
    known: list[Any] = []
    if not _is_ours(value):
        names = [name for name in value.__code__.co_names if name in value.__globals__]
        known = [part for n in names if isinstance(value.__globals__[n], _PLAIN) for part in (n, value.__globals__[n])]
    return (value.__defaults__, value.__kwdefaults__, *cells, *known)


def _is_where_it_says(value: types.FunctionType) -> bool:
    if not _is_ours(value):
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


def _class(value: type, home: str, seen: _Seen, within: tuple[int, ...] = ()) -> str:
    members = sorted((name, item) for name, item in vars(value).items() if _counts(name))
    told = [f"{name} {_told(item, home, seen, (*within, id(value)))}" for name, item in members]
    seen[id(value)] = value
    return f"class {_name(value)} {[_name(base) for base in value.__bases__]} {told}"


def _code(code: types.CodeType) -> str:
    """The digest of a code, kept by its identity: to hash the code itself would cost as much."""
    kept = _LIVE.codes.get(id(code))
    if kept is None:
        constants = [_code(c) if isinstance(c, types.CodeType) else _told(c, "", {}) for c in code.co_consts]
        names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
        counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
        kept = code, _text_digest([code.co_code.hex(), repr(names), repr(counts), *constants])
        _LIVE.codes[id(code)] = kept
    return kept[1]


_LIVE = _Live()
