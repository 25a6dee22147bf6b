"""What an experiment is: a function of a process and its options, which returns named figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

#: How a figure is coloured: by its size, by its logarithm, by its logarithm about 1, so that both sides show, or as a
#: share from 0 to 1. A cell of a diagram has the mean of shares, of all others the median.
Scale = Literal["linear", "log", "ratio", "share"]


@dataclass(frozen=True)
class Figure:
    """A figure of an experiment: what it means, and how a diagram colours it (None: it has no diagram)."""

    meaning: str
    scale: Scale | None = None


@dataclass(frozen=True)
class Measured:
    """What an experiment found.

    figures : numbers, texts, booleans or None by their names
    violated : the statement that the figures refute, with the numbers; empty where none is
    spent : the budget ended before the figures were as sharp as asked for
    """

    figures: Mapping[str, Any]
    violated: str = ""
    spent: str = ""


#: Checks a value of an option: `(value, field) -> value`.
OptionCheck = Callable[[Any, str], Any]


@dataclass(frozen=True)
class Option:
    """An option of an experiment."""

    default: Any
    check: OptionCheck
    meaning: str


@dataclass(frozen=True)
class Experiment:
    """A question that is asked of every mixture.

    name : as a specification has it; question : in one sentence
    measure : `measure(process, **options)`; raises what the library raises where the question does not apply
    figures : what it may return, by name
    """

    name: str
    question: str
    measure: Callable[..., Measured]
    figures: Mapping[str, Figure]
    options: Mapping[str, Option] = field(default_factory=dict)
