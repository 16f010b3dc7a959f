"""The whole stack, for every test that needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infra import observed
from infra.local import loopback
from infra.local.stack import Stack
from tests.stands.lasting import lasting


@contextmanager
def whole() -> Iterator[Stack]:
    """A running stack of 2 users with 2 channels each; schedules fire only when told (`stack.trigger`).

    Whatever the tests have done, our functions have asked Google for nothing that it does not have, and have
    called nothing that they are not granted.
    """
    settings = {observed.VARIABLE: "1"}
    with Stack.start(users=2, channels_per_user=2, seed=7, schedules_paused=True, settings=settings) as running:
        yield running
        assert observed.compared(observed.grants(), observed.calls(running.run_folder))[0] == []
        assert loopback.http().get(f"{running.simulator}/control/requests").json()["mistakes"] == []


@pytest.fixture(scope="module")
def stack() -> Stack:
    return lasting(whole)
