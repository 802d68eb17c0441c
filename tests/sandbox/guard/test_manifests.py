"""Whatever a stack validly says of a model, the API server takes the objects, and the team's quota holds its pods."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import count
from secrets import token_hex
from typing import Any

import pulumi
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from mock_engine import Engine
from random_stacks import configurations

from infra.guard import Guard
from infra.observed import Observed
from infra.program import build
from infra.settings import Settings
from infra.settings.quantity import parse_quantity

pytestmark = pytest.mark.timeout(300)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
# The same examples on every machine and however busy it is, and no database left behind. What fails is not made
# smaller: each try is twenty requests, and the object is shown.
fixed = examples(
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=40,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
# What must be there before others are asked about: a dry run leaves nothing for the next one to build on.
FIRST = ("Namespace", "PriorityClass", "ServiceAccount", "LimitRange", "ResourceQuota")


def declared(settings: Settings) -> list[dict[str, Any]]:
    """Return every object that the program declares, those first that others need."""

    def nowhere() -> Any:
        raise AssertionError("a declaration asks the cluster nothing")

    guard = Guard(connect=nowhere, observed=Observed(), settings=settings.guard, now=NOW)
    found = Engine().run(lambda: pulumi.export("m", build(settings, {}, guard)["models"]), preview=True)
    objects = [dict(resource.inputs) for resource in found.resources if resource.type.startswith("kubernetes:")]
    return sorted(objects, key=lambda item: FIRST.index(item["kind"]) if item["kind"] in FIRST else len(FIRST))


class Server:
    """Asks a real API server whether it takes an object, by a dry run of server-side apply."""

    def __init__(self, api: Any) -> None:
        self.api = api
        self.plurals: dict[tuple[str, str], tuple[str, bool]] = {}

    def path(self, item: dict[str, Any]) -> str:
        version, kind = item["apiVersion"], item["kind"]
        base = f"/apis/{version}" if "/" in version else f"/api/{version}"
        if (version, kind) not in self.plurals:
            for found in self.api.get(base)["resources"]:
                if "/" not in found["name"]:  # no subresource
                    self.plurals[version, found["kind"]] = found["name"], found["namespaced"]
        plural, namespaced = self.plurals[version, kind]
        inside = f"namespaces/{item['metadata']['namespace']}/" if namespaced else ""
        return f"{base}/{inside}{plural}/{item['metadata']['name']}"

    def takes(self, item: dict[str, Any], *, really: bool = False) -> None:
        query = "fieldManager=test&force=true&fieldValidation=Strict" + ("" if really else "&dryRun=All")
        kind = "application/apply-patch+yaml"
        status, answer = self.api.request("PATCH", f"{self.path(item)}?{query}", item, content_type=kind)
        assert status < 300, f"{json.dumps(item)}\n{answer.decode()}"

    def takes_all(self, objects: list[dict[str, Any]]) -> None:
        """Ask for each object, and for a pod of each Deployment, which quota, limits and Pod Security look at."""
        for item in objects:
            self.takes(item, really=item["kind"] in FIRST)
            if item["kind"] == "Deployment":
                metadata = {"name": "one", "namespace": item["metadata"]["namespace"]}
                template = item["spec"]["template"]
                pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {**template["metadata"], **metadata}}
                self.takes({**pod, "spec": template["spec"]})


def fits_its_quota(objects: list[dict[str, Any]]) -> bool:
    """Whether what autoscalers keep at least, all together, is within what the team may have."""
    [quota] = [item for item in objects if item["kind"] == "ResourceQuota" and "scopeSelector" not in item["spec"]]
    least = {
        item["metadata"]["name"]: item["spec"]["minReplicas"]
        for item in objects
        if item["kind"] == "HorizontalPodAutoscaler"
    }
    asked = {"cpu": parse_quantity("0"), "memory": parse_quantity("0")}
    for item in objects:
        if item["kind"] == "Deployment":
            [container] = item["spec"]["template"]["spec"]["containers"]
            for name in asked:
                one = parse_quantity(container["resources"]["requests"][name])
                asked[name] += int(least[item["metadata"]["name"]]) * one
    return all(total <= parse_quantity(quota["spec"]["hard"][f"requests.{name}"]) for name, total in asked.items())


def test_random_valid_models_are_taken_by_the_api_server_and_fit_their_quota(plane):
    server, trial, number = Server(plane.api), f"t{token_hex(2)}", count()

    @fixed
    @given(configurations())
    def every(values):
        # A namespace of its own: one that is ending takes nothing.
        objects = declared(Settings.parse({**values, "environment": f"{trial}-{next(number)}"}))
        try:
            server.takes_all(objects)
        finally:
            for item in objects:
                if item["kind"] in ("Namespace", "PriorityClass"):
                    plane.api.delete(server.path(item))
        assert fits_its_quota(objects)

    every()
