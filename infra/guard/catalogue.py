"""The catalogue of versions is append-only: what has served is there unchanged for whoever goes back to it. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.guard.images import same_image
from infra.guard.ledger import Ledger, spoken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.guard.declared import DeclaredModel
    from infra.guard.ledger import Record
    from infra.settings.content import Version

__all__ = ["Entry", "catalogue", "catalogue_changes", "image_change", "slot_changes"]

# What of a version is no part of the pods it runs as: how the image came about (its digest is compared by itself), and
# what is asked and measured from outside.
_OUTSIDE = frozenset({"image", "build", "smoke", "analysis"})


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A version as the catalogue has it. `image` is None while it is to be built; `content` hashes all the rest.

    Only what stands in the version itself: what it shares with the others (a model's own `resources` or `env`) may
    change, for all of them together, or no model could ever be given more memory.
    """

    image: str | None
    content: str


def catalogue(versions: Mapping[str, Version], images: Mapping[str, str]) -> dict[str, Entry]:
    """Take a model's versions as they are written down; `images` has the full names of those not built here."""
    return {name: Entry(image=images.get(name), content=_hash(version)) for name, version in versions.items()}


def catalogue_changes(model: DeclaredModel, known: Ledger) -> list[str]:
    """Name every version that has served and is another now."""
    found: list[str] = []
    for version, entry in model.catalogue.items():
        record = known.records.get(version)
        if record is None:
            continue
        # Where nobody wrote an image down, the one that runs may be another hand's: the slot's hook can tell.
        if record.content is not None and (text := image_change(model, version, record, entry.image)):
            found.append(text)
        elif record.content is not None and record.content != entry.content:
            found.append(
                f"version {version} has served {spoken(record)} with another configuration (hash {record.content}, "
                f"now {entry.content}): {_cure(model, version)}"
            )
    return found


def slot_changes(model: DeclaredModel, known: Ledger) -> list[str]:
    """Name every slot's version that has served as another image than the one that was built for it since."""
    texts = [
        image_change(model, slot.version, known.records[slot.version], slot.image)
        for slot in model.slots.values()
        if slot.version in known.records and known.records[slot.version].content is not None
    ]
    return [text for text in texts if text is not None]


def image_change(model: DeclaredModel, version: str, record: Record, image: str | None) -> str | None:
    """Say that a version which has served would run another image; None where it would not, or nobody knows."""
    if record.image is None or image is None or same_image(record.image, image):
        return None
    return (
        f"version {version} has served {spoken(record)} as {record.image}, and is {image} now: {_cure(model, version)}"
    )


def _cure(model: DeclaredModel, version: str) -> str:
    place = f"models.{model.name}.versions"
    return f"leave {place}.{version} as it was and add a version instead"


def _hash(version: Version) -> str:
    # Only what somebody wrote, so that a new key with a default changes nothing; by alias, as it is written.
    written = version.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude=set(_OUTSIDE))
    text = json.dumps(written, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
