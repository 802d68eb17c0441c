"""Rules that span keys: what one part of the configuration says about another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.settings.rules.autoscaling import autoscaler, expendable, headroom
from infra.settings.rules.capacity import overcommitments
from infra.settings.rules.cluster import cluster
from infra.settings.rules.names import model_names, namespaces
from infra.settings.rules.pods import pods
from infra.settings.rules.pools import node_pools, placed
from infra.settings.rules.raw import models
from infra.settings.rules.registry import registry_login
from infra.settings.rules.routes import gateway, hosts, route
from infra.settings.rules.scaling import scaling
from infra.settings.rules.storage import storage
from infra.settings.rules.strategies import strategy
from infra.settings.rules.tenancy import tenancy
from infra.settings.rules.walls import walls

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.settings.errors import Mistake

__all__ = ["inconsistencies"]


def inconsistencies(raw: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find every contradiction between keys. `raw` may be wrong in any way; what cannot be read is passed over."""
    yield from namespaces(raw)
    yield from tenancy(raw)
    yield from walls(raw)
    yield from storage(raw)
    yield from gateway(raw)
    yield from registry_login(raw)
    yield from cluster(raw)
    yield from node_pools(raw)
    yield from autoscaler(raw)
    yield from headroom(raw)
    yield from expendable(raw)
    for model in models(raw):
        yield from model_names(model, raw)
        yield from strategy(model, raw)
        yield from scaling(model)
        yield from pods(model, raw)
        yield from placed(model, raw)
        yield from route(model, raw)
    yield from hosts(raw)
    yield from overcommitments(raw)
