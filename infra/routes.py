"""How requests from outside reach the models: which way in a stack has, and what each model's share of it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from components.labels import owner_labels, slot_name
from components.model_route import (
    Backend,
    GatewayVia,
    HeaderMatch,
    IngressVia,
    Mirror,
    ModelRoute,
    ModelRouteArgs,
)
from components.team_gateway import GATEWAY, Certificate, TeamGateway, TeamGatewayArgs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.hooks import Hook
    from infra.guard import DeclaredModel
    from infra.settings import Settings

__all__ = ["declare_gateways", "declare_route", "mirroring", "routed", "weighed"]

_ALL = 100


def weighed(settings: Settings, name: str) -> bool:
    """Whether a gateway shares a model's requests out."""
    gateway = settings.gateway
    return settings.models[name].route is not None and gateway is not None and gateway.api == "gateway"


def routed(settings: Settings) -> set[str]:
    """Name the models whose share of requests may stand in an HTTPRoute, that of a canary taken off among them."""
    return {name for name in settings.models if weighed(settings, name)}


def mirroring(settings: Settings) -> dict[str, Any] | None:
    """Give the gateway that is to send copies of requests, as `infra.observed.can_mirror` takes it; None for none."""
    gateway = settings.gateway
    mirrors = any(model.canary is not None and model.canary.mirror for model in settings.models.values())
    if gateway is None or not mirrors:
        return None
    shared = None if gateway.name is None or gateway.namespace is None else (gateway.namespace, gateway.name)
    return {"class_name": gateway.class_name, "gateway": shared}


def declare_gateways(
    settings: Settings, teams: Mapping[str, pulumi.Resource], provider: pulumi.ProviderResource
) -> None:
    """Declare the Gateway of every team that has routes, where the stack names a class and no shared Gateway."""
    gateway = settings.gateway
    if gateway is None or gateway.api != "gateway" or gateway.class_name is None:
        return
    for team, space in teams.items():
        routes = [model.route for model in settings.models.values() if model.team == team and model.route is not None]
        if not routes:
            continue
        TeamGateway(
            team,
            TeamGatewayArgs(
                namespace=settings.namespace(team),
                labels=owner_labels(team=team, environment=settings.environment),
                class_name=gateway.class_name,
                hosts={
                    route.host: Certificate(secret=route.tls, issuer=route.issuer)
                    for route in routes
                    if route.tls is not None
                },
            ),
            pulumi.ResourceOptions(providers=[provider], depends_on=[space]),
        )


def declare_route(
    settings: Settings, plan: DeclaredModel, gate: Hook | None, opts: pulumi.ResourceOptions
) -> ModelRoute | None:
    """Declare the way in to one model, where it has one; `opts` put it after the model's routing Service."""
    model = settings.models[plan.name]
    route = model.route
    if route is None:
        return None
    canary = plan.canary if plan.canary_slot is not None else None
    shares: dict[str, Any] = {}
    if canary is not None and canary.host is not None:
        service = slot_name(plan.name, plan.idle_slot)
        if canary.percent:
            backends = {plan.name: _ALL - canary.percent, service: canary.percent}
            shares["backends"] = [Backend(service=name, weight=weight) for name, weight in backends.items()]
        if canary.headers:
            shares["matches"] = [HeaderMatch(headers=canary.headers, service=service)]
        if canary.mirror:
            shares["mirror"] = Mirror(service=service, percent=canary.mirror)
    args = ModelRouteArgs(
        model=plan.name,
        namespace=plan.namespace,
        labels=owner_labels(team=model.team, environment=settings.environment, name=plan.name),
        host=route.host,
        via=_via(settings, plan.namespace),
        path=route.path,
        tls=route.tls,
        issuer=route.issuer,
        timeout=route.timeout,
        retries=route.retries,
        gate=gate if weighed(settings, plan.name) else None,
        **shares,
    )
    return ModelRoute(f"{plan.namespace}/{plan.name}", args, opts)


def _via(settings: Settings, namespace: str) -> GatewayVia | IngressVia:
    gateway = settings.gateway
    if gateway is None or gateway.api == "ingress":
        return IngressVia(class_name=None if gateway is None else gateway.class_name)
    if gateway.name is not None and gateway.namespace is not None:
        return GatewayVia(name=gateway.name, namespace=gateway.namespace)
    return GatewayVia(name=GATEWAY, namespace=namespace, class_name=gateway.class_name)
