"""The overview as a document, readable in both colour schemes, and as JSON; who looks at it; the button's answer.

Identity-Aware Proxy (IAP) lets people in, and says by a signed assertion who they are. The load balancer asks IAP,
and the function's own address takes traffic from the load balancer alone. The signature is checked all the same: a
mistake in either would otherwise open the page to everybody.
Source: https://cloud.google.com/iap/docs/signed-headers-howto
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Response, jsonify
from markupsafe import Markup

from shared.clock import Clock, pacific_day
from shared.cloud.identity import TokenVerifier
from shared.console.chart import bars, chart, short
from shared.console.loaded import arriving
from shared.console.overview import ATTENTION, Overview
from shared.console.words import words
from shared.errors import Conflict, Forbidden, NotFound, NotSignedIn, Unavailable, YtempireError
from shared.monitoring.log import log
from shared.pages.documents import Documents


def render(overview: Overview, *, operator: str = "", notice: str | None = None) -> str:
    """The page. operator: who looks at it; notice: one of the words for notices, any other says nothing."""
    late = arriving(overview.loaded.days, pacific_day(overview.as_of))
    days = overview.loaded.days[: -len(late) or None]
    return _DOCUMENTS.render(
        "overview.html",
        overview=overview,
        operator=operator,
        notice=words("notices").get(notice or ""),
        states={ATTENTION: "Need somebody", **words("states")},
        now=overview.as_of,
        arriving=late,
        chart=chart(
            [day.date for day in days],
            [("Views", [day.views for day in days]), ("Engaged views", [day.engaged_views for day in days])],
        ),
    )


def trouble(error: YtempireError) -> str:
    """A page that says what went wrong."""
    return _DOCUMENTS.render("trouble.html", error=error)


def headers() -> dict[str, str]:
    """What every page of the console is sent with."""
    return _DOCUMENTS.headers


def _moment(instant: datetime | None) -> str | Markup:
    """An instant in UTC, for people and for programs."""
    if instant is None:
        return "never"
    utc = instant.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        utc.isoformat(timespec="seconds"), utc.strftime("%-d\u00a0%b %H:%M")
    )


def away(instant: datetime, now: datetime) -> str:
    """How far an instant is: "in 3 h", "2 days ago"."""
    distance = abs(instant - now)
    if distance < timedelta(minutes=1):
        return "now"
    for size, unit in ((timedelta(days=2), "days"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "min")):
        if distance >= size:
            count = distance // (timedelta(days=1) if unit == "days" else size)
            return f"in {count} {unit}" if instant > now else f"{count} {unit} ago"
    raise AssertionError("every distance of a minute or more has a unit")


_DOCUMENTS = Documents(
    folder=Path(__file__).parent / "templates",
    style="style.css",
    forms="'self'",
    referrer="same-origin",  # the buttons' forms say where they come from
    filters={"short": short, "moment": _moment, "away": away, "bars": bars, "thousands": "{:,}".format},
)


def document(text: str, status: int = 200) -> Response:
    """A page."""
    return Response(text, status=status, mimetype="text/html", headers=headers())


def as_json(seen: Overview) -> Response:
    """The overview for programs; 503 and an error beside it when the connections could not be read."""
    missing = Unavailable("The connections cannot be read; the rest is what could be.").as_json()
    answer = jsonify(seen.as_json() | ({} if seen.available else missing))
    answer.status_code = 200 if seen.available else 503
    answer.headers.update(headers())
    return answer


def retried(operation: str, retry: Callable[[str], None], *, by: str) -> Response:
    """Queue a failed operation again, and send the browser back to the page.

    303 See Other, so that reloading the page does not press the button again. Raises what `retry` raises.
    """
    notice = "retried"
    try:
        retry(operation)
        log("NOTICE", "operation retried from the console", operation=operation, operator=by)
    except Conflict:
        notice = "wrongState"
    except NotFound:
        notice = "gone"
    location = f"/console?notice={notice}#operations"
    return Response(status=303, headers={**headers(), "Location": location})


ASSERTION = "X-Goog-IAP-JWT-Assertion"
ISSUER = "https://cloud.google.com/iap"


def operator(assertion: str | None, verifier: TokenVerifier, *, clock: Clock) -> str:
    """The person's e-mail address.

    Raises NotSignedIn without an assertion that holds, Forbidden for one that names no person, Unavailable when
    IAP's keys cannot be had.
    """
    if not assertion:
        raise NotSignedIn("This page is reached through Identity-Aware Proxy only.")
    email = verifier.claims(assertion, clock=clock).get("email")
    if not isinstance(email, str) or not email:
        raise Forbidden("Identity-Aware Proxy names nobody.", reason="callerNotAllowed")
    return email
