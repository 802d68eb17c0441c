"""What the engine logged becomes what a reviewer reads."""

from __future__ import annotations

from review.changes import changes
from review.events import read_events


def test_the_programs_own_lines_are_told_from_what_providers_say(log):
    urn = log.step("same", "v1:Service", "churn", old={}, new={})
    log.say("info", "<{%reset%}>churn: blue runs 3, then 100 % to version 7<{%reset%}>\n")
    log.say("info", "waiting for pods", urn=urn)
    log.say("info", "... 3 s", ephemeral=True)
    outcome = read_events(log.lines)
    assert outcome.lines == ("churn: blue runs 3, then 100 % to version 7",)


def test_an_error_names_the_object_as_people_do(log):
    service = {"metadata": {"name": "churn", "namespace": "fraud-prod"}}
    urn = log.step("create", "v1:Service", "fraud-prod/churn", new=service)
    log.say("error", 'Service "churn" is invalid', urn=urn)
    log.say("error", "failed to run policy: context canceled", urn=urn)
    log.say("error", "preview failed")
    assert read_events(log.lines).errors == ('Service fraud-prod/churn: Service "churn" is invalid',)


def test_that_the_preview_failed_is_said_where_nothing_else_is(log):
    log.say("error", "preview failed")
    assert read_events(log.lines).errors == ("preview failed",)


def test_rules_that_could_not_be_judged_yet_are_counted_apart(log):
    urn = log.step("create", "v1:Pod", "churn", new={"metadata": {"name": "churn"}})
    log.police("image-digest", urn, "can't run policy 'image-digest' during preview: unknown", level="advisory")
    log.police("probes", urn, "<{%fg 1%}>no readiness probe<{%reset%}>")
    log.end()
    outcome = read_events(log.lines)
    assert outcome.unchecked == ("image-digest on Pod churn",)
    assert [(each.policy, each.resource, each.message) for each in outcome.violations] == [
        ("probes", "Pod churn", "no readiness probe")
    ]
    assert outcome.packs == ("ml-platform 0.1.0",)


def test_a_replacement_is_one_change_though_the_engine_takes_three_steps(log):
    old, new = ({"metadata": {"name": "data"}, "spec": {"storageClassName": name}} for name in ("slow", "fast"))
    for operation in ("create-replacement", "replace", "delete-replaced"):
        log.step(operation, "v1:PersistentVolumeClaim", "data", old=old, new=new, keys=["spec.storageClassName"])
    [change] = changes(read_events(log.lines).steps)
    assert (str(change), change.because) == ("replace PersistentVolumeClaim data", ("spec.storageClassName",))


def test_components_and_providers_are_no_changes(log):
    log.step("create", "v1:Service", "churn", new={"metadata": {"name": "churn"}})
    metadata = log.events[0]["resourcePreEvent"]["metadata"]
    metadata["new"]["custom"] = False
    assert changes(read_events(log.lines).steps) == []


def test_lists_are_compared_by_the_names_of_their_items(log):
    def env(**values):
        return {"env": [{"name": name, "value": value} for name, value in values.items()]}

    log.step("update", "v1:Pod", "churn", old=env(A="1", B="2"), new=env(NEW="0", A="1", B="3"))
    [change] = changes(read_events(log.lines).steps)
    assert {each.path: (each.old, each.new) for each in change.differences} == {
        "env[B].value": ("2", "3"),
        "env[NEW].name": (None, "NEW"),
        "env[NEW].value": (None, "0"),
    }


def test_what_only_the_cluster_has_otherwise_is_named_without_values(log):
    same = {"metadata": {"name": "churn"}}
    log.step("update", "v1:Service", "churn", old=same, new=same, detailedDiff={"spec.selector": {}})
    [change] = changes(read_events(log.lines).steps)
    assert [(each.path, each.old, each.new) for each in change.differences] == [("spec.selector", None, None)]
