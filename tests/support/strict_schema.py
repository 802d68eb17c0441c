"""Small rules from which the schema of a manifest is put together; each names what it finds wrong, with its path."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

__all__ = ["Rule", "amount", "each", "either", "mapping", "number", "one_of", "record", "text", "unique"]

Rule = Callable[[Any], Iterator[str]]

_UNITS = {"": 1, "m": Decimal("0.001"), "k": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|k|M|G|Ki|Mi|Gi)?")


def amount(quantity: str) -> Decimal:
    """Read a Kubernetes quantity."""
    number, unit = _QUANTITY.fullmatch(quantity).groups()
    return Decimal(number) * _UNITS[unit or ""]


def text(pattern: str = r"[\s\S]*", longest: int = 1 << 20) -> Rule:
    def check(value: Any) -> Iterator[str]:
        if not isinstance(value, str):
            yield f": {value!r} is no text"
        elif not re.fullmatch(pattern, value) or len(value) > longest:
            yield f': "{value}" does not match {pattern} of at most {longest}'

    return check


def number(least: int, most: int = 2**31 - 1) -> Rule:
    def check(value: Any) -> Iterator[str]:
        # The engine's protocol knows no integers: a whole number is one.
        whole = isinstance(value, int | float) and not isinstance(value, bool) and value == int(value)
        if not whole or not least <= value <= most:
            yield f": {value!r} is no integer within {least} to {most}"

    return check


def one_of(*allowed: Any) -> Rule:
    def check(value: Any) -> Iterator[str]:
        if not any(value == choice and isinstance(value, bool) == isinstance(choice, bool) for choice in allowed):
            yield f": {value!r} is none of {allowed}"

    return check


def either(*rules: Rule) -> Rule:
    def check(value: Any) -> Iterator[str]:
        found = [list(rule(value)) for rule in rules]
        yield from [] if any(not wrong for wrong in found) else found[0]

    return check


def each(rule: Rule, least: int = 0, most: int = 1000) -> Rule:
    def check(value: Any) -> Iterator[str]:
        if not isinstance(value, list) or not least <= len(value) <= most:
            yield f": {value!r} is no list of {least} to {most}"
            return
        for index, item in enumerate(value):
            yield from (f"[{index}]{wrong}" for wrong in rule(item))

    return check


def mapping(key: str, rule: Rule) -> Rule:
    def check(value: Any) -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield f": {value!r} is no mapping"
            return
        yield from (f': key "{name}" does not match {key}' for name in value if not re.fullmatch(key, name))
        for name, item in value.items():
            yield from (f".{name}{wrong}" for wrong in rule(item))

    return check


def record(*rules: Callable[[Any], Iterator[str]], needs: Mapping[str, Rule], **may: Rule) -> Rule:
    """Check an object: the fields that must be there, those that may, and then what holds between them."""

    def check(value: Any) -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield f": {value!r} is no object"
            return
        yield from (f": no {name}" for name in needs if name not in value)
        found = [
            *(f": unknown field {name}" for name in value if name not in needs and name not in may),
            *(
                f".{name}{wrong}"
                for name, item in value.items()
                if (rule := needs.get(name) or may.get(name)) is not None
                for wrong in rule(item)
            ),
        ]
        yield from found
        if not found:  # relations are looked at between values that are well-formed
            for relation in rules:
                yield from relation(value)

    return check


def unique(key: Callable[[Any], Any], what: str) -> Callable[[list[Any]], Iterator[str]]:
    def check(items: list[Any]) -> Iterator[str]:
        yield from (f": two of {what} {name}" for name, count in Counter(map(key, items)).items() if count > 1)

    return check
