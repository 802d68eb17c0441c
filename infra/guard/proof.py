"""The proof that one place carries its load: enough ready pods of the declared image, and its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.labels import Place, slot_name
from infra.guard.answer import Question
from infra.guard.wait import SlotWait
from infra.observed import ApiError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.guard.declared import DeclaredModel
    from infra.observed import ApiServer, SlotSeen

__all__ = ["Proof"]


class Proof:
    """One place of a model, waited for and asked. `deadline` is in seconds, from the moment of making this.

    `extends` begins the deadline anew whenever another pod has become ready, as a Deployment's own does: a rollout of
    many pods takes as long as it takes while it goes on.
    """

    def __init__(
        self,
        model: DeclaredModel,
        place: Place,
        *,
        size: int,
        connect: Callable[[], ApiServer],
        deadline: float,
        report: Callable[[str], None],
        extends: bool = False,
    ) -> None:
        declared = model.slots[place]
        self.wait = SlotWait(
            connect=connect,
            namespace=model.namespace,
            model=model.name,
            place=place,
            size=size,
            image=declared.image,
            deadline=deadline,
            report=report,
            extends=extends,
        )
        self._question = Question(
            connect=connect,
            namespace=model.namespace,
            service=slot_name(model.name, place),
            smoke=declared.smoke,
            report=report,
        )

    async def given(self, *, smoke: bool = True) -> SlotSeen:
        """Give the place as it was when it carried its load; raise NotCarryingError where it does not."""
        return await self.wait.until_carrying(self._answered if smoke else None)

    async def wrong_now(self) -> str | None:
        """Ask once, and say what is wrong with the answer; None where it is right or nobody could be asked."""
        try:
            return await self._question.once()
        except (ApiError, UnreachableError):
            return None  # the `up` may find it mended; only a model's own wrong answer is known to stay

    async def _answered(self) -> None:
        await self._question.until_answered(lambda: self.wait.over)
