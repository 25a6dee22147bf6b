"""`certflow grid` for solvers: which grid for which target, what it costs, and what a students' grid does there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import certflow as cf
from certflow.commands.grid_request import Request, request_of
from certflow.grids import KINDS
from certflow.grids.export.stepping import STEPPING
from certflow.samplers.error import start

Command = Callable[..., Any]
NEEDS_TORCH = pytest.mark.skipif(find_spec("torch") is None, reason="a search needs torch")
PROCESS = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "3")
DEFAULTS = dict.fromkeys(
    ("segments", "steps", "tolerance", "kind", "rate", "sampler", "export", "scheduler", "code"), None
) | {"code": False}


def asked(**options: Any) -> Request:
    return request_of(**{**DEFAULTS, **options})


@pytest.fixture
def small_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few points and three rivals."""
    pytest.importorskip("torch")
    from certflow.commands import grid_making
    from certflow.planning import solver_grids

    monkeypatch.setattr(grid_making, "SAMPLES", 4096)
    monkeypatch.setattr(solver_grids, "SAMPLES", 256)
    monkeypatch.setattr(solver_grids, "KINDS", {kind: KINDS[kind] for kind in ("flow-matching", "logsnr", "typical")})


@pytest.fixture
def no_search(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What is asked of the pilot and the search, which answer with a grid at once."""
    from certflow.commands import grid_making

    calls: list[tuple[Any, ...]] = []

    def quick(process: Any, segments: int, kind: str, rate: Any = None, **options: Any) -> Any:
        sampler = options.get("sampler", "distilled")
        options.pop("progress", None)
        if kind != "auto":
            return cf.time_grid(process, segments, kind, rate, **options)
        calls.append((sampler, segments))
        told = {"predicted_relative_mse": 1e-3, "within_factor": 1.5, "reason": "0.5 times the error of logsnr"}
        return cf.grids.TimeGrid("optimised", cf.time_grid(process, segments, "logsnr").times, told, sampler)

    monkeypatch.setattr(grid_making, "time_grid", quick)
    monkeypatch.setattr(grid_making, "SAMPLES", 2048)
    return calls


# -- what a line means -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "sampler", "kind", "target"),
    [
        ({}, "distilled", "auto", None),
        ({"sampler": "heun"}, "heun", "auto", None),
        ({"export": "json"}, "distilled", "auto", None),
        ({"export": "json", "sampler": "euler"}, "euler", "auto", None),
        ({"export": "diffusers"}, "euler", "auto", "EulerDiscreteScheduler"),
        ({"export": "k-diffusion"}, "euler", "auto", "sample_euler"),
        ({"export": "diffusers", "sampler": "heun"}, "heun", "auto", "HeunDiscreteScheduler"),
        ({"export": "diffusers", "sampler": "dpmpp-2m"}, "dpmpp-2m", "auto", "DPMSolverMultistepScheduler"),
        ({"export": "k-diffusion", "sampler": "dpmpp-2m"}, "dpmpp-2m", "auto", "sample_dpmpp_2m"),
        ({"export": "diffusers", "sampler": "distilled"}, "distilled", "auto", "EulerDiscreteScheduler"),
        ({"export": "edm"}, "heun", "karras", "edm_sampler"),
        ({"scheduler": "LCMScheduler"}, "distilled", "auto", "LCMScheduler"),
        (
            {"scheduler": "UniPCMultistepScheduler", "export": "diffusers"},
            "dpmpp-2m",
            "auto",
            "UniPCMultistepScheduler",
        ),
        ({"scheduler": "sample_dpm_2"}, "heun", "auto", "sample_dpm_2"),
        ({"scheduler": "HeunDiscreteScheduler", "kind": "typical"}, "heun", "typical", "HeunDiscreteScheduler"),
        ({"code": True, "sampler": "heun"}, "heun", "auto", "HeunDiscreteScheduler"),
        ({"rate": "sharp"}, "distilled", "stability-balanced", None),
        ({"rate": "spectral"}, "distilled", "typical", None),
        ({"rate": "rescaled"}, "distilled", "entropic", None),
        ({"rate": "one-sided", "tolerance": 0.1}, "distilled", "auto", None),
    ],
)
def test_what_is_implied(options: dict[str, Any], sampler: str, kind: str, target: str | None) -> None:
    request = asked(**options)
    found = None if request.target is None else request.target.stepping.name
    assert (request.sampler, request.kind, found) == (sampler, kind, target)
    if found is not None:
        assert request.export == STEPPING[found].format


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("--sampler ddim", "--sampler: got 'ddim'; required: one of distilled, euler, heun, dpmpp-2m"),
        (
            "--sampler heun --scheduler EulerDiscreteScheduler",
            "--sampler: got 'heun'; required: euler or distilled: EulerDiscreteScheduler goes with euler",
        ),
        (
            "--sampler euler --scheduler LCMScheduler",
            "--sampler: got 'euler'; required: distilled: LCMScheduler runs networks that were distilled",
        ),
        ("--sampler dpmpp-2m --export edm", "--sampler: got 'dpmpp-2m'; required: heun or distilled: edm_sampler goes"),
        (
            "--export k-diffusion --scheduler HeunDiscreteScheduler",
            "--export: got 'k-diffusion'; required: diffusers, the format of HeunDiscreteScheduler",
        ),
        (
            "--export json --scheduler sample_heun",
            "--export: got 'json'; required: k-diffusion, the format of sample_heun",
        ),
        (
            "--scheduler HeunScheduler",
            "--scheduler: got 'HeunScheduler'; required: one that takes a grid: of diffusers",
        ),
        ("--scheduler DDIMScheduler", "--scheduler: got 'DDIMScheduler'; required: one that takes a grid (its set_tim"),
        ("--scheduler none.json", "--scheduler: got 'none.json'; required: a file that can be read"),
        ("--code --scheduler sample_heun --format json", "--format: got 'json'; required: no --code beside it"),
        ("--export edm --format csv", "--format: got 'csv'; required: no --export beside it"),
        ("--segments 4 --steps 5", "--steps: got '5'; required: no --segments beside it"),
        ("--steps 7 --sampler heun", "--steps: got '7'; required: 6 or 8: heun makes 2 evaluations in one segment"),
        (
            "--steps 8 --scheduler HeunDiscreteScheduler",
            "--steps: got '8'; required: 7 or 9: HeunDiscreteScheduler makes 3 evaluations in one segment, 2 in",
        ),
        (
            "--steps 1 --scheduler sample_euler",
            "--steps: got '1'; required: 2: sample_euler makes 2 evaluations in one",
        ),
        ("--steps 1 --sampler heun", "--steps: got '1'; required: 2: heun makes 2 evaluations in one segment"),
        ("--steps two", "--steps: got 'two'; required: an integer from 1"),
        ("--code", "--code: got 'no sampler'; required: --scheduler CLASS, --export FORMAT or --sampler of a solver"),
        ("--code --export json", "--code: got '--export json'; required: --export diffusers or k-diffusion"),
        ("--code --scheduler edm_sampler", "--code: got 'edm_sampler'; required: --export diffusers or k-diffusion"),
        ("--code --export edm", "--code: got '--export edm'; required: --export diffusers or k-diffusion"),
        ("--sampler heun --kind karras --tolerance 0.1", "--kind: got 'karras'; required: auto for a tolerance"),
        ("--sampler heun --kind karras --t-max 400", "--t-max: got 400.0; required: at most 350 for a solver"),
        (
            "--rate both",
            "--rate: got 'both'; required: one of one-sided, two-sided, sharp, frobenius, spectral, entropy",
        ),
    ],
)
@NEEDS_TORCH
def test_what_contradicts_itself_is_one_line(line: str, told: str, command: Command) -> None:
    ended = command("grid", "two-modes", *line.split())
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"certflow: {told}")
    assert len(ended.err.splitlines()) == 1


def test_a_name_longer_than_a_file_may_have(command: Command) -> None:
    ended = command("grid", "two-modes", "--scheduler", "A" * 5000)
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)


@pytest.mark.parametrize("content", ["[1, 2]", '{"shift": 3.0}', '{"_class_name": 3}'])
def test_a_file_that_is_no_config(content: str, command: Command, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(content)
    ended = command("grid", "two-modes", "--scheduler", tmp_path / "a.json")
    assert ended.code == 2
    assert ended.err.endswith("a.json'; required: a scheduler_config.json, with its _class_name\n")


# -- evaluations -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "six", "steps"),
    [
        ({}, 6, {1: 1, 8: 8}),
        ({"sampler": "euler"}, 6, {1: 1, 8: 8}),
        ({"sampler": "dpmpp-2m"}, 6, {5: 5}),
        ({"sampler": "heun"}, 12, {2: 1, 12: 6}),
        ({"scheduler": "EulerDiscreteScheduler"}, 7, {2: 1, 8: 7}),
        ({"scheduler": "HeunDiscreteScheduler"}, 13, {3: 1, 13: 6}),
        ({"export": "k-diffusion", "sampler": "heun"}, 13, {3: 1}),
        ({"export": "edm"}, 13, {13: 6}),
        ({"scheduler": "sample_dpmpp_sde"}, 13, {5: 2}),
        ({"scheduler": "LCMScheduler"}, 7, {4: 3}),
        ({"export": "json", "sampler": "heun"}, 12, {4: 2}),
    ],
)
def test_evaluations_are_counted(options: dict[str, Any], six: int, steps: dict[int, int]) -> None:
    """As real loops do: `test_grid_code.py` counts what the programs ask of their networks."""
    assert asked(segments="6", **options).evaluations(6) == six
    for number, segments in steps.items():
        assert asked(steps=str(number), **options).segments == segments


@pytest.mark.parametrize(
    ("line", "calls", "target", "evaluations"),
    [
        ("--scheduler HeunDiscreteScheduler --steps 7", [("heun", 3)], "HeunDiscreteScheduler", 7),
        ("--sampler heun --scheduler HeunDiscreteScheduler --steps 7", [("heun", 3)], "HeunDiscreteScheduler", 7),
        ("--scheduler sample_dpmpp_2m --steps 4", [("dpmpp-2m", 3)], "sample_dpmpp_2m", 4),
        ("--export diffusers --segments 3", [("euler", 3)], "EulerDiscreteScheduler", 4),
        ("--export k-diffusion --sampler heun --segments 3", [("heun", 3)], "sample_heun", 7),
    ],
)
@NEEDS_TORCH
def test_a_target_gets_a_grid_for_its_solver(
    line: str, calls: list[Any], target: str, evaluations: int, no_search: list[Any], command: Command
) -> None:
    ended = command("grid", "two-modes", *line.split())
    assert ended.code == 0
    found = json.loads(ended.out)
    assert no_search == calls
    assert (found["target"], found["evaluations"], found["sampler"]) == (target, evaluations, calls[0][0])
    assert f"optimised nodes for {calls[0][0]}, which {target} is; {evaluations} evaluations of the model" in ended.err
    assert "Predicted relative MSE 0.001, nine times in ten within a factor 1.50" in ended.err
    assert ("--scheduler CLASS names another target" in ended.err) == ("--scheduler" not in line)
    assert "warning" not in ended.err


@NEEDS_TORCH
def test_a_class_without_a_solver_of_ours_is_told(no_search: list[Any], command: Command) -> None:
    ended = command("grid", "two-modes", "--scheduler", "UniPCMultistepScheduler", "--segments", "4")
    assert (ended.code, no_search) == (0, [("dpmpp-2m", 4)])
    assert "dpmpp-2m, the nearest that there is to UniPCMultistepScheduler, for which no prediction holds" in ended.err
    assert "Predicted" not in ended.err


@pytest.mark.usefixtures("no_search")
def test_the_interval_ends_where_the_training_does(command: Command) -> None:
    line = ("grid", "two-modes", "--segments", "4", "--kind", "typical", "--scheduler", "LCMScheduler")
    ended = command(*line)
    alphas = np.cumprod(1 - np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2)
    latest = -np.log(alphas[-1]) / 2
    told = float(re.findall(r"t_max = ([0-9.]+), where the training range of LCMScheduler ends", ended.err)[0])
    assert latest - 1e-3 < told <= latest
    assert json.loads(ended.out)["arguments"]["timesteps"][0] == 999
    refused = command(*line, "--t-max", "3")
    assert (refused.code, len(refused.err.splitlines())) == (2, 1)
    assert "times in the training range of LCMScheduler" in refused.err


# -- a students' grid on a solver ------------------------------------------------------------------------------


def own_heun(times: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Heun's method in `sigma` on `x_0 + sigma n`, with the denoiser of the two modes written out."""
    sigmas = np.sqrt(np.expm1(2 * times))
    z = x * np.exp(times[0])

    def slope(z: np.ndarray, sigma: float) -> np.ndarray:
        variance = 0.04 + sigma**2
        data = (0.04 * z + sigma**2 * np.tanh(z[:, :1] / variance) * np.array([[1.0, 0.0]])) / variance
        return (z - data) / sigma

    for a, b in pairwise(sigmas):
        first = slope(z, a)
        z = z + (b - a) * (first + slope(z + (b - a) * first, b)) / 2
    return z * np.exp(-times[-1])


@pytest.mark.usefixtures("no_search")
@NEEDS_TORCH
def test_a_named_kind_on_a_solver_is_measured_beside_the_best(command: Command) -> None:
    line = ("--kind", "stability-balanced", "--segments", "8", "--sampler", "heun", "--format", "json")
    found = json.loads(command("grid", "two-modes", *line).out)
    x = start(PROCESS, 3.0, 2048, 0)
    exact = PROCESS.flow(x, 3.0, 0.01)
    own, best = (
        ((own_heun(cf.time_grid(PROCESS, 8, kind).times, x) - exact) ** 2).sum() / (exact**2).sum()
        for kind in ("stability-balanced", "logsnr")  # the latter stands for the search's here
    )
    measured = found["measured"]
    assert (found["kind"], found["sampler"], found["evaluations"]) == ("stability-balanced", "heun", 16)
    assert (measured["sampler"], measured["samples"], measured["best"]["kind"]) == ("heun", 2048, "optimised")
    assert measured["relative_mse"] == pytest.approx(own, rel=1e-4)
    assert measured["best"]["relative_mse"] == pytest.approx(best, rel=1e-4)
    assert 20 < own < 35  # 26 on other draws
    assert found["predicted_relative_mse"] is None


@pytest.mark.usefixtures("no_search")
@NEEDS_TORCH
def test_a_named_kind_that_is_exported_to_a_solver_is_told_on_stderr(command: Command) -> None:
    line = ("--kind", "stability-balanced", "--segments", "8", "--scheduler", "sample_heun")
    ended = command("grid", "two-modes", *line)
    assert ended.code == 0
    assert json.loads(ended.out)["arguments"]["sigmas"][-1] == 0
    found = re.findall(
        r"^certflow: warning: heun on stability-balanced: relative MSE ([0-9.]+); optimised: ([0-9.e-]+)$",
        ended.err,
        re.MULTILINE,
    )
    assert 20 < float(found[0][0]) < 35
    assert 5e-4 < float(found[0][1]) < 2e-3  # of the logsnr nodes that stand for the search here


@pytest.mark.usefixtures("small_search")
@pytest.mark.parametrize(("sampler", "words"), [("euler", "1 evaluation of"), ("heun", "2 evaluations of")])
def test_one_segment_is_told_as_one(sampler: str, words: str, command: Command) -> None:
    ended = command("grid", "two-modes", "--sampler", sampler, "--segments", "1", "--kind", "karras")
    assert ended.code == 0
    text = " ".join(ended.out.split())
    assert f"For the solver {sampler}: {words} the model over this one segment; a sampler that steps on" in text


@pytest.mark.usefixtures("small_search")
def test_a_search_is_told_in_the_table(command: Command) -> None:
    ended = command("grid", "two-modes", "--sampler", "euler", "--steps", "3")
    assert (ended.code, ended.err) == (0, "")
    assert max(map(len, ended.out.splitlines())) <= 96
    text = " ".join(ended.out.split())
    assert "3 segments, optimised for euler: the least error of the solver" in text
    assert "For the solver euler: 3 evaluations of the model over these 3 segments; a sampler that steps on" in text
    predicted = float(re.findall(r"Predicted relative MSE ([0-9.e-]+), nine times in ten within", text)[0])
    grid = [float(line.split()[1]) for line in ended.out.splitlines() if re.match(r"[0-3] +[0-9.]+ ", line)]
    measured = cf.samplers.relative_mse(PROCESS, grid, "euler")
    assert predicted == pytest.approx(measured, rel=0.3)


@pytest.mark.parametrize("kind", ["typical", "entropic"])
def test_a_named_grid_that_a_search_kept_is_shown_like_others(kind: str) -> None:
    from certflow.commands.grid_table import tabulated

    own = cf.time_grid(PROCESS, 3, kind)
    kept = cf.grids.TimeGrid(kind, own.times, {"predicted_relative_mse": 1e-3}, "euler")
    assert tabulated(kept, PROCESS).integrals == tabulated(own, PROCESS).integrals


def test_without_a_better_grid_it_says_so() -> None:
    from certflow.commands.grid_making import Comparison

    best = cf.time_grid(PROCESS, 4, "karras", sampler="heun")
    said = [
        Comparison("heun", "karras", 1e-3, best, 1e-3).sentence(),
        Comparison("heun", "typical", 0.484, best, 1.74e-3).sentence(),
        Comparison("heun", "typical", 0.484, None, None, "the best grid needs torch").sentence(),
    ]
    assert said == [
        "heun on karras: relative MSE 0.001; a search found no better grid for heun",
        "heun on typical: relative MSE 0.48; karras, the best for heun: 0.0017",
        "heun on typical: relative MSE 0.48; the best grid needs torch",
    ]


@NEEDS_TORCH
def test_a_distilled_grid_on_a_solver_is_never_silent(no_search: list[Any], command: Command, monkeypatch: Any) -> None:
    from certflow.commands import grid_making

    monkeypatch.setattr(grid_making, "_default", lambda request: ("typical", ""))
    ended = command("grid", "two-modes", "--sampler", "distilled", "--scheduler", "sample_heun", "--segments", "8")
    assert (ended.code, no_search) == (0, [("heun", 8)])
    assert json.loads(ended.out)["sampler"] == "distilled"
    assert "typical nodes for trained maps, which sample_heun does not run: it is heun; 17 evaluations" in ended.err
    assert "certflow: warning: heun on typical: relative MSE 0.4" in ended.err


@pytest.mark.usefixtures("no_search")
def test_edm_takes_karras_nodes_and_says_what_that_costs(command: Command) -> None:
    ended = command("grid", "two-modes", "--export", "edm", "--segments", "6")
    assert ended.code == 0
    assert json.loads(ended.out)["arguments"]["num_steps"] == 7
    assert "karras nodes for heun, which edm_sampler is and takes Karras nodes alone; 13 evaluations" in ended.err
    assert "heun on karras: relative MSE" in ended.err


@pytest.mark.usefixtures("no_search")
@pytest.mark.parametrize("scheduler", ["LCMScheduler", "FlowMapEulerDiscreteScheduler"])
def test_a_named_kind_for_distilled_networks_is_no_warning(scheduler: str, command: Command) -> None:
    ended = command("grid", "two-modes", "--kind", "typical", "--scheduler", scheduler, "--segments", "4")
    assert ended.code == 0
    assert json.loads(ended.out)["sampler"] == "distilled"
    assert "warning" not in ended.err


@NEEDS_TORCH
def test_a_document_keeps_its_sampler(no_search: list[Any], command: Command) -> None:
    ended = command("grid", "two-modes", "--sampler", "dpmpp-2m", "--export", "json", "--segments", "3")
    assert (ended.code, ended.err, no_search) == (0, "", [("dpmpp-2m", 3)])
    grid = cf.grids.export.from_json(ended.out)
    assert (grid.sampler, grid.kind, grid.segments) == ("dpmpp-2m", "optimised", 3)


# -- the default -----------------------------------------------------------------------------------------------


def without_torch(*line: str) -> subprocess.CompletedProcess[str]:
    code = f"""
import sys
sys.modules["torch"] = None
from certflow.cli import main
sys.exit(main(["grid", "two-modes", *{list(line)}]))
"""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)


def test_without_torch_the_default_is_typical_and_says_why() -> None:
    ended = without_torch("--segments", "3")
    assert (ended.returncode, ended.stderr) == (0, "")
    text = " ".join(ended.stdout.split())
    assert "3 segments, typical (" in text
    assert "Kind typical: the pilot that chooses a kind needs torch (pip install 'certflow[torch]')." in text


@pytest.mark.parametrize(
    ("line", "option", "value"),
    [
        ("--export diffusers", "--export", "diffusers"),
        ("--scheduler sample_dpmpp_2m", "--scheduler", "sample_dpmpp_2m"),
    ],
)
def test_without_torch_a_solver_is_refused(line: str, option: str, value: str) -> None:
    ended = without_torch(*line.split())
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        f"certflow: {option}: got {value!r}; required: torch for a grid that suits a solver: "
        "pip install 'certflow[torch]'; or a --kind\n"
    )


def test_without_torch_a_named_kind_is_measured_all_the_same() -> None:
    ended = without_torch("--export", "k-diffusion", "--kind", "typical", "--segments", "8")
    assert ended.returncode == 0
    assert json.loads(ended.stdout)["target"] == "sample_euler"
    assert "euler on typical: relative MSE 0.01; the best grid for it is found with torch: pip install" in ended.stderr


def test_more_segments_than_a_pilot_knows_are_typical(command: Command) -> None:
    ended = command("grid", "iris", "--segments", 60, "--format", "json")
    assert ended.code == 0
    assert json.loads(ended.out)["kind"] == "typical"
    assert ended.err == "certflow: note: kind typical: the pilot that chooses a kind knows up to 40 segments\n"
