"""The resource options of Pulumi that the provider has a part in."""

from __future__ import annotations

import base64

MAP = """
k8s.core.v1.ConfigMap(
    "settings", metadata={"namespace": NAMESPACE, "name": "settings"}, data=DATA,
    opts=pulumi.ResourceOptions(OPTIONS),
)
"""


def settings(data: str, options: str = "") -> str:
    return MAP.replace("DATA", data).replace("OPTIONS", options)


def uid(stack) -> str:
    return stack.cluster.get(f"{stack.home}/configmaps/settings")["metadata"]["uid"]


def test_an_ignored_change_is_not_made_and_the_others_are(stack):
    options = 'ignore_changes=["data.a"]'
    stack.program(settings('{"a": "1", "b": "1"}', options))
    stack.up()
    stack.program(settings('{"a": "2", "b": "1"}', options))
    assert stack.up().changes == {"unchanged": 2}
    stack.program(settings('{"a": "2", "b": "2"}', options))
    assert stack.up().changes == {"update": 1, "unchanged": 1}
    assert stack.cluster.get(f"{stack.home}/configmaps/settings")["data"] == {"a": "1", "b": "2"}


def test_replace_on_changes_replaces_a_named_object_by_deleting_it_first(stack):
    options = 'replace_on_changes=["data.a"], delete_before_replace=True'
    stack.program(settings('{"a": "1"}', options))
    stack.up()
    before = uid(stack)
    stack.program(settings('{"a": "2"}', options))
    assert stack.up().changes == {"replace": 1, "unchanged": 1}
    assert uid(stack) != before


def test_a_protected_object_is_neither_destroyed_nor_replaced(stack):
    stack.program(settings('{"a": "1"}', "protect=True"))
    stack.up()
    before = uid(stack)
    assert "protected" in stack.destroy(succeeds=False).output
    assert uid(stack) == before
    stack.program(settings('{"a": "1"}'))
    stack.up()
    stack.destroy()
    assert stack.cluster.get(f"{stack.home}/configmaps/settings") is None


def test_an_object_retained_on_delete_leaves_the_state_and_stays_in_the_cluster(stack):
    stack.program(settings('{"a": "1"}', "retain_on_delete=True"))
    stack.up()
    before = uid(stack)
    stack.destroy()
    assert stack.resources() == {}
    assert uid(stack) == before


def test_a_secret_is_in_the_cluster_as_it_is_and_nowhere_in_the_state_as_plain_text(stack):
    word = "swordfish-4711"
    coded = base64.b64encode(word.encode()).decode()
    stack.program(
        f"""
        value = pulumi.Output.secret({word!r})
        k8s.core.v1.Secret("by-text", metadata={{"namespace": NAMESPACE, "name": "by-text"}},
                           string_data={{"key": value}})
        k8s.core.v1.Secret("plain", metadata={{"namespace": NAMESPACE, "name": "plain"}},
                           string_data={{"key": {word!r}}})
        k8s.core.v1.ConfigMap("mixed", metadata={{"namespace": NAMESPACE, "name": "mixed"}},
                              data={{"open": "seen", "hidden": value}})
        """
    )
    stack.up()
    for name in ("by-text", "plain"):
        assert stack.cluster.get(f"{stack.home}/secrets/{name}")["data"] == {"key": coded}
    assert stack.cluster.get(f"{stack.home}/configmaps/mixed")["data"] == {"open": "seen", "hidden": word}
    state = stack.export()
    assert word not in state
    assert coded not in state
    assert stack.up().changes == {"unchanged": 4}
    assert word not in stack.preview("--refresh").output
    stack.run("refresh", "--yes", "--skip-preview")
    assert word not in stack.export()
    assert coded not in stack.export()


def test_an_alias_keeps_an_object_through_a_rename_in_the_program(stack):
    stack.program(settings('{"a": "1"}'))
    stack.up()
    before = uid(stack)
    renamed = settings('{"a": "1"}', 'aliases=[pulumi.Alias(name="settings")]')
    stack.program(renamed.replace('"settings", metadata', '"config", metadata'))
    assert stack.up().changes == {"unchanged": 2}
    assert uid(stack) == before
