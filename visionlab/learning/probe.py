"""The linear probe: a quick linear head on features, for questions that need many of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

STRENGTH = 1.0  # of the L2 penalty against the mean cross-entropy


def linear_probe(features: NDArray[np.float32], labels: NDArray[np.int64]) -> Pipeline:
    """Multinomial logistic regression on standardised features (N, F), of two classes or more among N labels.

    It minimises mean cross-entropy + STRENGTH/2 · ‖W‖², as a linear head does, to scikit-learn's tolerance.
    """
    from sklearn.linear_model import LogisticRegression  # late: a second to import
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    logistic = LogisticRegression(C=1 / (STRENGTH * len(labels)), max_iter=1000)
    return make_pipeline(StandardScaler(), logistic).fit(features, labels)
