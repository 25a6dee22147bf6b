"""Steps over buffers against the plain loop that they replaced, bit by bit; recorded and replayed; host not asked."""

from __future__ import annotations

import gc
import hashlib
import io
import math
import weakref
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from replaying import Recorder, Recordings, address
from test_training import make_pool, segments

import certflow as cf
from certflow.distill import training
from certflow.distill.maps.regression import Regression
from certflow.distill.maps.residual import Normalisers, ResidualMaps, normalisers_of
from certflow.distill.settings import Settings
from certflow.distill.stepping import WARM_UP, Stepper
from certflow.distill.training import Segment, rate_at, stepper_of, train

SETTINGS = Settings(hidden=8, steps=40, batch=16, pool=70, warmup=5)


class PlainLoop:
    """Training as it was before there were graphs: numbers of Python, tensors made anew in every step."""

    def __init__(self, stack: list[Segment], pool: torch.Tensor, settings: Settings):
        self.stack, self.settings = stack, settings
        pairs, found = [], []
        for s in stack:
            x, y = pool[s.seed, s.start], pool[s.seed, s.end]
            n = normalisers_of(x.unsqueeze(0), y.unsqueeze(0))
            z, target = (x - n.input_mean[0]) / n.input_scale[0], (y - x - n.output_mean[0]) / n.output_scale[0]
            pairs.append(torch.cat([z, target], dim=1))
            found.append(n)
        self.pairs = torch.stack(pairs)
        n = Normalisers.stack(found)
        seeds = tuple(s.weights for s in stack)
        self.maps = ResidualMaps(
            n, settings.hidden, settings.depth, settings.activation, seeds, lipschitz=settings.lipschitz
        )
        weights = n.output_scale.square()
        weights = weights / weights.sum(2, keepdim=True) / settings.batch
        self.regression = Regression(self.maps, weights, settings.batch)
        self.optimiser = torch.optim.Adam([self.regression.parameters], lr=settings.learning_rate, fused=True)
        self.block = math.gcd(8, settings.pool, settings.batch)
        self.orders = [list[tuple[int, int]]() for _ in stack]
        self.generators = [np.random.default_rng(s.order) for s in stack]

    def rows(self, step: int) -> torch.Tensor:
        """The rows of each map's mini-batch, shape (n, batch)."""
        blocks, per_batch = self.settings.pool // self.block, self.settings.batch // self.block
        epoch, part = divmod(step, blocks // per_batch)
        rows = []
        for order, generator in zip(self.orders, self.generators, strict=True):
            while len(order) <= epoch:
                u, w = (int(n) for n in generator.integers(blocks, size=2))
                if math.gcd(u, blocks) == 1:
                    order.append((u, w))
            u, w = order[epoch]
            chosen = [(u * i + w) % blocks for i in range(part * per_batch, (part + 1) * per_batch)]
            rows.append([block * self.block + i for block in chosen for i in range(self.block)])
        return torch.tensor(rows)

    def step(self, number: int) -> torch.Tensor:
        rows = self.rows(number)

        def fetch(a: int, b: int) -> tuple[torch.Tensor, torch.Tensor]:
            z, y = torch.stack([self.pairs[i, rows[i]] for i in range(a, b)]).chunk(2, dim=2)
            return z, y

        self.optimiser.param_groups[0]["lr"] = rate_at(number, self.settings)
        loss = self.regression(fetch)
        self.optimiser.step()
        return loss

    def run(self, first: int, last: int, every: int) -> torch.Tensor:
        """The mean losses of the last round of `every` steps, whose rounds start at multiples of it."""
        losses = torch.empty(0)
        for start in range(first, last, every):
            numbers = range(start, min(start + every, last))
            total = torch.zeros(len(self.stack), dtype=self.pairs.dtype)
            for number in numbers:
                total += self.step(number)
            losses = total / len(numbers)
        return losses


def equal(maps: ResidualMaps, other: ResidualMaps) -> bool:
    return all(torch.equal(a, b) for a, b in zip(maps.parameters(), other.parameters(), strict=True))


CASES: dict[str, dict[str, Any]] = {
    "silu": {},
    "tanh": {"activation": "tanh", "depth": 1},
    "relu": {"activation": "relu", "hidden": 16},
    "groupsort": {"activation": "groupsort", "depth": 3},
    "budget": {"lipschitz": 3.0},
    "no-warmup": {"warmup": 0, "learning_rate": 0.02},
    "epoch-of-one-batch": {"batch": 70},
    "blocks-of-one-row": {"batch": 13, "pool": 67},
    "rounds-that-do-not-divide": {"steps": 47},
    "one-step": {"steps": 1},
}


@pytest.fixture
def rounds(monkeypatch):
    monkeypatch.setattr(training, "ROUND", 10)


@pytest.mark.usefixtures("rounds")
@pytest.mark.parametrize("changed", CASES.values(), ids=CASES)
@pytest.mark.parametrize(("dimension", "dtype"), [(1, torch.float64), (2, torch.float32), (12, torch.float32)])
def test_bit_by_bit_as_the_plain_loop(changed, dimension, dtype):
    settings = replace(SETTINGS, **changed)
    pool = make_pool(count=settings.pool, dimension=dimension).to(dtype)
    plain = PlainLoop(segments(), pool, settings)
    losses = plain.run(0, settings.steps, 10)
    (stack,) = train(segments(), pool, settings)
    assert torch.equal(stack.losses, losses)
    assert equal(stack.maps, plain.maps)
    assert stack.refused == ""


@pytest.mark.usefixtures("rounds")
def test_more_than_a_slice_of_maps():
    pool, many = make_pool(6, 8), segments(6, 8)
    plain = PlainLoop(many, pool, SETTINGS)
    losses = plain.run(0, 40, 10)
    (stack,) = train(many, pool, SETTINGS)
    assert len(many) > 32
    assert torch.equal(stack.losses, losses)
    assert equal(stack.maps, plain.maps)


def checkpoint(path: Path, plain: PlainLoop, key: str, done: int, losses: torch.Tensor) -> None:
    """What the plain loop kept."""
    content = {
        "key": key,
        "done": done,
        "losses": losses,
        "maps": plain.maps.state_dict(),
        "optimiser": plain.optimiser.state_dict(),
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    path.write_bytes(hashlib.sha256(buffer.getvalue()).digest() + buffer.getvalue())


@pytest.mark.usefixtures("rounds")
@pytest.mark.parametrize("lipschitz", [None, 3.0])
@pytest.mark.parametrize("at", [10, 20, 40])
def test_what_the_plain_loop_kept_is_taken_up(tmp_path, at, lipschitz):
    settings, pool = replace(SETTINGS, lipschitz=lipschitz), make_pool()
    (whole,) = train(segments(), pool, settings)
    plain = PlainLoop(segments(), pool, settings)
    losses = plain.run(0, at, 10)
    checkpoint(tmp_path / "stack-0.pt", plain, training._key(segments(), pool, settings), at, losses)
    told: list[int] = []
    (stack,) = train(segments(), pool, settings, lambda done, total: told.append(done), tmp_path)
    assert told == list(range(at, 41, 10))
    assert torch.equal(stack.losses, whole.losses)
    assert equal(stack.maps, whole.maps)


# -- recorded ---------------------------------------------------------------------------------------------------


def stepper(graphs: Any = None, **changed: Any) -> Stepper:
    settings = replace(SETTINGS, **changed)
    return stepper_of(segments(), make_pool(count=settings.pool), settings, graphs)


UNBOUNDED = {name: changed for name, changed in CASES.items() if "lipschitz" not in changed and name != "one-step"}


@pytest.mark.parametrize("changed", UNBOUNDED.values(), ids=UNBOUNDED)
def test_a_recorded_step_replayed_trains_as_steps_do(changed):
    recordings = Recordings()
    recorded, plain = stepper(recordings, **changed), stepper(**changed)
    for steps in (1, 2, 9, 20, 8):  # epochs and rounds end in between
        assert torch.equal(recorded.run(steps), plain.run(steps))
        assert recordings.count == (recorded.done > WARM_UP)
        assert equal(recorded.regression.maps, plain.regression.maps)
    assert recorded.replay is not None
    assert plain.replay is None


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5, 17])
def test_recorded_interrupted_and_taken_up_anywhere(at):
    whole, first, second = (stepper(Recordings()) for _ in range(3))
    whole.run(at)
    expected = whole.run(20)
    first.run(at)
    second.regression.maps.load_state_dict(first.regression.maps.state_dict())
    second.take_up(first.done, first.optimiser.state_dict())
    assert torch.equal(second.run(20), expected)
    assert equal(second.regression.maps, whole.regression.maps)


class Refusing(Recordings):
    """A card that cannot."""

    def captured(self, step: Any) -> Any:
        raise RuntimeError("CUDA error: operation not permitted\nCompile with TORCH_USE_CUDA_DSA")


def test_where_a_capture_is_refused_steps_go_on_one_by_one(monkeypatch):
    refused, plain = stepper(Refusing()), stepper()
    assert torch.equal(refused.run(30), plain.run(30))
    assert equal(refused.regression.maps, plain.regression.maps)
    assert refused.refused == "step by step, as no CUDA graph could be captured (CUDA error: operation not permitted)"
    monkeypatch.setattr(training, "graphs_on", lambda device, settings: Refusing())
    (stack,) = train(segments(), make_pool(), SETTINGS)
    assert stack.refused == refused.refused
    law, small = cf.GaussianMixture([1.0], [[0.0]], 0.5), replace(SETTINGS, test=64)
    results = cf.distill.run(law, ["uniform"], [1], 1, "cpu", small)
    assert results.setting["device"].startswith("CPU, ")
    assert results.setting["device"].endswith(f", {refused.refused}")


def test_a_recording_goes_with_its_stepper():
    one = stepper(Recordings())
    one.run(10)
    left = weakref.ref(one.replay.__self__), weakref.ref(one.total), weakref.ref(one.moments["exp_avg"])
    gc.collect()
    gc.disable()
    try:
        del one
        assert [ref() for ref in left] == [None] * 3
    finally:
        gc.enable()


# -- what a graph cannot do -------------------------------------------------------------------------------------


def signatures(one: Stepper, steps: int) -> list[Any]:
    """Of each of so many steps; the calls are kept until the end, so that no address is given twice."""
    recorders = []
    original = one.step

    def recorded() -> None:
        recorder = Recorder()
        with recorder:
            original()
        recorders.append(recorder)

    one.step = recorded  # type: ignore[method-assign]
    one.run(steps)
    return [recorder.signature() for recorder in recorders]


@pytest.mark.parametrize("changed", UNBOUNDED.values(), ids=UNBOUNDED)
def test_every_step_makes_the_same_calls_with_the_same_numbers_at_the_same_addresses(changed):
    first, *rest = signatures(stepper(**changed), 12)
    assert all(other == first for other in rest)


def test_nothing_that_stays_moves():
    one = stepper()
    kept = [
        *one.regression.maps.parameters(),
        *(p.grad for p in one.regression.maps.parameters()),
        one.regression.parameters,
        *(getattr(layer, name) for layer in one.regression.buffers for name in ("value", "turned", "kept", "back")),
        *(one.rates, one.rate, one.index, one.total),
        *(value for value in vars(one.batches).values() if isinstance(value, torch.Tensor)),
    ]

    def places() -> list[int]:
        return [tensor.data_ptr() for tensor in [*kept, *one.optimiser.state[one.regression.parameters].values()]]

    before = places()
    one.run(10)
    one.take_up(0, one.optimiser.state_dict())
    one.run(10)
    assert places() == before
    assert one.optimiser.param_groups[0]["lr"] is one.rate


@pytest.mark.parametrize("fault", ["item", "branch", "selection", "number of Python", "new tensor"])
def test_a_step_that_no_graph_can_hold_is_told(fault):
    one = stepper()
    given, count = one.batches.advance, iter(range(10**6))

    def advance() -> None:
        given()
        if fault == "item":
            one.total += float(one.total[0])
        elif fault == "branch" and one.total[0] < 0:
            raise AssertionError
        elif fault == "selection":
            one.total.sum().add_(one.total[one.total > 0].sum())
        elif fault == "number of Python":
            one.rate.mul_(1 - 1e-3 * next(count))
        elif fault == "new tensor":
            one.rate = one.rate * 0.5

    one.batches.advance = advance  # type: ignore[method-assign]
    if fault in ("item", "branch", "selection"):
        with pytest.raises(RuntimeError, match="not permitted"):
            signatures(one, 4)
    else:
        first, *rest = signatures(one, 4)
        assert any(other != first for other in rest)


def test_the_plain_loop_could_not_be_recorded():
    plain = PlainLoop(segments(), make_pool(), SETTINGS)
    with pytest.raises(RuntimeError, match="not permitted"), Recorder():
        plain.step(0)


@pytest.mark.parametrize("changed", [{}, {"batch": 70}, {"batch": 13, "pool": 67}])
def test_batches_from_anywhere(changed):
    """After a resume the mini-batches are those of a run that was not interrupted."""
    settings = replace(SETTINGS, **changed)
    plain = PlainLoop(segments(), make_pool(count=settings.pool), settings)
    for first in (0, 1, 5, 23):
        batches = stepper(**changed).batches
        step = first
        while step < 30:
            for _ in range(batches.seek(step)):
                batches.advance()
                z, y = batches.fetch(1, 3)
                rows = plain.rows(step)
                assert torch.equal(torch.cat([z, y], 2), torch.stack([plain.pairs[i, rows[i]] for i in (1, 2)]))
                step += 1


def test_learning_rates_of_a_run():
    one = stepper()
    one.run(7)
    one.run(9)
    rates = [rate_at(step, SETTINGS) for step in range(7, 16)]
    assert one.rates[:9].tolist() == rates
    assert one.rate.item() == rates[-1]
    assert partial(rate_at, settings=SETTINGS)(3) == one.rate_at(3)
    assert address(one.rate) == address(one.optimiser.param_groups[0]["lr"])
