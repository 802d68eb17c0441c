"""From what a stack says of its teams to what stands in each namespace; and what the plan says would be lost."""

from __future__ import annotations

import pytest

from infra.guard import Guard
from infra.guard.lost import lost_words
from infra.observed import ApiError, ClaimSeen, Lost, Observed, UnreachableError
from infra.observed.losses import read_lost
from infra.observed.pictures import quota_seen
from infra.reach import Reach
from infra.settings import Document, Settings
from infra.teams import kept
from policies.rules import RULES, findings
from policies.unwrap import plain

STACK = """
config:
  ml-platform:environment: test
  ml-platform:registry: registry.example.com/ml
  ml-platform:cluster: {provider: existing, context: test}
  ml-platform:teams:
    fraud:
      access: {edit: [group:fraud]}
      quota: {requests.cpu: "4", requests.memory: 16Gi}
      network:
        from: ["team:ingest:8080"]
        to: ["cidr:10.20.0.0/16:5432", "service:features", "service:tracking"]
        metrics: ["namespace:monitoring", "team:ingest"]
      volumes:
        data:
          size: 1Ti
          access: ReadWriteMany
          nfs: {server: nfs.example.com, path: /exports/fraud}
          sharedWith: ["team:ingest", "team:fraud/train"]
      namespaces:
        train:
          quota: {requests.cpu: "4", requests.memory: 16Gi}
          priorityQuotas: {batch: {pods: "2"}}
          access: {edit: [group:trainers]}
          volumes: {scratch: {size: 1Ti}}
      deploy: {}
      pullSecrets: {registry: {registry: registry.example.com, username: robot, password: token}}
      labels: {cost-centre: "4711"}
    ingest:
      quota: {requests.cpu: "4", requests.memory: 16Gi}
      network: {serving: ["team:fraud", "namespace:traefik"]}
      protect: false
    data:
      quota: {requests.cpu: "4", requests.memory: 16Gi}
  ml-platform:priorityClasses: {batch: {value: -10}}
  ml-platform:services:
    features: {team: data, service: feast, pods: {app: feast}, port: 6566}
    tracking: {host: mlflow.example.com, cidrs: [10.9.0.5/32], port: 443}
  ml-platform:secrets: {token: {secure: "v1:A:B"}}
"""
NAMESPACES = {
    "fraud": "fraud-test",
    "fraud/train": "fraud-train-test",
    "ingest": "ingest-test",
    "data": "data-test",
}


@pytest.fixture(scope="module")
def all_teams(declared):
    return declared(STACK)


@pytest.fixture(scope="module")
def settings():
    return Settings.parse(Document.parse(STACK, "stack.yaml").values)


def of(declared, kind, namespace):
    """The objects of a kind in a namespace, by name."""
    found = {}
    for resource in declared.resources:
        if resource.type.endswith(f":{kind}") and resource.inputs["metadata"].get("namespace") == namespace:
            found[resource.inputs["metadata"]["name"]] = resource.inputs
    return found


def peers(policy, direction):
    """Whom a policy's rules name, in short, each with its ports."""
    key = "from" if direction == "ingress" else "to"
    found = set()
    for rule in policy["spec"][direction]:
        ports = tuple(port["port"] for port in rule.get("ports", ()))
        for peer in rule[key]:
            if "ipBlock" in peer:
                found.add((peer["ipBlock"]["cidr"], ports))
            else:
                name = peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
                found.add((name, ports))
    return found


def test_each_namespace_has_the_environment_in_its_name(all_teams):
    assert all_teams.exports["namespaces"] == NAMESPACES
    names = {r.inputs["metadata"]["name"] for r in all_teams.of_type("kubernetes:core/v1:Namespace")}
    assert names == set(NAMESPACES.values())


def test_a_further_namespace_has_walls_quota_and_bindings_of_its_own(all_teams):
    policies = of(all_teams, "NetworkPolicy", "fraud-train-test")
    assert policies.keys() == {"deny-all", "allow-dns", "allow-inside", "allow-serving", "allow-to"}
    [subject] = of(all_teams, "RoleBinding", "fraud-train-test")["team-edit"]["subjects"]
    assert subject["name"] == "trainers"
    assert of(all_teams, "ResourceQuota", "fraud-train-test").keys() == {"quota", "quota-batch"}


def test_who_is_let_in_is_let_out_as_well(all_teams):
    fraud, ingest = (of(all_teams, "NetworkPolicy", f"{name}-test") for name in ("fraud", "ingest"))
    assert peers(fraud["allow-from"], "ingress") == {("ingest-test", (8080,))}
    assert ("fraud-test", (8080,)) in peers(ingest["allow-to"], "egress")
    assert "allow-from" not in ingest


def test_who_scrapes_is_let_in_and_out_at_the_port_named_metrics(all_teams):
    fraud, ingest = (of(all_teams, "NetworkPolicy", f"{name}-test") for name in ("fraud", "ingest"))
    metrics = ("metrics",)
    assert peers(fraud["allow-metrics"], "ingress") == {("monitoring", metrics), ("ingest-test", metrics)}
    assert ("fraud-test", metrics) in peers(ingest["allow-to"], "egress")


def test_named_callers_of_models_include_every_namespace_of_a_team(all_teams):
    serving = of(all_teams, "NetworkPolicy", "ingest-test")["allow-serving"]
    assert {name for name, _ in peers(serving, "ingress")} == {"fraud-test", "fraud-train-test", "traefik"}
    assert peers(of(all_teams, "NetworkPolicy", "fraud-train-test")["allow-to"], "egress") == {
        ("ingest-test", ("http",))
    }


def test_a_shared_service_is_found_by_name_and_reached_from_both_ends(all_teams):
    aliases = {name: service["spec"] for name, service in of(all_teams, "Service", "fraud-test").items()}
    assert {name: spec["externalName"] for name, spec in aliases.items()} == {
        "features": "feast.data-test.svc.cluster.local",
        "tracking": "mlflow.example.com",
    }
    out = peers(of(all_teams, "NetworkPolicy", "fraud-test")["allow-to"], "egress")
    assert out >= {("data-test", (6566,)), ("10.9.0.5/32", (443,)), ("10.20.0.0/16", (5432,))}
    data = of(all_teams, "NetworkPolicy", "data-test")
    assert peers(data["allow-service-features"], "ingress") == {("fraud-test", (6566,))}
    assert of(all_teams, "Service", "ingest-test") == {}


def test_a_shared_volume_has_a_claim_in_every_namespace_that_reads_it(all_teams):
    assert of(all_teams, "PersistentVolumeClaim", "fraud-test").keys() == {"data"}
    assert of(all_teams, "PersistentVolumeClaim", "ingest-test").keys() == {"fraud-data"}
    assert of(all_teams, "PersistentVolumeClaim", "fraud-train-test").keys() == {"fraud-data", "scratch"}
    assert of(all_teams, "PersistentVolumeClaim", "data-test") == {}


def test_a_volume_comes_after_every_namespace_that_it_is_claimed_in(all_teams):
    [volumes] = [r for r in all_teams.of_type("mlplatform:index:TeamVolumes") if r.name == "fraud"]
    namespaces = {r.urn for r in all_teams.of_type("kubernetes:core/v1:Namespace")}
    assert namespaces <= set(volumes.dependencies)


def test_the_deploy_identity_is_one_for_all_namespaces_of_its_team(all_teams):
    for namespace in ("fraud-test", "fraud-train-test"):
        [subject] = of(all_teams, "RoleBinding", namespace)["deploy"]["subjects"]
        assert subject == {"kind": "ServiceAccount", "namespace": "fraud-test", "name": "deploy"}
    assert "deploy" not in of(all_teams, "ServiceAccount", "ingest-test")


def test_a_pull_secret_stands_in_every_namespace_of_its_team_and_no_other(all_teams):
    secrets = {r.inputs["metadata"]["namespace"] for r in all_teams.of_type("kubernetes:core/v1:Secret")}
    assert secrets == {"fraud-test", "fraud-train-test"}


def test_costs_are_told_apart_by_the_teams_labels(all_teams):
    labelled = {
        resource.inputs["metadata"]["name"]
        for resource in all_teams.of_type("kubernetes:core/v1:Namespace")
        if resource.inputs["metadata"]["labels"].get("cost-centre") == "4711"
    }
    assert labelled == {"fraud-test", "fraud-train-test"}
    assert of(all_teams, "PersistentVolumeClaim", "fraud-test")["data"]["metadata"]["labels"]["cost-centre"] == "4711"


def test_what_holds_data_is_protected_unless_the_team_says_otherwise(all_teams):
    protected = {(r.type.rpartition(":")[2], r.inputs["metadata"]["name"]) for r in all_teams.resources if r.protect}
    assert protected == {
        ("Namespace", "fraud-test"),
        ("Namespace", "fraud-train-test"),
        ("Namespace", "data-test"),
        ("PersistentVolume", "fraud-test-data"),
        ("PersistentVolumeClaim", "data"),
        ("PersistentVolumeClaim", "scratch"),
    }


def test_a_team_without_protection_is_named_in_every_plan(all_teams):
    assert [line for line in all_teams.messages if "protect" in line] == [
        "teams.ingest.protect is false: who removes the team, a namespace or a volume of it removes the data"
    ]


GONE = Lost(
    namespace="search-test",
    team="search",
    claims=(ClaimSeen(name="embeddings", size="500Gi"), ClaimSeen(name="logs", size="1Gi")),
    counts={"pods": 1, "deployments": 2},
)


def test_the_plan_says_what_would_be_lost(declared):
    plan = declared(STACK, observed=Observed(lost=(GONE,)))
    [line] = [line for line in plan.messages if "search-test" in line]
    assert line == (
        "namespace search-test is declared no longer: it would go with all it holds: volumes embeddings (500Gi), logs"
        " (1Gi), 1 pod, 2 deployments. If that is meant: put team search back, set teams.search.protect to false, run"
        " pulumi up, and remove it again"
    )


def test_a_volume_that_is_declared_no_longer_is_told_alone():
    lost = Lost(namespace="fraud-test", team="fraud", claims=(ClaimSeen(name="data", size="1Ti"),), whole=False)
    told = lost_words(lost, ["fraud"])
    assert told.startswith("volume data (1Ti) of namespace fraud-test is declared no longer: its data would be lost.")
    assert "put it back, set teams.fraud.protect to false" in told


def test_a_namespace_with_nothing_in_it_says_so():
    assert "holds: nothing." in lost_words(Lost(namespace="n", team="t"), [])


class Listing:
    """An API server that gives these lists by path and notes what it was asked."""

    def __init__(self, **lists):
        self.lists, self.asked = lists, []

    def list(self, path, **query):
        self.asked.append((path, query))
        return self.lists.get(path.rpartition("/")[2], []) if "/namespaces/" not in path else self.lists.get(path, [])


def thing(name, namespace=None, **more):
    labels = {"ml-platform/team": name.partition("-")[0] if namespace is None else namespace.partition("-")[0]}
    return {"metadata": {"name": name, "namespace": namespace, "labels": labels, **more}}


def claim(name, namespace, **status):
    return {**thing(name, namespace), "spec": {"resources": {"requests": {"storage": "1Gi"}}}, "status": status}


def test_what_is_live_and_not_declared_is_found_with_what_it_holds(settings):
    api = Listing(
        namespaces=[thing(name) for name in (*NAMESPACES.values(), "search-test")],
        persistentvolumeclaims=[
            claim("data", "fraud-test"),
            claim("old", "fraud-test", capacity={"storage": "2Gi"}),
            claim("embeddings", "search-test"),
        ],
    )
    api.lists["/api/v1/namespaces/search-test/persistentvolumeclaims"] = [claim("embeddings", "search-test")]
    api.lists["/api/v1/namespaces/search-test/pods"] = [{}, {}]
    assert read_lost(api, **kept(settings)) == (
        Lost(namespace="fraud-test", team="fraud", claims=(ClaimSeen(name="old", size="2Gi"),), whole=False),
        Lost(
            namespace="search-test",
            team="search",
            claims=(ClaimSeen(name="embeddings", size="1Gi"),),
            counts={"pods": 2},
        ),
    )


def test_where_all_is_declared_two_lists_are_all_that_is_asked_for(settings):
    api = Listing(namespaces=[thing(name) for name in NAMESPACES.values()])
    assert read_lost(api, **kept(settings)) == ()
    selector = "ml-platform/environment=test,app.kubernetes.io/managed-by=pulumi"
    assert [query["labelSelector"] for _, query in api.asked] == [selector, f"{selector},!ml-platform/shared-from"]


def test_what_is_already_going_is_not_told_again(settings):
    api = Listing(namespaces=[thing("search-test", deletionTimestamp="2026-01-01T00:00:00Z")])
    assert read_lost(api, **kept(settings)) == ()


def of_class(operator, *values):
    scope = {"scopeName": "PriorityClass", "operator": operator, **({"values": list(values)} if values else {})}
    return {"scopeSelector": {"matchExpressions": [scope]}}


@pytest.mark.parametrize(
    ("spec", "counted"),
    [
        ({}, [None, "batch", "serving"]),
        (of_class("In", "batch"), ["batch"]),
        (of_class("NotIn", "batch"), [None, "serving"]),
        (of_class("Exists"), ["batch", "serving"]),
        (of_class("DoesNotExist"), [None]),
        ({"scopes": ["PriorityClass"]}, ["batch", "serving"]),
        ({"scopes": ["NotBestEffort", "NotTerminating"]}, [None, "batch", "serving"]),
        ({"scopes": ["NotBestEffort"], **of_class("In", "batch")}, ["batch"]),
        ({"scopes": ["BestEffort"]}, []),
        ({"scopes": ["Terminating"]}, []),
        ({"scopes": ["CrossNamespacePodAffinity"]}, []),
    ],
)
def test_a_quota_counts_a_models_pods_as_the_api_server_does(spec, counted):
    seen = quota_seen({"metadata": {"name": "quota"}, "spec": spec})
    assert [name for name in (None, "batch", "serving") if seen.counts(name)] == counted


def test_everything_of_a_team_keeps_every_rule(all_teams):
    broken = [
        f"{resource.name}: {rule.message(finding)}"
        for resource in all_teams.objects().values()
        for rule in RULES
        for finding in findings(rule, resource.type, plain(resource.inputs))
    ]
    assert broken == []


def report(settings, monkeypatch, error=None, *, lost=(), models=None):
    """What a run says that reads this of the cluster, or cannot."""

    def read(*_, **__):
        if error is not None:
            raise error
        return lost

    monkeypatch.setattr("infra.reach.load_access", lambda *_: None)
    monkeypatch.setattr("infra.guard.run.observe", lambda *_, **__: Observed())
    monkeypatch.setattr("infra.guard.run.read_lost", read)
    reach = Reach(context=settings.cluster.context)
    guard = Guard.open(cluster=reach, settings=settings.guard, models=models or {}, kept=kept(settings))
    return guard.report([], settings.teams)


def test_what_is_live_is_read_in_a_stack_without_models_as_well(settings, monkeypatch):
    [line] = report(settings, monkeypatch, lost=(GONE,))
    assert line.startswith("namespace search-test is declared no longer")


def test_who_may_not_list_the_cluster_is_told_that_nothing_is_known(settings, monkeypatch):
    denied = ApiError(403, "Forbidden", "namespaces is forbidden")
    [line] = report(settings, monkeypatch, denied, models={"iris": "fraud-test"})
    assert line == "whether anything is live that is declared no longer is not known: namespaces is forbidden"


def test_without_models_and_a_cluster_nothing_is_said(settings, monkeypatch):
    assert report(settings, monkeypatch, UnreachableError("nobody answers")) == []
