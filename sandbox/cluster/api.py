"""The few requests that the sandbox itself sends to its own servers."""

from __future__ import annotations

import http.client
import json
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from sandbox.cluster.certificates import Pair

__all__ = ["OK", "Api", "ApiError", "answers"]

# Owner of the fields that the sandbox sets: readable in `kubectl get --show-managed-fields`.
FIELD_MANAGER = "ml-platform-sandbox"
# Plurals that are not the kind and an s, of the few kinds that the sandbox applies; discovery would cost a request.
# Everything it asks for is on this machine; a healthy server needs milliseconds, a starting one may never answer.
TIMEOUT = 3.0
OK = 200
REDIRECT = 300
NOT_FOUND = 404


class ApiError(RuntimeError):
    """An API server refused a request."""


class Api:
    """An API server, reached as one client certificate's user."""

    def __init__(self, host: str, port: int, *, authority: Pair, client: Pair) -> None:
        self._host = host
        self._port = port
        self._context = ssl.create_default_context(cafile=str(authority.certificate))
        self._context.load_cert_chain(client.certificate, client.key)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        timeout: float = TIMEOUT,
    ) -> tuple[int, bytes]:
        """Send one request on a connection of its own; return the status code and the body."""
        connection = http.client.HTTPSConnection(self._host, self._port, timeout=timeout, context=self._context)
        try:
            # Characters as they are: the server reads patches as YAML, which knows no surrogate pairs.
            payload = None if body is None else json.dumps(body, ensure_ascii=False).encode()
            connection.request(method, path, body=payload, headers={"Content-Type": content_type})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """Return the object at a path, or None when there is none."""
        status, body = self.request("GET", path)
        if status == NOT_FOUND:
            return None
        return self._decoded("GET", path, status, body)

    def apply(self, manifest: dict[str, Any], *, subresource: str = "", timeout: float = TIMEOUT) -> Any:
        """Create or update an object by server-side apply, as `kubectl apply --server-side --force-conflicts` does."""
        query = urlencode({"fieldManager": FIELD_MANAGER, "force": "true"})
        path = f"{object_path(manifest)}{subresource and '/' + subresource}?{query}"
        kind = "application/apply-patch+yaml"
        status, body = self.request("PATCH", path, manifest, content_type=kind, timeout=timeout)
        return self._decoded("apply", path, status, body)

    def delete(self, path: str) -> None:
        """Delete an object; one that is not there is no error."""
        status, body = self.request("DELETE", path)
        if status != NOT_FOUND:
            self._decoded("DELETE", path, status, body)

    def health(self, path: str = "/readyz") -> str | None:
        """Return None when the server calls itself well, or what it complains about."""
        try:
            status, body = self.request("GET", path)
        except (OSError, http.client.HTTPException) as error:
            return f"{path}: {error}"
        return None if status == OK else f"{path}: {status} {body.decode(errors='replace').strip()[:300]}"

    def _decoded(self, method: str, path: str, status: int, body: bytes) -> Any:
        if not OK <= status < REDIRECT:
            raise ApiError(f"{method} {path}: {status} {_message(body)}")
        return json.loads(body)


def _message(body: bytes) -> str:
    """Return what the server has to say: the message of a Status, or the text that it sent instead of one."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, TypeError, KeyError):
        return body.decode(errors="replace")[:500]


def object_path(manifest: dict[str, Any]) -> str:
    """Return the path under which the API server keeps an object."""
    version: str = manifest["apiVersion"]
    kind: str = manifest["kind"]
    metadata = manifest["metadata"]
    plural = _plural(kind.lower())
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    scope = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    return f"{root}{scope}/{plural}/{quote(metadata['name'])}"


def answers(host: str, port: int, path: str) -> str | None:
    """Return None when a plain HTTP server answers a path with 200, or what happened instead."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        return f"{path}: {error}"
    finally:
        connection.close()
    return None if response.status == OK else f"{path}: {response.status} {body.decode(errors='replace')[:300]}"


def _plural(kind: str) -> str:
    """Name the resource of a kind, as definitions of kinds do it: ingresses, networkpolicies, gateways."""
    if kind.endswith("s"):
        return f"{kind}es"
    return f"{kind[:-1]}ies" if kind.endswith("y") and kind[-2] not in "aeiou" else f"{kind}s"
