"""A report made by hand that has every outcome, every kind of evidence and text meant to break views."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import certflow
from certflow.claims.model import ClaimResult, Evidence, Kind, Outcome
from certflow.claims.registry import STATEMENTS
from certflow.report.document import Curves
from certflow.report.plots import figures_for
from certflow.report.report import Report


@pytest.fixture(scope="session")
def report() -> Report:
    return make_report()


@pytest.fixture(scope="session")
def full_report() -> Report:
    """The report with a result for every statement of the theory, and no evidence."""
    copied = ("id", "title", "statement", "hypotheses", "source", "remark", "proof")
    results = tuple(
        ClaimResult(
            **{name: getattr(statement, name) for name in copied},
            rests_on=statement.depends_on,
            outcome=Outcome.HOLDS,
        )
        for statement in STATEMENTS.values()
    )
    return make_report().model_copy(update={"results": results})


@pytest.fixture(scope="session")
def linked_report(report: Report) -> Report:
    """The report with claims that rest on each other and on one that it has not: there is taint of both kinds."""
    resting = {"L2": ("S2",), "L5": ("L2",), "F1": ("S2", "L3"), "E5": ("F1", "M1"), "M1": ("L2",)}
    results = [r.model_copy(update={"rests_on": resting.get(r.id, ()), "proof": None}) for r in report.results]
    return report.model_copy(update={"results": tuple(results)})


@pytest.fixture(scope="session")
def figures(report: Report) -> dict[str, str]:
    """Every figure of the report, drawn from the real process."""
    mixture = certflow.GaussianMixture(["0.5", "0.5"], [["-1", "0"], ["1", "0"]], "0.04")
    return figures_for(report, certflow.OrnsteinUhlenbeck(mixture, t_min="0.01", t_max="3"))


@pytest.fixture(scope="session")
def hostile_report() -> Report:
    """Names and texts that would be markup, end a CDATA section, or be forbidden in XML."""
    base = make_report()
    nasty = "<script>alert(1)</script> ]]> \x00 & \"quoted\" 'single' `tick` | pipe \u202e reversed \ud800"
    evidence = (
        base.results[1]
        .evidence[0]
        .model_copy(
            update={
                "summary": nasty,
                "scope": nasty,
                "check": nasty,
                "numbers": {nasty: nasty, "infinite": float("inf"), "undefined": float("nan")},
                "witness": {nasty: [nasty]},
                "outcome": Outcome.VIOLATED,
            }
        )
    )
    claim = base.results[1].model_copy(
        update={
            "title": nasty,
            "statement": r"\text{<img src=x onerror=alert(1)>} < & \frac{",
            "hypotheses": (nasty, r"$\text{<script>alert(1)</script>}$"),
            "remark": nasty,
            "source": nasty,
            "rests_on": (nasty,),
            "reason": nasty,
            "evidence": (evidence,),
        }
    )
    return base.model_copy(
        update={
            "mixture": dict(base.mixture) | {"name": nasty, nasty: nasty},
            "description": {nasty: nasty},
            "environment": {nasty: nasty},
            "results": (base.results[0], claim, *base.results[2:]),
            "profile": nasty,
        }
    )


def make_report() -> Report:
    results = (
        _score(),
        _lipschitz(),
        _growth_rate(),
        _no_global_bound(),
        _groenwall(),
        _mean_square(),
        _floor(),
    )
    return Report(
        mixture={
            "schema": "certflow/mixture/1",
            "name": "two-modes",
            "weights": ["0.5", "0.5"],
            "means": [["-1", "0"], ["1", "0"]],
            "covariances": {"kind": "common-isotropic", "values": "0.04"},
        },
        description={
            "name": "two-modes",
            "components": 2,
            "dimension": 2,
            "covariances": "common-isotropic",
            "diameter_of_means": 2.0,
            "origin": {},
        },
        t_min="0.01",
        t_max="3",
        profile="quick",
        digits=50,
        seed=0,
        outcome=Outcome.VIOLATED,
        results=results,
        curves=make_curves(),
        environment={
            "certflow": "0.1.0",
            "python": "3.11.7",
            "numpy": "2.1.0",
            "sympy": "1.14.0",
            "platform": "Linux x86-64",
            "cores": "2",
        },
        started="2026-06-05T09:30:00+00:00",
        seconds=74.8,
        command="certflow verify two-modes --profile quick --digits 50 --seed 0 --out report",
    )


def make_curves() -> Curves:
    """Two modes at distance 2 with variance 0.04 (proofs/L2.md, L3, F2)."""
    t = np.geomspace(0.01, 3.0, 160)
    m2, c, squared = np.exp(-2 * t), 0.96, 4.0
    v = 1 - c * m2
    spread = m2 * squared / (4 * v**2)
    lipschitz = np.maximum(np.abs(1 / v - 1), np.abs(1 / v - 1 - spread))
    growth = 1 - 1 / v + spread
    steps = np.diff(t)
    two_sided = np.concatenate([[0], np.cumsum((lipschitz[1:] + lipschitz[:-1]) / 2 * steps)])
    primitive = -0.5 * np.log(v) - squared / (8 * c * v)
    one_sided = primitive - primitive[0]
    return Curves(
        times=tuple(map(float, t)),
        lipschitz=tuple(map(float, lipschitz)),
        growth_rate=tuple(map(float, growth)),
        stability_two_sided=tuple(map(float, two_sided)),
        stability_one_sided=tuple(map(float, one_sided)),
    )


def _score() -> ClaimResult:
    return ClaimResult(
        id="S2",
        title="Score of the noised mixture",
        statement=(
            r"s(x,t) = \nabla \log p_t(x) = \sum_{k=1}^{K} \gamma_k(x,t)\, b_k(x,t), "
            r"\qquad b_k = -P_k (x - m \mu_k)"
        ),
        hypotheses=(r"$w_k > 0$ and $\sum_k w_k = 1$", r"$\Sigma_k$ symmetric positive definite"),
        source="proofs/S2.md; differentiation of S1",
        remark=r"The responsibilities $\gamma_k$ are a softmax, so the score is smooth for every $t \ge 0$.",
        proof="proofs/S2.md",
        outcome=Outcome.HOLDS,
        evidence=(
            Evidence(
                check="S2.symbolic-gradient",
                kind=Kind.SYMBOLIC,
                outcome=Outcome.HOLDS,
                summary=r"SymPy reduced $\nabla \log p_t - s$ to zero.",
                scope="all parameters of (K, d) = (2, 1), (2, 2), (3, 2)",
                seconds=1.43,
            ),
            Evidence(
                check="S2.gradient-50-digits",
                kind=Kind.HIGH_PRECISION,
                outcome=Outcome.HOLDS,
                summary="Score and numerical gradient agree to 47 digits at the worst of 64 points.",
                scope="64 points of $p_t$ at 8 times in [0.01, 3]",
                numbers={"worst relative difference": 3.174e-48, "points": 64, "digits": 50},
                seed=11,
                seconds=0.82,
            ),
            Evidence(
                check="S2.property",
                kind=Kind.SAMPLED,
                outcome=Outcome.HOLDS,
                summary="No counterexample among 200 random mixtures.",
                scope="K up to 6, d up to 5, variances in [1e-4, 4]",
                numbers={"cases": 200},
                seed=0,
                seconds=6.2,
            ),
        ),
        pending=(Kind.FORMAL,),
    )


def _lipschitz() -> ClaimResult:
    return ClaimResult(
        id="L2",
        title="Two-sided bound of the Jacobian",
        statement=(
            r"\|J(x,t)\|_2 \le L(t) = \max\left( \left|\tfrac1v - 1\right|,\ "
            r"\left|\tfrac1v - 1 - \frac{m^2 D^2}{4 v^2}\right| \right)"
        ),
        hypotheses=(r"$\Sigma_k = \sigma^2 I$ for all $k$", r"$v = 1 - c\,m^2$, $c = 1 - \sigma^2$"),
        source="proofs/L2.md; arXiv 2606.03820, abstract",
        proof="proofs/L2.md",
        outcome=Outcome.HOLDS,
        evidence=(
            Evidence(
                check="L2.enclosure",
                kind=Kind.ENCLOSURE,
                outcome=Outcome.HOLDS,
                summary=r"The enclosure of $\sup_x \|J\|_2 / L$ over all $x$ and $t$ lies below 1.",
                scope="all x, all t in [0.01, 3]",
                numbers={
                    "upper bound of the ratio": "0." + 62 * "9" + "214",
                    "boxes": 1312,
                    "seconds in bisection": 2.71828182,
                },
                seconds=3.31,
            ),
        ),
    )


def _growth_rate() -> ClaimResult:
    return ClaimResult(
        id="L5",
        title="Sharp rate of an instance",
        statement=(
            r"\lambda^*(t) = \sup_{x \in \mathbb{R}^d} \lambda_{\max}\bigl(-J(x,t)\bigr) "
            r"= 1 - \frac{1}{v} + \frac{m^2}{v^2} V^*(r)"
        ),
        hypotheses=(r"common isotropic variance", r"$r = m^2/(2v)$"),
        source="proofs/L5.md",
        outcome=Outcome.INCONCLUSIVE,
        reason=r"The search at $t = 0.01$ spent its budget of boxes before the gap closed.",
        evidence=(
            Evidence(
                check="L5.enclosure",
                kind=Kind.ENCLOSURE,
                outcome=Outcome.INCONCLUSIVE,
                summary=r"Lower and upper bound of $\lambda^*$ differ by 0.31.",
                scope="all x, t = 0.01",
                numbers={"lower": "96.0021", "upper": "96.3127", "boxes": 100000},
                seconds=41.9,
            ),
        ),
    )


def _no_global_bound() -> ClaimResult:
    return ClaimResult(
        id="L8",
        title="No global bound for anisotropic covariances",
        statement=(
            r"\begin{aligned} \sup_x \|J\| < \infty \iff & P_1 = P_2, \text{ or } P_1 - P_2 \succeq 0 \\ "
            r"& \text{and } m(P_1\mu_1 - P_2\mu_2) \in \operatorname{range}(P_1 - P_2) \end{aligned}"
        ),
        hypotheses=("$K = 2$", r"$\Sigma_1 \ne \Sigma_2$, not multiples of $I$"),
        source="proofs/L8.md",
        outcome=Outcome.NOT_APPLICABLE,
        reason=r"The covariances of this mixture are equal: $\Sigma_1 = \Sigma_2 = 0.04\,I$.",
    )


def _groenwall() -> ClaimResult:
    return ClaimResult(
        id="F1",
        title="Stability of the flow map",
        statement=(
            r"|\Phi_{t\to s}(x) - \Phi_{t\to s}(y)| "
            r"\le \exp\Bigl(\int_s^t \lambda(\tau)\,d\tau\Bigr)\,|x-y|"
        ),
        hypotheses=(r"$\delta \le s < t \le T$",),
        source="proofs/F1.md; Grönwall's lemma",
        remark=r"Sampling runs from $T$ down to $\delta$.",
        outcome=Outcome.VIOLATED,
        evidence=(
            Evidence(
                check="F1.pairs",
                kind=Kind.SAMPLED,
                outcome=Outcome.VIOLATED,
                summary="Pair 17 is stretched by 1.0034 times the bound.",
                scope="512 pairs of points, s = 0.01, t = 3",
                numbers={"ratio": 1.00341234567, "stretch": 2.2026e10, "pairs": 512},
                witness={
                    "x": ["0.125", "-1/3"],
                    "y": ["0.1251", "-1/3"],
                    "s": "0.01",
                    "t": "3",
                    "ratio": 1.0034,
                },
                seed=17,
                seconds=0.051,
            ),
        ),
    )


def _mean_square() -> ClaimResult:
    return ClaimResult(
        id="E5",
        title="Mean-square amplification",
        statement=r"A(t) = \Bigl( \mathbb{E}_{p_t} \| D\Phi_{t\to\delta} \|_F^2 / d \Bigr)^{1/2}",
        hypotheses=("local errors small enough for the first order to lead",),
        source="proofs/E5.md",
        outcome=Outcome.HOLDS,
        evidence=(
            Evidence(
                check="E5.trained",
                kind=Kind.EMPIRICAL,
                outcome=Outcome.HOLDS,
                summary="Predicted and measured growth agree within a factor of 1.3.",
                scope="5 seeds, segments 1, 2, 4, 8",
                numbers={"ratio, mean": 1.08, "ratio, spread": 0.11, "per segment": [1.02, 1.07, 1.09, 1.14]},
                seed=3,
                seconds=12.0,
            ),
        ),
        pending=(Kind.HIGH_PRECISION,),
    )


def _floor() -> ClaimResult:
    return ClaimResult(
        id="M1",
        title="Floor of a Lipschitz student",
        statement=(
            r"\sup_x |g(x) - \Phi(x)| \ge \tfrac12 \sup_{x,y} \bigl( |\Phi(x) - \Phi(y)| "
            r"- B\,|x - y| \bigr)"
        ),
        hypotheses=("$g$ is $B$-Lipschitz",),
        source="proofs/M1.md",
        outcome=Outcome.NOT_CHECKED,
        reason="The quick profile leaves this claim out.",
        pending=(Kind.SYMBOLIC, Kind.ENCLOSURE),
    )


FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def unavailable(reason: str) -> None:
    if os.environ.get("CERTFLOW_REQUIRE_BROWSER") == "1":
        pytest.fail(f"{reason}, and CERTFLOW_REQUIRE_BROWSER=1 demands the browser tests")
    pytest.skip(f"{reason}: the page was not looked at in a browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    executable = shutil.which("chromium") or "/usr/bin/chromium"
    if not Path(executable).exists():
        unavailable("no chromium on this machine")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        unavailable("the Python package playwright is not installed")
    with sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield instance
        instance.close()
