"""The pack as the engine speaks to it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import proxy
from small_objects import deployment, hpa, namespace, pdb, service

from policies.analyzer import Analyzer
from policies.configured import Configured
from policies.exempt import Exemption
from policies.rules import RULES, UNKNOWN
from policies.rules.concealed import Concealed
from policies.unwrap import plain, unwrapped

KIND = "HorizontalPodAutoscaler"
TODAY = date(2026, 3, 1)
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


def analyzer(*exemptions, **configured):
    return Analyzer(Configured(**configured), exemptions, today=TODAY)


def struct(properties) -> Any:
    return json_format.ParseDict(properties, struct_pb2.Struct())


def request(manifest, kind=None, message=analyzer_pb2.AnalyzeRequest):
    version, kind = manifest.get("apiVersion", "v1"), kind or manifest["kind"]
    name = manifest["metadata"]["name"]
    token = f"kubernetes:{version if '/' in version else f'core/{version}'}:{kind}"
    return message(type=token, name=name, urn=f"urn:{kind}:{name}", properties=struct(manifest))


def analyse(pack, *manifests, **options):
    return [one for manifest in manifests for one in pack.Analyze(request(manifest, **options), None).diagnostics]


def conclude(pack, *manifests):
    resources = [request(manifest, message=analyzer_pb2.AnalyzerResource) for manifest in manifests]
    return list(pack.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=resources), None).diagnostics)


def by(diagnostics, rule):
    return [one for one in diagnostics if one.policyName == rule]


def node_port():
    return service({"app": "churn"}, type="NodePort")


def test_what_is_shown_under_another_object_names_the_one_to_mend():
    """The engine shows what an arrival brings under what arrived; see `Analyzer._diagnostics`."""
    first, second = hpa(name="a"), hpa(name="b")
    named = f"{KIND} fraud-prod/b: metadata.name: "
    for order, begins in (((first, second), "metadata.name: "), ((second, first), named)):
        [found] = by(analyse(analyzer(), *order), "one-autoscaler")
        assert found.message.splitlines()[1].startswith(begins)
        assert found.urn == f"urn:{KIND}:b"


def test_each_rule_is_a_policy_with_its_own_name_level_and_options():
    info = analyzer(levels={"probes": "advisory"}).GetAnalyzerInfo(None, None)
    assert info.supportsConfig
    made = {policy.name: policy for policy in info.policies}
    assert set(made) == {rule.id for rule in RULES} | {"exemption-in-force", "not-checked-yet"}
    assert made["probes"].enforcementLevel == analyzer_pb2.ADVISORY
    others = {policy.enforcementLevel for name, policy in made.items() if name not in ("probes", "not-checked-yet")}
    assert others == {analyzer_pb2.MANDATORY}
    assert made["image-registry"].configSchema.properties["registries"]["type"] == "array"
    assert made["pss-privileged"].severity == analyzer_pb2.POLICY_SEVERITY_CRITICAL


def test_a_violation_names_rule_reason_place_and_remedy():
    [told] = by(analyse(analyzer(), node_port()), "service-not-node-port")
    assert told.enforcementLevel == analyzer_pb2.MANDATORY
    assert told.urn == "urn:Service:churn"
    assert told.message.splitlines()[0].startswith("A node port opens every node")
    assert told.message.splitlines()[1] == (
        "spec.type: opens a port on every node (NodePort). Use type ClusterIP, and a route for users from outside."
    )


@pytest.mark.parametrize("token", ["docker:index/image:Image", "mlplatform:index:Model", "pulumi:pulumi:Stack"])
def test_other_resources_are_left_alone(token):
    asked = analyzer_pb2.AnalyzeRequest(type=token, properties=struct(node_port()))
    assert not analyzer().Analyze(asked, None).diagnostics


def test_an_unknown_value_is_told_as_not_checked_yet_and_hides_no_violation_beside_it():
    held = deployment()
    images = [{"name": "a", "image": proxy.UNKNOWN_STRING_VALUE}, {"name": "b", "image": "b:1"}]
    held["spec"]["template"]["spec"]["containers"] = images
    told = by(analyse(analyzer(), held), "image-digest")
    assert {(one.enforcementLevel, one.message.splitlines()[1].partition(". Name")[0]) for one in told} == {
        (analyzer_pb2.MANDATORY, 'spec.template.spec.containers["b"]: image "b:1" has no digest'),
        (
            analyzer_pb2.ADVISORY,
            (
                'not checked yet: spec.template.spec.containers["a"].image is known to the `up` only,'
                " which checks it before it is applied"
            ),
        ),
    }


@pytest.mark.parametrize(("said", "level"), [("report", analyzer_pb2.ADVISORY), ("fail", analyzer_pb2.MANDATORY)])
def test_what_is_not_checked_yet_is_counted_at_the_end_and_fails_where_that_is_asked(said, level):
    pack, held = analyzer(not_checked=said), deployment(image=proxy.UNKNOWN_STRING_VALUE)
    analyse(pack, held)
    [told] = by(conclude(pack, held), "not-checked-yet")
    assert told.enforcementLevel == level
    assert told.message.splitlines()[1] == "2 checks wait for the `up`: image-digest (1), image-not-latest (1)"
    assert not by(conclude(pack, deployment()), "not-checked-yet")


def test_two_objects_that_contradict_each_other_are_stopped_at_the_second():
    for first, second in ((hpa(), deployment(replicas=3)), (deployment(replicas=3), hpa())):
        pack = analyzer()
        assert not by(analyse(pack, first), "hpa-owns-replicas")
        [told] = by(analyse(pack, second), "hpa-owns-replicas")
        assert told.enforcementLevel == analyzer_pb2.MANDATORY
        assert not by(conclude(pack, first, second), "hpa-owns-replicas"), "told twice"


def test_what_is_missing_is_told_when_all_are_there():
    pack = analyzer()
    assert not by(analyse(pack, namespace(), service({"app": "churn"})), "dangling-references")
    told = conclude(pack, namespace(), service({"app": "churn"}))
    assert [one.urn for one in by(told, "dangling-references")] == ["urn:Service:churn"]
    assert [one.urn for one in by(told, "network-default-deny")] == ["urn:Namespace:fraud-prod"]


def test_a_resource_that_is_declared_anew_or_gone_is_judged_as_it_is():
    pack = analyzer()
    analyse(pack, hpa(), deployment(replicas=3), deployment())
    assert not by(conclude(pack, hpa(), deployment()), "hpa-owns-replicas")
    analyse(pack, pdb(minAvailable=1), deployment(replicas=1))
    assert not by(conclude(pack, pdb(minAvailable=1)), "pdb-allows-disruption")


def test_a_resource_that_only_the_end_shows_is_judged_there():
    told = conclude(analyzer(), node_port())
    assert by(told, "service-not-node-port")
    assert by(told, "dangling-references")


def test_an_exempted_violation_is_told_and_blocks_nothing():
    exemption = Exemption(
        rule="service-not-node-port",
        resource="Service fraud-prod/churn",
        reason="an appliance that knows no gateway",
        until=date(2026, 6, 1),
    )
    pack = analyzer(exemption)
    [told] = by(analyse(pack, node_port()), "service-not-node-port")
    assert told.enforcementLevel == analyzer_pb2.ADVISORY
    assert "exempted until 2026-06-01: an appliance that knows no gateway" in told.message
    assert not by(conclude(pack, node_port()), "exemption-in-force")
    analyse(pack, service({"app": "churn"}))
    [unused] = by(conclude(pack, service({"app": "churn"})), "exemption-in-force")
    assert unused.enforcementLevel == analyzer_pb2.MANDATORY


def configure(pack, rule, level=analyzer_pb2.MANDATORY, **properties):
    policy = analyzer_pb2.PolicyConfig(enforcementLevel=level, properties=struct(properties))
    errors: list[str] = []
    context = SimpleNamespace(abort=lambda _code, message: errors.append(message))
    pack.Configure(analyzer_pb2.ConfigureAnalyzerRequest(policyConfig={rule: policy}), context)
    return errors


def test_pulumis_own_configuration_of_policies_changes_levels_and_options():
    pack = analyzer()
    assert configure(pack, "image-registry", registries=["registry.example.com"]) == []
    [told] = by(analyse(pack, deployment()), "image-registry")
    assert 'image "churn:1" is from none of registry.example.com' in told.message
    configure(pack, "service-not-node-port", analyzer_pb2.DISABLED)
    assert not by(analyse(pack, node_port()), "service-not-node-port")
    configure(pack, "service-not-node-port", analyzer_pb2.ADVISORY)
    [told] = by(analyse(pack, node_port()), "service-not-node-port")
    assert told.enforcementLevel == analyzer_pb2.ADVISORY


def test_what_is_configured_beside_the_pack_survives_the_defaults_that_the_engine_sends_back():
    chosen = {"hpa-bounds": {"ceiling": 5}, "image-registry": {"registries": ["a.example.com"]}}
    pack = analyzer(options=chosen, levels={"probes": "disabled"}, kubernetes="1.30", not_checked="fail")
    for policy in pack.GetAnalyzerInfo(None, None).policies:
        schemas = json_format.MessageToDict(policy.configSchema).get("properties", {})
        defaults = {name: schema["default"] for name, schema in schemas.items()}
        assert configure(pack, policy.name, policy.enforcementLevel, **defaults) == []
    [told] = by(analyse(pack, hpa(2, 6)), "hpa-bounds")
    assert "is above the 5 that are allowed" in told.message
    assert by(analyse(pack, deployment()), "image-registry")
    assert not by(analyse(pack, deployment()), "probes")
    analyse(pack, deployment(image=proxy.UNKNOWN_STRING_VALUE))
    [counted] = by(conclude(pack, deployment()), "not-checked-yet")
    assert counted.enforcementLevel == analyzer_pb2.MANDATORY
    schema = next(one for one in pack.GetAnalyzerInfo(None, None).policies if one.name == "pss-sysctls").configSchema
    assert schema.properties["kubernetes"]["default"] == "1.30"


def test_a_wrong_option_is_refused_with_what_is_allowed():
    assert configure(analyzer(), "hpa-bounds", roof=3) == ["rules.hpa-bounds.roof: unknown; allowed: ceiling"]
    [told] = configure(analyzer(), "hpa-bounds", ceiling="high")
    assert told.startswith("rules.hpa-bounds.ceiling: Input should be a valid integer")


def test_whole_numbers_secrets_and_unknown_values_arrive_as_such():
    held = {
        "a": [1.0, 2.5, {"b": proxy.UNKNOWN_STRING_VALUE}],
        "c": proxy.UNKNOWN_OBJECT_VALUE,
        "d": True,
        "e": None,
        "f": {**SECRET, "value": {"key": "hush"}},
    }
    expected = {"a": [1, 2.5, {"b": UNKNOWN}], "c": UNKNOWN, "d": True, "e": None, "f": {"key": "hush"}}
    for read in (unwrapped(struct(held)), plain(held)):
        assert read == expected
        assert isinstance(read["f"]["key"], Concealed)
        assert isinstance(read["a"][0], int)


def test_a_secret_that_is_encrypted_in_a_state_is_one_that_nobody_can_look_at():
    read = plain({"data": {"key": {**SECRET, "ciphertext": "AAAA"}}})
    assert isinstance(read["data"]["key"], Concealed)


@pytest.mark.parametrize(("value", "broken"), [({**SECRET, "value": "aHVzaA=="}, False), ("aHVzaA==", True)])
def test_a_kubernetes_secret_must_be_one_to_pulumi_too(value, broken):
    held = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x", "namespace": "y"}, "data": {"key": value}}
    assert bool(by(analyse(analyzer(), held), "no-plain-secret-in-stack")) is broken


def test_every_rule_on_a_thousand_resources_costs_less_than_two_seconds():
    model = [request(one) for one in (deployment(), hpa(), service({"app": "churn"}), pdb(maxUnavailable=1))]
    # Another name of the same length in the message itself: making each message anew takes longer than judging it.
    copies = [one.SerializeToString().replace(b"churn", b"%05d" % number) for number in range(250) for one in model]
    asked = [analyzer_pb2.AnalyzeRequest.FromString(copied) for copied in copies]
    resources = [analyzer_pb2.AnalyzerResource(type=one.type, urn=one.urn) for one in asked]
    pack, began = analyzer(), time.process_time()
    for one in asked:
        pack.Analyze(one, None)
    pack.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=resources), None)
    took = time.process_time() - began
    print(json.dumps({"rules": len(RULES), "resources": len(asked), "seconds": round(took, 2)}))
    assert took < 2


def test_the_marks_of_unknown_values_are_the_sdks_own():
    marks = [value for name, value in vars(proxy).items() if name.startswith("UNKNOWN_") and name.endswith("_VALUE")]
    assert len(marks) == 7
    assert plain(marks) == [UNKNOWN] * 7
    assert plain("04da6b54") == "04da6b54"


def test_a_pack_starts_without_the_sdk_around_its_messages():
    """It takes longer to load than a thousand resources to judge, and every `pulumi up` waits for it."""
    script = "import policies.analyzer, sys; print(*sys.modules); import pulumi.runtime.proto.analyzer_pb2"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    assert {"grpc", "pulumi.runtime.proto.analyzer_pb2"} <= set(loaded)
    assert not {"pulumi", "pulumi.runtime", "pulumi_policy", "dill"} & set(loaded)
