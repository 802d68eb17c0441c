from __future__ import annotations

import io

import pytest
from rich.console import Console
from rollouts import Clock, Engine, Rollout, Source, rest, traffic

from infra.settings import Cluster
from infra.settings.analysis import Analysis
from rollout.show import Show
from rollout.target import Target
from rollout.walk import Walk


@pytest.fixture
def target() -> Target:
    return Target(
        stack="prod",
        model="churn",
        namespace="fraud-prod",
        cluster=Cluster(provider="existing", context="test"),
        active="blue",
        canary="green",
        versions={"blue": "7", "green": "8"},
        ports={"blue": 8080, "green": 8080},
        percent=0,
        analysis=Analysis(),
        defaulted=False,
        coarse=False,
        quiet=frozenset({"/readyz", "/healthz", "/metrics"}),
        soak=600,
    )


@pytest.fixture
def make(target):
    """Make a rollout whose canary and active slot tell what is given here."""

    def made(canary=None, active=None, *, changed: Target = target) -> Rollout:
        clock, screen = Clock(), io.StringIO()
        engine = Engine(configuration={"canary.percent": str(changed.percent), "active": "blue"})
        engine.live = dict(engine.configuration)
        source = Source(engine=engine, canary=canary or traffic(50), active=rest(active or traffic(50)), clock=clock)
        show = Show(Console(file=screen, width=200, highlight=False))
        walk = Walk(target=changed, engine=engine, source=source, show=show, stopping=clock, clock=clock)
        return Rollout(walk, engine, source, clock, screen)

    return made
