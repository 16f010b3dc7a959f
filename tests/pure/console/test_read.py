"""Sources of the console are read each by itself: what one cannot say keeps nothing else from the page."""

from __future__ import annotations

import threading
from dataclasses import fields, replace

import pytest
from google.api_core.exceptions import ServiceUnavailable

from shared.console.loaded import NOTHING_LOADED
from shared.console.read import Sources, known
from shared.errors import Unavailable
from tests.pure.console.network import channel, operation, usage

WELL = Sources(
    channels=lambda: [channel()],
    usage=lambda: {"default": usage()},
    loaded=lambda: NOTHING_LOADED,
    operations=lambda: [operation()],
    subscriptions=lambda: {"UC1": {"state": "active"}},
    alerts=list,
)
NAMES = [item.name for item in fields(Sources)]


def failing(error: Exception):
    def read():
        raise error

    return read


def test_what_answers_is_known_and_is_no_problem():
    found = known(WELL)
    assert found.channels == (channel(),)
    assert found.operations == (operation(),)
    assert (list(found.usage), list(found.subscriptions), found.problems) == (["default"], ["UC1"], ())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("error", "says"),
    [
        (Unavailable("It is away."), "cannot be read: It is away."),
        (ServiceUnavailable("secret detail"), "cannot be read (ServiceUnavailable)"),
        (ConnectionResetError("secret detail"), "cannot be read (ConnectionResetError)"),
    ],
)
def test_what_does_not_answer_is_one_problem_in_words_and_the_rest_is_known(name, error, says):
    found = known(replace(WELL, **{name: failing(error)}))
    [problem] = found.problems
    assert says in problem
    assert "secret" not in problem
    assert (found.channels is None) == (name == "channels")
    whole = known(WELL)
    assert all(getattr(found, other) == getattr(whole, other) for other in NAMES if other != name)


def test_a_listing_that_breaks_off_is_not_taken_for_a_short_one():
    def breaks_off():
        yield channel()
        raise ServiceUnavailable("")

    assert known(replace(WELL, channels=breaks_off)).channels is None


def test_a_mistake_of_ours_is_no_outage():
    with pytest.raises(KeyError):
        known(replace(WELL, alerts=failing(KeyError("state"))))


def test_all_are_read_at_once():
    everybody = threading.Barrier(len(NAMES), timeout=10)

    def waiting(read):
        return lambda: (everybody.wait(), read())[1]

    assert known(Sources(**{name: waiting(getattr(WELL, name)) for name in NAMES})).problems == ()
