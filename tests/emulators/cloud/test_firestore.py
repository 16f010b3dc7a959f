"""Writes on the condition that nothing has changed since they were decided."""

from __future__ import annotations

import pytest
from google.api_core.exceptions import InvalidArgument

from shared.cloud.firestore import committed, put, unchanged
from tests.emulators.wire import losing


@pytest.fixture
def seen(firestore_client):
    """Two documents as they were read: one that is there, one that is not yet."""
    there, absent = firestore_client.document("c/there"), firestore_client.document("c/absent")
    there.set({"count": 1, "kept": True})
    return there.get(), absent.get()


def write(client, *snapshots):
    batch = client.batch()
    for snapshot in snapshots:
        put(batch, snapshot, {"count": 2})
    return committed(batch)


def stored(client):
    return {found.id: found.to_dict() for found in client.collection("c").stream()}


def test_what_is_still_as_it_was_seen_is_written_together(firestore_client, seen):
    assert write(firestore_client, *seen)
    assert stored(firestore_client) == {"there": {"count": 2, "kept": True}, "absent": {"count": 2}}


@pytest.mark.parametrize(
    "somebody",
    [
        lambda there, _: there.update({"count": 7}),
        lambda there, _: there.delete(),
        lambda _, absent: absent.set({"count": 7}),
    ],
    ids=["changed", "deleted", "created"],
)
def test_nothing_is_written_when_somebody_was_faster_with_one_of_them(firestore_client, seen, somebody):
    somebody(*(snapshot.reference for snapshot in seen))
    before = stored(firestore_client)
    assert not write(firestore_client, *seen)
    assert stored(firestore_client) == before


def test_a_deletion_has_the_same_condition(firestore_client, seen):
    there, _ = seen
    there.reference.update({"count": 7})
    batch = firestore_client.batch()
    batch.delete(there.reference, option=unchanged(there.update_time))
    assert not committed(batch)
    assert stored(firestore_client)["there"]["count"] == 7


def test_a_write_whose_answer_was_lost_is_done_and_answers_that_somebody_wrote(firestore_client, seen):
    assert not write(losing(firestore_client, 1), seen[0])
    assert stored(firestore_client)["there"]["count"] == 2


def test_a_write_that_can_never_succeed_is_an_error_and_no_reason_to_look_again(firestore_client):
    batch = firestore_client.batch()
    batch.set(firestore_client.document("c/d"), {"text": "x" * 1_100_000})
    with pytest.raises(InvalidArgument):
        committed(batch)
