"""`cf.audit`: verdicts, what a model may be, what is refused in one line, replay, views."""

from __future__ import annotations

import json
import math
from functools import cache
from typing import Any

import numpy as np
import pytest
from depth import nightly
from pages import outline

import certflow as cf
from certflow.auditing.examination import Audit

FEW = {"samples": 1024, "times": 2, "t_min": "0.3", "t_max": "1", "segments": 2}
#: A threshold beyond which no cause is sought.
LOOSE = {"max_error": 100.0}
VARIANCE = 0.04


@cache
def process() -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))


def score(x, t):
    return process().score(x, t)


def noise(x, sigma):
    """`epsilon` of EDM: `x = x_0 + sigma z`, so that `epsilon = -sigma grad log p_sigma`."""
    t = np.log1p(sigma**2) / 2
    r = np.sqrt(1 + sigma**2)[:, None]
    return -sigma[:, None] * score(x / r, t) / r


def torch_score(x, t):
    """The score of two modes in torch, in the dtype of `x`."""
    import torch

    m = torch.exp(-t)[:, None]
    v = VARIANCE * m**2 + 1 - m**2
    means = torch.tensor([[-1.0, 0.0], [1.0, 0.0]], dtype=x.dtype)
    offsets = x[:, None, :] - m[:, :, None] * means
    gamma = torch.softmax(-offsets.square().sum(-1) / (2 * v), -1)
    return -(gamma[..., None] * offsets).sum(1) / v


@cache
def wrong() -> Audit:
    return cf.audit(lambda x, t: score(x, t) + 0.1, "two-modes", **FEW)


# -- verdicts -----------------------------------------------------------------------------------------------


def test_verdicts_and_exit_codes():
    found = wrong()
    assert (found.verdict, found.exit_code) == ("above", 1)
    middle = found.moments[1].error.value

    def with_limit(limit: float) -> Audit:
        return Audit(**{**vars(found), "threshold": limit})

    assert (with_limit(1.0).verdict, with_limit(1.0).exit_code) == ("within", 0)
    top = max(m.error.value for m in found.moments)
    assert (with_limit(top).verdict, with_limit(top).exit_code) == ("inconclusive", 3)
    both = with_limit(middle)
    assert both.verdict in ("above", "inconclusive")
    assert set(both.above) | set(both.undecided) <= set(found.moments)


@pytest.mark.parametrize("kind", ["score", "epsilon", "model", "torch function"])
def test_right_models_are_within_the_default_threshold(kind):
    schedule = cf.schedules.edm()
    model, options = {
        "score": (score, {}),
        "epsilon": (noise, {"predicts": "epsilon", "schedule": schedule}),
        "model": (cf.Model(noise, "epsilon", schedule), {}),
        "torch function": (torch_score, {}),
    }[kind]
    found = cf.audit(model, process().mixture, **FEW, **options)
    assert found.verdict == "within"
    assert not found.causes
    assert found.threshold == 1e3 * 2.0**-52
    assert found.largest.error.high < 1e-14


def test_a_network_is_held_to_its_own_rounding():
    import torch

    class Network(torch.nn.Module):
        def __init__(self, factor: float):
            super().__init__()
            self.factor = torch.nn.Parameter(torch.tensor(factor))

        def forward(self, x, t):
            return self.factor * torch_score(x, t)

    right, off = (cf.audit(Network(factor), "two-modes", **FEW) for factor in (1.0, 1.001))
    assert right.verdict == "within"
    assert right.threshold == 1e3 * 2.0**-23
    assert 0 < right.largest.error.value < 1e-6
    assert off.verdict == "above"
    assert off.largest.error.value == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.parametrize(
    ("model", "options", "cause"),
    [
        (lambda x, t: -score(x, t), {}, "sign"),
        (lambda x, t: -x - score(x, t), {}, "other prediction"),
        (noise, {"predicts": "sample", "schedule": cf.schedules.edm()}, "other prediction"),
        (lambda x, t, scale: scale * score(x, t), {}, "factor"),
    ],
)
def test_a_known_fault_is_named(model, options, cause):
    if cause == "factor":
        model = cf.Model(model, "score", cf.schedules.ornstein_uhlenbeck(), scale=2.0)
    found = cf.audit(model, "two-modes", **FEW, **options)
    assert cause in [each.name for each in found.causes]
    assert found.text().splitlines()[3].startswith("likely cause: ")
    assert [each["name"] for each in found.mapping()["causes"]] == [each.name for each in found.causes]


def test_a_threshold_is_asked_for():
    found = cf.audit(lambda x, t: 1.01 * score(x, t), "two-modes", max_error=0.02, **FEW)
    assert (found.verdict, found.given) == ("within", True)
    assert "Within the threshold 0.02 (asked for)" in " ".join(found.text().split())


def test_a_model_that_says_two_things_is_told_of():
    generator = np.random.default_rng(0)
    found = cf.audit(lambda x, t: score(x, t) * (1 + generator.random()), "two-modes", **FEW, **LOOSE)
    assert any("two things at the same point" in note for note in found.notes)
    assert not any("two things" in note for note in wrong().notes)


def test_the_interval_of_time_is_that_of_model_or_process():
    narrow = cf.OrnsteinUhlenbeck(process().mixture, "0.3", 1)
    few = {"samples": 1024, "times": 2, "segments": 1}
    assert [m.t for m in cf.audit(score, narrow, **few).moments] == [0.3, 1]
    model = cf.Model(score, "score", cf.schedules.ornstein_uhlenbeck(), t_min="0.4", t_max="0.9")
    assert [m.t for m in cf.audit(model, "two-modes", **few).moments] == [0.4, 0.9]


def test_progress_is_told_to_its_end():
    told: list[tuple[int, int]] = []
    cf.audit(score, "two-modes", progress=lambda done, total: told.append((done, total)), **FEW)
    assert told == [(i, 6) for i in range(7)]


# -- what is refused ----------------------------------------------------------------------------------------


def _divides(x, t):
    raise ZeroDivisionError("by nothing")


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (lambda x, t: x[:, :1], {}, "model: got 'shape (2, 1) returned'; required: an array of the shape of x, (2, 2)"),
        (lambda x, t: x * math.nan, {}, "model: got 'nan returned in row 0, at tau = 0.3'; required: finite numbers"),
        (
            _divides,
            {},
            "model: got 'ZeroDivisionError (by nothing)'; required: a callable f(x, tau) of NumPy arrays or torch "
            "tensors, x of shape (N, 2), tau of shape (N,)",
        ),
        (3, {}, "model: got 3; required: a cf.Model or a callable f(x, tau), an object and not its class"),
        (cf.Model, {}, "model: got 'Model'; required: a cf.Model or a callable f(x, tau), an object and not its class"),
        (lambda x: x, {}, "f: got 'too many positional arguments'; required: a callable that can be called as f(x, "),
        (score, {"predicts": "noise"}, "predicts: got 'noise'; required: one of epsilon, sample,"),
        (score, {"schedule": "edm"}, "schedule: got 'edm'; required: a schedule of certflow.schedules"),
        (score, {"quantity": "data"}, "quantity: got 'data'; required: one of score, velocity, denoiser, noise"),
        (score, {"max_error": 0}, "max_error: got 0; required: a finite number > 0"),
        (score, {"max_error": math.inf}, "max_error: got inf; required: a finite number > 0"),
        (score, {"samples": 1023}, "samples: got 1023; required: an int from 1024 to 10000000"),
        (score, {"times": 1}, "times: got 1; required: an int from 2 to 1000"),
        (score, {"segments": 0}, "segments: got 0; required: an int from 1 to 1000"),
        (score, {"sampler": "ddpm"}, "sampler: got 'ddpm'; required: one of euler, heun, dpmpp-2m"),
        (score, {"arrays": "jax"}, "arrays: got 'jax'; required: one of torch, numpy, same"),
        (score, {"seed": -1}, "seed: got -1; required: an int >= 0"),
        (score, {"t_min": 2}, "t_max: got '1'; required: a time > t_min = 2"),
        (
            noise,
            {"schedule": cf.schedules.scaled_linear(), "t_max": 9},
            "t_max: got 9.0; required: an OU time from 0.000425181 to 2.68436, which the schedule has",
        ),
        (
            cf.Model(score, "score", cf.schedules.ornstein_uhlenbeck()),
            {"predicts": "score"},
            "predicts: got 'score'; required: nothing beside a cf.Model, which has its own",
        ),
        (
            cf.Model(score, "score", cf.schedules.ornstein_uhlenbeck(), shape=(3,)),
            {},
            "model: got 'samples of shape (3,)'; required: shape (2,), that of the mixture's points",
        ),
    ],
)
def test_bad_input_is_one_line(model, options, message):
    with pytest.raises(cf.InputError) as refused:
        cf.audit(model, "two-modes", **{**FEW, **options})
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)


def test_a_mixture_is_a_mixture():
    for given, message in ((7, "MIXTURE: got 7"), ("no-such", "MIXTURE: got 'no-such'")):
        with pytest.raises(cf.InputError, match=message):
            cf.audit(score, given, **FEW)


def test_an_error_that_comes_late_is_the_models_too():
    def late(x, t):
        if t[0] > 0.9:
            raise RuntimeError("no weights\nfor late times")
        return score(x, t)

    with pytest.raises(cf.InputError, match=r"model: got 'RuntimeError \(no weights for late times\)'"):
        cf.audit(late, "two-modes", **FEW)


# -- the worst draw -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("quantity", ["score", "velocity", "denoiser", "noise"])
def test_the_worst_draw_replays(quantity):
    def f(x, sigma):
        return noise(x, sigma) * 1.01

    found = cf.audit(
        f, "two-modes", predicts="epsilon", schedule=cf.schedules.edm(), quantity=quantity, **FEW, **LOOSE
    ).witness
    assert found is not None
    space: dict[str, Any] = {"f": f}
    exec(found.setup, space)
    counterexample = found.counterexample
    space |= {name: counterexample.inputs[name] for name in ("x", "t")}
    got, expected = eval(found.replay, space)
    assert got == pytest.approx(counterexample.got, rel=1e-12)
    assert expected == pytest.approx(counterexample.expected, rel=1e-12)
    assert np.linalg.norm(got - expected) == pytest.approx(counterexample.error)


def test_the_code_of_the_worst_draw_runs_as_it_stands(capsys):
    found = wrong().witness
    assert found is not None
    exec(found.code, {"f": lambda x, t: score(x, t) + 0.1})
    printed = capsys.readouterr().out
    assert str(found.counterexample.got[0])[:8] in printed
    assert found.relative == pytest.approx(math.hypot(0.1, 0.1) / found.counterexample.tolerance * wrong().threshold)


def test_other_ways_to_make_a_model_stand_in_its_code():
    model = cf.Model(lambda x, t: 2 * score(x, t), "score", cf.schedules.ornstein_uhlenbeck())
    given = cf.audit(model, "two-modes", **FEW, **LOOSE).witness
    assert given is not None
    assert "# model: the Model('score', cf.schedules.ornstein_uhlenbeck()" in given.setup
    named = cf.audit(model, "two-modes", code="import nets\nmodel = nets.model", **FEW, **LOOSE).witness
    assert named is not None
    assert "import nets\nmodel = nets.model\np = cf." in named.setup
    tensors = cf.audit(lambda x, t: 2 * torch_score(x, t), "two-modes", **FEW, **LOOSE).witness
    assert tensors is not None
    assert "model = cf.Model(f, 'score', cf.schedules.ornstein_uhlenbeck(), arrays='torch')" in tensors.setup
    table = cf.schedules.from_alphas_cumprod(np.cumprod(1 - np.linspace(1e-4, 0.02, 1000)))
    wrong_noise = lambda x, tau: 0 * x  # noqa: E731
    long = cf.audit(wrong_noise, "two-modes", predicts="epsilon", schedule=table, **FEW, **LOOSE).witness
    assert long is not None
    assert "model = cf.Model(f, 'epsilon', schedule)" in long.setup


# -- views --------------------------------------------------------------------------------------------------


def test_the_text_begins_with_the_verdict():
    lines = wrong().text().splitlines()
    assert lines[0].startswith("Above the threshold 2.22e-13 (1,000 roundings of its numbers): at t = ")
    text = " ".join(lines)
    for part in ("relative L² error", "heaviest draw", "replayed by", "first order", "E5, typical", "E1, worst case"):
        assert part in text
    assert "Empirical" in text
    assert "Errors on less than 3/N of the draws are not seen (N = 1,024: less than 0.29 %)" in text
    for word in ("proved", "certified", "correct"):
        assert word not in text
    assert str(wrong()) == wrong().text()
    assert "\n" not in repr(wrong())
    assert len(repr(wrong())) < 200
    assert "above, largest relative error of its score" in repr(wrong())


def test_json_is_strict_and_has_everything():
    mapping = wrong().mapping()
    assert json.loads(json.dumps(mapping, allow_nan=False)) == mapping
    assert (mapping["schema"], mapping["verdict"], mapping["exit_code"]) == ("certflow/audit/1", "above", 1)
    for row, found in zip(mapping["errors"], wrong().moments, strict=True):
        assert row["t"] == found.t
        assert row["interval"][0] <= row["relative_error"] <= row["interval"][1]
        assert row["relative_mse"] == row["relative_error"] ** 2
    ends = mapping["consequences"]
    assert set(ends["predicted"]) == {"first_order", "typical_E5", "worst_case_E1"}
    assert set(ends["measured"]) == {"flow", "exact_sampler", "model_sampler"}
    assert len(ends["segments"]) == FEW["segments"]


def test_the_files_hold_everything_and_load_nothing(tmp_path):
    paths = wrong().save(tmp_path, "certflow audit nets:score two-modes")
    assert sorted(path.name for path in paths) == ["audit.html", "audit.json", "audit.md"]
    page = (tmp_path / "audit.html").read_text(encoding="utf-8")
    parsed = outline(page)
    assert parsed.tags.isdisjoint({"script", "link", "img", "iframe", "object", "image"})
    assert all(link.startswith("#") and link[1:] in parsed.ids for link in parsed.links)
    assert len(parsed.ids) == len(set(parsed.ids))
    assert page.count("<svg") == 3
    assert "certflow audit nets:score two-modes" in page
    markdown = (tmp_path / "audit.md").read_text(encoding="utf-8")
    assert "**above the threshold**, empirical" in markdown
    assert "## The worst draw" in markdown
    assert json.loads((tmp_path / "audit.json").read_text(encoding="utf-8")) == wrong().mapping()


@nightly
def test_a_page_of_one_dimension_has_its_figures(tmp_path):
    mixture = cf.GaussianMixture([0.5, 0.5], [[-1], [1]], VARIANCE)
    exact = cf.OrnsteinUhlenbeck(mixture)
    found = cf.audit(lambda x, t: exact.score(x, t) + np.cos(x), mixture, **FEW)
    found.save(tmp_path)
    assert (tmp_path / "audit.html").read_text(encoding="utf-8").count("<svg") == 3


def test_an_exact_model_has_no_figures_and_no_worst_draw(tmp_path):
    """Nor is a name markup."""
    mixture = cf.GaussianMixture([0.5, 0.5], [[-1], [1]], VARIANCE, name="<script>alert(1)</script>")
    found = cf.audit(cf.OrnsteinUhlenbeck(mixture).score, mixture, **FEW)
    found.save(tmp_path)
    assert found.witness is None
    assert found.places is None
    page = (tmp_path / "audit.html").read_text(encoding="utf-8")
    assert "<svg" not in page
    assert "within the threshold" in page
    assert "script" not in outline(page).tags
    assert "<h1>&lt;script&gt;" in page
