"""Which objects a new one could contradict, without going through all of them."""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from typing import TYPE_CHECKING

from policies.rules import Stack
from policies.rules.environment import MODEL
from policies.rules.unknown import look

if TYPE_CHECKING:
    from policies.rules import Object

__all__ = ["Neighbours"]

_REFERENCES = (("spec", "scaleTargetRef", "name"), ("spec", "targetRef", "name"))


class Neighbours:
    """Objects of one namespace that share a name: their own, their target's, or their model's.

    Rules that speak while a stack is under way compare only such. Were each arrival compared with everything, the time
    would grow with the square of the stack.
    """

    def __init__(self) -> None:
        self._named: dict[tuple[str, str], dict[int, Object]] = defaultdict(dict)
        self._numbers: dict[int, int] = {}
        self._arrived = count()

    def add(self, added: Object) -> None:
        """Take an object in."""
        self._numbers[id(added)] = next(self._arrived)
        for key in _keys(added):
            self._named[key][id(added)] = added

    def remove(self, removed: Object) -> None:
        """Forget an object."""
        self._numbers.pop(id(removed), None)
        for key in _keys(removed):
            self._named[key].pop(id(removed), None)

    def of(self, arrived: Object) -> Stack:
        """Return an object and its neighbours, in the order in which they came, as the whole stack has them.

        What is said of two depends on who came first, and must be the same in the end.
        """
        found = {key: each for name in _keys(arrived) for key, each in self._named[name].items()}
        return Stack((found[key] for key in sorted(found, key=self._numbers.__getitem__)), complete=False)


def _keys(each: Object) -> set[tuple[str, str]]:
    names = [each.name, each.labels.get(MODEL), *(look(each.manifest, *path) for path in _REFERENCES)]
    return {(each.namespace, name) for name in names if isinstance(name, str)}
