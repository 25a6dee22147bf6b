"""What a model predicts, in diffusers' words, and what follows from it linearly (proofs/N2.md).

With `m = e^{-t}`, `n = sqrt(1 - m^2)` and `r = sqrt(a^2 + b^2)`, so that `a = r m` and `b = r n`, an OU state is
`x = m x_0 + n z`, and the user's state is `r x`. Of the posterior means given `x`

    epsilon = E[z|x],  sample = E[x_0|x],  v_prediction = a epsilon - b sample,  flow_prediction = epsilon - sample,
    score = grad log p of the user's state = - epsilon / b

each gives all others by `x = m sample + n epsilon`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

#: `(m, n, r)` -> the factors of `x` and of what is predicted.
Factors: TypeAlias = Callable[[Any, Any, Any], tuple[Any, Any]]

#: What a model may predict.
PREDICTIONS = ("epsilon", "sample", "v_prediction", "flow_prediction", "score")

#: What is asked of it, in OU coordinates: `s`, `u = -x - s`, `E[x_0|x]`, `E[z|x]`.
QUANTITIES = ("score", "velocity", "denoiser", "noise")

#: `quantity = c_x x + c_f f`; each written so that no terms cancel but those that the prediction itself leaves.
FACTORS: dict[tuple[str, str], Factors] = {
    ("epsilon", "score"): lambda m, n, r: (0 * n, -1 / n),
    ("epsilon", "velocity"): lambda m, n, r: (-1 + 0 * n, 1 / n),
    ("epsilon", "denoiser"): lambda m, n, r: (1 / m, -n / m),
    ("epsilon", "noise"): lambda m, n, r: (0 * n, 1 + 0 * n),
    ("sample", "score"): lambda m, n, r: (-1 / n**2, m / n**2),
    ("sample", "velocity"): lambda m, n, r: ((m / n) ** 2, -m / n**2),
    ("sample", "denoiser"): lambda m, n, r: (0 * n, 1 + 0 * n),
    ("sample", "noise"): lambda m, n, r: (1 / n, -m / n),
    ("v_prediction", "score"): lambda m, n, r: (-1 + 0 * n, -m / (r * n)),
    ("v_prediction", "velocity"): lambda m, n, r: (0 * n, m / (r * n)),
    ("v_prediction", "denoiser"): lambda m, n, r: (m, -n / r),
    ("v_prediction", "noise"): lambda m, n, r: (n, m / r),
    ("flow_prediction", "score"): lambda m, n, r: (-1 / ((m + n) * n), -m / ((m + n) * n)),
    ("flow_prediction", "velocity"): lambda m, n, r: (m * (m - n) / ((m + n) * n), m / ((m + n) * n)),
    ("flow_prediction", "denoiser"): lambda m, n, r: (1 / (m + n), -n / (m + n)),
    ("flow_prediction", "noise"): lambda m, n, r: (1 / (m + n), m / (m + n)),
    ("score", "score"): lambda m, n, r: (0 * n, r),
    ("score", "velocity"): lambda m, n, r: (-1 + 0 * n, -r),
    ("score", "denoiser"): lambda m, n, r: (1 / m, n**2 * r / m),
    ("score", "noise"): lambda m, n, r: (0 * n, -n * r),
}


def needs_signal(predicts: str, quantity: str) -> bool:
    """Whether the quantity is not to be had where `m = 0`: there the noise says nothing of the data."""
    return quantity == "denoiser" and predicts in ("epsilon", "score")
