"""HTTP, public: Google's redirect comes back here; the result page stands at a clean address of its own."""

from __future__ import annotations

import functions_framework
from flask import Request, Response

from shared import entry, pages
from shared.access import requests
from shared.cloud import queues
from shared.errors import MethodUnknown
from shared.monitoring.log import log
from shared.settings import settings
from shared.wiring.access import consents

DONE = "/auth/youtube/done"


def _home() -> str:
    return settings().app_url


def _callback(request: Request) -> Response:
    cookie = request.cookies.get(requests.COOKIE)
    answer = requests.returned(request.args.to_dict(flat=False), cookie, settings())
    finished = consents().finish(answer)
    if finished.connected is not None:
        _start_collecting(finished.connected.channel_id, finished.reference)
    return pages.redirect(finished.location(settings().app_url + DONE))


def _done(request: Request) -> Response:
    reference = request.args.get("ref", "")
    if not reference:
        # Anybody can write such an address, so it can tell of a failure only.
        told = request.args.get("outcome", "connected")
        return pages.page(pages.words_for("nothingToShow" if told == "connected" else told), home=_home())
    outcome = consents().outcome(reference, request.cookies.get(requests.COOKIE))
    if outcome is None:
        return pages.page(pages.words_for("nothingToShow"), home=_home())
    return pages.page(pages.words_for("connected"), notes=pages.connection_notes(outcome), home=_home())


def _start_collecting(channel_id: str, reference: str) -> None:
    """First collection and push subscription now; if they cannot be queued, the hourly runs find the channel."""
    try:
        queues.enqueue("collect", f"first {channel_id} {reference}", "collect_reports", {"channels": [channel_id]})
        name = f"subscribe {channel_id} {reference}"
        queues.enqueue("collect", name, "renew_subscriptions", {"channel": channel_id})
    except Exception as error:  # noqa: BLE001 - the channel is connected, and the page has to say so
        reason = entry.as_known(error).reason
        log("WARNING", "first collection not queued", channel=channel_id, reason=reason)


@functions_framework.http
def oauth_callback(request: Request) -> Response:
    """The callback finishes a consent and sends the browser on; the other address shows the result."""
    shows = request.path.rstrip("/").endswith(DONE)
    allowed = ("GET", "HEAD") if shows else ("GET",)
    if request.method not in allowed:
        return entry.refusal(MethodUnknown(*allowed))
    return _show_done(request) if shows else _finish(request)


_finish = entry.answers_page(_callback, home=_home)
# By then a channel may be connected, whatever keeps us from showing it.
_show_done = entry.answers_page(_done, home=_home, told_as="connectionUnknown")
