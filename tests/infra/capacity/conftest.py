from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from node_pools import model, pool

from infra.capacity import Proof, prove
from infra.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def raw() -> dict[str, Any]:
    return {
        "environment": "test",
        "registry": "registry.example.com/ml",
        "cluster": {"provider": "existing", "context": "test", "nodePools": {"general": pool()}},
        "capacity": {"overcommit": 100},
        "teams": {"fraud": {"quota": {"requests.cpu": "100", "requests.memory": "400Gi"}}},
        "models": {"churn": model()},
    }


@pytest.fixture
def proved(raw: dict[str, Any]) -> Callable[..., Proof]:
    """The proof of a configuration whose models and pools are changed so."""

    def proved(
        *, pools: dict[str, Any] | None = None, models: dict[str, Any] | None = None, live: Any = None, **options: Any
    ) -> Proof:
        if pools is not None:
            raw["cluster"]["nodePools"] = pools
        if models is not None:
            raw["models"] = models
        proof = prove(Settings.parse({**raw, **options}), live)
        assert proof is not None
        return proof

    return proved
