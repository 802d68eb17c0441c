"""What containers may take from their node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from policies.rules.pods import POD_KINDS, containers
from policies.rules.quantity import amount
from policies.rules.rule import Finding, Manifest, rule
from policies.rules.unknown import UNKNOWN, look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.rules.pods import Container

__all__ = ["requests_limits"]

# No CPU limit is asked for: CPU is shared out by the requests, and a limit throttles a container on an idle node.
_NEEDED = (("requests", "cpu"), ("requests", "memory"), ("limits", "memory"))


@rule(
    id="requests-limits",
    severity="high",
    reason="Without requests a pod lands where there is no room; without a memory limit it takes neighbours down",
    remedy="Set resources.requests.cpu, resources.requests.memory and resources.limits.memory on every container, and"
    " the limit of a device such as a GPU to its request.",
    source="https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/",
    kinds=POD_KINDS,
    requires=True,
)
def requests_limits(manifest: Manifest) -> Iterator[Finding]:
    """Every container, init containers included, has requests for CPU and memory and a memory limit.

    What a node hands out whole, such as GPUs, has a limit, and a request that equals it. Ephemeral containers cannot
    have any resources.
    """
    for container in containers(manifest, "initContainers", "containers"):
        missing = []
        for path in _NEEDED:
            value = look(container.values, "resources", *path)
            if value is UNKNOWN:
                yield container.unknown("resources", *path)
            elif value in (None, ""):
                missing.append(f"resources.{'.'.join(path)}")
        if missing:
            yield container.finding(f"no {', '.join(missing)}")
        yield from _devices(container)


def _devices(container: Container) -> Iterator[Finding]:
    requests, limits = (look(container.values, "resources", part) for part in ("requests", "limits"))
    held = [part for part in (requests, limits) if isinstance(part, Mapping)]
    for name in sorted({str(name) for part in held for name in part if "/" in str(name)}):
        request, limit = look(requests, name), look(limits, name)
        if request is UNKNOWN or limit is UNKNOWN:
            yield container.unknown("resources", "limits", name)
        elif limit is None or (request is not None and amount(request) != amount(limit)):
            yield container.finding(f"requests {request} of {name}, and its limit is {limit or 'missing'}")
