"""One stack for the room: three users with two channels each, and every function."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra import observed
from infra.local.stack import Stack

SETTINGS = {observed.VARIABLE: "1", "YT_REPORT_TYPES": "channel_basic_a3"}


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    with Stack.start(users=3, channels_per_user=3, schedules_paused=True, settings=SETTINGS) as running:
        yield running
