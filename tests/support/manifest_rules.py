"""A strict check of the manifests that components declare, without an API server.

Only fields that are listed here exist: one that is misspelt is found as the API server finds it with strict field
validation. Ranges and patterns are those of Kubernetes 1.36 and of the Gateway API's standard channel, v1.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from object_names import (
    DNS_LABEL,
    DNS_NAME,
    KEY,
    LABELS,
    METADATA,
    PATH,
    PERCENT,
    QUANTITY,
    SELECTOR,
    SERVICE_NAME,
    VARIABLE,
)
from route_rules import GATEWAY, HTTP_ROUTE, INGRESS, NETWORK_POLICY
from strict_schema import Rule, amount, each, either, mapping, number, one_of, record, text, unique

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["problems"]


def _amounts(value: Any) -> Iterator[str]:
    for name, limit in value["limits"].items():
        asked = value["requests"].get(name, limit)
        if amount(asked) > amount(limit) or ("/" in name and asked != limit):
            yield f".limits.{name}: {limit} does not fit the request {asked}"


def _probe(value: Any) -> Iterator[str]:
    get = record(needs={"path": PATH, "port": text("http")})
    yield from record(
        needs={"httpGet": get}, periodSeconds=number(1), timeoutSeconds=number(1), failureThreshold=number(1)
    )(value)


SECRET_KEY = record(needs={"name": DNS_NAME, "key": VARIABLE})
CONTAINER = record(
    lambda value: unique(lambda one: one["name"], "env")(value.get("env", [])),
    lambda value: unique(lambda one: one["mountPath"].rstrip("/"), "volumeMounts")(value["volumeMounts"]),
    needs={
        "name": DNS_LABEL,
        "image": text(r"[^@\s]+@sha256:[0-9a-f]{64}"),
        "resources": record(_amounts, needs={"requests": mapping(KEY, QUANTITY), "limits": mapping(KEY, QUANTITY)}),
        "securityContext": record(
            needs={
                "allowPrivilegeEscalation": one_of(False),  # noqa: FBT003
                "capabilities": record(needs={"drop": each(one_of("ALL"), 1)}),
                "readOnlyRootFilesystem": one_of(True),  # noqa: FBT003
            }
        ),
        "startupProbe": _probe,
        "readinessProbe": _probe,
        "livenessProbe": _probe,
        "ports": each(
            record(needs={"name": text("http"), "containerPort": number(1, 65535), "protocol": one_of("TCP")}), 1, 1
        ),
        "volumeMounts": each(
            record(needs={"name": DNS_LABEL, "mountPath": text(r"/[^:]*")}, readOnly=one_of(True, False))  # noqa: FBT003
        ),
    },
    imagePullPolicy=one_of("IfNotPresent"),
    lifecycle=record(needs={"preStop": record(needs={"sleep": record(needs={"seconds": number(1)})})}),
    env=each(record(needs={"name": VARIABLE, "valueFrom": record(needs={"secretKeyRef": SECRET_KEY})})),
    envFrom=each(record(needs={"configMapRef": record(needs={"name": DNS_NAME})})),
)


def _mounted(pod: Any) -> Iterator[str]:
    volumes = [volume["name"] for volume in pod["volumes"]]
    yield from unique(str, "volumes")(volumes)
    for container in pod["containers"]:
        names = {mount["name"] for mount in container["volumeMounts"]}
        yield from (f": no volume {name}" for name in names - set(volumes))
        sleep = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        if sleep >= pod["terminationGracePeriodSeconds"]:
            yield f": a drain of {sleep} s leaves no time to end"


CLAIM = record(needs={"claimName": DNS_NAME}, readOnly=one_of(True, False))  # noqa: FBT003
POD = record(
    _mounted,
    needs={
        "serviceAccountName": DNS_NAME,
        "automountServiceAccountToken": one_of(False),  # noqa: FBT003
        "enableServiceLinks": one_of(False),  # noqa: FBT003
        "securityContext": record(
            needs={"runAsNonRoot": one_of(True), "seccompProfile": record(needs={"type": one_of("RuntimeDefault")})}  # noqa: FBT003
        ),
        "terminationGracePeriodSeconds": number(0),
        "containers": each(CONTAINER, 1),
        "volumes": each(
            either(
                record(needs={"name": DNS_LABEL, "emptyDir": record(needs={}, sizeLimit=QUANTITY)}),
                record(needs={"name": DNS_LABEL, "persistentVolumeClaim": CLAIM}),
            )
        ),
    },
    topologySpreadConstraints=each(
        record(
            needs={
                "maxSkew": number(1),
                "topologyKey": text(KEY),
                "whenUnsatisfiable": one_of("ScheduleAnyway", "DoNotSchedule"),
            },
            labelSelector=SELECTOR,
            matchLabelKeys=each(text(KEY)),
        )
    ),
    nodeSelector=LABELS,
    tolerations=each(
        either(
            record(needs={"key": text(KEY), "operator": one_of("Exists"), "effect": one_of("NoSchedule")}),
            record(
                needs={
                    "key": text(KEY),
                    "operator": one_of("Equal"),
                    "value": DNS_LABEL,
                    "effect": one_of("NoSchedule"),
                }
            ),
        )
    ),
)


def _replaceable(spec: Any) -> Iterator[str]:
    if not spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items():
        yield ": the selector does not find the template's pods"
    if spec["progressDeadlineSeconds"] <= spec.get("minReadySeconds", 0):
        yield ": progressDeadlineSeconds is not above minReadySeconds"
    rolling = spec["strategy"].get("rollingUpdate")
    if (spec["strategy"]["type"] == "RollingUpdate") != (rolling is not None):
        yield ": rollingUpdate goes with RollingUpdate"
    elif rolling and all(str(room).rstrip("%").strip("0") == "" for room in rolling.values()):
        yield ": neither maxSurge nor maxUnavailable leaves room"


DEPLOYMENT = record(
    _replaceable,
    needs={
        "selector": SELECTOR,
        "template": record(needs={"metadata": record(needs={"labels": LABELS}), "spec": POD}),
        "strategy": record(
            needs={"type": one_of("RollingUpdate", "Recreate")},
            rollingUpdate=record(needs={"maxSurge": PERCENT, "maxUnavailable": PERCENT}),
        ),
        "progressDeadlineSeconds": number(1),
    },
    minReadySeconds=number(0),
    revisionHistoryLimit=number(0),
)

UTILIZATION = record(needs={"type": one_of("Utilization"), "averageUtilization": number(1)})
AVERAGE = record(needs={"type": one_of("AverageValue"), "averageValue": QUANTITY})
TOTAL = record(needs={"type": one_of("Value"), "value": QUANTITY})
NAMED = record(needs={"name": text(r"[^/%]+")}, selector=SELECTOR)
METRIC = either(
    record(
        needs={
            "type": one_of("Resource"),
            "resource": record(needs={"name": one_of("cpu", "memory"), "target": UTILIZATION}),
        }
    ),
    record(needs={"type": one_of("Pods"), "pods": record(needs={"metric": NAMED, "target": AVERAGE})}),
    record(
        needs={
            "type": one_of("External"),
            "external": record(needs={"metric": NAMED, "target": either(AVERAGE, TOTAL)}),
        }
    ),
)
SCALING = record(
    needs={},
    stabilizationWindowSeconds=number(0, 3600),
    selectPolicy=one_of("Max", "Min", "Disabled"),
    policies=each(
        record(needs={"type": one_of("Pods", "Percent"), "value": number(1), "periodSeconds": number(1, 1800)}), 1
    ),
)
AUTOSCALER = record(
    lambda spec: [": minReplicas is above maxReplicas"] if spec["minReplicas"] > spec["maxReplicas"] else [],
    needs={
        "scaleTargetRef": record(
            needs={"apiVersion": one_of("apps/v1"), "kind": one_of("Deployment"), "name": DNS_NAME}
        ),
        "minReplicas": number(1),
        "maxReplicas": number(1),
        "metrics": each(METRIC, 1),
    },
    behavior=record(needs={}, scaleUp=SCALING, scaleDown=SCALING),
)

SERVICE = record(
    needs={
        "selector": LABELS,
        "ports": each(
            record(
                needs={"port": number(1, 65535)}, name=DNS_LABEL, targetPort=DNS_LABEL, protocol=one_of("TCP", "UDP")
            ),
            1,
        ),
    }
)

BUDGET = record(
    needs={"selector": SELECTOR, "maxUnavailable": number(0)},
    unhealthyPodEvictionPolicy=one_of("AlwaysAllow", "IfHealthyBudget"),
)


def _spec(rule: Rule) -> dict[str, Rule]:
    return {"spec": rule}


CONFIG_KEY = r"[-._a-zA-Z0-9]{1,253}"
KINDS: dict[str, dict[str, Rule]] = {
    "apps/v1:Deployment": _spec(DEPLOYMENT),
    "autoscaling/v2:HorizontalPodAutoscaler": _spec(AUTOSCALER),
    "policy/v1:PodDisruptionBudget": _spec(BUDGET),
    "v1:Service": _spec(SERVICE),
    "v1:ServiceAccount": {"automountServiceAccountToken": one_of(False)},  # noqa: FBT003
    "v1:ConfigMap": {"immutable": one_of(True), "data": mapping(CONFIG_KEY, text())},  # noqa: FBT003
    "v1:Secret": {
        "immutable": one_of(True),  # noqa: FBT003
        "type": one_of("Opaque"),
        "stringData": mapping(CONFIG_KEY, text()),
    },
    "networking.k8s.io/v1:Ingress": _spec(INGRESS),
    "networking.k8s.io/v1:NetworkPolicy": _spec(NETWORK_POLICY),
    "gateway.networking.k8s.io/v1:HTTPRoute": _spec(HTTP_ROUTE),
    "gateway.networking.k8s.io/v1:Gateway": _spec(GATEWAY),
}


def problems(manifest: Mapping[str, Any]) -> list[str]:
    """Name everything for which an API server would refuse this manifest."""
    kind = f"{manifest['apiVersion']}:{manifest['kind']}"
    head = {"apiVersion": text(), "kind": text(), "metadata": METADATA}
    name = SERVICE_NAME if manifest["kind"] == "Service" else DNS_NAME
    found = [*record(needs={**head, **KINDS[kind]})(manifest), *name(manifest["metadata"]["name"])]
    return [f"{kind}{wrong}" for wrong in found]
