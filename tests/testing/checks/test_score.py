"""Right scores pass in every dtype; wrong ones are caught, shown at their smallest and named."""

from __future__ import annotations

import numpy as np
import pytest
import scores

import certflow as cf
from certflow.errors import InputError
from certflow.testing import check_score
from certflow.testing.checks import score as module
from certflow.testing.result import CheckFailed, Result

SMALL = {"max_examples": 48}


def failure(subject, mixture, **options) -> Result:
    with pytest.raises(CheckFailed) as caught:
        check_score(subject, mixture, **options)
    return caught.value.result


@pytest.mark.parametrize("name", cf.builtin_mixtures())
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_right_numpy_scores_pass(name: str, dtype: str) -> None:
    mixture = cf.load_mixture(name)
    law = scores.parts(mixture)
    makers = [scores.solved, scores.inverted, scores.by_denoiser]
    for make in makers + ([scores.expanded] if mixture.kind.endswith("isotropic") else []):
        check_score(make(law, np.dtype(dtype)), mixture, dtype=dtype, **SMALL)


@pytest.mark.parametrize("name", cf.builtin_mixtures())
def test_right_torch_scores_pass(name: str) -> None:
    torch = pytest.importorskip("torch")
    law = scores.parts(cf.load_mixture(name))
    for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
        check_score(scores.with_torch(law, dtype), name, dtype=dtype, **SMALL)
    for dtype in (torch.float64, torch.float32):
        check_score(scores.by_autograd(law, dtype), name, dtype=dtype, **SMALL)


def test_a_network_is_called_in_the_dtype_of_its_parameters() -> None:
    torch = pytest.importorskip("torch")
    law = scores.parts(cf.load_mixture("two-modes"))
    for name in ("float32", "bfloat16"):
        found = module.prepare(scores.module(law, getattr(torch, name)), "two-modes", **SMALL)
        assert (found.subject.arrays, found.subject.precision.name) == ("torch", name)
        assert all(part.run(found).passed for part in module.PARTS)


def wrong_somewhere(subject, mixture, dtype: str) -> bool:
    """Whether a check fails, without its diagnosis."""
    return bool(module.prepare(subject, mixture, dtype=dtype).wrong.any())


@pytest.mark.parametrize("name", cf.builtin_mixtures())
@pytest.mark.parametrize(("dtype", "relative"), [("float64", 1e-6), ("float32", 1e-3)])
def test_a_slightly_wrong_variance_is_caught(name: str, dtype: str, relative: float) -> None:
    law = scores.parts(cf.load_mixture(name))
    wrong = law.but(covariances=law.covariances * (1 + relative))
    assert wrong_somewhere(scores.solved(wrong, np.dtype(dtype)), name, dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_slightly_wrong_weights_are_caught(dtype: str) -> None:
    law = scores.parts(cf.load_mixture("two-modes"))
    wrong = scores.solved(law.but(weights=np.array([0.501, 0.499])), np.dtype(dtype))
    assert wrong_somewhere(wrong, "two-modes", dtype)


def test_bfloat16_still_tells_a_sign() -> None:
    torch = pytest.importorskip("torch")
    right = scores.with_torch(scores.parts(cf.load_mixture("two-modes")), torch.bfloat16)
    failure(lambda x, t: -right(x, t), "two-modes", dtype="bfloat16")


def test_the_counterexample_is_simple_and_replays() -> None:
    mixture = cf.load_mixture("ring-8")
    right = scores.solved(scores.parts(mixture))
    found = failure(lambda x, t: -right(x, t), "ring-8").counterexample
    assert found is not None
    assert found.code == 'mixture = cf.load_mixture("ring-8")'
    assert found.inputs["t"] == 1.0
    assert sorted(np.abs(found.inputs["x"])) == [0, 1]
    process = cf.OrnsteinUhlenbeck(mixture)
    np.testing.assert_allclose(found.expected, process.score(found.inputs["x"], found.inputs["t"]), atol=1e-12)
    assert found.error == pytest.approx(2 * np.linalg.norm(found.expected))


@pytest.mark.parametrize(
    ("predicts", "schedule", "scale"),
    [
        ("epsilon", "edm", 1),
        ("sample", "edm", 1),
        ("v_prediction", "variance_preserving", 1000),
        ("flow_prediction", "flow_matching", 1),
        ("epsilon", "scaled_linear", 1),
        ("score", "cosine", 1),
    ],
)
def test_predictions_on_schedules(predicts: str, schedule: str, scale: int) -> None:
    """What is predicted by hand, from `x = a x_0 + b z`: Gaussian components of variance `a^2 s^2 + b^2`."""
    mixture, plan = cf.load_mixture("two-modes"), getattr(cf.schedules, schedule)()
    w, mu, s2 = mixture.weights, mixture.means, float(mixture.covariances)

    def model(x, tau):
        a, b = plan.a(tau / scale)[:, None], plan.b(tau / scale)[:, None]
        v = a**2 * s2 + b**2
        distances = ((x[:, None] - a[:, :, None] * mu) ** 2).sum(-1)
        logits = np.log(w) - distances / (2 * v)
        e = np.exp(logits - logits.max(1, keepdims=True))
        mean = (e / e.sum(1, keepdims=True)) @ mu
        data = mean + a * s2 / v * (x - a * mean)
        noise = b / v * (x - a * mean)
        return {
            "epsilon": noise,
            "sample": data,
            "v_prediction": a * noise - b * data,
            "flow_prediction": noise - data,
            "score": -noise / b,
        }[predicts]

    options = {"predicts": predicts, "schedule": plan, "time_scale": scale, **SMALL}
    check_score(model, mixture, **options)
    causes = failure(lambda x, tau: -model(x, tau), mixture, **options).causes
    assert [cause.name for cause in causes] == ["sign"]


# -- what a call may do wrong ------------------------------------------------------------------------------


def _right(x, t):
    return cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes")).score(x, t)


def _sums(x, t):
    return _right(x, t).sum(axis=1)


def _raises(x, t):
    raise ZeroDivisionError("no such time")


def _nan(x, t):
    return np.where(t[:, None] < 0.1, np.nan, _right(x, t))


def _writes(x, t):
    out = _right(x, t)
    x *= 2
    return out


def _first_time(x, t):
    return _right(x, np.broadcast_to(t[:1], t.shape)) if len(t) else np.zeros_like(x)


def _single_time(x, t):
    return _right(x, np.broadcast_to(t if np.ndim(t) else 2 * t, len(x)))


@pytest.mark.parametrize(
    ("subject", "part", "words"),
    [
        (_single_time, "one time for all", "a time of shape () is not taken for that of every row"),
        (_sums, "answers", "it returned the shape (136,), where (136, 2) is right"),
        (_raises, "answers", "it raised ZeroDivisionError: no such time"),
        (lambda x, t: "score", "answers", "it returned str, no array"),
        (_nan, "finite numbers", "NaN or infinity at"),
        (_writes, "arguments left alone", "it writes into x"),
        (_first_time, "batch of one", None),
        (_first_time, "any batch", "other rows in the batch change what it says"),
    ],
)
def test_each_misbehaviour_is_a_part_of_its_own(subject, part: str, words: str | None) -> None:
    found = module.prepare(subject, "two-modes", **SMALL)
    results = {each.name: each.run(found) for each in module.PARTS}
    if part == "batch of one":  # the first row of all is the first row of one
        assert results[part].passed
        return
    assert not results[part].passed
    assert words is not None
    assert words.replace("136", str(len(found.rows))) in results[part].message


def test_one_time_for_all_may_be_refused() -> None:
    def subject(x, t):
        if t.shape != x.shape[:1]:
            raise ValueError("a time for each row")
        return _right(x, t)

    assert check_score(subject, "two-modes", **SMALL).parts[-1].message == "it takes no time without rows"
    taken = check_score(_right, "two-modes", **SMALL).parts[-1]
    assert taken.message == "a time of shape () or (1,) is that of every row"


def test_code_in_torch_is_told_of_its_own_error_and_not_of_an_array() -> None:
    torch = pytest.importorskip("torch")

    def joined(x, t):
        return torch.cat([x, t], 1)

    def wide(x, t):
        return torch.exp(-t)[:, None].expand(len(x), 3)

    assert "it raised RuntimeError: Tensors must have same number of dimensions" in failure(joined, "two-modes").message
    assert "it returned the shape (446, 3), where (446, 2) is right" in failure(wide, "two-modes").message


def test_noise_is_seen_in_a_second_call() -> None:
    rng = np.random.default_rng(0)
    result = failure(lambda x, t: _right(x, t) + 1e-3 * rng.standard_normal(x.shape), "two-modes", **SMALL)
    assert "a second call with the same arguments says another thing" in result.message


def test_an_empty_batch_is_a_part() -> None:
    def subject(x, t):
        if not len(x):
            raise ValueError("nothing to do")
        return _right(x, t)

    result = failure(subject, "two-modes", **SMALL)
    assert [part.part for part in result.parts if not part.passed] == ["empty batch"]


def test_the_same_seed_asks_the_same() -> None:
    first, second = (module.prepare(_right, "ring-8", seed=3, **SMALL).rows for _ in range(2))
    np.testing.assert_array_equal(first.x, second.x)
    assert not np.array_equal(first.x, module.prepare(_right, "ring-8", seed=4, **SMALL).rows.x)


def test_work_is_bounded() -> None:
    found = module.prepare(scores.solved(scores.parts(cf.load_mixture("ring-8"))), "ring-8")
    results = [part.run(found) for part in module.PARTS]
    assert all(result.passed for result in results)
    assert found.subject.calls <= 11
    assert found.subject.rows <= 1600


@pytest.mark.parametrize("reach", [10, 100])
def test_what_is_cut_off_far_out_is_seen(reach: float) -> None:
    result = failure(lambda x, t: _right(np.clip(x, -reach, reach), t), "two-modes")
    assert [part.part for part in result.parts if not part.passed] == ["far points"]


def test_rtol_loosens() -> None:
    def near(x, t):
        return 1.001 * _right(x, t)

    failure(near, "two-modes", **SMALL)
    check_score(near, "two-modes", rtol=2e-3, **SMALL)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"predicts": "noise"}, "predicts"),
        ({"schedule": "edm"}, "schedule"),
        ({"rtol": -1}, "rtol"),
        ({"max_examples": 0}, "max_examples"),
        ({"dtype": "int8"}, "dtype"),
        ({"time_scale": 0}, "time_scale"),
        ({"t_min": 3, "t_max": 1}, "t_max"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_arguments(options, field: str) -> None:
    with pytest.raises(InputError, match=f"^{field}"):
        check_score(_right, "two-modes", **options)


@pytest.mark.parametrize("log_density", [False, True])
def test_weights_and_means_that_underflow_in_float16_are_allowed(log_density: bool) -> None:
    torch = pytest.importorskip("torch")
    mixture = cf.GaussianMixture(["0.999999999998", "1e-12", "1e-12"], [[-10, 3], [5, 2], [0, 8]], "0.04")
    w, mu = (torch.tensor(np.array(each)).half() for each in (mixture.weights, mixture.means))

    def logits(x, t):
        m = torch.exp(-t)[:, None]
        v = m * m * 0.04 + (1 - m * m)
        z = m[..., None] * mu - x[:, None]
        return torch.log(w) - (z**2).sum(-1) / (2 * v) - torch.log(2 * torch.pi * v), z / v[..., None]

    def score(x, t):
        found, parts = logits(x, t)
        return (torch.softmax(found, 1)[..., None] * parts).sum(1)

    check = cf.testing.check_log_density if log_density else check_score
    f = (lambda x, t: torch.logsumexp(logits(x, t)[0], 1)) if log_density else score
    result = check(f, mixture, dtype=torch.float16, t_max=20, max_examples=64)
    assert "say nothing" not in {part.part: part.message for part in result.parts}["typical points"]
