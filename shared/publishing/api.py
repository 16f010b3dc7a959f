"""The publishing API: a checked body in, the answer as JSON out.

a submission                                 accepts one operation; with "quote": true it is only priced
{"action": "read", "operation": id}          likewise "cancel", "retry" and "dismiss"
{"action": "list", "channel_id": ...}        by channel, state and time of change, the newest change first
{"action": "plan", "work": [{"channel_id": ..., "do": ["upload", "thumbnail"], "times": 12}]}    changes nothing

Firestore orders by one field without an index of several. So a list's narrowest filter is the query's, and the
others are applied to what it finds, up to a bound; a page may therefore be short, and says where the next begins.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from shared import ids
from shared.clock import format_instant, parse_instant, to_the_second
from shared.cloud.calls import call_options
from shared.cloud.firestore import Client, where
from shared.fields import Fields
from shared.publishing.operation import COLLECTION, IN_CHANNEL, IN_STATE, MAPPER, Operation, State
from shared.publishing.plan import Intent, intents
from shared.publishing.submissions import Submissions
from shared.quota.quotes import Quote

PAGE = 50
_BOUNDS = {"since": ">=", "until": "<"}
SCANNED = 200  # how many operations one page looks at, at most


class Listing(NamedTuple):
    """Which operations to list. order: the field that orders what the narrowest filter takes.

    bounds: of when they changed last, as conditions. after: where the page before ended.
    """

    order: str
    state: State | None
    bounds: tuple[tuple[str, str, datetime], ...]
    after: tuple[datetime, str] | None


def listing(body: Mapping[str, Any]) -> Listing:
    """The listing that a body asks for. Raises InvalidRequest naming the field that is wrong."""
    fields = Fields(body, "action", "channel_id", "state", "since", "until", "page")
    state = State(fields.choice("state", tuple(State))) if fields.has("state") else None
    order = f"{IN_STATE}.{state.value}" if state else "updated_at"
    if fields.has("channel_id"):
        order = f"{IN_CHANNEL}.`{fields.id('channel_id', ids.CHANNEL)}`"
    bounds = ((order, operator, fields.instant(name)) for name, operator in _BOUNDS.items() if fields.has(name))
    return Listing(order, state, tuple(bounds), _after(fields) if fields.has("page") else None)


def page_of(client: Client, asked: Listing) -> dict[str, Any]:
    """The operations of one page; next_page: what asks for the next one, None where there is none."""
    query = where(client.collection(COLLECTION), *asked.bounds)
    for name in (asked.order, "__name__"):
        query = query.order_by(name, direction="DESCENDING")
    if asked.after is not None:
        changed, operation_id = asked.after
        query = query.start_after([changed, client.collection(COLLECTION).document(operation_id)])
    found: list[Operation] = []
    next_page = None
    for seen, snapshot in enumerate(query.limit(SCANNED).stream(**call_options()), start=1):
        last = MAPPER.read(snapshot.id, snapshot.to_dict())
        if asked.state in {None, last.state}:
            found.append(last)
        if len(found) == PAGE or seen == SCANNED:
            place = json.dumps([format_instant(last.updated_at), last.id])
            next_page = base64.urlsafe_b64encode(place.encode()).decode()
            break
    return {"operations": [each.as_json() for each in found], "next_page": next_page}


def _after(fields: Fields) -> tuple[datetime, str]:
    try:
        changed, operation_id = json.loads(base64.b64decode(fields.text("page"), altchars=b"-_", validate=True))
        at = parse_instant(changed)
    except (ValueError, TypeError, OverflowError):
        operation_id = None
    if not ids.OPERATION.matches(operation_id):
        raise fields.wrong("page", "must be the next_page of an answer")
    return at, operation_id


_BY_ID = (Submissions.read, Submissions.cancel, Submissions.retry, Submissions.dismiss)
_ACTIONS = {each.__name__: each for each in _BY_ID}


def handle(submissions: Submissions, body: Mapping[str, Any]) -> dict[str, Any]:
    if body.get("action") == "plan":
        asked = intents(body)
        return {"plan": planned(asked, submissions.plan(asked))}
    if body.get("action") == "list":
        return page_of(submissions.tasks.operations.client, listing(body))
    if "action" in body:
        action, operation_id = command(body)
        return {"operation": _ACTIONS[action](submissions, operation_id).as_json()}
    rest, only_quote = submission(body)
    if only_quote:
        return {"quote": submissions.quote(rest).as_json()}
    operation, quote = submissions.submit(rest)
    return {"operation": operation.as_json(), "quote": quote.as_json()}


def planned(asked: Sequence[Intent], estimate: Quote) -> dict[str, Any]:
    """The answer: costs and units left by bucket, how many can run now; for each item when and why the rest."""
    return {
        "cost": dict(estimate.costs),
        "left": dict(estimate.left),
        "now": estimate.now,
        "message": estimate.message,
        "work": [
            {
                "channel_id": intent.channel_id,
                "do": list(intent.do),
                "times": intent.times,
                "cost": dict(part.costs),
                "now": part.now,
                "later": [
                    {
                        "times": later.times,
                        "runs_at": to_the_second(later.at),
                        "bucket": later.bucket,
                        "reason": later.reason,
                        "why_not_now": later.why,
                    }
                    for later in part.later
                ],
            }
            for intent, part in zip(asked, estimate.parts, strict=True)
        ],
    }


def submission(body: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """A body without "quote", and whether it asks for a quote alone. Raises InvalidRequest."""
    rest = {name: value for name, value in body.items() if name != "quote"}
    quote = {name: body[name] for name in body.keys() - rest.keys()}
    return rest, Fields(quote, "quote").flag("quote", default=False)


def command(body: Mapping[str, Any]) -> tuple[str, str]:
    """What to do with which operation. Raises InvalidRequest."""
    fields = Fields(body, "action", "operation")
    return fields.choice("action", ("list", "plan", *_ACTIONS)), fields.id("operation", ids.OPERATION)
