"""The record of performance accuses what was slowed down and nothing else. Work is counted here, never timed."""

from __future__ import annotations

import json
import math
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from depth import nightly

BENCHMARKS = str(Path(__file__).parents[2] / "benchmarks")
sys.path.append(BENCHMARKS)  # as for its scripts
try:
    import record
    from recording import measuring
    from recording.drawing import drawn
    from recording.history import HISTORY, Row, machine, read
    from recording.losses import Loss, best_held, losses
    from recording.measuring import Figure, combined, sampled
    from recording.paths import PATHS, HotPath
    from recording.peers import PEERS
finally:
    sys.path.remove(BENCHMARKS)

NAMES = [path.name for path in PATHS]
SLOWED = NAMES[3]
ROW = Row("2026-01-01T00:00Z", "abc", SLOWED, PATHS[3].peer, 2.0, 0.01, 1.0, "a machine", "versions")


@dataclass
class Load:
    """A machine whose clock tells the work done; what a unit of work takes comes and goes between 1 and 3."""

    told: float = 0.0
    calls: int = 0

    def clock(self) -> float:
        return self.told

    def call(self, units: float) -> Callable[[], None]:
        def work() -> None:
            self.calls += 1
            self.told += units * (2 + math.sin(self.calls / 700))

        return work


@pytest.fixture
def measure_on_load(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, float]], record.Measure]:
    """`measure` of some paths, the work of which is multiplied; all figures come from the sampling of the benchmark."""
    load = Load()
    for name in PEERS:
        monkeypatch.setitem(measuring.PEERS, name, load.call(0.002))

    def slowed(factors: dict[str, float]) -> record.Measure:
        def measure(names: Iterable[str]) -> dict[str, Figure]:
            paths = [
                HotPath(name, "arrays", lambda n=name: load.call(0.004 * factors.get(n, 1.0)))  # type: ignore[misc]
                for name in names
            ]
            return {path.name: combined([sampled(path, load.clock)]) for path in paths}

        return measure

    return slowed


def test_a_load_that_comes_and_goes_cancels(
    measure_on_load: Callable[[dict[str, float]], record.Measure],
) -> None:
    figure = measure_on_load({})([SLOWED])[SLOWED]
    assert figure.ratio == pytest.approx(2, rel=0.03)
    assert figure.milliseconds == pytest.approx(8, rel=0.5)


@pytest.mark.parametrize(("factor", "code"), [(1.0, 0), (1.1, 0), (1.3, 1), (0.5, 0)])
def test_a_path_that_does_its_work_thirty_per_cent_longer_is_named_and_no_other(
    factor: float,
    code: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    measure_on_load: Callable[[dict[str, float]], record.Measure],
) -> None:
    file, those = str(tmp_path / "history.jsonl"), ["--only", "full"]
    assert record.main([*those, "--history", file], measure_on_load({})) == 0
    before = Path(file).read_bytes()
    capsys.readouterr()
    assert record.main([*those, "--check", "--history", file], measure_on_load({SLOWED: factor})) == code
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[1] for line in lines if line.startswith("lost: ")] == [SLOWED] * code
    assert lines[-1].startswith(f"{code} of 5 ")
    assert Path(file).read_bytes() == before


def test_one_slow_measurement_accuses_nobody() -> None:
    ratios = iter([3.0, 2.6, 2.1])
    asked: list[list[str]] = []

    def measure(names: Iterable[str]) -> dict[str, Figure]:
        asked.append(list(names))
        ratio = next(ratios)
        return {name: Figure(ratio if name == SLOWED else 1.0, 0.0, 1.0) for name in asked[-1]}

    known = {SLOWED: [ROW], NAMES[0]: [replace(ROW, path=NAMES[0], ratio=1.0)]}
    assert losses(known, measure) == []
    assert asked == [[SLOWED, NAMES[0]], [SLOWED], [SLOWED]]


@pytest.mark.parametrize(("ratio", "lost"), [(2.4, [Loss(SLOWED, 2.4, 2.0)]), (2.39, [])])
def test_twenty_per_cent_is_the_limit(ratio: float, lost: list[Loss]) -> None:
    def measure(names: Iterable[str]) -> dict[str, Figure]:
        return dict.fromkeys(names, Figure(ratio, 0.0, 1.0))

    assert losses({SLOWED: [ROW]}, measure) == lost


@pytest.mark.parametrize(
    ("ratios", "best"),
    [
        ([2.0], 2.0),
        ([2.0, 4.0], 3.0),
        ([2.0, 2.0, 1.0, 2.0, 2.0], 2.0),  # one lucky record
        ([1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0], 1.0),  # what was lost is not forgotten
        ([1.0] * 3 + [2.0] * 10, 2.0),  # but for ten records
        ([1.04**k for k in range(10)], 1.04),  # a little each time
    ],
)
def test_the_best_that_was_held(ratios: list[float], best: float) -> None:
    assert best_held([replace(ROW, ratio=ratio) for ratio in ratios]) == pytest.approx(best)


def never(names: Iterable[str]) -> dict[str, Figure]:
    raise AssertionError("nothing is to be measured")


def written(file: Path, *rows: Row) -> str:
    file.write_text("".join(json.dumps(vars(row)) + "\n" for row in rows))
    return str(file)


def test_figures_of_another_machine_and_of_another_peer_are_no_history(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = replace(ROW, machine=machine(), peer="integers")
    file = written(tmp_path / "history.jsonl", ROW, here, replace(here, path="a path of before"))
    assert record.main(["--check", "--history", file], never) == 3
    assert record.main(["--check", "--history", str(tmp_path / "none.jsonl")], never) == 3
    assert machine() in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--chek"], "unrecognized arguments: --chek"),
        (["--check", "--draw"], "not allowed with argument"),
        (["--only", "no such path"], f"a part of the name of a hot path: {'; '.join(path.name for path in PATHS)}\n"),
        (["--check", "--history", "{bad}"], "line 2: not a row"),
        (["--draw", "--history", "{bad}"], "line 2: not a row"),
        (["--history", "{folder}"], "Is a directory"),
    ],
)
@pytest.mark.parametrize("line", ["{}", '{"a": 1}', "[", "3", json.dumps(vars(replace(ROW, ratio=0.0)))])
def test_bad_usage_is_one_line(
    arguments: list[str], said: str, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text(json.dumps(vars(ROW)) + "\n" + line + "\n")
    words = [word.format(bad=bad, folder=tmp_path) for word in arguments]
    with pytest.raises(SystemExit) as ended:
        record.main(words, never)
    assert ended.value.code == 2
    text = capsys.readouterr()
    assert text.out == ""
    assert text.err.count("\n") == 1
    assert said in text.err


def test_the_picture_has_a_panel_for_each_path_and_machine_and_marks_the_last_change() -> None:
    ratios = [2.0, 3.0, 2.9, 2.0, 2.1]
    rows = [replace(ROW, ratio=ratio, commit=f"c{i}", machine="<this>") for i, ratio in enumerate(ratios)]
    rows += [replace(ROW, path=NAMES[0], machine="that")]
    root = ET.fromstring(drawn(rows))
    svg = "{http://www.w3.org/2000/svg}"
    texts = [text.text or "" for text in root.iter(f"{svg}text")]
    assert {"<this>", "that", "faster: time -31% at c3, 2026-01-01", "no change of 10% or more"} <= set(texts)
    lines = [len((line.get("points") or "").split()) for line in root.iter(f"{svg}polyline")]
    assert lines == [5, 1]
    (ring,) = [circle for circle in root.iter(f"{svg}circle") if circle.get("fill") == "none"]
    points = next(root.iter(f"{svg}polyline")).get("points", "").split()
    assert f"{ring.get('cx')},{ring.get('cy')}" == points[3]


def test_the_committed_picture_is_that_of_the_committed_history() -> None:
    rows = read(HISTORY)
    assert set(NAMES) <= {row.path for row in rows}
    assert record.PICTURE.read_text(encoding="utf-8") == drawn(rows)


def test_the_paths_have_names_of_their_own_and_peers_that_exist() -> None:
    assert len(set(NAMES)) == len(NAMES) >= 20
    assert {path.peer for path in PATHS} == set(PEERS)


@nightly
@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_a_path_runs(path: HotPath) -> None:
    assert path.prepare()() is not None
