"""What the tests of components share: the mock engine, and a model to change one thing of."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from mock_engine import Engine

from components.model import ModelArgs
from components.model_slot import Scale
from components.slot_pods import Probes, Resources, SlotContent

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine()


@pytest.fixture(scope="session")
def content() -> Callable[..., SlotContent]:
    """Make the content of a slot; any field can be named."""

    def make(version: str = "1", **changes: Any) -> SlotContent:
        plain = SlotContent(
            version=version,
            image=f"registry.example.com/iris@sha256:{hashlib.sha256(version.encode()).hexdigest()}",
            port=8080,
            resources=Resources(cpu="500m", memory="1Gi"),
            probes=Probes(ready="/readyz", live="/healthz", start="/healthz", start_within=120),
            drain=15,
        )
        return replace(plain, **changes)

    return make


@pytest.fixture(scope="session")
def model_args(content: Callable[..., SlotContent]) -> Callable[..., ModelArgs]:
    """Make the arguments of model iris with version 1 in blue, serving, and 2 in green; any field can be named."""

    def make(**changes: Any) -> ModelArgs:
        plain = ModelArgs(
            model="iris",
            team="flowers",
            environment="test",
            namespace="flowers-test",
            scale=Scale(min=2, max=6, cpu=60),
            slots={"blue": content("1"), "green": content("2")},
            active="blue",
        )
        return replace(plain, **changes)

    return make
