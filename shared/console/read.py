"""What the pages read: a page's parts all at once, each by itself; bounded queries; what was read a moment ago.

What cannot be read is said on the page, and the rest is shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import takewhile
from typing import Any

from shared import channels
from shared.channels import CHANNELS, Channel
from shared.cloud.calls import call_options
from shared.cloud.firestore import Client, counted, documents, where
from shared.console.words import words
from shared.data_map import ID, REPORTS
from shared.errors import InvalidRequest, NotFound, YtempireError
from shared.monitoring.log import log
from shared.monitoring.readable import readable
from shared.quota.profile import Profile
from shared.quota.usage import Usage
from shared.tokens.grants import not_connected
from shared.tokens.health import DISCONNECTING, REAUTH_REQUIRED, TROUBLED
from shared.warehouse.statements import REPORTS_HELD, TOTALS_BY_DAY, Statement, Warehouse, run

PAGE = 50
"""Rows of one page of any list."""
SECONDS = 8.0
"""How long a page waits for BigQuery."""
CHART_DAYS = 60
REPORTING_LAG = timedelta(days=4)
"""YouTube has a day's report within two to three days of the day's end."""
REACH = timedelta(days=366)
"""How far back channels' reports are looked for; what is older is in the views all the same."""
LATE = timedelta(hours=2)
"""After how many runs that should have looked at a channel's reports it is called overdue."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_:-]{0,199}")
_WORDS = 200  # characters of an address's query that are looked at


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """Totals of all channels a Pacific day ({"date", "views", "engaged_views", "channels"}), none where owners'
    numbers may not be added up; and how many reports and rows there are."""

    days: tuple[Mapping[str, Any], ...] = ()
    reports: int = 0
    rows: int = 0


@dataclass(frozen=True, kw_only=True)
class Reads:
    """What pages are read from. usage: the day's quota, with so many rows. loaded: may be a minute old."""

    client: Client
    warehouse: Callable[[], Warehouse]
    usage: Callable[[int], Mapping[str, Usage]]
    loaded: Callable[[], Loaded]
    profile: Profile
    report_types: Callable[[], tuple[str, ...]]
    app_url: str


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What somebody wants to see. query: the address's. user: whose channels alone; None: all, for operators."""

    query: Mapping[str, str]
    now: datetime
    user: str | None = None

    def __call__(self, name: str) -> str:
        """One word of the query, "" when it is not there."""
        return self.query.get(name, "").strip()[:_WORDS]

    def name(self, name: str) -> str | None:
        """One word of the query that can be a document's name; None when it is none."""
        return found if _NAME.fullmatch(found := self(name)) else None

    @property
    def skipped(self) -> int:
        """How many rows of a list lie before the page that is asked for."""
        after = self("after")
        return int(after) if after.isdecimal() and after.isascii() and len(after) < 6 else 0


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One page of a list. next: the `after` of the page after it, None at the end. total: of all, if known."""

    rows: Sequence[Mapping[str, Any]]
    next: str | None = None
    total: int | None = None


def together(parts: Mapping[str, Callable[[], Any]]) -> tuple[dict[str, Any], list[str]]:
    """What each part of a page says, and why those do not that are missing, in words. All are read at once."""
    with ThreadPoolExecutor(max(1, len(parts))) as pool:
        asked = {name: pool.submit(_read, name, source) for name, source in parts.items()}
    answers = {name: each.result() for name, each in asked.items()}
    said = {name: found for name, (found, problem) in answers.items() if not problem}
    return said, list(dict.fromkeys(problem for _, problem in answers.values() if problem))


def _read(name: str, source: Callable[[], Any]) -> tuple[Any, str]:
    from google.api_core.exceptions import GoogleAPIError

    title = words("sources").get(name, f"The part “{name}”")
    try:
        return source(), ""
    except (InvalidRequest, NotFound):  # the address asks for what is not there, so there is no such page
        raise
    except YtempireError as error:
        log("ERROR", "a source of the console cannot be read", source=name, reason=error.reason)
        return None, f"{title} cannot be read: {error.message}"
    except (GoogleAPIError, OSError) as error:  # BigQuery's HTTP client raises its own kind of OSError
        log("ERROR", "a source of the console cannot be read", source=name, error=type(error).__name__)
        return None, f"{title} cannot be read ({type(error).__name__}). What it holds is not shown."


def channel_of(reads: Reads, ask: Ask) -> Channel:
    """The channel that the address names. Raises NotFound, for somebody else's as for one that is none."""
    name = ask.name("channel")
    found = channels.get(reads.client, name) if name else None
    if found is None or ask.user not in {None, found.user_id}:
        raise not_connected()
    return found


def page_of(client: Client, query: Any, after: str | None, collection: str) -> tuple[list[Any], str | None]:
    """The documents of one page of a query in its order, and the name after which the next one begins."""
    last = None if after is None else client.document(collection, after).get(**call_options())
    first = query.limit(PAGE + 1)
    try:
        found = list(
            (first.start_after(last) if last is not None and last.exists else first).stream(**call_options())
        )
    except ValueError:  # what the page before ended with has changed, and is no longer in this list
        found = list(first.stream(**call_options()))
    return found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None


def some_channels(reads: Reads, ask: Ask) -> tuple[list[Channel], str | None]:
    """A page of the channels that the address asks for: by state, user, id or the first words of their title."""
    every, client = reads.client.collection(channels.COLLECTION), reads.client
    wanted, state, user = ask("q"), ask("state"), ask.user or ask("user")
    if ask.user is None and state == "attention":
        return wanting(client, ask.now, most=PAGE), None
    if (named := ask.name("q")) and named in (exact := channels.several(client, [named])):
        return [one for one in exact.values() if ask.user in {None, one.user_id}], None
    if wanted and ask.user is None:
        query = where(every, ("title", ">=", wanted), ("title", "<", wanted + "\uf8ff")).order_by("title")
    else:
        given = (("state", "==", state), ("user_id", "==", user))
        query = where(every, *(each for each in given if each[2])).order_by(ID)
    found, following = page_of(client, query, ask.name("after"), channels.COLLECTION)
    known = readable(CHANNELS, found)
    return [
        one for one in known if not (ask.user and wanted) or wanted.casefold() in one.title.casefold()
    ], following


def wanting(client: Client, now: datetime, *, most: int) -> list[Channel]:
    """Channels that may need somebody: not connected, about to end, refused, overdue; so many of each."""
    every: Any = client.collection(channels.COLLECTION)
    asked = [where(every, ("state", "==", state)) for state in (REAUTH_REQUIRED, TROUBLED, DISCONNECTING)]
    asked += [_in_order(client, f"warnings.{kind}") for kind in words("ends")]
    asked += [_in_order(client, f"refusals.`{api}`.since") for api in words("asked")]
    asked.append(where(_in_order(client, "collect_at"), ("collect_at", "<=", now - LATE)))
    with ThreadPoolExecutor(len(asked)) as pool:
        found = pool.map(lambda query: list(readable(CHANNELS, query.limit(most).stream(**call_options()))), asked)
    return list({one.channel_id: one for some in found for one in some}.values())


def _in_order(client: Client, name: str) -> Any:
    """The channels that have a field, in its order."""
    return client.collection(channels.COLLECTION).order_by(name)


def channels_by_state(client: Client) -> dict[str, int]:
    every = client.collection(channels.COLLECTION)
    states = tuple(words("states"))
    with ThreadPoolExecutor(len(states)) as pool:
        found = pool.map(lambda state: counted(where(every, ("state", "==", state))), states)
        return dict(zip(states, found, strict=True))


def jobs_at_risk(client: Client) -> int:
    """Reporting jobs of which a day was missing, and could still come, when they were last listed."""
    return counted(client.collection(REPORTS.path), "at_risk")


def titles(client: Client, ids: Iterable[str]) -> dict[str, str]:
    """Channels' titles by their ids. One read each."""
    found: Iterator[Any] = documents(client, channels.COLLECTION, dict.fromkeys(ids), ["title"])
    return {each.id: str(each.get("title")) for each in found}


def arriving(days: Sequence[Mapping[str, Any]], today: date) -> tuple[Mapping[str, Any], ...]:
    """The newest days for which channels that were there before have no report yet.

    Drawn beside whole days they would look like a collapse.
    """
    everybody = max((day["channels"] for day in days), default=0)
    late = takewhile(
        lambda day: day["channels"] < everybody and today - day["date"] <= REPORTING_LAG, reversed(days)
    )
    return tuple(late)[::-1]


def loaded_reports(warehouse: Warehouse, today: date, aggregation: str) -> Loaded:
    """What the warehouse holds: totals of the last CHART_DAYS days, and how much of the last year.

    aggregation: why owners' numbers may be added up; without it they are not.
    Raises google.api_core's errors when BigQuery does not answer.
    """
    from google.api_core.exceptions import NotFound

    def rows(statement: Statement, since: date) -> list[Any]:
        return list(run(warehouse, statement, seconds=SECONDS, work=SECONDS, since=since))

    try:
        since = today - timedelta(days=CHART_DAYS) - REPORTING_LAG
        days = rows(TOTALS_BY_DAY, since) if aggregation else []
        [held] = rows(REPORTS_HELD, today - REACH)
    except NotFound:
        return Loaded()  # before the first deployment has made the tables
    return Loaded(days=tuple(map(dict, reversed(days))), reports=held["reports"], rows=held["row_count"])
