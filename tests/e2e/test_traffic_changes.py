"""No request is lost whatever changes, and a canary gets the share that it was given."""

from __future__ import annotations

import re
import time
from collections import Counter

import pytest
from scenarios import BLUE_GREEN_BLUE, CANARY, ROLLING, under_load, with_rolling_model
from traffic import load_on

REQUESTS = 10_000
SHARE_REQUESTS = 20_000
# Of four clients: some 150 requests a second, which a scenario's minute makes about as many as are asked for.
REST = 0.02
# How many standard deviations hold 99 % of a normal distribution, which a binomial one of this size is.
NINETY_NINE_PERCENT = 2.576


def none_failed(answers):
    print(Counter((answer.kind, answer.outcome) for answer in answers))
    assert len(answers) >= REQUESTS
    assert not [answer for answer in answers if answer.failed]


def test_through_the_gateway_blue_to_green_to_blue_loses_no_request(platform, tmp_path):
    answers = under_load(platform, BLUE_GREEN_BLUE, tmp_path / "answers", requests=REQUESTS, gateway=True, rest=REST)
    none_failed(answers)
    assert {answer.outcome for answer in answers} == {"1", "2"}


def test_a_canary_from_none_to_all_and_back_loses_no_request(platform, tmp_path):
    answers = under_load(platform, CANARY, tmp_path / "answers", requests=REQUESTS, gateway=True, rest=REST)
    none_failed(answers)
    assert {answer.outcome for answer in answers} == {"1", "2"}


def test_a_rolling_update_loses_no_request(platform, tmp_path):
    with_rolling_model(platform)
    answers = under_load(platform, ROLLING, tmp_path / "answers", requests=REQUESTS, rest=REST)
    none_failed(answers)
    assert {answer.outcome for answer in answers} == {"1", "2"}


@pytest.mark.parametrize("percent", [1, 10, 50])
def test_a_canary_gets_its_share(platform, tmp_path, percent):
    platform.set("models.iris.canary.percent", str(percent))
    platform.up(quick=True)
    # A gateway chooses a slot for each request, whatever connection it came on.
    asked = {"at_least": SHARE_REQUESTS, "kept_only": True, "host": platform.host()}
    with load_on(platform.gateway(), tmp_path / "answers", **asked) as answers:
        pass
    counted = Counter(answer.outcome for answer in answers)
    share, sent = counted["2"] / len(answers), percent / 100
    width = NINETY_NINE_PERCENT * (sent * (1 - sent) / len(answers)) ** 0.5
    print(f"{percent} %: {share:.4f} of {len(answers)} requests, allowed {sent - width:.4f} to {sent + width:.4f}")
    assert set(counted) == {"1", "2"}
    assert abs(share - sent) <= width


def test_requests_with_the_testers_header_always_reach_the_canary(platform, tmp_path):
    platform.model(canary={"match": {"headers": {"x-tester": "1"}}})
    platform.up(quick=True)
    way_in = {"at_least": 200, "host": platform.host()}
    with load_on(platform.gateway(), tmp_path / "testers", x_tester="1", **way_in) as testers:
        pass
    with load_on(platform.gateway(), tmp_path / "others", **way_in) as others:
        pass
    assert {answer.outcome for answer in testers} == {"2"}
    assert {answer.outcome for answer in others} == {"1"}


def test_recreate_answers_nobody_only_while_it_starts(platform, tmp_path):
    with_rolling_model(platform)
    config = platform.config()
    config["ml-platform:models"]["ranker"]["strategy"] = "recreate"
    platform.write(config)
    platform.up(quick=True)
    with load_on(platform.url("ranker"), tmp_path / "answers", at_least=500, pause=0.05) as answers:
        time.sleep(3)
        platform.set("models.ranker.version", "2")
        platform.up()
        up = time.time()
        time.sleep(3)
    failed = [answer for answer in answers if answer.failed]
    gap = max(answer.began for answer in failed) - min(answer.began for answer in failed)
    print(f"nobody answered for {gap:.1f} s")
    assert not [answer for answer in answers if answer.failed and answer.began > up]
    # Never both versions at a time, which is what recreate is for.
    versions = [answer.outcome for answer in sorted(answers, key=lambda a: a.ended) if not answer.failed]
    assert versions == sorted(versions)


def test_a_cold_slot_sleeps_and_comes_back_in_about_the_time_that_the_plan_says(resting):
    platform, namespace = resting, resting.namespace

    def green() -> dict:
        return platform.kubectl("get", "deployment", "iris-green", "-n", namespace)

    platform.model(idle={"size": "cold", "soak": 0})
    platform.up(quick=True)
    platform.eventually(lambda: not green()["status"].get("replicas"), within=60, what="the idle slot sleeps")
    platform.set("models.iris.active", "green")
    plan = platform.preview().stdout
    told = re.search(r"cold \(about (\d+) s", plan)
    assert told, plan
    began = time.monotonic()
    platform.up()
    took = time.monotonic() - began
    print(f"told: {told[1]} s, the whole `up`: {took:.0f} s")
    assert platform.active() == "green"
    assert green()["status"]["readyReplicas"] >= 2
    # The plan tells what the slot's last start took; the engine's own preview and steps come on top.
    assert took < 3 * int(told[1]) + 60
