"""Make the built-in mixtures: `python tools/make_builtin_mixtures.py` rewrites certflow/law/mixtures/.

The synthetic ones have short exact parameters. The fitted ones are expectation maximisation on data sets that
scikit-learn ships, parameters rounded to six decimals (so that they are short exact numbers); `origin` in each
file records data, preparation, estimator and seed.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
from sklearn import datasets
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from certflow.law.mixture import GaussianMixture

FOLDER = Path(__file__).resolve().parents[1] / "certflow" / "law" / "mixtures"


def synthetic() -> list[GaussianMixture]:
    half = ["1/2", "1/2"]
    with mpmath.workdps(40):
        ring = [[mpmath.nstr(f(mpmath.pi * k / 4), 30) for f in (mpmath.cos, mpmath.sin)] for k in range(8)]
    ring = [["0" if abs(float(c)) < 1e-20 else c for c in row] for row in ring]
    marks = ["-1.5", "-0.5", "0.5", "1.5"]
    rng = np.random.default_rng(5)
    scattered = [[f"{c:.3f}" for c in row] for row in rng.uniform(-1.5, 1.5, size=(5, 2))]
    shares = ["0.1", "0.15", "0.2", "0.25", "0.3"]
    high = [[f"{c:.4f}" for c in row] for row in np.random.default_rng(16).standard_normal((8, 16)) / 2]
    return [
        GaussianMixture(half, [["-1", "0"], ["1", "0"]], "0.04", name="two-modes", origin=_made("two equal modes")),
        GaussianMixture(
            ["1/8"] * 8,
            ring,
            "0.01",
            name="ring-8",
            origin=_made("regular octagon of radius 1; coordinates to 30 digits"),
        ),
        GaussianMixture(
            ["1/16"] * 16,
            [[a, b] for a in marks for b in marks],
            "0.04",
            name="grid-4x4",
            origin=_made("product of two four-mode mixtures"),
        ),
        GaussianMixture(shares, scattered, "0.01", name="random-5", origin=_made("uniform in a square, seed 5")),
        GaussianMixture(["1/3"] * 3, [["-1"], ["0"], ["1"]], "0.01", name="line-3", origin=_made("three on a line")),
        GaussianMixture(half, [["-1"], ["1"]], "0.04", name="two-modes-1d", origin=_made("two equal modes on a line")),
        GaussianMixture(
            ["1/3"] * 3,
            [["1", "0"], ["-1/2", "7/8"], ["-1/2", "-7/8"]],
            "1/16",
            name="triangle",
            origin=_made("all but equal sides, with short exact coordinates"),
        ),
        GaussianMixture(
            half,
            [["-1", "0"], ["1", "0"]],
            [[["0.04", "0"], ["0", "0.25"]], [["0.25", "0.05"], ["0.05", "0.04"]]],
            name="anisotropic-pair",
            origin=_made("crossed ellipses: no global Lipschitz bound exists (L8)"),
        ),
        GaussianMixture(
            ["0.4", "0.6"],
            [["-0.5", "0"], ["1", "0.5"]],
            [[["0.04", "0.01"], ["0.01", "0.09"]], [["0.25", "0.02"], ["0.02", "0.16"]]],
            name="ordered-pair",
            origin=_made("a narrow ellipse inside a wide one: a global bound exists (L8)"),
        ),
        GaussianMixture(
            ["0.3", "0.7"],
            [["-1", "0"], ["1", "0.5"]],
            ["0.04", "0.25"],
            name="two-variances",
            origin=_made("a narrow and a wide component"),
        ),
        GaussianMixture(["1/8"] * 8, high, "0.04", name="modes-16d", origin=_made("normal means over 2, seed 16")),
    ]


def _made(how: str) -> dict[str, Any]:
    return {"method": "written by hand", "description": how}


def fitted() -> list[GaussianMixture]:
    iris, wine, digits = datasets.load_iris().data, datasets.load_wine().data, datasets.load_digits().data
    plane = PCA(2, svd_solver="full").fit_transform(StandardScaler().fit_transform(iris))
    pixels = PCA(8, svd_solver="full").fit_transform(digits / 16)
    standard, plane_text = "each feature to mean 0 and variance 1", "standardised, two principal components"
    return [
        _fit(plane, 3, "common", "iris", "iris", plane_text),
        _fit(StandardScaler().fit_transform(iris), 3, "full", "iris-full", "iris", standard),
        _fit(StandardScaler().fit_transform(wine), 3, "tied", "wine", "wine", standard),
        _fit(pixels, 10, "spherical", "digits", "digits", "pixels over 16, eight principal components"),
    ]


def _fit(points: np.ndarray, count: int, kind: str, name: str, data: str, preparation: str) -> GaussianMixture:
    raw = GaussianMixture.fit(points, count, covariance_type=kind, seed=0)
    weights = [Fraction(round(w * 10**6), 10**6) for w in raw.weights]
    weights[0] += 1 - sum(weights)
    origin = {
        **raw.origin,
        "data": f"scikit-learn {data}",
        "preparation": preparation,
        "rounding": "six decimals",
    }
    return GaussianMixture(weights, _rounded(raw.means), _rounded(raw.covariances), name=name, origin=origin)


def _rounded(values: np.ndarray) -> Any:
    texts = [f"{v:.6f}" for v in np.asarray(values).flat]
    nested = np.array(texts, dtype=object).reshape(np.shape(values)).tolist()
    return nested


if __name__ == "__main__":
    for mixture in synthetic() + fitted():
        mixture.save(FOLDER / f"{mixture.name}.json")
        print(mixture)
