"""The variables of a slot's pods: an immutable ConfigMap and an immutable Secret, each named by what it holds."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pulumi

from components.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.slot_content import SlotContent

__all__ = ["Environment", "declare_environment", "secret_digest"]

# Ten hexadecimal digits: one in a million million that two contents of one slot get one name.
_DIGITS = 10

# scrypt's own recommendation for interactive use, in 16 MiB: some 50 ms a guess, paid once a model and run.
# Source: RFC 7914, section 2, and Percival's paper.
_COST = {"n": 2**14, "r": 8, "p": 1}


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Where a slot's pods find their variables; None for what there is none of."""

    config: str | None
    secret: str | None
    objects: tuple[Manifest, ...]
    """What must stand before the first pod asks for it, and until the last one has gone."""


def declare_environment(
    content: SlotContent,
    *,
    model: str,
    name: str,
    namespace: str,
    labels: Mapping[str, str],
    parent: pulumi.Resource,
) -> Environment:
    """Declare the variables of the slot called `name` under `parent`.

    Equal values always get equal names, so that going back to a version goes back to its very objects; another value
    is another object, made before the Deployment names it. The former one goes at the end of the `up`, when the
    program has ended: what the guard waits for in it, such as the rollout, comes before. A slot has objects of its
    own, because a slot never changes when the other does.
    """
    objects: list[Manifest] = []

    def declare(kind: str, object_name: str, body: Mapping[str, Any]) -> None:
        metadata = {"name": object_name, "namespace": namespace, "labels": dict(labels)}
        # Immutable: no hand changes what a running version was given, and kubelets need not watch it.
        body = {"metadata": metadata, "immutable": True, **body}
        secret = ["data", "stringData"] if kind == "v1:Secret" else None
        objects.append(
            Manifest(
                kind,
                # The digest is in the resource's own name as well, so that Pulumi sees one resource come and another
                # go. As a replacement of one resource, an `up` that fails half-way would leave the former object to
                # be deleted by the next; and where that one goes back to the former values, it would make the object
                # anew and then delete it, under the pods that use it. The engine compares no names.
                f"{namespace}/{object_name}",
                body,
                pulumi.ResourceOptions(parent=parent, additional_secret_outputs=secret),
            )
        )

    config: str | None = None
    if variables := dict(sorted(content.variables.items())):
        config = f"{name}-{_digest(variables)}"
        declare("v1:ConfigMap", config, {"data": variables})
    secret: str | None = None
    if values := dict(sorted(content.secret_env.items())):
        secret = f"{name}-{secret_digest(values, salt=f'{namespace}/{model}')}"
        hidden = {key: pulumi.Output.secret(value) for key, value in values.items()}
        declare("v1:Secret", secret, {"type": "Opaque", "stringData": hidden})
    return Environment(config=config, secret=secret, objects=tuple(objects))


def secret_digest(values: Mapping[str, str], *, salt: str) -> str:
    """Hash secret values, slowly, so that the digest may be read by everyone who may see a Deployment.

    Names of objects are no secret, and a fast hash would let any reader try millions of guesses a second at a
    password. Salted with namespace and model, so that neither a table made in advance nor another model's digest
    helps, and both slots of a model share one computation.
    """
    return _slow_digest(_text(values), salt)


# Two slots, and a preview's and an `up`'s several questions, cost one computation.
@lru_cache(maxsize=1024)
def _slow_digest(text: str, salt: str) -> str:
    key = hashlib.scrypt(text.encode(), salt=salt.encode(), dklen=_DIGITS // 2, maxmem=2**26, **_COST)
    return key.hex()


def _digest(values: Mapping[str, str]) -> str:
    return hashlib.sha256(_text(values).encode()).hexdigest()[:_DIGITS]


def _text(values: Mapping[str, str]) -> str:
    """Write a mapping down so that two different ones never read the same."""
    return json.dumps(values, sort_keys=True, ensure_ascii=False)
