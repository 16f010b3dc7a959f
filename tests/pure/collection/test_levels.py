"""Which of the four levels answers a number, and what the merged answer says of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.endpoints import endpoints
from infra.judges.warehouse import GUIDE
from shared.collection.analytics.plan import queries
from shared.collection.numbers import LIFE, RESTATED, TELL, Choice, Held, Level, choose

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
ENDED = NOW - timedelta(days=5)
NUMBERS = sorted(set().union(*TELL.values()))
ASKED = (Level.ANALYTICS, Level.DATA)

ages = st.timedeltas(timedelta(0), timedelta(days=90))
held = st.lists(
    st.builds(
        Held,
        value=st.integers(),
        by=st.sampled_from((Level.REPORTS, *ASKED)),
        as_of=ages.map(lambda age: NOW - age),
        ended=st.one_of(st.none(), ages.map(lambda age: NOW - age)),
    ),
    max_size=4,
)
closed = st.dictionaries(st.sampled_from(ASKED), st.just("quotaExceeded"))


def read(by: Level, ago: timedelta, value: int = 7, ended: datetime | None = ENDED) -> Held:
    return Held(value=value, by=by, as_of=NOW - ago, ended=ended)


OLD = timedelta(hours=5)


@pytest.mark.parametrize(
    ("name", "known", "level", "why"),
    [
        ("views", [read(Level.REPORTS, OLD), read(Level.ANALYTICS, timedelta())], 1, "a bulk report is final"),
        ("views", [read(Level.ANALYTICS, timedelta(minutes=29))], 2, "it was read less than 0:30:00 ago"),
        ("views", [read(Level.ANALYTICS, timedelta(minutes=30))], 3, "no report has come"),
        ("views", [], 3, "no report has come"),
        ("estimated_revenue", [], 3, "no report tells it"),
        ("estimated_revenue", [read(Level.ANALYTICS, OLD, ended=NOW - RESTATED - OLD)], 2, "it changes no more"),
        ("lifetime_views", [read(Level.DATA, timedelta(minutes=59))], 2, "it was read less than 1:00:00 ago"),
        ("lifetime_views", [read(Level.DATA, OLD)], 4, "no report tells it"),
        ("impressions", [], None, "not yet: only a bulk report tells it"),
    ],
)
def test_each_number_is_answered_by_the_first_level_that_can(name, known, level, why):
    choice = choose(name, known, now=NOW, closed={})
    assert (choice.level, choice.why) == (level, why)


def test_where_nothing_newer_can_be_had_what_was_read_last_answers_with_the_reason():
    refused = {Level.ANALYTICS: "monetaryForbidden"}
    known = [read(Level.ANALYTICS, OLD)]
    choice = choose("estimated_revenue", known, now=NOW, closed=refused)
    assert choice == Choice(Level.LAST_READ, "nothing newer can be had: monetaryForbidden", known[0])
    nothing = choose("estimated_revenue", [], now=NOW, closed=refused)
    assert nothing == Choice(None, "monetaryForbidden")


def test_the_answer_says_of_each_number_who_told_it_and_when():
    known = {
        "views": [read(Level.REPORTS, OLD, 10), read(Level.ANALYTICS, timedelta(), 11)],
        "estimated_revenue": [read(Level.ANALYTICS, OLD, 3)],
        "lifetime_views": [read(Level.DATA, OLD, 90)],
    }
    choices = {
        name: choose(name, known.get(name, ()), now=NOW, closed={}) for name in (*known, "impressions", "shares")
    }
    fresh = {"lifetime_views": read(Level.DATA, timedelta(), 95)}
    assert {name: choice.answered(fresh.get(name)) for name, choice in choices.items()} == {
        "views": Choice(Level.REPORTS, "a bulk report is final", read(Level.REPORTS, OLD, 10)),
        "estimated_revenue": Choice(Level.LAST_READ, "asked, and not told yet", read(Level.ANALYTICS, OLD, 3)),
        "lifetime_views": Choice(Level.DATA, "no report tells it", read(Level.DATA, timedelta(), 95)),
        "impressions": Choice(None, "not yet: only a bulk report tells it"),
        "shares": Choice(None, "asked, and not told yet"),
    }


@given(st.sampled_from(NUMBERS), held, closed)
def test_a_report_always_answers_and_what_is_held_is_never_lost(name, known, shut):
    choice = choose(name, known, now=NOW, closed=shut)
    told = choice.answered(None)
    assert (choice.level is Level.REPORTS) == any(each.by is Level.REPORTS for each in known)
    assert (told.held is None) == (told.level is None) == (known == [])
    assert told.why
    assert told.held is None or told.held in known


@given(st.sampled_from(NUMBERS), held, closed)
def test_nobody_is_asked_who_cannot_be_or_does_not_tell_the_number(name, known, shut):
    choice = choose(name, known, now=NOW, closed=shut)
    if choice.level in ASKED:
        assert choice.level not in shut
        assert name in TELL[choice.level]
        assert not any(each.alive(NOW) for each in known if each.as_of == max(one.as_of for one in known))


def test_every_column_of_the_guide_is_told_by_somebody():
    columns = set().union(*GUIDE.values()) - {"channel_id", "video_id", "date"}
    assert columns <= set(NUMBERS)


def test_answers_live_as_long_as_the_table_of_endpoints_says():
    declared = {name: timedelta(seconds=endpoint.cached) for name, endpoint in endpoints().items()}
    assert declared["youtubeAnalytics.reports.query"] == LIFE[Level.ANALYTICS]
    assert declared["youtube.videos.list"] == declared["youtube.videos.batchGetStats"] == LIFE[Level.DATA]


def test_money_counts_as_settled_once_the_collector_no_longer_reads_it_again():
    assert timedelta(days=queries()["revenue_daily"].restated) == RESTATED
