"""All objects of a stack, for rules that compare one with another."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, TypeVar

from policies.rules.pods import pod_specs
from policies.rules.unknown import UNKNOWN, items, look

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

    from policies.rules.objects import Object

__all__ = ["Stack", "selects"]

Found = TypeVar("Found")


class Stack:
    """Objects by kind, namespace and name.

    While a stack is under way it grows, object by object: what is there stays there, but what is missing may still
    come. A rule about what is missing waits until the stack is `complete`; a rule about two things that are there
    speaks at once, and so before the second of them is applied.
    """

    def __init__(self, objects: Iterable[Object] = (), *, complete: bool) -> None:
        self.complete = complete
        self._by_kind: dict[str, dict[int, Object]] = defaultdict(dict)
        self._by_name: dict[tuple[str, str, str], Object] = {}
        self._by_namespace: dict[str, dict[int, Object]] = defaultdict(dict)
        self._kept: dict[Hashable, Any] = {}
        for each in objects:
            self.add(each)

    def add(self, added: Object) -> None:
        """Take an object in. A part of an object (a `*Patch`) is none: it says nothing about the rest."""
        if added.partial:
            return
        self._kept.clear()
        self._by_kind[added.kind][id(added)] = added
        self._by_namespace[added.namespace][id(added)] = added
        self._by_name[added.kind, added.namespace, added.name] = added

    def remove(self, removed: Object) -> None:
        """Forget an object that is declared anew."""
        self._kept.clear()
        self._by_kind[removed.kind].pop(id(removed), None)
        self._by_namespace[removed.namespace].pop(id(removed), None)
        if self._by_name.get((removed.kind, removed.namespace, removed.name)) is removed:
            del self._by_name[removed.kind, removed.namespace, removed.name]

    def of(self, *kinds: str) -> Iterator[Object]:
        """Go through the objects of these kinds."""
        for kind in kinds:
            yield from list(self._by_kind[kind].values())

    def within(self, namespace: str, *kinds: str) -> Iterator[Object]:
        """Go through a namespace's objects, of these kinds if any are named."""
        for each in list(self._by_namespace[namespace].values()):
            if not kinds or each.kind in kinds:
                yield each

    def named(self, kind: str, namespace: str, name: str) -> Object | None:
        """Return the object of this name, None where the stack has none."""
        return self._by_name.get((kind, namespace, name))

    def pods(self, namespace: str) -> list[tuple[Object, Any]]:
        """Return a namespace's workloads, each with the labels of its pods."""
        return self.kept(
            ("pods", namespace),
            lambda: [
                (each, look(spec.metadata, "labels") if spec.metadata is not None else {})
                for each in self.within(namespace)
                for spec in pod_specs(each.manifest)
            ],
        )

    def kept(self, key: Hashable, find: Callable[[], Found]) -> Found:
        """Find something once, until an object comes or goes."""
        if key not in self._kept:
            self._kept[key] = find()
        found: Found = self._kept[key]
        return found


def selects(selector: Any, labels: Any) -> bool | None:
    """Tell whether a label selector takes these labels; None where a value is not known yet.

    Args:
        selector: a LabelSelector, with `matchLabels` and `matchExpressions`; an empty one takes everything.
        labels: labels of an object.

    """
    wanted = look(selector, "matchLabels")
    answers: list[bool | None] = [None] if wanted is UNKNOWN else []
    answers += [_equals(labels, key, value) for key, value in (wanted if isinstance(wanted, dict) else {}).items()]
    answers += [_expressed(labels, expression) for expression in items(look(selector, "matchExpressions"))]
    if False in answers:
        return False
    return None if None in answers else True


def _equals(labels: Any, key: str, value: Any) -> bool | None:
    held = look(labels, key)
    if held is UNKNOWN or value is UNKNOWN:
        return None
    return held is not None and str(held) == str(value)


def _expressed(labels: Any, expression: Any) -> bool | None:
    key, operator = (look(expression, part) for part in ("key", "operator"))
    held, values = look(labels, str(key)), items(look(expression, "values"))
    if UNKNOWN in (key, operator, held, *values):
        return None
    within = held is not None and str(held) in [str(value) for value in values]
    return {"In": within, "NotIn": not within, "Exists": held is not None, "DoesNotExist": held is None}.get(
        str(operator), False
    )
