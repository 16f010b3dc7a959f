"""Chromium in front of the console, with a small network to look at."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from infra.local.stack import Stack
from tests.end_to_end.console import network


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    """A stack with the console alone, and its network."""
    from google.cloud import firestore

    with (
        Stack.start(functions=("console",), schedules_paused=True, settings=network.SETTINGS) as stack,
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


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    """Where pictures go: YT_SCREENSHOTS for a person who wants to look, else a folder that pytest cleans."""
    folder = Path(os.environ.get("YT_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
