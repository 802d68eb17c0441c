from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rollout.pin import pin
from rollout.target import RefusedError

REPOSITORY = Path(__file__).resolve().parents[2]
DIGEST = "sha256:" + "8" * 64


def unasked() -> object:
    raise AssertionError("a digest that stands in the file is not asked of the engine")


@pytest.fixture
def root(tmp_path) -> Path:
    """Our own stacks, where staging serves version 8 of churn and prod has it too."""
    shutil.copy(REPOSITORY / "Pulumi.yaml", tmp_path)
    shutil.copytree(REPOSITORY / "stacks", tmp_path / "stacks")
    return tmp_path


def models(root: Path, stack: str) -> dict:
    return yaml.safe_load((root / "stacks" / f"Pulumi.{stack}.yaml").read_text())["config"]["ml-platform:models"]


def edit(root: Path, stack: str, before: str, after: str) -> None:
    path = root / "stacks" / f"Pulumi.{stack}.yaml"
    text = path.read_text()
    assert text.count(before) == 1, before
    path.write_text(text.replace(before, after))


def without_version(root: Path, version: str) -> None:
    """Take a version out of prod's catalogue of churn; the other one stands in both slots' place."""
    path = root / "stacks" / "Pulumi.prod.yaml"
    text = path.read_text()
    start = text.index(f'        "{version}":\n')
    end = text.index("      slots:", start)
    text = text[:start] + text[end:]
    path.write_text(
        text.replace('slots: {blue: "7", green: "8"}\n      active: green', 'slots: {blue: "7"}\n      active: blue')
    )


def test_a_version_that_is_new_to_a_stack_comes_with_all_that_it_needs(root):
    without_version(root, "8")
    change = pin(root, "churn", "8", source="staging", target="prod", outputs=unasked)
    assert models(root, "prod")["churn"]["versions"]["8"] == models(root, "staging")["churn"]["versions"]["8"]
    added = [
        line for line in change.splitlines() if line.startswith(("+", "-")) and not line.startswith(("+++", "---"))
    ]
    assert all(line.startswith("+") for line in added)
    assert added[0] == '+        "8":'


def test_pinning_twice_changes_nothing(root):
    without_version(root, "8")
    assert pin(root, "churn", "8", source="staging", target="prod", outputs=unasked)
    before = (root / "stacks" / "Pulumi.prod.yaml").read_bytes()
    assert pin(root, "churn", "8", source="staging", target="prod", outputs=unasked) == ""
    assert (root / "stacks" / "Pulumi.prod.yaml").read_bytes() == before


def test_a_version_that_is_built_there_is_pinned_to_the_digest_that_serves_there(root):
    for stack in ("staging", "prod"):
        image = models(root, stack)["churn"]["versions"]["8"]["image"]
        edit(root, stack, f"image: {image}", "build: {context: examples/churn}")
    ledger = {
        "churn": {
            "active": "blue",
            "slots": {
                "blue": {"version": "8", "image": f"registry.example.com/ml/churn:8@{DIGEST}"},
                "green": {"version": "9", "image": "registry.example.com/ml/churn:9@sha256:ffff"},
            },
        }
    }
    change = pin(root, "churn", "8", source="staging", target="prod", outputs=lambda: ledger)
    assert f"+          image: churn@{DIGEST}" in change
    assert "-          build: {context: examples/churn}" in change
    assert models(root, "prod")["churn"]["versions"]["8"]["resources"] == {"memory": "2Gi"}


@pytest.mark.parametrize("ledger", [None, {}, {"churn": {"active": "blue", "slots": {"blue": {"version": "7"}}}}])
def test_a_digest_that_nobody_knows_yet_is_not_pinned(root, ledger):
    image = models(root, "staging")["churn"]["versions"]["8"]["image"]
    edit(root, "staging", f"image: {image}", "build: {context: examples/churn}")
    with pytest.raises(RefusedError, match="no digest of it: pulumi up -s staging first"):
        pin(root, "churn", "8", source="staging", target="prod", outputs=lambda: ledger)


def test_a_version_that_has_another_digest_is_never_changed(root):
    image = models(root, "prod")["churn"]["versions"]["8"]["image"]
    edit(root, "prod", image, f"churn@{DIGEST}")
    before = (root / "stacks" / "Pulumi.prod.yaml").read_bytes()
    with pytest.raises(RefusedError, match="a version is never changed; add one with a name of its own"):
        pin(root, "churn", "8", source="staging", target="prod", outputs=unasked)
    assert (root / "stacks" / "Pulumi.prod.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("model", "version", "why"),
    [
        ("churn", "9", "version 9 of churn does not serve in staging; 8 does"),
        ("churn", "10", 'no version 10 of churn in staging; known: "7", "8", "9"'),
        ("chrn", "8", 'did you mean "churn"?'),
    ],
)
def test_what_does_not_serve_there_is_refused(root, model, version, why):
    with pytest.raises(RefusedError) as refused:
        pin(root, model, version, source="staging", target="prod", outputs=unasked)
    assert why in str(refused.value)


def test_a_version_that_does_not_fit_there_is_refused_before_anything_is_written(root):
    without_version(root, "8")
    edit(root, "staging", 'env: {THRESHOLD: "0.5"}', 'env: {THRESHOLD: "0.5"}\n          secretEnv: {KEY: churn-key}')
    salt = "  ml-platform:secrets:\n    churn-key:\n      secure: v1:AAAA:BBBB\n"
    path = root / "stacks" / "Pulumi.staging.yaml"
    path.write_text(path.read_text() + salt)
    before = (root / "stacks" / "Pulumi.prod.yaml").read_bytes()
    with pytest.raises(
        RefusedError, match=r'does not fit there, so nothing was written:\n.*unknown secret "churn-key"'
    ):
        pin(root, "churn", "8", source="staging", target="prod", outputs=unasked)
    assert (root / "stacks" / "Pulumi.prod.yaml").read_bytes() == before


def test_the_command_says_what_it_changed_and_where_to_go_on(root):
    without_version(root, "8")
    for package in ("rollout", "infra", "components"):
        shutil.copytree(REPOSITORY / package, root / package)
    command = [sys.executable, "-m", "rollout.pin", "churn", "8", "--from", "staging", "--to", "prod"]
    done = subprocess.run(command, cwd=root, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "+++ stacks/Pulumi.prod.yaml" in done.stdout
    assert "next: put the version into a slot of prod" in done.stdout
    again = subprocess.run(command, cwd=root, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert again.stdout == "version 8 of churn is pinned to that digest in prod already\n"
