"""Exemptions: a rule, a resource, a reason, and until when."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError

from policies.configured import ConfigurationError
from policies.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.rules import Object, Rule

__all__ = ["EXEMPTIONS", "Exemption", "Exemptions", "read"]

EXEMPTIONS = Path(__file__).parent / "exemptions.yaml"
"""The file beside the pack."""

LONGEST = timedelta(days=366)
"""An exemption for ever is a rule that nobody has; after a year somebody looks again."""

_RULES = {rule.id for rule in RULES}


class Exemption(BaseModel):
    """One exemption. It holds for one rule and one object: a pattern would also exempt what comes later."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: str
    resource: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]+ (?:[^\s/]+/)?[^\s/]+$")]
    """Kind, namespace and name: `Deployment fraud-prod/churn`, `Namespace fraud-prod`."""
    reason: Annotated[str, StringConstraints(min_length=10)]
    until: date
    stack: str | None = None
    """Only in this stack. Without it the exemption is unused where its resource is declared and breaks no rule."""

    @property
    def namespace(self) -> str:
        """The namespace of the resource, or the namespace that it is."""
        kind, _, name = self.resource.partition(" ")
        return name.partition("/")[0] if "/" in name or kind == "Namespace" else ""


class Exemptions:
    """All exemptions, and which of them were used."""

    def __init__(self, held: tuple[Exemption, ...] = (), *, today: date, stack: str | None = None) -> None:
        self._held = [one for one in held if one.stack is None or stack is None or one.stack == stack]
        self._today = today
        self._stack = stack
        self._used: set[Exemption] = set()

    def holds(self, rule: Rule, about: Object) -> Exemption | None:
        """Return the exemption of a rule for an object, if there is one that has not expired."""
        for one in self._held:
            if one.rule == rule.id and one.resource == about.title:
                self._used.add(one)
                return one if one.until >= self._today else None
        return None

    def problems(self, titles: set[str], namespaces: set[str]) -> Iterator[tuple[Exemption, str]]:
        """Find exemptions that are wrong: expired, or without anything to exempt.

        Args:
            titles: the objects that were judged.
            namespaces: the namespaces that they are in. An exemption in another one belongs to another stack.

        """
        for one in self._held:
            if one.until < self._today:
                if one in self._used or one.resource in titles:
                    yield one, f"expired on {one.until}"
            elif one not in self._used and (
                one.resource in titles or one.namespace in namespaces or (one.stack and one.stack == self._stack)
            ):
                missing = "is kept" if one.resource in titles else "has no such resource to break it any more"
                yield one, f"unused: the rule {missing}"


def read(path: Path = EXEMPTIONS, *, today: date) -> tuple[Exemption, ...]:
    """Read the exemptions; a file that is not there holds none.

    Raises:
        ConfigurationError: the file is wrong.

    """
    if not path.exists():
        return ()
    held: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    try:
        found = TypeAdapter(tuple[Exemption, ...]).validate_python(held)
    except ValidationError as error:
        lines = [f"{path.name}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise ConfigurationError("\n".join(lines)) from None
    mistakes = [f"{path.name}: there is no rule {one.rule}" for one in found if one.rule not in _RULES]
    mistakes += [
        f"{path.name}: {one.rule} for {one.resource}: until {one.until} is more than a year away"
        for one in found
        if one.until - today > LONGEST
    ]
    if mistakes:
        raise ConfigurationError("\n".join(mistakes))
    return found
