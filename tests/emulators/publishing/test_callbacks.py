"""The app hears that an operation has ended: signed, once for each end, and again until it has taken it."""

import base64
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infra.local.simulator.callbacks import PATH, Received
from shared.errors import Unavailable
from shared.publishing.operation import TELL, State
from shared.publishing.submissions import Submissions
from shared.publishing.tasks import CLOSING, OVERDUE, Callbacks
from shared.settings import settings
from tests.emulators.publishing.bench import Bench, benched

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


@pytest.fixture
def bench(firestore_client, tmp_path, monkeypatch):
    settings.cache_clear()
    with benched(firestore_client, tmp_path, monkeypatch, callback_secret=SECRET) as found:
        found.tells = True
        found.submissions = Submissions(tasks=found.tasks(), allowed=found.allowed, estimate=found.stand.quote)
        yield found
    settings.cache_clear()


@dataclass
class App:
    """What the app has been told, and how the callbacks that are due get there."""

    bench: Bench

    @property
    def received(self):
        return self.bench.stand.simulator.room(Received)

    @property
    def told(self):
        return [(body["type"], body["data"]["id"]) for body in self.received.told.values()]

    def callbacks(self, **changes):
        made = {
            "operations": self.bench.operations,
            "address": self.bench.stand.simulator.root + PATH,
            "secret": SECRET.encode,
            "clock": self.bench.stand.clock,
        }
        return Callbacks(**{**made, **changes})

    def deliver(self, **changes):
        """Deliver every callback that is due, as Cloud Tasks does: one that fails stays."""
        outcomes, now = [], self.bench.stand.clock()
        for name, (when, payload) in list(self.bench.box.callbacks.items()):
            if when is not None and when > now:
                continue
            with suppress(Unavailable):
                outcomes.append(self.callbacks(**changes).deliver(payload["operation"], payload["callback"]))
                del self.bench.box.callbacks[name]
        return outcomes


@pytest.fixture
def app(bench):
    return App(bench)


def failing(bench):
    operation, _ = bench.submit(update={"video_id": "AAAAAAAAAAA", "title": "x"})
    return bench.settle(operation)


def test_the_app_is_told_of_a_success_with_what_came_of_it(bench, app):
    operation, _ = bench.submit(playlist={"title": "Told"})
    done = bench.settle(operation)
    assert app.deliver() == ["delivered"]
    (body,) = app.received.told.values()
    assert body["type"] == "operation.succeeded"
    assert body["data"] == done.as_json()
    assert bench.get(operation).untold_since is None
    assert bench.stand.simulator.journal.mistakes == []


def test_a_delivery_more_is_the_same_end_and_an_end_after_a_retry_is_another(bench, app):
    failed = failing(bench)
    (payload,) = [payload for _, payload in bench.box.callbacks.values()]
    assert app.deliver() == ["delivered"]
    assert app.callbacks().deliver(payload["operation"], payload["callback"]) == "over"
    bench.submissions.retry(failed.id)
    bench.settle(failed)
    assert app.deliver() == ["delivered"]
    assert app.told == [("operation.failed", failed.id)] * 2


def test_a_receipt_that_was_lost_makes_a_second_delivery_under_the_same_id(bench, app):
    failing(bench)
    bench.stand.inject(method="app.callback", kind="drop", times=1)
    assert app.deliver() == []
    assert app.deliver() == ["delivered"]
    assert (app.received.deliveries, len(app.told)) == (2, 1)


@pytest.mark.parametrize("kind", ["backendError", "drop", "hang"])
def test_an_app_that_is_away_is_told_later_and_given_up_after_a_day(bench, app, kind, capsys):
    failed = failing(bench)
    bench.stand.inject(method="app.callback", kind=kind)
    began = time.monotonic()
    assert app.deliver(seconds=0.5) == []
    assert time.monotonic() - began < 15
    assert bench.get(failed).untold_since is not None
    bench.stand.advance(seconds=TELL.total_seconds() - 60)
    assert app.deliver(seconds=0.5) == []
    bench.stand.advance(seconds=120)
    assert app.deliver(seconds=0.5) == ["givenUp"]
    assert bench.get(failed).untold_since is None
    assert "was not told of an operation's end" in capsys.readouterr().out


def test_an_end_that_a_retry_by_hand_has_overtaken_is_not_told(bench, app):
    failed = failing(bench)
    bench.submissions.retry(failed.id)
    assert app.deliver() == ["over"]
    assert app.told == []


def test_of_a_channel_that_is_gone_nothing_is_told(bench, app):
    failed = failing(bench)
    bench.stand.firestore.document("operations", failed.id).delete()
    assert app.deliver() == ["gone"]


def test_a_cancel_and_a_dismissal_are_told_and_a_cancelled_upload_once_it_is_closed(bench, app):
    first, _ = bench.submit(playlist={"title": "Never"})
    bench.submissions.cancel(first.id)
    second = failing(bench)
    bench.submissions.dismiss(second.id)
    bench.video(size=4_000_000)
    third, _ = bench.submit(upload=bench.upload())
    bench.stand.inject(method="upload.session", kind="backendError", times=20)
    bench.runner(sleep=lambda _seconds: None).run(third.id, 1)
    bench.submissions.cancel(third.id)
    assert sorted(app.deliver()) == ["delivered", "delivered", "over"]
    assert set(app.told) == {("operation.cancelled", first.id), ("operation.cancelled", second.id)}
    bench.stand.advance(seconds=CLOSING.total_seconds() + 1)
    assert app.deliver() == ["delivered"]
    assert ("operation.cancelled", third.id) in app.told


def test_a_callback_that_was_never_queued_is_left_to_the_next_delivery_or_the_sweep(bench, app):
    for again in (lambda done: bench.runner().run(done.id, done.attempt), lambda _done: bench.tasks().sweep()):
        bench.box.lose_callbacks = True
        done = failing(bench)
        bench.box.lose_callbacks = False
        assert bench.box.callbacks == {}
        bench.stand.advance(seconds=OVERDUE.total_seconds() + 60)
        again(done)
        assert app.deliver() == ["delivered"]


def test_without_an_address_nothing_is_queued(bench):
    bench.tells = False
    bench.submissions = Submissions(tasks=bench.tasks(), allowed=bench.allowed, estimate=bench.stand.quote)
    assert failing(bench).state is State.FAILED
    assert bench.tasks().sweep() == 0
    assert bench.box.callbacks == {}


def test_a_wrong_signature_and_an_old_one_are_refused_by_the_app(bench, app):
    failing(bench)
    other = base64.b64encode(b"o" * 32)
    assert app.deliver(secret=lambda: other) == []
    assert app.deliver(clock=lambda: bench.stand.clock() - timedelta(minutes=6)) == []
    assert (app.told, app.received.refused) == ([], 2)
    assert len(bench.stand.simulator.journal.mistakes) == 2
    bench.stand.simulator.journal.forget()


def test_an_app_that_sends_us_on_is_not_followed(bench, app):
    failing(bench)
    asked = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(self.path)
            self.send_response(307)
            self.send_header("location", "/elsewhere")
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert app.deliver(address=f"http://127.0.0.1:{server.server_port}/here") == []
        server.shutdown()
    assert asked == ["/here"]
