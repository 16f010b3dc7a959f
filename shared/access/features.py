"""What a user can ask for, as Google's scopes, and what a grant is then able to do.

Three bundles of the guide's section 1.2, and captions, which `youtube.force-ssl` alone reaches. Which scope serves
which call: the discovery documents' `scopes`. Two scopes are always asked for: `youtube.readonly`, without which
the channel cannot be learnt (and which Analytics' reports.query needs as well), and `openid`, whose subject tells
which Google account gave the grant.
A user may untick any of them on Google's page, so a capability follows from what was granted, never from what was
asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from shared.channels import Capability
from shared.errors import InvalidRequest

_ROOT = "https://www.googleapis.com/auth/"
READ = _ROOT + "youtube.readonly"
MANAGE = _ROOT + "youtube"
UPLOAD = _ROOT + "youtube.upload"
FORCE_SSL = _ROOT + "youtube.force-ssl"
ANALYTICS = _ROOT + "yt-analytics.readonly"
REVENUE = _ROOT + "yt-analytics-monetary.readonly"
ALWAYS = ("openid", READ)

FEATURES: Mapping[str, tuple[str, ...]] = {
    "analytics": (ANALYTICS,),
    "revenue": (REVENUE,),
    "publish": (MANAGE, UPLOAD),
    "captions": (FORCE_SSL,),
}
"""Feature -> the scopes that it needs, on top of `ALWAYS`."""

_SERVED_BY: Mapping[str, frozenset[str]] = {
    # Each is enough. Monetary reads everything that analytics reads.
    "analytics": frozenset({ANALYTICS, REVENUE}),
    "revenue": frozenset({REVENUE}),
    "publish": frozenset({MANAGE, FORCE_SSL}),
    "captions": frozenset({FORCE_SSL}),
}

DEFAULT_FEATURES = ("analytics",)


def chosen(names: Iterable[str]) -> tuple[str, ...]:
    """The features asked for, in the order of `FEATURES`, each once; the default when none is named.

    Raises InvalidRequest (field "features") for a name that is not a feature.
    """
    asked = {name for name in names if name}
    unknown = sorted(asked - FEATURES.keys())
    if unknown:
        words = f"There is no feature {unknown[0][:40]!r}; choose among {', '.join(FEATURES)}."
        raise InvalidRequest(words, field="features")
    return tuple(name for name in FEATURES if name in asked) or DEFAULT_FEATURES


def scopes_for(features: Iterable[str]) -> tuple[str, ...]:
    """The scopes to ask Google for, each once, in a stable order."""
    return tuple(dict.fromkeys((*ALWAYS, *(scope for name in features for scope in FEATURES[name]))))


def can_learn_channel(granted: Collection[str]) -> bool:
    """Whether `channels.list mine` is allowed, without which there is nothing to connect."""
    return READ in granted or MANAGE in granted


def capabilities(granted: Collection[str], requested: Collection[str]) -> dict[str, Capability]:
    """What a grant can do, feature by feature.

    requested: every scope that this connection was ever asked for.
    """
    found = {}
    for feature, serving in _SERVED_BY.items():
        have = not serving.isdisjoint(granted)
        refused = "unticked" if set(FEATURES[feature]).issubset(requested) else "notAsked"
        found[feature] = Capability(have=have, reason="granted" if have else refused)
    return found


def missing(found: Mapping[str, Capability]) -> tuple[str, ...]:
    """The features that were asked for and not given."""
    return tuple(name for name, capability in found.items() if capability.reason == "unticked")
