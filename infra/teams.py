"""How teams are declared: their namespaces, and what stands beside and between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi

from components.deploy_identity import DeployIdentity, DeployIdentityArgs
from components.labels import owner_labels
from components.priority_classes import Priority, PriorityClasses, PriorityClassesArgs
from components.pull_secret import PullLogin
from components.team_namespace import TeamNamespace, TeamNamespaceArgs
from components.team_volumes import Source, TeamVolumes, TeamVolumesArgs, Volume
from infra.settings.peers import parse_peer
from infra.walls import aliases, walls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.network_policies import Walls
    from infra.settings import Settings
    from infra.settings.claims import Claim
    from infra.settings.team import Space

__all__ = ["Declared", "declare_teams", "kept", "unprotected"]


@dataclass(frozen=True, kw_only=True)
class Declared:
    """All namespaces: `main` by team, `names` of all by `<team>` or `<team>/<further>`.

    `before` has by team what must stand before its models do.
    """

    main: Mapping[str, TeamNamespace]
    names: Mapping[str, str]
    before: Mapping[str, list[pulumi.Resource]]


def declare_teams(settings: Settings, secrets: Mapping[str, str], provider: pulumi.ProviderResource) -> Declared:
    """Declare everything that teams own but their models; `secrets` has the value of each name in the settings'."""
    reached = pulumi.ResourceOptions(providers=[provider])
    first: list[pulumi.Resource] = []
    if settings.priority_classes:
        classes = {
            name: Priority(value=one.value, preemption=one.preemption, description=one.description)
            for name, one in settings.priority_classes.items()
        }
        args = PriorityClassesArgs(environment=settings.environment, classes=classes)
        first.append(PriorityClasses("priorities", args, reached))
    teams = _Teams(settings, secrets, walls(settings))
    after = pulumi.ResourceOptions.merge(reached, pulumi.ResourceOptions(depends_on=first))
    spaces = {
        team: {further: teams.space(team, further, after) for further in settings.spaces(team)}
        for team in settings.teams
    }
    everything = [space for team in spaces.values() for space in team.values()]
    main: dict[str, TeamNamespace] = {}
    names: dict[str, str] = {}
    before: dict[str, list[pulumi.Resource]] = {}
    for team, own in spaces.items():
        names |= {team if further is None else f"{team}/{further}": space.name for further, space in own.items()}
        main[team], before[team] = own[None], [own[None]]
        beside = pulumi.ResourceOptions.merge(reached, pulumi.ResourceOptions(depends_on=list(own.values())))
        teams.deploy(team, beside)
    # After all namespaces, since a volume that others read has a claim in theirs as well.
    last = pulumi.ResourceOptions.merge(reached, pulumi.ResourceOptions(depends_on=everything))
    for team, own in spaces.items():
        for further in own:
            volumes = teams.volumes(team, further, last)
            if volumes is not None:
                for mounting in teams.mounting(team, further):
                    before[mounting].append(volumes)
    return Declared(main=main, names=names, before=before)


def kept(settings: Settings) -> dict[str, Any]:
    """Give the namespaces and claims that are declared, as `infra.observed.read_lost` takes them."""
    teams = _Teams(settings, {}, {})
    claims = {
        place
        for team in settings.teams
        for further, space in settings.spaces(team).items()
        for name, volume in space.volumes.items()
        for place in (
            (settings.namespace(team, further), name),
            *((reader, _read_as(team, further, name)) for reader in teams.readers(volume, space)),
        )
    }
    namespaces = {settings.namespace(team, further) for team in settings.teams for further in settings.spaces(team)}
    return {"environment": settings.environment, "namespaces": namespaces, "claims": claims}


def unprotected(settings: Settings) -> list[str]:
    """Say in every plan which teams may be removed with their data."""
    return [
        f"teams.{name}.protect is false: who removes the team, a namespace or a volume of it removes the data"
        for name, team in settings.teams.items()
        if not team.protect
    ]


def _read_as(team: str, further: str | None, volume: str) -> str:
    """Name the claim by which a volume is read in other namespaces."""
    return "-".join(part for part in (team, further, volume) if part is not None)


@dataclass(frozen=True)
class _Teams:
    """Turns each part of a team's settings into the arguments of the component that declares it."""

    settings: Settings
    secrets: Mapping[str, str]
    walls: Mapping[str, Walls]

    def space(self, name: str, further: str | None, opts: pulumi.ResourceOptions) -> TeamNamespace:
        team, space = self.settings.teams[name], self.settings.spaces(name)[further]
        own = None if further is None else team.namespaces[further].access
        access = team.access if own is None else own
        args = TeamNamespaceArgs(
            team=name,
            environment=self.settings.environment,
            further=further,
            quota=space.quota,
            priority_quotas=space.priority_quotas,
            access={"admin": access.admin, "edit": access.edit, "view": access.view},
            labels=team.labels,
            pod_security=space.pod_security,
            walls=self.walls[self.settings.namespace(name, further)],
            aliases=aliases(self.settings, space),
            pull_logins={
                secret: PullLogin(
                    registry=login.registry, username=login.username, password=self.secrets[login.password]
                )
                for secret, login in team.pull_secrets.items()
            },
            protect=team.protect,
        )
        return TeamNamespace(name if further is None else f"{name}/{further}", args, opts)

    def deploy(self, name: str, opts: pulumi.ResourceOptions) -> None:
        team = self.settings.teams[name]
        if team.deploy is None:
            return
        args = DeployIdentityArgs(
            namespaces=[self.settings.namespace(name, further) for further in self.settings.spaces(name)],
            labels=self._labels(name),
            also=team.deploy.also,
        )
        DeployIdentity(name, args, opts)

    def volumes(self, name: str, further: str | None, opts: pulumi.ResourceOptions) -> TeamVolumes | None:
        space = self.settings.spaces(name)[further]
        if not space.volumes:
            return None
        args = TeamVolumesArgs(
            namespace=self.settings.namespace(name, further),
            labels=self._labels(name),
            volumes={
                claim: Volume(
                    size=volume.size,
                    access=volume.access,
                    storage_class=volume.class_,
                    source=_source(volume),
                    readers=dict.fromkeys(self.readers(volume, space), _read_as(name, further, claim)),
                )
                for claim, volume in space.volumes.items()
            },
            protect=self.settings.teams[name].protect,
        )
        return TeamVolumes(name if further is None else f"{name}/{further}", args, opts)

    def mounting(self, name: str, further: str | None) -> list[str]:
        """Name the teams whose main namespace has claims of these volumes."""
        space = self.settings.spaces(name)[further]
        found = {name} if further is None else set()
        for volume in space.volumes.values():
            found |= {peer.name for peer in map(parse_peer, volume.shared_with) if peer.space is None}
        return sorted(found)

    def readers(self, volume: Claim, owner: Space) -> list[str]:
        """Name the namespaces that may read a volume."""
        return [
            self.settings.namespace(peer.name, further)
            for peer in map(parse_peer, volume.shared_with)
            for further, space in self.settings.spaces(peer.name).items()
            if peer.space in (None, further) and space is not owner
        ]

    def _labels(self, team: str) -> dict[str, str]:
        own = owner_labels(team=team, environment=self.settings.environment)
        return {**self.settings.teams[team].labels, **own}


def _source(volume: Claim) -> Source | None:
    if volume.nfs is not None:
        return Source(kind="nfs", values={"server": volume.nfs.server, "path": volume.nfs.path})
    if volume.csi is None:
        return None
    csi = volume.csi
    values: dict[str, Any] = {"driver": csi.driver}
    if csi.volume_handle is not None:
        values["volumeHandle"] = csi.volume_handle
    if csi.attributes:
        values["volumeAttributes"] = dict(csi.attributes)
    return Source(kind="csi", values=values)
