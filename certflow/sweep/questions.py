"""The questions of a sweep: its tables `[[claims]]` and `[[experiments]]`, and the code that answers them."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from certflow.claims.check import PROFILES
from certflow.claims.registry import STATEMENTS
from certflow.errors import InputError, missing, unknown
from certflow.sweep.code import code_digest, libraries, own_digest, package_digest
from certflow.sweep.experiments.registry import EXPERIMENTS, call_of, source_of
from certflow.sweep.keys import Keys, every
from certflow.sweep.tasks import Question

#: What answers a claim.
_VERIFICATION = "certflow.verification.run"
#: What does every task, whatever it asks.
_PERFORMING = "certflow.sweep.performing"


def questions(claims: list[Keys], experiments: list[Keys], folder: Path) -> tuple[Question, ...]:
    """The questions of the tables, each by a label of its own.

    Raises
    ------
    InputError : a key, named with its table.
    """
    found: list[Question] = []
    for keys in claims:
        found += _claims(keys)
    for keys in experiments:
        found.append(_experiment(keys, folder))
    if not found:
        raise missing("experiments", "at least one table [[experiments]] or [[claims]], the questions")
    for place, question in enumerate(found):
        if question.label in [other.label for other in found[:place]]:
            required = "a label of its own for each question (key label)"
            raise InputError("experiments.label", question.label, required)
    return tuple(replace(question, code=code_of(question), libraries=libraries()) for question in found)


def code_of(question: Question) -> str:
    """The digest of the code that answers a question here."""
    return hashlib.sha256(f"{own_digest(_PERFORMING)} {_answering(question)}".encode()).hexdigest()


def _answering(question: Question) -> str:
    if question.kind == "claim":
        return code_digest(_VERIFICATION)
    if question.kind == "experiment":
        return code_digest(inspect.getmodule(EXPERIMENTS[question.name].measure).__name__)  # type: ignore[union-attr]
    call = call_of(question.name, "call", Path(question.folder) if question.folder else None)
    return f"{package_digest()} {source_of(call)}"  # it may use anything of the package


def difference(question: Question) -> str:
    """In which way this process would answer a question otherwise than the one that asks; empty where in none."""
    here, there = libraries(), question.libraries
    for name in (*there, *here):
        if here.get(name) != there.get(name):
            found, asked = (f"{name} {each[name]}" if name in each else f"no {name}" for each in (here, there))
            return f"{found} in place of {asked}"
    return "" if code_of(question) == question.code else f"another version of the code of {question.label}"


def _claims(keys: Keys) -> Iterator[Question]:
    ids = keys.required("ids", '"all", or a list of ids such as ["L2", "G1"] (certflow claims lists them)')
    listed = list(STATEMENTS) if ids == "all" else every(ids, keys.full("ids"), _claim)
    options = {
        "profile": keys.choice("profile", PROFILES, "quick"),
        "digits": keys.whole("digits", 50, 15, 1000),
        "seed": keys.whole("seed", 0, 0, 2**32 - 1),
    }
    families = _families(keys)
    keys.finish()
    for claim in listed:
        yield Question("claim", claim, claim, options, "", families=families)


def _families(keys: Keys) -> tuple[str, ...]:
    """The tables of mixtures, by their names, of which a question is asked; none: of all."""
    if "families" not in keys:
        return ()
    return tuple(every(keys.value("families"), keys.full("families"), _text))


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str):
        raise InputError(field, value, "the name of a table of mixtures")
    return value


def _claim(value: Any, field: str) -> str:
    name = value.upper() if isinstance(value, str) else value
    if name not in STATEMENTS:
        raise unknown(field, value, STATEMENTS, before="all, or ids among ")
    return str(name)


def _experiment(keys: Keys, folder: Path) -> Question:
    families = _families(keys)
    if "call" in keys:
        name = keys.text("call")
        call_of(name, keys.full("call"), folder)
        label, options = keys.text("label", name.rpartition(":")[2]), keys.value("options", {})
        Keys(options, keys.full("options"))
        keys.finish()
        return Question("call", name, label, options, "", folder=str(folder.absolute()), families=families)
    keys.required("name", f"one of {', '.join(EXPERIMENTS)}, or call, a function of your own")
    name = keys.choice("name", EXPERIMENTS)
    label = keys.text("label", name)
    options = {
        key: option.check(keys.value(key, option.default), keys.full(key))
        for key, option in EXPERIMENTS[name].options.items()
    }
    keys.finish()
    return Question("experiment", name, label, options, "", families=families)
