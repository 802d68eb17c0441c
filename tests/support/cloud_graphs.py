"""The whole graph of resources that a cluster of each kind is made of, as a file to read and to compare with.

`python tests/support/cloud_graphs.py` writes them anew; what changed is then a change to review.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from declaring import declaring  # noqa: E402
from mock_engine import Engine  # noqa: E402

from policies.unwrap import plain  # noqa: E402

if TYPE_CHECKING:
    from mock_engine import Declarations, Declared

FOLDER = ROOT / "tests" / "clouds" / "graphs"

_SMALL: dict[str, dict[str, Any]] = {
    "eks": {"zones": ["eu-central-1a", "eu-central-1b"], "instance": "m6i.xlarge"},
    "gke": {"zones": ["europe-west4-a"], "instance": "e2-standard-4"},
    "aks": {"zones": ["westeurope-1"], "instance": "Standard_D4s_v5"},
    "kind": {},
}
_ROOM = {"allocatable": {"cpu": "4", "memory": "16Gi", "pods": 58}, "min": 2, "max": 2}


def stacks() -> dict[str, str]:
    """Give each example, with its pools for all, for GPUs and of spot machines; and one with a small pool alone."""
    found = {}
    for kind, pool in _SMALL.items():
        text = (ROOT / "stacks" / f"{kind}.example.yaml").read_text()
        found[kind] = text
        document = yaml.safe_load(text)
        config = document["config"]
        for key in ("teams", "models", "gateway", "autoscaler"):
            config.pop(f"ml-platform:{key}", None)
        config["ml-platform:cluster"]["nodePools"] = {"general": {**_ROOM, **pool}}
        found[f"{kind}-small"] = yaml.safe_dump(document)
    return found


def graph(declared: Declarations) -> str:
    """Write down every resource but Kubernetes' objects, with its inputs, its parent and what it waits for."""
    # Those that wait for nothing of each other are declared in any order.
    ordered = sorted(declared.resources, key=lambda one: (one.type, one.name))
    return yaml.safe_dump(
        [_resource(one) for one in ordered if not one.type.startswith("kubernetes:")],
        sort_keys=True,
        width=110,
    )


def _resource(one: Declared) -> dict[str, Any]:
    found = {
        "type": one.type,
        "name": one.name,
        "parent": _short(one.parent),
        "inputs": _hidden(plain(one.inputs), one.secrets),
        "protect": one.protect,
        "waits for": sorted({_short(urn) for urn in one.dependencies}),
    }
    return {key: value for key, value in found.items() if value}


def _hidden(inputs: dict[str, Any], secrets: frozenset[str]) -> dict[str, Any]:
    return {key: "[secret]" if key in secrets else value for key, value in inputs.items()}


def _short(urn: str) -> str:
    kind, name = urn.split("::")[-2:]
    kind = kind.rpartition("$")[2]
    return "" if kind == "pulumi:pulumi:Stack" else f"{kind} {name}"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    run = declaring(Engine())
    for name, text in stacks().items():
        (FOLDER / f"{name}.yaml").write_text(graph(run(text)))
