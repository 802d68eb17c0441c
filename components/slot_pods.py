"""What the pods of a slot are: the one place that turns a version into a pod template."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pulumi

from components.labels import SERVED_PORT

__all__ = ["Probes", "Resources", "SlotContent", "content_hash", "pod_requests", "pod_template", "rollout_deadline"]

_GPU = "nvidia.com/gpu"

# A model's own temporary files: the one place it may write. Bounded, because it is the node's disk.
_SCRATCH = "1Gi"

# How often a starting pod is asked. Short, since each period is time that a ready model does not yet serve.
_START_PERIOD = 2

# Seconds for requests under way, after the drain and before the pod is killed: Kubernetes' own default for a pod.
_FINISH = 30

# Seconds that pulling an image may take on top of starting: Kubernetes' own default for a rollout's progress.
_PULL = 600


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What one pod gets, in Kubernetes quantities."""

    cpu: str
    memory: str
    gpu: int = 0
    """Whole devices of `nvidia.com/gpu`."""


@dataclass(frozen=True, kw_only=True)
class Probes:
    """Paths that answer 2xx on the served port."""

    ready: str
    """Answers while requests may be sent."""

    live: str
    """Answers while the process can still recover by itself."""

    start: str
    """Answers once the model is loaded."""

    start_within: int
    """Seconds that loading may take before the pod is started anew."""


@dataclass(frozen=True, kw_only=True)
class SlotContent:
    """One version of a model with everything that it needs to run."""

    version: str
    image: pulumi.Input[str]
    """With its digest; an Output where the image is built by the same program."""

    port: int
    resources: Resources
    probes: Probes
    drain: int
    """Seconds that a pod goes on serving after it was told to go, while the news of it spreads to every proxy."""

    env: Mapping[str, str] = field(default_factory=dict)
    secret_env: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)


def pod_template(
    content: SlotContent,
    *,
    labels: Mapping[str, str],
    selector: Mapping[str, str],
    service_account: str,
    secret: pulumi.Input[str] | None,
) -> dict[str, Any]:
    """Give the pod template of a slot; `secret` is the Secret that holds the values of `content.secret_env`."""
    spec: dict[str, Any] = {
        "serviceAccountName": service_account,
        # A model does not talk to the API server; a token in the pod would only be there to be stolen.
        "automountServiceAccountToken": False,
        # Otherwise each Service of the namespace becomes variables in the environment of each pod: another model's
        # name could change this one's settings.
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "terminationGracePeriodSeconds": content.drain + _FINISH,
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                # A wish, not a condition: on a single node, or a full cluster, two pods on one node are better
                # than one pod.
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": dict(selector)},
                # Each rollout is spread by itself; without it the pods about to go count and crowd the new ones.
                "matchLabelKeys": ["pod-template-hash"],
            }
        ],
        "containers": [_container(content, secret)],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": _SCRATCH}}],
    }
    if content.resources.gpu:
        # GPU nodes are tainted so that nothing else lands there. The key is the device's own, as NVIDIA and the
        # clouds set it.
        spec["tolerations"] = [{"key": _GPU, "operator": "Exists", "effect": "NoSchedule"}]
    return {"metadata": {"labels": dict(labels)}, "spec": spec}


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
    """Hash a pod template: equal hashes are equal pods.

    Text as long as the template is plain, so that policies and previews can read it; an Output when the image is
    being built or a Secret named.
    """
    if _is_plain(template):
        return _digest(template)
    return pulumi.Output.from_input(template).apply(_digest)


def _container(content: SlotContent, secret: pulumi.Input[str] | None) -> dict[str, Any]:
    # Sorted, so that the order in which somebody wrote a mapping down is no change.
    env: list[dict[str, Any]] = [{"name": key, "value": value} for key, value in sorted(content.env.items())]
    env += [
        {"name": key, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}} for key in sorted(content.secret_env)
    ]
    container: dict[str, Any] = {
        "name": "model",
        "image": content.image,
        # A digest never changes its meaning: what is there need not be asked for again.
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": SERVED_PORT, "containerPort": content.port, "protocol": "TCP"}],
        "resources": _resources(content.resources),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 (the container's own, an emptyDir)
        **_probes(content.probes),
    }
    if content.drain:
        # Endpoints and proxies learn of a pod's end while it is already ending. It goes on serving meanwhile, by the
        # kubelet's own sleep: an image need not hold a shell or a sleep command. Source: KEP-3960.
        container["lifecycle"] = {"preStop": {"sleep": {"seconds": content.drain}}}
    if env:
        container["env"] = env
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
    # CPU may burst to twice the request: enough for a start and for the seconds until the autoscaler has reacted, and
    # no neighbour starves. Memory cannot be taken back, so a pod gets what it asks for: above its request it would be
    # the first to be killed on a full node.
    limits = {"cpu": _twice(resources.cpu), "memory": resources.memory}
    if resources.gpu:
        # Devices are not shared: request and limit must be equal, and Kubernetes wants both or the limit.
        requests[_GPU] = limits[_GPU] = str(resources.gpu)
    return {"requests": requests, "limits": limits}


def _twice(cpu: str) -> str:
    """Double a CPU quantity (`500m`, `1.5`, `2`) and write it as the API server would. Raises ValueError for others."""
    number, milli = (cpu[:-1], True) if cpu.endswith("m") else (cpu, False)
    try:
        thousandths = Decimal(number) * (1 if milli else 1000) * 2
    except ArithmeticError:
        raise ValueError(f'resources.cpu: "{cpu}" is no CPU quantity such as "500m" or "2"') from None
    whole = math.ceil(thousandths)
    return f"{whole}m" if whole % 1000 else str(whole // 1000)


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
