"""What runs where: a table for people."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import psutil
from rich.table import Table

from infra.local.supervisor import State, Watched

MIB = 1024 * 1024
_COLOURS = {State.READY: "green", State.DONE: "green", State.GIVEN_UP: "bold red", State.RESTARTING: "yellow"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One part as it is now. memory: proportional set size of it and its children, in
    bytes. took: seconds until it was ready."""

    name: str
    where: str
    pid: int | None
    memory: int | None
    state: State
    took: float


def memory(pid: int) -> int | None:
    """Proportional set size of a process and its children, but for copies of it; None when it is gone."""
    try:
        process = psutil.Process(pid)
        own = os.getsid(pid)
        family = [process, *(each for each in process.children(recursive=True) if os.getsid(each.pid) == own)]
        return sum(int(member.memory_full_info().pss) for member in family)
    except (psutil.NoSuchProcess, psutil.AccessDenied, ProcessLookupError):
        return None


def rows(parts: Iterable[Watched]) -> list[Row]:
    """The parts as they are now."""
    return [
        Row(
            name=watched.name,
            where=watched.where,
            pid=watched.pid,
            memory=memory(watched.pid) if watched.pid else None,
            state=watched.state,
            took=watched.took,
        )
        for watched in parts
    ]


def total_memory(found: Iterable[Row]) -> int:
    """Bytes, over all parts."""
    return sum(row.memory or 0 for row in found)


def table(found: list[Row], *, title: str) -> Table:
    """The table."""
    drawn = Table(title=title, title_justify="left", title_style="bold")
    for heading, justify in (
        ("part", "left"),
        ("state", "left"),
        ("pid", "right"),
        ("MiB", "right"),
        ("s", "right"),
        ("address", "left"),
    ):
        drawn.add_column(heading, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for row in found:
        colour = _COLOURS.get(row.state, "default")
        drawn.add_row(
            row.name,
            f"[{colour}]{row.state.value}[/]",
            str(row.pid or ""),
            f"{row.memory / MIB:.0f}" if row.memory else "",
            f"{row.took:.1f}",
            row.where,
        )
    drawn.add_section()
    drawn.add_row("together", "", "", f"{total_memory(found) / MIB:.0f}", "", "")
    return drawn
