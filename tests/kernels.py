"""Where tests keep what Numba compiles: Numba asks for a change of a kernel's own file, not of what it calls."""

from __future__ import annotations

import hashlib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def kernel_folder() -> str:
    """A folder for this state of the sources of the kernels."""
    field = ROOT / "certflow" / "field"
    files = [path for room in ("fused", "rounding") for path in sorted((field / room).glob("*.py"))]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    return str(ROOT / ".pytest_cache" / f"kernels-{digest[:16]}")
