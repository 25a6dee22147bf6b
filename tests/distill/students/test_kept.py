"""Students kept with their weights: the maps that were measured, in memory, in the file, and as exact maps."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np
import pytest
import torch

import certflow as cf
from certflow.distill import Settings, load_students, run
from certflow.distill.maps.activations import ACTIVATIONS
from certflow.distill.maps.residual import Normalisers, ResidualMap, ResidualMaps
from certflow.distill.plan import make_plan
from certflow.distill.reference import ReferenceFlow
from certflow.distill.students.kept import FILE, Kept
from certflow.distill.training import train
from certflow.enclosure.students.maps import read_maps
from certflow.errors import InputError

SMALL = Settings(hidden=8, steps=60, batch=64, pool=512, test=64, warmup=10)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def small(**changed: Any) -> Any:
    given = {"grids": ["uniform", "logsnr"], "segments": [1, 3], "seeds": 2, "settings": SMALL, "device": "cpu"}
    return run(cf.load_mixture("two-modes-1d"), **(given | {"exact": False} | changed))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("kept")
    return small(keep_maps=True, out=folder), folder


def test_every_student_is_there_and_is_the_one_that_was_measured(kept):
    """Its error at draws of the law of one's own is the one of its row, to what 10,000 draws tell."""
    results, _ = kept
    assert set(results.students) == {(r["grid"], r["segments"], r["seed"]) for r in results.rows}
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes-1d"), "0.01", "3")
    x = ReferenceFlow(process).draw(10_000, 77, 1)
    exact = ReferenceFlow(process).map(x, 3.0, 0.01)
    for row in results.rows:
        student = results.students[row["grid"], row["segments"], row["seed"]]
        assert list(student.times) == row["times"]
        assert len(student.maps) == row["segments"]
        error = float((student(x) - exact).square().mean() / exact.square().mean())
        assert error == pytest.approx(row["relative_mse"], rel=0.2)
        path = x
        for one in student.maps:
            path = one(path)
        assert torch.equal(path, student(x))
        assert (path.dtype, path.shape) == (x.dtype, x.shape)


def test_a_segment_that_grids_share_is_one_module(kept):
    students = kept[0].students
    assert students["uniform", 1, 0].maps[0] is students["logsnr", 1, 0].maps[0]
    assert students["uniform", 1, 0].maps[0] is not students["uniform", 1, 1].maps[0]
    own = sum(p.numel() for p in students["uniform", 3, 0].maps[0].parameters())
    assert own == kept[0].setting["parameters_per_map"]  # the weights of one map, not of the stack


def test_the_file_has_the_same_maps(kept):
    results, folder = kept
    again = load_students(folder)
    assert set(again) == set(results.students)
    x = torch.linspace(-3, 3, 50).unsqueeze(1)
    for name, student in results.students.items():
        assert again[name].times == student.times
        assert torch.equal(again[name](x), student(x))
    with np.load(folder / FILE, allow_pickle=False) as arrays:  # plain arrays: a reader needs no torch
        header = json.loads(str(arrays["header"]))
    assert header["schema"] == "certflow/students/1"
    assert len(header["segments"]) == results.setting["maps"]


def test_it_is_written_before_anything_is_measured(tmp_path, monkeypatch):
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("certflow.distill.experiment.measure", stop)
    with pytest.raises(KeyboardInterrupt):
        small(keep_maps=True, out=tmp_path, seeds=1)
    assert len(load_students(tmp_path)) == 4
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [FILE]


def test_an_interrupted_training_ends_with_the_same_maps(tmp_path, kept):
    settings = replace(SMALL, steps=250)
    whole = small(keep_maps=True, settings=settings, seeds=1)

    def stop(done: int, total: int, what: str) -> None:
        if what.endswith("maps") and done == 200:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        small(keep_maps=True, settings=settings, seeds=1, out=tmp_path, progress=stop)
    assert not (tmp_path / FILE).exists()
    again = small(keep_maps=True, settings=settings, seeds=1, out=tmp_path)
    x = torch.linspace(-3, 3, 50).unsqueeze(1)
    for name, student in whole.students.items():
        assert torch.equal(again.students[name](x), student(x))
        assert torch.equal(load_students(tmp_path)[name](x), student(x))


def test_without_keeping_there_is_one_line_and_no_file(tmp_path):
    results = small(seeds=1, segments=[1], out=tmp_path)
    assert not (tmp_path / FILE).exists()
    with pytest.raises(InputError, match=r"^keep_maps: got False; required: cf.distill.run\(..., keep_maps=True\)"):
        _ = results.students
    with pytest.raises(InputError, match=r"students.npz: got 'no such file'; required: a students.npz"):
        load_students(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 broken", b"text", "cut", "other schema", "a segment less"], ids=str
)
def test_a_broken_file_is_one_line(content, kept, tmp_path):
    if isinstance(content, str):
        whole = (kept[1] / FILE).read_bytes()
        with np.load(kept[1] / FILE) as arrays:
            parts = dict(arrays)
        header = json.loads(str(parts.pop("header")))
        header |= {"schema": "certflow/students/9"} if content == "other schema" else {}
        header |= {"segments": header["segments"][1:]} if content == "a segment less" else {}
        np.savez(tmp_path / FILE, header=np.array(json.dumps(header)), **parts)
        if content == "cut":
            (tmp_path / FILE).write_bytes(whole[: len(whole) // 2])
    else:
        (tmp_path / FILE).write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_students(tmp_path)
    assert "\n" not in str(caught.value)
    assert "required: a students.npz as" in str(caught.value)


def test_a_student_with_a_diverged_map_is_missing():
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes-1d"), "0.01", "3")
    plan = make_plan(process, ["uniform", "logsnr"], [1, 2], 1, SMALL)
    (stack,) = train(plan.segments, ReferenceFlow(process).pool(512, plan.seeds, plan.times), SMALL)
    lost = plan.nodes(plan.entries[1])[:2]  # the first of uniform's two segments
    index = next(i for i, s in enumerate(stack.segments) if [s.start, s.end] == lost)
    stack.losses[index] = math.nan
    assert set(Kept.of(plan, [stack]).students()) == {("uniform", 1, 0), ("logsnr", 1, 0), ("logsnr", 2, 0)}


# -- exact maps --------------------------------------------------------------------------------------------------


def by_hand(fields: dict[str, Any], x: list[Any]) -> list[Any]:
    """`x + b + c MLP((x - a) / r)` in mpmath from the numbers of the mapping."""
    numbers = {k: v for k, v in fields.items() if k not in ("activation", "skip")}
    lists = {k: [part.tolist() for part in v] if isinstance(v, tuple) else v.tolist() for k, v in numbers.items()}
    kinds = {"silu": lambda s: s / (1 + mpmath.exp(-s)), "tanh": mpmath.tanh, "relu": lambda s: max(s, mpmath.mpf(0))}
    z = [(v - a) / r for v, a, r in zip(x, lists["input_mean"], lists["input_scale"], strict=True)]
    for i, (weight, bias) in enumerate(zip(lists["weights"], lists["biases"], strict=True)):
        z = [mpmath.fsum(v * row[j] for v, row in zip(z, weight, strict=True)) + bias[j] for j in range(len(bias))]
        if i == len(lists["weights"]) - 1:
            break
        if fields["activation"] == "groupsort":
            half = len(z) // 2
            pairs = list(zip(z[:half], z[half:], strict=True))
            z = [max(p) for p in pairs] + [min(p) for p in pairs]
        else:
            z = [kinds[fields["activation"]](v) for v in z]
    return [v + b + c * w for v, b, c, w in zip(x, lists["output_mean"], lists["output_scale"], z, strict=True)]


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize(("dimension", "lipschitz"), [(1, None), (2, 3.0)])
def test_exact_maps_are_the_numbers_of_the_module(activation, dimension, lipschitz):
    generator = torch.Generator().manual_seed(4)
    drawn = torch.rand(4, 3, 1, dimension, generator=generator) + 0.3
    stack = ResidualMaps(Normalisers(*drawn), 6, 2, activation, (1, 2, 3), lipschitz).requires_grad_(False)
    for weight in stack.weights:
        weight.data *= 3  # so that a budget binds
    x = torch.randn(5, dimension, generator=generator)
    for index, fields in enumerate(stack.exact_maps()):
        single = ResidualMap(stack, index)
        torch.testing.assert_close(single(x), stack(x.unsqueeze(0), [index])[0])
        ours = single.exact_maps()[0]
        if lipschitz is None:  # a spectral norm may be rounded another way in another stack
            for mine, its in zip(ours["weights"], fields["weights"], strict=True):
                assert torch.equal(mine, its)
        (exact,) = read_maps(single)
        with mpmath.workdps(30):
            for row, mapped in zip(x.double().tolist(), single(x).tolist(), strict=True):
                wanted = by_hand(fields, [mpmath.mpf(v) for v in row])
                assert mapped == pytest.approx([float(v) for v in wanted], rel=2e-5, abs=2e-5)  # float32
                assert exact(np.array(row)).tolist() == pytest.approx([float(v) for v in wanted], rel=1e-12, abs=1e-12)
    if lipschitz is not None:
        free = ResidualMaps(Normalisers(*drawn), 6, 2, activation, (1, 2, 3))
        free.load_state_dict(stack.state_dict())
        assert not torch.equal(free.exact_maps()[0]["weights"][0], stack.exact_maps()[0]["weights"][0])


def test_students_are_read_and_results_of_a_single_one(kept):
    """As `cf.enclosure.student_error` takes them: a student, or results that have only one."""
    student = kept[0].students["logsnr", 3, 0]
    assert all(late > early for late, early in pairwise(student.times))
    assert len(read_maps(student)) == 3
    with pytest.raises(InputError, match=r"^maps: got '8 students'; required: one of results.students"):
        kept[0].exact_maps()
    (exact,) = read_maps(small(keep_maps=True, grids=["uniform"], segments=[1], seeds=1))
    assert exact.skip == 1.0
