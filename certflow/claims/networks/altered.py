"""Networks under test: those of the package, or what a false twin makes of their plan, gadgets or bounds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from certflow.claims.check import Context, Finding, OutOfReach, Procedure
from certflow.claims.hypotheses import within_reach
from certflow.claims.model import Outcome
from certflow.law.formats import to_mapping
from certflow.law.library import from_mapping
from certflow.law.mixture import GaussianMixture
from certflow.networks.constructed import ConstructedScore, bound_of, constructed_score, family_of
from certflow.networks.floor import log_distance
from certflow.networks.gadgets.enclosure import UndecidedSign
from certflow.networks.graph import Network
from certflow.numbers.exact import exact_text
from certflow.numbers.precision import ball_precision
from certflow.process import OrnsteinUhlenbeck

#: `K d` of a mixture of another kind of covariance whose network takes seconds; bits of a plan that is not built.
_LARGEST = 100
_PLAN_BITS = 256

Found = TypeVar("Found")


class AlteredNetworks(OrnsteinUhlenbeck):
    """A process whose networks are planned, built or judged wrongly: a false twin overrides one of these methods."""

    def altered_plan(self, plan: Any) -> Any:
        """Degrees and knots."""
        return plan

    def altered_pieces(self, pieces: Any) -> Any:
        """Gadgets, after they were built."""
        return pieces

    def layers(self, level: int) -> int:
        """Layers of a gadget of degree `2^level`."""
        return level

    def log_distance(self, pieces: int, degree: int) -> Any:
        """Below the logarithm of the distance of piecewise polynomials from the logistic (A8)."""
        return log_distance(pieces, degree)


def needs_softmax(mixture: GaussianMixture) -> str | None:
    """Applicability of checks of a network that is built, with an exponential and a reciprocal in it."""
    one = not mixture.diameter_squared and mixture.kind in ("common-isotropic", "shared")
    if one or mixture.n_components == 1:
        return "all components are one: the network has no softmax"
    if mixture.kind != "common-isotropic" and mixture.n_components * mixture.dimension > _LARGEST:
        size = f"K = {mixture.n_components}, d = {mixture.dimension}"
        return OutOfReach(
            f"this version checks networks of {mixture.kind} covariances up to K d = {_LARGEST}; here {size}"
        )
    return None


def needs_common_softmax(mixture: GaussianMixture) -> str | None:
    """The same, for what is stated of a common isotropic variance."""
    return within_reach("common-isotropic")(mixture) or needs_softmax(mixture)


def errors(context: Context) -> tuple[str, ...]:
    """The errors for which a profile builds networks."""
    common = context.mixture.kind == "common-isotropic"
    return context.profile.network_errors if common else context.profile.general_network_errors


@dataclass(frozen=True)
class Judged:
    """A network as it was built (`score`), and what is under test in its place.

    plan, pieces : those of the network under test
    """

    score: ConstructedScore
    plan: Any
    pieces: Any

    @property
    def eps(self) -> float:
        return self.score.eps

    @staticmethod
    def softmax(found: Found | None) -> Found:
        """What a network of two means and more has (`needs_softmax`)."""
        assert found is not None
        return found

    def network(self) -> Network:
        """The network under test."""
        if self.pieces is self.score.pieces:
            return self.score.network
        return family_of(self.score.process.mixture).assembled(self.pieces)

    def bound(self) -> Any:
        """The bounds that the weights under test give."""
        if self.pieces is self.score.pieces:
            return self.score.bound  # made of these weights when they were
        with ball_precision(self.score.bits):
            return bound_of(family_of(self.score.process.mixture), self.pieces, self.eps)


def refusing(procedure: Procedure) -> Procedure:
    """A check of networks: one whose neurons could not be shown to keep their signs is not what is stated of it."""

    def run(context: Context, name: str) -> Finding:
        try:
            return procedure(context, name)
        except UndecidedSign as error:
            scope = "the network of this mixture"
            return Finding(Outcome.VIOLATED, f"refused: {error}", scope, {}, {"network": str(error)})

    return run


def planned(context: Context, eps: str) -> Any:
    """The plan of a network for an error, which is built only where other checks look at it."""
    if eps in errors(context):
        return judged(context, eps).score.plan
    return _planned(*_key(context), eps)


def judged(context: Context, eps: str) -> Judged:
    """The network for an error, as it is under test."""
    process = context.process
    score = _constructed(*_key(context), eps)
    if not isinstance(process, AlteredNetworks):
        return Judged(score, score.plan, score.pieces)
    plan, pieces = process.altered_plan(score.plan), score.pieces
    with ball_precision(score.bits):
        if plan != score.plan:
            pieces = family_of(context.mixture).made(pieces.law, plan, score.bits // 2 - 40)
        return Judged(score, plan, process.altered_pieces(pieces))


def _key(context: Context) -> tuple[str, str, str]:
    process = context.process
    law = json.dumps(to_mapping(context.mixture), sort_keys=True)
    return law, exact_text(process.exact_t_min), exact_text(process.exact_t_max)


@lru_cache(maxsize=16)
def _constructed(law: str, t_min: str, t_max: str, eps: str) -> ConstructedScore:
    return constructed_score(OrnsteinUhlenbeck(from_mapping(json.loads(law)), t_min, t_max), eps)


@lru_cache(maxsize=16)
def _planned(law: str, t_min: str, t_max: str, eps: str) -> Any:
    process = OrnsteinUhlenbeck(from_mapping(json.loads(law)), t_min, t_max)
    family = family_of(process.mixture)
    with ball_precision(_PLAN_BITS):
        return family.design(family.law(process, _PLAN_BITS // 2), float(eps))
