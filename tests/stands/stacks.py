"""Stacks that two layers stand on: functions asked by HTTP, and what a person sees of them in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infra import observed
from infra.local.stack import Stack
from tests.end_to_end.console import network


@contextmanager
def access() -> Iterator[Stack]:
    """The access functions alone, and a world of twelve accounts: eight for HTTP, four for Chromium."""
    functions = ("oauth_start", "oauth_callback", "oauth_disconnect", "refresh_tokens")
    settings = {observed.VARIABLE: "1"}
    with Stack.start(
        users=12, channels_per_user=3, functions=functions, schedules_paused=True, settings=settings
    ) as stack:
        yield stack
        assert observed.compared(observed.grants(), observed.calls(stack.run_folder))[0] == []


@contextmanager
def console() -> Iterator[Stack]:
    """The console alone, with a small network to show; Firestore's clients are this stack's meanwhile."""
    from google.cloud import firestore

    with (
        Stack.start(functions=("console", "mine"), schedules_paused=True, settings=network.SETTINGS) as stack,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("FIRESTORE_EMULATOR_HOST", stack.env["FIRESTORE_EMULATOR_HOST"])
        network.fill(firestore.Client(project=stack.env["GOOGLE_CLOUD_PROJECT"]), stack)
        yield stack
