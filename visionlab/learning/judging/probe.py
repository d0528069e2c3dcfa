"""The linear probe: a quick linear head on features, for questions that need many of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from visionlab.learning.features.scaling import STRENGTH, Scale

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def linear_probe(features: NDArray[np.float32], labels: NDArray[np.int64]) -> Pipeline:
    """Multinomial logistic regression on scaled features (N, F), of two classes or more among N labels.

    It minimises mean cross-entropy + STRENGTH/2 · ‖W‖², as a linear head does, to scikit-learn's tolerance.
    """
    from sklearn.linear_model import LogisticRegression  # late: a second to import
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    scale = Scale.of(torch.from_numpy(np.asarray(features, np.float64)))
    scaling = FunctionTransformer(lambda x: scale(torch.from_numpy(np.asarray(x, np.float64))).numpy())
    logistic = LogisticRegression(C=1 / (STRENGTH * len(labels)), max_iter=1000)
    return make_pipeline(scaling, logistic).fit(features, labels)
