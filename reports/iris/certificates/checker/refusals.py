"""Why a certificate is not accepted, in one line."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

from .sentences import about, shortened


class Refused(Exception):
    """Why a certificate is not accepted, in one line: the field, what it holds, what it must hold."""


def require(holds: bool, field: str, received: Any, required: str) -> None:
    """Refuse the certificate unless the condition holds."""
    if not holds:
        raise Refused(f"{field or 'certificate'}: got {shown(received)}; required: {required}")


def shown(value: Any) -> str:
    """A value in few ASCII characters, on one line; a long number to 20 digits, of a long text both ends."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else f"a list of length {len(value)}"
    if isinstance(value, Fraction) or type(value) is int:
        return about(Fraction(value))
    return shortened(json.dumps(value), 80)
