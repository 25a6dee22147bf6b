"""`certflow doctor`: exit codes, what is printed, files, and bad input in one line."""

from __future__ import annotations

import json
import math
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import pytest

from certflow import GaussianMixture
from certflow.diagnosis import measuring
from certflow.grids.grid import TimeGrid
from certflow.law.formats import to_mapping


def test_a_good_list_is_exit_code_0(command):
    ended = command("doctor", "14.6, 5.1, 1.2, 0", "--as", "k-diffusion")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("k-diffusion: no errors, no advice\n3 noise levels, t from 2.683 to 0.446 in OU time")


def test_an_error_is_exit_code_1_with_its_place_and_a_line_that_mends_it(command):
    ended = command("doctor", "[14.6, 5.1, 5.1, 1.2]", "--as", "k-diffusion")
    assert ended.code == 1
    assert "error: repeated" in ended.out
    assert "sigmas[2] = 5.1" in ended.out
    assert "mend: sigmas = sorted(set(sigmas), reverse=True)" in ended.out
    assert ended.out.endswith("Mended: sigmas = [14.6, 5.1, 1.2, 0]\n")
    mended = ended.out.rpartition("Mended: ")[2]
    assert command("doctor", mended, "--as", "k-diffusion").code == 0


def test_advice_alone_is_exit_code_0(command):
    ended = command("doctor", "timesteps = [750, 500, 250, 0]", "--as", "diffusers")
    assert ended.code == 0
    assert "no errors, 1 piece of advice" in ended.out
    assert "advice: first-time-depends-on-steps" in ended.out


def test_json_has_everything(command):
    ended = command("doctor", "nan, 3, 1", "--as", "ou", "--format", "json")
    assert ended.code == 1
    found = json.loads(ended.out)
    assert (found["schema"], found["meant_for"], found["ok"]) == ("certflow/diagnosis/1", "ou", False)
    assert found["times"] == [3.0, 1.0]
    assert found["mended"] == {"times": [3.0, 1.0]}
    (finding,) = found["findings"]
    assert finding["name"] == "not-a-level"
    assert (finding["level"], finding["where"], finding["index"], finding["value"]) == ("error", "times", 0, "nan")
    assert finding["message"]
    assert finding["mend"]


def test_the_scheduler_is_a_name_or_a_file(command, tmp_path):
    config = tmp_path / "scheduler_config.json"
    config.write_text(json.dumps({"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 3.0, "x": 1}))
    sigmas = "sigmas=[1.0, 0.9, 0.75, 0.5]"
    assert command("doctor", sigmas, "--as", "diffusers", "--scheduler", "FlowMatchEulerDiscreteScheduler").code == 0
    ended = command("doctor", sigmas, "--as", "diffusers", "--scheduler", config)
    assert ended.code == 1
    assert "error: shifted-twice" in ended.out
    assert "Mended: sigmas = [1, 0.75, 0.5, 0.25]" in ended.out


def test_the_number_of_steps_counts(command):
    line = ("doctor", "14.6, 5.1, 1.2, 0", "--as", "k-diffusion", "--steps")
    assert command(*line, 3).code == 0
    assert "error: too-few" in command(*line, 4).out
    assert "error: too-many" in command(*line, 2).out


@pytest.mark.parametrize("format", ["diffusers", "k-diffusion", "json"])
def test_what_certflow_grid_exports_is_fine(command, tmp_path, format):
    text = TimeGrid("logsnr", [3.0, 1.77, 0.67, 0.107, 0.01]).export(format).text()  # what the command prints
    (tmp_path / "grid.json").write_text(text, encoding="utf-8")
    ended = command("doctor", tmp_path / "grid.json", "--as", "ou" if format == "json" else format)
    assert ended.code == 0, ended.out
    assert "no errors" in ended.out


def test_an_export_for_edm_of_one_step_divides_by_zero(command, tmp_path):
    made = TimeGrid("custom", [2.0, 0.1]).export("edm").mapping()
    for count, code in ((2, 0), (1, 1)):
        made["arguments"]["num_steps"] = count
        (tmp_path / "edm.json").write_text(json.dumps(made), encoding="utf-8")
        ended = command("doctor", tmp_path / "edm.json", "--as", "k-diffusion")
        assert ended.code == code
        assert ("error: one-step" in ended.out) == (count == 1)


@pytest.fixture
def gaussian(tmp_path):
    """The file of a mixture of one component."""
    law = tmp_path / "law.json"
    law.write_text(json.dumps(to_mapping(GaussianMixture([1], [[0]], "0.3"))), encoding="utf-8")
    return law


@pytest.mark.skipif(find_spec("torch") is None, reason="a search needs torch")
def test_a_mixture_tells_the_error_and_the_best_steps(command, gaussian):
    """On one Gaussian the best steps of Euler are even in `arctan(sigma / sqrt(v))` (G6)."""
    line = ("doctor", "20, 19, 18, 0.1, 0", "--as", "k-diffusion", "--mixture", gaussian)
    ended = command(*line, "--format", "json")
    assert (ended.code, ended.err) == (0, "")
    found = json.loads(ended.out)
    measured = found["measured"]
    assert (measured["sampler"], measured["evaluations"], measured["reason"]) == ("euler", 4, None)
    scale = math.sqrt(0.3)
    angles = np.linspace(math.atan(20 / scale), math.atan(0.1 / scale), 4)
    assert measured["steps"]["sigmas"] == pytest.approx([*scale * np.tan(angles), 0], rel=0.02)
    errors = [
        (math.prod(math.cos(math.atan(a / scale) - math.atan(b / scale)) for a, b in pairwise(levels)) - 1) ** 2
        for levels in ([20, 19, 18, 0.1], measured["steps"]["sigmas"][:-1])
    ]
    assert [measured["relative_mse"], measured["best_relative_mse"]] == pytest.approx(errors, rel=1e-4)
    assert measured["times_the_best"] == pytest.approx(errors[0] / errors[1], rel=1e-4)
    (advice,) = found["findings"]
    assert (advice["name"], advice["mend"]) == ("better-steps", measured["mend"])


def test_without_torch_the_error_is_measured_and_no_better_steps_are_sought(command, gaussian, monkeypatch):
    monkeypatch.setattr(measuring, "find_spec", lambda name: None)
    ended = command("doctor", "20, 19, 18, 0.1, 0", "--as", "k-diffusion", "--mixture", gaussian, "--format", "json")
    assert (ended.code, ended.err) == (0, "")
    measured = json.loads(ended.out)["measured"]
    assert measured["relative_mse"] > 0
    assert (measured["steps"], measured["kind"]) == (None, "these steps")
    assert any("pip install 'certflow[torch]'" in note for note in measured["notes"])


def test_a_mixture_is_told_of_in_words(command, gaussian):
    ended = command("doctor", "20, 0.1, 0", "--as", "k-diffusion", "--mixture", gaussian)
    assert (ended.code, ended.err) == (0, "")
    assert "measured with euler (the default, as k-diffusion implies none), 2 evaluations:" in ended.out
    assert "Left out is the last step, from sigma = 0.1 to 0" in ended.out


def test_errors_are_found_beside_what_is_measured(command, gaussian):
    ended = command("doctor", "3, 3, 1", "--as", "ou", "--mixture", gaussian, "--sampler", "heun")
    assert ended.code == 1
    assert "not measured with heun (asked for): times do not fall strictly" in ended.out
    ended = command("doctor", "14.6, 1.2", "--as", "k-diffusion", "--mixture", gaussian, "--sampler", "dpmpp-2m")
    assert ended.code == 1
    assert "measured with dpmpp-2m (asked for), 1 evaluation:" in ended.out
    assert "error: zero-missing" in ended.out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("1, 2",), "Missing option '--as'"),
        (("1, 2", "--as", "jax"), "--as: got 'jax'; required: one of diffusers, k-diffusion, ou"),
        (("nothing.txt", "--as", "ou"), "FILE|LIST: got 'nothing.txt'; required: a file of numbers"),
        ((".", "--as", "ou"), "FILE|LIST: got '.'; required: a file of numbers"),
        (("x" * 5000, "--as", "ou"), "required: a file of numbers"),
        (("1, a", "--as", "ou"), "FILE|LIST: got '1, a'"),
        (("[]", "--as", "ou"), "required: shape (n,), 1 <= n"),
        (('["a"]', "--as", "ou"), "times"),
        (('{"levels": [1]}', "--as", "diffusers"), "FILE|LIST: got ['levels']"),
        (("1, 0.5", "--as", "diffusers", "--steps", "0"), "--steps: got '0'"),
        (("1, 0.5", "--as", "diffusers", "--steps", "many"), "--steps: got 'many'"),
        (("1, 0.5", "--as", "diffusers", "--format", "xml"), "--format: got 'xml'"),
        (("1, 0.5", "--as", "diffusers", "--scheduler", "Magic"), "--scheduler: got 'Magic'"),
        (("1, 0.5", "--as", "diffusers", "--scheduler", "no.json"), "--scheduler: got 'no.json'"),
        (("1, 0.5", "--as", "diffusers", "--scheduler", "A" * 300), "--scheduler: got 'AAA"),
        (("1, 0.5", "--as", "ou", "--scheduler", "DDIMScheduler"), "--scheduler: got 'DDIMScheduler'"),
        (("1, 0.5", "--as", "ou", "--sampler", "heun"), "--sampler: got 'heun'; required: --mixture beside it"),
        (
            ("1, 0.5", "--as", "ou", "--mixture", "two-modes", "--sampler", "ddim"),
            "--sampler: got 'ddim'; required: one",
        ),
        (("1, 0.5", "--as", "ou", "--mixture", "two-moods"), "--mixture: got 'two-moods'"),
        (("1, 0.5", "--as", "ou", "--mixture", __file__), "--mixture: got"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(command, arguments, line):
    ended = command("doctor", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert line in ended.err
    assert ended.err.count("\n") == 1
