"""Random stack configurations, valid in every way: what hypothesis draws for properties of settings and manifests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

__all__ = ["configurations", "cores", "digests", "models", "names", "sizes"]

names = st.from_regex(r"[a-z][a-z0-9-]{0,20}[a-z0-9]", fullmatch=True)
cores = st.integers(1, 400).map(lambda number: f"{number}m")
sizes = st.integers(1, 2048).map(lambda number: f"{number}Mi")
digests = st.text("0123456789abcdef", min_size=64, max_size=64).map(lambda digits: f"model@sha256:{digits}")
variables = st.dictionaries(st.from_regex(r"[A-Z]{1,3}", fullmatch=True), st.text("ab1 é", max_size=5), max_size=2)
percents = st.integers(0, 99)


def durations(least: int, most: int) -> st.SearchStrategy[Any]:
    """Seconds within bounds, as a number or as a person would write them."""
    seconds = st.integers(least, most)
    return seconds | seconds.map(lambda number: f"{number}s" if number % 60 else f"{number // 60}m")


def optional(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping with any of these keys."""
    return st.fixed_dictionaries({}, optional=keys)


def volumes() -> st.SearchStrategy[dict[str, Any]]:
    """At most one volume, so that no path is taken twice."""
    paths = st.from_regex(r"/data/[a-z]{1,8}", fullmatch=True)
    volume = st.fixed_dictionaries({"claim": names, "path": paths}, optional={"readOnly": st.booleans()})
    return st.dictionaries(st.just("data"), volume, max_size=1)


def contents() -> dict[str, st.SearchStrategy[Any]]:
    """The keys of a model and of a version, but for resources."""
    paths = st.from_regex(r"/[a-z]{1,8}", fullmatch=True)
    return {
        "env": variables,
        "volumes": volumes(),
        "probes": optional(ready=paths, live=paths, start=optional(path=paths, within=durations(1, 900))),
        "smoke": optional(path=paths, body=st.dictionaries(names, st.integers()), within=durations(1, 59)),
    }


@st.composite
def scales(draw: st.DrawFn) -> dict[str, Any]:
    least = draw(st.integers(1, 3))
    policy = st.fixed_dictionaries({"period": durations(1, 1800)}).flatmap(
        lambda period: st.one_of(
            st.integers(1, 100).map(lambda number: {**period, "percent": number}),
            st.integers(1, 9).map(lambda number: {**period, "pods": number}),
        )
    )
    direction = optional(
        stabilizationWindow=durations(0, 3600),
        select=st.sampled_from(["Max", "Min", "Disabled"]),
        policies=st.lists(policy, min_size=1, max_size=2),
    )
    metric = st.builds(lambda name, amount: {"name": name, "perPod": amount}, names, st.integers(1, 1000))
    return {
        "min": least,
        **draw(
            optional(
                max=st.integers(least, 50),
                cpu=st.integers(1, 100),
                memory=st.integers(1, 100),
                metrics=st.lists(metric, max_size=2, unique_by=lambda one: one["name"]),
                behavior=optional(scaleUp=direction, scaleDown=direction),
            )
        ),
    }


@st.composite
def models(draw: st.DrawFn, team: str, *, gateway: bool = False) -> dict[str, Any]:
    """One model of this team; `gateway` where the stack has one, so that it may have a route and all of a canary."""
    version = st.fixed_dictionaries({"image": digests}, optional={**contents(), "uri": st.just("models:/x/1")})
    versions = draw(st.dictionaries(names, version, min_size=1, max_size=3))
    known = st.sampled_from(sorted(versions))
    scale = draw(scales())
    values = {
        "team": team,
        "scale": scale,
        "resources": {"cpu": draw(cores), "memory": draw(sizes)},
        "versions": versions,
        **draw(
            optional(
                **contents(),
                port=st.integers(1, 65535),
                drain=durations(0, 3600),
                priorityClass=st.just("serving"),
                placement=optional(spread=st.sampled_from(["zone", "node", "none"]), nodePool=names),
            )
        ),
    }
    if gateway and draw(st.booleans()):
        values["route"] = {
            "host": f"{draw(names)}.example.com",
            **draw(optional(path=st.sampled_from(["/", "/x"]), timeout=durations(1, 3600), tls=names)),
        }
    kind = draw(st.sampled_from(["blue-green", "rolling", "recreate"]))
    drawn = slots(known, scale) if kind == "blue-green" else rolled(known, kind)
    values |= draw(drawn)
    if "canary" in values:
        values["canary"] = draw(canaries(routed="route" in values))
    return values


@st.composite
def slots(draw: st.DrawFn, known: st.SearchStrategy[str], scale: dict[str, Any]) -> dict[str, Any]:
    active = draw(st.sampled_from(["blue", "green"]))
    filled = {**draw(st.dictionaries(st.sampled_from(["blue", "green"]), known)), active: draw(known)}
    size = st.sampled_from(["warm", "cold"]) | st.integers(1, scale["min"])
    values = {"slots": filled, "active": active, **draw(optional(idle=optional(size=size, soak=durations(0, 3600))))}
    if len(filled) > 1 and draw(st.booleans()):
        values["canary"] = {}
    return values


@st.composite
def rolled(draw: st.DrawFn, known: st.SearchStrategy[str], kind: str) -> dict[str, Any]:
    keys = {"minReadySeconds": durations(0, 60)}
    if kind == "rolling":
        keys["maxSurge"] = st.sampled_from(["25%", "100%", 1, 3])
        keys["maxUnavailable"] = st.sampled_from(["0%", "50%", 0, 1])
    return {"strategy": kind, "version": draw(known), **draw(optional(rollout=optional(**keys)))}


def canaries(*, routed: bool) -> st.SearchStrategy[dict[str, Any]]:
    """A canary; without a route only a share of pods."""
    if not routed:
        return optional(percent=percents)
    headers = st.dictionaries(names, st.text("ab1", min_size=1, max_size=4), max_size=2)
    return optional(percent=st.integers(0, 100), mirror=st.integers(0, 100), match=optional(headers=headers))


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
    """A stack with one team and one model, whose quota has room for anything that may be drawn."""
    team = draw(names)
    via = draw(st.sampled_from([None, {"class": "traefik"}, {"name": "public", "namespace": "gateways"}]))
    return {
        "environment": draw(names),
        "registry": "registry.example.com/ml",
        "cluster": {"provider": "existing", "context": draw(names)},
        "teams": {team: {"quota": {"requests.cpu": "100", "requests.memory": "1Ti"}}},
        # Two models might be named so that one is the other's slot; that refusal has a test of its own.
        "models": {draw(names): draw(models(team, gateway=via is not None))},
        "guard": {"smoke": draw(st.booleans())},
        "priorityClasses": {"serving": {"value": 1000}},
        **({} if via is None else {"gateway": via}),
    }
