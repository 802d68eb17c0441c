"""Asking a Service for its answer to the smoke request, through the API server's service proxy."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.labels import SERVED_PORT
from infra.guard.wait import INTERVAL, PROGRESS, NotCarryingError
from infra.observed import ApiError, UnreachableError, ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.guard.smoke import Smoke
    from infra.observed import ApiServer

__all__ = ["Question"]

_FORBIDDEN = 403
_CURE = "look at its log, put a version that answers into the slot, or mend its smoke request"


@dataclass(frozen=True, kw_only=True)
class Question:
    """One smoke request to one Service, None where none is to be asked."""

    connect: Callable[[], ApiServer]
    namespace: str
    service: str
    smoke: Smoke | None
    report: Callable[[str], None]

    async def once(self) -> str | None:
        """Ask once and say what is wrong, or None; raises ApiError or UnreachableError where no model was reached."""
        return await asyncio.to_thread(self._ask)

    async def until_answered(self, over: Callable[[], bool]) -> None:
        """Raise NotCarryingError unless it is answered as expected.

        The model is asked once; a proxy that finds no pod yet is asked again, and an API server that is away until
        `over` says that the deadline has passed.
        """
        smoke = self.smoke
        if smoke is None:
            return
        first = time.monotonic()
        while True:
            try:
                wrong = await self.once()
            except ApiError as error:
                wrong = f"its Service passes no request on: {error}"
                waited = time.monotonic() - first >= max(smoke.within, PROGRESS)
                last = waited or error.status == _FORBIDDEN
            except UnreachableError as error:
                wrong, last = str(error), over()
            else:
                last = True
            if wrong is None:
                self.report(f"{self.service}: answered {smoke.method} {smoke.path} as expected")
                return
            if last:
                raise NotCarryingError(wrong, _CURE)
            await asyncio.sleep(INTERVAL)

    def _ask(self) -> str | None:
        smoke = self.smoke
        if smoke is None:
            return None
        what = f"its smoke request {smoke.method} {smoke.path}"
        try:
            answer = ask(
                self.connect(),
                self.namespace,
                f"{self.service}:{SERVED_PORT}",
                smoke.path,
                method=smoke.method,
                body=smoke.body,
                seconds=smoke.within,
            )
        except TimeoutError:
            return f"{what} was not answered within {smoke.within:g} s"
        wrong = smoke.judge(answer.status, answer.body)
        return None if wrong is None else f"{what} was {wrong}"
