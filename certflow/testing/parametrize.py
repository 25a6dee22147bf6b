"""Checks of other people's code as pytest cases, one for each part, in the manner of scikit-learn.

::

    from certflow.testing import parametrize_with_checks

    @parametrize_with_checks("score", my_score, "two-modes")
    def test_my_score(subject, check):
        check(subject)

Nothing here needs the pytest plugin; where it is active, it collects what the checks found.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from certflow.errors import InputError, did_you_mean, unknown
from certflow.testing.hearing import tell
from certflow.testing.result import CheckFailed, Result

#: What can be checked: `check_score`, `check_velocity`, ...
KINDS = (
    "score",
    "velocity",
    "jacobian",
    "flow_map",
    "lipschitz",
    "log_density",
    "sampler",
    "schedule",
    "grid",
    "training_pair",
)
#: Kinds of code that belong to one mixture.
_OF_ONE_MIXTURE = KINDS[:6]
_ARGUMENTS = ("subject", "check")

Expected = Mapping[str, str] | Callable[[Any], Mapping[str, str]]


def parametrize_with_checks(
    kind: str,
    subjects: Any,
    mixtures: Any = None,
    *,
    from_mixture: bool = False,
    expected_failures: Expected | None = None,
    xfail_strict: bool = True,
    **options: Any,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A decorator that makes one pytest case of each (subject, mixture, part of `check_<kind>`).

    The test function takes `check`, and `subject` if it likes; it runs `check(subject)`, or `check()` for the subject
    as it was handed over. A test that does not run its check fails. The ids are made of names, never of addresses,
    so that every process of pytest-xdist finds the same cases: `my_score-two-modes-typical-points`.

    Parameters
    ----------
    kind : what is checked, one of `KINDS`: "score" for the parts of `check_score`
    subjects : what is checked: one, a list of several, or a mapping from names (for the ids) to them
    mixtures : what it is held against: one mixture, several, names of built-ins or files; None for every built-in,
        of a kind that needs no mixture for none
    from_mixture : the subjects are functions of a mixture that return what is checked
    expected_failures : from names of parts to the reasons why they fail, or a function of the subject that returns
        such a mapping; these cases are `xfail`, and only a check that failed counts as one (an error does not)
    xfail_strict : an expected failure that passes fails the test, so that no stale reason stays
    options : of `check_<kind>`, such as `predicts="epsilon"`

    Raises
    ------
    InputError : an unknown kind, part, option or mixture, no subject, several mixtures for a subject that is of one.
    """
    import pytest

    cases = check_cases(kind, subjects, mixtures, from_mixture=from_mixture, **options)
    parts = {case.part.name for case in cases}
    marked = []
    for case in cases:
        reasons = expected_failures(case.subject) if callable(expected_failures) else expected_failures or {}
        for part in reasons:
            if part not in parts:
                raise InputError("expected_failures", part, f"a part of check_{kind}: {', '.join(sorted(parts))}")
        reason = reasons.get(case.part.name)
        marks = [] if reason is None else [pytest.mark.xfail(reason=reason, strict=xfail_strict, raises=CheckFailed)]
        marked.append((case, marks))

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        taken = _arguments(function)
        values = [
            pytest.param(*({"subject": case.subject, "check": case}[name] for name in taken), id=case.id, marks=marks)
            for case, marks in marked
        ]
        parametrized: Callable[..., None] = pytest.mark.parametrize(taken, values)(_that_runs_its_check(function))
        return parametrized

    return decorate


@dataclass
class _Preparation:
    """What the parts of one check of one subject share, prepared when the first of them runs."""

    kind: str
    subject: Any
    mixture: Any
    from_mixture: bool
    options: dict[str, Any]
    _made: dict[int, Any] = field(default_factory=dict)

    def of(self, subject: Any) -> Any:
        """What `prepare` of the module of the check makes of a subject; once for each."""
        if id(subject) not in self._made:
            made = subject(self.mixture) if self.from_mixture else subject
            given = (made,) if self.mixture is None else (made, self.mixture)
            self._made[id(subject)] = subject, _module(self.kind).prepare(*given, **self.options)
        return self._made[id(subject)][1]


@dataclass(repr=False)
class Case:
    """One part of a check of one subject on one mixture; calling it runs it."""

    subject_name: str
    mixture_name: str
    part: Any  #: of `checks.part.Part`
    preparation: _Preparation
    ran: bool = False

    def __repr__(self) -> str:
        return f"<check_{self.preparation.kind} {self.id}>"

    @property
    def subject(self) -> Any:
        return self.preparation.subject

    @property
    def id(self) -> str:
        """The same in every process: names alone."""
        names = filter(None, (self.subject_name, self.mixture_name, self.part.name))
        return "-".join(re.sub(r"\s+", "-", name) for name in names)

    def __call__(self, subject: Any = None) -> Result:
        """Run the part on `subject` (default: the one that the case is of) and return what it found.

        Raises
        ------
        CheckFailed : it found a counterexample.
        """
        __tracebackhide__ = True
        self.ran = True
        about = {"subject": self.subject_name, "mixture": self.mixture_name}
        try:
            prepared = self.preparation.of(self.subject if subject is None else subject)
            result: Result = self.part.run(prepared)
        except (Exception, SystemExit) as error:
            message = f"ended by {type(error).__name__}: {error}"
            tell(Result(f"check_{self.preparation.kind}", self.part.name, False, message), **about)
            raise
        tell(result, **about)
        if not result:
            raise CheckFailed(result)
        return result


def check_cases(
    kind: str, subjects: Any, mixtures: Any = None, *, from_mixture: bool = False, **options: Any
) -> list[Case]:
    """The cases of `parametrize_with_checks`, in the order: subjects, mixtures, parts."""
    if kind not in KINDS:
        raise unknown("kind", kind, KINDS)
    named = _named(subjects)
    module = _module(kind)
    known = [*inspect.signature(getattr(module, f"check_{kind}")).parameters][2:]
    for name in options:
        if name not in known:
            required = f"an option of check_{kind}: {', '.join(known)}{did_you_mean(name, known)}"
            raise InputError(name, options[name], required)
    if mixtures is None and not _needs_a_mixture(module):
        held: list[Any] = [None]
    else:
        held = _mixtures(mixtures)
        if kind in _OF_ONE_MIXTURE and len(held) > 1 and not from_mixture:
            required = f"one mixture, whose {kind} the subjects are, or from_mixture=True"
            raise InputError("mixtures", [mixture.name for mixture in held], required)
    return [
        Case(name, "" if mixture is None else mixture.name or f"mixture {place}", part, preparation)
        for name, subject in named.items()
        for place, mixture in enumerate(held)
        for preparation in [_Preparation(kind, subject, mixture, from_mixture, options)]
        for part in module.PARTS
    ]


def _needs_a_mixture(module: Any) -> bool:
    """Does `prepare(subject, mixture, ...)` ask for its second argument?"""
    _, second, *_ = inspect.signature(module.prepare).parameters.values()
    return second.default is inspect.Parameter.empty


def _module(kind: str) -> Any:
    return importlib.import_module(f"certflow.testing.checks.{kind}")


def _named(subjects: Any) -> dict[str, Any]:
    """The subjects by name; those of the same name are numbered."""
    if isinstance(subjects, Mapping):
        found = {str(name): subject for name, subject in subjects.items()}
    else:
        found = {}
        for subject in subjects if isinstance(subjects, list) else [subjects]:
            name = _name(subject)
            taken = sum(other == name or other.startswith(f"{name}#") for other in found)
            found[f"{name}#{taken + 1}" if taken else name] = subject
    if not found:
        raise InputError("subjects", subjects, "at least one")
    return found


def _name(subject: Any) -> str:
    """A name that is the same in every process: of a function, or of the class of an object."""
    while isinstance(subject, functools.partial):
        subject = subject.func
    name = getattr(subject, "__name__", None)
    return (name if isinstance(name, str) else type(subject).__name__).strip("<>")


def _mixtures(mixtures: Any) -> list[Any]:
    from certflow.law.library import builtin_mixtures, load_mixture
    from certflow.law.mixture import GaussianMixture

    chosen: Any = builtin_mixtures() if mixtures is None else mixtures
    several = isinstance(chosen, Iterable) and not isinstance(chosen, str)
    each_of = chosen if several else [chosen]
    found = [each if isinstance(each, GaussianMixture) else load_mixture(each) for each in each_of]
    if not found:
        raise InputError("mixtures", mixtures, "at least one")
    return found


def _arguments(function: Callable[..., None]) -> tuple[str, ...]:
    taken = inspect.signature(function).parameters if inspect.isfunction(function) else {}
    if "check" not in taken:
        raise InputError("function", getattr(function, "__name__", function), "a test function that takes check")
    return tuple(name for name in _ARGUMENTS if name in taken)


def _that_runs_its_check(function: Callable[..., None]) -> Callable[..., None]:
    """The test, which fails where it ends without having run its check."""

    @functools.wraps(function)
    def run(*arguments: Any, **named: Any) -> None:
        __tracebackhide__ = True
        case: Case = named["check"]
        case.ran = False
        function(*arguments, **named)
        if not case.ran:
            raise AssertionError(f"{function.__name__} did not run its check: call check(subject)")

    return run
