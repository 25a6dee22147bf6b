"""Each command does what its help says, through the real command line; interruptions leave whole files."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from depth import night

import certflow as cf
from certflow.claims.model import ClaimResult, Evidence, Kind, Outcome
from certflow.law.formats import to_mapping
from certflow.report.report import Report

Command = Callable[..., Any]

#: Claims whose quick evidence takes a moment only.
FEW = "S2,F2"
KINDS = {"common-isotropic": "iris", "isotropic": "digits", "shared": "wine", "full": "iris-full"}


def verify_module() -> Any:
    return importlib.import_module("certflow.verification")


# -- help ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "",
        "verify",
        "claims",
        "bound",
        "doctor",
        "audit",
        "distill",
        "network",
        "mixtures",
        "mixtures list",
        "mixtures fit",
        "report",
    ],
)
def test_help(line: str, command: Command) -> None:
    ended = command(*line.split(), "--help")
    assert ended.code == 0
    assert ended.err == ""
    assert ended.out.startswith(f"Usage: certflow {line}".rstrip())


def test_help_offers_exactly_the_commands_that_exist(command: Command) -> None:
    lines = command("--help").out.split("Commands:")[1].split("\n\n")[0].splitlines()
    assert {line.split()[0] for line in lines if line.strip()} == {
        *(
            "verify",
            "check",
            "certify",
            "claims",
            "bound",
            "grid",
            "doctor",
            "audit",
            "distill",
            "network",
            "mixtures",
            "report",
            "sweep",
        )
    }


def test_version(command: Command) -> None:
    assert command("--version").out == f"certflow {cf.__version__}\n"


# -- bound --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_bound_of_every_kind(kind: str, command: Command) -> None:
    ended = command("bound", KINDS[kind], "--points", 4)
    assert (ended.code, ended.err) == (0, "")
    assert kind in ended.out.splitlines()[0]
    assert ("No global bound exists" in ended.out) == (kind == "full")
    assert "certified" not in ended.out
    assert max(map(len, ended.out.splitlines())) <= 110


@pytest.mark.parametrize("name", ["two-modes", "wine", *night("digits")])
def test_bound_prints_the_figures_of_the_library(name: str, command: Command) -> None:
    found = json.loads(command("bound", name, "--format", "json", "--t-min", "1/50", "--points", 5).out)
    p = cf.OrnsteinUhlenbeck(cf.load_mixture(name), t_min="1/50")
    assert (found["rows"][0]["t"], found["rows"][-1]["t"]) == ("1/50", "3")
    for row in found["rows"]:
        t = float(Fraction(row["t"]))
        assert row["lipschitz"] == pytest.approx(p.lipschitz_bound(t), rel=1e-14)
        assert row["growth_rate"] == pytest.approx(p.growth_rate_bound(t), rel=1e-14)
        for rate, key in (("two-sided", "stability_two_sided"), ("one-sided", "stability_one_sided")):
            assert row[key] == pytest.approx(p.stability(0.02, t, rate=rate), rel=1e-9, abs=1e-12)
        assert row["amplification_one_sided"] == pytest.approx(np.exp(row["stability_one_sided"]), rel=1e-12)


def test_bound_without_a_global_bound(command: Command) -> None:
    ended = command("bound", "anisotropic-pair", "--points", 3, "--format", "json")
    assert ended.code == 0
    found = json.loads(ended.out)
    assert not found["global_bound"]
    assert found["proved"]
    p = cf.OrnsteinUhlenbeck(cf.load_mixture("anisotropic-pair"))
    for row in found["balls"]:
        t = float(Fraction(row["t"]))
        assert row["lipschitz_on_ball"] == pytest.approx(p.ball_bound(row["radius"], t))
        assert row["outside_probability"] == pytest.approx(p.outside_probability(row["radius"], t))


def test_bound_of_one_component_and_of_far_times(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    cf.GaussianMixture([1], [[0, 0]], "0.25", name="one").save(path)
    ended = command("bound", path, "--t-min", "1e-200", "--t-max", "1e200", "--points", 4)
    assert (ended.code, ended.err) == (0, "")
    assert "nan" not in ended.out
    assert "-0\n" not in ended.out


def test_bound_beyond_the_largest_float(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "narrow.json"
    cf.GaussianMixture(["0.5", "0.5"], [[-1], [1]], "0.0001").save(path)
    lines = ("bound", path, "--t-min", "1e-5")
    assert "e+1" in command(*lines).out
    last = json.loads(command(*lines, "--format", "json").out)["rows"][-1]
    assert last["amplification_one_sided"] is None
    assert last["stability_one_sided"] > 709


@pytest.mark.parametrize(
    ("suffix", "name"),
    [("svg", "two-variances"), ("png", "iris-full"), *night(("png", "two-variances"), ("svg", "iris-full"))],
)
def test_bound_draws(name: str, suffix: str, command: Command, tmp_path: Path) -> None:
    path = tmp_path / "new" / f"plot.{suffix}"
    ended = command("bound", name, "--points", 4, "--plot", path)
    assert (ended.code, ended.err) == (0, "")
    assert f"Written: {path}" in ended.out
    if suffix == "svg":
        assert ElementTree.fromstring(path.read_text(encoding="utf-8")).tag.endswith("svg")
    else:
        assert path.read_bytes().startswith(b"\x89PNG\r\n")
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_bound_draws_rates_of_either_sign(command: Command, tmp_path: Path) -> None:
    """Two close narrow modes: the one-sided rate falls from a thousand to below 0."""
    path = tmp_path / "pair.json"
    cf.GaussianMixture(["0.5", "0.5"], [["-0.45"], ["0.45"]], "0.01").save(path)
    ended = command("bound", path, "--t-min", "0.001", "--format", "json", "--plot", tmp_path / "plot.svg")
    assert ended.code == 0
    growth = [row["growth_rate"] for row in json.loads(ended.out)["rows"]]
    assert min(growth) < 0
    assert max(growth) > 1000
    ElementTree.fromstring((tmp_path / "plot.svg").read_text(encoding="utf-8"))


# -- mixtures -----------------------------------------------------------------------------------------------


def test_mixtures_list(command: Command) -> None:
    ended = command("mixtures", "list")
    assert ended.code == 0
    for name in cf.builtin_mixtures():
        assert f"\n{name} " in ended.out
    assert command("mixtures").out == ended.out


@pytest.mark.parametrize("name", cf.builtin_mixtures())
def test_mixtures_show_gives_a_file_of_the_same_mixture(name: str, command: Command, tmp_path: Path) -> None:
    path = tmp_path / "copy.json"
    path.write_text(command("mixtures", "show", name).out, encoding="utf-8")
    assert to_mapping(cf.load_mixture(path)) == to_mapping(cf.load_mixture(name))


TYPES = ("spherical", "common", "tied", "full", "diag")
DAILY = [("npy", "spherical"), ("npy", "tied"), ("csv", "full")]


@pytest.mark.parametrize(
    ("suffix", "covariance_type"),
    [*DAILY, *night(*((suffix, each) for suffix in ("npy", "csv") for each in TYPES if (suffix, each) not in DAILY))],
)
def test_mixtures_fit(suffix: str, covariance_type: str, command: Command, tmp_path: Path) -> None:
    points = cf.load_mixture("two-modes").sample(200, seed=1)
    data = tmp_path / f"data.{suffix}"
    if suffix == "npy":
        np.save(data, points)
    else:
        data.write_text("x,y\n" + "".join(f"{x!r},{y!r}\n" for x, y in points.tolist()))
    line = ("mixtures", "fit", data, "--components", 2, "--covariance-type", covariance_type, "--seed", 3)
    printed = command(*line)
    assert (printed.code, printed.err) == (0, "")
    for target in ("m.json", "m.toml", "m.npz"):
        ended = command(*line, "--out", tmp_path / target)
        assert (ended.code, ended.err) == (0, "")
        fitted = cf.load_mixture(tmp_path / target)
        assert to_mapping(fitted) == json.loads(printed.out)
        assert command("bound", tmp_path / target, "--points", 3).code == 0
    same = cf.GaussianMixture.fit(points, 2, covariance_type, seed=3)
    np.testing.assert_array_equal(fitted.means, same.means)
    np.testing.assert_array_equal(fitted.covariances, same.covariances)
    assert fitted.origin["data"] == data.name


def test_mixtures_fit_reads_one_column_and_scientific_notation(command: Command, tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("\ufeff1e-1\r\n-2.5E0\r\n+3\r\n\r\n4\r\n", encoding="utf-8")
    ended = command("mixtures", "fit", data, "--components", 1)
    assert ended.code == 0
    assert json.loads(ended.out)["origin"]["points"] == 4


# -- verify -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["npz", *night("json", "toml")])
def test_verify_a_mixture_file(suffix: str, command: Command, tmp_path: Path) -> None:
    path, out = tmp_path / f"m.{suffix}", tmp_path / "new" / "report"
    cf.load_mixture("two-modes").save(path)
    ended = command("verify", path, "--claims", FEW, "--out", out)
    assert (ended.code, ended.err) == (0, "")
    for claim in FEW.split(","):
        assert f"\n{claim} " in ended.out
    assert "What this does not mean" in ended.out
    assert "certified" not in ended.out
    for name in ("report.html", "report.md", "report.json", "junit.xml"):
        assert (out / name).stat().st_size > 0
        assert name in ended.out


def test_verify_prints_exactly_the_json_report(command: Command, tmp_path: Path) -> None:
    ended = command(*("verify", "two-modes", "--claims", FEW, "--format", "json", "--out", tmp_path, "--t-min", "1/30"))
    report = Report.model_validate(json.loads(ended.out))
    assert (ended.code, ended.err) == (0, "")
    assert report.t_min == "1/30"
    assert [result.id for result in report.results] == FEW.split(",")
    assert ended.out == (tmp_path / "report.json").read_text(encoding="utf-8")


def test_verify_checks_iris_unless_told_otherwise(command: Command) -> None:
    ended = command("verify", "--claims", "S2")
    assert ended.code == 0
    assert ended.out.startswith("iris: ")


def made(outcome: Outcome) -> Report:
    """A report made by hand with one claim."""
    evidence = Evidence(
        check="S2.made",
        kind=Kind.SAMPLED,
        outcome=outcome,
        summary="error $3 \\cdot 10^{-9}$",
        scope="one point",
    )
    result = ClaimResult(
        id="S2",
        title="score",
        statement="s",
        hypotheses=(),
        source="here",
        outcome=outcome,
        evidence=(evidence,),
    )
    return Report(
        mixture=to_mapping(cf.load_mixture("two-modes")),
        description={},
        t_min="0.01",
        t_max="3",
        profile="quick",
        digits=50,
        seed=0,
        outcome=outcome,
        results=(result,),
        environment={},
        started="2026-01-01T00:00:00+00:00",
        seconds=0.0,
    )


EXIT_CODES = {Outcome.HOLDS: 0, Outcome.VIOLATED: 1, Outcome.INCONCLUSIVE: 3}


@pytest.mark.parametrize("outcome", EXIT_CODES)
@pytest.mark.parametrize("form", ["text", "json"])
def test_the_verdict_is_the_exit_code(
    outcome: Outcome, form: str, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify_module(), "verify", lambda *a, **k: made(outcome))
    ended = command("verify", "two-modes", "--format", form)
    assert (ended.code, ended.err) == (EXIT_CODES[outcome], "")
    assert outcome.value in ended.out


def test_verify_passes_on_what_was_asked(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    def record(process: Any, claims: Any = None, profile: str = "quick", **options: Any) -> Report:
        seen.update(options, process=process, claims=claims, profile=profile)
        return made(Outcome.HOLDS)

    monkeypatch.setattr(verify_module(), "verify", record)
    out = tmp_path / "out"
    line = (
        f"verify wine --claims L2,F1 --digits 20 --seed 7 --t-min 1/7 --t-max 2.50 --profile full --out {out} --jobs 3"
    )
    assert command(*line.split(), "--out", out, "--kernel").code == 0
    assert seen["process"].exact_t_min == Fraction(1, 7)
    assert seen["process"].exact_t_max == Fraction(5, 2)
    assert seen["process"].mixture.name == "wine"
    assert (seen["claims"], seen["profile"], seen["digits"], seen["seed"]) == (["L2", "F1"], "full", 20, 7)
    assert (seen["out"], seen["jobs"], seen["kernel"]) == (out, 3, True)
    assert callable(seen["progress"]), "without a terminal it tells once a minute"


def test_an_internal_error_is_one_line(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise ZeroDivisionError("deep inside\nof it")

    monkeypatch.setattr(verify_module(), "verify", fail)
    monkeypatch.delenv("CERTFLOW_DEBUG", raising=False)
    ended = command("verify", "two-modes")
    assert (ended.code, ended.out) == (4, "")
    assert len(ended.err.splitlines()) == 1
    assert ended.err.startswith("certflow: internal error: ZeroDivisionError: deep inside of it")
    monkeypatch.setenv("CERTFLOW_DEBUG", "1")
    assert "Traceback" in command("verify", "two-modes").err


def test_an_interruption_is_one_line(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupt(*arguments: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(verify_module(), "verify", interrupt)
    ended = command("verify", "two-modes", "--out", tmp_path)
    assert (ended.code, ended.out) == (130, "")
    assert ended.err.startswith("certflow: interrupted; what was finished is kept in")
    assert len(ended.err.splitlines()) == 1


# -- report -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", EXIT_CODES)
def test_report_rebuilds_the_views(outcome: Outcome, command: Command, tmp_path: Path) -> None:
    from certflow.report.views import write_views

    write_views(made(outcome), tmp_path, {})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    for name in ("report.html", "report.md", "junit.xml"):
        (tmp_path / name).unlink()
    ended = command("report", tmp_path)
    assert (ended.code, ended.err) == (EXIT_CODES[outcome], "")
    assert outcome.value in ended.out
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


# -- processes ----------------------------------------------------------------------------------------------


def start(*arguments: object) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "certflow", *map(str, arguments)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_reader_that_goes_away_is_met_in_silence() -> None:
    process = start("bound", "iris", "--points", 10_000)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.wait(timeout=120) == 141
    assert process.stderr.read() == ""
    process.stderr.close()


def test_a_narrow_encoding_is_no_error() -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    words = [sys.executable, "-m", "certflow", "bound", "two-modes"]
    ended = subprocess.run(words, capture_output=True, env=environment, timeout=120)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout.isascii()


def check_whole(folder: Path, *, leftovers: bool) -> None:
    """Every file parses; only after a kill that no program can catch may a hidden temporary file be left."""
    for path in folder.rglob("*") if folder.exists() else ():
        if path.is_dir():
            continue
        if path.name.startswith(".") and path.name.endswith(".tmp"):
            assert leftovers, f"{path} was left behind"
            continue
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json":
            json.loads(text)
        elif path.suffix in (".svg", ".xml"):
            ElementTree.fromstring(text)
        elif path.suffix == ".html":
            assert text.rstrip().endswith("</html>")
        else:
            assert path.suffix in (".md", ".bib"), path
            assert text.endswith("\n")


def verdicts(folder: Path) -> list[Any]:
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return [
        (result["id"], result["outcome"], [e["summary"] for e in result["evidence"]]) for result in report["results"]
    ]


@pytest.mark.parametrize("endings", [(signal.SIGKILL,), *night(((signal.SIGINT, signal.SIGKILL),))])
def test_interrupted_runs_leave_whole_files_and_go_on(endings: tuple[signal.Signals, ...], tmp_path: Path) -> None:
    line = ("verify", "two-modes", "--claims", "S2")
    clock = time.perf_counter()
    undisturbed = start(*line, "--out", tmp_path / "undisturbed")
    _, errors = undisturbed.communicate(timeout=300)
    duration = time.perf_counter() - clock
    assert (undisturbed.returncode, errors) == (0, "")
    check_whole(tmp_path / "undisturbed", leftovers=False)
    draw = random.Random(20)
    out = tmp_path / "disturbed"
    for ending in endings:
        process = start(*line, "--out", out)
        try:
            process.wait(timeout=duration * draw.uniform(0.2, 0.95))
        except subprocess.TimeoutExpired:
            process.send_signal(ending)
        output, errors = process.communicate(timeout=60)
        check_whole(out, leftovers=ending == signal.SIGKILL)
        if process.returncode == 130:
            assert output == ""
            assert errors.startswith("certflow: interrupted")
            assert len(errors.splitlines()) == 1
        else:
            assert process.returncode in (0, -ending)
    again = start(*line, "--out", out)
    _, errors = again.communicate(timeout=300)
    assert (again.returncode, errors) == (0, "")
    check_whole(out, leftovers=True)
    assert verdicts(out) == verdicts(tmp_path / "undisturbed")


@pytest.mark.parametrize(
    ("torch", "profile", "reason"),
    [
        (False, "full", "its evidence needs torch: pip install 'certflow[torch]'"),
        (False, "quick", "its evidence comes with the full profile, and needs torch: pip install 'certflow[torch]'"),
        (True, "quick", "its evidence comes with the full profile"),
    ],
)
def test_that_nothing_was_checked_is_told_with_the_reason(
    command: Command, monkeypatch: pytest.MonkeyPatch, torch: bool, profile: str, reason: str
) -> None:
    known = importlib.util.find_spec

    def find_spec(name: str, package: str | None = None) -> object:
        return (object() if torch else None) if name == "torch" else known(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    ended = command("verify", "two-modes", "--profile", profile, "--claims", "E5,G4", "--jobs", "1")
    assert ended.code == 3
    told = " ".join(ended.out.split())
    assert f"inconclusive. 2 are not yet checked. Nothing was checked. E5, G4: {reason}." in told
    assert f"… not yet checked: E5, G4 ({reason})" in told
