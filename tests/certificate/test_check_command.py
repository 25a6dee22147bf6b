"""`certflow check` through the real command line, and the checker as a single file without certflow."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import certificates
import pytest

from certflow.certificate import checker

Command = Callable[..., Any]
FOLDER = Path(checker.__file__).parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with a certificate of every claim, and some that are none."""
    law = certificates.LAWS["plane"]
    for claim in certificates.CLAIMS:
        (tmp_path / f"{claim}.json").write_text(json.dumps(certificates.certificate(law, claim)))
    false = certificates.changed(certificates.certificate(law, "F1"), "assertion.growth", "7")
    (tmp_path / "false.json").write_text(json.dumps(false))
    (tmp_path / "half.json").write_text(json.dumps(false)[:500])
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe{}")
    (tmp_path / "empty.json").write_bytes(b"")
    return tmp_path


def alone(directory: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`python FOLDER FILE...` with a copy of the folder, no site-packages and nothing of the environment."""
    place = directory / "alone"
    place.mkdir(exist_ok=True)
    shutil.copytree(FOLDER, place / "a copy", dirs_exist_ok=True)
    line = [sys.executable, "-I", "-S", str(place / "a copy"), *arguments]
    return subprocess.run(line, cwd=directory, capture_output=True, text=True, timeout=120, env=environment)


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["L2.json"], 0),
        ([f"{claim}.json" for claim in certificates.CLAIMS], 0),
        (["false.json"], 1),
        (["half.json"], 1),
        (["binary.json"], 1),
        (["empty.json"], 1),
        (["F1.json", "false.json", "G1.json"], 1),
    ],
)
def test_both_print_a_line_for_each_file(
    names: list[str], code: int, folder: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    ended = command("check", *names)
    assert (ended.code, ended.err) == (code, "")
    assert [line.split(": ")[1] for line in ended.out.splitlines()] == names
    for name, line in zip(names, ended.out.splitlines(), strict=True):
        claim = name.removesuffix(".json")
        good = claim in certificates.CLAIMS
        assert line.startswith(f"accepted: {name}: {claim}: " if good else f"refused: {name}: "), line
    again = alone(folder, *names)
    assert (again.returncode, again.stdout, again.stderr) == (code, ended.out, "")


def test_the_reason_of_a_refusal(folder: Path, command: Command) -> None:
    lines = command(
        "check", *(folder / f"{name}.json" for name in ("false", "half", "binary", "empty"))
    ).out.splitlines()
    reasons = [line.split(".json: ")[1] for line in lines]
    assert reasons[0].startswith("assertion.growth: got 7; required: a bound of int lambda from above")
    assert reasons[1].startswith("certificate: got a text that is not JSON")
    assert reasons[2] == "certificate: got a byte at 0 that is not UTF-8; required: JSON"
    assert reasons[3].startswith("certificate: got a text that is not JSON (Expecting value")


def test_json(folder: Path, command: Command) -> None:
    ended = command("check", folder / "F2.json", folder / "false.json", "--format", "json")
    assert (ended.code, ended.err) == (1, "")
    first, second = json.loads(ended.out)["certificates"]
    assert (first["file"], first["accepted"], first["claim"]) == (str(folder / "F2.json"), True, "F2")
    assert first["text"].startswith("int lambda in [")
    assert (second["accepted"], second["claim"]) == (False, "F1")
    assert second["text"].startswith("assertion.growth: got 7")


@pytest.mark.parametrize("name", ["nowhere.json", "alone", "a\nb.json", "nul\u2028.json"])
def test_a_file_that_cannot_be_read_is_bad_usage(
    name: str, folder: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "alone").mkdir()
    monkeypatch.chdir(folder)
    ended = command("check", name)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("certflow: CERTIFICATE: got '")
    assert "; required: a file to read (" in ended.err
    assert ended.err.count("\n") == 1
    again = alone(folder, name)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr.startswith("certflow: CERTIFICATE: got '")
    assert again.stderr.count("\n") == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_without_permission(folder: Path, command: Command) -> None:
    (folder / "F1.json").chmod(0)
    ended = command("check", folder / "F1.json")
    assert ended.code == 2
    assert "Permission denied" in ended.err


def test_bad_usage(folder: Path, command: Command) -> None:
    ended = command("check")
    assert (ended.code, ended.out) == (2, "")
    assert "CERTIFICATE" in ended.err
    ended = command("check", folder / "F1.json", "--format", "xml")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "certflow: --format: got 'xml'; required: one of text, json\n"
    again = alone(folder)
    assert (again.returncode, again.stdout, again.stderr) == (2, "", "usage: checker [--work N] FILE...\n")


def shell(folder: Path, words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The checker's folder alone, run by a shell that redirects."""
    line = f"'{sys.executable}' -S '{FOLDER}' {words}"
    return subprocess.run(
        ["sh", "-c", line], cwd=folder, capture_output=True, text=True, timeout=120, env={**os.environ, **environment}
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize(("output", "complaint"), [(">/dev/full", "No space left"), (">&-", "Bad file descriptor")])
def test_an_output_that_takes_nothing_is_bad_usage_alone_too(folder: Path, output: str, complaint: str) -> None:
    ended = shell(folder, f"F1.json {output}")
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"certflow: stdout: got '{complaint}")
    assert ended.stderr.count("\n") == 1
    silent = shell(folder, f"F1.json {output} 2>/dev/full")
    assert (silent.returncode, silent.stdout, silent.stderr) == (2, "", "")


def test_a_name_that_the_output_cannot_hold(folder: Path) -> None:
    shutil.copy(folder / "F1.json", folder / "λ.json")
    ended = shell(folder, "λ.json", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("accepted: \\u03bb.json: F1: ")


def test_the_folder_tells_its_usage(folder: Path) -> None:
    ended = alone(folder, "--help")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "usage: checker [--work N] FILE...\n", "")


@pytest.mark.parametrize("work", ["0", "-1", "1e9", "abc", "1.5", ""])
def test_bad_numbers_of_steps(work: str, folder: Path, command: Command) -> None:
    ended = command("check", folder / "F1.json", "--work", work)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"certflow: --work: got {work!r}; required: an integer > 0\n"
    again = alone(folder, "--work", work, str(folder / "F1.json"))
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == f"certflow: --work: got {work!r}; required: an integer > 0\n"


def test_names_that_are_not_printable(folder: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    name = "accepted\n\x1b[31m.json"
    (folder / name).write_text("{}")
    assert command("check", name).out.startswith("refused: accepted??[31m.json: schema: got ")
    assert alone(folder, name, LC_ALL="C").stdout.startswith("refused: accepted??[31m.json: schema: got ")


def test_a_file_that_is_too_large(folder: Path, command: Command) -> None:
    with open(folder / "large.json", "wb") as stream:
        stream.truncate(checker.MAX_BYTES + 1)
    ended = command("check", folder / "large.json")
    assert ended.code == 1
    assert ended.out.endswith(f"certificate: got more than {checker.MAX_BYTES} bytes; required: a smaller file\n")


def test_nothing_but_the_standard_library_and_modules_of_the_folder() -> None:
    imported, beside = set(), {path.stem for path in FOLDER.glob("*.py")}
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                imported.add(str(node.module).split(".")[0])
            if isinstance(node, ast.ImportFrom) and node.level:
                names = [node.module] if node.module else [alias.name for alias in node.names]
                assert node.level == 1
                assert set(names) <= beside, path
    assert imported <= sys.stdlib_module_names
    assert not imported & {"subprocess", "socket", "urllib", "ctypes", "pickle", "importlib", "decimal", "random"}
    assert not beside & sys.stdlib_module_names


def test_the_folder_where_it_is(folder: Path, command: Command) -> None:
    line = [sys.executable, "-I", "-S", str(FOLDER), str(folder / "F1.json")]
    ended = subprocess.run(line, capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, command("check", folder / "F1.json").out, "")


def test_nothing_beside_the_folder_is_imported(folder: Path) -> None:
    """Modules that lie around the copy, or in the working directory, are not taken for those of the library."""
    for place in (folder, folder / "alone"):
        place.mkdir(exist_ok=True)
        for name in ("fractions.py", "json.py", "arithmetic.py", "work.py"):
            (place / name).write_text("raise SystemExit(9)")
    assert alone(folder, "F1.json").returncode == 0


def test_more_work_where_it_is_asked_for(folder: Path, command: Command) -> None:
    needed = checker.check((folder / "L2.json").read_text()).work
    path = folder / "L2.json"
    for arguments in (("--work", str(needed)), ("--work", str(10**12))):
        assert command("check", *arguments, path).code == 0
        assert alone(folder, *arguments, str(path)).returncode == 0
    refused = command("check", "--work", str(needed - 1), path)
    assert refused.code == 1
    assert f"at most {needed - 1} steps of work (--work N allows N)" in refused.out
    assert alone(folder, "--work", str(needed - 1), str(path)).stdout == refused.out


@pytest.mark.parametrize("given", [[], ["x"], ["1_0"], ["1" * 40], ["\u0661"]])
def test_work_that_is_no_number(given: list[str], folder: Path) -> None:
    again = alone(folder, "--work", *given)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr.startswith("certflow: --work: got ")
