from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi

from components.labels import SHARED_FROM, SKIP_AWAIT
from components.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Source", "TeamVolumes", "TeamVolumesArgs", "Volume"]


@dataclass(frozen=True, kw_only=True)
class Source:
    """A volume that is there already: `kind` and `values` as a PersistentVolume has them (`nfs: {server, path}`)."""

    kind: str
    values: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A claim of one namespace; `readers` has the claim's name in each other namespace that may read it."""

    size: str
    access: str
    storage_class: str | None = None
    source: Source | None = None
    readers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TeamVolumesArgs:
    """The volumes of one namespace, by the name of their claim. Raises ValueError for one that cannot be shared."""

    namespace: str
    labels: Mapping[str, str]
    volumes: Mapping[str, Volume]
    protect: bool = True

    def __post_init__(self) -> None:
        for name, volume in self.volumes.items():
            if volume.readers and volume.source is None:
                raise ValueError(f"{self.namespace}/{name}: a volume that a class makes has one claim, and no readers")


class TeamVolumes(pulumi.ComponentResource):
    """Where a team keeps data and models, and how others read it.

    A claim belongs to one namespace, and a PersistentVolume to one claim. What is read elsewhere is therefore not
    shared through Kubernetes at all: each reader has a PersistentVolume of its own that names the same NFS directory or
    the same volume of a CSI driver, bound in advance to the reader's claim. The reader may delete its claim; neither
    that nor anything else there touches the data, since the volume is retained.
    """

    def __init__(self, name: str, args: TeamVolumesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlplatform:index:TeamVolumes", name, {"namespace": args.namespace}, opts)
        self._args = args
        for claim, volume in args.volumes.items():
            if volume.source is None:
                self._create_claim(args.namespace, claim, volume, [volume.access], storage_class=volume.storage_class)
                continue
            self._create_bound(args.namespace, claim, volume, volume.source, read_only=False)
            for namespace, seen_as in volume.readers.items():
                self._create_bound(namespace, seen_as, volume, volume.source, read_only=True)
        self.register_outputs({})

    def _create_bound(self, namespace: str, claim: str, volume: Volume, source: Source, *, read_only: bool) -> None:
        """Declare a claim, and the volume that no other claim can have."""
        access = ["ReadOnlyMany"] if read_only else [volume.access]
        # Both are needed: a CSI driver without an attach step never hears of the first, one that formats disks may not
        # of the second. A driver that ignores both would let a reader write.
        only_reads = {"readOnly": True} if read_only else {}
        name = f"{namespace}-{claim}"
        labels = {**self._args.labels, **({SHARED_FROM: self._args.namespace} if read_only else {})}
        bound = Manifest(
            "v1:PersistentVolume",
            name,
            {
                "metadata": {"name": name, "labels": labels},
                "spec": {
                    "capacity": {"storage": volume.size},
                    "accessModes": access,
                    "persistentVolumeReclaimPolicy": "Retain",
                    # No class: with one, the claim would be given a volume of the class's.
                    "storageClassName": "",
                    "claimRef": {
                        "apiVersion": "v1",
                        "kind": "PersistentVolumeClaim",
                        "namespace": namespace,
                        "name": claim,
                    },
                    **({"mountOptions": ["ro"]} if read_only else {}),
                    source.kind: {**_identity(name, source), **only_reads},
                },
            },
            self._options(protected=not read_only),
        )
        self._create_claim(namespace, claim, volume, access, volume_name=name, after=[bound], read_only=read_only)

    def _create_claim(
        self,
        namespace: str,
        claim: str,
        volume: Volume,
        access: Sequence[str],
        *,
        storage_class: str | None = "",
        volume_name: str | None = None,
        after: Sequence[pulumi.Resource] = (),
        read_only: bool = False,
    ) -> None:
        spec: dict[str, Any] = {
            "accessModes": list(access),
            "resources": {"requests": {"storage": volume.size}},
            **({} if storage_class is None else {"storageClassName": storage_class}),
            **({} if volume_name is None else {"volumeName": volume_name}),
        }
        metadata = {
            "name": claim,
            "namespace": namespace,
            "labels": {**self._args.labels, **({SHARED_FROM: self._args.namespace} if read_only else {})},
            # Many a class makes its volume beside the first pod that asks for it, and that may come much later.
            "annotations": {SKIP_AWAIT: "true"},
        }
        Manifest(
            "v1:PersistentVolumeClaim",
            f"{namespace}/{claim}",
            {"metadata": metadata, "spec": spec},
            self._options(after, protected=not read_only),
        )

    def _options(self, after: Sequence[pulumi.Resource] = (), *, protected: bool) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(after), protect=protected and self._args.protect)


def _identity(name: str, source: Source) -> Mapping[str, Any]:
    """Say which volume is meant; `name` is the PersistentVolume's.

    A node takes two CSI volumes of one handle for one. Drivers that find a volume by its attributes therefore want
    another handle for each PersistentVolume, and any will do.
    """
    return {"volumeHandle": name, **source.values} if source.kind == "csi" else source.values
