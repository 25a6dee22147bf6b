"""Names of this package that comments, docstrings and pages cite are there."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CITED = re.compile(r"`(certflow(?:\.\w+)+)(?:\(\))?`")
PAGES = [*ROOT.glob("certflow/**/*.py"), *ROOT.glob("proofs/*.md"), *ROOT.glob("docs/**/*.md")]
PAGES += [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")]
NAMES = {name: str(page.relative_to(ROOT)) for page in PAGES for name in CITED.findall(page.read_text())}


def exists(name: str) -> bool:
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError as missing:
            if not str(missing.name).startswith("certflow"):
                raise  # a package that the module needs
            continue
        for part in parts[count:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def test_a_name_that_is_not_there_is_found_out():
    assert not exists("certflow.distill.ledger.SMALL")
    assert not exists("certflow.no_such_room")


@pytest.mark.parametrize("name", sorted(NAMES))
def test_cited_names_exist(name):
    assert exists(name), NAMES[name]
