"""Reads what the console shows: each source by itself, all at once, and shared by those who look at the same time.

The page waits for the slowest. What cannot be read is said on the page, and the rest is shown.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Generic, TypeVar

from shared.channels import Channel
from shared.clock import Clock
from shared.collection.jobs import Job
from shared.console import reports
from shared.console.loaded import Loaded
from shared.console.overview import Known, Overview
from shared.errors import YtempireError
from shared.monitoring.alerts import Alert
from shared.monitoring.log import log
from shared.publishing.operation import Operation
from shared.quota.usage import Usage

Found = TypeVar("Found")


@dataclass(kw_only=True)
class Recent(Generic[Found]):
    """What a source has said at most `age` ago, or since it was asked for. A failure is not kept.

    So several who ask at once ask the source once, or twice when it was just being asked; even at an age of zero.
    """

    source: Callable[[], Found]
    age: timedelta
    clock: Clock
    _kept: tuple[int, datetime, Found] | None = None
    _times: int = 0  # that the source was asked
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> Found:
        """What the source says, or has said. Raises what it raises."""
        before = self._times
        with self._lock:
            if self._kept is not None:
                number, at, found = self._kept
                if number > before or timedelta(0) <= self.clock() - at < self.age:
                    return found
            self._times += 1
            now = self.clock()
            found = self.source()
            self._kept = (self._times, now, found)
            return found


@dataclass(frozen=True, kw_only=True)
class Sources:
    """How each source is read. Each may raise errors of `shared.errors` or of Google's clients."""

    channels: Callable[[], Iterable[Channel]]
    usage: Callable[[], Mapping[str, Usage]]
    loaded: Callable[[], Loaded]
    operations: Callable[[], Iterable[Operation]]
    subscriptions: Callable[[], Mapping[str, Mapping[str, Any]]]
    alerts: Callable[[], Iterable[Alert]]
    at_risk: Callable[[], Iterable[Job]]


_NAMES = {
    "channels": "The connections",
    "usage": "The quota ledger",
    "loaded": "The warehouse",
    "operations": "The operations",
    "subscriptions": "The push subscriptions",
    "alerts": "The alerts",
    "at_risk": "What is missing",
}


def known(sources: Sources) -> Known:
    """What the sources say."""

    def whole(source: Callable[[], Any]) -> Any:
        found = source()
        return found if isinstance(found, Mapping | Loaded) else tuple(found)

    with ThreadPoolExecutor(len(_NAMES)) as pool:
        asked = {
            name: pool.submit(_read, title, partial(whole, getattr(sources, name)))
            for name, title in _NAMES.items()
        }
    answers = {name: each.result() for name, each in asked.items()}
    found = {name: said for name, (said, _) in answers.items() if said is not None}
    problems = tuple(problem for _, problem in answers.values() if problem)
    return Known(**{"channels": None, **found}, problems=problems)


def with_reports(seen: Overview, jobs: Callable[[Sequence[str]], Iterable[Job]]) -> Overview:
    """An overview with the reports of the channels that it lists. jobs: reads those of some channels."""
    titles = {row.channel_id: row.title for row in seen.channels}
    found, problem = _read("The reports", lambda: reports.rows(jobs(list(titles)), titles, now=seen.as_of))
    return replace(seen, reports=found or (), problems=(*seen.problems, *filter(None, [problem])))


def _read(name: str, source: Callable[[], Found]) -> tuple[Found | None, str]:
    """What a source says, None when it cannot be read; and why not, in words."""
    from google.api_core.exceptions import GoogleAPIError

    try:
        return source(), ""
    except YtempireError as error:
        log("ERROR", "a source of the console cannot be read", source=name, reason=error.reason)
        return None, f"{name} cannot be read: {error.message}"
    except (GoogleAPIError, OSError) as error:  # BigQuery's HTTP client raises its own kind of OSError
        log("ERROR", "a source of the console cannot be read", source=name, error=type(error).__name__)
        return None, f"{name} cannot be read ({type(error).__name__}). What it holds is not shown."
