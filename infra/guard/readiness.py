"""Whether a slot carries the load, judged from one look at it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.guard.condition import hopeless
from infra.guard.images import same_image
from infra.observed.state import ReasonKind

if TYPE_CHECKING:
    from infra.observed.state import Reason, SlotSeen

__all__ = ["Verdict", "judge"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One look's outcome. `missing` is None when the slot carries the load.

    `cure` says what to do when waiting cannot help at all; `dim` is a reason that rarely passes by itself: the
    gate gives up when it lasts.
    """

    missing: str | None = None
    cure: str | None = None
    dim: Reason | None = None


def judge(name: str, seen: SlotSeen, *, size: int, image: str | None) -> Verdict:
    """Compare a slot with what a switch to it needs.

    `size` ready pods of the declared `image` (None: of whatever the template says), and a Deployment that
    has nothing left to roll out. An image is compared by the digest in the pod's spec: the runtime runs nothing
    else under it, while the `imageID` that it reports may be another digest of the same image (an index
    against its manifest) and simulated nodes report none.
    """
    if not seen.exists:
        return Verdict(missing=f"Deployment {name} does not exist", cure=_REFRESH)
    if image is not None and seen.image is not None and not same_image(image, seen.image):
        return Verdict(
            missing=f"{name} runs image {seen.image}, declared is {image}: another hand changed it", cure=_REFRESH
        )
    wanted = image if image is not None else seen.image
    ready = sum(1 for pod in seen.pods if pod.ready and not pod.ending and wanted and same_image(pod.image, wanted))
    if ready >= size and seen.settled:
        return Verdict()
    missing = f"{ready} of {size} pods of {name} are ready"
    if seen.observed_generation < seen.generation:
        missing += ", its Deployment has not been acted upon yet"
    elif seen.updated < seen.current:
        missing += f", {seen.current - seen.updated} pods of the former template are still there"
    return Verdict(missing=missing, dim=_dim(seen))


# Pulumi compares a declaration with its own state, so what another hand changed looks unchanged to it until then.
_REFRESH = "run `pulumi refresh`, then `pulumi up` again"


def _dim(seen: SlotSeen) -> Reason | None:
    refused = next((reason for reason in seen.reasons if reason.kind is ReasonKind.QUOTA), None)
    return hopeless(seen) if refused is None else refused
