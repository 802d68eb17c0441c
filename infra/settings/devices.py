"""What tells kubelets of the devices that their nodes have."""

from __future__ import annotations

from infra.settings.image import ImageReference
from infra.settings.values import Name, Section

__all__ = ["DevicePlugin"]


class DevicePlugin(Section):
    """NVIDIA's device plugin, on every node of a pool with `nvidia.com/gpu` among its accelerators."""

    image: ImageReference
    """Its image, by digest. No default: it is pulled from a registry that you trust, and renewed with your drivers.

    Upstream: NVIDIA `k8s-device-plugin`.
    Example: `image: mirror/k8s-device-plugin@sha256:1f81081667114a725c7aa295745cfdccec4819a3ec6fcfa48600fe6d0bc77081`
    """

    namespace: Name = "kube-system"
    """Where it runs. Upstream's default, where pods may have the priority of what a node cannot do without.

    Upstream: DaemonSet `metadata.namespace`.
    Example: `namespace: gpu`
    """
