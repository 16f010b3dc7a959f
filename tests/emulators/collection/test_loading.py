"""A message's reports become rows once, wherever the process dies and whatever meets them on the way."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, BinaryIO

import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from shared.access.disconnect import ERASE
from shared.collection import gone, messages, packs, places
from shared.collection.coverage import Day, Outcome, after_listing
from shared.collection.jobs import Job, State, name_of
from shared.collection.loading import Later, ReportLoading
from shared.errors import (
    CorruptData,
    NotFound,
    QuotaRefused,
    RateLimited,
    ReauthRequired,
    Unavailable,
    YtempireError,
)
from shared.warehouse.load import Staged
from shared.warehouse.report_types import REPORT_TYPES
from shared.warehouse.rows import NEW_COLUMNS, ReportRef
from shared.warehouse.statements import Warehouse
from tests.stands import bigquery_limits, packed
from tests.stands.bigquery_limits import LOADS_SPENT, QUEUE_FULL, RATE, SPOILT, Limits
from tests.stands.mortal import Died, Mortal

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
FIRST = date(2026, 11, 1)
REACH = REPORT_TYPES["channel_reach_basic_a1"]
VIEW = "channel_reach"


def ref(channel: str, number: int = 0) -> ReportRef:
    return ReportRef(
        report_id=f"{channel}-{number}", channel_id=channel, report_type=REACH.id, job_id="j",
        day=FIRST + timedelta(days=number), create_time=NOW - timedelta(days=2), download_url="u",
    )  # fmt: skip


def listed(client: Any, report: ReportRef) -> None:
    """Note that YouTube lists a report."""
    packed.change(
        client,
        report.channel_id,
        REACH.id,
        [report.day],
        lambda days: (None, after_listing(days, [report], now=NOW).changed),
    )


@dataclass
class Room:
    """Our side: a warehouse, a coverage that waits for reports, and files to download."""

    warehouse: Warehouse
    state: Any
    files: dict[str, bytes | YtempireError] = field(default_factory=dict)
    downloads: list[str] = field(default_factory=list)
    slow: set[str] = field(default_factory=set)
    now: datetime = NOW
    turn: timedelta = timedelta(minutes=3)
    meanwhile: Callable[[], object] = lambda: None

    def disconnect(self, channel: str) -> Any:
        self.state.document("channels", channel).delete()
        packed.forget(self.state, channel)

    def connect(self, *channels: str, at: datetime = NOW) -> None:
        for channel in channels:
            self.state.document("channels", channel).set({"state": "connected", "connected_at": at})
            job = Job(
                name=name_of(channel, REACH.id), channel_id=channel, report_type=REACH.id, job_id="j",
                created_at=NOW - timedelta(days=40), since=NOW - timedelta(days=40),
            )  # fmt: skip
            packed.place(self.state, channel)
            packed.put(self.state, job)

    def expects(self, *refs: ReportRef) -> list[ReportRef]:
        """List reports and give each a file of one row with 10 impressions."""
        for each in refs:
            row = f"{each.day:%Y%m%d},{each.channel_id},v,10,0.5"
            self.files[each.report_id] = f"{','.join(REACH.columns)}\n{row}\n".encode()
            listed(self.state, each)
        return list(refs)

    def download(self, report: ReportRef, into: BinaryIO) -> None:
        self.downloads.append(report.report_id)
        self.meanwhile()
        file = self.files[report.report_id]
        if isinstance(file, YtempireError):
            raise file
        into.write(file[:10])
        if report.report_id in self.slow:
            self.now += timedelta(minutes=10)
        into.write(file[10:])

    def load(
        self,
        refs: list[ReportRef],
        client: bigquery.Client | None = None,
        before: list[Staged] | None = None,
    ) -> Sequence[Later]:
        return self._loading(client).load(refs, self.download, before)

    def go_on(self, later: Later, client: bigquery.Client | None = None) -> Sequence[Later]:
        """Do what was handed on, as it comes back."""
        told = json.loads(json.dumps(later.message))
        if later.kind == messages.STAGED:
            return self._loading(client).go_on(messages.staged_from(told))
        before = messages.staged_from(told) if "staged" in told else None
        return self.load(messages.refs_from(told), client, before)

    def _loading(self, client: bigquery.Client | None) -> ReportLoading:
        return ReportLoading(
            client=self.state,
            warehouse=replace(self.warehouse, client=client) if client else self.warehouse,
            report_types=(REACH.id,),
            clock=self._tick,
            turn=self.turn,
        )

    def _tick(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now

    def seen(self) -> dict[str, int]:
        query = (
            f"SELECT report_id, SUM(video_thumbnail_impressions) FROM `{self.warehouse.dataset}.{VIEW}` GROUP BY 1"
        )
        return {row[0]: row[1] for row in self.warehouse.client.query(query).result()}

    def job(self, channel: str) -> Job:
        [job] = packs.jobs(self.state, [channel], [REACH.id])
        return job

    def staging_tables(self) -> list[str]:
        names = [table.table_id for table in self.warehouse.client.list_tables(self.warehouse.dataset)]
        return [name for name in names if name.startswith("staged_")]

    def day(self, of: ReportRef) -> Day:
        return packed.days(self.state, of.channel_id, REACH.id, [of.day])[of.day]


@pytest.fixture
def room(warehouse, firestore_client) -> Iterator[Room]:
    return Room(warehouse, firestore_client)


def mortal(room: Room, lives: int) -> bigquery.Client:
    return client_at(room.warehouse.client._connection.API_BASE_URL, _http=Mortal(lives))


def client_at(address: str, **more: Any) -> bigquery.Client:
    options = ClientOptions(api_endpoint=address)
    return bigquery.Client(project="test", credentials=AnonymousCredentials(), client_options=options, **more)


@pytest.fixture
def limits(bigquery_emulator) -> Iterator[Limits]:
    """A BigQuery that refuses what a test says."""
    with bigquery_limits.in_front_of(bigquery_emulator) as limits:
        yield limits


@pytest.mark.fault(32)
def test_wherever_the_process_dies_the_next_delivery_finishes_and_every_row_counts_once(room):
    deaths = 0
    while True:
        channel = f"UC{deaths}"
        room.connect(channel)
        refs = room.expects(ref(channel, 0), ref(channel, 1))
        client = mortal(room, deaths + 1)
        try:
            room.load(refs, client)
        except Died:
            deaths += 1
        else:
            break
        room.load(refs)
        assert {r.report_id: room.seen().get(r.report_id) for r in refs} == {r.report_id: 10 for r in refs}
        assert {room.day(r).state for r in refs} == {State.LOADED}
    assert deaths >= 4  # looked up, loaded, named, and the answers in between


@pytest.mark.fault(44)
def test_a_second_delivery_downloads_nothing_and_changes_nothing(room):
    room.connect("UC1")
    refs = room.expects(ref("UC1"))
    room.load(refs)
    before = (room.seen(), room.day(refs[0]))
    room.load(refs)
    assert (room.seen(), room.day(refs[0])) == before
    assert room.downloads == ["UC1-0"]


def load_admitting(room: Room, refs: list[ReportRef], *admitted: ReportRef, before: list[Staged]) -> Later:
    """Load reports while YouTube's limit admits some alone; what is handed on."""
    files = dict(room.files)
    for each in set(refs) - set(admitted):
        room.files[each.report_id] = RateLimited("too fast", retry_at=NOW + timedelta(minutes=1))
    (later,) = room.load(refs, before=before)
    room.files = files
    return later


@pytest.mark.fault(32)
def test_what_several_minutes_brought_is_loaded_together_wherever_the_process_dies(room):
    deaths, every = 0, list[ReportRef]()
    while True:
        channel = f"UC{deaths}"
        room.connect(channel)
        refs = room.expects(*(ref(channel, number) for number in range(3)))
        later = load_admitting(room, refs, *refs[:2], before=[])
        assert {room.day(r).state for r in refs} == {State.LISTED}
        every += refs
        room.downloads.clear()
        try:
            room.go_on(later, mortal(room, deaths + 1))
        except Died:
            deaths += 1
        else:
            break
        room.go_on(later)
        assert {room.day(r).state for r in refs} == {State.LOADED}
        assert set(room.downloads) == {refs[2].report_id}
    assert deaths >= 4
    assert room.seen() == {r.report_id: 10 for r in every}


def test_what_was_downloaded_through_a_connection_that_has_ended_is_not_loaded_for_the_next_one(room):
    room.connect("UC1", "UC2")
    refs = room.expects(ref("UC1"), ref("UC2"), ref("UC2", 1))
    later = load_admitting(room, refs, *refs[:2], before=[])
    room.disconnect("UC1")
    room.connect("UC1", at=NOW + timedelta(minutes=1))
    room.expects(refs[0])
    assert room.go_on(later) == []
    assert room.seen() == {"UC2-0": 10, "UC2-1": 10}
    assert room.day(refs[0]).state is State.LISTED  # the new connection's collection brings it


@pytest.mark.fault(44)
def test_two_deliveries_at_once_count_once(room):
    room.connect("UC1")
    refs = room.expects(*(ref("UC1", n) for n in range(4)))
    failures: list[BaseException] = []

    def deliver() -> None:
        try:
            room.load(refs)
        except Exception as error:  # noqa: BLE001 - a lost race is a failure that is delivered again
            failures.append(error)

    threads = [threading.Thread(target=deliver) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failures) < 3
    room.load(refs)
    assert room.seen() == {r.report_id: 10 for r in refs}
    assert {room.day(r).state for r in refs} == {State.LOADED}


@pytest.mark.fault(30)
def test_a_file_that_was_cut_is_delivered_again_and_holds_up_nobody(room):
    room.connect("UC1", "UC2")
    cut, whole = room.expects(ref("UC1"), ref("UC2"))
    good = room.files[cut.report_id]
    room.files[cut.report_id] = Unavailable("cut short", reason="damagedDownload")
    with pytest.raises(Unavailable):
        room.load([cut, whole])
    assert room.seen() == {whole.report_id: 10}
    assert (room.day(cut).state, room.day(whole).state) == (State.LISTED, State.LOADED)
    room.files[cut.report_id] = good
    room.load([cut, whole])
    assert room.seen() == {cut.report_id: 10, whole.report_id: 10}


def test_a_download_that_drips_is_left_in_time(room):
    room.connect("UC1", "UC2")
    whole, dripping = room.expects(ref("UC1"), ref("UC2"))
    room.load([whole])
    room.slow.add(dripping.report_id)
    with pytest.raises(Unavailable) as left:
        room.load([whole, dripping])
    assert left.value.reason == "slowDownload"
    room.slow.clear()
    room.load([whole, dripping])
    assert room.seen() == {whole.report_id: 10, dripping.report_id: 10}


@pytest.mark.case("C7")
@pytest.mark.parametrize(
    ("error", "state", "reason", "rest"),
    [
        (CorruptData("bad", reason="reportRowBroken"), State.FAILED, "reportRowBroken", 0),
        (NotFound("no such report"), State.FAILED, "notFound", 0),
        (ReauthRequired("lost"), State.LISTED, None, 0),
        (QuotaRefused("spent", retry_at=NOW + timedelta(hours=9)), State.LISTED, None, 0),
        (RateLimited("too fast", retry_at=NOW + timedelta(minutes=1)), State.LISTED, None, 1),
    ],
)
@pytest.mark.fault(64)
def test_one_reports_trouble_is_its_own(room, error, state, reason, rest):
    room.connect("UC1", "UC2")
    troubled, whole = room.expects(ref("UC1"), ref("UC2"))
    room.files[troubled.report_id] = error
    loaded = room.load([troubled, whole])
    assert room.seen() == {whole.report_id: 10}
    assert (room.day(troubled).state, room.day(troubled).reason) == (state, reason)
    handed_on = [(messages.refs_from(later.message), later.at) for later in loaded if later.kind == messages.KIND]
    assert handed_on == [([troubled], error.retry_at)][:rest]
    stored = {name: room.state.document("channels", name).get().to_dict() for name in ("UC1", "UC2")}
    assert stored["UC1"].get("synced_at") is None
    assert ("listed_at" in stored["UC1"]) == (state is State.FAILED)
    assert stored["UC2"]["synced_at"] is not None
    assert room.job("UC1").at_risk is (state is State.FAILED)


@pytest.mark.fault(31)
def test_new_columns_are_kept_and_each_is_told_once_however_many_files_have_it(room, capsys):
    room.connect("UC1")
    for number, columns in enumerate((["mood"], ["mood", "weather"], [])):
        refs = room.expects(ref("UC1", 2 * number), ref("UC1", 2 * number + 1))
        for each in refs:
            head, row = room.files[each.report_id].decode().splitlines()
            more = (",".join([head, *columns]), ",".join([row, *("x" for _ in columns)]))
            room.files[each.report_id] = "\n".join(more).encode()
        room.load(refs)
    out = capsys.readouterr().out
    assert [out.count(f'"report": "{REACH.id}", "column": "{name}"') for name in ("mood", "weather")] == [1, 1]
    assert "a report is odd" not in out
    manifest = f"SELECT findings FROM `{room.warehouse.dataset}.report_loads` ORDER BY day"
    said = [row[0] for row in room.warehouse.client.query(manifest).result()]
    assert said == [f"{NEW_COLUMNS} mood"] * 2 + [f"{NEW_COLUMNS} mood, weather"] * 2 + [None] * 2
    kept = f"SELECT COUNT(JSON_VALUE(extra, '$.mood')) FROM `{room.warehouse.dataset}.{VIEW}`"
    assert [row[0] for row in room.warehouse.client.query(kept).result()] == [4]


LONG = timedelta(minutes=15)
SHORT = timedelta(minutes=1)


@pytest.mark.fault(72)
@pytest.mark.parametrize(
    ("refused", "wait", "downloaded"),
    [
        ((bigquery_limits.says("report_id IN UNNEST"), RATE), SHORT, False),
        ((bigquery_limits.begins_a_load, RATE), SHORT, False),
        ((bigquery_limits.begins_a_load, LOADS_SPENT), LONG, False),
        ((bigquery_limits.says("INSERT INTO"), QUEUE_FULL), SHORT, True),
        ((bigquery_limits.says("INSERT INTO"), LOADS_SPENT), LONG, True),
        ((bigquery_limits.says("report_loads`\\n  (report_id"), QUEUE_FULL), SHORT, True),
    ],
)
def test_a_bigquery_that_takes_no_more_is_asked_again_later_and_nothing_is_downloaded_twice(
    room, limits, refused, wait, downloaded
):
    room.connect("UC1")
    refs = room.expects(*(ref("UC1", number) for number in range(3)))
    limits.refuse(*refused)
    client = client_at(f"http://{limits.address}")
    (later,) = room.load(refs, client)  # nothing is raised, so no delivery counts as failed
    assert limits.refused == 1
    assert room.now <= later.at <= room.now + wait
    assert sorted(room.downloads) == [r.report_id for r in refs if downloaded]
    assert {room.day(r).state for r in refs} == {State.LISTED}
    assert room.go_on(later, client) == []
    assert sorted(room.downloads) == [r.report_id for r in refs]
    assert room.staging_tables() == []
    assert room.seen() == {r.report_id: 10 for r in refs}
    assert {room.day(r).state for r in refs} == {State.LOADED}


@pytest.mark.fault(72)
def test_a_file_that_was_cut_while_bigquery_is_full_costs_the_others_no_second_download(room, limits):
    room.connect("UC1", "UC2")
    cut, whole = room.expects(ref("UC1"), ref("UC2"))
    good = room.files[cut.report_id]
    room.files[cut.report_id] = Unavailable("cut short", reason="damagedDownload")
    limits.refuse(bigquery_limits.says("INSERT INTO"), QUEUE_FULL)
    staged, again = room.load([cut, whole], client_at(f"http://{limits.address}"))
    room.files[cut.report_id] = good
    assert [room.go_on(later) for later in (staged, again)] == [[], []]
    assert room.seen() == {cut.report_id: 10, whole.report_id: 10}
    assert sorted(room.downloads) == [cut.report_id, cut.report_id, whole.report_id]


@pytest.mark.case("C8b")
@pytest.mark.fault(64)
def test_a_load_that_bigquery_refuses_is_split_until_the_culprit_is_found(room, limits):
    room.connect("UC1", "UC2")
    refs = room.expects(*(ref("UC1", number) for number in range(5)), ref("UC2", 2))
    culprit = refs[-1]
    room.files[culprit.report_id] = room.files[culprit.report_id].replace(b",v,", b",poison,")
    limits.refuse(bigquery_limits.loads(b"poison"), SPOILT, times=100)
    client, turns = client_at(f"http://{limits.address}"), 0
    waiting = list(room.load(refs, client))
    while waiting:
        turns += 1
        waiting += room.go_on(waiting.pop(), client)
    assert turns < 2 * len(refs)
    assert room.seen() == {r.report_id: 10 for r in refs[:-1]}
    assert (room.day(culprit).state, room.day(culprit).reason) == (State.FAILED, "loadRefused")


def test_a_turn_ends_in_time_and_the_rest_goes_on_in_a_message_of_its_own(room):
    room.connect("UC1")
    refs = room.expects(*(ref("UC1", number) for number in range(20)))
    room.turn = timedelta(microseconds=12)  # the clock moves by one at every look
    loaded = room.load(refs)
    (later,) = loaded
    rest = messages.refs_from(later.message)
    assert later.at is None
    assert 0 < len(rest) < 20
    assert room.seen() == {r.report_id: 10 for r in refs if r not in rest}
    room.turn = timedelta(minutes=3)
    assert room.go_on(later) == []
    assert room.seen() == {r.report_id: 10 for r in refs}
    assert len(room.downloads) == 20


def test_a_staging_table_that_waited_for_too_long_is_downloaded_again(room, limits):
    room.connect("UC1")
    refs = room.expects(ref("UC1"))
    limits.refuse(bigquery_limits.says("INSERT INTO"), QUEUE_FULL)
    (later,) = room.load(refs, client_at(f"http://{limits.address}"))
    (staged,) = later.message["staged"]
    lost = {"staged": [{**staged, "table": "staged_and_gone"}]}
    (again,) = room.go_on(replace(later, message=lost))
    assert room.go_on(again) == []
    assert room.seen() == {"UC1-0": 10}


@pytest.mark.fault(72)
def test_rows_of_a_channel_that_is_gone_wait_for_bigquery_s_queue_of_deletions(room, limits):
    room.connect("UC1", "UC2")
    left, whole = room.expects(ref("UC1"), ref("UC2"))
    limits.refuse(bigquery_limits.says("DELETE FROM"), QUEUE_FULL)
    room.meanwhile = lambda: "UC1" in places.places(room.state) and room.disconnect("UC1")
    (later,) = room.load([left, whole], client_at(f"http://{limits.address}"))
    assert (later.kind, later.message["channel_id"]) == (ERASE, "UC1")
    assert later.at is not None
    assert room.seen() == {left.report_id: 10, whole.report_id: 10}
    gone.erase_for_receipt(room.warehouse, room.state, "UC1", later.message["receipt"], lambda: room.now)
    assert room.seen() == {whole.report_id: 10}
    assert sorted(room.downloads) == [left.report_id, whole.report_id]


def test_a_month_of_coverage_that_cannot_be_read_is_one_channels_trouble(room, capsys):
    room.connect("UC1", "UC2")
    spoilt, whole = room.expects(ref("UC1"), ref("UC2"))
    packed.spoil(room.state, "UC1", REACH.id, "2026-11")
    loaded = room.load([spoilt, whole])
    assert loaded == []
    assert room.seen() == {spoilt.report_id: 10, whole.report_id: 10}
    assert room.day(whole).state is State.LOADED
    assert [
        "synced_at" in room.state.document("channels", channel).get().to_dict() for channel in ("UC1", "UC2")
    ] == [False, True]
    told = [line for line in capsys.readouterr().out.splitlines() if "recordUnreadable" in line]
    assert ["UC1" in line for line in told] == [True]


def test_bytes_that_are_no_text_are_one_reports_trouble_too(room):
    room.connect("UC1", "UC2")
    troubled, whole = room.expects(ref("UC1"), ref("UC2"))
    room.files[troubled.report_id] = b"\xff\xfe\x00 not a report"
    room.load([troubled, whole])
    assert room.seen() == {whole.report_id: 10}
    assert room.day(troubled).reason == "reportUnreadable"


def test_a_channel_that_is_disconnected_during_a_load_takes_its_rows_and_days_along(room):
    room.connect("UC1", "UC2")
    leaving, staying = room.expects(ref("UC1"), ref("UC2"))
    held = places.places(room.state)
    room.meanwhile = lambda: places.end(room.state, "UC1", held["UC1"].connection)
    room.load([leaving, staying])
    assert room.seen() == {staying.report_id: 10}
    raw = f"SELECT COUNT(*) FROM `{room.warehouse.dataset}.report_{REACH.id}` WHERE channel_id = 'UC1'"
    assert next(iter(room.warehouse.client.query(raw).result()))[0] == 0


@pytest.mark.parametrize("error", [NotFound("no such report"), Unavailable("cut"), CorruptData("bad")])
def test_a_report_of_a_channel_that_is_gone_is_dropped_whatever_else_is_wrong_with_it(room, error, capsys):
    room.connect("UC1", "UC2")
    left, whole = room.expects(ref("UC1"), ref("UC2"))
    room.disconnect("UC1")
    room.files[left.report_id] = error
    loaded = room.load([left, whole])
    assert room.seen() == {whole.report_id: 10}
    assert loaded == []
    told = [line for line in capsys.readouterr().out.splitlines() if left.report_id in line]
    assert ["is dropped" in line for line in told] == [True]


def test_outcomes_and_listings_that_meet_in_one_month_are_all_kept(firestore_client):
    days = [FIRST + timedelta(days=n) for n in range(20)]

    def listing(number: int) -> Callable[[], None]:
        return lambda: listed(firestore_client, ref("UC1", number))

    packed.place(firestore_client, "UC1")

    threads = [threading.Thread(target=listing(n)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(packed.days(firestore_client, "UC1", REACH.id, days)) == days


def test_forgetting_a_channel_leaves_the_others(firestore_client):
    for channel in ("UC1", "UC2"):
        listed(firestore_client, ref(channel))
    packed.forget(firestore_client, "UC1")
    assert list(packed.stored(firestore_client).values()) == [{"UC2"}]
    assert places.places(firestore_client).keys() == {"UC2"}


def test_what_a_load_tells_late_of_a_deleted_month_does_not_bring_it_back(firestore_client):
    listed(firestore_client, ref("UC1"))
    held = places.places(firestore_client)
    packed.forget(firestore_client, "UC1")
    outcomes = [Outcome(ref=ref("UC1"), rows=1, load_id="L"), Outcome(ref=ref("UC1", 1), reason="reportEmpty")]
    packs.record(firestore_client, held, REACH.id, outcomes, now=NOW, report_types=[REACH.id])
    assert packed.stored(firestore_client) == {}
