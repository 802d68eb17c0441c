"""Judge files by the pack's rules, without engine and cluster: `python -m policies.judge FILE...`."""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from policies import configured, exempt
from policies.judge.report import FORMATS, Report
from policies.judge.sources import UnreadableError, files, read
from policies.judgement import Judgement, judge
from policies.rules import RULES, objects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policies.configured import Configured
    from policies.judge.sources import Source

__all__ = ["main"]

KEPT, BROKEN, UNREADABLE = 0, 1, 2
_EPILOG = f"""exit codes:
  {KEPT}  every mandatory rule is kept
  {BROKEN}  a mandatory rule is broken, or something could not be checked and notChecked is fail
  {UNREADABLE}  a file cannot be read, or the configuration is wrong

examples:
  python -m policies.judge deployment.yaml manifests/
  helm template churn ./chart | python -m policies.judge --namespace fraud-prod -
  pulumi stack export | python -m policies.judge --format junit --output policies.xml -
  pulumi preview --json | python -m policies.judge -
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the files that are named, and return the exit code."""
    given = _parser().parse_args(arguments)
    today = datetime.now(UTC).date()
    try:
        settings = _settings(given)
        exemptions = exempt.Exemptions(exempt.read(given.exemptions, today=today), today=today, stack=given.stack)
        sources = [source for file in files(given.files) for source in read(file, namespace=given.namespace)]
    except (UnreadableError, configured.ConfigurationError) as error:
        sys.stderr.write(f"{error}\n")
        return UNREADABLE
    report = judged(sources, settings, exemptions, partial=given.partial)
    text = FORMATS[given.format](report)
    if given.output is None:
        sys.stdout.write(text)
    else:
        given.output.write_text(text, encoding="utf-8")
    return BROKEN if report.failed else KEPT


def judged(
    sources: Sequence[Source], settings: Configured, exemptions: exempt.Exemptions, *, partial: bool = False
) -> Report:
    """Judge what was read, all of it together."""
    of_files = not any(source.of_state for source in sources)
    judgement = Judgement(settings, exemptions, of_files=of_files, partial=partial)
    told = judge(((source.type, source.properties, source.where) for source in sources), judgement)
    titles: dict[str, list[str]] = defaultdict(list)
    for source in sources:
        place = source.where if source.of_state else source.file
        titles[place] += [each.title for each in objects(source.type, source.properties)]
    return Report(
        told=told,
        objects={place: held for place, held in titles.items() if held},
        rules=len(RULES),
        not_checked_fails=settings.not_checked == "fail",
    )


def _settings(given: argparse.Namespace) -> Configured:
    settings = configured.read(given.config)
    return settings if given.kubernetes is None else replace(settings, kubernetes=given.kubernetes)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m policies.judge",
        description="Judge Kubernetes YAML, helm's output, `pulumi stack export` and `pulumi preview --json` by the"
        " rules of the policy pack. All files are judged together, as one stack.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="a file, a folder of them, or - for the standard input"
    )
    parser.add_argument(
        "--format", choices=FORMATS, default="text", help="text for people (default), json, junit for CI"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="where to write it; the standard output by default")
    parser.add_argument("--partial", action="store_true", help="these are not all: say nothing about what is missing")
    parser.add_argument("--namespace", metavar="NAME", help="where objects go that name none, as in kubectl -n")
    parser.add_argument("--stack", metavar="NAME", help="whose exemptions hold; those of every stack by default")
    parser.add_argument("--kubernetes", metavar="1.36", help="whose Pod Security Standards apply; configured otherwise")
    parser.add_argument("--config", type=Path, default=configured.CONFIGURATION, metavar="FILE")
    parser.add_argument("--exemptions", type=Path, default=exempt.EXEMPTIONS, metavar="FILE")
    return parser


if __name__ == "__main__":
    sys.exit(main())
