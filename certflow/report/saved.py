"""Reading back the JSON document that the views of a directory are made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from certflow.errors import InputError


def read_document(path: Path, schema: str, required: str) -> dict[str, Any]:
    """The JSON object at `path`, of that schema.

    Raises
    ------
    InputError : the file is missing, unreadable, truncated, or of another schema; it names the file and `required`.
    """
    try:
        data = json.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        raise InputError(str(path), "no such file", required) from None
    except OSError as error:
        raise InputError(str(path), error.strerror or type(error).__name__, required) from None
    except (ValueError, RecursionError) as error:
        raise InputError(str(path), f"not JSON ({error})", required) from None
    if not isinstance(data, dict) or data.get("schema") != schema:
        found = f"schema {data.get('schema')!r}" if isinstance(data, dict) else f"a {type(data).__name__}"
        raise InputError(str(path), found, f"schema {schema!r}: {required}")
    return data
