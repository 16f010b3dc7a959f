"""One Chromium for all browser tests; each room opens pages of its own in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from infra.local.chromium import launched


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser that set-up found or installed.

    For one module: as long as it is there, its event loop runs in this thread, and no other test can run one.
    """
    with launched() as browser:
        yield browser
