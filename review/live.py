"""Preview a stack on its own cluster, where CI may reach it: the same report, with the sizes that are live."""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING

from review.ended import ReviewError
from review.engine import Engine
from review.report import Report, made

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["preview_live"]


def preview_live(stack: str, repository: Path, directory: Path) -> Report:
    """Run the ordinary `pulumi preview` with the user's own login and kubeconfig, the policy pack attached.

    Raises ReviewError where there is no preview.
    """
    began = time.monotonic()
    program = shutil.which("pulumi")
    if program is None:
        raise ReviewError("pulumi is not on the PATH")
    engine = Engine(program=program, environment=os.environ)
    arguments = ("preview", "--stack", stack, "--policy-pack", str(repository / "policies"))
    outcome = engine.plan(repository, directory / "live.log", *arguments)
    seconds = time.monotonic() - began
    return made(stack, outcome, against="its own cluster", warnings=[], notes=[], seconds=seconds)
