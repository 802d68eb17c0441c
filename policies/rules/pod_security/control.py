"""What the controls of the Pod Security Standards have in common."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import StringConstraints

from policies.rules.option import Option
from policies.rules.pods import POD_KINDS, Place, PodSpec, containers_of, pod_specs
from policies.rules.rule import Finding, Manifest, Rule, Severity
from policies.rules.unknown import UNKNOWN, look

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["KUBERNETES", "Level", "control", "minor", "settings", "unless", "wrong"]

Level = Literal["baseline", "restricted"]

KUBERNETES = Option(
    type=Annotated[str, StringConstraints(pattern=r"^v?1\.\d+$")],
    default="1.36",  # the version whose module the tests hold these rules against
    says="the Kubernetes version whose Pod Security Standards apply, as text",
)

_STANDARDS = "https://kubernetes.io/docs/concepts/security/pod-security-standards"


def minor(kubernetes: str) -> int:
    """Return the minor version, 36 of v1.36."""
    return int(kubernetes.rpartition(".")[2])


def control(
    *,
    upstream: str,
    level: Level,
    severity: Severity,
    reason: str,
    remedy: str,
    since: str = "1.0",
    requires: bool = False,
) -> Callable[[Callable[[PodSpec, int], Iterable[Finding]]], Rule]:
    """Make a rule of a check of one pod's specification.

    Args:
        upstream: the control's id in k8s.io/pod-security-admission; the rule is named after it.
        level: the standard that it belongs to.
        severity: how bad a violation is.
        reason: why the control exists.
        remedy: how to keep it.
        since: the first version of Kubernetes whose standards have the control.
        requires: it asks for something to be there.

    """

    def make(check: Callable[[PodSpec, int], Iterable[Finding]]) -> Rule:
        def versioned(manifest: Manifest, *, kubernetes: str) -> Iterator[Finding]:
            version = minor(kubernetes)
            if version >= minor(since):
                for spec in pod_specs(manifest):
                    yield from check(spec, version)

        versioned.__doc__ = check.__doc__
        return Rule(
            id=f"pss-{_kebab(upstream)}",
            severity=severity,
            reason=reason,
            remedy=remedy,
            source=f"{_STANDARDS}/#{level}",
            kinds=POD_KINDS,
            requires=requires,
            check=versioned,
            options={"kubernetes": KUBERNETES},
        )

    return make


def _kebab(upstream: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", upstream.replace("_", "-")).lower()


def settings(spec: PodSpec, *keys: str) -> Iterator[Place]:
    """Find what stands under these keys in the security context of the pod and of each of its containers."""
    yield spec.at("securityContext", *keys)
    for container in containers_of(spec):
        yield container.at("securityContext", *keys)


def wrong(place: Place, says: Callable[[Any], str | None]) -> Iterator[Finding]:
    """Report a place for what is said of its value, or as not checked yet."""
    if place.values is UNKNOWN:
        yield place.unknown()
    elif (found := says(place.values)) is not None:
        yield place.finding(found)


def unless(spec: PodSpec, keys: tuple[str, ...], value: object, found: Iterable[Finding]) -> Iterator[Finding]:
    """Report only what a pod does that has not this value under these keys, such as `hostUsers: false`.

    Where that value is not known yet, nothing is certain.
    """
    held = look(spec.values, *keys)
    if held is UNKNOWN:
        yield from (replace(finding, unknown=True) for finding in found)
    elif held is None or held != value:
        yield from found
