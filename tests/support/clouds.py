"""What the clouds' providers answer, as far as a program builds on it: for programs on the mock engine."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_engine import Declared

KUBECONFIG = json.dumps(
    {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "a", "cluster": {"server": "https://a", "certificate-authority-data": "Y2E="}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "users": [{"name": "a", "user": {}}],
        "current-context": "a",
    }
)

_MADE: Mapping[str, Mapping[str, Any]] = {
    "eks:index:Cluster": {"kubeconfigJson": KUBECONFIG},
    "aws:ec2/launchTemplate:LaunchTemplate": {"latestVersion": 1},
    "gcp:container/cluster:Cluster": {"endpoint": "a", "masterAuth": {"clusterCaCertificate": "Y2E="}},
    "command:local:Command": {"stdout": KUBECONFIG},
}

ANSWERS = {
    "azure-native:containerservice:listManagedClusterUserCredentials": lambda _: {
        "kubeconfigs": [{"name": "clusterUser", "value": base64.b64encode(KUBECONFIG.encode()).decode()}]
    },
    "pulumi:pulumi:readStackOutputs": lambda asked: {"name": asked["name"], "outputs": {}, "secretOutputNames": []},
}


def outputs(resource: Declared) -> Mapping[str, Any]:
    """Give what a cloud adds to what was declared of a resource; nothing to one that is no cloud's."""
    if resource.type == "aws:eks/nodeGroup:NodeGroup":
        return {"resources": [{"autoscalingGroups": [{"name": f"eks-{resource.name}-1a2b"}]}]}
    if resource.type == "gcp:serviceaccount/account:Account":
        return {"email": f"{resource.inputs['accountId']}@project.iam.gserviceaccount.com"}
    if resource.type in _MADE:
        return _MADE[resource.type]
    if resource.type.startswith("aws:"):
        return {"arn": f"arn:aws:{resource.name}", "name": resource.name}
    if resource.type.startswith(("azure-native:", "gcp:")):
        return {"name": resource.name}
    return {}
