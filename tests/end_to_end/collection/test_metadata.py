"""A scheduled night on the whole stack: from Cloud Scheduler to the warehouse."""

from __future__ import annotations

import json

from tests.end_to_end.collection.network import Network


def test_a_scheduled_run_brings_every_video_as_it_is(network: Network):
    result = network.stack.trigger("collect-metadata")
    assert result["status"] == 200, result
    answer = json.loads(result["body"])
    assert (answer["due"], answer["queued"]) == (len(network.channels), 1)
    network.stack.wait_idle()
    for channel in network.channels:
        truth = network.ask("videos", channel_id=channel)["videos"]
        rows = network.query(
            f"SELECT video_id, title, privacy FROM `DATASET.video_metadata` WHERE channel_id = '{channel}'"
        )
        assert sorted(rows) == sorted((each["id"], each["title"], each["privacy"]) for each in truth)
    assert not network.stack.logs("collect_metadata").count('"ERROR"')
