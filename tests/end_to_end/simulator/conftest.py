"""A simulator on a free port, and a shortcut through its consent page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from infra.local.simulator.grants import Client, Grant, Issue
from infra.local.simulator.serve import serving
from infra.local.simulator.state import Plan, Simulator
from tests.end_to_end.simulator.data_world import PLAN, Stage

REDIRECT_URI = "https://app.example.test/auth/youtube/callback"
CLIENT = Client(
    client_id="client-1.apps.googleusercontent.com",
    client_secret="client-secret-1",
    redirect_uris=(REDIRECT_URI,),
)
Connect = Callable[..., Issue]


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A small simulator: 3 users with 2 channels each."""
    with serving(Plan(root="", users=3, channels_per_user=2, clients=(CLIENT,))) as running:
        yield running


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """A simulator that a module's tests share, and the ways into it."""
    with serving(PLAN) as running:
        yield Stage(running)


@pytest.fixture
def connect(simulator: Simulator) -> Connect:
    """Tokens for a channel as if its owner had consented: connect("user-001@example.test", 0, "youtube", ...)."""

    def tokens(email: str, place: int, *scopes: str, lifetime: timedelta | None = None) -> Issue:
        account = simulator.world.account(email)
        assert account is not None
        grant = Grant(
            client_id=CLIENT.client_id,
            account=account,
            channel_id=account.channels[place].id if account.channels else None,
            scopes=frozenset(f"https://www.googleapis.com/auth/{scope}" for scope in scopes),
        )
        code = simulator.grants.issue_code(
            grant,
            redirect_uri=REDIRECT_URI,
            challenge=None,
            plain=False,
            offline=True,
            nonce=None,
            lifetime=lifetime,
        )
        return simulator.grants.exchange(code, client=CLIENT, redirect_uri=REDIRECT_URI, verifier=None)

    return tokens
