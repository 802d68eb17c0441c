"""Which files of a context a build sends: the rules of .dockerignore.

Source: https://docs.docker.com/build/concepts/context/#dockerignore-files. Patterns are Go's
filepath.Match with `**` for any number of folders; the last pattern that matches decides; a pattern
that matches a folder matches all that is in it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["Ignore", "context_files"]


@dataclass(frozen=True)
class Ignore:
    """The patterns of one .dockerignore file, in order."""

    patterns: Sequence[tuple[bool, re.Pattern[str]]]
    """Whether the pattern takes files back in, and what it matches."""

    @classmethod
    def parse(cls, text: str) -> Ignore:
        """Read a .dockerignore file's text."""
        patterns = []
        for line in text.lstrip("\ufeff").splitlines():
            entry = line.strip()
            if not entry or line.startswith("#"):
                continue
            back = entry.startswith("!")
            path = os.path.normpath(entry.removeprefix("!").strip()).lstrip("/")
            if path and path != ".":  # for historical reasons a lone dot is nothing
                patterns.append((back, re.compile(_expression(path))))
        return cls(tuple(patterns))

    @classmethod
    def of(cls, context: Path, dockerfile: Path) -> Ignore:
        """Read the file that belongs to this Dockerfile, `<its name>.dockerignore`, or else the context's own."""
        for name in (f"{dockerfile.name}.dockerignore", ".dockerignore"):
            if (context / name).is_file():
                return cls.parse((context / name).read_text())
        return cls(())

    def excludes(self, path: str) -> bool:
        """Tell whether this path, relative to the context, is left out."""
        parts = path.split("/")
        above = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
        excluded = False
        for back, pattern in self.patterns:
            if excluded is back and any(pattern.fullmatch(candidate) for candidate in above):
                excluded = not back
        return excluded

    @property
    def takes_back(self) -> bool:
        """Tell whether an excluded folder may still hold files that are sent."""
        return any(back for back, _ in self.patterns)


def context_files(context: Path, ignore: Ignore) -> Iterator[str]:
    """Yield all that is sent, folders too, each folder before its content and names in order."""
    yield from _walk(context, "", ignore)


def _walk(context: Path, folder: str, ignore: Ignore) -> Iterator[str]:
    with os.scandir(context / folder) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        path = f"{folder}/{entry.name}" if folder else entry.name
        excluded = ignore.excludes(path)
        if not excluded:
            yield path
        if entry.is_dir(follow_symlinks=False) and (not excluded or ignore.takes_back):
            yield from _walk(context, path, ignore)


def _expression(pattern: str) -> str:
    """Translate one pattern to a regular expression."""
    written = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if pattern.startswith("**", position):
            position += 2
            if pattern.startswith("/", position):
                position += 1
                written.append("(?:.*/)?")
            else:
                written.append(".*")
            continue
        if character == "*":
            written.append("[^/]*")
        elif character == "?":
            written.append("[^/]")
        elif character == "[" and (end := pattern.find("]", position + 2)) > 0:
            inside = pattern[position + 1 : end].replace("\\", "\\\\")
            written.append(f"[{inside}]")
            position = end
        elif character == "\\" and position + 1 < len(pattern):
            position += 1
            written.append(re.escape(pattern[position]))
        else:
            written.append(re.escape(character))
        position += 1
    return "".join(written)
