from __future__ import annotations

import pytest

from policies.rules import RULES, UNKNOWN

BY_ID = {rule.id: rule for rule in RULES}


@pytest.mark.parametrize("spec", [{}, None, {"type": "ClusterIP"}, {"type": "LoadBalancer"}, {"type": "ExternalName"}])
def test_a_service_without_a_node_port_passes(spec, told):
    assert told(BY_ID["service-not-node-port"], {"kind": "Service", "spec": spec}) == []


@pytest.mark.parametrize("token", ["kubernetes:core/v1:Service", "kubernetes:core/v1:ServicePatch"])
def test_a_node_port_is_found(token, told):
    assert told(BY_ID["service-not-node-port"], {"kind": "Service", "spec": {"type": "NodePort"}}, token) == [
        "spec.type: opens a port on every node (NodePort)"
    ]


@pytest.mark.parametrize("spec", [UNKNOWN, {"type": UNKNOWN}])
def test_an_unknown_type_is_reported_as_not_checked(spec, told):
    assert told(BY_ID["service-not-node-port"], {"kind": "Service", "spec": spec}) == ["spec.type?"]


@pytest.mark.parametrize("kind", ["Role", "ClusterRole"])
@pytest.mark.parametrize(
    ("granted", "expected"),
    [
        ({"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]}, []),
        ({"nonResourceURLs": ["/healthz/*"], "verbs": ["get"]}, []),
        ({}, []),
        ({"apiGroups": ["*"]}, ['rules[0].apiGroups: grants "*"']),
        ({"resources": ["*"]}, ['rules[0].resources: grants "*"']),
        ({"resources": ["*/scale"]}, ['rules[0].resources: grants "*/scale"']),
        ({"verbs": ["get", "*"]}, ['rules[0].verbs: grants "*"']),
        ({"nonResourceURLs": ["*"]}, ['rules[0].nonResourceURLs: grants "*"']),
        ({"verbs": UNKNOWN}, ["rules[0].verbs?"]),
        ({"verbs": ["get", UNKNOWN]}, ["rules[0].verbs?"]),
    ],
)
def test_a_role_names_what_it_grants(kind, granted, expected, told):
    assert told(BY_ID["rbac-no-wildcards"], {"kind": kind, "rules": [granted]}) == expected


@pytest.mark.parametrize("rules", [None, [], "text", [None], [3]])
def test_a_role_without_rules_grants_nothing(rules, told):
    assert told(BY_ID["rbac-no-wildcards"], {"kind": "Role", "rules": rules}) == []


def test_unknown_rules_are_reported_as_not_checked(told):
    assert told(BY_ID["rbac-no-wildcards"], {"kind": "Role", "rules": UNKNOWN}) == [
        f"rules[0].{key}?" for key in ("apiGroups", "resources", "verbs", "nonResourceURLs")
    ]
