"""A connection to one API server: JSON in, JSON out, one pool, short waits."""

from __future__ import annotations

import json
import os
import ssl
import tempfile
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

from infra.observed.kubeconfig import Access, Credentials, KubeconfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import urllib3

__all__ = ["Answer", "ApiError", "ApiServer", "NoAnswerError", "UnreachableError"]

# A cluster that is up accepts within milliseconds, across an ocean within half a second. What does not answer in
# three seconds is a wrong address or a closed network, and a preview without it should cost seconds, not minutes.
_CONNECT_SECONDS = 3.0
# Listing some thousand pods takes a busy API server seconds; its own limit for a request is 60.
_READ_SECONDS = 30.0
# Reads run side by side up to this many: each is a TLS connection, and the API server's fairness queues more anyway.
CONNECTIONS = 8
_PAGE = 500
_UNAUTHORIZED = 401
_FAILED = 400


class UnreachableError(Exception):
    """No answer from the API server, or no way to ask it; the message says why in one line."""


class NoAnswerError(UnreachableError, TimeoutError):
    """A request was taken and not answered in time."""


class ApiError(Exception):
    """The API server answered with an error: its HTTP `status`, its `reason` and its own message."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A raw answer: HTTP status and body."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Parse the body; raises ValueError when it is no JSON."""
        return json.loads(self.body)


class ApiServer:
    """One API server, as the given kubeconfig context reaches it. Safe to use from several threads."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._lock = threading.Lock()
        self._connected: tuple[urllib3.PoolManager, Mapping[str, str]] | None = None

    @property
    def address(self) -> str:
        """The server's address and context, for messages."""
        return f"{self._access.server} (context {self._access.context})"

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Read one object; raises ApiError, with status 404 where there is none, or UnreachableError."""
        answer: dict[str, Any] = self._json("GET", path, query)
        return answer

    def find(self, path: str) -> dict[str, Any] | None:
        """Read one object, or None where there is none."""
        try:
            return self.get(path)
        except ApiError as error:
            if error.status == 404:  # noqa: PLR2004 - the one status that means absent
                return None
            raise

    def list(self, path: str, **query: str) -> list[dict[str, Any]]:
        """Read a whole collection, page by page."""
        found: list[dict[str, Any]] = []
        following = ""
        while True:
            page = self.get(path, limit=str(_PAGE), **query, **({"continue": following} if following else {}))
            found += page.get("items") or ()
            following = (page.get("metadata") or {}).get("continue") or ""
            if not following:
                return found

    def patch(self, path: str, body: Any, **query: str) -> dict[str, Any]:
        """Merge `body` into an object (RFC 7386)."""
        answer: dict[str, Any] = self._json("PATCH", path, query, body, "application/merge-patch+json")
        return answer

    def call(self, method: str, path: str, *, body: Any = None, seconds: float = _READ_SECONDS) -> Answer:
        """Send one request as it is and give the answer whatever its status; raises UnreachableError only."""
        return self._send(method, path, body, "application/json", seconds)

    def _json(
        self, method: str, path: str, query: Mapping[str, str], body: Any = None, kind: str = "application/json"
    ) -> Any:
        answer = self._send(method, f"{path}?{urlencode(query)}" if query else path, body, kind, _READ_SECONDS)
        if answer.status < _FAILED:
            return answer.json()
        try:
            status = answer.json()
        except ValueError:
            status = {}
        message = status.get("message") or answer.body[:200].decode(errors="replace")
        raise ApiError(answer.status, status.get("reason") or str(answer.status), f"{method} {path}: {message}")

    def _send(self, method: str, path: str, body: Any, kind: str, seconds: float) -> Answer:
        import urllib3

        timeout = urllib3.Timeout(connect=min(_CONNECT_SECONDS, seconds), read=seconds)
        data = None if body is None else json.dumps(body).encode()
        for first in (True, False):
            pool, known = self._connect(afresh=not first)
            headers = {"Accept": "application/json", "Content-Type": kind, **known}
            try:
                # No retries: the gate asks again by itself, and a preview must not wait for what is not there.
                response = pool.request(
                    method, self._access.server + path, body=data, headers=headers, timeout=timeout, retries=False
                )
            except urllib3.exceptions.ReadTimeoutError as error:
                raise NoAnswerError(
                    f"{self.address} took a request and did not answer within {seconds:.0f} s"
                ) from error
            except urllib3.exceptions.HTTPError as error:
                raise UnreachableError(f"{self.address} does not answer: {_cause(error)}") from error
            if response.status != _UNAUTHORIZED or not first:
                break
            # A token of a credential plugin lives some minutes, a gate may wait longer: ask for a new one, once.
        return Answer(status=response.status, body=response.data)

    def _connect(self, *, afresh: bool) -> tuple[urllib3.PoolManager, Mapping[str, str]]:
        with self._lock:
            if self._connected is None or afresh:
                try:
                    credentials = self._access.credentials()
                    self._connected = (_pool(self._access, credentials), credentials.headers)
                except (KubeconfigError, OSError, ValueError) as error:
                    raise UnreachableError(f"{self.address}: {error}") from error
            return self._connected


def _pool(access: Access, credentials: Credentials) -> urllib3.PoolManager:
    import urllib3

    options: dict[str, Any] = {"maxsize": CONNECTIONS, "block": True}
    if access.server.startswith("https:"):
        options["ssl_context"] = _context(access, credentials)
        options["server_hostname"] = access.server_name
        options["assert_hostname"] = access.server_name
        if not access.verify:
            options["assert_hostname"] = False
    proxy = _proxy(access)
    if proxy is None:
        return urllib3.PoolManager(**options)
    return urllib3.ProxyManager(proxy, **options)


def _context(access: Access, credentials: Credentials) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=access.authority.decode() if access.authority else None)
    if not access.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if credentials.certificate is not None:
        # Python's ssl takes a client certificate from a file only; it is readable by us alone and gone at once.
        handle, name = tempfile.mkstemp(prefix="ml-platform-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(credentials.certificate + b"\n" + (credentials.key or b""))
            context.load_cert_chain(name)
        finally:
            os.unlink(name)  # noqa: PTH108 - the pair of mkstemp
    return context


def _proxy(access: Access) -> str | None:
    """Choose the proxy as kubectl does: the kubeconfig's own, else the environment's; never for this machine."""
    if access.proxy:
        return access.proxy
    parts = urlsplit(access.server)
    host = parts.hostname or ""
    if host == "localhost" or host.startswith("127.") or host == "::1":
        return None
    if proxy_bypass_environment(parts.netloc):
        return None
    return getproxies_environment().get(parts.scheme)


def _cause(error: BaseException) -> str:
    """Strip urllib3's wrapping: the innermost sentence is the one a person can act on."""
    reason = getattr(error, "reason", None)
    inner = reason if isinstance(reason, BaseException) else error.__cause__ or error.__context__
    text = str(inner or error)
    return text.rsplit(": ", 1)[-1] if "object at 0x" in text else text
