"""Lists operations by channel, state and time of change, the newest change first, page by page.

Firestore orders by one field without an index of several. So the narrowest filter is the query's, and the others
are applied to what it finds, up to a bound; a page may therefore be short, and says where the next one begins.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared import ids
from shared.clock import format_instant, parse_instant
from shared.cloud.calls import call_options
from shared.fields import Fields
from shared.publishing.operation import Operation, State
from shared.publishing.records import COLLECTION, IN_CHANNEL, IN_STATE, MAPPER

if TYPE_CHECKING:
    from google.cloud.firestore import Client

PAGE = 50
SCANNED = 200
"""How many operations one page looks at, at most."""
_CHANGED = "updated_at"


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Which operations to list. since, until: when they changed last. after: where the page before ended."""

    channel_id: str | None = None
    state: State | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: tuple[datetime, str] | None = None

    @property
    def order(self) -> str:
        """The field that orders what the narrowest filter takes."""
        if self.channel_id is not None:
            return f"{IN_CHANNEL}.`{self.channel_id}`"
        return f"{IN_STATE}.{self.state.value}" if self.state is not None else _CHANGED

    def takes(self, operation: Operation) -> bool:
        """Whether an operation passes the filters that the query does not."""
        return self.state in {None, operation.state}


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page. next: what asks for the next one, None where there is none."""

    operations: tuple[Operation, ...]
    next: str | None

    def as_json(self) -> dict[str, Any]:
        """For the answer."""
        return {"operations": [each.as_json() for each in self.operations], "next_page": self.next}


def listing(body: Mapping[str, Any]) -> Listing:
    """The listing that a body asks for. Raises InvalidRequest naming the field that is wrong."""
    fields = Fields(body, "action", "channel_id", "state", "since", "until", "page")
    return Listing(
        channel_id=fields.id("channel_id", ids.CHANNEL) if fields.has("channel_id") else None,
        state=State(fields.choice("state", tuple(State))) if fields.has("state") else None,
        since=fields.instant("since") if fields.has("since") else None,
        until=fields.instant("until") if fields.has("until") else None,
        after=_after(fields) if fields.has("page") else None,
    )


def page_of(client: Client, asked: Listing) -> Page:
    """The operations of one page."""
    from google.cloud.firestore import Query  # loaded with the client
    from google.cloud.firestore_v1.base_query import FieldFilter

    query: Any = client.collection(COLLECTION)
    for bound, sign in ((asked.since, ">="), (asked.until, "<")):
        if bound is not None:
            query = query.where(filter=FieldFilter(asked.order, sign, bound))
    query = query.order_by(asked.order, direction=Query.DESCENDING)
    query = query.order_by("__name__", direction=Query.DESCENDING)
    if asked.after is not None:
        changed, operation_id = asked.after
        query = query.start_after([changed, client.collection(COLLECTION).document(operation_id)])
    found: list[Operation] = []
    seen, last = 0, None
    for snapshot in query.limit(SCANNED).stream(**call_options()):
        seen += 1
        last = MAPPER.read(snapshot.id, snapshot.to_dict())
        if asked.takes(last):
            found.append(last)
        if len(found) == PAGE:
            break
    more = last is not None and (len(found) == PAGE or seen == SCANNED)
    return Page(operations=tuple(found), next=_token(last) if more and last is not None else None)


def _token(last: Operation) -> str:
    place = json.dumps([format_instant(last.updated_at), last.id])
    return base64.urlsafe_b64encode(place.encode()).decode()


def _after(fields: Fields) -> tuple[datetime, str]:
    try:
        changed, operation_id = json.loads(base64.b64decode(fields.text("page"), altchars=b"-_", validate=True))
        at = parse_instant(changed)
    except (ValueError, TypeError, OverflowError) as error:
        raise fields.wrong("page", "must be the next_page of an answer") from error
    if not ids.OPERATION.matches(operation_id):
        raise fields.wrong("page", "must be the next_page of an answer")
    return at, operation_id
