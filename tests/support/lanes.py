"""How workers divide the suite between them (`pytest -n 4`).

A good half of a worker's time is waiting, so that four keep two cores busy. A worker is given one unit after the other,
whole, so that a cluster is started once or twice and not for every file. The end-to-end tests that measure real nodes
come last and alone: their bounds are those of a machine that does nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from order import REAL, unit_of
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    import pytest
    from xdist.workermanage import WorkerController


class Lanes(LoadScopeScheduling):
    """Units in the order of collection; REAL when all others are done, on one worker."""

    def __init__(self, config: pytest.Config, log: object = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        if next(iter(self.workqueue)) != REAL:
            super()._assign_work_unit(node)
            return
        others = [other for other in self.nodes if other is not node]
        if any(not other.shutting_down for other in others):
            node.shutdown()  # it ends what it has; another will take the rest
        elif all(self._pending_of(self.assigned_work[other]) == 0 for other in others):
            super()._assign_work_unit(node)
        # Else it is asked for again when one of the others has ended a test.

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        super().mark_test_complete(node, item_index, duration)
        if list(self.workqueue) == [REAL]:
            for other in self.nodes:
                self._reschedule(other)
