"""The one place that reads live state: which slot serves, how many run, and why some do not.

Everything else in the program works on the frozen values given here; nothing else talks to the API server.
"""

from __future__ import annotations

from infra.observed.api import Answer, ApiError, ApiServer, UnreachableError
from infra.observed.kubeconfig import KubeconfigError, load_access
from infra.observed.losses import read_lost
from infra.observed.pictures import routing
from infra.observed.read import ask, observe, put_to_sleep, read_service, read_slot, read_warnings, scale_up
from infra.observed.routes import can_mirror, read_route
from infra.observed.served import Served, read_served
from infra.observed.state import (
    PLACES,
    ClaimSeen,
    Lost,
    ModelSeen,
    Observed,
    PodSeen,
    QuotaSeen,
    Reason,
    ReasonKind,
    RouteSeen,
    Scope,
    SlotSeen,
)

__all__ = [
    "PLACES",
    "Answer",
    "ApiError",
    "ApiServer",
    "ClaimSeen",
    "KubeconfigError",
    "Lost",
    "ModelSeen",
    "Observed",
    "PodSeen",
    "QuotaSeen",
    "Reason",
    "ReasonKind",
    "RouteSeen",
    "Scope",
    "Served",
    "SlotSeen",
    "UnreachableError",
    "ask",
    "can_mirror",
    "load_access",
    "observe",
    "put_to_sleep",
    "read_lost",
    "read_route",
    "read_served",
    "read_service",
    "read_slot",
    "read_warnings",
    "routing",
    "scale_up",
]
