"""Stacked training against one ordinary loop for each map; checkpoints; a map that diverges."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from certflow.distill import training
from certflow.distill.batches import Batches
from certflow.distill.maps.residual import ResidualMaps, normalisers_of
from certflow.distill.settings import Settings
from certflow.distill.training import Segment, rate_at, train

SETTINGS = Settings(hidden=8, steps=40, batch=16, pool=70, warmup=5)


def make_pool(seeds: int = 2, times: int = 4, count: int = 70, dimension: int = 2) -> torch.Tensor:
    """Points that move along a nonlinear map from time to time."""
    x = torch.randn(seeds, count, dimension, generator=torch.Generator().manual_seed(3))
    nodes = [x]
    for _ in range(times - 1):
        nodes.append(nodes[-1] + 0.3 * torch.sin(2 * nodes[-1]) + 0.1)
    return torch.stack(nodes, dim=1).contiguous()


def segments(seeds: int = 2, times: int = 4) -> list[Segment]:
    return [Segment(s, i, j, key=f"{s}/{i}/{j}") for s in range(seeds) for i, j in pairwise(range(times))]


def states(trained):
    return [p.detach().clone() for stack in trained for p in stack.maps.parameters()] + [s.losses for s in trained]


def same(left, right) -> bool:
    return all(torch.equal(a, b) for a, b in zip(states(left), states(right), strict=True))


def batches(segment: Segment, settings: Settings = SETTINGS) -> list[torch.Tensor]:
    numbered = torch.arange(settings.pool).view(1, -1, 1).repeat(1, 1, 2)  # the pairs of the pool are their numbers
    fetched = Batches([segment.order], numbered, settings.batch)
    drawn = []
    for step in range(settings.steps):
        fetched.seek(step)
        fetched.advance()
        drawn.append(fetched.fetch(0, 1)[0].flatten())
    return drawn


def ordinary_loop(
    segment: Segment, pool: torch.Tensor, layer: type[torch.nn.Module]
) -> tuple[torch.nn.Sequential, float]:
    """The same map in float64 by textbook training; its mean loss over all steps."""
    inputs, outputs = (pool[segment.seed, end].double() for end in (segment.start, segment.end))
    added = outputs - inputs
    x, y = (inputs - inputs.mean(0)) / inputs.std(0), (added - added.mean(0)) / added.std(0)
    d = x.shape[1]
    net = torch.nn.Sequential(
        torch.nn.Linear(d, 8), layer(), torch.nn.Linear(8, 8), layer(), torch.nn.Linear(8, d)
    ).double()
    fit = normalisers_of(inputs.unsqueeze(0), outputs.unsqueeze(0))
    first = ResidualMaps(fit, hidden=8, seeds=(segment.weights,))
    with torch.no_grad():
        for linear, weight, bias in zip(net[::2], first.weights, first.biases, strict=True):
            linear.weight.copy_(weight[0].T)
            linear.bias.copy_(bias[0, 0])
    optimiser = torch.optim.Adam(net.parameters(), foreach=False)
    losses = []
    for step, rows in enumerate(batches(segment)):
        optimiser.param_groups[0]["lr"] = rate_at(step, SETTINGS)
        error = (net(x[rows]) - y[rows]) * added.std(0)
        loss = error.square().sum(1).mean() / added.var(0).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    return net, sum(losses) / len(losses)


@pytest.mark.parametrize(("activation", "layer"), [("tanh", torch.nn.Tanh), ("silu", torch.nn.SiLU)])
def test_a_stack_trains_as_an_ordinary_loop_does(activation, layer):
    pool = make_pool()
    (stack,) = train(segments(), pool, replace(SETTINGS, activation=activation))
    for i, segment in enumerate(stack.segments):
        net, loss = ordinary_loop(segment, pool, layer)
        assert float(stack.losses[i]) == pytest.approx(loss, rel=1e-4)
        for linear, weight in zip(net[::2], stack.maps.weights, strict=True):
            torch.testing.assert_close(weight[i].double(), linear.weight.detach().T, rtol=0, atol=2e-4)


def test_training_learns():
    settings = Settings(hidden=16, steps=400, batch=64, pool=512)
    (stack,) = train(segments(1), make_pool(1, count=512), settings)
    (untrained,) = train(segments(1), make_pool(1, count=512), Settings(hidden=16, steps=1, batch=64, pool=512))
    assert (stack.losses < 0.3 * untrained.losses).all()
    assert stack.diverged == []


@pytest.mark.parametrize("lipschitz", [None, 3.0])
def test_twice_the_same(lipschitz):
    settings = Settings(hidden=8, steps=20, batch=16, pool=70, lipschitz=lipschitz)
    assert same(train(segments(), make_pool(), settings), train(segments(), make_pool(), settings))


def test_a_map_does_not_depend_on_what_else_is_in_the_stack():
    pool = make_pool()
    (stack,) = train(segments(), pool, SETTINGS)
    for i, segment in enumerate(segments()):
        (one,) = train([segment], pool, SETTINGS)
        for together, own in zip(stack.maps.parameters(), one.maps.parameters(), strict=True):
            torch.testing.assert_close(together[i], own[0], rtol=1e-3, atol=1e-4)


def test_stacks_are_cut_in_order(monkeypatch):
    pool = make_pool()
    (whole,) = train(segments(), pool, SETTINGS)
    monkeypatch.setitem(training.STACK, "cpu", 4)
    told: list[tuple[int, int]] = []
    parts = train(segments(), pool, SETTINGS, lambda *step: told.append(step))
    assert [s for part in parts for s in part.segments] == segments()
    torch.testing.assert_close(torch.cat([p.losses for p in parts]), whole.losses, rtol=1e-3, atol=0)
    assert told == [(0, 80), (40, 80), (40, 80), (80, 80)]


def test_seeds_see_other_data_and_other_weights():
    (stack,) = train(segments(), make_pool(), SETTINGS)
    assert len({round(loss, 9) for loss in stack.losses.tolist()}) == len(segments())


def test_maps_of_one_origin_start_from_the_same_weights():
    pool, settings = make_pool(), Settings(hidden=8, steps=1, batch=16, pool=70, learning_rate=1e-12, warmup=0)
    alike = [Segment(s.seed, s.start, s.end, s.key, origin=str(s.seed)) for s in segments()]
    for given, groups in ((segments(), len(segments())), (alike, 2)):
        (stack,) = train(given, pool, settings)
        assert len({weight.round(decimals=6).sum().item() for weight in stack.maps.weights[1]}) == groups
    for segment, own in zip(alike, segments(), strict=True):
        assert all(torch.equal(a, b) for a, b in zip(batches(segment), batches(own), strict=True))


# -- mini-batches -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "batch"), [(64, 16), (70, 16), (97, 97), (96, 5), (96, 12)])
def test_an_epoch_takes_no_pair_twice(count, batch):
    settings = Settings(pool=count, batch=batch, steps=4 * (count // batch))
    drawn = batches(segments()[0], settings)
    per_epoch = count // batch
    epochs = [torch.cat(drawn[i : i + per_epoch]) for i in range(0, len(drawn), per_epoch)]
    for epoch in epochs:
        assert len(set(epoch.tolist())) == per_epoch * batch
        assert epoch.min() >= 0
        assert epoch.max() < count
    assert len({tuple(epoch.tolist()) for epoch in epochs}) == len(epochs)
    assert not torch.equal(drawn[0], batches(segments()[1], settings)[0])


def test_learning_rate():
    settings = Settings(learning_rate=0.01, steps=110, warmup=10)
    assert rate_at(0, settings) == pytest.approx(0.001)
    assert rate_at(9, settings) == rate_at(10, settings) == pytest.approx(0.01)
    assert rate_at(60, settings) == pytest.approx(0.005)
    assert rate_at(109, settings) == pytest.approx(0.01 * math.sin(math.pi / 200) ** 2)


# -- checkpoints ------------------------------------------------------------------------------------------------


class Stop:
    """Ctrl-C at a number of steps; counts calls."""

    def __init__(self, at: int | None):
        self.at, self.told = at, []

    def __call__(self, done: int, total: int) -> None:
        self.told.append(done)
        if done == self.at:
            raise KeyboardInterrupt


@pytest.fixture
def short_rounds(monkeypatch):
    monkeypatch.setattr(training, "ROUND", 10)
    monkeypatch.setitem(training.STACK, "cpu", 4)


@pytest.mark.usefixtures("short_rounds")
@pytest.mark.parametrize("at", [10, 30, 60])
@pytest.mark.parametrize("lipschitz", [None, 3.0])
def test_an_interrupted_run_goes_on_where_it_was(tmp_path, at, lipschitz):
    settings = Settings(hidden=8, steps=40, batch=16, pool=70, warmup=5, lipschitz=lipschitz)
    pool = make_pool()
    whole = train(segments(), pool, settings)
    with pytest.raises(KeyboardInterrupt):
        train(segments(), pool, settings, Stop(at), tmp_path)
    again = Stop(None)
    assert same(train(segments(), pool, settings, again, tmp_path), whole)
    assert at in again.told
    assert min(at, 40) == again.told[0]
    assert again.told.count(at) <= 2
    done = Stop(None)
    assert same(train(segments(), pool, settings, done, tmp_path), whole)
    assert done.told == [40, 80]  # nothing is trained twice


def _flip(content: bytes) -> bytes:
    place = len(content) // 2
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.usefixtures("short_rounds")
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda content: content[:-100], id="cut off"),
        pytest.param(lambda content: b"", id="empty"),
        pytest.param(lambda content: b"not a checkpoint", id="something else"),
        pytest.param(_flip, id="one bit flipped"),
    ],
)
def test_a_broken_checkpoint_is_ignored(tmp_path, spoil):
    pool = make_pool()
    whole = train(segments(), pool, SETTINGS, None, tmp_path)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 2
    for file in files:
        file.write_bytes(spoil(file.read_bytes()))
    told = Stop(None)
    assert same(train(segments(), pool, SETTINGS, told, tmp_path), whole)
    assert told.told[0] == 0


@pytest.mark.usefixtures("short_rounds")
@pytest.mark.parametrize("foreign", ["settings", "segments", "pool"])
def test_a_foreign_checkpoint_is_ignored(tmp_path, foreign):
    pool, plan, settings = make_pool(), segments(), SETTINGS
    other = {
        "settings": (plan, pool, Settings(hidden=8, steps=40, batch=16, pool=70, warmup=6)),
        "segments": ([Segment(s.seed, s.start, s.end, f"other/{s.key}") for s in plan], pool, settings),
        "pool": (plan, pool + 1, settings),
    }[foreign]
    train(*other, None, tmp_path)
    told = Stop(None)
    assert same(train(plan, pool, settings, told, tmp_path), train(plan, pool, settings))
    assert told.told[0] == 0


# -- what diverges ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lipschitz", [None, 3.0])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_diverged_map_is_named_and_touches_no_other(lipschitz, value):
    settings = Settings(hidden=8, steps=20, batch=16, pool=70, lipschitz=lipschitz)
    pool = make_pool()
    (whole,) = train(segments(), pool, settings)
    broken = pool.clone()
    broken[1, 1, 7] = value
    (stack,) = train(segments(), broken, settings)
    assert stack.diverged == [s for s in segments() if s.seed == 1 and 1 in (s.start, s.end)]
    fine = [i for i, s in enumerate(segments()) if s not in stack.diverged]
    assert torch.equal(stack.losses[fine], whole.losses[fine])
    for own, other in zip(stack.maps.parameters(), whole.maps.parameters(), strict=True):
        assert torch.equal(own[fine], other[fine])
