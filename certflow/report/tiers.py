"""The formal tiers of a claim in the words of a reader: general, general in part, instance."""

from __future__ import annotations

from dataclasses import dataclass

from certflow.claims.model import ClaimResult, Extent, Kind, MachineChecked, Outcome


@dataclass(frozen=True)
class Tier:
    """A tier: its mark, its name, and what it says in a sentence without an end."""

    mark: str
    name: str
    says: str

    @property
    def token(self) -> str:
        """Its name as the name of a style, or a word of a link."""
        return self.name.replace(", ", "-").replace(" ", "-")


GENERAL = Tier(
    "◆", "general", "Coq's kernel accepted the formula of the claim, as its proof page says under Machine-checked"
)
IN_PART = Tier("◇", "general, in part", "Coq's kernel accepted a part of it, which its proof page names there")
INSTANCE = Tier("●", "instance", "Coq's kernel accepted what a certificate of this run asserts of this mixture")
INSTANCE_IN_PART = Tier(
    "◐", "instance, in part", "Coq's kernel accepted a part of what a certificate of this run asserts of this mixture"
)
#: What a reader must not take from the marks of lemmas.
NO_EVIDENCE = "General tiers are of the statement, were not compiled in this run, and are no evidence about its code."
TIERS = (GENERAL, IN_PART, INSTANCE, INSTANCE_IN_PART)


def general(checked: MachineChecked | None) -> tuple[Tier, ...]:
    """What lemmas give a statement: one tier, or none."""
    if checked is None:
        return ()
    return (GENERAL,) if checked.extent is Extent.STATEMENT else (IN_PART,)


def tiers(result: ClaimResult) -> tuple[Tier, ...]:
    """The formal tiers of a claim of a report; an instance counts where every theorem of the run was accepted."""
    return general(result.machine_checked) + instance(result)


def instance(result: ClaimResult) -> tuple[Tier, ...]:
    """What theorems of a run give a claim: one tier where the kernel accepted every one of them, or none."""
    found = [item for item in result.evidence if item.kind is Kind.FORMAL]
    if not found or any(item.outcome is not Outcome.HOLDS for item in found):
        return ()
    return (INSTANCE_IN_PART,) if any(item.theorem and item.theorem.part for item in found) else (INSTANCE,)
