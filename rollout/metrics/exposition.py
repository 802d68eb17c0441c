"""Prometheus' text format, read for the few metrics that are wanted.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["Sample", "parse"]

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One series' value: `http_requests_total{status="200"} 7`."""

    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def series(self) -> tuple[str, frozenset[tuple[str, str]]]:
        """What tells this series from others."""
        return self.name, frozenset(self.labels.items())


def parse(text: str, wanted: Collection[str]) -> tuple[Sample, ...]:
    """Return the samples with these names; ValueError where the text is not what Prometheus could read.

    Only lines of wanted metrics are parsed in full, since a server tells some thousand others; of all others it is
    checked that they begin as a line of this format does, so that an error page is not taken for an empty answer.
    """
    from prometheus_client.parser import text_string_to_metric_families

    lines = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name = _NAME.match(line)
        if name is None:
            raise ValueError(f"not Prometheus' text format: {line[:60]!r}")
        if name[0] in wanted:
            lines.append(line)
    try:
        families = list(text_string_to_metric_families("\n".join([*lines, ""])))
    except (ValueError, KeyError, IndexError) as error:
        raise ValueError(f"not Prometheus' text format: {error}") from error
    return tuple(
        Sample(name=sample.name, labels=dict(sample.labels), value=float(sample.value))
        for family in families
        for sample in family.samples
    )
