"""Metrics from a Prometheus, by its HTTP API.

Source: https://prometheus.io/docs/prometheus/latest/querying/api/. Targets must carry the labels `namespace` and
`pod`, as the Prometheus Operator's PodMonitor and the usual scrape configuration for annotated pods give them.
"""

from __future__ import annotations

import json
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from components.labels import SLOTS, SlotName
from rollout.metrics.exposition import Sample
from rollout.metrics.source import Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

__all__ = ["PrometheusError", "PrometheusMetrics"]

# Prometheus itself gives a query up after two minutes; one over minutes of a few series takes milliseconds.
_SECONDS = 15.0
# What `increase` is asked for at least: with fewer than two scrapes in its range it answers nothing.
_SHORTEST = 1
_BUCKET = "_bucket"


class PrometheusError(Exception):
    """No usable answer; the message says why in one line."""


@dataclass(kw_only=True)
class PrometheusMetrics:
    """Asks one Prometheus about the pods of a model's two slots.

    `names` are the series wanted. The variable PROMETHEUS_TOKEN, where it is set, is sent as a bearer token.
    """

    url: str
    namespace: str
    model: str
    names: Collection[str]
    clock: Callable[[], float] = time.monotonic
    token: str | None = field(default_factory=lambda: os.environ.get("PROMETHEUS_TOKEN"), repr=False)
    _began: float = 0.0

    def begin(self) -> None:
        """Begin a window; Prometheus remembers what came before, so nothing is read."""
        self._began = self.clock()

    def look(self) -> dict[SlotName, Seen]:
        """Ask for increases and means over the window so far."""
        seconds = self.clock() - self._began
        window = max(_SHORTEST, round(seconds))
        increases: dict[SlotName, list[Sample]] = {slot: [] for slot in SLOTS}
        means: dict[SlotName, list[Sample]] = {slot: [] for slot in SLOTS}
        try:
            for name in self.names:
                self._collect(self._increase(name, window), name, increases)
                if not name.endswith(_BUCKET):
                    self._collect(f"avg_over_time({self._series(name)}[{window}s])", name, means)
        except PrometheusError as error:
            return {slot: Seen(seconds=seconds, troubles=(str(error),)) for slot in SLOTS}
        return {
            slot: Seen(seconds=seconds, increases=tuple(increases[slot]), means=tuple(means[slot])) for slot in SLOTS
        }

    def _increase(self, name: str, window: int) -> str:
        """Ask what a counter rose by; one that is told for the first time in the window, in full.

        `increase` alone takes such a series' first value for granted: a new pod's requests, and the first failures of
        one that had none, which clients tell from the first on.
        """
        series = self._series(name)
        before = f"{series} offset {window}s"
        known = f"increase({series}[{window}s]) and {before}"
        return f"({known}) or (last_over_time({series}[{window}s]) unless {before})"

    def _series(self, name: str) -> str:
        return f'{name}{{namespace="{self.namespace}",pod=~"{self.model}-(blue|green)-.*"}}'

    def _collect(self, query: str, name: str, into: Mapping[SlotName, list[Sample]]) -> None:
        # A Deployment's pod is named after it, its template's hash and five characters, neither with a dash: model
        # churn's pods are told from those of a model churn-green-x.
        pods = re.compile(rf"{re.escape(self.model)}-(?P<slot>{'|'.join(SLOTS)})-[a-z0-9]+-[a-z0-9]+")
        for series in self._query(query):
            labels = series["metric"]
            match = pods.fullmatch(labels.get("pod", ""))
            if match is None:
                continue
            slot: SlotName = "blue" if match["slot"] == "blue" else "green"
            into[slot].append(Sample(name=name, labels=labels, value=float(series["value"][1])))

    def _query(self, query: str) -> list[Any]:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        request = urllib.request.Request(
            f"{self.url}/api/v1/query", data=urllib.parse.urlencode({"query": query}).encode(), headers=headers
        )
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as response:
                answer = json.load(response)
            if answer["status"] != "success" or answer["data"]["resultType"] != "vector":
                raise PrometheusError(f"{self.url} gave no vector for {query}")
            result: list[Any] = answer["data"]["result"]
        except urllib.error.HTTPError as error:
            said = error.read(200).decode(errors="replace").strip()
            raise PrometheusError(f"{self.url} answered {error.code}: {said}") from error
        except (OSError, ValueError) as error:
            raise PrometheusError(f"{self.url} does not answer as Prometheus does: {error}") from error
        except (KeyError, TypeError) as error:
            raise PrometheusError(f"{self.url} does not answer as Prometheus does: no {error}") from error
        return result
