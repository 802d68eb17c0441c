"""A stack's configuration: read once, validated as a whole, frozen."""

from __future__ import annotations

from infra.settings.analysis import Analysis
from infra.settings.autoscaler import Autoscaler, AutoscalerFlags
from infra.settings.capacity import Capacity
from infra.settings.cluster import CLOUDS, KUBECONFIG, MADE_HERE, Cluster
from infra.settings.content import SlotContent, SlotResources, Version
from infra.settings.document import SECURE, Document
from infra.settings.duration import parse_duration, show_duration
from infra.settings.errors import Mistake, SettingsError
from infra.settings.guard import Guard
from infra.settings.image import Build, RegistryLogin
from infra.settings.load import load, secret_texts, secret_values, stack_file
from infra.settings.model import Model
from infra.settings.node_pool import Allocatable, NodePool, Overhead
from infra.settings.placement import Placement
from infra.settings.probes import Probes, StartProbe
from infra.settings.quantity import parse_quantity
from infra.settings.resources import Resources
from infra.settings.scale import Behavior, Direction, External, Metric, Scale, ScalingPolicy
from infra.settings.settings import Settings
from infra.settings.smoke import Expect, Smoke
from infra.settings.strategy import SLOTS, Idle, Rollout, SlotName, Slots, Strategy
from infra.settings.team import Access, Team
from infra.settings.traffic import Canary, Gateway, Match, Route
from infra.settings.values import plain
from infra.settings.volumes import VolumeMount

__all__ = [
    "CLOUDS",
    "KUBECONFIG",
    "MADE_HERE",
    "SECURE",
    "SLOTS",
    "Access",
    "Allocatable",
    "Analysis",
    "Autoscaler",
    "AutoscalerFlags",
    "Behavior",
    "Build",
    "Canary",
    "Capacity",
    "Cluster",
    "Direction",
    "Document",
    "Expect",
    "External",
    "Gateway",
    "Guard",
    "Idle",
    "Match",
    "Metric",
    "Mistake",
    "Model",
    "NodePool",
    "Overhead",
    "Placement",
    "Probes",
    "RegistryLogin",
    "Resources",
    "Rollout",
    "Route",
    "Scale",
    "ScalingPolicy",
    "Settings",
    "SettingsError",
    "SlotContent",
    "SlotName",
    "SlotResources",
    "Slots",
    "Smoke",
    "StartProbe",
    "Strategy",
    "Team",
    "Version",
    "VolumeMount",
    "load",
    "parse_duration",
    "parse_quantity",
    "plain",
    "secret_texts",
    "secret_values",
    "show_duration",
    "stack_file",
]
