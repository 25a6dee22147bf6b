"""Cells for certificates of students: halved and evened out where they cost most of the width that is wanted.

What a cell is worth is asked of the checker's own rule: how good a hint is, it alone decides.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from certflow.certificate.checker import MAX_WORK, check
from certflow.certificate.checker.arithmetic import Imprecise
from certflow.certificate.checker.cases import Case
from certflow.certificate.checker.refusals import Refused
from certflow.certificate.checker.rules import rule_of
from certflow.certificate.checker.student_cells import Cell, Flow, Part, beyond, part_of
from certflow.certificate.checker.student_maps import Student
from certflow.certificate.checker.work import Work
from certflow.certificate.envelope import certificate_text, envelope
from certflow.errors import InputError
from certflow.flow.quantile_map import QuantileMap
from certflow.process import OrnsteinUhlenbeck

#: Bits of the checker's arithmetic, for each try; places of the cells' ends; of their cubics, beyond those.
BITS, PLACES, FINE = (96, 160, 320), 40, 56
#: Cells of the first cut, and the most of all.
FIRST, MOST = 32, 1500
#: Relative width to which cells are halved first.
ROUGH = 1.0
#: A cell may become larger by the inverse of this at once.
LARGER = 0.75
#: Share of the width for the tails; standard deviations between which they are cut.
TAILS, NEAREST, FARTHEST = 1e-3, 7.0, 34.0


def searches(process: OrnsteinUhlenbeck, claim: str, assertion: dict[str, Any]) -> Iterator[Search]:
    """A search for each precision that can be had."""
    if process.mixture.dimension != 1:
        raise InputError("mixture", f"dimension {process.mixture.dimension}", "a mixture in one dimension")
    for bits in BITS:
        try:
            yield Search(process, claim, assertion, bits)
        except Imprecise:
            continue
        except Refused as reason:
            raise InputError("maps", str(reason), "maps and a mixture that the checker reads") from None


@dataclass
class Row:
    """A cell in the file's integers, and what the checker makes of it."""

    start: int
    width: int
    hint: list[int]
    cell: Cell
    part: Part


@dataclass
class Cells:
    """The cells of one student, and the enclosure of its mean square error by them, in units."""

    rows: list[Row]
    ends: tuple[int, int]

    @property
    def middle(self) -> float:
        """Between the ends."""
        return float(sum(self.ends)) / 2

    def hints(self) -> dict[str, Any]:
        """As the file has them; places that no end needs are left out."""
        numbers = [self.rows[0].start, *(row.width for row in self.rows)]
        spare = min(((x & -x).bit_length() - 1 for x in numbers if x), default=0)
        spare = min(spare, PLACES)
        rows = [" ".join(map(str, (row.width >> spare, *row.hint))) for row in self.rows]
        return {"start": numbers[0] >> spare, "places": PLACES - spare, "fine": FINE, "rows": rows}


def _sums(rows: Sequence[Row]) -> tuple[int, int, int]:
    """The mean square of the cubics from both sides, and of what is off."""
    low, high, noise = (sum(getattr(row.part, key) for row in rows) for key in ("low", "high", "noise"))
    return low, high, noise


class Search:
    """Cells for students of one process, at one precision of the checker."""

    def __init__(self, process: OrnsteinUhlenbeck, claim: str, assertion: dict[str, Any], bits: int):
        self.process, self.claim, self.bits = process, claim, bits
        empty = {"start": 0, "places": 0, "fine": 0, "rows": []}
        keys = ("cells",) if claim == "C2" else ("better", "worse")
        draft = envelope(
            process, claim, assertion, {"rule": "student-cells", "bits": bits} | dict.fromkeys(keys, empty)
        )
        self.work = Work(10**15)
        self.case = Case(draft, rule_of(draft), self.work)
        self.flow = Flow(self.case)
        #: `F_T^-1 o F_delta`, the flow backwards.
        self.back = QuantileMap(process, process.t_min, process.t_max)
        self.unit = self.flow.models.one
        self.known: dict[tuple[int, int], tuple[list[int], Cell] | None] = {}

    def certificate(self, assertion: dict[str, Any], hints: dict[str, Any]) -> dict[str, Any] | None:
        """The certificate, or None where the checker does not accept it."""
        made = envelope(self.process, self.claim, assertion, {"rule": "student-cells", "bits": self.bits} | hints)
        verdict = check(certificate_text(made))
        if verdict.work > MAX_WORK:
            received = f"maps that take {verdict.work} steps of the checker's work"
            raise InputError("maps", received, f"at most {MAX_WORK}: fewer or smaller maps, or a wider rtol")
        return made if verdict.accepted else None

    def relative(self, found: Cells) -> tuple[Fraction, Fraction]:
        """The relative mean square error, as the checker will find it, and a unit more on both sides."""
        least, most = self.flow.early.second_moment()
        low, high = found.ends
        return Fraction(max(low * self.unit // most - 1, 0), self.unit), Fraction(
            high * self.unit // least + 2, self.unit
        )

    def cells(self, content: list[dict[str, Any]], rtol: float) -> Cells:
        """Cells by which the mean square error has this relative width, or the most that there may be."""
        read = [entry | {key: Fraction(entry[key]) for key in entry if "_" in key} for entry in content]
        student = Student(self.flow.models, read, "maps", self.work)
        rows = self.first(student)
        while not self.near(rows, max(ROUGH, rtol)):
            rows = self.halved(student, rows, max(ROUGH, rtol))
        rows = self.evened(student, rows, rtol)
        while True:
            while not self.near(rows, rtol):
                rows = self.halved(student, rows, rtol)
            tails = self.tails(student, rows)
            far = [tail > TAILS * rtol * _sums(rows)[0] + 16 for tail in tails]
            if not any(far):
                break
            rows = self.extended(student, rows, far)
        low, high, noise = _sums(rows)
        bits = self.bits
        most, kept = math.isqrt(high << bits) + 1, math.isqrt(noise << bits) + 1
        least = max(math.isqrt(max(low, 0) << bits) - kept, 0)
        return Cells(rows, (least * least >> bits, ((most + kept) ** 2 >> bits) + 1 + sum(tails)))

    def tails(self, student: Student, rows: list[Row]) -> list[int]:
        """What the checker finds beyond the cells, on the left and on the right."""
        first, last = rows[0], rows[-1]
        end = self.places(last.start + last.width)
        return [
            beyond(self.flow, student, first.part.size, self.places(first.start), first.cell.x, -1),
            beyond(self.flow, student, last.part.size, end, last.cell.x, 1),
        ]

    def near(self, rows: list[Row], rtol: float) -> bool:
        """Whether the cells tell the mean square error to this width, but for the tails."""
        low, high, noise = _sums(rows)
        return math.sqrt(noise) <= 0.9 * rtol / 4 * math.sqrt(max(low, 0)) and high - low <= rtol / 10 * low

    def halved(self, student: Student, rows: list[Row], rtol: float) -> list[Row]:
        """Halves of few cells that hold nearly all of the noise, and of those whose integral is vague."""
        low, _, noise = _sums(rows)
        order, left, chosen = sorted(range(len(rows)), key=lambda i: -rows[i].part.noise), float(noise), set[int]()
        for i in order:
            if left <= (0.8 * rtol / 4) ** 2 * max(low, 0):
                break
            left -= rows[i].part.noise
            chosen.add(i)
        share = max(low, 0) * rtol / 15 / len(rows)
        chosen |= {i for i, row in enumerate(rows) if row.part.high - row.part.low > share}
        if not chosen or len(rows) + len(chosen) > MOST:
            raise InputError("maps", f"maps that take more than {MOST} cells", "maps less steep, or a wider rtol")
        return [
            part for i, row in enumerate(rows) for part in (self.divided(student, row, 2) if i in chosen else [row])
        ]

    def evened(self, student: Student, rows: list[Row], rtol: float) -> list[Row]:
        """Cells for this width, as few as can be: the noise of a part of width h is like `h^9`, as in its cell now.

        With `m_i` parts of cell i, `sum m_i` is least for `sum n_i m_i^-8 <= N` where `m_i` is like `n_i^(1/9)`."""
        low, _, noise = _sums(rows)
        wanted = (0.85 * rtol / 4) ** 2 * low
        shares = np.array([max(row.part.noise, noise * 1e-9 / len(rows)) for row in rows], dtype=float)
        parts = shares ** (1 / 9)
        parts *= float((shares / parts**8).sum() / wanted) ** (1 / 8)
        vague = np.array([float(row.part.high - row.part.low) for row in rows])
        parts = np.maximum(parts, (vague.sum() / (rtol / 15 * low)) ** 0.2 * (vague > rtol * low / 50 / len(rows)))
        parts = np.maximum(parts, LARGER)
        ends = np.array([row.start for row in rows] + [rows[-1].start + rows[-1].width], dtype=float)
        places = np.concatenate([[0.0], np.cumsum(parts)])
        count = math.ceil(places[-1])
        if count > MOST:
            raise InputError("maps", f"maps that take more than {MOST} cells", "maps less steep, or a wider rtol")
        unit = 1 << PLACES - 16
        inner = np.interp(np.arange(1, count) / count * places[-1], places, ends)
        cuts = sorted({rows[0].start, *(round(x / unit) * unit for x in inner), rows[-1].start + rows[-1].width})
        return [self.row(student, start, end - start) for start, end in pairwise(cuts)]

    def places(self, at: int) -> int:
        """An end of the file in units."""
        return at << self.bits - PLACES

    def first(self, student: Student) -> list[Row]:
        """The first cut, as far out as the nearest tails."""
        low, high = self.reach(NEAREST)
        step = -(-(high - low) // FIRST)
        step = 1 << step.bit_length() - 1
        start, count = low // step * step, -(-(high - low // step * step) // step)
        return [self.row(student, start + i * step, step) for i in range(count)]

    def reach(self, deviations: float) -> tuple[int, int]:
        """From the outermost components so many standard deviations away, in the file's integers."""
        law = self.back.start
        low, high = (law.means - deviations * law.widths).min(), (law.means + deviations * law.widths).max()
        return math.floor(low * 2**PLACES), math.ceil(high * 2**PLACES)

    def extended(self, student: Student, rows: list[Row], far: list[bool]) -> list[Row]:
        """With one more cell at each end whose tail counts, as wide as half a standard deviation."""
        width = 1 << math.floor(math.log2(self.back.start.widths.max() / 2)) + PLACES
        low, high = self.reach(FARTHEST)
        first, last = rows[0], rows[-1]
        end = last.start + last.width
        if (far[0] and first.start < low) or (far[1] and end > high):
            raise Imprecise("tails")
        before = [self.row(student, first.start - width, width)] if far[0] else []
        after = [self.row(student, end, width)] if far[1] else []
        return [*before, *rows, *after]

    def divided(self, student: Student, row: Row, parts: int) -> list[Row]:
        width = row.width // parts
        return [self.row(student, row.start + i * width, width) for i in range(parts)]

    def row(self, student: Student, start: int, width: int) -> Row:
        """The cell, by a cubic where that has a radius, else by order."""
        if (start, width) not in self.known:
            self.known[start, width] = self.cubic(start, width) or self.ordered(start, width)
        found = self.known[start, width]
        if found is None:
            raise Imprecise("a cell without a radius")
        hint, cell = found
        return Row(start, width, hint, cell, part_of(cell, student(cell.x), self.bits))

    def cubic(self, start: int, width: int) -> tuple[list[int], Cell] | None:
        """Interpolation at Chebyshev nodes, and a radius from what the checker finds that the cubic is off by."""
        nodes = np.cos(np.pi * (np.arange(4) + 0.5) / 4)
        y = (start + width / 2 * (1 + nodes)) * 2.0**-PLACES
        coefficients = np.linalg.solve(np.vander(nodes, 4, increasing=True), self.back(y))
        hint = [round(Fraction(float(x)) * 2**FINE) for x in coefficients]
        hint[1] += not any(hint[1:])
        cubic: Any = tuple(x << self.bits - FINE for x in hint)
        low, high = self.places(start), self.places(start + width)
        middle, half = low + high >> 1, high - low >> 1
        try:
            density = self.flow.early.density((middle, half, 0, 0))
            apart, radius = self.flow.apart(cubic, middle, half, density, ""), 1
            reach = sum(map(abs, cubic[1:]))
            for _ in range(6):
                far = reach + (radius << self.bits - FINE)
                least = self.flow.late.least(cubic[0] - far, cubic[0] + far)
                if least <= 0:
                    return None
                needed = (-(-(apart << self.bits) // least) >> self.bits - FINE) + 1
                if needed <= radius:
                    cell = self.flow.cell(low, high, cubic, radius << self.bits - FINE, "")
                    return [*hint, radius], cell
                radius = needed + needed // 16 + 1
                if radius > 2 << FINE:
                    return None
        except (Refused, Imprecise):
            pass
        return None

    def ordered(self, start: int, width: int) -> tuple[list[int], Cell] | None:
        """Between the images of the ends, and a little more."""
        ends = self.back(np.array([start, start + width]) * 2.0**-PLACES)
        middle, radius = (float(x) for x in ((ends[0] + ends[1]) / 2, (ends[1] - ends[0]) / 2))
        low, high = self.places(start), self.places(start + width)
        for margin in (1e-12, 1e-9, 1e-6, 1e-4, 1e-2, 0.1):
            hint = [math.floor(middle * 2**FINE), 0, 0, 0, math.ceil((radius + margin * (1 + abs(middle))) * 2**FINE)]
            cubic: Any = tuple(x << self.bits - FINE for x in hint[:4])
            try:
                return hint, self.flow.cell(low, high, cubic, hint[4] << self.bits - FINE, "")
            except (Refused, Imprecise):
                continue
        return None
