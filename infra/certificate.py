"""Verifies what is collected, and explains single numbers; exit status 1 when something differs.

python -m infra.certificate verify --project P [--channel C] [--month 2026-11] [--json]
python -m infra.certificate explain --project P youtube_metrics CHANNEL 2026-11-01 views [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from datetime import date
from typing import Any

from google.cloud import firestore

from shared.clock import system_clock
from shared.cloud import bigquery
from shared.collection.certifying import Certifying
from shared.collection.coverage import months
from shared.warehouse.explain import COLUMNS, TABLE, Explanation, explain
from shared.warehouse.statements import Warehouse


def main() -> int:
    """Run a command."""
    given = _parser().parse_args()
    warehouse = Warehouse(bigquery.client_of(given.project), given.dataset)
    state = firestore.Client(project=given.project)
    if given.command == "verify":
        return _verify(Certifying(client=state, warehouse=lambda: warehouse, clock=system_clock), given)
    explained = cell(state, warehouse, given.channel, given.day, given.column)
    print(json.dumps(asdict(explained), default=_plain, indent=2) if given.json else as_text(explained))
    return 0


def _verify(certifying: Certifying, given: Any) -> int:
    days = waiting = differing = 0
    for each in certifying.verify(channel=given.channel, month=given.month):
        days, waiting, differing = days + each.days, waiting + each.waiting, differing + len(each.differing)
        if given.json:
            print(json.dumps(asdict(each), default=str))
            continue
        print(f"{each.channel_id} {each.month} {each.value or 'no certificate'} {each.days} days")
        for found in each.differing:
            about = f"{found.report_type} {found.day}" if found.day else "the month"
            print(f"    {about}: {found.part}: {found.says}")
    print(f"{days} days are certified, {waiting} wait for it, {differing} differences", file=sys.stderr)
    return 1 if differing else 0


def cell(state: firestore.Client, warehouse: Warehouse, channel_id: str, day: date, column: str) -> Explanation:
    """A cell, with what the coverage says of its day."""
    kind = COLUMNS.get(column, {}).get("report_type")
    found = months(state, [f"{channel_id}:{kind}:{day:%Y-%m}"] if kind else [])
    entry = found[0].days.get(day.isoformat()) if found else None
    return explain(
        warehouse,
        channel_id=channel_id,
        day=day,
        column=column,
        listed=() if entry is None else (entry.report_id, *entry.superseded),
        listed_at=None if entry is None else entry.noted_at,
        now=system_clock(),
    )


def as_text(told: Explanation) -> str:
    """An explanation for people."""
    value = f"NULL, {told.reason}" if told.value is None else told.value
    lines = [f"{TABLE}.{told.column} of {told.channel_id} on {told.day}: {value}"]
    lines += [f"  from        {told.source}{f', {told.state}' if told.state else ''}"] if told.source else []
    lines += [f"  definition  {told.definition}"] if told.definition else []
    for number, each in enumerate(told.files):
        lines.append(
            f"  {'replaced' if number else 'file':11} report {each['report_id']}, {each['checksum']},"
            f" {each['row_count']} rows; issued {each['create_time']}, loaded {each['loaded_at']}"
            f"{'; ' + each['findings'] if each['findings'] else ''}"
        )
    lines += [f"  listed      {', '.join(told.listed)}; sent to be loaded {told.listed_at}"] if told.listed else []
    lines += [
        f"  answer      {each['kind']}, {each['start_day']} to {each['end_day']}, asked {each['asked_at']}:"
        f" {each['reason'] or str(each['row_count']) + ' rows'}"
        for each in told.answers
    ]
    return "\n".join([*lines, *(f"  Studio      {each}" for each in told.studio)])


def _plain(value: Any) -> str | float:
    """What JSON has no form for: times and days as texts, BigQuery's exact fractions as numbers."""
    return value.isoformat() if isinstance(value, date) else float(value)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.certificate", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    verify = commands.add_parser("verify", help="compare what there is with what was certified")
    verify.add_argument("--channel")
    verify.add_argument("--month", help="as 2026-11")
    explained = commands.add_parser("explain", help="say where a number is from")
    explained.add_argument("table", choices=[TABLE])
    explained.add_argument("channel")
    explained.add_argument("day", type=date.fromisoformat)
    explained.add_argument("column", choices=list(COLUMNS))
    for each in (verify, explained):
        each.add_argument("--project", required=True)
        each.add_argument("--dataset", default="youtube")
        each.add_argument("--json", action="store_true")
    return parser


if __name__ == "__main__":
    sys.exit(main())
