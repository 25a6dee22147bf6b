"""What a statement of the theory is: its formula, its hypotheses, and where it is computed, proved and tested."""

from __future__ import annotations

from dataclasses import dataclass

from certflow.claims.model import Kind

PAPER = "arXiv 2606.03820"
#: Hypotheses that many statements share.
MIXTURE = "$p_0$ is a Gaussian mixture: weights $w_k > 0$ of sum 1, covariances positive definite"
COMMON_VARIANCE = (
    r"common isotropic covariance, $\Sigma_k = \sigma^2 I$; $v = \sigma^2 m^2 + 1 - m^2$, $c = 1 - \sigma^2$"
)


@dataclass(frozen=True)
class Statement:
    """One statement of the theory: plain data.

    statement : LaTeX without dollar signs; hypotheses, remark : text with inline LaTeX between dollar signs
    proof : path of its page below the repository root; proved : whether a proof stands there
    code : dotted names of the functions and methods that compute it; tests : paths of the test files about it
    certificate : names of the checker's rules that decide its certificates; none where the format has none
    depends_on : ids of the statements that its proof uses
    pending : kinds of evidence that no check collects yet
    """

    id: str
    title: str
    statement: str
    hypotheses: tuple[str, ...]
    source: str
    remark: str
    proof: str
    proved: bool = True
    code: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    certificate: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    pending: tuple[Kind, ...] = ()


def paper(identifier: str | None = None) -> str:
    """The source of a statement that the paper's abstract announces; with an id, its proof page."""
    source = f"{PAPER} (abstract)"
    return f"{source}; derivation in proofs/{identifier}.md" if identifier else f"{source}; stated in our own words"


def beyond(identifier: str) -> str:
    """The source of a statement that goes beyond the paper: its proof page."""
    return f"beyond the paper; proofs/{identifier}.md"
