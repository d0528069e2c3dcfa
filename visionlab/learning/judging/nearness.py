"""Which pictures are near each other by what a network says of them: on a plane, and each one's nearest.

PCA (Pearson 1901) at once; t-SNE (van der Maaten & Hinton 2008, “Visualizing data using t-SNE”, JMLR 9), and UMAP
(McInnes, Healy & Melville 2018, arXiv:1802.03426) where umap-learn is installed, a stretch at a time, so that they can
be watched and stopped.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from visionlab.errors import ParameterError

KEPT = 50  # of the principal components t-SNE begins with: what is beyond is mostly noise, and takes time
PERPLEXITY = 30  # about so many pictures are counted as near
STRETCHES, STRETCH = 4, 250  # of t-SNE's steps: as many together as scikit-learn takes by itself
NEIGHBOURS, EPOCHS = 15, 100  # of UMAP: as many as it takes by itself, and of each stretch, a fifth of what it takes
NEAR = 8  # pictures that are asked whether one is among its own


def principal(features: NDArray[np.float32], count: int = 2) -> NDArray[np.float32]:
    """(N, F) → (N, count) float32: the first principal components, each so that its largest value is positive.

    Fewer where there are fewer pictures or features: what is missing is 0.
    """
    x = _checked(features)
    x = x - x.mean(0)
    found = np.zeros((len(x), count), np.float32)
    if not x.any():
        return found
    if len(x) <= x.shape[1]:  # the smaller of both matrices
        values, vectors = np.linalg.eigh(x @ x.T)
        scores = vectors * np.sqrt(values.clip(min=0))
    else:
        _, vectors = np.linalg.eigh(x.T @ x)
        scores = x @ vectors
    scores = scores[:, ::-1][:, :count]
    signs = np.sign(scores[np.abs(scores).argmax(0), np.arange(scores.shape[1])])
    found[:, : scores.shape[1]] = scores * np.where(signs == 0, 1, signs)
    return found


def neighbouring(features: NDArray[np.float32], seed: int = 0) -> Iterator[NDArray[np.float32]]:
    """t-SNE of (N, F): places (N, 2) float32 after each of STRETCHES stretches of STRETCH steps, the last one whole.

    It begins with principal(), so that the same pictures come to lie much alike again. Of four pictures or fewer those
    are the places.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.manifold import TSNE

    x = _checked(features)
    places = principal(x)
    if len(x) <= 4 or not places.any():
        yield places
        return
    near = min(PERPLEXITY, (len(x) - 1) / 3)
    start = principal(x, min(KEPT, *x.shape))
    places = places / places[:, 0].std() * 1e-4  # as scikit-learn scales what it begins with
    for stretch in range(STRETCHES):
        model = TSNE(
            2,
            perplexity=near,
            early_exaggeration=1.0 if stretch else 12.0,  # once: it gathers what belongs together
            max_iter=STRETCH,
            init=places.astype(np.float32),
            random_state=seed,
            n_jobs=1,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            places = model.fit_transform(start).astype(np.float32)
        yield places


def by_umap(features: NDArray[np.float32], seed: int = 0) -> Iterator[NDArray[np.float32]]:
    """UMAP of (N, F): places (N, 2) float32 after each of STRETCHES + 1 stretches. It needs umap-learn.

    Who is near whom is found once. As t-SNE it begins with principal(), and of four pictures or fewer those are the
    places.
    """
    from umap import UMAP
    from umap.umap_ import nearest_neighbors

    x = _checked(features)
    places = principal(x)
    if len(x) <= 4 or not places.any():
        yield places
        return
    count = min(NEIGHBOURS, len(x) - 1)
    random = np.random.RandomState(seed)
    near = nearest_neighbors(x, count, "euclidean", {}, False, random)
    places *= 10 / np.abs(places).max()  # as it scales what it begins with itself
    for _ in range(STRETCHES + 1):
        model = UMAP(count, n_epochs=EPOCHS, init=places, random_state=seed, n_jobs=1, precomputed_knn=near)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of few pictures, that it knows more than it needs
            places = model.fit_transform(x).astype(np.float32)
        yield places


@dataclass(frozen=True)
class Way:
    """To place pictures: its title; what places (N, F) features, a stretch at a time, and in how many at most; why one
    takes it."""

    title: str
    place: Callable[[NDArray[np.float32]], Iterator[NDArray[np.float32]]]
    stretches: int
    why: str


WAYS = {
    "pca": Way("PCA", lambda features: iter([principal(features)]), 1, "the two directions in which they differ most"),
    "t-sne": Way(
        "t-SNE",
        neighbouring,
        STRETCHES,
        "what is near stays near, and how far groups are apart means little; it takes a while (van der Maaten & Hinton "
        "2008)",
    ),
}
if find_spec("umap"):
    WAYS["umap"] = Way(
        "UMAP", by_umap, STRETCHES + 1, "as t-SNE, and keeps a little more of how groups lie (McInnes et al. 2018)"
    )


def nearest(features: NDArray[np.float32], index: int, count: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The `count` pictures that are nearest to one by the cosine of their features (N, F), the nearest first, without
    itself: their indices, and the cosines, −1..1.
    """
    x = _checked(features)
    if not 0 <= index < len(x):
        raise ParameterError(f"There is no picture {index} among {len(x)}.")
    cosines = _units(x) @ _units(x[index : index + 1])[0]
    order = np.argsort(-cosines, kind="stable")
    order = order[order != index][:count]
    return order, cosines[order].astype(np.float32)


def strays(features: NDArray[np.float32], labels: NDArray[np.int64], near: int = NEAR) -> NDArray[np.bool_]:
    """(N,): which pictures have more of one other class than of their own among their nearest by cosine.

    Each of those counts by how near it is. It is what a person sees on the plane, without what the plane loses.
    """
    x = _units(_checked(features))
    labels = np.asarray(labels)
    found = np.zeros(len(x), bool)
    near = min(near, len(x) - 1)
    if near < 1:
        return found
    classes = int(labels.max()) + 1
    for first in range(0, len(x), 512):  # a block of the cosines, not all of them
        cosines = x[first : first + 512] @ x.T
        rows = np.arange(len(cosines))
        cosines[rows, first + rows] = -np.inf
        close = np.argpartition(-cosines, near - 1, 1)[:, :near]
        weights = np.take_along_axis(cosines, close, 1).clip(min=0)
        votes = np.zeros((len(cosines), classes))
        np.add.at(votes, (rows[:, None], labels[close]), weights)
        own = labels[first : first + 512]
        found[first : first + 512] = votes.max(1) > votes[rows, own]
    return found


def _checked(features: NDArray[np.float32]) -> NDArray[np.float32]:
    x = np.asarray(features, np.float32)
    if x.ndim != 2 or not len(x) or not np.isfinite(x).all():
        raise ParameterError(f"Features are finite numbers of shape (N, F), not {x.shape}.")
    return x


def _units(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each row scaled to unit length; one of zeros stays so."""
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
