"""What the pack says of named upstream manifests, beside what was expected of it before it had seen them."""

from __future__ import annotations

import json
from collections import Counter
from itertools import chain
from pathlib import Path

import pytest
import yaml
from go_modules import download

from policies.judge.__main__ import main

UPSTREAM = yaml.safe_load(Path(__file__).with_name("upstream.yaml").read_text())
GROUPS = {f"{group['module']}: {group['files'][0]}": group for group in UPSTREAM["manifests"]}


def flat(rules):
    return chain.from_iterable(flat(rule) if isinstance(rule, list) else [rule] for rule in rules)


def expected(group):
    return {(rule, title) for title, rules in group["verdicts"].items() for rule in flat(rules)}


def told(group, capsys):
    """Return rule and object of each violation of a group's files, judged as one stack with the pack's defaults."""
    module = UPSTREAM["modules"][group["module"]]
    source = download(module)
    if source is None:
        pytest.skip(f"the Go module {module.partition('@')[0]} is not to be had here")
    main([*(str(source / file) for file in group["files"]), "--format", "json"])
    return {(one["rule"], one["object"]) for one in json.loads(capsys.readouterr().out)["violations"]}


@pytest.mark.parametrize("name", GROUPS)
def test_each_object_breaks_the_rules_that_were_expected_and_no_other(name, capsys):
    group = GROUPS[name]
    found, wanted = told(group, capsys), expected(group)
    missed, false = sorted(wanted - found), sorted(found - wanted)
    score = Counter({"right": len(wanted & found), "missed": len(missed), "false alarms": len(false)})
    print(", ".join(f"{number} {what}" for what, number in score.items()), *missed, *false, sep="\n")
    assert (missed, false) == ([], [])
