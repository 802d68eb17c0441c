"""A kubeconfig, read without the `kubernetes` package.

Importing that package's configuration costs 1.1 s of processor, because it brings every API class along;
urllib3 and yaml, which are all that is needed here, cost 0.2 s, and the engine starts this provider twice
in an `up`. Only the retired `auth-provider` plugins are left to it.
Source: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import subprocess
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from sandbox.plugins.kubernetes.errors import UnreachableError

__all__ = ["Access", "active_cluster", "load", "parse", "resolve"]

_IN_CLUSTER = Path("/var/run/secrets/kubernetes.io/serviceaccount")

# A credential plugin may open a browser or ask a cloud; client-go waits without end, we do not.
_PLUGIN_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Access:
    """Where the API server is and how to be let in; secrets are kept out of its repr."""

    server: str
    namespace: str | None = None
    authority: str | None = field(default=None, repr=False)
    verify: bool = True
    server_name: str | None = None
    proxy: str | None = None
    certificate: bytes | None = field(default=None, repr=False)
    key: bytes | None = field(default=None, repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)


def parse(text: str) -> tuple[dict[str, Any], Path | None]:
    """Read a kubeconfig given as text (YAML or JSON) or as a path; return it with the folder of its file.

    Raises:
        UnreachableError: it is neither.

    """
    folder = None
    if "\n" not in text and not text.lstrip().startswith("{"):
        path = Path(text).expanduser()
        try:
            text, folder = path.read_text(encoding="utf-8"), path.parent
        except OSError as error:
            raise UnreachableError(f"the kubeconfig {str(path)!r} cannot be read: {error.strerror}") from None
    try:
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  both are safe
    except yaml.YAMLError as error:
        raise UnreachableError(f"the kubeconfig is not valid YAML: {error}") from None
    if not isinstance(document, dict):
        raise UnreachableError("the kubeconfig is not a mapping with clusters, users and contexts")
    return document, folder


def load(text: str | None) -> tuple[dict[str, Any], Path | None] | None:
    """Find the kubeconfig that counts: the one given, else `KUBECONFIG`, else `~/.kube/config`; None if none is there.

    Of several files in `KUBECONFIG` the first that has an entry of a name wins, as everywhere in Kubernetes.
    """
    if text:
        return parse(text)
    paths = [p for p in os.environ.get("KUBECONFIG", "").split(os.pathsep) if p] or ["~/.kube/config"]
    documents = [parse(str(path)) for name in paths if (path := Path(name).expanduser()).is_file()]
    if not documents:
        return None
    merged, folder = documents[0]
    for other, place in documents[1:]:
        for section in ("clusters", "users", "contexts"):
            known = {entry.get("name") for entry in merged.get(section) or []}
            added = [_anchored(entry, place) for entry in other.get(section) or [] if entry.get("name") not in known]
            merged[section] = [*(merged.get(section) or []), *added]
        merged.setdefault("current-context", other.get("current-context"))
    return merged, folder


def _anchored(entry: dict[str, Any], folder: Path | None) -> dict[str, Any]:
    """Make an entry's file names independent of the file that it stood in."""
    files = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
    return {
        part: {k: str(folder / v) if k in files and folder and v else v for k, v in value.items()}
        if isinstance(value, dict)
        else value
        for part, value in entry.items()
    }


def _named(document: dict[str, Any], section: str, name: str | None) -> dict[str, Any]:
    for entry in document.get(section) or []:
        if entry.get("name") == name:
            return dict(entry.get(section.removesuffix("s")) or {})
    raise UnreachableError(f"the kubeconfig has no {section.removesuffix('s')} {name!r}")


def active_cluster(document: dict[str, Any], context: str | None, cluster: str | None) -> dict[str, Any] | None:
    """Return the cluster entry that these settings lead to, or None where they lead to none."""
    try:
        name = cluster or _named(document, "contexts", context or document.get("current-context")).get("cluster")
        return _named(document, "clusters", name)
    except UnreachableError:
        return None


def resolve(found: tuple[dict[str, Any], Path | None] | None, *, context: str | None, cluster: str | None) -> Access:
    """Turn a kubeconfig into what a connection needs; without one, use the service account of the pod we run in.

    Raises:
        UnreachableError: it names no such context, cluster or user, or a file or credential plugin of it fails.

    """
    if found is None:
        return _in_cluster()
    document, folder = found
    chosen = _named(document, "contexts", context or document.get("current-context"))
    server = _named(document, "clusters", cluster or chosen.get("cluster"))
    user = _named(document, "users", chosen["user"]) if chosen.get("user") else {}
    read = partial(_material, folder=folder)
    certificate, key, headers = read(user, "client-certificate"), read(user, "client-key"), _headers(user, folder)
    if "exec" in user:
        status = _credential_plugin(user["exec"], folder)
        if status.get("token"):
            headers["Authorization"] = f"Bearer {status['token']}"
        if status.get("clientCertificateData"):
            certificate, key = status["clientCertificateData"].encode(), status["clientKeyData"].encode()
    authority = read(server, "certificate-authority")
    if not server.get("server"):
        raise UnreachableError(f"the kubeconfig's cluster {cluster or chosen.get('cluster')!r} has no server")
    return Access(
        server=str(server["server"]).rstrip("/"),
        namespace=chosen.get("namespace") or None,
        authority=authority.decode() if authority else None,
        verify=not server.get("insecure-skip-tls-verify", False),
        server_name=server.get("tls-server-name"),
        proxy=server.get("proxy-url"),
        certificate=certificate,
        key=key,
        headers=headers,
    )


def _material(entry: dict[str, Any], name: str, *, folder: Path | None) -> bytes | None:
    """Return a certificate or key, given inline in base64 or as a file beside the kubeconfig."""
    try:
        if inline := entry.get(f"{name}-data"):
            return base64.b64decode(inline)
        if file := entry.get(name):
            return ((folder or Path()) / Path(file).expanduser()).read_bytes()
    except (OSError, binascii.Error) as error:
        raise UnreachableError(f"the kubeconfig's {name} cannot be read: {error}") from None
    return None


def _headers(user: dict[str, Any], folder: Path | None) -> dict[str, str]:
    token = user.get("token")
    if not token and (file := user.get("tokenFile")):
        raw = _material({"tokenFile": file}, "tokenFile", folder=folder)
        token = raw.decode().strip() if raw else None
    if token:
        return {"Authorization": f"Bearer {token}"}
    if user.get("username"):
        pair = f"{user['username']}:{user.get('password', '')}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    if "auth-provider" in user:
        raise UnreachableError(
            "the kubeconfig's user has an `auth-provider`, which Kubernetes retired in 1.26; "
            "use an `exec` credential plugin",
        )
    return {}


def _credential_plugin(plugin: dict[str, Any], folder: Path | None) -> dict[str, Any]:
    """Run an `exec` credential plugin, as kubectl does for EKS, GKE and AKS, and return the status it prints."""
    version = plugin.get("apiVersion", "client.authentication.k8s.io/v1")
    asked = {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}}
    environment = {**os.environ, **{e["name"]: e["value"] for e in plugin.get("env") or []}}
    environment["KUBERNETES_EXEC_INFO"] = json.dumps(asked)
    command = str(plugin.get("command", ""))
    if folder and os.sep in command and not Path(command).is_absolute():
        command = str(folder / command)
    try:
        done = subprocess.run(
            [command, *(plugin.get("args") or [])],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PLUGIN_SECONDS,
            check=True,
        )
        return dict(json.loads(done.stdout).get("status") or {})
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()
        raise UnreachableError(f"the credential plugin {command!r} failed: {said or error}") from None
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        hint = plugin.get("installHint") or ""
        raise UnreachableError(
            f"the credential plugin {command!r} gave no credential: {error}. {hint}".strip()
        ) from None


def _in_cluster() -> Access:
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT")
    token = _IN_CLUSTER / "token"
    if not host or not port or not token.is_file():
        raise UnreachableError(
            "no kubeconfig: set `kubeconfig` on the provider, `kubernetes:kubeconfig` in the stack, KUBECONFIG, "
            "or write ~/.kube/config",
        )
    address = f"[{host}]" if ":" in host else host
    return Access(
        server=f"https://{address}:{port}",
        namespace=(_IN_CLUSTER / "namespace").read_text(encoding="utf-8").strip(),
        authority=(_IN_CLUSTER / "ca.crt").read_text(encoding="utf-8"),
        headers={"Authorization": f"Bearer {token.read_text(encoding='utf-8').strip()}"},
    )
