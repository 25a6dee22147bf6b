"""L5 from below as a theorem: a point at which the rate is at least the asserted number, or a ray that reaches one.

The proof is from the theory `Witness`. The exponential of each component has a lemma of its own with integers below
and above it; the rest is a computation on integers, and one inequality between numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import localcontext
from fractions import Fraction
from typing import Any

from certflow.formal.gallina import integers, real
from certflow.formal.instances import MORE_BITS, as_decimal
from certflow.formal.problem import Law, law_of, whole

#: Decimal digits of this module's own arithmetic beyond those of the bits; nothing that is proved rests on it.
_GUARD = 100
#: What is shown of J at x in the direction h.
_REACHED = {
    "one-sided": "low * dot d h h <= - form d (mixture_jacobian K d w mu sigma2 t {}) h",
    "two-sided": "low * norm d h <= norm d (matvec d (mixture_jacobian K d w mu sigma2 t {}) h)",
}


@dataclass(frozen=True)
class _Ray:
    """The points `row/p + j normal`, `j` a natural number, or `row/p` alone if the normal is empty; the direction."""

    row: list[int]
    p: int
    normal: list[int]
    direction: list[int]


@dataclass(frozen=True)
class _Masses:
    """What is known of the masses of the components on the face, that is far along the ray: `bounds[k] / 2^bits` hold
    `exp(exponent_k - shift)` (None: k is not on it); at least `spread` is the variance in the direction `h` over
    `|h|^2`; about `rate` is the rate with it."""

    bounds: list[tuple[int, int] | None]
    shift: Fraction
    spread: Fraction
    rate: Fraction


def sharp_from_below(content: dict[str, Any]) -> str:
    """L5: in the direction of the witness, at its point or at points of its ray, the rate is at least `lower`."""
    law, assertion, bits = law_of(content), content["assertion"], content["proof"]["bits"]
    t, low, kind = Fraction(assertion["t"]), Fraction(assertion["lower"]), assertion["kind"]
    ray = _ray_of(law, content["proof"])
    masses = _masses(law, ray, t, bits)
    if kind == "two-sided" and masses.rate < low:
        return _towards_vertex(law, ray, t, low, bits)
    given = f"d rows {law.denominator} shares {law.total} sigma2 t point_row {ray.p} normal direction low"
    proof = "reached" if kind == "one-sided" else f"(norm_reached {given} reached)"
    return f"""{_definitions(law, ray, t, low)}{_quotient(law, ray, masses, bits)}{_theorem(kind, ray, proof)}"""


def _ray_of(law: Law, proof: dict[str, Any]) -> _Ray:
    """The witness of the certificate in the coordinates of the mixture."""
    hint, turn, size = proof["lower"], proof["turn"], len(law.rows[0])
    axes = proof["blocks"][hint["block"]]["axes"]

    def placed(texts: list[str]) -> list[Fraction]:
        entries = dict(zip(axes, map(Fraction, texts), strict=True))
        return [entries.get(axis, Fraction(0)) for axis in range(size)]

    def turned_back(vector: list[Fraction]) -> list[Fraction]:
        """`U^T v`, since the blocks are those of the points `U a`."""
        if turn is None:
            return vector
        (f, g), (x, y) = turn, vector
        return [f * x - g * y, g * x + f * y]

    row, p = whole(turned_back([Fraction(text) for text in hint["point"]]))
    normal = [] if hint["normal"] is None else whole(turned_back(placed(hint["normal"])))[0]
    return _Ray(row, p, normal, whole(turned_back(placed(hint["vector"])))[0])


def _masses(law: Law, ray: _Ray, t: Fraction, bits: int) -> _Masses:
    q, pushes = law.denominator, [_dot(ray.normal, row) for row in law.rows]
    face = [k for k, push in enumerate(pushes) if push == max(pushes)]
    with localcontext() as context:
        context.prec = _GUARD + bits * 3 // 10
        m = (-as_decimal(t)).exp()
        v = 1 - as_decimal(law.c) * m**2
        exponents = {}
        for k in face:
            row = law.rows[k]
            a, b = Fraction(_dot(ray.row, row), ray.p * q), Fraction(_dot(row, row), q * q)
            exponents[k] = m / v * as_decimal(a) - m**2 / (2 * v) * as_decimal(b)
        shift = Fraction(round(max(exponents.values()) * 16), 16)
        scaled = {k: int((exponent - as_decimal(shift)).exp() * 2**bits) for k, exponent in exponents.items()}
        excess, factor = Fraction(1 / v - 1), Fraction(m**2 / v**2)
    least = [law.shares[k] * max(scaled[k] - 1, 0) for k in face]
    most = sum(law.shares[k] * (scaled[k] + 2) for k in face)
    heights = [_dot(ray.direction, law.rows[k]) for k in face]
    first, second = (_dot(least, [height**power for height in heights]) for power in (1, 2))
    scatter, total = second * sum(least) - first**2, sum(least) * (most + 1)
    spread = _below(Fraction(scatter, total * q * q * _dot(ray.direction, ray.direction)), bits)
    bounds = [(max(scaled[k] - 1, 0), scaled[k] + 2) if k in scaled else None for k in range(len(law.rows))]
    return _Masses(bounds, shift, spread, factor * spread - excess)


def _definitions(law: Law, ray: _Ray, t: Fraction, low: Fraction) -> str:
    top = max(_dot(ray.normal, row) for row in law.rows)
    return f"""{law.definitions()}
(** The time t, the asserted number, the witness x, the normal of its ray (nil: it is x alone), the direction h. *)
Definition t : R := {real(t)}.
Definition low : R := {real(low)}.
Definition point_row : list Z := {integers(ray.row)}%Z.
Definition x : vec := entries point_row {ray.p}%Z.
Definition normal : list Z := {integers(ray.normal)}%Z.
Definition ray (j : nat) : vec := line x (entries normal 1) (INR j).
Definition direction : list Z := {integers(ray.direction)}%Z.
Definition h : vec := entries direction 1.
Definition top : Z := {top}%Z.

Lemma t_pos : 0 <= t.
Proof. unfold t. lra. Qed.
"""


def _quotient(law: Law, ray: _Ray, masses: _Masses, bits: int) -> str:
    """The lemma `reached`: the Rayleigh quotient of `-J`."""
    q, spread, lemmas, steps = law.denominator, masses.spread, [], []
    for k, (row, held) in enumerate(zip(law.rows, masses.bounds, strict=True)):
        if held is None:
            steps.append("  destruct k as [|k]; [vm_compute in F; discriminate F|].")
            continue
        exponent = f"exponent_of (1 - sigma2) t shift {ray.p} {q} ({_dot(ray.row, row)}) ({_dot(row, row)})"
        said = f"{held[0]} / {2**bits} <= exp ({exponent}) <= {held[1]} / {2**bits}"
        lemmas.append(f"Lemma exponential_{k} : {said}.\nProof. {_closed('', bits, 'shift, ')} Qed.\n")
        steps.append(f"  destruct k as [|k]; [exact exponential_{k}|].")
    bounds = " :: ".join([*(str(held or (0, 0)) for held in masses.bounds), "nil"])
    given = f"d rows {q} shares {law.total} sigma2 t shift point_row {ray.p} normal direction top bounds {2**bits}"
    return f"""
(** Below and above the exponentials of the components on the face, divided by e^shift, over 2^{bits}. *)
Definition shift : R := {real(masses.shift)}.
Definition bounds : list (Z * Z) := ({bounds})%Z.
{"".join(lemmas)}
Lemma bounds_hold : forall k, (k < K)%nat -> on_the_face d rows normal top k = true ->
  bounded d rows {q} sigma2 t shift point_row {ray.p} bounds {2**bits} k.
Proof.
  intros k H F.
{chr(10).join(steps)}
  unfold K in H. lia.
Qed.
(** The variance in the direction h is at least this share of |h|^2. *)
Lemma low_below : low <= 1 - 1 / spread (1 - sigma2) t + factor t ^ 2 / spread (1 - sigma2) t ^ 2 * {real(spread)}.
Proof. {_closed("apply Rminus_le; ", bits)} Qed.
Lemma reached : 0 < dot d h h /\\ exists j, {_REACHED["one-sided"].format("(ray j)")}.
Proof.
  apply (quotient_reached {given}
    K_pos w_pos sigma2_pos t_pos eq_refl eq_refl eq_refl eq_refl {spread.numerator} {spread.denominator});
    [vm_compute; reflexivity | vm_compute; reflexivity | exact bounds_hold | exact low_below].
Qed.
"""


def _theorem(kind: str, ray: _Ray, proof: str) -> str:
    """The theorem, of which the proof shows what is to be shown at points of the ray."""
    if ray.normal:
        where, said, steps = "at a point of the ray", f"exists j, {_REACHED[kind].format('(ray j)')}", f"exact {proof}."
    else:
        where, said = "at the point x", _REACHED[kind].format("x")
        steps = f"destruct {proof} as (P & j & H). unfold ray, normal in H. rewrite ray_of_point in H. now split."
    return f"""
(** L5 from below: {where} the {kind} rate in the direction h is at least the asserted number,
    J the Jacobian of the velocity (Instance.jacobian_is_derivative). *)
Theorem asserted : 0 < dot d h h /\\ {said}.
Proof.
  {steps}
Qed.
"""


def _towards_vertex(law: Law, ray: _Ray, t: Fraction, low: Fraction, bits: int) -> str:
    """Below `1/v - 1`: from the point towards the mean farthest from 0, in its own direction no other goes as far."""
    i = max(range(len(law.rows)), key=lambda k: _dot(law.rows[k], law.rows[k]))
    ray = replace(ray, normal=law.rows[i])
    given = f"d rows {law.denominator} shares {law.total} sigma2 t point_row {ray.p} normal direction top"
    return f"""{_definitions(law, ray, t, low)}
Lemma low_below : low < 1 / spread (1 - sigma2) t - 1.
Proof. {_closed("apply Rminus_lt; ", bits)} Qed.
Lemma reached : 0 < dot d h h /\\ exists j, {_REACHED["two-sided"].format("(ray j)")}.
Proof.
  apply (norm_reached_at_level {given} K_pos w_pos sigma2_pos t_pos eq_refl {i}%nat);
    [reflexivity | vm_compute; reflexivity | vm_compute; reflexivity | exact low_below].
Qed.
{_theorem("two-sided", ray, "reached")}"""


def _closed(before: str, bits: int, unfolded: str = "") -> str:
    unfolded = f"unfold exponent_of, spread, factor, {unfolded}sigma2, t, low"
    return f"{unfolded}. {before}interval with (i_prec {bits + MORE_BITS})."


def _dot(x: list[int], y: list[int]) -> int:
    """Zero if one is empty."""
    return sum(a * b for a, b in zip(x, y, strict=False))


def _below(value: Fraction, bits: int) -> Fraction:
    """At most the value, to so many bits."""
    scale = 1 << (bits + max(0, value.denominator.bit_length() - value.numerator.bit_length()))
    return Fraction(value.numerator * scale // value.denominator, scale)
