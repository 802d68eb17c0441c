"""Read a kubeconfig as kubectl does, for the few HTTP calls that the guard makes.

The official Python client would do, but importing it costs a second of CPU in every preview and every
up, more than all the rest of the program: its configuration loader cannot be had without its 700 models.
Format: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/ and client-authentication.v1.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Access", "Credentials", "KubeconfigError", "load_access"]

# kubectl's wait for a credential plugin is unbounded; a plugin that asks a cloud answers in seconds, and one that
# waits for a person to type must not hold a pipeline for ever.
_PLUGIN_SECONDS = 60
_IN_CLUSTER = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class KubeconfigError(Exception):
    """A kubeconfig that cannot be used; the message names the file's part and what to do."""


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Who we are to the API server: request headers, and a client certificate with its key in PEM."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    certificate: bytes | None = None
    key: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Access:
    """Where the API server is, how to trust it, and how to become known to it.

    `authority` is the CA in PEM, None for the system's own. `proxy` is the kubeconfig's `proxy-url`.
    """

    server: str
    context: str
    authority: bytes | None = None
    verify: bool = True
    server_name: str | None = None
    proxy: str | None = None
    user: Mapping[str, Any] = field(default_factory=dict, repr=False)
    directory: Path = field(default_factory=Path)

    def credentials(self) -> Credentials:
        """Give the present credentials; a credential plugin is asked anew, a token file is read anew."""
        user = self.user
        if "exec" in user:
            return _from_plugin(user["exec"], self.directory)
        if "auth-provider" in user:
            raise KubeconfigError(
                f'context "{self.context}" uses the auth-provider that Kubernetes 1.26 removed: '
                "use the credential plugin (exec) of your cloud"
            )
        headers: dict[str, str] = {}
        if token := _token(user, self.directory):
            headers["Authorization"] = f"Bearer {token}"
        elif "username" in user:
            pair = f"{user['username']}:{user.get('password', '')}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        if "as" in user:
            headers["Impersonate-User"] = str(user["as"])
        return Credentials(
            headers=headers,
            certificate=_bytes(user, "client-certificate", self.directory),
            key=_bytes(user, "client-key", self.directory),
        )


def load_access(kubeconfig: str | None = None, context: str | None = None) -> Access:
    """Find the cluster: the given kubeconfig (path or text), else KUBECONFIG, else the default, else the pod's own.

    Raises KubeconfigError when there is none, or the context or what it names is missing.
    """
    merged = _merged(kubeconfig)
    if not merged["contexts"] and kubeconfig is None and (_IN_CLUSTER / "token").exists():
        return _in_cluster()
    name = context or merged["current-context"]
    if not name:
        raise KubeconfigError("no kubeconfig with a current context was found: set KUBECONFIG or cluster.context")
    if name not in merged["contexts"]:
        known = ", ".join(sorted(merged["contexts"])) or "none"
        raise KubeconfigError(f'the kubeconfig has no context "{name}"; it has: {known}')
    chosen, _ = merged["contexts"][name]
    cluster, directory = _entry(merged, "clusters", chosen.get("cluster"), name)
    user: Mapping[str, Any] = {}
    user_directory = directory
    if chosen.get("user"):
        user, user_directory = _entry(merged, "users", chosen["user"], name)
    if not cluster.get("server"):
        raise KubeconfigError(f'cluster "{chosen["cluster"]}" in the kubeconfig names no server')
    return Access(
        server=str(cluster["server"]).rstrip("/"),
        context=name,
        authority=_bytes(cluster, "certificate-authority", directory),
        verify=cluster.get("insecure-skip-tls-verify") is not True,
        server_name=cluster.get("tls-server-name"),
        proxy=cluster.get("proxy-url"),
        user=user,
        directory=user_directory,
    )


def _merged(kubeconfig: str | None) -> dict[str, Any]:
    """Merge kubeconfig files; as in kubectl the first to name a thing wins, and paths are relative to their file."""
    merged: dict[str, Any] = {"current-context": None, "clusters": {}, "contexts": {}, "users": {}}
    for text, directory in _documents(kubeconfig):
        try:
            document = yaml.safe_load(text) or {}
        except yaml.YAMLError as error:
            raise KubeconfigError(f"the kubeconfig is not YAML: {error}") from error
        if not isinstance(document, dict):
            raise KubeconfigError("the kubeconfig is no mapping: is it the right file?")
        merged["current-context"] = merged["current-context"] or document.get("current-context")
        for kind, key in (("clusters", "cluster"), ("contexts", "context"), ("users", "user")):
            for item in document.get(kind) or ():
                merged[kind].setdefault(item["name"], (item.get(key) or {}, directory))
    return merged


def _documents(kubeconfig: str | None) -> list[tuple[str, Path]]:
    if kubeconfig is not None and ("\n" in kubeconfig or kubeconfig.lstrip().startswith("{")):
        return [(kubeconfig, Path())]
    if kubeconfig is not None:
        path = Path(kubeconfig).expanduser()
        if not path.is_file():
            raise KubeconfigError(f"kubeconfig {path} does not exist")
        return [(path.read_text(), path.parent)]
    listed = os.environ.get("KUBECONFIG") or "~/.kube/config"
    paths = [Path(part).expanduser() for part in listed.split(os.pathsep) if part]
    return [(path.read_text(), path.parent) for path in paths if path.is_file()]


def _entry(merged: Mapping[str, Any], kind: str, name: str | None, context: str) -> tuple[Mapping[str, Any], Path]:
    if name not in merged[kind]:
        raise KubeconfigError(f'context "{context}" names {name!r}, which is not among the kubeconfig\'s {kind}')
    found: tuple[Mapping[str, Any], Path] = merged[kind][name]
    return found


def _bytes(mapping: Mapping[str, Any], key: str, directory: Path) -> bytes | None:
    if mapping.get(f"{key}-data"):
        return base64.b64decode(mapping[f"{key}-data"])
    return (directory / mapping[key]).read_bytes() if mapping.get(key) else None


def _token(user: Mapping[str, Any], directory: Path) -> str | None:
    if user.get("tokenFile"):
        return (directory / str(user["tokenFile"])).read_text().strip()
    token: str | None = user.get("token")
    return token


def _from_plugin(plugin: Mapping[str, Any], directory: Path) -> Credentials:
    """Ask a credential plugin (`aws eks get-token` and the like), as client-go does without a terminal."""
    version = plugin.get("apiVersion", "client.authentication.k8s.io/v1")
    request = {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}}
    extra = {item["name"]: item["value"] for item in plugin.get("env") or ()}
    command = str(plugin["command"])
    if os.sep in command:
        command = str(directory / command)
    try:
        done = subprocess.run(
            [command, *(plugin.get("args") or ())],
            env={**os.environ, **extra, "KUBERNETES_EXEC_INFO": json.dumps(request)},
            capture_output=True,
            text=True,
            timeout=_PLUGIN_SECONDS,
            check=True,
        )
        status = json.loads(done.stdout)["status"]
    except FileNotFoundError as error:
        hint = plugin.get("installHint") or "is it installed and on PATH?"
        raise KubeconfigError(f"credential plugin {plugin['command']} was not found: {hint}") from error
    except subprocess.CalledProcessError as error:
        raise KubeconfigError(f"credential plugin {plugin['command']} failed: {error.stderr.strip()}") from error
    except (subprocess.TimeoutExpired, ValueError, KeyError) as error:
        raise KubeconfigError(f"credential plugin {plugin['command']} gave no credential: {error}") from error
    token, certificate, key = (status.get(k) for k in ("token", "clientCertificateData", "clientKeyData"))
    return Credentials(
        headers={"Authorization": f"Bearer {token}"} if token else {},
        certificate=certificate.encode() if certificate else None,
        key=key.encode() if key else None,
    )


def _in_cluster() -> Access:
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST", ""), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    return Access(
        server=f"https://{f'[{host}]' if ':' in host else host}:{port}",
        context="in-cluster",
        authority=(_IN_CLUSTER / "ca.crt").read_bytes(),
        user={"tokenFile": str(_IN_CLUSTER / "token")},
    )
