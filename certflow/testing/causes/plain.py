"""Causes that are seen in the answers themselves: constants, coordinates, clipping, a factor, short numbers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from certflow.numbers.arrays import Floats
from certflow.testing.causes.fault import factor_text
from certflow.testing.causes.search import LEFT, Evidence, norms
from certflow.testing.result import Cause


def plain_causes(evidence: Evidence) -> list[Cause]:
    """Those that explain every row."""
    told = np.isfinite(evidence.tolerance)
    if told.sum() < 2 or not np.isfinite(norms(evidence.got[told])).all():
        return []
    seen = evidence.of(told)
    shape = (len(seen.got), -1)
    got, expected = seen.got.reshape(shape), seen.expected.reshape(shape)
    return list(_found(seen, got, expected))


def _found(seen: Evidence, got: Floats, expected: Floats) -> Iterator[Cause]:
    if not np.any(got):
        yield Cause("zero", "it returns zeros")
        return
    if np.ptp(got, axis=0).max() == 0:
        yield Cause("constant", "it returns the same numbers whatever x and t are")
        return
    width = seen.tolerance[:, None]
    wrong = [j for j in range(got.shape[1]) if (np.abs(got - expected)[:, [j]] > width).any()]
    if 0 < len(wrong) < got.shape[1]:
        yield _of_coordinates(seen, got, expected, wrong)
        return
    if got.shape[1] > 1:
        for words, order in (
            ("in reverse order", slice(None, None, -1)),
            ("shifted by one", np.arange(-1, got.shape[1] - 1)),
        ):
            if seen.fits(expected[:, order].reshape(seen.got.shape)).all():
                yield Cause("coordinates swapped", f"its coordinates are {words}")
    factor = float((got * expected / width**2).sum() / (expected**2 / width**2).sum())
    if abs(factor) > 0 and abs(factor - 1) > 1e-12 and _explains(seen, factor * seen.expected):
        negative = abs(factor + 1) < 1e-3
        told = "minus what is right" if negative else f"{factor_text(factor)} times what is right, everywhere"
        yield Cause("sign" if negative else "factor", f"it is {told}")
    shift = np.median(got - expected, axis=0)
    if _explains(seen, (expected + shift).reshape(seen.got.shape)):
        yield Cause("constant added", f"a constant is added to what is right: {np.round(shift, 6).tolist()}")
    most = float(np.abs(got).max())
    clipped = np.clip(seen.expected, -most, most)
    if (np.abs(got) == most).sum() > 1 and _explains(seen, clipped):
        yield Cause("clipped", f"what is right is clipped to [{-most:.6g}, {most:.6g}]")


def _explains(seen: Evidence, said: Floats) -> bool:
    """Whether code that says this would say what was said: at every row, and leaving little of a typical error."""
    return bool(seen.fits(said).all()) and seen.left(said) <= LEFT


def _of_coordinates(seen: Evidence, got: Floats, expected: Floats, wrong: list[int]) -> Cause:
    """Some coordinates are right everywhere, the others are not."""
    which = "coordinate" + ("s " if len(wrong) > 1 else " ") + ", ".join(map(str, wrong)) + " (counted from 0)"
    verb = "are" if len(wrong) > 1 else "is"
    part, right, width = got[:, wrong], expected[:, wrong], seen.tolerance[:, None]
    if np.ptp(part, axis=0).max() == 0:
        return Cause("coordinate", f"{which} {verb} always {part[0].tolist() if len(wrong) > 1 else part[0, 0]}")
    if (np.abs(part + right) <= width).all():
        return Cause("coordinate", f"{which} {verb} minus what is right")
    factor = float((part * right / width**2).sum() / (right**2 / width**2).sum())
    if (np.abs(part - factor * right) <= 4 * width + 1e-9 * np.abs(right)).all():
        return Cause("coordinate", f"{which} {verb} {factor_text(factor)} times what is right")
    return Cause("coordinate", f"{which} {verb} wrong; the others are right everywhere")
