"""The policy table: for every reason that YouTube gives, whether to retry, how, and who is told.

One row a reason. The rows marked `guide` are the owner's own (guide 1.5 and 3.2): what to do, how often, after how
long, and who is told, is theirs. The others follow YouTube's error pages and what its callers have published.
A reason without a row is treated by its HTTP class (`unclassified...`) and reported as unknown, so that it gets
one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Kind(StrEnum):
    """What went wrong, as a type of error; each kind is one class of `shared.errors`."""

    QUOTA = "quota"  # a daily budget of the project is spent
    CHANNEL_LIMIT = "channel limit"  # YouTube stops one channel for a while
    RATE = "rate"  # too fast
    CREDENTIALS = "credentials"  # the access token does not hold
    GRANT = "grant"  # a person has to connect the channel again
    STANDING = "standing"  # the account or channel itself is closed, suspended or missing
    FORBIDDEN = "forbidden"  # somebody, but not for this
    INPUT = "input"  # the request is wrong
    MISSING = "missing"  # no such thing
    CONFLICT = "conflict"  # true already
    SERVER = "server"  # Google failed
    NETWORK = "network"  # no answer, or not a whole one
    OPERATOR = "operator"  # project, API or OAuth client


class Act(StrEnum):
    """What happens next.

    Who does it: waiting and trying again, `operations.run`; marks and alerts, `operations.effects`; a refused
    token, `client`; a lost upload, `operations.transfer`; a listing's place or a missing revenue, whoever asked.
    """

    RETRY = "retry"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - an action's name
    TRY_LATER = "try_later"
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


LATER = (
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=12),
)
"""How long `try_later` waits, each time: a disturbance of minutes or hours passes. After the last it fails."""


class Alert(StrEnum):
    """Who is told, and how loudly."""

    NONE = "none"
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Backoff(StrEnum):
    """How the wait grows from one retry to the next."""

    NONE = "none"
    FIXED = "fixed"
    EXPONENTIAL = "exponential"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row. delay and cap in seconds; limit counts retries, not attempts.

    says: the meaning, for a person. after: the action when `limit` retries did not help. source: where it is from.
    """

    reason: str
    kind: Kind
    action: Act
    alert: Alert
    says: str
    backoff: Backoff = Backoff.NONE
    limit: int = 0
    delay: float = 0.0
    cap: float = 0.0
    after: Act = Act.FAIL
    source: str = "facts"

    @property
    def retry(self) -> bool:
        """Whether the same request is sent again."""
        return self.limit > 0


def _quota(reason: str, says: str, source: str = "facts") -> Rule:
    return Rule(reason, Kind.QUOTA, Act.DEFER_TO_TOMORROW, Alert.CRITICAL, says, source=source)


def _rate(reason: str, says: str, source: str = "facts") -> Rule:
    return Rule(
        reason,
        Kind.RATE,
        Act.RETRY,
        Alert.WARNING,
        says,
        Backoff.EXPONENTIAL,
        3,
        delay=2,
        cap=64,
        after=Act.TRY_LATER,
        source=source,
    )


def _server(reason: str, says: str, kind: Kind = Kind.SERVER) -> Rule:
    return Rule(
        reason,
        kind,
        Act.RETRY,
        Alert.WARNING,
        says,
        Backoff.EXPONENTIAL,
        10,
        delay=1,
        cap=600,
        after=Act.TRY_LATER,
    )


def _input(reason: str, says: str, source: str = "facts") -> Rule:
    return Rule(reason, Kind.INPUT, Act.FIX_REQUEST, Alert.WARNING, says, source=source)


def _standing(reason: str, says: str) -> Rule:
    return Rule(reason, Kind.STANDING, Act.MARK_CHANNEL, Alert.WARNING, says)


def _missing(reason: str, says: str, source: str = "facts") -> Rule:
    return Rule(reason, Kind.MISSING, Act.MARK_AS_DELETED, Alert.INFO, says, source=source)


def _operator(reason: str, says: str) -> Rule:
    return Rule(reason, Kind.OPERATOR, Act.TELL_OPERATOR, Alert.CRITICAL, says)


def _done(reason: str, says: str) -> Rule:
    return Rule(reason, Kind.CONFLICT, Act.TREAT_AS_DONE, Alert.NONE, says)


_RULES: tuple[Rule, ...] = (
    # The guide's own rows.
    _quota(
        "quotaExceeded",
        "The project's daily YouTube quota is used up; it is full again at midnight Pacific.",
        "guide",
    ),
    _rate("rateLimitExceeded", "Too many requests in a short time.", "guide"),
    Rule(
        "authError",
        Kind.CREDENTIALS,
        Act.REFRESH_TOKEN,
        Alert.INFO,
        "The access token is no longer valid; it is refreshed once and the request sent once more.",
        limit=1,
        after=Act.REAUTHENTICATE,
        source="guide",
    ),
    Rule(
        "processingFailure",
        Kind.SERVER,
        Act.LOOK_AGAIN,
        Alert.WARNING,
        "YouTube could not process the video; it is looked at again every five minutes.",
        Backoff.FIXED,
        5,
        delay=300,
        cap=300,
        source="guide",
    ),
    _missing("videoNotFound", "YouTube has no such video any more.", "guide"),
    Rule(
        "forbidden",
        Kind.FORBIDDEN,
        Act.CHECK_GRANT,
        Alert.WARNING,
        "YouTube does not allow this for the connected channel.",
        source="guide",
    ),
    _input("invalidRequest", "The request was not valid.", "guide"),
    # Daily budgets under their other names.
    _quota(
        "dailyLimitExceeded", "The project's daily YouTube quota is used up; it is full again at midnight Pacific."
    ),
    _quota(
        "FreeQuotaRequestsPerDayPerProject",
        "The project's daily Reporting API requests are used up; they are full again at midnight Pacific.",
    ),
    _rate("userRateLimitExceeded", "Too many requests for one user in a short time."),
    Rule(
        "uploadLimitExceeded",
        Kind.CHANNEL_LIMIT,
        Act.DEFER_CHANNEL,
        Alert.WARNING,
        "This channel has uploaded as many videos as YouTube allows it in 24 hours; other channels go on.",
    ),
    Rule(
        "uploadRateLimitExceeded",
        Kind.RATE,
        Act.RETRY,
        Alert.INFO,
        "This channel has set too many thumbnails lately; the video itself is safe.",
        Backoff.EXPONENTIAL,
        8,
        delay=900,
        cap=14_400,
    ),
    # Grants and what they do not cover.
    Rule(
        "insufficientPermissions",
        Kind.GRANT,
        Act.REAUTHENTICATE,
        Alert.WARNING,
        "The channel was connected without the permission that this needs; connect it again and allow it.",
    ),
    Rule(
        "invalid_grant",
        Kind.GRANT,
        Act.REAUTHENTICATE,
        Alert.WARNING,
        "The connection to this channel has ended; connect it again.",
    ),
    Rule(
        "authRefused",  # Google's sign-in can be disturbed for a while, which is no reason to bother an owner
        Kind.GRANT,
        Act.RETRY,
        Alert.WARNING,
        "YouTube does not accept the renewed access token either; connect the channel again.",
        Backoff.FIXED,
        3,
        delay=1800,
        cap=1800,
        after=Act.REAUTHENTICATE,
    ),
    Rule(
        "access_denied",
        Kind.GRANT,
        Act.REAUTHENTICATE,
        Alert.INFO,
        "Access was declined on Google's page; connect the channel again to allow it.",
    ),
    Rule(
        "admin_policy_enforced",
        Kind.GRANT,
        Act.REAUTHENTICATE,
        Alert.WARNING,
        "The administrator of this Google Workspace does not allow the app.",
    ),
    Rule(
        "monetaryForbidden",
        Kind.FORBIDDEN,
        Act.RECORD_NOT_MONETIZED,
        Alert.INFO,
        "YouTube gives no revenue for this channel: it is not in the Partner Program, or revenue was not allowed.",
    ),
    # The account or channel itself.
    _standing(
        "youtubeSignupRequired", "This Google account has no YouTube channel; create one, then connect again."
    ),
    _standing("noLinkedChannel", "This Google account has no YouTube channel with reports."),
    _standing("accountDelegationForbidden", "This account may not act for the channel's owner."),
    _standing("authenticatedUserAccountClosed", "The YouTube account is closed."),
    _standing("authenticatedUserAccountSuspended", "The YouTube account is suspended."),
    _standing("authenticatedUserNotChannel", "The connected account is not a channel."),
    _standing("channelClosed", "The channel is closed."),
    _standing("channelSuspended", "The channel is suspended."),
    _standing("channelForbidden", "YouTube does not allow access to this channel."),
    _missing("channelNotFound", "YouTube has no such channel any more."),
    _missing("playlistNotFound", "YouTube has no such playlist any more."),
    _missing("playlistItemNotFound", "The playlist has no such entry any more."),
    _missing("notFound", "YouTube has no such thing."),
    # Input.
    _input("forbiddenPrivacySetting", "This privacy setting is not allowed for the video."),
    _input("forbiddenLicenseSetting", "This licence is not allowed for the video."),
    _input("forbiddenEmbedSetting", "This embedding setting is not allowed for the video."),
    _input(
        "invalidPublishAt",
        "The publishing time is not allowed: the video must be private and never have been public.",
    ),
    _input("invalidVideoMetadata", "The video's title or category is missing or wrong."),
    _input("invalidTitle", "The title is empty, too long, or has characters that YouTube refuses."),
    _input("invalidDescription", "The description is too long, or has characters that YouTube refuses."),
    _input("invalidTags", "The tags are too long, or have characters that YouTube refuses."),
    _input("invalidCategoryId", "There is no such video category."),
    _input("invalidRecordingDetails", "The recording details are wrong."),
    _input("defaultLanguageNotSetError", "Translated titles need a default language."),
    _input("mediaBodyRequired", "The request carried no file."),
    _input("invalidFilename", "The file's name is not allowed."),
    _input("invalidImage", "The picture could not be read."),
    _input("badContent", "YouTube does not accept a file of this type."),
    _input("invalidPlaylistSnippet", "The playlist's title or description is wrong."),
    _input("playlistTitleRequired", "The playlist needs a title."),
    _input("playlistIdRequired", "The playlist's entry does not say its playlist."),
    _input("resourceIdRequired", "The playlist's entry does not say its video."),
    _input("invalidFilters", "The request's filters are wrong."),
    _input("missingRequiredParameter", "The request lacks something that YouTube requires."),
    _input("incompatibleParameters", "The request asks for things that do not go together."),
    _input("unexpectedParameter", "The request has something that YouTube does not know."),
    _input("required", "The request lacks something that YouTube requires."),
    _input("invalid", "Something in the request is wrong."),
    _input("invalidParameter", "Something in the request is wrong."),
    _input("unknownPart", "The request asks for a part that YouTube does not know."),
    _input("unexpectedPart", "The request asks for a part that this call does not have."),
    _input("notImplemented", "YouTube does not offer this."),
    _input("parseError", "YouTube could not read the request."),
    _input("badRequest", "YouTube does not support this request."),
    _input("uploadTooLarge", "The file is larger than YouTube accepts."),
    Rule(
        "invalidPageToken",
        Kind.INPUT,
        Act.RESTART_LISTING,
        Alert.NONE,
        "The listing's place was lost; it starts again.",
        limit=1,
        after=Act.FIX_REQUEST,
    ),
    # True already.
    _done("videoAlreadyInPlaylist", "The video is in the playlist already."),
    _done("duplicate", "It exists already."),
    _done("alreadyExists", "It exists already."),
    Rule("conflict", Kind.CONFLICT, Act.FAIL, Alert.WARNING, "The request contradicts what is there already."),
    # The project and its OAuth client.
    _operator("accessNotConfigured", "This YouTube API is not enabled in the Google Cloud project."),
    _operator("invalid_client", "Google does not accept the OAuth client; no channel is at fault."),
    _operator("deleted_client", "The OAuth client was deleted at Google; no channel is at fault."),
    _operator("disabled_client", "The OAuth client was disabled at Google; no channel is at fault."),
    _operator("unauthorized_client", "The OAuth client may not do this; no channel is at fault."),
    # Google's and the network's own trouble.
    _server("backendError", "YouTube had a problem."),
    _server("internalError", "YouTube had a problem."),
    _server("unavailable", "YouTube is not available at the moment."),
    _server("timeout", "YouTube did not answer in time.", Kind.NETWORK),
    _server("connectionLost", "The connection to YouTube broke.", Kind.NETWORK),
    _server("connectionFailed", "YouTube could not be reached.", Kind.NETWORK),
    _server("unreadableAnswer", "YouTube's answer could not be read.", Kind.NETWORK),
    _server("damagedDownload", "The download was cut short or damaged.", Kind.NETWORK),
    Rule(
        "sourceUnreachable",
        Kind.NETWORK,
        Act.RETRY,
        Alert.WARNING,
        "The place that the file comes from does not answer.",
        Backoff.EXPONENTIAL,
        8,
        delay=30,
        cap=3600,
    ),
    Rule(
        "uploadSessionGone",
        Kind.CONFLICT,
        Act.RESTART_UPLOAD,
        Alert.WARNING,
        "YouTube has forgotten the upload; it starts again once it is certain that the video does not exist.",
        limit=3,
        delay=0,
    ),
    # Whatever has no row, by its HTTP class.
    _input("unclassified400", "YouTube refused the request for a reason that we do not know."),
    Rule(
        "unclassified401",
        Kind.CREDENTIALS,
        Act.REFRESH_TOKEN,
        Alert.WARNING,
        "YouTube did not accept the access token, for a reason that we do not know.",
        limit=1,
        after=Act.REAUTHENTICATE,
    ),
    Rule(
        "unclassified403",
        Kind.FORBIDDEN,
        Act.CHECK_GRANT,
        Alert.WARNING,
        "YouTube does not allow this, for a reason that we do not know.",
    ),
    Rule("unclassified404", Kind.MISSING, Act.FAIL, Alert.WARNING, "YouTube has no such thing."),
    Rule(
        "unclassified409", Kind.CONFLICT, Act.FAIL, Alert.WARNING, "The request contradicts what is there already."
    ),
    _input("unclassified413", "The request is larger than YouTube accepts."),
    _rate("unclassified429", "Too many requests, for a reason that we do not know."),
    _server("unclassified5xx", "YouTube had a problem that we do not know."),
)

RULES: Mapping[str, Rule] = {rule.reason: rule for rule in _RULES}

ALIASES: Mapping[str, str] = {
    # google.rpc.Code names, where an API gives no reason of its own (the Reporting API).
    "UNAUTHENTICATED": "authError",
    "PERMISSION_DENIED": "forbidden",
    "RESOURCE_EXHAUSTED": "rateLimitExceeded",
    "INVALID_ARGUMENT": "invalidRequest",
    "FAILED_PRECONDITION": "invalidRequest",
    "OUT_OF_RANGE": "invalidRequest",
    "NOT_FOUND": "notFound",
    "ALREADY_EXISTS": "alreadyExists",
    "ABORTED": "conflict",
    "INTERNAL": "internalError",
    "UNKNOWN": "internalError",
    "UNAVAILABLE": "unavailable",
    "DEADLINE_EXCEEDED": "unavailable",
    # google.rpc.ErrorInfo reasons.
    "RATE_LIMIT_EXCEEDED": "rateLimitExceeded",
    "SERVICE_DISABLED": "accessNotConfigured",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "insufficientPermissions",
    "ACCESS_TOKEN_EXPIRED": "authError",
    # Spellings met in the wild.
    "insufficientScopes": "insufficientPermissions",
    "serviceUnavailable": "unavailable",
    "internalServerError": "internalError",
    "badGateway": "backendError",
    "gatewayTimeout": "unavailable",
    "internal_failure": "internalError",
    "server_error": "internalError",
    "temporarily_unavailable": "unavailable",
    "invalid_request": "invalidRequest",
    "invalid_token": "invalid_grant",
    "invalid_scope": "insufficientPermissions",
    "invalidArgument": "invalidRequest",
}
"""Other names of the same reason."""

_BY_STATUS: Mapping[int, str] = {
    401: "unclassified401",
    403: "unclassified403",
    404: "unclassified404",
    408: "timeout",
    409: "unclassified409",
    410: "unclassified404",
    413: "unclassified413",
    429: "unclassified429",
}


def rule_for(reason: str) -> Rule | None:
    """The row of a reason, under any of its names; None when there is none."""
    return RULES.get(reason) or RULES.get(ALIASES.get(reason, ""))


def rule_by_status(status: int) -> Rule:
    """The safe default for an HTTP status whose reason has no row."""
    if status >= 500:
        return RULES["unclassified5xx"]
    return RULES[_BY_STATUS.get(status, "unclassified400")]


_FROM: Mapping[str, str] = {"guide": "owner's guide", "facts": "YouTube"}
"""Who says so, in words that need no explaining."""


def as_markdown(rules: Iterable[Rule] = _RULES) -> str:
    """The table, for people."""
    lines = [
        "| reason | kind | retry | wait | at most | action | then | alert | from |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| `{rule.reason}` | {rule.kind} | {'yes' if rule.retry else 'no'} | {_wait(rule)} | {rule.limit or ''} "
        f"| {rule.action} | {_then(rule)} | {rule.alert} | {_FROM[rule.source]} |"
        for rule in rules
    ]
    return "\n".join(lines) + "\n"


def _then(rule: Rule) -> str:
    if not rule.retry:
        return ""
    if rule.after is Act.TRY_LATER:
        return f"{rule.after}, {len(LATER)} times over {sum(LATER, timedelta()) // timedelta(hours=1)} hours"
    return str(rule.after)


def _wait(rule: Rule) -> str:
    if rule.backoff is Backoff.EXPONENTIAL:
        return f"exponential, full jitter, {rule.delay:g} s doubling to {rule.cap:g} s"
    return f"{rule.delay:g} s" if rule.delay else ""
