"""Write the table of rules in docs/policies.md anew, from the rules themselves: `python -m policies.reference`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from policies.bookkeeping import ALL
from policies.rules import SUBJECTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from policies.rules import Rule

__all__ = ["PAGE", "main", "table", "written"]

PAGE = Path(__file__).resolve().parents[1] / "docs" / "policies.md"
_BEGIN, _END = "<!-- rules: begin -->\n", "<!-- rules: end -->\n"


def table() -> str:
    """Return every rule, by subject, with its options."""
    return "\n".join(line for subject, rules in SUBJECTS.items() for line in _subject(subject, rules))


def _subject(subject: str, rules: Sequence[Rule]) -> Iterator[str]:
    yield f"### {subject}\n"
    yield "| rule | what it asks | why, and how to mend it |"
    yield "| --- | --- | --- |"
    for rule in rules:
        asks = " ".join((rule.check.__doc__ or "").split())
        between = " *Compares objects.*" if rule.across else ""
        name = f"[`{rule.id}`]({rule.source})<br>{rule.severity}"
        yield _row(name, f"{asks}{between}", f"{rule.reason}. {rule.remedy}")
    yield ""
    for rule in rules:
        for option, told in rule.options.items():
            if option != "kubernetes":  # the pack's own, told once
                default = json.dumps(told.default)
                yield f"- `{rule.id}.{option}` (default `{default}`): {told.says}."
    if any(set(rule.options) - {"kubernetes"} for rule in rules):
        yield ""


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def written(page: str) -> str:
    """Return the page with the table as it must be.

    Raises:
        ValueError: the page has no place for it.

    """
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has no {_BEGIN.strip()} and {_END.strip()}")
    own = "\n".join(_row(f"`{rule.id}`", rule.reason, rule.remedy) for rule in ALL)
    told = f"### The pack itself\n\n| rule | why | how to mend it |\n| --- | --- | --- |\n{own}\n"
    return f"{before}{begin}\n{table()}\n{told}\n{end}{after}"


def main() -> int:
    """Write the page if it is not up to date, and name it."""
    page = PAGE.read_text(encoding="utf-8")
    if (new := written(page)) != page:
        PAGE.write_text(new, encoding="utf-8")
        sys.stdout.write(f"docs/{PAGE.name}: written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
