from __future__ import annotations

import os
from pathlib import Path

import docker
import pytest

from sandbox.images import BASE_IMAGE, base, ensure_base_image, ensure_busybox


@pytest.fixture
def made(engine, monkeypatch):
    """The base image where the public registry does not answer."""
    monkeypatch.setenv("SANDBOX_DOCKER_HUB", "http://127.0.0.1:9")
    return ensure_base_image(engine, report=print)


def run(client, image: str, *command: str, **options) -> str:
    return client.containers.run(image, list(command), remove=True, network_mode="host", **options).decode()


def test_the_base_image_has_the_python_of_its_name(client, made):
    assert made == BASE_IMAGE
    for command in ("python", "python3"):
        assert run(client, made, command, "--version").startswith("Python 3.11.")
    assert "python 3.11" in run(client, made, "pip", "--version")


def test_a_library_can_be_installed_in_a_build(client, made, tmp_path):
    """By pip from a wheel of our own, without a word about an environment that is managed by somebody else."""
    (tmp_path / "setup.cfg").write_text("[metadata]\nname = probe\nversion = 1\n[options]\npy_modules = probe\n")
    (tmp_path / "pyproject.toml").write_text('[build-system]\nrequires = ["setuptools"]\n')
    (tmp_path / "probe.py").write_text("print('probed')\n")
    (tmp_path / "Dockerfile").write_text(
        f"FROM docker.io/library/{made}\nCOPY . /probe\n"
        "RUN pip install --no-index --no-build-isolation --root-user-action=ignore /probe\n"
    )
    image, _ = client.images.build(path=str(tmp_path), network_mode="host", rm=True, tag="ml-platform-test:probe")
    assert run(client, image.id, "python", "-c", "import probe") == "probed\n"
    client.images.remove("ml-platform-test:probe", force=True)


def test_builds_trust_what_this_machine_trusts(client, made):
    bundle = run(client, made, "cat", "/etc/ssl/certs/ca-certificates.crt").encode()
    assert bundle == base._certificates()


def test_an_image_that_is_there_is_left_alone(engine, client, made):
    before = client.images.get(made).id
    lines: list[str] = []
    assert ensure_base_image(engine, report=lines.append) == made
    assert lines == []
    assert client.images.get(made).id == before


def test_an_index_with_a_password_is_not_written_into_images(monkeypatch):
    lines: list[str] = []
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:secret@index.example.test/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://plain.example.test/simple")
    written = base._pip_configuration(lines.append)
    assert "secret" not in written
    assert "extra-index-url = https://plain.example.test/simple" in written
    assert lines == ["PIP_INDEX_URL has credentials, which an image would keep: builds go without it"]


def test_busybox_has_a_shell_and_small_servers(engine, client):
    image = ensure_busybox(engine)
    assert run(client, image, "sh", "-c", "echo $((6 * 7)); ls /bin/httpd /bin/wget") == "42\n/bin/httpd\n/bin/wget\n"
    assert client.images.get(image).attrs["Size"] < 4_000_000


def test_an_image_of_the_example_shares_all_layers_but_the_model_and_runs_as_nobody(client, made):
    """Both versions, built as the platform builds them; read-only root, no privileges."""
    iris = Path(__file__).parents[3] / "examples" / "iris"
    layers = {}
    for version in ("1", "2"):
        image, _ = client.images.build(
            path=str(iris),
            network_mode="host",
            rm=True,
            tag=f"ml-platform-test:iris-{version}",
            buildargs={"VERSION": version, "BASE_IMAGE": f"docker.io/library/{made}"},
        )
        layers[version] = image.attrs["RootFS"]["Layers"]
        assert image.attrs["Config"]["User"] == "10001:10001"
    assert layers["1"][:-1] == layers["2"][:-1]
    assert layers["1"][-1] != layers["2"][-1]
    probe = "import json, os, server; print(os.getuid(), server.Classifier.load(server.Path('model')).version)"
    restricted = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges"]}
    for version in ("1", "2"):
        said = run(client, f"ml-platform-test:iris-{version}", "python", "-c", probe, **restricted)
        assert said == f"10001 {version}\n"
    with pytest.raises(docker.errors.ContainerError, match="Read-only file system"):
        run(client, "ml-platform-test:iris-1", "touch", "/srv/model/other", **restricted, user=str(os.getuid()))
