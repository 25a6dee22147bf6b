"""What the checker says of a certificate as JSON, and that it refuses one for what is wrong with it."""

from __future__ import annotations

import json
from typing import Any

from certflow.certificate import checker
from certflow.certificate.checker import Verdict


def check(content: dict[str, Any]) -> Verdict:
    return checker.check(json.dumps(content))


def refuse(content: dict[str, Any], field: str, *words: str) -> None:
    verdict = check(content)
    assert not verdict.accepted, verdict.text
    assert verdict.text.startswith(field), verdict.text
    assert "cannot be checked" not in verdict.text
    for word in words:
        assert word in verdict.text, verdict.text
