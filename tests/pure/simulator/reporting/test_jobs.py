"""What a seed makes does not depend on who asks first: stacks that run side by side tell the same truth."""

from __future__ import annotations

from infra.local.simulator.reporting.jobs import Jobs
from infra.local.simulator.state import Plan, Simulator


def simulator() -> Simulator:
    return Simulator(Plan(root="", users=2, channels_per_user=2))


def test_a_jobs_id_and_so_its_files_do_not_depend_on_the_order_of_requests():
    one, other = simulator(), simulator()
    channels = [channel.id for channel in one.world.channels()]
    kinds = ("channel_basic_a3", "channel_reach_basic_a1")
    asked = [(channel, kind) for channel in channels for kind in kinds]
    first = {pair: one.room(Jobs).create(*pair, "n") for pair in asked}
    second = {pair: other.room(Jobs).create(*pair, "n") for pair in reversed(asked)}
    ids = {pair: job.id for pair, job in first.items() if job}
    assert ids == {pair: job.id for pair, job in second.items() if job}
    assert len(set(ids.values())) == len(asked)


def test_a_job_made_anew_is_another_job():
    jobs = simulator().room(Jobs)
    channel = simulator().world.channels()[0].id
    first = jobs.create(channel, "channel_basic_a3", "n")
    assert first is not None
    jobs.delete(first)
    second = jobs.create(channel, "channel_basic_a3", "n")
    assert second is not None
    assert second.id != first.id


def test_an_uploads_id_does_not_depend_on_what_other_channels_upload():
    one, other = simulator(), simulator()
    mine, theirs = (channel.id for channel in one.world.channels()[:2])
    other.world.insert_video(theirs, title="t", now=other.clock())
    made = [found.world.insert_video(mine, title="t", now=found.clock()) for found in (one, other)]
    assert made[0].id == made[1].id
    assert one.world.insert_video(mine, title="t", now=one.clock()).id != made[0].id
