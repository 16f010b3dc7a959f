"""A slow source is asked once in a while, by whoever comes first."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from shared.clock import Recent
from shared.errors import Unavailable

MINUTE = timedelta(minutes=1)


class Source:
    """Says how often it was asked; fails while it is away."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False
        self.now = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def __call__(self) -> int:
        self.asked += 1
        if self.away:
            raise Unavailable("It does not answer.")
        return self.asked


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def recent(source: Source) -> Recent[int]:
    return Recent(source=source, age=MINUTE, clock=lambda: source.now)


def test_what_was_said_within_the_minute_is_said_again_and_then_asked_anew(source, recent):
    assert [recent(), recent()] == [1, 1]
    source.now += MINUTE - timedelta(seconds=1)
    assert recent() == 1
    source.now += timedelta(seconds=1)
    assert recent() == 2


def test_a_clock_that_goes_back_makes_nothing_last_longer(source, recent):
    recent()
    source.now -= timedelta(days=1)
    assert recent() == 2


def test_a_failure_is_not_kept(source, recent):
    source.away = True
    for _ in range(2):
        with pytest.raises(Unavailable):
            recent()
    source.away = False
    assert recent() == 3


def test_many_who_look_at_once_ask_once(source, recent):
    gate = threading.Barrier(8)

    def look() -> None:
        gate.wait()
        recent()

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert source.asked == 1


class Turnstile:
    """A lock that counts who has come to it."""

    def __init__(self) -> None:
        self.came = threading.Semaphore(0)
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self.came.release()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_who_asks_while_the_source_is_asked_shares_what_it_says_next(source):
    turnstile, go_on, answers = Turnstile(), threading.Event(), list[int]()

    def slow() -> int:
        assert go_on.wait(5)
        return source()

    shared = Recent(source=slow, age=timedelta(0), clock=lambda: source.now, _lock=turnstile)
    threads = [threading.Thread(target=lambda: answers.append(shared())) for _ in range(8)]
    for thread in threads:
        thread.start()
        assert turnstile.came.acquire(timeout=5)
    go_on.set()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [1, *[2] * 7]
    assert shared() == 3  # whoever comes later is told anew
