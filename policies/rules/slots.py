"""The slots of a model: that a switch finds what it expects, and that a version stays what it was."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from policies.rules.environment import MODEL, SLOT, VERSION
from policies.rules.pods import containers
from policies.rules.rule import Finding, stack_rule
from policies.rules.sizes import SCALERS, least
from policies.rules.unknown import UNKNOWN, look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.rules.objects import Object
    from policies.rules.stack import Stack

__all__ = ["active_slot_ready_size", "slots_match_their_versions", "version_immutable"]

_SELECTOR = "https://kubernetes.io/docs/concepts/services-networking/service/#services-in-kubernetes"
_LABELS = "https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/"
_LEDGER = "ml-platform/served"
_MARKS = (MODEL, SLOT, VERSION)


def _slots(stack: Stack) -> Iterator[Object]:
    # By name: of two that do not agree the same one is told, in whatever order an engine shows them.
    found = sorted(stack.of("Deployment"), key=lambda each: each.title)
    yield from (each for each in found if each.labels.get(SLOT) and each.labels.get(MODEL))


@stack_rule(
    id="active-slot-ready-size",
    severity="critical",
    reason="Users are sent to the active slot at once; what is smaller than the slot they come from breaks under them",
    remedy="Let the active slot's autoscaler have at least the other slot's minimum before the Service selects it.",
    source=_SELECTOR,
    kinds=("Service", "Deployment", *SCALERS),
)
def active_slot_ready_size(stack: Stack) -> Iterator[Finding]:
    """Every slot that a model's Service selects is declared, is on, and has no smaller minimum than the other."""
    if not stack.complete:
        return  # its autoscaler may still come
    for service in stack.of("Service"):
        selector = look(service.manifest, "spec", "selector")
        active, model = look(selector, SLOT), look(selector, MODEL)
        if active is None or SLOT in service.labels:
            continue  # the Service of one slot, or of something else
        path = f'spec.selector["{SLOT}"]'
        sizes: dict[Any, int | None] = {
            each.labels[SLOT]: least(stack, each)
            for each in _slots(stack)
            if each.namespace == service.namespace and each.labels[MODEL] == model
        }
        size = sizes.get(active)
        if UNKNOWN in (active, model, selector) or None in sizes.values():
            yield Finding(path=path, found="not known in a preview", unknown=True, about=service)
        elif not size:
            says = "is off" if active in sizes else "is not declared"
            yield Finding(path=path, found=f"the slot {active} {says}", about=service)
        elif (largest := max(filter(None, sizes.values()))) > size:
            found = f"the slot {active} has {size} pods at least, and the other slot {largest}"
            yield Finding(path=path, found=found, about=service)


@stack_rule(
    id="slots-match-their-versions",
    severity="high",
    reason="A label that names another version than the pods run misleads every dashboard, ledger and rollback",
    remedy=f"Give a slot's Deployment, its pods, its autoscaler and its disruption budget the same {VERSION}.",
    source=_LABELS,
    kinds=("Deployment", "PodDisruptionBudget", *SCALERS),
)
def slots_match_their_versions(stack: Stack) -> Iterator[Finding]:
    """All that belongs to a slot names the same model, slot and version."""
    versions: dict[tuple[Any, ...], Object] = {}
    for slot in _slots(stack):
        versions[slot.namespace, slot.labels[MODEL], slot.labels[SLOT]] = slot
        pods = look(slot.manifest, "spec", "template", "metadata", "labels")
        for mark in _MARKS:
            own, theirs = slot.labels.get(mark), look(pods, mark)
            if own != theirs:
                yield Finding(
                    path=f'spec.template.metadata.labels["{mark}"]',
                    found=f"{theirs} in the pods, and {own} outside",
                    unknown=UNKNOWN in (own, theirs),
                    about=slot,
                )
    for each in stack.of("PodDisruptionBudget", *SCALERS):
        slot_of = versions.get((each.namespace, each.labels.get(MODEL), each.labels.get(SLOT)))
        if slot_of is None or each.labels.get(VERSION) == slot_of.labels.get(VERSION):
            continue
        said = (each.labels.get(VERSION), slot_of.labels.get(VERSION))
        yield Finding(
            path=f'metadata.labels["{VERSION}"]',
            found=f"says version {said[0]}, and {slot_of.title} is version {said[1]}",
            unknown=UNKNOWN in said,
            about=each,
            also=(slot_of,),
        )


@stack_rule(
    id="version-immutable",
    severity="critical",
    reason="Going back means getting the same again; a version that was changed is not what once served",
    remedy="Leave the version as it was, and add the change under a new name.",
    source=_LABELS,
    kinds=("Deployment", *SCALERS),
)
def version_immutable(stack: Stack) -> Iterator[Finding]:
    """Every version has one image: in both slots, and in the ledger of what has served."""
    known: dict[tuple[Any, ...], list[tuple[str, Object]]] = defaultdict(list)
    for scaler in stack.of(*SCALERS):
        for version, image in _served(scaler):
            known[scaler.namespace, scaler.labels.get(MODEL), version].append((image, scaler))
    for slot in _slots(stack):
        key = (slot.namespace, slot.labels[MODEL], slot.labels.get(VERSION))
        images = [look(container.values, "image") for container in containers(slot.manifest, "containers")]
        for image, where in known[key]:
            if image not in images:
                says = f"version {key[2]} is {', '.join(map(str, images)) or 'no image'}, and {image} in {where.title}"
                yield Finding(
                    path="spec.template.spec.containers",
                    found=says,
                    unknown=UNKNOWN in images,
                    about=slot,
                    also=(where,),
                )
        known[key] += [(image, slot) for image in images[:1] if isinstance(image, str)]


def _served(scaler: Object) -> Iterator[tuple[str, str]]:
    """Read the ledger that stands on a slot's autoscaler: each version, and the image that served."""
    held = look(scaler.manifest, "metadata", "annotations", _LEDGER)
    if not isinstance(held, str):
        return
    try:
        ledger = json.loads(held)
    except ValueError:
        return
    for version, entry in ledger.items() if isinstance(ledger, dict) else ():
        image = look(entry, "image")
        if isinstance(image, str):
            yield str(version), image
