"""The policy table: for every reason that YouTube gives, whether to retry, how, and who is told.

The rows are in `policy.toml`, which is read when the first fault is met; most processes never meet one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Self

from shared import errors
from shared.errors import YtempireError
from shared.records import codec_of

FILE = Path(__file__).with_name("policy.toml")


class Kind(StrEnum):
    """What went wrong. error: the class of `shared.errors` that it is raised as."""

    error: type[YtempireError]

    def __new__(cls, word: str, error: type[YtempireError]) -> Self:
        kind = str.__new__(cls, word)
        kind._value_, kind.error = word, error
        return kind

    QUOTA = "quota", errors.QuotaRefused  # a day's quota of the project is spent
    CHANNEL_LIMIT = "channel limit", errors.RateLimited  # YouTube stops one channel for a while
    RATE = "rate", errors.RateLimited  # too fast
    CREDENTIALS = "credentials", errors.ReauthRequired  # the access token does not hold
    GRANT = "grant", errors.ReauthRequired  # a person has to connect the channel again
    STANDING = "standing", errors.Forbidden  # the account or channel itself is closed, suspended or missing
    FORBIDDEN = "forbidden", errors.Forbidden  # somebody, but not for this
    INPUT = "input", errors.InvalidRequest  # the request is wrong
    MISSING = "missing", errors.NotFound  # no such thing
    CONFLICT = "conflict", errors.Conflict  # true already
    SERVER = "server", errors.Unavailable  # Google failed
    NETWORK = "network", errors.Unavailable  # no answer, or not a whole one
    OPERATOR = "operator", errors.Misconfigured  # project, API or OAuth client


class Action(StrEnum):
    """What happens next; `shared.publishing`, the client of this room, or whoever asked does it."""

    RETRY = "retry"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - an action's name
    RETRY_LATER = "retry_later"
    LOOK_AGAIN = "look_again"
    DEFER_TO_TOMORROW = "defer_to_tomorrow"
    DEFER_CHANNEL = "defer_channel_24h"
    RESTART_LISTING = "restart_listing"
    RESTART_UPLOAD = "restart_upload"
    REAUTHENTICATE = "reauthenticate"
    CHECK_GRANT = "reauthenticate_if_grant_at_fault"
    RECORD_NOT_MONETIZED = "record_not_monetized"
    MARK_CHANNEL = "mark_channel"
    MARK_AS_DELETED = "mark_as_deleted"
    TREAT_AS_DONE = "treat_as_done"
    FIX_REQUEST = "log_and_fix_request"
    TELL_OPERATOR = "tell_operator"
    FAIL = "fail"


class Alert(StrEnum):
    """Who is told, and how loudly."""

    NONE = "none"
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row. delay and cap in seconds; limit counts retries, not attempts.

    says: the meaning, for a person. backoff: as `policy.toml` has it. after: the action when `limit` retries did
    not help.
    """

    reason: str
    kind: Kind
    action: Action
    alert: Alert
    says: str
    backoff: str = "none"
    limit: int = 0
    delay: float = 0.0
    cap: float = 0.0
    after: Action = Action.FAIL

    @property
    def retry(self) -> bool:
        """Whether the same request is sent again."""
        return self.limit > 0


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The whole table. rules: by reason. retry_later: how long `RETRY_LATER` waits, each time.

    failures, rejections: why YouTube ended a video's processing, in words for a person, by its own word.
    """

    rules: Mapping[str, Rule]
    aliases: Mapping[str, str]
    statuses: Mapping[int, str]
    retry_later: tuple[timedelta, ...]
    failures: Mapping[str, str]
    rejections: Mapping[str, str]

    def named(self, word: str) -> Rule | None:
        """The row of a reason, under any of its names; None when there is none."""
        return self.rules.get(self.aliases.get(word, word))

    def of_status(self, status: int) -> Rule:
        """The safe default for an HTTP status whose reason has no row."""
        usual = "unclassified5xx" if status >= 500 else "unclassified400"
        return self.rules[self.statuses.get(status, usual)]


@cache
def policy() -> Policy:
    import tomllib

    document = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return Policy(
        rules={
            reason: codec_of(Rule).read({**row, **row.get("retry", {}), "reason": reason, "says": says})
            for row in document["treatments"]
            for reason, says in row["reasons"].items()
        },
        aliases=document["aliases"],
        statuses={int(status): reason for status, reason in document["statuses"].items()},
        retry_later=tuple(timedelta(minutes=minutes) for minutes in document["retry_later_minutes"]),
        failures=document["failures"],
        rejections=document["rejections"],
    )


def rule(reason: str) -> Rule:
    """The row of a reason that this project itself names. Raises KeyError."""
    return policy().rules[reason]
