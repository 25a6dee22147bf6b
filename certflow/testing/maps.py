"""Maps with a known Lipschitz constant, written as code."""

from __future__ import annotations

from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.numbers.arrays import Floats
from certflow.numbers.inputs import float_array


class LipschitzMap:
    """`x -> M x + c + A sin(B x + phi)`, Lipschitz with the constant `||M||_2 + ||A||_2 ||B||_2`.

    Parameters
    ----------
    linear, amplitude, frequency : `M`, `A`, `B`, shape (d, d)
    shift, phase : `c`, `phi`, shape (d,)

    Called with NumPy points of shape (..., d); `repr` is code after `import certflow as cf`.

    Raises
    ------
    InputError : arrays of other shapes, or with numbers that are not finite.

    >>> import certflow as cf
    >>> wave = cf.testing.LipschitzMap([[0.5]], [1.0], [[0.25]], [[2.0]], [0.0])
    >>> wave
    cf.testing.LipschitzMap([[0.5]], [1.0], [[0.25]], [[2.0]], [0.0])
    >>> wave.constant, wave([[0.0], [0.5]]).round(6).tolist()
    (1.0, [[1.0], [1.460368]])
    """

    def __init__(self, linear: Any, shift: Any, amplitude: Any, frequency: Any, phase: Any):
        given = {"linear": linear, "shift": shift, "amplitude": amplitude, "frequency": frequency, "phase": phase}
        arrays = {name: np.array(float_array(value, name)) for name, value in given.items()}
        size = arrays["shift"].shape[:1]
        for name, array in arrays.items():
            wanted = size if name in ("shift", "phase") else size * 2
            if not size or array.shape != wanted:
                raise InputError(name, f"shape {array.shape}", "shape (d,) of shift and phase, (d, d) of the others")
            if not np.isfinite(array).all():
                raise InputError(name, array.tolist(), "finite numbers")
            array.flags.writeable = False
        self.linear, self.shift, self.amplitude, self.frequency, self.phase = arrays.values()

    @property
    def constant(self) -> float:
        """`||M||_2 + ||A||_2 ||B||_2`: no two points are stretched by more."""
        linear, amplitude, frequency = (
            float(np.linalg.norm(matrix, 2)) for matrix in (self.linear, self.amplitude, self.frequency)
        )
        return linear + amplitude * frequency

    def __call__(self, x: Any) -> Floats:
        points = np.asarray(x, dtype=float)
        moved: Floats = (
            points @ self.linear.T + self.shift + np.sin(points @ self.frequency.T + self.phase) @ self.amplitude.T
        )
        return moved

    def scaled(self, factor: float) -> LipschitzMap:
        """`factor` times the map."""
        return LipschitzMap(
            factor * self.linear, factor * self.shift, factor * self.amplitude, self.frequency, self.phase
        )

    def __repr__(self) -> str:
        parts = (self.linear, self.shift, self.amplitude, self.frequency, self.phase)
        return f"cf.testing.LipschitzMap({', '.join(repr(part.tolist()) for part in parts)})"
