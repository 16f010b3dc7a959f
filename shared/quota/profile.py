"""Quota profiles: buckets, prices, priorities and rate limits, as data in `profiles/*.toml`.

A profile is checked when it is loaded. An unknown method is an error: a wrong guess of 1 where YouTube charges 450
is how a day's quota vanishes.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from shared.errors import InvalidRequest, Misconfigured
from shared.rate_limits.limits import MAX_CALLS, RateLimit

FOLDER = Path(__file__).parent / "profiles"
SHARES = ("users", "pool")
UNREACHABLE = ("refuse", "allow")
SCOPES = ("user", "project")
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
    """What one call costs. cached: a read that can be done without for a day, because what was
    read last is kept; so it gives way from the bucket's alert threshold on."""

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
    """One set of figures. Build it with `load` or `parse`, which check it."""

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
        return frozenset(
            name
            for name, method in self.methods.items()
            if method.cost == 0 or self.buckets[method.bucket].unreachable == "allow"
        )

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
    """A profile of this folder. Raises Misconfigured for an unknown name, or saying what is wrong in it."""
    path = FOLDER / f"{name}.toml"
    if not re.fullmatch(r"[a-z0-9_-]+", name) or not path.is_file():
        known = ", ".join(sorted(found.stem for found in FOLDER.glob("*.toml")))
        raise Misconfigured(f"There is no quota profile {name!r}; there are: {known}.", reason="quotaProfile")
    return parse(path.read_text(encoding="utf-8"), source=path.name)


def parse(text: str, *, source: str) -> Profile:
    """A checked profile. Raises Misconfigured naming the entry that is wrong."""
    where = ""
    try:
        document = tomllib.loads(text)
        buckets, methods, limits = {}, {}, []
        for where, table in document["buckets"].items():
            buckets[where] = _checked_bucket(Bucket(name=where, **table))
        for where, table in document["methods"].items():
            priority = Priority[table.pop("priority", "normal").upper()]
            methods[where] = _checked_method(Method(id=where, priority=priority, **table), buckets)
        for where, table in document.get("rate_limits", {}).items():
            limits.append(_checked_limit(RateLimit(**_tuples({"name": where, **table})), methods))
        where = "name"
        return Profile(name=document["name"], buckets=buckets, methods=methods, rate_limits=tuple(limits))
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Misconfigured(f"{source}: {where}: {error!r}", reason="quotaProfile") from error


def _tuples(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}


def _whole(name: str, value: Any, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{name} must be a whole number from {least} to {most}, not {value!r}")


def _among(name: str, value: object, known: Iterable[str]) -> None:
    if value not in (known := tuple(known)):
        raise ValueError(f"{name} must be one of {', '.join(known)}, not {value!r}")


def _checked_bucket(bucket: Bucket) -> Bucket:
    _whole("limit", bucket.limit, 1, MOST_UNITS)
    _whole("alert", bucket.alert, 0, bucket.limit)
    _whole("reserve", bucket.reserve, 0, bucket.limit)
    _whole("system", bucket.system, 0, bucket.limit - bucket.reserve)
    _whole("kept", bucket.kept, 0, bucket.system)
    _among("shares", bucket.shares, SHARES)
    _among("unreachable", bucket.unreachable, UNREACHABLE)
    return bucket


def _checked_method(method: Method, buckets: Mapping[str, Bucket]) -> Method:
    _among("bucket", method.bucket, buckets)
    _whole("cost", method.cost, 0, buckets[method.bucket].limit)
    if not isinstance(method.cached, bool):
        raise TypeError("cached must be true or false")
    return method


def _checked_limit(limit: RateLimit, methods: Iterable[str]) -> RateLimit:
    _whole("calls", limit.calls, 1, MAX_CALLS)
    _whole("window", limit.window, 1, LONGEST_WINDOW)
    for scope in limit.per:
        _among("per", scope, SCOPES)
    for pattern in limit.methods:
        if not any(fnmatchcase(method, pattern) for method in methods):
            raise ValueError(f"no method is called {pattern!r}")
    return limit


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
