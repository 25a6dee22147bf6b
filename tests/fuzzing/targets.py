"""What reads the inputs, and what may come of each: an answer that is true, or one line that says what is wrong.

Each target takes a `random.Random` and a folder for files, and returns whether the input was accepted. Whatever else
comes out, an error that is not documented, a warning, an answer that is false, is a finding.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from mutations import CLAIMS, GROUPS, certificates, corrupted_file, corrupted_text, is_true

import certflow as cf
from certflow.certificate import checker
from certflow.certificate.envelope import certificate_text
from certflow.commands.data_file import read_points
from certflow.diagnosis.examination import doctor
from certflow.errors import CertflowError, InputError
from certflow.grids.export import from_json
from fuzzing import inputs

Target = Callable[[random.Random, Path], bool]

#: Steps of work that the checker may take, some 0.03 s.
WORK = 300_000
#: Every so many inputs go through the command line, which takes longer.
COMMANDS = 50


def one_line(error: Exception) -> None:
    """A refusal is one line that says what is required."""
    message = str(error)
    assert "\n" not in message, message
    assert "required" in message, message
    assert len(message) < 2000, message[:100]


def command(*arguments: str) -> int:
    """The exit code of a command line, which must be one of those documented, with one line where it is refused."""
    from certflow.cli import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(arguments))
    assert code in (0, 1, 2, 3), f"exit code {code}: {err.getvalue()}"
    if code == 2:
        lines = [line for line in err.getvalue().splitlines() if "is left out" not in line and "is taken" not in line]
        assert len(lines) == 1, lines
        assert lines[0].startswith("certflow: "), lines
    return code


def _file(folder: Path, suffix: str, content: bytes) -> str:
    path = folder / f"input{suffix}"
    path.write_bytes(content)
    return str(path)


def mixture_file(draw: random.Random, folder: Path) -> bool:
    """A mixture that is read can be written and read again, and has a score."""
    path = _file(folder, *inputs.mixture_file(draw))
    if draw.randrange(COMMANDS) == 0:
        return command("mixtures", "show", path) == 0
    try:
        found = cf.load_mixture(path)
    except InputError as error:
        one_line(error)
        return False
    _comes_back(found, folder)
    if draw.randrange(10) == 0:
        try:
            score = cf.OrnsteinUhlenbeck(found).score(np.zeros(found.dimension), 0.5)
        except CertflowError as error:  # numbers beyond float64
            one_line(error)
        else:
            assert score.shape == (found.dimension,)
            assert np.isfinite(score).all()
    return True


def _comes_back(found: cf.GaussianMixture, folder: Path) -> None:
    suffix = (".json", ".toml", ".npz")[found.n_components % 3]
    try:
        found.save(folder / f"again{suffix}")
    except InputError as error:
        one_line(error)
        return
    again = cf.load_mixture(folder / f"again{suffix}")
    assert (again.exact_means.fractions == found.exact_means.fractions).all()
    shares = found.exact_weights.fractions / found.weight_total  # binary weights are written as decimals
    assert (again.exact_weights.fractions / again.weight_total == shares).all()
    assert (again.exact_covariances.fractions == found.exact_covariances.fractions).all()


def certificate(draw: random.Random, folder: Path) -> bool:
    """The checker comes back in bounded work; what it accepts is true."""
    text = _certificate_text(draw)
    content = text.encode("utf-8", errors="surrogatepass")
    if draw.randrange(COMMANDS) == 0:
        path = _file(folder, ".json", inputs.damaged(draw, content))
        return command("check", path, "--work", str(WORK)) == 0
    try:
        verdict = checker.check(content.decode("utf-8"), WORK)
    except UnicodeDecodeError:
        return False
    assert "cannot be checked" not in verdict.text, verdict.text
    assert "\n" not in verdict.text
    if not verdict.accepted:
        return False
    said = json.loads(text)
    assert said in _known() or is_true(said), text
    return True


def _certificate_text(draw: random.Random) -> str:
    claim = draw.choice(CLAIMS)
    kind = draw.randrange(4)
    if kind == 0:
        tree = inputs.broken(draw, draw.choice(certificates(claim)), draw.choice((1, 1, 2, 3)))
        return json.dumps(tree)
    if kind == 1:
        text, _ = corrupted_text(draw, certificate_text(draw.choice(certificates(claim))))
        return text
    found = corrupted_file(draw, claim, draw.choice(GROUPS))
    return certificate_text(draw.choice(certificates(claim))) if found is None else found[0]


@cache
def _known() -> list[Any]:
    return [content for claim in CLAIMS for content in certificates(claim)]


def data_file(draw: random.Random, folder: Path) -> bool:
    """Points that are read are finite, two or more, of one dimension."""
    path = _file(folder, *inputs.data_file(draw))
    if draw.randrange(COMMANDS) == 0:
        return command("mixtures", "fit", path, "--components", draw.choice(("1", "2", "0", "x"))) == 0
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            points = read_points(path)
    except InputError as error:
        one_line(error)
        return False
    assert points.ndim == 2
    assert len(points) >= 2
    assert np.isfinite(points).all()
    return True


def list_of_steps(draw: random.Random, folder: Path) -> bool:
    """A list of steps is examined, or refused in one line."""
    text = inputs.list_of_steps(draw)
    library = draw.choice(("diffusers", "k-diffusion", "ou"))
    if draw.randrange(COMMANDS) == 0:
        return command("doctor", "--as", library, "--", text) == 0
    try:
        found = doctor(text, library)
    except InputError as error:
        one_line(error)
        return False
    assert found.text()
    json.dumps(found.mapping())
    return True


@cache
def _export() -> str:
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    return str(cf.time_grid(process, segments=4, kind="uniform").export("json").text())


def grid_file(draw: random.Random, folder: Path) -> bool:
    """A grid that is read falls from its noise end to its data end."""
    text = inputs.grid_file(draw, _export)
    try:
        found = from_json(text)
    except InputError as error:
        one_line(error)
        return False
    assert (np.diff(found.times) < 0).all()
    assert found.times[-1] > 0
    return True


def command_line(draw: random.Random, folder: Path) -> bool:
    """Numbers, lists and names on the command line."""
    few = draw.choice(("2", "4", "2,4", "0", "-1", "2,", "٣", "1e1", *inputs.NUMBERS))
    ends = ["--t-min", draw.choice(("0.1", *inputs.NUMBERS)), "--t-max", draw.choice(("2", *inputs.NUMBERS))]
    line = draw.choice(
        (
            ["grid", "two-modes", "--kind", draw.choice(("uniform", "karras", "x")), f"--segments={few}", *ends],
            [
                "grid",
                "two-modes",
                "--kind",
                "uniform",
                "--segments",
                "3",
                "--format",
                draw.choice(("json", "csv", "text")),
            ],
            ["bound", "two-modes", *ends, "--format", draw.choice(("json", "csv", "text", "latex", ""))],
            ["distill", "two-modes", "--segments", f"{few},0"],
            ["distill", "two-modes", "--segments", "2", "--grids", f"uniform,{few}"],
            ["network", "two-modes", f"--eps={few},0", *ends],
            ["network", "two-modes", f"--p-norm={few}", "--eps", "2"],
            ["verify", "two-modes", f"--claims={few}"],
            ["claims", few],
            ["mixtures", "show", few],
        )
    )
    line = [part for part in line if "\0" not in part]
    return command(*line) == 0


#: By name, each with its share of the inputs.
TARGETS: dict[str, tuple[Target, int]] = {
    "mixture files": (mixture_file, 40),
    "certificates": (certificate, 20),
    "data files": (data_file, 18),
    "lists of steps": (list_of_steps, 12),
    "grid files": (grid_file, 9),
    "command lines": (command_line, 1),
}
