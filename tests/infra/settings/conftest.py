from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from infra.settings import Document

if TYPE_CHECKING:
    from collections.abc import Callable

VALID = f"""
config:
  ml-platform:environment: prod
  ml-platform:registry: registry.example.com/ml
  ml-platform:cluster: {{provider: existing, context: prod-eu}}
  ml-platform:gateway: {{class: traefik}}
  ml-platform:teams:
    fraud:
      access: {{admin: [group:ml-leads], edit: ["serviceaccount:ci/deployer"]}}
      quota: {{requests.cpu: "40", requests.memory: 160Gi, requests.nvidia.com/gpu: "4", pods: "200"}}
  ml-platform:models:
    churn:
      team: fraud
      port: 8080
      scale: {{min: 2, max: 20, cpu: 60}}
      resources: {{cpu: 500m, memory: 1Gi}}
      env: {{LOG_LEVEL: info, THRESHOLD: "0.4"}}
      secretEnv: {{API_KEY: churn-api-key}}
      probes: {{live: /livez}}
      smoke: {{path: /predict, body: {{rows: [[1, 2.5]]}}, expect: {{json: {{version: "7"}}}}}}
      versions:
        "7": {{image: churn@sha256:{"7" * 64}}}
        "8":
          image: churn@sha256:{"8" * 64}
          port: 9090
          resources: {{memory: 2Gi, gpu: 1}}
          env: {{THRESHOLD: "0.5"}}
          probes: {{start: {{within: 300}}}}
          smoke: {{expect: {{json: {{version: "8"}}}}}}
        "9": {{build: {{context: examples/churn, args: {{VERSION: "9"}}}}, uri: "models:/churn/9"}}
      slots: {{blue: "7", green: "8"}}
      active: blue
      route: {{host: churn.example.com, tls: churn-tls, timeout: 30s}}
      canary: {{percent: 10, match: {{headers: {{x-tester: "1"}}}}}}
      idle: {{size: 1, soak: 30m}}
      drain: 30s
      volumes: {{models: {{claim: shared-models, path: /models}}}}
      placement: {{spread: node, nodePool: gpu-l4}}
      analysis: {{steps: [10, 100], window: 5m, errorRate: {{max: 2%}}, latency: {{ratio: 1.2}}}}
    ranker:
      team: fraud
      strategy: rolling
      version: "3"
      versions:
        "3": {{image: ranker@sha256:{"3" * 64}}}
      rollout: {{maxSurge: 1, maxUnavailable: 0, minReadySeconds: 10}}
      scale:
        min: 1
        cpu: null
        memory: 70
        metrics:
          - {{name: queue_length, total: 100, external: {{labels: {{queue: ranker}}}}}}
        behavior: {{scaleDown: {{stabilizationWindow: 10m, select: Min, policies: [{{pods: 1, period: 1m}}]}}}}
  ml-platform:secrets:
    churn-api-key: {{secure: "v1:AAAA:BBBB"}}
"""


@pytest.fixture
def valid() -> dict[str, Any]:
    """A configuration with every section in use; each test's own to change."""
    return Document.parse(VALID, "Pulumi.prod.yaml").values


@pytest.fixture
def document() -> Callable[[dict[str, Any]], Document]:
    """Turn keys below `config` into a document, as if they stood in a file."""

    def make(config: dict[str, Any]) -> Document:
        return Document.parse(yaml.safe_dump({"config": config}), "Pulumi.prod.yaml")

    return make


@pytest.fixture(scope="session")
def valid_text() -> str:
    return VALID
