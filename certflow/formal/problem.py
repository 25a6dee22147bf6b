"""The problem of a certificate, exact, and its definitions in Coq."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from certflow.formal.gallina import digits, integers, real, rows


@dataclass(frozen=True)
class Law:
    """The mixture `sum_k shares[k]/total N(rows[k]/denominator, sigma2 I)`."""

    shares: list[int]
    total: int
    rows: list[list[int]]
    denominator: int
    sigma2: Fraction

    @property
    def c(self) -> Fraction:
        """`c = 1 - sigma^2`."""
        return 1 - self.sigma2

    def definitions(self) -> str:
        """The definitions, and what of them holds by computation on integers."""
        return f"""(** The mixture: mean k is row k over {digits(self.denominator)},
    weight k is share k over {digits(self.total)};
    sigma2 the variance. *)
Definition K : nat := {len(self.rows)}%nat.
Definition d : nat := {len(self.rows[0])}%nat.
Definition rows : list (list Z) := {rows(self.rows)}%Z.
Definition shares : list Z := {integers(self.shares)}%Z.
Definition mu : nat -> vec := point rows {digits(self.denominator)}%Z.
Definition w : nat -> R := weight shares {digits(self.total)}%Z.
Definition sigma2 : R := {real(self.sigma2)}.

Lemma K_pos : (0 < K)%nat.
Proof. unfold K. lia. Qed.
Lemma w_pos : forall k, 0 < w k.
Proof. apply weight_pos; [reflexivity | vm_compute; reflexivity]. Qed.
Lemma sigma2_pos : 0 < sigma2.
Proof. unfold sigma2. lra. Qed.
"""


@dataclass(frozen=True)
class Problem(Law):
    """The mixture, `[start, end]`, and the asserted `D^2`."""

    start: Fraction
    end: Fraction
    squared_diameter: Fraction

    def attaining_pair(self) -> tuple[int, int] | None:
        """Two means at the asserted distance; None where there are none."""
        limit = self.squared_diameter * self.denominator**2
        for k, first in enumerate(self.rows):
            for j in range(k + 1):
                if sum((x - y) ** 2 for x, y in zip(self.rows[j], first, strict=True)) == limit:
                    return j, k
        return None

    def definitions(self) -> str:
        """Those of the mixture, then those of the interval and of `D`."""
        d2 = self.squared_diameter
        return f"""{super().definitions()}
(** s and T are the ends of the interval of time; no two means are farther apart than D, the root of d2. *)
Definition s : R := {real(self.start)}.
Definition T : R := {real(self.end)}.
Definition d2 : R := {real(d2)}.
Definition D : R := sqrt d2.

Lemma d2_pos : 0 <= d2.
Proof. unfold d2. lra. Qed.
Lemma interval_of_time : 0 <= s <= T.
Proof. unfold s, T. lra. Qed.
Lemma D_diameter : diameter K d mu D.
Proof. apply (diameter_by_integers d rows {digits(self.denominator)}%Z {_z(d2.numerator)} {_z(d2.denominator)});
  [reflexivity | reflexivity | vm_compute; reflexivity]. Qed.
"""

    def attained(self, pair: tuple[int, int]) -> str:
        """The lemma that two means have the distance D."""
        d2, (j, k) = self.squared_diameter, pair
        return f"""Lemma D_attained : norm d (vsub (mu {j}%nat) (mu {k}%nat)) = D.
Proof. apply (distance_by_integers d rows {digits(self.denominator)}%Z {_z(d2.numerator)} {_z(d2.denominator)});
  [reflexivity | reflexivity | vm_compute; reflexivity]. Qed.
"""


def law_of(content: dict[str, Any]) -> Law:
    """The mixture of a certificate that the checker has accepted."""
    mixture = content["problem"]["mixture"]
    means = [[Fraction(text) for text in row] for row in mixture["means"]]
    shares, _ = whole([Fraction(text) for text in mixture["weights"]])
    denominator = math.lcm(*(value.denominator for row in means for value in row))
    return Law(
        shares=shares,
        total=sum(shares),
        rows=[[int(value * denominator) for value in row] for row in means],
        denominator=denominator,
        sigma2=Fraction(mixture["covariances"]["values"]),
    )


def problem_of(content: dict[str, Any]) -> Problem:
    """The problem of a certificate that asserts something of the whole interval and has been accepted."""
    law, problem = law_of(content), content["problem"]
    return Problem(
        **vars(law),
        start=Fraction(problem["t_min"]),
        end=Fraction(problem["t_max"]),
        squared_diameter=Fraction(content["assertion"]["diameter_squared"]),
    )


def whole(values: list[Fraction]) -> tuple[list[int], int]:
    """Integers, and the number that divides them: the values over a common denominator."""
    common = math.lcm(*(value.denominator for value in values))
    return [int(value * common) for value in values], common


def _z(value: int) -> str:
    return f"{digits(value)}%Z"
