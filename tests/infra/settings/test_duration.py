from __future__ import annotations

import pytest

from infra.settings import Settings, SettingsError, parse_duration, show_duration


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("500ms", 0.5), ("30s", 30), ("5m", 300), ("2h", 7200), ("1d", 86400), ("1h30m", 5400), ("1.5s", 1.5), (45, 45)],
)
def test_a_duration_is_read_in_each_unit(written, seconds):
    assert parse_duration(written) == seconds


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0s"), (0.5, "500ms"), (90, "90s"), (600, "10m"), (3600, "1h"), (172_800, "2d")]
)
def test_a_duration_is_shown_in_the_largest_unit_that_is_whole(seconds, shown):
    assert show_duration(seconds) == shown


@pytest.mark.parametrize("written", ["", "s", "5 m", "-5s", "5w", "1m 30s", "1e3s", "5M", "٣s", True, None, [5], -1])
def test_what_is_no_duration_is_refused(written):
    with pytest.raises(ValueError, match="duration"):
        parse_duration(written)


@pytest.mark.parametrize(
    ("written", "meant"), [("30", "30s"), ("5 m", "5m"), ("5min", "5m"), ("30 sec", "30s"), ("250 millis", "250ms")]
)
def test_what_was_meant_is_guessed(written, meant):
    with pytest.raises(ValueError, match=f'did you mean "{meant}"'):
        parse_duration(written)


def test_a_time_that_kubernetes_counts_in_seconds_is_whole(valid):
    valid["models"]["churn"]["drain"] = "1.5s"
    with pytest.raises(SettingsError, match="no whole number of seconds"):
        Settings.parse(valid)


def test_a_time_that_is_measured_may_have_a_fraction(valid):
    valid["models"]["churn"]["smoke"]["within"] = "250ms"
    assert Settings.parse(valid).models["churn"].content("blue").smoke.within == 0.25
