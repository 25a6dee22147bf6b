"""A specification: which mixtures, which questions, which diagrams (`docs/sweep.md`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certflow.errors import InputError, unknown
from certflow.law.formats import to_mapping
from certflow.law.texts import decoded, file_content, parse_toml
from certflow.numbers.exact import exact_number, exact_text
from certflow.sweep.columns import PARAMETERS, figures_of
from certflow.sweep.families import Member, Reader, members
from certflow.sweep.keys import Keys, bounded
from certflow.sweep.questions import questions
from certflow.sweep.tasks import Question, Task
from certflow.verification.run import LATEST

SCHEMA = "certflow/sweep/1"
#: Files larger than this are refused.
MAX_BYTES = 2**20


#: The name of a sweep that has none.
UNNAMED = "sweep"


@dataclass(frozen=True)
class Diagram:
    """What a diagram shows: a figure of a question, over two parameters; None leaves the choice to the page."""

    label: str
    figure: str
    x: str | None = None
    y: str | None = None


@dataclass(frozen=True)
class Specification:
    """What a sweep is to do.

    members : the mixtures; questions : what is asked of each
    t_min, t_max : exact texts; seconds : the limit of one task
    text : the file as it is written
    """

    name: str
    t_min: str
    t_max: str
    seconds: float
    members: tuple[Member, ...]
    questions: tuple[Question, ...]
    diagrams: tuple[Diagram, ...]
    text: str

    def tasks(self) -> Iterator[tuple[Member, Task]]:
        """Every question about every mixture, mixture by mixture."""
        for member in self.members:
            mixture = to_mapping(member.mixture)
            for question in self.questions:
                if question.families and member.family not in question.families:
                    continue
                yield member, Task(mixture, self.t_min, self.t_max, question, self.seconds)


def read_specification(source: str | Path, read: Reader | None = None) -> Specification:
    """The specification in a TOML file.

    read : how a file of data is read, from its path to points; without it, data files are refused

    Raises
    ------
    InputError : a file that cannot be read, or a key, named with its table.
    """
    path = Path(source)
    text = decoded(file_content(path, "SPEC", MAX_BYTES), str(source), "SPEC")
    return specification(text, path.parent, read, str(source))


def specification(
    text: str, folder: Path | None = None, read: Reader | None = None, name: str = "SPEC"
) -> Specification:
    """The specification that a TOML text is; `folder` is where names of files in it begin."""
    try:
        return _read(Keys(parse_toml(text, name, "SPEC"), ""), text, Path() if folder is None else folder, read)
    except InputError as error:
        if isinstance(error.value, bool):  # as TOML writes it
            told = f"got {str(error.value).lower()}"
            raise InputError(error.field, error.value, error.requirement, told) from None
        raise


def _read(keys: Keys, text: str, where: Path, read: Reader | None) -> Specification:
    keys.required("schema", f'the line schema = "{SCHEMA}"')
    keys.choice("schema", [SCHEMA])
    title = keys.text("name", UNNAMED)
    t_min, t_max = (_time(keys, end, default) for end, default in (("t_min", "0.01"), ("t_max", "3")))
    if not exact_number(t_min) < exact_number(t_max):
        raise InputError("t_max", t_max, f"a time later than t_min = {t_min}")
    seed = keys.whole("seed", 0, 0, 2**32 - 1)
    seconds = keys.number("seconds", 60, 0.1, 1e6)
    tables = {name: keys.tables(name) for name in ("mixtures", "claims", "experiments", "diagrams")}
    keys.finish()
    asked = questions(tables["claims"], tables["experiments"], where)
    diagrams = tuple(_diagram(each, asked) for each in tables["diagrams"])
    found = tuple(members(tables["mixtures"], seed, where, read))
    _check_families(asked, found)
    return Specification(title, t_min, t_max, seconds, found, asked, diagrams, text)


def _time(keys: Keys, name: str, default: str) -> str:
    bounded(keys.value(name, default), name, 1e-6, LATEST)
    return exact_text(exact_number(keys.exact(name, default), name))


def _check_families(asked: tuple[Question, ...], found: tuple[Member, ...]) -> None:
    """Every table of mixtures that a question names is there."""
    known = list(dict.fromkeys(member.family for member in found))
    for question in asked:
        for family in question.families:
            if family not in known:
                raise unknown(f"families of {question.label}", family, known)


def _diagram(keys: Keys, asked: tuple[Question, ...]) -> Diagram:
    known: Mapping[str, Any] = {question.label: question for question in asked}
    label = keys.choice("of", known)
    figure = keys.choice("figure", figures_of(known[label])) if known[label].kind != "call" else keys.text("figure")
    x, y = (keys.choice(axis, PARAMETERS) if axis in keys else None for axis in ("x", "y"))
    keys.finish()
    return Diagram(label, figure, x, y)
