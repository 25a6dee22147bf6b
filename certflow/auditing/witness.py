"""The draw at which a model is farthest off, as Python that says it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from certflow.auditing.measuring import EXACT, Worst
from certflow.law.code import mixture_code
from certflow.process import OrnsteinUhlenbeck
from certflow.testing.result import Counterexample


@dataclass(frozen=True, eq=False)
class Witness:
    """What was found, and how it is found again.

    counterexample : point, time, what the model said, what is right; the tolerance is the threshold times the root
        mean square of what is right
    setup : Python that makes `p` (the process), and `model` where that can be told
    replay : one expression, the pair (what the model says, what is right), once `x`, `t`, `model`, `p` are there
    relative : the error over the root mean square of what is right at this time
    """

    counterexample: Counterexample
    setup: str
    replay: str
    relative: float

    @property
    def code(self) -> str:
        """The lines in the order in which they are run."""
        x, t = (self.counterexample.inputs[name] for name in ("x", "t"))
        return "\n".join([self.setup, f"x, t = np.array({x.tolist()!r}), {t!r}", f"print({self.replay})"])

    def mapping(self) -> dict[str, Any]:
        found = self.counterexample
        return {
            "x": found.inputs["x"].tolist(),
            "t": found.inputs["t"],
            "got": found.got.tolist(),
            "expected": found.expected.tolist(),
            "error": found.error,
            "relative_error": self.relative,
            "code": self.code,
        }


def witness(worst: Worst, process: OrnsteinUhlenbeck, quantity: str, model_lines: str, threshold: float) -> Witness:
    """model_lines : Python that makes `model`, or a comment that says what it is"""
    code = f"p = cf.OrnsteinUhlenbeck({mixture_code(process.mixture)})"
    return Witness(
        Counterexample(
            code=code,
            inputs={"x": worst.x, "t": worst.t},
            got=worst.got,
            expected=worst.expected,
            error=worst.error,
            tolerance=threshold * worst.scale,
        ),
        setup="\n".join(["import numpy as np", "import certflow as cf", *model_lines.splitlines(), code]),
        replay=f"(model.{quantity}(x, t), {EXACT[quantity][1]})",
        relative=worst.relative,
    )
