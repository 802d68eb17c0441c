"""What an ordinary user without Docker has: simulated nodes, and all but a prediction."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from clone import NODE_PORT, Clone
from machine import Found
from neighbours import neighbours

from sandbox.paths import cache_directory
from sandbox.tools import provide
from sandbox.tools.gateway_api import provide_gateway_api

# Debian's user `nobody`; any user without privileges would do.
USER_ID = 65534
TOOLS = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "pulumi", "kubectl"]


class Ordinary(Clone):
    """Commands as an ordinary user, when the tests themselves run as root."""

    def as_user(self, command: tuple[str, ...]) -> tuple[str, ...]:
        if os.geteuid() != 0:
            return command
        return ("setpriv", f"--reuid={USER_ID}", f"--regid={USER_ID}", "--clear-groups", "--inh-caps=-all", *command)

    def run(self, *command: str, **options: object) -> subprocess.CompletedProcess[str]:
        return super().run(*self.as_user(command), **options)

    def json_text(self, *command: str) -> str:
        return super().json_text(*self.as_user(command))


@pytest.fixture(scope="module")
def ordinary():
    with TemporaryDirectory(prefix="ml-platform-ordinary-", ignore_cleanup_errors=True) as name:
        root = Path(name)
        clone = made_for_a_user(root)
        with neighbours(root / "neighbours") as theirs:
            clone.found = Found(clone.directory, theirs)
            try:
                clone.first_up = clone.sandbox("up").stdout
                yield clone
            finally:
                if not clone.is_down:
                    clone.take_down()


def made_for_a_user(root: Path) -> Ordinary:
    """Make a clone that the user owns, with home and caches of its own, and tools on PATH as an admin puts them."""
    root.chmod(0o755)
    tools = root / "tools"
    tools.mkdir()
    for name, tool in provide(TOOLS, report=print).items():
        link_or_copy(str(tool.path), str(tools / name))
    definitions = provide_gateway_api(report=print)
    shutil.copytree(definitions, root / "cache" / definitions.relative_to(cache_directory().parent))
    environment = {
        "PATH": f"{tools}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "HOME": str(root / "home"),
        "XDG_CACHE_HOME": str(root / "cache"),
        "SANDBOX_NODES": "",  # what an ordinary user has, whatever the tests' own user may have
    }
    clone = Ordinary.make(root / "clone", environment=environment)
    (root / "home").mkdir()
    readable_python(clone, root)
    if os.geteuid() == 0:
        own = ["find", str(root), "-not", "-path", "*/.venv/*", "-not", "-path", f"{root}/python/*"]
        own += ["-not", "-path", f"{tools}/*"]
        subprocess.run([*own, "-exec", "chown", "-h", f"{USER_ID}:{USER_ID}", "{}", "+"], check=True)
    return clone


def link_or_copy(source: str, target: str) -> None:
    """Share a file that nobody writes to; half a gigabyte of packages is not worth copying."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def readable_python(clone: Clone, root: Path) -> None:
    """Give the user an interpreter of its own where root's home hides the one that runs the tests."""
    link = clone.directory / ".venv"
    packages = link.resolve()
    if os.geteuid() != 0 or Path.home().stat().st_mode & 0o005:
        return
    prefix = [packages / "bin/python", "-c", "import sys; print(sys.base_prefix)"]
    base = Path(subprocess.check_output(prefix, text=True).strip())
    left_out = shutil.ignore_patterns("test", "__pycache__", "site-packages")
    shutil.copytree(base, root / "python", symlinks=True, ignore=left_out, copy_function=link_or_copy)
    link.unlink()
    shutil.copytree(packages, link, symlinks=True, copy_function=link_or_copy)
    for name in ("python", "python3", "python3.11"):
        (link / "bin" / name).unlink(missing_ok=True)
        (link / "bin" / name).symlink_to(root / "python" / "bin" / "python3")


def test_up_ends_well_and_says_why_there_is_no_prediction(ordinary):
    assert "no prediction: simulated nodes, because" in ordinary.first_up


def test_a_second_up_changes_nothing(ordinary):
    assert "nothing changed" in ordinary.sandbox("up").stdout


def test_a_switch_with_the_smoke_request_off_works(ordinary):
    ordinary.set("models.iris.active", "green")
    preview = ordinary.preview().stdout
    assert "smoke" in preview, "that the smoke request is off is printed in every plan"
    ordinary.up()
    namespace = ordinary.outputs()["models"]["iris"]["namespace"]
    service = ordinary.kubectl("get", "service", "iris", "-n", namespace)
    assert service["spec"]["selector"]["ml-platform/slot"] == "green"
    ordinary.set("models.iris.active", "blue")
    ordinary.up(quick=True)


def test_a_policy_violation_stops_the_preview(ordinary):
    with ordinary.program_with(NODE_PORT):
        refused = ordinary.preview(check=False)
    assert refused.returncode != 0
    assert "service-not-node-port" in refused.stdout, refused.stdout


def test_a_mistake_in_the_stack_file_is_told_with_its_line_and_without_a_traceback(ordinary):
    path = ordinary.directory / "stacks" / "Pulumi.local.yaml"
    text = path.read_text()
    path.write_text(text.replace("active: blue", "active: purple").replace("cpu: 100m", "cpu: lots"))
    try:
        refused = ordinary.up(check=False)
    finally:
        path.write_text(text)
    assert refused.returncode != 0
    assert "models.iris.active" in refused.stdout
    assert "models.iris.resources.cpu" in refused.stdout
    assert "Traceback" not in refused.stdout


def test_a_team_member_may_do_what_the_role_allows_and_no_more(ordinary):
    namespace = ordinary.outputs()["models"]["iris"]["namespace"]

    def may(verb: str, resource: str, where: str) -> bool:
        done = ordinary.run(
            "kubectl",
            "auth",
            "can-i",
            verb,
            resource,
            "-n",
            where,
            "--as=someone",
            "--as-group=data-science",
            check=False,
        )
        return done.stdout.strip().endswith("yes")

    assert may("get", "pods", namespace)
    assert not may("get", "pods", "kube-system")
    assert not may("create", "rolebindings", namespace)


def test_the_quota_acts(ordinary):
    namespace = ordinary.outputs()["models"]["iris"]["namespace"]
    quota = ordinary.kubectl("get", "resourcequota", "-n", namespace)["items"][0]
    assert int(quota["status"]["used"]["pods"]) >= 2
    pod = copy.deepcopy(ordinary.kubectl("get", "pods", "-n", namespace)["items"][0])
    pod["metadata"] = {"name": "large", "namespace": namespace}
    pod["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "900"}}
    file = ordinary.directory / "large.json"
    file.write_text(json.dumps(pod))
    refused = ordinary.run("kubectl", "create", "--dry-run=server", "-f", str(file), check=False)
    assert refused.returncode != 0
    assert "exceeded quota: quota, requested: requests.cpu=900" in refused.stdout


def test_destroy_takes_everything_and_an_up_brings_it_back(ordinary):
    namespace = ordinary.outputs()["models"]["iris"]["namespace"]
    ordinary.run("pulumi", "destroy", "-s", "local", "--yes", "--non-interactive")
    assert ordinary.run("kubectl", "get", "namespace", namespace, check=False).returncode != 0
    ordinary.up(quick=True)
    assert ordinary.kubectl("get", "service", "iris", "-n", namespace)["spec"]["selector"]["ml-platform/slot"] == "blue"


@pytest.mark.last
def test_after_down_the_machine_and_what_was_on_it_before_are_as_they_were(ordinary):
    ordinary.take_down()
    assert ordinary.found.difference() == {}
    assert ordinary.down_seconds < 15
