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
NAMESPACES = ("fraud-test", "fraud-train-test", "ingest-test", "search-test")


def declared() -> Declarations:
    """Run the program on the stack."""
    settings = Settings.parse(Document.parse(STACK, "stack.yaml").values)
    guard = Guard(connect=_none, observed=Observed(), settings=settings.guard, now=datetime(2026, 3, 1, tzinfo=UTC))
    return Engine().run(lambda: build(settings, dict.fromkeys(settings.secrets, "hush"), guard))


def manifests() -> list[dict[str, Any]]:
    """Give all objects of the stack as a provider sends them, each after what it needs."""
    return [_sent(dict(r.inputs)) for r in declared().resources if r.type.startswith("kubernetes:")]


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
