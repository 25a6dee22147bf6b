"""The data law: a Gaussian mixture with exact parameters.

`p_0 = sum_k w_k N(mu_k, Sigma_k)`; weights, means and covariances keep the exact rational numbers they were
given as (proofs/notation.md). Floating-point views are properties; every arithmetic takes the exact numbers.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from os import PathLike
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.law.kept import Kept
from certflow.law.origin import settled_origin
from certflow.lazy import loaded
from certflow.numbers.arrays import Floats, Matrices, Objects, Points
from certflow.numbers.exact import ExactArray, root
from certflow.numbers.inputs import whole_number
from certflow.numbers.sums import exact_sum

#: How far from one the exact sum of the weights may be before the mixture is refused.
WEIGHT_SUM_TOLERANCE = Fraction(1, 10**9)


class GaussianMixture:
    """Gaussian mixture `sum_k w_k N(mu_k, Sigma_k)` in `R^d` with exact parameters.

    Parameters
    ----------
    weights : shape (K,), positive; divided by their exact sum if that is within 1e-9 of 1, else refused
    means : shape (K, d)
    covariances : `s2` (one variance, `Sigma_k = s2 I`), shape (K,) (`Sigma_k = s2_k I`), shape (d, d) (one
        matrix for all) or shape (K, d, d); positive definite and exactly symmetric. Variances of coordinates, shape
        (K, d) (scikit-learn's "diag"), are passed as `variances[:, :, None] * np.eye(d)`: where K = d, an array of
        that shape is taken for one matrix
    name : shown in reports
    origin : how the mixture was made (method, data set, seed ...), kept in files and reports: JSON values, which tuples
        and NumPy's numbers and arrays become at once; what is none is refused when the mixture is saved

    Numbers may be int, Fraction, text (`"0.1"`, `"1/3"`: exactly that), or floats (exactly the binary number
    that the float is), SymPy's too. Other SymPy expressions make a mixture with symbolic parameters, for derivations.

    Raises
    ------
    InputError : a `ValueError` that names the field, the value received and the requirement.

    >>> import certflow as cf
    >>> mixture = cf.GaussianMixture(["1/3", "2/3"], [[-1, 0], ["0.5", 0]], "0.04")
    >>> mixture
    cf.GaussianMixture(['1/3', '2/3'], [[-1, 0], [0.5, 0]], '0.04')
    >>> mixture.diameter
    1.5
    >>> mixture.exact_weights.texts()
    ['1/3', '2/3']
    """

    def __init__(
        self,
        weights: Any,
        means: Any,
        covariances: Any,
        *,
        name: str = "mixture",
        origin: dict[str, Any] | None = None,
    ):
        if not isinstance(name, str):
            raise InputError("name", name, "a text")
        self.name = name
        self.origin = settled_origin({} if origin is None else origin)
        self.exact_weights = _read_weights(weights)
        self.exact_means = _read_means(means, len(self.exact_weights.values))
        self.n_components, self.dimension = self.exact_means.shape
        self.exact_covariances = ExactArray.of(covariances, "covariances")
        self.kind = _kind(self.exact_covariances, self.n_components, self.dimension, covariances)
        if not self.is_symbolic:
            _check_positive_definite(self.exact_covariances, self.kind, self.n_components)
        #: What others compute from this mixture once (`certflow.law.kept`).
        self.kept = Kept(self)

    def __getstate__(self) -> dict[str, Any]:
        """A pickle or a copy has the exact parameters: what is computed from them is made again where it is wanted."""
        return {name: value for name, value in vars(self).items() if name not in _COMPUTED}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.kept = Kept(self)

    # -- views ---------------------------------------------------------------------------------------------

    @property
    def weights(self) -> Floats:
        """Nearest float64 weights, shape (K,)."""
        return self.exact_weights.floats

    @property
    def means(self) -> Points:
        """Nearest float64 means, shape (K, d)."""
        return self.exact_means.floats

    @property
    def covariances(self) -> Floats:
        """Nearest float64 covariances in the shape of their kind: (), (K,), (d, d) or (K, d, d)."""
        return self.exact_covariances.floats

    @property
    def is_symbolic(self) -> bool:
        """True if a parameter is a SymPy expression."""
        parts = (self.exact_weights, self.exact_means, self.exact_covariances)
        return any(part.is_symbolic for part in parts)

    @cached_property
    def weight_total(self) -> Any:
        """Exact sum of the weights as given (1 unless they were binary numbers that miss it by rounding)."""
        if self.exact_weights.is_symbolic:
            return 1
        return exact_sum(self.exact_weights)

    @cached_property
    def covariance_matrices(self) -> Matrices:
        """Float64 covariance of every component, shape (K, d, d)."""
        eye = np.eye(self.dimension)
        values = self.covariances
        if self.kind == "common-isotropic":
            return np.broadcast_to(values * eye, (self.n_components, *eye.shape))
        if self.kind == "isotropic":
            return values[:, None, None] * eye
        return np.broadcast_to(values, (self.n_components, *eye.shape))

    @cached_property
    def diameter_squared(self) -> Any:
        """`D^2 = max_{k,l} |mu_k - mu_l|^2`, exact (a Fraction, or an expression)."""
        from certflow.numbers.geometry import exact_diameter_squared

        return exact_diameter_squared(self.exact_means)

    @property
    def diameter(self) -> float:
        """`D = max_{k,l} |mu_k - mu_l|`, nearest float64, infinite beyond 1.8e308 (proofs/notation.md)."""
        square = self.diameter_squared
        return float(square) ** 0.5 if self.exact_means.is_symbolic else root(square)

    def __repr__(self) -> str:
        """Code that makes the mixture after `import certflow as cf`; of many numbers (over 40) the sizes alone."""
        from certflow.law.code import short_code

        return short_code(self)

    # -- data ----------------------------------------------------------------------------------------------

    def sample(self, n: int, seed: int | None = None) -> Points:
        """Draw `n` points of `p_0` in float64, shape (n, d).

        >>> import certflow as cf
        >>> mixture = cf.load_mixture("two-modes")
        >>> mixture.sample(2, seed=0).round(3)
        array([[ 1.128,  0.021],
               [-1.107,  0.072]])
        """
        n = whole_number(n, "n", requirement="a number of points, an int >= 0")
        rng = np.random.default_rng(None if seed is None else whole_number(seed, "seed"))
        labels = rng.choice(self.n_components, size=n, p=self.weights / self.weights.sum())
        noise = rng.standard_normal((n, self.dimension))
        values = self.covariances
        if self.kind == "common-isotropic":
            return self.means[labels] + np.sqrt(values) * noise
        if self.kind == "isotropic":
            return self.means[labels] + np.sqrt(values)[labels, None] * noise
        factors = np.linalg.cholesky(values)
        if self.kind == "shared":
            return self.means[labels] + noise @ factors.T
        shifts = np.empty_like(noise)
        for k in np.unique(labels):
            shifts[labels == k] = noise[labels == k] @ factors[k].T
        return self.means[labels] + shifts

    @classmethod
    def fit(
        cls,
        data: Any,
        n_components: int,
        covariance_type: str = "spherical",
        seed: int = 0,
        name: str = "fitted",
    ) -> GaussianMixture:
        """Fit a mixture to data of shape (n, d) by expectation maximisation (scikit-learn).

        `covariance_type`: a kind of covariance ("isotropic", "common-isotropic", "shared", "full"), or scikit-learn's
        word for it ("spherical", "common", "tied", "full"), or "diag" (full, diagonal). How it was fitted is kept in
        `origin`.

        >>> import certflow as cf
        >>> mixture = cf.load_mixture("two-modes")
        >>> found = cf.GaussianMixture.fit(mixture.sample(500, seed=0), 2, "common-isotropic")
        >>> found.name, found.kind
        ('fitted', 'common-isotropic')
        >>> found.weights.round(2).tolist()
        [0.45, 0.55]
        >>> found.origin["converged"]
        True
        """
        from certflow.law.fitting import fit

        found = fit(data, n_components, covariance_type=covariance_type, seed=seed)
        return cls(found.weights, found.means, found.covariances, name=name, origin=found.origin)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the mixture to a `.json`, `.toml` or `.npz` file, atomically; exact numbers stay exact.

        Raises
        ------
        InputError : what `load_mixture` would not read back: symbols, an `origin` that is not made of JSON values.

        >>> import certflow as cf
        >>> mixture = cf.load_mixture("two-modes")
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> folder = TemporaryDirectory()
        >>> path = Path(folder.name) / "mixture.toml"
        >>> mixture.save(path)
        >>> cf.load_mixture(path).exact_means.texts()
        [['-1', '0'], ['1', '0']]
        >>> folder.cleanup()
        """
        from certflow.law.formats import save_mixture

        save_mixture(self, path)


#: Attributes that are made from the others.
_COMPUTED = {"kept", *(name for name, member in vars(GaussianMixture).items() if isinstance(member, cached_property))}


def _read_weights(weights: Any) -> ExactArray:
    exact = ExactArray.of(weights, "weights")
    if len(exact.shape) != 1 or exact.shape[0] == 0:
        raise InputError("weights", weights, "a list of K >= 1 numbers")
    if exact.is_symbolic:
        return exact
    bad = np.flatnonzero(~(exact.values > 0).astype(bool))
    if len(bad):
        raise InputError(f"weights[{bad[0]}]", _plain(exact.values[bad[0]]), "a number > 0")
    total = exact_sum(exact)
    if abs(total - 1) > WEIGHT_SUM_TOLERANCE:
        raise InputError("weights", f"a sum of {_about(total)}", "a sum within 1e-9 of 1")
    if exact.is_binary or total == 1:
        return exact
    return ExactArray(np.array([value / total for value in exact.values], dtype=object))


def _about(total: Fraction) -> str:
    try:
        return f"{float(total):.12g}"
    except OverflowError:
        return "more than 1.8e308"


def _read_means(means: Any, n_components: int) -> ExactArray:
    exact = ExactArray.of(means, "means")
    if len(exact.shape) != 2 or exact.shape[1] == 0:
        raise InputError("means", f"shape {exact.shape}", "shape (K, d) with d >= 1: one row for each component")
    if exact.shape[0] != n_components:
        raise InputError("means", f"{exact.shape[0]} rows", f"one row for each of the {n_components} weights")
    return exact


def _kind(exact: ExactArray, n_components: int, dimension: int, given: Any) -> str:
    shapes = {
        (): "common-isotropic",
        (n_components,): "isotropic",
        (dimension, dimension): "shared",
        (n_components, dimension, dimension): "full",
    }
    if exact.shape not in shapes:
        hint = _variances_hint(n_components, dimension) if exact.shape == (n_components, dimension) else ""
        raise InputError(
            "covariances",
            f"shape {exact.shape}",
            f"one variance, shape ({n_components},), ({dimension}, {dimension}) "
            f"or ({n_components}, {dimension}, {dimension}){hint}",
        )
    return shapes[exact.shape]


def _variances_hint(rows: int, dimension: int) -> str:
    """How to hand over a variance for each component and coordinate, where an array has the shape of such."""
    matrices = f"({rows}, {dimension}, {dimension})"
    return f"; variances of coordinates (K, d) as matrices {matrices}: variances[:, :, None] * np.eye({dimension})"


def _check_positive_definite(exact: ExactArray, kind: str, n_components: int) -> None:
    from certflow.numbers.geometry import is_positive_definite

    if kind in ("common-isotropic", "isotropic"):
        for index in np.ndindex(exact.shape):
            if not exact.values[index] > 0:
                where = f"covariances[{index[0]}]" if index else "covariances"
                raise InputError(where, _plain(exact.values[index]), "a variance > 0")
        return
    stack = exact.values if kind == "full" else exact.values[None]
    hint = _variances_hint(*exact.shape) if kind == "shared" and n_components == exact.shape[0] > 1 else ""
    for k, matrix in enumerate(stack):
        where = f"covariances[{k}]" if kind == "full" else "covariances"
        if not (matrix == matrix.T).all():
            i, j = np.argwhere(matrix != matrix.T)[0]
            raise InputError(
                f"{where}[{i}][{j}]",
                f"{_plain(matrix[i, j])} against {_plain(matrix[j, i])} across the diagonal",
                f"an exactly symmetric matrix (take (S + S.T) / 2){hint}",
            )
        if not is_positive_definite(ExactArray(matrix)):
            raise InputError(where, _plain_matrix(matrix), f"a positive definite matrix{hint}")


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Fraction) else float(value)


def _plain_matrix(matrix: Objects) -> str:
    if matrix.shape[0] > 4:
        return f"a {matrix.shape[0]}x{matrix.shape[0]} matrix"
    return str([[_plain(value) for value in row] for row in matrix])


loaded(__name__)
