"""Verifies what is collected, and explains single numbers; exit status 1 when something differs.

python -m infra.certificate verify --project P [--channel C] [--month 2026-11] [--json]
python -m infra.certificate explain --project P youtube_metrics CHANNEL 2026-11-01 views [--json]
python -m infra.certificate explain --project P video_performance CHANNEL VIDEO likes [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date
from typing import Any

from google.cloud import firestore

from infra.verifying import verified
from shared.clock import system_clock
from shared.cloud import bigquery
from shared.collection.certifying import Certifying
from shared.collection.packs import months
from shared.warehouse.explain import COLUMNS, METRICS, Explanation, explain
from shared.warehouse.statements import Warehouse


def main() -> int:
    """Run a command."""
    given = _parser().parse_args()
    warehouse = Warehouse(bigquery.client(given.project), given.dataset)
    state = firestore.Client(project=given.project)
    if given.command == "verify":
        return _verify(Certifying(client=state, warehouse=lambda: warehouse, clock=system_clock), given)
    explained = cell(state, warehouse, given.channel, _subject(given), given.column)
    print(json.dumps(asdict(explained), default=_plain, indent=2) if given.json else as_text(explained))
    return 0


def _verify(certifying: Certifying, given: Any) -> int:
    days = waiting = differing = 0
    for each in verified(certifying, channel=given.channel, month=given.month):
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


def _subject(given: Any) -> date | str:
    if given.table != METRICS:
        return str(given.subject)
    try:
        return date.fromisoformat(given.subject)
    except ValueError as error:
        raise SystemExit(f"{given.subject} is no day: {error}") from error


def cell(
    state: firestore.Client, warehouse: Warehouse, channel_id: str, subject: date | str, column: str
) -> Explanation:
    """A cell: of a day, with what the coverage says of it, or of a video."""
    kind = COLUMNS[METRICS].get(column, {}).get("report_type") if isinstance(subject, date) else None
    found = list(months(state, [(channel_id, kind, f"{subject:%Y-%m}")])) if kind else []
    entry = found[0].days.get(str(subject)) if found else None
    told = explain(warehouse, channel_id=channel_id, subject=subject, column=column, now=system_clock())
    if entry is None:
        return told
    return replace(told, listed=(entry.report_id, *entry.superseded), listed_at=entry.noted_at)


def as_text(told: Explanation) -> str:
    """An explanation for people."""
    value = f"NULL, {told.reason}" if told.value is None else told.value
    lines = [f"{told.table}.{told.column} of {told.channel_id}, {told.subject}: {value}"]
    lines += [f"  from        {told.source}{f', {told.state}' if told.state else ''}"] if told.source else []
    lines += [f"  definition  {told.definition}"] if told.definition else []
    for number, each in enumerate(told.files):
        role = f"{each['day']}" if "day" in each else "replaced" if number else "file"
        adds = f" adds {each['value']};" if "value" in each else ""
        lines.append(
            f"  {role:11}{adds} report {each['report_id']}, {each['checksum']},"
            f" {each['row_count']} rows; issued {each['create_time']}, loaded {each['loaded_at']}"
            f"{'; ' + each['findings'] if each['findings'] else ''}"
        )
    lines += [f"  listed      {', '.join(told.listed)}; sent to be loaded {told.listed_at}"] if told.listed else []
    lines += [
        f"  answer      {_about(each)}asked {each['asked_at']}: {each['reason'] or 'told'}"
        for each in told.answers
    ]
    return "\n".join([*lines, *(f"  Studio      {each}" for each in told.studio)])


def _about(answer: Mapping[str, Any]) -> str:
    if "kind" not in answer:
        return ""
    return f"{answer['kind']}, {answer['start_day']} to {answer['end_day']}, {answer['row_count']} rows, "


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
    explained.add_argument("table", choices=list(COLUMNS))
    explained.add_argument("channel")
    explained.add_argument("subject", metavar="day-or-video")
    explained.add_argument(
        "column", help=", ".join(dict.fromkeys(name for each in COLUMNS.values() for name in each))
    )
    for each in (verify, explained):
        each.add_argument("--project", required=True)
        each.add_argument("--dataset", default="youtube")
        each.add_argument("--json", action="store_true")
    return parser


if __name__ == "__main__":
    sys.exit(main())
