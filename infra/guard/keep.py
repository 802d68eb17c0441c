"""The hook on a slot's Deployment: what serves is not changed with a switch, what has served never becomes another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from components.labels import CONTENT, VERSION
from infra.guard.catalogue import image_change
from infra.guard.floors import switching
from infra.guard.ledger import known
from infra.guard.plan import together
from infra.guard.refused import SwitchRefusedError
from infra.guard.values import dug

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    import pulumi

    from components.labels import Place
    from infra.guard.declared import DeclaredModel
    from infra.guard.ledger import Record
    from infra.observed import ModelSeen

__all__ = ["keeping"]


def keeping(
    model: DeclaredModel, slot: Place, seen: ModelSeen
) -> Callable[[pulumi.ResourceHookArgs], Awaitable[None]] | None:
    """Make the hook for a slot's Deployment before its update, previews included; None where none is needed.

    A hook, since the content of a slot whose image is built is known only here: too late for what is refused before
    anything is touched, too early for the gate.
    """
    still = switching(model, seen) and seen.routing == slot
    record = _unsure(model, slot, seen)
    if not still and record is None:
        return None

    async def ask(args: pulumi.ResourceHookArgs) -> None:
        if still:
            old, new = [await _annotation(inputs) for inputs in (args.old_inputs, args.new_inputs)]
            # Unknown counts as changed: an image is known in a preview unless it will be built.
            if new is None or old != new:
                raise SwitchRefusedError(f"{model.name}: {together(slot, model.active)}")
        if record is not None and (text := await _another(model, slot, record, args)) is not None:
            raise SwitchRefusedError(f"{model.name}: {text}")

    return ask


def _unsure(model: DeclaredModel, slot: Place, seen: ModelSeen) -> Record | None:
    """Give the record of a slot's version which has served, where the plan alone could not compare its image."""
    declared = model.slots.get(slot)
    record = None if declared is None else known(seen).records.get(declared.version)
    if record is None or declared is None:
        return None
    return record if declared.image is None or record.content is None else None


async def _another(model: DeclaredModel, slot: Place, record: Record, args: pulumi.ResourceHookArgs) -> str | None:
    version = model.slots[slot].version
    old, new = [await _image(inputs) for inputs in (args.old_inputs, args.new_inputs)]
    if record.content is None:
        # Nobody wrote its image down: what was declared before counts, since what runs may be another hand's.
        former = await dug(args.old_inputs, "metadata", "labels", VERSION)
        if former != version or old is None:
            return None
        record = replace(record, image=old)
    return image_change(model, version, record, new)


async def _annotation(inputs: Mapping[str, Any] | None) -> Any:
    return await dug(inputs, "metadata", "annotations", CONTENT)


async def _image(inputs: Mapping[str, Any] | None) -> Any:
    return await dug(inputs, "spec", "template", "spec", "containers", 0, "image")
