"""The lines that a flow moves by themselves, and the Lipschitz budgets that are tried on them.

Where the law is a product along some directions (`certflow.law.factors`), the flow moves each coordinate by itself.
"""

from __future__ import annotations

from fractions import Fraction

from certflow.claims.check import Context
from certflow.law.factors import factors
from certflow.law.mixture import GaussianMixture
from certflow.process import OrnsteinUhlenbeck

#: Lipschitz budgets that are tried first.
BUDGETS = (2.0, 3.0, 5.0)


def lines_of(context: Context) -> list[OrnsteinUhlenbeck]:
    """The processes of the lines that the flow moves by themselves, each law once; of Gaussian ones the steepest.

    Empty where the law has a part that is neither a line nor Gaussian: then the lines are not all.
    """
    if context.mixture.dimension == 1:
        return [context.process]
    split = factors(context.mixture)
    if not split.complete:
        return []
    laws = {(*line.weights, *line.means[:, 0], *line.covariance_matrices.ravel()): line for line in split.lines}
    found = list(laws.values())
    if not found:
        widest = Fraction(float(split.variances.max()))
        found = [GaussianMixture([1], [[0]], widest, name=context.mixture.name)]
    return [context.remake(line, context.process.exact_t_min, context.process.exact_t_max) for line in found]


def place_of(lines: list[OrnsteinUhlenbeck]) -> str:
    """What was looked at, in words."""
    if not lines:
        return "this mixture"
    return "the line that the flow moves by itself" if len(lines) == 1 else f"{len(lines)} lines of a product"
