"""How hard a segment is to learn, without training: what random features leave of its residual.

The map `x -> Phi_{a -> b}(x) - x` is fitted by least squares with affine functions and `FEATURES` random ridge
functions `tanh(s w.(z - z_i))` of the normalised input `z`, `w` normal and `z_i` points of the data; what is left on
other points is the probe of the segment, one for each sharpness `s`. It costs milliseconds. How it relates to the error
of a trained network is a matter of a pilot (`certflow.planning.pilot`), not of theory.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from certflow.numbers.arrays import Floats

FEATURES = 64
SHARPNESS = (1.0, 3.0)
DRAWS = 2
RIDGE = 1e-8


def probes(points: torch.Tensor, pairs: Sequence[tuple[int, int]], seed: int = 0) -> Floats:
    """The mean squared residual of each segment at each sharpness, over `E|Phi(X)|^2`; shape (pairs, sharpnesses).

    points : shape (T, N, d), exact trajectories, the data end last; half of them fit, the other half judge
    pairs : (a, b), indices of times, a before b
    """
    half = points.shape[1] // 2
    scale = float(points[-1].square().sum(1).mean())
    ends: dict[int, list[int]] = {}
    for a, b in pairs:
        ends.setdefault(a, []).append(b)
    found: dict[tuple[int, int], Floats] = {}
    for a, those in ends.items():
        x = points[a]
        z = (x - x.mean(0)) / x.std(0)
        targets = torch.cat([points[b] - x for b in those], dim=1)  # (N, ends * d)
        left = np.zeros((len(SHARPNESS), len(those)))
        for i, sharpness in enumerate(SHARPNESS):
            for draw in range(DRAWS):
                features = _features(z, sharpness, seed * DRAWS + draw)
                gram = features[:half].T @ features[:half]
                gram.diagonal().add_(RIDGE * half)
                weights = torch.linalg.solve(gram, features[:half].T @ targets[:half])
                errors = (targets[half:] - features[half:] @ weights).square()
                left[i] += errors.reshape(errors.shape[0], len(those), -1).sum(2).mean(0).numpy() / DRAWS
        for j, b in enumerate(those):
            found[a, b] = left[:, j] / scale
    return np.array([found[pair] for pair in pairs])


def _features(z: torch.Tensor, sharpness: float, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    w = torch.randn(z.shape[1], FEATURES, generator=generator, dtype=z.dtype, device="cpu") * sharpness
    places = z[torch.randint(z.shape[0], (FEATURES,), generator=generator, device="cpu")]
    ridge = torch.tanh(z @ w - (places * w.T).sum(1))
    return torch.cat([ridge, z, torch.ones_like(z[:, :1])], dim=1)
