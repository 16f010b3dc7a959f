"""The publishing API: a checked body in, the answer as JSON out.

a submission                                 accepts one operation; with "quote": true it is only priced
{"action": "read", "operation": id}          likewise "cancel", "retry" and "dismiss"
{"action": "list", "channel_id": ...}        see `listing`
{"action": "plan", "work": [...]}            see `intents`
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared import ids
from shared.fields import Fields
from shared.publishing.intents import intents, planned
from shared.publishing.listing import listing
from shared.publishing.submissions import Submissions

_ACTIONS = {
    "read": Submissions.read,
    "cancel": Submissions.cancel,
    "retry": Submissions.retry,
    "dismiss": Submissions.dismiss,
}


def handle(submissions: Submissions, body: Mapping[str, Any]) -> dict[str, Any]:
    """Answer a body. Raises errors of `shared.errors`."""
    if body.get("action") == "plan":
        asked = intents(body)
        return {"plan": planned(asked, submissions.plan(asked))}
    if body.get("action") == "list":
        return submissions.list(listing(body)).as_json()
    if "action" in body:
        action, operation_id = command(body)
        return {"operation": _ACTIONS[action](submissions, operation_id).as_json()}
    rest, only_quote = submission(body)
    request = submissions.request(rest)
    if only_quote:
        return {"quote": submissions.quote(request).as_json()}
    operation, quote = submissions.submit(request)
    return {"operation": operation.as_json(), "quote": quote.as_json()}


def submission(body: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """A body without "quote", and whether it asks for a quote alone. Raises InvalidRequest."""
    rest = {name: value for name, value in body.items() if name != "quote"}
    quote = {name: body[name] for name in body.keys() - rest.keys()}
    return rest, Fields(quote, "quote").flag("quote", default=False)


def command(body: Mapping[str, Any]) -> tuple[str, str]:
    """What to do with which operation. Raises InvalidRequest."""
    fields = Fields(body, "action", "operation")
    fields.choice("action", ("list", "plan", *_ACTIONS))
    return fields.text("action"), fields.id("operation", ids.OPERATION)
