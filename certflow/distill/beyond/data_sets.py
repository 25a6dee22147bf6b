"""Data that scikit-learn ships, of mean 0 and mean variance 1: what networks are trained on, and what is held out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from certflow.errors import unknown
from certflow.numbers.arrays import Points

#: Principal components of the digits, pixels of the side of a patch, and one row of so many that is held out.
DIMENSION, SIDE, HELD_OUT = 8, 8, 4


@dataclass(frozen=True)
class DataSet:
    """Rows to train on and rows held out, shapes (n, d) and (n', d), in the same units."""

    name: str
    what: str
    rows: Points
    held_out: Points


def digits(dimension: int = DIMENSION) -> Points:
    """The digits on their first principal components, of mean 0 and mean variance 1; shape (1797, dimension)."""
    from sklearn.datasets import load_digits
    from sklearn.decomposition import PCA

    points: Points = PCA(dimension, svd_solver="full").fit_transform(load_digits().data)
    scaled: Points = points / np.sqrt(points.var(0).mean())
    return scaled


def tiles() -> Points:
    """Tiles of 8 x 8 pixels, in shades of grey, of the two sample photographs; shape (8480, 64), from 0 to 255."""
    from sklearn.datasets import load_sample_images

    found = []
    for image in load_sample_images().images:
        grey = image.mean(2)
        height, width = (side // SIDE for side in grey.shape)
        cut = grey[: height * SIDE, : width * SIDE].reshape(height, SIDE, width, SIDE)
        found.append(cut.transpose(0, 2, 1, 3).reshape(-1, SIDE * SIDE))
    return np.concatenate(found)


def _two_moons() -> DataSet:
    from sklearn.datasets import make_moons

    rows, held_out = (make_moons(count, noise=0.05, random_state=i)[0] for i, count in enumerate((2000, 1000)))
    return _scaled("two-moons", "scikit-learn make_moons, noise 0.05", rows, held_out)


def _digits() -> DataSet:
    what = f"scikit-learn digits, {DIMENSION} principal components"
    return _scaled("digits", what, *_apart(digits()))


def _patches() -> DataSet:
    what = f"grey tiles of {SIDE} x {SIDE} pixels of scikit-learn's two sample photographs"
    return _scaled("patches", what, *_apart(tiles()))


def _apart(points: Points) -> tuple[Points, Points]:
    """A quarter is held out."""
    order = np.random.default_rng(0).permutation(len(points))
    count = len(points) // HELD_OUT
    return points[order[count:]], points[order[:count]]


def _scaled(name: str, what: str, rows: Points, held_out: Points) -> DataSet:
    """In units of the rows that are trained on."""
    mean, scale = rows.mean(0), np.sqrt(rows.var(0).mean())
    return DataSet(name, what, (rows - mean) / scale, (held_out - mean) / scale)


#: The data sets by name.
DATA_SETS: Mapping[str, Callable[[], DataSet]] = {"two-moons": _two_moons, "digits": _digits, "patches": _patches}


def data_set(name: str) -> DataSet:
    """The data set of this name.

    Raises
    ------
    InputError : an unknown one.
    """
    if name not in DATA_SETS:
        raise unknown("data_set", name, DATA_SETS)
    return DATA_SETS[name]()
