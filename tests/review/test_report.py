"""One report in three forms: a comment, JSON, a terminal."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from review import markdown, terminal
from review.events import read_events
from review.losses import losses
from review.report import FAILED, FINE, REFUSED, made, refused


def report_of(log, **more):
    log.end()
    values = {"against": "main (5d0ac5f)", "warnings": [], "notes": [], "seconds": 31.2, **more}
    return made("prod", read_events(log.lines), **values)


def shown(report):
    console = Console(file=io.StringIO(), width=200)
    terminal.show(report, console)
    return console.file.getvalue()


@pytest.fixture
def switch(log, deployed, limited):
    old, new = ({"metadata": {"name": "churn"}, "spec": {"selector": {"slot": slot}}} for slot in ("blue", "green"))
    log.step("update", "v1:Service", "churn", old=old, new=new)
    log.step("update", "apps/v1:Deployment", "c", old=deployed("churn"), new=deployed("churn", replicas=6))
    quota = limited(requests_cpu="16")
    log.step("same", "v1:ResourceQuota", "quota", old=quota, new=quota)
    log.say("info", "churn: green 2 → 6 first, then 100 % to version 8")
    return report_of(log)


def test_all_forms_say_in_words_what_changes_what_it_costs_and_what_the_policies_say(switch):
    for text in (markdown.section(switch), shown(switch)):
        assert "prod: 2 to change" in text
        assert "prod: churn: green 2 → 6 first, then 100 % to version 8" in text
        assert "prod: fraud-prod uses 3 of 16 requests.cpu (1 before)" in text
        assert "0 violations (ml-platform 0.1.0)" in text
        assert "main (5d0ac5f), in 31 s" in text
    values = json.loads(json.dumps(switch.values()))
    assert (values["verdict"], values["summary"], values["seconds"]) == (FINE, "2 to change", 31.2)
    assert values["changes"][0]["differences"] == [{"path": "spec.selector.slot", "old": "blue", "new": "green"}]


def test_the_resource_diff_is_folded_below_the_words(switch):
    text = markdown.comment([markdown.section(switch)])
    assert text.startswith(f"{markdown.MARKER}\n")
    assert text.index("green 2 → 6") < text.index("<details>") < text.index("-   spec.selector.slot: blue")
    assert text.count("<details>") == text.count("</details>") == 1


def test_what_is_refused_is_refused_in_the_words_of_who_refused(log):
    urn = log.step("create", "v1:Service", "churn", new={"metadata": {"name": "churn"}})
    log.say("error", "spec.ports[0].port: Invalid value: 0", urn=urn)
    report = report_of(log)
    assert report.verdict == REFUSED
    for text in (markdown.section(report), shown(report)):
        assert "prod: refused" in text.replace("*", "")
        assert "Service churn: spec.ports[0].port: Invalid value: 0" in text


def test_a_plan_that_stopped_half_way_has_no_budget(log, deployed, limited):
    quota = limited(pods="20")
    log.step("same", "v1:ResourceQuota", "quota", old=quota, new=quota)
    log.step("same", "apps/v1:Deployment", "churn", old=deployed("churn"), new=deployed("churn"))
    log.say("error", "no")
    assert report_of(log).budget == ()


def test_a_mandatory_violation_refuses_and_an_advisory_one_does_not(log):
    urn = log.step("create", "v1:Service", "churn", new={"metadata": {"name": "churn"}})
    log.police("service-not-node-port", urn, "Use type ClusterIP", level="advisory")
    assert report_of(log).verdict == FINE
    log.police("service-not-node-port", urn, "Use type ClusterIP")
    report = report_of(log)
    assert report.verdict == REFUSED
    assert "`service-not-node-port` on Service churn: Use type ClusterIP" in markdown.section(report)


@pytest.mark.parametrize(
    ("operation", "kind", "warned"),
    [
        ("delete", "v1:PersistentVolumeClaim", "PersistentVolumeClaim data is deleted; its data goes too"),
        ("replace", "v1:PersistentVolumeClaim", "PersistentVolumeClaim data is replaced"),
        ("delete", "v1:Namespace", "Namespace data is deleted; everything in it goes too"),
        ("replace", "v1:Service", "Service data is replaced: deleted and made anew; it does not answer meanwhile"),
        ("delete", "v1:ConfigMap", None),
        ("update", "v1:PersistentVolumeClaim", None),
    ],
)
def test_deletions_and_replacements_of_what_holds_data_are_warned_of(log, operation, kind, warned):
    log.step(operation, kind, "data", old={"metadata": {"name": "data"}})
    report = report_of(log)
    assert list(report.warnings) == losses(report.changes)
    assert [warning.startswith(warned or "-") for warning in report.warnings] == ([True] if warned else [])


def test_nobody_is_notified_and_nothing_is_rendered_of_what_others_wrote(log):
    log.say("info", "thanks @someone for <b>*this*</b> of churn@sha256:00")
    text = markdown.section(report_of(log))
    assert "churn@sha256:00" in text
    assert "@someone" not in text
    assert "<b>" not in text.replace("\\<b>", "")


def test_a_value_cannot_end_the_block_that_it_is_shown_in(log):
    log.step("update", "v1:ConfigMap", "c", old={"data": {"a": "x"}}, new={"data": {"a": "```\n# Approved"}})
    text = markdown.section(report_of(log))
    assert "````diff\n" in text
    assert "\n# Approved" not in text


def test_a_comment_that_is_too_long_is_cut_and_says_so_and_closes_what_is_open(log):
    for number in range(3000):
        log.step("create", "v1:ConfigMap", f"c{number}", new={"metadata": {"name": f"c{number}"}})
    text = markdown.comment([markdown.section(report_of(log)), "### dev: no resource changes"])
    assert len(text) <= 65_536
    assert text.count("<details>") == text.count("</details>")
    assert text.count("```") % 2 == 0
    assert "*Cut: " in text
    assert "### dev: no resource changes" in text


def test_what_could_not_be_previewed_says_why(log):
    report = refused("prod", ["no control plane on this machine"], against="main", verdict=FAILED)
    assert "### prod: **no preview was made**" in markdown.section(report)
    assert "no control plane on this machine" in shown(report)
    assert "policies" not in shown(report)
