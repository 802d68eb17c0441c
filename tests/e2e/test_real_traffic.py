"""No request is lost whatever changes, and a canary gets the share that it was given."""

from __future__ import annotations

from collections import Counter

import pytest
from scenarios import BLUE_GREEN_BLUE, CANARY, ROLLING, under_load, with_rolling_model
from traffic import load_on

REQUESTS = 10_000
SHARE_REQUESTS = 20_000
# How many standard deviations hold 99 % of a normal distribution, which a binomial one of this size is.
NINETY_NINE_PERCENT = 2.576


def none_failed(answers):
    print(Counter((answer.kind, answer.outcome) for answer in answers))
    assert len(answers) >= REQUESTS
    assert not [answer for answer in answers if answer.failed]


def test_through_the_gateway_blue_to_green_to_blue_loses_no_request(platform, tmp_path):
    answers = under_load(platform, BLUE_GREEN_BLUE, tmp_path / "answers", requests=REQUESTS, gateway=True)
    none_failed(answers)
    assert {answer.outcome for answer in answers} == {"1", "2"}


def test_a_canary_from_none_to_all_and_back_loses_no_request(platform, tmp_path):
    answers = under_load(platform, CANARY, tmp_path / "answers", requests=REQUESTS, gateway=True)
    none_failed(answers)
    assert {answer.outcome for answer in answers} == {"1", "2"}


def test_a_rolling_update_loses_no_request(platform, tmp_path):
    with_rolling_model(platform)
    answers = under_load(platform, ROLLING, tmp_path / "answers", requests=REQUESTS)
    none_failed(answers)
    assert {answer.outcome for answer in answers} == {"1", "2"}


@pytest.mark.parametrize("percent", [1, 10, 50])
def test_a_canary_gets_its_share(platform, tmp_path, percent):
    platform.set("models.iris.canary.percent", str(percent))
    platform.up()
    with load_on(platform.gateway(), tmp_path / "answers", at_least=SHARE_REQUESTS, host=platform.host()) as answers:
        pass
    counted = Counter(answer.outcome for answer in answers)
    share, sent = counted["2"] / len(answers), percent / 100
    width = NINETY_NINE_PERCENT * (sent * (1 - sent) / len(answers)) ** 0.5
    print(f"{percent} %: {share:.4f} of {len(answers)} requests, allowed {sent - width:.4f} to {sent + width:.4f}")
    assert set(counted) == {"1", "2"}
    assert abs(share - sent) <= width


def test_requests_with_the_testers_header_always_reach_the_canary(platform, tmp_path):
    platform.model(canary={"match": {"headers": {"x-tester": "1"}}})
    platform.up()
    way_in = {"at_least": 200, "host": platform.host()}
    with load_on(platform.gateway(), tmp_path / "testers", x_tester="1", **way_in) as testers:
        pass
    with load_on(platform.gateway(), tmp_path / "others", **way_in) as others:
        pass
    assert {answer.outcome for answer in testers} == {"2"}
    assert {answer.outcome for answer in others} == {"1"}
