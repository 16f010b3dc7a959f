"""What a certificate says of a channel's month, and that whatever is changed afterwards is found and named."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, timedelta
from types import NoneType
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.collection.coverage import Day, Month
from shared.collection.jobs import State
from shared.collection.verifying import Part, verify
from shared.warehouse.certificate import (
    Certificate,
    Found,
    Key,
    Listed,
    certified,
    chained,
    issued,
)
from shared.warehouse.report_types import REPORT_TYPES
from shared.warehouse.tables import REPORT_LOADS
from tests.stands.digest import digest_of

CHANNEL, MONTH = "UC1", "2026-11"
NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
LATER = NOW + timedelta(hours=20)
KINDS = ("channel_basic_a3", "channel_reach_basic_a1")
DAYS = [date(2026, 11, 1) + timedelta(days=number) for number in range(6)]


@dataclass
class Held:
    """A channel's month as the warehouse and the coverage hold it: rows, manifest and coverage apart."""

    rows: dict[tuple[str, str], list[dict[str, Any]]]
    loads: list[dict[str, Any]]
    months: dict[str, Month]
    digested: dict[tuple[str, str], tuple[list[dict[str, Any]], str]] = field(default_factory=dict)

    def copy(self) -> Held:
        """Another that may be changed: nothing in it is changed in place."""
        return Held(dict(self.rows), list(self.loads), dict(self.months), dict(self.digested))

    def digest(self, about: tuple[str, str]) -> str:
        rows = self.rows[about]
        if about not in self.digested or self.digested[about][0] is not rows:
            self.digested[about] = rows, digest_of(REPORT_TYPES[about[0].split("/")[0]], rows)
        return self.digested[about][1]

    def found(self) -> Found:
        newest: dict[Key, dict[str, Any]] = {}
        for load in sorted(self.loads, key=lambda each: (each["create_time"], each["report_id"])):
            newest[load["report_type"], load["day"].isoformat()] = load
        return Found(
            loads=newest,
            listed={
                (kind, day): Listed(ids=(entry.report_id, *entry.superseded), as_written=month.as_written(day))
                for kind, month in self.months.items()
                for day, entry in month.days.items()
            },
            digests={about: (len(rows), self.digest(about)) for about, rows in self.rows.items() if rows},
        )

    def issue(self, at: datetime = NOW) -> Certificate:
        found = self.found()
        entries = [certified(key, found) for key in found.loads]
        return issued(CHANNEL, MONTH, [each for each in entries if each is not None], at)


def load(
    kind: str, day: date, rng: random.Random, *, issue: int = 0
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    report, at = f"{kind}/{day}/{issue}", NOW - timedelta(days=4 - issue, seconds=rng.randrange(9000))
    count = rng.randrange(4)
    named = {
        "report_id": report, "load_id": f"L{rng.randrange(10**6)}", "channel_id": CHANNEL, "report_type": kind,
        "job_id": "j", "day": day, "create_time": at, "row_count": count, "checksum": f"sha256:{rng.random()}",
        "loaded_at": at + timedelta(hours=2), "findings": None,
    }  # fmt: skip
    columns = REPORT_TYPES[kind].columns
    rows = []
    for number in range(count):
        row: dict[str, Any] = {"load_id": named["load_id"], "report_id": report, "extra": None}
        for name, type_ in columns.items():
            value: Any = {"INTEGER": rng.randrange(100), "FLOAT": rng.random(), "DATE": day}.get(
                type_, f"{name}{number % 2}"
            )
            row[name] = None if rng.random() < 0.1 and type_ != "DATE" else value
        rows.append(row)
    return named, rows


def entry_of(named: dict[str, Any], *superseded: str) -> Day:
    return Day(
        report_id=named["report_id"], create_time=named["create_time"], state=State.LOADED, noted_at=NOW,
        job_id="j", download_url="u", superseded=superseded, rows=named["row_count"], load_id=named["load_id"],
    )  # fmt: skip


def a_month(rng: random.Random, days: list[date] = DAYS) -> Held:
    held = Held({}, [], {})
    for kind in KINDS:
        month = Month(name=f"{CHANNEL}:{kind}:{MONTH}", channel_id=CHANNEL, report_type=kind)
        for day in days:
            old = load(kind, day, rng) if rng.random() < 0.3 else None
            named, rows = load(kind, day, rng, issue=1)
            for each in filter(None, (old, (named, rows))):
                held.loads.append(each[0])
                held.rows[each[0]["report_id"], each[0]["load_id"]] = each[1]
            superseded = (old[0]["report_id"],) if old else ()
            month = month.with_days({day.isoformat(): entry_of(named, *superseded)})
        held.months[kind] = month
    return held


def corrupt(held: Held, rng: random.Random) -> tuple[Part, Key]:
    """Change one thing of what counts; answers what ought to be told, and about which day."""
    key, named = rng.choice(list(held.found().loads.items()))
    part = rng.choice((Part.ROWS, Part.FILE, Part.COVERAGE))
    {Part.ROWS: corrupt_rows, Part.FILE: corrupt_record, Part.COVERAGE: corrupt_entry}[part](held, named, rng)
    return part, key


def corrupt_rows(held: Held, named: dict[str, Any], rng: random.Random) -> None:
    rows = list(held.rows[named["report_id"], named["load_id"]])
    place = rng.randrange(len(rows)) if rows else 0
    if not rows:
        rows = [{"report_id": named["report_id"], "load_id": named["load_id"]}]
    elif (how := rng.randrange(6)) < 3:
        name = rng.choice([*REPORT_TYPES[named["report_type"]].columns, "extra"])
        rows[place] = {**rows[place], name: _other(rows[place][name], rng)}
    else:
        rows = {3: [*rows, rows[place]], 4: rows[:place] + rows[place + 1 :], 5: []}[how]
    held.rows[named["report_id"], named["load_id"]] = rows


def corrupt_record(held: Held, named: dict[str, Any], rng: random.Random) -> None:
    held.loads = [each for each in held.loads if each is not named]
    if rng.random() < 0.9:
        name = rng.choice(
            [each for each in REPORT_LOADS.columns if each not in {"channel_id", "report_type", "day"}]
        )
        held.loads.append({**named, name: _other(named[name], rng)})


def corrupt_entry(held: Held, named: dict[str, Any], rng: random.Random) -> None:
    month, day = held.months[named["report_type"]], named["day"].isoformat()
    days = {**month.days}
    entry = days.pop(day)
    if rng.random() < 0.9:
        name = rng.choice([each.name for each in fields(Day)])
        days[day] = replace(entry, **{name: _other(getattr(entry, name), rng)})
    held.months[named["report_type"]] = replace(month, days=days)


OTHER: tuple[tuple[type, Callable[[Any, random.Random], Any]], ...] = (
    (NoneType, lambda _, rng: 0),
    (State, lambda value, rng: State.FAILED),
    (int, lambda value, rng: rng.choice((value + 1, value - 1, None))),
    (float, lambda value, rng: rng.choice((value + 1e-12, -value, None))),
    (datetime, lambda value, rng: value + timedelta(microseconds=1)),
    (date, lambda value, rng: value + timedelta(days=1)),
    (tuple, lambda value, rng: (*value, "another") if not value or rng.random() < 0.5 else value[1:]),
    (str, lambda value, rng: f"{value}'"),
)
"""What a value becomes that is changed; the first type that fits."""


def _other(value: Any, rng: random.Random) -> Any:
    return next(change for kind, change in OTHER if isinstance(value, kind))(value, rng)


def test_ten_thousand_corruptions_are_all_found_each_named_by_its_part_and_day():
    rng = random.Random(11)
    missed = []
    for number in range(10_000):
        if number % 250 == 0:
            clean = a_month(rng, DAYS[:1])
            certificate = clean.issue()
        held = clean.copy()
        part, key = corrupt(held, rng)
        found = verify(CHANNEL, MONTH, certificate, held.found(), LATER).differing
        if (part, *key) not in [(each.part, each.report_type, each.day) for each in found]:
            missed.append((number, part, key, found))
    assert missed == []


def test_a_thousand_clean_months_raise_no_alarm():
    for seed in range(1_000):
        held = a_month(random.Random(seed), DAYS[:1])
        certificate = held.issue()
        random.Random(seed).shuffle(held.loads)
        held.rows = {about: rows[::-1] for about, rows in held.rows.items()}
        found = verify(CHANNEL, MONTH, certificate, held.found(), LATER)
        assert (found.differing, found.days, found.waiting) == ((), 2, 0)


def test_whatever_is_changed_in_a_certificate_itself_is_told():
    rng = random.Random(1)
    held = a_month(rng)
    certificate = held.issue()
    for wrong in (
        replace(certificate, value="0" * 64),
        replace(certificate, written=certificate.written.replace(":", ";", 1)),
        replace(certificate, written="no JSON"),
        replace(certificate, written="[[1]]"),
        replace(certificate, channel_id="UC2"),
        issued(CHANNEL, "2026-10", certificate.entries.values(), NOW),
    ):
        parts = [each.part for each in verify(CHANNEL, MONTH, wrong, held.found(), LATER).differing]
        assert Part.CERTIFICATE in parts


def issue_again(held: Held, kind: str, day: date, at: datetime) -> None:
    """YouTube issues a day once more, and it is loaded."""
    named, rows = load(kind, day, random.Random(5), issue=2)
    named |= {"loaded_at": at, "row_count": len(rows)}
    before = held.months[kind].days[day.isoformat()]
    held.loads.append(named)
    held.rows[named["report_id"], named["load_id"]] = rows
    entry = entry_of(named, *before.superseded, before.report_id)
    held.months[kind] = held.months[kind].with_days({day.isoformat(): entry})


def test_a_day_that_was_issued_again_waits_for_its_certificate_and_is_no_difference():
    held = a_month(random.Random(2))
    certificate = held.issue()
    issue_again(held, KINDS[0], DAYS[0], NOW + timedelta(hours=1))
    found = verify(CHANNEL, MONTH, certificate, held.found(), LATER)
    assert (found.differing, found.waiting) == ((), 1)
    again = held.issue(LATER)
    assert verify(CHANNEL, MONTH, again, held.found(), LATER).waiting == 0
    assert again.value != certificate.value


def test_a_report_that_was_loaded_again_waits_for_its_certificate_too():
    held = a_month(random.Random(2))
    certificate = held.issue()
    (kind, day), named = next(iter(held.found().loads.items()))
    rows = held.rows[named["report_id"], named["load_id"]]
    again = {**named, "load_id": "L9", "loaded_at": NOW + timedelta(hours=1)}
    held.loads = [again if each is named else each for each in held.loads]
    held.rows[named["report_id"], "L9"] = [{**row, "load_id": "L9"} for row in rows]
    month = held.months[kind]
    held.months[kind] = month.with_days({day: replace(month.days[day], load_id="L9")})
    found = verify(CHANNEL, MONTH, certificate, held.found(), LATER)
    assert (found.differing, found.waiting) == ((), 1)


def test_a_manifest_row_that_the_coverage_never_listed_is_no_new_issue():
    held = a_month(random.Random(2))
    certificate, months = held.issue(), dict(held.months)
    issue_again(held, KINDS[0], DAYS[0], NOW + timedelta(hours=1))
    held.months = months
    [found] = verify(CHANNEL, MONTH, certificate, held.found(), LATER).differing
    assert (found.part, found.report_type, found.day) == (Part.FILE, KINDS[0], f"{DAYS[0]}")


def test_a_newer_report_that_is_only_listed_changes_nothing():
    held = a_month(random.Random(3))
    certificate = held.issue()
    for kind, month in held.months.items():
        before = month.days[DAYS[0].isoformat()]
        listed = replace(
            before, report_id="newer", state=State.LISTED, superseded=(*before.superseded, before.report_id)
        )
        held.months[kind] = month.with_days({DAYS[0].isoformat(): listed})
    assert verify(CHANNEL, MONTH, certificate, held.found(), LATER).differing == ()


def test_a_day_that_nobody_certified_is_told_after_three_days():
    held = a_month(random.Random(4))
    assert verify(CHANNEL, MONTH, None, held.found(), NOW - timedelta(days=2)).differing == ()
    found = verify(CHANNEL, MONTH, None, held.found(), NOW + timedelta(days=3))
    assert {each.part for each in found.differing} == {Part.CERTIFICATE}
    assert (len(found.differing), found.waiting, found.value) == (12, 12, None)


def test_what_warehouse_and_coverage_do_not_agree_about_is_not_certified():
    held = a_month(random.Random(6))
    whole = len(held.issue().entries)
    key, named = next(iter(held.found().loads.items()))
    named["row_count"] += 1
    assert set(held.found().loads) - set(held.issue().entries) == {key}
    assert whole == 12


@given(st.permutations(range(12)))
def test_the_order_in_which_days_are_certified_makes_no_difference_to_the_value(order):
    entries = list(a_month(random.Random(7)).issue().entries.values())
    assert chained(CHANNEL, MONTH, [entries[place] for place in order]) == chained(CHANNEL, MONTH, entries)


def test_a_certificate_comes_back_from_its_stored_form():
    certificate = a_month(random.Random(8)).issue()
    assert issued(CHANNEL, MONTH, certificate.entries.values(), NOW) == certificate
    assert certificate.intact
