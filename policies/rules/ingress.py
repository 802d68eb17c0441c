"""How users come in from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.rules.rule import Finding, Manifest, rule
from policies.rules.unknown import UNKNOWN, items, look

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ingress_no_wildcard", "ingress_tls"]

_ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute")


@rule(
    id="ingress-tls",
    severity="high",
    reason="Without TLS everyone on the way reads the requests, and may change the answers",
    remedy="List the host under spec.tls, with the Secret of its certificate.",
    source="https://kubernetes.io/docs/concepts/services-networking/ingress/#tls",
    kinds=("Ingress",),
    requires=True,
)
def ingress_tls(manifest: Manifest) -> Iterator[Finding]:
    """Every host of an Ingress has TLS. An entry without hosts holds for all of them."""
    entries = items(look(manifest, "spec", "tls"))
    covered = [host for entry in entries for host in (items(look(entry, "hosts")) or [None])]
    unknown = UNKNOWN in (*entries, *covered)
    rules = items(look(manifest, "spec", "rules"))
    hosts = [look(each, "host") for each in rules] or [None]
    for index, host in enumerate(hosts):
        path = f"spec.rules[{index}].host" if rules else "spec.tls"
        if host is UNKNOWN:
            yield Finding(path=path, found="not known in a preview", unknown=True)
        elif host not in covered and not _by_wildcard(host, covered) and None not in covered:
            yield Finding(path=path, found=f"{host or 'every host'} has no TLS", unknown=unknown)


def _by_wildcard(host: object, covered: list[object]) -> bool:
    return isinstance(host, str) and f"*.{host.partition('.')[2]}" in covered


@rule(
    id="ingress-no-wildcard",
    severity="high",
    reason="A wildcard takes the hosts of others too, those to come included",
    remedy="Name each host.",
    source="https://kubernetes.io/docs/concepts/services-networking/ingress/#hostname-wildcards",
    kinds=("Ingress", *_ROUTES),
)
def ingress_no_wildcard(manifest: Manifest) -> Iterator[Finding]:
    """No Ingress or route takes a host that it does not name; a route without hosts has its listener's."""
    if manifest.get("kind") in _ROUTES:
        for index, host in enumerate(items(look(manifest, "spec", "hostnames"))):
            yield from _named(host, f"spec.hostnames[{index}]")
        return
    rules = items(look(manifest, "spec", "rules"))
    if not rules and look(manifest, "spec", "defaultBackend"):
        yield from _named(None, "spec.defaultBackend")
    for index, each in enumerate(rules):
        yield from _named(look(each, "host"), f"spec.rules[{index}].host")


def _named(host: object, path: str) -> Iterator[Finding]:
    if host is UNKNOWN:
        yield Finding(path=path, found="not known in a preview", unknown=True)
    elif not host:
        yield Finding(path=path, found="takes every host that no one else takes")
    elif str(host).startswith("*"):
        yield Finding(path=path, found=f'takes every host of "{host}"')
