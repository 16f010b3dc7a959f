"""Chromium in front of the console, with a small network to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from infra.local.stack import Stack
from tests.stands import stacks
from tests.stands.lasting import lasting


@pytest.fixture(scope="module")
def running() -> Stack:
    return lasting(stacks.console)


@pytest.fixture
def open_console(running: Stack, chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Open the console in a browser profile of its own, without scripts; answers the page."""
    contexts = []

    def look(address: str = "/console", *, width: int = 1200, scheme: str = "light") -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=False
        )
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{running.url('gateway')}{address}")
        return page

    yield look
    for context in contexts:
        context.close()
