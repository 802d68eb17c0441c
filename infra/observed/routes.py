"""Read how a gateway shares a model's requests out, and what the gateway can do.

What this needs of RBAC: get and list httproutes in each team's namespace; for mirroring, get gateways and
gatewayclasses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.observed.api import ApiError
from infra.observed.state import RouteSeen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.observed.api import ApiServer

__all__ = ["can_mirror", "list_routes", "read_route", "route_seen"]

_GROUP = "/apis/gateway.networking.k8s.io/v1"
_ABSENT = 404
_MIRRORING = "HTTPRouteRequestMirror"
# It takes a rule that mirrors, calls it accepted, and answers 500 to every request of it. Source: Traefik 3.5's
# pkg/provider/kubernetes/gateway, whose filters know no RequestMirror.
_CANNOT = frozenset({"traefik.io/gateway-controller"})


def list_routes(api: ApiServer, namespace: str) -> dict[str, RouteSeen]:
    """Read a namespace's HTTPRoutes by name; none where the cluster has no Gateway API."""
    try:
        items = api.list(f"{_GROUP}/namespaces/{namespace}/httproutes")
    except ApiError as error:
        if error.status == _ABSENT:
            return {}
        raise
    return {item["metadata"]["name"]: route_seen(item) for item in items}


def read_route(api: ApiServer, namespace: str, name: str) -> RouteSeen | None:
    """Read one HTTPRoute; None where there is none."""
    found = api.find(f"{_GROUP}/namespaces/{namespace}/httproutes/{name}")
    return None if found is None else route_seen(found)


def can_mirror(api: ApiServer, *, class_name: str | None, gateway: tuple[str, str] | None) -> bool:
    """Whether a gateway can send copies of requests; True where nothing says otherwise, or we may not ask.

    `gateway` is namespace and name of a shared one, whose class is asked; else `class_name` is.
    """
    try:
        if gateway is not None:
            found = api.find(f"{_GROUP}/namespaces/{gateway[0]}/gateways/{gateway[1]}")
            class_name = ((found or {}).get("spec") or {}).get("gatewayClassName")
        kind = None if class_name is None else api.find(f"{_GROUP}/gatewayclasses/{class_name}")
    except ApiError:
        return True
    if kind is None:
        return True
    # Names, or objects with a name: the field has changed its form before it became stable.
    features = (kind.get("status") or {}).get("supportedFeatures") or []
    names = {feature.get("name") if isinstance(feature, dict) else feature for feature in features}
    if names:
        return _MIRRORING in names
    return (kind.get("spec") or {}).get("controllerName") not in _CANNOT


def route_seen(route: Mapping[str, Any]) -> RouteSeen:
    """Give what an HTTPRoute does with the requests that it takes."""
    shares: dict[str, float] = {}
    matches: set[tuple[tuple[tuple[str, str], ...], str]] = set()
    mirrors: dict[str, int] = {}
    for rule in (route.get("spec") or {}).get("rules") or ():
        backends = rule.get("backendRefs") or ()
        # The API's default weight is 1. Source: BackendRef.weight.
        weights = {backend.get("name", ""): int(backend.get("weight", 1)) for backend in backends}
        headers = [headers for match in rule.get("matches") or () if (headers := match.get("headers"))]
        if headers:
            for listed in headers:
                wanted = tuple(sorted((header.get("name", ""), header.get("value", "")) for header in listed))
                matches |= {(wanted, service) for service, weight in weights.items() if weight}
            continue
        total = sum(weights.values())
        shares |= {service: 100 * weight / total for service, weight in weights.items() if weight}
        for wanted in rule.get("filters") or ():
            mirror = wanted.get("requestMirror") or {}
            if name := (mirror.get("backendRef") or {}).get("name"):
                mirrors[name] = int(mirror.get("percent", 100))
    return RouteSeen(shares=shares, matches=frozenset(matches), mirrors=mirrors)
