"""Plans: shared segments once, and one line for each mistake."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import certflow as cf
from certflow.distill.plan import make_plan
from certflow.distill.settings import Settings
from certflow.errors import InputError
from certflow.grids.grid import TimeGrid

LAW = cf.GaussianMixture([0.5, 0.5], [[-1.0], [1.0]], 0.09)
PROCESS = cf.OrnsteinUhlenbeck(LAW, "0.01", "3")


def plan(grids: Any = ("uniform",), segments: Any = (2,), seeds: Any = 1, settings: Settings | None = None) -> Any:
    return make_plan(PROCESS, grids, segments, seeds, settings or Settings())


def own(*inner: float, kind: str = "custom") -> TimeGrid:
    return TimeGrid(kind, np.array([3.0, *inner, 0.01]))


def test_segments_that_grids_share_are_trained_once():
    made = plan([own(1.0, 0.1, kind="a"), own(1.0, kind="b"), own(0.1, kind="c")], (), 3)
    pairs = {(made.times[s.start], made.times[s.end]) for s in made.segments}
    assert pairs == {(3.0, 1.0), (1.0, 0.1), (0.1, 0.01), (1.0, 0.01), (3.0, 0.1)}
    assert len(made.segments) == 3 * len(pairs)
    assert len({s.key for s in made.segments}) == len(made.segments)
    assert {(s.seed, s.origin) for s in made.segments} == {(i, str(seed)) for i, seed in enumerate(made.seeds)}
    assert made.times == (3.0, 1.0, 0.1, 0.01)


def test_with_one_segment_all_grids_are_one_map():
    assert len(plan(["uniform", "logsnr", "karras"], [1], 2).segments) == 2


def test_nodes_lead_along_trained_segments():
    made = plan(["uniform", "logsnr", own(0.7)], [1, 4], [5, 9])
    trained = {(s.seed, s.start, s.end) for s in made.segments}
    assert [(e.label, e.segments) for e in made.entries] == [
        ("uniform", 1),
        ("uniform", 4),
        ("logsnr", 1),
        ("logsnr", 4),
        ("custom", 2),
    ]
    for entry in made.entries:
        nodes = made.nodes(entry)
        assert [made.times[n] for n in nodes] == entry.grid.times.tolist()
        for place in range(2):
            assert all((place, *ends) in trained for ends in pairwise(nodes))


def test_a_map_has_the_same_key_whatever_else_is_planned():
    alone, more = plan(["logsnr"], [2], [7]), plan(["uniform", "logsnr"], [1, 2, 4], [3, 7])
    keys = {s.key for s in alone.segments}
    assert keys <= {s.key for s in more.segments}
    orders, weights = [s.order for s in more.segments], {s.weights for s in more.segments}
    assert len(set(orders)) == len(orders)
    assert len(weights) == 2  # one for each seed
    assert not weights & set(orders)
    assert all(0 <= n < 2**63 for n in (*orders, *weights))


def test_a_rate_after_a_colon():
    two, one = plan(["stability-balanced:two-sided", "stability-balanced"], [4]).entries
    assert two.label == "stability-balanced:two-sided"
    assert not np.allclose(two.grid.times, one.grid.times)


def test_the_key_is_of_everything_that_matters():
    keys = [
        plan().key,
        plan(segments=(3,)).key,
        plan(seeds=2).key,
        plan(seeds=[1]).key,
        plan(["logsnr"]).key,
        plan(settings=Settings(hidden=16)).key,
        make_plan(cf.OrnsteinUhlenbeck(LAW, "0.02", "3"), ["uniform"], [2], 1, Settings()).key,
        make_plan(
            cf.OrnsteinUhlenbeck(cf.GaussianMixture([0.4, 0.6], [[-1.0], [1.0]], 0.09), "0.01", "3"),
            ["uniform"],
            [2],
            1,
            Settings(),
        ).key,
    ]
    assert len(set(keys)) == len(keys)
    assert plan().key == keys[0]


BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "no segments": ({"segments": [0]}, "segments", "ints from 1"),
    "negative": ({"segments": [2, -1]}, "segments", "ints from 1"),
    "fraction": ({"segments": [2.5]}, "segments", "ints from 1"),
    "truth": ({"segments": [True]}, "segments", "ints from 1"),
    "number": ({"segments": 8}, "segments", "a list of ints"),
    "nothing to run": ({"segments": []}, "grids", "at least one grid"),
    "unknown kind": ({"grids": ["unifrom"]}, "kind", "uniform"),
    "unknown rate": ({"grids": ["stability-balanced:three-sided"]}, "rate", "two-sided"),
    "a name": ({"grids": "uniform"}, "grids", "a list of kinds or grids"),
    "a grid": ({"grids": own(1.0)}, "grids", "a list of kinds or grids"),
    "none": ({"grids": None}, "grids", "a list of kinds or grids"),
    "kind twice": ({"grids": ["uniform", "uniform"]}, "grids", "different grids"),
    "K twice": ({"segments": [2, 2]}, "grids", "different grids"),
    "wrong end": ({"grids": [TimeGrid("custom", np.array([3.0, 0.02]))]}, "grids", "from 3.0 to 0.01"),
    "wrong start": ({"grids": [TimeGrid("custom", np.array([2.0, 0.01]))]}, "grids", "from 3.0 to 0.01"),
    "no seed": ({"seeds": 0}, "seeds", "from 1 to 1000"),
    "no seeds": ({"seeds": []}, "seeds", "different ints"),
    "seed twice": ({"seeds": [1, 1]}, "seeds", "different ints"),
    "negative seed": ({"seeds": [-1]}, "seeds", "ints >= 0"),
    "true seed": ({"seeds": True}, "seeds", "from 1 to 1000"),
    "half a seed": ({"seeds": 0.5}, "seeds", "from 1 to 1000"),
    "too many seeds": ({"seeds": 10**12}, "seeds", "from 1 to 1000"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case):
    given, field, requirement = BAD[case]
    with pytest.raises(InputError) as caught:
        plan(**given)
    message = str(caught.value)
    assert message.startswith(f"{field}: got ")
    assert requirement in message.split("required: ", 1)[1]
    assert "\n" not in message


SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "hidden": ({"hidden": 0}, "hidden"),
    "steps": ({"steps": 1.5}, "steps"),
    "depth": ({"depth": True}, "depth"),
    "batch": ({"batch": 200, "pool": 100}, "batch"),
    "rate": ({"learning_rate": 1.0}, "learning_rate"),
    "rate nan": ({"learning_rate": float("nan")}, "learning_rate"),
    "rate text": ({"learning_rate": "0.1"}, "learning_rate"),
    "tolerance": ({"tolerance": 0}, "tolerance"),
    "activation": ({"activation": "gelu"}, "activation"),
    "lipschitz": ({"lipschitz": 0.5}, "lipschitz"),
    "groupsort": ({"activation": "groupsort", "hidden": 31}, "hidden"),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_bad_settings(case):
    given, field = SETTINGS[case]
    with pytest.raises(InputError, match=f"^{field}: got .*; required: "):
        Settings(**given)


@pytest.mark.parametrize(("dimension", "steps"), [(1, 3000), (8, 3000), (9, 6000), (64, 6000)])
def test_usual_settings_train_longer_in_many_dimensions(dimension, steps):
    assert Settings.usual(dimension) == Settings(steps=steps)
