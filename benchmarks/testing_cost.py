"""What `certflow.testing` costs those who test their own code with it.

    python benchmarks/testing_cost.py [ROUNDS]

Imports and pytest runs in processes of their own, with and without in turn, the quickest of each compared; checks in
this process, in CPU seconds on one thread, torch imported before. Writes results/testing_cost.json.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

import certflow as cf
from certflow.testing import check_score
from certflow.testing.result import CheckFailed

RESULTS = Path(__file__).parent / "results" / "testing_cost.json"
HEAVY = ("torch", "sympy", "scipy", "hypothesis", "numpy")


class ExactNetwork(torch.nn.Module):
    """The score of a mixture with one variance, in the operations of a network; its parameters are the mixture's."""

    def __init__(self, mixture: cf.GaussianMixture, dtype: torch.dtype):
        super().__init__()
        for name in ("weights", "means", "covariances"):
            value = torch.as_tensor(np.array(getattr(mixture, name)), dtype=dtype)
            setattr(self, name, torch.nn.Parameter(value))

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        m = torch.exp(-t)[:, None]
        v = m * m * self.covariances - torch.expm1(-2 * t)[:, None]
        apart = x[:, None] - m[..., None] * self.means
        gamma = torch.softmax(torch.log(self.weights) - apart.square().sum(-1) / (2 * v), dim=1)
        return -(gamma[..., None] * apart).sum(1) / v


def network() -> torch.nn.Module:
    """A small one that knows nothing: 4,482 weights."""
    torch.manual_seed(0)
    silu = torch.nn.SiLU
    layers = [torch.nn.Linear(3, 64), silu(), torch.nn.Linear(64, 64), silu(), torch.nn.Linear(64, 2)]

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = torch.nn.Sequential(*layers)

        def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
            return self.layers(torch.cat([x, t[:, None]], dim=1))

    return Network()


def plain(mixture: cf.GaussianMixture) -> Callable[[Any, Any], Any]:
    """The score in a few lines of NumPy, for every kind of covariance."""
    weights, means, covariances = mixture.weights, mixture.means, np.array(mixture.covariance_matrices)

    def score(x: Any, t: Any) -> Any:
        m = np.exp(-t)[:, None, None]
        c = (m * m)[..., None] * covariances - np.expm1(-2 * t)[:, None, None, None] * np.eye(means.shape[1])
        apart = x[:, None, :] - m * means
        pulls = -np.linalg.solve(c, apart[..., None])[..., 0]
        logits = np.log(weights) - np.linalg.slogdet(c)[1] / 2 + (pulls * apart).sum(-1) / 2
        gamma = np.exp(logits - logits.max(axis=1, keepdims=True))
        return (gamma[..., None] * pulls).sum(1) / gamma.sum(1, keepdims=True)

    return score


def cpu(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def child(*words: str, folder: str = ".", **changed: str) -> tuple[float, str]:
    """CPU seconds of a process of its own, its children included, and what it prints."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, check=True, env=os.environ | changed
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, ended.stdout


def in_turn(rounds: int, *works: Callable[[], float]) -> list[list[float]]:
    seconds: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for times, work in zip(seconds, works, strict=True):
            times.append(work())
    return seconds


def import_cost(rounds: int) -> dict[str, Any]:
    bare, testing = in_turn(rounds, lambda: child("-c", "pass")[0], lambda: child("-c", "import certflow.testing")[0])
    code = f"import sys, certflow.testing; print([name for name in {HEAVY} if name in sys.modules])"
    return {
        "ms": 1e3 * (min(testing) - min(bare)),
        "heavy_modules": json.loads(child("-c", code)[1].replace("'", '"')),
    }


def plugin_cost(rounds: int) -> dict[str, Any]:
    """A test file that uses nothing of certflow, with the plugins of pytest and Hypothesis and without them."""
    with TemporaryDirectory() as folder:
        Path(folder, "test_nothing.py").write_text("def test_nothing():\n    pass\n")
        words = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_nothing.py")
        without, given = in_turn(
            rounds,
            lambda: child(*words, "-p", "no:certflow", folder=folder, HYPOTHESIS_NO_PLUGINS="1")[0],
            lambda: child(*words, folder=folder)[0],
        )
        code = f"""
import sys, pytest
pytest.main(["-q", "-p", "no:cacheprovider"])
assert "certflow.testing.plugin" in sys.modules
print([name for name in {HEAVY} if name in sys.modules])
"""
        loaded = child("-c", code, folder=folder)[1].splitlines()[-1]
    return {"ms": 1e3 * (min(given) - min(without)), "heavy_modules": json.loads(loaded.replace("'", '"'))}


def failing() -> None:
    try:
        check_score(network(), "two-modes")
    except CheckFailed:
        return
    raise AssertionError("an untrained network is no score")


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    threadpool_limits(1)
    torch.set_num_threads(1)
    names = cf.builtin_mixtures()
    found = {
        "import certflow.testing": import_cost(rounds),
        "plugin that is not used": plugin_cost(rounds),
        "check_score, exact float32 network": {
            "cpu_seconds": cpu(
                lambda: check_score(ExactNetwork(cf.load_mixture("two-modes"), torch.float32), "two-modes")
            )
        },
        "check_score, untrained network, with its diagnosis": {"cpu_seconds": cpu(failing)},
        f"check_score, NumPy, {len(names)} built-in mixtures": {
            "cpu_seconds": cpu(lambda: [check_score(plain(cf.load_mixture(name)), name) for name in names])
        },
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for name, row in found.items():
        print(
            f"{name}: "
            + ", ".join(
                f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}" for key, value in row.items()
            )
        )


if __name__ == "__main__":
    main()
