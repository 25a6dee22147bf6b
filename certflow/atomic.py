"""Files that are either whole or absent: written beside their destination, then renamed over it."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path


def write_bytes_atomic(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write `content` to `path` so that a reader sees the old file or the new one, never a part.

    A symbolic link is written through: the file that it names is replaced, the link stays. A file that exists keeps
    its mode. What is no regular file (a pipe, a device) is written as it is, since nothing may take its place.
    The temporary file lies in the same directory, because a rename is atomic only within one file system.
    Missing parent directories are made. Raises `OSError`, with the name of the file, as the file system does.
    """
    target = Path(path)
    try:
        _write(destination(target), content)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(target)) from error
    return target


def write_text_atomic(path: str | os.PathLike[str], text: str) -> Path:
    """`write_bytes_atomic` for text in UTF-8."""
    return write_bytes_atomic(path, text.encode("utf-8"))


def destination(path: str | os.PathLike[str]) -> Path:
    """The file that is replaced when `path` is written: where its symbolic links lead."""
    real = Path(os.path.realpath(path))
    if real.is_symlink():  # realpath gives up on links in a circle
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return real


def _write(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = _mode(target)
    if mode is not None and not stat.S_ISREG(mode):
        with open(target, "wb") as stream:
            stream.write(content)
        return
    if mode is not None and not os.access(target, os.W_OK):  # a rename would not ask
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
    # A name of its own, not the target's with something added, which may be longer than a name can be.
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
    # os.open rather than tempfile: the user's umask then decides who may read the result.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with open(descriptor, "wb") as stream:
            if mode is not None:
                os.chmod(temporary, stat.S_IMODE(mode))
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None
