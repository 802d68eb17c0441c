"""Configuration files of a real node's daemons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.cluster.pause import PAUSE_IMAGE

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.cluster.network import Network

__all__ = [
    "CONTAINERD_SOCKET",
    "NODE",
    "PROXY_HEALTH_PORT",
    "containerd_config",
    "kubelet_config",
    "pod_network",
    "proxy_config",
]

NODE = "sandbox"
CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
PROXY_HEALTH_PORT = 10256


def containerd_config(hosts: Path, plugins: Path, configuration: Path, *, snapshots: str) -> str:
    """Return containerd's configuration; `snapshots` is how it stacks an image's layers."""
    # restrict_oom_score_adj: a container may lack the right to make a process less likely to be killed.
    # disable_apparmor: a profile would be loaded for the whole machine.
    return f"""version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "{CONTAINERD_SOCKET}"
[plugins."io.containerd.internal.v1.opt"]
  path = "/var/lib/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{configuration}"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{hosts}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "{snapshots}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
"""


def pod_network(network: Network) -> dict[str, Any]:
    """Return the list of network plugins that connects pods."""
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        # A pod that calls its own Service is sent back to itself.
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": network.pods}]],
            "routes": [{"dst": "0.0.0.0/0"}],
            # Leases end with the namespaces that the addresses are in.
            "dataDir": "/run/cni-leases",
        },
    }
    return {"cniVersion": "0.4.0", "name": "sandbox", "plugins": [bridge]}


def kubelet_config(
    *, network: Network, group: str, resolver: Path, authority: Path, certificate: Path, key: Path
) -> dict[str, Any]:
    """Return the kubelet's configuration; `group` is the control group that holds its pods."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": network.node,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(authority)},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(certificate),
        "tlsPrivateKeyFile": str(key),
        "clusterDomain": "cluster.local",
        "clusterDNS": [network.dns],
        "resolvConf": str(resolver),
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "podLogsDir": "/var/log/pods",
        "volumePluginDir": "/var/lib/kubelet/volume-plugins",
        # A group of the sandbox's own, so that two kubelets never touch each other's pods.
        "cgroupRoot": f"/{group}",
        "cgroupDriver": "cgroupfs",
        # The processes of the node itself are the machine's, and in no group of ours.
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        # This is somebody's machine: its disk may be fuller than a server's, and pods shall run all the same.
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "0%", "imagefs.available": "0%"},
        "imageGCHighThresholdPercent": 100,
        "serializeImagePulls": False,
        # To protect the node's daemons from the machine's out-of-memory killer takes a right that root may lack.
        "oomScoreAdj": 0,
        # Few pods share the machine, so the API server need not be spared.
        "kubeAPIQPS": 100,
        "kubeAPIBurst": 200,
        "logging": {"verbosity": 1},
    }


def proxy_config(network: Network, kubeconfig: Path) -> dict[str, Any]:
    """Return kube-proxy's configuration."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "hostnameOverride": NODE,
        "bindAddress": network.node,
        "healthzBindAddress": f"{network.node}:{PROXY_HEALTH_PORT}",
        "metricsBindAddress": f"{network.node}:10249",
        "clusterCIDR": network.pods,
        "oomScoreAdj": 0,
        "detectLocalMode": "ClusterCIDR",
        # The default of a second would be most of the time that a switch takes to reach new connections.
        "nftables": {"minSyncPeriod": "100ms", "syncPeriod": "30s"},
        # Limits of connection tracking are the machine's, not ours to change.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }
