"""Grids beyond the theory's setting: a score network trained on scikit-learn's digits, distilled (outside the theory).

The digits, 1,797 images of 8 x 8 pixels, are projected on their first principal components and scaled to unit variance
per coordinate on average. A denoiser is trained on them, its typical rate is estimated by Jacobian-vector products, and
the grids are compared on its flow exactly as on that of a mixture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from certflow.distill.beyond.data_sets import DIMENSION, digits
from certflow.distill.beyond.network_flow import NetworkFlow, interval_of
from certflow.distill.beyond.score_network import model_of, train_denoiser
from certflow.distill.beyond.teacher import MEASURED, TABLE
from certflow.distill.experiment import distil
from certflow.distill.plan import make_plan
from certflow.distill.results import Results
from certflow.distill.settings import Progress, Settings
from certflow.grids.grid import TimeGrid
from certflow.grids.rates import grid_from_rate, log_times
from certflow.schedules import typical_rate

GRIDS = ("uniform", "logsnr", "karras", "cosine", "quadratic")
#: Fewer points than with mixtures: a network is a dearer teacher.
SETTINGS = Settings(pool=8192, test=1024, tolerance=1e-8)


def real_data(
    segments: Sequence[int] = (1, 2, 4, 8),
    seeds: int | Sequence[int] = 3,
    settings: Settings = SETTINGS,
    *,
    score_steps: int = 4000,
    progress: Progress | None = None,
) -> tuple[Results, dict[str, Any]]:
    """Compare grids on the flow of a score network; returns the results and what is known of the network.

    The second part has `times` and `rate` (the typical rate of the network), `settings` of the network, and the scope.
    """
    tell = progress or (lambda done, total, what: None)
    data = digits()
    interval = interval_of(DIMENSION, "digits, score network")
    make_plan(interval, GRIDS, segments, seeds, settings)  # bad input is refused before the network is trained
    denoiser = train_denoiser(
        data,
        interval.t_min,
        interval.t_max,
        steps=score_steps,
        progress=lambda done, total: tell(done, total, "score network"),
    )
    model = model_of(denoiser, interval.t_min, interval.t_max)
    flow = NetworkFlow(model, data, interval)
    times = log_times(interval, TABLE)
    rate = typical_rate(model, torch.from_numpy(data), times).values
    own: list[str | TimeGrid] = [grid_from_rate(interval, times, rate, k, MEASURED) for k in segments]
    plan = make_plan(interval, [*GRIDS, *own], segments, seeds, settings)
    results = distil(plan, flow, progress=progress, exact=False)
    network = {
        "scope": "a score network on real data: outside the theory, which speaks of mixtures",
        "data": f"scikit-learn digits, {len(data)} rows, {DIMENSION} principal components",
        "score_steps": score_steps,
        "times": times.tolist(),
        "rate": rate.tolist(),
    }
    return results, network
