"""Progress is told at every beat, whatever the parts answer, and only while there is something to tell."""

from __future__ import annotations

import threading

import pytest

from infra.local.demo.pulse import Pulse


class Listener:
    """Hears lines, and lets a test wait for them."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._heard = threading.Semaphore(0)

    def __call__(self, text: str) -> None:
        self.lines.append(text)
        self._heard.release()

    def wait(self, lines: int) -> None:
        for _ in range(lines):
            assert self._heard.acquire(timeout=10)


def test_each_beat_says_how_far_it_is():
    heard, figures = Listener(), iter(range(1, 1_000_000))
    with Pulse(heard, every=0.01) as pulse, pulse.telling(lambda: f"{next(figures)} loaded"):
        heard.wait(3)
    assert heard.lines[:3] == [f"  0 s so far: {number} loaded" for number in (1, 2, 3)]


@pytest.mark.parametrize("error", [TimeoutError(), ConnectionError()])
def test_a_part_that_does_not_answer_does_not_stop_the_pulse(error: Exception):
    def so_far() -> str:
        raise error

    heard = Listener()
    with Pulse(heard, every=0.01) as pulse, pulse.telling(so_far):
        heard.wait(2)
    assert heard.lines[:2] == ["  0 s so far: no answer yet"] * 2


def test_nothing_is_said_between_phases():
    heard = Listener()
    with Pulse(heard, every=0.01) as pulse:
        with pulse.telling():
            heard.wait(1)
        threading.Event().wait(0.05)  # what was on the tongue is said
        before = len(heard.lines)
        threading.Event().wait(0.05)
    assert len(heard.lines) == before
