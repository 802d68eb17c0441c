from __future__ import annotations

import base64
import sys
from textwrap import dedent

import pytest
import yaml

from infra.observed import ApiServer, KubeconfigError, UnreachableError, load_access
from infra.observed.api import _proxy


def kubeconfig(user=None, *, cluster=None, name="here", current="here"):
    return yaml.safe_dump(
        {
            "current-context": current,
            "clusters": [{"name": name, "cluster": {"server": f"https://{name}.example.com/", **(cluster or {})}}],
            "users": [{"name": name, "user": user or {}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        }
    )


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch, tmp_path):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


def test_files_of_kubeconfig_are_merged_and_the_first_wins(monkeypatch, tmp_path):
    (tmp_path / "a").write_text(kubeconfig(name="a", current=None))
    (tmp_path / "b").write_text(kubeconfig(name="b", current="b"))
    (tmp_path / "c").write_text(kubeconfig(name="a", current="a", cluster={"server": "https://other"}))
    monkeypatch.setenv("KUBECONFIG", ":".join(str(tmp_path / name) for name in ("a", "missing", "b", "c")))
    assert load_access().server == "https://b.example.com"
    assert load_access(context="a").server == "https://a.example.com"


def test_an_explicit_kubeconfig_keeps_the_environment_s_out(monkeypatch, tmp_path):
    (tmp_path / "a").write_text(kubeconfig(name="a", current="a"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "a"))
    assert load_access(kubeconfig()).context == "here"


def test_paths_are_relative_to_their_own_file(tmp_path):
    (tmp_path / "token").write_text("from-file\n")
    (tmp_path / "config").write_text(kubeconfig({"tokenFile": "token", "token": "ignored"}))
    credentials = load_access(str(tmp_path / "config")).credentials()
    assert credentials.headers == {"Authorization": "Bearer from-file"}


def test_certificates_may_be_inline():
    data = {key: base64.b64encode(key.encode()).decode() for key in ("client-certificate-data", "client-key-data")}
    access = load_access(kubeconfig(data, cluster={"certificate-authority-data": base64.b64encode(b"CA").decode()}))
    assert access.authority == b"CA"
    assert access.credentials().certificate == b"client-certificate-data"
    assert access.credentials().key == b"client-key-data"


def test_no_secret_is_shown_in_a_repr():
    access = load_access(kubeconfig({"token": "hush"}))
    assert "hush" not in repr(access) + repr(access.credentials())


def plugin(tmp_path, code, **fields):
    script = tmp_path / "plugin.py"
    script.write_text(dedent(code))
    return load_access(kubeconfig({"exec": {"command": sys.executable, "args": [str(script)], **fields}}))


def test_a_credential_plugin_is_asked_with_its_environment(tmp_path):
    access = plugin(
        tmp_path,
        """
        import json, os
        asked = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
        assert asked["kind"] == "ExecCredential"
        print(json.dumps({"status": {"token": os.environ["WHO"]}}))
        """,
        env=[{"name": "WHO", "value": "me"}],
    )
    assert access.credentials().headers == {"Authorization": "Bearer me"}


def test_a_failing_credential_plugin_is_told_with_its_own_words(tmp_path):
    access = plugin(tmp_path, "import sys; sys.exit('log in first')")
    with pytest.raises(KubeconfigError, match="failed: log in first"):
        access.credentials()
    with pytest.raises(UnreachableError, match="log in first"):
        ApiServer(access).get("/version")


def test_a_credential_plugin_that_says_nothing_useful_is_told(tmp_path):
    with pytest.raises(KubeconfigError, match="gave no credential"):
        plugin(tmp_path, "print('hello')").credentials()


def test_a_missing_credential_plugin_is_told_with_its_hint():
    access = load_access(kubeconfig({"exec": {"command": "no-such-plugin", "installHint": "install it"}}))
    with pytest.raises(KubeconfigError, match="no-such-plugin was not found: install it"):
        access.credentials()


@pytest.mark.parametrize(
    ("text", "context", "said"),
    [
        (kubeconfig(), "elsewhere", 'no context "elsewhere"; it has: here'),
        (kubeconfig(current=None), None, "current context"),
        ("a: [", None, "does not exist"),
        ("a: [\n", None, "is not YAML"),
        ("- a\n- b\n", None, "no mapping"),
        (kubeconfig(cluster={"server": ""}), None, "names no server"),
    ],
)
def test_a_kubeconfig_that_will_not_do_is_told_why(text, context, said):
    with pytest.raises(KubeconfigError, match=said):
        load_access(text, context)


def test_the_environment_s_proxy_is_used_but_never_for_this_machine(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    monkeypatch.setenv("NO_PROXY", ".internal.example.com")
    servers = {
        "https://api.example.com": "http://proxy.example.com:3128",
        "https://api.internal.example.com": None,
        "https://127.0.0.1:6443": None,
        "https://localhost:6443": None,
    }
    for server, expected in servers.items():
        assert _proxy(load_access(kubeconfig(cluster={"server": server}))) == expected


def test_the_kubeconfig_s_own_proxy_comes_first(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    access = load_access(kubeconfig(cluster={"proxy-url": "http://other.example.com:8080"}))
    assert _proxy(access) == "http://other.example.com:8080"
