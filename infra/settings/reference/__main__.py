"""Write the configuration's page and schema anew: `python -m infra.settings.reference`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from infra.settings.reference import page, stack_schema

__all__ = ["files", "main"]

_ROOT = Path(__file__).resolve().parents[3]


def files() -> dict[Path, str]:
    """Return every file that is made from the models, with what it must hold."""
    schema = json.dumps(stack_schema(), indent=2, ensure_ascii=False)
    return {_ROOT / "docs" / "configuration.md": page(), _ROOT / "stacks" / "stack.schema.json": f"{schema}\n"}


def main() -> int:
    """Write what is not up to date and name it."""
    for path, text in files().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{path.relative_to(_ROOT)}: written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
