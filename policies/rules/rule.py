"""What a rule is: a pure function from objects of Kubernetes to what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from policies.rules.objects import Object
    from policies.rules.option import Option
    from policies.rules.stack import Stack

__all__ = ["Check", "Finding", "Manifest", "Rule", "Severity", "rule", "stack_rule"]

Manifest = Mapping[str, Any]
"""One Kubernetes object as a plain mapping; a value that a preview cannot know yet is UNKNOWN."""

Severity = Literal["medium", "high", "critical"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One place that breaks a rule, or that cannot be judged before the `up`."""

    path: str
    found: str
    unknown: bool = False
    about: Object | None = None
    """The object that is to be mended, where a rule looked at several."""
    also: tuple[Object, ...] = ()
    """The others without which nothing would be wrong."""


Check = Callable[..., Iterable[Finding]]
"""Takes a Manifest or a Stack, and the rule's options as keyword arguments."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule: what it looks at, why it exists, and how to mend what breaks it."""

    id: str
    """kebab-case; what an exemption or a search names."""
    severity: Severity
    reason: str
    remedy: str
    source: str
    """The page that the rule comes from."""
    kinds: frozenset[str]
    """Kinds of objects that it looks at."""
    requires: bool
    """It asks for something to be there. A `*Patch` resource carries a part of an object, so only rules that forbid
    something apply to it."""
    check: Check
    across: bool = False
    """It compares objects: its check takes a Stack."""
    wide: bool = False
    """It compares objects of different namespaces."""
    of_state: bool = False
    """It speaks of what Pulumi keeps in a stack's state, and so of no plain file."""
    options: Mapping[str, Option] = field(default_factory=dict)
    """What may be configured, by name."""

    @property
    def description(self) -> str:
        """What Pulumi prints above each violation."""
        return f"{self.reason} ({self.source})"

    def judge(self, judged: Manifest | Stack, chosen: Mapping[str, Any] | None = None) -> Iterable[Finding]:
        """Apply the rule with what is configured, and its defaults for the rest."""
        return self.check(judged, **self.settled(chosen)) if self.options else self.check(judged)

    def settled(self, chosen: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return a value for each option."""
        return {name: option.default for name, option in self.options.items()} | dict(chosen or {})

    def message(self, finding: Finding) -> str:
        """Say what is wrong, where, and how to mend it."""
        return f"{finding.path}: {finding.found}. {self.remedy}"


def rule(
    *,
    id: str,  # noqa: A002  the field that it becomes
    severity: Severity,
    reason: str,
    remedy: str,
    source: str,
    kinds: Iterable[str],
    requires: bool = False,
    across: bool = False,
    wide: bool = False,
    of_state: bool = False,
    options: Mapping[str, Option] | None = None,
) -> Callable[[Check], Rule]:
    """Make a rule of a check, beside the check itself."""

    def make(check: Check) -> Rule:
        return Rule(
            id=id,
            severity=severity,
            reason=reason,
            remedy=remedy,
            source=source,
            kinds=frozenset(kinds),
            requires=requires,
            across=across,
            wide=wide,
            of_state=of_state,
            check=check,
            options=dict(options or {}),
        )

    return make


def stack_rule(
    *,
    id: str,  # noqa: A002  the field that it becomes
    severity: Severity,
    reason: str,
    remedy: str,
    source: str,
    kinds: Iterable[str],
    wide: bool = False,
    options: Mapping[str, Option] | None = None,
) -> Callable[[Check], Rule]:
    """Make a rule of a check that compares objects; `kinds` are those whose arrival may break it."""
    return rule(
        id=id,
        severity=severity,
        reason=reason,
        remedy=remedy,
        source=source,
        kinds=kinds,
        across=True,
        wide=wide,
        options=options,
    )
