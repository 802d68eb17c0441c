"""Three teams in one cluster, as a stack says it, and what the program makes of it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mock_engine import Engine
from pulumi.runtime.rpc import is_rpc_secret

from infra.guard import Guard
from infra.observed import Observed
from infra.program import build
from infra.settings import Document, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from keep_alive import Client
    from mock_engine import Declarations

STACK = """
config:
  ml-platform:environment: test
  ml-platform:registry: registry.example.com/ml
  ml-platform:cluster: {provider: existing, context: sandbox}
  ml-platform:teams:
    fraud:
      access: {admin: [group:fraud-leads], edit: [group:fraud-science], view: [group:risk]}
      quota: {requests.cpu: "2", requests.memory: 4Gi, requests.storage: 2Ti, pods: "6", count/jobs.batch: "1"}
      priorityQuotas: {batch: {pods: "1"}}
      network:
        from: ["team:ingest:8080"]
        to: ["service:features", "cidr:10.20.0.0/16:5432"]
        metrics: ["namespace:monitoring"]
      volumes:
        data:
          size: 1Ti
          access: ReadWriteMany
          nfs: {server: 10.0.0.9, path: /exports/fraud}
          sharedWith: ["team:search"]
      namespaces:
        train:
          quota: {requests.cpu: "4", requests.memory: 16Gi}
          podSecurity: baseline
          access: {edit: [group:trainers]}
      deploy: {}
      pullSecrets: {registry: {registry: registry.example.com, username: robot, password: robot-token}}
      labels: {cost-centre: "4711"}
    search:
      access: {edit: [group:search-relevance]}
      quota: {requests.cpu: "2", requests.memory: 4Gi}
      network: {serving: ["team:fraud", "namespace:traefik"]}
    ingest:
      access: {edit: [group:ingest]}
      quota: {requests.cpu: "2", requests.memory: 4Gi}
  ml-platform:priorityClasses: {batch: {value: -10, preemption: Never}}
  ml-platform:services:
    features: {team: search, service: feast, pods: {app: feast}, port: 6566}
  ml-platform:secrets: {robot-token: {secure: "v1:A:B"}}
"""
# All that may be said of teams.
WHOLE = """
config:
  ml-platform:environment: prod
  ml-platform:registry: registry.example.com/ml
  ml-platform:cluster: {provider: existing, context: prod-eu}
  ml-platform:teams:
    fraud:
      access: {admin: [group:ml-leads], edit: [group:fraud-ds]}
      quota: {requests.cpu: "40", requests.memory: 160Gi, requests.storage: 3Ti, persistentvolumeclaims: "2"}
      priorityQuotas: {batch: {pods: "20", requests.nvidia.com/gpu: "1"}}
      podSecurity: baseline
      network:
        from: ["team:features", "team:fraud/train", "namespace:airflow:8080,grpc", "cidr:fd00::/8:443"]
        to: ["cidr:10.20.0.0/16:5432", "namespace:telemetry", "service:feature-store", "service:tracking"]
        metrics: ["namespace:monitoring"]
        serving: ["namespace:traefik", "cidr:10.0.0.0/24"]
      volumes:
        scratch: {size: 1Ti, class: fast.ssd}
        data:
          size: 2Ti
          access: ReadWriteMany
          nfs: {server: nfs.example.com, path: /exports/fraud}
          sharedWith: ["team:features", "team:fraud/train"]
      namespaces:
        train:
          quota: {requests.cpu: "20", requests.memory: 80Gi}
          access: {edit: [group:trainers]}
          volumes:
            runs:
              size: 1Ti
              access: ReadWriteMany
              csi: {driver: efs.csi.aws.com, volumeHandle: fs-1, attributes: {basePath: /runs}}
      deploy: {also: ["user:ci"]}
      pullSecrets: {registry: {registry: registry.example.com, username: robot, password: robot-token}}
      labels: {cost-centre: "4711", example.com/area: risk}
      protect: false
    features:
      quota: {requests.cpu: "4", requests.memory: 16Gi}
  ml-platform:priorityClasses: {batch: {value: -10, preemption: Never, description: may wait}}
  ml-platform:services:
    feature-store: {team: features, service: feast, pods: {app: feast}, port: 6566}
    tracking: {host: mlflow.example.com, cidrs: [10.9.0.5/32], port: https}
  ml-platform:secrets:
    robot-token: {secure: "v1:AAAA:BBBB"}
"""
PLURALS = {"NetworkPolicy": "networkpolicies", "PriorityClass": "priorityclasses"}
NAMESPACES = ("fraud-test", "fraud-train-test", "ingest-test", "search-test")


def declared(text: str = STACK) -> Declarations:
    """Run the program on a stack."""
    settings = Settings.parse(Document.parse(text, "stack.yaml").values)
    guard = Guard(connect=_none, observed=Observed(), settings=settings.guard, now=datetime(2026, 3, 1, tzinfo=UTC))
    return Engine().run(lambda: build(settings, dict.fromkeys(settings.secrets, "hush"), guard))


def manifests(text: str = STACK) -> list[dict[str, Any]]:
    """Give all objects of a stack as a provider sends them, each after what it needs."""
    return [_sent(dict(r.inputs)) for r in declared(text).resources if r.type.startswith("kubernetes:")]


def apply(admin: Client, manifest: dict[str, Any]) -> tuple[int, Any]:
    """Apply an object by server-side apply, validated strictly; return status and answer."""
    metadata, version, kind = manifest["metadata"], manifest["apiVersion"], manifest["kind"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    scope = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    plural = PLURALS.get(kind, f"{kind.lower()}s")
    path = f"{root}{scope}/{plural}/{metadata['name']}?fieldManager=pulumi&fieldValidation=Strict"
    return admin.request("PATCH", path, manifest, kind="application/apply-patch+yaml")


def _none() -> Any:
    raise AssertionError("a declaration asks the cluster nothing")


def _sent(value: Any) -> Any:
    """Return a declaration as a provider sends it: no marks of secrets, whole numbers whole."""
    if isinstance(value, dict):
        return _sent(value["value"]) if is_rpc_secret(value) else {key: _sent(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_sent(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def eventually(look: Callable[[], Any], within: float = 30.0) -> Any:
    deadline = time.monotonic() + within
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not within {within} s"
        time.sleep(0.05)
    return seen
