from __future__ import annotations

import base64
import json
import sys

import pytest

from sandbox.plugins.kubernetes import kubeconfig
from sandbox.plugins.kubernetes.configuration import changed_settings, failures, read_configuration
from sandbox.plugins.kubernetes.errors import ProviderError, UnreachableError
from sandbox.plugins.properties import UNKNOWN, Secret


def config(*, server="https://a", token="t", **user):  # noqa: S107  made up
    return {
        "clusters": [
            {"name": "one", "cluster": {"server": server}},
            {"name": "two", "cluster": {"server": "https://b", "insecure-skip-tls-verify": True}},
        ],
        "users": [{"name": "me", "user": {"token": token, **user}}],
        "contexts": [
            {"name": "one", "context": {"cluster": "one", "user": "me", "namespace": "mine"}},
            {"name": "two", "context": {"cluster": "two", "user": "me"}},
        ],
        "current-context": "one",
    }


def access(document, *, context=None, cluster=None):
    return kubeconfig.resolve((document, None), context=context, cluster=cluster)


def test_flags_arrive_as_text_as_truth_values_or_from_the_environment(monkeypatch):
    monkeypatch.setenv("PULUMI_K8S_ENABLE_SECRET_MUTABLE", "true")
    found = read_configuration({"upsertExistingObjects": "true", "deleteUnreachable": True})
    assert (found.upsert_existing_objects, found.delete_unreachable, found.enable_secret_mutable) == (True, True, True)
    assert found.enable_server_side_apply
    assert not read_configuration({"enableServerSideApply": "false"}).enable_server_side_apply


def test_the_argument_outranks_the_environment(monkeypatch):
    monkeypatch.setenv("PULUMI_K8S_CLIENT_QPS", "7")
    settings = read_configuration({"kubeClientSettings": json.dumps({"qps": 9, "burst": 18, "timeout": 5})})
    assert (settings.requests_a_second, settings.burst, settings.request_seconds) == (9, 18, 5)
    assert read_configuration({}).requests_a_second == 7


@pytest.mark.parametrize("value", ["x", "-1", "0"])
def test_a_limit_that_is_no_positive_number_is_named(value):
    with pytest.raises(ProviderError, match=r"kubeClientSettings\.qps must be a number above zero"):
        read_configuration({"kubeClientSettings": {"qps": value}})


def test_rendering_yaml_is_refused_with_what_to_do():
    (name, reason), *_ = failures({"renderYamlToDirectory": "/x"})
    assert name == "renderYamlToDirectory"
    assert "official kubernetes plugin" in reason
    with pytest.raises(ProviderError, match="does not render YAML"):
        read_configuration({"renderYamlToDirectory": "/x"})


def test_a_renewed_token_replaces_nothing():
    before, after = {"kubeconfig": json.dumps(config())}, {"kubeconfig": Secret(json.dumps(config(token="new")))}
    assert changed_settings(before, after) == (["kubeconfig"], [])


def test_another_server_replaces_everything_unless_the_cluster_has_an_identifier():
    before, after = {"kubeconfig": config()}, {"kubeconfig": config(server="https://c")}
    assert changed_settings(before, after) == (["kubeconfig"], ["kubeconfig"])
    same = {"clusterIdentifier": "prod"}
    assert changed_settings(before | same, after | same) == (["kubeconfig"], [])
    assert changed_settings(before | same, after | {"clusterIdentifier": "other"})[1] == ["clusterIdentifier"]


def test_giving_a_cluster_its_first_identifier_replaces_nothing():
    before = {"kubeconfig": config()}
    assert changed_settings(before, before | {"clusterIdentifier": "prod"}) == (["clusterIdentifier"], [])


def test_another_context_replaces_when_it_leads_to_another_cluster():
    before = {"kubeconfig": config()}
    assert changed_settings(before, before | {"context": "two"}) == (["context"], ["context"])
    assert changed_settings(before, before | {"context": "one"}) == (["context"], [])


def test_an_unknown_kubeconfig_replaces_nothing_before_it_is_known():
    assert changed_settings({"kubeconfig": config()}, {"kubeconfig": UNKNOWN}) == (["kubeconfig"], [])


def test_context_and_cluster_can_be_chosen():
    assert access(config()).server == "https://a"
    assert access(config()).namespace == "mine"
    assert not access(config(), context="two").verify
    assert access(config(), cluster="two").server == "https://b"


@pytest.mark.parametrize(
    ("context", "message"), [("three", "no context 'three'"), (None, "no cluster 'gone'")], ids=["context", "cluster"]
)
def test_what_a_kubeconfig_lacks_is_named(context, message):
    document = config()
    document["contexts"][0]["context"]["cluster"] = "gone"
    with pytest.raises(UnreachableError, match=message):
        access(document, context=context)


def test_a_kubeconfig_is_text_or_a_path_with_files_beside_it(tmp_path):
    document = config(tokenFile="token")
    del document["users"][0]["user"]["token"]
    (tmp_path / "token").write_text("from-file\n")
    (tmp_path / "config").write_text(json.dumps(document))
    found = kubeconfig.load(str(tmp_path / "config"))
    assert kubeconfig.resolve(found, context=None, cluster=None).headers == {"Authorization": "Bearer from-file"}
    assert kubeconfig.load(json.dumps(config())) == (config(), None)


def test_a_path_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(UnreachableError, match=r"absent.*No such file"):
        kubeconfig.load(str(tmp_path / "absent"))


def test_several_files_in_the_variable_add_up_and_the_first_wins(tmp_path, monkeypatch):
    (tmp_path / "a").write_text(json.dumps({**config(), "contexts": []}))
    (tmp_path / "b").write_text(json.dumps(config(server="https://never")))
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'a'}:{tmp_path / 'b'}:{tmp_path / 'absent'}")
    assert kubeconfig.resolve(kubeconfig.load(None), context=None, cluster=None).server == "https://a"


def test_a_credential_plugin_is_run_with_its_arguments_and_environment():
    script = (
        "import json, os, sys; asked = json.loads(os.environ['KUBERNETES_EXEC_INFO'])\n"
        "print(json.dumps({'status': {'token': asked['kind'] + sys.argv[1] + os.environ['EXTRA']}}))"
    )
    plugin = {"command": sys.executable, "args": ["-c", script, "-x"], "env": [{"name": "EXTRA", "value": "-y"}]}
    document = config(token=None, exec=plugin)
    assert access(document).headers == {"Authorization": "Bearer ExecCredential-x-y"}


def test_a_failing_credential_plugin_is_quoted():
    plugin = {"command": sys.executable, "args": ["-c", "import sys; sys.exit('log in first')"]}
    with pytest.raises(UnreachableError, match="log in first"):
        access(config(token=None, exec=plugin))


def test_user_name_and_password_are_sent_as_basic_authentication():
    headers = access(config(token=None, username="u", password="p")).headers
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"u:p"


def test_credentials_stay_out_of_the_representation():
    assert "sesame" not in repr(access(config(token="sesame")))


def test_without_any_kubeconfig_the_ways_to_give_one_are_told(monkeypatch, tmp_path):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "absent"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(UnreachableError, match="set `kubeconfig` on the provider"):
        kubeconfig.resolve(kubeconfig.load(None), context=None, cluster=None)
