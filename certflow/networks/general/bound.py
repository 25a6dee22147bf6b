"""The proved error of a network of general covariances, for every `x` and every `t` (proofs/networks-general.md)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, arb_poly, fmpq

from certflow.networks.gadgets.enclosure import pieces
from certflow.networks.gadgets.polynomials import approximate
from certflow.networks.general import moments
from certflow.networks.general.sizes import Reader, Sizes
from certflow.networks.plan import Pieces
from certflow.networks.times import Box, boxes
from certflow.numbers.arrays import Objects

#: Names of the parts of the bound, in the order in which the network makes them; "far" is what points far away add.
PARTS = ("linear", "logits", "exponential", "clipping", "reciprocal", "far")
#: The far part is made smaller than the others by this factor.
_NEGLIGIBLE = arb(2) ** -12


@dataclass(frozen=True)
class Bound:
    """`||N - s||_{L^2(p_t)} <= l2 = sum(parts)` at the worst `t`, and `|N - s| <= sum_j everywhere[j] |x|^j`, `j <= 3`.

    The second holds for all `x` and `t`; cubic because a logit's error is quadratic in `x` and meets forces that are
    linear in it; where the covariance is shared, `everywhere[2] = everywhere[3] = 0` but for what axes were rounded by.
    All are balls whose upper ends are what is proved; infinite where the weights allow no bound.
    """

    l2: Any
    parts: dict[str, Any]
    everywhere: tuple[Any, ...]

    def pointwise(self, distance: Any) -> Any:
        """Above `|N - s|` where `|x| = distance`, for every `t`."""
        return sum((c * arb(distance) ** j for j, c in enumerate(self.everywhere)), arb(0))


def proved_bound(made: Pieces, boxes_per_piece: int, accuracy: int) -> Bound:
    """The bounds, from the weights of the gadgets, in balls at the precision in force.

    boxes_per_piece, accuracy : how finely time is cut at least, and the bits of its Taylor series (`times.boxes`)
    """
    worst: tuple[Any, dict[str, Any]] | None = None
    everywhere = [arb(0)] * 4
    for parts, polynomial in _over_time(made, boxes_per_piece, accuracy):
        l2 = sum(parts.values(), arb(0)).upper()
        if worst is None or l2 > worst[0] or not l2.is_finite():
            worst = (l2, parts)
        everywhere = [old.max(polynomial[j].upper()) for j, old in enumerate(everywhere)]
        if not l2.is_finite():
            break
    assert worst is not None
    return Bound(worst[0], worst[1], tuple(everywhere))


def _over_time(made: Pieces, boxes_per_piece: int, accuracy: int) -> Iterator[tuple[dict[str, Any], Any]]:
    """For each box of time the parts in `L^2(p_t)`, and the polynomial in `|x|`."""
    law = made.law
    reader, error = Reader(law, made.log_weights), _Error(made)
    for box in _boxes(made, boxes_per_piece, accuracy):
        sizes = reader.read(box)
        if not (sizes.is_small and error.is_in_reach):
            infinite = arb("inf")
            yield dict.fromkeys(PARTS, infinite), arb_poly([infinite] * 4)
            continue
        everywhere, logits = error.everywhere(sizes)
        yield error.parts(sizes, everywhere, logits), everywhere


def _boxes(made: Pieces, least: int, accuracy: int) -> Iterator[Box]:
    """Boxes short beside the way to the next pole of a function of time, and no longer than 1 (`law._logarithm`)."""
    for piece in pieces(made.time):
        low, high = approximate(piece.lower), approximate(piece.upper)
        count = math.ceil((high - low) * max(1.0, 4 / made.law.clearance(low, high)))
        yield from boxes((piece,), made.law.time_functions, max(least, count), accuracy)


class _Error:
    """The error at one ball of times, from the sizes there."""

    def __init__(self, made: Pieces):
        law = made.law
        self.law, self.count, self.dimension = law, law.components, law.dimension
        slacks = [arb(law.frames[f].slack) for f in law.of]
        self.slack = np.array(slacks, dtype=object)
        # a law's density is at most this multiple of that with its rounded axes
        self.density = np.array([(1 + slack) ** (arb(self.dimension) / 2) for slack in slacks], dtype=object)
        self.weights = np.array([arb(weight) for weight in law.weights], dtype=object) * self.density
        self.squares = _balls(law.squares)
        self.centred_squares = _balls(law.centred_squares)
        self.mean_norms = [arb(sum((x * x for x in mean), fmpq(0))).sqrt() for mean in law.means]
        self.distances = _balls(law.squared_distances)
        self.is_in_reach = True
        exponential, reciprocal = made.exponential, made.reciprocal
        if exponential is None or reciprocal is None:
            self.in_power = self.clipping = self.reciprocal = arb(0)
            return
        # the sum of the exponentials is at least `least` times the exact one, which is at least 1
        least = 1 - exponential.relative - self.count * exponential.absolute
        self.in_power, self.clipping = exponential.relative / least, exponential.absolute / least
        self.reciprocal = reciprocal.relative
        lowest = 1 - exponential.at_zero - (self.count - 1) * exponential.absolute
        highest = self.count * (1 + exponential.relative + exponential.absolute)
        first, last = arb(reciprocal.gadget.knots[0]), arb(reciprocal.gadget.knots[-1])
        self.is_in_reach = bool(least > 0 and lowest >= first and highest <= last)

    def mean(self, values: Objects) -> Any:
        """`sum_k w_k E_k`, from moments under the laws with rounded axes."""
        return (self.weights * values).sum()

    # --- for every x

    def everywhere(self, sizes: Sizes) -> tuple[Any, Any]:
        """Polynomials in `|x|` above `|N - s|`, and above all `|dl_k|` less a common function of `x`."""
        dimension = self.dimension
        of_force, force, of_axes, logits = [], [], [], []
        for k in range(self.count):
            slack = self.slack[k]
            away = arb_poly([sizes.decay * self.mean_norms[k], 1])  # above |x - m mu_k|
            steep = _largest(sizes.precision[k])
            normal = away * steep.sqrt()  # above |z|
            drift = (sizes.drift[k] ** 2 * self.squares[k]).sum().sqrt()
            # e_q/sqrt(q) is rho/sqrt(v)
            shaken = _largest([rho * q.sqrt() for rho, q in zip(sizes.relative[k], sizes.precision[k], strict=True)])
            of_force.append(normal * shaken + drift)
            of_axes.append(normal * (slack * steep.sqrt()))
            rounded = normal * normal * (slack / 2) + slack * dimension / 2
            logit = normal * self._linear(sizes)[k].sum().sqrt() + sizes.offset[k] + rounded
            if self.law.is_shared:
                force.append(arb_poly([self._shared_force(sizes, k)]))
            else:
                force.append(away * steep)
                logit += normal * normal * (_largest(sizes.relative[k]) / 2)
            logits.append(logit)
        if self.count == 1:
            return of_force[0] + of_axes[0], arb_poly([0])
        forces = _above(force)
        if not self.law.is_shared:
            forces += _above(of_force)
        in_power = forces * (2 * (self.in_power + self.count * self.clipping))
        total = (
            _above(of_force)
            + _above(of_axes)
            + _above(force) * _above(logits)
            + in_power
            + (forces + in_power) * self.reciprocal
        )
        return total, _above(logits)

    def _linear(self, sizes: Sizes) -> Objects:
        """`tau^2` of `moments.logit_fourth`: `tau = (e_a - m e_q) mu' sqrt(v)`; if shared, `e_a (mu' - o) sqrt(v)`."""
        if self.law.is_shared:
            return sizes.of_factor * sizes.of_factor * sizes.variance * self.centred_squares
        return sizes.drift * sizes.drift * sizes.variance * self.squares

    def _shared_force(self, sizes: Sizes, k: int) -> Any:
        """Above `|a (mu'_k - o)|` and `|a~ (mu'_k - o)|`: a force of the component less what all have in common."""
        return ((sizes.factor[k] + sizes.of_factor[k]) ** 2 * self.centred_squares[k]).sum().sqrt()

    # --- in L^2(p_t)

    def parts(self, sizes: Sizes, everywhere: Any, logits: Any) -> dict[str, Any]:
        """Where `|x| <= X` all `|dl_k| <= R`: the softmax at `s` on the way is at most `e^{2 s R}` times the exact one.

        What stands under a square root grows by `e^{2 R}`, and the integral of a covariance by `int_0^1 e^{2 s R} ds`.
        """
        law, repeats, dimension = self.law, self.law.repeats, self.dimension
        of_force = self.mean(
            moments.force_error(sizes.drift, self.squares, sizes.relative, sizes.precision, repeats)
        ).sqrt()
        steep = np.array([_largest(row) for row in sizes.precision], dtype=object)
        of_axes = self.mean(self.slack**2 * steep * dimension).sqrt()
        if self.count == 1:
            return dict.fromkeys(PARTS, arb(0)) | {"linear": of_force + of_axes}
        if law.is_shared:
            shared = np.array([self._shared_force(sizes, k) for k in range(self.count)], dtype=object)
            second, fourth = shared**2, shared**4
            relative = sizes.relative * 0
        else:
            second = moments.force_second(sizes.precision, repeats)
            fourth = moments.force_fourth(sizes.precision, repeats)
            relative = sizes.relative
        of_logits = _fourth_root(
            self.mean(moments.logit_fourth(sizes.constant, self._linear(sizes), relative, repeats))
        )
        eighth = arb(dimension * (dimension + 2) * (dimension + 4) * (dimension + 6))  # E |z|^8
        rounded = (_fourth_root(eighth) + dimension) * self.slack / 2
        of_logits += _fourth_root(self.mean(rounded**4))
        force = self.mean(second).sqrt()
        if not law.is_shared:
            force += of_force
        near = {
            "linear": of_force + of_axes,
            "logits": _fourth_root(self.mean(fourth)) * of_logits,
            "exponential": self.in_power * force,
            "clipping": self.clipping * (self._sum_of_forces(sizes) + self.count * force),
        }
        near["reciprocal"] = self.reciprocal * (force + near["exponential"] + near["clipping"])
        far, radius = self._far(sizes, everywhere, sum(near.values(), arb(0)))
        moved = logits(radius).upper().max(_NEGLIGIBLE**4)
        grown = {name: value * moved.exp() for name, value in near.items()}
        return grown | {"logits": near["logits"] * ((2 * moved).exp() - 1) / (2 * moved), "far": far}

    def _sum_of_forces(self, sizes: Sizes) -> Any:
        """Above `sum_k ||b~_k||_{L^2(p_t)}`, each component under all laws (less a common force where it is shared)."""
        total = arb(0)
        for k in range(self.count):
            if self.law.is_shared:
                total += self._shared_force(sizes, k)
                continue
            drift = (sizes.drift[k] ** 2 * self.squares[k]).sum().sqrt()
            traces = (sizes.variance * self.law.repeats).sum(-1) * (1 + self.slack)
            others = self.mean(self.distances[k] * sizes.decay**2 + traces)
            steep = _largest([q * (1 + rho) for q, rho in zip(sizes.precision[k], sizes.relative[k], strict=True)])
            total += steep * others.sqrt() + drift
        return total

    def _far(self, sizes: Sizes, everywhere: Any, near: Any) -> tuple[Any, Any]:
        """The part of `|x| > X` and a radius `X` that makes it small beside `near`.

        `c_j |x|^j <= c_j (j / (2 e k))^{j/2} e^{k |x|^2}`, the indicator is at most `e^{6 k (|x|^2 - X^2)}`, and with
        `k = 3/(64 V)`, `V` the largest variance, `E e^{8 k |x|^2} <= 2^d max_k e^{32 k m^2 |mu_k|^2}`.
        """
        largest = _largest(
            [v * (1 + slack) for row, slack in zip(sizes.variance, self.slack, strict=True) for v in row]
        )
        rate = 3 / (64 * largest)
        size = sum(
            (everywhere[j] * (j / (2 * rate * arb(1).exp())) ** (arb(j) / 2) for j in range(1, 4)), everywhere[0]
        )
        mean = sizes.decay * _largest(self.mean_norms)
        size *= arb(2) ** (arb(self.dimension) / 2) * (16 * rate * mean**2).exp()
        wanted = ((size / (near * _NEGLIGIBLE)).log() / (3 * rate)).upper()
        squared = wanted.max(arb(1)).upper()
        return size * (-3 * rate * squared).exp(), squared.sqrt().upper()


def _largest(values: Any) -> Any:
    values = list(values)
    result = values[0]
    for value in values[1:]:
        result = result.max(value)
    return result


def _above(polynomials: list[Any]) -> Any:
    """The largest coefficient of each degree, of polynomials whose coefficients are not negative."""
    degree = max(polynomial.degree() for polynomial in polynomials)
    return arb_poly([_largest([polynomial[j] for polynomial in polynomials]) for j in range(degree + 1)])


def _fourth_root(value: Any) -> Any:
    return value.sqrt().sqrt()


def _balls(rows: tuple[tuple[Any, ...], ...]) -> Objects:
    return np.array([[arb(entry) for entry in row] for row in rows], dtype=object)
