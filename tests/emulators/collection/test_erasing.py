"""Rows go with their connection: all of the old one's, none of the new one's, whatever the clocks say."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from shared import channels
from shared.access.disconnect import ERASE, WAREHOUSE
from shared.access.receipts import PENDING, RECEIPTS, Receipt, Receipts
from shared.collection import gone
from shared.collection.ingest import Ingest
from shared.collection.jobs import State
from shared.errors import InvalidRequest
from shared.warehouse.load import Load, load_id_for, new_load_id
from shared.warehouse.report_types import REPORT_TYPES
from shared.warehouse.statements import TAKE_STAGED, Warehouse, of_staged, run
from shared.warehouse.tables import REPORT_LOADS
from tests.emulators.collection.test_loading import NOW, REACH, Died, Room, mortal, ref
from tests.stands import packed

SKEW = timedelta(seconds=60)
BASIC = REPORT_TYPES["channel_basic_a3"]


@dataclass
class Erasing(Room):
    """A room whose channels come and go; asked: the messages that it would send to `ingest`."""

    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    made: int = 0

    def connect(self, *names: str) -> None:
        """Connect channels, each as a connection of its own."""
        for name in names:
            self.made += 1
            at = NOW + timedelta(minutes=self.made)
            self.state.document("channels", name).set({"state": "connected", "connected_at": at})
            packed.place(self.state, name)

    def connection(self, channel: str) -> str:
        """The id of a channel's connection."""
        return gone.connections(self.state, [channel])[channel]

    def disconnect(self, channel: str) -> str:
        """End a connection, of whose rows nothing is erased yet; the receipt's id."""
        receipt_id = self.connection(channel)
        opened = Receipt(
            receipt_id=receipt_id, channel_id=channel, user_id="u1", by="user", requested_at=self.now,
            revocation=PENDING, expires_at=self.now + timedelta(days=400),
        )  # fmt: skip
        self.state.document("receipts", receipt_id).set(RECEIPTS.fields(opened))
        self.receipts.begin(receipt_id, WAREHOUSE)
        packed.forget(self.state, channel)
        self.state.document(channels.path(channel)).delete()
        return receipt_id

    @property
    def receipts(self) -> Receipts:
        return Receipts(self.state, self._tick)

    def erase(self, channel: str, receipt_id: str, warehouse: Warehouse | None = None) -> None:
        """Work on the message that a disconnect sends."""
        gone.erase_for_receipt(warehouse or self.warehouse, self.state, channel, receipt_id, self._tick)

    def audit(self) -> int:
        """The daily look, and work on what it asks for."""
        found = gone.audit(self.warehouse, self.state, lambda *sent: self.asked.append(sent), self._tick)
        for kind, message in self.asked:
            assert kind == ERASE
            self.erase(message["channel_id"], message["receipt"])
        self.asked.clear()
        return found

    def said(self, receipt_id: str) -> Any:
        """How many reports the receipt says were erased; None while it says nothing."""
        return self.receipts.get(receipt_id).as_json()["deleted"][WAREHOUSE]

    def rows(self, table: str) -> int:
        query = f"SELECT COUNT(*) FROM `{self.warehouse.dataset}.{table}`"
        return int(next(iter(self.warehouse.client.query(query).result()))[0])


@pytest.fixture
def room(warehouse, firestore_client) -> Iterator[Erasing]:
    return Erasing(warehouse, firestore_client)


@pytest.mark.fault(68)
@pytest.mark.parametrize("skew", [SKEW, -SKEW])
@pytest.mark.case("A6")
def test_every_row_of_an_old_connection_goes_and_none_of_a_new_one_s_though_clocks_are_a_minute_apart(room, skew):
    room.connect("UC1", "UC2")
    room.now += skew  # of the loading instance
    old, other = room.expects(ref("UC1", 0), ref("UC2", 0))
    room.load([old, other])
    room.now -= skew
    receipt_id = room.disconnect("UC1")
    room.connect("UC1")
    room.now -= skew
    new = room.expects(ref("UC1", 1))
    room.load(new)
    for _ in range(2):  # a second delivery finds nothing to do
        room.erase("UC1", receipt_id)
        assert room.seen() == {"UC2-0": 10, "UC1-1": 10}
        assert room.day(new[0]).state is State.LOADED
        assert room.said(receipt_id) == 1


@pytest.mark.fault(68)
@pytest.mark.case("A6")
def test_a_report_of_both_connections_stays_the_new_one_s_when_the_old_one_is_erased(room):
    room.connect("UC1")
    [same] = room.expects(ref("UC1", 0))
    room.load([same])
    receipt_id = room.disconnect("UC1")
    room.connect("UC1")
    room.expects(same)
    room.load([same])
    assert room.seen() == {"UC1-0": 10}
    room.erase("UC1", receipt_id)
    assert room.seen() == {"UC1-0": 10}
    assert (room.day(same).state, room.rows(REACH.table)) == (State.LOADED, 1)


@pytest.mark.fault(68)
@pytest.mark.case("A6")
def test_a_load_that_meets_a_reconnection_is_the_old_connection_s_and_takes_itself_back(room):
    room.connect("UC1")
    [same] = room.expects(ref("UC1", 0))

    def meanwhile() -> None:
        room.meanwhile = lambda: None
        room.erase("UC1", room.disconnect("UC1"))
        room.connect("UC1")
        room.expects(same)

    room.meanwhile = meanwhile
    room.load([same])
    assert (room.seen(), room.rows(REACH.table)) == ({}, 0)
    assert room.day(same).state is State.LISTED  # so it is dispatched again
    room.load([same])
    assert (room.seen(), room.day(same).state) == ({"UC1-0": 10}, State.LOADED)


@pytest.mark.fault(68)
def test_wherever_an_erasure_dies_the_next_delivery_ends_it_and_the_receipt_says_what_there_was(room):
    room.connect("UC1")
    deaths, after = 0, (1, 2, 4, 99)  # counted; the manifest; among the tables; when all is over
    for requests in after:
        room.connect("UC1")
        room.load(room.expects(*(ref("UC1", n) for n in range(3))))
        receipt_id = room.disconnect("UC1")
        try:
            room.erase("UC1", receipt_id, Warehouse(mortal(room, requests), room.warehouse.dataset))
        except Died:
            deaths += 1
            assert room.said(receipt_id) is None
            assert [each.receipt_id for each in room.receipts.unconfirmed(WAREHOUSE)] == [receipt_id]
            room.erase("UC1", receipt_id)
        assert room.said(receipt_id) == 3
        assert (room.rows(REACH.table), room.rows(REPORT_LOADS.name)) == (0, 0)
        assert list(room.receipts.unconfirmed(WAREHOUSE)) == []
    assert deaths == len(after) - 1


@pytest.mark.fault(68)
def test_a_connection_that_stands_is_never_erased_whoever_asks(room):
    room.connect("UC1")
    room.load(room.expects(ref("UC1")))
    room.erase("UC1", room.connection("UC1"))
    room.state.document("channels", "UC1").update({"connected_at": "yesterday"})
    room.erase("UC1", "another")  # nobody can say that it has ended
    assert room.seen() == {"UC1-0": 10}


@pytest.mark.parametrize("receipt", ["", None, "x", "../" * 8, "a" * 23])
def test_a_message_that_names_no_connection_erases_nothing(receipt):
    def unused(*_: Any) -> Any:
        raise AssertionError("it was refused before")

    ingest = Ingest(
        client=None, warehouse=unused, report_types=(), quota=None, caller_for=unused, check_rate=unused,
        book=unused, to_ingest=unused, to_ingest_at=unused,
        fetch_calls=unused, confirm_calls=unused, clock=unused, rng=random.Random(1),
    )  # type: ignore[arg-type]  # fmt: skip
    with pytest.raises(InvalidRequest):
        ingest.handle(ERASE, {"channel_id": "UC1", "receipt": receipt})


@pytest.mark.fault(68)
@pytest.mark.case("A6")
def test_the_daily_audit_finds_every_row_of_connections_that_are_gone_named_or_not(room):
    room.connect("UC1", "UC2", "UC3")
    left, stays, _ = room.expects(ref("UC1"), ref("UC2"), ref("UC3"))
    room.load([left, stays])
    day = (NOW - timedelta(days=5)).date()
    unnamed = ref("UC3", (day - ref("UC3").day).days)
    died = Load(room.warehouse, REACH, lambda: room.now)
    died.open()
    file = died.file(unnamed, room.connection("UC3"), room.now)
    file.write(f"{','.join(REACH.columns)}\n{day:%Y%m%d},UC3,v,10,0.5\n".encode())
    file.finish()
    staged = died.close()
    assert staged.table is not None
    take = of_staged(TAKE_STAGED, {staged.table: staged.order}, REACH)
    load = {"report_id": unnamed.report_id, "load_id": load_id_for(new_load_id(room.now), room.connection("UC3"))}
    run(room.warehouse, take, table=REACH.table, loads=json.dumps([load]))  # and dies before the manifest
    assert room.audit() == 0
    receipt_id = room.disconnect("UC1")  # its erasure was never worked on
    room.state.document("channels", "UC3").delete()  # nobody has a receipt of this one
    assert room.audit() == 2
    assert (room.seen(), room.rows(REACH.table)) == ({"UC2-0": 10}, 1)
    assert room.said(receipt_id) == 1
    assert room.audit() == 0
