"""The capacity proof as a table for people and as values for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.capacity.amounts import shown
from infra.capacity.verdict import Verdict
from infra.settings import show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infra.capacity.proof import Growth, Proof
    from infra.capacity.stages import Stage

__all__ = ["lines", "values"]


def lines(proof: Proof) -> list[str]:
    """Write the table, a row a line, and below it what to know beside it."""
    pools = proof.settings.cluster.node_pools
    rows = [
        ["capacity", *(_columns(pools)), "pods", "", ""],
        *(
            [
                stage.name,
                *(str(_nodes(proof, stage)[name]) for name in pools),
                str(sum(stage.pods.values())),
                stage.verdict.words,
                stage.words,
            ]
            for stage in (*proof.stages, *proof.prospects)
        ),
    ]
    return [*_aligned(rows), *_notes(proof)]


def values(proof: Proof) -> dict[str, Any]:
    """Return the whole proof as JSON has it."""
    return {
        "verdict": proof.verdict.words,
        "pools": {
            name: {"min": pool.min, "max": pool.max, **({} if pool.price is None else {"price": pool.price})}
            for name, pool in proof.settings.cluster.node_pools.items()
        },
        "stages": {
            stage.name: {
                "verdict": stage.verdict.words,
                "pods": sum(stage.pods.values()),
                "nodes": _nodes(proof, stage),
                **({"while": stage.words} if stage.words else {}),
                **({"pending": sum(stage.judged.left.values())} if stage.judged.left else {}),
                **_bill(proof, stage),
            }
            for stage in (*proof.stages, *proof.prospects)
        },
        "models": {growth.model: _model(growth) for growth in proof.growth},
        "overcommit": {
            promise.resource: {
                "promised": shown(promise.resource, promise.promised),
                "there": shown(promise.resource, promise.there),
                # JSON has no infinity: none of it is there to be promised.
                "ratio": round(promise.ratio, 3) if promise.there else None,
            }
            for promise in proof.promises
        },
        "quotasAtMaximum": {team: dict(lacking) for team, lacking in proof.shortfalls.items()},
    }


def _model(growth: Growth) -> dict[str, Any]:
    return {
        "switch": growth.verdict.words,
        "switchAtMaximum": growth.verdict_at_most.words,
        "seconds": growth.seconds,
        "waits": growth.waits,
        **({} if growth.instead is None else {"instead": growth.instead}),
    }


def _columns(pools: Mapping[str, Any]) -> Iterator[str]:
    for name, pool in pools.items():
        yield f"{name} ({pool.min} to {pool.max})"


def _nodes(proof: Proof, stage: Stage) -> dict[str, int]:
    """Return the nodes of each pool, never fewer than its minimum."""
    return {
        name: max(pool.min, stage.judged.nodes.get(name, 0)) for name, pool in proof.settings.cluster.node_pools.items()
    }


def _bill(proof: Proof, stage: Stage) -> dict[str, float]:
    """Return what the nodes of a stage cost an hour; nothing where some pool has no price."""
    pools = proof.settings.cluster.node_pools
    prices = {name: pool.price for name, pool in pools.items() if pool.price is not None}
    if len(prices) < len(pools):
        return {}
    return {"price": round(sum(prices[name] * count for name, count in _nodes(proof, stage).items()), 4)}


def _notes(proof: Proof) -> Iterator[str]:
    if proof.promises:
        limit = proof.settings.capacity.overcommit
        promised = ", ".join(promise.words for promise in proof.promises)
        yield f"  promised by quotas: {promised}; at most {limit:g} times"
    for growth in proof.growth:
        if growth.verdict is Verdict.TIGHT:
            or_ = "" if growth.instead is None else f"; {growth.instead} asks for less"
            yield f"  {growth.model}: there is room for its changes, if the scheduler places every pod well{or_}"
        elif growth.verdict_at_most is not Verdict.FITS and growth.verdict is Verdict.FITS:
            yield f"  {growth.model}: a switch fits now, but {_at_most(growth.verdict_at_most)} at scale.max"
    yield from _waits(proof.growth)
    for team, lacking in proof.shortfalls.items():
        words = ", ".join(f"{resource} is {text}" for resource, text in lacking.items())
        yield f"  {team}: its quota ends before scale.max of all its models and a switch: {words}"


def _at_most(verdict: Verdict) -> str:
    return "is tight" if verdict is Verdict.TIGHT else "does not"


def _waits(growth: Sequence[Growth]) -> Iterator[str]:
    hasty = [one for one in growth if not one.patient]
    if not hasty:
        return
    slowest = max(hasty, key=lambda one: one.seconds)
    names = ", ".join(one.model for one in hasty)
    yield (
        f"  {names}: a pod on a new node may take {show_duration(slowest.seconds)} (node, image, start), and an up"
        f" waits {show_duration(slowest.waits)}: raise guard.deadline"
    )


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if index in (0, len(row) - 1, len(row) - 2) else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
