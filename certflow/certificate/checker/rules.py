"""The rule of each claim. A new family of rules is a module beside this one and its entries here."""

from __future__ import annotations

from typing import Any

from . import closed_forms, flow_kinds, flow_tubes, networks, sharp_rates, sharp_shared
from .cases import Rule

RULES: dict[str, Rule] = {
    "L2": closed_forms.L2,
    "L3": closed_forms.L3,
    "L5": sharp_rates.L5,
    "F1": closed_forms.F1,
    "F2": closed_forms.F2,
    "G1": closed_forms.G1,
    "S3": flow_tubes.S3,
    "A6": networks.A6,
}

#: Rules of the same claims for other kinds of covariance.
OTHERS: dict[tuple[str, str], Rule] = {("L5", sharp_shared.L5.kind): sharp_shared.L5}
OTHERS |= {("S3", rule.kind): rule for rule in flow_kinds.S3}


def rule_of(content: dict[str, Any]) -> Rule:
    """The rule of the claim for the kind of covariances in the file; that for a common variance where there is none."""
    value: Any = content["problem"]
    for key in ("mixture", "covariances", "kind"):
        value = value.get(key) if isinstance(value, dict) else None
    claim = content["claim"]
    return OTHERS.get((claim, value), RULES[claim]) if isinstance(value, str) else RULES[claim]
