"""docs/policies.md and the rules say the same."""

from __future__ import annotations

import re

import pytest

from policies.bookkeeping import ALL
from policies.reference import PAGE, table, written
from policies.rules import RULES

PAGE_TEXT = PAGE.read_text(encoding="utf-8")


def test_the_page_is_up_to_date():
    assert written(PAGE_TEXT) == PAGE_TEXT, "make reference"


@pytest.mark.parametrize("rule", [*RULES, *ALL], ids=lambda rule: rule.id)
def test_every_rule_is_on_the_page(rule):
    assert f"`{rule.id}`" in PAGE_TEXT
    for option in set(rule.options) - {"kubernetes"}:
        assert f"`{rule.id}.{option}`" in PAGE_TEXT


def test_the_page_names_no_rule_that_there_is_not():
    named = set(re.findall(r"^\| \[?`([a-z-]+)`", PAGE_TEXT, re.MULTILINE))
    assert named == {rule.id for rule in (*RULES, *ALL)}


def test_each_row_has_as_many_cells_as_its_heading():
    assert {re.sub(r"\\\|", "", line).count("|") for line in table().splitlines() if line.startswith("|")} == {4}


def test_a_page_without_a_place_for_the_rules_is_refused():
    with pytest.raises(ValueError, match="has no"):
        written("# The policy pack\n")
