"""Where secrets must not stand.

The module is inside a package, so that it does not hide Python's own `secrets` as it would beside `__main__.py`.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING

from policies.rules.concealed import Concealed
from policies.rules.pods import POD_KINDS, containers
from policies.rules.rule import Finding, Manifest, rule
from policies.rules.secret_looks import is_secret
from policies.rules.unknown import UNKNOWN, items, look

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["no_plain_secret_in_stack", "no_secret_in_config_map", "no_secret_in_env"]


@rule(
    id="no-secret-in-env",
    severity="critical",
    reason="A plain variable is readable by everyone who may see the object, and stays in its history",
    remedy="Keep the value under ml-platform:secrets and name it in secretEnv (valueFrom.secretKeyRef); change it"
    " wherever it was valid.",
    source="https://kubernetes.io/docs/concepts/configuration/secret/",
    kinds=POD_KINDS,
)
def no_secret_in_env(manifest: Manifest) -> Iterator[Finding]:
    """No variable has a secret as its plain value. The value is never part of the message."""
    for container in containers(manifest):
        for variable in items(look(container.values, "env")):
            name, value = look(variable, "name"), look(variable, "value")
            if name is UNKNOWN or value is UNKNOWN:
                yield container.unknown("env")
            elif is_secret(name, value):
                yield container.finding(f'the variable "{name}" holds a secret in plain text')


@rule(
    id="no-secret-in-config-map",
    severity="critical",
    reason="A ConfigMap is readable by everyone who may see the namespace, and is shown in every diff",
    remedy="Keep the value under ml-platform:secrets and name it in secretEnv; change it wherever it was valid.",
    source="https://kubernetes.io/docs/concepts/configuration/configmap/",
    kinds=("ConfigMap",),
)
def no_secret_in_config_map(manifest: Manifest) -> Iterator[Finding]:
    """No entry of a ConfigMap is a secret, by its name or by what it looks like, inside a file too."""
    for part in ("data", "binaryData"):
        data = look(manifest, part)
        if data is UNKNOWN:
            yield Finding(path=part, found="not known in a preview", unknown=True)
        for name, value in data.items() if isinstance(data, Mapping) else ():
            path = f"{part}.{name}"
            if value is UNKNOWN:
                yield Finding(path=path, found="not known in a preview", unknown=True)
            elif is_secret(name, _decoded(value) if part == "binaryData" else value):
                yield Finding(path=path, found="holds a secret in plain text")


def _decoded(value: object) -> str:
    try:
        # Line breaks are left out, as the API server does; it refuses whatever else is not base64.
        return base64.b64decode(str(value)).decode(errors="replace")
    except ValueError:
        return ""


@rule(
    id="no-plain-secret-in-stack",
    severity="critical",
    reason="What is no secret to Pulumi stands in the stack's state, its history and every diff in plain text",
    remedy="Read it with config.require_secret or wrap it in pulumi.Output.secret; change it wherever it was valid.",
    source="https://www.pulumi.com/docs/iac/concepts/secrets/",
    kinds=("Secret",),
    of_state=True,
)
def no_plain_secret_in_stack(manifest: Manifest) -> Iterator[Finding]:
    """Every value of a Secret is a secret to Pulumi too; an empty one tells nothing."""
    for part in ("data", "stringData"):
        data = look(manifest, part)
        if data is UNKNOWN:
            yield Finding(path=part, found="not known in a preview", unknown=True)
        for name, value in data.items() if isinstance(data, Mapping) else ():
            if value is UNKNOWN:
                yield Finding(path=f"{part}.{name}", found="not known in a preview", unknown=True)
            elif value not in (None, "") and not isinstance(value, Concealed):
                yield Finding(path=f"{part}.{name}", found="is kept in the stack's state in plain text")
