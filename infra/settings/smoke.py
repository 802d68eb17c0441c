"""The request that a slot must answer before users are sent to it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from infra.settings.duration import exact_duration
from infra.settings.values import Json, Section, UrlPath

__all__ = ["Expect", "Smoke"]

HttpStatus = Annotated[int, Field(ge=200, le=599)]


class Expect(Section):
    """What the answer to the smoke request must be."""

    status: HttpStatus = 200
    """The HTTP status. 200, since a redirect or an empty answer is no prediction.

    Example: `status: 202`
    """

    json_: Annotated[Json, Field(alias="json")] = None
    """What the body, decoded, must contain: every key named here with this value; others are free. By default any
    body will do, since only the model's author knows a right answer. `{version}` in a text stands for the version's
    name.

    Example: `json: {version: "{version}"}`
    """


class Smoke(Section):
    """One request that a slot must answer before users are sent to it."""

    path: UrlPath | None = None
    """The path that is asked. By default the readiness path: no prediction, but asked through the slot's Service it
    proves the port.

    Default: `probes.ready`.
    Example: `path: /predict`
    """

    body: Json = None
    """Sent as JSON by POST; by default there is none, and the request is a GET.

    Example: `body: {features: [[5.1, 3.5, 1.4, 0.2]]}`
    """

    expect: Expect = Expect()
    """What the answer must be."""

    within: Annotated[float, exact_duration("10ms", "60s")] = 10
    """The time for one answer. The API server's service proxy, which carries it, ends a request after 60 s; 10 s leave
    a model that was never asked before its first, slow prediction.

    Example: `within: 2s`
    """
