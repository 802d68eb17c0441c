"""Everything that a stack may say of its teams, and every way in which it contradicts itself."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from jsonschema import Draft7Validator
from tenants import WHOLE as EXAMPLE

from infra.settings import SECURE, Document, Settings, SettingsError
from infra.settings.errors import show_path
from infra.settings.peers import Peer, parse_peer
from infra.settings.reference import stack_schema

FRAUD = ("teams", "fraud")


@pytest.fixture
def values():
    return Document.parse(EXAMPLE, "stack.yaml").values


def mistakes(values, changes):
    """Change what stands at these paths; None takes it away. Return what is said, by path."""
    values = copy.deepcopy(values)
    for path, value in changes.items():
        holder = values
        for key in path[:-1]:
            holder = holder.setdefault(key, {})
        if value is None:
            del holder[path[-1]]
        else:
            holder[path[-1]] = value
    with pytest.raises(SettingsError) as caught:
        Settings.parse(values)
    return {show_path(mistake.path): mistake.message for mistake in caught.value.mistakes}


def test_all_of_it_is_read(values):
    settings = Settings.parse(values)
    fraud = settings.teams["fraud"]
    assert fraud.network.from_[2] == "namespace:airflow:8080,grpc"
    assert fraud.volumes["scratch"].class_ == "fast.ssd"
    assert fraud.namespaces["train"].access.edit == ("group:trainers",)
    assert fraud.pull_secrets["registry"].password == "robot-token"
    assert settings.services["tracking"].port == "https"
    assert settings.namespace("fraud", "train") == "fraud-train-prod"


def test_an_editor_takes_all_of_it(values):
    secrets = {"robot-token": {"secure": "v1:A:B"}}
    file = {"config": {f"ml-platform:{key}": value for key, value in {**values, "secrets": secrets}.items()}}
    assert [error.message for error in Draft7Validator(stack_schema()).iter_errors(file)] == []


def test_a_team_with_access_and_quota_alone_is_right_and_says_nothing_else(values):
    plain = {"access": {"view": ["group:risk"]}, "quota": {"requests.cpu": "4", "requests.memory": "16Gi"}}
    values |= {"teams": {"fraud": plain}, "services": {}, "priorityClasses": {}}
    team = Settings.parse(values).teams["fraud"]
    assert (dict(team.namespaces), team.deploy, dict(team.volumes), team.network.serving) == ({}, None, {}, None)
    assert team.protect


@pytest.mark.parametrize(
    ("text", "peer"),
    [
        ("team:ingest", Peer(kind="team", name="ingest")),
        ("team:ingest/train:8080", Peer(kind="team", name="ingest", space="train", ports=(8080,))),
        ("namespace:airflow:8080,grpc", Peer(kind="namespace", name="airflow", ports=(8080, "grpc"))),
        ("cidr:10.0.0.0/8", Peer(kind="cidr", name="10.0.0.0/8")),
        ("cidr:fd00::/8:443", Peer(kind="cidr", name="fd00::/8", ports=(443,))),
        ("service:features", Peer(kind="service", name="features")),
    ],
)
def test_a_peer_is_one_line(text, peer):
    assert parse_peer(text) == peer


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("from", "ingest", "allowed: team:<team>"),
        ("from", "team:ingest:99999", "bad port 99999"),
        ("from", "cidr:10.0.0.1/8", 'did you mean "cidr:10.0.0.0/8"?'),
        ("from", "cidr:10.0.0.0/33", "such as cidr:10.20.0.0/16"),
        ("from", "service:feature-store", "a service is reached, by network.to"),
        ("to", "team:features", "name this team in teams.features.network.from, which opens both ends"),
        ("to", "service:feature-store:80", "allowed: cidr:<network>"),
        ("metrics", "team:", "bad peer"),
    ],
)
def test_a_peer_that_is_none_is_told_with_what_is_meant(values, key, value, said):
    path = (*FRAUD, "network", key)
    assert said in mistakes(values, {path: [value]})[f"teams.fraud.network.{key}[0]"]


NETWORK = (*FRAUD, "network")
DATA = (*FRAUD, "volumes", "data")
TRAIN = (*FRAUD, "namespaces", "train")
SMALL = {"cpu": "1", "memory": "1Gi"}


def place(text):
    """Read `data|access`: `|` parts keys, since some have dots and slashes in them; some beginnings have a name."""
    first, *rest = [int(key) if key.isdecimal() else key for key in text.split("|")]
    named = {"data": DATA, "train": TRAIN, "network": NETWORK, "store": ("services", "feature-store"), "fraud": FRAUD}
    return (*named.get(first, (first,)), *rest)


@pytest.mark.parametrize(
    ("path", "value", "where", "said"),
    [
        ("network|from", ["team:feature"], "network|from|0", 'did you mean "features"?'),
        ("network|from", ["team:fraud/trein"], "network|from|0", 'it has: "train"; did you mean "train"?'),
        ("train|network", {"from": ["team:fraud/train"]}, "train|network|from|0", "is this namespace"),
        ("network|to", ["service:features"], "network|to|0", 'known: "feature-store", "tracking"'),
        ("teams|features|network", {"to": ["service:feature-store"]}, "teams|features|network|to|0", "in this very"),
        ("store|host", "x.example.com", "store", "exclude each other"),
        ("store|team", None, "store", "needs team"),
        ("store|pods", None, "store|pods", "policies know pods"),
        ("store|cidrs", ["10.0.0.0/8"], "store|cidrs", "goes with host"),
        ("store|namespace", "online", "store|team", "has no further namespace"),
        ("store|port", "6566", "store|port", "1 to 65535 without quotes"),
        ("services|tracking|cidrs", None, "services|tracking|cidrs", "policies know networks"),
        ("services|tracking|cidrs", ["10.9.0.5/8"], "services|tracking|cidrs|0", "10.0.0.0/8"),
        ("data|nfs", None, "data|sharedWith", "needs nfs or csi: a claim belongs to one namespace"),
        ("data|csi", {"driver": "x.y", "volumeHandle": "1"}, "data", "nfs and csi exclude each other"),
        ("data|class", "fast", "data|class", "keep one"),
        ("data|access", "ReadWriteOnce", "data|access", '"ReadWriteMany", "ReadOnlyMany"'),
        ("data|sharedWith", ["team:x"], "data|sharedWith|0", "unknown team"),
        ("data|sharedWith", ["namespace:x"], "data|sharedWith|0", "allowed: team:<team>"),
        ("train|volumes|runs|csi", {"driver": "x.y"}, "train|volumes|runs|csi", "needs volumeHandle"),
        ("fraud|quota|requests.storage", "2Ti", "fraud|quota|requests.storage", "which need 3072Gi"),
        ("fraud|quota|persistentvolumeclaims", "1", "fraud|quota|persistentvolumeclaims", "which need 2"),
        ("teams|features|quota|requests.storage", "1Ti", "teams|features|quota|requests.storage", "which need 2048Gi"),
        (
            "train|quota|persistentvolumeclaims",
            "1",
            "train|quota|persistentvolumeclaims",
            "and read here, which need 2",
        ),
        ("train|quota|requests.cpu", None, "train|quota|requests.cpu", "can take the whole cluster"),
        ("train|quota|pods", "1.5", "train|quota|pods", "counts whole things"),
        ("fraud|priorityQuotas", {"bach": {"pods": "1"}}, "fraud|priorityQuotas|bach", 'did you mean "batch"'),
        ("fraud|priorityQuotas|batch", {}, "fraud|priorityQuotas|batch", "is empty"),
        ("fraud|priorityQuotas|batch", {"services": "1"}, "fraud|priorityQuotas|batch|services", "no priority class"),
        ("fraud|podSecurity", "privileged", "fraud|podSecurity", 'allowed: "restricted", "baseline"'),
        ("fraud|labels", {"ml-platform/team": "x"}, "fraud|labels|ml-platform/team", "not the team's to set"),
        ("fraud|labels", {"a b": "x"}, "fraud|labels|a b", "such as cost-centre"),
        ("teams|fraud-train", {"quota": SMALL}, "teams|fraud-train", "as that of teams.fraud.namespaces.train"),
        ("priorityClasses|batch|value", 2_000_000_000, "priorityClasses|batch|value", "at most 1000000000"),
        ("teams|deploy", {"quota": SMALL, "deploy": {}}, "teams|deploy|deploy", "another name"),
    ],
)
def test_a_contradiction_is_told_at_its_place(values, path, value, where, said):
    told = mistakes(values, {place(path): value})
    assert told.keys() == {show_path(place(where))}
    assert said in told[show_path(place(where))]


def test_the_class_of_rooms_own_pods_is_no_teams_to_declare(values):
    image = f"pause@sha256:{'7' * 64}"
    pools = {"general": {"allocatable": {"cpu": "64", "memory": "1Ti"}, "max": 99}}
    room = {"image": image, "pools": {"general": {"pods": 1, "cpu": "1", "memory": "1Gi"}}}
    classes = {**values["priorityClasses"], "headroom": {"value": 1}}
    changes = {("cluster", "nodePools"): pools, ("headroom",): room, ("priorityClasses",): classes}
    told = mistakes(values, changes)
    assert "headroom's own pods" in told["priorityClasses.headroom"]


def test_a_further_namespace_is_too_long_or_kubernetes_own_like_any_other(values):
    told = mistakes(values, {(*FRAUD, "namespaces", "n" * 53): {"quota": SMALL}})
    assert "would have 64 characters" in told[f"teams.fraud.namespaces.{'n' * 53}"]


def test_a_shared_service_cannot_have_the_name_of_a_models_service(values):
    image = f"x@sha256:{'7' * 64}"
    model = {"team": "fraud", "strategy": "recreate", "version": "1", "versions": {"1": {"image": image}}}
    told = mistakes(values, {("models",): {"tracking": model}})
    assert "which is a model's of this team" in told["teams.fraud.network.to[3]"]


def test_a_pull_secret_that_names_none_is_not_shown(values):
    path = (*FRAUD, "pullSecrets", "registry", "password")
    told = mistakes(values, {path: "correct-horse"})
    [(place, message)] = told.items()
    assert place == "teams.fraud.pullSecrets.registry.password"
    assert "correct-horse" not in message
    assert 'known: "robot-token"' in message


def test_a_secret_stays_a_name(values):
    assert values["secrets"] == {"robot-token": SECURE}


def test_all_mistakes_are_told_at_once(values):
    changes = {
        (*NETWORK, "from"): ["team:x", "bad"],
        (*DATA, "access"): "ReadWriteOnce",
        ("teams", "features", "quota"): {},
    }
    assert set(mistakes(values, changes)) == {
        "teams.fraud.network.from[0]",
        "teams.fraud.network.from[1]",
        "teams.fraud.volumes.data.access",
        'teams.features.quota["requests.cpu"]',
        'teams.features.quota["requests.memory"]',
    }


def test_the_documented_example_is_right():
    """docs/teams.md shows a whole team; whoever copies it must not be told of mistakes."""
    page = (Path(__file__).parents[3] / "docs" / "teams.md").read_text()
    text = page.split("```yaml\n", 1)[1].split("```", 1)[0]
    assert Settings.of(Document.parse(text, "docs/teams.md")).teams["fraud"].deploy is not None


def walk(value, path=()):
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from walk(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from walk(inner, (*path, at))


PLACES = [
    path
    for path in walk(Document.parse(EXAMPLE, "x").values)
    if path[:1] in {("teams",), ("services",), ("priorityClasses",)}
]


@pytest.mark.parametrize("wrong", [[None], {"x": None}, 7, True, SECURE, None], ids=repr)
def test_whatever_stands_anywhere_is_right_or_a_mistake_never_an_exception(values, wrong):
    for path in PLACES:
        changed = copy.deepcopy(values)
        holder = changed
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = wrong
        try:
            Settings.parse(changed)
        except SettingsError as error:
            assert error.mistakes  # noqa: PT017  7 is a right value, and description: true is not
