"""Where secrets must not stand.

The module is inside a package, so that it does not hide Python's own `secrets` as it would beside `__main__.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from policies.rules.pods import POD_KINDS, containers
from policies.rules.rule import Finding, Manifest, rule
from policies.rules.unknown import UNKNOWN, items, look

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["no_secret_in_env"]

# The last word says that the value is secret: DB_PASSWORD, API_KEY; not MAX_TOKENS, SORT_KEY or TOKEN_URL.
_SECRET_NAME = re.compile(
    r"(?:.*[_.-])?(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?|API[_-]?KEY|ACCESS[_-]?KEY|PRIVATE[_-]?KEY)",
    re.IGNORECASE,
)
# Values that are secret whatever their name: PEM private keys, URLs with a password, well-known token prefixes.
_SECRET_VALUE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s@]+@|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{36}|\bsk-[A-Za-z0-9_-]{20}|\bhf_[A-Za-z0-9]{30}|\bxox[abp]-[0-9A-Za-z-]{10}"
)


@rule(
    id="no-secret-in-env",
    severity="critical",
    reason="A plain variable is readable by everyone who may see the object, and stays in its history",
    remedy="Keep the value under ml-platform:secrets and name it in secretEnv (valueFrom.secretKeyRef); change it"
    " wherever it was valid.",
    source="https://kubernetes.io/docs/concepts/configuration/secret/",
    kinds=POD_KINDS | {"ConfigMap"},
)
def no_secret_in_env(manifest: Manifest) -> Iterator[Finding]:
    """No variable, nor an entry of a ConfigMap that becomes one, has a secret as its plain value.

    The value is never part of the message.
    """
    yield from _entries(manifest)
    for container in containers(manifest):
        for variable in items(look(container.values, "env")):
            name, value = look(variable, "name"), look(variable, "value")
            if name is UNKNOWN or value is UNKNOWN:
                yield container.unknown("env")
            elif _is_secret(name, value):
                yield container.finding(f'the variable "{name}" holds a secret in plain text')


def _entries(manifest: Manifest) -> Iterator[Finding]:
    """Look through a ConfigMap. Its `binaryData` is nobody's variable."""
    if manifest.get("kind") != "ConfigMap":
        return
    data = look(manifest, "data")
    if data is UNKNOWN:
        yield Finding(path="data", found="not known in a preview", unknown=True)
    elif isinstance(data, Mapping):
        for name, value in data.items():
            if value is UNKNOWN:
                yield Finding(path=f"data.{name}", found="not known in a preview", unknown=True)
            elif _is_secret(name, value):
                yield Finding(path=f"data.{name}", found="holds a secret in plain text")


def _is_secret(name: object, value: object) -> bool:
    if value in (None, ""):
        return False
    return bool(_SECRET_NAME.fullmatch(str(name)) or _SECRET_VALUE.search(str(value)))
