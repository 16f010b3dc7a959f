"""How the demo ends: two tables, the same for programs, what went wrong, and an exit status to be trusted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from infra.local.demo.gaps import Day
from infra.local.demo.ledgers import reports_sum
from infra.local.demo.story import Story
from shared.warehouse.report_types import INTEGER, metric_type

MOST_SECONDS = 240  # for the whole demo, on two cores
MOST_MIB = 2048  # for all parts together
SHOWN = 10

Result = dict[str, Any]


def result(story: Story, *, total_seconds: float) -> Result:
    """What the demo found, for programs."""
    found = story.found
    return {
        "channels_connected": story.connected,
        "reports": reports_sum(story.reports, found),
        "youtube_reports": {"listed": found.listed, "superseded": found.superseded},
        "rows": found.rows,
        "true_rows": found.true_rows,
        "quota": story.quota,
        "truth": {"compared": found.compared, "different": len(found.differences)},
        "tables": {
            name: {"compared": cells.compared, "different": len(cells.differences)}
            for name, cells in story.cells.items()
        },
        "cells": {
            name: {"by_column": dict(cells.by_column), "null": dict(cells.nulls)}
            for name, cells in story.cells.items()
        },
        "levels": _shares(story.levels),
        "certificates": {"verified": story.certified, "differing": len(story.uncertified)},
        "never_issued": {"named": _listed(story.gaps.named), "true": _listed(story.gaps.never_issued)},
        "expired_jobs": {"replaced": sorted(story.gaps.replaced), "true": sorted(story.gaps.expired)},
        "totals": {
            name: {"ours": _plain(name, found.totals[name]), "truth": _plain(name, found.true_totals[name])}
            for name in found.totals
        },
        "counts": {
            "calls": story.counting.calls,
            "rows": story.counting.rows,
            "compared": story.counting.compared,
            "null": story.counting.nulls,
            "behind": round(story.counting.behind, 1),
        },
        "outage": {
            "published": story.outage.published,
            "known": story.outage.known,
            "longest_seconds": round(story.outage.longest.total_seconds()),
        },
        "panels": {"asked": len(story.panels), "rows": sum(len(each.rows) for each in story.panels)},
        "secrets_searched": story.secrets,
        "grants": {
            "held": story.grants.held,
            "unused": [str(each) for each in story.grants.unused],
            "only_at_google": story.grants.only_at_google,
            "calls_without": list(story.grants.refused),
        },
        "seconds": {**story.seconds, "total": round(total_seconds, 1)},
        "memory_mib": story.pulse.peak,
        "problems": story.problems,
    }


def _shares(numbers: Mapping[str, int]) -> dict[str, float]:
    """Each one's part of all, to the thousandth."""
    return {name: round(number / (sum(numbers.values()) or 1), 3) for name, number in numbers.items()}


def _listed(days: Iterable[Day]) -> list[str]:
    return sorted(" ".join(day) for day in days)


def _plain(metric: str, total: Decimal) -> float:
    return int(total) if metric_type(metric) == INTEGER else float(total)


def conclude(screen: Console, told: Result, *, console: str, path: str | None = None) -> int:
    """Show everything, write it where asked, and answer the exit status: 0 only if there is no problem."""
    screen.print(_main_job(told))
    screen.print(_run(told))
    for warning in warnings(told):
        screen.print(f"[yellow]{warning}[/yellow]")
    screen.print(f"Console: {console}  (make demo KEEP=1 leaves it running)")
    problems = told["problems"]
    for problem in problems[:SHOWN]:
        screen.print(problem, style="red", markup=False)
    if len(problems) > SHOWN:
        screen.print(f"... and {len(problems) - SHOWN:,} more", style="red")
    if path:
        Path(path).write_text(json.dumps(told, indent=2) + "\n")
    return 1 if problems else 0


def warnings(told: Result) -> list[str]:
    """What took more than it should. No error: another machine has another pace."""
    limits = (
        ("The demo took", told["seconds"]["total"], "s", MOST_SECONDS),
        ("Its parts took", sum(told["memory_mib"].values()), "MiB", MOST_MIB),
    )
    return [f"{what} {took:,} {unit}, more than {most:,}." for what, took, unit, most in limits if took > most]


def _main_job(told: Result) -> Table:
    table = _table("The main job", "", "ours", "YouTube's")
    reports, theirs, truth = told["reports"], told["youtube_reports"], told["truth"]
    _rows(
        table,
        ("channels connected", told["channels_connected"]),
        ("reports listed", reports["listed"], theirs["listed"]),
        ("  of those: count now", reports["counting"], truth["compared"]),
        ("  replaced after loading", reports["replaced_after_loading"]),
        ("  replaced before loading", reports["replaced_before_loading"]),
        ("reports superseded: both replaced", reports["superseded"], theirs["superseded"]),
        ("reports loaded: count now + replaced after", reports["loaded"]),
        ("rows that count", told["rows"], told["true_rows"]),
    )
    _rows(table, *((f"total {name}", both["ours"], both["truth"]) for name, both in told["totals"].items()))
    _rows(table, *((f"quota: {name}", both["ours"], both["google"]) for name, both in told["quota"].items()))
    _rows(
        table,
        ("days of channels and report types, every metric, compared", truth["compared"]),
        ("different", truth["different"]),
        *_gaps(told),
        *(row for table in told["tables"] for row in _cells(told, table)),
        *((f"numbers that level {name} answers, part of all", part) for name, part in told["levels"].items()),
        ("days certified, and verified", told["certificates"]["verified"]),
        ("  differing", told["certificates"]["differing"]),
        ("an hour of counts of videos: rows read", told["counts"]["rows"]),
        ("  calls for them", told["counts"]["calls"]),
        ("  counts compared, as of their reading", told["counts"]["compared"]),
        ("  NULL: YouTube tells nobody", told["counts"]["null"]),
        ("  a video's newest count is behind by, views", told["counts"]["behind"]),
        ("videos of three days without a hub: known", told["outage"]["known"], told["outage"]["published"]),
        ("  the longest unknown, s", told["outage"]["longest_seconds"]),
        ("panels and the guide's queries asked", told["panels"]["asked"]),
        ("  rows that they answer", told["panels"]["rows"]),
        ("secrets searched for in the clear", told["secrets_searched"]),
        ("grants of functions and of their callers", told["grants"]["held"]),
        ("  that nothing used", len(told["grants"]["unused"])),
        ("  that Google alone uses, besides", told["grants"]["only_at_google"]),
        ("calls that nothing grants", len(told["grants"]["calls_without"])),
        ("problems", len(told["problems"])),
    )
    return table


def _cells(told: Result, table: str) -> Iterator[tuple[str, int]]:
    """What was compared of a table, which of it has a value, and why the rest has none."""
    yield f"cells of {table} compared, Analytics' included", told["tables"][table]["compared"]
    yield from ((f"  {column}", cells) for column, cells in told["cells"][table]["by_column"].items())
    yield from ((f"  NULL: {reason}", cells) for reason, cells in told["cells"][table]["null"].items())
    yield "  different", told["tables"][table]["different"]


def _gaps(told: Result) -> list[tuple[str, *tuple[float, ...]]]:
    """What YouTube left out, each day by name, and the jobs that it ended."""
    never, expired = told["never_issued"], told["expired_jobs"]
    return [
        ("days never issued: named as missing", len(never["named"]), len(never["true"])),
        *((f"  {day}",) for day in never["named"]),
        ("reporting jobs expired: replaced", len(expired["replaced"]), len(expired["true"])),
    ]


def _run(told: Result) -> Table:
    table = _table("The run", "", "taken", "at most")
    phases = {name: seconds for name, seconds in told["seconds"].items() if name != "total"}
    _rows(table, *((f"seconds: {name}", seconds) for name, seconds in phases.items()))
    _rows(
        table,
        ("seconds: total", told["seconds"]["total"], MOST_SECONDS),
        ("memory of the stack at its peak, MiB", sum(told["memory_mib"].values()), MOST_MIB),
    )
    return table


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title)
    table.add_column(first, min_width=45)
    for heading in others:
        table.add_column(heading, justify="right", min_width=12)
    return table


def _rows(table: Table, *rows: tuple[str, *tuple[float, ...]]) -> None:
    """A section of a table: a label, and one or two figures."""
    for label, *figures in rows:
        table.add_row(label, *(f"{figure:,}" for figure in figures))
    table.add_section()
