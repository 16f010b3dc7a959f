"""Sources of the console are read each by itself: what one cannot say keeps nothing else from the page."""

from __future__ import annotations

import threading
from dataclasses import fields, replace

import pytest
from google.api_core.exceptions import ServiceUnavailable

from shared.console.loaded import NOTHING_LOADED
from shared.console.read import Sources, known, with_reports
from shared.errors import Unavailable
from tests.pure.console.network import channel, job, operation, seen, usage

WELL = Sources(
    channels=lambda: [channel()],
    usage=lambda: {"default": usage()},
    loaded=lambda: NOTHING_LOADED,
    operations=lambda: [operation()],
    subscriptions=lambda: {"UC1": {"state": "active"}},
    alerts=list,
    at_risk=list,
)
NAMES = [item.name for item in fields(Sources)]


def failing(error: Exception):
    def read(*_):
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


def test_reports_are_read_for_the_channels_of_the_page_alone():
    asked = []

    def jobs(ids):
        asked.extend(ids)
        return [job()]

    page = with_reports(seen(channels=(channel(title="Tides"),)), jobs)
    assert asked == ["UC1"]
    assert [(row.title, row.report_type) for row in page.reports] == [("Tides", "channel_basic_a3")]


def test_reports_that_cannot_be_read_are_a_problem_of_the_page():
    page = with_reports(seen(channels=(channel(),)), failing(Unavailable("It is away.")))
    assert page.reports == ()
    assert page.problems == ("The reports cannot be read: It is away.",)
