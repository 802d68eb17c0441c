"""The capacity proof against the real scheduler: 300 random platforms, and those that show which constraint decides."""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import placed_platforms as placed
import pytest
from random_platforms import TIGHTEN, Platform, platforms, without

from infra.capacity import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = 6
COUNT = 300
DECISIVE = 15
WRONG = 0.02


@pytest.fixture(scope="module")
def drawn() -> dict[str, Platform]:
    return {f"platform-{number}": one for number, one in enumerate(platforms(SEED, COUNT))}


@pytest.fixture(scope="module")
def freed(drawn: dict[str, Platform]) -> dict[str, Platform]:
    """For each kind of constraint, platforms that do not fit with it, as they are without it: there they fit."""
    found = {}
    for kind in TIGHTEN:
        # Those that were made tight in this way first: in them it most likely decides.
        short = [(name, one) for name, one in drawn.items() if one.verdict is Verdict.SHORT]
        twins = 0
        for name, one in sorted(short, key=lambda pair: pair[1].kind != kind):
            free = Platform(raw=without(one.raw, kind), kind=kind)
            if twins < DECISIVE and free.verdict is Verdict.FITS:
                twins += 1
                found[f"{name}-{kind}"] = free
    return found


@pytest.fixture(scope="module")
def pending(server: Any, drawn: dict[str, Platform], freed: dict[str, Platform]) -> dict[str, int]:
    """How many pods of each platform the scheduler, or a quota, left without a node."""
    every = {**drawn, **freed}
    began = time.monotonic()
    server.send(_namespaces(every))
    server.send(_nodes(every))
    # The API server marks a new node as not ready, and a controller takes that back when it is.
    server.send(((f"{path}/{node['metadata']['name']}", node) for path, node in _nodes(every)), method="PUT")
    server.send(_standing(every))
    server.send(_limits(every), method="PUT")
    draw = random.Random(SEED)
    wanted: Counter[str] = Counter()
    created: list[tuple[str, dict[str, Any]]] = []
    for name, one in every.items():
        for pod in placed.pods(one, name, draw):
            wanted[name] += 1
            created.append((f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods", pod))
    draw.shuffle(created)
    codes = server.send(created)
    asked = time.monotonic()
    server.start_scheduler()
    there = _decided(server)
    print(f"{len(every)} platforms, {sum(wanted.values())} pods {dict(codes)}: written in {asked - began:.0f} s,")
    print(f"placed in {time.monotonic() - asked:.0f} s")
    bound = Counter(pod["metadata"]["labels"][placed.LABEL] for pod in there if pod["spec"].get("nodeName"))
    return {name: wanted[name] - bound[name] for name in every}


def _own(every: dict[str, Platform]) -> set[str]:
    return {placed.namespace_of(one, name) for name, one in every.items()} | {placed.PLATFORMS}


def _namespaces(every: dict[str, Platform]) -> Iterator[tuple[str, dict[str, Any]]]:
    for namespace in _own(every):
        yield "/api/v1/namespaces", {"metadata": {"name": namespace}}


def _nodes(every: dict[str, Platform]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, one in every.items():
        for node in placed.nodes(one, name):
            yield "/api/v1/nodes", node


def _standing(every: dict[str, Platform]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is there before a model comes: who pods run as, what stands on every node, quotas."""
    for namespace in _own(every):
        yield f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "default"}}
    for name, one in every.items():
        if (quota := placed.quota(one, name)) is not None:
            yield f"/api/v1/namespaces/{name}/resourcequotas", quota
    for name, one in every.items():
        for pod in placed.overhead(one, name):
            yield f"/api/v1/namespaces/{placed.PLATFORMS}/pods", pod


def _limits(every: dict[str, Platform]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Quotas as a controller would have put them in force."""
    for name, one in every.items():
        if (quota := placed.quota(one, name)) is not None:
            yield f"/api/v1/namespaces/{name}/resourcequotas/quota/status", quota


def _decided(server: Any) -> list[dict[str, Any]]:
    """Wait until the scheduler has found a node for every pod, or said that there is none."""
    deadline = time.monotonic() + 300
    while True:
        there = [pod for pod in server.list("/api/v1/pods") if placed.LABEL in pod["metadata"]["labels"]]
        if all(pod["spec"].get("nodeName") or _refused(pod) for pod in there):
            return there
        assert time.monotonic() < deadline
        time.sleep(2)


def _refused(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", ())
    return any(one["type"] == "PodScheduled" and one["status"] == "False" for one in conditions)


def test_the_platforms_are_of_all_kinds(drawn, freed):
    verdicts = Counter(one.verdict for one in drawn.values())
    print(dict(verdicts), Counter(one.kind for one in freed.values()))
    assert len(drawn) == COUNT
    assert verdicts[Verdict.FITS] >= 90
    assert verdicts[Verdict.SHORT] >= 90
    assert Counter(one.kind for one in freed.values()) == dict.fromkeys(TIGHTEN, DECISIVE)


def test_what_is_said_to_fit_leaves_no_pod_pending(pending, drawn, freed):
    every = {**drawn, **freed}
    assert {name: pending[name] for name, one in every.items() if one.verdict is Verdict.FITS and pending[name]} == {}


def test_what_is_said_not_to_fit_does_not(pending, drawn):
    short = [name for name, one in drawn.items() if one.verdict is Verdict.SHORT]
    wrong = [name for name in short if not pending[name]]
    print(f"said not to fit: {len(short)}, placed all the same: {wrong}")
    assert len(wrong) <= WRONG * len(short)


def test_what_is_said_to_be_tight_is_rare_and_mostly_placed(pending, drawn):
    tight = [name for name, one in drawn.items() if one.verdict is Verdict.TIGHT]
    print(f"tight: {len(tight)}, of which the scheduler placed {sum(not pending[name] for name in tight)}")
    assert len(tight) <= 0.15 * len(drawn)


def test_each_kind_of_constraint_decides(pending, freed):
    """With it the scheduler leaves pods pending, without it none."""
    kept_out = Counter(one.kind for name, one in freed.items() if pending[name.rpartition("-")[0]])
    let_in = Counter(one.kind for name, one in freed.items() if not pending[name])
    assert let_in == dict.fromkeys(TIGHTEN, DECISIVE)
    assert all(kept_out[kind] >= DECISIVE - 1 for kind in TIGHTEN), kept_out
