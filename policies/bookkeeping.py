"""What the pack says of itself: exemptions that hold no longer, and what it could not check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policies.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from policies.rules import Finding

__all__ = ["ALL", "EXEMPTION_IN_FORCE", "NOT_CHECKED_YET"]


def _nothing(_: Any) -> Iterable[Finding]:
    """Nothing: it is told by the pack, not found in an object."""
    return ()


EXEMPTION_IN_FORCE = Rule(
    id="exemption-in-force",
    severity="medium",
    reason="An exemption that nobody needs, or whose time is over, hides the next mistake",
    remedy="Mend the resource, or remove the entry from policies/exemptions.yaml.",
    source="docs/policies.md",
    kinds=frozenset(),
    requires=False,
    check=_nothing,
)
NOT_CHECKED_YET = Rule(
    id="not-checked-yet",
    severity="medium",
    reason="A preview does not know every value; the `up` checks each resource again, before it is applied",
    remedy="Nothing need be done; `notChecked: fail` in policies/configuration.yaml makes it an error.",
    source="docs/policies.md",
    kinds=frozenset(),
    requires=False,
    check=_nothing,
)
ALL = (EXEMPTION_IN_FORCE, NOT_CHECKED_YET)
