"""A skip that nobody allowed fails a run; this is the function that decides."""

from __future__ import annotations

import pytest
from skips import unexpected


@pytest.mark.parametrize("kind", ["real", "simulated"])
def test_a_new_skip_is_not_allowed(kind):
    skipped = {"tests/sandbox/tools/test_go.py::test_something": "no reason that anyone wrote down"}
    assert unexpected(skipped, kind) == skipped


def test_a_skip_that_is_listed_is_allowed_on_that_kind_of_machine_only():
    skipped = {"tests/e2e/test_real_switch.py::test_going_back_is_the_same_switch": "simulated nodes run no containers"}
    assert unexpected(skipped, "simulated") == {}
    assert unexpected(skipped, "real") == skipped


def test_a_listed_test_that_is_skipped_for_another_reason_is_a_new_skip():
    skipped = {"tests/e2e/test_real_switch.py::test_it": "pulumi is not to be had"}
    assert unexpected(skipped, "simulated") == skipped
