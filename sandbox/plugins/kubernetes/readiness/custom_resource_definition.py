"""When a CustomResourceDefinition is ready: when objects of its kind can be made."""

from __future__ import annotations

from sandbox.plugins.kubernetes.readiness.cluster import Cluster, Object, condition, name_of
from sandbox.plugins.kubernetes.readiness.verdict import Rule, Verdict, ready, waiting

__all__ = ["CUSTOM_RESOURCE_DEFINITION"]


def judge(cluster: Cluster, obj: Object) -> Verdict:  # noqa: ARG001  one signature for every kind
    """Ready when its names are accepted and it is established.

    Upstream does not wait here; it repeats the creation of the custom resources instead, and so a program whose
    objects are made by something else (an operator, kubectl) can be too early.
    """
    names = condition(obj, "NamesAccepted")
    if names.get("status") == "False":
        # Waiting may help after all: the owner of the name may be on its way out.
        return waiting(f"[1/2] {name_of(obj)} cannot have its names: {names.get('message', names.get('reason', '?'))}")
    if names.get("status") != "True":
        return waiting(f"[1/2] Waiting for the names of {name_of(obj)} to be accepted")
    if condition(obj, "Established").get("status") != "True":
        return waiting(f"[2/2] Waiting for {name_of(obj)} to be established")
    return ready(f"{name_of(obj)} is established")


# Nothing but the API server itself takes part, which needs milliseconds; a minute covers one that is being restarted.
CUSTOM_RESOURCE_DEFINITION = Rule(judge=judge, timeout=60.0)
