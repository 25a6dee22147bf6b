"""Coverings as hints of a certificate: trees as texts, regions, and the faces that they refer to."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from certflow.enclosure.suprema.cover import Cover, Region
from certflow.enclosure.suprema.points import Points
from certflow.enclosure.suprema.search import Proof
from certflow.numbers.exact import exact_text


def cover_hints(proof: Proof) -> dict[str, Any]:
    """The covering of all points."""
    return _cover(proof.whole, _places(proof))


def face_hints(proof: Proof, points: Points, axes: tuple[int, ...]) -> list[dict[str, Any]]:
    """The faces that the proof uses, with their coverings; `axes` are the names of the coordinates of the points."""
    places = _places(proof)
    return [
        {
            "members": list(points.faces[number].members),
            "pivots": [axes[axis] for axis in points.faces[number].axes],
            "cover": _cover(proof.faces[number], places),
        }
        for number in places
    ]


def _places(proof: Proof) -> dict[int, int]:
    """The place in the file of each face that is used."""
    return {number: place for place, number in enumerate(sorted(proof.faces))}


def _cover(cover: Cover, places: dict[int, int]) -> dict[str, Any]:
    return {
        "radius": exact_text(Fraction(cover.radius)),
        "boxes": cover.boxes.text(places),
        "cones": [tree.text(places) for tree in cover.cones],
        "regions": [_region(region, region.boxes.text(places)) for region in cover.regions],
    }


def _region(region: Region, boxes: str) -> dict[str, Any]:
    return {
        "centre": [exact_text(Fraction(float(entry))) for entry in region.centre],
        "frame": [[exact_text(Fraction(float(entry))) for entry in row] for row in region.frame],
        "boxes": boxes,
    }
