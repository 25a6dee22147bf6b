"""`certflow audit`: what MODULE:NAME may be, exit codes, files, and bad input in one line."""

from __future__ import annotations

import json
import sys

import pytest

#: Few draws on a short interval: an audit of a fraction of a second.
FEW = ("--samples", "1024", "--times", "2", "--t-min", "0.3", "--t-max", "1", "--segments", "2")

MODULE = """
import numpy as np
import certflow as cf

print("loading weights")
p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
schedule = cf.schedules.flow_matching(shift=3)

def score(x, t):
    return p.score(x, t)

def off(x, t):
    return 1.01 * p.score(x, t)

def flow(x, tau):
    t = schedule.ou_time(tau)
    r = schedule.scale_at(t)[:, None]
    m, n = np.exp(-t)[:, None], np.sqrt(-np.expm1(-2 * t))[:, None]
    s = p.score(x / r, t)
    return -n * s - (x / r + n**2 * s) / m

def noise(x, index):
    table = cf.schedules.scaled_linear()
    t = table.ou_time(index)
    return -np.sqrt(-np.expm1(-2 * t))[:, None] * p.score(x, t) * 1.01

model = cf.Model(score, "score", cf.schedules.ornstein_uhlenbeck())

class Nets:
    exact = staticmethod(score)

def make():
    return score

def fails():
    raise OSError("no file of weights")

def gives_nothing(x, t):
    return None

def leaves():
    raise SystemExit(0)

number = 3
"""


@pytest.fixture
def nets(tmp_path, monkeypatch):
    """The current directory with a module in it, and the name of that module, which no other test has."""
    name = f"nets_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(MODULE)
    (tmp_path / f"{name}_broken.py").write_text("import no_such_library\n")
    (tmp_path / f"{name}_leaves.py").write_text("import sys\n\nsys.exit(0)\n")
    monkeypatch.chdir(tmp_path)
    yield name
    for loaded in [module for module in sys.modules if module.startswith(name)]:
        del sys.modules[loaded]


def test_exit_codes_and_what_is_printed(command, nets):
    within = command("audit", f"{nets}:score", "two-modes", *FEW)
    assert within.code == 0
    assert within.out.startswith("two-modes: 2 components in R^2, common-isotropic covariance\n\nWithin the threshold")
    assert "loading weights" not in within.out
    assert "loading weights" in within.err
    assert command("audit", f"{nets}:off", "two-modes", *FEW, "--max-error", "0.02").code == 0
    above = command("audit", f"{nets}:off", "two-modes", *FEW, "--max-error", "1e-3")
    assert above.code == 1
    assert "Above the threshold 0.001 (asked for): at t = " in above.out
    assert f"    import {nets}\n    f = {nets}.off\n    model = cf.Model(f, 'score', " in above.out
    json_text = command("audit", f"{nets}:off", "two-modes", *FEW, "--format", "json")
    assert json_text.code == 1
    found = json.loads(json_text.out)
    between = (found["errors"][0]["interval"][0] + found["errors"][0]["interval"][1]) / 2
    assert between == pytest.approx(0.01)


def test_a_threshold_inside_an_interval_is_inconclusive(command, nets, tmp_path):
    (tmp_path / f"{nets}_tilted.py").write_text(f"from {nets} import p\ndef f(x, t):\n    return p.score(x, t) + 0.1\n")
    arguments = ("audit", f"{nets}_tilted:f", "two-modes", *FEW)
    found = json.loads(command(*arguments, "--format", "json").out)
    largest = max(row["relative_error"] for row in found["errors"])
    ended = command(*arguments, "--max-error", repr(largest))
    assert ended.code == 3
    assert "Inconclusive: the threshold" in ended.out


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("model", ()),
        ("make", ()),
        ("Nets.exact", ()),
        ("flow", ("--predicts", "flow_prediction", "--schedule", "flow-matching:shift=3")),
        ("flow", ("--predicts", "flow_prediction", "--schedule", "flow_matching:shift=3")),
    ],
)
def test_a_model_is_a_callable_a_model_or_made_by_a_function(command, nets, name, options):
    assert command("audit", f"{nets}:{name}", "two-modes", *FEW, *options).code == 0


def test_the_worst_draw_on_a_table_replays_as_it_is_printed(command, nets, capsys):
    options = ("--predicts", "epsilon", "--schedule", "scaled-linear:steps=1000")
    ended = command("audit", f"{nets}:noise", "two-modes", *FEW, *options, "--format", "json")
    found = json.loads(ended.out)["witness"]
    assert "cf.schedules.scaled_linear(beta_start=0.00085, beta_end=0.012, steps=1000)" in found["code"]
    space: dict[str, object] = {}
    sys.path.insert(0, ".")
    try:
        exec(found["code"], space)
    finally:
        sys.path.remove(".")
    assert space["model"].score(space["x"], space["t"]) == pytest.approx(found["got"])


def test_the_directory_holds_the_page_and_is_of_one_mixture(command, nets, tmp_path):
    out = tmp_path / "out"
    ended = command("audit", f"{nets}:score", "two-modes", *FEW, "--out", out)
    assert ended.code == 0
    assert sorted(path.name for path in out.iterdir()) == ["audit.html", "audit.json", "audit.md"]
    assert f"Written: {out / 'audit.json'}, {out / 'audit.html'}, {out / 'audit.md'}" in ended.out
    other = command("audit", f"{nets}:score", "ring-8", *FEW, "--out", out)
    assert other.code == 2
    assert "holds the audit of mixture two-modes'; required: a directory without another audit, or --force" in other.err
    assert command("audit", f"{nets}:score", "ring-8", *FEW, "--out", out, "--force").code == 1
    assert json.loads((out / "audit.json").read_text())["mixture"]["name"] == "ring-8"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nets", "two-modes"), "MODULE:NAME: got 'nets'; required: MODULE:NAME, a module that can be imported"),
        (("nets.py:f", "two-modes", "--samples", "3000"), "MODULE:NAME: got 'nets.py:f'; required: MODULE:NAME"),
        (("no_such:f", "two-modes"), "(ModuleNotFoundError: No module named 'no_such')"),
        (("{nets}_broken:f", "two-modes"), "(ModuleNotFoundError: No module named 'no_such_library')"),
        (("{nets}_leaves:f", "two-modes"), "(SystemExit: 0)"),
        (("{nets}:leaves", "two-modes"), "required: a function that makes a model (SystemExit: 0)"),
        (("{nets}:absent", "two-modes"), "(it has no absent)"),
        (("{nets}:Nets", "two-modes"), "required: a cf.Model or a callable f(x, tau), not the class Nets"),
        (("{nets}:number", "two-modes"), "required: a cf.Model or a callable f(x, tau), not an object of type int"),
        (("{nets}:fails", "two-modes"), "required: a function that makes a model (OSError: no file of weights)"),
        (
            ("{nets}:gives_nothing", "two-modes"),
            "MODULE:NAME: got 'NoneType returned'; required: an array of the shape",
        ),
        (("{nets}:score", "line-3"), "MODULE:NAME: got \"InputError (x: got 'shape (2, 1)'; re"),
        (("{nets}:score", "no-such"), "MIXTURE: got 'no-such'; required: a file"),
        (("{nets}:score", "two-modes", "--predicts", "eps"), "--predicts: got 'eps'; required: one of epsilon,"),
        (("{nets}:score", "two-modes", "--schedule", "ddpm"), "--schedule: got 'ddpm'; required: one of edm,"),
        (
            ("{nets}:score", "two-modes", "--schedule", "edm:rho=7"),
            "--schedule: got 'edm:rho=7'; required: edm without",
        ),
        (
            ("{nets}:score", "two-modes", "--schedule", "flow-matching:shift=0"),
            "--schedule flow-matching:shift: got 0; required: a finite number > 0",
        ),
        (
            ("{nets}:score", "two-modes", "--schedule", "cosine:offset=x"),
            "--schedule cosine:offset: got 'x'; required: a finite number",
        ),
        (("{nets}:score", "two-modes", "--max-error", "0"), "--max-error: got 0.0; required: a finite number > 0"),
        (("{nets}:score", "two-modes", "--max-error", "nan"), "--max-error: got 'nan'; required: a finite number"),
        (("{nets}:score", "two-modes", "--samples", "12"), "--samples: got 12; required: an int from 1024"),
        (("{nets}:score", "two-modes", "--times", "1"), "--times: got '1'; required: an integer from 2 to 1000"),
        (("{nets}:score", "two-modes", "--t-min", "5"), "--t-max: got 3.0; required: a time > t_min = 5"),
        (("{nets}:score", "two-modes", "--t-min", "soon"), "--t-min: got 'soon'; required: a finite number"),
        (("{nets}:score", "two-modes", "--sampler", "ddpm"), "--sampler: got 'ddpm'; required: one of euler"),
        (("{nets}:score", "two-modes", "--quantity", "x"), "--quantity: got 'x'; required: one of score"),
        (("{nets}:score", "two-modes", "--arrays", "jax"), "--arrays: got 'jax'; required: one of torch"),
        (
            ("{nets}:model", "two-modes", "--predicts", "score"),
            "--predicts: got 'score'; required: nothing beside a cf",
        ),
        (("{nets}:score", "two-modes", "--format", "html"), "--format: got 'html'; required: one of text, json"),
    ],
)
def test_bad_input_is_one_line(command, nets, arguments, message):
    ended = command("audit", *(argument.format(nets=nets) for argument in arguments))
    *printed, line = ended.err.splitlines()
    assert (ended.code, ended.out) == (2, "")
    assert set(printed) <= {"loading weights"}
    assert line.startswith("certflow: ")
    assert message in line
