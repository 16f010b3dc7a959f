"""Parts of a page are read each by itself: what one cannot say keeps nothing else from the page."""

from __future__ import annotations

import threading

import pytest
from google.api_core.exceptions import ServiceUnavailable

from shared.console.read import Ask, together
from shared.errors import InvalidRequest, NotFound, Unavailable
from tests.pure.console.network import NOW


def failing(error: Exception):
    def read():
        raise error

    return read


def test_what_answers_is_said_and_is_no_problem():
    assert together({"quota": lambda: [1], "loaded": list}) == ({"quota": [1], "loaded": []}, [])


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (Unavailable("It is away."), "The quota ledger cannot be read: It is away."),
        (ServiceUnavailable("secret detail"), "The quota ledger cannot be read (ServiceUnavailable)"),
        (ConnectionResetError("secret detail"), "The quota ledger cannot be read (ConnectionResetError)"),
    ],
)
def test_what_does_not_answer_is_one_problem_in_words_and_the_rest_is_said(error, says):
    said, [problem] = together({"quota": failing(error), "wrong": list})
    assert said == {"wrong": []}
    assert problem.startswith(says)
    assert "secret" not in problem


def test_one_source_that_is_away_is_one_problem_whatever_is_read_from_it():
    _, problems = together({"views": failing(Unavailable("Away.")), "loaded": failing(Unavailable("Away."))})
    assert problems == ["The warehouse cannot be read: Away."]


@pytest.mark.parametrize("error", [KeyError("state"), NotFound("gone"), InvalidRequest("wrong")])
def test_a_mistake_of_ours_or_of_whoever_asks_is_no_outage(error):
    with pytest.raises(type(error)):
        together({"wrong": failing(error), "quota": list})


def test_all_are_read_at_once():
    everybody = threading.Barrier(5, timeout=10)
    said, problems = together({str(number): everybody.wait for number in range(5)})
    assert (len(said), problems) == (5, [])


@pytest.mark.parametrize("after", ["", "-1", "1.5", "x", "9" * 30, "\u00b2"])
def test_what_is_no_number_is_the_first_page(after):
    assert Ask(query={"after": after}, now=NOW).skipped == 0


@pytest.mark.parametrize("name", ["", "a/b", "../grants", "UC\n1", "__id__", "<script>"])
def test_what_can_be_no_documents_name_is_never_looked_up(name):
    assert Ask(query={"channel": name}, now=NOW).name("channel") is None
