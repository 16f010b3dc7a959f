"""Chromium in front of the console, with a small network to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from infra.local.stack import Stack
from tests.end_to_end.console import network


@pytest.fixture(scope="package")
def running() -> Iterator[Stack]:
    """A stack with the console alone, and its network."""
    from google.cloud import firestore

    with (
        Stack.start(functions=("console", "mine"), schedules_paused=True, settings=network.SETTINGS) as stack,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("FIRESTORE_EMULATOR_HOST", stack.env["FIRESTORE_EMULATOR_HOST"])
        network.fill(firestore.Client(project=stack.env["GOOGLE_CLOUD_PROJECT"]), stack)
        yield stack


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
