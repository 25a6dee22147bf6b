"""The nouns every view of a result is made of: evidence, outcome, claim result.

Reports, exit codes, JUnit files and pytest results are all views of the models below
(`proofs/evidence.md`; the wording of the kinds is never mixed).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, StringConstraints


class Kind(StrEnum):
    """Kinds of evidence, strongest first."""

    FORMAL = "formal"
    SYMBOLIC = "symbolic"
    ENCLOSURE = "enclosure"
    HIGH_PRECISION = "high_precision"
    SAMPLED = "sampled"
    EMPIRICAL = "empirical"


#: What a piece of evidence of each kind says, and what it does not.
KIND_MEANING: dict[Kind, tuple[str, str]] = {
    Kind.FORMAL: (
        "a proof-assistant kernel accepted what a certificate asserts as a theorem on this mixture and interval",
        "anything about the code that evaluates the formulas, or more than the text of the theorem",
    ),
    Kind.SYMBOLIC: (
        "SymPy and FLINT reduced the difference to zero for all parameters of the stated (K, d)",
        "other (K, d) are covered by the written proof only; SymPy and FLINT are trusted",
    ),
    Kind.ENCLOSURE: (
        "ball arithmetic encloses the statement for all that its scope names: all x, an interval of t, or times",
        "other mixtures, and whatever the scope leaves out",
    ),
    Kind.HIGH_PRECISION: (
        "the statement holds at the sampled points to the stated number of digits",
        "points in between were not looked at",
    ),
    Kind.SAMPLED: (
        "no counterexample was found among the sampled cases",
        "it is not a certificate: a counterexample may exist elsewhere",
    ),
    Kind.EMPIRICAL: (
        "it was measured, on trained maps or on followed perturbations, with a spread over seeds",
        "it is a trend of one experiment, not a proof",
    ),
}


class Outcome(StrEnum):
    HOLDS = "holds"
    VIOLATED = "violated"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not applicable"
    NOT_CHECKED = "not yet checked"


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


#: Path of a certificate below the directory of a report; it stands in links, so its characters are few.
CertificatePath = Annotated[str, StringConstraints(pattern=r"^certificates/[A-Za-z0-9][A-Za-z0-9.+-]*\.json$")]


class Theorem(Frozen):
    """What a certificate asserts, as the theorem that was given to a proof assistant."""

    certificate: CertificatePath = Field(description="the certificate of which it is written")
    part: str = Field(default="", description="what of the certificate it is of, where not of all that it asserts")
    text: str = Field(description="definitions and statement, without the proof")
    prover: str = Field(description="the proof assistant and its version")
    axioms: tuple[str, ...] = Field(default=(), description="all that an accepted theorem rests on besides the kernel")


class Extent(StrEnum):
    """How much of a displayed statement lemmas of a proof assistant cover, for all parameters that they name."""

    STATEMENT = "statement"
    PART = "part"


class MachineChecked(Frozen):
    """The lemmas of `proofs/coq` behind a statement: nothing that a run found, and nothing of the code."""

    extent: Extent
    says: str = Field(description="which lemmas, and what they leave out; text with inline LaTeX between $ signs")


class Evidence(Frozen):
    """One piece of evidence: what was looked at, how strongly, and what came out."""

    check: str = Field(description="name of the check in the registry, e.g. 'S2.gradient', or 'L2.kernel'")
    kind: Kind
    outcome: Outcome
    summary: str = Field(description="one sentence with the decisive number")
    scope: str = Field(description="what is covered: the (K, d), or how many points of which ranges")
    numbers: dict[str, Any] = Field(default_factory=dict, description="figures, JSON scalars or strings")
    witness: dict[str, Any] | None = Field(default=None, description="replayable counterexample")
    seed: int | None = None
    seconds: float = 0.0
    certificates: tuple[CertificatePath, ...] = Field(default=(), description="files below the report's directory")
    checking_seconds: float = Field(default=0.0, description="of the independent checker on the certificates")
    proved: str | None = Field(default=None, description="when it was proved, where that was in an earlier run")
    theorem: Theorem | None = Field(default=None, description="of formal evidence: what the kernel was given")

    _contents: dict[str, dict[str, Any]] = PrivateAttr(default_factory=dict)

    @property
    def contents(self) -> dict[str, dict[str, Any]]:
        """The certificates by path; none where the evidence was read back from a report."""
        return dict(self._contents)

    def attach(self, contents: Mapping[str, dict[str, Any]]) -> Evidence:
        """Keep the certificates that `certificates` names with the evidence; returns it."""
        self._contents.update({path: contents[path] for path in self.certificates})
        return self

    def __eq__(self, other: object) -> bool:
        """Equality of what a report tells; the contents of the certificates lie in files of their own."""
        return isinstance(other, Evidence) and self.__dict__ == other.__dict__


class ClaimResult(Frozen):
    """A statement of the theory with the evidence collected for it on one mixture."""

    id: str
    title: str
    statement: str = Field(description="LaTeX of the displayed formula (no $ signs)")
    hypotheses: tuple[str, ...] = Field(description="plain text with inline LaTeX between $ signs")
    source: str
    remark: str = Field(default="", description="what a reader should know; text with inline $LaTeX$")
    proof: str | None = Field(default=None, description="path of the page in proofs/")
    rests_on: tuple[str, ...] = Field(default=(), description="ids of the statements that its proof uses")
    machine_checked: MachineChecked | None = Field(default=None, description="None: no lemma of proofs/coq")
    outcome: Outcome
    reason: str = Field(default="", description="why not applicable, inconclusive or not yet checked")
    evidence: tuple[Evidence, ...] = ()
    pending: tuple[Kind, ...] = Field(default=(), description="kinds of evidence that do not exist yet")
    left_out: dict[Kind, str] = Field(
        default_factory=dict, description="why this run has no evidence of a kind: profile, torch, or this version"
    )
