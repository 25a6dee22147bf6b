"""Hypothesis finds the strategies by the entry point of the package."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

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


def test_what_it_loads_is_numpy() -> None:
    code = (
        "import sys; from certflow.testing.hypothesis_entry import register; register(); "
        "print([name for name in ('torch', 'sympy', 'scipy', 'mpmath', 'flint', 'pydantic', 'matplotlib', "
        "'certflow.testing.strategies') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
