"""What proof pages say of their tier, against the table of theorems and the claims whose certificates have theorems."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from certflow.claims.machine_checked import TIERS, machine_checked
from certflow.claims.model import Extent
from certflow.claims.registry import STATEMENTS
from certflow.formal.text import STATEMENTS as SERVED

ROOT = Path(__file__).parents[2]
PROOFS = ROOT / "proofs"
#: Pages that prove nothing.
NO_PROOFS = {"README", "evidence", "trust", "formal"}
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in PROOFS.glob("*.md") if path.stem not in NO_PROOFS}
FORMAL = (PROOFS / "formal.md").read_text(encoding="utf-8")
#: The pages to which the table of theorems leads.
LISTED = {
    page
    for row in re.findall(r"^\| (\[.*?) \| `", FORMAL, re.MULTILINE)
    for page in re.findall(r"\]\(([\w-]+)\.md\)", row)
}


@pytest.mark.parametrize("page", sorted(PAGES))
def test_every_proof_page_says_its_tier_once(page: str) -> None:
    found = re.findall(r"Machine-checked\W*\*([^*]+)\*:?", PAGES[page])
    assert len(found) == 1, found
    assert found[0] in TIERS
    assert (found[0] != "Not formal") == (page in LISTED)
    assert ("proofs/coq/" in PAGES[page]) == (page in LISTED)


def test_reports_say_of_each_claim_what_its_page_says() -> None:
    for claim in STATEMENTS:
        found = machine_checked(claim)
        assert (found is not None) == (claim in LISTED)
        if found is None:
            continue
        tier = "Formal, general" if found.extent is Extent.STATEMENT else "Formal, general, in part"
        assert f"*{tier}*: " in PAGES[claim]
        assert not re.search(r"[`*\]]|\.md", re.sub(r"\$[^$]*\$", "", found.says))
        assert found.says.endswith(".")
        assert re.search(r"proofs/coq/\w+\.v", found.says)


@pytest.mark.parametrize(
    ("claim", "left_out"),
    [
        ("E2", "The law $p_T$ and other $q$ are not covered."),
        ("M2", "finitely many points"),
        ("L4", "More means, and $L$, are not covered."),
        ("S1", "full covariances, are not covered."),
        ("F1", "Other covariances are not covered."),
        ("E4", "The fourth order"),
    ],
)
def test_what_is_covered_in_part_says_what_is_left_out(claim: str, left_out: str) -> None:
    found = machine_checked(claim)
    assert found is not None
    assert found.extent is Extent.PART
    assert left_out in found.says


def test_pages_of_claims_with_theorems_of_one_mixture_say_so() -> None:
    claims = {page for page, text in PAGES.items() if "*Formal, instance*: what a certificate of" in text}
    assert claims == set(SERVED)


def test_what_is_no_claim_is_not_machine_checked() -> None:
    assert machine_checked("Z9") is None
    assert machine_checked("../secret") is None
