"""Mixtures by name or from a file: the built-in ones, and what `certflow.law.formats` reads."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import Any

from certflow.errors import InputError, did_you_mean
from certflow.law import formats
from certflow.law.builtin import builtin_names, builtin_parameters
from certflow.law.mixture import GaussianMixture
from certflow.numbers.inputs import file_path


def load_mixture(source: str | PathLike[str]) -> GaussianMixture:
    """Load a mixture file (`.json`, `.toml`, `.npz`) or a built-in mixture by name.

    Raises
    ------
    InputError : no such file or name, unreadable or malformed content, or bad parameters; one line that names
        the field, the value received and the requirement.

    >>> import certflow as cf
    >>> mixture = cf.load_mixture("two-modes")
    >>> mixture
    cf.load_mixture('two-modes')
    >>> float(mixture.covariances)
    0.04
    """
    required = f"a file (.json, .toml, .npz) or one of: {', '.join(builtin_mixtures())}"
    path = file_path(source, "MIXTURE", required)
    name = os.fspath(source)
    if name in builtin_mixtures():
        return _mixture(builtin_parameters(name))
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise InputError("MIXTURE", name, required + _nearest(path)) from None
    except OSError as error:  # a name that is too long, links in a circle, a directory that may not be entered
        raise InputError("MIXTURE", name, f"{required} ({error.strerror})") from None
    if stat.S_ISDIR(mode):
        raise InputError("MIXTURE", name, "a file, not a directory")
    return _mixture(formats.read_file(path))


def _nearest(path: Path) -> str:
    """A question after the built-in name, or the mixture file beside it, that a name may stand for."""
    known = list(builtin_mixtures())
    if path.suffix or path.parent != Path():
        with suppress(OSError):
            known += [str(found) for found in path.parent.iterdir() if found.suffix in (".json", ".toml", ".npz")]
    return did_you_mean(str(path), known)


def from_mapping(mapping: Any) -> GaussianMixture:
    """The mixture of a parsed mixture file; errors as `load_mixture`."""
    return _mixture(formats.parameters_of(mapping))


def _mixture(found: formats.Parameters) -> GaussianMixture:
    mixture = GaussianMixture(found.weights, found.means, found.covariances, name=found.name, origin=found.origin)
    if found.kind not in (None, mixture.kind):
        raise InputError("kind", found.kind, f"{mixture.kind}, which the shape of covariances says")
    return mixture


def builtin_mixtures() -> tuple[str, ...]:
    """Names of the built-in mixtures."""
    return builtin_names()
