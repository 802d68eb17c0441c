"""What a rule is: a pure function from one Kubernetes object to what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Check", "Finding", "Manifest", "Rule", "Severity", "rule"]

Manifest = Mapping[str, Any]
"""One Kubernetes object as a plain mapping; a value that a preview cannot know yet is UNKNOWN."""

Severity = Literal["medium", "high", "critical"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One place that breaks a rule, or that cannot be judged before the `up`."""

    path: str
    found: str
    unknown: bool = False


Check = Callable[[Manifest], Iterable[Finding]]


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

    @property
    def description(self) -> str:
        """What Pulumi prints above each violation."""
        return f"{self.reason} ({self.source})"

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
            check=check,
        )

    return make
