"""Mutants that are left out, each with its reason: no test of what the code computes can tell them from it."""

from __future__ import annotations

#: By `Mutant.key`.
EQUIVALENT: dict[str, str] = {
    "bounds/peak.py:94:factor:width * 2 -> (2 * (width * 2))": "a bracket that holds no root is widened, four times "
    "where it was twice: whichever width first holds a root, signs at its ends prove it",
    "certificate/checker/sharp_rates.py:55:operand:a - b -> (b - a)": "the difference is squared, exactly, in rational "
    "numbers: the square of what is turned round is the same",
}
