"""The field of many points at one time in float64, compiled by Numba where that is installed (`certflow[speed]`).

The same formulas as `certflow.field.components`, a second time: in one pass over blocks of points that stay in the
cache, with no array of N x K numbers, in as many threads as NumPy's matrix products take, and with moments of each row,
from which `certflow.field.rounding` bounds its error. Rows that are in doubt are computed again in double-double
(`repair`), or left to the general formulas and their guard, so what a user sees is as accurate with Numba as without;
`tests/field/test_fused.py` holds the two together.

`rows` decides whether a call is large enough for it, and `threads` shares its pieces; `prepared` has what a kernel
takes and what its moments are, by kind of covariance; `alike`, `varied` and `full` are the kernels, on `lanes` and
`tiles`.
"""
