"""The rule of each claim. A new family of rules is a module beside this one and its entries here."""

from __future__ import annotations

from typing import Any

from . import closed_forms, flow_kinds, flow_tubes, networks, sharp_integrals, sharp_rates, sharp_shared, student_cells
from .cases import Rule
from .refusals import require

RULES: dict[str, Rule] = {
    "L2": closed_forms.L2,
    "L3": closed_forms.L3,
    "L5": sharp_rates.L5,
    "F1": closed_forms.F1,
    "F2": closed_forms.F2,
    "F5": sharp_integrals.F5,
    "G1": closed_forms.G1,
    "S3": flow_tubes.S3,
    "A6": networks.A6,
    "C2": student_cells.C2[0],
    "C4": student_cells.C4[0],
}

#: Rules of the same claims for other kinds of covariance.
OTHERS: dict[tuple[str, str], Rule] = {("L5", sharp_shared.L5.kind): sharp_shared.L5}
OTHERS |= {("S3", rule.kind): rule for rule in flow_kinds.S3}
OTHERS |= {("C2", rule.kind): rule for rule in student_cells.C2[1:]}
OTHERS |= {("C4", rule.kind): rule for rule in student_cells.C4[1:]}


def rule_of(content: dict[str, Any]) -> Rule:
    """The rule of the claim for the kind of covariances in the file; that for a common variance where there is none."""
    claim, value = content["claim"], content["problem"]
    for key in ("mixture", "covariances", "kind"):
        value = value.get(key) if isinstance(value, dict) else None
    rules = {rule.kind: rule for rule in (RULES[claim], *(rule for (of, _), rule in OTHERS.items() if of == claim))}
    if not isinstance(value, str):
        return RULES[claim]
    require(value in rules, "problem.mixture.covariances.kind", value, " or ".join(rules))
    return rules[value]
