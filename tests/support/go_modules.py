"""Sources of published Go modules, which tests read and nothing of which is committed."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path


@cache
def download(module: str) -> Path | None:
    """Return where the source of `<path>@<version>` is, None where neither Go nor its proxy is to be had."""
    go = shutil.which("go")
    if go is None:
        return None
    command = [go, "mod", "download", "-json", module]
    try:
        # Outside of any module; the checksum database of the Go command vouches for what comes.
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", timeout=180)
    except subprocess.TimeoutExpired:
        return None
    return Path(json.loads(done.stdout)["Dir"]) if done.returncode == 0 else None
