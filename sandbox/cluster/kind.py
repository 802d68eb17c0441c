"""A cluster of kind: nodes are containers of a Docker engine that the machine has already.

`kind_obstacle`, what kind makes of the configuration and every refusal are tested against a real engine. No machine of
ours could pull a node image, so the rest follows kind's documentation (https://kind.sigs.k8s.io/docs/user/local-registry)
and has never run.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from sandbox.cluster.api import Api
from sandbox.cluster.certificates import Pair
from sandbox.cluster.commands import run
from sandbox.cluster.errors import ClusterError
from sandbox.cluster.files import write, write_private
from sandbox.cluster.ports import remembered_ports
from sandbox.images.users_engine import UsersEngine
from sandbox.process import ProcessStatus
from sandbox.tools.catalogue import CATALOGUE
from sandbox.tools.running import run_reporting

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.cluster.certificates import Authority
    from sandbox.cluster.programs import Programs
    from sandbox.paths import Layout
    from sandbox.process import Report

__all__ = ["NODE_IMAGE", "REGISTRY_IMAGE", "KindCluster", "kind_configuration", "kind_obstacle"]

# kind publishes a node image for most versions of Kubernetes; another minor version than the tested one would not do.
NODE_IMAGE = f"kindest/node:{CATALOGUE['kube-apiserver'].version}"
REGISTRY_IMAGE = "registry:2"
# The port of the registry inside its container, and where containerd in a node looks for registries' addresses.
REGISTRY_PORT = 5000
HOSTS = "/etc/containerd/certs.d"
# From an image that is there a node is ready after half a minute, by kind's documentation.
READY = "180s"
NAMES = ("docker.io", "registry.k8s.io", "quay.io", "ghcr.io")


def kind_obstacle() -> str | None:
    """Return None when kind can make a cluster here, or the first reason that it cannot, found out in seconds."""
    engine = UsersEngine()
    if reason := engine.why_silent():
        return reason
    # kind itself runs the docker command.
    if shutil.which("docker") is None:
        return "a Docker engine answers, and the command docker, which kind runs, is not on PATH"
    return engine.why_absent(NODE_IMAGE) or engine.why_absent(REGISTRY_IMAGE)


def kind_configuration() -> dict[str, Any]:
    """Return kind's configuration: one node that looks for registries' addresses in a directory."""
    registries = f'[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = "{HOSTS}"\n'
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "nodes": [{"role": "control-plane", "image": NODE_IMAGE, "labels": {"ml-platform/nodes": "kind"}}],
        "containerdConfigPatches": [registries],
    }


class KindCluster:
    """A cluster of kind and a registry beside it, both named after one sandbox's directory."""

    # Addresses of Services and pods are the containers' own, and no gateway of ours stands among them.
    network = None
    gateway = None

    def __init__(self, layout: Layout, programs: Programs, *, report: Report) -> None:
        self._programs = programs
        self._report = report
        self._directory = layout.cluster / "kind"
        self._kubeconfig = self._directory / "kubeconfig"
        self.name = f"mlp-{hashlib.sha256(str(layout.root).encode()).hexdigest()[:8]}"
        self._engine = UsersEngine()

    @property
    def context(self) -> str:
        """The name that kind gives the context."""
        return f"kind-{self.name}"

    @property
    def registry(self) -> str:
        """Host and port of the registry, in the names of images: Docker pushes to localhost over plain HTTP."""
        ports = remembered_ports(self._directory / "ports.json", ["registry"], "127.0.0.1")
        return f"localhost:{ports['registry']}"

    @property
    def addresses(self) -> list[str]:
        """Networks that are the cluster's own."""
        return ["127.0.0.1"]

    @property
    def api(self) -> Api:
        """The API server as its administrator, from the kubeconfig that kind wrote."""
        written = yaml.safe_load(self._kubeconfig.read_text())
        cluster, user = written["clusters"][0]["cluster"], written["users"][0]["user"]
        files = {
            "ca.crt": cluster["certificate-authority-data"],
            "admin.crt": user["client-certificate-data"],
            "admin.key": user["client-key-data"],
        }
        for name, data in files.items():
            write_private(self._directory / name, base64.b64decode(data))
        where = urlsplit(cluster["server"])
        authority = Pair(self._directory / "ca.crt", self._directory / "ca.key")
        client = Pair(self._directory / "admin.crt", self._directory / "admin.key")
        return Api(str(where.hostname), int(where.port or 443), authority=authority, client=client)

    @property
    def authority(self) -> Authority | None:
        """The authority that signs users; None, since kind keeps its key."""
        return None

    def start(self) -> Path:
        """Make the registry and the cluster unless they are there; return the administrator's kubeconfig."""
        if reason := kind_obstacle():
            raise ClusterError(f"kind cannot make a cluster here: {reason}")
        kind = self._programs.require(["kind"])["kind"]
        configuration = self._directory / "kind.yaml"
        write(configuration, json.dumps(kind_configuration(), indent=1))
        self._start_registry()
        if self.name in run([kind, "get", "clusters"]).split():
            self._docker("start", f"{self.name}-control-plane")
        else:
            command = [kind, "create", "cluster", "--name", self.name, "--config", configuration, "--wait", READY]
            failure = run_reporting(
                [str(word) for word in (*command, "--kubeconfig", self._kubeconfig)],
                doing="kind create cluster",
                report=self._report,
                env=os.environ,
            )
            if failure:
                raise ClusterError(f"kind create cluster failed:\n{failure}")
        self._join()
        return self._kubeconfig

    def start_metrics(self) -> None:
        """Do nothing: resource metrics are for whoever wants them to install."""

    def start_gateway(self) -> None:
        """Do nothing: a gateway is for whoever wants one to install."""

    def start_walls(self) -> None:
        """Do nothing: kind's own network enforces policies."""

    def stop(self) -> None:
        """Delete the cluster and the registry, both with their volumes; what is not there is no error."""
        if self._engine.why_silent() is not None:
            return  # with its engine the cluster has ended as well, and what the engine keeps is out of reach
        if kind := self._programs.find(["kind"]).get("kind"):
            run([kind, "delete", "cluster", "--name", self.name, "--kubeconfig", self._kubeconfig])
        if self._known(self._registry_name):
            self._docker("rm", "--force", "--volumes", self._registry_name)

    def status(self) -> list[ProcessStatus]:
        """Tell how each container is, as the engine sees it."""
        return [self._status(name) for name in (f"{self.name}-control-plane", self._registry_name)]

    @property
    def _registry_name(self) -> str:
        return f"{self.name}-registry"

    def _start_registry(self) -> None:
        if self._known(self._registry_name):
            self._docker("start", self._registry_name)
            return
        port = f"127.0.0.1:{self.registry.rpartition(':')[2]}:{REGISTRY_PORT}"
        self._docker("run", "--detach", "--publish", port, "--name", self._registry_name, REGISTRY_IMAGE)

    def _join(self) -> None:
        """Connect the registry to kind's network and tell the node under which names it is found."""
        networks = json.loads(
            self._docker("inspect", "--format", "{{json .NetworkSettings.Networks}}", self._registry_name)
        )
        if "kind" not in networks:
            self._docker("network", "connect", "kind", self._registry_name)
        address = f"http://{self._registry_name}:{REGISTRY_PORT}"
        for name in (self.registry, *NAMES):
            toml = f'[host."{address}"]\n  capabilities = ["pull", "resolve"]\n'
            script = f"mkdir -p {HOSTS}/{name} && cat > {HOSTS}/{name}/hosts.toml"
            self._docker("exec", "--interactive", f"{self.name}-control-plane", "sh", "-ec", script, stdin=toml)

    def _known(self, container: str) -> bool:
        return container in self._docker("ps", "--all", "--format", "{{.Names}}").split()

    def _status(self, container: str) -> ProcessStatus:
        silent = self._engine.why_silent()
        if silent is not None or not self._known(container):
            return ProcessStatus(
                name=container,
                pid=None,
                alive=False,
                healthy=False,
                detail=silent or "not started",
                memory=0,
                uptime=0,
            )
        state = json.loads(self._docker("inspect", "--format", "{{json .State}}", container))
        # Docker writes nanoseconds, which Python reads no more than six digits of.
        since = datetime.strptime(state["StartedAt"][:19] + "+0000", "%Y-%m-%dT%H:%M:%S%z").timestamp()
        return ProcessStatus(
            name=container,
            pid=state["Pid"] or None,
            alive=state["Running"],
            healthy=state["Running"],
            detail=state["Status"],
            memory=0,
            uptime=time.time() - since if state["Running"] else 0,
        )

    def _docker(self, *words: str, stdin: str | None = None) -> str:
        return run(["docker", "--host", self._engine.host, *words], stdin=stdin)
