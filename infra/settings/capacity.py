"""How much may be promised, and how long it may take to come."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from infra.settings.duration import duration
from infra.settings.values import Section

__all__ = ["Capacity"]


class Capacity(Section):
    """What the capacity proof allows. It speaks as soon as `cluster.nodePools` says which nodes there are."""

    overcommit: Annotated[float, Field(ge=0.1, le=100, strict=False)] = 1.0
    """How much all teams' quotas may promise together, as a multiple of what the pools have at their maxima, for each
    of CPU, memory and GPUs. 1 by default: above it not all teams can have what they were promised at once. Raise it
    where teams' peaks fall on different hours.

    Upstream: ResourceQuota, which promises more than a cluster has without a word.
    Example: `overcommit: 1.5`
    """

    image_pull: Annotated[int, duration("0s", "1h")] = 120
    """How long a node without the image takes to pull it. Two minutes: some 5 GiB, the size of an image with a GPU's
    libraries, at 400 Mbit/s.

    Example: `imagePull: 5m`
    """
