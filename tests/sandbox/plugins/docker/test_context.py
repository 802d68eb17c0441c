"""What a build sends, and the digest that stands for it."""

from __future__ import annotations

import hashlib
import os
import tarfile

import pytest

from sandbox.plugins.docker.context import BuildContext
from sandbox.plugins.docker.ignore import Ignore, context_files


@pytest.fixture
def folder(tmp_path):
    for path in ("Dockerfile", "a.txt", "a/b.txt", "a/b/c.log", "keep/me.log", "x.log", ".git/config"):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True) if not file.parent.is_file() else None
        file.write_text(path)
        file.chmod(0o644)
    return tmp_path


def sent(folder, rules):
    return [path for path in context_files(folder, Ignore.parse(rules)) if (folder / path).is_file()]


@pytest.mark.parametrize(
    ("rules", "path", "excluded"),
    [
        ("*.log", "x.log", True),
        ("*.log", "keep/me.log", False),
        ("**/*.log", "keep/me.log", True),
        ("**/*.log", "x.log", True),
        ("keep", "keep/me.log", True),
        ("keep/", "keep/me.log", True),
        ("/keep", "keep/me.log", True),
        ("keep/../a", "a/b.txt", True),
        ("**", "a/b.txt", True),
        ("*\n!a.txt", "a.txt", False),
        ("*\n!a.txt", "x.log", True),
        ("keep\n!keep/me.log", "keep/me.log", False),
        ("!x.log\n*.log", "x.log", True),
        ("# *.txt", "a.txt", False),
        ("?.txt", "a.txt", True),
        ("[a-c].txt", "a.txt", True),
        ("[^a].txt", "a.txt", False),
        ("a\\.txt", "a.txt", True),
        ("a.txt", "aXtxt", False),
        (".", "a.txt", False),
        ("a/**/c.log", "a/b/c.log", True),
        ("a/**", "a/b.txt", True),
        ("\ufeff*.log", "x.log", True),
    ],
)
def test_the_rules_of_dockerignore(rules, path, excluded):
    assert Ignore.parse(rules).excludes(path) is excluded


def test_a_file_taken_back_from_an_excluded_folder_is_sent(folder):
    assert sent(folder, "*\n!keep/me.log") == ["keep/me.log"]


def test_names_come_in_the_order_of_the_official_provider(folder):
    assert sent(folder, ".git") == ["Dockerfile", "a/b/c.log", "a/b.txt", "a.txt", "keep/me.log", "x.log"]


def test_the_digest_is_put_together_as_the_official_provider_does(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "Dockerfile").chmod(0o644)
    (tmp_path / "run.sh").write_text("true\n")
    (tmp_path / "run.sh").chmod(0o755)
    dockerfile, script = hashlib.sha256(b"FROM scratch\n").digest(), hashlib.sha256(b"true\n").digest()
    expected = hashlib.sha256(
        b"Dockerfile" + b"----------" + dockerfile + b"\0"
        b"Dockerfile" + b"-rw-r--r--" + dockerfile + b"\0"
        b"run.sh" + b"-rwxr-xr-x" + script + b"\0"
    ).hexdigest()
    assert BuildContext(folder=tmp_path, dockerfile=tmp_path / "Dockerfile").digest() == expected


def test_a_broken_link_counts_by_its_text(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    context = BuildContext(folder=tmp_path, dockerfile=tmp_path / "Dockerfile")
    (tmp_path / "link").symlink_to("nowhere")
    before = context.digest()
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("elsewhere")
    assert context.digest() != before


def test_a_dockerfile_of_another_name_has_rules_of_its_own(folder):
    (folder / "Other").write_text("FROM scratch\n")
    (folder / "Other.dockerignore").write_text("**/*.log\n")
    (folder / ".dockerignore").write_text("**/*.txt\n")
    assert Ignore.of(folder, folder / "Other").excludes("x.log")
    assert not Ignore.of(folder, folder / "Other").excludes("a.txt")
    assert Ignore.of(folder, folder / "Dockerfile").excludes("a.txt")


def test_the_archive_has_the_dockerfile_even_where_it_is_ignored_and_names_no_owner(folder):
    (folder / ".dockerignore").write_text("*\n!a.txt\n")
    os.chown(folder / "a.txt", os.getuid(), os.getgid())
    context = BuildContext(folder=folder, dockerfile=folder / "Dockerfile")
    with context.archive() as file, tarfile.open(fileobj=file) as archive:
        assert sorted(archive.getnames()) == ["Dockerfile", "a.txt"]
        assert {(member.uid, member.gid, member.uname) for member in archive} == {(0, 0, "")}
