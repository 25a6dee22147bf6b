"""The vocabulary of covariances: what each kind is called, which shape it has, and scikit-learn's words for it."""

from __future__ import annotations

from certflow.errors import InputError

#: The four kinds, with the number of axes that their values have: `s2`, (K,), (d, d), (K, d, d).
AXES = {"common-isotropic": 0, "isotropic": 1, "shared": 2, "full": 3}
KINDS = tuple(AXES)

#: How data are fitted (`GaussianMixture.fit`): this package's words and scikit-learn's, with the kind that results.
#: `common` is `common-isotropic`; `diag` has no kind of its own here and becomes `full`.
FITTED = {
    "common-isotropic": "common-isotropic",
    "isotropic": "isotropic",
    "shared": "shared",
    "full": "full",
    "common": "common-isotropic",
    "spherical": "isotropic",
    "tied": "shared",
    "diag": "full",
}


def check_fitted(covariance_type: object) -> str:
    """The kind of covariance that a fit of this type gives. Raises `InputError` for another word."""
    if not isinstance(covariance_type, str) or covariance_type not in FITTED:
        raise InputError("covariance_type", covariance_type, f"one of {', '.join(FITTED)}")
    return FITTED[covariance_type]
