"""What the network of a mixture of any covariances and its error depend on, exactly (A5, A6)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flint import acb, arb, fmpq

from certflow.law.noised import NoisedMixture
from certflow.networks.gadgets.polynomials import approximate
from certflow.networks.general.frames import Frame, frames
from certflow.networks.graph import rational


@dataclass(frozen=True)
class GeneralLaw:
    """Weights and means as exact rationals, covariances by their frames.

    weights : (K,) rationals of sum 1; means : K lists of d rationals
    frames : those of the different covariances; of : (K,) the place of each component's frame
    t_min, t_max : rationals
    """

    weights: tuple[Any, ...]
    means: tuple[tuple[Any, ...], ...]
    frames: tuple[Frame, ...]
    of: tuple[int, ...]
    t_min: Any
    t_max: Any

    @property
    def components(self) -> int:
        return len(self.weights)

    @property
    def dimension(self) -> int:
        return len(self.means[0])

    @property
    def is_shared(self) -> bool:
        """One covariance for all: no quadratic is left in the differences of logits."""
        return len(self.frames) == 1

    @property
    def is_scalar(self) -> bool:
        """All covariances are multiples of the identity."""
        return len(self.frames[0].variances) == 1

    @property
    def repeats(self) -> int:
        """How many coordinates have the same variance within a frame."""
        return self.dimension if self.is_scalar else 1

    @cached_property
    def moved(self) -> tuple[tuple[Any, ...], ...]:
        """`mu'_k = U_k^T mu_k`, exact."""
        return tuple(self.frames[f].along(mean) for f, mean in zip(self.of, self.means, strict=True))

    @cached_property
    def centre(self) -> tuple[Any, ...]:
        """`sum_k w_k mu'_k` where the covariance is shared, else 0: what is subtracted from the means in a frame."""
        if not self.is_shared:
            return (fmpq(0),) * self.dimension
        pairs = list(zip(self.weights, self.moved, strict=True))
        return tuple(sum((w * mean[i] for w, mean in pairs), fmpq(0)) for i in range(self.dimension))

    @cached_property
    def squared_distances(self) -> tuple[tuple[Any, ...], ...]:
        """`|mu_j - mu_k|^2`, exact."""
        return tuple(
            tuple(sum(((x - y) ** 2 for x, y in zip(one, other, strict=True)), fmpq(0)) for other in self.means)
            for one in self.means
        )

    @cached_property
    def squares(self) -> tuple[tuple[Any, ...], ...]:
        """`(mu'_k)_i^2` for each variance of the frame: summed over the coordinates where there is one variance."""
        return tuple(self.blocks([entry * entry for entry in mean]) for mean in self.moved)

    @cached_property
    def centred_squares(self) -> tuple[tuple[Any, ...], ...]:
        """`(mu'_k - o)_i^2` in the same way."""
        return tuple(
            self.blocks([(entry - o) ** 2 for entry, o in zip(mean, self.centre, strict=True)]) for mean in self.moved
        )

    @cached_property
    def mixed_squares(self) -> tuple[tuple[Any, ...], ...]:
        """`(mu'_k)_i (mu'_k - o)_i` in the same way."""
        return tuple(
            self.blocks([entry * (entry - o) for entry, o in zip(mean, self.centre, strict=True)])
            for mean in self.moved
        )

    def blocks(self, entries: list[Any]) -> tuple[Any, ...]:
        """One number for each variance of a frame, of numbers for coordinates."""
        return (sum(entries, fmpq(0)),) if self.is_scalar else tuple(entries)

    @property
    def log_weights(self) -> list[Any]:
        """`log w_k - max_j log w_j`, balls: the softmax does not feel the shift."""
        top = max(self.weights)
        return [arb(weight / top).log() for weight in self.weights]

    def clearance(self, low: float, high: float) -> float:
        """About how far a complex number `t` with some `v_i = 0` is from the interval: a pole of functions of time."""
        found = [math.inf]
        for variance in {variance for frame in self.frames for variance in frame.variances} - {fmpq(1)}:
            excess = approximate(1 - variance)
            real, imaginary = math.log(abs(excess)) / 2, 0.0 if excess > 0 else math.pi / 2
            found.append(math.hypot(max(low - real, real - high, 0.0), imaginary))
        return min(found)

    @property
    def time_functions(self) -> Callable[[Any], list[Any]]:
        """Of `m = e^{-t}`, a number, a series or a complex ball, all functions of time that the network needs.

        For each frame and variance `lambda`, `v = 1 - (1 - lambda) m^2`: first all `a = m/v`, then all `r = m^2/(2v)`,
        then for each frame `h = -1/2 sum_i log v_i`, which a shared covariance does without.
        """
        excesses = [[arb(1 - variance) for variance in frame.variances] for frame in self.frames]
        shared, repeats = self.is_shared, self.repeats

        def functions(decay: Any) -> list[Any]:
            square = decay * decay
            variances = [[1 - excess * square for excess in row] for row in excesses]
            inverses = [1 / variance for row in variances for variance in row]
            found = [decay * inverse for inverse in inverses] + [square * inverse / 2 for inverse in inverses]
            if not shared:
                logs = [[_logarithm(variance) for variance in row] for row in variances]
                found += [sum(row[1:], row[0]) * arb(fmpq(-repeats, 2)) for row in logs]
            return found

        return functions


def _logarithm(variance: Any) -> Any:
    """`log v`; of a complex ball whatever branch is continuous from the real line, on a disc of radius at most pi.

    Up a vertical line `v = 1 - c e^{-2t}` turns by at most `pi + 2 |Im t| <= 3 pi`, as long as it is not 0.
    """
    if isinstance(variance, acb):
        size = variance.abs_lower().log().union(variance.abs_upper().log())
        return acb(size, arb(0, 3 * arb.pi().upper()))
    return variance.log()


def general_law(process: NoisedMixture, bits: int) -> GeneralLaw:
    """The law of a process, the axes of its covariances to about `bits` bits."""
    mixture = process.mixture
    weights = [rational(weight) for weight in mixture.exact_weights.fractions]
    total = sum(weights, fmpq(0))
    found, of = frames(mixture, bits)
    return GeneralLaw(
        tuple(weight / total for weight in weights),
        tuple(tuple(rational(entry) for entry in row) for row in mixture.exact_means.fractions),
        found,
        of,
        rational(process.exact_t_min),
        rational(process.exact_t_max),
    )
