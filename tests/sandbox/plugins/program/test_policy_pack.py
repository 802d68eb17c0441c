"""The policy pack under the real engine: what breaks a rule is stopped, before anything is made."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from policies.rules import RULES

ROOT = Path(__file__).resolve().parents[4]

# Components with Kubernetes' type tokens: the engine shows them to the pack as it shows the provider's resources, and
# no cluster is asked.
PROGRAM = """
    import pulumi

    class Object(pulumi.ComponentResource):
        def __init__(self, token, name, **properties):
            super().__init__(token, name, properties)
            self.register_outputs({})

    config = pulumi.Config()
    metadata = {"name": "churn", "namespace": "fraud-test", "labels": {"app.kubernetes.io/name": "churn"}}
    spec = {"type": config.require("type")}
    Object("kubernetes:core/v1:Service", "churn", kind="Service", metadata=metadata, spec=spec)
    if config.get_bool("pod"):
        image = pulumi.runtime.rpc.UNKNOWN if pulumi.runtime.is_dry_run() else config.require("image")
        Object(
            "kubernetes:core/v1:Pod",
            "churn-pod",
            kind="Pod",
            metadata=metadata,
            spec={
                "automountServiceAccountToken": False,
                "serviceAccountName": "model",
                "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
                "restartPolicy": "Never",
                "containers": [
                    {
                        "name": "model",
                        "image": image,
                        "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
                        "securityContext": {
                            "readOnlyRootFilesystem": True,
                            "allowPrivilegeEscalation": False,
                            "capabilities": {"drop": ["ALL"]},
                        },
                    }
                ],
            },
        )
    if config.get_bool("deployment"):
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "churn"}
        scaled = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 4}
        Object(
            "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
            "churn-hpa",
            kind="HorizontalPodAutoscaler",
            metadata=metadata,
            spec=scaled,
        )
        pod = {"automountServiceAccountToken": False, "serviceAccountName": "model", "containers": []}
        pod["affinity"] = {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}
        owned = {"replicas": 3, "template": {"spec": pod}}
        Object("kubernetes:apps/v1:Deployment", "churn-pods", kind="Deployment", metadata=metadata, spec=owned)
"""
WRONG = ROOT / "tests" / "support" / "wrong_objects.yaml"
WRONG_PROGRAM = """
    import pulumi
    import yaml

    class Object(pulumi.ComponentResource):
        def __init__(self, token, name, **properties):
            super().__init__(token, name, properties)
            self.register_outputs({})

    for each in yaml.safe_load_all(open(pulumi.Config().require("objects"))):
        version = each["apiVersion"] if "/" in each["apiVersion"] else "core/" + each["apiVersion"]
        Object(f"kubernetes:{version}:{each['kind']}", each["metadata"]["name"], **each)
"""


@pytest.fixture
def policed(project):
    project.describe(PROGRAM)
    project.environment["PULUMI_OPTION_POLICY_PACK"] = str(ROOT / "policies")
    return project


def made(project):
    return [resource["type"] for resource in project.resources() if resource["type"].startswith("kubernetes:")]


def test_a_mandatory_violation_stops_preview_and_up_and_says_how_to_mend_it(policed):
    policed.run("config", "set", "type", "NodePort")
    for command in (("preview",), ("up", "--yes"), ("up", "--yes", "--skip-preview")):
        told = policed.run(*command, succeeds=False)
        assert "service-not-node-port" in told
        assert "[mandatory]" in told
        assert "Use type ClusterIP" in told
    assert made(policed) == []


def test_what_a_preview_cannot_know_is_said_then_and_checked_before_it_is_made(policed):
    for key, value in (("type", "ClusterIP"), ("pod", "true"), ("image", "churn:8")):
        policed.run("config", "set", key, value)
    told = policed.run("preview")
    assert "image-digest" in told
    assert 'not checked yet: spec.containers["model"].image' in told
    assert "2 checks wait for the `up`: image-digest (1), image-not-latest (1)" in told
    told = policed.run("up", "--yes", succeeds=False)
    assert 'image "churn:8" has no digest' in told
    # The Service is made or not, as the engine came to it before the refusal or after.
    assert set(made(policed)) <= {"kubernetes:core/v1:Service"}
    policed.run("config", "set", "image", f"churn@sha256:{'8' * 64}")
    policed.run("up", "--yes")
    assert sorted(made(policed)) == ["kubernetes:core/v1:Pod", "kubernetes:core/v1:Service"]


def test_what_contradicts_another_object_is_stopped_before_it_is_applied_without_a_preview_too(policed):
    for key, value in (("type", "ClusterIP"), ("deployment", "true")):
        policed.run("config", "set", key, value)
    told = policed.run("up", "--yes", "--skip-preview", succeeds=False)
    assert "hpa-owns-replicas" in told
    assert "declares 3 replicas, which HorizontalPodAutoscaler fraud-test/churn owns" in told
    # Which of the two comes first is the engine's choice; the second is refused.
    assert not {"kubernetes:apps/v1:Deployment", "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"} <= set(
        made(policed)
    )


def test_a_rule_is_configured_as_any_other_of_pulumis(policed):
    policed.run("config", "set", "type", "NodePort")
    chosen = policed.write("policies.json", '{"service-not-node-port": "advisory"}')
    policed.environment["PULUMI_OPTION_POLICY_PACK_CONFIG"] = str(chosen)
    told = policed.run("up", "--yes")
    assert "service-not-node-port" in told
    assert "[advisory]" in told


def test_each_of_more_than_twenty_mistakes_is_on_the_screen_with_its_remedy_and_nothing_is_made(policed):
    policed.write("__main__.py", WRONG_PROGRAM)
    policed.run("config", "set", "objects", str(WRONG))
    told = policed.run("up", "--yes", succeeds=False)
    by_id = {rule.id: rule for rule in RULES}
    mistakes = [each["metadata"]["name"] for each in yaml.safe_load_all(WRONG.read_text())]
    assert len(set(mistakes)) == len(mistakes) > 20
    for rule in mistakes:
        of_rule = rf"\[mandatory\] \[severity: {by_id[rule].severity}\]  {rule}  \(.*: (.*)\)((?:\n +[^ -].*)+)"
        # Of two that contradict each other the engine shows what came last, and the message names the one to mend.
        shown = [text for where, text in re.findall(of_rule, told) if where == rule or f"a/{rule}: " in text]
        assert shown, rule
        assert by_id[rule].reason in shown[0]
        assert by_id[rule].remedy in shown[0]
    assert made(policed) == []
