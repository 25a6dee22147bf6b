"""Closed Gaussian moments of what the bound is made of, by arrays of floats or of balls (proofs/networks-general.md).

Under its own law component `k` has independent standard normal coordinates `z_i = (u_i . x - m mu'_i)/sqrt(v_i)`.
Arrays have a row for each component and a column for each of its variances; `repeats` coordinates share a column (`d`
where the covariance is a multiple of the identity), squares of means being summed over them.
"""

from __future__ import annotations

from typing import Any


def logit_fourth(constant: Any, linear: Any, relative: Any, repeats: int) -> Any:
    """Above `E (A + sum_i [tau_i z_i - rho_i (z_i^2 - 1)/2])^4` by its cumulants.

    `kappa_2 = sum tau^2 + rho^2/2`, `kappa_3 = -sum rho^3 + 3 rho tau^2`, `kappa_4 = sum 3 rho^4 + 12 rho^2 tau^2`, and
    the moment is `kappa_4 + 4 kappa_3 A + 3 kappa_2^2 + 6 kappa_2 A^2 + A^4`.

    constant : above `|A|`, (K,); relative : above `|rho|`
    linear : above `tau^2`, summed over the coordinates of a column
    """
    rho2, mixed = relative * relative, relative * linear
    second = (linear + rho2 * repeats / 2).sum(-1)
    third = (rho2 * relative * repeats + mixed * 3).sum(-1)
    fourth = (rho2 * rho2 * (3 * repeats) + mixed * relative * 12).sum(-1)
    square = constant * constant
    return fourth + third * constant * 4 + second * second * 3 + second * square * 6 + square * square


def force_second(precision: Any, repeats: int) -> Any:
    """Above `E |b|^2 = sum_i q_i`, `b = -U (z / sqrt v)`."""
    return (precision * repeats).sum(-1)


def force_fourth(precision: Any, repeats: int) -> Any:
    """Above `E |b|^4 = (sum_i q_i)^2 + 2 sum_i q_i^2`."""
    return force_second(precision, repeats) ** 2 + (precision * precision * (2 * repeats)).sum(-1)


def force_error(drift: Any, squares: Any, relative: Any, precision: Any, repeats: int) -> Any:
    """Above `E |b~ - b|^2 = sum_i (d_i^2 mu'_i^2 + rho_i^2 q_i)`: `d = e_a - m e_q`, `rho = e_q v`."""
    return (drift * drift * squares + relative * relative * precision * repeats).sum(-1)
