"""Score and Jacobian in float64 against autograd, against matrix products and against finite differences.

    python benchmarks/field_speed.py [THREADS]

Every ratio is the median (smallest to largest) over rounds in which all the competitors run once.
"""

from __future__ import annotations

from statistics import median
from typing import Any

import mpmath
import numpy as np
import peers
from measure import interleaved, limit_threads, mixture, noised_points, ratios, report, verdict
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

import certflow as cf

TIME = 0.3


def main() -> None:
    limit_threads()
    rows: list[dict[str, str]] = []
    numbers: list[dict[str, Any]] = []
    for kind in ("common-isotropic", "isotropic"):
        score_case(rows, numbers, kind, 10_000, 64, 64, 5, ">= 50")
        score_case(rows, numbers, kind, 100_000, 8, 2, 41, ">= 5")
    for kind in ("common-isotropic", "isotropic"):
        jacobian_case(rows, numbers, kind, 100_000, 8, 2, 15, ">= 5")
        jacobian_case(rows, numbers, kind, 200, 64, 64, 3, ">= 50")
    scikit_case(rows, numbers)
    report("field_speed", "Speed of the field, float64 (ratios: more than 1 is faster)", rows, numbers)


def score_case(rows: Any, numbers: Any, kind: str, n: int, k: int, d: int, rounds: int, target: str) -> None:
    law = mixture(kind, k, d)
    process = cf.OrnsteinUhlenbeck(law)
    x = noised_points(law, TIME, n)
    peer = peers.torch_mixture(law, TIME)
    gamma, means = process.responsibilities(x, TIME), law.means
    seconds = interleaved(
        {
            "certflow": lambda: process.score(x, TIME),
            "peer": lambda: peers.torch_score(peer, x),
        },
        rounds,
    )
    case = f"score {kind} N={n} K={k} d={d}"
    error = relative_error(process.score(x, TIME), peers.torch_score(peer, x))
    record(rows, numbers, case, "torch autograd", seconds, "peer", "certflow", target, f"{error:.0e}")
    if d == 64:
        seconds = interleaved(
            {
                "certflow": lambda: process.score(x, TIME),
                "products": lambda: (x @ means.T, gamma @ means),
            },
            9 * rounds,
        )
        target = "<= 3" if kind == "common-isotropic" else ""
        record(rows, numbers, case, "the two products", seconds, "certflow", "products", target, "")


def jacobian_case(rows: Any, numbers: Any, kind: str, n: int, k: int, d: int, rounds: int, target: str) -> None:
    law = mixture(kind, k, d)
    process = cf.OrnsteinUhlenbeck(law)
    x = noised_points(law, TIME, n)
    peer = peers.torch_mixture(law, TIME)
    seconds = interleaved(
        {
            "certflow": lambda: process.jacobian(x, TIME),
            "peer": lambda: peers.torch_jacobian(peer, x),
        },
        rounds,
    )
    error = relative_error(process.jacobian(x, TIME), peers.torch_jacobian(peer, x))
    case = f"jacobian {kind} N={n} K={k} d={d}"
    record(rows, numbers, case, "torch jacrev", seconds, "peer", "certflow", target, f"{error:.0e}")


def scikit_case(rows: Any, numbers: Any) -> None:
    data = PCA(8, random_state=0).fit_transform(load_digits().data) / 10
    law = cf.GaussianMixture.fit(data, 10, covariance_type="full", seed=0)
    process = cf.OrnsteinUhlenbeck(law)
    peer = peers.scikit_mixture(law, TIME)
    x = noised_points(law, TIME, 5_000)
    step = 1e-5
    seconds = interleaved(
        {
            "certflow": lambda: process.score(x, TIME),
            "peer": lambda: peers.scikit_score(peer, x, step),
        },
        7,
    )
    exact = np.array([exact_score(law, point) for point in x[:5]])
    own = relative_error(process.score(x[:5], TIME), exact)
    steps = [10.0**-e for e in range(3, 9)]
    best = min(relative_error(peers.scikit_score(peer, x[:5], h), exact) for h in steps)
    other = relative_error(peers.scikit_score(peer, x[:5], step), exact)
    errors = f"{own:.0e}; peer {other:.0e}, at its best step {best:.0e}"
    case = "score full N=5000 K=10 d=8 (digits)"
    record(rows, numbers, case, "scikit-learn differences", seconds, "peer", "certflow", "", errors)


def record(
    rows: Any, numbers: Any, case: str, against: str, seconds: Any, over: str, under: str, target: str, error: str
) -> None:
    ratio = ratios(seconds[over], seconds[under])
    own, other = median(seconds["certflow"]), median(next(v for k, v in seconds.items() if k != "certflow"))
    rows.append(
        {
            "case": case,
            "against": against,
            "certflow ms": f"{own * 1e3:.3g}",
            "other ms": f"{other * 1e3:.3g}",
            "ratio (min to max)": f"{ratio['median']:.3g} ({ratio['min']:.3g} to {ratio['max']:.3g})",
            "target": target or "-",
            "": verdict(ratio["median"], target),
            "relative error": error or "-",
        }
    )
    numbers.append({"case": case, "against": against, "seconds": seconds, "ratio": ratio})


def relative_error(values: np.ndarray, exact: np.ndarray) -> float:
    """Largest error of a row, relative to the norm of the exact row."""
    difference = (values - exact).reshape(len(exact), -1)
    return float((np.linalg.norm(difference, axis=1) / np.linalg.norm(exact.reshape(len(exact), -1), axis=1)).max())


def exact_score(law: cf.GaussianMixture, x: np.ndarray) -> np.ndarray:
    """Score of one point by differences of the log-density, coded here, in 60 digits."""
    with mpmath.workdps(60):
        m = mpmath.exp(-mpmath.mpf(TIME))
        parts = []
        for weight, mean, matrix in zip(law.weights, law.means, law.covariance_matrices, strict=True):
            c = m**2 * mpmath.matrix(matrix.tolist()) + (1 - m**2) * mpmath.eye(law.dimension)
            parts.append((mpmath.mpf(float(weight)) / mpmath.sqrt(mpmath.det(c)), mpmath.matrix(mean), c**-1))

        def log_density(point: Any) -> Any:
            total = mpmath.mpf(0)
            for factor, mean, precision in parts:
                offset = point - m * mean
                total += factor * mpmath.exp(-(offset.T * precision * offset)[0] / 2)
            return mpmath.log(total)

        step, result = mpmath.mpf(10) ** -20, []
        for i in range(len(x)):
            shift = mpmath.zeros(len(x), 1)
            shift[i] = step
            point = mpmath.matrix(x)
            result.append(float((log_density(point + shift) - log_density(point - shift)) / (2 * step)))
        return np.array(result)


if __name__ == "__main__":
    main()
