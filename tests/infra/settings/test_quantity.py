from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.settings import parse_quantity

# The same examples on every machine and however busy it is, and no database left behind.
fixed = settings(derandomize=True, deadline=None, database=None)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("500m", "0.5"),
        ("1", "1"),
        ("0.25", "0.25"),
        (".5", "0.5"),
        ("1.", "1"),
        ("1Gi", "1073741824"),
        ("1G", "1000000000"),
        ("1.5Ki", "1536"),
        ("12e3", "12000"),
        ("1E", "1000000000000000000"),
        ("1E1", "10"),
        ("5u", "0.000005"),
    ],
)
def test_a_quantity_is_read_as_kubernetes_reads_it(text, number):
    assert parse_quantity(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "Gi", "1gi", "1 Gi", "1GiB", "one", "1,5", "1Gi1", "0x1", "--1", "1e", "٣"])
def test_what_kubernetes_does_not_read_is_refused(text):
    with pytest.raises(ValueError, match="bad quantity"):
        parse_quantity(text)


@pytest.mark.parametrize(("text", "meant"), [("1gb", "1Gi"), ("512mb", "512Mi"), ("1 Gi", "1Gi"), ("500 m", "500m")])
def test_what_was_meant_is_guessed(text, meant):
    with pytest.raises(ValueError, match=f'did you mean "{meant}"'):
        parse_quantity(text)


def test_a_quantity_below_zero_or_beyond_kubernetes_is_refused():
    with pytest.raises(ValueError, match="negative"):
        parse_quantity("-1")
    with pytest.raises(ValueError, match="too large"):
        parse_quantity("10E")


@given(st.text())
@fixed
def test_any_other_text_is_a_value_error_at_worst(text):
    try:
        assert parse_quantity(text) >= 0
    except ValueError as error:
        assert str(error)  # noqa: PT017  either way is right; nothing else may be raised


@fixed
@given(st.integers(min_value=0, max_value=2**40), st.sampled_from(["", "k", "Ki"]))
def test_whole_amounts_keep_every_digit(number, suffix):
    assert parse_quantity(f"{number}{suffix}") == number * {"": 1, "k": 1000, "Ki": 1024}[suffix]
