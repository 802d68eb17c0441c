"""What a reviewer is told of one environment. Pure; `markdown` and `terminal` write it down."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from review.budget import budget
from review.changes import CREATE, DELETE, REPLACE, UPDATE, changes
from review.losses import losses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from review.budget import Row
    from review.changes import Change
    from review.events import Finding, Outcome

__all__ = ["FAILED", "FINE", "REFUSED", "Report", "made", "refused"]

FINE, REFUSED, FAILED = "fine", "refused", "failed"
_VERBS = {CREATE: "to create", UPDATE: "to change", REPLACE: "to replace", DELETE: "to delete"}


@dataclass(frozen=True, kw_only=True)
class Report:
    """One environment's preview."""

    stack: str
    against: str
    """What it is compared with: `main (5d0ac5f)`, `its own cluster`."""
    verdict: str
    """`fine`, `refused` (the change cannot be applied) or `failed` (no preview could be made)."""
    reasons: tuple[str, ...] = ()
    """Why it is refused or was not made, in the words of who refused."""
    words: tuple[str, ...] = ()
    """What the program says that it will do."""
    warnings: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    findings: tuple[Finding, ...] = ()
    unchecked: tuple[str, ...] = ()
    packs: tuple[str, ...] = ()
    budget: tuple[Row, ...] = ()
    rehearsed: str = ""
    """What came of applying it on the throw-away control plane, where that was asked for."""
    notes: tuple[str, ...] = ()
    """How the preview differs from the real thing."""
    seconds: float = 0.0

    @property
    def summary(self) -> str:
        """The plan in numbers: `2 to create, 3 to change`."""
        counted = Counter(change.does for change in self.changes)
        parts = [f"{counted[does]} {verb}" for does, verb in _VERBS.items() if counted[does]]
        return ", ".join(parts) or "no resource changes"

    @property
    def policies(self) -> str:
        """What the policies say, in one line."""
        if not self.packs and not self.findings:
            return "no pack ran" if self.verdict == FINE else "not asked"
        stopping = sum(finding.level == "mandatory" for finding in self.findings)
        parts = [f"{stopping} violation{'' if stopping == 1 else 's'}"]
        if advisory := len(self.findings) - stopping:
            parts.append(f"{advisory} advisory")
        if self.unchecked:
            parts.append(f"{len(self.unchecked)} not checked yet")
        return f"{', '.join(parts)} ({', '.join(self.packs) or 'stopped'})"

    @property
    def moved(self) -> tuple[Row, ...]:
        """The rows of the budget that differ, or are exceeded."""
        return tuple(row for row in self.budget if row.changed or row.above)

    @property
    def cost(self) -> tuple[str, ...]:
        """What the change costs, in words: `fraud-prod uses 12 of 16 requests.nvidia.com/gpu (+4)`."""
        return tuple(row.words for row in self.budget if row.rest[0] != row.rest[1])

    def values(self) -> dict[str, Any]:
        """Give it as JSON has it, with its lines beside its parts."""
        lines = {"summary": self.summary, "policies": self.policies, "cost": self.cost}
        return {**asdict(self), **lines, "seconds": round(self.seconds, 1)}


def made(
    stack: str, outcome: Outcome, *, against: str, warnings: Sequence[str], notes: Sequence[str], seconds: float
) -> Report:
    """Tell of a preview that the engine carried out, whether or not it refused the plan."""
    listed = changes(outcome.steps)
    # A plan that stopped half-way declares half: sums of it would be wrong.
    rows = [] if outcome.errors else budget(outcome.steps)
    reasons = [*outcome.errors, *(f"{each.policy}: {each.message}" for each in outcome.violations)]
    return Report(
        stack=stack,
        against=against,
        verdict=REFUSED if reasons else FINE,
        reasons=tuple(reasons),
        words=outcome.lines,
        warnings=(*losses(listed), *_exceeded(rows), *warnings, *outcome.warnings),
        changes=tuple(listed),
        findings=outcome.findings,
        unchecked=outcome.unchecked,
        packs=outcome.packs,
        budget=tuple(rows),
        notes=tuple(notes),
        seconds=seconds,
    )


def refused(
    stack: str, reasons: Sequence[str], *, against: str, verdict: str = REFUSED, seconds: float = 0.0
) -> Report:
    """Tell of a change that is refused before there is anything to preview."""
    return Report(stack=stack, against=against, verdict=verdict, reasons=tuple(reasons), seconds=seconds)


def _exceeded(rows: Sequence[Row]) -> list[str]:
    said: list[str] = []
    for row in rows:
        if row.above:
            said.append(
                f"{row.namespace} asks for {row.rest[1]} {row.resource} at rest, and its quota is {row.quota[1]}"
            )
        elif row.above_at_most and row.changed:
            said.append(
                f"{row.namespace} may grow to {row.most[1]} {row.resource}, and its quota of {row.quota[1]} ends that"
            )
    return said
