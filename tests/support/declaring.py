"""The whole program on the mock engine, for a stack that is given as text."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import pulumi

from infra.guard import Guard
from infra.observed import Observed
from infra.program import build
from infra.settings import Document, Settings

if TYPE_CHECKING:
    from mock_engine import Engine

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def parsed(text: str) -> Settings:
    return Settings.parse(Document.parse(text, "stack.yaml").values)


class WatchingGuard(Guard):
    """The real guard on a live state that is given; it notes which models it was to verify."""

    def __init__(self, settings: Settings, observed: Observed) -> None:
        super().__init__(connect=self._none, observed=observed, settings=settings.guard, now=NOW)
        self.verified: list[str] = []

    @staticmethod
    def _none() -> Any:
        raise AssertionError("a declaration asks the cluster nothing")

    async def verify(self, model: Any, *, routed: bool = False) -> Any:
        self.verified.append(model.name)
        return self.healthy(model)


def declaring(engine: Engine) -> Any:
    """Give what tells what the program declares of a stack's text."""

    # A run of this program takes a quarter of a second; what it declares is only looked at, so the plain one is shared.
    @cache
    def plain(text):
        return run(text)

    def run(text, *, observed=None, preview=True, **options):
        settings = parsed(text)
        guard = WatchingGuard(settings, observed or Observed())

        def program() -> WatchingGuard:
            secrets = dict.fromkeys(settings.secrets, "hush")
            for name, value in build(settings, secrets, guard).items():
                pulumi.export(name, value)
            return guard

        return engine.run(program, preview=preview, **options)

    return lambda text, **options: run(text, **options) if options else plain(text)
