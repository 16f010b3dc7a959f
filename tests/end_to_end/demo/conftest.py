"""One stack for the room: three users with two channels each, and every function."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infra import observed
from infra.local.stack import Stack
from tests.stands.lasting import lasting

SETTINGS = {observed.VARIABLE: "1", "YT_REPORT_TYPES": "channel_basic_a3"}


@contextmanager
def whole() -> Iterator[Stack]:
    with Stack.start(users=3, channels_per_user=3, schedules_paused=True, settings=SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def stack() -> Stack:
    return lasting(whole)
