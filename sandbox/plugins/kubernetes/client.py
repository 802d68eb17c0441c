"""Requests to the API server over one pool of kept connections."""

from __future__ import annotations

import contextlib
import json
import ssl
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import urllib3

from sandbox.plugins.kubernetes import VERSION
from sandbox.plugins.kubernetes.discovery import Discovery
from sandbox.plugins.kubernetes.errors import ApiError, UnreachableError
from sandbox.plugins.kubernetes.identity import Identity, identify
from sandbox.plugins.kubernetes.throttle import Throttle

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from sandbox.plugins.kubernetes.configuration import Configuration
    from sandbox.plugins.kubernetes.kubeconfig import Access

__all__ = ["APPLY", "JSON_PATCH", "MERGE_PATCH", "Client"]

APPLY = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"

# The engine runs four steps a processor at once; more than this many kept connections were never seen in use.
_CONNECTIONS = 32

# An API server that answered before and now does not is being restarted: 4 s from nothing on two cores,
# several times that under load. One that never answered is not there, and a preview must not hang on it.
_RESTART_SECONDS = 30.0
_RETRY_SECONDS = 0.5

# A plan asks about hundreds of objects; each must not wait anew for the same silence.
_SILENCE_SECONDS = 30.0

# A connection on this network is made in milliseconds, one to a cloud in tenths of a second.
_CONNECT_SECONDS = 10.0

# Too many requests, and the server's own troubles (a leader election of etcd, for one), pass.
_BUSY = frozenset({429, 500, 502, 503, 504})
_BUSY_TRIES = 5


class Client:
    """The verbs that the provider needs, for any kind; it is also what `readiness` calls a cluster."""

    def __init__(self, access: Access, configuration: Configuration, cancelled: threading.Event) -> None:
        self.namespace = access.namespace
        self.server = access.server
        self.discovery = Discovery(self._fetch)
        self._pool = _pool(access)
        self._prefix = urlsplit(access.server).path
        self._headers = {**access.headers, "User-Agent": f"pulumi-kubernetes/{VERSION} (ml-platform sandbox)"}
        self._timeout = urllib3.Timeout(connect=_CONNECT_SECONDS, read=configuration.request_seconds)
        self._throttle = Throttle(configuration.requests_a_second, configuration.burst)
        self._cancelled = cancelled
        self._answered = False
        self._silence: UnreachableError | None = None
        self._silent_until = 0.0

    def get(self, api_version: str, kind: str, name: str, namespace: str | None) -> dict[str, Any] | None:
        """Return one object, or None when there is no such object."""
        return self.find(Identity(api_version, kind, name, namespace))

    def find(self, identity: Identity) -> dict[str, Any] | None:
        """Return the object at these coordinates, or None when there is none."""
        try:
            return self._request("GET", self._path(identity))
        except ApiError as error:
            if error.not_found:
                return None
            raise

    def list(
        self,
        api_version: str,
        kind: str,
        namespace: str | None,
        *,
        label_selector: str = "",
        field_selector: str = "",
    ) -> list[dict[str, Any]]:
        """Return the objects that match; an empty list when none do."""
        query = {"labelSelector": label_selector, "fieldSelector": field_selector}
        answer = self._request(
            "GET",
            self._path(Identity(api_version, kind, "", namespace)),
            {key: value for key, value in query.items() if value},
        )
        # The items of a list come without their type, which whoever reads a single object relies on.
        return [{"apiVersion": api_version, "kind": kind, **item} for item in answer.get("items") or []]

    def create(self, obj: dict[str, Any], *, manager: str, warn: Callable[[str], None] | None = None) -> dict[str, Any]:
        """Create an object by a plain POST; used where server-side apply is switched off."""
        identity = identify(obj)
        path = self._path(Identity(identity.api_version, identity.kind, "", identity.namespace))
        return self._request("POST", path, {"fieldManager": manager}, obj, warn=warn)

    def patch(
        self,
        identity: Identity,
        body: Any,
        content: str,
        *,
        manager: str,
        force: bool = False,
        dry_run: bool = False,
        warn: Callable[[str], None] | None = None,
    ) -> dict[str, Any]:
        """Apply or patch an object; what the server remarks (unknown fields, old API versions) goes to `warn`."""
        query = {"fieldManager": manager, "fieldValidation": "Warn"}
        if content == APPLY:
            query["force"] = "true" if force else "false"
        if dry_run:
            query["dryRun"] = "All"
        return self._request("PATCH", self._path(identity), query, body, content=content, warn=warn)

    def delete(self, identity: Identity, *, propagation: str) -> dict[str, Any]:
        """Ask for an object's deletion; dependents follow as `propagation` says (Foreground, Background, Orphan)."""
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        return self._request("DELETE", self._path(identity), {}, body)

    def _path(self, identity: Identity) -> str:
        resource = self.discovery.resource(identity.api_version, identity.kind)
        root = "/apis/" if "/" in identity.api_version else "/api/"
        path = root + identity.api_version
        if resource.namespaced and identity.namespace:
            path += f"/namespaces/{quote(identity.namespace, safe='')}"
        path += f"/{resource.plural}"
        return f"{path}/{quote(identity.name, safe='')}" if identity.name else path

    def _fetch(self, path: str) -> dict[str, Any] | None:
        try:
            return self._request("GET", path)
        except ApiError as error:
            if error.not_found:
                return None
            raise

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        *,
        content: str = "application/json",
        warn: Callable[[str], None] | None = None,
    ) -> dict[str, Any]:
        url = self._prefix + path + (f"?{urlencode(query)}" if query else "")
        # Characters as they are: the server reads patches as YAML, which knows no surrogate pairs.
        data = None if body is None else json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        headers = self._headers if data is None else {**self._headers, "Content-Type": content}
        for tries in range(_BUSY_TRIES):
            response = self._send(method, url, data, headers)
            if tries == _BUSY_TRIES - 1 or not _is_busy(response):
                break
            with contextlib.suppress(ValueError):
                self._cancelled.wait(min(float(response.headers.get("Retry-After") or 2**tries * _RETRY_SECONDS), 10.0))
        if warn is not None:
            for line in response.headers.getlist("Warning"):
                warn(_warning_text(line))
        answer = _parse(response)
        if response.status >= 400:  # noqa: PLR2004  HTTP's own numbers read best
            raise ApiError(response.status, answer)
        return answer

    def _send(self, method: str, url: str, data: bytes | None, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        """Send one request, again when a connection breaks: each of ours may safely be repeated.

        An apply that creates is repeated too: whoever made the object is told from its field manager.
        """
        deadline: float | None = None
        if self._silence is not None and time.monotonic() < self._silent_until:
            raise UnreachableError(str(self._silence))
        while True:
            self._throttle.wait()
            try:
                response = self._pool.urlopen(
                    method,
                    url,
                    body=data,
                    headers=headers,
                    retries=False,
                    timeout=self._timeout,
                    redirect=False,
                )
            except (urllib3.exceptions.HTTPError, OSError) as error:
                now = time.monotonic()
                deadline = deadline or now + (_RESTART_SECONDS if self._answered else 0.0)
                if now >= deadline or self._cancelled.wait(_RETRY_SECONDS):
                    raise self._silent(error) from None
            else:
                self._answered, self._silence = True, None
                return response

    def _silent(self, error: Exception) -> UnreachableError:
        """Return the error for a server that does not answer, and remember it for those who ask next."""
        self._silence = UnreachableError(f"the API server at {self.server} does not answer: {_cause(error)}")
        self._silent_until = time.monotonic() + (_RETRY_SECONDS if self._answered else _SILENCE_SECONDS)
        self._answered = False  # its restart was waited for once, by whoever asked first
        return self._silence


def _parse(response: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    try:
        answer = json.loads(response.data or b"{}")
    except ValueError:
        return {"message": response.data.decode(errors="replace").strip()}
    return answer if isinstance(answer, dict) else {}


def _is_busy(response: urllib3.BaseHTTPResponse) -> bool:
    """Tell trouble that passes from a verdict.

    Two answers mislead: 500 for a body that the schema forbids, and 422 for a Service whose address could not
    be written down because etcd was away.
    """
    if response.status < 400:  # noqa: PLR2004  HTTP's own numbers read best
        return False
    text = response.data.decode(errors="replace")
    if response.status in _BUSY:
        return "failed to create typed patch" not in text
    return "rpc error: code = Unavailable" in text


def _warning_text(header: str) -> str:
    """Return the sentence within a Warning header: `299 - "text"`."""
    return header.partition('"')[2].rpartition('"')[0].replace('\\"', '"') or header


def _cause(error: Exception) -> str:
    text = str(getattr(error, "reason", None) or error)
    return text.rpartition(">: ")[2] or type(error).__name__


def _pool(access: Access) -> urllib3.HTTPConnectionPool:
    """Make the connection pool; a proxy comes from the kubeconfig, else from the environment."""
    parts = urlsplit(access.server)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UnreachableError(f"the kubeconfig's server {access.server!r} is not an http or https address")
    options: dict[str, Any] = {"maxsize": _CONNECTIONS, "block": False}
    if parts.scheme == "https":
        options["ssl_context"] = _tls(access)
        if access.server_name:
            options |= {"server_hostname": access.server_name, "assert_hostname": access.server_name}
        elif not access.verify:
            options["assert_hostname"] = False
    proxy = access.proxy
    if not proxy and not urllib.request.proxy_bypass(parts.netloc):
        proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy:
        return urllib3.ProxyManager(proxy, **options).connection_from_url(access.server)
    return urllib3.connection_from_url(access.server, **options)


def _tls(access: Access) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=access.authority)
        if not access.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if access.certificate and access.key:
            _load_chain(context, access.certificate, access.key)
    except ssl.SSLError as error:
        raise UnreachableError(f"the kubeconfig's certificates cannot be used: {error}") from None
    return context


def _load_chain(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Hand a client certificate to OpenSSL, which takes it from a file only; the file lives for this moment."""
    with tempfile.TemporaryDirectory(prefix="kubernetes-client-") as folder:  # made with mode 0700
        path = Path(folder) / "pair.pem"
        path.write_bytes(certificate.rstrip() + b"\n" + key)
        context.load_cert_chain(path)
