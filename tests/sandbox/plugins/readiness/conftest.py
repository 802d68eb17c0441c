"""A cluster that answers from objects as they were recorded, for the rules that need no server to be judged."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import pytest

Object = dict[str, Any]


@dataclass
class RecordedCluster:
    """Answers reads from lists of objects; counts them, since waiting has to be cheap."""

    objects: list[Object] = field(default_factory=list)
    reads: int = 0
    outages: int = 0

    def _answer(self, kind: str, namespace: str | None) -> list[Object]:
        self.reads += 1
        if self.outages:
            self.outages -= 1
            raise ConnectionRefusedError("connection refused")
        return [
            each
            for each in self.objects
            if each["kind"] == kind and each["metadata"].get("namespace") in (namespace, None)
        ]

    def get(self, api_version: str, kind: str, name: str, namespace: str | None) -> Object | None:
        found = [each for each in self._answer(kind, namespace) if each["metadata"]["name"] == name]
        return found[0] if found else None

    def list(
        self, api_version: str, kind: str, namespace: str | None, *, label_selector: str = "", field_selector: str = ""
    ) -> list[Object]:
        wanted = dict(word.split("=", 1) for word in label_selector.split(",") if word)
        found = [
            each
            for each in self._answer(kind, namespace)
            if wanted.items() <= each["metadata"].get("labels", {}).items()
        ]
        if kind == "Event":
            uid = field_selector.partition("involvedObject.uid=")[2].partition(",")[0]
            found = [each for each in found if each["involvedObject"]["uid"] == uid]
        return found


@pytest.fixture
def recorded():
    return RecordedCluster()


@pytest.fixture
def never():
    """A cancellation that does not come."""
    return threading.Event()
