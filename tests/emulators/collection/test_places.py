"""Each channel has one place in one pack, which only its own disconnect takes away."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from shared.collection import gone, packs, places
from shared.collection.jobs import Job
from shared.collection.places import SIZE, Place
from shared.console import read
from tests.emulators.collection.test_loading import NOW
from tests.stands import packed

KIND = "channel_basic_a3"


def job(channel: str) -> Job:
    return Job(
        name=f"{channel}:{KIND}", channel_id=channel, report_type=KIND, job_id="j", created_at=NOW, since=NOW
    )


def test_channels_that_come_at_once_all_have_a_place_and_no_pack_more_than_it_holds(firestore_client):
    groups = [{f"UC{group}-{number}": "c" for number in range(20)} for group in range(4)]
    threads = [threading.Thread(target=places.take, args=(firestore_client, group)) for group in groups]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = places.places(firestore_client)
    assert found.keys() == {name for group in groups for name in group}
    sizes = [sum(place.pack == pack for place in found.values()) for pack in range(4)]
    assert sizes == [SIZE, SIZE, SIZE, 5]
    assert places.take(firestore_client, groups[0]) == ({name: found[name] for name in groups[0]}, set())


def test_a_place_is_kept_by_who_stays_and_given_to_who_comes_next(firestore_client):
    places.take(firestore_client, {f"UC{number}": "c" for number in range(30)})
    packed.forget(firestore_client, "UC3")
    found, new = places.take(firestore_client, {"UC29": "c", "UCnew": "c"})
    assert (found, new) == ({"UC29": Place(1, "c"), "UCnew": Place(0, "c")}, {"UCnew"})


def test_an_older_connection_s_end_takes_nothing_from_a_newer_one(firestore_client):
    places.take(firestore_client, {"UC1": "new"})
    packed.put(firestore_client, job("UC1"))
    places.forget(firestore_client, "UC1", "old")
    assert [found.name for found in packs.jobs(firestore_client, ["UC1"], [KIND])] == [job("UC1").name]
    for _ in range(2):  # a second delivery finds nothing to do
        places.forget(firestore_client, "UC1", "new")
        assert (places.places(firestore_client), packed.stored(firestore_client)) == ({}, {})


def test_who_goes_while_it_gets_a_place_has_none_afterwards(firestore_client):
    firestore_client.document("channels", "UC1").set({"state": "connected", "connected_at": NOW})
    standing = gone.connections(firestore_client, ["UC1"])
    placed = gone.placed(firestore_client, {**standing, "UCgone": "c"})
    assert placed == {"UC1": Place(0, standing["UC1"])}
    assert places.places(firestore_client) == placed


def test_a_pack_whose_channels_cannot_be_read_gets_them_back_from_its_documents(firestore_client, capsys):
    names = [f"UC{number}" for number in range(30)]
    places.take(firestore_client, dict.fromkeys(names, "c"))
    for name in ("UC1", "UC2", "UC29"):
        packed.put(firestore_client, job(name))
    firestore_client.document(places.PATH).update({"packs.`0`": b"spoilt"})
    assert places.places(firestore_client).keys() == set(names[SIZE:])  # the others' trouble it is not
    found, new = places.take(firestore_client, {"UC1": "c", "UCnew": "c", "UC29": "c"})
    assert (found["UC1"], found["UC29"]) == (Place(0, "c"), Place(1, "c"))
    assert new == {"UC1", "UCnew"}
    held: dict[str, Any] = places.places(firestore_client)
    assert held["UC2"] == Place(0, "")  # until it is listed again
    assert "pack 0 of reports/places cannot be read" in capsys.readouterr().out


def test_what_cannot_be_read_of_one_channel_is_nobody_else_s_trouble(firestore_client, capsys):
    for name in ("UC1", "UC2"):
        packed.put(firestore_client, job(name))
    packed.spoil(firestore_client, "UC1", KIND)
    assert [found.channel_id for found in packs.every(firestore_client)[0]] == ["UC2"]
    packed.put(firestore_client, job("UC3"))
    assert {found.channel_id for found in packs.every(firestore_client)[0]} == {"UC2", "UC3"}
    assert f"reports/UC1:{KIND}" in capsys.readouterr().out


def test_the_overview_counts_the_jobs_of_all_packs_of_which_days_are_missing(firestore_client):
    assert read.jobs_at_risk(firestore_client) == 0
    places.take(firestore_client, {f"UC{number}": "c" for number in range(30)})
    for name in ("UC1", "UC2", "UC29"):
        packed.put(firestore_client, replace(job(name), at_risk=name != "UC2"))
    assert read.jobs_at_risk(firestore_client) == 2
