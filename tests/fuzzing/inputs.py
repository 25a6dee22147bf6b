"""Files and lists in the form that certflow reads, with a few things wrong in them.

Everything is drawn from one `random.Random`: a seed gives an input again, and Hypothesis can shrink it.
"""

from __future__ import annotations

import io
import json
import random
import re
from collections.abc import Callable
from typing import Any

import numpy as np

#: What people and machines write for a number, and what is none.
NUMBERS = (
    *(
        "0",
        "-0",
        "1",
        "-1",
        "0.5",
        ".5",
        "5.",
        "1e3",
        "1E-3",
        "+2",
        "1/3",
        "-2/7",
        "1/0",
        "0/0",
        "1e308",
        "1e309",
        "-1e309",
    ),
    *(
        "1e-324",
        "1e-400",
        "1e999999",
        "1e-999999999",
        "1e99999999999",
        "0x10",
        "1_000",
        "1,5",
        " 1 ",
        "١",
        "１",
        "½",
        "²",
    ),
    *("nan", "NaN", "inf", "-Infinity", "1j", "1e", "e1", "--1", "1..2", "", " ", "-", "None", "true", "9" * 400),
    *("0." + "0" * 400 + "1", "1/" + "7" * 400, "9" * 5000, "1e5000", "1e-5000", "0.1" + "0" * 5000),
)
_QUOTED = re.compile(r'"([-+.eE/0-9]+)"')
#: What may stand in the place of anything.
VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        0.5,
        1e308,
        10**40,
        -(10**400),
        [],
        {},
        [[]],
        [[[]]],
        "",
        "x",
        "\0",
        "é\n",
        "\ud800",
    ),
    *({"kind": "full"}, [0], ["0"], [[0.0]], {"": None}, [None], [True, False], ["nan"], [[1], [2, 3]]),
)
KINDS = ("common-isotropic", "isotropic", "shared", "full", "spherical", "", "FULL")


def number(draw: random.Random) -> Any:
    """A number as JSON has it, or as a text."""
    plain = draw.choice((0, 1, -1, 0.5, 0.25, 1e-3, 2.0, 1e6, 1e-12, 1e150, 1e-160, 3))
    return draw.choice(
        (plain, str(plain), f"{draw.uniform(-2, 2):.3f}", f"{draw.randrange(1, 9)}/{draw.randrange(1, 9)}")
    )


def positive(draw: random.Random) -> Any:
    """A number above zero."""
    return draw.choice((0.04, "0.04", 1, "1/4", 0.3, "1e-6", "2.5", 1e-14, "1e30"))


def mixture(draw: random.Random) -> dict[str, Any]:
    """The mapping of a mixture file that is right."""
    count, size = draw.choice((1, 2, 2, 3, 5)), draw.choice((1, 2, 2, 3))
    kind = draw.choice(KINDS[:4])
    one = [[positive(draw) if i == j else 0 for j in range(size)] for i in range(size)]
    values = {
        "common-isotropic": positive(draw),
        "isotropic": [positive(draw) for _ in range(count)],
        "shared": one,
        "full": [one for _ in range(count)],
    }[kind]
    return {
        "schema": "certflow/mixture/1",
        "name": draw.choice(("law", "", "a b", "été", "λ")),
        "weights": draw.choice(([f"1/{count}"] * count, [1 / count] * count)),
        "means": [[number(draw) for _ in range(size)] for _ in range(count)],
        "covariances": {"kind": kind, "values": values},
        **({"origin": {"data": "x", "n": 3, "more": [1.5, None]}} if draw.random() < 0.2 else {}),
    }


def broken(draw: random.Random, value: Any, times: int) -> Any:
    """The same tree with so many things wrong in it."""
    for _ in range(times):
        value = _broken_once(draw, value)
    return value


def _broken_once(draw: random.Random, value: Any) -> Any:
    if isinstance(value, dict) and value and draw.random() < 0.85:
        key = draw.choice(sorted(value))
        kind = draw.randrange(8)
        rest = {name: entry for name, entry in value.items() if name != key}
        if kind == 0:
            return rest
        if kind == 1:
            return {**rest, draw.choice((key.upper(), f"{key}s", "", "extra")): value[key]}
        if kind == 2:
            return {**value, key: draw.choice(list(value.values()))}
        return {**value, key: _broken_once(draw, value[key])}
    if isinstance(value, list) and value and draw.random() < 0.85:
        place, kind = draw.randrange(len(value)), draw.randrange(8)
        before, entry, after = value[:place], value[place], value[place + 1 :]
        if kind == 0:
            return before + after
        if kind == 1:
            return [*before, entry, entry, *after]
        if kind == 2:
            return [value] if draw.random() < 0.5 else entry
        return [*before, _broken_once(draw, entry), *after]
    kind = draw.randrange(5)
    if kind == 0:
        return draw.choice(VALUES)
    if kind == 1 and isinstance(value, str):
        return _broken_text(draw, value)
    if kind == 2:
        return draw.choice(KINDS)
    return draw.choice(NUMBERS)


def _broken_text(draw: random.Random, text: str) -> str:
    place = draw.randrange(len(text) + 1)
    added = draw.choice(
        ("", '"', "]", "}", ",", ":", "=", "\\", "\n", "\0", "9", "e", "-", "[", "{", "#", ";", "﻿", "λ")
    )
    return text[:place] + added + text[place + draw.randrange(3) :]


def as_json(draw: random.Random, value: Any) -> bytes:
    """The JSON text of a tree, now and then with a character wrong, cut short or deeply nested."""
    text = json.dumps(value, indent=draw.choice((None, 1)), ensure_ascii=draw.random() < 0.5)
    if draw.random() < 0.2:
        text = _QUOTED.sub(r"\1", text)
    if draw.random() < 0.1:
        text = draw.choice((text.replace('"', "'"), text.replace("0.5", "NaN"), text + text))
    return _as_bytes(draw, text)


def _as_bytes(draw: random.Random, text: str) -> bytes:
    for _ in range(draw.choice((0,) * 8 + (1, 2))):
        text = _broken_text(draw, text)
    encoding = "utf-8" if draw.random() < 0.9 else draw.choice(("utf-8-sig", "utf-16", "latin-1"))
    content = text.encode(encoding, errors="surrogatepass" if encoding.startswith("utf") else "replace")
    return content[: draw.randrange(len(content) + 1)] if draw.random() < 0.05 else content


def as_toml(draw: random.Random, value: Any) -> bytes:
    """TOML of a tree as far as TOML has it."""

    def entry(part: Any) -> str:
        if isinstance(part, dict):
            return "{" + ", ".join(f"{json.dumps(str(key))} = {entry(inner)}" for key, inner in part.items()) + "}"
        if isinstance(part, list):
            return "[" + ", ".join(map(entry, part)) + "]"
        return "1979-05-27T07:32:00Z" if part is None else json.dumps(part)

    lines = [f"{key} = {entry(part)}" for key, part in value.items()] if isinstance(value, dict) else [entry(value)]
    return _as_bytes(draw, "\n".join(lines))


def mixture_file(draw: random.Random) -> tuple[str, bytes]:
    """A mixture file by its suffix."""
    suffix = draw.choice((".json", ".json", ".toml", ".npz"))
    tree = broken(draw, mixture(draw), draw.choice((0, 1, 1, 2, 3)))
    if draw.random() < 0.01:
        tree = _nested(draw.choice((60, 2000, 100_000)))
        return ".json", tree.encode()
    if suffix == ".npz":
        return suffix, _npz(draw, tree)
    return suffix, as_json(draw, tree) if suffix == ".json" else as_toml(draw, tree)


def _nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def array(draw: random.Random) -> Any:
    """An array of any kind, shape and dtype."""
    dtype = draw.choice(("<f8", ">f8", "<f4", "<f2", "<i8", "|u1", "|b1", "<c16", "<U5", "<M8[s]", "<f8", "<f8"))
    shape = draw.choice(((), (0,), (1,), (2,), (3, 2), (2, 3), (2, 2, 2), (0, 2), (4, 1), (1, 1, 1, 1), (5, 2)))
    size = int(np.prod(shape))
    kept = np.array([draw.choice((0.0, 0.5, 1.0, -1.0, 1e-300, 65504.0, 2.0)) for _ in range(size)])
    if dtype in ("<f8", ">f8") and size and draw.random() < 0.3:
        kept[draw.randrange(size)] = draw.choice((np.nan, np.inf, 1e308, -1e-320))
    with np.errstate(all="ignore"):
        return kept.reshape(shape).astype("i8").astype(dtype) if "M8" in dtype else kept.reshape(shape).astype(dtype)


def _npz(draw: random.Random, tree: Any) -> bytes:
    arrays: dict[str, Any] = {}
    if isinstance(tree, dict):
        covariances = tree.get("covariances")
        parts = {**tree, "covariances": covariances.get("values") if isinstance(covariances, dict) else covariances}
        for key, part in parts.items():
            try:
                found = np.array(json.dumps(part)) if isinstance(part, dict) else np.array(part)
                arrays[key or "empty"] = (
                    found.astype(float) if draw.random() < 0.8 and found.dtype.kind != "O" else found
                )
            except (ValueError, TypeError, OverflowError):
                arrays[key or "empty"] = np.array(str(part))
    if arrays and draw.random() < 0.4:
        arrays[draw.choice(sorted(arrays))] = array(draw)
    arrays = {key: part for key, part in arrays.items() if part.dtype.kind != "O" or draw.random() < 0.1}
    buffer = io.BytesIO()
    np.savez(buffer, **{f"{key}".replace("/", "_"): part for key, part in arrays.items()})
    return damaged(draw, buffer.getvalue())


def damaged(draw: random.Random, content: bytes) -> bytes:
    """A few bytes changed, or the end lost."""
    if content and draw.random() < 0.3:
        changed = bytearray(content)
        for _ in range(draw.choice((1, 1, 4, 40))):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        content = bytes(changed)
    return content[: draw.randrange(len(content) + 1)] if draw.random() < 0.1 else content


def data_file(draw: random.Random) -> tuple[str, bytes]:
    """Points in a `.csv` or `.npy` file."""
    if draw.random() < 0.3:
        buffer = io.BytesIO()
        np.save(buffer, array(draw), allow_pickle=False)
        return ".npy", damaged(draw, buffer.getvalue())
    separator, point = draw.choice(((",", "."), (";", "."), (";", ","), ("\t", "."), (" ", "."), ("|", ".")))
    rows, columns = draw.choice((0, 1, 2, 3, 6)), draw.choice((1, 2, 3))
    lines = [[f"{draw.gauss(0, 1):.3f}".replace(".", point) for _ in range(columns)] for _ in range(rows)]
    if draw.random() < 0.3:
        lines = [[str(place), *line] for place, line in enumerate(lines)]
    if draw.random() < 0.4:
        lines = [[draw.choice(("x", "", "y", "index", "0", "1", "#")) for _ in range(columns)], *lines]
    for _ in range(draw.choice((0, 0, 1, 2))):
        if lines:
            line = draw.choice(lines)
            line[draw.randrange(len(line) + 1) :] = draw.choice(
                ([], [draw.choice(NUMBERS)], ['"a'], ["1", "2", "3", "4"])
            )
    end = draw.choice(("\n", "\r\n", "\r", "\n\n"))
    return ".csv", _as_bytes(draw, end.join(separator.join(line) for line in lines) + draw.choice((end, "")))


def list_of_steps(draw: random.Random) -> str:
    """What `certflow doctor` is given: numbers in one of many dresses."""
    count = draw.choice((0, 1, 2, 3, 5, 9))
    top = draw.choice((14.6, 80.0, 999.0, 1.0, 3.0, 1e-3))
    values: list[Any] = [round(top * (1 - place / max(count, 1)) ** 2, 4) for place in range(count)]
    if draw.random() < 0.3:
        values = [int(value) for value in values]
    if draw.random() < 0.4:
        values.append(0)
    values = broken(draw, values, draw.choice((0, 0, 1, 2)))
    keys = {name: values for name in ("sigmas", "timesteps", "times") if draw.random() < 0.5}
    more = {"num_inference_steps": draw.choice((2, 0, -1, "3", None)), "mu": draw.choice((0.5, "x", 1e9))}
    edm = {"num_steps": count, "sigma_min": 0.002, "sigma_max": top, "rho": draw.choice((7, 0, "7", 1e-9, 1e9))}
    scheduler = {"scheduler": draw.choice(("EulerDiscreteScheduler", "DDIMScheduler", "Nothing", "", 3, {}))}
    mapping = {**keys, **draw.choice(({}, more, scheduler, {"shift": 3.0}))}
    dressed: Any = draw.choice(
        (values, values, mapping, broken(draw, mapping, 1), broken(draw, edm, draw.randrange(2)))
    )
    text = json.dumps(dressed)
    plain = text.strip("[]") if isinstance(dressed, list) else text
    if draw.random() < 0.01:
        return _nested(draw.choice((60, 2000, 100_000)))
    return draw.choice(
        (
            text,
            plain,
            plain.replace(",", " "),
            plain.replace(", ", "\n"),
            f"sigmas = {text}",
            f"timesteps=[{plain}]",
            f"tensor({text}, device='cpu')",
            f"pipe.set_timesteps({text})",
            _broken_text(draw, text),
            draw.choice(NUMBERS),
        )
    )


def grid_file(draw: random.Random, right: Callable[[], str]) -> str:
    """The JSON export of a grid, broken."""
    if draw.random() < 0.01:
        return _nested(draw.choice((60, 2000, 100_000)))
    tree = broken(draw, json.loads(right()), draw.choice((0, 1, 1, 2)))
    return as_json(draw, tree).decode("utf-8", errors="replace")
