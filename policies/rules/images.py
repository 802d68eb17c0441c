"""Which images may run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from policies.rules.option import Option
from policies.rules.pods import POD_KINDS, containers
from policies.rules.rule import Finding, Manifest, rule
from policies.rules.unknown import UNKNOWN, look

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["image_digest", "image_not_latest", "image_registry"]

_DIGEST = re.compile(r"[^@\s]+@sha256:[0-9a-f]{64}")


@rule(
    id="image-digest",
    severity="high",
    reason="A tag can be moved, so that what was tested is not what runs; a digest is the same everywhere",
    remedy="Name the image by digest: name@sha256:<64 hexadecimal digits>.",
    source="https://kubernetes.io/docs/concepts/containers/images/#image-names",
    kinds=POD_KINDS,
    requires=True,
)
def image_digest(manifest: Manifest) -> Iterator[Finding]:
    """Every image is named by a whole sha256 digest."""
    for container in containers(manifest):
        image = look(container.values, "image")
        if image is UNKNOWN:
            yield container.unknown("image")
        elif not image:
            yield container.finding("no image")
        elif not _DIGEST.fullmatch(str(image)):
            yield container.finding(f'image "{image}" has no digest')


@rule(
    id="image-not-latest",
    severity="high",
    reason="latest names another image tomorrow, and is what an image without tag and digest means",
    remedy="Name the version, and its digest.",
    source="https://kubernetes.io/docs/concepts/configuration/overview/",
    kinds=POD_KINDS,
)
def image_not_latest(manifest: Manifest) -> Iterator[Finding]:
    """No image is called latest, in words or by saying nothing; not even beside a digest, which it would contradict."""
    for container in containers(manifest):
        image = look(container.values, "image")
        if image is UNKNOWN:
            yield container.unknown("image")
            continue
        if not image:
            continue  # a patch may leave it out; image-digest asks for one
        name, at, _ = str(image).partition("@")
        _, colon, tag = name.rpartition("/")[2].partition(":")
        if tag == "latest" or not (colon or at):
            yield container.finding(f'image "{image}" is latest')


@rule(
    id="image-registry",
    severity="high",
    reason="What runs comes from registries that someone answers for; anyone may push to a public one",
    remedy="Push the image to one of the allowed registries, and name it there.",
    source="https://kubernetes.io/docs/concepts/containers/images/#image-names",
    kinds=POD_KINDS,
    options={
        "registries": Option(
            type=list[str],
            default=[],
            says="registries, or paths in them, that images may come from, such as `registry.example.com/ml`. None are"
            " named by default, and all are allowed: which they are is an organisation's choice",
        )
    },
)
def image_registry(manifest: Manifest, *, registries: list[str]) -> Iterator[Finding]:
    """Every image comes from a registry that is allowed. A name without a host is docker.io's."""
    if not registries:
        return
    for container in containers(manifest):
        image = look(container.values, "image")
        if image is UNKNOWN:
            yield container.unknown("image")
        elif image and not any(_whole(image).startswith(f"{allowed.rstrip('/')}/") for allowed in registries):
            yield container.finding(f'image "{image}" is from none of {", ".join(registries)}')


def _whole(image: Any) -> str:
    """Return an image's name with what a container runtime fills in for it."""
    first, slash, rest = str(image).partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return f"{first}/{rest}"
    return f"docker.io/{image}" if slash else f"docker.io/library/{image}"
