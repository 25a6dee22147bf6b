"""Derivations that were proved in an earlier run: they do not depend on the mixture, so their proofs are kept.

A proof is served only to the very code that it proves: its key holds the source of the package and the versions of all
that takes part, and its record a digest of every module that was loaded, as it was in memory. What was not reduced to
zero is never kept. A folder that cannot be read or written, and a file that is not a proof, count as nothing kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

from pydantic import AwareDatetime, Field, PositiveInt

from certflow import __version__
from certflow.atomic import write_text_atomic
from certflow.claims.fingerprint import agrees, edited_since_loaded, live_digests, source_digest
from certflow.claims.model import Frozen

SCHEMA = "certflow/derivation/1"
#: Proofs of one statement that stay, by different versions of the code; and the largest file that is read.
_MOST, _LARGEST = 8, 1_000_000


class Step(Frozen):
    """One derivation: all its expressions were reduced to zero."""

    name: str
    scope: str
    expressions: PositiveInt


class Proof(Frozen):
    """Every derivation of a statement, when they were made, and the code that they are about."""

    schema_: str = Field(default=SCHEMA, alias="schema", pattern=f"^{SCHEMA}$")
    statement: str
    key: str
    steps: tuple[Step, ...] = Field(min_length=1)
    proved: AwareDatetime
    code: dict[str, str] = Field(description="digest of each module that was loaded")


def folder(what: str = "derivations") -> Path | None:
    """Where proofs, or `what`, are kept: in `CERTFLOW_CACHE`, else the platform's place for what can be made again."""
    named = os.environ.get("CERTFLOW_CACHE")
    try:
        if named:
            return Path(named).expanduser() / what
        if sys.platform == "win32":
            local = os.environ.get("LOCALAPPDATA")
            base = Path(local) if local else Path.home() / "AppData" / "Local"
        elif sys.platform == "darwin":
            base = Path.home() / "Library" / "Caches"
        else:
            base = Path(os.environ.get("XDG_CACHE_HOME", ""))
            if not base.is_absolute():  # by the specification, a relative one is ignored
                base = Path.home() / ".cache"
    except RuntimeError:  # no home
        return None
    return base / "certflow" / what


def load(statement: str) -> Proof | None:
    """The kept proof of a statement about the code that is loaded now."""
    place = _place(statement)
    if place is None:
        return None
    key, path = place
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return None
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("digest") != _digest(content):
            return None
        proof = Proof.model_validate(content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    fits = proof.statement == statement and proof.key == key and agrees(proof.code, live_digests())
    return proof if fits else None


def save(statement: str, steps: tuple[Step, ...], proved: AwareDatetime) -> None:
    """Keep a proof about the code that is loaded now, where that is the code of the source and the folder allows it."""
    place = _place(statement)
    if place is None or edited_since_loaded():
        return
    key, path = place
    proof = Proof(statement=statement, key=key, steps=steps, proved=proved, code=live_digests())
    content = proof.model_dump(mode="json", by_alias=True)
    with contextlib.suppress(OSError):
        write_text_atomic(path, json.dumps({**content, "digest": _digest(content)}, indent=1) + "\n")
        others = [(other.stat().st_mtime, other) for other in path.parent.glob(f"{statement}-*.json")]
        for _, other in sorted(others, reverse=True)[_MOST:]:
            other.unlink(missing_ok=True)


def _place(statement: str) -> tuple[str, Path] | None:
    """The key of a statement's proof and its file; None where proofs cannot be kept."""
    source, where = source_digest(), folder()
    if source is None or where is None:
        return None
    content = {"statement": statement, "source": source, **_versions()}
    key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return key, where / f"{statement}-{key[:32]}.json"


@cache
def _versions() -> dict[str, str]:
    """Versions of all that takes part in a derivation; python-flint and gmpy2 are SymPy's numbers where installed."""
    found = {"certflow": __version__, "python": f"{platform.python_implementation()} {sys.version}"}
    for name in ("sympy", "mpmath", "numpy", "python-flint", "gmpy2"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "none"
    return {**found, "ground types": os.environ.get("SYMPY_GROUND_TYPES", "auto")}


def _digest(content: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
