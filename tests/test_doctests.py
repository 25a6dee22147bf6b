"""The examples in docstrings print what they say."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest
from depth import night

PACKAGE = Path(__file__).parent.parent / "certflow"

#: Modules with an example.
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


#: They train, or examine as much as a user does.
DEAR = ("certflow.auditing.examination", "certflow.networks.residual.network", "certflow.planning.time_grid")
#: Their examples need torch, which the modules do not import.
OF_TORCH = ("certflow.networks.score",)


@pytest.mark.parametrize("name", [*(name for name in MODULES if name not in DEAR), *night(*DEAR)])
def test_examples_of_a_module(name: str) -> None:
    if name in OF_TORCH:
        pytest.importorskip("torch")
    failed, attempted = doctest.testmod(importlib.import_module(name))
    assert attempted > 0
    assert failed == 0


def test_every_public_method_of_the_process_has_an_example() -> None:
    from certflow import OrnsteinUhlenbeck

    methods = {name: member for name, member in vars(OrnsteinUhlenbeck).items() if not name.startswith("_")}
    assert [name for name, member in methods.items() if ">>> " not in (member.__doc__ or "")] == []
