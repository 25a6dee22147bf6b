"""What a command prints for programs, the warnings it gives, and the directory that it writes."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from certflow.commands.texts import check_directory
from certflow.errors import InputError
from certflow.law.mixture import GaussianMixture


@dataclass(frozen=True)
class Document:
    """What a finished run leaves in its directory: a JSON file, where in it the mixture file stands, and its views."""

    what: str
    name: str
    key: str
    views: tuple[str, ...]

    def paths(self, folder: Path) -> list[Path]:
        """Its files that are there."""
        return [path for path in (folder / name for name in (self.name, *self.views)) if path.exists()]


REPORT = Document(
    "report", "report.json", "mixture", ("report.html", "report.md", "junit.xml", "badge.svg", "report.bib")
)
LABORATORY = Document("laboratory run", "distill.json", "law", ("distill.html", "distill.md", "distill.csv"))
AUDIT = Document("audit", "audit.json", "mixture", ("audit.html", "audit.md"))


def print_document(text: str) -> None:
    """Print what a program reads, in UTF-8 whatever the terminal's encoding, which may lack a letter of a name."""
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:  # somebody's stream of text
        sys.stdout.write(text)
        return
    sys.stdout.flush()
    buffer.write(text.encode("utf-8"))
    buffer.flush()


def print_json(text: str) -> None:
    """Print a JSON text; unless the output is in UTF-8 anyway, with the escapes that every encoding can show."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("_", "-")
    beyond = "[\ud800-\udfff]" if encoding in ("utf-8", "utf8") else "[^\x00-\x7f]"
    print_document(re.sub(beyond, lambda match: json.dumps(match.group())[1:-1], text))


def warn(message: str, what: str = "warning") -> None:
    """One line on stderr about what does not stop the run; nothing where nobody listens."""
    with suppress(OSError, ValueError):
        print(f"certflow: {what}:", " ".join(message.split()), file=sys.stderr, flush=True)


def note(message: str) -> None:
    """One line on stderr that goes with what a program reads from stdout."""
    warn(message, "note")


def command_line() -> str:
    """The command line of this run, for its report."""
    return shlex.join(["certflow", *sys.argv[1:]])


@contextmanager
def resumable(folder: Path | None, done: str) -> Iterator[None]:
    """Within the block, an interruption says what is kept; `done` is what happened to it, "finished" or "trained"."""
    try:
        yield
    except KeyboardInterrupt:
        kept = "" if folder is None else f"; what was {done} is kept in {folder}, and the same command goes on"
        raise KeyboardInterrupt(f"interrupted{kept}") from None


@contextmanager
def output_directory(folder: Path | None, mixture: GaussianMixture, force: bool) -> Iterator[None]:
    """Within the block, `folder` is this run's: it can be written, and no other run of certflow writes it.

    A report, a laboratory run and audits of one mixture may share a directory.

    Raises
    ------
    InputError : the directory cannot be written, another run is at work in it, or, without `force`, it holds the
        report, the laboratory run or the audit of another mixture, or files by their names that are none.
    """
    if folder is None:
        yield
        return
    check_directory("--out", folder)
    with locked(folder):
        if not force:
            for document in (REPORT, LABORATORY, AUDIT):
                _check_owner(folder, mixture, document)
        yield


def _check_owner(folder: Path, mixture: GaussianMixture, document: Document) -> None:
    from certflow.law.formats import to_mapping

    if not document.paths(folder):
        return
    remedy = f"a directory without another {document.what}, or --force to write there all the same"
    try:
        found = json.loads((folder / document.name).read_bytes().decode("utf-8"))[document.key]
        law, name = _law(found), str(found.get("name"))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise InputError("--out", f"{folder}, whose files are not those of a {document.what}", remedy) from None
    if law != _law(to_mapping(mixture)):
        raise InputError("--out", f"{folder}, which holds the {document.what} of mixture {name}", remedy)


def _law(mapping: dict[str, object]) -> list[object]:
    return [mapping[part] for part in ("weights", "means", "covariances")]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Within the block the directory is this run's: it carries the lock itself, which ends with the process."""
    try:
        import fcntl
    except ImportError:  # no such locks on this system; every single file is whole all the same
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError("--out", str(folder), "a directory that no other run is writing at this time") from None
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(descriptor)
