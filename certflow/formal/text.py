"""The whole text for Coq of one certificate."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from certflow.formal.gallina import NotServed
from certflow.formal.instances import balanced_grid, flow_stability, integrals, one_sided, two_sided
from certflow.formal.problem import Problem, problem_of
from certflow.formal.theories import theories
from certflow.formal.witness import sharp_from_below

_HASH = re.compile(r"sha256(?:-statement)?:[0-9a-f]{64}")


def theorem_file(content: dict[str, Any]) -> str:
    """What `coqc -Q . Certflow` compiles beside the theories: the problem, the theorem `asserted`, its axioms printed.

    `content` is a certificate that the checker has accepted; of its texts only the hash is written, if it is one.
    Raises `NotServed`.
    """
    if not _HASH.fullmatch(content["hash"]):
        raise NotServed("a certificate whose hash has another form")
    return f"""(** Written by certflow from the certificate of {content["claim"]} with the hash {content["hash"]}. *)
Require Import Reals Psatz Lia ZArith List.
From Coquelicot Require Import Coquelicot.
From Certflow Require Import {" ".join(theories())}.
From Interval Require Import Tactic.
Open Scope R_scope.

{_statement(content)}
Print Assumptions asserted.
"""


def _statement(content: dict[str, Any]) -> str:
    """The definitions of the problem, the lemmas, and the theorem."""
    claim = content["claim"]
    if claim not in STATEMENTS:
        raise NotServed(f"{claim}; of {', '.join(STATEMENTS)} there is one")
    kind = content["problem"]["mixture"]["covariances"]["kind"]
    if kind != "common-isotropic":
        raise NotServed(f"{claim} of {kind} covariances")
    return STATEMENTS[claim](content)


def _on_interval(statement: Callable[[Problem, dict[str, Any], int], str]) -> Callable[[dict[str, Any]], str]:
    def text(content: dict[str, Any]) -> str:
        problem = problem_of(content)
        return problem.definitions() + statement(problem, content["assertion"], content["proof"]["bits"])

    return text


#: The text of each claim's theorem.
STATEMENTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "L2": _on_interval(two_sided),
    "L3": _on_interval(one_sided),
    "L5": sharp_from_below,
    "F1": _on_interval(flow_stability),
    "F2": _on_interval(integrals),
    "G1": _on_interval(balanced_grid),
}
#: What the theorem of a claim is of, where it is not of the whole assertion.
PARTS: dict[str, str] = {"F1": " of any two trajectories", "L5": " of the lower bound"}
