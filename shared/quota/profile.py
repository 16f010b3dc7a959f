"""Quota profiles: buckets, prices, priorities and rate limits, as data in `profiles/*.toml`.

An unknown method is an error: a wrong guess of 1 where YouTube charges 450 is how a day's quota vanishes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any

from shared.errors import InvalidRequest, Misconfigured
from shared.rate_limits.limits import MAX_CALLS, RateLimit
from shared.records import codec_of

FOLDER = Path(__file__).parent / "profiles"
MOST_UNITS = 1_000_000_000
LONGEST_WINDOW = 86_400


class Priority(IntEnum):
    """How much an operation matters; a greater one may reach further."""

    BACKGROUND = 0
    NORMAL = 1
    PROMPT = 2
    HIGH = 3
    CRITICAL = 4


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """One daily quota. Figures in units of the bucket; see the head of a profile for their meaning."""

    name: str
    title: str
    limit: int
    reserve: int
    alert: int
    system: int
    shares: str
    unreachable: str
    kept: int = 0


@dataclass(frozen=True, kw_only=True)
class Method:
    """What one call costs.

    cached: a read that can be done without for a day, because what was read last is kept; so it gives way from
    the bucket's alert threshold on.
    """

    id: str
    bucket: str
    cost: int
    priority: Priority = Priority.NORMAL
    cached: bool = False

    def at(self, asked: Priority | None) -> Priority:
        """The priority of a call for which its caller asks `asked`: at least the method's own.

        Background work may step back from the ordinary, but not from what the profile calls important.
        """
        if asked is None:
            return self.priority
        if asked == Priority.PROMPT and self.cached:
            return Priority.HIGH  # a look costs next to nothing, and work that has been paid for waits for it
        if asked == Priority.BACKGROUND and self.priority <= Priority.NORMAL:
            return asked
        return max(self.priority, asked)

    def gives_way(self, priority: Priority) -> bool:
        """Whether such a call is put off from its bucket's alert threshold on."""
        return self.cached and priority < Priority.HIGH


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One set of figures."""

    name: str
    buckets: Mapping[str, Bucket]
    methods: Mapping[str, Method]
    rate_limits: tuple[RateLimit, ...] = ()

    def puts_off(self, bucket: str) -> bool:
        """Whether a bucket pays for anything that gives way from its alert threshold on."""
        return any(method.bucket == bucket and method.cached for method in self.methods.values())

    @property
    def free_methods(self) -> frozenset[str]:
        """Methods that cost nothing that has to be guarded: their calls go on while the ledger does not answer."""
        uncounted = {name for name, bucket in self.buckets.items() if bucket.unreachable == "allow"}
        return frozenset(each.id for each in self.methods.values() if each.cost == 0 or each.bucket in uncounted)

    def method(self, method_id: str) -> Method:
        """The method with this discovery id. Raises InvalidRequest for one without a price."""
        if method_id not in self.methods:
            words = f"The quota profile {self.name!r} has no price for the method {method_id!r}."
            raise InvalidRequest(words, reason="unknownMethod", field="method")
        return self.methods[method_id]

    def bucket(self, name: str) -> Bucket:
        """The bucket of this name. Raises InvalidRequest for an unknown one."""
        if name not in self.buckets:
            words = f"The quota profile {self.name!r} has no bucket {name!r}."
            raise InvalidRequest(words, reason="unknownBucket", field="bucket")
        return self.buckets[name]


@cache
def load(name: str) -> Profile:
    """A profile of this folder. It ships with the code, and a test holds its figures to their bounds."""
    document = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    limits = {name: {"name": name, **table} for name, table in document.get("rate_limits", {}).items()}
    return Profile(
        name=document["name"],
        buckets={name: Bucket(name=name, **table) for name, table in document["buckets"].items()},
        methods={name: _method(name, **table) for name, table in document["methods"].items()},
        rate_limits=tuple(map(codec_of(RateLimit).read, limits.values())),
    )


def _method(name: str, *, priority: str = "normal", **table: Any) -> Method:
    return Method(id=name, priority=Priority[priority.upper()], **table)


def adjusted(profile: Profile, *, limits: tuple[str, ...] = (), rates: tuple[str, ...] = ()) -> Profile:
    """The profile with some figures set by the operator.

    limits: "bucket=units"; reserve, alert and system keep their proportion. rates: "limit=calls/seconds", or
    "limit=off" where Google has granted so much that counting costs more than it saves.
    Raises Misconfigured naming every item that is wrong.
    """
    problems: list[str] = []
    buckets, by_name = dict(profile.buckets), {limit.name: limit for limit in profile.rate_limits}
    for item in limits:
        name, _, units = item.partition("=")
        if name in buckets and _is_whole(units, MOST_UNITS):
            buckets[name] = _resized(buckets[name], int(units))
        else:
            problems.append(f"YT_QUOTA_LIMITS: {item!r} is not bucket=units")
    for item in rates:
        name, _, rate = item.partition("=")
        calls, _, window = rate.partition("/")
        if name in by_name and rate == "off":
            del by_name[name]
        elif name in by_name and _is_whole(calls, MAX_CALLS) and _is_whole(window, LONGEST_WINDOW):
            by_name[name] = replace(by_name[name], calls=int(calls), window=int(window))
        else:
            problems.append(f"YT_RATE_LIMITS: {item!r} is not limit=calls/seconds or limit=off")
    if problems:
        raise Misconfigured("settings: " + "; ".join(problems), reason="settings")
    return replace(profile, buckets=buckets, rate_limits=tuple(by_name.values()))


def _is_whole(text: str, most: int) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 12 and 1 <= int(text) <= most


def _resized(bucket: Bucket, limit: int) -> Bucket:
    parts = {
        name: getattr(bucket, name) * limit // bucket.limit for name in ("reserve", "alert", "system", "kept")
    }
    return replace(bucket, limit=limit, **{**parts, "alert": max(1, parts["alert"])})
