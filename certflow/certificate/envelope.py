"""The envelope of a certificate: the problem, exact; its hash; who made it; the file.

Schema `certflow/certificate/1`: one JSON object with the keys `schema`, `claim`, `problem`, `assertion`, `proof`,
`hash`, `producer`. Every number of the problem and of the assertion is an exact text, a decimal or `p/q`.
"""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any

from certflow.atomic import write_text_atomic
from certflow.law.formats import to_mapping
from certflow.law.noised import NoisedMixture
from certflow.numbers.exact import exact_text

SCHEMA = "certflow/certificate/1"


def envelope(process: NoisedMixture, claim: str, assertion: dict[str, Any], proof: dict[str, Any]) -> dict[str, Any]:
    """The certificate that asserts `assertion` for the claim of that id, with the hints in `proof`."""
    statement = problem(process)
    return {
        "schema": SCHEMA,
        "claim": claim,
        "problem": statement,
        "assertion": assertion,
        "proof": proof,
        "hash": statement_hash(claim, statement, assertion),
        "producer": producer(),
    }


def problem(process: NoisedMixture) -> dict[str, Any]:
    """The mixture and the interval of time as exact texts; nothing of where the mixture came from."""
    mapping = to_mapping(process.mixture)
    keys = ("schema", "name", "weights", "means", "covariances")
    return {
        "mixture": {key: mapping[key] for key in keys},
        "t_min": exact_text(process.exact_t_min),
        "t_max": exact_text(process.exact_t_max),
    }


def statement_hash(claim: str, problem: dict[str, Any], assertion: dict[str, Any]) -> str:
    """`sha256-statement:` and the SHA-256 of the JSON of schema, claim, problem, assertion (sorted keys, no spaces).

    Files of before have `sha256:` and the hash of schema, claim and problem; the checker reads both."""
    content = {"schema": SCHEMA, "claim": claim, "problem": problem, "assertion": assertion}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256-statement:" + hashlib.sha256(text.encode("ascii")).hexdigest()


def producer() -> dict[str, str]:
    """The versions that made a certificate; told for information, not checked."""
    from certflow import __version__

    return {
        "certflow": __version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "python-flint": version("python-flint"),
    }


def certificate_text(certificate: dict[str, Any]) -> str:
    """The text of a certificate's file: JSON in ASCII with sorted keys, the same for the same certificate."""
    return json.dumps(certificate, sort_keys=True, indent=1, ensure_ascii=True) + "\n"


def write_certificate(certificate: dict[str, Any], path: str | PathLike[str]) -> Path:
    """Write a certificate to `path`, atomically; raises `OSError` as the file system does."""
    return write_text_atomic(path, certificate_text(certificate))
