"""What somebody changed by hand: found by a refresh, put back by the next up."""

from __future__ import annotations

SETTINGS = """
k8s.core.v1.ConfigMap(
    "settings", metadata={"namespace": NAMESPACE, "name": "settings", "annotations": {FORCE}},
    data={"a": "1", "b": "2"},
)
k8s.core.v1.ConfigMap("other", metadata={"namespace": NAMESPACE, "name": "other"}, data={"a": "1"})
"""


def test_a_field_removed_by_hand_is_shown_by_a_refresh_and_put_back_by_the_next_up(stack):
    stack.program(SETTINGS.replace("FORCE", ""))
    stack.up()
    path = f"{stack.home}/configmaps/settings"
    stack.cluster.edit(path, {"data": {"b": None}})
    refresh = stack.run("refresh", "--yes", "--diff")
    assert refresh.changes == {"update": 1, "unchanged": 2}
    assert '"2"' in refresh.output
    assert stack.up().changes == {"update": 1, "unchanged": 2}
    assert stack.cluster.get(path)["data"] == {"a": "1", "b": "2"}
    assert stack.run("refresh", "--yes").changes == {"unchanged": 3}


def test_a_value_changed_by_hand_is_put_back_when_the_program_takes_the_field_again(stack):
    stack.program(SETTINGS.replace("FORCE", '"pulumi.com/patchForce": "true"'))
    stack.up()
    path = f"{stack.home}/configmaps/settings"
    stack.cluster.edit(path, {"data": {"a": "7"}})
    assert stack.run("refresh", "--yes", "--skip-preview").changes == {"update": 1, "unchanged": 2}
    preview = stack.preview()
    assert '"7"' in preview.output
    assert '"1"' in preview.output
    assert stack.up().changes == {"update": 1, "unchanged": 2}
    assert stack.cluster.get(path)["data"] == {"a": "1", "b": "2"}


def test_an_object_deleted_by_hand_leaves_the_state_on_a_refresh_and_is_made_again(stack):
    stack.program(SETTINGS.replace("FORCE", ""))
    stack.up()
    path = f"{stack.home}/configmaps/other"
    stack.cluster.delete(path)
    assert stack.run("refresh", "--yes", "--skip-preview").changes == {"delete": 1, "unchanged": 2}
    assert "other" not in stack.resources()
    assert stack.up().changes == {"create": 1, "unchanged": 2}
    assert stack.cluster.get(path)["data"] == {"a": "1"}


def test_fields_that_others_add_are_no_drift(stack):
    stack.program(SETTINGS.replace("FORCE", ""))
    stack.up()
    stack.cluster.edit(f"{stack.home}/configmaps/settings", {"metadata": {"labels": {"found": "by-an-operator"}}})
    stack.run("refresh", "--yes", "--skip-preview")
    assert stack.up().changes == {"unchanged": 3}
    live = stack.cluster.get(f"{stack.home}/configmaps/settings")
    assert live["metadata"]["labels"] == {"found": "by-an-operator"}


def test_an_imported_object_needs_no_change_when_the_program_declares_it(stack):
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "old"}, "data": {"a": "1"}}
    before = stack.cluster.apply(theirs, f"{stack.home}/configmaps")
    stack.program("")
    where = f"{stack.namespace}/old"
    token = "kubernetes:core/v1:ConfigMap"
    stack.run("import", token, "old", where, "--generate-code=false", "--yes", "--skip-preview", "--protect=false")
    assert stack.resources()["old"]["id"] == where
    stack.program('k8s.core.v1.ConfigMap("old", metadata={"namespace": NAMESPACE, "name": "old"}, data={"a": "1"})')
    outcome = stack.up()
    assert "create" not in outcome.changes
    assert "replace" not in outcome.changes
    after = stack.cluster.get(f"{stack.home}/configmaps/old")
    assert (after["metadata"]["uid"], after["data"]) == (before["metadata"]["uid"], {"a": "1"})


def test_an_import_of_what_does_not_exist_fails_and_says_so(stack):
    stack.program("")
    token = "kubernetes:core/v1:ConfigMap"
    arguments = ["import", token, "none", f"{stack.namespace}/none", "--generate-code=false", "--yes", "--skip-preview"]
    assert "does not exist" in stack.run(*arguments, succeeds=False).output


def test_an_existing_object_is_read_by_its_id(stack):
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "old"}, "data": {"a": "1"}}
    stack.cluster.apply(theirs, f"{stack.home}/configmaps")
    stack.program(
        """
        found = k8s.core.v1.ConfigMap.get("found", NAMESPACE + "/old")
        pulumi.export("a", found.data["a"])
        """
    )
    stack.up()
    assert stack.run("stack", "output", "a").output.strip() == "1"
    stack.destroy()
    assert stack.cluster.get(f"{stack.home}/configmaps/old")
