from __future__ import annotations

import asyncio
from dataclasses import replace

import pulumi
import pytest

from infra.guard import Gate, SwitchRefusedError
from infra.guard.catalogue import Entry, catalogue, catalogue_changes
from infra.guard.keep import keeping
from infra.guard.ledger import Ledger, known
from infra.guard.plan import refusals
from infra.observed import Observed
from infra.settings import Document, Settings

OVER = "2026-02-02T08:00:00Z"
NINE = "registry.example.com/iris@sha256:" + "9" * 64


def ledger(given, until=None):
    end = "null" if until is None else f'"{until}"'
    record = f'"image":"{given.one}","content":"e1","since":"2026-02-01T08:00:00Z","until":{end}'
    return f'{{"1":{{{record}}}}}'


def model(given, image=None, content="e1", **changes):
    entries = {"1": Entry(image=given.one if image is None else image, content=content)}
    return given.model(catalogue=entries, **changes)


def test_a_version_that_has_served_may_not_become_another_image(given):
    (text,) = catalogue_changes(model(given, NINE), Ledger.parse([ledger(given)]))
    assert text == (
        f"version 1 has served since 2026-02-01T08:00:00Z as {given.one}, and is {NINE} now: "
        "leave models.iris.versions.1 as it was and add a version instead"
    )


def test_a_version_that_has_served_may_not_change_its_configuration(given):
    (text,) = catalogue_changes(model(given, content="e9"), Ledger.parse([ledger(given)]))
    assert "has served since 2026-02-01T08:00:00Z with another configuration (hash e1, now e9)" in text
    assert "add a version instead" in text


def test_the_same_image_from_another_registry_is_the_same_version(given):
    moved = given.one.replace("registry.example.com", "mirror.example.org")
    assert catalogue_changes(model(given, moved), Ledger.parse([ledger(given)])) == []


def test_a_version_that_has_not_served_may_still_be_mended(given):
    assert catalogue_changes(model(given, NINE, "e9"), Ledger.parse([None])) == []


def test_the_plan_is_refused_even_for_a_version_that_stands_in_no_slot(given):
    blue = given.slot(given.two, version="2", served=ledger(given, OVER))
    declared = model(given, NINE, slots={"blue": given.model().slots["green"]})
    (refusal,) = refusals([declared], Observed(models={"iris": given.live(blue=blue)}), given.now)
    assert str(refusal).startswith("iris: version 1 has served since ")


def test_what_a_hand_put_into_a_slot_from_before_the_ledger_is_left_to_the_slot_s_hook(given):
    seen = given.live(blue=given.slot(NINE, version="1"))
    assert catalogue_changes(model(given), known(seen)) == []


def settings(version):
    text = f"""
config:
  ml-platform:environment: test
  ml-platform:registry: r.example.com
  ml-platform:cluster: {{provider: existing, context: test}}
  ml-platform:teams: {{flowers: {{quota: {{requests.cpu: "9", requests.memory: 9Gi}}}}}}
  ml-platform:secrets: {{k: {{secure: "v1:AAAA:BBBB"}}}}
  ml-platform:models: {{iris: {{team: flowers, versions: {{"1": {version}}}, slots: {{blue: "1"}}}}}}
"""
    return Settings.parse(Document.parse(text, "stack.yaml").values).models["iris"].versions


IMAGE = f"image: iris@sha256:{'1' * 64}"


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("{%s}", "{%s, env: {A: b}}", False),
        ("{%s, env: {A: b}}", "{%s, env: {A: c}}", False),
        ("{%s, resources: {memory: 1Gi}}", "{%s, resources: {memory: 2Gi}}", False),
        ("{%s, env: {A: a, B: b}}", "{%s, env: {B: b, A: a}}", True),
        ("{%s}", "{%s, smoke: {path: /ask}}", True),
        ("{%s}", "{build: {context: examples/iris}}", True),
    ],
    ids=["env added", "env changed", "resources", "order", "what is asked of it", "how its image came about"],
)
def test_a_version_s_hash_is_over_what_it_runs_with_as_it_is_written(one, other, equal):
    hashes = [catalogue(settings(text.replace("%s", IMAGE)), {})["1"].content for text in (one, other)]
    assert (hashes[0] == hashes[1]) is equal


def test_a_version_s_hash_stays_what_it_was_when_it_first_served():
    """A hash that changes with this code would refuse whatever serves anywhere: keep these two as they are."""
    full = (
        "{%s, uri: 'models:/iris/1', port: 9000, env: {A: '0.5'}, secretEnv: {KEY: k}, resources: {cpu: 500m, "
        "memory: 2Gi, gpu: 1, cpuLimit: '2'}, probes: {ready: /r, start: {path: /s, within: 10m}}, "
        "volumes: {w: {claim: c, path: /w}}, smoke: {within: 500ms}}"
    )
    hashes = [catalogue(settings(text.replace("%s", IMAGE)), {})["1"].content for text in ("{%s}", full)]
    assert hashes == ["44136fa355b3678a", "2f97552d22c4a6cc"]


def deployment(image, version="1"):
    containers = [{"name": "model", "image": image}]
    metadata = {"labels": {"ml-platform/version": version}, "annotations": {"ml-platform/content": "c1"}}
    return {"metadata": metadata, "spec": {"template": {"spec": {"containers": containers}}}}


def asked(old, new):
    return pulumi.ResourceHookArgs("urn", "id", "name", "type", new, old)


def building(given, **changes):
    """Give a model whose version 1 is built, so that its digest is known only in the run."""
    blue = replace(given.model().slots["blue"], image=None)
    entries = {"1": Entry(image=None, content="e1")}
    return given.model(catalogue=entries, slots={**given.model().slots, "blue": blue}, **changes)


def test_a_version_that_was_built_again_is_refused_before_its_slot_is_touched(given):
    seen = given.live(blue=given.slot(given.one, version="1", served=ledger(given)))
    hook = keeping(building(given), "blue", seen)
    asyncio.run(hook(asked(deployment(given.one), deployment(given.one))))
    with pytest.raises(SwitchRefusedError, match=r"version 1 has served since .* and is .*9999.* now: .*add a version"):
        asyncio.run(hook(asked(deployment(given.one), deployment(NINE))))


def test_a_build_whose_digest_a_preview_does_not_know_passes(given):
    seen = given.live(blue=given.slot(given.one, version="1", served=ledger(given)))

    async def engine():
        unknown = deployment(pulumi.output.Unknown())
        await keeping(building(given), "blue", seen)(asked(deployment(given.one), unknown))

    asyncio.run(engine())


def test_from_before_the_ledger_what_was_declared_counts_and_not_what_a_hand_made_of_it(given):
    seen = given.live(blue=given.slot(NINE, version="1"))
    hook = keeping(model(given), "blue", seen)
    asyncio.run(hook(asked(deployment(given.one), deployment(given.one))))
    asyncio.run(hook(asked(deployment(given.two, version="0"), deployment(given.one))))
    with pytest.raises(SwitchRefusedError, match=r"has served before there was a ledger as .*2222.*, and is .*1111"):
        asyncio.run(hook(asked(deployment(given.two), deployment(given.one))))


def test_a_slot_whose_version_is_published_and_written_down_needs_no_hook(given):
    seen = given.live(blue=given.slot(given.one, version="1", served=ledger(given)))
    assert keeping(model(given), "blue", seen) is None


def test_the_gate_refuses_a_slot_that_was_made_anew_with_another_build(given):
    """A Deployment that is created asks no hook of its own."""
    served = ledger(given, OVER)
    green = given.slot(given.two, version="2", served=served)
    seen = given.live(routing="green", blue=given.slot(exists=False), green=green)
    gate = Gate(
        model=building(given),
        seen=seen,
        sizes={"blue": 2},
        connect=lambda: None,
        deadline=lambda _: 1,
        dry_run=lambda: False,
    )
    gate.declare(images={"blue": NINE}, contents={})
    old, new = ({"spec": {"selector": {"ml-platform/slot": slot}}} for slot in ("green", "blue"))
    with pytest.raises(SwitchRefusedError, match="version 1 has served since"):
        asyncio.run(gate(asked(old, new)))
