"""Results of checks: what they print, what they carry between processes and into JSON."""

from __future__ import annotations

import json
import pickle

import numpy as np

import certflow as cf
from certflow.claims.fingerprint import live_digests
from certflow.testing.hearing import listening, tell
from certflow.testing.result import Cause, CheckFailed, Counterexample, Result

FOUND = Counterexample(
    "mixture = cf.GaussianMixture([1], [[0]], 1)",
    {"x": np.array([0.5]), "t": 1.0},
    got=np.array([0.5]),
    expected=np.array([-0.5]),
    error=1.0,
    tolerance=1e-12,
)
FAILED = Result(
    "check_score", "typical points", False, "wrong at 3 of 64 points", 64, FOUND, (Cause("sign", "minus it"),)
)


def test_a_failure_shows_the_counterexample_and_its_cause() -> None:
    assert str(CheckFailed(FAILED)).splitlines() == [
        "check_score, typical points: wrong at 3 of 64 points",
        "",
        "    mixture = cf.GaussianMixture([1], [[0]], 1)",
        "    x = [0.5]",
        "    t = 1.0",
        "    got      [0.5]",
        "    expected [-0.5]",
        "    error 1, 1e+12 times the tolerance 1e-12",
        "",
        "likely cause: minus it (sign)",
    ]


def test_results_and_failures_are_public() -> None:
    assert cf.testing.CheckFailed is CheckFailed
    assert cf.testing.Result is Result


def test_a_failure_passes_between_processes() -> None:
    again = pickle.loads(pickle.dumps(CheckFailed(FAILED)))
    assert isinstance(again, AssertionError)
    assert str(again.result) == str(FAILED)


def test_a_result_is_true_where_it_passed() -> None:
    assert not FAILED
    assert Result("check_score", "", True, "no counterexample")


def test_json_has_lists_and_no_number_that_json_does_not_have() -> None:
    lost = Counterexample("", {"x": np.array([np.nan])}, np.inf, 0, np.inf, 0.0)
    whole = Result("check_score", "", False, "", parts=(FAILED, Result("check_score", "far", False, "", 1, lost)))
    found = json.loads(json.dumps(whole.to_mapping(), allow_nan=False))
    assert found["parts"][0]["counterexample"]["inputs"] == {"x": [0.5], "t": 1.0}
    assert found["parts"][1]["counterexample"]["got"] == "inf"


def test_who_listens_hears_of_results_until_the_block_ends() -> None:
    heard: list[tuple[str, str]] = []
    with listening(lambda result, about: heard.append((result.part, about["subject"]))):
        tell(FAILED, subject="mine", mixture="two-modes")
        with listening(lambda result, about: heard.append(("inner", about["mixture"]))):
            tell(FAILED)
    tell(FAILED)
    assert heard == [("typical points", "mine"), ("typical points", ""), ("inner", "")]


def test_the_code_is_the_same_while_someone_listens() -> None:
    """What was derived is kept for the code as it is in memory; a run of pytest with the plugin finds it again."""
    before, heard = live_digests(), []
    with listening(lambda result, _: heard.append(result)):
        tell(FAILED)
        assert live_digests() == before
