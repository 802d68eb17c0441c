from __future__ import annotations

import json

import pytest
from hypothesis import given as over
from hypothesis import strategies as st

from infra.guard.smoke import Smoke, misses

PREDICT = Smoke(path="/predict", body={"rows": [[1, 2]]}, json={"version": "{version}", "classes": ["setosa"]})


def test_the_version_stands_in_path_body_and_expectation():
    smoke = Smoke(path="/v/{version}", body={"v": ["{version}", 1]}, json={"version": "{version}"}).for_version("7")
    assert (smoke.path, smoke.body, smoke.json) == ("/v/7", {"v": ["7", 1]}, {"version": "7"})


def test_a_request_without_a_body_is_a_get():
    assert (Smoke(path="/readyz").method, PREDICT.method) == ("GET", "POST")


def test_an_answer_with_more_than_expected_will_do():
    answer = {"version": "7", "classes": ["setosa"], "seconds": 0.1}
    assert PREDICT.for_version("7").judge(200, json.dumps(answer).encode()) is None


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (503, b"loading", "answered 503 where 200 is expected: loading"),
        (500, b"", "an empty body"),
        (200, b"<html>", "answered no JSON: <html>"),
        (200, b'{"classes": ["setosa"]}', 'version is missing ("7" is expected)'),
        (200, b'{"version": "6", "classes": ["setosa"]}', 'version is "6" where "7" is expected'),
        (200, b'{"version": "7", "classes": ["setosa", "setosa"]}', 'classes is ["setosa", "setosa"]'),
        (200, b'{"version": "7", "classes": ["virginica"]}', 'classes[0] is "virginica" where "setosa"'),
        (200, b"[]", "the answer is [] where"),
    ],
)
def test_a_wrong_answer_is_named_with_what_was_expected(status, body, said):
    assert said in (PREDICT.for_version("7").judge(status, body) or "")


def test_true_is_not_one():
    assert misses({"ok": True}, {"ok": 1}) is not None
    assert misses({"ok": 1}, {"ok": True}) is not None
    assert misses({"ok": 1}, {"ok": 1.0}) is None


def test_a_long_answer_is_cut():
    assert len(PREDICT.judge(500, b"x" * 10_000)) < 200


def test_frozen_settings_are_judged_like_plain_json():
    from infra.settings.values import freeze

    assert misses(freeze({"a": {"b": [1, {"c": None}]}}), {"a": {"b": [1, {"c": None}]}}) is None


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@over(documents)
def test_every_document_contains_itself(document):
    assert misses(document, document) is None


@over(st.dictionaries(st.text(), documents, max_size=3), st.text(), documents)
def test_a_missing_key_is_always_found(document, key, value):
    assert misses({**document, key: value}, {k: v for k, v in document.items() if k != key}) is not None
