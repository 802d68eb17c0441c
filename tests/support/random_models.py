"""Random arguments of components, all of them valid, as hypothesis draws them."""

from __future__ import annotations

from hypothesis import strategies as st

from components.autoscaler import Behavior, ExternalMetric, Floor, PodsMetric, Rules, Scale, Step
from components.labels import SLOTS
from components.model import ModelArgs
from components.model_route import Backend, GatewayVia, HeaderMatch, IngressVia, Mirror, ModelRouteArgs
from components.rolling_model import RollingModelArgs
from components.rollout_strategy import Rollout
from components.shares import shares
from components.slot_content import SCRATCH_VOLUME
from components.slot_pods import Placement, Probes, Resources, SlotContent, Volume

__all__ = ["contents", "floors", "models", "rolling_models", "rollouts", "routes", "scales"]

NAMESPACE = "flowers-test"
HOST = "iris.example.com"

labels = st.from_regex(r"[a-z]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
variables = st.from_regex(r"[A-Z][A-Z0-9_]{0,10}", fullmatch=True)
# What a stack file can hold: control characters cannot stand in YAML, nor lone surrogates in UTF-8.
texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20)
versions = st.from_regex(r"[A-Za-z0-9]([-_.A-Za-z0-9]{0,10}[A-Za-z0-9])?", fullmatch=True)
paths = st.from_regex(r"/[a-z0-9]{1,8}(/[a-z0-9]{1,8}){0,2}", fullmatch=True)
images = st.from_regex(r"registry\.example\.com/[a-z]{1,8}@sha256:[0-9a-f]{64}", fullmatch=True)
# Few, since each that has not been hashed yet costs 50 ms.
secrets = st.sampled_from([{}, {"API_KEY": "hush"}, {"API_KEY": "quiet"}])
percents = st.integers(1, 100)
seconds = st.integers(0, 600)


@st.composite
def resources(draw: st.DrawFn) -> Resources:
    cpu = draw(st.integers(1, 64_000))
    limit = draw(st.none() | st.integers(cpu, 128_000))
    return Resources(
        cpu=f"{cpu}m",
        memory=draw(st.sampled_from(["64Mi", "1Gi", "1.5Gi", "500M"])),
        gpu=draw(st.integers(0, 8)),
        cpu_limit=None if limit is None else f"{limit}m",
    )


@st.composite
def contents(draw: st.DrawFn) -> SlotContent:
    env = draw(st.dictionaries(variables.filter(lambda name: name not in ("MODEL_URI", "API_KEY")), texts, max_size=3))
    mounts = draw(st.lists(paths.filter(lambda path: path != "/tmp"), max_size=2, unique=True))
    volumes = draw(
        st.lists(
            labels.filter(lambda name: name != SCRATCH_VOLUME), min_size=len(mounts), max_size=len(mounts), unique=True
        )
    )
    return SlotContent(
        version=draw(versions),
        image=draw(images),
        port=draw(st.integers(1, 65535)),
        resources=draw(resources()),
        probes=Probes(ready=draw(paths), live=draw(paths), start=draw(paths), start_within=draw(st.integers(1, 3600))),
        drain=draw(seconds),
        env=env,
        secret_env=draw(secrets),
        uri=draw(st.none() | st.just("models:/iris/7")),
        volumes={
            name: Volume(claim=draw(labels), path=path, read_only=draw(st.booleans()))
            for name, path in zip(volumes, mounts, strict=True)
        },
        placement=Placement(spread=draw(st.sampled_from(["zone", "node", "none"])), node_pool=draw(st.none() | labels)),
    )


steps = st.builds(Step, period=st.integers(1, 1800), pods=st.integers(1, 100)) | st.builds(
    Step, period=st.integers(1, 1800), percent=st.integers(1, 900)
)
rules = st.none() | st.builds(
    Rules,
    stabilization=st.none() | st.integers(0, 3600),
    select=st.sampled_from([None, "Max", "Min", "Disabled"]),
    policies=st.lists(steps, max_size=2),
)
quantities = st.sampled_from(["1", "50", "500m", "1k", "2.5"])
metrics = st.builds(PodsMetric, name=labels, per_pod=quantities, labels=st.dictionaries(labels, labels, max_size=2)) | (
    st.builds(ExternalMetric, name=labels, per_pod=quantities)
    | st.builds(ExternalMetric, name=labels, total=quantities)
)


@st.composite
def scales(draw: st.DrawFn) -> Scale:
    least = draw(st.integers(1, 5))
    memory, further = draw(st.none() | percents), draw(st.lists(metrics, max_size=2, unique_by=lambda one: one.name))
    return Scale(
        min=least,
        max=least + draw(st.integers(0, 15)),
        cpu=draw(st.none() | percents) if memory or further else draw(percents),
        memory=memory,
        metrics=further,
        behavior=draw(st.none() | st.builds(Behavior, up=rules, down=rules)),
    )


floors = st.builds(
    Floor,
    min_replicas=st.integers(0, 30),
    hold=st.sampled_from([None, "4 until 2026-03-01T12:00:00Z", "6 until 2026-03-01T13:00:00Z"]),
    served=st.sampled_from([None, "{}", '{"1":{"since":"2026-03-01T12:00:00Z"}}']),
)


@st.composite
def models(draw: st.DrawFn) -> ModelArgs:
    active = draw(st.sampled_from(SLOTS))
    idle = next(slot for slot in SLOTS if slot != active)
    scale = draw(scales())
    slots = {active: draw(contents()), idle: draw(st.none() | contents())}
    shared = slots[idle] is not None and draw(st.booleans())
    return ModelArgs(
        model="iris",
        team="flowers",
        environment="test",
        namespace=NAMESPACE,
        scale=scale,
        slots=slots,
        active=active,
        floors=draw(st.dictionaries(st.sampled_from(SLOTS), floors)),
        shares=shares(draw(st.integers(1, 99)), scale.min, scale.max) if shared else None,
    )


@st.composite
def rollouts(draw: st.DrawFn) -> Rollout:
    room = st.integers(1, 5) | st.integers(1, 100).map(lambda percent: f"{percent}%")
    none = st.sampled_from([0, "0%"])
    surge = draw(room | none)
    ready = draw(seconds)
    return Rollout(
        strategy=draw(st.sampled_from(["rolling", "recreate"])),
        max_surge=surge,
        max_unavailable=draw(room if surge in (0, "0%") else room | none),
        min_ready_seconds=ready,
        progress_deadline_seconds=draw(st.none() | st.integers(ready + 1, ready + 600)),
    )


@st.composite
def rolling_models(draw: st.DrawFn) -> RollingModelArgs:
    return RollingModelArgs(
        model="iris",
        team="flowers",
        environment="test",
        namespace=NAMESPACE,
        scale=draw(scales()),
        content=draw(contents()),
        rollout=draw(rollouts()),
        floor=draw(st.none() | floors),
    )


headers = st.dictionaries(labels, st.from_regex(r"[!-~]{1,20}", fullmatch=True), min_size=1, max_size=3)


@st.composite
def routes(draw: st.DrawFn) -> ModelRouteArgs:
    tls = draw(st.none() | labels)
    common = {
        "model": "iris",
        "namespace": NAMESPACE,
        "labels": {},
        "host": HOST,
        "path": draw(st.just("/") | paths),
        "tls": tls,
        "issuer": None if tls is None else draw(st.none() | labels),
    }
    if draw(st.booleans()):
        return ModelRouteArgs(via=IngressVia(class_name=draw(st.none() | labels)), **common)
    percent = draw(st.integers(0, 100))
    weighed = [Backend(service="iris", weight=100 - percent), Backend(service="iris-green", weight=percent)]
    ours = GatewayVia(name="models", namespace=NAMESPACE, class_name="traefik")
    # No retries: the standard channel has no field for them.
    return ModelRouteArgs(
        via=draw(st.sampled_from([ours, GatewayVia(name="public", namespace="gateways")])),
        timeout=draw(st.none() | st.integers(1, 99_999)),
        backends=draw(st.sampled_from([(), weighed])),
        matches=draw(st.lists(st.builds(HeaderMatch, headers=headers, service=st.just("iris-green")), max_size=1)),
        mirror=draw(st.none() | st.builds(Mirror, service=st.just("iris-green"), percent=percents)),
        **common,
    )
