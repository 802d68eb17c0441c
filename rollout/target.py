"""What a rollout is about: one model of one stack, read from the stack's file; or why there can be none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from infra.settings import SLOTS, Cluster, Document, Settings, SettingsError, SlotName, stack_file
from infra.settings.analysis import Analysis
from infra.settings.errors import did_you_mean, quoted_list

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["RefusedError", "Target", "read_settings", "read_target"]


class RefusedError(Exception):
    """Nothing was touched, and the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One model's rollout: from the slot that serves to the other one.

    `percent` is the canary's share by the configuration: above zero, a rollout is under way. `coarse` is true where no
    gateway carries shares, so that they are shares of pods. `quiet` are the paths that only the platform asks.
    """

    stack: str
    model: str
    namespace: str
    cluster: Cluster
    active: SlotName
    canary: SlotName
    versions: Mapping[SlotName, str]
    ports: Mapping[SlotName, int]
    percent: int
    analysis: Analysis
    defaulted: bool
    coarse: bool
    quiet: frozenset[str]
    soak: int

    def key(self, name: str) -> str:
        """Return the path of one of the model's keys, as `pulumi config set --path` takes it."""
        return f"ml-platform:models.{self.model}.{name}"

    def named(self, slot: SlotName) -> str:
        """Say which version a slot has."""
        return f"{slot} (version {self.versions[slot]})"


def read_settings(root: Path, stack: str) -> Settings:
    """Read a stack's file. Raises RefusedError where there is none, or with every mistake in it."""
    path = stack_file(root, stack)
    try:
        return Settings.of(Document.read(path, str(path.relative_to(root))))
    except OSError:
        known = sorted(
            one.name.removeprefix("Pulumi.").removesuffix(".yaml") for one in path.parent.glob("Pulumi.*.yaml")
        )
        raise RefusedError(f"no stack {stack}: {path.name} is not there; known: {', '.join(known) or 'none'}") from None
    except SettingsError as error:
        raise RefusedError(f"the stack's configuration has mistakes:\n{error}") from None


def read_target(root: Path, stack: str, model: str, *, to: str | None = None) -> Target:
    """Read what a rollout of this model would be. `to` is the slot that is to serve in the end, by default the other.

    Raises RefusedError where there is no such stack or model, or where the model has nothing to roll out.
    """
    settings = read_settings(root, stack)
    if model not in settings.models:
        known = list(settings.models)
        raise RefusedError(
            f"no model {model} in stack {stack}; known: {quoted_list(known)}{did_you_mean(model, known)}"
        )
    declared = settings.models[model]
    if declared.strategy != "blue-green":
        raise RefusedError(
            f"model {model} has strategy {declared.strategy}: `pulumi up` replaces its pods, and there are no two"
            " slots to share requests between; set strategy: blue-green for a canary"
        )
    active, canary = declared.active, declared.idle_slot
    if to is not None and to not in SLOTS:
        raise RefusedError(f"no slot {to}; known: {quoted_list(SLOTS)}")
    if to == active:
        raise RefusedError(f"{active} serves already, version {declared.slots.version(active)}; nothing to roll out")
    contents = {slot: content for slot in SLOTS if (content := declared.content(slot)) is not None}
    if canary not in contents:
        raise RefusedError(
            f"slot {canary} of {model} is empty: put a version into it first, with pulumi config set --path"
            f" ml-platform:models.{model}.slots.{canary} <version> -s {stack}"
        )
    if contents[canary].version == contents[active].version:
        raise RefusedError(f"both slots of {model} have version {contents[active].version}; nothing to roll out")
    analysis = declared.analysis or Analysis()
    probes = [content.probes for content in contents.values()]
    return Target(
        stack=stack,
        model=model,
        namespace=settings.namespace(declared.team),
        cluster=settings.cluster,
        active=active,
        canary=canary,
        versions={slot: content.version for slot, content in contents.items()},
        ports={slot: content.port for slot, content in contents.items()},
        percent=0 if declared.canary is None else declared.canary.percent,
        analysis=analysis,
        defaulted=declared.analysis is None,
        coarse=declared.route is None or settings.gateway is None or settings.gateway.api == "ingress",
        quiet=frozenset(
            {analysis.path}.union(*({probe.ready, probe.live, cast("str", probe.start.path)} for probe in probes))
        ),
        soak=declared.idle.soak,
    )
