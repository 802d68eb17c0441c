"""What is lost with what is declared no longer, in words for the plan. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from infra.observed.state import Lost

__all__ = ["lost_words"]


def lost_words(lost: Lost, teams: Collection[str]) -> str:
    """Say what would go, and how to say that it may. `teams` are the declared ones."""
    volumes = ", ".join(f"{claim.name} ({claim.size})" for claim in lost.claims)
    if not lost.whole:
        what = f"volume {volumes} of namespace {lost.namespace} is declared no longer: its data would be lost"
    else:
        parts = [f"volume{'s' if len(lost.claims) > 1 else ''} {volumes}"] if volumes else []
        parts += [f"{count} {kind[:-1] if count == 1 else kind}" for kind, count in lost.counts.items()]
        held = ", ".join(parts) or "nothing"
        what = f"namespace {lost.namespace} is declared no longer: it would go with all it holds: {held}"
    back = "put it back, set" if lost.team in teams else f"put team {lost.team} back, set"
    return f"{what}. If that is meant: {back} teams.{lost.team}.protect to false, run pulumi up, and remove it again"
