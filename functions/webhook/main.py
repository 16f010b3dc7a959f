"""Public: the push hub's verifications (GET) and notifications (POST), straight to Pub/Sub."""

from __future__ import annotations

import functions_framework
from flask import Request, Response

from shared import entry, ids
from shared.errors import MethodUnknown
from shared.push.keys import NotSubscribed
from shared.wiring.push import hub_keys, push


@functions_framework.http
@entry.answers_json
def webhook(request: Request) -> Response:
    """GET echoes the challenge of a subscription that we asked for; POST takes what its secret signed."""
    if request.method not in {"GET", "POST"}:
        raise MethodUnknown("GET", "POST")
    channel_id, token = _address(request.path)
    secrets = hub_keys().secrets(channel_id, token)  # an address never given away ends here, with nothing loaded
    if request.method == "GET":
        challenge = push().verify(channel_id, request.args)
        return Response(challenge, mimetype="text/plain")
    from shared.push import feed, receiving

    signature, body = request.headers.get("X-Hub-Signature"), entry.raw_body(request, limit=feed.MAX_BYTES)
    notices = receiving.receive(
        channel_id, secrets, signature, body, count=lambda counter: push().count(channel_id, counter)
    )
    if notices:
        from shared.clock import system_clock
        from shared.cloud import pubsub

        pubsub.to_ingest(receiving.KIND, receiving.message(notices, received=system_clock()))
    return Response(status=204)


def _address(path: str) -> tuple[str, str]:
    """Channel and token of .../webhooks/youtube/<channel>/<token>."""
    parts = path.strip("/").split("/")
    if len(parts) != 4 or parts[:2] != ["webhooks", "youtube"] or not ids.CHANNEL.matches(parts[2]):
        raise NotSubscribed
    return parts[2], parts[3]
