"""Evidence on disk: each piece is kept as soon as it is found, under a key of all that it depends on."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from certflow import __version__
from certflow.atomic import write_text_atomic
from certflow.certificate.envelope import certificate_text, write_certificate
from certflow.claims.check import Check, Context
from certflow.claims.fingerprint import LoadedCode, agrees, class_digest, source_digest
from certflow.claims.model import Evidence, Kind
from certflow.law.formats import to_mapping
from certflow.numbers.exact import exact_text

#: The libraries that compute, by the names under which they are installed.
LIBRARIES = ("numpy", "scipy", "sympy", "mpmath", "python-flint")
#: Where evidence is kept below the output directory.
_KEPT = ".certflow"
#: What a file that is not there, or holds nothing usable, raises.
_UNUSABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, ValidationError)


class Keeper:
    """Keeps evidence below the output directory, under a hash of all that it depends on; without one it keeps nothing.

    Certificates are written as soon as they are found; kept evidence counts only while they are as they were.
    """

    def __init__(self, out: Path | None, context: Context):
        self.out = out
        self.context = context
        process = context.process
        problem = {
            "mixture": to_mapping(process.mixture),
            "t": [exact_text(process.exact_t_min), exact_text(process.exact_t_max)],
            "profile": context.profile.name,
            "digits": context.digits,
            "seed": context.seed,
            "environment": environment(),
            "source": source_digest(),
            "formulas": class_digest(type(process)),
        }
        self.key = hashlib.sha256(json.dumps(problem, sort_keys=True).encode()).hexdigest()
        self.code = LoadedCode()

    def load(self, check: Check) -> Evidence | None:
        """What an earlier run kept of this check, if it is of this problem and of the code that is loaded now."""
        if self.out is None or (self.context.fresh and check.kind is Kind.SYMBOLIC):
            return None
        return self._load(self._path(check.name, self.out), self.out)

    def save(self, check: Check, found: Evidence, code: Mapping[str, str] | None = None) -> None:
        """Keep what was found, by the code with these digests (None: the code that is loaded here).

        Raises
        ------
        OSError : the directory does not take it.
        """
        if self.out is None:
            return
        for name, certificate in found.contents.items():
            write_certificate(certificate, self.out / name)
        digests = {name: _digest(certificate) for name, certificate in found.contents.items()}
        content = {
            "key": self.key,
            "code": self.code.digests() if code is None else code,
            "certificates": digests,
            "evidence": found.model_dump(),
        }
        write_text_atomic(self._path(check.name, self.out), json.dumps(content, indent=1) + "\n")

    def load_theorem(self, name: str, digest: str) -> Evidence | None:
        """What an earlier run kept of a theorem, if the kernel's verdict on it rested on what has this digest."""
        if self.out is None:
            return None
        with suppress(*_UNUSABLE):
            content = json.loads(self._path(name, self.out).read_text(encoding="utf-8"))
            if content["theorem"] == digest:
                return Evidence.model_validate(content["evidence"])
        return None

    def save_theorem(self, found: Evidence, digest: str) -> None:
        """Keep what the kernel said of a theorem; of the package's code its verdict depends on nothing.

        Raises
        ------
        OSError : the directory does not take it.
        """
        if self.out is not None:
            content = {"theorem": digest, "evidence": found.model_dump()}
            write_text_atomic(self._path(found.check, self.out), json.dumps(content, indent=1) + "\n")

    def _path(self, name: str, out: Path) -> Path:
        return out / _KEPT / f"{name}.json"

    def _load(self, path: Path, out: Path) -> Evidence | None:
        with suppress(*_UNUSABLE):  # then the check runs again
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["key"] == self.key and agrees(content["code"], self.code.digests()):
                evidence = Evidence.model_validate(content["evidence"])
                contents = {name: _certificate(out / name) for name in evidence.certificates}
                if content["certificates"] == {name: _digest(found) for name, found in contents.items()}:
                    return evidence.attach(contents)
        return None


def _certificate(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise TypeError(f"{path} holds no certificate")
    return found


def _digest(certificate: dict[str, Any]) -> str:
    return hashlib.sha256(certificate_text(certificate).encode()).hexdigest()


def environment() -> dict[str, str]:
    """The versions that a report rests on."""
    return {
        "certflow": __version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cores": str(os.cpu_count()),
        **{name: metadata.version(name) for name in LIBRARIES},
    }
