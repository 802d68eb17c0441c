"""Clusters that a stack makes itself, on a mocked engine: no cloud can be had here, nor does a plan need one."""

from __future__ import annotations

import json
from pathlib import Path

import cloud_graphs
import clouds
import pulumi
import pytest
import yaml
from declaring import NOW

from infra import clusters, suited
from infra.observed import Observed, Served
from infra.reach import Reach, reach
from policies import configured
from policies.exempt import Exemptions
from policies.judgement import Judgement, judge
from policies.unwrap import plain

REPOSITORY = Path(__file__).parents[2]
KINDS = ("eks", "gke", "aks", "kind")
IMAGE = f"churn@sha256:{'7' * 64}"
BOTTOM = f"""
  ml-platform:gateway: {{class: traefik}}
  ml-platform:teams:
    fraud:
      access: {{admin: [group:ml-leads]}}
      quota: {{requests.cpu: "4", requests.memory: 8Gi, pods: "40"}}
  ml-platform:models:
    churn:
      team: fraud
      scale: {{min: 1, max: 3, cpu: 60}}
      resources: {{cpu: 100m, memory: 256Mi}}
      versions: {{"7": {{image: {IMAGE}}}, "8": {{image: {IMAGE.replace("7" * 64, "8" * 64)}}}}}
      slots: {{blue: "7", green: "8"}}
      active: blue
      route: {{host: churn.example.com, tls: churn-tls}}
"""


def example(kind):
    return (REPOSITORY / "stacks" / f"{kind}.example.yaml").read_text()


def stack(kind, pools=None):
    """The cluster of a kind's example, with the teams and models that all of them get here."""
    config = yaml.safe_load(example(kind))["config"]
    cluster = config["ml-platform:cluster"]
    keys = {"ml-platform:environment": "prod", "ml-platform:registry": "registry.example.com/ml"}
    keys["ml-platform:cluster"] = cluster if pools is None else {**cluster, "nodePools": pools}
    if "ml-platform:autoscaler" in config:
        keys["ml-platform:autoscaler"] = config["ml-platform:autoscaler"]
    return yaml.safe_dump({"config": keys}) + BOTTOM


EXISTING = f"""
config:
  ml-platform:environment: prod
  ml-platform:registry: registry.example.com/ml
  ml-platform:cluster: {{provider: existing, context: prod}}
{BOTTOM}"""


def of_the_cloud(found):
    """Resources of a cloud by type and name; a provider's own connection and components left out."""
    return {
        (one.type, one.name): one
        for one in found.resources
        if not one.type.startswith(("kubernetes:", "mlplatform:", "pulumi:providers:"))
    }


def changes(before, after):
    """Which resources come, go or change, and which of their keys."""
    old, new = ({key: one.inputs for key, one in of_the_cloud(side).items()} for side in (before, after))
    found = {f"+ {name}": [kind] for kind, name in new.keys() - old.keys()}
    found |= {f"- {name}": [kind] for kind, name in old.keys() - new.keys()}
    for kind, name in sorted(old.keys() & new.keys()):
        keys = sorted(
            key
            for key in old[kind, name].keys() | new[kind, name].keys()
            if old[kind, name].get(key) != new[kind, name].get(key)
        )
        if keys:
            found[f"~ {name} {kind.rpartition(':')[2]}"] = keys
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_teams_and_models_are_the_same_objects_on_every_kind_of_cluster(declared, kind):
    here = {
        key: (one.inputs, one.hooks, one.protect)
        for key, one in declared(stack(kind)).objects().items()
        if not {"cluster-autoscaler", "spared-pods-prod"} & {key[1]}
    }
    there = {key: (one.inputs, one.hooks, one.protect) for key, one in declared(EXISTING).objects().items()}
    assert here == there


@pytest.mark.parametrize("kind", KINDS)
def test_every_object_goes_through_the_kubeconfig_of_the_cluster_that_is_made(declared, kind):
    found = declared(stack(kind))
    [provider] = found.of_type("pulumi:providers:kubernetes")
    assert provider.inputs["clusterIdentifier"] == "prod"
    assert "kubeconfig" in provider.secrets
    assert {one.provider for one in found.objects().values()} == {f"{provider.urn}::id"}
    assert json.loads(plain(found.exports)["kubeconfig"])["current-context"]


@pytest.mark.parametrize("kind", KINDS)
def test_pods_wait_for_nodes(declared, kind):
    found = declared(stack(kind))
    nodes = {
        "eks": "aws:eks/nodeGroup:NodeGroup",
        "gke": "gcp:container/nodePool:NodePool",
        "aks": "azure-native:containerservice:AgentPool",
        "kind": "command:local:Command",
    }
    pools = {one.urn for one in found.of_type(nodes[kind]) if "kubeconfig" not in one.name}
    assert pools
    [model] = found.of_type("mlplatform:index:Model")
    assert pools <= set(model.dependencies)


@pytest.mark.parametrize("kind", ["eks", "gke", "aks"])
def test_a_control_plane_keeps_itself_from_being_deleted_unless_the_stack_lets_it(declared, kind):
    types = {"eks": "eks:index:Cluster", "gke": "gcp:container/cluster:Cluster"}
    type_ = types.get(kind, "azure-native:containerservice:ManagedCluster")
    loose = stack(kind).replace("provider: ", "protect: false\n    provider: ")
    assert [one.protect for one in declared(stack(kind)).of_type(type_)] == [True]
    assert [one.protect for one in declared(loose).of_type(type_)] == [False]


@pytest.mark.parametrize("name", cloud_graphs.stacks())
def test_the_whole_graph_is_as_it_was_read_and_committed(declared, name):
    expected = (cloud_graphs.FOLDER / f"{name}.yaml").read_text()
    assert cloud_graphs.graph(declared(cloud_graphs.stacks()[name])) == expected, (
        "python tests/support/cloud_graphs.py, and read the diff"
    )


def test_a_pool_of_eks_is_a_managed_node_group_with_the_pools_own_bounds(declared):
    found = of_the_cloud(declared(example("eks")))
    groups = {name: one.inputs for (kind, name), one in found.items() if kind == "aws:eks/nodeGroup:NodeGroup"}
    assert groups.keys() == {"general", "gpu-l4", "batch-spot"}
    assert groups["general"]["scalingConfig"] == {"minSize": 3, "maxSize": 20, "desiredSize": 3}
    assert groups["general"]["instanceTypes"] == ["m6i.xlarge"]
    assert groups["general"]["labels"] == {"ml-platform/node-pool": "general"}
    assert (groups["general"]["amiType"], groups["general"]["capacityType"]) == ("BOTTLEROCKET_x86_64", "ON_DEMAND")
    assert len(groups["general"]["subnetIds"]) == 3
    assert groups["gpu-l4"]["amiType"] == "BOTTLEROCKET_x86_64_NVIDIA"
    assert groups["gpu-l4"]["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]
    assert groups["gpu-l4"]["scalingConfig"]["minSize"] == 0
    assert groups["batch-spot"]["capacityType"] == "SPOT"
    template = found["aws:ec2/launchTemplate:LaunchTemplate", "gpu-l4"].inputs
    assert template["metadataOptions"]["httpTokens"] == "required"
    assert template["blockDeviceMappings"][0]["ebs"]["volumeSize"] == 200
    assert template["blockDeviceMappings"][0]["ebs"]["encrypted"] == "true"


def test_eks_is_private_but_for_the_networks_that_are_named_and_enforces_network_policies(declared):
    found = of_the_cloud(declared(example("eks")))
    cluster = found["eks:index:Cluster", "cluster"].inputs
    assert cluster["endpointPrivateAccess"] is True
    assert cluster["publicAccessCidrs"] == ["203.0.113.0/24"]
    assert cluster["enabledClusterLogTypes"] == ["api", "audit"]
    assert cluster["encryptionConfigKeyArn"].startswith("arn:aws:kms:")
    assert cluster["vpcCniOptions"]["enableNetworkPolicy"] is True
    assert cluster["authenticationMode"] == "API"
    assert [*cluster["accessEntries"]] == ["arn:aws:iam::111122223333:role/platform"]
    closed = of_the_cloud(declared(example("eks").replace('apiAccess: {public: ["203.0.113.0/24"]}', "apiAccess: {}")))
    assert closed["eks:index:Cluster", "cluster"].inputs["endpointPublicAccess"] is False


def test_subnets_of_eks_stay_where_they_are_when_a_zone_comes_before_them(declared):
    def subnets(text):
        return {one.name: one.inputs["cidrBlock"] for one in declared(text).of_type("aws:ec2/subnet:Subnet")}

    two = subnets(
        example("eks").replace("eu-central-1a, ", "").replace("[eu-central-1b]", "[eu-central-1b, eu-central-1c]")
    )
    three = subnets(example("eks"))
    assert two.items() < three.items()
    assert len(set(three.values())) == len(three) == 6


def test_the_autoscaler_of_eks_resizes_the_groups_that_were_made_and_only_those_of_its_cluster(declared):
    found = declared(example("eks"))
    [container] = found.object("Deployment", "cluster-autoscaler")["spec"]["template"]["spec"]["containers"]
    assert "--nodes=3:20:eks-general-1a2b" in container["args"]
    assert "--cloud-provider=aws" in container["args"]
    cloud = of_the_cloud(found)
    [look, resize] = json.loads(cloud["aws:iam/rolePolicy:RolePolicy", "autoscaler"].inputs["policy"])["Statement"]
    assert all("Describe" in action or "Get" in action for action in look["Action"])
    tag = "aws:ResourceTag/k8s.io/cluster-autoscaler/ml-platform-prod"
    assert resize["Condition"] == {"StringEquals": {tag: "owned"}}
    identity = cloud["aws:eks/podIdentityAssociation:PodIdentityAssociation", "autoscaler"].inputs
    assert (identity["namespace"], identity["serviceAccount"]) == ("kube-system", "cluster-autoscaler")


def test_with_karpenter_eks_has_two_nodes_of_its_own_and_no_group_a_pool(declared):
    document = yaml.safe_load(example("eks"))
    config = document["config"]
    for pool in config["ml-platform:cluster"]["nodePools"].values():
        pool.pop("min")
    config["ml-platform:autoscaler"] = {
        "kind": "karpenter",
        "image": f"karpenter@sha256:{'c' * 64}",
        "karpenter": {"nodeClass": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"}},
    }
    found = declared(yaml.safe_dump(document))
    [group] = found.of_type("aws:eks/nodeGroup:NodeGroup")
    assert (group.name, group.inputs["scalingConfig"]["minSize"]) == ("system", 2)
    assert ("NodePool", "general") in found.objects()


def test_a_pool_of_gke_is_private_has_its_own_identity_and_grows_in_total(declared):
    found = of_the_cloud(declared(example("gke")))
    pool = found["gcp:container/nodePool:NodePool", "gpu-l4"].inputs
    assert pool["autoscaling"] == {"totalMinNodeCount": 0, "totalMaxNodeCount": 5, "locationPolicy": "BALANCED"}
    node = pool["nodeConfig"]
    assert node["guestAccelerators"][0]["type"] == "nvidia-l4"
    assert "taints" not in node or node["taints"] == []  # GKE's own, which it refuses to be told
    assert node["workloadMetadataConfig"] == {"mode": "GKE_METADATA"}
    assert node["serviceAccount"].startswith("ml-platform-prod-node@")
    assert pool["management"] == {"autoRepair": True, "autoUpgrade": False}
    assert pool["nodeLocations"] == ["europe-west4-a", "europe-west4-b"]
    spot = found["gcp:container/nodePool:NodePool", "batch-spot"].inputs
    assert spot["nodeConfig"]["spot"] is True
    assert spot["nodeConfig"]["taints"] == [
        {"key": "ml-platform/node-pool", "value": "batch-spot", "effect": "NO_SCHEDULE"}
    ]
    cluster = found["gcp:container/cluster:Cluster", "cluster"].inputs
    assert cluster["privateClusterConfig"]["enablePrivateNodes"] is True
    assert cluster["datapathProvider"] == "ADVANCED_DATAPATH"
    assert cluster["releaseChannel"] == {"channel": "UNSPECIFIED"}
    assert cluster["databaseEncryption"]["state"] == "ENCRYPTED"
    assert cluster["workloadIdentityConfig"] == {"workloadPool": "acme-ml-prod.svc.id.goog"}


def test_a_pool_of_aks_is_an_agent_pool_beside_the_system_nodes_and_nobody_is_admin_but_by_entra(declared):
    found = of_the_cloud(declared(example("aks")))
    pool = found["azure-native:containerservice:AgentPool", "batchspot"].inputs
    assert (pool["minCount"], pool["maxCount"], pool["scaleSetPriority"]) == (0, 10, "Spot")
    assert "kubernetes.azure.com/scalesetpriority=spot:NoSchedule" in pool["nodeTaints"]
    assert found["azure-native:containerservice:AgentPool", "general"].inputs["availabilityZones"] == ["1", "2", "3"]
    cluster = found["azure-native:containerservice:ManagedCluster", "cluster"].inputs
    assert cluster["disableLocalAccounts"] is True
    assert cluster["aadProfile"]["adminGroupObjectIDs"] == ["0a1b2c3d-0000-4000-8000-000000000002"]
    assert cluster["networkProfile"]["networkPolicy"] == "cilium"
    assert [one["mode"] for one in cluster["agentPoolProfiles"]] == ["System"]
    assert cluster["oidcIssuerProfile"] == {"enabled": True}
    logs = found["azure-native:monitor:DiagnosticSetting", "cluster"].inputs["logs"]
    assert {one["category"] for one in logs} == {"kube-apiserver", "kube-audit-admin", "guard"}


def test_flags_of_the_autoscaler_that_aks_runs_are_in_its_own_units(declared):
    text = example("aks").replace(
        "autoscaler: {}", "autoscaler: {flags: {scaleDownUnneededTime: 90s, expander: [price]}}"
    )
    profile = of_the_cloud(declared(text))["azure-native:containerservice:ManagedCluster", "cluster"].inputs[
        "autoScalerProfile"
    ]
    assert profile["scaleDownUnneededTime"] == "2m"
    assert profile["scanInterval"] == "10"
    assert profile["expander"] == "price"
    assert profile["skipNodesWithLocalStorage"] == "false"
    assert "scaleDownDelayAfterDelete" not in profile


def test_a_kubeconfig_of_gke_and_aks_names_a_command_and_holds_no_credential(declared):
    for kind, command in (("gke", "gke-gcloud-auth-plugin"), ("aks", "kubelogin")):
        [user] = json.loads(plain(declared(example(kind)).exports)["kubeconfig"])["users"]
        assert user["user"].keys() == {"exec"}
        assert user["user"]["exec"]["command"] == command


CONTROL_PLANES = {
    "eks": "~ cluster Cluster",
    "gke": "~ cluster Cluster",
    "aks": "~ cluster ManagedCluster",
}
POOLS = {"eks": "NodeGroup", "gke": "NodePool", "aks": "AgentPool"}


IN_PLACE = {
    "another maximum": (
        ("max: 20", "max: 30"),
        {"eks": "scalingConfig", "gke": "autoscaling", "aks": "maxCount"},
    ),
    "another label": (
        ("min: 3\n", "min: 3\n        labels: {example.com/disk: nvme}\n"),
        {"eks": "labels", "gke": "nodeConfig", "aks": "nodeLabels"},
    ),
    "more at once": (
        ("min: 3\n", "min: 3\n        surge: 2\n"),
        {"eks": "updateConfig", "gke": "upgradeSettings", "aks": "upgradeSettings"},
    ),
}


# What no provider can change where it stands: another value makes the resource anew. Source: ForceNew in the schemas
# of the Terraform providers that pulumi-aws and pulumi-gcp are bridged from (aws_eks_node_group,
# google_container_node_pool, google_container_cluster), and createOnly in the Azure API's own.
REPLACES = {
    "NodeGroup": {
        "amiType",
        "capacityType",
        "clusterName",
        "diskSize",
        "instanceTypes",
        "nodeGroupName",
        "nodeGroupNamePrefix",
        "nodeRoleArn",
        "subnetIds",
    },
    "NodePool": {"cluster", "initialNodeCount", "location", "maxPodsPerNode", "name", "namePrefix"},
    "AgentPool": {"agentPoolName", "availabilityZones", "osDiskSizeGB", "osType", "resourceGroupName", "resourceName"}
    | {"maxPods", "scaleSetPriority", "vmSize", "vnetSubnetID"},
    "Cluster": {"name", "location", "network", "subnetwork", "vpcId", "kubernetesServiceIpAddressRange"}
    | {"datapathProvider", "ipAllocationPolicy", "networkingMode", "privateClusterConfig"},
    "ManagedCluster": {"dnsPrefix", "location", "resourceGroupName", "resourceName", "networkProfile"},
}


@pytest.mark.parametrize("kind", CONTROL_PLANES)
@pytest.mark.parametrize("what", IN_PLACE)
def test_a_change_of_a_pool_changes_that_pool_in_place_and_nothing_else(declared, kind, what):
    change, keys = IN_PLACE[what]
    found = changes(declared(example(kind)), declared(example(kind).replace(*change)))
    assert found == {f"~ general {POOLS[kind]}": [keys[kind]]}
    assert keys[kind] not in REPLACES[POOLS[kind]]


def test_a_label_is_all_that_changes_of_a_node_pool_of_gke(declared):
    """Of `nodeConfig`, labels are the part that GKE changes where it stands."""
    change, _ = IN_PLACE["another label"]
    configs = [
        of_the_cloud(declared(text))["gcp:container/nodePool:NodePool", "general"].inputs["nodeConfig"]
        for text in (example("gke"), example("gke").replace(*change))
    ]
    assert next({key: value for key, value in one.items() if key != "labels"} for one in configs) == {
        key: value for key, value in configs[1].items() if key != "labels"
    }


@pytest.mark.parametrize("kind", CONTROL_PLANES)
def test_another_version_goes_to_the_control_plane_and_then_to_every_pool_in_place(declared, kind):
    before, after = declared(example(kind)), declared(example(kind).replace('"1.36"', '"1.37"'))
    found = changes(before, after)
    version = {"eks": "version", "gke": "minMasterVersion", "aks": "kubernetesVersion"}[kind]
    control_plane = CONTROL_PLANES[kind]
    changed = {*found.pop(control_plane)}
    assert version in changed
    assert not changed & REPLACES[control_plane.rpartition(" ")[2]]
    pools = {name for name in found if name.endswith(f" {POOLS[kind]}")}
    assert found.keys() == pools
    assert len(pools) == 3
    assert {key for keys in found.values() for key in keys} <= {"version", "orchestratorVersion"}
    first = {one.urn for one in of_the_cloud(after).values() if one.name == "cluster"}
    for pool in after.resources:
        if pool.type.endswith(f":{POOLS[kind]}"):
            assert first & set(pool.dependencies)


@pytest.mark.parametrize("kind", CONTROL_PLANES)
def test_a_further_pool_comes_and_changes_no_other(declared, kind):
    document = yaml.safe_load(example(kind))
    pools = document["config"]["ml-platform:cluster"]["nodePools"]
    pools["further"] = {**pools["general"], "min": 0, "max": 2}
    found = changes(declared(example(kind)), declared(yaml.safe_dump(document)))
    assert {name for name in found if not name.startswith("+")} == set()
    assert "+ further" in found


def test_nothing_is_asked_of_a_cluster_that_is_not_made_yet_and_everything_of_one_that_is(monkeypatch):
    there = {"kubeconfig": clouds.KUBECONFIG}
    monkeypatch.setattr("infra.reach._outputs", lambda _: {})
    assert reach(settings_of("eks"), {}).made is False
    monkeypatch.setattr("infra.reach._outputs", lambda _: there)
    assert reach(settings_of("eks"), {}) == Reach(kubeconfig=clouds.KUBECONFIG)


def settings_of(kind):
    from infra.settings import Document, Settings

    return Settings.parse(Document.parse(example(kind), "stack.yaml").values)


def test_a_cluster_whose_extra_is_not_installed_is_refused_with_what_to_install(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError("No module", name="pulumi_eks")

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(pulumi.RunError, match=r"eks needs pulumi-eks, which is not installed.*\.\[eks\]"):
        clusters.declare_cluster(settings_of("eks"), Reach(made=False))


TWO = EXISTING.replace("context: prod", "stack: prod-cluster")


def test_a_platform_takes_the_cluster_of_another_stack(declared):
    asked = []

    def outputs(question):
        asked.append(question["name"])
        return {
            "name": question["name"],
            "outputs": {"kubeconfig": clouds.KUBECONFIG},
            "secretOutputNames": ["kubeconfig"],
        }

    found = declared(TWO, answers={"pulumi:pulumi:readStackOutputs": outputs})
    [provider] = found.of_type("pulumi:providers:kubernetes")
    assert plain(provider.inputs)["kubeconfig"] == clouds.KUBECONFIG
    assert "kubeconfig" in provider.secrets
    assert asked == ["organization/ml-platform/prod-cluster"]
    assert plain(found.exports)["kubeconfig"] == clouds.KUBECONFIG


def test_a_stack_that_has_made_no_cluster_yet_is_named(declared):
    with pytest.raises(pulumi.RunError, match="organization/ml-platform/prod-cluster has no output kubeconfig, so"):
        declared(TWO)


def test_a_stack_may_make_a_cluster_and_nothing_on_it(declared):
    document = yaml.safe_load(example("gke"))
    for key in ("teams", "models", "gateway"):
        del document["config"][f"ml-platform:{key}"]
    found = declared(yaml.safe_dump(document))
    assert {name for _, name in found.objects()} == {"spared-pods-prod"}
    assert found.exports.keys() >= {"kubeconfig", "models"}


def test_a_kubeconfig_may_be_a_secret_of_the_stack(declared):
    text = EXISTING.replace("context: prod", "kubeconfigSecret: prod-kubeconfig")
    found = declared(f'{text}  ml-platform:secrets: {{prod-kubeconfig: {{secure: "v1:A:B"}}}}\n', observed=Observed())
    [provider] = found.of_type("pulumi:providers:kubernetes")
    assert plain(provider.inputs)["kubeconfig"] == "hush"
    assert "kubeconfig" in provider.secrets


MARKS = {
    "eks": ("cluster-autoscaler.kubernetes.io/safe-to-evict", "false"),
    "gke": ("cluster-autoscaler.kubernetes.io/safe-to-evict", "false"),
}


@pytest.mark.parametrize("kind", MARKS)
def test_what_must_end_by_itself_bears_the_mark_of_the_autoscaler_that_there_is(declared, kind):
    policy = declared(example(kind)).object("MutatingAdmissionPolicy", "spared-pods-prod")
    expression = policy["spec"]["mutations"][0]["applyConfiguration"]["expression"]
    assert json.dumps(MARKS[kind][0]) in expression
    assert json.dumps(MARKS[kind][1]) in expression
    assert '["Job", "StatefulSet"]' in policy["spec"]["matchConditions"][0]["expression"]


def served(version, *groups):
    return Served(version=version, groups=frozenset({*suited._ALWAYS, "gateway.networking.k8s.io/v1", *groups}))


def test_a_cluster_that_cannot_mark_pods_or_serves_no_gateway_is_refused_with_all_that_it_lacks():
    settings = settings_of("gke")
    assert list(suited.unsuited(settings, served("1.36"))) == []
    lacks = Served(version="1.35", groups=frozenset({"apps/v1", "policy/v1"}))
    told = list(suited.unsuited(settings, lacks))
    assert told[0] == "autoscaler.spare: needs Kubernetes 1.36, and the API server is 1.35; set it to []"
    assert "routes through a Gateway (its CRDs come with the Gateway API) need the API gateway.networking" in told[-1]
    assert len(told) == 5


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_every_kind_keeps_every_rule(declared, kind):
    found = declared(example(kind))
    resources = [(one.type, plain(one.inputs), one.urn) for one in found.resources]
    told = judge(resources, Judgement(configured.read(), Exemptions((), today=NOW.date())))
    assert [f"{one.title}: {one.rule.id}: {one.message}" for one in told if not one.unknown] == []


def test_a_model_on_aks_bears_the_label_by_which_its_identity_is_found(declared):
    client = '{azure.workload.identity/client-id: "0a1b2c3d-0000-4000-8000-000000000003"}'
    text = example("aks").replace("      team: fraud\n", f"      team: fraud\n      identity: {client}\n", 1)
    found = declared(text)
    assert "azure.workload.identity/client-id" in found.object("ServiceAccount", "churn")["metadata"]["annotations"]
    pod = found.object("Deployment", "churn-blue")["spec"]["template"]
    assert pod["metadata"]["labels"]["azure.workload.identity/use"] == "true"
    other = declared(example("eks")).object("Deployment", "churn-blue")["spec"]["template"]
    assert "azure.workload.identity/use" not in other["metadata"]["labels"]
