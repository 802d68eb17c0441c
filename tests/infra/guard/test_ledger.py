from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given as over
from hypothesis import strategies as st

from infra.guard.catalogue import Entry
from infra.guard.ledger import Ledger, known, ledger, written

BEGUN, NOW = "2026-02-01T08:00:00Z", "2026-03-01T12:00:00Z"


def written_down(**versions):
    entries = {
        version.removeprefix("v"): {
            "image": image,
            "content": f"e{version[1:]}",
            "since": since,
            "until": until,
            **more,
        }
        for version, (image, since, until, more) in versions.items()
    }
    return json.dumps(entries, sort_keys=True, separators=(",", ":"))


@pytest.fixture
def model(given):
    catalogue = {"1": Entry(image=given.one, content="e1"), "2": Entry(image=given.two, content="e2")}
    return given.model(catalogue=catalogue)


def live(given, served, routing="blue", **slots):
    """Give blue with version 1 and green with version 2, both autoscalers carrying the same text."""
    blue = given.slot(given.one, version="1", served=served)
    green = given.slot(given.two, version="2", served=served)
    return given.live(routing=routing, **{"blue": blue, "green": green, **slots})


def test_the_first_deployment_begins_the_ledger(given, model):
    (record,) = ledger(model, given.live(routing=None), given.now).values().values()
    assert record == {"image": given.one, "content": "e1", "since": NOW, "until": None}


def test_a_switch_ends_one_version_where_it_begins_the_other(given, model):
    served = written_down(v1=(given.one, BEGUN, None, {}))
    left = ledger(replace(model, active="green"), live(given, served), given.now).values()
    assert (left["1"]["since"], left["1"]["until"], left["2"]["since"], left["2"]["until"]) == (BEGUN, NOW, NOW, None)


def test_a_version_that_serves_again_keeps_when_it_first_did(given, model):
    served = written_down(
        v1=(given.one, BEGUN, "2026-02-02T08:00:00Z", {}), v2=(given.two, "2026-02-02T08:00:00Z", None, {})
    )
    seen = live(given, served, routing="green")
    left = ledger(model, seen, given.now).values()
    assert (left["1"]["first"], left["1"]["since"], left["1"]["until"]) == (BEGUN, NOW, None)


def test_another_version_in_the_slot_that_serves_is_written_down(given, model):
    served = written_down(v1=(given.one, BEGUN, None, {}))
    three = replace(model.slots["blue"], version="3", image=given.two)
    left = ledger(replace(model, slots={"blue": three}), live(given, served), given.now).values()
    assert (left["1"]["until"], left["3"]["since"], left["3"]["until"]) == (NOW, NOW, None)


def test_a_model_at_rest_declares_each_ledger_exactly_as_it_is(given, model):
    served = written_down(v1=(given.one, BEGUN, None, {})).replace(",", ", ")
    assert written(model, live(given, served), given.now) == {"blue": served, "green": served}
    assert written(model, live(given, None), given.now) == {"blue": None, "green": None}


def test_a_slot_that_is_filled_later_gets_what_the_other_carries(given, model):
    served = written_down(v1=(given.one, BEGUN, None, {}))
    left = written(model, live(given, served, green=given.slot(exists=False)), given.now)
    assert left["blue"] == served
    assert left["green"].text() == served


def test_a_switch_that_was_refused_in_the_end_is_taken_out_again(given, model):
    served = written_down(
        v1=(given.one, BEGUN, "2026-02-02T08:00:00Z", {}), v2=(given.two, "2026-02-02T08:00:00Z", None, {})
    )
    seen = live(given, served)
    assert known(seen).values() == {"1": {"image": given.one, "content": "e1", "since": BEGUN, "until": None}}
    assert written(model, seen, given.now)["blue"].text() == written_down(v1=(given.one, BEGUN, None, {}))


def test_a_refused_switch_to_a_version_that_has_served_before_does_not_forget_that_it_did(given, model):
    again = "2026-02-03T08:00:00Z"
    served = written_down(
        v1=(given.one, BEGUN, again, {}), v2=(given.two, again, None, {"first": "2026-01-01T08:00:00Z"})
    )
    two = known(live(given, served)).values()["2"]
    assert (two["since"], two["until"]) == ("2026-01-01T08:00:00Z", again)


def test_what_serves_from_before_there_was_a_ledger_is_known_by_what_is_live(given):
    assert known(live(given, None)).values() == {
        "1": {"image": given.one, "content": None, "since": None, "until": None}
    }


def test_of_two_autoscalers_the_later_word_counts(given, model):
    old = written_down(v1=(given.one, BEGUN, None, {}))
    new = written_down(v1=(given.one, BEGUN, NOW, {}), v2=(given.two, NOW, None, {}))
    for texts in ((old, new), (new, old)):
        assert Ledger.parse(texts).text() == new


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", '{"1": null}', '{"1": {}}', '{"1": {"image": "i", "since": "x"}}']
)
def test_a_ledger_that_another_hand_has_made_unreadable_says_nothing(text):
    assert Ledger.parse([text]).records == {}


def test_an_image_that_is_built_is_filled_in_once_it_is_known(given, model):
    building = replace(model.slots["green"], image=None)
    model = replace(model, active="green", slots={**model.slots, "green": building})
    left = ledger(model, live(given, written_down(v1=(given.one, BEGUN, None, {}))), given.now)
    assert left.pending() == "2"
    assert left.built(given.two).values()["2"]["image"] == given.two
    assert left.built(given.two).pending() is None


def test_a_ledger_of_very_many_versions_keeps_the_latest_and_fits_an_annotation(given):
    image = f"registry.example.com/a/long/path/to/a/model@sha256:{'1' * 64}"
    entries = {
        str(n): {"image": image, "content": "0" * 16, "since": f"{2000 + n}-01-01T00:00:00Z", "until": BEGUN}
        for n in range(900)
    }
    text = Ledger.parse([json.dumps(entries)]).text()
    assert len(text) < 200_000
    assert "899" in json.loads(text)


@over(data=st.data())
def test_whatever_is_switched_and_refused_the_version_that_serves_is_the_only_open_one(data):
    """Runs in any order, some refused after the autoscalers were written: facts stay facts."""
    from datetime import UTC, datetime

    from infra.guard.declared import DeclaredModel, DeclaredSlot
    from infra.observed import ModelSeen, SlotSeen

    now, routing, served, has_served = datetime(2026, 1, 1, tzinfo=UTC), "blue", None, {"1"}
    versions = {"blue": "1", "green": "2"}
    for active, passes in data.draw(st.lists(st.tuples(st.sampled_from(["blue", "green"]), st.booleans()), max_size=8)):
        now += timedelta(hours=1)
        slots = {slot: DeclaredSlot(version=version, image=f"i{version}") for slot, version in versions.items()}
        model = DeclaredModel(
            name="m", namespace="n", active=active, minimum=1, maximum=2, soak=timedelta(0), slots=slots
        )
        pictures = {s: SlotSeen(exists=True, version=v, image=f"i{v}", served=served) for s, v in versions.items()}
        seen = ModelSeen(service=True, routing=routing, slots=pictures)
        text = written(model, seen, now)["blue"]
        served = text.text() if isinstance(text, Ledger) else text
        if passes:
            routing = active
            has_served.add(versions[active])
        pictures = {s: SlotSeen(exists=True, version=v, image=f"i{v}", served=served) for s, v in versions.items()}
        after = known(ModelSeen(service=True, routing=routing, slots=pictures))
        assert [v for v, record in after.records.items() if record.open] == [versions[routing]]
        assert after.records.keys() == has_served
