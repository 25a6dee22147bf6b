"""The vocabulary of covariances: what each kind is called, which shape it has, and scikit-learn's words for it."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from certflow.errors import unknown

#: The four kinds.
Kind = Literal["common-isotropic", "isotropic", "shared", "full"]
KINDS: tuple[Kind, ...] = get_args(Kind)

#: The number of axes that the values of each kind have: `s2`, (K,), (d, d), (K, d, d).
AXES: dict[str, int] = {kind: axes for axes, kind in enumerate(KINDS)}


class Model(NamedTuple):
    """What is fitted to data for one word: the kind of covariance that results, from which one of scikit-learn's."""

    word: str
    kind: Kind
    estimator: str


#: How data are fitted (`GaussianMixture.fit`): this package's words and scikit-learn's. `common` is `common-isotropic`,
#: the mean variance of a tied matrix; `diag` has no kind of its own here and becomes `full`.
FITTED = {
    model.word: model
    for model in (
        Model("common-isotropic", "common-isotropic", "tied"),
        Model("isotropic", "isotropic", "spherical"),
        Model("shared", "shared", "tied"),
        Model("full", "full", "full"),
        Model("common", "common-isotropic", "tied"),
        Model("spherical", "isotropic", "spherical"),
        Model("tied", "shared", "tied"),
        Model("diag", "full", "diag"),
    )
}


def check_fitted(covariance_type: object) -> Model:
    """What a fit of this type is. Raises `InputError` for another word."""
    if not isinstance(covariance_type, str) or covariance_type not in FITTED:
        raise unknown("covariance_type", covariance_type, FITTED)
    return FITTED[covariance_type]
