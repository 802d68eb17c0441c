"""Sample changes of prod, previewed with a real engine and a real API server: each gives the words that it should."""

from __future__ import annotations

import shutil

import pytest

from review.ended import ReviewError
from review.live import preview_live
from review.report import FINE, REFUSED

# Each preview starts an engine, a program, a policy pack and a provider: seconds on a quiet machine, minutes where
# others have the processors.
pytestmark = pytest.mark.timeout(900)


def words(report):
    return "\n".join(report.words)


def changed(report):
    return {str(each) for each in report.changes}


def test_what_changes_nothing_says_so(change):
    report = change.preview()
    assert report.verdict == FINE, report.reasons
    assert (report.changes, report.words, report.moved) == ((), (), ())
    assert report.summary == "no resource changes"


def test_a_switch_is_told_in_the_programs_words_with_what_it_costs(change):
    change.models["churn"] |= {"active": "blue", "scale": {"min": 6, "max": 20, "cpu": 60}}
    report = change.preview()
    assert report.verdict == FINE, report.reasons
    assert "churn: blue 3 → 6 first, then 100 % to version 7" in words(report)
    assert "fraud-prod uses 6 of 40 requests.cpu (3 before)" in report.cost
    [service] = [each for each in report.changes if each.kind == "Service"]
    assert [(each.path, each.old, each.new) for each in service.differences] == [
        ("spec.selector.ml-platform/slot", "green", "blue")
    ]
    assert report.policies.startswith("0 violations (ml-platform")


def test_a_new_team_is_all_that_is_made(change):
    quota = {"requests.cpu": "4", "requests.memory": "8Gi"}
    change.teams["risk"] = {"access": {"edit": ["group:risk"]}, "quota": quota}
    report = change.preview()
    assert report.verdict == FINE, report.reasons
    assert {each.does for each in report.changes} == {"create"}
    assert {"create Namespace risk-prod", "create ResourceQuota risk-prod/quota"} <= changed(report)
    assert "risk-prod: requests.cpu 0 of none → 4 at rest, 0 at most" in [str(row) for row in report.moved]


def without(change, team):
    del change.teams[team]
    for name in [name for name, model in change.models.items() if model["team"] == team]:
        del change.models[name]


def test_a_team_that_goes_takes_its_namespace_along_and_that_is_warned_of(change):
    without(change, "search")
    report = change.preview()
    assert report.verdict == FINE, report.reasons
    assert "delete Namespace search-prod" in changed(report)
    said = "Namespace search-prod is deleted; everything in it goes"
    assert any(warning.startswith(said) for warning in report.warnings)


def test_a_team_whose_data_is_protected_cannot_go(change):
    without(change, "fraud")
    report = change.preview()
    assert report.verdict == REFUSED
    [reason] = report.reasons  # the engine stops at the first
    assert "fraud-" in reason
    assert "protect" in reason


def test_what_stands_in_hides_no_change(change):
    change.config["ml-platform:secrets"]["churn-api-key"] = {"secure": "v1:nobody:has-this-either"}
    change.config["ml-platform:cluster"]["context"] = "prod-us"
    report = change.preview()
    assert "create Secret" in {f"{each.does} {each.kind}" for each in report.changes}
    assert "1 secret is replaced by stand-ins" in report.notes
    assert any(warning.startswith("cluster.context changes from prod-eu to prod-us") for warning in report.warnings)


def test_a_quota_below_what_is_in_use_is_refused_with_the_line_and_the_sum(change):
    change.teams["fraud"]["quota"]["requests.cpu"] = "2"
    report = change.preview()
    assert report.verdict == REFUSED
    [reason] = report.reasons
    assert "stacks/Pulumi.prod.yaml:" in reason
    assert '"2" cannot hold the team\'s models, which ask for at least 3' in reason


def test_a_quota_below_what_may_be_in_use_is_warned_of(change):
    change.teams["fraud"]["quota"]["requests.cpu"] = "10"
    report = change.preview()
    assert report.verdict == FINE, report.reasons
    assert changed(report) == {"update ResourceQuota fraud-prod/quota"}
    assert "fraud-prod may grow to 20 requests.cpu, and its quota of 10 ends that" in report.warnings


def test_what_the_api_server_would_refuse_is_refused_with_its_reason(change):
    change.replace("components/team_namespace.py", '"memory": "256Mi"}', '"memory": "2Gi"}')
    report = change.preview()
    assert report.verdict == REFUSED
    assert any(
        "default request value 2Gi is greater than default limit value 512Mi" in reason for reason in report.reasons
    )


def test_what_a_policy_forbids_is_refused_with_the_rule(change):
    change.replace(
        "components/slot_pods.py", '"automountServiceAccountToken": False', '"automountServiceAccountToken": True'
    )
    report = change.preview()
    assert report.verdict == REFUSED
    assert any(finding.level == "mandatory" for finding in report.findings)


def test_pods_that_pod_security_would_refuse_are_refused_though_their_deployment_is_not(change):
    change.replace("components/slot_pods.py", '"securityContext": {"runAsNonRoot": True, ', '"securityContext": {')
    shutil.rmtree(change.tree / "policies")  # whose rules would be the first to refuse it
    report = change.preview()
    assert report.verdict == REFUSED
    [churn] = [reason for reason in report.reasons if reason.startswith("Deployment fraud-prod/churn-green")]
    assert "its pods would be refused" in churn
    assert 'violates PodSecurity "restricted:latest": runAsNonRoot != true' in churn


def test_on_its_own_cluster_the_report_is_the_same_and_needs_no_base(change, stands, tmp_path, monkeypatch):
    # The plane's stack stands for one whose cluster CI may reach, with a login as a workflow has one.
    change.models["churn"]["scale"]["max"] = 21
    change.enter()
    for name, value in stands.stack.environment.items():
        monkeypatch.setenv(name, value)
    report = preview_live("prod", change.tree, tmp_path)
    assert report.verdict == FINE, report.reasons
    assert {each.kind for each in report.changes} == {"HorizontalPodAutoscaler"}
    assert report.against == "its own cluster"


@pytest.mark.last
def test_what_was_reviewed_can_be_applied_and_nothing_that_slipped_in_after_it(change, stands, tmp_path):
    change.models["churn"]["scale"]["min"] = 4
    change.enter()
    plan = tmp_path / "plan.json"
    run = stands.stack.command
    run(change.tree, "preview", "--stack", "prod", "--save-plan", str(plan))
    up = ("up", "--yes", "--skip-preview", "--suppress-outputs", "--stack", "prod", "--plan", str(plan))
    reviewed = change.file.read_text()
    change.file.write_text(reviewed.replace("min: 4", "min: 5", 1))
    with pytest.raises(ReviewError, match=r"violates plan: properties changed: .*minReplicas"):
        run(change.tree, *up)
    change.file.write_text(reviewed)
    run(change.tree, *up)
    scaler = "/apis/autoscaling/v2/namespaces/fraud-prod/horizontalpodautoscalers/churn-green"
    assert stands.plane.api.get(scaler)["spec"]["minReplicas"] == 4


def model_of(team):
    return {
        "team": team,
        "scale": {"min": 2, "max": 2},
        "resources": {"cpu": "500m", "memory": "1Gi"},
        "versions": {"1": {"image": f"scoring@sha256:{'0' * 64}"}},
        "slots": {"blue": "1"},
        "active": "blue",
    }


def test_what_a_new_namespace_would_refuse_is_refused_though_it_is_not_there_yet(change):
    change.teams["risk"] = {"quota": {"requests.cpu": "4", "requests.memory": "8Gi", "count/pods": "0"}}
    change.models["scoring"] = model_of("risk")
    report = change.preview()
    assert report.verdict == REFUSED
    [reason] = report.reasons
    assert reason.startswith("Deployment risk-prod/scoring-blue: its pods would be refused: ")
    assert "exceeded quota: quota, requested: count/pods=1, used: count/pods=0, limited: count/pods=0" in reason


@pytest.mark.last
def test_a_rehearsal_finds_what_only_an_update_can(change, stands):
    # One pod is admitted, and the second is not.
    quota = {"requests.cpu": "4", "requests.memory": "8Gi", "count/pods": "1"}
    change.teams["late"] = {"quota": quota, "protect": False}
    change.models["scoring"] = {**model_of("late"), "scale": {"min": 2, "max": 2}}
    change.config["ml-platform:guard"]["deadline"] = "5s"
    report = change.preview()
    assert report.verdict == FINE, report.reasons
    report = stands.rehearse(change.tree, report)
    assert report.verdict == REFUSED
    assert any("exceeded quota" in reason for reason in report.reasons), report.reasons
