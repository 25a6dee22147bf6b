"""From the texts of a command line to values, and from values to what is printed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from certflow.atomic import destination
from certflow.errors import InputError, unknown
from certflow.law.mixture import GaussianMixture
from certflow.process import OrnsteinUhlenbeck

#: The exit code of a run that settled nothing.
INCONCLUSIVE = 3
#: Seeds beyond this are refused by scikit-learn.
LARGEST_SEED = 2**32 - 1


def integer(text: str, field: str, low: int, high: int) -> int:
    """The integer written in `text`, within [low, high]."""
    if not re.fullmatch(r"[+-]?[0-9]{1,30}", text) or not low <= int(text) <= high:
        raise InputError(field, text, f"an integer from {low} to {high}")
    return int(text)


def choice(text: str, field: str, known: Sequence[str]) -> str:
    """`text`, which must be one of `known`."""
    if text not in known:
        raise unknown(field, text, known)
    return text


def named(text: str, field: str, known: Iterable[str]) -> str:
    """The id of a claim, written in upper or lower case."""
    ids = tuple(known)
    return text.upper() if text.upper() in ids else choice(text, field, ids)


def read_mixture(source: str) -> GaussianMixture:
    """`load_mixture`, with the file named in an error about one of its fields."""
    from certflow.law.library import load_mixture

    try:
        return load_mixture(source)
    except InputError as error:
        if error.field == "MIXTURE":
            raise
        raise InputError(f"{source}: {error.field}", error.value, error.requirement) from None


def read_process(source: str, t_min: str, t_max: str) -> OrnsteinUhlenbeck:
    """The process of a mixture on [t_min, t_max]; the times are the exact numbers that are written."""
    mixture = read_mixture(source)
    with renamed({"t_min": "--t-min", "t_max": "--t-max"}):
        return OrnsteinUhlenbeck(mixture, t_min=t_min, t_max=t_max)


@contextmanager
def renamed(fields: dict[str, str]) -> Iterator[None]:
    """Within the block, errors name the option of the command line instead of the argument in Python."""
    try:
        yield
    except InputError as error:
        field = fields.get(error.field, error.field)
        raise InputError(field, error.value, error.requirement) from None


@contextmanager
def writing(field: str, path: Path | None) -> Iterator[None]:
    """Within the block, a file system that refuses to write is the user's to know, in one line."""
    if path is None:
        yield
        return
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InputError(field, str(path), f"a path that can be written ({error.strerror})") from None


def directory_target(text: str, field: str) -> Path:
    """The directory that an option names; an empty name, which a file system takes for the current one, is none."""
    if not text.strip():
        raise InputError(field, text, "the name of a directory (. is the current one)")
    return Path(text)


def check_directory(field: str, path: Path) -> None:
    """Make the directory and a file in it, so that a long run does not end at a closed door."""
    with writing(field, path):
        path.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path):
            pass


def file_target(text: str | None, field: str, suffixes: Sequence[str]) -> Path | None:
    """The file that an option names, with one of these suffixes; where its links lead can be written."""
    if text is None:
        return None
    target = Path(text)
    if target.suffix.lower() not in suffixes:
        raise InputError(field, text, f"a file name that ends in {', '.join(suffixes[:-1])} or {suffixes[-1]}")
    if target.is_dir():
        raise InputError(field, text, "a file, not a directory")
    with writing(field, target):
        real = destination(target)
        if not real.exists() or real.is_file():
            check_directory(field, real.parent)
        if real.exists() and not os.access(real, os.W_OK):
            raise InputError(field, text, "a path that can be written (it is read-only)")
    return target


def headline(mixture: GaussianMixture) -> str:
    """The mixture in a few words."""
    from certflow.report.formatting import clean

    name = " ".join(clean(mixture.name).split()) or "unnamed mixture"
    parts = f"{mixture.n_components} component{'s' if mixture.n_components > 1 else ''}"
    return f"{name}: {parts} in R^{mixture.dimension}, {mixture.kind} covariance"
