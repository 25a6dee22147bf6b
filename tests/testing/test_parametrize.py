"""`parametrize_with_checks`: which cases, under which names, with which marks, and what it refuses."""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from depth import night

import certflow as cf
from certflow.errors import InputError
from certflow.testing import parametrize, parametrize_with_checks
from certflow.testing.checks.part import Part
from certflow.testing.hearing import listening
from certflow.testing.parametrize import check_cases
from certflow.testing.result import CheckFailed, Result

PREPARED: list[tuple[Any, ...]] = []


def toy(prepare: Callable[..., Any]) -> SimpleNamespace:
    """A check of two parts: the first is right where the subject says so."""

    def told(found: Any) -> Result:
        return Result("check_toy", "odd part", found == "right", "as it says", 3)

    parts = (Part("odd part", told), Part("even", lambda _: told("right")))
    return SimpleNamespace(prepare=prepare, PARTS=parts, **{f"check_{kind}": prepare for kind in parametrize.KINDS})


def prepare(subject: Any, mixture: Any, *, seed: int = 0) -> Any:
    PREPARED.append((subject, mixture.name, seed))
    return subject()


@pytest.fixture(autouse=True)
def checks(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = {"score": toy(prepare), "sampler": toy(prepare), "grid": toy(lambda subject, mixture=None: subject())}
    monkeypatch.setattr(parametrize, "_module", modules.__getitem__)
    PREPARED.clear()


def right() -> str:
    return "right"


class Wrong:
    def __call__(self) -> str:
        return "wrong"


def marks(decorated: Callable[..., None]) -> pytest.Mark:
    (mark,) = decorated.pytestmark
    assert mark.name == "parametrize"
    return mark


def test_ids_are_names_without_addresses_or_spaces() -> None:
    subjects = [right, Wrong(), functools.partial(right), lambda: "right", Wrong()]
    ids = [case.id for case in check_cases("sampler", subjects, ["two-modes", "iris"])]
    names = ["right", "Wrong", "right#2", "lambda", "Wrong#2"]
    assert ids == [f"{n}-{m}-{part}" for n in names for m in ("two-modes", "iris") for part in ("odd-part", "even")]
    assert [case.id for case in check_cases("grid", {"my grid": right})] == ["my-grid-odd-part", "my-grid-even"]


def test_nothing_is_prepared_before_a_part_runs_and_then_once() -> None:
    odd, even = check_cases("score", right, "two-modes", seed=7)
    assert PREPARED == []
    assert odd()
    assert even(right)
    assert [(right, "two-modes", 7)] == PREPARED


def test_another_subject_is_prepared_for_itself() -> None:
    odd, _ = check_cases("score", right, "two-modes")
    wrong = Wrong()
    with pytest.raises(CheckFailed, match="check_toy, odd part: as it says"):
        odd(wrong)
    assert odd()
    assert [(wrong, "two-modes", 0), (right, "two-modes", 0)] == PREPARED


def test_a_subject_made_of_each_mixture() -> None:
    cases = check_cases("score", lambda mixture: Wrong() if mixture.name == "iris" else right, from_mixture=True)
    assert len(cases) == 2 * len(cf.builtin_mixtures())
    heard: list[tuple[bool, str]] = []
    with listening(lambda result, about: heard.append((result.passed, about["mixture"]))):
        for case in cases:
            if case.part.name == "odd part":
                with pytest.raises(CheckFailed) if case.mixture_name == "iris" else listening(lambda *_: None):
                    case()
    assert heard == [(name != "iris", name) for name in cf.builtin_mixtures()]


def test_an_error_of_the_subject_is_told_and_raised() -> None:
    def breaks() -> str:
        raise ZeroDivisionError("by nothing")

    heard: list[Result] = []
    odd, _ = check_cases("score", breaks, "two-modes")
    with listening(lambda result, _: heard.append(result)), pytest.raises(ZeroDivisionError):
        odd()
    assert [(each.check, each.passed, each.message) for each in heard] == [
        ("check_score", False, "ended by ZeroDivisionError: by nothing")
    ]


def test_a_test_function_gets_what_it_takes() -> None:
    mixture = cf.load_mixture("two-modes")

    @parametrize_with_checks("score", [right], [mixture])
    def both(subject: Any, check: Any) -> None:
        assert subject is right
        check(subject)

    @parametrize_with_checks("score", right, mixture)
    def one(check: Any) -> None:
        check()

    assert marks(both).args[0] == ("subject", "check")
    assert marks(one).args[0] == ("check",)
    for values in marks(both).args[1]:
        both(**dict(zip(("subject", "check"), values.values, strict=True)))
    assert (both.__name__, one.__name__) == ("both", "one")


def test_a_test_that_forgets_its_check_fails() -> None:
    @parametrize_with_checks("score", right, "two-modes")
    def forgets(check: Any) -> None:
        """Nothing."""

    (value, _) = marks(forgets).args[1]
    with pytest.raises(AssertionError, match=r"forgets did not run its check: call check\(subject\)"):
        forgets(check=value.values[0])


@pytest.mark.parametrize("strict", [True, False])
def test_expected_failures_are_marked_with_their_reasons(strict: bool) -> None:
    def known(subject: Any) -> dict[str, str]:
        return {"odd part": "issue 7"} if isinstance(subject, Wrong) else {}

    @parametrize_with_checks("sampler", [right, Wrong()], "two-modes", expected_failures=known, xfail_strict=strict)
    def test(check: Any) -> None:
        check()

    found = {value.id: [mark.kwargs for mark in value.marks] for value in marks(test).args[1]}
    assert found == {
        "right-two-modes-odd-part": [],
        "right-two-modes-even": [],
        "Wrong-two-modes-odd-part": [{"reason": "issue 7", "strict": strict, "raises": CheckFailed}],
        "Wrong-two-modes-even": [],
    }


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("scores", right), {}, r"kind: got 'scores'; required: one of score, velocity, "),
        (("score", []), {}, r"subjects: got \[\]; required: at least one"),
        (("score", {}), {}, r"subjects: got \{\}; required: at least one"),
        (("score", right), {}, r"mixtures: got \['anisotropic-pair', .*one mixture.*or from_mixture=True"),
        (("score", right, "nobody"), {}, r"MIXTURE: got 'nobody'; required: a file"),
        (("sampler", right, []), {}, r"mixtures: got \[\]; required: at least one"),
        (
            ("score", right, "iris"),
            {"expected_failures": {"other": "why"}},
            r"expected_failures: got 'other'; required: a part of check_score: even, odd part",
        ),
        (
            ("score", right, "iris"),
            {"dtyp": "float32"},
            "dtyp: got 'float32'; required: an option of check_score: seed",
        ),
    ],
)
def test_what_is_refused(arguments: tuple[Any, ...], options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        parametrize_with_checks(*arguments, **options)


@pytest.mark.parametrize("function", [lambda subject: None, type("Tests", (), {})])
def test_what_takes_no_check_is_refused(function: Any) -> None:
    with pytest.raises(InputError, match=r"function: got .*; required: a test function that takes check"):
        parametrize_with_checks("score", right, "iris")(function)


def euler(velocity: Any, x: Any, times: Any) -> Any:
    for t, s in pairwise(times):
        x = x + (s - t) * velocity(x, t)
    return x


def pair(x0: Any, t: Any, noise: Any) -> Any:
    m = np.exp(-t)[:, None]
    return m * x0 + np.sqrt(1 - m**2) * noise, noise


def of_process(name: str) -> Callable[[cf.GaussianMixture], Any]:
    return lambda mixture: getattr(cf.OrnsteinUhlenbeck(mixture), name)


#: Right code of each kind: what is handed over, and the options.
RIGHT: dict[str, tuple[Any, dict[str, Any]]] = {
    **{name: (of_process(name), {"max_examples": 16}) for name in ("score", "velocity", "jacobian", "log_density")},
    "flow_map": (of_process("flow"), {"max_examples": 2}),
    "lipschitz": (of_process("lipschitz_bound"), {"max_examples": 4}),
    "sampler": (lambda mixture: euler, {"order": 1, "samples": 500}),
    "schedule": (lambda mixture: cf.schedules.edm(), {}),
    "grid": (lambda mixture: np.geomspace(3, 0.01, 9), {"segments": 8}),
    "training_pair": (lambda mixture: pair, {"predicts": "epsilon"}),
}


@pytest.mark.parametrize("kind", [*(kind for kind in parametrize.KINDS if kind != "flow_map"), *night("flow_map")])
def test_every_kind_makes_cases_that_right_code_passes(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    made, options = RIGHT[kind]
    cases = check_cases(kind, made, ["two-modes"], from_mixture=True, **options)
    assert len({case.id for case in cases}) == len(cases) >= 2
    results = [case() for case in cases]
    assert {result.check for result in results} == {f"check_{kind}"}
    assert [result.part for result in results] == [case.part.name for case in cases]


@pytest.mark.parametrize(("kind", "made"), [("schedule", cf.schedules.edm()), ("grid", np.geomspace(3, 0.01, 9))])
def test_a_kind_that_needs_no_mixture_is_checked_without_one(kind: str, made: Any, monkeypatch: Any) -> None:
    monkeypatch.undo()
    for case in check_cases(kind, made):
        assert case.mixture_name == ""
        assert case()
