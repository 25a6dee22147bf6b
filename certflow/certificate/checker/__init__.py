"""The checker of certificates: this folder, the standard library of Python, and nothing else.

    python -I -S certflow/certificate/checker [--work N] FILE...

A certificate asserts bounds for the probability-flow ODE of a Gaussian mixture with common isotropic variance `s2` (L5
and S3 also of other covariances), for the error of a network that stands for its score, or for that of maps that stand
for its flow in one dimension. All of it is computed again from the file alone, in exact rationals and outward-rounded
intervals of integers; nothing is searched for or sampled, and what cannot be decided, or would take much time or
memory, is refused. Prints a line for each file, which says what is asserted; exit code 0: all accepted, 1: at least one
refused, 2: bad usage or a file that cannot be read. A copy of the folder runs anywhere.

The proofs are in proofs/checker.md: numbers in parentheses are its sections. At a time t in [t_min, t_max]:
q = e^(-2t), c = 1 - s2, v = 1 - c q, D the diameter of the means, J the Jacobian of the velocity, and the rates
lambda = 1 - 1/v + q D^2/(4 v^2) (one-sided) and L = max(|1/v - 1|, |lambda|) (two-sided).

Verdicts are given in `verdicts`, by the `rules` of each claim: a new family of rules is a module and an entry there.
"""

from .verdicts import Verdict, check, check_bytes, check_file, main, read_bytes, steps
from .work import MAX_BYTES, MAX_WORK

__all__ = ["MAX_BYTES", "MAX_WORK", "Verdict", "check", "check_bytes", "check_file", "main", "read_bytes", "steps"]
