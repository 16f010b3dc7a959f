"""Subscriptions between the simulated hub and Firestore: asked for at once, renewed, refused, gone."""

from __future__ import annotations

import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import urllib3

from infra.local.simulator.hub.hub import Hub
from infra.local.simulator.serve import serving
from infra.local.simulator.state import Plan, Simulator
from shared.errors import Forbidden, NotFound, Unavailable, YtempireError
from shared.push.hub import LEASE
from shared.push.keys import HubKeys
from shared.push.receiving import receive
from shared.push.renewal import to_ask
from shared.push.subscriptions import TOLD_EVERY, Push
from shared.push.verification import State
from tests.emulators.youtube.stand import settings_for
from tests.stands.waiting import eventually

KEYS = HubKeys((b"k" * 32,))


class Stand:
    """Our push room, the hub, and a callback address between them."""

    def __init__(self, client: Any, simulator: Simulator, callback: str) -> None:
        self.simulator, self.hub = simulator, simulator.room(Hub)
        settings = replace(settings_for(simulator.root), hub_url=f"{simulator.root}/subscribe", api_url=callback)
        self.push = Push(
            client=lambda: client,
            keys=lambda: KEYS,
            settings=settings,
            http=lambda: urllib3.PoolManager(retries=False),
            clock=simulator.clock,
        )
        self.channel = simulator.world.accounts[0].channels[0].id

    def subscribe(self) -> None:
        """Ask, and wait until the hub has verified."""
        self.push.subscribe(self.channel)
        self.eventually(lambda: self.stored()["verified_at"] >= self.stored()["asked_at"])

    def stored(self) -> dict[str, Any]:
        return self.push.client().document("subscriptions", self.channel).get().to_dict() or {}

    def receive(self, token: str, signature: str, body: bytes) -> list[Any]:
        secrets = self.push.keys().secrets(self.channel, token)
        return receive(
            self.channel, secrets, signature, body, count=lambda what: self.push.count(self.channel, what)
        )

    def secret(self) -> str:
        return self.push.keys().secret(self.channel)

    def token(self) -> str:
        return self.push.keys().token(self.channel)

    def hubs_secrets(self) -> set[str | None]:
        return {one.secret for one in self.hub.subscriptions.everything()}

    def written(self) -> int:
        """How often the subscription was written, as far as its counters tell."""
        now = self.push.client().document("subscriptions", self.channel).get().update_time
        self.versions = getattr(self, "versions", [])
        if now not in self.versions:
            self.versions.append(now)
        return len(self.versions)

    def standing(self):
        return self.push.standings()[self.channel]

    def advance(self, span: timedelta) -> None:
        self.simulator.timepiece.advance(span.total_seconds())

    def eventually(self, holds: Callable[[], object]) -> None:
        def written() -> bool:
            with suppress(KeyError):  # not written yet
                return bool(holds())
            return False

        eventually(written)


@pytest.fixture
def stand(firestore_client) -> Iterator[Stand]:
    found: list[Stand] = []

    class Callback(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            channel, token = parts.path.split("/")[-2:]
            try:
                found[0].push.keys().secrets(channel, token)
                code, body = 200, found[0].push.verify(channel, dict(parse_qsl(parts.query)))
            except YtempireError as error:
                code, body = error.code, ""
            self.send_response(code)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            return

    with (
        serving(Plan(root="", users=1, channels_per_user=1)) as simulator,
        ThreadingHTTPServer(("127.0.0.1", 0), Callback) as server,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found.append(Stand(firestore_client, simulator, f"http://127.0.0.1:{server.server_port}"))
        yield found[0]
        assert simulator.journal.mistakes == []
        server.shutdown()


def due(stand: Stand) -> list[str]:
    return to_ask([stand.channel], stand.push.standings(), stand.push.terms, stand.simulator.clock())


def test_a_subscription_is_alive_once_the_hub_has_verified_it_and_is_renewed_at_half(stand):
    stand.subscribe()
    now = stand.simulator.clock()
    assert stand.standing().alive(now)
    assert timedelta(0) <= now + LEASE / 2 - stand.standing().next_ask < timedelta(minutes=1)
    assert not stand.standing().alive(now + LEASE)


@pytest.mark.fault(37)
def test_whoever_asks_at_the_same_moment_asks_for_the_same_secret(stand):
    stand.subscribe()
    stand.advance(LEASE / 2)
    threads = [threading.Thread(target=stand.push.subscribe, args=(stand.channel,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stand.eventually(lambda: stand.stored()["verified_at"] >= stand.stored()["asked_at"])
    assert stand.hubs_secrets() == {stand.secret()}
    assert stand.secret() not in repr(stand.stored())
    assert stand.token() not in repr(stand.stored())


@pytest.mark.fault(37)
def test_while_the_key_changes_the_subscription_of_before_is_believed_beside_the_new_one(stand):
    stand.subscribe()
    before, body = stand.push, b"<feed/>"
    address = stand.token()
    both = HubKeys((b"n" * 32, *KEYS.keys))
    stand.push = replace(before, keys=lambda: both)
    assert due(stand) == [stand.channel]  # by the next daily comparison
    stand.subscribe()
    assert stand.hubs_secrets() == {KEYS.secret(stand.channel), both.secret(stand.channel)}
    for token, key in ((address, KEYS), (address, both), (stand.token(), both)):
        signature = "sha1=" + hmac.new(key.secret(stand.channel).encode(), body, "sha1").hexdigest()
        assert stand.receive(token, signature, body) == []


@pytest.mark.fault(43)
def test_while_the_hub_refuses_what_runs_goes_on_and_is_renewed_once_it_takes_requests(stand):
    stand.subscribe()
    stand.hub.mode = "unavailable"
    for _ in range(3):
        stand.advance(timedelta(hours=1))
        with pytest.raises(Unavailable) as refused:
            stand.push.subscribe(stand.channel)
        assert refused.value.retry_at - stand.simulator.clock() <= timedelta(seconds=120)
    assert stand.standing().alive(stand.simulator.clock())
    stand.hub.mode = "normal"
    stand.subscribe()
    assert stand.hubs_secrets() == {stand.secret()}


def test_a_channel_that_is_gone_is_unsubscribed_and_the_hub_forgets_it(stand):
    stand.subscribe()
    stand.push.unsubscribe(stand.channel)
    stand.eventually(lambda: not stand.hub.subscriptions.everything())
    assert stand.stored() == {}


@pytest.mark.fault(38)
def test_the_end_of_a_subscription_that_is_wanted_is_not_confirmed(stand):
    stand.subscribe()
    topic, _ = stand.push.topics(stand.channel)
    asked = {"hub.mode": "unsubscribe", "hub.topic": topic, "hub.challenge": "c"}
    with pytest.raises(NotFound):
        stand.push.verify(stand.channel, asked)
    assert stand.standing().alive(stand.simulator.clock())


@pytest.mark.fault(38)
def test_the_address_that_the_hub_does_not_verify_is_given_up_for_the_feed_s_other_one(stand):
    stand.hub.mode = "restricted topic"
    for _ in range(2):
        with pytest.raises(Unavailable):
            stand.push.subscribe(stand.channel)
        stand.advance(timedelta(hours=1))
    stand.hub.mode = "normal"
    asked = {stand.stored()["topic"]}
    stand.subscribe()
    asked.add(stand.stored()["verified"])
    assert asked == set(stand.push.topics(stand.channel))
    assert stand.standing().topic == stand.standing().verified


@pytest.mark.fault(37)
def test_a_flood_of_forged_notifications_is_counted_without_a_write_or_a_record_for_each(stand, capsys):
    stand.subscribe()
    writes = stand.written()
    for _ in range(500):
        with pytest.raises(Forbidden):
            stand.receive(stand.token(), "sha1=00", b"<feed/>")
    assert stand.written() == writes + 1
    stand.advance(TOLD_EVERY)
    with pytest.raises(Forbidden):
        stand.receive(stand.token(), "sha1=00", b"<feed/>")
    assert stand.stored()["refused"] == 501
    assert stand.written() == writes + 2
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "do not count" in line]
    assert [(each["channel"], each["refused"]) for each in records] == [(stand.channel, 1), (stand.channel, 500)]


def test_a_hub_that_does_not_exist_is_unavailable(stand):
    stand.push = replace(stand.push, settings=replace(stand.push.settings, hub_url="http://127.0.0.1:9/none"))
    with pytest.raises(Unavailable) as refused:
        stand.push.subscribe(stand.channel)
    assert refused.value.reason == "hubUnavailable"
    assert stand.standing().state is State.PENDING


@pytest.mark.case("A14")
def test_a_hub_that_sends_on_to_another_address_of_its_own_is_followed(stand):
    stand.hub.mode = "moved"
    stand.subscribe()
    assert stand.standing().alive(stand.simulator.clock())


@pytest.mark.case("A14")
@pytest.mark.parametrize(
    "location",
    [
        "https://elsewhere.example/subscribe",  # another host would get the secret
        "http://127.0.0.1:9/subscribe",  # without TLS, only where we asked in the first place
        "//elsewhere.example/subscribe",
        "ftp://127.0.0.1/subscribe",
        "https://[/subscribe",
        "/subscribe",  # for ever
        "",
    ],
)
def test_a_hub_that_sends_on_to_anywhere_else_is_not_followed_and_the_reason_is_told(stand, location):
    stand.hub.mode, stand.hub.location = "moved", location
    with pytest.raises(Unavailable) as refused:
        stand.push.subscribe(stand.channel)
    assert refused.value.reason == "hubMoved"
    assert location in refused.value.message
    assert stand.hubs_secrets() == set()


@pytest.mark.case("A15")
@pytest.mark.parametrize(
    "change", [{"topic_url": "https://www.youtube.com/feeds/videos.xml"}, {"hub_url": "{root}/moved/subscribe"}]
)
def test_other_settings_renew_what_lives_and_its_old_subscription_stays_believed(stand, change):
    stand.subscribe()
    secret, then = stand.secret(), stand.push
    assert due(stand) == []
    changed = {name: value.format(root=stand.simulator.root) for name, value in change.items()}
    stand.push = replace(then, settings=replace(then.settings, **changed))
    stand.advance(timedelta(hours=2))
    assert due(stand) == [stand.channel]
    stand.subscribe()
    assert due(stand) == []
    assert stand.push.topics(stand.channel)[0] in {one.topic for one in stand.hub.subscriptions.everything()}
    assert stand.hubs_secrets() == {secret}
    assert stand.standing().alive(stand.simulator.clock())


@pytest.mark.fault(69)
def test_a_subscription_that_cannot_be_read_hides_no_other(stand):
    stand.subscribe()
    stand.push.client().document("subscriptions", "UC" + "b" * 22).set({"state": "active", "next_ask": "soon"})
    assert list(stand.push.standings()) == [stand.channel]
    assert list(stand.push.standings_of([stand.channel, "UC" + "b" * 22])) == [stand.channel]


def test_what_comes_for_a_subscription_that_was_deleted_brings_nothing_back(stand):
    stand.subscribe()
    stand.push.unsubscribe(stand.channel)
    stand.push.remember(stand.channel, {"v": "fingerprint"})
    assert stand.push.standings() == {}
    assert stand.push.seen(stand.channel) is None
