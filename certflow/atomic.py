"""Files that are either whole or absent: written beside their destination, then renamed over it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_bytes_atomic(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write `content` to `path` so that a reader sees the old file or the new one, never a part.

    The temporary file lies in the same directory, because a rename is atomic only within one file system.
    Missing parent directories are made. Raises `OSError` as the file system does.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    # os.open rather than tempfile: the user's umask then decides who may read the result.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with open(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return target


def write_text_atomic(path: str | os.PathLike[str], text: str) -> Path:
    """`write_bytes_atomic` for text in UTF-8."""
    return write_bytes_atomic(path, text.encode("utf-8"))
