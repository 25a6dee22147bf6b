"""The version of the code that matters: a digest of the source of a module and of all that it imports, and libraries.

A result counts as long as that code and the libraries are what they were; a change elsewhere in the package leaves it
valid.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path

from certflow.verification.keeper import LIBRARIES

_ROOT = Path(__file__).parents[1]
_PACKAGE = _ROOT.name
#: `from certflow.x import a, b` and `import certflow.x`, also inside functions; names in brackets over several lines.
_FROM = re.compile(r"^[ \t]*from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n]*)", re.MULTILINE)
_IMPORT = re.compile(r"^[ \t]*import[ \t]+([\w., \t]+)", re.MULTILINE)


@cache
def code_digest(module: str) -> str:
    """SHA-256 of the sources of a module of the package, of what it imports and of what that imports."""
    return _digest(reached(module))


@cache
def own_digest(module: str) -> str:
    """SHA-256 of the source of a module alone."""
    return _digest([module])


@cache
def package_digest() -> str:
    """SHA-256 of all sources of the package."""
    paths = (path.relative_to(_ROOT).with_suffix("").parts for path in _ROOT.rglob("*.py"))
    return _digest(".".join((_PACKAGE, *parts)).removesuffix(".__init__") for parts in paths)


@cache
def libraries() -> dict[str, str]:
    """The versions here of what computes: Python, and the libraries that are installed.

    Processors and systems are left out, so that the machines of a cluster may differ; tasks have one thread everywhere.
    """
    found = {"python": f"{sys.version_info.major}.{sys.version_info.minor}"}
    for name in (*LIBRARIES, "torch", "numba"):
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _digest(modules: Iterable[str]) -> str:
    found = hashlib.sha256()
    for name in sorted(modules):
        content = _path(name).read_bytes()
        found.update(f"{name}\0{len(content)}\0".encode() + content)
    return found.hexdigest()


def reached(module: str) -> set[str]:
    """The modules of the package that a module reaches by imports, itself and the packages on the way included."""
    waiting, seen = [module], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        waiting += [parent for parent in _parents(name) if parent not in seen]
        waiting += imported(name)
    return seen


@cache
def imported(module: str) -> tuple[str, ...]:
    """The modules of the package that the text of one imports."""
    return tuple(sorted(set(_imported(module)) - {_PACKAGE}))


def _imported(module: str) -> Iterator[str]:
    text = _path(module).read_text(encoding="utf-8")
    for base, names in _FROM.findall(text):
        source = _absolute(base, module)
        if not _exists(source):
            continue
        yield source
        for name in re.findall(r"\w+", names):
            if _exists(f"{source}.{name}"):
                yield f"{source}.{name}"
            elif home := _home(source, name):
                yield home
    for names in _IMPORT.findall(text):
        yield from (name for name in re.findall(r"[\w.]+", names) if _exists(name))


def _absolute(base: str, module: str) -> str:
    dots = len(base) - len(base.lstrip("."))
    if not dots:
        return base
    parts = module.split(".")
    parts = parts[: len(parts) - dots + (_path(module).name == "__init__.py")]
    return ".".join(filter(None, [*parts, base.lstrip(".")]))


def _home(package: str, name: str) -> str | None:
    """The module of a name that a package loads on first use, as its table `_HOMES` says."""
    path = _path(package)
    if path.name != "__init__.py":
        return None
    home = re.search(rf'^    "{name}": "({_PACKAGE}[\w.]+)",$', path.read_text(encoding="utf-8"), re.MULTILINE)
    return home[1] if home else None


def _parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:i]) for i in range(1, len(parts))]


@cache
def _exists(module: str) -> bool:
    return module.partition(".")[0] == _PACKAGE and _path(module).exists()


def _path(module: str) -> Path:
    base = _ROOT.joinpath(*module.split(".")[1:])
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
