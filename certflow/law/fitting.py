"""Fit mixtures to data with scikit-learn, recording how.

The data are fitted as `z = (x - c) / s`, with `c` the middle of each column and `s` its standard deviation (one for all
columns where the model has one variance for all directions), and mapped back: means `c + s mu`, covariances
`s_i s_j Sigma_ij`. So shifting the data shifts the fit and scaling it scales the fit: every covariance type takes one
factor for all columns, "tied", "diag" and "full" one for each. scikit-learn adds a regulariser to every variance; it is
taken off again, and lowered where a cluster is so narrow that it would decide something.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from certflow.errors import InputError
from certflow.law.covariances import AXES, Model, check_fitted
from certflow.numbers.arrays import Floats, Points
from certflow.numbers.inputs import float_array, whole_number

RESTARTS = 3
#: What scikit-learn adds to variances of data of variance one: the first of these that decides nothing.
_REGULARISERS = (1e-6, 1e-9, 1e-12)
#: A variance so many times the regulariser is not decided by it.
_CLEAR = 100
#: A variance below this, in the same units, is not told from rounding errors: scikit-learn subtracts squares.
_FLAT = 1e-12
#: Points that a component must account for, all together.
_HELD = 1e-6
_LARGEST_SEED = 2**32 - 1


class Fit(NamedTuple):
    """The parameters of a fit, as `GaussianMixture` takes them, and how they were found."""

    weights: Floats
    means: Points
    covariances: Any
    origin: dict[str, Any]


@dataclass(frozen=True)
class _Fitted:
    """Parameters in the coordinates `z`, and what scikit-learn said of them."""

    weights: Floats
    means: Points
    covariances: Floats
    bound: float
    converged: bool


def fit(data: Any, n_components: int, *, covariance_type: str = "spherical", seed: int = 0) -> Fit:
    """Expectation maximisation with three restarts (scikit-learn); see `GaussianMixture.fit`.

    Warns in one line (scikit-learn's `ConvergenceWarning`) if the best restart has not converged.

    Raises
    ------
    InputError : bad data; or in every restart a component had no data, or in some direction too small a variance.
    """
    points = _points(data)
    model = check_fitted(covariance_type)
    n_components = whole_number(n_components, "n_components", 1)
    seed = whole_number(seed, "seed", 0, _LARGEST_SEED)
    if n_components > len(points):
        raise InputError("n_components", n_components, f"at most the number of points, {len(points)}")
    import sklearn
    from sklearn.exceptions import ConvergenceWarning

    scaled, centre, scale = _standardised(points, model)
    best = _best(scaled, n_components, model, seed)
    if not best.converged:
        warnings.warn(
            "the fit has NOT converged: more data or fewer components may help", ConvergenceWarning, stacklevel=2
        )
    likelihoods = row_log_likelihoods(scaled, best.weights, best.means, best.covariances)
    origin = {
        "method": "expectation maximisation, scikit-learn GaussianMixture",
        "scikit-learn": sklearn.__version__,
        "n_components": n_components,
        "covariance_type": covariance_type,
        "restarts": RESTARTS,
        "seed": seed,
        "points": len(points),
        "converged": best.converged,
        "mean_log_likelihood": float(likelihoods.mean()) - float(np.log(scale).sum()),
    }
    with np.errstate(over="ignore", under="ignore"):
        covariances = _mapped_back(best.covariances, scale, model)
    if not np.isfinite(covariances).all() or not np.all(_variances(covariances) > 0):
        raise InputError("data", f"numbers of size {scale.max():.3g}", "numbers whose squares float64 can hold")
    weights = _summing_to_one(best.weights / best.weights.sum())
    return Fit(weights, centre + scale * best.means, covariances, origin)


def _by_column(model: Model) -> bool:
    """Whether the model is the same with any other unit of each column: that of matrices is."""
    return AXES[model.kind] > 1


def _standardised(points: Points, model: Model) -> tuple[Floats, Floats, Floats]:
    """`(z, c, s)` with `x = c + s z`; the columns of `z` have mean zero, and variance one where `s` is theirs alone."""
    centre = points.min(axis=0) / 2 + points.max(axis=0) / 2  # halves first: a sum could overflow
    size = np.abs(points - centre).max(axis=0)
    if _by_column(model):
        constant = np.flatnonzero(size == 0)
        if len(constant):
            column = int(constant[0])
            requirement = f"a column that varies for covariance type {model.word} (leave this one out)"
            raise InputError(f"data[:, {column}]", f"{points[0, column]} in every row", requirement)
    else:
        size = np.full_like(size, size.max())
        if size[0] == 0:
            raise InputError("data", "the same point in every row", "points that differ")
    scaled = (points - centre) / size
    middle = scaled.mean(axis=0)
    scaled = scaled - middle
    deviation = np.sqrt((scaled**2).mean(axis=0))
    if not _by_column(model):
        deviation = np.full_like(deviation, np.sqrt((deviation**2).mean()))
    return scaled / deviation, centre + size * middle, size * deviation


def _best(scaled: Floats, n_components: int, model: Model, seed: int) -> _Fitted:
    """The restart of the largest likelihood among those whose every component has data and variance.

    A regulariser decides nothing while every variance is well above it. Where one is not (clusters much narrower than
    the distance between them), the fit is made again with a smaller one.
    """
    best: _Fitted | None = None
    for regulariser in _REGULARISERS:
        found = _restarted(scaled, n_components, model, seed, regulariser)
        best = found or best
        if found is not None and _variances(found.covariances).min() > _CLEAR * regulariser:
            break
    if best is None:
        raise InputError(
            "n_components",
            n_components,
            f"components that all account for data and have a variance above {_FLAT:g} of that of the data, of which "
            f"{RESTARTS} starts with covariance type {model.word} found none: fewer components, another type, wider "
            "clusters, or no columns that depend on one another",
        )
    return best


def _restarted(scaled: Floats, n_components: int, model: Model, seed: int, regulariser: float) -> _Fitted | None:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture as Estimator
    from sklearn.utils import check_random_state

    found: list[_Fitted] = []
    stream = check_random_state(seed)
    for _ in range(RESTARTS):
        estimator = Estimator(n_components, covariance_type=model.estimator, reg_covar=regulariser, random_state=stream)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # kept in `converged`, or seen as a lack of data
            try:
                estimator.fit(scaled)
            except ValueError:  # scikit-learn: some component has an ill-defined empirical covariance
                continue
        covariances = _without_regulariser(np.asarray(estimator.covariances_), model, regulariser)
        weights = np.asarray(estimator.weights_)
        if weights.min() * len(scaled) > _HELD and _variances(covariances).min() > _FLAT:
            bound, converged = float(estimator.lower_bound_), bool(estimator.converged_)
            found.append(_Fitted(weights, np.asarray(estimator.means_), covariances, bound, converged))
    return max(found, key=lambda fitted: fitted.bound, default=None)


def _without_regulariser(covariances: Floats, model: Model, regulariser: float) -> Floats:
    """In the shapes of a `GaussianMixture`: (K,), (), (d, d) or (K, d, d)."""
    if model.estimator == "spherical":
        return covariances - regulariser
    if model.estimator == "diag":
        return (covariances - regulariser)[:, :, None] * np.eye(covariances.shape[1])
    dimension = covariances.shape[-1]
    covariances = covariances - regulariser * np.eye(dimension)
    if model.kind == "common-isotropic":
        return np.asarray(np.trace(covariances) / dimension)
    return (covariances + np.swapaxes(covariances, -1, -2)) / 2


def _variances(covariances: Floats) -> Floats:
    """The variances, or the least one of each matrix."""
    if covariances.ndim < 2:
        return covariances
    return np.asarray(np.linalg.eigvalsh(covariances)[..., 0], dtype=np.float64)


def _mapped_back(covariances: Floats, scale: Floats, model: Model) -> Floats:
    return covariances * np.outer(scale, scale) if _by_column(model) else covariances * scale[0] ** 2


def row_log_likelihoods(points: Floats, weights: Floats, means: Points, covariances: Any) -> Floats:
    """`log p(x_i)` of rows `x_i`, shape (n,); parameters as of a `GaussianMixture`."""
    from scipy.special import logsumexp

    dimension, covariances = points.shape[1], np.asarray(covariances)
    if covariances.ndim < 2:
        covariances = covariances[..., None, None] * np.eye(dimension)
    factors = np.linalg.cholesky(np.broadcast_to(covariances, (len(weights), dimension, dimension)))
    terms = [
        np.log(weight)
        - (np.linalg.solve(factor, (points - mean).T) ** 2).sum(axis=0) / 2
        - np.log(np.diagonal(factor)).sum()
        for weight, mean, factor in zip(weights, means, factors, strict=True)
    ]
    return np.asarray(logsumexp(terms, axis=0) - dimension * np.log(2 * np.pi) / 2)


def _summing_to_one(weights: Floats) -> Floats:
    """Weights moved by a unit roundoff or so to binary numbers whose exact sum is one.

    So nothing is left to divide by when they are read back from the decimals of a file.
    """
    counts = [round(float(weight) * 2**53) for weight in weights]
    counts[int(np.argmax(weights))] += 2**53 - sum(counts)
    return np.array(counts) / 2.0**53 if min(counts) > 0 else weights


def _points(data: Any) -> Floats:
    points = float_array(data, "data")
    if points.ndim == 1:
        points = points[:, None]
    if points.ndim != 2 or points.shape[1] == 0 or len(points) < 2:
        raise InputError("data", f"shape {points.shape}", "shape (n, d) with n >= 2 points and d >= 1")
    if not np.isfinite(points).all():
        row, column = np.argwhere(~np.isfinite(points))[0]
        raise InputError(f"data[{row}][{column}]", float(points[row, column]), "a finite number")
    return points
