"""A day without news from YouTube: next to nothing is read, and what becomes overdue is found all the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.simulator.reporting.jobs import Jobs
from shared.collection.planner import STALE
from shared.monitoring.calls import Call
from tests.emulators.collection.reading import Reading
from tests.emulators.youtube.stand import standing
from tests.stands import packed


@pytest.fixture
def quiet(firestore_client) -> Iterator[Reading]:
    """Two channels, listed a moment ago; YouTube makes no reports."""
    with standing(firestore_client) as stand:
        stand.simulator.room(Jobs).held_at = stand.clock().timestamp()
        reading = Reading(stand)
        for place in range(2):
            reading.connect(place=place)
        reading.run()
        yield reading


def test_a_listing_that_brings_nothing_reads_each_channel_once_and_their_pack_of_jobs(quiet, reads):
    turn = {"channels": list(quiet.callers)}
    quiet.collect(turn)
    before = {name: quiet.channel(name).synced_at for name in quiet.callers}
    reads()
    assert quiet.collect(turn)["unfinished"] == 0
    # The channels; their jobs; their places, before and after.
    assert reads("channels", "reports") == len(before) + 1 + 2
    quiet.stand.advance(hours=1)
    quiet.collect(turn)
    assert all(quiet.channel(name).synced_at > at for name, at in before.items())


def test_hourly_runs_read_no_channel_until_one_is_overdue(quiet, reads):
    late = next(iter(quiet.callers))
    quiet.stand.advance(hours=20)
    quiet.collect({"channels": [name for name in quiet.callers if name != late]})
    reads()
    for _ in range(4):
        quiet.stand.advance(hours=1)
        assert quiet.run(everything=False)["due"] == 0
        assert reads() == 1  # an empty answer
    quiet.stand.advance(seconds=STALE.total_seconds() - 24 * 3600)
    assert quiet.run(everything=False) == {"channels": 1, "due": 1, "queued": 1}
    assert quiet.channel(late).synced_at > quiet.stand.clock() - STALE


def test_a_channel_that_is_disconnected_while_it_is_listed_in_vain_leaves_nothing(quiet):
    state, left = quiet.stand.firestore, next(iter(quiet.callers))

    def disconnected_meanwhile(_: Call) -> None:
        packed.forget(state, left)
        state.document("channels", left).delete()

    object.__setattr__(quiet.callers[left], "calls", disconnected_meanwhile)
    quiet.collect({"channels": [left]})
    assert left not in {found.id for found in state.collection("channels").stream()}
    assert left not in set().union(*packed.stored(state).values())
