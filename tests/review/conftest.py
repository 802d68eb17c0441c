from __future__ import annotations

import json

import pytest

URN = "urn:pulumi:prod::ml-platform::mlplatform:index:Team$kubernetes:{kind}::{name}"
STACK = "urn:pulumi:prod::ml-platform::pulumi:pulumi:Stack::ml-platform-prod"


class Log:
    """An event log as the engine writes one."""

    def __init__(self):
        self.events = []

    def step(self, operation, kind, name, *, old=None, new=None, **more):
        urn = URN.format(kind=kind, name=name)
        states = {
            side: {"custom": True, "inputs": inputs} if inputs is not None else None
            for side, inputs in (("old", old), ("new", new))
        }
        metadata = {"op": operation, "urn": urn, "type": f"kubernetes:{kind}", **states, **more}
        self.events.append({"resourcePreEvent": {"metadata": metadata, "planning": True}})
        return urn

    def say(self, severity, message, *, urn=STACK, ephemeral=False):
        event = {"severity": severity, "message": message, "urn": urn, "ephemeral": ephemeral}
        self.events.append({"diagnosticEvent": event})

    def police(self, policy, urn, message, level="mandatory"):
        self.events.append(
            {
                "policyEvent": {
                    "policyName": policy,
                    "resourceUrn": urn,
                    "message": message,
                    "enforcementLevel": level,
                    "policyPackName": "ml-platform",
                }
            }
        )

    def end(self):
        self.events.append({"summaryEvent": {"PolicyPacks": {"ml-platform|local|/somewhere/policies": "0.1.0"}}})

    @property
    def lines(self):
        return [json.dumps(event) for event in self.events]


@pytest.fixture
def log():
    return Log()


def deployed(name, *, replicas=2, namespace="fraud-prod", requests=None, **spec):
    container = {"name": "model", "resources": {"requests": requests or {"cpu": "500m", "memory": "1Gi"}}}
    return {
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": replicas, "template": {"spec": {"containers": [container]}}, **spec},
    }


def limited(namespace="fraud-prod", **hard):
    name = {key.replace("_", "."): value for key, value in hard.items()}
    return {"kind": "ResourceQuota", "metadata": {"name": "quota", "namespace": namespace}, "spec": {"hard": name}}


@pytest.fixture(name="deployed")
def _deployed():
    return deployed


@pytest.fixture(name="limited")
def _limited():
    return limited
