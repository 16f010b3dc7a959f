"""One stack for the whole room: two users with two channels each, collected once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from infra import observed
from infra.local.stack import Stack
from tests.end_to_end.collection.network import FUNCTIONS, LAG, SETTINGS, Network, network_of
from tests.stands.lasting import lasting


@contextmanager
def connected() -> Iterator[Network]:
    """Four channels connected, 74 hours passed, their first reports collected."""
    settings = {**SETTINGS, observed.VARIABLE: "1"}
    started = Stack.start(
        users=2, channels_per_user=2, functions=FUNCTIONS, schedules_paused=True, settings=settings
    )
    with (
        started as stack,
        pytest.MonkeyPatch.context() as environment,
        httpx.Client(timeout=90, trust_env=False) as http,
    ):
        for name in ("FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST"):
            environment.setenv(name, stack.env[name])
        network = network_of(stack, http)
        network.connect_everybody()
        network.pass_time(LAG)
        network.collect()
        yield network
        assert observed.compared(observed.grants(), observed.calls(stack.run_folder))[0] == []


@pytest.fixture(scope="module")
def whole() -> Network:
    return lasting(connected)


@pytest.fixture
def network(whole: Network) -> Iterator[Network]:
    """The network, with a simulator that does nothing odd before and after."""
    yield whole
    whole.http.delete(f"{whole.stack.simulator}/control/faults").raise_for_status()
    whole.control("reporting")
    whole.control("hub", mode="normal", signing="sha1")
