"""What each page's sections say, by the names in `pages.toml`. Every part is read by itself, in bounds.

A page of a channel begins with the channel itself: one that is somebody else's is answered as one that is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from shared.channels import Channel
from shared.clock import Recent, pacific_day
from shared.cloud.bigquery import answering
from shared.cloud.calls import call_options
from shared.cloud.firestore import counted, documents, where
from shared.collection import packs
from shared.collection.jobs import Job
from shared.console import alarms, connections, operations, push, questions, quota, read, reports
from shared.console.connections import ChannelRow
from shared.console.page import Seen, pages
from shared.console.read import PAGE, SECONDS, Ask, Listed, Reads
from shared.console.words import standing, words
from shared.data_map import CERTIFICATES, OPERATIONS, SUBSCRIPTIONS
from shared.errors import NotFound
from shared.ids import VIDEO
from shared.monitoring import alerts
from shared.monitoring.readable import readable
from shared.publishing.operation import IN_CHANNEL, IN_STATE, MAPPER, State
from shared.quota.usage import ROWS, Usage
from shared.tokens.health import CONNECTED, TROUBLED
from shared.warehouse import statements
from shared.warehouse.checks import CHECKS
from shared.warehouse.explain import COLUMNS, METRICS, explain
from shared.warehouse.statements import Statement, run
from shared.watch import watching

Found = TypeVar("Found")
Part = Callable[[], Any]
_FEW = 3  # of each kind of trouble on the overview
_ENDED = timedelta(days=30)
_LAST_RUN = timedelta(hours=26)
_DONE = (State.QUEUED, State.RUNNING, State.WAITING)


def seen(reads: Reads, name: str, ask: Ask, *, viewer: str = "") -> Seen:
    """A page as it is now. Raises NotFound for one that is not there, or not there for whoever asks."""
    page = pages().get(name)
    if page is None or (ask.user is not None and not page.own):
        raise NotFound("There is no such page.")
    heading, wanted = _PAGES[name](reads, ask)
    hidden = {each.key for each in page.sections if each.operators and ask.user is not None}
    said, problems = read.together({key: part for key, part in wanted.items() if key not in hidden})
    return Seen(page=page, ask=ask, parts=said, problems=problems, heading=heading, viewer=viewer)


def _overview(reads: Reads, ask: Ask) -> tuple[str, dict[str, Part]]:
    def views() -> list[dict[str, Any]]:
        found = reads.loaded().days
        late = read.arriving(found, pacific_day(ask.now))
        return [dict(day) for day in found[: -len(late) or None]][::-1]

    def figures() -> dict[str, Any]:
        if ask.user is not None:
            mine = read.some_channels(reads, ask)[0]
            return {"channels": len(mine), "connected": sum(one.state == CONNECTED for one in mine)}
        by_state = read.channels_by_state(reads.client)
        states = {state: counted(_newest(reads, state)) for state in (*_DONE, State.FAILED)}
        return {
            "channels": sum(by_state.values()),
            "connected": by_state[CONNECTED],
            "unwell": sum(by_state.values()) - by_state[CONNECTED],
            "waiting": sum(states[state] for state in _DONE),
            "failed": states[State.FAILED],
            "at_risk": read.jobs_at_risk(reads.client),
        }

    return "", {
        "wrong": lambda: _wrong(reads, ask),
        "figures": figures,
        "quota": lambda: _buckets(reads, reads.usage(0), ask.now),
        "views": views,
        "loaded": lambda: {name: getattr(reads.loaded(), name) for name in ("reports", "rows")},
    }


def _wrong(reads: Reads, ask: Ask) -> list[dict[str, Any]]:
    """What is not well, the most pressing first: alarms, channels, writes that failed."""
    if ask.user is None:
        firing = watching.wrong_now(reads.client, ask.now)
        some = read.wanting(reads.client, ask.now, most=_FEW)
        failed = _newest(reads, State.FAILED).limit(_FEW).stream(**call_options())
    else:
        firing, some = (), read.some_channels(reads, ask)[0]
        failed = [each for one in some[:_FEW] for each in _of_channel(reads, one.channel_id, most=_FEW)]
    refused = any(each.key == alerts.OAUTH_CLIENT for each in firing)
    rows = [row.shown for row in _rows(reads, ask, some, client_refused=refused) if row.needs_somebody]
    done = words("done")
    work = operations.rows((one for one in readable(MAPPER, failed) if one.state is State.FAILED), {})
    found: list[tuple[Any, ...]] = [
        ("alert", None, *(each[name] for name in ("message", "stops", "since", "done", "todo")))
        for each in alarms.rows(firing)
    ]
    for told in rows:
        what, acted = f"{told['title']}: {told['standing']}", done.get(told["state"], done["channel"])
        why = told["why"] or told["late"]
        found.append(("channel", told["channel_id"], what, why, told["since"], acted, told["todo"]))
    for row in work:
        what, todo = f"{row['kind']} failed: {row['title'] or row['id']}", {"text": done["retry"]}
        found.append(("operation", row["channel_id"], what, row["why"], row["since"], done["failed"], todo))
    return [dict(zip(_WRONG, each, strict=True)) for each in found]


_WRONG = ("kind", "channel_id", "what", "why", "since", "done", "todo")


def _rows(reads: Reads, ask: Ask, some: Iterable[Channel], **more: Any) -> list[ChannelRow]:
    return connections.rows(some, app_url=reads.app_url, now=ask.now, mine=ask.user is not None, **more)


def _channels(reads: Reads, ask: Ask) -> tuple[str, dict[str, Part]]:
    def listed() -> Listed:
        some, following = read.some_channels(reads, ask)
        every = ask("state") != "attention"
        rows = [row.shown for row in _rows(reads, ask, some) if every or row.needs_somebody]
        return Listed(rows=rows, next=following)

    return "", {"filter": lambda: _form(ask, "q", "state"), "channels": listed}


def _once(ask: Ask, source: Callable[[], Found]) -> Callable[[], Found]:
    """What several parts of a page are made of, read once."""
    return Recent(source=source, age=timedelta(minutes=1), clock=lambda: ask.now)


def _titled(reads: Reads, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows with the titles of their channels, or the id of one that is gone."""
    some = list(rows)
    names = read.titles(reads.client, (row["channel_id"] for row in some))
    return [{**row, "title": names.get(row["channel_id"], row["channel_id"])} for row in some]


def _form(ask: Ask, *names: str) -> dict[str, str]:
    return {name: ask(name) for name in names}


def _channel(reads: Reads, ask: Ask) -> tuple[str, dict[str, Part]]:
    one = read.channel_of(reads, ask)
    known = _once(ask, lambda: packs.jobs(reads.client, [one.channel_id], reads.report_types()))

    def missing() -> list[dict[str, Any]]:
        found = reports.rows(known(), now=ask.now)
        return [{"report_type": row["report_type"], **each} for row in found for each in row["missing"]][:PAGE]

    return one.title, {
        "connection": lambda: _rows(reads, ask, [one], at_risk=known())[0].shown,
        "coverage": lambda: reports.grid(known(), lambda job: {"about": job.report_type}, now=ask.now),
        "reports": lambda: [{**row, "missing": len(row["missing"])} for row in reports.rows(known(), now=ask.now)],
        "days": lambda: _days(reads, one.channel_id, ask.now),
        "missing": missing,
        "certificates": lambda: _certificates(reads, one.channel_id),
    }


def _days(reads: Reads, channel_id: str, now: datetime) -> list[dict[str, Any]]:
    until = now.date()
    start = until - timedelta(days=reports.GRID_DAYS)
    rows = _asked(reads, now, statements.DAYS_OF_CHANNEL, channel=channel_id, start=start, end=until)
    found = [{**row, "channel_id": channel_id, "subject": row["date"]} for row in rows]
    return sorted(found, key=lambda row: row["date"], reverse=True)


def _asked(reads: Reads, now: datetime, statement: Statement, **values: Any) -> list[dict[str, Any]]:
    with answering(lambda: now):
        found = run(reads.warehouse(), statement, seconds=SECONDS, work=SECONDS, **values)
        return [dict(row) for row in found]


def _certificates(reads: Reads, channel_id: str) -> list[dict[str, Any]]:
    every = where(reads.client.collection(CERTIFICATES.path), ("channel_id", "==", channel_id))
    found = every.select(["month", "issued_at", "value"]).limit(120).stream(**call_options())
    return sorted((each.to_dict() for each in found), key=lambda row: str(row["month"]), reverse=True)


def _coverage(reads: Reads, ask: Ask) -> tuple[str, dict[str, Part]]:
    def grid() -> dict[str, Any]:
        some, following = read.some_channels(reads, ask)
        kinds = reads.report_types()
        kind = ask("report_type") if ask("report_type") in kinds else kinds[0]
        titles = {one.channel_id: one.title for one in some}
        order = {channel: place for place, channel in enumerate(titles)}
        found = sorted(packs.jobs(reads.client, titles, [kind]), key=lambda job: order[job.channel_id])

        def about(job: Job) -> dict[str, str]:
            return {"about": titles[job.channel_id], "channel_id": job.channel_id}

        told = reports.grid(found, about, now=ask.now)
        return {**told, "report_type": kind, "report_types": kinds, "next": following}

    return "", {"grid": grid}


def _cell(reads: Reads, ask: Ask) -> tuple[str, dict[str, Part]]:
    one, column = read.channel_of(reads, ask), ask("column") or "views"
    try:
        subject: date | str = date.fromisoformat(ask("day")) if ask("day") else ask("video")
    except ValueError:
        raise NotFound("There is no such day.") from None
    if column not in COLUMNS[METRICS if isinstance(subject, date) else "video_performance"] or not subject:
        raise NotFound("There is no such number.")
    with answering(lambda: ask.now):
        found = explain(reads.warehouse(), channel_id=one.channel_id, subject=subject, column=column, now=ask.now)
    return f"{one.title}, {subject}", {
        "number": lambda: {name: getattr(found, name) for name in _OF_NUMBER},
        "files": lambda: found.files,
        "answers": lambda: found.answers,
        "studio": lambda: [{"says": each} for each in found.studio],
    }


_OF_NUMBER = ("value", "reason", "column", "subject", "state", "source", "definition")


def _videos(reads: Reads, ask: Ask) -> tuple[str, dict[str, Part]]:
    if not ask("channel"):
        return "", {"filter": lambda: _form(ask, "channel")}
    one = read.channel_of(reads, ask)

    def listed() -> Listed:
        first = ask.skipped + 1
        about = {"channel": one.channel_id, "first": first, "last": first + PAGE}
        found = _asked(reads, ask.now, statements.VIDEOS_LISTED, **about)
        told = {"channel_id": one.channel_id}
        rows = [{**row, "title": row["title"] or "no longer there", **told} for row in found[:PAGE]]
        return Listed(rows=rows, next=str(ask.skipped + PAGE) if len(found) > PAGE else None)

    return one.title, {"filter": lambda: _form(ask, "channel"), "videos": listed}


def _video(reads: Reads, ask: Ask) -> tuple[str, dict[str, Part]]:
    one, video = read.channel_of(reads, ask), ask("video")
    if not VIDEO.matches(video):
        raise NotFound("There is no such video.")
    about = {"channel": one.channel_id, "video": video}
    return video, {"growth": lambda: _asked(reads, ask.now, statements.GROWTH_OF_VIDEO, **about)}


def _buckets(reads: Reads, usage: Mapping[str, Usage], now: datetime) -> list[dict[str, Any]]:
    return [
        {
            **{key: row[key] for key in _OF_BUCKET},
            "burn": row["forecast"].burn,
            "at_midnight": row["forecast"].at_midnight,
            "spent_at": row["forecast"].spent_at if row["mode"] in {"normal", "cacheOnly"} else None,
        }
        for row in quota.rows(usage, reads.profile, now=now)
    ]


_OF_BUCKET = (
    *("bucket", "title", "mode", "standing", "tone", "effect", "until"),
    *("used", "reserved", "left", "limit", "alert", "closed"),
)


def _quota(reads: Reads, ask: Ask) -> tuple[str, dict[str, Part]]:
    asked = _once(ask, lambda: reads.usage(ROWS))

    def of_bucket(part: Callable[[Mapping[str, Any]], Any]) -> Part:
        def found() -> Any:
            rows = {row["bucket"]: row for row in quota.rows(asked(), reads.profile, now=ask.now)}
            return part(rows.get(ask("bucket")) or next(iter(rows.values())))

        return found

    named = reads.profile.buckets.get(ask("bucket")) or next(iter(reads.profile.buckets.values()))
    return f"Quota: {named.title}", {
        "buckets": lambda: _buckets(reads, asked(), ask.now),
        "burn": of_bucket(lambda row: quota.burn_down(row, ask.now)),
        "accounts": of_bucket(lambda row: [{"account": name, **of} for name, of in row["by_account"].items()]),
        "features": lambda: _asked(
            reads, ask.now, statements.CALLS_BY_FEATURE, day=pacific_day(ask.now), bucket=named.name
        ),
        "refusals": of_bucket(lambda row: row["refusals"]),
        "loans": of_bucket(lambda row: row["loans"]),
    }


def _newest(reads: Reads, state: State) -> Any:
    return reads.client.collection(OPERATIONS.path).order_by(f"{IN_STATE}.{state}", direction="DESCENDING")


def _of_channel(reads: Reads, channel_id: str, *, most: int) -> list[Any]:
    work: Any = reads.client.collection(OPERATIONS.path)
    newest = work.order_by(f"{IN_CHANNEL}.`{channel_id}`", direction="DESCENDING")
    return list(newest.limit(most).stream(**call_options()))


def _operations(reads: Reads, ask: Ask) -> tuple[str, dict[str, Part]]:
    def listed(*states: State) -> Part:
        def found() -> Listed:
            following: str | None = None
            if ask.user is not None or ask("channel"):
                some = [read.channel_of(reads, ask)] if ask("channel") else read.some_channels(reads, ask)[0]
                stored = [each for one in some for each in _of_channel(reads, one.channel_id, most=PAGE)]
                work = [one for one in readable(MAPPER, stored) if one.state in states]
            else:
                after = ask.name("after") if ask("state") in states else None
                chosen = [state for state in states if ask("state") in {"", state}] or list(states)
                stored = []
                for state in chosen:
                    some_of, last = read.page_of(reads.client, _newest(reads, state), after, OPERATIONS.path)
                    stored, following = stored + some_of, following or last
                work = list(readable(MAPPER, stored))
                if len(chosen) > 1:
                    work, following = sorted(work, key=lambda one: one.due_at or one.updated_at)[:PAGE], None
            names = read.titles(reads.client, (one.channel_id for one in work))
            rows = [row | {"retry": row["id"]} for row in operations.rows(work, names)]
            return Listed(rows=rows, next=following)

        return found

    return "", {"failed": listed(State.FAILED), "waiting": listed(*_DONE)}


def _push(reads: Reads, ask: Ask) -> tuple[str, dict[str, Part]]:
    def mine() -> list[dict[str, Any]]:
        some = [one.channel_id for one in read.some_channels(reads, ask)[0] if one.working]
        stored = {each.id: each.to_dict() for each in documents(reads.client, SUBSCRIPTIONS.path, some)}
        return [push.row(channel, stored.get(channel), ask.now) for channel in some]

    def figures() -> dict[str, Any]:
        by_state = read.channels_by_state(reads.client)
        return push.figures(reads.client, by_state[CONNECTED] + by_state[TROUBLED], ask.now)

    if ask.user is not None:
        return "", {
            "unwell": lambda: _titled(reads, (row for row in mine() if row["state"] != push.ALIVE)),
            "latest": lambda: _titled(reads, (row for row in mine() if row["last_notification"])),
        }
    return "", {
        "figures": figures,
        "unwell": lambda: _titled(reads, push.unwell(reads.client, ask.now)),
        "latest": lambda: _titled(reads, push.latest(reads.client, ask.now)),
    }


def _alerts(reads: Reads, ask: Ask) -> tuple[str, dict[str, Part]]:
    wrong = _once(ask, lambda: watching.wrong_now(reads.client, ask.now))
    return "", {
        "open": lambda: alarms.rows(wrong()),
        "watched": lambda: alarms.watched(wrong()),
        "ended": lambda: [vars(each) for each in alerts.ended(reads.client, ask.now - _ENDED)[:PAGE]],
    }


def _quality(reads: Reads, ask: Ask) -> tuple[str, dict[str, Part]]:
    def since() -> dict[str, datetime]:
        firing = {each.key: each.since for each in alerts.firing(reads.client)}
        return {each.name: at for each in CHECKS if (at := firing.get(f"check:{each.name}")) is not None}

    failing = _once(ask, since)

    def checks() -> list[dict[str, Any]]:
        return [
            {
                **{name: getattr(each, name) for name in ("name", "about", "threshold")},
                "since": failing().get(each.name),
                **standing("checks", "failing" if each.name in failing() else "passing"),
            }
            for each in CHECKS
        ]

    def examples() -> list[dict[str, Any]]:
        if not failing():
            return []
        rows = _asked(reads, ask.now, statements.CHECKS_FOUND, since=ask.now - _LAST_RUN)
        return _titled(reads, [row for row in rows if row["check"] in failing()][: 2 * PAGE])

    return "", {"checks": checks, "examples": examples}


def _questions(_reads: Reads, _ask: Ask) -> tuple[str, dict[str, Part]]:
    rows = [
        {"title": each.asks, "name": name, "takes": ", ".join(questions.takes(each).values())}
        for name, each in questions.questions().items()
    ]
    return "", {"questions": lambda: rows}


def _question(reads: Reads, ask: Ask) -> tuple[str, dict[str, Part]]:
    one = questions.named(ask("name"))
    given = questions.values(one, ask)
    form: dict[str, Part] = {"form": lambda: {"name": one.name, **{key: ask(key) for key in one.parameters}}}
    if given is None:
        return one.asks, form

    def price() -> dict[str, int]:
        with answering(lambda: ask.now):
            return {"bytes": statements.reads(reads.warehouse(), one, given), "most": questions.MOST_BYTES}

    def found() -> Listed:
        with answering(lambda: ask.now):
            rows = questions.put(reads.warehouse(), one, given)
        if ask("format") == "csv":
            return Listed(rows=rows)
        until = ask.skipped + PAGE
        following = str(until) if len(rows) > until else None
        return Listed(rows=rows[ask.skipped : until], next=following, total=len(rows))

    return one.asks, {**form, "cost": price, "answer": found}


_PAGES: Mapping[str, Callable[[Reads, Ask], tuple[str, dict[str, Part]]]] = {
    each.__name__.removeprefix("_"): each
    for each in (
        *(_overview, _channels, _channel, _coverage, _cell, _videos, _video, _quota, _operations, _push),
        *(_alerts, _quality, _questions, _question),
    )
}
