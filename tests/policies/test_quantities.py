"""What quantities and shares mean, as the rules read them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from policies.rules.quantity import amount, percent_of, shown

K = 1024
UNITS = {
    "n": "1e-9",
    "u": "1e-6",
    "m": "0.001",
    "k": "1e3",
    "M": "1e6",
    "G": "1e9",
    "T": "1e12",
    "P": "1e15",
    "E": "1e18",
    "Ki": K,
    "Mi": K**2,
    "Gi": K**3,
    "Ti": K**4,
    "Pi": K**5,
    "Ei": K**6,
    "": 1,
    "e3": 1000,
    "E-2": "0.01",
}


@pytest.mark.parametrize("unit", UNITS)
def test_a_quantity_is_a_number_with_a_unit(unit):
    assert amount(f"2{unit}") == 2 * Decimal(UNITS[unit])
    assert amount(f".5{unit}") == Decimal(UNITS[unit]) / 2


@pytest.mark.parametrize("value", [None, True, "", "many", "1 Gi", "1KiB", "1e"])
def test_what_is_no_quantity_is_none(value):
    assert amount(value) is None


@pytest.mark.parametrize(
    ("value", "expected"), [(0, 0), (2, 2), ("3", 3), ("500m", Decimal("0.5")), (1.5, Decimal("1.5"))]
)
def test_a_quantity_may_be_a_number(value, expected):
    assert amount(value) == expected


@pytest.mark.parametrize(
    ("value", "whole", "up", "expected"),
    [
        (1, 10, False, 1),
        ("2", 10, True, 2),
        (3.0, 10, True, 3),
        ("25%", 3, True, 1),
        ("25%", 3, False, 0),
        ("50%", 4, True, 2),
        ("50%", 4, False, 2),
        ("100%", 7, False, 7),
        ("100%", 99, False, 99),
        ("100%", 101, True, 101),
        ("0%", 7, True, 0),
        ("1.5", 7, True, None),
        ("a few", 7, True, None),
        (None, 7, True, None),
    ],
)
def test_a_share_of_pods_is_rounded_as_kubernetes_does(value, whole, up, expected):
    assert percent_of(value, whole, up=up) == expected


@pytest.mark.parametrize(("number", "expected"), [("1.50", "1.5"), ("2.0", "2"), ("100", "100"), ("1E+3", "1000")])
def test_a_number_is_shown_without_what_nobody_reads(number, expected):
    assert shown(Decimal(number)) == expected
