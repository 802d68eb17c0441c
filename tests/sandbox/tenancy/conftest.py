"""Three teams on a real API server with its controllers: what the program declares, applied as a provider would."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from control_planes import simulated
from keep_alive import Client
from tenants import NAMESPACES, apply, eventually, manifests

from sandbox.cluster.simulated import NodeShape
from sandbox.cluster.users import user_kubeconfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.cluster.control_plane import ControlPlane


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with simulated(tmp_path_factory.mktemp("plane"), shapes=[NodeShape(cpu="64", count=1)]) as plane:
        yield plane


@pytest.fixture(scope="session")
def client(plane: ControlPlane) -> Iterator[Callable[..., Client]]:
    """Connect as somebody, by the kubeconfig that `python -m sandbox kubeconfig` prints for them."""
    opened: list[Client] = []

    def connect(subject: str = "", *, group: str | None = None) -> Client:
        kubeconfig: dict[str, Any] = json.loads(plane.kubeconfig.read_text())
        if subject:
            kubeconfig = user_kubeconfig(
                kubeconfig, subject, api=plane.api, authority=plane.authority, group=group, namespace=None
            )
        opened.append(Client(kubeconfig))
        return opened[-1]

    yield connect
    for each in opened:
        each.close()


@pytest.fixture(scope="session")
def teams(plane: ControlPlane, client: Callable[..., Client]) -> Client:
    """The teams as they are declared, and the administrator's client."""
    admin = client()
    for manifest in manifests():
        status, answer = apply(admin, manifest)
        assert status in (200, 201), f"{manifest['kind']} {manifest['metadata']['name']}: {answer}"
    for namespace in NAMESPACES:
        # Pods are refused until the controllers have made it, and quotas count from then on.
        eventually(lambda where=namespace: admin.get(f"/api/v1/namespaces/{where}/serviceaccounts/default")[0] == 200)
        quota = f"/api/v1/namespaces/{namespace}/resourcequotas/quota"
        eventually(lambda where=quota: (admin.get(where)[1].get("status") or {}).get("used"))
    return admin
