"""Images through the real engines: Pulumi's, Docker's and a registry's."""

from __future__ import annotations

import json
import re
import shutil
import signal
import urllib.request

import docker
import pytest

PROGRAM = """
    import json, pathlib
    import pulumi
    import pulumi_docker as docker

    arguments = json.loads(pathlib.Path("arguments.json").read_text())
    if "registry" in arguments:
        arguments["registry"]["password"] = pulumi.Output.secret(arguments["registry"]["password"])
    image = docker.Image("app", **arguments)
    names = "base_image_name context dockerfile image_name platform registry_server repo_digest"
    for name in names.split():
        pulumi.export(name, getattr(image, name))
"""
DOCKERFILE = """
    FROM scratch AS base
    ARG WORD=none
    LABEL word=$WORD
    COPY note.txt /
    FROM base AS other
    LABEL other=yes
    FROM base
"""


@pytest.fixture
def app(project, docker_host):
    """A project with one image, whose arguments are in a file beside it."""
    project.environment["DOCKER_HOST"] = docker_host
    project.environment["DOCKER_CONFIG"] = str(project.directory / "no-docker-settings")
    project.describe(PROGRAM)
    project.write("app/Dockerfile", DOCKERFILE)
    project.write("app/note.txt", "one\n")
    return project


def ask(app, name, *, build=None, **arguments):
    app.write(
        "arguments.json", json.dumps({"image_name": name, "build": {"context": "app"} | (build or {})} | arguments)
    )


def up(app):
    return app.run("up", "--yes", "--skip-preview")


def manifest(reference):
    repository, _, tag = reference.rpartition("@") if "@" in reference else reference.rpartition(":")
    server, _, name = repository.partition("/")
    request = urllib.request.Request(
        f"http://{server}/v2/{name}/manifests/{tag}",
        headers={"Accept": "application/vnd.docker.distribution.manifest.v2+json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.headers["Docker-Content-Digest"], json.load(answer)


def labels(reference):
    server, _, name = reference.partition("@")[0].partition("/")
    _, content = manifest(reference)
    with urllib.request.urlopen(f"http://{server}/v2/{name}/blobs/{content['config']['digest']}", timeout=10) as answer:
        return json.load(answer)["config"]["Labels"]


def test_an_image_is_built_pushed_and_described_as_the_official_provider_does(app, repository):
    ask(app, f"{repository}:v1", build={"args": {"WORD": "hello"}})
    shown = up(app)
    assert re.search(r"building|Step \d/\d|pushing|Pushed", shown)  # which of them depends on how fast it goes
    digest = app.output("repo_digest")
    assert digest == f"{repository}@{manifest(f'{repository}:v1')[0]}"
    assert labels(digest)["word"] == "hello"
    assert app.output("base_image_name") == app.output("image_name") == f"{repository}:v1"
    assert app.output("context") == "app"
    assert app.output("dockerfile") == "Dockerfile"
    assert app.output("platform").startswith("linux/")
    (image,) = [r for r in app.resources() if r["type"] == "docker:index/image:Image"]
    assert image["id"] == f"{repository}:v1"
    assert len(image["inputs"]["build"]["contextDigest"]) == 64
    assert "ciphertext" in image["outputs"]["__inputs"]


def test_nothing_is_built_when_nothing_changed_that_the_build_sees(app, repository):
    app.write("app/.dockerignore", "*.log\n")
    ask(app, f"{repository}:v1")
    up(app)
    app.write("app/noise.log", "noise\n")
    app.environment["DOCKER_HOST"] = "unix:///nowhere"  # it would fail if it tried
    assert "2 unchanged" in app.run("up", "--yes")


def test_a_changed_file_or_argument_builds_again(app, repository):
    ask(app, f"{repository}:v1")
    up(app)
    first = app.output("repo_digest")
    app.write("app/note.txt", "two\n")
    assert "1 to update" in app.run("preview")
    assert "1 updated" in up(app)
    second = app.output("repo_digest")
    ask(app, f"{repository}:v1", build={"args": {"WORD": "changed"}})
    assert "1 updated" in up(app)
    third = app.output("repo_digest")
    assert len({first, second, third}) == 3
    assert third.endswith(manifest(f"{repository}:v1")[0])


def test_new_credentials_are_no_reason_to_build(app, guarded_registry):
    registry = {"server": guarded_registry, "username": "someone", "password": "hush"}
    ask(app, f"{guarded_registry}/app:v1", registry=registry)
    shown = up(app)
    ask(app, f"{guarded_registry}/app:v1", registry=registry | {"password": "another"})
    assert "2 unchanged" in up(app)
    assert "hush" not in shown
    assert "hush" not in app.run("stack", "export")


def test_a_registry_that_refuses_is_told_in_its_own_words(app, guarded_registry):
    ask(app, f"{guarded_registry}/app:v1", registry={"username": "someone", "password": "wrong"})
    shown = app.run("up", "--yes", "--skip-preview", succeeds=False)
    assert "no basic auth credentials" in shown or "unauthorized" in shown
    assert "wrong" not in shown


def test_a_failing_step_is_shown_with_what_it_said(app, repository):
    app.write("app/Dockerfile", "FROM scratch\nCOPY absent.txt /\n")
    ask(app, f"{repository}:v1")
    shown = app.run("up", "--yes", "--skip-preview", succeeds=False)
    assert "COPY absent.txt" in shown
    assert "not found" in shown or "no such file" in shown
    assert not [r for r in app.resources() if r["type"] == "docker:index/image:Image"]


def test_without_a_docker_engine_the_preview_works_and_the_update_says_so(app, repository):
    app.environment["DOCKER_HOST"] = "unix:///nowhere/docker.sock"
    ask(app, f"{repository}:v1")
    assert "2 to create" in app.run("preview")
    shown = app.run("up", "--yes", "--skip-preview", succeeds=False)
    assert "Error while fetching server API version" in shown
    assert "Traceback" not in shown


def test_the_digest_is_unknown_in_a_preview_that_will_build(app, repository):
    ask(app, f"{repository}:v1")
    assert "repo_digest    : [unknown]" in app.run("preview", "--diff")
    up(app)
    assert "[unknown]" not in app.run("preview", "--diff")


def test_an_image_can_be_built_in_a_preview_and_is_not_pushed_then(app, repository, docker_host):
    ask(app, f"{repository}:v1", build_on_preview=True)
    app.run("preview")
    assert docker.APIClient(docker_host).inspect_image(f"{repository}:v1")["Id"]
    with pytest.raises(OSError, match="404"):
        manifest(f"{repository}:v1")


def test_an_image_that_is_not_pushed_has_its_id_as_digest(app):
    ask(app, "local-only:v1", skip_push=True)
    up(app)
    assert app.output("repo_digest").startswith("sha256:")


def test_a_target_is_built_and_nothing_after_it(app, repository):
    ask(app, f"{repository}:v1", build={"target": "other"})
    up(app)
    assert labels(app.output("repo_digest"))["other"] == "yes"


def test_a_dockerfile_may_lie_outside_of_the_context(app, repository):
    app.write("Outside", "FROM scratch\nCOPY note.txt /\nLABEL outside=yes\n")
    ask(app, f"{repository}:v1", build={"dockerfile": "Outside"})
    up(app)
    assert labels(app.output("repo_digest"))["outside"] == "yes"


def test_layers_may_come_from_an_image_that_was_pushed_before_or_is_not_there(app, repository):
    ask(app, f"{repository}:v1")
    up(app)
    ask(app, f"{repository}:v2", build={"cache_from": {"images": [f"{repository}:v1", f"{repository}:absent"]}})
    shown = up(app)
    assert f"cacheFrom {repository}:absent" in shown
    assert "1 updated" in shown


@pytest.mark.skipif(not shutil.which("busybox"), reason="no busybox to run in an image")
def test_a_step_runs_with_the_hosts_network_and_added_hosts(app, repository):
    shutil.copy(shutil.which("busybox"), app.directory / "app/busybox")
    # It fails where the line is not there.
    step = '["/bin/busybox", "grep", "192.0.2.7.*model.example", "/etc/hosts"]'
    app.write("app/Dockerfile", f"FROM scratch\nCOPY busybox /bin/busybox\nRUN {step}\n")
    ask(app, f"{repository}:v1", build={"network": "host", "add_hosts": ["model.example:192.0.2.7"]})
    up(app)


def test_inputs_that_cannot_work_are_refused_in_the_preview(app):
    ask(app, "127.0.0.1:1/app:v1", build={"dockerfile": "Dockerfile"})
    shown = app.run("preview", succeeds=False)
    assert "build.dockerfile" in shown
    assert "did you mean app/Dockerfile?" in shown


def test_a_destroyed_image_stays_in_the_registry(app, repository):
    ask(app, f"{repository}:v1")
    up(app)
    app.run("destroy", "--yes")
    assert manifest(f"{repository}:v1")[0].startswith("sha256:")


def test_a_refresh_and_another_resource_type_are_answered(app, repository):
    ask(app, f"{repository}:v1")
    up(app)
    assert "2 unchanged" in app.run("refresh", "--yes")
    app.write("__main__.py", "import pulumi_docker\npulumi_docker.Network('net')\n")
    assert "docker:index/network:Network" in app.run("preview", succeeds=False)


@pytest.fixture
def building(app, repository):
    """A build whose one step speaks twice a second and would take ten minutes."""
    shutil.copy(shutil.which("busybox") or pytest.skip("no busybox to run in an image"), app.directory / "app/busybox")
    loop = "for i in `/bin/busybox seq 1200`; do echo $i; /bin/busybox sleep 0.5; done"
    app.write(
        "app/Dockerfile", f'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "sh", "-c", "{loop}"]\n'
    )
    ask(app, f"{repository}:v1", build={"network": "host"})
    process = app.start("up", "--yes", "--skip-preview")
    for line in process.stdout:
        if "Step 3/3" in line or re.search(r"creating \(\d+s\) \d+", line):
            break
    yield app, process
    process.kill()
    process.communicate()


def test_ctrl_c_ends_a_build(building):
    app, process = building
    process.send_signal(signal.SIGINT)
    shown, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "cancelled" in shown
    assert app.gone_within(6), app.processes()


def test_a_killed_engine_leaves_no_provider(building):
    app, process = building
    process.kill()
    assert app.gone_within(6), app.processes()
