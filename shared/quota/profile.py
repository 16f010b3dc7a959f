"""Quota profiles: buckets, prices, priorities and rate limits, as data in `profiles/*.toml`.

A profile is checked when it is loaded, and what is wrong is named with its line. An unknown method is an error:
a wrong guess of 1 where YouTube charges 450 is how a day's quota vanishes.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
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
SECTIONS = ("buckets", "methods", "rate_limits")
MOST_UNITS = 1_000_000_000
LONGEST_WINDOW = 86_400


class Priority(IntEnum):
    """How much an operation matters; a greater one may reach further."""

    BACKGROUND = 0
    NORMAL = 1
    HIGH = 2
    CRITICAL = 3


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """One daily budget. Figures in units of the bucket; see the head of a profile for their meaning."""

    name: str
    title: str
    limit: int
    reserve: int
    alert: int
    system: int
    shares: str
    unreachable: str


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
        """Methods that cost nothing that has to be guarded: their calls go on while the books do not answer."""
        return frozenset(
            name
            for name, method in self.methods.items()
            if method.cost == 0 or self.buckets[method.bucket].unreachable == "allow"
        )

    def method(self, method_id: str) -> Method:
        """The method with this discovery id. Raises InvalidRequest for one without a price."""
        try:
            return self.methods[method_id]
        except KeyError:
            raise InvalidRequest(
                f"The quota profile {self.name!r} has no price for the method {method_id!r}.",
                reason="unknownMethod",
                field="method",
            ) from None

    def bucket(self, name: str) -> Bucket:
        """The bucket of this name. Raises InvalidRequest for an unknown one."""
        try:
            return self.buckets[name]
        except KeyError:
            raise InvalidRequest(
                f"The quota profile {self.name!r} has no bucket {name!r}.", reason="unknownBucket", field="bucket"
            ) from None


@cache
def load(name: str) -> Profile:
    """A profile of this folder. Raises Misconfigured for an unknown name, or with the line that is wrong."""
    path = FOLDER / f"{name}.toml"
    if not re.fullmatch(r"[a-z0-9_-]+", name) or not path.is_file():
        known = ", ".join(sorted(found.stem for found in FOLDER.glob("*.toml")))
        raise Misconfigured(f"There is no quota profile {name!r}; there are: {known}.", reason="quotaProfile")
    return parse(path.read_text(encoding="utf-8"), source=path.name)


def parse(text: str, *, source: str) -> Profile:
    """A checked profile. Raises Misconfigured naming every line that is wrong."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{source}: {error}", reason="quotaProfile") from error
    lines = dict(_lines(text))
    problems: list[str] = []

    def wrong(section: str, key: str, why: str) -> None:
        line = lines.get((section, key)) or lines.get((section, "")) or 1
        problems.append(f"{source} line {line}: {key or section}: {why}")

    sections = {section: _tables(document, section, wrong) for section in SECTIONS}
    buckets = {name: _bucket(name, table, wrong) for name, table in sections["buckets"].items()}
    methods = {name: _method(name, table, buckets, wrong) for name, table in sections["methods"].items()}
    limits = tuple(_limit(name, table, methods, wrong) for name, table in sections["rate_limits"].items())
    for section in ("buckets", "methods"):
        if not document.get(section):
            wrong("", section, "is missing")
    if not isinstance(document.get("name"), str):
        wrong("", "name", "is missing")
    for key in document.keys() - {"name", "as_of", *SECTIONS}:
        wrong(key if isinstance(document[key], Mapping) else "", key, "is not known")
    if problems:
        raise Misconfigured("; ".join(problems), reason="quotaProfile")
    return Profile(
        name=document["name"],
        buckets={name: bucket for name, bucket in buckets.items() if bucket},
        methods={name: method for name, method in methods.items() if method},
        rate_limits=tuple(limit for limit in limits if limit),
    )


_SECTION = re.compile(r"^\s*\[+([^\]]+)\]+")
_KEY = re.compile(r"""^\s*("[^"]+"|'[^']+'|[\w.-]+)\s*=""")


def _lines(text: str) -> Iterator[tuple[tuple[str, str], int]]:
    """Where each (section, key) stands, counted from 1; a section itself has the key ""."""
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if found := _SECTION.match(line):
            section = found[1].strip()
            yield (section, ""), number
        elif found := _KEY.match(line):
            yield (section, found[1].strip("\"'")), number


def _tables(document: Mapping[str, Any], section: str, wrong: Any) -> Mapping[str, Any]:
    """The tables of a section, by name; of what is no table, nothing."""
    found = document.get(section, {})
    if not isinstance(found, Mapping):
        wrong("", section, "must be a table")
        return {}
    inner = f"{section}.{{}}" if section == "buckets" else ""
    for name, table in found.items():
        if not isinstance(table, Mapping):
            wrong(inner.format(name) or section, "" if inner else name, "must be a table")
    return {name: table for name, table in found.items() if isinstance(table, Mapping)}


def _whole(value: Any, *, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, str) for each in value)


def _unknown(table: Mapping[str, Any], known: set[str]) -> str | None:
    extra, missing = sorted(set(table) - known), sorted(known - set(table))
    parts = [f"unknown {', '.join(extra)}"] * bool(extra) + [f"lacks {', '.join(missing)}"] * bool(missing)
    return "; ".join(parts) or None


def _bucket(name: str, table: Any, wrong: Any) -> Bucket | None:
    section = f"buckets.{name}"
    shape = _unknown(table, set(Bucket.__dataclass_fields__) - {"name"})
    if shape:
        return wrong(section, "", shape)  # type: ignore[no-any-return]
    before = len(checks := list(_bucket_problems(table)))
    for key, why in checks:
        wrong(section, key, why)
    return None if before else Bucket(name=name, **table)


def _bucket_problems(table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if not isinstance(table["title"], str):
        yield "title", "must be a text"
    if not _whole(table["limit"], least=1, most=MOST_UNITS):
        yield "limit", f"must be a whole number of at least 1 and at most {MOST_UNITS}, not {table['limit']!r}"
        return
    for key in ("reserve", "alert", "system"):
        if not _whole(table[key], least=0, most=table["limit"]):
            yield key, f"must be a whole number from 0 to the limit {table['limit']}, not {table[key]!r}"
            return
    if table["reserve"] + table["system"] > table["limit"]:
        yield "system", f"reserve and system together are more than the limit {table['limit']}"
    for key, among in (("shares", SHARES), ("unreachable", UNREACHABLE)):
        if table[key] not in among:
            yield key, f"must be one of {', '.join(among)}, not {table[key]!r}"


def _method(name: str, table: Any, buckets: Mapping[str, Bucket | None], wrong: Any) -> Method | None:
    section = "methods"
    values = {"priority": "normal", "cached": False, **table}
    shape = _unknown(values, set(Method.__dataclass_fields__) - {"id"})
    priorities = {priority.name.lower(): priority for priority in Priority}
    bucket = buckets.get(str(values.get("bucket")))
    if shape is None and str(values["bucket"]) not in buckets:
        shape = f"there is no bucket {values['bucket']!r}"
    if shape is None and not _whole(values["cost"], least=0, most=bucket.limit if bucket else MOST_UNITS):
        shape = f"cost must be a whole number from 0 to the bucket's limit, not {values['cost']!r}"
    if shape is None and str(values["priority"]) not in priorities:
        shape = f"priority must be one of {', '.join(priorities)}, not {values['priority']!r}"
    if shape is None and not isinstance(values["cached"], bool):
        shape = "cached must be true or false"
    if shape:
        return wrong(section, name, shape)  # type: ignore[no-any-return]
    return Method(id=name, **{**values, "priority": priorities[values["priority"]]})


def _limit(name: str, table: Any, methods: Mapping[str, Any], wrong: Any) -> RateLimit | None:
    shape = _unknown(table, set(RateLimit.__dataclass_fields__) - {"name"})
    if shape is None and not _whole(table["calls"], least=1, most=MAX_CALLS):
        shape = f"calls must be a whole number from 1 to {MAX_CALLS}; state a busier limit over a shorter window"
    if shape is None and not _whole(table["window"], least=1, most=LONGEST_WINDOW):
        shape = f"window must be a whole number of seconds from 1 to {LONGEST_WINDOW}"
    if shape is None and not (_texts(table["per"]) and set(table["per"]) <= set(SCOPES)):
        shape = f"per must list some of {', '.join(SCOPES)}"
    if shape is None and not _texts(table["methods"]):
        shape = "methods must list names of methods"
    if shape is None:
        unmatched = [p for p in table["methods"] if not any(fnmatchcase(m, p) for m in methods)]
        shape = f"no method is called {', '.join(unmatched)}" if unmatched else None
    if shape:
        return wrong("rate_limits", name, shape)  # type: ignore[no-any-return]
    return RateLimit(
        name=name,
        methods=tuple(table["methods"]),
        per=tuple(table["per"]),
        calls=table["calls"],
        window=table["window"],
    )


_RESIZE = re.compile(r"(\w+)=(\d+)")
_RERATE = re.compile(r"(\w+)=(\d+)/(\d+)")


def adjusted(profile: Profile, *, limits: tuple[str, ...] = (), rates: tuple[str, ...] = ()) -> Profile:
    """The profile with some figures set by the operator.

    limits: "bucket=units"; reserve, alert and system keep their proportion. rates: "limit=calls/seconds", or
    "limit=off" where Google has granted so much that counting costs more than it saves.
    Raises Misconfigured naming every item that is wrong.
    """
    problems: list[str] = []
    buckets = dict(profile.buckets)
    for item in limits:
        found = _RESIZE.fullmatch(item)
        if not found or found[1] not in buckets or not 1 <= int(found[2]) <= MOST_UNITS:
            problems.append(f"YT_QUOTA_LIMITS: {item!r} is not bucket=units")
            continue
        buckets[found[1]] = _resized(buckets[found[1]], int(found[2]))
    by_name = {limit.name: limit for limit in profile.rate_limits}
    for item in rates:
        if item.endswith("=off") and item.removesuffix("=off") in by_name:
            del by_name[item.removesuffix("=off")]
            continue
        found = _RERATE.fullmatch(item)
        known = found and found[1] in by_name
        if (
            not found
            or not known
            or not 1 <= int(found[2]) <= MAX_CALLS
            or not 1 <= int(found[3]) <= LONGEST_WINDOW
        ):
            problems.append(f"YT_RATE_LIMITS: {item!r} is not limit=calls/seconds or limit=off")
            continue
        by_name[found[1]] = replace(by_name[found[1]], calls=int(found[2]), window=int(found[3]))
    if problems:
        raise Misconfigured("settings: " + "; ".join(problems), reason="settings")
    return replace(profile, buckets=buckets, rate_limits=tuple(by_name.values()))


def _resized(bucket: Bucket, limit: int) -> Bucket:
    def part(units: int) -> int:
        return units * limit // bucket.limit

    return replace(
        bucket,
        limit=limit,
        reserve=part(bucket.reserve),
        alert=max(1, part(bucket.alert)),
        system=part(bucket.system),
    )
