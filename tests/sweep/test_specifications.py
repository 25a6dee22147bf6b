"""Bad specifications through the real command line: exit code 2, one line that names the key."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import pytest

from certflow.sweep.columns import CLAIM, GENERAL
from certflow.sweep.example import EXAMPLE
from certflow.sweep.experiments.registry import EXPERIMENTS
from certflow.sweep.families import AXES
from certflow.sweep.specification import read_specification, specification

GOOD = """schema = "certflow/sweep/1"
[[mixtures]]
sigma = 0.2
[[experiments]]
name = "segments"
"""

#: what is put in the place of what, and what the line must contain
BAD = {
    "no schema": ('schema = "certflow/sweep/1"', "", 'schema: missing; required: the line schema = "certflow/sweep/1"'),
    "schema misspelt": ('schema = "c', 'shcema = "c', '"certflow/sweep/1" (there is shcema)'),
    "another schema": ("sweep/1", "sweep/9", "schema: got 'certflow/sweep/9'"),
    "unknown key": ("sigma", "sigmas", "mixtures[0].sigmas: got 0.2; required: no such key"),
    "nearest key": ("sigma", "sigmas", "did you mean sigma?"),
    "unknown top key": ('schema = "c', 'sed = 1\nschema = "c', "sed: got 1; required: no such key"),
    "text for a number": ("sigma = 0.2", 'sigma = "wide"', "mixtures[0].sigma: got 'wide'; required: a number from"),
    "negative": ("sigma = 0.2", "sigma = -1", "mixtures[0].sigma: got -1"),
    "in a list": ("sigma = 0.2", "sigma = [0.2, true]", "mixtures[0].sigma[1]: got true; required: a number"),
    "twice": ("sigma = 0.2", "sigma = [0.2, 0.2]", "mixtures[0].sigma[1]: got 0.2; required: each value once"),
    "empty list": ("sigma = 0.2", "sigma = []", "mixtures[0].sigma: got []; required: at least one value"),
    "range without draws": ("sigma = 0.2", "sigma = {low = 1, high = 2}", "a range needs draws = N"),
    "empty range": ("sigma = 0.2", "draws = 2\nsigma = {low = 2, high = 2}", "mixtures[0].sigma.high: got 2"),
    "range of names": ("sigma = 0.2", "draws = 2\nlayout = {low = 1, high = 2}", "mixtures[0].layout: got"),
    "layout": ("sigma = 0.2", 'layout = "ladder"', "mixtures[0].layout: got 'ladder'; required: one of random, line"),
    "too few dimensions": ("sigma = 0.2", 'layout = "ring"', "mixtures[0].dimension: got 1; required: at least 2"),
    "weights": ("sigma = 0.2", 'weights = "heavy"', "mixtures[0].weights: got 'heavy'; required: equal, random, or"),
    "two sources": (
        "sigma = 0.2",
        'data = "iris"\nmixture = "iris"',
        "mixtures[0].data: got 'iris'; required: mixture or",
    ),
    "no such mixture": ("sigma = 0.2", 'mixture = "irs"', "mixtures[0].mixture: got 'irs'"),
    "no such file": ("sigma = 0.2", 'data = "none.csv"', "mixtures[0].data: got"),
    "components of data": (
        "sigma = 0.2",
        'data = "iris"\ndimension = 5',
        "mixtures[0].dimension: got 5; required: at most 4",
    ),
    "draws and copies": (
        "sigma = 0.2",
        "draws = 2\ncopies = 2",
        "mixtures[0].copies: got 2; required: draws or copies",
    ),
    "no mixtures": ("[[mixtures]]\nsigma = 0.2", "", "mixtures: missing; required: at least one table [[mixtures]]"),
    "no questions": ('[[experiments]]\nname = "segments"', "", "experiments: missing; required: at least one"),
    "end of a range": (
        "sigma = 0.2",
        "draws = 2\nsigma = {high = 2}",
        "mixtures[0].sigma.low: missing; required: a number",
    ),
    "no ids": ("[[experiments]]", "[[claims]]\n[[experiments]]", 'claims[0].ids: missing; required: "all", or a list'),
    "no name": ('name = "segments"', "budget = 3", "experiments[0].name: missing; required: one of exponents, solver"),
    "nothing to draw": ("[[mix", '[[diagrams]]\nfigure = "floor"\n[[mix', "diagrams[0].of: missing; required: one of"),
    "truth for a time": ('schema = "c', 't_min = true\nschema = "c', "t_min: got true; required: a number from 1e-06"),
    "number for a name": ("sigma = 0.2", "name = 0.5", "mixtures[0].name: got 0.5; required: a text"),
    "empty": (GOOD, "\n", "SPEC: got"),
    "experiment": ('name = "segments"', 'name = "segmented"', "experiments[0].name: got 'segmented'"),
    "option": ('"segments"', '"segments"\nbudget = 0', "experiments[0].budget: got 0; required: a number from 0.001"),
    "unknown option": ('"segments"', '"segments"\nbudgets = 2', "experiments[0].budgets: got 2"),
    "grid": ('"segments"', '"solver-grids"\ngrids = ["unifrom"]', "experiments[0].grids[0]: got 'unifrom'"),
    "claim": ("[[experiments]]", '[[claims]]\nids = ["L99"]\n[[experiments]]', "claims[0].ids[0]: got 'L99'"),
    "profile": ("[[experiments]]", '[[claims]]\nids = "all"\nprofile = "deep"\n[[experiments]]', "claims[0].profile"),
    "label twice": ("[[experiments]]", '[[experiments]]\nname = "segments"\n[[experiments]]', "a label of its own"),
    "family": (
        '"segments"',
        '"segments"\nfamilies = ["x"]',
        "families of segments: got 'x'; required: one of family-0",
    ),
    "call": (
        'name = "segments"',
        'call = "nowhere:f"',
        "experiments[0].call: got 'nowhere:f'; required: MODULE:FUNCTION",
    ),
    "call of C": (
        'name = "segments"',
        'call = "math:exp"',
        "call: got <built-in function exp>; required: a function whose",
    ),
    "diagram": ("[[mix", '[[diagrams]]\nof = "segment"\nfigure = "floor"\n[[mix', "diagrams[0].of: got 'segment'"),
    "figure": ("[[mix", '[[diagrams]]\nof = "segments"\nfigure = "flor"\n[[mix', "diagrams[0].figure: got 'flor'"),
    "axis": ("[[mix", '[[diagrams]]\nof = "segments"\nfigure = "floor"\nx = "t"\n[[mix', "diagrams[0].x: got 't'"),
    "times": ('schema = "c', 't_min = 3\nschema = "c', "t_max: got '3'; required: a time later than t_min = 3"),
    "seconds": ('schema = "c', 'seconds = 0\nschema = "c', "seconds: got 0; required: a number from 0.1"),
    "seed": ('schema = "c', 'seed = -1\nschema = "c', "seed: got -1"),
    "no table": ("[[mixtures]]", "[mixtures]", "mixtures: got"),
    "no TOML": ("[[mixtures]]", "[[mixtures]", "SPEC: got"),
}


@pytest.mark.parametrize("name", BAD)
def test_one_line_names_the_key(name, tmp_path, command) -> None:
    old, new, told = BAD[name]
    assert old in GOOD
    path = tmp_path / "spec.toml"
    path.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    ended = command("sweep", path, "--out", tmp_path / "out")
    assert (ended.code, ended.out) == (2, "")
    assert len(ended.err.splitlines()) == 1
    assert told in ended.err
    assert not (tmp_path / "out").exists()


def test_command_line(tmp_path, command) -> None:
    (tmp_path / "spec.toml").write_text(GOOD, encoding="utf-8")
    for words, told in (
        ((), "SPEC.toml: missing; required: a specification (certflow sweep --example prints one)"),
        (("none.toml",), "SPEC: got 'none.toml'"),
        ((tmp_path / "spec.toml", "--workers", "0"), "--workers: got '0'"),
        ((tmp_path / "spec.toml", "--workers", "1", "--cluster", "tcp://x:1"), "--workers or --cluster, not both"),
        ((tmp_path / "spec.toml", "--out", ""), "--out: got ''"),
    ):
        ended = command("sweep", *words)
        assert ended.code == 2
        assert told in ended.err
        assert len(ended.err.splitlines()) == 1


def test_a_time_is_the_decimal_that_is_written(tmp_path: Path) -> None:
    """As text and as a number of TOML: one hundredth, and the same tasks."""
    found = []
    for written in ('"0.01"', "0.01", '"1/100"', "1e-2"):
        path = tmp_path / "spec.toml"
        path.write_text(f"t_min = {written}\nt_max = 2.5\n{GOOD}", encoding="utf-8")
        ((_, task),) = read_specification(path).tasks()
        assert (Fraction(task.t_min), Fraction(task.t_max)) == (Fraction(1, 100), Fraction(5, 2))
        found.append(task)
    assert [task.key for task in found] == [found[0].key] * 4
    assert found == [found[0]] * 4


def test_options_of_ones_own_function_are_numbers(tmp_path: Path) -> None:
    (tmp_path / "own_numbers.py").write_text("def f(process, **options):\n    return options\n", encoding="utf-8")
    options = "options = {whole = 2, decimal = 0.25, large = inf, list = [0.5, 1_000.5], day = 2026-11-30}"
    text = GOOD.replace('name = "segments"', f'call = "own_numbers:f"\n{options}')
    (question,) = specification(text, tmp_path).questions
    expected = {"whole": 2, "decimal": 0.25, "large": math.inf, "list": [0.5, 1000.5], "day": "2026-11-30"}
    assert question.options == expected
    assert {type(question.options[name]) for name in ("decimal", "large")} == {float}


def test_the_example_is_printed_and_read(command) -> None:
    ended = command("sweep", "--example")
    assert (ended.code, ended.out) == (0, EXAMPLE)
    found = specification(EXAMPLE)
    assert len(found.members) == 12
    assert {member.mixture.dimension for member in found.members} == {1, 2}


def test_the_page_of_docs_has_every_key_column_and_option() -> None:
    page = (Path(__file__).parents[2] / "docs" / "sweep.md").read_text(encoding="utf-8")
    for name in (*AXES, *GENERAL, *(f"claim.{figure}" for figure in CLAIM)):
        assert f"`{name}`" in page, name
    for experiment in EXPERIMENTS.values():
        part = page.partition(f"### {experiment.name}\n")[2].partition("\n###")[0]
        for name in (*experiment.options, *(f"{experiment.name}.{figure}" for figure in experiment.figures)):
            assert f"| `{name}` |" in part, name
