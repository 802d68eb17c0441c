"""One review: which environments a change touches, and the report of each."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from review.compare import applied, check
from review.ended import Ended, ReviewError
from review.live import preview_live
from review.plane import find_programs
from review.report import FAILED, FINE, REFUSED, Report, refused
from review.touched import removed, touched
from review.trees import changed_files, copy_base, copy_head
from review.workplace import workplace

if TYPE_CHECKING:
    from collections.abc import Callable

    from review.trees import Base

__all__ = ["Review"]

_REPOSITORY = Path(__file__).resolve().parent.parent
# What is said of a tool that is there already: nothing that a reader waits for.
_AT_HAND = ("in the cache", "on PATH")


@dataclass(frozen=True, kw_only=True)
class Review:
    """How to look at a change; `say` gets a line of progress."""

    base: Base
    rehearse: bool
    live: bool
    say: Callable[[str], None]

    def run(self, stacks: list[str]) -> tuple[Ended, list[Report]]:
        """Review these stacks, or those that the change touches, each on a control plane of its own."""
        files = changed_files(_REPOSITORY, self.base)
        ended, reports = Ended.FINE, []
        for stack in stacks or touched(_REPOSITORY, files):
            try:
                report = self._one(stack)
            except ReviewError as error:
                report = refused(stack, [str(error)], against=self.base.words, verdict=FAILED)
                ended = max(ended, error.ended)
            if report.verdict == REFUSED:
                ended = max(ended, Ended.REFUSED)
            reports.append(report)
        return ended, reports + [self._gone(stack) for stack in ([] if stacks else removed(_REPOSITORY, files))]

    def _one(self, stack: str) -> Report:
        began = time.monotonic()
        with workplace() as directory:
            if self.live:
                return preview_live(stack, _REPOSITORY, directory)
            before, after = directory / "base", directory / "head"
            copy_base(_REPOSITORY, self.base, before)
            copy_head(_REPOSITORY, after)
            report = check(stack, after, against=self.base.words)
            if report is None:
                programs = find_programs(self._tools)
                with applied(stack, before, directory, programs, words=self.base.words, report=self.say) as stands:
                    self.say(f"previewing {stack}")
                    report = stands.preview(after)
                    if self.rehearse:
                        self.say(f"applying {stack} as it is here")
                        report = stands.rehearse(after, report)
        return replace(report, seconds=time.monotonic() - began)

    def _tools(self, line: str) -> None:
        if not any(words in line for words in _AT_HAND):
            self.say(line)

    def _gone(self, stack: str) -> Report:
        warning = (
            f"the file of {stack} is removed: what the stack has made stays, and belongs to nobody, until "
            f"`pulumi destroy -s {stack}` is run with that file"
        )
        return Report(stack=stack, against=self.base.words, verdict=FINE, warnings=(warning,))
