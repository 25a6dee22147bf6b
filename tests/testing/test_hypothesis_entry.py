"""Hypothesis finds the strategies by the entry point of the package."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import find, settings
from hypothesis import strategies as st

import certflow as cf
from certflow.testing.hypothesis_entry import register

ONCE = settings(max_examples=200, database=None, derandomize=True)


def test_types_are_drawn() -> None:
    register()
    smallest = find(st.from_type(cf.GaussianMixture), lambda m: True, settings=ONCE)
    assert repr(smallest) == "cf.GaussianMixture([1], [[0]], 1, name='random-common-isotropic')"
    process = find(st.from_type(cf.OrnsteinUhlenbeck), lambda p: p.mixture.n_components == 2, settings=ONCE)
    assert process.t_min == 0.01
    assert find(st.builds(lambda mixture: mixture, st.from_type(cf.GaussianMixture)), lambda m: True, settings=ONCE)


def test_the_entry_point_is_the_function() -> None:
    page = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    module, _, name = tomllib.loads(page)["project"]["entry-points"]["hypothesis"]["certflow"].partition(":")
    assert getattr(import_module(module), name) is register


@pytest.mark.parametrize("first", ["hypothesis", "certflow.process"])
def test_classes_are_known_whichever_is_loaded_first(first: str) -> None:
    code = f"import {first}, hypothesis; from certflow.testing.hypothesis_entry import register; register()\n"
    code += "import certflow as cf; cf.OrnsteinUhlenbeck; hypothesis.find(hypothesis.strategies.from_type("
    code += "cf.OrnsteinUhlenbeck), lambda p: True)"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "HYPOTHESIS_NO_PLUGINS": "1"})


def test_it_loads_nothing() -> None:
    code = (
        "import sys; from certflow.testing.hypothesis_entry import register; register(); "
        "print(sorted(name for name in sys.modules if name.startswith('certflow')), 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = ["certflow", "certflow.errors", "certflow.lazy", "certflow.testing", "certflow.testing.hypothesis_entry"]
    assert done.stdout.strip() == f"{names} False"


def test_strategies_without_hypothesis_are_one_line() -> None:
    code = "import sys; sys.modules['hypothesis'] = None\nimport certflow.testing as t\ntry: t.mixtures\n"
    code += "except ValueError as error: print(error)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "hypothesis: got 'not installed'; required: pip install hypothesis"
