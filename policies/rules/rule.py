"""What a rule is: a pure function from one Kubernetes object to what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from policies.rules.option import Option

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


Check = Callable[..., Iterable[Finding]]
"""Takes a Manifest, and the rule's options as keyword arguments."""


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
    options: Mapping[str, Option] = field(default_factory=dict)
    """What may be configured, by name."""

    @property
    def description(self) -> str:
        """What Pulumi prints above each violation."""
        return f"{self.reason} ({self.source})"

    def judge(self, manifest: Manifest, chosen: Mapping[str, Any] | None = None) -> Iterable[Finding]:
        """Apply the rule with what is configured, and its defaults for the rest."""
        if not self.options:
            return self.check(manifest)
        values = {name: option.default for name, option in self.options.items()}
        return self.check(manifest, **(values | dict(chosen or {})))

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
            check=check,
            options=dict(options or {}),
        )

    return make
