"""What the README shows is what happens: its example, its commands, its tables, its test command."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from depth import night

import certflow as cf
from certflow.claims.model import Kind
from certflow.law.formats import to_mapping

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)


def test_the_example_is_ten_lines_and_prints_what_is_shown() -> None:
    example, shown = blocks("python")[0], blocks("text")[0]
    assert len([line for line in example.splitlines() if line.strip()]) == 10
    ended = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, timeout=300)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == shown


def test_the_enclosures_are_what_is_shown() -> None:
    example, shown = "import certflow as cf\n" + blocks("python")[1], blocks("text")[1]
    ended = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, timeout=300)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == shown


def test_the_grids_are_what_is_shown() -> None:
    example, shown = "import certflow as cf\n" + blocks("python")[2], blocks("text")[2]
    ended = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, timeout=300)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == shown


def test_the_ten_lines_on_a_model_run_on_a_network_just_trained(capsys: pytest.CaptureFixture[str]) -> None:
    torch = pytest.importorskip("torch")
    example = next(block for block in blocks("python") if "cf.Model(" in block)
    assert len([line for line in example.splitlines() if line.strip()]) <= 10
    data, net = trained(torch)
    names = {"net": net, "data": data}
    exec(example, names)
    shown = capsys.readouterr().out
    assert "score: [[" in shown
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    exact = process.score([[0.5, 0.1]], t=0.5)
    assert abs(names["model"].score([[0.5, 0.1]], t=0.5) - exact).max() < 0.2
    assert (names["grid"].sampler, names["grid"].segments) == ("heun", 6)
    usual = cf.samplers.relative_mse(names["model"], cf.time_grid(process, 6, "typical"), "heun", samples=512)
    assert cf.samplers.relative_mse(names["model"], names["grid"], "heun", samples=512) < usual / 10


def trained(torch: Any) -> tuple[Any, Callable[..., Any]]:
    """Rows of data, and a network that has learned noise minus data at `(1 - tau) data + tau noise` for seconds."""
    torch.manual_seed(0)
    data = torch.from_numpy(cf.load_mixture("two-modes").sample(4096, seed=0)).float()
    layers = torch.nn.Sequential(torch.nn.Linear(3, 64), torch.nn.SiLU(), torch.nn.Linear(64, 2))

    def net(x: Any, tau: Any) -> Any:
        return layers(torch.cat([x, tau[:, None]], dim=1))

    optimiser = torch.optim.Adam(layers.parameters(), lr=1e-2)
    for _ in range(300):
        rows, noise, tau = data[torch.randint(4096, (256,))], torch.randn(256, 2), torch.rand(256)
        loss = (net(rows + tau[:, None] * (noise - rows), tau) - (noise - rows)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return data, net


def test_the_mixture_file_is_the_builtin_one(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text(blocks("json")[0], encoding="utf-8")
    shown, builtin = to_mapping(cf.load_mixture(path)), to_mapping(cf.load_mixture("two-modes"))
    assert shown == {key: value for key, value in builtin.items() if key != "origin"}


def test_the_commands_and_options_exist(command: Callable[..., Any]) -> None:
    used = re.findall(r"certflow (mixtures \w+|\w+)(.*)", "\n".join(blocks("sh")))
    used += re.findall(r"^\| `certflow (mixtures \w+|\w+)(.*)$", README, flags=re.MULTILINE)
    assert len(used) >= 10
    for name, rest in used:
        ended = command(*name.split(), "--help")
        assert ended.code == 0, name
        for option in re.findall(r"--[a-z-]+", rest):
            assert f"{option} " in ended.out, (name, option)


LINES = re.findall(r"^certflow (bound|grid|mixtures fit) (.*)$", "\n".join(blocks("sh")), flags=re.MULTILINE)
#: Plans train pilots or search for a minute; smaller ones are in `commands/test_grid_command.py` and its neighbours.
PLANS = [
    (name, rest)
    for name, rest in LINES
    if name == "grid" and ("--sampler" in rest or not ("--kind" in rest or "--rate" in rest))
]


def test_the_shown_lines_are_found() -> None:
    assert (len(LINES), len(PLANS)) == (10, 5)


@pytest.mark.parametrize(("name", "rest"), [*(line for line in LINES if line not in PLANS), *night(*PLANS)])
def test_the_shown_command_lines_run(
    name: str, rest: str, command: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "points.csv").write_text("".join(f"{i % 7},{i * i % 11}\n" for i in range(40)))
    assert command(*name.split(), *rest.split()).code == 0
    for option, path in re.findall(r"--(plot|out) (\S+)", rest):
        assert (tmp_path / path).exists()
        if option == "out":
            assert cf.load_mixture(path).n_components == 8


def test_every_kind_of_evidence_is_explained() -> None:
    assert re.findall(r"^\| `(\w+)` \| .* \| .* \|$", README, flags=re.MULTILINE)[: len(Kind)] == [
        kind.value for kind in Kind
    ]


def test_continuous_integration_runs_the_command_that_is_shown() -> None:
    shown = re.findall(r"<!-- test command -->\n```sh\n(.*)\n```\n<!-- end -->", README)
    assert len(shown) == 1
    assert shown[0] in blocks("sh")[1]
    assert ".venv/bin/python -m pytest" in shown[0]
    assert "<!-- test command -->" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_every_path_of_the_map_exists() -> None:
    table = README.split("## Repository")[1].split("##")[0]
    names = [name for cell in re.findall(r"^\| (`.*?) \|", table, flags=re.MULTILINE) for name in cell.split("`")[1::2]]
    assert len(names) > 15
    for name in names:
        pattern = name.rstrip("/")
        assert [*ROOT.glob(pattern), *(ROOT / "certflow").glob(pattern)], name


def test_the_pins_are_complete_and_plain() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9A-Za-z.]+", pin) for pin in pins)
    assert "torch==2.13.0" in pins
    names = {pin.partition("==")[0].lower().replace("_", "-") for pin in pins}
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wanted = re.findall(r'^ +"([a-z0-9-]+)[><=]', project, flags=re.MULTILINE)
    assert len(wanted) > 15
    assert set(wanted) <= names
