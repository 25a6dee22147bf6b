"""Faults in the parameters of a mixture, and in how responsibilities are made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from certflow.numbers.arrays import Floats, Matrices, Weights
from certflow.testing.causes.code import Asked, Code
from certflow.testing.causes.fault import Fault
from certflow.testing.precision import PRECISIONS

#: Up to so many components the loss of each one is tried.
_COMPONENTS = 32


def parameter_faults(code: Code) -> Iterator[Fault]:
    """Those that make sense for a mixture of so many components and dimensions, simplest first."""
    yield from _of_weights(code)
    yield from _of_responsibilities(code)
    yield from _of_means(code)
    yield from _of_covariances(code)
    yield from _of_components(code)
    yield from _of_digits()


def _with(name: str, sentence: str, **changes: Callable[[Code], Any]) -> Fault:
    """A fault that replaces parts of the code, each by what a function makes of it."""

    def make(code: Code, _: Asked) -> Code:
        return replace(code, **{key: change(code) for key, change in changes.items()})

    return Fault(name, sentence, make)


def _of_weights(code: Code) -> Iterator[Fault]:
    if len(code.weights) == 1:
        return
    equal = 1 / len(code.weights)
    yield _with("weights lost", "all components have the same weight in it", weights=lambda c: 0 * c.weights + equal)
    yield _with("weights twice", "the weights stand in it twice, squared", weights=lambda c: c.weights**2)
    yield _with("root of weights", "it has the roots of the weights", weights=lambda c: np.sqrt(c.weights))
    yield _with(
        "inverse weights", "it has one over the weights, or minus their logarithms", weights=lambda c: 1 / c.weights
    )
    for words, order in _orders(len(code.weights)):
        yield _with(
            "weights swapped", f"the weights belong to other components: {words}", weights=_taken("weights", order)
        )


def _of_responsibilities(code: Code) -> Iterator[Fault]:
    yield _with(
        "log det lost", "the determinants of the covariances are missing in the responsibilities", logdet=_(0.0)
    )
    yield _with("log det twice", "the responsibilities have log det C where log det C / 2 is right", logdet=_(-1.0))
    yield _with("log det sign", "log det C has the wrong sign in the responsibilities", logdet=_(0.5))
    dimension = code.means.shape[1]
    if dimension > 1:
        sentence = f"log v / 2 stands in the responsibilities for d log v / 2, d = {dimension}"
        yield _with("log det of one dimension", sentence, logdet=_(-0.5 / dimension))
    yield _with("half lost", "the responsibilities have |z|^2 / v where |z|^2 / (2 v) is right", half=_(1.0))
    yield _with("half twice", "the responsibilities have |z|^2 / (4 v) where |z|^2 / (2 v) is right", half=_(0.25))
    yield _with("exponent's sign", "the responsibilities have exp(+|z|^2 / (2 v))", half=_(-0.5))
    yield _with("distances lost", "the responsibilities do not depend on x", half=_(0.0))
    if len(code.weights) == 1:
        return
    yield _with("nearest component only", "it takes the most likely component alone, no average", blend=_(_hardest))
    yield _with(
        "prior weights", "it averages with the weights of the mixture, not with the responsibilities", blend=_(_prior)
    )
    yield _with("plain average", "it averages over the components, each of the same share", blend=_(_flat))
    sentence = "its softmax runs over the rows of the batch, not over the components"
    yield replace(_with("softmax over the batch", sentence, blend=_(_over_batch)), batch=True)
    yield _with("densities not divided", "its responsibilities are not divided by their sum", blend=_(_undivided))
    yield _with("sharper softmax", "its softmax has twice the logits", blend=_(lambda logits, w: _soft(2 * logits)))
    yield _with("flatter softmax", "its softmax has half the logits", blend=_(lambda logits, w: _soft(logits / 2)))
    yield _with("sigmoid", "each responsibility is a sigmoid of its logit, not a softmax of all", blend=_(_sigmoid))


def _of_means(code: Code) -> Iterator[Fault]:
    yield _with("means negated", "x + m mu stands where x - m mu is right", means=lambda c: -c.means)
    yield _with("sign of the mean", "x + m mu stands in the components' scores where x - m mu is right", side=_(1.0))
    yield _with("means lost", "all means are 0 in it", means=lambda c: 0 * c.means)
    yield _with("means lost in the scores", "the components' scores do without the means", side=_(0.0))
    for words, order in _orders(len(code.weights)):
        yield _with("means swapped", f"the means belong to other components: {words}", means=_taken("means", order))
    if code.means.shape[1] > 1:
        backwards = lambda c: c.means[:, ::-1]  # noqa: E731
        yield _with(
            "coordinates of the means swapped", "the means have their coordinates in reverse order", means=backwards
        )
    if code.means.shape[0] == code.means.shape[1] > 1:
        yield _with("means transposed", "the matrix of the means is transposed", means=lambda c: c.means.T)
    if len(code.weights) > 1:
        yield _with("means centred", "the mean of the mixture is taken off the means", means=_centred)


def _of_covariances(code: Code) -> Iterator[Fault]:
    for name, sentence, make in _SPECTRAL:
        yield _with(name, sentence, covariances=_spectral(make))
    yield _with("covariances lost", "all covariances are 0 in it", covariances=lambda c: 0 * c.covariances)
    yield _with(
        "unit covariances",
        "all covariances are I in it",
        covariances=lambda c: 0 * c.covariances + np.eye(c.means.shape[1]),
    )
    yield _with("diagonal covariances", "only the diagonals of the covariances count in it", covariances=_diagonal)
    yield _with(
        "mean variance", "one variance, the mean of the diagonal, stands for each covariance", covariances=_rounded_off
    )
    yield _with(
        "Cholesky factor",
        "the Cholesky factor L stands for the covariance L L^T",
        covariances=lambda c: np.linalg.cholesky(c.covariances),
    )
    yield _with("transposed Cholesky factor", "L^T L stands for the covariance L L^T", covariances=_transposed)
    yield _with(
        "first covariance",
        "all components have the covariance of the first",
        covariances=lambda c: c.covariances[[0] * len(c.weights)],
    )
    yield _with(
        "last covariance",
        "all components have the covariance of the last",
        covariances=lambda c: c.covariances[[-1] * len(c.weights)],
    )
    yield _with(
        "mean covariance",
        "all components have the mean of the covariances",
        covariances=lambda c: np.repeat(c.covariances.mean(0)[None], len(c.weights), 0),
    )
    for words, order in _orders(len(code.weights)):
        yield _with(
            "covariances swapped",
            f"the covariances belong to other components: {words}",
            covariances=_taken("covariances", order),
        )
    for name, sentence, power in _NOISED:
        yield _with(name, sentence, taken=_(power))
    yield _with("1/v forgotten", "C^{-1} is missing in the components' scores", power=_(0.0))
    yield _with("root of 1/v", "C^{-1/2} stands for C^{-1} in the components' scores", power=_(0.5))
    yield _with("1/v twice", "C^{-2} stands for C^{-1} in the components' scores", power=_(2.0))


def _of_components(code: Code) -> Iterator[Fault]:
    count = len(code.weights)
    if count > 1:
        for k in range(min(count, _COMPONENTS)):
            yield _kept(
                "component lost", f"component {k} (counted from 0) is missing", [i for i in range(count) if i != k]
            )
        yield _kept("first component only", "only the first component counts", [0])
        yield _kept("last component only", "only the last component counts", [count - 1])
        yield _with(
            "one Gaussian", "it is the score of the Gaussian with the mean and covariance of the mixture", **_MERGED
        )
    prior = {key: _prior_part(key) for key in ("weights", "means", "covariances")}
    yield _with("prior", "it is the score of N(0, I), whatever the mixture", **prior)


def _of_digits() -> Iterator[Fault]:
    for name in ("float32", "float16", "bfloat16"):
        changes = {key: _rounded(key, name) for key in ("weights", "means", "covariances")}
        yield _with(f"{name} parameters", f"its parameters are those of the mixture rounded to {name}", **changes)
        for key, change in changes.items():
            yield _with(f"{name} parameters", f"its {key} are those of the mixture rounded to {name}", **{key: change})


# -- what the table is made of -----------------------------------------------------------------------------


def _(value: Any) -> Callable[[Code], Any]:
    return lambda _code: value


def _taken(key: str, order: list[int]) -> Callable[[Code], Any]:
    return lambda c: getattr(c, key)[order]


def _rounded(key: str, name: str) -> Callable[[Code], Any]:
    return lambda c: PRECISIONS[name].rounded(getattr(c, key))


def _kept(name: str, sentence: str, rows: list[int]) -> Fault:
    return _with(name, sentence, **{key: _taken(key, rows) for key in ("weights", "means", "covariances")})


def _orders(count: int) -> Iterator[tuple[str, list[int]]]:
    """Ways in which components get swapped."""
    if count < 2:
        return
    rows = list(range(count))
    yield "in reverse order", rows[::-1]
    if count > 2:
        yield "each to the one before", rows[1:] + rows[:1]
        yield "each to the one after", rows[-1:] + rows[:-1]
        for i in range(min(count, 6)):
            for j in range(i + 1, min(count, 6)):
                order = rows.copy()
                order[i], order[j] = j, i
                yield f"{i} and {j} exchanged", order


def _soft(logits: Floats) -> Weights:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _hardest(logits: Floats, weights: Floats) -> Weights:
    return np.asarray(np.eye(len(weights))[np.argmax(logits, axis=1)])


def _prior(logits: Floats, weights: Floats) -> Weights:
    return np.broadcast_to(weights, logits.shape)


def _flat(logits: Floats, weights: Floats) -> Weights:
    return np.full(logits.shape, 1 / len(weights))


def _over_batch(logits: Floats, weights: Floats) -> Weights:
    return _soft(logits.T).T


def _undivided(logits: Floats, weights: Floats) -> Weights:
    return np.exp(logits)


def _sigmoid(logits: Floats, weights: Floats) -> Weights:
    return np.asarray(1 / (1 + np.exp(-logits)))


def _centred(code: Code) -> Any:
    return code.means - code.weights @ code.means / code.weights.sum()


def _diagonal(code: Code) -> Matrices:
    return np.asarray(code.covariances * np.eye(code.means.shape[1]))


def _rounded_off(code: Code) -> Matrices:
    means = np.trace(code.covariances, axis1=1, axis2=2) / code.means.shape[1]
    return np.asarray(means[:, None, None] * np.eye(code.means.shape[1]))


def _transposed(code: Code) -> Matrices:
    factors = np.linalg.cholesky(code.covariances)
    return np.asarray(np.swapaxes(factors, 1, 2) @ factors)


def _spectral(function: Callable[[Floats], Floats]) -> Callable[[Code], Matrices]:
    """A function of the covariances by their eigenvalues."""

    def make(code: Code) -> Matrices:
        values, vectors = np.linalg.eigh(code.covariances)
        return np.asarray(np.einsum("kij,kj,klj->kil", vectors, function(values), vectors))

    return make


_SPECTRAL: tuple[tuple[str, str, Callable[[Floats], Floats]], ...] = (
    (
        "variance for its root",
        "sigma^2 is squared once more: it takes the variance for a standard deviation",
        np.square,
    ),
    ("root for the variance", "it takes the standard deviation for the variance: sigma stands for sigma^2", np.sqrt),
    ("precision for the covariance", "the inverses of the covariances stand for them", lambda v: 1 / v),
    ("covariances twice", "the covariances are twice what they should be", lambda v: 2 * v),
    ("half the covariances", "the covariances are half of what they should be", lambda v: v / 2),
)


#: Powers of the covariances of the noised components, `m^2 Sigma + (1 - m^2) I`, that stand for them.
_NOISED: tuple[tuple[str, str, float], ...] = (
    (
        "variance for its root",
        "v^2 stands for the variance v of a noised component: v is handed over where its root, the deviation, is meant",
        2.0,
    ),
    (
        "root for the variance",
        "sqrt(v) stands for the variance v of a noised component: the deviation is handed over where v is meant",
        0.5,
    ),
)


def _merged_mean(code: Code) -> Any:
    return code.weights @ code.means / code.weights.sum()


def _merged_covariance(code: Code) -> Any:
    w = code.weights / code.weights.sum()
    apart = code.means - w @ code.means
    return np.einsum("k,kij->ij", w, code.covariances) + np.einsum("k,ki,kj->ij", w, apart, apart)


_MERGED: dict[str, Callable[[Code], Any]] = {
    "weights": lambda c: np.ones(1),
    "means": lambda c: _merged_mean(c)[None],
    "covariances": lambda c: _merged_covariance(c)[None],
}


def _prior_part(key: str) -> Callable[[Code], Any]:
    parts: dict[str, Callable[[Code], Any]] = {
        "weights": lambda c: np.ones(1),
        "means": lambda c: np.zeros((1, c.means.shape[1])),
        "covariances": lambda c: np.eye(c.means.shape[1])[None],
    }
    return parts[key]
