"""The practitioner: a mixture for her data, a time grid for it, and what to hand to a sampler library.

Run `python examples/practitioner.py`. The grids here are for trained few-step students (a network for each segment, or
one that is told its segment); a solver such as Euler or Heun wants other grids.
"""

from __future__ import annotations

from sklearn.datasets import load_iris

import certflow as cf


def main() -> None:
    data = load_iris().data
    mixture = cf.GaussianMixture.fit(data, n_components=3, covariance_type="spherical", seed=0, name="my-data")
    process = cf.OrnsteinUhlenbeck(mixture, t_min="0.01", t_max="3")

    print("largest exponent of a segment, K = 8:")
    for kind in ("uniform", "karras", "typical", "stability-balanced"):
        grid = cf.time_grid(process, segments=8, kind=kind)
        exponents = process.stability(grid.times[1:], grid.times[:-1])
        print(f"  {kind:18} {exponents.max():8.2f}")

    grid = cf.time_grid(process, segments=8, kind="typical")
    export = grid.export("k-diffusion")
    print("for k-diffusion:", [round(sigma, 4) for sigma in export.arguments["sigmas"]])
    print(*export.notes, sep="\n")


if __name__ == "__main__":
    main()
