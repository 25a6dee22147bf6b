"""Small files that ask for much: for each family of rules, certificates that a checker which counts badly works on for
minutes. They are built to be read to the end of what they ask for, so most of them hold until the count runs out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from certificates import LAWS, certificate, changed, sealed

from certflow.certificate import checker

#: Steps that a test allows, so that it ends soon; a call, of Python or built in, is charged so many on average.
FEW, CALL = 1_500_000, 1.5
LONG = "1" + "7" * 2000 + "/" + "3" * 2100
BIG = "3" * 2100 + "/1" + "7" * 2000
#: The node of t = 1 where the variance is 1: e^-1, to 96 bits.
START = str(
    Fraction(round(Fraction("0.367879441171442321595523770161460867445811131031767834507836801") * 2**96), 2**96)
)
#: Differences of hashes of integers of Python: multiples of it collide.
MODULUS = 2**61 - 1


def counted(text: str, most: int = FEW) -> checker.Verdict:
    """The verdict within so many steps of work, after which no more functions have been called than were charged."""
    calls = 0

    def call(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(call)
    try:
        verdict = checker.check(text, most)
    finally:
        sys.setprofile(None)
    assert "cannot be checked" not in verdict.text
    assert verdict.work <= most or f"required: at most {most} steps of work" in verdict.text
    assert calls * CALL <= min(verdict.work, most) + 10_000
    return verdict


def mixture(means: list[list[str]], weights: list[str] | None = None, variance: str = "0.04") -> dict[str, Any]:
    weights = weights or [f"1/{len(means)}"] * len(means)
    return {
        "schema": "certflow/mixture/1",
        "name": "hostile",
        "weights": weights,
        "means": means,
        "covariances": {"kind": "common-isotropic", "values": variance},
    }


def sharp(means: list[list[str]], cover: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    """L5 with one block of all axes; `bits`, `faces`, `weights`, `threshold`, `t`, `blocks`, `vector` by name."""
    size, t = len(means[0]), more.get("t", "0.5")
    block = {
        "axes": list(range(size)),
        "threshold": more.get("threshold", "1/3"),
        "pivots": more.get("pivots", list(range(size))),
        "cover": cover,
        "faces": more.get("faces", []),
    }
    proof = {
        "rule": "master-inequality",
        "bits": more.get("bits", 128),
        "turn": None,
        "blocks": more.get("blocks", [block]),
    }
    proof["lower"] = {
        "block": 0,
        "members": list(range(len(means))),
        "normal": None,
        "point": more.get("point", ["0"] * size),
        "vector": more.get("vector", ["1"] + ["0"] * (len(proof["blocks"][0]["axes"]) - 1)),
    }
    return sealed(
        {
            "schema": "certflow/certificate/1",
            "claim": "L5",
            "problem": {
                "mixture": mixture(means, more.get("weights")),
                "t_min": "0.01",
                "t_max": more.get("t_max", "3"),
            },
            "assertion": {"t": t, "kind": "one-sided", "lower": "-1e9", "upper": "1e9"},
            "proof": proof,
            "producer": {"name": "x"},
        }
    )


def cover(size: int, boxes: str, cone: str = "P0,1", **more: Any) -> dict[str, Any]:
    return {
        "radius": more.get("radius", "1"),
        "boxes": boxes,
        "cones": [cone] * (2 * size),
        "regions": more.get("regions", []),
    }


def simplex(size: int, count: int | None = None, step: str = "0.01") -> list[list[str]]:
    """0 and points near it, along the axes first."""
    rows = [["0"] * size]
    for k in range(size if count is None else count - 1):
        row = ["0"] * size
        row[k % size] = str(Fraction(step) * (1 + k // size))
        rows.append(row)
    return rows


def tree(depth: int, size: int, leaf: str) -> str:
    """A full tree that bisects the axes in turn."""
    text = leaf
    for level in range(depth):
        text = f"{(depth - 1 - level) % size} {text} {text}"
    return text


def ladder(depth: int, leaf: str) -> str:
    """A cell halved towards one end, again and again."""
    return "0 " * depth + " ".join([leaf] * (depth + 1))


def integral(means: list[list[str]], panels: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """F5 with one block of all axes; `bits`, `pieces`, `start` by name. At t = 3 r is about 0.0012, at 0.5 0.28."""
    proof = {"rule": "panels", "bits": more.get("bits", 128), "turn": None}
    proof["blocks"] = [{"axes": list(range(len(means[0]))), "pivots": list(range(len(means[0])))}]
    proof |= {"start": more.get("start", "0"), "panels": panels, "pieces": more.get("pieces", [])}
    return sealed(
        {
            "schema": "certflow/certificate/1",
            "claim": "F5",
            "problem": {"mixture": mixture(means), "t_min": "0.5", "t_max": "3"},
            "assertion": {"lower": "-1e9", "upper": "1e9", "factor": None},
            "proof": proof,
            "producer": {"name": "x"},
        }
    )


def panel(end: str, covered: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    """A panel of one block, `cover` without its regions, `levels`, `faces`."""
    covers: list[Any] = [None]
    if covered is not None:
        rest = {key: covered[key] for key in ("radius", "boxes", "cones")}
        covers = [{"cover": rest, "faces": more.get("faces", [])}]
    return {"end": end, "levels": more.get("levels", ["1/3", "1/3"]), "covers": covers}


def piece(size: int, members: int, steps: int, **more: Any) -> dict[str, Any]:
    found = {"start": "0.01", "end": "0.2", "steps": steps, "block": 0, "members": list(range(members)), "normal": None}
    entries = {"tilt": ["0"] * size, "slope": ["0"] * size, "vector": ["1"] + ["0"] * (size - 1)}
    return found | entries | more


def flow(means: list[list[str]], steps: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    size = len(means[0])
    assertion = {"x": more.get("x", ["0.1"] * size), "t_from": "1", "t_to": "1"}
    assertion |= {"lower": ["-1e9"] * size, "upper": ["1e9"] * size}
    proof = {"rule": "taylor-steps", "bits": more.get("bits", 128), "start": more.get("start", START), "steps": steps}
    return sealed(
        {
            "schema": "certflow/certificate/1",
            "claim": "S3",
            "problem": {"mixture": mixture(means, variance=more.get("variance", "1")), "t_min": "0.01", "t_max": "3"},
            "assertion": assertion,
            "proof": proof,
            "producer": {},
        }
    )


def gadget(layers: list[list[dict[str, Any]]], outputs: int, knots: list[str]) -> dict[str, Any]:
    row = {"bias": "0", "weights": {"0": "1"}}
    return {"knots": knots, "side": "both", "network": {"inputs": 1, "layers": layers, "outputs": [row] * outputs}}


def neuron(weight: str = "1", bias: str = "0", square: bool = False, places: int = 1) -> dict[str, Any]:
    return {"square": square, "bias": bias, "weights": {str(i): weight for i in range(places)}}


def network(time: dict[str, Any], means: list[list[str]], **more: Any) -> dict[str, Any]:
    """A6 with this time gadget, and `exponential`, `reciprocal`, `bits`, `halvings`, `order` by name."""
    one = "exponential" not in more
    parts = {"time": time, "exponential": more.get("exponential"), "reciprocal": more.get("reciprocal")}
    parts |= {"log_weights": [] if one else ["0"] * len(means), "centre": [] if one else means[0]}
    proof = {"rule": "gadgets", "bits": more.get("bits", 128), "halvings": more.get("halvings", 0)}
    proof["order"] = more.get("order", 8)
    proof |= dict.fromkeys(("relative", "absolute", "reciprocal"), None if one else "1e-3")
    return sealed(
        {
            "schema": "certflow/certificate/1",
            "claim": "A6",
            "problem": {"mixture": mixture(means), "t_min": "0.5", "t_max": "1"},
            "assertion": {"network": parts, **dict.fromkeys(("l2_error", "A", "B"), more.get("bound", "1e9"))},
            "proof": proof,
            "producer": {},
        }
    )


def layer(rows: int, columns: int, weight: str = "1", places: int = 8) -> dict[str, Any]:
    row = " ".join([weight] * columns)
    return {"places": places, "weights": [row] * rows, "biases": " ".join([weight] * rows)}


def residual(*layers: dict[str, Any], activation: str = "silu", **more: Any) -> dict[str, Any]:
    """A map of these layers between one of a neuron and one for it."""
    numbers = {"input_mean": "0", "input_scale": "1", "output_mean": "0", "output_scale": "1e-9"} | more
    return {"skip": 1, "activation": activation, "layers": list(layers), **numbers}


def maps(*students: dict[str, Any], places: int = 3, count: int = 64, **more: Any) -> dict[str, Any]:
    """C2 with so many cells of width `2^-places`; `bits`, `means`, `rows`, `fine`, `t_max` by name.

    The law is N(0, 1) at all times, so that the flow is at rest and radii of a sixteenth hold."""
    fine, start = more.get("fine", 20), -count // 2
    unit = 1 << fine - places - 1
    rows = [f"1 {(2 * (start + i) + 1) * unit} {unit} 0 0 {1 << fine - 4}" for i in range(count)]
    cells = {"start": start, "places": places, "fine": fine, "rows": more.get("rows", rows)}
    means = more.get("means", [["0"]])
    return sealed(
        {
            "schema": "certflow/certificate/1",
            "claim": "C2",
            "problem": {"mixture": mixture(means, variance="1"), "t_min": "0.5", "t_max": more.get("t_max", "1")},
            "assertion": {"maps": list(students), "lower": "-1", "upper": "1e30"},
            "proof": {"rule": "student-cells", "bits": more.get("bits", 128), "cells": cells},
            "producer": {"name": "x"},
        }
    )


def texts(scale: int = 1) -> Iterator[tuple[str, Callable[[], str]]]:
    """Texts that are hardly JSON; of about 16 MB for scale 1, smaller by other scales."""
    size = 16 * 2**20 // scale
    few = 900_000 // scale
    law = LAWS["two modes"]
    yield "quotes", lambda: '"' * size
    yield "closed brackets", lambda: "]" * size
    yield "open brackets", lambda: "[" * size
    yield "spaces", lambda: " " * size
    yield "empty lists", lambda: f"[{'[],' * (few // 2)}[]]"
    yield "objects", lambda: f"[{'{},' * (few // 2)}0]"
    yield "keys", lambda: "{" + ",".join(f'"{k}":1' for k in range(few)) + "}"
    yield "one long integer", lambda: '{"a": ' + "7" * (size - 20) + "}"
    yield "long integers", lambda: f"[{','.join(['7' * 4300] * (size // 4400))}]"
    name = "problem.mixture.name"
    yield "a long name", lambda: json.dumps(changed(certificate(law, "F1"), name, "\0" * (size // 8)))
    wide = chr(0x1F600)
    yield (
        "a wide name",
        lambda: json.dumps(changed(certificate(law, "F1"), name, wide * (size // 8)), ensure_ascii=False),
    )
    yield (
        "many producers",
        lambda: json.dumps(
            certificate(law, "F1") | {"producer": {f"{k}": "" for k in range(few)}}, separators=(",", ":")
        ),
    )


def certificates() -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """Certificates by name, which begins with the claim."""

    def panels(count: int, bits: int, tail: str = "") -> dict[str, Any]:
        content = certificate(LAWS["one wide point"], "L3")
        times = ["0.5", *(f"{i}{tail}e-{6 + len(tail)}" for i in range(500_001, 500_000 + count)), "4"]
        for key, value in (("times", times), ("upper", ["9"] * (len(times) - 1)), ("lower", ["-9"] * (len(times) - 1))):
            content["assertion"][key] = value
        return sealed(changed(content, "proof.bits", bits))

    def cloud(claim: str, means: list[list[str]], **more: str) -> dict[str, Any]:
        content = certificate(LAWS["wide"], claim)
        content["assertion"]["diameter_squared"] = more.get("diameter", "1e5000")
        return sealed(content | {"problem": content["problem"] | {"mixture": mixture(means)}})

    def grid(count: int, bits: int, tail: str = "") -> dict[str, Any]:
        content = changed(certificate(LAWS["two modes"], "G1", rate="two-sided"), "proof.bits", bits)
        nodes = [["3", "3"]]
        nodes += [
            ["0.010" + "0" * 9 + str(count - k).zfill(7) + tail, "2.99" + str(10**7 - k) + tail]
            for k in range(1, count)
        ]
        content["assertion"] |= {"segments": count, "nodes": [*nodes, ["0.01", "0.01"]]}
        return sealed(content)

    yield "L3, many panels", lambda: panels(300_000, 64)
    yield "L3, many panels of many bits", lambda: panels(20_000, 1024)
    yield "L3, long times", lambda: panels(3_000, 64, "1" * 3000)
    yield (
        "L2, bounds of large exponents",
        lambda: changed(certificate(LAWS["one wide point"], "L2"), "assertion.upper", ["1e-5000"] * 900_000),
    )
    yield "F1, many means", lambda: cloud("F1", [[str(k)] for k in range(20_000)])
    yield "F1, means in many dimensions", lambda: cloud("F1", [[str(k)] * 900 for k in range(900)])
    yield "F1, means of large exponents", lambda: cloud("F1", [["1e4000", "1e-4000"]] * 3000)
    yield "F1, incommensurable means", lambda: cloud("F1", [[f"1/{10**60 + i}"] for i in range(1, 2000, 2)])
    yield "F1, denominators that collide", lambda: cloud("F1", [[f"1/{k * MODULUS + 1}"] for k in range(1, 200_000)])
    yield (
        "F1, long growth",
        lambda: changed(certificate(LAWS["plane"], "F1"), "assertion.growth", "1" * 2100 + "/" + "3" * 2100),
    )
    yield "F2, long means", lambda: cloud("F2", [[LONG], ["1"]] * 40)
    yield "G1, many segments", lambda: grid(200_000, 64)
    yield "G1, many segments of many bits", lambda: grid(5_000, 1024)
    yield "G1, long nodes", lambda: grid(1_500, 64, "1" * 4000)
    eight, nine = simplex(8), cover(8, "0 1 2 T T 2 T T 1 2 T T 2 T T")
    yield "L5, Taylor leaves of 1024 bits", lambda: sharp(eight, nine, bits=1024)
    yield "L5, Taylor leaves of 512 bits", lambda: sharp(eight, cover(8, tree(7, 8, "T")), bits=512)
    yield "L5, Taylor leaves of 64 bits", lambda: sharp(eight, cover(8, tree(10, 8, "T")), bits=64)
    yield "L5, Taylor leaves in a plane", lambda: sharp(simplex(2), cover(2, tree(14, 2, "T")), bits=64)
    yield "L5, Taylor leaves of many means", lambda: sharp(simplex(2, 400), cover(2, tree(8, 2, "T")), threshold="100")
    yield (
        "L5, Taylor leaves of long means",
        lambda: sharp(
            [[x + ("1" * 500 if x != "0" else "") for x in row] for row in simplex(4)], cover(4, tree(6, 4, "T"))
        ),
    )
    yield "L5, pair leaves on a line", lambda: sharp(simplex(1), cover(1, tree(16, 1, "P0,1")), bits=64)
    yield "L5, pair leaves of many means", lambda: sharp(simplex(2, 900), cover(2, tree(9, 2, "P0,1")), threshold="100")
    yield (
        "L5, pair leaves of 1024 bits",
        lambda: sharp(simplex(8, 60, "1"), cover(8, tree(6, 8, "P0,1")), bits=1024, threshold="5000"),
    )
    yield (
        "L5, many pairs",
        lambda: sharp(
            simplex(2, 400),
            cover(2, " ".join(["0"] * 399 + [f"P{k},{k + 1}" for k in range(399)] + ["P0,1"])),
            threshold="100",
        ),
    )
    yield "L5, a deep tree", lambda: sharp(simplex(1), cover(1, ladder(30_000, "P0,1")), bits=64)
    yield "L5, a deep cone", lambda: sharp(simplex(2), cover(2, "P0,1", ladder(3_000, "P0,1")), bits=64)
    yield "L5, a tree of bisections", lambda: sharp(simplex(8), cover(8, " ".join(["0"] * 8_000_000)))
    region = {"centre": [LONG] * 2, "frame": [[LONG, "1"], ["1", LONG]], "boxes": "P0,1"}
    yield "L5, long frames", lambda: sharp(simplex(2), cover(2, "P0,1", regions=[region] * 300))
    square = {
        "centre": ["0"] * 8,
        "frame": [["0"] * k + ["2"] + ["0"] * (7 - k) for k in range(8)],
        "boxes": tree(3, 8, "P0,1"),
    }
    yield "L5, leaves in regions", lambda: sharp(eight, cover(8, tree(11, 8, "R0"), regions=[square]))
    yield "L5, many regions", lambda: sharp(eight, cover(8, "P0,1", regions=[square] * 900))
    yield "L5, a long radius", lambda: sharp(simplex(2), cover(2, tree(8, 2, "P0,1"), tree(8, 2, "P0,1"), radius=LONG))
    yield "L5, a long threshold", lambda: sharp(simplex(2, 100), cover(2, tree(9, 2, "P0,1")), threshold=BIG)
    line = [["0", "0"], ["1", "0"], ["2", "0"], ["0", "1"]]
    face = {"members": [0, 1, 2], "pivots": [0], "cover": cover(1, tree(6, 1, "P0,2"), "P0,2")}
    yield "L5, many faces", lambda: sharp(line, cover(2, "P0,1"), threshold="9", faces=[face] * 20_000)
    near_a_face = [[str(k), "0"] for k in range(3)] + [[str(k), "1"] for k in range(900)]
    few = {"members": [0, 1, 2], "pivots": [0], "cover": cover(1, tree(9, 1, "P0,2"), "P0,2")}
    yield "L5, a face of many means", lambda: sharp(near_a_face, cover(2, "P0,1"), threshold="1e9", faces=[few] * 200)
    yield "L5, means that collide", lambda: sharp([[str(k * MODULUS)] for k in range(40_000)], None, threshold="1e60")
    yield "L5, many means", lambda: sharp([[str(k)] for k in range(20_000)], None, threshold="1e60")
    yield (
        "L5, many weights of many bits",
        lambda: sharp(
            [[str(k)] for k in range(600)],
            None,
            threshold="1e60",
            weights=[f"{10**4000 + k}/{600 * 10**4000 + 179700}" for k in range(600)],
        ),
    )
    blocks = [{"axes": [k], "threshold": "1e9", "pivots": [], "cover": None, "faces": []} for k in range(9_000)]
    yield "L5, many blocks", lambda: sharp([["0"] * 9_000] * 40, None, blocks=blocks)
    yield (
        "L5, a late time",
        lambda: sharp(simplex(2, 400), None, threshold="100", t="500000", t_max="1000000", point=["1"] * 2),
    )
    yield "L5, a long vector", lambda: sharp(simplex(2, 400), None, threshold="100", vector=[LONG] * 2)
    ramp = [panel(f"{k}e-6", None, levels=["100", "200"]) for k in range(1, 300_001)]
    yield "F5, many panels", lambda: integral(simplex(2), ramp)
    yield "F5, many panels of many bits", lambda: integral(simplex(2), ramp[:100_000], bits=1024)
    yield (
        "F5, panels of coverings",
        lambda: integral(simplex(2), [panel(f"{k}e-3", cover(2, "P0,1")) for k in range(1, 3000)]),
    )
    yield "F5, Taylor leaves", lambda: integral(simplex(2), [panel("1", cover(2, tree(14, 3, "T")))], bits=64)
    yield "F5, Taylor leaves of 1024 bits", lambda: integral(eight, [panel("1", cover(8, tree(5, 9, "T")))], bits=1024)
    yield (
        "F5, pair leaves of many means",
        lambda: integral(simplex(2, 600), [panel("1", cover(2, tree(9, 3, "P0,1")), levels=["100", "200"])]),
    )
    yield "F5, long levels", lambda: integral(simplex(2), [panel("1", cover(2, tree(9, 3, "P0,1")), levels=[BIG, "9"])])
    yield "F5, a deep cone", lambda: integral(simplex(2), [panel("1", cover(2, "P0,1", ladder(3_000, "P0,1")))])
    whole = [panel("1", None, levels=["100", "200"])]
    yield "F5, many midpoints", lambda: integral(simplex(2), whole, pieces=[piece(2, 3, 999_999)])
    yield (
        "F5, many pieces",
        lambda: integral(
            simplex(2),
            whole,
            pieces=[piece(2, 3, 1, start=f"{k}e-6", end=f"{k + 1}e-6") for k in range(10_000, 90_000)],
        ),
    )
    yield "F5, long tilts", lambda: integral(simplex(2, 300), whole, pieces=[piece(2, 300, 9, tilt=[LONG, BIG])])
    still, near = {"end": START, "order": 2}, {"end": "0.3671875", "order": 2}
    yield "S3, many steps", lambda: flow([["0"], ["1"]], [still, near] * 60_000)
    yield "S3, many steps of many bits", lambda: flow([["0"], ["1"]], [still, near] * 60_000, bits=1024)
    yield "S3, high orders", lambda: flow([["0"], ["1"]], [still | {"order": 256}, near | {"order": 256}] * 3_000)
    yield (
        "S3, high orders of many bits",
        lambda: flow([["0"], ["1"]], [still | {"order": 256}, near | {"order": 256}] * 900, bits=1024),
    )
    yield (
        "S3, many means",
        lambda: flow([[f"{k}e-3"] for k in range(1000)], [still | {"order": 64}, near | {"order": 64}] * 300),
    )
    yield "S3, many dimensions", lambda: flow([["0"] * 2000, ["1"] * 2000], [still, near] * 400)
    yield "S3, far means", lambda: flow([["1e4000"], ["-1e4000"], ["0"]], [still, near] * 40, variance="1e-4000")
    yield (
        "S3, a far point",
        lambda: flow([["0"], ["1"]], [still | {"order": 256}, near | {"order": 256}] * 99, x=["1e4000"]),
    )
    yield "S3, late nodes", lambda: flow([["0"], ["1"]], [{"end": "1e3000", "order": 9}] * 900, start="1e3000")
    far = [["1e100", "1"], ["-1e100", "0"]]
    yield "S3, coefficients that swell", lambda: flow(far, [{"end": "0.75", "order": 256}], bits=1024, start="0.5")
    yield "S3, long means", lambda: flow([[LONG], ["1"]] * 9, [still | {"order": 99}, near | {"order": 99}] * 99)
    yield "S3, many weights", lambda: flow([["0"]] * 150_000, [still])
    one, ends = [["0"]], ["0.5", "1"]
    yield (
        "A6, squares of squares",
        lambda: network(gadget([[neuron(bias="1", square=True)] for _ in range(40)], 2, ends), one),
    )
    yield (
        "A6, squares that swell",
        lambda: network(gadget([[neuron("0", "1e4000", square=True)] for _ in range(40)], 2, ends), one),
    )
    yield (
        "A6, many neurons",
        lambda: network(gadget([[neuron()] * 700, [neuron(places=700)] * 700], 2, ends), one),
    )
    yield (
        "A6, many layers",
        lambda: network(gadget([[neuron()]] * 60_000, 2, ends), one),
    )
    pieces = [str(Fraction(1, 2) + Fraction(k, 40_000)) for k in range(20_001)]
    yield "A6, many knots", lambda: network(gadget([[neuron()]], 2, pieces), one)
    yield "A6, many knots, tall", lambda: network(gadget([[neuron()] * 99], 2, pieces), one)
    yield "A6, long weights", lambda: network(gadget([[neuron(LONG, BIG)] * 999], 2, ends), one)
    yield "A6, long knots", lambda: network(gadget([[neuron()] * 99], 2, ["0.5" + "1" * 4000, LONG + "1"]), one)
    yield "A6, many stretches", lambda: network(gadget([[neuron()]], 2, pieces[:2000]), one, halvings=8, order=256)
    yield "A6, high orders", lambda: network(gadget([[neuron()]], 2, ends), one, halvings=8, order=256, bits=1024)
    yield "A6, stretches that are halved", lambda: network(gadget([[neuron()]], 2, ends), one, halvings=8, bound="-1")
    power = gadget([[neuron(bias=str(k)) for k in range(1, 30)]], 1, [str(k) for k in range(-29, 1)])
    inverse = gadget([[neuron()]], 1, ["0.5", "3"])
    line = [[str(k)] for k in range(1500)]
    yield "A6, many means", lambda: network(gadget([[neuron()]], 2, ends), line, exponential=power, reciprocal=inverse)
    yield (
        "A6, means of many coordinates",
        lambda: network(
            gadget([[neuron()]], 2, ends), [[str(k)] * 900 for k in range(99)], exponential=power, reciprocal=inverse
        ),
    )
    still = gadget([[neuron("0", "1e-9")]], 1, ["-1000000", "0"])
    yield (
        "A6, a long piece",
        lambda: network(gadget([[neuron()]], 2, ends), [["0"], ["1"]], exponential=still, reciprocal=inverse),
    )
    tiny = residual(layer(4, 1), layer(1, 4))
    yield "C2, many cells", lambda: maps(tiny, places=12, count=16_384)
    yield "C2, cells of many bits", lambda: maps(tiny, bits=1024, places=8, count=1024)
    yield "C2, tanh of many bits", lambda: maps(residual(layer(40, 1), layer(1, 40), activation="tanh"), bits=1024)
    yield "C2, many neurons", lambda: maps(residual(layer(900, 1), layer(900, 900), layer(1, 900)))
    yield "C2, many layers", lambda: maps(residual(layer(9, 1), *[layer(9, 9)] * 62, layer(1, 9)))
    yield "C2, many maps", lambda: maps(*[residual(layer(9, 1), layer(1, 9), activation="relu")] * 256)
    yield "C2, maps without neurons", lambda: maps(*[residual(layer(1, 1))] * 256, places=8, count=1024)
    yield "C2, a wide map", lambda: maps(residual(layer(60_000, 1), layer(1, 60_000)))
    heavy = "9" * 79
    yield "C2, long weights", lambda: maps(residual(layer(60, 1, heavy, 280), layer(1, 60, heavy, 280)), bits=1024)
    yield "C2, long normalisers", lambda: maps(*[residual(layer(1, 1), input_mean=LONG, input_scale=LONG)] * 99)
    yield "C2, many components", lambda: maps(tiny, means=[["0"]] * 900)
    yield "C2, long means", lambda: maps(tiny, means=[[LONG], [LONG]])
    yield "C2, far means", lambda: maps(tiny, means=[["9"], ["-9"]], bits=1024)
    wide = [f"8 0 0 0 0 {80 << 20}"] * 9000
    yield "C2, cells by order", lambda: maps(tiny, rows=wide, bits=1024)
    yield "C2, no cells", lambda: maps(tiny, rows=[])
    yield "C2, long rows", lambda: maps(tiny, rows=["1 " * 200_000 + "1"] * 9)
    yield "C2, a late time", lambda: maps(tiny, t_max="1e4", count=4096, places=8)
    step = [str(Fraction(k - 3000, 100)) for k in range(3001)]
    yield (
        "A6, many pieces of the exponential",
        lambda: network(
            gadget([[neuron()]], 2, ends),
            [["0"], ["1"]],
            bits=1024,
            exponential=gadget([[neuron("0", "1")]], 1, step),
            reciprocal=inverse,
        ),
    )
