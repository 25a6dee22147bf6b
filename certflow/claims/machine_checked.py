"""How far a statement is machine-checked: read from the part "Machine-checked" of its proof page.

The page says its tier first: `*Formal, general*:`, `*Formal, general, in part*:` or `*Not formal*:`
(`proofs/formal.md` has the theorems).
"""

from __future__ import annotations

import re
from functools import cache

from certflow.claims.model import Extent, MachineChecked
from certflow.claims.proof_pages import proof_page

#: What a page says of itself, and how much the lemmas of `proofs/coq` then cover.
TIERS = {
    "Formal, general": Extent.STATEMENT,
    "Formal, general, in part": Extent.PART,
    "Not formal": None,
}
_AFTER = r" \*Formal, instance\*| Axioms, and| `proofs/formal.md` has|\n\n|\Z"
_SAID = re.compile(rf"Machine-checked\W*\*({'|'.join(TIERS)})\*: (.*?)(?:{_AFTER})", re.DOTALL)
_LINK = re.compile(r"\[([^]]+)\]\([^)]+\)")


@cache
def machine_checked(claim: str) -> MachineChecked | None:
    """What the proof page of a claim says of lemmas that a proof assistant has accepted; None where there are none."""
    found = _SAID.search(proof_page(claim) or "")
    extent = None if found is None else TIERS[found[1]]
    if found is None or extent is None:
        return None
    return MachineChecked(extent=extent, says=_LINK.sub(r"\1", found[2]).replace("`", ""))
