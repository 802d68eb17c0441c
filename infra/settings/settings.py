"""A stack's whole configuration, validated as one."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError

from infra.settings.autoscaler import Autoscaler
from infra.settings.capacity import Capacity
from infra.settings.cluster import Cluster
from infra.settings.document import SECURE, Document, Secure
from infra.settings.english import in_english
from infra.settings.errors import Mistake, SettingsError
from infra.settings.guard import Guard
from infra.settings.headroom import Headroom
from infra.settings.image import Registry, RegistryLogin, full_reference
from infra.settings.model import Model
from infra.settings.network import SharedService
from infra.settings.priority import PriorityClass
from infra.settings.rules import inconsistencies
from infra.settings.team import Space, Team
from infra.settings.traffic import Gateway
from infra.settings.values import FrozenMap, Name, Section, ServiceName, empty, plain

__all__ = ["Settings"]

# Keys that hold a mapping: as JSON text from `pulumi config set <key> '{...}'` and from the engine.
_MAPPINGS = (
    "cluster",
    "teams",
    "priorityClasses",
    "services",
    "gateway",
    "models",
    "secrets",
    "guard",
    "registryLogin",
    "capacity",
    "autoscaler",
    "headroom",
)


class Settings(Section):
    """What one stack describes: an environment, with the teams and models in it."""

    # Made by `load` or `Settings.parse`, which report every mistake at once.

    environment: Name
    """The environment's name, part of every namespace's: `<team>-<environment>`.

    Example: `environment: prod`
    """

    registry: Registry
    """Where images are pushed to and pulled from; prefix of every image name that has no host of its own.

    Example: `registry: registry.example.com/ml`
    """

    registry_login: RegistryLogin | None = None
    """How images that are built here are pushed. None by default: what the Docker engine has logged in to itself.

    Upstream: `docker login`.
    """

    cluster: Cluster
    """Which cluster the stack describes, and how to reach it."""

    teams: FrozenMap[Name, Team] = Field(default_factory=empty)
    """The teams, by name; each has a namespace of its own. None by default: a stack may make a cluster and nothing on
    it."""

    priority_classes: FrozenMap[Name, PriorityClass] = Field(default_factory=empty)
    """Classes of pods, by name, that say who waits and who makes room when the cluster is full. They belong to the
    whole cluster, so that each is `<name>-<environment>` there. None by default: all pods are equal."""

    services: FrozenMap[ServiceName, SharedService] = Field(default_factory=empty)
    """Services that teams share, by the name under which each finds them. None by default."""

    gateway: Gateway | None = None
    """Through what requests from outside come in. None by default: a cluster may have any, or none. Needed as soon as
    a model has a route."""

    models: FrozenMap[ServiceName, Model] = Field(default_factory=empty)
    """The models, by name. None by default: a team's space comes before its first model."""

    secrets: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    """The secrets, by name, each set with `pulumi config set --secret --path ml-platform:secrets.<name>`. They stand
    apart because a secure value inside another key makes all of it unreadable without the passphrase. None by default.

    Example: `secrets: {churn-api-key: {secure: "v1:AAAA:BBBB"}}`
    """
    # Here their names; `secret_values` gives their values as Outputs.

    guard: Guard = Guard()
    """What stands between a switch and the users."""

    capacity: Capacity = Capacity()
    """How much may be promised of the pools of nodes."""

    autoscaler: Autoscaler | None = None
    """Who brings nodes and takes them away. None by default: on many clusters somebody does already."""

    headroom: Headroom | None = None
    """Room that is kept free on nodes, so that a switch does not wait for one. None by default: it costs what nodes
    cost."""

    @classmethod
    def parse(cls, values: Mapping[str, Any], document: Document | None = None) -> Self:
        """Validate a configuration, its keys without the `ml-platform:` prefix.

        `document` is the file that the values come from: it adds lines, and the mistakes that only the text shows.
        Under `secrets`, each name holds SECURE. Raises SettingsError with every mistake there is.
        """
        mistakes = list(document.mistakes) if document else []
        raw = dict(plain(values))
        mistakes.extend(_decoded(raw))
        names, wrong = _secret_names(raw.get("secrets"))
        mistakes.extend(wrong)
        mistakes.extend(inconsistencies(raw))
        settings: Self | None = None
        try:
            settings = cls.model_validate({**raw, "secrets": names})
        except ValidationError as error:
            scalars = document.scalars if document else {}
            known = {mistake.path for mistake in mistakes}
            found = (
                in_english(detail, cls, scalars)
                for detail in error.errors(include_url=False)
                if detail["type"] != "default_factory_not_called"  # follows from a mistake that is told anyway
            )
            # What a more telling mistake already says about the same place is not said twice.
            mistakes.extend(mistake for mistake in found if mistake.path not in known)
        if mistakes or settings is None:
            raise (
                SettingsError(document.placed(mistake) for mistake in mistakes) if document else SettingsError(mistakes)
            )
        return settings

    @classmethod
    def of(cls, document: Document) -> Self:
        """Validate what a stack's file says. Raises SettingsError with every mistake there is."""
        if not document.readable:
            raise SettingsError(document.mistakes)
        return cls.parse(document.values, document)

    def namespace(self, team: str, further: str | None = None) -> str:
        """Return a team's namespace in this environment: the main one, or a further one by its name."""
        return f"{team}-{self.environment}" if further is None else f"{team}-{further}-{self.environment}"

    def spaces(self, team: str) -> dict[str | None, Space]:
        """Return all namespaces of a team by their names in the settings; None is the main one's."""
        found: dict[str | None, Space] = {None: self.teams[team]}
        found.update(self.teams[team].namespaces)
        return found

    def reference(self, image: str) -> str:
        """Return an image's full name, with this stack's registry where it names none."""
        return full_reference(image, self.registry)


def _decoded(raw: dict[str, Any]) -> Iterator[Mistake]:
    """Decode mappings that come as JSON text, in place; say where text is not JSON, and where --path was forgotten."""
    for key in list(raw):
        value = raw[key]
        if key in _MAPPINGS and isinstance(value, str):
            with contextlib.suppress(ValueError):  # else the schema says that keys were expected
                raw[key] = json.loads(value)
        elif "." in key and key.split(".")[0] in {field.alias for field in Settings.model_fields.values()}:
            del raw[key]
            again = f"pulumi config rm ml-platform:{key}, then pulumi config set --path ml-platform:{key}"
            yield Mistake(path=(key,), message=f"a key with dots in it: --path was forgotten; {again}")


def _secret_names(value: object) -> tuple[object, list[Mistake]]:
    """Return the names under `secrets`. A plain value is refused, and never shown."""
    if value is None:
        return (), []
    if isinstance(value, Secure) or not isinstance(value, Mapping):
        return (value if not isinstance(value, Secure) else ()), []
    wrong = [
        Mistake(
            path=("secrets", str(name)),
            message="a secret in plain text; whoever reads the file has it, so change it wherever it was valid, then:"
            f" pulumi config set --secret --path ml-platform:secrets.{name}",
        )
        for name, held in value.items()
        if held is not SECURE
    ]
    return [str(name) for name in value], wrong
