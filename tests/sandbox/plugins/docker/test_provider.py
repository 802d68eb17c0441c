"""What the provider makes of inputs, before any engine is asked."""

from __future__ import annotations

import pytest

from sandbox.plugins.docker.inputs import InputError, with_defaults
from sandbox.plugins.docker.provider import DockerProvider
from sandbox.plugins.properties import UNKNOWN, Secret, decode, encode
from sandbox.plugins.protocol import provider_pb2

NONE, SOME = provider_pb2.DiffResponse.DIFF_NONE, provider_pb2.DiffResponse.DIFF_SOME
IMAGE = "docker:index/image:Image"


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app").mkdir()
    (tmp_path / "app/Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "app/note.txt").write_text("one\n")
    return tmp_path


@pytest.fixture
def provider():
    return DockerProvider(engine_address="")


def inputs(**changes):
    return {"imageName": "registry.example.com/app:v1", "build": {"context": "app"}} | changes


def check(provider, given):
    answer = provider.Check(provider_pb2.CheckRequest(type=IMAGE, news=encode(given)), None)
    assert not answer.failures
    return decode(answer.inputs)


def diff(provider, old, new):
    request = provider_pb2.DiffRequest(olds=encode({"repoDigest": "x", "__inputs": Secret(old)}), news=encode(new))
    return provider.Diff(request, None)


def test_defaults_are_those_of_the_official_provider(provider):
    checked = check(provider, inputs())
    assert checked["buildOnPreview"] is False
    assert checked["build"]["dockerfile"] == "app/Dockerfile"
    assert checked["build"]["platform"].startswith("linux/")
    assert len(checked["build"]["contextDigest"]) == 64
    assert check(provider, checked) == checked


def change_content(app):
    (app / "note.txt").write_text("two\n")


def change_mode(app):
    (app / "note.txt").chmod(0o755)


def change_name(app):
    (app / "note.txt").rename(app / "other.txt")


def change_dockerfile(app):
    (app / "Dockerfile").write_text("FROM scratch AS another\n")


@pytest.mark.parametrize("change", [change_content, change_mode, change_name, change_dockerfile])
def test_a_change_of_a_file_is_a_change_of_the_image(provider, project, change):
    old = check(provider, inputs())
    change(project / "app")
    answer = diff(provider, old, check(provider, inputs()))
    assert answer.changes == SOME
    assert list(answer.diffs) == ["build"]


def test_equal_inputs_are_no_change_with_the_official_providers_state_too(provider):
    checked = check(provider, inputs())
    assert diff(provider, checked, checked).changes == NONE


def test_a_new_server_is_a_change_and_new_credentials_are_none(provider):
    old = check(provider, inputs(registry={"server": "one.example", "username": "a", "password": "b"}))
    same = check(provider, inputs(registry={"server": "one.example", "username": "c", "password": "d"}))
    moved = check(provider, inputs(registry={"server": "two.example", "username": "a", "password": "b"}))
    assert diff(provider, old, same).changes == NONE
    assert diff(provider, old, moved).changes == SOME


@pytest.mark.parametrize("unknown", [{"imageName": UNKNOWN}, {"build": UNKNOWN}, {"build": {"context": UNKNOWN}}])
def test_unknown_inputs_pass_a_preview_and_leave_the_digest_unknown(provider, unknown):
    checked = check(provider, inputs(**unknown))
    request = provider_pb2.CreateRequest(urn="urn", properties=encode(checked), preview=True)
    state = decode(provider.Create(request, None).properties)
    assert state["repoDigest"] is UNKNOWN


@pytest.mark.parametrize(
    ("build", "path", "reason"),
    [
        ({"context": "absent"}, "build.context", "no such folder: absent"),
        ({"context": "app", "dockerfile": "Dockerfile"}, "build.dockerfile", "did you mean app/Dockerfile?"),
        ({"context": "app", "dockerfile": "none"}, "build.dockerfile", "no such file: none"),
        ({"context": "app", "builderVersion": "Third"}, "build.builderVersion", "BuilderV1, BuilderBuildKit"),
        ({"context": "app", "addHosts": ["nowhere"]}, "build.addHosts", "host:ip"),
        ({"context": "app", "cacheFrom": {}}, "build.cacheFrom", "no images"),
    ],
)
def test_an_input_that_cannot_work_is_refused_with_its_path(build, path, reason):
    with pytest.raises(InputError, match=reason.replace("?", r"\?")) as refused:
        with_defaults(inputs(build=build))
    assert refused.value.path == path


def test_a_setting_that_would_be_ignored_is_refused(provider):
    request = provider_pb2.CheckRequest(news=encode({"host": "unix:///s", "sshOpts": "[]"}))
    assert [failure.property for failure in provider.CheckConfig(request, None).failures] == ["sshOpts"]
