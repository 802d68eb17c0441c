"""Whatever valid arguments components are given, they declare what an API server takes."""

from __future__ import annotations

import pytest
from hypothesis import Phase, given, settings
from manifest_rules import problems
from pulumi.runtime.rpc import is_rpc_secret
from random_models import models, rolling_models, routes

from components.model import Model
from components.model_route import ModelRoute
from components.rolling_model import RollingModel
from components.team_gateway import Certificate, TeamGateway, TeamGatewayArgs

# A run of the mock engine takes 30 ms, and draws a dozen things at once. Not shrunk: that takes hundreds of runs, and
# what is wrong is told by its path.
few = settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])


def revealed(value):
    """Take the engine's mark off secret values."""
    if isinstance(value, dict):
        return (
            revealed(value["value"]) if is_rpc_secret(value) else {key: revealed(item) for key, item in value.items()}
        )
    return [revealed(item) for item in value] if isinstance(value, list) else value


def wrong(declared):
    checked = {name: problems(revealed(dict(resource.inputs))) for name, resource in declared.objects().items()}
    return {name: found for name, found in checked.items() if found}


@few
@given(args=models())
def test_a_model_with_slots_is_taken(engine, args):
    assert wrong(engine.run(lambda: Model("iris", args))) == {}


@few
@given(args=rolling_models())
def test_a_model_without_slots_is_taken(engine, args):
    assert wrong(engine.run(lambda: RollingModel("iris", args))) == {}


@few
@given(args=routes())
def test_a_route_is_taken(engine, args):
    hosts = {} if args.tls is None else {args.host: Certificate(secret=args.tls, issuer=args.issuer)}
    team = TeamGatewayArgs(namespace=args.namespace, labels={}, class_name="traefik", hosts=hosts)

    def program():
        TeamGateway("flowers", team)
        ModelRoute("flowers-test/iris", args)

    assert wrong(engine.run(program)) == {}


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        (("spec", "replicas"), 3, "unknown field replicas"),
        (("spec", "progressDeadlineSeconds"), "5m", "is no integer"),
        (("spec", "selector", "matchLabels", "app"), "other", "does not find"),
        (("spec", "strategy", "type"), "Rolling", "is none of"),
        (("metadata", "name"), "Iris", "does not match"),
    ],
)
def test_what_an_api_server_refuses_is_found(engine, model_args, place, value, says):
    deployment = engine.run(lambda: Model("iris", model_args())).object("Deployment", "iris-blue")
    assert problems(deployment) == []
    inner = deployment
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    found, *_ = problems(deployment)
    assert says in found
