"""`make bench`: what a switch costs and what it loses, and what the rules cost, on real pods, in a sandbox of its own.

Four measurements, each beside its yardstick in the same run, since absolute times on a shared machine say little:

- `switch`: stacks of growing size (teams are added, which cost no pods); the wall time of a switch with and without
  the engine's preview, and the time from the Service's PATCH to the last answer of the former version; beside it
  `kubectl patch` on the same Service.
- `load`: requests over blue to green to blue through Service and gateway, a canary's walk and a rolling update, with
  the number that failed.
- `policies`: a preview of 1,000 objects that changes nothing, with the policy pack and without.
- `crowd`: the same stack on 10 simulated nodes and on 1,000 with 10,000 pods, and the memory of each process.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from crowded import measure_crowd
from judging import measure_policies
from report import show
from rich.console import Console
from served import Platform
from switching import measure_switches
from walking import measure_load

if TYPE_CHECKING:
    from collections.abc import Iterator

# The size of a stack with one team and one model, and what users of some and of many teams have.
SIZES = "5,100,500"
REQUESTS = 100_000
# What the pack's own limit speaks of: 2 s for 60 rules.
JUDGED = 1000

command = typer.Typer(help=__doc__, no_args_is_help=False, add_completion=False, pretty_exceptions_enable=False)


@contextmanager
def served(console: Console) -> Iterator[Platform]:
    """Bring a sandbox up in a copy of this tree, and take it down."""
    root = Path(tempfile.mkdtemp(prefix="ml-platform-bench-"))
    platform = Platform.make(root / "clone")
    console.print("a sandbox of its own: make up")
    try:
        platform.sandbox("up", timeout=3600)
        platform.pristine = platform.config()
        yield platform
    finally:
        platform.sandbox("down")
        shutil.rmtree(root, ignore_errors=True)


@command.command()
def bench(
    what: Annotated[str, typer.Argument(help="switch, load, policies, crowd or all")] = "all",
    objects: Annotated[str, typer.Option(help="sizes of stacks, in objects; the first is at least one model")] = SIZES,
    requests: Annotated[int, typer.Option(help="requests of each scenario of `load`")] = REQUESTS,
    rounds: Annotated[int, typer.Option(help="switches of each size; medians are shown")] = 3,
    out: Annotated[Path | None, typer.Option(help="also write every figure here, as JSON")] = None,
) -> None:
    """Measure switches and the requests that they lose."""
    if what not in ("switch", "load", "policies", "crowd", "all"):
        raise typer.BadParameter(f'"{what}" is not known; allowed: switch, load, policies, crowd, all')
    console = Console(highlight=False)
    figures = {}
    if what in ("crowd", "all"):
        figures["crowd"] = measure_crowd(rounds=rounds, say=console.print)
    if what != "crowd":
        figures |= _on_real_nodes(what, objects, requests, rounds, console)
    show(figures, console)
    if out is not None:
        out.write_text(json.dumps(figures, indent=1) + "\n")


def _on_real_nodes(
    what: str, objects: str, requests: int, rounds: int, console: Console
) -> dict[str, list[dict[str, Any]]]:
    figures = {}
    with served(console) as platform:
        if what in ("switch", "all"):
            sizes = [int(size) for size in objects.split(",")]
            figures["switch"] = measure_switches(platform, sizes, rounds=rounds, say=console.print)
        if what in ("policies", "all"):
            figures["policies"] = measure_policies(platform, JUDGED, rounds=rounds, say=console.print)
        if what in ("load", "all"):
            figures["load"] = measure_load(platform, requests=requests, say=console.print)
    return figures


if __name__ == "__main__":
    command()
