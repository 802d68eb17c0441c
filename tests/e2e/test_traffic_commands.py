"""`make up` again, and the plain commands in the shell that it leaves."""

from __future__ import annotations

import json

from clone import NODE_PORT


def test_a_second_up_changes_nothing_and_says_so(resting):
    done = resting.sandbox("up")
    assert "nothing changed" in done.stdout.lower()
    assert "setosa, by version 1" in done.stdout


def test_a_preview_without_a_change_plans_nothing(resting):
    preview = resting.preview()
    assert "~ " not in preview.stdout
    assert "+ " not in preview.stdout
    assert "unchanged" in preview.stdout


def test_plain_pulumi_commands_work_in_the_sourced_shell(platform):
    platform.run("pulumi", "refresh", "-s", "local", "--yes", "--non-interactive", timeout=120)
    exported = json.loads(platform.json_text("pulumi", "stack", "export", "-s", "local"))
    kinds = {resource["type"] for resource in exported["deployment"]["resources"]}
    assert "kubernetes:apps/v1:Deployment" in kinds
    assert "docker:index/image:Image" in kinds
    shown = json.loads(platform.json_text("pulumi", "config", "--json", "-s", "local"))
    assert "ml-platform:models" in shown
    assert "mlplatform" in platform.run("pulumi", "stack", "-s", "local", "--show-urns").stdout


def test_a_hand_made_change_is_drift_that_refresh_shows_and_up_puts_back(resting):
    namespace = resting.namespace
    resting.run("kubectl", "label", "service", "iris-green", "-n", namespace, "ml-platform/team=hand", "--overwrite")
    drift = resting.run("pulumi", "preview", "-s", "local", "--refresh", "--diff", "--non-interactive", timeout=120)
    assert "hand" in drift.stdout
    resting.run("pulumi", "refresh", "-s", "local", "--yes", "--non-interactive", timeout=120)
    resting.up()
    labels = resting.kubectl("get", "service", "iris-green", "-n", namespace)["metadata"]["labels"]
    assert labels["ml-platform/team"] == "research"


def test_an_object_made_by_hand_can_be_imported(platform):
    namespace = platform.namespace
    platform.run("kubectl", "create", "configmap", "by-hand", "-n", namespace, "--from-literal=colour=blue")
    try:
        platform.run(
            "pulumi",
            "import",
            "kubernetes:core/v1:ConfigMap",
            "by-hand",
            f"{namespace}/by-hand",
            "--generate-code=false",
            "--protect=false",
            "--yes",
            "--non-interactive",
            "-s",
            "local",
        )
        exported = json.loads(platform.json_text("pulumi", "stack", "export", "-s", "local"))
        imported = [r for r in exported["deployment"]["resources"] if r["urn"].endswith("::by-hand")]
        assert imported[0]["outputs"]["data"] == {"colour": "blue"}
        platform.run("pulumi", "state", "delete", imported[0]["urn"], "--yes", "-s", "local")
    finally:
        platform.run("kubectl", "delete", "configmap", "by-hand", "-n", namespace)


def test_a_policy_violation_stops_up_before_anything_is_applied(platform):
    with platform.program_with(NODE_PORT):
        refused = platform.up(check=False)
    assert refused.returncode != 0
    assert "service-not-node-port" in refused.stdout
    services = platform.kubectl("get", "services", "-n", platform.namespace)["items"]
    assert "open" not in {service["metadata"]["name"] for service in services}
