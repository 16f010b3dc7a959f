"""The hub against a subscriber that listens: verification, leases, signatures, retries, outages."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from infra.local.simulator.serve import serving
from tests.end_to_end.simulator import plain
from tests.end_to_end.simulator.data_world import PLAN, Stage

SECRET = "a shared secret"


@dataclass
class Subscriber:
    """A callback: it confirms what it wants to and keeps what it is sent."""

    url: str = ""
    confirms: bool = True
    answers: list[int] = field(default_factory=list)
    verifications: list[dict[str, str]] = field(default_factory=list)
    received: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)


@pytest.fixture
def subscriber() -> Iterator[Subscriber]:
    state = Subscriber()

    class Callback(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            state.verifications.append(query)
            self.send_response(state.answers.pop(0) if state.answers else 200 if state.confirms else 404)
            self.end_headers()
            self.wfile.write(query.get("hub.challenge", "").encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.received.append((body, {name.lower(): value for name, value in self.headers.items()}))
            self.send_response(state.answers.pop(0) if state.answers else 204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Callback)
    state.url = f"http://127.0.0.1:{server.server_port}/webhooks/youtube/token"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def stage() -> Iterator[Stage]:
    with serving(PLAN) as simulator:
        yield Stage(simulator)


def topic(stage: Stage, form: str = "/xml/feeds/videos.xml") -> str:
    return f"https://www.youtube.com{form}?channel_id={stage.channel().id}"


def ask(stage: Stage, subscriber: Subscriber, **fields: str) -> httpx.Response:
    form = {
        "hub.mode": "subscribe",
        "hub.topic": topic(stage),
        "hub.callback": subscriber.url,
        "hub.verify": "sync",
        "hub.secret": SECRET,
        **{f"hub.{name}": value for name, value in fields.items()},
    }
    return plain.http().post(f"{stage.root}/subscribe", data=form)


def settle(stage: Stage) -> None:
    """Wait until everything that is due has been sent and answered."""
    stage.control("hub/settle", {})


def publish(stage: Stage, **more: Any) -> str:
    video_id = stage.control("videos", {"channel_id": stage.channel().id, **more})["id"]
    settle(stage)
    return str(video_id)


def signed(secret: str, body: bytes) -> str:
    return "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()


@pytest.mark.parametrize("form", ["/xml/feeds/videos.xml", "/feeds/videos.xml"])
def test_a_subscription_is_verified_with_a_challenge_and_a_lease(stage: Stage, subscriber: Subscriber, form: str):
    assert ask(stage, subscriber, topic=topic(stage, form)).status_code == 204
    (asked,) = subscriber.verifications
    assert asked["hub.mode"] == "subscribe"
    assert asked["hub.topic"] == topic(stage, form)
    assert asked["hub.lease_seconds"] == "432000"
    publish(stage)
    assert len(subscriber.received) == 1


def test_an_asynchronous_request_is_accepted_first_and_verified_later(stage: Stage, subscriber: Subscriber):
    assert ask(stage, subscriber, verify="async").status_code == 202
    settle(stage)
    assert len(subscriber.verifications) == 1
    assert stage.control("hub")["subscriptions"][0]["alive"]


def test_a_callback_that_denies_the_wish_is_not_subscribed(stage: Stage, subscriber: Subscriber):
    subscriber.confirms = False
    assert ask(stage, subscriber).status_code == 409
    assert ask(stage, subscriber, verify="async").status_code == 202
    settle(stage)
    publish(stage)
    assert subscriber.received == []


def test_a_callback_in_trouble_is_asked_again(stage: Stage, subscriber: Subscriber):
    subscriber.answers = [503]
    ask(stage, subscriber, verify="async")
    settle(stage)
    assert stage.control("hub")["subscriptions"] == []
    stage.pass_time(61)
    settle(stage)
    assert stage.control("hub")["subscriptions"][0]["alive"]


def test_an_unfit_request_is_refused(stage: Stage, subscriber: Subscriber):
    assert ask(stage, subscriber, topic="https://www.youtube.com/xml/feeds/videos.xml").status_code == 400
    assert ask(stage, subscriber, callback="https://example.com/").status_code == 400
    assert subscriber.verifications == []


def test_the_root_address_takes_requests_too(stage: Stage, subscriber: Subscriber):
    form = {
        "hub.mode": "subscribe",
        "hub.topic": topic(stage),
        "hub.callback": subscriber.url,
        "hub.verify": "sync",
    }
    assert plain.http().post(f"{stage.root}/", data=form).status_code == 204


def test_uploads_renames_and_deletions_are_delivered_signed(stage: Stage, subscriber: Subscriber):
    ask(stage, subscriber)
    video_id = publish(stage, title="First <title> & more")
    stage.control("videos", {"video_id": video_id, "title": "Second"})
    settle(stage)  # Two deliveries on their way at once may overtake each other.
    stage.control("videos", {"video_id": video_id, "privacy": "private"})
    settle(stage)
    bodies = [body for body, _ in subscriber.received]
    assert b"First &lt;title&gt; &amp; more" in bodies[0]
    assert b"Second" in bodies[1]
    assert b"deleted-entry" in bodies[2]
    assert f"yt:video:{video_id}".encode() in bodies[2]
    for body, headers in subscriber.received:
        assert headers["x-hub-signature"] == signed(SECRET, body)
        assert headers["link"].startswith("<https://pubsubhubbub.appspot.com>; rel=hub, <https://www.youtube.com")
        assert headers["content-type"] == "application/atom+xml"


def test_without_a_secret_nothing_is_signed(stage: Stage, subscriber: Subscriber):
    ask(stage, subscriber, secret="")
    publish(stage)
    assert "x-hub-signature" not in subscriber.received[0][1]


def test_other_changes_are_not_told(stage: Stage, subscriber: Subscriber):
    ask(stage, subscriber)
    video_id = publish(stage, privacy="private")
    owner = stage.youtube(stage.channel().id)
    body = {"id": video_id, "snippet": {"title": "Hidden", "categoryId": "22"}}
    owner.videos().update(part="snippet", body=body).execute()
    settle(stage)
    assert subscriber.received == []


def test_a_scheduled_video_is_told_when_it_becomes_public(stage: Stage, subscriber: Subscriber):
    ask(stage, subscriber)
    stage.control("clock", {"set": "2029-12-31T12:00:00Z"})
    ask(stage, subscriber)
    settle(stage)
    subscriber.received.clear()
    video_id = publish(stage, privacy="private", publish_at="2029-12-31T13:00:00Z", title="Scheduled")
    assert not any(video_id.encode() in body for body, _ in subscriber.received)
    stage.pass_time(3700)
    settle(stage)
    assert sum(video_id.encode() in body for body, _ in subscriber.received) == 1


def test_the_worlds_own_uploads_are_told_once_each(stage: Stage, subscriber: Subscriber):
    healthy = [one for one in stage.simulator.world.channels() if one.state == "ok"]
    busiest = max(healthy, key=lambda one: one.uploads_per_day)

    def public() -> set[str]:
        videos = stage.control(f"videos?channel_id={busiest.id}")["videos"]
        return {video["id"] for video in videos if video["privacy"] == "public"}

    known, fresh = public(), set[str]()
    for _ in range(30):
        ask(stage, subscriber, topic=f"https://www.youtube.com/xml/feeds/videos.xml?channel_id={busiest.id}")
        stage.pass_time(4 * 86_400)
        settle(stage)
        fresh = public() - known
        if len(fresh) > 1:
            break
    told = [body for body, _ in subscriber.received]
    assert len(told) == len(fresh) > 1
    for video_id in fresh:
        assert sum(video_id.encode() in body for body in told) == 1


def test_a_lease_ends_and_can_be_renewed(stage: Stage, subscriber: Subscriber):
    ask(stage, subscriber, lease_seconds="3600")
    stage.pass_time(3601)
    publish(stage)
    assert subscriber.received == []
    ask(stage, subscriber, lease_seconds="99999999")
    assert subscriber.verifications[-1]["hub.lease_seconds"] == "864000"
    publish(stage)
    assert len(subscriber.received) == 1


def test_an_unsubscription_is_verified_too(stage: Stage, subscriber: Subscriber):
    ask(stage, subscriber)
    assert ask(stage, subscriber, mode="unsubscribe").status_code == 204
    assert subscriber.verifications[-1]["hub.mode"] == "unsubscribe"
    assert "hub.lease_seconds" not in subscriber.verifications[-1]
    publish(stage)
    assert subscriber.received == []


def test_a_refused_delivery_comes_again_with_growing_pauses(stage: Stage, subscriber: Subscriber):
    ask(stage, subscriber)
    subscriber.answers = [500, 403]
    publish(stage)
    assert len(subscriber.received) == 1
    stage.pass_time(11)
    settle(stage)
    assert len(subscriber.received) == 2
    stage.pass_time(30)
    settle(stage)
    assert len(subscriber.received) == 2
    stage.pass_time(31)
    settle(stage)
    assert len({body for body, _ in subscriber.received}) == 1
    (delivery,) = stage.control("hub")["deliveries"]
    assert (delivery["answers"], delivery["outcome"]) == ([500, 403, 204], "delivered")


def test_a_callback_that_is_gone_is_unsubscribed(stage: Stage, subscriber: Subscriber):
    ask(stage, subscriber)
    subscriber.answers = [410]
    publish(stage)
    assert stage.control("hub")["subscriptions"] == []


@pytest.mark.fault(40)
def test_a_delivery_can_be_repeated(stage: Stage, subscriber: Subscriber):
    ask(stage, subscriber)
    video_id = publish(stage)
    number = stage.control("hub")["deliveries"][0]["number"]
    stage.control("hub/deliver", {"number": number, "times": 4})
    assert len(subscriber.received) == 5
    assert len({body for body, _ in subscriber.received}) == 1
    stage.control("hub/deliver", {"video_id": video_id})
    stage.control("hub/deliver", {"channel_id": stage.channel().id, "body": "<feed/>"})
    assert subscriber.received[-1][0] == b"<feed/>"


@pytest.mark.fault(37)
@pytest.mark.parametrize("signing", ["wrong", "none", "old secret", "sha256"])
def test_a_delivery_can_be_signed_in_every_wrong_way(stage: Stage, subscriber: Subscriber, signing: str):
    ask(stage, subscriber, secret="old")
    ask(stage, subscriber)
    stage.control("hub", {"signing": signing})
    publish(stage)
    body, headers = subscriber.received[0]
    header = headers.get("x-hub-signature")
    assert header != signed(SECRET, body)
    if signing == "old secret":
        assert header == signed("old", body)
    if signing == "sha256":
        assert header == "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


@pytest.mark.fault(43)
def test_an_outage_refuses_requests_while_old_subscriptions_go_on(stage: Stage, subscriber: Subscriber):
    ask(stage, subscriber)
    stage.control("hub", {"mode": "unavailable"})
    refused = ask(stage, subscriber)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "120")
    publish(stage)
    assert len(subscriber.received) == 1
    stage.control("hub", {"mode": "restricted topic"})
    assert ask(stage, subscriber).text == "Restricted topic"
    stage.control("hub", {"mode": "silent"})
    assert ask(stage, subscriber).status_code == 204
    publish(stage)
    assert len(subscriber.received) == 1


def test_a_delivery_can_be_lost_on_its_way_and_comes_again(stage: Stage, subscriber: Subscriber):
    ask(stage, subscriber)
    stage.control("faults", {"method": "hub.deliver", "kind": "reset", "times": 1})
    publish(stage)
    assert subscriber.received == []
    stage.pass_time(11)
    settle(stage)
    assert len(subscriber.received) == 1


def test_the_hub_can_deny_a_subscription(stage: Stage, subscriber: Subscriber):
    ask(stage, subscriber)
    stage.control("hub/deny", {"topic": topic(stage), "callback": subscriber.url, "reason": "because"})
    assert subscriber.verifications[-1]["hub.mode"] == "denied"
    assert stage.control("hub")["subscriptions"] == []


def test_an_upload_is_told_once_it_is_processed(stage: Stage, subscriber: Subscriber):
    ask(stage, subscriber)
    with stage.http(stage.channel().id) as http:
        start = "/upload/youtube/v3/videos?uploadType=resumable&part=snippet,status"
        body = {"snippet": {"title": "Uploaded"}, "status": {"privacyStatus": "public"}}
        address = http.post(start, json=body).headers["Location"]
        video_id = http.put(address, content=b"\x00\x00\x00\x20ftypisom" + bytes(100)).json()["id"]
    settle(stage)
    assert subscriber.received == []
    stage.pass_time(60)
    settle(stage)
    assert [video_id.encode() in body for body, _ in subscriber.received] == [True]
