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
        "9": {{build: {{context: examples/churn, args: {{VERSION: "9"}}}}}}
      slots: {{blue: "7", green: "8"}}
      active: blue
      route: {{host: churn.example.com, tls: churn-tls}}
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
