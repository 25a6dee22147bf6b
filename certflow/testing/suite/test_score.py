"""The score of `--certflow-score` against the mixture, a part of `check_score` a test."""

from __future__ import annotations

from typing import Any

import pytest

from certflow.testing.options import mixture_loaded, mixture_sources, score_of, seed_of
from certflow.testing.parametrize import Case, check_cases


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each part, and one that is skipped where no score is named."""
    named = score_of(metafunc.config)
    values: list[Any] = [pytest.param(None, id="none", marks=pytest.mark.skip(reason="--certflow-score names none"))]
    if named is not None:
        score, options = named
        (source,) = mixture_sources(metafunc.config)
        cases = check_cases("score", score, mixture_loaded(source), seed=seed_of(metafunc.config), **options)
        values = [pytest.param(case, id=case.id) for case in cases]
    metafunc.parametrize("check", values)


def test_score(check: Case) -> None:
    check()
