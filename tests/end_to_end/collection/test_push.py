"""Push on the whole stack: the simulated hub, the gateway, the webhook, Pub/Sub, `ingest`, and polling instead."""

from __future__ import annotations

import hmac
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.deployment import ROOT
from infra.local.simulator.hub.feeds import Deletion, Entry, notification, tombstone
from infra.push import NOBODY_S
from shared.cloud.steps import WRITTEN_BY
from tests.end_to_end.collection.network import Network

HOUR = timedelta(hours=1)
POLL_EVERY = 300


def subscription(network: Network, channel: str) -> dict[str, Any]:
    return network.state.document("subscriptions", channel).get().to_dict() or {}


def video(network: Network, video_id: str) -> dict[str, Any]:
    """What is known of a video, without the token of the update that wrote it."""
    known = network.state.document("videos", video_id).get().to_dict() or {}
    return {name: value for name, value in known.items() if name != WRITTEN_BY}


def callback(network: Network, channel: str) -> str:
    found = [one for one in network.ask("hub")["subscriptions"] if one["channel_id"] == channel]
    return str(found[-1]["callback"])


def renew(network: Network) -> dict[str, Any]:
    result = network.stack.trigger("renew-subscriptions")
    assert result["status"] == 200, result
    network.stack.wait_idle()
    network.control("hub/settle")
    answer: dict[str, Any] = json.loads(result["body"])
    return answer


def deliver(network: Network, **wish: Any) -> list[int]:
    """A delivery by the hub; the status that each first attempt met."""
    return [one["answers"][0] for one in network.control("hub/deliver", **wish)["deliveries"]]


def entry(network: Network, channel: str, video_id: str, title: str, minutes: int) -> str:
    at = network.stack.now()
    fields = {"video_id": video_id, "channel_id": channel, "channel_title": "T", "title": title}
    return notification(Entry(**fields, published=at, updated=at + timedelta(minutes=minutes))).decode()


def test_a_new_video_is_known_within_moments(network: Network):
    channel, before = network.channels[0], network.calls("youtube.videos.list")
    found = network.control("videos", channel_id=channel, title="Just <b>published</b>")["id"]
    network.eventually(lambda: "details" in video(network, found))
    known = video(network, found)
    assert {"updated", "published", "heard_at", "expires_at", "details"} <= known.keys()
    told = {name: known[name] for name in ("channel_id", "title", "state")}
    assert told == {"channel_id": channel, "title": "Just <b>published</b>", "state": "new"}
    assert video(network, found)["details"] | {"as_of": None, "published": None} == {
        "as_of": None, "published": None, "privacy": "public", "duration_seconds": 300,
        "views": 0, "likes": 0, "comments": 0,
    }  # fmt: skip
    assert network.calls("youtube.videos.list") == before + 1
    heard = subscription(network, channel)
    assert heard["last_notification"] <= network.stack.now()
    assert heard["last_delay"] >= 0


@pytest.mark.fault(42)
def test_a_deleted_video_is_marked_as_gone(network: Network):
    found = network.control("videos", channel_id=network.channels[0], title="Soon gone")["id"]
    network.eventually(lambda: video(network, found))
    network.stack.advance(60)
    network.control("videos", video_id=found, delete=True)
    network.eventually(lambda: video(network, found)["state"] == "deleted")


@pytest.mark.fault(40)
def test_one_notification_five_times_and_out_of_order_leaves_the_latest_state(network: Network):
    channel, before = network.channels[1], network.quiet()
    bodies = {title: entry(network, channel, "outOfOrder1", title, n) for n, title in enumerate("abc")}
    for title in ("c", "a", "b", "c", "a", "c", "c", "c"):
        assert deliver(network, channel_id=channel, body=bodies[title]) == [204]
    network.eventually(lambda: network.ingested() >= before + 8)
    network.eventually(lambda: video(network, "outOfOrder1").get("title") == "c")
    assert len([v for v in network.state.collection("videos").stream() if v.id == "outOfOrder1"]) == 1


def test_a_test_notification_goes_the_whole_way_and_what_came_once_is_sent_again(network: Network, tmp_path: Path):
    channel, body = network.channels[1], tmp_path / "came.xml"
    body.write_text(entry(network, channel, "replayedOne", "Again", 0))
    env = {**network.stack.supervisor.parts["webhook"].part.env, "PYTHONPATH": str(ROOT)}
    for asked in (["test", channel], ["replay", channel, str(body)]):
        command = [sys.executable, "-m", "infra.push", *asked]
        ran = subprocess.run(
            command, check=False, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=90
        )
        assert ran.returncode == 0, ran.stderr
        assert "the webhook answered 204" in ran.stdout
        assert "it came through after" in ran.stdout
    network.eventually(lambda: video(network, "replayedOne"))
    assert not video(network, NOBODY_S)


@pytest.mark.fault(37)
@pytest.mark.parametrize("signing", ["none", "wrong"])
def test_what_the_secret_did_not_sign_is_refused_counted_and_goes_no_further(network: Network, signing):
    channel = network.channels[1]
    refused = subscription(network, channel).get("refused", 0)
    body = entry(network, channel, f"forged-{signing:_<4.4}", "Forged", 0)
    network.stack.advance(61)  # an instance writes its count down once a minute
    assert deliver(network, channel_id=channel, body=body, signing=signing) == [403]
    assert subscription(network, channel)["refused"] == refused + 1
    assert deliver(network, channel_id=channel, body=entry(network, channel, "afterForged", "Real", 0)) == [204]
    network.eventually(lambda: video(network, "afterForged"))
    assert not video(network, f"forged-{signing:_<4.4}")


@pytest.mark.fault(37)
def test_of_a_flood_of_forged_notifications_every_one_is_refused_and_no_real_one_is_lost(network: Network):
    channel, other, real = network.channels[1], network.channels[2], [f"floodReal{n:02}" for n in range(15)]
    network.stack.advance(61)  # an instance writes its count down once a minute
    body = entry(network, channel, "floodForged", "Forged", 0).encode()
    mine, theirs = callback(network, channel), callback(network, other)
    guessed = "sha1=" + hmac.new(b"guessed", body, "sha1").hexdigest()
    ways = [
        (mine.rsplit("/", 1)[0] + "/guessed", {"X-Hub-Signature": guessed}, 404),
        (mine, {}, 403),
        (mine, {"X-Hub-Signature": "sha256=" + "0" * 64}, 403),
        (theirs, {"X-Hub-Signature": guessed}, 403),
    ]
    before = subscription(network, channel).get("refused", 0)
    logged = network.stack.logs("webhook").count("\n")

    def forge(way: tuple[str, dict[str, str], int]) -> tuple[int, int]:
        address, headers, expected = way
        found = []
        for _ in range(150):  # four at once, 50 a second each
            found.append(network.http.post(address, content=body, headers=headers).status_code)
            time.sleep(0.02)
        return found.count(expected), expected

    with ThreadPoolExecutor(len(ways)) as pool:
        flood = pool.map(forge, ways)
        for number, video_id in enumerate(real):
            told = entry(network, channel, video_id, "Real", number)
            assert deliver(network, channel_id=channel, body=told) == [204]
        assert list(flood) == [(150, expected) for _, _, expected in ways]
    network.eventually(lambda: all(video(network, each) for each in real))
    assert not video(network, "floodForged")
    assert network.stack.logs("webhook").count("\n") < logged + 50, "of 600, some records a minute"
    network.stack.advance(61)
    assert network.http.post(mine, content=body).status_code == 403
    # Besides, what instances had refused before, and not written down yet.
    assert before < subscription(network, channel)["refused"] <= before + 301 + 30


@pytest.mark.fault(37)
def test_a_renewal_leaves_address_and_secret_as_they_are_and_every_digest_is_believed(network: Network):
    channel = network.channels[1]
    before = callback(network, channel)
    network.stack.advance(timedelta(days=3).total_seconds())
    assert renew(network)["asked"] == len(network.channels)
    network.eventually(
        lambda: subscription(network, channel)["verified_at"] >= subscription(network, channel)["asked_at"]
    )
    assert callback(network, channel) == before
    for signing in ("sha1", "sha256", "sha384", "sha512", "old secret"):
        body = entry(network, channel, f"late-{signing[-6:]:_>6}", "Late", 0)
        assert deliver(network, channel_id=channel, body=body, signing=signing) == [204]
    assert renew(network)["asked"] == 0


@pytest.mark.fault(38)
@pytest.mark.parametrize(
    "change",
    [
        {"hub.mode": "unsubscribe"},
        {"hub.topic": "https://www.youtube.com/xml/feeds/videos.xml?channel_id=UC0"},
        {"hub.challenge": ""},
    ],
)
def test_a_verification_that_nobody_asked_for_is_not_confirmed(network: Network, change):
    channel = network.channels[0]
    network.stack.advance(timedelta(days=1, minutes=1).total_seconds())
    before = subscription(network, channel)
    kept = ("state", "lease_until", "verified_at", "asked_at")
    query = {"hub.mode": "subscribe", "hub.topic": before["topic"], "hub.challenge": "c", "hub.lease_seconds": "9"}
    answer = network.http.get(callback(network, channel), params={**query, **change})
    assert (answer.status_code, answer.json()["error"]["reason"]) == (404, "notSubscribed")
    after = subscription(network, channel)
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    stranger = callback(network, channel).rsplit("/", 1)[0] + "/guessed"
    assert network.http.get(stranger, params=query).status_code == 404
    assert network.http.post(stranger, content=b"x").status_code == 404
    refused = network.http.put(stranger, content=b"x")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, POST")


def test_a_challenge_is_echoed_as_plain_text(network: Network):
    channel = network.channels[0]
    hostile = "<script>alert(1)</script>"
    query = {"hub.mode": "subscribe", "hub.topic": subscription(network, channel)["topic"]}
    query |= {"hub.challenge": hostile, "hub.lease_seconds": "432000"}
    answer = network.http.get(callback(network, channel), params=query)
    assert (answer.status_code, answer.text) == (200, hostile)
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.fault(39)
def test_hostile_bodies_are_refused_at_once_and_harm_nobody(network: Network):
    channel = network.channels[1]
    bomb = '<!DOCTYPE x [<!ENTITY a "' + "ha" * 500 + '">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{("&" + chr(97 + n) + ";") * 20}">' for n in range(9)
    ) + "]><feed>&j;</feed>"  # fmt: skip
    external = '<!DOCTYPE feed [<!ENTITY x SYSTEM "file:///etc/passwd">]><feed>&x;</feed>'
    for body in (bomb, external, "no feed at all"):
        assert deliver(network, channel_id=channel, body=body) == [400]
    large = network.http.post(callback(network, channel), content=b"<feed>" + b"x" * 10_000_000)
    assert (large.status_code, large.json()["error"]["reason"]) == (413, "tooLarge")
    chunked = network.http.post(callback(network, channel), content=iter([b"x" * 60_000] * 3))
    assert chunked.status_code == 413
    good = entry(network, channel, "afterBombs1", "Unharmed", 0)
    assert deliver(network, channel_id=channel, body=good) == [204]
    network.eventually(lambda: video(network, "afterBombs1"))


@pytest.mark.fault(41)
def test_an_entry_of_another_channel_is_dropped_and_counted(network: Network):
    mine, other = network.channels[1], network.channels[2]
    network.stack.advance(61)  # an instance writes its count down once a minute
    foreign = subscription(network, mine).get("foreign", 0)
    assert deliver(network, channel_id=mine, body=entry(network, other, "foreignOne1", "Not mine", 0)) == [204]
    gone = tombstone(Deletion("foreignOne2", other, "T", network.stack.now())).decode()
    assert deliver(network, channel_id=mine, body=gone) == [204]
    network.stack.advance(61)
    assert deliver(network, channel_id=mine, body=gone) == [204]
    assert subscription(network, mine)["foreign"] == foreign + 3
    assert not video(network, "foreignOne1")
    assert not video(network, "foreignOne2")


@pytest.mark.fault(43)
def test_while_the_hub_is_down_polling_keeps_videos_fresh_and_renewal_resumes_by_itself(network: Network):
    channel = network.channels[0]
    network.stack.advance(timedelta(days=3).total_seconds())
    network.control("hub", mode="dead")
    assert renew(network)["asked"] == 0
    steady = network.control("videos", channel_id=channel, title="Never changed")["id"]
    network.stack.advance(POLL_EVERY)
    told = renew(network)
    assert (told["silent"], told["counted"], told["looked"]) == (len(network.channels), 1, 1)
    network.eventually(lambda: video(network, steady).get("state") == "new")

    hidden = network.control("videos", channel_id=channel, title="Private", privacy="private")["id"]
    network.stack.advance(POLL_EVERY)
    told = renew(network)
    assert (told["counted"], told["looked"]) == (1, 0), "who has no more public videos is not looked at"
    assert renew(network)["counted"] == 0, "at most once in five minutes"

    network.control("videos", video_id=steady, title="Another title")
    unheard = network.control("videos", channel_id=channel, title="While the hub was down")["id"]
    network.stack.advance(POLL_EVERY)
    renew(network)
    network.eventually(lambda: video(network, unheard).get("state") == "new")
    network.eventually(lambda: video(network, steady).get("title") == "Another title")
    assert not video(network, hidden)
    network.eventually(lambda: "details" in video(network, unheard))
    assert video(network, unheard)["details"]["privacy"] == "public"

    network.control("hub", mode="normal")
    network.stack.advance(HOUR.total_seconds())
    renew(network)
    network.stack.advance(HOUR.total_seconds())
    renew(network)
    network.eventually(lambda: subscription(network, channel)["lease_until"] > network.stack.now() + HOUR)
    network.stack.advance(HOUR.total_seconds())
    assert renew(network)["silent"] == 0
    looks = network.calls("youtube.playlistItems.list")
    again = network.control("videos", channel_id=channel, title="Heard again")["id"]
    network.eventually(lambda: video(network, again))
    network.stack.advance(POLL_EVERY)
    renew(network)
    assert network.calls("youtube.playlistItems.list") == looks


def test_a_subscription_that_the_hub_ends_is_asked_for_again(network: Network):
    channel = network.channels[3]
    one = next(one for one in network.ask("hub")["subscriptions"] if one["channel_id"] == channel)
    network.control("hub/deny", topic=one["topic"], callback=one["callback"], reason="Restricted topic")
    assert subscription(network, channel)["state"] == "denied"
    network.stack.advance(timedelta(hours=7).total_seconds())
    assert renew(network)["asked"] == 1
    network.eventually(lambda: subscription(network, channel)["state"] == "active")


def test_a_body_that_makes_no_sense_is_refused(network: Network):
    for body in ({"channel": 1}, {"channels": "UC1"}, {"everything": "yes"}, b"{"):
        answer: httpx.Response = network.call("renew_subscriptions", body)
        assert answer.status_code == 400
        assert {"code", "reason", "message"} <= set(answer.json()["error"])
