"""An update on Firestore's real wire: others write in between, an answer gets lost, the process dies."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from shared.cloud.firestore import Store, update
from shared.cloud.steps import Change, Write, reading
from shared.errors import Unavailable
from tests.emulators.wire import Died, dying, losing, met

PATHS = ("c/there", "c/absent")


@pytest.fixture
def stored(firestore_client):
    """What is stored, by id and without tokens; one document is there, one not yet."""
    firestore_client.document("c/there").set({"count": 1, "kept": True})

    def stored():
        found = {each.id: each.to_dict() for each in firestore_client.collection("c").stream()}
        return {name: {k: v for k, v in fields.items() if k != "written_by"} for name, fields in found.items()}

    return stored


def raised(docs):
    """Both documents, one higher; the sum."""
    counts = {path: (doc.data["count"] if doc else 0) + 1 for path, doc in docs.items()}
    return Change(sum(counts.values()), [Write(path, {"count": count}) for path, count in counts.items()])


def raise_both(client, **options):
    return Store(client, sleep=lambda _: None).update(PATHS, raised, **options).result


def test_what_is_still_as_it_was_seen_is_written_together(firestore_client, stored):
    assert raise_both(firestore_client) == 3
    assert stored() == {"there": {"count": 2, "kept": True}, "absent": {"count": 1}}


@pytest.mark.parametrize(
    ("somebody", "after"),
    [
        (
            lambda there, _: there.update({"count": 7}),
            {"there": {"count": 8, "kept": True}, "absent": {"count": 1}},
        ),
        (lambda there, _: there.delete(), {"there": {"count": 1}, "absent": {"count": 1}}),
        (
            lambda _, absent: absent.set({"count": 7}),
            {"there": {"count": 2, "kept": True}, "absent": {"count": 8}},
        ),
    ],
    ids=["changed", "deleted", "created"],
)
def test_when_somebody_was_faster_it_is_decided_anew_upon_his_write(firestore_client, stored, somebody, after):
    def once(number):
        if number == 1:
            somebody(*(firestore_client.document(path) for path in PATHS))

    raise_both(met(firestore_client, once))
    assert stored() == after


def test_what_was_read_before_saves_the_first_look_and_is_looked_at_again_once_it_is_old(
    firestore_client, stored, reads
):
    seen = Store(firestore_client).run(reading(PATHS))
    reads()
    assert raise_both(firestore_client, seen=seen) == 3
    assert reads() == 0
    assert raise_both(firestore_client, seen=seen) == 5
    assert stored() == {"there": {"count": 3, "kept": True}, "absent": {"count": 2}}


def test_a_deletion_has_the_same_condition(firestore_client, stored):
    def once(number):
        if number == 1:
            firestore_client.document("c/there").update({"count": 7})

    def gone(docs):
        doc = docs["c/there"]
        return Change(doc.data["count"], [Write("c/there", delete=True)] if doc.data["count"] < 7 else [])

    assert update(met(firestore_client, once), PATHS, gone) == 7
    assert stored()["there"]["count"] == 7


def test_an_update_whose_answer_was_lost_is_done_once_and_has_its_result(firestore_client, stored):
    assert raise_both(losing(firestore_client, 1)) == 3
    assert stored() == {"there": {"count": 2, "kept": True}, "absent": {"count": 1}}


def test_a_process_that_dies_right_after_its_commit_has_done_all_of_it(firestore_client, stored):
    with pytest.raises(Died):
        raise_both(dying(firestore_client, 1))
    assert stored() == {"there": {"count": 2, "kept": True}, "absent": {"count": 1}}


def test_whoever_is_never_fast_enough_is_told_so_and_when_to_try_again(firestore_client, stored):
    def always(number):
        firestore_client.document("c/there").update({"count": 100 + number})

    with pytest.raises(Unavailable) as error:
        raise_both(met(firestore_client, always))
    assert error.value.reason == "contended"
    assert error.value.retry_at > datetime.now(UTC)
    assert "absent" not in stored()


def test_many_at_once_lose_nothing(firestore_client, stored):
    with ThreadPoolExecutor(6) as workers:
        list(workers.map(lambda _: update(firestore_client, PATHS, raised), range(6)))
    assert stored() == {"there": {"count": 7, "kept": True}, "absent": {"count": 6}}
