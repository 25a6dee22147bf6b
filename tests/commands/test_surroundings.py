"""Where certflow runs: closed and full streams, other encodings, links, other settings, directories in use."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from depth import night, nightly

import certflow as cf
import certflow.atomic
from certflow.law.formats import to_mapping
from certflow.report.report import Report

Command = Callable[..., Any]
PACKAGE = Path(cf.__file__).parent
NAME = "größe-λ-語-😀"
PLAIN = {"weights": ["1"], "means": [["0"]], "covariances": {"kind": "common-isotropic", "values": "1"}}


def shell(words: str, redirections: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A command line of certflow with redirections, in a shell of its own."""
    line = f"{sys.executable} -m certflow {words} {redirections}"
    return subprocess.run(["sh", "-c", line], capture_output=True, env=os.environ | environment, timeout=300)


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """A mixture file whose name has letters that few encodings have."""
    path = tmp_path / "m.json"
    path.write_text(json.dumps({"schema": "certflow/mixture/1", "name": NAME, **PLAIN}), encoding="utf-8")
    return path


# -- streams ------------------------------------------------------------------------------------------------

FULL = "No space left on device"
CLOSED = "Bad file descriptor"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no full device")
@pytest.mark.parametrize(
    "words",
    [
        "--help",
        "verify two-modes --claims S2 --format json",
        *night("bound two-modes --points 3", "mixtures show iris"),
    ],
)
def test_a_full_output_is_one_line(words: str) -> None:
    ended = shell(words, "> /dev/full")
    assert ended.returncode == 2
    assert ended.stderr.decode() == f"certflow: stdout: got '{FULL}'; required: an output that can be written\n"


@pytest.mark.parametrize("words", ["--version", "bound two-modes --points 3"])
def test_a_closed_output_is_one_line(words: str) -> None:
    ended = shell(words, ">&-")
    assert ended.returncode == 2
    assert ended.stderr.decode() == f"certflow: stdout: got '{CLOSED}'; required: an output that can be written\n"


@pytest.mark.parametrize("redirections", ["<&- 2>&-", *night("2> /dev/full")])
def test_other_streams_are_not_needed(redirections: str, tmp_path: Path) -> None:
    ended = shell(f"verify two-modes --claims S2 --out {tmp_path}", redirections)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout.startswith(b"two-modes: ")
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["outcome"] == "holds"


@pytest.mark.parametrize("redirections", ["2> /dev/full", ">&- 2>&-"])
def test_an_error_that_nobody_reads_is_an_exit_code(redirections: str) -> None:
    ended = shell("bound nonsense", redirections)
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, b"", b"")


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        ("bound {} --points 3 --format json", "ascii"),
        ("mixtures show {}", "utf-16"),
        *night(
            ("verify {} --claims S2 --format json", "cp1252"),
            ("grid {} --kind uniform --format json", "latin-1"),
            ("mixtures show {}", "utf-8"),
        ),
    ],
)
def test_documents_are_in_utf_8(words: str, encoding: str, named: Path) -> None:
    ended = shell(words.format(named), PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert (ended.returncode, ended.stderr) == (0, b"")
    found = json.loads(ended.stdout.decode("utf-8"))
    name = found.get("name") or found["mixture"]
    assert (name["name"] if isinstance(name, dict) else name) == NAME


def test_a_printed_mixture_is_read_again(named: Path, tmp_path: Path) -> None:
    shown = shell(f"mixtures show {named}", PYTHONIOENCODING="cp1252", PYTHONUTF8="0")
    (tmp_path / "again.json").write_bytes(shown.stdout)
    assert to_mapping(cf.load_mixture(tmp_path / "again.json")) == to_mapping(cf.load_mixture(named))


@pytest.mark.parametrize(
    ("words", "encoding"), [("bound {} --points 3", "ascii"), *night(("verify {} --claims S2", "cp1252"))]
)
def test_texts_replace_what_an_encoding_lacks(words: str, encoding: str, named: Path) -> None:
    ended = shell(words.format(named), PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout.decode(encoding).startswith("gr")


def test_half_a_character_in_a_name_is_printed_as_json(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text(json.dumps({"schema": "certflow/mixture/1", "name": "a\ud800", **PLAIN}))
    ended = shell(f"mixtures show {path}")
    assert ended.returncode == 0
    assert json.loads(ended.stdout)["name"] == "a\ud800"


# -- files --------------------------------------------------------------------------------------------------


def test_a_link_is_written_through(tmp_path: Path, command: Command) -> None:
    real = tmp_path / "elsewhere" / "real.json"
    real.parent.mkdir()
    real.write_text("old")
    link, second = tmp_path / "link.json", tmp_path / "second.json"
    link.symlink_to(real)
    second.symlink_to("link.json")
    (tmp_path / "data.csv").write_text("0,0\n1,2\n3,1\n")
    ended = command("mixtures", "fit", tmp_path / "data.csv", "--components", 1, "--out", second)
    assert (ended.code, ended.err) == (0, "")
    assert link.is_symlink()
    assert second.is_symlink()
    assert cf.load_mixture(real).n_components == 1
    assert {path.name for path in real.parent.iterdir()} == {"real.json"}


def test_a_dangling_link_makes_its_file(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to(tmp_path / "new" / "real.json")
    certflow.atomic.write_text_atomic(tmp_path / "link.json", "new")
    assert (tmp_path / "new" / "real.json").read_text() == "new"
    assert (tmp_path / "link.json").is_symlink()


@pytest.mark.parametrize("line", [("bound", "--points", "3"), ("grid", "--segments", "3", "--kind", "uniform")])
def test_a_plot_makes_the_file_of_a_dangling_link(line: tuple[str, ...], tmp_path: Path, command: Command) -> None:
    """As every file that is written, with the folders on the way."""
    (tmp_path / "a.svg").symlink_to(tmp_path / "new" / "deep" / "b.svg")
    assert command(line[0], "two-modes", *line[1:], "--plot", tmp_path / "a.svg").code == 0
    assert (tmp_path / "a.svg").is_symlink()
    assert (tmp_path / "new" / "deep" / "b.svg").read_text(encoding="utf-8").rstrip().endswith("</svg>")


@nightly  # every day, above: links of one file
def test_links_of_a_report_are_written_through(tmp_path: Path, command: Command) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "out").symlink_to(real)
    (real / "report.html").symlink_to(tmp_path / "page.html")
    ended = command("verify", "two-modes", "--claims", "S2", "--out", tmp_path / "out")
    assert (ended.code, ended.err) == (0, "")
    assert (tmp_path / "page.html").read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert (real / "report.html").is_symlink()


def test_links_in_a_circle_are_one_line(tmp_path: Path, command: Command) -> None:
    (tmp_path / "a.svg").symlink_to("b.svg")
    (tmp_path / "b.svg").symlink_to("a.svg")
    ended = command("bound", "two-modes", "--plot", tmp_path / "a.svg")
    assert ended.code == 2
    assert "a.svg" in ended.err
    assert ended.err.count("\n") == 1
    assert (tmp_path / "a.svg").is_symlink()


@pytest.mark.parametrize("mode", [0o600, 0o664, 0o755])
def test_the_mode_of_a_file_is_kept(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(mode)
    certflow.atomic.write_text_atomic(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_device_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "null.json").symlink_to(os.devnull)
    certflow.atomic.write_text_atomic(tmp_path / "null.json", "new")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        certflow.atomic.write_text_atomic(tmp_path / "pipe", "through")
        assert os.read(reader, 100) == b"through"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_the_longest_name_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("a" * 251 + ".txt")
    certflow.atomic.write_text_atomic(path, "new")
    assert path.read_text() == "new"


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, FULL)


@pytest.mark.parametrize("words", ["verify two-modes --claims S2 --out {}", "bound two-modes --plot {}/a.svg"])
def test_a_full_disk_is_one_line(words: str, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certflow.atomic.os, "fsync", full_disk)
    ended = command(*words.format(tmp_path).split())
    assert (ended.code, ended.out) == (2, "")
    assert re.fullmatch(rf"certflow: --(out|plot): got .*required: a path that can be written \({FULL}\)\n", ended.err)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_read_only_file_is_not_replaced(tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.svg"
    path.write_text("old")
    path.chmod(0o444)
    if os.access(path, os.W_OK):  # this user may write every file
        usual = os.access
        monkeypatch.setattr(os, "access", lambda p, mode: Path(p) != path and usual(p, mode))
    ended = command("bound", "two-modes", "--plot", path)
    assert ended.code == 2
    assert "read-only" in ended.err
    assert path.read_text() == "old"


# -- directories of reports ---------------------------------------------------------------------------------


def test_the_report_of_another_mixture_is_kept(tmp_path: Path, command: Command) -> None:
    line = ("verify", "two-modes", "--claims", "S2", "--out", tmp_path)
    assert command(*line).code == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    ended = command("verify", "two-variances", *line[2:])
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("certflow: --out: got ")
    assert "two-modes" in ended.err
    assert "--force" in ended.err.split("required: ")[1]
    assert ended.err.count("\n") == 1
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert command(*line, "--t-min", "0.02").code == 0, "the same mixture replaces its own report"
    assert command("verify", "two-variances", *line[2:], "--force").code == 0
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["mixture"]["name"] == "two-variances"


def test_the_same_mixture_may_be_written_otherwise(tmp_path: Path, command: Command) -> None:
    (tmp_path / "m.json").write_text(json.dumps({"schema": "certflow/mixture/1", "name": "a", **PLAIN}))
    other = PLAIN | {"weights": [1], "means": [["0.0"]], "covariances": {"kind": "common-isotropic", "values": "2/2"}}
    (tmp_path / "n.json").write_text(json.dumps({"schema": "certflow/mixture/1", "name": "b", **other}))
    assert command("verify", tmp_path / "m.json", "--claims", "S2", "--out", tmp_path / "o").code == 0
    assert command("verify", tmp_path / "n.json", "--claims", "S2", "--out", tmp_path / "o").code == 0


def laboratory_run(folder: Path, name: str) -> None:
    """What a check of the directory reads of a finished run of `certflow distill`."""
    law = json.loads((PACKAGE / "law" / "mixtures" / f"{name}.json").read_text(encoding="utf-8"))
    (folder / "distill.json").write_text(json.dumps({"law": law, "rows": []}), encoding="utf-8")


def test_the_laboratory_run_of_another_mixture_is_kept(tmp_path: Path, command: Command) -> None:
    laboratory_run(tmp_path, "line-3")
    before = (tmp_path / "distill.json").read_bytes()
    line = ("--claims", "S2", "--out", tmp_path)
    ended = command("verify", "two-modes", *line)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("certflow: --out: got ")
    assert "the laboratory run of mixture line-3" in ended.err
    assert "--force" in ended.err.split("required: ")[1]
    assert ended.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["distill.json"]
    assert command("verify", "line-3", *line).code == 0, "a report and a laboratory run of one mixture go together"
    assert command("verify", "two-modes", *line, "--force").code == 0
    assert (tmp_path / "distill.json").read_bytes() == before


def test_no_laboratory_run_beside_the_report_of_another_mixture(tmp_path: Path, command: Command) -> None:
    pytest.importorskip("torch")
    assert command("verify", "two-modes", "--claims", "S2", "--out", tmp_path).code == 0
    before = sorted(tmp_path.iterdir())
    ended = command("distill", "line-3", "--segments", "1", "--seeds", "1", "--steps", "1", "--out", tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "the report of mixture two-modes" in ended.err
    assert "--force" in ended.err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("report.json", "{}"),
        ("report.json", "[[]]"),
        ("report.json", "not JSON"),
        ("junit.xml", "<testsuites/>"),
        ("distill.json", "[]"),
        ("distill.csv", "a,b"),
    ],
)
def test_files_that_are_no_report_of_ours_are_kept(name: str, content: str, tmp_path: Path, command: Command) -> None:
    (tmp_path / name).write_text(content)
    line = ("verify", "two-modes", "--claims", "S2", "--out", tmp_path)
    ended = command(*line)
    assert ended.code == 2
    assert "--force" in ended.err
    assert (tmp_path / name).read_text() == content


def test_a_file_that_is_no_report_of_ours_is_replaced_when_told_so(tmp_path: Path, command: Command) -> None:
    (tmp_path / "report.json").write_text("not JSON")
    assert command("verify", "two-modes", "--claims", "S2", "--out", tmp_path, "--force").code == 0
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["outcome"] == "holds"


def test_other_files_in_the_directory_are_no_hindrance(tmp_path: Path, command: Command) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert command("verify", "two-modes", "--claims", "S2", "--out", tmp_path).code == 0
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_two_runs_do_not_write_one_directory(tmp_path: Path, command: Command) -> None:
    other = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(other, fcntl.LOCK_EX)
        ended = command("verify", "two-modes", "--claims", "S2", "--out", tmp_path, "--force")
    finally:
        os.close(other)
    assert (ended.code, ended.out) == (2, "")
    assert "no other run" in ended.err
    assert not list(tmp_path.iterdir())
    assert command("verify", "two-modes", "--claims", "S2", "--out", tmp_path).code == 0


@nightly  # every day, above: a directory that another run holds
def test_processes_that_start_together_leave_one_whole_report(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "certflow", "verify", "two-modes", "--claims", "S2", "--out", str(tmp_path)]
    runs = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    codes = [(run.communicate(timeout=300), run.returncode)[1] for run in runs]
    assert set(codes) <= {0, 2}
    assert 0 in codes
    text = (tmp_path / "report.json").read_text(encoding="utf-8")
    assert Report.model_validate(json.loads(text)).exit_code == 0
    assert not [path for path in tmp_path.rglob(".*") if path.suffix == ".tmp"]


# -- figures ------------------------------------------------------------------------------------------------

HOSTILE = """
backend: qtagg
text.usetex: True
font.family: NoSuchFont
svg.fonttype: none
axes.facecolor: black
savefig.dpi: 3
path.sketch: 4, 10, 3
"""


@nightly  # every day, below: a backend that is no word at all
@pytest.mark.parametrize("backend", ["qtagg", "module://matplotlib_inline.backend_inline"])
def test_figures_need_no_backend(backend: str, tmp_path: Path) -> None:
    ended = shell(f"grid two-modes --kind uniform --segments 3 --plot {tmp_path}/grid.svg", MPLBACKEND=backend)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert (tmp_path / "grid.svg").stat().st_size > 1000


@pytest.mark.parametrize(
    ("words", "suffix"),
    [("bound two-modes --points 3 --plot {}", "png"), *night(("grid two-modes --segments 3 --plot {}", "svg"))],
)
def test_figures_take_no_settings_of_their_user(words: str, suffix: str, tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text(HOSTILE)
    plain, hostile = tmp_path / f"plain.{suffix}", tmp_path / f"hostile.{suffix}"
    assert shell(words.format(plain), MPLBACKEND="").returncode == 0
    ended = shell(words.format(hostile), MPLBACKEND="nonsense", MATPLOTLIBRC=str(tmp_path / "matplotlibrc"))
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert hostile.read_bytes() == plain.read_bytes()


MISTAKEN = {
    "values": b"lines.linewidth: thick\naxes.prop_cycle: cycler('color', [1,2\n",
    "keys": b"this is no setting\nnosuchkey: 3\n",
    "bytes": b"font.family: \xff\xfe\n",
}


@pytest.mark.parametrize(
    ("fault", "here"), [("bytes", True), *night(("values", False), ("keys", True), ("bytes", False))]
)
def test_of_a_mistaken_matplotlibrc_a_line_is_said_at_most(fault: str, here: bool, tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_bytes(MISTAKEN[fault])
    words = [sys.executable, "-m", "certflow", "grid", "two-modes", "--kind", "uniform", "--segments", "3"]
    words += ["--plot", str(tmp_path / "a.svg")]
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
    folder = tmp_path
    if not here:
        environment, folder = environment | {"MATPLOTLIBRC": str(tmp_path / "matplotlibrc")}, PACKAGE.parent
    ended = subprocess.run(words, capture_output=True, text=True, env=environment, cwd=folder, timeout=300)
    if fault == "bytes":  # with which Matplotlib does not start
        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr.startswith("certflow: matplotlibrc: got ")
        assert ended.stderr.endswith("required: a file in UTF-8 that can be read\n")
        assert ended.stderr.count("\n") == 1
    else:
        assert (ended.returncode, ended.stderr) == (0, "")
        assert (tmp_path / "a.svg").stat().st_size > 1000


def test_the_settings_of_a_caller_stay(tmp_path: Path) -> None:
    """What certflow leaves aside, Matplotlib has read for what its user draws afterwards, and it says so as ever."""
    (tmp_path / "matplotlibrc").write_text("lines.linewidth: 7\n")
    code = (
        "import certflow.report.canvas, logging, matplotlib\n"
        "print(matplotlib.rcParams['lines.linewidth'], logging.getLogger('matplotlib').level)"
    )
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
    words = [sys.executable, "-c", code]
    ended = subprocess.run(words, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=120)
    assert (ended.stdout, ended.stderr) == ("7.0 0\n", "")


def test_the_backend_of_a_caller_stays() -> None:
    code = (
        "import os; os.environ['MPLBACKEND'] = 'svg'; import certflow.report.canvas as c, matplotlib\n"
        "with c.default_style(): pass\n"
        "print(os.environ['MPLBACKEND'], matplotlib.get_backend())"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert ended.stdout.lower() == "svg svg\n"


def test_matplotlib_is_imported_in_one_place() -> None:
    found = [
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if re.search(r"^\s*(import|from) matplotlib\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert found == ["report/canvas.py"]


# -- job summaries ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["{}", *night("{}/nowhere/s.md")])
def test_a_summary_that_cannot_be_written_is_a_warning(
    target: str, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", target.format(tmp_path))
    ended = command("verify", "two-modes", "--claims", "S2", "--out", tmp_path / "out")
    assert ended.code == 0
    assert ended.out.startswith("two-modes: ")
    assert ended.err.startswith("certflow: warning: GITHUB_STEP_SUMMARY: got ")
    assert ended.err.count("\n") == 1
    assert (tmp_path / "out" / "report.json").exists()
