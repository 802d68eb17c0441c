"""The rules of an HTTPRoute: who answers a request that a gateway has matched.

Source: the Gateway API's HTTPRoute, v1, standard channel where not said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Backend", "HeaderMatch", "Mirror", "Weighing", "route_rules"]

# The port of every Service of a model.
_PORT = 80

# What says that a backend was not there or not ready, in which case another attempt may find it so. Never 500, with
# which a model may answer what it has done half of.
_RETRIED = [502, 503, 504]

# What a duration of the Gateway API can say in seconds: five digits. Source: GEP-2257.
_LONGEST = 99_999


@dataclass(frozen=True, kw_only=True)
class Backend:
    """A Service and its weight among the others of its rule. 0 gets nothing."""

    service: str
    weight: int


@dataclass(frozen=True, kw_only=True)
class HeaderMatch:
    """Requests with all of these headers, each with exactly this value, and the Service that gets them."""

    headers: Mapping[str, str]
    service: str


@dataclass(frozen=True, kw_only=True)
class Mirror:
    """A Service that gets a copy of requests, whose answers nobody sees."""

    service: str
    percent: int
    """Of the requests that go by weight, 1 to 100."""


@dataclass(frozen=True, kw_only=True)
class Weighing:
    """How requests are shared out. Raises ValueError for weights that nobody would be served by."""

    backends: Sequence[Backend] = field(default_factory=tuple)
    matches: Sequence[HeaderMatch] = field(default_factory=tuple)
    mirror: Mirror | None = None

    def __post_init__(self) -> None:
        if self.backends and sum(backend.weight for backend in self.backends) == 0:
            raise ValueError("route: every backend has weight 0, which a gateway answers with 500")
        if any(not match.headers for match in self.matches):
            raise ValueError("route: a match without headers would match everything")


def route_rules(
    model: str, path: str, *, weighing: Weighing, timeout: int | None, retries: int
) -> list[dict[str, Any]]:
    """Give the rules of a model's route under a path; `timeout` in seconds.

    Raises ValueError for a timeout that the Gateway API cannot say.
    """
    shared: dict[str, Any] = {}
    if timeout is not None:
        if not 1 <= timeout <= _LONGEST:
            raise ValueError(f"route.timeout: {timeout} s is not within 1 to {_LONGEST} s")
        shared["timeouts"] = {"request": f"{timeout}s"}
    if retries:
        shared["retry"] = {"attempts": retries, "codes": _RETRIED}
    under = {"path": {"type": "PathPrefix", "value": path}}
    # A rule with headers wins over one without, whatever their order. Source: HTTPRouteRule.matches.
    rules = [
        {
            "matches": [{**under, "headers": _headers(match.headers)}],
            "backendRefs": [_backend(match.service)],
            **shared,
        }
        for match in weighing.matches
    ]
    main: dict[str, Any] = {"matches": [under], "backendRefs": [_backend(model)], **shared}
    if weighing.backends:
        main["backendRefs"] = [{**_backend(backend.service), "weight": backend.weight} for backend in weighing.backends]
    if (mirror := weighing.mirror) is not None:
        copy: dict[str, Any] = {"backendRef": _backend(mirror.service)}
        if mirror.percent < 100:  # noqa: PLR2004  all is what the filter does without the field, which is newer
            copy["percent"] = mirror.percent
        main["filters"] = [{"type": "RequestMirror", "requestMirror": copy}]
    return [*rules, main]


def _backend(service: str) -> dict[str, Any]:
    return {"name": service, "port": _PORT}


def _headers(headers: Mapping[str, str]) -> list[dict[str, str]]:
    # Sorted, so that the order in which somebody wrote them down is no change.
    return [{"type": "Exact", "name": name, "value": value} for name, value in sorted(headers.items())]
