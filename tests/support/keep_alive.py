"""One connection to an API server, kept open, as the user of a kubeconfig: hundreds of requests a second."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping


class Client:
    """Sends requests one after the other. `kubeconfig` has one user, with a client certificate or a token."""

    def __init__(self, kubeconfig: Mapping[str, Any]) -> None:
        cluster, user = kubeconfig["clusters"][0]["cluster"], kubeconfig["users"][0]["user"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        context = ssl.create_default_context(cadata=authority)
        self._headers = {"Accept": "application/json"}
        if "token" in user:
            self._headers["Authorization"] = f"Bearer {user['token']}"
        else:
            with tempfile.TemporaryDirectory() as directory:
                pair = Path(directory) / "pair.pem"
                parts = (user["client-certificate-data"], user["client-key-data"])
                pair.write_bytes(b"\n".join(map(base64.b64decode, parts)))
                context.load_cert_chain(pair)
        server = urlsplit(cluster["server"])
        self._connection = http.client.HTTPSConnection(server.hostname, server.port, context=context, timeout=30)
        self.sent = 0

    def request(self, method: str, path: str, body: Any = None, *, kind: str = "application/json") -> tuple[int, Any]:
        """Send one request; `body` is an object, or text as it is. Return the status and the decoded answer."""
        data = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body).encode()
        self._connection.request(method, path, body=data, headers={**self._headers, "Content-Type": kind})
        answer = self._connection.getresponse()
        text = answer.read()
        self.sent += 1
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, {"message": text.decode(errors="replace")}

    def get(self, path: str) -> tuple[int, Any]:
        return self.request("GET", path)

    def close(self) -> None:
        self._connection.close()
