"""Which versions have served, as which image, since when: written on the autoscalers, so that the cluster itself knows.

Pure: the clock comes as an argument, live state as values. The text stands in the annotation `ml-platform/served` of
both slots' autoscalers, since either may go when its slot is emptied; what both carry together counts. It is written
anew only by a run that puts another version in front of users, in which the autoscalers change anyway.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from components.labels import Place
    from infra.guard.declared import DeclaredModel
    from infra.observed.state import ModelSeen

__all__ = ["Ledger", "Record", "known", "ledger", "serves_anew", "spoken", "written"]

_TIME = "%Y-%m-%dT%H:%M:%SZ"
# Two hundred bytes a version; Kubernetes takes 256 KiB of annotations an object. What served longest ago goes first.
_KEPT = 500


@dataclass(frozen=True, kw_only=True)
class Record:
    """One version's service to users.

    `image` is None while it is still to be built. `content` is the hash of the version's entry in the catalogue, None
    where nobody wrote it down. `since` is the last time it began, None for a version that served before there was a
    ledger; `until` None while it serves. `before` says that it served before that as well, `first` since when.
    """

    image: str | None
    content: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: bool = False
    first: datetime | None = None
    open: bool = False

    def closed(self, now: datetime) -> Record:
        """Give the record of a version that users are no longer sent to."""
        return replace(self, until=now, open=False)

    def undone(self) -> Record | None:
        """Give what the record was before a switch that was refused in the end; None where it never served."""
        if not self.before:
            return None
        return replace(self, since=self.first, until=self.since, before=False, first=None, open=False)

    def values(self) -> dict[str, Any]:
        """Give the record as it is written and shown: times as text."""
        known = {"image": self.image, "content": self.content, "since": _text(self.since), "until": _text(self.until)}
        return {**known, "first": _text(self.first)} if self.before else known


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """A model's records by version."""

    records: Mapping[str, Record] = field(default_factory=dict)

    @classmethod
    def parse(cls, texts: Iterable[str | None]) -> Ledger:
        """Read annotations together; one that another hand has made unreadable says nothing."""
        records: dict[str, Record] = {}
        for text in texts:
            for version, record in _records(text).items():
                if version not in records or _later(record, records[version]):
                    records[version] = record
        return cls(records=records)

    def live(self, version: str | None, image: str | None) -> Ledger:
        """Correct the ledger by what really serves: a run that was refused has written what did not come about."""
        found: dict[str, Record] = {}
        for name, record in self.records.items():
            kept = record if name == version or not record.open else record.undone()
            if kept is not None:
                found[name] = kept
        if version is not None:
            found[version] = replace(found.get(version, Record(image=image)), until=None, open=True)
        return Ledger(records=found)

    def serving(self, version: str, record: Record) -> Ledger:
        """Put a version in front of users: the others end where it begins."""
        begun = record.since
        if begun is None:
            raise ValueError(f"version {version} begins at no time")
        found = {name: old.closed(begun) if old.open else old for name, old in self.records.items()}
        former = found.pop(version, None)
        if former is not None:
            record = replace(record, before=True, first=former.first if former.before else former.since)
        return Ledger(records={**found, version: replace(record, open=True)})

    def pending(self) -> str | None:
        """Give the version whose image is still to be built, or None."""
        return next((name for name, record in self.records.items() if record.open and record.image is None), None)

    def built(self, image: str) -> Ledger:
        """Fill in the image that has been built since."""
        found = {
            name: replace(record, image=image) if name == self.pending() else record
            for name, record in self.records.items()
        }
        return Ledger(records=found)

    def text(self) -> str:
        """Write the ledger as JSON, what served longest ago left out when it grows too long."""
        recent = sorted(self.records.items(), key=lambda item: _order(item[1]), reverse=True)[:_KEPT]
        values = {version: record.values() for version, record in recent}
        return json.dumps(values, sort_keys=True, separators=(",", ":"))

    def values(self) -> dict[str, dict[str, Any]]:
        """Give all records as they are shown."""
        return {version: record.values() for version, record in sorted(self.records.items())}


def known(seen: ModelSeen) -> Ledger:
    """Give the ledger as it is before this run."""
    live = None if seen.routing is None else seen.at(seen.routing)
    return _parsed(seen).live(None if live is None else live.version, None if live is None else live.image)


def ledger(model: DeclaredModel, seen: ModelSeen, now: datetime) -> Ledger:
    """Give the ledger as this run leaves it: with the version that it puts in front of users."""
    before, target = known(seen), model.target
    if target is None or not serves_anew(model, seen):
        return before
    entry = model.catalogue.get(target.version)
    begun = Record(image=target.image, content=None if entry is None else entry.content, since=_minute(now))
    return before.serving(target.version, begun)


def written(model: DeclaredModel, seen: ModelSeen, now: datetime) -> dict[Place, str | Ledger | None]:
    """Give what each autoscaler is to carry: the ledger where it is written anew, else exactly what it carries.

    It is written by a run that puts another version in front of users, and by the first one after such a run was
    refused; a model at rest that has none yet gets none.
    """
    left = ledger(model, seen, now)
    texts = {place: seen.at(place).served for place in model.places}
    if serves_anew(model, seen):
        return dict.fromkeys(texts, left)
    if not _parsed(seen).records:
        return dict.fromkeys(texts)
    parsed = _parsed(seen)
    if left != parsed:
        return dict.fromkeys(texts, left)
    return {place: left if text is None else text for place, text in texts.items()}


def serves_anew(model: DeclaredModel, seen: ModelSeen) -> bool:
    """Whether this run puts another version in front of users: a switch, the first one, or another in the same slot."""
    if seen.routing is None or seen.routing != model.active:
        return True
    return model.target is not None and seen.at(seen.routing).version != model.target.version


def spoken(record: Record) -> str:
    """Say since when a version has served."""
    begun = record.first if record.before else record.since
    return "before there was a ledger" if begun is None else f"since {_text(begun)}"


def _parsed(seen: ModelSeen) -> Ledger:
    return Ledger.parse(slot.served for slot in seen.slots.values())


def _records(text: str | None) -> dict[str, Record]:
    try:
        values = json.loads(text) if text else {}
        return {str(version): _record(value) for version, value in values.items()}
    except (ValueError, TypeError, AttributeError, KeyError):
        return {}


def _record(value: Mapping[str, Any]) -> Record:
    until = _time(value.get("until"))
    return Record(
        image=value["image"],
        content=value.get("content"),
        since=_time(value.get("since")),
        until=until,
        before="first" in value,
        first=_time(value.get("first")),
        open=until is None,
    )


def _order(record: Record) -> tuple[datetime, bool]:
    # Of two records that began at the same time, one that knows its end was written later.
    return (record.since or datetime.min.replace(tzinfo=UTC), not record.open)


def _later(one: Record, other: Record) -> bool:
    return _order(one) > _order(other)


def _minute(now: datetime) -> datetime:
    """Round down to a full minute: the preview and the `up` of one command should write the same text."""
    return now.astimezone(UTC).replace(second=0, microsecond=0)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.strptime(text, _TIME).replace(tzinfo=UTC)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime(_TIME)
