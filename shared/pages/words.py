"""What each outcome is called on a page: a title, what happened, and the one thing to do. One table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_OK, _WARNING, _ERROR = "ok", "warning", "error"
_BACK = "Back to the app"
_AGAIN = "Back to the app, to try again"


@dataclass(frozen=True)
class Words:
    """title, text, the link's text, and a tone: ok, warning or error."""

    title: str
    text: str
    action: str = _BACK
    tone: str = _ERROR


_UNKNOWN = Words(
    "Something went wrong",
    "It went wrong on our side and has been recorded. The app shows which channels are connected. Please try "
    "again later.",
)

_OTHER_STATE = "Nothing was connected. Start again from the app; each sign-in works once, for ten minutes."

_WORDS: Mapping[str, Words] = {
    "connected": Words(
        "Your channel is connected", "We start to collect its numbers now. You can close this page.", _BACK, _OK
    ),
    "nothingToShow": Words(
        "There is nothing to show here", "The result of a connection is shown once, in the browser that made it."
    ),
    "denied": Words(
        "You did not give access",
        "Google told us that access was declined, so nothing was connected and nothing was stored.",
        _AGAIN,
        _WARNING,
    ),
    "googleRefused": Words(
        "Google did not allow it",
        "Google refused this connection, perhaps by a rule of your organisation. Nothing was connected.",
        _AGAIN,
    ),
    "readMissing": Words(
        "We cannot see your channel",
        "The permission to view your YouTube account was not ticked. Without it we cannot tell which channel you "
        "mean, so nothing was connected. Please try again and leave that box ticked.",
        _AGAIN,
        _WARNING,
    ),
    "stateUnknown": Words("This sign-in is not known", _OTHER_STATE, _AGAIN),
    "stateUsed": Words(
        "This sign-in has been used already",
        "If your channel was connected, you need to do nothing. Otherwise start again from the app.",
        _BACK,
        _WARNING,
    ),
    "stateExpired": Words("This sign-in took too long", _OTHER_STATE, _AGAIN, _WARNING),
    "otherBrowser": Words(
        "This sign-in was started in another browser",
        "For your safety it can only be finished where it was started. Nothing was connected. If somebody sent "
        "you this link, do not follow it; their account, and not yours, would have been given your channel.",
        _AGAIN,
    ),
    "issuerMismatch": Words("This answer is not from Google", _OTHER_STATE, _AGAIN),
    "codeMissing": Words("Google's answer is incomplete", _OTHER_STATE, _AGAIN),
    "repeatedParameter": Words("Google's answer is not readable", _OTHER_STATE, _AGAIN),
    "oversizedParameter": Words("Google's answer is not readable", _OTHER_STATE, _AGAIN),
    "codeRefused": Words(
        "Google did not accept the sign-in",
        "The sign-in could not be confirmed with Google, so nothing was connected. Please start again.",
        _AGAIN,
    ),
    "noRefreshToken": Words(
        "Google gave no lasting permission",
        "Without it the connection would end within an hour, so nothing was connected. Please connect once more "
        "and confirm every step on Google's page.",
        _AGAIN,
        _WARNING,
    ),
    "otherChannel": Words(
        "You chose another channel",
        "You were reconnecting one channel and chose a different one on Google's page. Nothing was changed: the "
        "one you set out to reconnect still needs you, and the other was not connected. Try again and pick the "
        "channel that you are reconnecting, or connect the other one as a new channel.",
        _AGAIN,
        _WARNING,
    ),
    "channelTaken": Words(
        "This channel is connected by somebody else",
        "Another user of YTEMPIRE has connected this channel. It stays theirs until they disconnect it.",
    ),
    "channelLimit": Words(
        "You have reached your number of channels",
        "Disconnect a channel first, or ask us for more. Nothing was connected.",
    ),
    "userLimit": Words(
        "We are full at present",
        "No more users can connect channels just now. Nothing was connected. Please ask us for a place.",
    ),
    "disconnecting": Words(
        "This channel is being disconnected",
        "Its data is being deleted. Please connect it again in a few minutes.",
        _AGAIN,
        _WARNING,
    ),
    "revokedMeanwhile": Words(
        "The permission was just withdrawn",
        "The last channel of this Google account was disconnected while you were connecting, which ended the "
        "account's permission. Nothing was connected. Please connect once more, in a minute.",
        _AGAIN,
        _WARNING,
    ),
    "connectionUnknown": Words(
        "We cannot say whether your channel is connected",
        "A service that we need does not answer. The app shows which channels are connected; if yours is not "
        "among them in a few minutes, connect it again.",
        _BACK,
        _WARNING,
    ),
    "youtubeSignupRequired": Words(
        "This Google account has no YouTube channel",
        "Nothing was connected. Create a channel on YouTube first, or choose another account or brand account.",
        _AGAIN,
        _WARNING,
    ),
    "authenticatedUserAccountClosed": Words(
        "This YouTube account is closed", "Google says that the account was closed, so it cannot be connected."
    ),
    "authenticatedUserAccountSuspended": Words(
        "This YouTube account is suspended",
        "YouTube has suspended the account, so it cannot be connected. Only YouTube can lift that.",
    ),
    "channelClosed": Words(
        "This channel is closed", "YouTube says that it was closed, so it cannot be connected."
    ),
    "channelSuspended": Words(
        "This channel is suspended",
        "YouTube has suspended the channel, so it cannot be connected. Only YouTube can lift that.",
    ),
    "notSignedIn": Words("You are not signed in", "Sign in to the app, then connect your channel.", _BACK),
    "crossSite": Words(
        "This request did not come from the app",
        "Connecting a channel starts on the app's own page. Nothing was connected.",
    ),
    "returnTo": Words(
        "That link is not allowed", "The app asked to send you to an address that is not on its list."
    ),
    "rateLimited": Words(
        "Too many attempts", "You started very often in a short time. Please wait ten minutes.", _BACK, _WARNING
    ),
}

_BUSY = Words(
    "We cannot do this right now",
    "A service that we need does not answer. Nothing was connected or changed. Please try again in a few minutes.",
    _AGAIN,
    _WARNING,
)
_ALIASES: Mapping[str, Words] = dict.fromkeys(
    (
        "unavailable",
        "googleUnavailable",
        "secretsUnavailable",
        "rateLimitsUnavailable",
        "tasksUnavailable",
        "contended",
        "quotaRefused",
        "quotaExceeded",
        "backendError",
        "internalError",
    ),
    _BUSY,
)


def words_for(reason: str) -> Words:
    """The words for a reason; a plain apology for one that the table does not have."""
    return _WORDS.get(reason) or _ALIASES.get(reason) or _UNKNOWN


def known_reasons() -> frozenset[str]:
    """Every reason that has words of its own."""
    return frozenset(_WORDS) | frozenset(_ALIASES)


_FEATURE_MISSING: Mapping[str, str] = {
    "analytics": "Analytics were not ticked: retention and fresh days will be missing.",
    "revenue": "Revenue was not ticked: revenue columns stay empty. Everything else works.",
    "publish": "Publishing was not ticked: we cannot upload or change videos. Everything else works.",
    "captions": "Captions were not ticked: we cannot add or change them. Everything else works.",
}


def connection_notes(outcome: Mapping[str, Any]) -> tuple[str, ...]:
    """Sentences about one connection: which channel, and what was not granted.

    outcome: {"title", "reconnected", "missing": [feature]}.
    """
    verb = "Reconnected" if outcome["reconnected"] else "Connected"
    missing = [_FEATURE_MISSING[feature] for feature in outcome["missing"] if feature in _FEATURE_MISSING]
    again = ["To add what is missing, connect the same channel again and tick it."] if missing else []
    return (f"{verb}: {outcome['title']}", *missing, *again)
