"""What the pods of a slot are: the one place that turns a version into a pod template."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

import pulumi

from components.confined import CONFINED
from components.labels import NODE_POOL, SERVED_PORT
from components.slot_content import (
    SCRATCH_PATH,
    SCRATCH_VOLUME,
    Placement,
    Probes,
    Resources,
    SlotContent,
    Volume,
)

__all__ = [
    "Placement",
    "Probes",
    "Resources",
    "SlotContent",
    "Volume",
    "content_hash",
    "pod_requests",
    "pod_template",
    "rollout_deadline",
]

_GPU = "nvidia.com/gpu"

# A model's own temporary files: the one place it may write. Bounded, because it is the node's disk.
_SCRATCH = "1Gi"

# How often a starting pod is asked. Short, since each period is time that a ready model does not yet serve.
_START_PERIOD = 2

# Seconds for requests under way, after the drain and before the pod is killed: Kubernetes' own default for a pod.
_FINISH = 30

# Seconds that pulling an image may take on top of starting: Kubernetes' own default for a rollout's progress.
_PULL = 600

# What each kind of spread keeps apart. Nodes as well as zones: two pods of a zone on one node go together.
_APART = {
    "zone": ("topology.kubernetes.io/zone", "kubernetes.io/hostname"),
    "node": ("kubernetes.io/hostname",),
    "none": (),
}


def pod_template(
    content: SlotContent,
    *,
    labels: Mapping[str, str],
    selector: Mapping[str, str],
    service_account: str,
    config: str | None = None,
    secret: str | None = None,
) -> dict[str, Any]:
    """Give the pod template of a slot.

    `config` and `secret` are the ConfigMap and the Secret that hold `content.variables` and `content.secret_env`; they
    are named by what they hold, so that other values make another template.
    """
    spec: dict[str, Any] = {
        "serviceAccountName": service_account,
        # A model does not talk to the API server; a token in the pod would only be there to be stolen.
        "automountServiceAccountToken": False,
        # Otherwise each Service of the namespace becomes variables in the environment of each pod: another model's
        # name could change this one's settings.
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "terminationGracePeriodSeconds": content.drain + _FINISH,
        "containers": [_container(content, config, secret)],
        "volumes": [
            {"name": SCRATCH_VOLUME, "emptyDir": {"sizeLimit": _SCRATCH}},
            *(_claimed(name, volume) for name, volume in sorted(content.volumes.items())),
        ],
    }
    if spread := [_spread(key, selector) for key in _APART[content.placement.spread]]:
        spec["topologySpreadConstraints"] = spread
    if selected := _selected(content.placement):
        spec["nodeSelector"] = selected
    if tolerations := _tolerations(content):
        spec["tolerations"] = tolerations
    if content.priority_class is not None:
        spec["priorityClassName"] = content.priority_class
    return {"metadata": {"labels": {**content.labels, **labels}}, "spec": spec}


def pod_requests(resources: Resources) -> dict[str, str]:
    """Give what one pod counts in a quota, by the quota's own names (`requests.cpu`).

    Devices are counted by request alone: a quota has no `limits.nvidia.com/gpu`.
    """
    declared = _resources(resources)
    counted = {f"requests.{name}": amount for name, amount in declared["requests"].items()}
    return counted | {f"limits.{name}": amount for name, amount in declared["limits"].items() if name != _GPU}


def rollout_deadline(content: SlotContent) -> int:
    """Give the seconds after which a rollout that brings no further pod up has failed."""
    return _PULL + content.probes.start_within


def content_hash(template: Mapping[str, Any]) -> pulumi.Input[str]:
    """Hash a pod template: equal hashes are equal pods, configuration and secrets included, which are in it by name.

    Text as long as the template is plain, so that policies and previews can read it; an Output when the image is
    being built.
    """
    if _is_plain(template):
        return _digest(template)
    return pulumi.Output.from_input(template).apply(_digest)


def _spread(key: str, selector: Mapping[str, str]) -> dict[str, Any]:
    return {
        "maxSkew": 1,
        "topologyKey": key,
        # A wish, not a condition: on a single node, or a full cluster, two pods on one node are better than one pod.
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": dict(selector)},
        # Each rollout is spread by itself; without it the pods about to go count and crowd the new ones.
        "matchLabelKeys": ["pod-template-hash"],
    }


def _selected(placement: Placement) -> dict[str, str]:
    pool = {} if placement.node_pool is None else {NODE_POOL: placement.node_pool}
    return {**placement.node_selector, **pool}


def _tolerations(content: SlotContent) -> list[dict[str, str]]:
    """Give the taints that do not keep these pods away: those that keep others off the nodes meant for them."""
    tolerations = []
    if content.resources.gpu:
        # GPU nodes are tainted so that nothing else lands there. The key is the device's own, as NVIDIA and the
        # clouds set it.
        tolerations.append({"key": _GPU, "operator": "Exists", "effect": "NoSchedule"})
    if (pool := content.placement.node_pool) is not None:
        tolerations.append({"key": NODE_POOL, "operator": "Equal", "value": pool, "effect": "NoSchedule"})
    return tolerations + [_tolerated(taint) for taint in content.placement.tolerations]


def _tolerated(taint: str) -> dict[str, str]:
    pair, _, effect = taint.rpartition(":")
    key, equal, value = pair.partition("=")
    # A taint without a value has the empty one, which is what a toleration without `value` is equal to.
    return {"key": key, "operator": "Equal", **({"value": value} if equal else {}), "effect": effect}


def _claimed(name: str, volume: Volume) -> dict[str, Any]:
    # Said at the claim and not only at the mount, so that the disk itself is attached for reading, which some can be
    # on several nodes at once.
    return {"name": name, "persistentVolumeClaim": {"claimName": volume.claim, "readOnly": volume.read_only}}


def _container(content: SlotContent, config: str | None, secret: str | None) -> dict[str, Any]:
    mounts = [{"name": SCRATCH_VOLUME, "mountPath": SCRATCH_PATH}]
    container: dict[str, Any] = {
        "name": "model",
        "image": content.image,
        # A digest never changes its meaning: what is there need not be asked for again.
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": SERVED_PORT, "containerPort": content.port, "protocol": "TCP"}],
        "resources": _resources(content.resources),
        "securityContext": CONFINED,
        "volumeMounts": mounts
        + [
            {"name": name, "mountPath": volume.path, "readOnly": volume.read_only}
            for name, volume in sorted(content.volumes.items())
        ],
        **_probes(content.probes),
    }
    if content.drain:
        # Endpoints and proxies learn of a pod's end while it is already ending. It goes on serving meanwhile, by the
        # kubelet's own sleep: an image need not hold a shell or a sleep command. Source: KEP-3960.
        container["lifecycle"] = {"preStop": {"sleep": {"seconds": content.drain}}}
    if config is not None:
        container["envFrom"] = [{"configMapRef": {"name": config}}]
    if secret is not None:
        # One by one, so that the manifest says which variables are secret. Sorted, so that the order in which
        # somebody wrote a mapping down is no change.
        container["env"] = [
            {"name": key, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
            for key in sorted(content.secret_env)
        ]
    return container


def _probes(probes: Probes) -> dict[str, Any]:
    return {
        # Until it has answered once, the two others do not run: a long start is no reason to be killed.
        "startupProbe": {
            "httpGet": {"path": probes.start, "port": SERVED_PORT},
            "periodSeconds": _START_PERIOD,
            # As readiness has it: a first answer may be the slow one.
            "timeoutSeconds": 2,
            "failureThreshold": math.ceil(probes.start_within / _START_PERIOD),
        },
        # Out of the Service after ten seconds without an answer, and back at the first.
        "readinessProbe": {
            "httpGet": {"path": probes.ready, "port": SERVED_PORT},
            "periodSeconds": 5,
            "timeoutSeconds": 2,
            "failureThreshold": 2,
        },
        # Started anew only after a minute of silence: a model takes long to load, and a busy one is slow to answer;
        # killing it then moves its load to the others, which are as busy.
        "livenessProbe": {
            "httpGet": {"path": probes.live, "port": SERVED_PORT},
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": 6,
        },
    }


def _resources(resources: Resources) -> dict[str, dict[str, str]]:
    requests = {"cpu": resources.cpu, "memory": resources.memory}
    # Memory cannot be taken back, so a pod gets what it asks for: above its request it would be the first to be
    # killed on a full node. CPU can: what nobody asked for is shared out by the requests, and a limit would slow a
    # start, and the seconds until the autoscaler has reacted, on a node with nothing else to do.
    limits = {"memory": resources.memory}
    if resources.cpu_limit is not None:
        limits["cpu"] = resources.cpu_limit
    if resources.gpu:
        # Devices are not shared: request and limit must be equal, and Kubernetes wants both or the limit.
        requests[_GPU] = limits[_GPU] = str(resources.gpu)
    return {"requests": requests, "limits": limits}


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(_is_plain(item) for item in value.values())
    if isinstance(value, list):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, (str, int, float, bool))


def _digest(template: Mapping[str, Any]) -> str:
    text = json.dumps(template, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # 64 bits are plenty to tell the templates of one slot apart, and short enough to be read aloud.
    return hashlib.sha256(text.encode()).hexdigest()[:16]
