"""The whole system is left: every connection ends by the way that users have, with its receipt."""

from __future__ import annotations

import json

from infra import moving
from shared.access.receipts import Receipts


def finished(access) -> None:
    """The warehouse says that it has erased, as `ingest` does."""
    receipts = Receipts(access.client, access.simulator.clock)
    for each in moving.receipts(access.client):
        receipts.confirm(each["receipt"], "warehouse")


def test_every_channel_is_disconnected_and_has_its_receipt(access, disconnects, tmp_path):
    channels = {access.connected(channel=0), access.connected(channel=1), access.connected(user="u2", account=1)}
    assert moving.end_all(access.client, disconnects()) == []
    assert access.stored("channels") == {}
    assert access.stored("grants") == {}
    assert len(access.simulator.grants.describe()) == 0
    path = tmp_path / "receipts.jsonl"
    waiting = moving.write_receipts(access.client, path)
    assert len(waiting) == 3
    finished(access)
    assert moving.write_receipts(access.client, path) == []
    written = [json.loads(line) for line in path.read_text().splitlines()]
    assert {each["channel_id"] for each in written} == channels
    assert {each["google"] for each in written} <= {"revoked", "keptForOtherChannels"}


def test_one_channel_s_trouble_keeps_no_other_and_the_next_run_ends_it(access, disconnects):
    first, second = access.connected(channel=0), access.connected(channel=1)
    fields = access.stored("channels")[first]
    access.client.document("channels", first).set({**fields, "connected_at": "yesterday"})
    [failed] = moving.end_all(access.client, disconnects())
    assert failed.startswith(first)
    assert second not in access.stored("channels")
    access.client.document("channels", first).set(fields)
    assert moving.end_all(access.client, disconnects()) == []
    assert access.stored("channels") == {}
