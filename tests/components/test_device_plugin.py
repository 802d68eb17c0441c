from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from components.device_plugin import DevicePlugin, DevicePluginArgs
from components.node_pool import Taint
from policies.rules import RULES, findings

DOCS = Path(__file__).parents[2] / "docs" / "clusters.md"
ARGS = {
    "environment": "prod",
    "namespace": "kube-system",
    "image": f"registry.example.com/k8s-device-plugin@sha256:{'a' * 64}",
    "pools": ["l4", "a100"],
    "taints": [Taint(key="nvidia.com/gpu", value="", effect="NoSchedule")],
}


@pytest.fixture(scope="module")
def declared(engine):
    return engine.run(lambda: DevicePlugin("a", DevicePluginArgs(**ARGS)))


def pod(declared):
    return declared.object("DaemonSet", "nvidia-device-plugin")["spec"]["template"]["spec"]


def test_it_runs_on_every_node_with_gpus_and_on_no_other(declared):
    [term] = pod(declared)["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][
        "nodeSelectorTerms"
    ]
    assert term == {"matchExpressions": [{"key": "ml-platform/node-pool", "operator": "In", "values": ["a100", "l4"]}]}
    assert pod(declared)["tolerations"] == [{"key": "nvidia.com/gpu", "effect": "NoSchedule", "operator": "Exists"}]


def test_it_writes_into_the_kubelets_directory_and_nowhere_else(declared):
    [container] = pod(declared)["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/var/lib/kubelet/device-plugins"]
    [volume] = pod(declared)["volumes"]
    assert volume["hostPath"] == {"path": "/var/lib/kubelet/device-plugins", "type": "Directory"}


def test_without_a_pool_of_gpus_there_is_nothing_to_tell_of():
    with pytest.raises(ValueError, match="no pools"):
        DevicePluginArgs(**{**ARGS, "pools": []})


def test_it_breaks_the_rules_for_which_the_documentation_has_exemptions_and_no_other(declared):
    broken = {
        rule.id for one in declared.objects().values() for rule in RULES if list(findings(rule, one.type, one.inputs))
    }
    [block] = [one for one in re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL) if "until:" in one]
    exemptions = yaml.safe_load(block)
    assert {one["resource"] for one in exemptions} == {"DaemonSet kube-system/nvidia-device-plugin"}
    assert {one["rule"] for one in exemptions} == broken
