from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pulumi

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["kubeconfig"]


def kubeconfig(
    name: str,
    *,
    server: pulumi.Input[str],
    authority: pulumi.Input[str],
    command: Sequence[str],
    provide_cluster_info: bool = False,
) -> pulumi.Output[str]:
    """Write a kubeconfig of one context, whose `command` is asked for a token each time, so that it holds none.

    `authority` is the CA in base64. Marked as secret all the same: where an API server is need not be told to everybody
    who reads a state. Format: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/.
    """

    def write(known: Mapping[str, str]) -> str:
        program, *arguments = command
        plugin: dict[str, Any] = {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": program,
            "args": arguments,
            "interactiveMode": "Never",
            "provideClusterInfo": provide_cluster_info,
        }
        cluster = {"server": known["server"], "certificate-authority-data": known["authority"]}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": name, "user": {"exec": plugin}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
        return json.dumps(document, sort_keys=True)

    return pulumi.Output.secret(pulumi.Output.all(server=server, authority=authority).apply(write))
