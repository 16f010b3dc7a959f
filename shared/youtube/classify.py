"""Reads an answer that is not a success: which row of the policy table it belongs to.

Three shapes of error arrive (Data and Analytics API with `errors[]`; Reporting API with code, message and status
only; the token endpoint, whose `error` is a string), besides web pages, empty bodies and half bodies. `classify`
takes any of them. The same word can hide two meanings, and the message tells them apart: a 429
`rateLimitExceeded` that speaks of a limit "per day" is a quota.
"""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from shared.clock import Clock
from shared.youtube.faults import Fault
from shared.youtube.policy import Kind, Rule, policy, rule

RETRY_AFTER_CAP = timedelta(hours=1)
_READ = 65_536  # no error answer of Google's is longer; what is longer is a page
_SENTENCE = 300  # characters of Google's sentence that are kept
_PER_DAY = re.compile(rb"per[ _-]?day", re.IGNORECASE)
_PROJECT_RATES = frozenset({"rateLimitExceeded", "userRateLimitExceeded"})
_NO_CHANNEL = re.compile(r"no (linked )?(youtube )?channel|not (linked|associated) (to|with)", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
_SECRETS = re.compile(
    r"ya29\.\S+|1//\S+|AIza[\w-]+|(access_token|refresh_token|code|upload_id|key)=[^&\s\"]+|api_key:[^\s'\"]+"
)


def classify(status: int, headers: Mapping[str, str], body: bytes, *, clock: Clock) -> Fault:
    """The fault in an answer that is not a success. Takes any bytes and never raises."""
    answer = _object(body)
    found, given = _rule(status, answer, body)
    # A word of Google's own that has no row stays unknown, even where its status says what to do.
    known = not found.reason.startswith("unclassified") and (given is None or policy().named(given) is not None)
    return Fault(
        rule=found,
        status=status,
        given=given and _writable(given),
        detail=_sentence(answer, body),
        known=known,
        retry_after=_retry_after(headers, clock),
    )


def _object(body: bytes) -> Mapping[str, Any]:
    """The object that an answer is, or that stands first in its list; {} when there is none."""
    text = body[:_READ].removeprefix(BOM_UTF8).lstrip()
    if text[:1] not in {b"{", b"["}:
        return {}
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if isinstance(answer, list):
        answer = answer[0] if answer else {}
    return answer if isinstance(answer, dict) else {}


def _rule(status: int, answer: Mapping[str, Any], body: bytes) -> tuple[Rule, str | None]:
    """The row, and the word that Google used."""
    given = _reasons(answer)
    rows = [row for row in map(policy().named, given) if row is not None]
    # A project that is shut out is shut out, whatever general word the answer begins with.
    found = next((row for row in rows if row.kind is Kind.OPERATOR), rows[0] if rows else None)
    start = body[:_READ]
    if b"FreeQuotaRequestsPerDayPerProject" in start:
        found = rule("FreeQuotaRequestsPerDayPerProject")
    elif (
        answer  # web pages say "per day" too, and a channel's own limits have words of their own
        and status in {403, 429}
        and (found is None or found.reason in _PROJECT_RATES)
        and _PER_DAY.search(start)
    ):
        found = rule("quotaExceeded")
    elif found is not None and found.reason == "authError" and _NO_CHANNEL.search(_sentence(answer, body)):
        found = rule("noLinkedChannel")
    return found or policy().of_status(status), given[0] if given else None


def _reasons(answer: Mapping[str, Any]) -> list[str]:
    """Every name that the answer gives its reason, most specific first."""
    error = answer.get("error")
    if isinstance(error, str):
        return [error]
    if not isinstance(error, Mapping):
        return []
    lists = [error.get(section) for section in ("errors", "details")]
    items = [item for found in lists if isinstance(found, list) for item in found if isinstance(item, Mapping)]
    words = [*(item.get("reason") for item in items), error.get("status")]
    return [word for word in words if isinstance(word, str)]


def _sentence(answer: Mapping[str, Any], body: bytes) -> str:
    """What Google says about it, without markup and secrets, bounded."""
    error = answer.get("error")
    text = ""
    if isinstance(error, str):
        text = str(answer.get("error_description", error))
    elif isinstance(error, Mapping):
        text = str(error.get("message", ""))
    elif body[:_READ].lstrip()[:1] == b"<":
        text = "(a web page)"
    elif not body.strip():
        text = "(an empty answer)"
    return _writable(_SECRETS.sub("…", _TAG.sub("", text))[:_SENTENCE])


def _writable(text: str) -> str:
    """A text that can be written: JSON can carry half a character."""
    return text.encode("utf-8", "replace").decode()


def _retry_after(headers: Mapping[str, str], clock: Clock) -> timedelta | None:
    text = (headers.get("retry-after") or headers.get("Retry-After") or "").strip()
    if text.isdecimal() and len(text) < 10:
        wait = timedelta(seconds=int(text))
    else:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError, OverflowError):
            return None
        wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - clock()
    return max(timedelta(0), min(wait, RETRY_AFTER_CAP))
