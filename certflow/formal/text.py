"""The whole text for Coq of one certificate."""

from __future__ import annotations

from typing import Any

from certflow.formal.instances import STATEMENTS, NotServed
from certflow.formal.problem import problem_of
from certflow.formal.theories import theories

#: What the theorem of a claim is of, where it is not of the whole assertion.
PARTS: dict[str, str] = {}


def theorem_file(content: dict[str, Any]) -> str:
    """What `coqc -Q . Certflow` compiles beside the theories: the problem, the theorem `asserted`, its axioms printed.

    `content` is a certificate that the checker has accepted. Raises `NotServed`.
    """
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
    problem = problem_of(content)
    return problem.definitions() + STATEMENTS[claim](problem, content["assertion"], content["proof"]["bits"])
