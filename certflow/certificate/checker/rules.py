"""The rule of each claim. A new family of rules is a module beside this one and its entries here."""

from __future__ import annotations

from . import closed_forms, flow_tubes, networks, sharp_integrals, sharp_rates
from .cases import Rule

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
}
