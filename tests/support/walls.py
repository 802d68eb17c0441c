"""Who is to reach whom among the teams of `tenants`: one matrix, for a judge of manifests and for real connections."""

from __future__ import annotations

ALL = "all"

# A pod that serves a model and one that does not in each namespace, and who stands outside: labels, ports by name.
_MODEL = ({"ml-platform/slot": "blue"}, {"http": 8000, "metrics": 9090})
_WORKER = ({"app": "worker"}, {"api": 8080, "metrics": 9102})
_TEAMS = ("fraud-test", "fraud-train-test", "ingest-test", "search-test")
PODS: dict[str, tuple[dict[str, str], dict[str, int]]] = {
    **{f"{namespace}/model": _MODEL for namespace in _TEAMS},
    **{f"{namespace}/worker": _WORKER for namespace in _TEAMS},
    "search-test/feast": ({"app": "feast"}, {"api": 6566}),
    "monitoring/prometheus": ({}, {}),
    "traefik/gateway": ({}, {}),
    "kube-system/dns": ({}, {}),
    "default/stranger": ({}, {}),
}
OPEN = {port for _, ports in PODS.values() for port in ports.values()}
"""Every port that any of them has."""

# Rows reach columns, by these ports; `all` is every one, `.` none at all.
_MATRIX = """
from                     fraud/model fraud/worker train/model train/worker search/model search/worker search/feast ingest/model ingest/worker
fraud/model              all         all          .           .            8000         .             6566         .            .
fraud/worker             all         all          .           .            8000         .             6566         .            .
train/model              .           .            all         all          8000         .             .            .            .
train/worker             .           .            all         all          8000         .             .            .            .
search/model             .           .            .           .            all          all           all          .            .
search/worker            .           .            .           .            all          all           all          .            .
search/feast             .           .            .           .            all          all           all          .            .
ingest/model             8080        8080         .           .            .            .             .            all          all
ingest/worker            8080        8080         .           .            .            .             .            all          all
monitoring/prometheus    8000,9090   9102         8000        .            .            .             .            8000         .
traefik/gateway          8000        .            8000        .            8000         .             .            8000         .
kube-system/dns          8000        .            8000        .            .            .             .            8000         .
default/stranger         8000        .            8000        .            .            .             .            8000         .
"""  # noqa: E501  a matrix
HEADER, *ROWS = [line.split() for line in _MATRIX.strip().splitlines()]

_SHORT = {"fraud": "fraud-test", "train": "fraud-train-test", "search": "search-test", "ingest": "ingest-test"}


def full(short: str) -> str:
    """Return namespace and name of a pod of the matrix."""
    namespace, _, name = short.partition("/")
    return f"{_SHORT.get(namespace, namespace)}/{name}"


def shown(ports: set[int] | str) -> str:
    """Write ports as the matrix has them."""
    return ALL if isinstance(ports, str) else ",".join(map(str, sorted(ports))) or "."
