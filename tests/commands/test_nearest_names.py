"""A name that is not known is answered with the nearest that is, on the command line and in Python."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import certflow as cf
from certflow.composition.blocks import local_error_bound
from certflow.errors import InputError, did_you_mean, nearest
from certflow.law.library import from_mapping

LINES = {
    "mixture": ("bound irsi", "iris"),
    "case": ("bound IRIS", "iris"),
    "underscore": ("bound two_modes", "two-modes"),
    "mixture to show": ("mixtures show wien", "wine"),
    "kind": ("grid two-modes --segments 4 --kind Karras", "karras"),
    "kind of a distillation": ("distill two-modes --segments 1 --grids unifrom", "uniform"),
    "rate": ("grid two-modes --segments 4 --kind typical --rate Spectrl", "spectral"),
    "sampler": ("grid two-modes --sampler dpmp-2m", "dpmpp-2m"),
    "format of an export": ("grid two-modes --export difusers", "diffusers"),
    "scheduler": ("grid two-modes --segments 4 --scheduler EulerDiscretScheduler", "EulerDiscreteScheduler"),
    "doctor's library": ("doctor [1,0.5] --as k-difusion", "k-diffusion"),
    "claim": ("claims L22", "L2"),
    "claims of verify": ("verify two-modes --claims L2,S22", "S2"),
    "profile": ("verify two-modes --profile ful", "full"),
    "format": ("claims --format jsn", "json"),
    "covariance type": ("mixtures fit x.csv --components 2 --covariance-type sferical", "spherical"),
    "prediction": ("audit math:sin two-modes --predicts epsilom", "epsilon"),
    "schedule": ("audit math:sin two-modes --schedule flow-macthing", "flow-matching"),
    "command": ("verfy two-modes", "verify"),
    "command below": ("mixtures lst", "list"),
    "option": ("bound iris --shap", "--sharp"),
}


@pytest.mark.parametrize("case", LINES)
def test_a_command_line_names_the_nearest(case: str, command: Callable[..., Any]) -> None:
    if case == "kind of a distillation":
        pytest.importorskip("torch")
    line, meant = LINES[case]
    ended = command(*line.split())
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    assert ended.err.endswith(f"; did you mean {meant}?\n")


def process() -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))


CALLS: dict[str, tuple[Callable[[], Any], str]] = {
    "mixture": (lambda: cf.load_mixture("ring8"), "ring-8"),
    "kind": (lambda: cf.time_grid(process(), 4, kind="stability-balancd"), "stability-balanced"),
    "option of a kind": (lambda: cf.time_grid(process(), 4, kind="karras", rh=7), "rho"),
    "rate": (lambda: process().stability(0.1, 1, rate="one_sided"), "one-sided"),
    "rigorous rate": (lambda: cf.enclosure.stability(process(), "0.1", "1", "onesided"), "one-sided"),
    "export": (lambda: cf.time_grid(process(), 4, kind="uniform").export("k_diffusion"), "k-diffusion"),
    "profile": (lambda: cf.verify(process(), ["G3"], "quik"), "quick"),
    "claims": (lambda: cf.verify(process(), ["G33"]), "G3"),
    "covariance type": (lambda: cf.GaussianMixture.fit([[0.0], [1.0]], 1, "tide"), "tied"),
    "key of a mixture": (lambda: from_mapping({"schema": "certflow/mixture/1", "weight": [1]}), "weights"),
    "prediction": (
        lambda: cf.Model(lambda x, tau: x, predicts="v-predicton", schedule=cf.schedules.edm()),
        "v_prediction",
    ),
    "method of a block": (lambda: local_error_bound(0.1, 0, 1, 1, 1, "Midpoint"), "midpoint"),
    "kind of a check": (lambda: cf.testing.parametrize_with_checks("jacobien", lambda x, t: x), "jacobian"),
}


@pytest.mark.parametrize("case", CALLS)
def test_a_call_names_the_nearest(case: str) -> None:
    call, meant = CALLS[case]
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value).endswith(f"; did you mean {meant}?")
    assert "\n" not in str(caught.value)


def test_a_file_near_the_one_that_was_meant(tmp_path: Path) -> None:
    written = tmp_path / "my-mixture.json"
    written.write_text(json.dumps({"kind": "any"}))
    with pytest.raises(InputError, match=r"; did you mean \S*my-mixture\.json\?$"):
        cf.load_mixture(tmp_path / "my-mixure.json")


@pytest.mark.parametrize("value", ["", "zzzz", 3, None, ["iris"], "x" * 10_000])
def test_what_is_near_nothing_is_asked_nothing(value: object) -> None:
    assert nearest(value, ["iris", "wine"]) is None
    assert did_you_mean(value, ["iris", "wine"]) == ""
