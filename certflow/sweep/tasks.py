"""A task: one question about one mixture, known by a hash of all that its answer depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

#: Part of every key: raised when the meaning of a result changes.
VERSION = 1
#: What a task does: checks of a claim, an experiment of the registry, or a function of one's own.
KINDS = ("claim", "experiment", "call")


@dataclass(frozen=True)
class Question:
    """What is asked of every mixture.

    kind : of `KINDS`; name : the id of a claim, the name of an experiment, or `MODULE:FUNCTION`
    label : what rows and diagrams call it
    options : of the experiment; of a claim profile, digits and seed
    code : digest of the code that answers it; libraries : versions of those with which it does
    folder : where modules of one's own are
    families : the tables of mixtures that it is asked of; empty: all
    """

    kind: str
    name: str
    label: str
    options: Mapping[str, Any]
    code: str
    libraries: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    families: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """One question about one mixture.

    mixture : as its file has it; t_min, t_max : exact texts; seconds : after which the task is ended
    """

    mixture: Mapping[str, Any]
    t_min: str
    t_max: str
    question: Question
    seconds: float
    key: str = field(init=False)

    def __post_init__(self) -> None:
        asked = self.question
        law = {part: self.mixture[part] for part in ("weights", "means", "covariances")}  # a name changes no answer
        told = {
            "version": VERSION,
            "law": law,
            "t": [self.t_min, self.t_max],
            "question": [asked.kind, asked.name, asked.options, asked.code, asked.libraries],
        }
        key = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]
        object.__setattr__(self, "key", key)

    def mapping(self) -> dict[str, Any]:
        """As JSON values."""
        return {name: value for name, value in asdict(self).items() if name != "key"}

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Task:
        """The task that `mapping` gave."""
        asked = {**mapping["question"], "families": tuple(mapping["question"]["families"])}
        return cls(**{**mapping, "question": Question(**asked)})
