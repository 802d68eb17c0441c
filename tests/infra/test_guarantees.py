"""A guarantee that names a test which is not there is none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGES = ("strategies.md", "switch.md")


@pytest.fixture(scope="session")
def written():
    """Every test of the suite, by name."""
    files = (REPOSITORY / "tests").rglob("test_*.py")
    return {name for file in files for name in re.findall(r"def (test_\w+)", file.read_text())}


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_a_page_names_exists(page, written):
    named = set(re.findall(r"`(test_\w+)`", (REPOSITORY / "docs" / page).read_text()))
    assert named
    assert named - written == set()


def test_every_guarantee_has_its_test():
    text = (REPOSITORY / "docs" / "strategies.md").read_text()
    tables = text.split("## Guarantees", 1)[1].split("## Beside", 1)[0]
    rows = [
        line for line in tables.splitlines() if line.startswith("|") and not line.startswith(("| ---", "| guarantee"))
    ]
    assert len(rows) > 20
    assert [row for row in rows if "`test_" not in row.rsplit("|", 2)[1]] == []
