"""How long an operation may take, and who decides."""

from __future__ import annotations

import pytest

from sandbox.plugins.kubernetes.readiness import awaits, default_timeout, timeout_for


def annotated(kind: str = "Deployment", api_version: str = "apps/v1", **annotations: str) -> dict:
    notes = {f"pulumi.com/{key}": value for key, value in annotations.items()}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"annotations": notes}}


@pytest.mark.parametrize(
    ("kind", "operation", "seconds"),
    [
        ("Deployment", "create", 600),
        ("Deployment", "delete", 600),
        ("Job", "create", 600),
        ("Job", "delete", 300),
        ("PersistentVolumeClaim", "create", 300),
        ("ConfigMap", "delete", 300),
    ],
)
def test_defaults_are_upstreams(kind, operation, seconds):
    assert default_timeout(kind, operation) == seconds


def test_a_custom_timeout_wins_over_the_annotation_and_that_over_the_default():
    assert timeout_for(annotated(timeoutSeconds="30"), "create", 5.0) == 5
    assert timeout_for(annotated(timeoutSeconds="30"), "create", 0) == 30
    assert timeout_for(annotated(), "create") == 600


def test_an_annotation_that_is_no_whole_number_is_passed_over():
    assert timeout_for(annotated(timeoutSeconds="soon"), "update") == 600


def test_skip_await_is_the_text_true_and_nothing_else():
    assert not awaits(annotated(skipAwait="true"))
    assert awaits(annotated(skipAwait="false"))
    assert awaits({"apiVersion": "v1", "kind": "Service", "metadata": {}})


def test_skip_await_spares_the_wait_for_a_deletion_only_where_upstream_does():
    assert not awaits(annotated(skipAwait="true"), "delete")
    assert awaits(annotated("Service", "v1", skipAwait="true"), "delete")
