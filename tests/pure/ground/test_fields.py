"""Requests are read in one way: typed, each mistake named by its field, nothing unknown or nearly right."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import ids
from shared.errors import InvalidRequest
from shared.fields import Fields, form

CHANNEL, OTHER = "UC" + "a" * 22, "UC" + "b" * 22


def refused(read) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refusal:
        read()
    return refusal.value


@pytest.mark.parametrize("raw", [None, [], "text", 1, True])
def test_what_is_no_object_is_refused_by_its_place(raw):
    assert refused(lambda: Fields(raw, "a")).field == "body"
    assert refused(lambda: Fields({"a": raw}, "a").inner("a", "b")).field == "a"


def test_an_unknown_field_is_refused_by_its_path():
    assert refused(lambda: Fields({"a": 1, "b": 2}, "a")).field == "b"
    assert refused(lambda: Fields({"a": {"b": 2}}, "a").inner("a", "c")).field == "a.b"


@pytest.mark.case("P15")
@pytest.mark.parametrize("near", ["true", "yes", "", 1, 0, [], {}])
def test_what_only_resembles_true_or_false_is_refused(near):
    assert refused(lambda: Fields({"a": near}, "a").flag("a", default=False)).field == "a"


def test_a_flag_without_a_default_must_be_said():
    assert refused(lambda: Fields({}, "a").flag("a")).field == "a"
    assert Fields({}, "a").flag("a", default=True) is True
    assert Fields({"a": False}, "a").flag("a", default=True) is False


@pytest.mark.parametrize("wrong", [0, -1, 11, True, 1.0, "1", None])
def test_a_whole_number_is_one_within_its_bounds(wrong):
    assert refused(lambda: Fields({"a": wrong}, "a").whole("a", most=10)).field == "a"
    assert Fields({"a": 10}, "a").whole("a", most=10) == 10


@pytest.mark.parametrize("wrong", ["UC1", "", "a/b", "../x", 1, None, CHANNEL + "\n", "UC" + "\ud800" * 22])
def test_an_id_has_its_whole_form(wrong):
    assert refused(lambda: Fields({"a": wrong}, "a").id("a", ids.CHANNEL)).field == "a"
    assert refused(lambda: Fields({"a": [CHANNEL, wrong]}, "a").ids("a", ids.CHANNEL)).field == "a"


def test_a_list_names_each_id_once_in_its_order():
    assert Fields({"a": [OTHER, CHANNEL, OTHER]}, "a").ids("a", ids.CHANNEL) == [OTHER, CHANNEL]
    assert Fields({}, "a").ids("a", ids.CHANNEL) == []


@pytest.mark.parametrize("wrong", [CHANNEL, {"a": 1}, [CHANNEL] * 1_001])
def test_a_list_is_one_and_has_an_end(wrong):
    assert refused(lambda: Fields({"a": wrong}, "a").ids("a", ids.CHANNEL)).field == "a"


def test_where_one_field_is_expected_two_are_refused():
    assert Fields({}, "a", "b").only() is None
    assert Fields({"a": None, "b": 1}, "a", "b").only() == "b"
    assert refused(lambda: Fields({"a": 1, "b": False}, "a", "b").only()).field == "b"


def test_a_line_has_no_line_ends_and_no_more_than_it_may():
    assert Fields({"a": "x" * 9}, "a").line("a", most=9) == "x" * 9
    for wrong in ("x" * 10, "x\ny", "x\0y", ["x"]):
        assert refused(lambda wrong=wrong: Fields({"a": wrong}, "a").line("a", most=9)).field == "a"


@given(st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_time_is_read_as_it_was_written(instant):
    assert Fields({"a": instant.isoformat()}, "a").instant("a") == instant


def test_a_form_has_each_field_once_and_empty_ones_not_at_all():
    assert form(b"a=1&b=&c=%C3%BC") == {"a": "1", "c": "\u00fc"}
    assert form(b"a=1&a=2&b=3", lists=frozenset({"a", "b"})) == {"a": ["1", "2"], "b": ["3"]}
    repeated = refused(lambda: form(b"a=1&a="))
    assert (repeated.reason, repeated.field) == ("repeatedParameter", "a")


@pytest.mark.parametrize("body", [b"\xff", "\u00fc=1".encode(), b"&".join(b"f%d=1" % n for n in range(51))])
def test_a_body_that_is_no_form_is_refused(body):
    assert refused(lambda: form(body)).reason == "bodyUnreadable"


@pytest.mark.parametrize("subject", ["ada", "auth0|5f7c", "ada@example.org", "x" * 128])
def test_a_user_s_id_is_whatever_the_app_s_sign_in_gives(subject):
    assert ids.USER.matches(subject)


@pytest.mark.parametrize("subject", ["", "../users", ".", "a/b", "x" * 129, " ada", None, 7])
def test_what_could_leave_its_place_in_the_database_is_no_user_s_id(subject):
    assert not ids.USER.matches(subject)
