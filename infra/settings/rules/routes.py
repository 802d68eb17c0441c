"""Routes and the gateway that carries them: what it needs, and what two routes cannot share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from infra.settings.errors import Mistake, quote
from infra.settings.rules.raw import below, given, mapping, models

if TYPE_CHECKING:
    from infra.settings.rules.raw import RawModel

__all__ = ["gateway", "hosts", "route"]

_MOST_HEADERS = 16  # of one match, by the Gateway API


def gateway(raw: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find a gateway that is not one thing: a class or a shared Gateway; an Ingress has a class at most."""
    values = mapping(raw, "gateway")
    if not isinstance(below(raw, "gateway"), Mapping):
        return
    named = [key for key in ("name", "namespace") if given(values, key)]
    if values.get("api") == "ingress":
        for key in named:
            yield Mistake(path=("gateway", key), message="is for api: gateway; an Ingress has a class at most")
    elif values.get("api") in (None, "gateway"):
        if given(values, "class") and named:
            yield Mistake(
                path=("gateway", "class"),
                message="class (a Gateway for each team) and name (a shared one) exclude each other; keep one",
            )
        elif not given(values, "class") and not named:
            yield Mistake(
                path=("gateway",),
                message="needs class (a GatewayClass, such as traefik), or name and namespace of a Gateway that exists",
            )
        elif len(named) == 1:
            lacking = "namespace" if named == ["name"] else "name"
            yield Mistake(path=("gateway", lacking), message="is missing; a shared Gateway has a name and a namespace")


def route(model: RawModel, raw: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find a route without a gateway, or with keys that its gateway cannot follow."""
    values, path = mapping(model.values, "route"), (*model.path, "route")
    headers = mapping(model.values, "canary", "match", "headers")
    yield from _headers(model, headers)
    if not given(model.values, "route"):
        return
    if not given(raw, "gateway"):
        yield Mistake(
            path=path,
            message="needs ml-platform:gateway, such as {class: traefik}, or {api: ingress}, through which requests"
            " come in",
        )
    if given(values, "issuer") and not given(values, "tls"):
        yield Mistake(path=(*path, "issuer"), message="needs tls, the name of the Secret that it fills")
    if given(raw, "gateway", "name") and not given(raw, "gateway", "class") and given(values, "issuer"):
        yield Mistake(
            path=(*path, "issuer"),
            message="a shared Gateway's certificates are its owner's; leave issuer out, or give the gateway a class",
        )
    if below(raw, "gateway", "api") == "ingress":
        for key in ("timeout", "retries"):
            if given(values, key) and values[key] != 0:
                yield Mistake(
                    path=(*path, key),
                    message="needs api: gateway; an Ingress has no such field, only annotations of its own",
                )


def _headers(model: RawModel, headers: Mapping[str, Any]) -> Iterator[Mistake]:
    path = (*model.path, "canary", "match", "headers")
    if len(headers) > _MOST_HEADERS:
        yield Mistake(path=path, message=f"{len(headers)} headers; the Gateway API allows {_MOST_HEADERS}")
    first: dict[str, str] = {}
    for name in map(str, headers):
        if name.lower() in first:
            yield Mistake(
                path=(*path, name), message=f"is the same header as {quote(first[name.lower()])}: case does not count"
            )
        first.setdefault(name.lower(), name)


def hosts(raw: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find two routes that would take each other's requests or certificates."""
    # A class means a Gateway a team, and every Gateway has its own address.
    own_gateways = given(raw, "gateway", "class") and below(raw, "gateway", "api") in (None, "gateway")
    by_host: dict[str, list[RawModel]] = {}
    secured: dict[str | None, RawModel] = {}
    for model in models(raw):
        values = mapping(model.values, "route")
        host = values.get("host")
        if not isinstance(host, str):
            continue
        others = by_host.setdefault(host, [])
        # The one at the same path first: the rest follows from it.
        near = [other for other in others if _start(mapping(other.values, "route")) == _start(values)]
        found = (list(_same_host(model, other, own_gateways=own_gateways)) for other in [*near, *others])
        yield from next(filter(None, found), [])
        others.append(model)
        if own_gateways and given(values, "tls"):
            yield from _same_gateway(model, secured.setdefault(model.team, model))


def _same_host(model: RawModel, other: RawModel, *, own_gateways: bool) -> Iterator[Mistake]:
    ours, theirs = mapping(model.values, "route"), mapping(other.values, "route")
    path, host = (*model.path, "route"), ours["host"]
    if _start(ours) == _start(theirs):
        yield Mistake(
            path=(*path, "host"),
            message=f"{quote(host)} already leads to model {quote(other.name)}; give each model its own host, or a"
            " path of its own",
        )
    elif own_gateways and model.team != other.team:
        yield Mistake(
            path=(*path, "host"),
            message=f"{quote(host)} already leads to model {quote(other.name)} of team {quote(other.team)}; each team"
            " has its own Gateway, so that a host leads to one team",
        )
    else:
        for key in ("tls", "issuer"):
            if ours.get(key) != theirs.get(key):
                yield Mistake(
                    path=(*path, key),
                    message=f"{quote(ours.get(key))} differs from model {quote(other.name)}'s,"
                    f" {quote(theirs.get(key))}; they share the host {quote(host)}, and a host has one certificate",
                )


def _same_gateway(model: RawModel, first: RawModel) -> Iterator[Mistake]:
    ours, theirs = mapping(model.values, "route"), mapping(first.values, "route")
    if ours["host"] != theirs["host"] and ours.get("issuer") != theirs.get("issuer"):
        yield Mistake(
            path=(*model.path, "route", "issuer"),
            message=f"{quote(ours.get('issuer'))} differs from model {quote(first.name)}'s,"
            f" {quote(theirs.get('issuer'))}; a team has one Gateway, and cert-manager takes one issuer from it",
        )


def _start(values: Mapping[str, Any]) -> str:
    path = values.get("path")
    return path.rstrip("/") if isinstance(path, str) else ""
