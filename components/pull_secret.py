"""A login with which nodes pull images, as the one file that Docker and Kubernetes read."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PullLogin", "pull_secret"]


@dataclass(frozen=True, kw_only=True)
class PullLogin:
    """A user at a registry; the password is shown by nothing."""

    registry: str
    username: str
    password: str = field(repr=False)


def pull_secret(login: PullLogin) -> Mapping[str, pulumi.Input[str]]:
    """Give the `stringData` of a Secret of type kubernetes.io/dockerconfigjson, marked as secret as a whole.

    Source: https://kubernetes.io/docs/concepts/configuration/secret/#docker-config-secrets
    """
    pair = base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
    host = login.registry.partition("/")[0]
    entry = {"username": login.username, "password": login.password, "auth": pair}
    return {".dockerconfigjson": pulumi.Output.secret(json.dumps({"auths": {host: entry}}))}
