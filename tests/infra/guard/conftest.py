"""Declared and live models for tests of the guard: a model `iris` of two slots, blue serving."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from infra.guard.declared import DeclaredModel, DeclaredSlot
from infra.guard.smoke import Smoke
from infra.observed import ModelSeen, Observed, PodSeen, RouteSeen, SlotSeen

ONE, TWO = (f"registry.example.com/iris@sha256:{digit * 64}" for digit in "12")
NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


def a_model(**changes: Any) -> DeclaredModel:
    requests = {"requests.cpu": "500m", "requests.memory": "1Gi"}
    smoke = Smoke(path="/predict", body={"rows": [1]}, json={"version": "2"})
    model = DeclaredModel(
        name="iris",
        namespace="flowers-prod",
        active="blue",
        minimum=2,
        maximum=10,
        soak=timedelta(minutes=10),
        slots={
            "blue": DeclaredSlot(version="1", image=ONE, content="c1", requests=requests, smoke=smoke),
            "green": DeclaredSlot(version="2", image=TWO, content="c2", requests=requests, smoke=smoke),
        },
    )
    return replace(model, **changes)


def a_slot(image: str = ONE, *, replicas: int = 2, ready: int | None = None, **changes: Any) -> SlotSeen:
    """Give a slot whose Deployment is at rest, with as many pods ready as said (all by default)."""
    ready = replicas if ready is None else ready
    pods = tuple(
        PodSeen(name=f"pod-{i}", image=image, template="t1", created="2026-03-01T11:00:00Z", ready=i < ready)
        for i in range(replicas)
    )
    slot = SlotSeen(
        exists=True,
        desired=replicas,
        current=replicas,
        updated=replicas,
        ready=ready,
        generation=1,
        observed_generation=1,
        content="c1" if image == ONE else "c2",
        image=image,
        pods=pods,
    )
    return replace(slot, **changes)


def a_live_model(*, routing: str | None = "blue", route: RouteSeen | None = None, **slots: SlotSeen) -> ModelSeen:
    both = {"blue": a_slot(ONE), "green": a_slot(TWO), **slots}
    return ModelSeen(service=routing is not None, routing=routing, slots=both, route=route)


@pytest.fixture
def given() -> SimpleNamespace:
    """Builders of what is declared and what is live, and the values that they use."""
    return SimpleNamespace(
        model=a_model, slot=a_slot, live=a_live_model, observed=Observed, pod=PodSeen, now=NOW, one=ONE, two=TWO
    )
