"""What is wrong with a stack's configuration: every mistake, with its place, in one exception."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["KeyPath", "Mistake", "SettingsError", "did_you_mean", "quote", "quoted_list", "show_path"]

KeyPath = tuple[str | int, ...]
"""Where a value stands: mapping keys and list indices, from the top, without the `ml-platform:` prefix."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_/-]+")

# A value is shown so that it is recognised, not so that it is read: a pasted certificate fills a terminal.
_LONGEST_VALUE = 80


def show_path(path: KeyPath) -> str:
    """Write a path as `pulumi config set --path` takes it: `teams.fraud.quota["requests.cpu"]`."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        elif _BARE_KEY.fullmatch(key):
            text += f".{key}" if text else key
        else:
            text += f"[{json.dumps(key, ensure_ascii=False)}]"
    return text


def quote(value: object) -> str:
    """Show a value as JSON does, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def quoted_list(values: Iterable[str]) -> str:
    """Join values for a sentence: `"7", "8"`; `none` where there are none."""
    return ", ".join(quote(value) for value in values) or "none"


def did_you_mean(value: str, known: Sequence[str]) -> str:
    """Return `; did you mean "..."?` where one known word is close enough to be meant, else nothing."""
    by_lower = {word.lower(): word for word in known}
    near = difflib.get_close_matches(value.lower(), list(by_lower), n=1)
    return f"; did you mean {quote(by_lower[near[0]])}?" if near else ""


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One thing to mend: where it stands, and what is wrong with it and what is allowed instead."""

    path: KeyPath
    message: str
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.file and self.line else self.file
        return ": ".join(part for part in (place, show_path(self.path), self.message) if part)


class SettingsError(ValueError):
    """A stack's configuration is wrong. Its text is the complete list, one mistake a line."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        ordered = sorted(set(mistakes), key=lambda mistake: (mistake.line or 0, show_path(mistake.path), str(mistake)))
        self.mistakes: tuple[Mistake, ...] = tuple(ordered)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))
