"""The figures as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["show"]


def show(figures: dict[str, list[dict[str, Any]]], console: Console) -> None:
    """Print a table for each measurement."""
    if "switch" in figures:
        table = Table(
            "objects", "way", "seconds", "last old answer after PATCH", title="the switch", title_justify="left"
        )
        for row in figures["switch"]:
            table.add_row(str(row["objects"]), row["way"], f"{row['seconds']:.2f}", f"{row['last_old'] * 1000:.0f} ms")
        console.print(table)
    if "policies" in figures:
        table = Table("objects", "way", "seconds", title="the policy pack", title_justify="left")
        for row in figures["policies"]:
            table.add_row(str(row["objects"]), row["way"], f"{row['seconds']:.2f}")
        console.print(table)
    if "crowd" in figures:
        table = Table("nodes", "pods", "up", "up again", "switch", title="a crowd", title_justify="left")
        for row in figures["crowd"]:
            seconds = (f"{row[way]:.2f} s" for way in ("up", "same", "switch"))
            table.add_row(f"{row['nodes']:,}", f"{row['pods']:,}", *seconds)
        console.print(table)
        table = Table("process", *(f"{row['nodes']:,} nodes" for row in figures["crowd"]), title_justify="left")
        for name in figures["crowd"][0]["memory"]:
            table.add_row(name, *(f"{row['memory'].get(name, 0)} MiB" for row in figures["crowd"]))
        console.print(table)
    if "load" in figures:
        table = Table("scenario", "way in", "requests", "failed", "a second", title="requests", title_justify="left")
        for row in figures["load"]:
            table.add_row(row["scenario"], row["way"], f"{row['requests']:,}", str(row["failed"]), f"{row['rate']:.0f}")
        console.print(table)
