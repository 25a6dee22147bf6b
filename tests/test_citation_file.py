"""CITATION.cff is what the Citation File Format 1.2.0 asks for, and says what the package says of itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import certflow

yaml = pytest.importorskip("yaml")
ROOT = Path(__file__).parents[1]

#: Of the schema 1.2.0: the fields that are required, and those allowed of which this file could make use.
REQUIRED = {"cff-version", "message", "title", "authors"}
ALLOWED = REQUIRED | {"abstract", "type", "version", "license", "keywords", "references", "identifiers", "url"}
REFERENCE = {"type", "title", "authors", "year", "url", "identifiers"}
PERSON, ENTITY = {"family-names", "given-names"}, {"name", "website"}


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def test_its_fields_are_those_of_the_schema(found: dict[str, Any]) -> None:
    assert REQUIRED <= set(found) <= ALLOWED
    assert found["cff-version"] == "1.2.0"
    assert found["type"] == "software"
    for reference in found["references"]:
        assert {"type", "title", "authors"} <= set(reference) <= REFERENCE
        assert all(set(one) == {"type", "value"} for one in reference["identifiers"])
        assert {one["type"] for one in reference["identifiers"]} <= {"doi", "url", "swh", "other"}
        assert isinstance(reference["year"], int)
    for author in (*found["authors"], *(one for reference in found["references"] for one in reference["authors"])):
        assert set(author) <= PERSON or "name" in author
        assert set(author) <= PERSON | ENTITY


def test_it_says_what_the_package_says(found: dict[str, Any]) -> None:
    assert found["version"] == certflow.__version__
    assert found["authors"] == [{"name": "certflow developers"}]
    assert found["license"] == "Apache-2.0"
    assert re.search(r'^license = "Apache-2\.0"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)


def test_it_names_the_paper(found: dict[str, Any]) -> None:
    (paper,) = found["references"]
    assert paper["title"] == "A Quantitative Approximation Framework for Flow Distillation in Diffusion Models"
    assert paper["identifiers"] == [{"type": "other", "value": "arXiv:2606.03820"}]
    assert paper["url"] == "https://arxiv.org/abs/2606.03820"
