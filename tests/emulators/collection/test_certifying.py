"""Certificates of channels that are really loaded: issued once, verified, and broken by whatever is changed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from infra.certificate import as_text, cell
from infra.verifying import verified
from shared import channels
from shared.channels import CHANNELS, Channel
from shared.collection import audit, certifying, packs, places, verifying
from shared.collection.certifying import KIND, Certifying
from shared.collection.coverage import MONTHS, Outcome, after_listing
from shared.collection.ingest import Ingest
from shared.collection.verifying import Part
from shared.data_map import CERTIFICATES
from shared.errors import InvalidRequest
from shared.tokens.health import CONNECTED
from shared.warehouse.load import Load
from shared.warehouse.manifest import publish
from shared.warehouse.report_types import REPORT_TYPES
from shared.warehouse.rows import ReportRef
from shared.warehouse.statements import Warehouse, row_digests, run
from shared.watch import conditions
from shared.watch.reading import READERS, Sources
from tests.stands import packed
from tests.stands.digest import digest_of

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
BASIC, REACH = REPORT_TYPES["channel_basic_a3"], REPORT_TYPES["channel_reach_basic_a1"]
DAYS = [date(2026, 10, 30) + timedelta(days=number) for number in range(4)]
OWNERS = ("UC1", "UC2")
FILES = {
    BASIC.id: [
        {"video_id": "a", "views": "10", "watch_time_minutes": "0.1", "card_click_rate": "1e-3", "new": 'ä "x"'},
        {"video_id": "", "views": "3", "watch_time_minutes": "12", "card_click_rate": "", "new": ""},
        {"video_id": "", "views": "3", "watch_time_minutes": "12", "card_click_rate": "", "new": ""},
    ],
    REACH.id: [
        {"video_id": "a", "video_thumbnail_impressions": "100", "video_thumbnail_impressions_ctr": "0.1234567"}
    ],
}


class Network:
    """Connected channels whose reports are listed and loaded; the last day of each type has no rows."""

    def __init__(self, warehouse: Warehouse, state: Any) -> None:
        self.warehouse, self.state, self.now = warehouse, state, NOW
        self.certifying = Certifying(client=state, warehouse=lambda: warehouse, clock=lambda: self.now)

    def connect(self, channel: str) -> None:
        connected = Channel(
            channel_id=channel, user_id="u", title="t", uploads_playlist="UU", state=CONNECTED,
            state_since=NOW, connected_at=NOW, collect_at=NOW,
        )  # fmt: skip
        self.state.document(channels.path(channel)).set(CHANNELS.fields(connected))
        packed.place(self.state, channel)

    def load(self, kind: str, refs: list[ReportRef]) -> None:
        report_type = REPORT_TYPES[kind]
        for channel in {ref.channel_id for ref in refs}:
            of_channel = [ref for ref in refs if ref.channel_id == channel]
            packed.change(
                self.state,
                channel,
                kind,
                [ref.day for ref in of_channel],
                lambda days, some=of_channel: (None, after_listing(days, some, now=self.now).changed),
            )
        load = Load(self.warehouse, report_type, lambda: self.now)
        load.open()
        for ref in refs:
            rows = [] if ref.day == DAYS[-1] else FILES[kind]
            header = [*report_type.columns, *(("new",) if kind == BASIC.id else ())]
            values = [{**row, "date": f"{ref.day:%Y%m%d}", "channel_id": ref.channel_id} for row in rows]
            lines = [",".join(_quoted(row.get(name, "")) for name in header) for row in values]
            file = load.file(ref, "c" * 24, self.now)
            file.write("\n".join([",".join(header), *lines, ""]).encode())
            file.finish()
        done = publish(self.warehouse, [load.close()], lambda: self.now).loaded
        outcomes = [Outcome(ref=each.ref, rows=each.row_count, load_id=each.load_id) for each in done]
        packs.record(self.state, places.places(self.state), kind, outcomes, now=self.now, report_types=[kind])

    def pass_on(self, kind: str, message: Mapping[str, Any]) -> None:
        """Have `ingest` handle a message, and what it hands on."""
        waiting = [(kind, message)]
        ingest = Ingest(
            client=self.state, warehouse=lambda: self.warehouse, quota=None, caller_for=None, check_rate=None,
            to_ingest=lambda *handed_on: waiting.append(handed_on), to_ingest_at=None, clock=lambda: self.now,
            fetch_calls=None, confirm_calls=None, report_types=(), book=None, rng=random.Random(1),
        )  # fmt: skip
        while waiting:
            ingest.handle(*waiting.pop())

    def certify(self) -> int:
        asked: list[tuple[str, Any]] = []
        self.certifying.plan(lambda kind, message: asked.append((kind, message)))
        assert {kind for kind, _ in asked} <= {KIND}
        return sum(self.certifying.issue(message["channels"]) for _, message in asked)

    def name(self, table: str) -> str:
        return f"`{self.warehouse.full_name(table)}`"

    def change(self, statement: str) -> None:
        self.warehouse.client.query(statement).result()

    def write_over(self, channel: str, kind: str, day: date) -> None:
        """Change a day of the coverage as somebody would who knows nothing of its hashes."""
        document = self.state.document(places.path(kind, 0, f"{day:%Y-%m}"))
        name = f"{channel}:{kind}:{day:%Y-%m}"
        month = MONTHS.unpacked(name, document.get().to_dict()["channels"][channel])
        changed = replace(month, days={**month.days, f"{day}": replace(month.days[f"{day}"], rows=99)})
        document.update({f"channels.`{channel}`": MONTHS.packed(changed)})

    def differing(self, **only: str) -> set[tuple[str, str | None, str | None, Part]]:
        return {
            (month.channel_id, each.report_type, each.day, each.part)
            for month in verified(self.certifying, **only)
            for each in month.differing
        }


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if '"' in text else text


def ref(channel: str, kind: str, day: date, issue: int = 0) -> ReportRef:
    return ReportRef(
        report_id=f"{channel}.{kind}.{day}.{issue}", channel_id=channel, report_type=kind, job_id="j", day=day,
        create_time=NOW - timedelta(days=4 - issue), download_url="u",
    )  # fmt: skip


@pytest.fixture
def network(warehouse, firestore_client) -> Network:
    made = Network(warehouse, firestore_client)
    for channel in OWNERS:
        made.connect(channel)
    for kind in FILES:
        made.load(kind, [ref(channel, kind, day) for channel in OWNERS for day in DAYS])
    return made


def assert_python_comes_to_the_same_digests(network: Network) -> None:
    for kind in (BASIC, REACH):
        wanted = {"since": DAYS[0], "until": DAYS[-1], "wanted": OWNERS}
        digests = {
            row["report_id"]: row for row in run(network.warehouse, row_digests(kind, "channel_id"), **wanted)
        }
        rows: dict[str, list[Any]] = {}
        for row in network.warehouse.client.query(f"SELECT * FROM {network.name(kind.table)}"):
            rows.setdefault(row["report_id"], []).append(row)
        assert {report: digest_of(kind, some) for report, some in rows.items()} == {
            report: row["digest"] for report, row in digests.items()
        }
        assert len(digests) == 6


def test_every_day_is_certified_once_by_the_digest_that_python_makes_too(network):
    assert_python_comes_to_the_same_digests(network)
    network.pass_on(audit.KIND, {"day": "2026-11-22"})
    assert network.certify() == 0
    found = list(verified(network.certifying))
    assert [(each.channel_id, each.month, each.days, each.waiting) for each in found] == [
        ("UC1", "2026-10", 4, 0), ("UC1", "2026-11", 4, 0), ("UC2", "2026-10", 4, 0), ("UC2", "2026-11", 4, 0)
    ]  # fmt: skip
    assert len({each.value for each in found}) == 4
    assert network.differing() == set()
    again = ref("UC1", REACH.id, DAYS[0], issue=1)
    network.now += timedelta(hours=1)
    network.load(REACH.id, [again])
    assert [each.waiting for each in verified(network.certifying, channel="UC1", month="2026-10")] == [1]
    assert network.certify() == 1
    [renewed] = verified(network.certifying, channel="UC1", month="2026-10")
    assert (renewed.waiting, renewed.differing) == (0, ())
    assert renewed.value != found[0].value
    assert_cells_are_explained(network)


EXPLAINED = {
    "views": (16, "channel_basic_a3"),
    "watch_time_minutes": (24.1, "channel_basic_a3"),
    "impressions": (100, "channel_reach_basic_a1"),
    "click_through_rate": (0.1235, "channel_reach_basic_a1"),
    "estimated_revenue": (None, None),
}


def assert_cells_are_explained(network: Network) -> None:
    """Every column on one day, which YouTube has issued twice."""
    for column, (value, source) in EXPLAINED.items():
        told = cell(network.state, network.warehouse, "UC1", DAYS[0], column)
        assert (told.value if told.value is None else float(told.value), told.source) == (value, source)
        twice = column in {"impressions", "click_through_rate"}
        if source:
            ids = tuple(f"UC1.{source}.{DAYS[0]}.{issue}" for issue in ((1, 0) if twice else (0,)))
            assert tuple(each["report_id"] for each in told.files) == ids == told.listed
            assert told.files[0]["checksum"].startswith("sha256:")
        assert (told.reason is None) == (value is not None)
        assert f"youtube_metrics.{column} of UC1, 2026-10-30" in as_text(told)
    absent = cell(network.state, network.warehouse, "UC1", date(2026, 1, 1), "views")
    assert (absent.value, absent.files, absent.listed) == (None, (), ())
    with pytest.raises(InvalidRequest):
        cell(network.state, network.warehouse, "UC1", DAYS[0], "no_such_column")


DAMAGE = (
    (BASIC, Part.ROWS, "UPDATE {table} SET views = views + 1 WHERE {about} AND video_id = 'a'"),
    (REACH, Part.ROWS, "UPDATE {table} SET video_thumbnail_impressions_ctr = 0.12345670000000001 WHERE {about}"),
    (
        BASIC,
        Part.ROWS,
        """UPDATE {table} SET extra = PARSE_JSON('{{"new": "y"}}') WHERE {about} AND video_id = 'a'""",
    ),
    (REACH, Part.ROWS, "UPDATE {table} SET channel_id = 'UC3' WHERE {about}"),
    (BASIC, Part.ROWS, "DELETE FROM {table} WHERE {about}"),
    (REACH, Part.ROWS, "INSERT INTO {table} SELECT * FROM {table} WHERE {about}"),
    (BASIC, Part.FILE, "UPDATE {loads} SET checksum = 'x' WHERE {loaded}"),
    (REACH, Part.FILE, "UPDATE {loads} SET report_id = 'x' WHERE {loaded}"),
    (BASIC, Part.FILE, "DELETE FROM {loads} WHERE {loaded}"),
)


def test_what_is_changed_in_the_warehouse_is_named_with_its_channel_type_and_day(network):
    network.certify()
    told = set()
    days = [(channel, day) for channel in OWNERS for day in DAYS[:3]]
    for number, (kind, part, statement) in enumerate(DAMAGE):
        channel, day = days[number // 2]
        network.change(
            statement.format(
                table=network.name(kind.table),
                loads=network.name("report_loads"),
                about=f"date = '{day}' AND channel_id = '{channel}'",
                loaded=f"day = '{day}' AND channel_id = '{channel}' AND report_type = '{kind.id}'",
            )
        )
        told.add((channel, kind.id, f"{day}", part))
    assert network.differing() == told
    assert network.differing(channel="UC1") == {each for each in told if each[0] == "UC1"}


def test_what_is_changed_in_the_coverage_or_in_a_certificate_is_named_and_stays_so(network):
    network.certify()
    rng = random.Random(1)
    changed = {(rng.choice(OWNERS), rng.choice((BASIC.id, REACH.id)), rng.choice(DAYS)) for _ in range(4)}
    for channel, kind, day in changed:
        network.write_over(channel, kind, day)
    assert network.differing() == {(channel, kind, f"{day}", Part.COVERAGE) for channel, kind, day in changed}

    certificate = network.state.document(CERTIFICATES.path, "UC2:2026-11")
    certificate.update({"written": "[]"})
    network.now += timedelta(hours=1)
    network.load(REACH.id, [ref("UC2", REACH.id, DAYS[2], issue=1)])
    network.certify()  # nothing is added to what was changed
    assert ("UC2", None, None, Part.CERTIFICATE) in network.differing(channel="UC2")
    certificate.delete()
    network.now += timedelta(days=4)
    told = network.differing(channel="UC2", month="2026-11")
    assert {part for *_, part in told} >= {Part.CERTIFICATE}

    network.now = NOW
    for day in DAYS:
        network.load(REACH.id, [ref("UC1", REACH.id, day, issue=2)])
    packed.forget(network.state, "UC1")  # what comes for a channel after its disconnect goes
    network.certify()
    left = {each.id.partition(":")[0] for each in network.state.collection(CERTIFICATES.path).stream()}
    assert "UC1" not in left


def alarmed(network: Network) -> dict[str, str]:
    seen = READERS["certificates"][2](Sources(client=network.state, quota=None), network.now)
    return conditions.alarms(seen, network.now)


@pytest.mark.alarm("certificates", "unverified")
def test_a_month_is_verified_when_it_is_due_and_a_number_that_was_changed_is_an_alarm_until_it_is_right(
    network, reads
):
    network.pass_on(certifying.KIND, {})
    reads()
    network.pass_on(verifying.KIND, {})
    assert reads() == 1  # nothing is due for a week
    table = network.name(BASIC.table)
    change = (
        f"UPDATE {table} SET views = views {{}} WHERE date = '{DAYS[0]}' AND channel_id = 'UC1' AND video_id = 'a'"
    )
    network.change(change.format("+ 1"))
    network.now += timedelta(days=7)
    assert alarmed(network) == {}
    reads()
    network.pass_on(verifying.KIND, {})
    # Of each channel's month, that it is due and its certificate; of each month the places and two report types.
    assert reads() == 4 * (1 + 1) + 2 * (1 + 2)
    message = alarmed(network)["certificates"]
    assert f"UC1 2026-10, channel_basic_a3 {DAYS[0]}: rows: other cells than were loaded." in message
    network.pass_on(verifying.KIND, {})
    assert reads() == 3  # the alarm's own, and that nothing is due
    network.change(change.format("- 1"))
    network.now += timedelta(days=1)  # one that differs is due daily, others are not yet
    network.pass_on(verifying.KIND, {})
    assert alarmed(network) == {}
    network.now += timedelta(days=30)
    assert "2, the oldest due at 2026-12-28" in alarmed(network)["unverified"]  # November's; October is older
    network.pass_on(verifying.KIND, {})
    assert alarmed(network) == {}


def test_a_month_of_which_no_day_can_be_certified_is_an_alarm_too(network):
    for kind in FILES:
        for day in DAYS[:2]:
            network.write_over("UC2", kind, day)
    network.pass_on(certifying.KIND, {})
    network.now += timedelta(days=7)
    network.pass_on(verifying.KIND, {})
    assert (
        "UC2 2026-10, channel_basic_a3 2026-10-30: coverage's entry: it was changed and 7 more"
        in alarmed(network)["certificates"]
    )
