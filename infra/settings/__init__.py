"""A stack's configuration: read once, validated as a whole, frozen."""

from __future__ import annotations

from infra.settings.cluster import Cluster
from infra.settings.document import SECURE, Document
from infra.settings.errors import Mistake, SettingsError
from infra.settings.guard import Guard
from infra.settings.image import Build
from infra.settings.load import load, secret_values, stack_file
from infra.settings.model import (
    SLOTS,
    Expect,
    Idle,
    Model,
    Probes,
    Route,
    Scale,
    SlotContent,
    SlotName,
    SlotResources,
    Slots,
    Smoke,
    StartProbe,
    Version,
)
from infra.settings.quantity import parse_quantity
from infra.settings.settings import Settings
from infra.settings.team import Access, Team
from infra.settings.values import plain

__all__ = [
    "SECURE",
    "SLOTS",
    "Access",
    "Build",
    "Cluster",
    "Document",
    "Expect",
    "Guard",
    "Idle",
    "Mistake",
    "Model",
    "Probes",
    "Route",
    "Scale",
    "Settings",
    "SettingsError",
    "SlotContent",
    "SlotName",
    "SlotResources",
    "Slots",
    "Smoke",
    "StartProbe",
    "Team",
    "Version",
    "load",
    "parse_quantity",
    "plain",
    "secret_values",
    "stack_file",
]
