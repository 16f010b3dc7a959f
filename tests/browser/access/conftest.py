"""Chromium in front of the access functions, with the app's page that has the button."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from infra.local.stack import Stack
from tests.stands import stacks
from tests.stands.lasting import lasting


@pytest.fixture(scope="module")
def running() -> Stack:
    return lasting(stacks.access)


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page in a browser profile of its own."""
    context = chromium.new_context(viewport={"width": 900, "height": 700})
    yield context.new_page()
    context.close()


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    """Where pictures go: YT_SCREENSHOTS for a person who wants to look, else a folder that pytest cleans."""
    folder = Path(os.environ.get("YT_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def press_connect(running: Stack):
    """Open the app's page as a signed-in user and press its button; Google's page is open afterwards."""

    def press(page: Page, user: str, features: str = "analytics,revenue,publish") -> None:
        app = running.url("gateway")
        form = (
            f'<form method="post" action="/auth/youtube/start">'
            f'<input type="hidden" name="id_token" value="{running.user_token(user)}">'
            f'<input type="hidden" name="features" value="{features}"><button>Connect a channel</button></form>'
        )
        page.route(f"{app}/app", lambda route: route.fulfill(content_type="text/html", body=form))
        page.goto(f"{app}/app")
        page.get_by_role("button", name="Connect a channel").click()

    return press
