"""Whatever a stack may validly say of teams, a real API server takes, validated strictly."""

from __future__ import annotations

import pytest
from tenants import WHOLE, apply, manifests

from sandbox.paths import REPOSITORY

PAGE = (REPOSITORY / "docs" / "teams.md").read_text().split("```yaml\n", 1)[1].split("```", 1)[0]
QUOTAS = (
    "{pods: '1', requests.cpu: '1', requests.memory: 1Gi, limits.cpu: '1', limits.memory: 1Gi, cpu: '1',"
    " memory: 1Gi, requests.nvidia.com/gpu: '1'}"
)
ROOM = "allocatable: {cpu: '64', memory: 1Ti}, max: 9"
GPUS = f"{{{ROOM}, accelerators: {{nvidia.com/gpu: 1}}, taints: ['nvidia.com/gpu:NoSchedule']}}"
PLUGIN = f"devicePlugin: {{image: 'mirror/plugin@sha256:{'a' * 64}'}}"


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        ("whole", WHOLE),
        ("page", PAGE),
        # Every key that the settings let a quota of one priority class have.
        ("scoped", WHOLE.replace('{pods: "20", requests.nvidia.com/gpu: "1"}', QUOTAS)),
        ("six", WHOLE.replace("cidr:10.20.0.0/16:5432", "cidr:::/0")),
        ("attributes", WHOLE.replace("volumeHandle: fs-1, ", "")),
        (
            "devices",
            WHOLE.replace(
                "context: prod-eu", f"context: prod-eu, {PLUGIN}, nodePools: {{general: {{{ROOM}}}, l4: {GPUS}}}"
            ),
        ),
    ],
    ids=lambda value: value if "\n" not in value else "",
)
def test_every_object_of_a_valid_stack_is_taken(client, environment, text):
    admin = client()
    refused = {}
    for manifest in manifests(text.replace("environment: prod", f"environment: {environment}")):
        status, answer = apply(admin, manifest)
        if status not in (200, 201):
            refused[f"{manifest['kind']} {manifest['metadata']['name']}"] = answer["message"]
    assert refused == {}


def test_what_the_settings_refuse_of_a_scoped_quota_the_api_server_refuses_as_well(client):
    """The control, and the reason for the rule."""
    scope = {"scopeName": "PriorityClass", "operator": "In", "values": ["batch"]}
    for key in ("services", "requests.storage", "persistentvolumeclaims", "requests.ephemeral-storage"):
        spec = {"hard": {key: "1"}, "scopeSelector": {"matchExpressions": [scope]}}
        body = {"metadata": {"name": "x"}, "spec": spec}
        path = "/api/v1/namespaces/default/resourcequotas?dryRun=All"
        status, answer = client().request("POST", path, body)
        assert (status, "unsupported scope" in answer["message"]) == (422, True), (key, answer["message"])
