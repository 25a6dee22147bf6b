"""What a report tells, as data: `report.json` is exactly this."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from certflow.claims.model import ClaimResult, Frozen, Outcome

REPORT_SCHEMA = "certflow/report/1"


class Curves(Frozen):
    """L(t), lambda(t), their integrals from t_min and amplification on a grid of times (for the plots)."""

    times: tuple[float, ...]
    lipschitz: tuple[float, ...] | None
    growth_rate: tuple[float, ...] | None
    stability_two_sided: tuple[float, ...] | None
    stability_one_sided: tuple[float, ...] | None
    note: str = ""
    sharp_two_sided: tuple[tuple[float, float], ...] = Field(default=(), description="(t, enclosed L*(t))")
    sharp_one_sided: tuple[tuple[float, float], ...] = Field(default=(), description="(t, enclosed lambda*(t))")
    sharp_two_sided_lower: tuple[tuple[float, float], ...] = Field(default=(), description="(t, lower end of L*(t))")
    sharp_one_sided_lower: tuple[tuple[float, float], ...] = Field(default=(), description="(t, ... of lambda*(t))")
    measured: tuple[tuple[float, float, float, float], ...] = Field(
        default=(), description="(t, median, 95 % quantile, largest) of lambda_max(-J) at sampled points of p_t"
    )
    measured_points: int = Field(default=0, description="how many points were sampled")


class Document(Frozen):
    """Everything that `certflow verify` found; `report.json` is exactly this model, and every view is made from it."""

    schema_: str = Field(default=REPORT_SCHEMA, alias="schema")
    mixture: dict[str, Any] = Field(description="the mixture file, exact (schema certflow/mixture/1)")
    description: dict[str, Any] = Field(description="K, d, kind, diameter, origin ...: what a reader sees first")
    t_min: str
    t_max: str
    profile: str
    digits: int
    seed: int
    outcome: Outcome
    results: tuple[ClaimResult, ...]
    curves: Curves | None = None
    environment: dict[str, str] = Field(description="versions, platform, cores")
    started: str
    seconds: float
    command: str = Field(default="", description="command line that gives this report again")
    formulas: str = Field(
        default="certflow.process.OrnsteinUhlenbeck", description="class of the process whose formulas were under test"
    )

    claims_known: int = Field(default=0, description="claims of the version that made the report; 0 where unknown")

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @property
    def exit_code(self) -> int:
        """0 every claim holds, 1 one is violated, 3 inconclusive (pinned)."""
        return {Outcome.VIOLATED: 1, Outcome.INCONCLUSIVE: 3}.get(self.outcome, 0)

    @property
    def certificates(self) -> list[str]:
        """Paths of the certificates, below the directory of the report."""
        return [path for result in self.results for item in result.evidence for path in item.certificates]
