"""Score and Jacobian in float64, guard on, against the closed form written by hand in JAX and compiled.

    pip install jax
    python benchmarks/field_jax.py [THREADS]

Both get the same points at the same time; JAX has the time as a constant of what it compiles. Ratios are of CPU time,
of the least of each and the median over rounds in which both run once: beside other work, wall times say little.
With one thread both are bound to one core. What more threads can gain is told by the share of CPU time that certflow
spends outside the calling thread.
"""

from __future__ import annotations

import os
import sys

# Before the libraries that read them are imported.
os.environ["OMP_NUM_THREADS"] = sys.argv[1] if len(sys.argv) > 1 else "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=" + str(os.environ["OMP_NUM_THREADS"] != "1").lower()

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from measure import KINDS, TIME, field_cases, interleaved, mixture, noised_points, report, verdict

import certflow as cf

THREADS = int(os.environ["OMP_NUM_THREADS"])


def main() -> None:
    jax.config.update("jax_enable_x64", True)
    if THREADS == 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    rows: list[dict[str, str]] = []
    numbers: list[dict[str, Any]] = []
    for case in field_cases():
        compare(rows, numbers, *case)
    for kind in KINDS:
        one_point(rows, numbers, kind)
    report(
        "field_jax" + ("" if THREADS == 1 else f"_{THREADS}"), "The field beside JAX, float64", rows, numbers, THREADS
    )


def compare(rows: Any, numbers: Any, kind: str, quantity: str, n: int, count: int, dimension: int) -> None:
    law = mixture(kind, count, dimension)
    x = noised_points(law, TIME, n)
    call, points = getattr(cf.OrnsteinUhlenbeck(law), quantity), jnp.array(x)
    formulas = [jax.jit(formula) for formula in PEERS[kind](law)[quantity]]
    error = float(np.abs(call(x, TIME) - np.asarray(formulas[0](points))).max())
    functions: dict[str, Callable[[], Any]] = {"certflow": lambda: call(x, TIME)}
    for i, formula in enumerate(formulas):
        functions[f"jax {i}"] = lambda f=formula: f(points).block_until_ready()
    seconds, wall = timed(functions, 6)
    peer = min((name for name in functions if name != "certflow"), key=lambda name: min(seconds[name]))
    least = min(seconds["certflow"]) / min(seconds[peer])
    middle = median(a / b for a, b in zip(seconds["certflow"], seconds[peer], strict=True))
    target = "<= 2" if kind in ("shared", "full") else "<= 1.3" if (n, count) == (10_000, 64) else "<= 1"
    rows.append(
        {
            "case": f"{quantity} {kind} N={n} K={count} d={dimension}",
            "certflow ms": f"{min(seconds['certflow']) * 1e3:.3g}",
            "JAX ms": f"{min(seconds[peer]) * 1e3:.3g}",
            "ratio (median)": f"{least:.2f} ({middle:.2f})",
            "target": target,
            "": verdict(least, target),
            "wall ratio": f"{wall['certflow'] / wall[peer]:.2f}",
            "in threads": f"{100 * share_in_threads(functions['certflow']):.0f} %" if THREADS > 1 else "-",
            "difference": f"{error:.0e}",
        }
    )
    numbers.append({"case": rows[-1]["case"], "seconds": seconds, "wall": wall, "ratio": least})


def timed(functions: dict[str, Callable[[], Any]], rounds: int) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Seconds of CPU time in each round, and the least on the clock."""
    wall = {name: float("inf") for name in functions}

    def clocked(name: str) -> Callable[[], None]:
        def run() -> None:
            start = time.perf_counter()
            functions[name]()
            wall[name] = min(wall[name], time.perf_counter() - start)

        return run

    return interleaved({name: clocked(name) for name in functions}, rounds, time.process_time), wall


def share_in_threads(function: Callable[[], Any]) -> float:
    """CPU time that is not the calling thread's, of all."""
    shares = []
    for _ in range(5):
        own, whole = time.thread_time(), time.process_time()
        function()
        own, whole = time.thread_time() - own, time.process_time() - whole
        shares.append(1 - own / whole)
    return median(shares)


def one_point(rows: Any, numbers: Any, kind: str) -> None:
    """A score at K = d = 2, the time another one in every call."""
    law = mixture(kind, 2, 2)
    call, x = cf.OrnsteinUhlenbeck(law).score, np.array([0.7, 0.2])
    times = [TIME + 1e-6 * i for i in range(200)]
    formula = jax.jit(PEERS[kind](law)["score"][0])

    def ours() -> None:
        for t in times:
            call(x, t)

    def theirs() -> None:
        for _ in times:
            np.asarray(formula(x[None]))

    seconds = {
        name: min(values) for name, values in interleaved({"c": ours, "j": theirs}, 10, time.process_time).items()
    }
    own, other = seconds["c"] / len(times) * 1e6, seconds["j"] / len(times) * 1e6
    rows.append(
        {
            "case": f"score {kind}, one point, K=2 d=2",
            "certflow ms": f"{own / 1e3:.3f}",
            "JAX ms": f"{other / 1e3:.3f}",
            "ratio (median)": f"{own / other:.2f}",
            "target": "<= 30 us",
            "": verdict(own, "<= 30"),
            "wall ratio": "-",
            "in threads": "-",
            "difference": "-",
        }
    )
    numbers.append({"case": rows[-1]["case"], "microseconds": own, "other": other})


Formulas = dict[str, list[Callable[[Any], Any]]]


def isotropic(law: cf.GaussianMixture) -> Formulas:
    """`s = sum_k gamma_k (a_k - p_k x)`; of one variance `p (m sum_k gamma_k mu_k - x)`, and Jacobians of two forms."""
    m, means, log_weights = np.exp(-TIME), jnp.array(law.means), jnp.log(jnp.array(law.weights))
    eye, common = np.eye(law.dimension), law.kind == "common-isotropic"
    p = jnp.array(1 / (np.broadcast_to(law.covariances, law.n_components) * m**2 - np.expm1(-2 * TIME)))
    vectors, half = m * p[:, None] * means, law.dimension / 2
    offsets = log_weights + half * jnp.log(p) - p * m**2 / 2 * (means * means).sum(1)

    def shares(x: Any) -> Any:
        square = 0 if common else (x * x).sum(1)[:, None] * p / 2
        return jax.nn.softmax(x @ vectors.T + offsets - square, axis=1)

    def score(x: Any) -> Any:
        gamma = shares(x)
        return gamma @ vectors - (p[0] if common else (gamma @ p)[:, None]) * x

    def jacobian(x: Any) -> Any:
        gamma = shares(x)
        scores = vectors if common else vectors - p[:, None] * x[:, None, :]
        mean = gamma @ scores if common else (gamma[:, :, None] * scores).sum(1)
        deviations = scores - mean[:, None, :]
        return (gamma @ p - 1)[:, None, None] * eye - jnp.einsum("nk,nka,nkb->nab", gamma, deviations, deviations)

    def by_moments(x: Any) -> Any:
        gamma, d = shares(x), law.dimension
        squares, mean = (vectors[:, :, None] * vectors[:, None, :]).reshape(-1, d * d), gamma @ vectors
        return (p[0] - 1) * eye - (gamma @ squares).reshape(-1, d, d) + mean[:, :, None] * mean[:, None, :]

    return {"score": [score], "jacobian": [jacobian, by_moments] if common else [jacobian]}


def shared(law: cf.GaussianMixture) -> Formulas:
    """`s = sum_k gamma_k a_k - P x`, `a_k = m P mu_k`."""
    m, eye, means = np.exp(-TIME), np.eye(law.dimension), jnp.array(law.means)
    precision = jnp.linalg.inv(jnp.array(law.covariances) * m**2 - np.expm1(-2 * TIME) * eye)
    vectors = m * means @ precision
    offsets = jnp.log(jnp.array(law.weights)) - m / 2 * (vectors * means).sum(1)

    def score(x: Any) -> Any:
        return jax.nn.softmax(x @ vectors.T + offsets, axis=1) @ vectors - x @ precision

    def jacobian(x: Any) -> Any:
        gamma = jax.nn.softmax(x @ vectors.T + offsets, axis=1)
        deviations = vectors - (gamma @ vectors)[:, None, :]
        return precision - eye - jnp.einsum("nk,nka,nkb->nab", gamma, deviations, deviations)

    def by_moments(x: Any) -> Any:
        gamma, d = jax.nn.softmax(x @ vectors.T + offsets, axis=1), law.dimension
        squares, mean = (vectors[:, :, None] * vectors[:, None, :]).reshape(-1, d * d), gamma @ vectors
        return precision - eye - (gamma @ squares).reshape(-1, d, d) + mean[:, :, None] * mean[:, None, :]

    return {"score": [score], "jacobian": [jacobian, by_moments]}


def full(law: cf.GaussianMixture) -> Formulas:
    """`b_k = -P_k (x - m mu_k)`."""
    m, eye = np.exp(-TIME), np.eye(law.dimension)
    precisions = jnp.linalg.inv(jnp.array(law.covariances) * m**2 - np.expm1(-2 * TIME) * eye)
    offsets, means = jnp.log(jnp.array(law.weights)) + jnp.linalg.slogdet(precisions)[1] / 2, m * jnp.array(law.means)

    def parts(x: Any) -> tuple[Any, Any]:
        y = x[:, None, :] - means
        scores = -jnp.einsum("kab,nkb->nka", precisions, y)
        return jax.nn.softmax(offsets + (y * scores).sum(-1) / 2, axis=1), scores

    def score(x: Any) -> Any:
        gamma, scores = parts(x)
        return (gamma[:, :, None] * scores).sum(1)

    def jacobian(x: Any) -> Any:
        gamma, scores = parts(x)
        deviations = scores - (gamma[:, :, None] * scores).sum(1)[:, None, :]
        slope = jnp.einsum("nk,kab->nab", gamma, precisions) - eye
        return slope - jnp.einsum("nk,nka,nkb->nab", gamma, deviations, deviations)

    return {"score": [score], "jacobian": [jacobian]}


PEERS = {"common-isotropic": isotropic, "isotropic": isotropic, "shared": shared, "full": full}


if __name__ == "__main__":
    main()
