"""Tables as text for programs: CSV as RFC 4180 has it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any


def csv_text(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A line of names and one for each row, ended by CR LF (RFC 4180); None is an empty field.

    A float is written with the digits that give it back, any other number as its exact text.

    >>> csv_text(["t", "L(t)"], [["0.01", 0.1], ["1", None]])
    't,L(t)\\r\\n0.01,0.1\\r\\n1,\\r\\n'
    """
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(head)
    writer.writerows(["" if value is None else value for value in row] for row in rows)
    return stream.getvalue()
