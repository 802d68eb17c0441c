"""Kubeconfigs of other users than the administrator, to see for oneself what a role allows."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

from sandbox.cluster.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.cluster.api import Api
    from sandbox.cluster.certificates import Authority

__all__ = ["user_kubeconfig"]

# A working day: a token cannot be taken back, a ServiceAccount can be deleted.
_TOKEN_SECONDS = 8 * 3600
_CREATED = 201


def user_kubeconfig(
    admin: Mapping[str, Any],
    subject: str,
    *,
    api: Api,
    authority: Authority | None,
    group: str | None,
    namespace: str | None,
) -> dict[str, Any]:
    """Return the kubeconfig of a subject as a RoleBinding names it: `user:`, `group:` or `serviceaccount:`.

    `admin` is the administrator's, from which server and trust are taken. A user's certificate also bears `group`; the
    member of a group that is made here is nobody in particular. Raises ClusterError for what cannot be made.
    """
    kind, _, name = subject.partition(":")
    if kind not in ("user", "group", "serviceaccount") or not name or (kind == "serviceaccount") != ("/" in name):
        raise ClusterError(f"--as {subject}: it may be user:<name>, group:<name> or serviceaccount:<namespace>/<name>")
    if group is not None and kind != "user":
        raise ClusterError(f"--group goes with --as user:<name>, not with {kind}")
    chosen = next(one["context"] for one in admin["contexts"] if one["name"] == admin["current-context"])
    cluster = next(one["cluster"] for one in admin["clusters"] if one["name"] == chosen["cluster"])
    if kind == "serviceaccount":
        home, _, account = name.partition("/")
        return _kubeconfig(cluster, subject, {"token": _token(api, home, account)}, namespace or home)
    if authority is None:
        raise ClusterError("kind keeps the key of its authority: only serviceaccount:<namespace>/<name> can be had")
    user, organization = (name, group) if kind == "user" else (f"member of {name}", name)
    digest = hashlib.sha256(f"{user}\n{organization}".encode()).hexdigest()[:12]
    pair = authority.issue(f"user-{digest}", user, organization=organization)
    credentials = {
        "client-certificate-data": base64.b64encode(pair.certificate.read_bytes()).decode(),
        "client-key-data": base64.b64encode(pair.key.read_bytes()).decode(),
    }
    return _kubeconfig(cluster, subject, credentials, namespace)


def _token(api: Api, namespace: str, account: str) -> str:
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
    status, body = api.request(
        "POST",
        f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token",
        {**request, "spec": {"expirationSeconds": _TOKEN_SECONDS}},
    )
    answer = json.loads(body)
    if status != _CREATED:
        raise ClusterError(f"no token for serviceaccount:{namespace}/{account}: {answer.get('message', status)}")
    return str(answer["status"]["token"])


def _kubeconfig(
    cluster: Mapping[str, Any], user: str, credentials: Mapping[str, str], namespace: str | None
) -> dict[str, Any]:
    context = {"cluster": "sandbox", "user": user, **({} if namespace is None else {"namespace": namespace})}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "sandbox", "cluster": dict(cluster)}],
        "users": [{"name": user, "user": dict(credentials)}],
        "contexts": [{"name": "sandbox", "context": context}],
        "current-context": "sandbox",
    }
