"""Which skips a run may have: tests/skips.yaml is the list, a machine's kind of nodes chooses the part."""

from __future__ import annotations

import fnmatch
from pathlib import Path

import yaml

ALLOWED = Path(__file__).parents[1] / "skips.yaml"


def unexpected(skipped: dict[str, str], kind: str) -> dict[str, str]:
    """Return the skips, by test and with their reasons, that are not allowed on a machine with such nodes.

    A skip for another reason than the list has is a new one.
    """
    allowed = yaml.safe_load(ALLOWED.read_text())[kind]
    return {
        nodeid: reason
        for nodeid, reason in skipped.items()
        if not any(fnmatch.fnmatch(nodeid, entry["test"]) and entry["says"] in reason for entry in allowed)
    }
