"""`python -m policies.judge`: what it reads, what it prints, and how it ends."""

from __future__ import annotations

import io
import json
from xml.etree import ElementTree as ET

import pytest
import yaml
from small_objects import deployment, hpa, service

from policies.judge.__main__ import main
from policies.judge.sources import UnreadableError, files, read

NODE_PORT = {"type": "NodePort", "selector": None}
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def plain_service(**changes):
    return {**service(None), "spec": {"type": "ClusterIP", **changes}}


def resource(manifest, **more):
    version, kind, name = manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"]
    token = f"kubernetes:{version if '/' in version else f'core/{version}'}:{kind}"
    return {"urn": f"urn:pulumi:dev::scratch::{token}::{name}", "type": token, "inputs": manifest, **more}


def secret(value):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x", "namespace": "y"}, "data": {"key": value}}


@pytest.fixture
def judge(tmp_path, capsys):
    def run(*documents, arguments=(), text=None, config=None, exemptions=None):
        file = tmp_path / "file.yaml"
        file.write_text(yaml.safe_dump_all(documents) if text is None else text)
        options = []
        for option, held in (("config", config), ("exemptions", exemptions)):
            (tmp_path / option).write_text(yaml.safe_dump(held))
            options += [f"--{option}", str(tmp_path / option)]
        code = main([str(file), *options, *arguments])
        return code, capsys.readouterr().out.replace(str(file), "FILE")

    return run


def told(printed):
    return [(one["rule"], one["object"]) for one in json.loads(printed)["violations"]]


def test_a_file_that_keeps_every_rule_ends_with_0(judge):
    assert judge(plain_service()) == (0, "objects: 1, rules: 62, violations: 0, not checked yet: 0, exempted: 0\n")


def test_a_file_that_breaks_a_rule_ends_with_1_and_is_told_why_and_how_to_mend_it(judge):
    code, printed = judge(plain_service(type="NodePort"))
    assert code == 1
    assert printed.splitlines()[:2] == [
        "FILE: Service fraud-prod/churn",
        (
            "  ✗ service-not-node-port (high) spec.type: opens a port on every node (NodePort). Use type ClusterIP, and"
            " a route for users from outside."
        ),
    ]
    assert "past the gateway's TLS" in printed
    assert "https://kubernetes.io/docs/" in printed


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "no YAML"),
        ("- 1", "document 1 is no object"),
        ("a: b", "is neither an object of Kubernetes"),
        ("kind: Service", "is neither an object of Kubernetes"),
    ],
)
def test_what_cannot_be_judged_ends_with_2_and_is_named(text, says, tmp_path, capsys):
    file = tmp_path / "file.yaml"
    file.write_text(text)
    assert main([str(file)]) == 2
    assert says in capsys.readouterr().err
    assert main([str(tmp_path / "missing.yaml")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_what_helm_prints_is_judged_document_by_document_in_the_namespace_that_it_goes_to(judge):
    text = "---\n# Source: churn/templates/service.yaml\napiVersion: v1\nkind: Service\nmetadata: {name: churn}\n---\n"
    code, printed = judge(text=text, arguments=["--format", "json"])
    assert (code, told(printed)) == (1, [("no-default-namespace", "Service churn")])
    code, printed = judge(text=text, arguments=["--format", "json", "--namespace", "fraud-prod"])
    assert (code, json.loads(printed)["objects"]) == (0, 1)


def test_a_list_is_judged_item_by_item_also_in_the_namespace_that_it_goes_to(judge):
    item = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "churn"}, "spec": {"type": "NodePort"}}
    held = {"apiVersion": "v1", "kind": "List", "items": [item]}
    code, printed = judge(held, arguments=["--format", "json", "--namespace", "fraud-prod"])
    assert (code, told(printed)) == (1, [("service-not-node-port", "Service fraud-prod/churn")])


def test_all_files_of_a_folder_are_judged_as_one_stack(tmp_path, capsys):
    for name, held in (("a.yaml", hpa()), ("b/c.yml", deployment(replicas=3)), ("notes.txt", {"no": "object"})):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(yaml.safe_dump(held))
    assert main([str(tmp_path), "--format", "json"]) == 1
    printed = json.loads(capsys.readouterr().out)
    assert [one["where"] for one in printed["violations"] if one["rule"] == "hpa-owns-replicas"] == [
        str(tmp_path / "b" / "c.yml")
    ]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnreadableError, match="no file that ends with"):
        list(files([str(tmp_path / "empty")]))


def test_of_a_part_of_a_stack_nothing_is_said_about_what_is_missing(judge):
    arguments = ["--format", "json"]
    whole = judge(service({"app": "churn"}), hpa(), arguments=arguments)
    assert told(whole[1]) == [
        ("dangling-references", "HorizontalPodAutoscaler fraud-prod/churn"),
        ("dangling-references", "Service fraud-prod/churn"),
    ]
    assert judge(service({"app": "churn"}), hpa(), arguments=[*arguments, "--partial"])[0] == 0


def test_the_standard_input_is_judged(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO(yaml.safe_dump(plain_service(type="NodePort"))))
    assert main(["-"]) == 1
    assert "service-not-node-port" in capsys.readouterr().out


def test_a_stacks_export_is_judged_without_what_is_about_to_be_deleted(judge):
    kept = [
        {"urn": "urn:pulumi:dev::scratch::pulumi:pulumi:Stack::x", "type": "pulumi:pulumi:Stack"},
        resource(plain_service(type="NodePort")),
        resource({**plain_service(type="NodePort"), "metadata": {"name": "old"}}, delete=True),
    ]
    export = {"version": 3, "deployment": {"resources": kept}}
    code, printed = judge(text=json.dumps(export), arguments=["--format", "json"])
    assert (code, told(printed)) == (1, [("service-not-node-port", "Service fraud-prod/churn")])
    assert json.loads(printed)["violations"][0]["where"].startswith("urn:pulumi:dev::scratch::")


@pytest.mark.parametrize(
    ("value", "broken"), [({SIGNATURE: SECRET, "ciphertext": "AAAA"}, False), ("aHVzaA==", True), ("[secret]", False)]
)
def test_a_secret_in_plain_text_is_found_in_a_state_and_is_no_matter_of_plain_files(value, broken, judge):
    export = {"version": 3, "deployment": {"resources": [resource(secret(value))]}}
    code, printed = judge(text=json.dumps(export), arguments=["--format", "json"])
    assert (code, told(printed)) == ((1, [("no-plain-secret-in-stack", "Secret y/x")]) if broken else (0, []))
    assert judge(secret("aHVzaA=="))[0] == 0


@pytest.mark.parametrize(("said", "expected"), [("report", 0), ("fail", 1)])
def test_what_a_preview_does_not_know_is_counted_and_fails_where_that_is_asked(said, expected, judge):
    steps = [{"op": "create", "newState": resource(plain_service(type=UNKNOWN))}, {"op": "delete"}]
    code, printed = judge(text=json.dumps({"steps": steps}), config={"notChecked": said})
    assert code == expected
    assert "  ? service-not-node-port (high) spec.type: not checked yet" in printed
    assert "violations: 0, not checked yet: 1" in printed


def test_an_advisory_rule_is_told_and_ends_with_0(judge):
    config = {"rules": {"service-not-node-port": "advisory"}}
    code, printed = judge(plain_service(type="NodePort"), config=config)
    assert code == 0
    assert "  ! service-not-node-port" in printed
    assert judge(plain_service(type="NodePort"), config={"rules": {"service-not-node-port": {"level": "disabled"}}})[
        1
    ].startswith("objects: 1")


def test_the_kubernetes_version_is_a_setting(judge):
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "b"}, "spec": {"containers": []}}
    pod["spec"]["securityContext"] = {"sysctls": [{"name": "net.ipv4.tcp_rmem", "value": "1"}]}
    arguments = ["--format", "json"]
    assert ("pss-sysctls", "Pod b/a") not in told(judge(pod, arguments=arguments)[1])
    assert ("pss-sysctls", "Pod b/a") in told(judge(pod, arguments=[*arguments, "--kubernetes", "1.31"])[1])
    assert ("pss-sysctls", "Pod b/a") in told(judge(pod, arguments=arguments, config={"kubernetes": "1.31"})[1])


def test_junit_has_a_failure_for_each_violation_and_a_case_for_each_object_without(judge):
    exemption = {
        "rule": "service-no-external-ips",
        "resource": "Service fraud-prod/churn",
        "reason": "an appliance with an address of its own",
        "until": "2026-12-31",
    }
    other = {**plain_service(), "metadata": {"name": "other", "namespace": "fraud-prod"}}
    broken = plain_service(type="NodePort", externalIPs=["192.0.2.1"])
    exemption["until"] = _soon()
    code, printed = judge(broken, other, arguments=["--format", "junit"], exemptions=[exemption])
    assert code == 1
    suite = ET.fromstring(printed)  # noqa: S314  it is our own
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    cases = {case.get("name"): [part.tag for part in case] for case in suite}
    assert cases == {
        "service-not-node-port: Service fraud-prod/churn": ["failure"],
        "service-no-external-ips: Service fraud-prod/churn": ["skipped"],
        "Service fraud-prod/other": [],
    }


def _soon():
    from datetime import UTC, datetime, timedelta

    return str(datetime.now(UTC).date() + timedelta(days=30))


def test_a_report_goes_to_a_file_where_one_is_named(judge, tmp_path):
    output = tmp_path / "report.xml"
    assert judge(plain_service(), arguments=["--format", "junit", "--output", str(output)]) == (0, "")
    assert ET.parse(output).getroot().get("tests") == "1"  # noqa: S314


@pytest.mark.parametrize("options", [{"config": {"rules": {"no-such-rule": {}}}}, {"exemptions": [{"rule": "probes"}]}])
def test_a_wrong_configuration_ends_with_2(options, judge):
    assert judge(plain_service(), **options)[0] == 2


def test_the_commands_help_tells_its_formats_and_exit_codes(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    printed = capsys.readouterr().out
    assert "exit codes:" in printed
    for word in ("text", "json", "junit", "helm template", "pulumi stack export"):
        assert word in printed


def test_each_document_of_a_file_has_a_place_of_its_own(tmp_path):
    file = tmp_path / "two.yaml"
    file.write_text(yaml.safe_dump_all([plain_service(), plain_service()]))
    assert len({source.where for source in read(str(file))}) == 2
