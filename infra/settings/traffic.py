"""How requests reach a model: its route, the gateway that carries it, and the share that goes to a canary."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from infra.settings.checked import Matching
from infra.settings.duration import duration
from infra.settings.errors import quote
from infra.settings.values import FrozenMap, Host, Name, Section, Text, UrlPath, empty

__all__ = ["Canary", "Gateway", "Match", "Route"]

Percent = Annotated[int, Field(ge=0, le=100)]

# A token of RFC 9110, as the Gateway API's HTTPHeaderName.
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]{1,256}")


def _header_name(value: str) -> str:
    if not _HEADER.fullmatch(value):
        raise ValueError(f"bad header {quote(value)}; allowed: a header's name without ':', such as x-tester")
    return value


def _header_value(value: str) -> str:
    if not value or not value.isprintable() or len(value) > 4096:  # noqa: PLR2004  the Gateway API's own bound
        raise ValueError(f"bad header value {quote(value)}; allowed: 1 to 4096 printable characters, matched exactly")
    return value


HeaderName = Annotated[str, Matching(_header_name, words="header", pattern=_HEADER.pattern)]
HeaderValue = Annotated[Text, AfterValidator(_header_value)]


class Match(Section):
    """Which requests go to the canary whatever its percentage."""

    headers: FrozenMap[HeaderName, HeaderValue] = Field(default_factory=empty)
    """Headers, all of which a request must carry with exactly these values. None by default.

    Upstream: HTTPRoute `rules[].matches[].headers`; Argo Rollouts `setHeaderRoute`.
    Example: `headers: {x-tester: "1"}`
    """


class Canary(Section):
    """What the idle slot gets of the requests, before a switch gives it all of them."""

    percent: Percent = 0
    """The share of requests in percent. 0, so that naming a canary moves nothing. Without a gateway it is a share of
    pods behind one Service, as fine as there are pods.

    Upstream: HTTPRoute `rules[].backendRefs[].weight`; Argo Rollouts `setWeight`.
    Example: `percent: 10`
    """

    # Made afresh, since pydantic copies defaults and a read-only mapping inside cannot be copied.
    match: Match = Field(default_factory=Match)
    """Which requests go to the canary whatever its percentage. Needs a gateway."""

    mirror: Percent = 0
    """The share of requests in percent that the canary is sent a copy of, whose answers nobody gets. None by default:
    what a model writes would be written twice. Needs a gateway that can mirror: Traefik 3.5 cannot, and answers every
    request of such a route with an error.

    Upstream: HTTPRoute filter `RequestMirror`.
    Example: `mirror: 5`
    """

    @property
    def sends(self) -> bool:
        """Whether any request may reach the canary, so that its slot must run."""
        return bool(self.percent or self.mirror or self.match.headers)


class Route(Section):
    """How users from outside reach the model. Needs `ml-platform:gateway`."""

    host: Host
    """The DNS name. Models of one team may share a host with a path each.

    Upstream: HTTPRoute `hostnames`, Ingress `rules[].host`.
    Example: `host: churn.example.com`
    """

    path: UrlPath = "/"
    """The path at which the model begins, and all below it. The whole host by default.

    Upstream: HTTPRoute `rules[].matches[].path` of type PathPrefix.
    Example: `path: /churn`
    """

    tls: Name | None = None
    """The name of the Secret with certificate and key, in the team's namespace. None serves plain HTTP: a certificate
    cannot be guessed. Of a shared Gateway it says only that the address is https: the certificate is its owner's.

    Upstream: Gateway `listeners[].tls.certificateRefs`, Ingress `tls[].secretName`.
    Example: `tls: churn-tls`
    """

    issuer: Name | None = None
    """The cert-manager ClusterIssuer that fills the Secret `tls`. None by default: the Secret is there already.

    Upstream: annotation `cert-manager.io/cluster-issuer`.
    Example: `issuer: letsencrypt`
    """

    timeout: Annotated[int, duration("1s", "1h")] | None = None
    """The time after which the gateway gives up on a request. None by default: the gateway's own. Needs a gateway that
    follows it; Traefik 3.5 does not.

    Upstream: HTTPRoute `rules[].timeouts.request`.
    Example: `timeout: 30s`
    """

    retries: Annotated[int, Field(ge=0, le=5)] = 0
    """How often the gateway sends a request again that a pod did not answer. Never by default: a prediction may cost
    or write something. At most 5: more only adds load where there is too much. Needs the experimental channel of
    the Gateway API (v1.3): the standard one has no such field.

    Upstream: HTTPRoute `rules[].retry.attempts`.
    Example: `retries: 2`
    """


class Gateway(Section):
    """Through what requests from outside come in."""

    api: Literal["gateway", "ingress"] = "gateway"
    """Which of Kubernetes' interfaces: the Gateway API, which can share traffic by weight, or Ingress, which is
    frozen upstream.

    Example: `api: ingress`
    """

    class_name: Annotated[Name | None, Field(alias="class")] = None
    """The class. With the Gateway API: a Gateway named `models` is declared in the namespace of each team that has
    routes. With Ingress: the cluster's default class where it is not given.

    Upstream: Gateway `gatewayClassName`, Ingress `ingressClassName`.
    Example: `class: traefik`
    """

    name: Name | None = None
    """The name of a shared Gateway that exists, instead of `class`. Its owner keeps its certificates.

    Upstream: HTTPRoute `parentRefs[].name`.
    Example: `name: public`
    """

    namespace: Name | None = None
    """The namespace of that shared Gateway.

    Upstream: HTTPRoute `parentRefs[].namespace`.
    Example: `namespace: gateways`
    """
