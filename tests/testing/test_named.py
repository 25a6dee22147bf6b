"""What a command line may name, and how what it names in vain is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import certflow as cf
from certflow.errors import InputError
from certflow.testing.named import SCHEDULES, modules_of, named, schedule_named

MODULE = """
import certflow as cf

def score(x, t):
    return -x

def made():
    return score

def model():
    return cf.Model(score, "score", cf.schedules.ornstein_uhlenbeck())

def __getattr__(name):
    if name == "refused":
        cf.load_mixture("nobody")
    if name == "heavy":
        raise ImportError("no library\\nof this name")
    raise AttributeError(name)
"""


@pytest.fixture
def module(tmp_path: Path) -> Any:
    name = f"of_a_command_line_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(MODULE)
    with modules_of(tmp_path):
        yield name


@pytest.mark.parametrize(("name", "code"), [("score", "f = {}.score"), ("made", "f = {}.made()")])
def test_a_function_is_found_or_made(module: str, name: str, code: str) -> None:
    for models in (True, False):
        found = named(f"{module}:{name}", "F", models)
        assert found.value(2, 0) == -2
        assert found.code == f"import {module}\n{code.format(module)}"


def test_a_model_is_found_where_one_will_do(module: str) -> None:
    assert isinstance(named(f"{module}:model", "F").value, cf.Model)
    with pytest.raises(InputError, match=r"required: a callable f\(x, tau\), not an object of type Model$"):
        named(f"{module}:model", "F", models=False)


def test_a_name_that_is_looked_up_in_vain_is_told_in_one_line(module: str) -> None:
    with pytest.raises(InputError, match=r"\(ImportError: no library of this name\)$"):
        named(f"{module}:heavy", "F")
    with pytest.raises(InputError, match=r"^F: got .*\(InputError: MIXTURE: got 'nobody'; "):
        named(f"{module}:refused", "F")
    with pytest.raises(InputError, match=r"\(it has no light\)$"):
        named(f"{module}:light", "F")


@pytest.mark.parametrize("text", ["..:f", ".a:f", "a..b:f", "a:", ":f", "a", "a:f:g", "a:f.", "a b:f", "a/b.py:f", ""])
def test_what_names_nothing_in_a_module_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"^F: got .*; required: MODULE:NAME, .*score:noise for noise in score\.py"):
        named(text, "F")


def test_every_schedule_of_the_package_has_a_name_here() -> None:
    makers = {name for name in cf.schedules.__all__ if name.islower()} - {"typical_rate", "from_alphas_cumprod"}
    assert {name.replace("-", "_") for name in SCHEDULES} == makers
    for name in makers:
        made = getattr(cf.schedules, name)()
        assert repr(schedule_named(name, "F")) == repr(schedule_named(name.replace("_", "-"), "F")) == repr(made)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("flow-matching:shift=3", cf.schedules.flow_matching(shift=3)),
        ("flow_matching:shift=3/2", cf.schedules.flow_matching(shift=1.5)),
        ("variance_preserving:beta_min=0.2, beta_max=10", cf.schedules.variance_preserving(0.2, 10)),
    ],
)
def test_a_schedule_has_its_options(text: str, right: Any) -> None:
    assert schedule_named(text, "F") == right


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("karras", "F: got 'karras'; required: one of edm, "),
        ("edm:rho=7", "F: got 'edm:rho=7'; required: edm without options"),
        ("flow-matching:shift=1,shift=2", "required: options key=value of flow-matching, each once: shift"),
        ("flow-matching:shift=0", "F flow-matching:shift: got 0; required: a finite number > 0"),
    ],
)
def test_a_schedule_that_is_none_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError) as refused:
        schedule_named(text, "F")
    assert message in str(refused.value)
