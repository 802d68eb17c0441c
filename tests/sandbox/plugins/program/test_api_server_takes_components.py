"""Whatever valid arguments components are given, a real API server takes what they declare: in a dry run, validated
strictly, without a warning."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import Phase, given, settings
from mock_engine import Engine
from pulumi.runtime.rpc import is_rpc_secret
from random_models import models, rolling_models, routes

from components.model import Model
from components.model_route import ModelRoute
from components.rolling_model import RollingModel
from components.team_gateway import Certificate, TeamGateway, TeamGatewayArgs

# One namespace for all: a dry run leaves nothing in it. Ten examples of each kind are some 200 requests, 5 s.
NAMESPACE = "dry-run"
few = settings(max_examples=10, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
PLURALS = {"NetworkPolicy": "networkpolicies", "Ingress": "ingresses"}
QUERY = "fieldManager=test&dryRun=All&fieldValidation=Strict&force=true"


@pytest.fixture(scope="module")
def api(control_plane):
    control_plane.api.request("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    return control_plane.api


def sent(value):
    """Return a declaration as a provider sends it: no marks of secrets, whole numbers whole."""
    if isinstance(value, dict):
        return sent(value["value"]) if is_rpc_secret(value) else {key: sent(item) for key, item in value.items()}
    if isinstance(value, list):
        return [sent(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def refusals(api, declared) -> dict[str, str]:
    """Ask the API server for each declared object; return what it said against which."""
    found = {}
    for (kind, name), resource in declared.objects().items():
        manifest = sent(dict(resource.inputs))
        manifest["metadata"]["namespace"] = NAMESPACE
        version = manifest["apiVersion"]
        group = f"/api/{version}" if "/" not in version else f"/apis/{version}"
        plural = PLURALS.get(kind, f"{kind.lower()}s")
        path = f"{group}/namespaces/{NAMESPACE}/{plural}/{quote(manifest['metadata']['name'])}?{QUERY}"
        status, answer = api.request("PATCH", path, manifest, content_type="application/apply-patch+yaml")
        if status >= 300:
            found[f"{kind}/{name}"] = f"{status} {answer.decode()[:600]}\n{json.dumps(manifest)[:1500]}"
    return found


@few
@given(args=models())
def test_a_model_with_slots_is_taken(api, args):
    assert refusals(api, Engine().run(lambda: Model("iris", args))) == {}


@few
@given(args=rolling_models())
def test_a_model_without_slots_is_taken(api, args):
    assert refusals(api, Engine().run(lambda: RollingModel("iris", args))) == {}


@few
@given(args=routes())
def test_a_route_with_its_gateway_is_taken(api, args):
    def program() -> None:
        hosts = {} if args.tls is None else {args.host: Certificate(secret=args.tls, issuer=args.issuer)}
        gateway = TeamGatewayArgs(namespace=args.namespace, labels={}, class_name="traefik", hosts=hosts)
        TeamGateway("flowers", gateway)
        ModelRoute("flowers-test/iris", args)

    assert refusals(api, Engine().run(program)) == {}


def test_what_an_api_server_does_not_know_is_told(api):
    """The control: a field that no kind has would be told."""
    manifest = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "iris"}, "spec": {"colour": "blue"}}
    path = f"/api/v1/namespaces/{NAMESPACE}/services/iris?{QUERY}"
    status, answer = api.request("PATCH", path, manifest, content_type="application/apply-patch+yaml")
    assert status >= 300
    assert "colour" in answer.decode()
