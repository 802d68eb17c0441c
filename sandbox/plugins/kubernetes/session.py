"""What every call of the engine needs at hand: the settings, the cluster, the engine, and whether to stop."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from sandbox.plugins.kubernetes import kubeconfig
from sandbox.plugins.kubernetes.client import Client
from sandbox.plugins.kubernetes.errors import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.plugins.engine import Engine
    from sandbox.plugins.kubernetes.configuration import Configuration

__all__ = ["Session"]


class Session:
    """One configured provider.

    The cluster is looked for when it is first needed, and a failure is kept: a plan for a cluster that does
    not exist yet must go through, and hundreds of resources must not each wait for the same silence.
    """

    def __init__(self, configuration: Configuration, engine: Engine) -> None:
        self.configuration = configuration
        self.engine = engine
        self.cancelled = threading.Event()
        self.adopted: set[str] = set()
        """Uids of objects that an interrupted update had left and that this process took on."""
        self._client: Client | UnreachableError | None = None
        self._lock = threading.Lock()

    @property
    def client(self) -> Client:
        """The connection to the API server.

        Raises:
            UnreachableError: no usable kubeconfig; a server that does not answer shows at the first request.

        """
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            if isinstance(self._client, UnreachableError):
                raise UnreachableError(str(self._client))
            return self._client

    @property
    def default_namespace(self) -> str:
        """Where namespaced objects go that name no namespace: the provider's, the context's, or `default`."""
        if self.configuration.namespace:
            return self.configuration.namespace
        try:
            return self.client.namespace or "default"
        except UnreachableError:
            return "default"

    def warn(self, urn: str) -> Callable[[str], None]:
        """Return what receives the API server's own remarks about a resource."""

        def report(text: str) -> None:
            if self.configuration.suppress_deprecation_warnings and "deprecated" in text:
                return
            self.engine.warn(urn, text)

        return report

    def status(self, urn: str) -> Callable[[str], None]:
        """Return what shows a resource's status line."""
        return partial(self.engine.status, urn)

    def _connect(self) -> Client | UnreachableError:
        settings = self.configuration
        try:
            found = kubeconfig.load(settings.kubeconfig)
            access = kubeconfig.resolve(found, context=settings.context, cluster=settings.cluster)
            return Client(access, settings, self.cancelled)
        except UnreachableError as error:
            return error
