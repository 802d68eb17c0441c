"""The environment in which plain `pulumi` and `kubectl` commands reach the sandbox."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from sandbox.paths import REPOSITORY
from sandbox.plugins.environment import engine_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandbox.paths import Layout

__all__ = ["command_environment", "shell_variables", "write_environment"]

# Variables that are lists: the sandbox adds to what the user has and takes nothing away.
_EXTENDED = ("PATH", "NO_PROXY", "no_proxy")


def shell_variables(
    layout: Layout, *, docker_host: str | None = None, gateway: str | None = None, direct: Iterable[str] = ()
) -> Mapping[str, str]:
    """Return the variables that a shell needs, without those of the user's own environment.

    `gateway` is the URL at which routes are served, each under its own host. `direct` names the sandbox's addresses
    and networks: no proxy of the environment can reach them. Both spellings of NO_PROXY are set, since Go reads
    either and Python prefers the lower one.
    """
    addresses = ",".join(["127.0.0.1", "localhost", "::1", ".svc", ".cluster.local", *direct])
    return {
        **engine_environment(layout, policy_pack=REPOSITORY / "policies"),
        "PATH": f"{layout.tools}:{REPOSITORY / '.venv' / 'bin'}",
        "KUBECONFIG": str(layout.kubeconfig),
        # What kubectl remembers of a cluster's kinds, by address: it must not outlive the cluster.
        "KUBECACHEDIR": str(layout.root / "kube-cache"),
        "NO_PROXY": addresses,
        "no_proxy": addresses,
        **({"DOCKER_HOST": docker_host} if docker_host else {}),
        **({"SANDBOX_GATEWAY": gateway} if gateway else {}),
    }


def command_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the user's environment with the sandbox's variables in it, for a command."""
    environment = {**os.environ, **variables}
    for name in _EXTENDED:
        theirs = os.environ.get(name)
        if theirs:
            first, second = (variables[name], theirs) if name == "PATH" else (theirs, variables[name])
            environment[name] = f"{first}{_separator(name)}{second}"
    return environment


def write_environment(layout: Layout, variables: Mapping[str, str]) -> None:
    """Write the file that `. .sandbox/env` reads; reading it twice changes nothing more."""
    lines = ["# Source this: it points pulumi, kubectl and docker at the sandbox."]
    for name, value in sorted(variables.items()):
        if name in _EXTENDED:
            lines.append(_extend(name, value))
        else:
            lines.append(f"export {name}={shlex.quote(value)}")
    layout.environment.write_text("\n".join(lines) + "\n")


def _extend(name: str, value: str) -> str:
    """Return the line that adds `value` to a list unless it stands in it already."""
    separator = _separator(name)
    quoted = shlex.quote(value)
    kept = f"${{{name}:+{separator}${name}}}" if name == "PATH" else f"${{{name}:+${name}{separator}}}"
    order = f'{quoted}"{kept}"' if name == "PATH" else f'"{kept}"{quoted}'
    there = f'"{separator}${{{name}-}}{separator}" in *{separator}{quoted}{separator}*'
    return f"case {there}) ;; *) export {name}={order} ;; esac"


def _separator(name: str) -> str:
    return ":" if name == "PATH" else ","
