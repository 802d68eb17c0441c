"""Which two states are compared, and which environments a change touches."""

from __future__ import annotations

import subprocess

import pytest

from review.ended import ReviewError
from review.touched import removed, touched
from review.trees import base_of, changed_files, copy_base, copy_head


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "repository")


class Repository:
    """main with two stacks, and a branch `change` that is checked out."""

    def __init__(self, root):
        self.root = root
        root.mkdir()
        self.git("init", "-q", "-b", "main")
        self.write(".gitignore", "secret\n")
        for name in ("dev", "prod"):
            self.write(f"stacks/Pulumi.{name}.yaml", "one")
        self.commit("one")
        self.git("checkout", "-qb", "change")

    def git(self, *arguments):
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *identity, *arguments], cwd=self.root, check=True, capture_output=True)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit(self, message):
        self.git("add", ".")
        self.git("commit", "-qm", message)


def test_the_base_is_where_the_branch_left_it_so_that_others_merges_are_no_change(repository, tmp_path):
    repository.git("checkout", "-q", "main")
    repository.write("stacks/Pulumi.dev.yaml", "another's")
    repository.commit("another's")
    repository.git("checkout", "-q", "change")
    repository.write("stacks/Pulumi.prod.yaml", "two")
    base = base_of(repository.root, "main")
    assert changed_files(repository.root, base) == ["stacks/Pulumi.prod.yaml"]
    copy_base(repository.root, base, tmp_path / "base")
    copy_head(repository.root, tmp_path / "head")
    for tree, text in (("base", "one"), ("head", "two")):
        assert (tmp_path / tree / "stacks" / "Pulumi.prod.yaml").read_text() == text
        assert (tmp_path / tree / ".venv" / "bin" / "python").exists()


def test_the_head_has_what_is_not_committed_yet_and_nothing_that_git_ignores(repository, tmp_path):
    repository.write("new", "new")
    repository.write("secret", "secret")
    (repository.root / "stacks" / "Pulumi.dev.yaml").unlink()
    copy_head(repository.root, tmp_path / "head")
    assert (tmp_path / "head" / "new").read_text() == "new"
    assert not (tmp_path / "head" / "secret").exists()
    assert not (tmp_path / "head" / "stacks" / "Pulumi.dev.yaml").exists()
    assert changed_files(repository.root, base_of(repository.root, "main")) == ["new", "stacks/Pulumi.dev.yaml"]


def test_a_branch_that_git_does_not_know_is_named_with_what_to_do(repository):
    with pytest.raises(ReviewError, match="git knows no nowhere: fetch it first"):
        base_of(repository.root, "nowhere")


@pytest.mark.parametrize(
    ("files", "stacks"),
    [
        (["stacks/Pulumi.prod.yaml", "docs/switch.md"], ["prod"]),
        (["infra/program.py"], ["dev", "prod"]),
        (["tests/infra/test_program.py", "README.md"], []),
    ],
)
def test_a_change_touches_the_stacks_that_are_made_from_it(repository, files, stacks):
    repository.write("stacks/Pulumi.local.yaml", "mine")
    assert touched(repository.root, files) == stacks


def test_a_stack_whose_file_goes_is_told(repository):
    (repository.root / "stacks" / "Pulumi.dev.yaml").unlink()
    assert removed(repository.root, ["stacks/Pulumi.dev.yaml", "stacks/Pulumi.prod.yaml"]) == ["dev"]
