"""Random platforms at the edge of their room: whole configurations, each tightened in one way until it no longer fits.

Some of them are taken one step before that, so that those that fit are as near the edge as those that do not.
"""

from __future__ import annotations

import copy
import random
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from infra.capacity import Verdict, prove
from infra.settings import Settings, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infra.capacity import Proof

ZONE = "topology.kubernetes.io/zone"
DISK = "example.com/disk"
BATCH = "example.com/batch=true:NoSchedule"
GPU_TAINT = "nvidia.com/gpu=present:NoSchedule"
AMPLE = {"requests.cpu": "9999", "requests.memory": "999Ti", "requests.nvidia.com/gpu": "9999", "pods": "9999"}
IMAGE = f"model@sha256:{'a' * 64}"

Raw = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Platform:
    """A configuration, and in which way it was made tight; "" where it was left as drawn."""

    raw: Raw
    kind: str

    @cached_property
    def ample(self) -> Settings:
        """What is declared, with quotas that hold anything: which pods there would be if no quota kept them away."""
        return Settings.parse(without(self.raw, "quota"))

    @cached_property
    def proof(self) -> Proof:
        proof = prove(self.ample)
        assert proof is not None
        return proof

    @cached_property
    def verdict(self) -> Verdict:
        """What is said of the platform, by the settings' own rules or by the proof."""
        if self.raw["teams"]["team"]["quota"] != AMPLE:
            try:
                Settings.parse(self.raw)
            except SettingsError:
                return Verdict.SHORT
        return self.proof.verdict


def platforms(seed: int, count: int) -> Iterator[Platform]:
    """So many platforms, every way to be tight in turn, and some as they were drawn."""
    # What decides alone least often is drawn more often.
    kinds = [*TIGHTEN, "pods", "zones", "memory", *TIGHTEN, "pods", "zones", "memory", "quota", ""]
    for number in range(count):
        yield platform(random.Random(f"{seed}/{number}"), kinds[number % len(kinds)])


def platform(draw: random.Random, kind: str) -> Platform:
    one = Platform(raw=drawn(draw, kind), kind=kind)
    while kind and one.verdict is not Verdict.FITS:
        one = Platform(raw=drawn(draw, kind), kind=kind)
    before = draw.random() < 0.35
    for _ in range(20 if kind else 0):
        if one.verdict is Verdict.SHORT:
            break
        tighter = copy.deepcopy(one.raw)
        TIGHTEN[kind](draw, tighter)
        following = Platform(raw=tighter, kind=kind)
        if before and following.verdict is Verdict.SHORT:
            break
        one = following
    return one


def without(raw: Raw, kind: str) -> Raw:
    """The same platform without one kind of constraint."""
    free = copy.deepcopy(raw)
    for one in pools(free).values():
        UNBOUND.get(kind, _nothing)(one)
    for model in free["models"].values():
        placement = model.get("placement", {})
        if kind == "gpu":
            model["resources"].pop("gpu", None)
        if kind == "selectors":
            placement.pop("nodePool", None)
            placement.get("nodeSelector", {}).pop(DISK, None)
        if kind == "zones":
            placement.get("nodeSelector", {}).pop(ZONE, None)
    if kind == "quota":
        for team in free["teams"].values():
            team["quota"] = dict(AMPLE)
    return free


def pools(raw: Raw) -> dict[str, Raw]:
    return raw["cluster"]["nodePools"]


def _nothing(_: Raw) -> None:
    pass


UNBOUND: dict[str, Callable[[Raw], None]] = {
    "cpu": lambda pool: pool["allocatable"].update(cpu="1000"),
    "memory": lambda pool: pool["allocatable"].update(memory="4000Gi"),
    "pods": lambda pool: pool["allocatable"].update(pods=1000),
    "taints": lambda pool: pool.pop("taints", None),
    "overhead": lambda pool: pool.pop("overhead", None),
    "maximum": lambda pool: pool.update(max=pool["max"] + 30),
}


# -- drawing ----------------------------------------------------------------------------------------------------------
def drawn(draw: random.Random, kind: str) -> Raw:
    """A platform as it might be written, with something in it that can be made tight in this way."""
    gpu = kind == "gpu" or draw.random() < 0.3
    zoned = kind == "zones" or draw.random() < 0.3
    found = {
        f"pool{number}": _pool(draw, zoned=zoned) for number in range(draw.randint(2 if kind == "taints" else 1, 2))
    }
    if draw.random() < 0.5:
        draw.choice(list(found.values()))["labels"] = {DISK: "nvme"}
    if draw.random() < 0.3 and len(found) > 1:
        draw.choice(list(found.values()))["taints"] = [BATCH]
    if gpu:
        found["gpu"] = {
            **_pool(draw, zoned=False),
            "accelerators": {"nvidia.com/gpu": draw.choice([1, 2, 4])},
            "taints": [GPU_TAINT],
            "max": draw.randint(1, 2),
        }
    names = list(found)
    models = {f"model{number}": _model(draw, names, found) for number in range(draw.randint(1, 3))}
    if kind == "pods":  # else a node is full before its pods are counted
        for model in models.values():
            model["resources"] = {"cpu": "100m", "memory": "128Mi"}
    if gpu:
        models["vision"] = {**_model(draw, ["gpu"], found), "resources": {"cpu": "500m", "memory": "1Gi", "gpu": 1}}
        models["vision"]["scale"] = {"min": 1}
    return {
        "environment": "test",
        "registry": "registry.example.com/ml",
        "cluster": {"provider": "existing", "context": "test", "nodePools": found},
        "capacity": {"overcommit": 100},
        "teams": {"team": {"quota": dict(AMPLE)}},
        "models": models,
    }


def _pool(draw: random.Random, *, zoned: bool) -> Raw:
    cores = draw.choice([2, 4, 8])
    pool: Raw = {
        "allocatable": {
            "cpu": f"{cores * 1000 - draw.choice([0, 80, 140])}m",
            "memory": f"{cores * draw.choice([2, 4])}Gi",
        },
        "max": draw.randint(1, 4),
    }
    if zoned:
        pool["zones"] = ["a", "b"]
        pool["max"] = draw.randint(2, 4)
    if draw.random() < 0.4:
        pool["overhead"] = _overhead(draw.choice([100, 200, 300]))
    return pool


def _overhead(cpu: int) -> Raw:
    return {"cpu": f"{cpu}m", "memory": f"{cpu}Mi", "pods": 1}


def _model(draw: random.Random, names: list[str], found: dict[str, Raw]) -> Raw:
    model: Raw = {
        "team": "team",
        "scale": {"min": draw.randint(1, 3)},
        "resources": {
            "cpu": draw.choice(["250m", "300m", "500m", "1", "1200m"]),
            "memory": draw.choice(["512Mi", "700Mi", "1Gi", "2Gi"]),
        },
        "versions": {"1": {"image": IMAGE}, "2": {"image": IMAGE}},
        "placement": {"spread": draw.choice(["zone", "node", "none"]), "nodeSelector": {}},
    }
    if draw.random() < 0.3:
        model["versions"]["2"]["resources"] = {"memory": "1500Mi"}
    strategy = draw.choice(["blue-green", "blue-green", "rolling", "recreate"])
    if strategy == "blue-green":
        model |= {"slots": {"blue": "1", "green": "2"}, "active": draw.choice(["blue", "green"])}
        model["idle"] = {"size": draw.choice(["warm", "cold"])}
    else:
        model |= {"strategy": strategy, "version": "1"}
    if draw.random() < 0.3:
        model["placement"]["nodePool"] = draw.choice(names)
    taints = [taint for pool in found.values() for taint in pool.get("taints", ()) if taint == BATCH]
    if taints and draw.random() < 0.6:
        model["placement"]["tolerations"] = [BATCH]
    return model


# -- making tight -----------------------------------------------------------------------------------------------------
def _some(draw: random.Random, raw: Raw) -> Raw:
    return draw.choice(list(raw["models"].values()))


def _cpu(draw: random.Random, raw: Raw) -> None:
    model = _some(draw, raw)
    text = model["resources"]["cpu"]
    millis = int(text[:-1]) if text.endswith("m") else int(text) * 1000
    model["resources"]["cpu"] = f"{round(millis * 1.3)}m"


def _memory(draw: random.Random, raw: Raw) -> None:
    resources = _some(draw, raw)["resources"]
    size = resources["memory"]
    resources["memory"] = f"{round((int(size[:-2]) * (1024 if size.endswith('Gi') else 1)) * 1.4)}Mi"


def _gpu(draw: random.Random, raw: Raw) -> None:
    model = raw["models"]["vision"]
    if draw.random() < 0.3:
        model["resources"]["gpu"] += 1
    else:
        model["scale"]["min"] += draw.randint(1, 2)


def _taints(draw: random.Random, raw: Raw) -> None:
    pool = draw.choice(list(pools(raw).values()))
    pool["taints"] = sorted({*pool.get("taints", ()), draw.choice([BATCH, "example.com/own=x:NoExecute"])})


def _selectors(draw: random.Random, raw: Raw) -> None:
    if draw.random() < 0.5:
        _some(draw, raw)["placement"]["nodeSelector"][DISK] = "nvme"
    else:
        _some(draw, raw)["placement"]["nodePool"] = draw.choice(list(pools(raw)))


def _zones(draw: random.Random, raw: Raw) -> None:
    free = [model for model in raw["models"].values() if "gpu" not in model["resources"]]
    loose = [model for model in free if ZONE not in model["placement"]["nodeSelector"]]
    if loose:
        draw.choice(loose)["placement"]["nodeSelector"][ZONE] = "a"
    else:
        draw.choice(free)["scale"]["min"] += 1


def _pods(draw: random.Random, raw: Raw) -> None:
    for pool in pools(raw).values():
        offered, least = pool["allocatable"], pool.get("overhead", {}).get("pods", 0) + 1
        offered["pods"] = max(least, min(offered.get("pods", 8), 8) - draw.randint(1, 2))


def _more_overhead(draw: random.Random, raw: Raw) -> None:
    for pool in pools(raw).values():
        now = int(pool.get("overhead", {"cpu": "0m"})["cpu"][:-1])
        most = int(pool["allocatable"]["cpu"][:-1]) * 9 // 10
        pool["overhead"] = _overhead(min(now + draw.randint(2, 6) * most // 20, most))


def _maximum(draw: random.Random, raw: Raw) -> None:
    pool = draw.choice(list(pools(raw).values()))
    if pool["max"] > 1 and draw.random() < 0.6:
        pool["max"] -= 1
    else:
        _some(draw, raw)["scale"]["min"] += 1


def _quota(draw: random.Random, raw: Raw) -> None:
    quota = raw["teams"]["team"]["quota"]
    quota["pods"] = str(max(1, min(int(quota["pods"]), 16) - draw.randint(1, 3)))


TIGHTEN: dict[str, Callable[[random.Random, Raw], None]] = {
    "cpu": _cpu,
    "memory": _memory,
    "gpu": _gpu,
    "taints": _taints,
    "selectors": _selectors,
    "zones": _zones,
    "pods": _pods,
    "overhead": _more_overhead,
    "maximum": _maximum,
    "quota": _quota,
}
