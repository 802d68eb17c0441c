"""Volumes that a team keeps data and models on, and how other teams may read them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from infra.settings.peers import Reader
from infra.settings.quantity import MemoryQuantity
from infra.settings.values import FrozenMap, Host, Section, Text, UrlPath, empty

__all__ = ["Claim", "CsiSource", "NfsSource"]

AccessMode = Literal["ReadWriteOnce", "ReadWriteOncePod", "ReadOnlyMany", "ReadWriteMany"]


class NfsSource(Section):
    """A directory that an NFS server exports."""

    server: Host
    """The server's name or address.

    Upstream: PersistentVolume `spec.nfs.server`.
    Example: `server: nfs.example.com`
    """

    path: UrlPath
    """The exported directory.

    Upstream: PersistentVolume `spec.nfs.path`.
    Example: `path: /exports/fraud`
    """


class CsiSource(Section):
    """A volume of a CSI driver that several nodes may mount at once, such as a file system of a cloud."""

    driver: Host
    """The name under which the driver is registered in the cluster.

    Upstream: PersistentVolume `spec.csi.driver`.
    Example: `driver: efs.csi.aws.com`
    """

    volume_handle: Annotated[Text, Field(min_length=1)] | None = None
    """What the driver calls the volume. It exists already: neither Kubernetes nor this program makes it. None by
    default, for drivers that find it by the attributes: each PersistentVolume then has a handle of its own, which is
    the better way, since a node takes owner and reader with one handle for one volume.

    Upstream: PersistentVolume `spec.csi.volumeHandle`.
    Example: `volumeHandle: fs-0123456789abcdef0`
    """

    attributes: FrozenMap[Text, Text] = Field(default_factory=empty)
    """What else the driver wants to know, or by what it finds the volume. Nothing by default.

    Upstream: PersistentVolume `spec.csi.volumeAttributes`.
    Example: `attributes: {basePath: /fraud}`
    """


class Claim(Section):
    """A PersistentVolumeClaim of one namespace. It and its data are protected: see `protect` of the team."""

    size: MemoryQuantity
    """How much room it has. Most storage classes let it grow later; none lets it shrink.

    Upstream: PersistentVolumeClaim `spec.resources.requests.storage`.
    Example: `size: 500Gi`
    """

    class_: Host | None = Field(default=None, alias="class")
    """The storage class, which makes the volume. None by default: the cluster's default class. Not with a source, whose
    volume is there already.

    Upstream: PersistentVolumeClaim `spec.storageClassName`.
    Example: `class: fast`
    """

    access: AccessMode = "ReadWriteOnce"
    """How many nodes may mount it. One by default, which every class can do; several pods on several nodes need
    `ReadWriteMany`, which block storage cannot.

    Upstream: PersistentVolumeClaim `spec.accessModes`.
    Example: `access: ReadWriteMany`
    """

    nfs: NfsSource | None = None
    """A volume that is there already, on an NFS server."""

    csi: CsiSource | None = None
    """A volume that is there already, of a CSI driver."""

    shared_with: Annotated[tuple[Reader, ...], Field(strict=False)] = ()
    """Who may read it, in namespaces of its own: there it is a claim `<this namespace>-<volume>`, mounted read-only.
    Needs `nfs` or `csi`: a claim belongs to one namespace, and so does the volume that a class made for it; only what
    several PersistentVolumes can point to can be shared. Nobody by default.

    Upstream: a PersistentVolume for each reader, with `readOnly` and the mount option `ro`.
    Example: `sharedWith: ["team:search"]`
    """
