from __future__ import annotations

import json

import pytest
from rich.console import Console

from rollout.history import table
from rollout.served import digests_of, history_of

SEVEN, EIGHT = "sha256:" + "7" * 64, "sha256:" + "8" * 64


def update(minute: int, active: str = "blue", *, percent: int = 0, result: str = "succeeded", **rest: object) -> dict:
    model = {
        "versions": {"7": {"image": f"churn@{SEVEN}"}, "8": {"image": f"churn@{EIGHT}"}},
        "slots": {"blue": "7", "green": "8"},
        "active": active,
        "canary": {"percent": percent},
        **rest.pop("model", {}),
    }
    models = {"churn": {key: value for key, value in model.items() if value is not None}}
    return {
        "kind": "update",
        "startTime": f"2026-11-22T11:{minute:02}:00.000Z",
        "endTime": f"2026-11-22T11:{minute:02}:30.000Z",
        "message": f"update {minute}",
        "result": result,
        "environment": {"git.author": "Ada", "git.head": "fb13cc8384ff", "git.dirty": "false"},
        "config": {"ml-platform:models": {"value": json.dumps(models), "objectValue": models, "secret": False}},
        **rest,
    }


def test_each_change_of_what_serves_is_told_with_who_and_until_when():
    found = history_of("churn", [update(3, "green"), update(1), update(2)], {})
    assert [(one.version, one.slot, one.digest, one.message) for one in found] == [
        ("8", "green", EIGHT, "update 3"),
        ("7", "blue", SEVEN, "update 1"),
    ]
    assert found[0].until is None
    assert found[1].until == found[0].since == "2026-11-22T11:03:30.000Z"
    assert (found[0].by, found[0].commit, found[0].dirty) == ("Ada", "fb13cc8384ff", False)


def test_shares_of_a_canary_are_part_of_the_history():
    found = history_of("churn", [update(1), update(2, percent=10), update(3, percent=50), update(4, "green")], {})
    assert [(one.version, one.percent, one.canary) for one in found] == [
        ("8", 0, None),
        ("7", 50, "8"),
        ("7", 10, "8"),
        ("7", 0, None),
    ]


def test_the_digest_of_a_build_comes_from_the_ledger():
    built = {"versions": {"7": {"build": {"context": "x"}}, "8": {"image": f"churn@{EIGHT}"}}}
    ledger = {
        "churn": {
            "slots": {"blue": {"version": "9", "image": "r/churn@sha256:99"}},
            "served": {"7": {"image": f"r/churn:7@{SEVEN}"}},
        }
    }
    digests = digests_of(ledger, "churn")
    assert digests == {"7": SEVEN, "9": "sha256:99"}
    assert history_of("churn", [update(1, model=built)], digests)[0].digest == SEVEN
    assert history_of("churn", [update(1, model=built)], {})[0].digest is None


@pytest.mark.parametrize("models", [None, {}, {"churn": {}}, {"churn": {"slots": None, "served": None}}])
def test_a_stack_without_a_ledger_knows_no_digests(models):
    assert digests_of(models, "churn") == {}


def test_an_update_that_failed_is_told_as_such_and_the_next_good_one_too():
    found = history_of(
        "churn", [update(1), update(2, "green", result="failed"), update(3, "green"), update(4, "green")], {}
    )
    assert [(one.version, one.result, one.message) for one in found] == [
        ("8", "succeeded", "update 3"),
        ("8", "failed", "update 2"),
        ("7", "succeeded", "update 1"),
    ]


def test_previews_and_refreshes_change_nothing():
    others = [update(2, "green", kind="preview"), update(3, "green", kind="refresh")]
    assert len(history_of("churn", [update(1), *others], {})) == 1


def test_a_model_that_was_destroyed_serves_nothing():
    found = history_of("churn", [update(1), update(2, kind="destroy")], {})
    assert (found[0].version, found[0].slot, found[0].digest) == (None, None, None)


def test_a_model_without_slots_has_its_version():
    rolling = {"strategy": "rolling", "slots": None, "active": None, "canary": None, "version": 8}
    [found] = history_of("churn", [update(1, model=rolling)], {})
    assert (found.version, found.slot, found.digest) == ("8", None, EIGHT)


def test_the_only_slot_with_a_version_serves():
    [found] = history_of("churn", [update(1, model={"slots": {"green": "8"}, "active": None})], {})
    assert (found.version, found.slot) == ("8", "green")


def test_an_unknown_model_has_no_history():
    assert history_of("ranking", [update(1), update(2)], {}) == []


def test_a_configuration_that_is_encrypted_or_broken_is_passed_over():
    assert history_of("churn", [update(1, config={"ml-platform:models": {"secret": True}})], {}) == []
    assert history_of("churn", [update(1, config={"ml-platform:models": {"value": "{"}})], {}) == []


def test_the_table_shows_short_digests_whether_files_differed_and_failures():
    dirty = {"git.author": "Ada", "git.head": "fb13cc8384ff4027", "git.dirty": "true"}
    found = history_of("churn", [update(1), update(2, "green", percent=5, result="failed", environment=dirty)], {})
    console = Console(width=200, record=True, markup=False)
    console.print(table(found))
    newest = console.export_text().splitlines()[1]
    assert EIGHT[:19] in newest
    assert EIGHT[:20] not in newest
    assert "fb13cc838+" in newest
    assert "5 % to 7" in newest
    assert "[failed] update 2" in newest
