"""Names of arrays by what they hold; the shape stands in the docstring of whoever takes or returns them."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

#: Real numbers in float64.
Floats: TypeAlias = NDArray[np.float64]
#: Points of R^d, shape (..., d), or rows of them, shape (N, d).
Points: TypeAlias = NDArray[np.float64]
#: Times, shape (T,) or ().
Times: TypeAlias = NDArray[np.float64]
#: Matrices, shape (..., d, d).
Matrices: TypeAlias = NDArray[np.float64]
#: Responsibilities, shape (..., K).
Weights: TypeAlias = NDArray[np.float64]
#: Indices of rows.
Indices: TypeAlias = NDArray[np.intp]
#: Yes or no for each row.
Flags: TypeAlias = NDArray[np.bool_]
#: Exact numbers, balls or expressions as objects.
Objects: TypeAlias = NDArray[Any]
