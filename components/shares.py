"""How traffic is shared out where no gateway weighs it: by the numbers of pods behind one Service."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

__all__ = ["Shares", "granularity", "shares"]


class Shares(NamedTuple):
    """How many pods each slot runs, and the share of the traffic that reaches the canary by it."""

    active: int
    canary: int

    percent: float
    """What the canary really gets: canary / (active + canary), whatever was asked for."""


def shares(percent: float, size: int, max: int) -> Shares:  # noqa: A002  the setting's own name
    """Give the numbers of pods that come nearest to `percent` for the canary; where several do, the fewest.

    `size` is how many pods carry the load now, `max` is `scale.max`, the most that a slot may have. The active slot
    never gets fewer than `size`, so that all traffic can go back to it at once; it gets more where only that comes
    near a small share. One pod is the step, so the least share is 1 / (max + 1): compare the result's `percent` with
    what was asked for.

    Raises ValueError unless 0 < percent < 100 (none is no canary, all is a switch) and 1 <= size <= max.
    """
    if not 0 < percent < 100:  # noqa: PLR2004
        raise ValueError(f"canary.percent: {percent} is shared out by no number of pods: 0 is none, 100 is a switch")
    if not 1 <= size <= max:
        raise ValueError(f"canary: {size} pods are not within 1 to scale.max: {max}")
    wanted = Fraction(str(percent)) / 100
    candidates = ((active, canary) for active in range(size, max + 1) for canary in _nearest(active, wanted, most=max))
    active, canary = min(candidates, key=lambda pods: (abs(_share(*pods) - wanted), sum(pods)))
    return Shares(active, canary, float(_share(active, canary) * 100))


def granularity(max: int) -> float:  # noqa: A002  as above
    """Give the least share, in percent, that one canary pod can have beside `max` active ones."""
    return 100 / (max + 1)


def _share(active: int, canary: int) -> Fraction:
    return Fraction(canary, active + canary)


def _nearest(active: int, wanted: Fraction, *, most: int) -> set[int]:
    """Give the numbers of canary pods just below and above the wanted share."""
    below = int(active * wanted / (1 - wanted))
    return {min(most, max(1, canary)) for canary in (below, below + 1)}
