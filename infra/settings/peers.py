"""Who may reach a team's pods, and what they may reach: one line of text a peer."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated, Literal

from infra.settings.checked import Matching
from infra.settings.errors import quote

__all__ = ["Caller", "Cidr", "Destination", "Peer", "Reader", "parse_peer"]

PeerKind = Literal["team", "namespace", "cidr", "service"]

_NAME = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
# A number, or a container port's name (IANA service name, RFC 6335: 15 characters at most, a letter among them).
_PORT = r"(?:[1-9][0-9]{0,4}|(?=[a-z0-9-]*[a-z])[a-z0-9](?:[a-z0-9-]{0,13}[a-z0-9])?)"
_PORTS = rf"(?::{_PORT}(?:,{_PORT})*)?"
_CIDR = r"cidr:[0-9a-fA-F.:]+/[0-9]{1,3}"
_CALLER = re.compile(rf"(?:team:{_NAME}(?:/{_NAME})?|namespace:{_NAME}|{_CIDR}){_PORTS}")
_READER = re.compile(rf"team:{_NAME}(?:/{_NAME})?")
_DESTINATION = re.compile(rf"(?:(?:namespace:{_NAME}|{_CIDR}){_PORTS}|service:{_NAME})")
_PARTS = re.compile(
    rf"(?P<kind>team|namespace|cidr|service):(?P<name>[0-9a-fA-F.:]+/[0-9]{{1,3}}|{_NAME}(?:/{_NAME})?)"
    rf"(?::(?P<ports>{_PORT}(?:,{_PORT})*))?"
)
_LARGEST_PORT = 65535

_CALLERS = "team:<team>, team:<team>/<namespace>, namespace:<name> or cidr:<network>"
_DESTINATIONS = "cidr:<network>, namespace:<name> or service:<name of ml-platform:services>"
_WITH_PORTS = ", and behind it :<port>[,<port>] where not every port is meant"


@dataclass(frozen=True, kw_only=True)
class Peer:
    """One peer, read. `ports` are numbers or names of container ports, all TCP; none of them means every port.

    `space` is the one namespace of a team that is meant, None for all of them.
    """

    kind: PeerKind
    name: str
    space: str | None = None
    ports: tuple[int | str, ...] = ()


def parse_peer(text: str) -> Peer:
    """Read a peer. Raises ValueError, with what is allowed, for what is none."""
    match = _PARTS.fullmatch(text)
    if match is None:
        raise ValueError(f"bad peer {quote(text)}; allowed: {_CALLERS}, service:<name>{_WITH_PORTS}")
    kind, name = match["kind"], match["name"]
    ports = tuple(int(port) if port.isdecimal() else port for port in (match["ports"] or "").split(",") if port)
    if too_large := [port for port in ports if isinstance(port, int) and port > _LARGEST_PORT]:
        raise ValueError(f"bad port {too_large[0]} in {quote(text)}; allowed: 1 to {_LARGEST_PORT}")
    if kind == "cidr":
        return Peer(kind="cidr", name=_network(name, text), ports=ports)
    name, _, space = name.partition("/")
    if kind == "team":
        return Peer(kind="team", name=name, space=space or None, ports=ports)
    return Peer(kind="namespace" if kind == "namespace" else "service", name=name, ports=ports)


def _network(name: str, text: str) -> str:
    try:
        return str(ipaddress.ip_network(name))
    except ValueError as error:
        try:
            meant = f"; did you mean {quote(text.replace(name, str(ipaddress.ip_network(name, strict=False))))}?"
        except ValueError:
            meant = ""
        raise ValueError(
            f"bad network in {quote(text)}: {str(error).replace(repr(name), name)}; allowed: an address and its"
            f" prefix's length, such as cidr:10.20.0.0/16{meant}"
        ) from None


def _caller(value: str) -> str:
    if value.startswith("service:"):
        raise ValueError(f"{quote(value)} cannot call: a service is reached, by network.to; allowed: {_CALLERS}")
    if not _CALLER.fullmatch(value):
        raise ValueError(f"bad peer {quote(value)}; allowed: {_CALLERS}{_WITH_PORTS}")
    parse_peer(value)
    return value


def _destination(value: str) -> str:
    if value.startswith("team:"):
        team = value.removeprefix("team:").partition(":")[0]
        raise ValueError(
            f"{quote(value)} is for the other side to say: name this team in teams.{team.replace('/', '.namespaces.')}"
            f".network.from, which opens both ends; allowed: {_DESTINATIONS}"
        )
    if not _DESTINATION.fullmatch(value):
        raise ValueError(f"bad peer {quote(value)}; allowed: {_DESTINATIONS}{_WITH_PORTS}")
    parse_peer(value)
    return value


def _reader(value: str) -> str:
    if not _READER.fullmatch(value):
        raise ValueError(f"bad reader {quote(value)}; allowed: team:<team> or team:<team>/<namespace>")
    return value


def _cidr(value: str) -> str:
    return parse_peer(f"cidr:{value}").name


Cidr = Annotated[str, Matching(_cidr, words="network, such as `10.20.0.0/16`", pattern=_CIDR.removeprefix("cidr:"))]
Reader = Annotated[str, Matching(_reader, words="`team:<team>` or `team:<team>/<namespace>`", pattern=_READER.pattern)]
Caller = Annotated[
    str,
    Matching(
        _caller,
        words="`team:<team>[/<namespace>]`, `namespace:<name>` or `cidr:<network>`, each with `:<port>,...` behind it"
        " where not all are meant",
        pattern=_CALLER.pattern,
    ),
]
Destination = Annotated[
    str,
    Matching(
        _destination,
        words="`cidr:<network>` or `namespace:<name>`, each with `:<port>,...` behind it where not all are meant, or"
        " `service:<name>`",
        pattern=_DESTINATION.pattern,
    ),
]
