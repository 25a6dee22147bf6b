"""The proof pages are found beside a checkout and in an installed package, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from certflow.claims import proof_pages
from certflow.claims.proof_pages import proof_page
from certflow.claims.registry import STATEMENTS

FOLDER = Path(__file__).resolve().parents[2] / "proofs"


@pytest.mark.parametrize("identifier", STATEMENTS)
def test_every_statement_has_its_page(identifier):
    path = FOLDER.parent / STATEMENTS[identifier].proof
    assert proof_page(path.stem) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["", "S99", "../README", "L2.md", "/etc/hosts", "\0", "L2\n"])
def test_there_is_no_page_of_another_name(name):
    assert proof_page(name) is None


def test_an_installed_package_has_its_own(monkeypatch, tmp_path):
    (tmp_path / "proofs").mkdir()
    (tmp_path / "proofs" / "L2.md").write_text("# Installed\n", encoding="utf-8")
    monkeypatch.setattr(proof_pages, "files", lambda name: tmp_path)
    assert proof_page.__wrapped__("L2") == "# Installed\n"
    assert proof_page.__wrapped__("S1") is None
