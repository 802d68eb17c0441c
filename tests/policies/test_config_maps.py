from __future__ import annotations

import pytest

from policies.rules import RULES, UNKNOWN, concerns

RULE = next(rule for rule in RULES if rule.id == "no-secret-in-config-map")


def config_map(data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "churn-blue-0"}, "data": data}


@pytest.mark.parametrize("data", [None, {}, {"THRESHOLD": "0.5"}, {"MAX_TOKENS": "5"}, {"TOKEN": ""}, "text"])
def test_a_config_map_of_settings_passes(data, told):
    assert told(RULE, config_map(data)) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("DB_PASSWORD", "hush-hush"), ("DATABASE", "postgres://me:hush-hush@db/x"), ("service.password", "hush-hush")],
)
@pytest.mark.parametrize("token", ["kubernetes:core/v1:ConfigMap", "kubernetes:core/v1:ConfigMapPatch"])
def test_a_secret_among_the_variables_of_a_slot_is_found_and_not_shown(name, value, token, told):
    [found] = told(RULE, config_map({name: value, "A": "1"}), token)
    assert found == f"data.{name}: holds a secret in plain text"


@pytest.mark.parametrize(
    ("data", "expected"), [(UNKNOWN, ["data?"]), ({"A": UNKNOWN, "B_TOKEN": "x"}, ["data.A?", "data.B_TOKEN"])]
)
def test_what_a_preview_does_not_know_is_reported_as_not_checked(data, expected, told):
    assert [line.partition(":")[0] for line in told(RULE, config_map(data))] == expected


def test_config_maps_are_looked_at_and_secrets_are_not():
    assert concerns(RULE, "kubernetes:core/v1:ConfigMap")
    assert not concerns(RULE, "kubernetes:core/v1:Secret")
