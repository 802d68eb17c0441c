"""The two states of the repository that are compared, each in a directory of its own.

Copies, not git worktrees: a worktree is an entry in the user's own repository, which stays behind when this process is
killed, and the stack's file is changed in the copy.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from review.ended import ReviewError

__all__ = ["Base", "base_of", "changed_files", "copy_base", "copy_head"]


@dataclass(frozen=True, kw_only=True)
class Base:
    """A commit to compare with, and how to speak of it: `main (5d0ac5f)`."""

    commit: str
    words: str


def base_of(repository: Path, branch: str) -> Base:
    """Find where the work at hand left `branch`: what others merged there since is no change of this one.

    In a pull request's merge commit that is the branch itself. Raises ReviewError where git knows no such branch.
    """
    tip = _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{branch}^{{commit}}")
    if tip is None:
        raise ReviewError(
            f"git knows no {branch}: fetch it first (git fetch origin {branch}), or name another with BASE="
        )
    commit = _git(repository, "merge-base", tip, "HEAD") or tip  # a shallow clone may not know the ancestor
    return Base(commit=commit, words=f"{branch} ({commit[:7]})")


def changed_files(repository: Path, base: Base) -> list[str]:
    """Give the files that differ between the base and the work at hand, committed or not."""
    changed = _lines(repository, "diff", "--name-only", "-z", base.commit)
    return sorted({*changed, *_lines(repository, "ls-files", "-z", "--others", "--exclude-standard")})


def copy_base(repository: Path, base: Base, directory: Path) -> None:
    """Unpack the base's files."""
    done = subprocess.run(
        ["git", "-C", str(repository), "archive", "--format=tar", base.commit], capture_output=True, check=False
    )
    if done.returncode:
        raise ReviewError(f"git cannot read {base.words}: {done.stderr.decode(errors='replace').strip()}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(directory, filter="data")
    _environment(directory)


def copy_head(repository: Path, directory: Path) -> None:
    """Copy the files of the work at hand, those that are not committed yet included, and nothing that git ignores."""
    for name in _lines(repository, "ls-files", "-z", "--cached", "--others", "--exclude-standard"):
        source, target = repository / name, directory / name
        if source.is_symlink() or source.is_file():  # not one that was deleted, nor a submodule's folder
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    _environment(directory)


def _environment(directory: Path) -> None:
    """Give a copy the environment that Pulumi.yaml and the policy pack name: the one that this process has."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / ".venv").symlink_to(Path(sys.prefix), target_is_directory=True)


def _lines(repository: Path, *arguments: str) -> list[str]:
    return [line for line in (_git(repository, *arguments) or "").split("\0") if line]


def _git(repository: Path, *arguments: str) -> str | None:
    """Return what git prints, None where it fails."""
    try:
        done = subprocess.run(
            ["git", "-C", str(repository), *arguments], capture_output=True, text=True, errors="replace", check=False
        )
    except FileNotFoundError:
        raise ReviewError("git is not on the PATH") from None
    return done.stdout.strip() if done.returncode == 0 else None
