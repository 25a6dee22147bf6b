"""What is known of a planted fault before any diagnosis looks at it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import certflow as cf


@dataclass(frozen=True)
class Fault:
    """A wrong score or sampler, and which diagnosis of it would be right.

    kind : "score" (`f(x, t)`, `t` a number or of shape (N,)) or "sampler" (`f(velocity, x, times)`)
    make : makes the wrong code
    mixture : what it is wrong about
    cause : what is wrong, in plain words
    says : patterns; a diagnosis is right if the name or the sentence of a cause has one of them
    options : of the check, such as `predicts` and `schedule`, or `order`
    """

    name: str
    kind: str
    make: Callable[[], Callable[..., Any]]
    mixture: cf.GaussianMixture
    cause: str
    says: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)

    def named_by(self, causes: Iterable[Any]) -> bool:
        """Whether one of these causes is the right one."""
        said = [f"{cause.name}: {cause.sentence}" for cause in causes]
        return any(re.search(pattern, text, re.IGNORECASE) for pattern in self.says for text in said)


def uneven() -> cf.GaussianMixture:
    """Three components of a common variance, unlike in weight."""
    return cf.GaussianMixture(["0.7", "0.2", "0.1"], [[-1, 0], [1, "0.5"], ["0.3", "-1.2"]], "0.09")


def two_widths() -> cf.GaussianMixture:
    """A broad component with little weight beside a narrow one."""
    return cf.GaussianMixture(["0.35", "0.65"], [["-0.8", "0.2"], ["0.9", "-0.4"]], ["0.04", "0.36"])


def modes() -> cf.GaussianMixture:
    """Two narrow components of equal weight on a line through the plane, off the origin."""
    return cf.GaussianMixture(["0.5", "0.5"], [[-1, "0.3"], ["1.2", "-0.1"]], "0.04")
