from __future__ import annotations

import json
import subprocess
import sys

import pytest


@pytest.mark.parametrize("version", ["1", "2"])
def test_training_is_deterministic(train, models, tmp_path, version):
    train.train(version, tmp_path)
    for name in ("model.json", "metrics.json"):
        assert (tmp_path / name).read_bytes() == (models[version] / name).read_bytes()


def test_the_versions_are_different_models_and_both_are_good(models):
    metrics = {version: json.loads((path / "metrics.json").read_text()) for version, path in models.items()}
    assert metrics["1"]["algorithm"] != metrics["2"]["algorithm"]
    for version in ("1", "2"):
        assert metrics[version]["version"] == version
        assert metrics[version]["accuracy"] > 0.95
        assert metrics[version]["tested_on"] == 45


@pytest.mark.parametrize("version", ["1", "2"])
def test_the_server_answers_what_scikit_learn_would(train, server_module, models, version):
    pipeline, features, _ = train.fit(version)
    classifier = server_module.Classifier.load(models[version])
    for flower, expected in zip(features.tolist(), pipeline.predict_proba(features), strict=True):
        answer = classifier.predict(flower)
        assert answer.label == classifier.labels[expected.argmax()]
        assert answer.probability == pytest.approx(expected.max(), abs=1e-4)


def test_an_unknown_version_is_refused_with_the_known_ones(iris, train, tmp_path):
    with pytest.raises(ValueError, match=r"unknown version '9'; known: 1, 2"):
        train.train("9", tmp_path)
    command = [sys.executable, iris / "train.py", "--version", "9", "--output", tmp_path]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
    assert not list(tmp_path.iterdir())
