"""Train a classifier on the iris data that scikit-learn brings, and write it with its metrics.

    python train.py --version 1 --output model

The versions differ by algorithm. Training is deterministic: the same version gives the same answers anywhere.

Both algorithms end in a linear model, which is its coefficients and nothing more. They are written as numbers in
JSON, so the server needs neither scikit-learn, whose import costs seconds of CPU at every start of a pod, nor pickle,
which can run code.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import sklearn
from sklearn.datasets import load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

# The data set's split, and so its metrics, are the same for every version: they can be compared.
SEED = 0
TEST_SHARE = 0.3


def logistic_regression() -> Pipeline:
    """Version 1: the simplest model that does well."""
    return make_pipeline(StandardScaler(), LogisticRegression())


def discriminant_analysis() -> Pipeline:
    """Version 2: made for classes that are normally distributed, as these nearly are."""
    return make_pipeline(StandardScaler(), LinearDiscriminantAnalysis())


ALGORITHMS = {"1": logistic_regression, "2": discriminant_analysis}


def train(version: str, output: Path) -> dict[str, object]:
    """Train a version, write `model.json` and `metrics.json` into a directory, and return the metrics.

    Raises ValueError for a version that nobody has described.
    """
    if version not in ALGORITHMS:
        raise ValueError(f"unknown version {version!r}; known: {', '.join(ALGORITHMS)}")
    flowers = load_iris()
    model, test_features, test_labels = fit(version)
    metrics: dict[str, object] = {
        "model": "iris",
        "version": version,
        "algorithm": ALGORITHMS[version].__name__,
        "accuracy": round(accuracy_score(test_labels, model.predict(test_features)), 4),
        "log_loss": round(log_loss(test_labels, model.predict_proba(test_features)), 4),
        "trained_on": len(flowers.target) - len(test_labels),
        "tested_on": len(test_labels),
        "scikit_learn": sklearn.__version__,
    }
    weights, offsets = coefficients(model)
    written = {
        "model": "iris",
        "version": version,
        "features": list(flowers.feature_names),
        "labels": [str(name) for name in flowers.target_names],
        "weights": weights.tolist(),
        "offsets": offsets.tolist(),
    }
    output.mkdir(parents=True, exist_ok=True)
    for name, content in (("model", written), ("metrics", metrics)):
        (output / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")
    return metrics


def fit(version: str) -> tuple[Pipeline, np.ndarray, np.ndarray]:
    """Return the trained pipeline, and the features and labels that were kept for its test."""
    flowers = load_iris()
    train_features, test_features, train_labels, test_labels = train_test_split(
        flowers.data, flowers.target, test_size=TEST_SHARE, random_state=SEED, stratify=flowers.target
    )
    return ALGORITHMS[version]().fit(train_features, train_labels), test_features, test_labels


def coefficients(model: Pipeline) -> tuple[np.ndarray, np.ndarray]:
    """Return weights (a row a label, a column a feature) and offsets of the whole pipeline, scaling folded in.

    The probabilities are the softmax of `weights @ features + offsets`, for logistic regression and for
    discriminant analysis alike (scikit-learn's user guide, 1.1.11 and 1.2.2).
    """
    scaler, linear = model[0], model[-1]
    weights = linear.coef_ / scaler.scale_
    return weights, linear.intercept_ - weights @ np.asarray(scaler.mean_)


def main() -> None:
    """Read the command line, train, and print the metrics."""
    arguments = argparse.ArgumentParser(description="Train the iris classifier.")
    arguments.add_argument("--version", required=True, choices=sorted(ALGORITHMS))
    arguments.add_argument("--output", type=Path, default=Path("model"))
    given = arguments.parse_args()
    print(json.dumps(train(given.version, given.output), indent=2))  # noqa: T201 - this is a command


if __name__ == "__main__":
    main()
