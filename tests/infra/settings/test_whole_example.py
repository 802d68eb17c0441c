"""What a data scientist writes, with every key in use at once, and what the platform reads of it."""

from __future__ import annotations

import pytest

from infra.settings import Document, Settings, SettingsError, plain

EXAMPLE = f"""
config:
  ml-platform:environment: prod
  ml-platform:registry: registry.example.com/ml
  ml-platform:cluster: {{provider: existing, context: prod-eu}}
  ml-platform:gateway: {{class: traefik}}
  ml-platform:teams:
    fraud: {{quota: {{requests.cpu: "40", requests.memory: 160Gi}}}}
    search: {{quota: {{requests.cpu: "40", requests.memory: 160Gi}}}}
  ml-platform:models:
    churn:
      team: fraud
      versions:
        "7": {{image: churn@sha256:{"7" * 64}, env: {{THRESHOLD: "0.4"}}, uri: models:/churn/7}}
        "8": {{build: {{context: examples/churn, args: {{VERSION: "8"}}}}, resources: {{memory: 2Gi}}}}
      slots: {{blue: "7", green: "8"}}
      active: blue
      canary: {{percent: 10, match: {{headers: {{x-tester: "1"}}}}, mirror: 0}}
      idle: {{size: warm, soak: 30m}}
      scale:
        min: 2
        max: 20
        cpu: 60
        memory: 80
        metrics: [{{name: http_requests_per_second, perPod: 50}}]
        behavior: {{scaleDown: {{stabilizationWindow: 5m}}}}
      resources: {{cpu: 500m, memory: 1Gi, gpu: 0}}
      probes: {{ready: /readyz, live: /healthz, start: {{path: /readyz, within: 10m}}}}
      smoke:
        path: /predict
        body: {{rows: [[1, 2]]}}
        expect: {{status: 200, json: {{version: "{{version}}"}}}}
        within: 2s
      drain: 30s
      route: {{host: churn.example.com, path: /, tls: churn-tls, timeout: 30s}}
      placement: {{spread: zone, nodePool: gpu-l4}}
      volumes: {{models: {{claim: shared-models, path: /models, readOnly: true}}}}
      secretEnv: {{API_KEY: churn-api-key}}
    ranker:
      team: search
      strategy: rolling
      version: "3"
      versions: {{"3": {{image: ranker@sha256:{"3" * 64}}}}}
  ml-platform:secrets:
    churn-api-key: {{secure: "v1:AAAA:BBBB"}}
"""


@pytest.fixture
def settings():
    return Settings.of(Document.parse(EXAMPLE, "Pulumi.prod.yaml"))


def test_every_key_is_read(settings):
    churn = settings.models["churn"]
    assert (churn.canary.percent, dict(churn.canary.match.headers), churn.canary.mirror) == (10, {"x-tester": "1"}, 0)
    assert (churn.idle.size, churn.idle.soak, churn.drain) == ("warm", 1800, 30)
    [metric] = churn.scale.metrics
    assert (metric.name, metric.per_pod, metric.total, metric.external) == (
        "http_requests_per_second",
        "50",
        None,
        None,
    )
    assert churn.scale.behavior.scale_down.stabilization_window == 300
    assert churn.scale.behavior.scale_up is None
    assert (churn.route.host, churn.route.path, churn.route.tls) == ("churn.example.com", "/", "churn-tls")
    assert (churn.route.issuer, churn.route.timeout, churn.route.retries) == (None, 30, 0)
    assert (churn.placement.spread, churn.placement.node_pool) == ("zone", "gpu-l4")
    assert (settings.gateway.api, settings.gateway.class_name) == ("gateway", "traefik")


def test_a_slot_is_told_all_that_it_depends_on(settings):
    content = settings.models["churn"].content("blue")
    assert content.uri == "models:/churn/7"
    assert content.env == {"THRESHOLD": "0.4"}
    assert content.secret_env == {"API_KEY": "churn-api-key"}
    assert content.volumes["models"].claim == "shared-models"
    assert (content.probes.start.path, content.probes.start.within) == ("/readyz", 600)
    assert (content.smoke.within, plain(content.smoke.expect.json_)) == (2, {"version": "{version}"})


def test_a_model_with_nothing_said_of_it_has_every_default(settings):
    ranker = settings.models["ranker"]
    assert (ranker.canary, ranker.route, ranker.analysis) == (None, None, None)
    assert (ranker.rollout.max_surge, ranker.rollout.max_unavailable) == ("25%", 0)
    assert (ranker.rollout.min_ready_seconds, ranker.rollout.progress_deadline_seconds) == (0, None)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("slots", None, "models.churn.slots: is missing"),
        ("version", "7", "models.churn.version: is for strategy rolling or recreate"),
        ("strategy", "rolling", "models.churn.slots: is for strategy blue-green; this model's is rolling"),
    ],
)
def test_slots_and_a_version_exclude_each_other(key, value, message):
    values = Document.parse(EXAMPLE, "x").values
    values["models"]["churn"][key] = value
    with pytest.raises(SettingsError) as caught:
        Settings.parse(values)
    assert message in str(caught.value)
