"""Which Analytics queries are asked: nothing twice a day, history to its end, wherever a run stops."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.collection.analytics.plan import (
    NEW_EVERY,
    REFUSED_EVERY,
    REVENUE,
    STATES,
    Asked,
    Kind,
    Reports,
    Request,
    State,
    Video,
    Window,
    after,
    allowed,
    end_of_month,
    queries,
    to_ask,
    with_videos,
)

TODAY = date(2026, 11, 28)
DAY = timedelta(days=1)
FIRST = TODAY - timedelta(days=40)
BIRTH = date(2021, 3, 14)
NEW = State(channel_id="UC1", connection="c", birth=BIRTH)
REPORTS = Reports(first=FIRST)
DAILY = queries()["channel_daily"]


@dataclass
class Channel:
    """A channel that is asked about day by day. truth: days that are answered by kind, as often as they are."""

    state: State = NEW
    reports: Reports = REPORTS
    today: date = TODAY
    retention: int = 5
    lag: int = 3
    refused: frozenset[str] = frozenset()

    def asked(self) -> list[Request]:
        return to_ask(self.state, self.reports, today=self.today, retention=self.retention)

    def names(self) -> Counter[str]:
        return Counter(request.query.name for request in self.asked() if request.kind is Kind.RECENT)

    def answer(self, request: Request) -> None:
        newest = min(request.end, self.today - self.lag * DAY)
        refused = request.query.needs in self.refused
        self.state = after(
            self.state,
            request,
            today=self.today,
            newest=None if refused or newest < request.start else newest,
            reason="monetaryForbidden" if refused else None,
        )

    def run(self, most: int = 1_000) -> list[Request]:
        asked = self.asked()[:most]
        for request in asked:
            self.answer(request)
        return asked

    def day(self, most: int = 1_000) -> list[Request]:
        """Hourly runs until nothing is left."""
        asked: list[Request] = []
        while found := self.run(most):
            asked += found
        return asked


# What is asked when


def test_a_new_channel_is_asked_everything_and_then_nothing_until_the_next_day():
    channel = Channel()
    assert set(channel.names()) == queries().keys() - {"retention"}
    channel.day()
    assert channel.asked() == []
    channel.today += DAY
    assert set(channel.names()) == {name for name, query in queries().items() if query.window is Window.DAYS}


def test_months_are_asked_weekly_and_until_their_figures_have_stopped_changing():
    channel, asked = Channel(today=date(2026, 11, 28)), Counter[date]()
    for _ in range(75):
        asked.update(r.start for r in channel.day() if r.query.name == "country_monthly")
        channel.today += DAY
    assert asked[date(2026, 9, 1)] == 1  # had settled before
    assert asked[date(2026, 11, 1)] == 3  # on 28 November, 5 December, and the 12th, ten days after its end
    assert date(2026, 8, 1) not in asked


def test_days_that_have_no_numbers_yet_are_asked_again():
    channel = Channel(lag=6)
    channel.day()
    channel.today += DAY
    [again] = (request for request in channel.asked() if request.query.name == "channel_daily")
    assert again.start <= channel.today - 7 * DAY
    assert again.end == channel.today - DAY


def test_days_without_a_report_are_read_again_and_not_for_ever():
    channel = Channel(reports=Reports(first=FIRST, lacking=FIRST))
    channel.day()
    channel.today += DAY
    [again] = (request for request in channel.asked() if request.query.name == "channel_daily")
    assert again.start == FIRST
    channel.today += 200 * DAY
    channel.reports = Reports(first=FIRST, lacking=FIRST)
    channel.day()
    channel.today += DAY
    [later] = (request for request in channel.asked() if request.query.name == "channel_daily")
    assert later.start == channel.today - DAY - 90 * DAY


def test_a_gap_in_asking_is_closed_by_the_next_query():
    channel = Channel()
    channel.day()
    until = channel.state.queries["channel_daily"].until
    channel.today += 100 * DAY
    [query] = (request for request in channel.asked() if request.query.name == "channel_daily")
    assert query.start == until + DAY


def test_revenue_is_read_again_for_five_weeks():
    channel = Channel()
    channel.day()
    channel.today += DAY
    [money] = (request for request in channel.asked() if request.query.name == "revenue_daily")
    assert (money.end - money.start).days == 34


def test_refused_revenue_is_asked_once_a_week_and_read_again_when_it_is_given():
    channel = Channel(refused=frozenset({REVENUE}))
    first = channel.day()
    assert not [request for request in first if request.query.needs == REVENUE and request.kind is Kind.HISTORY][
        1:
    ]
    days = [any(r.query.name == "revenue_daily" for r in channel.day()) for _ in _days(channel, 14)]
    assert days == [False] * (REFUSED_EVERY - 1) + [True] + [False] * (REFUSED_EVERY - 1) + [True]
    channel.refused = frozenset()
    channel.today += REFUSED_EVERY * DAY
    given_now = [request for request in channel.day() if request.query.name == "revenue_daily"]
    assert {request.kind for request in given_now} == {Kind.RECENT, Kind.HISTORY}


def test_what_was_refused_is_asked_at_once_when_the_connection_may_do_more():
    channel = Channel(state=replace(NEW, features=("analytics",)), refused=frozenset({REVENUE}))
    channel.day()
    assert allowed(channel.state, ("analytics",)) is channel.state
    channel.state = allowed(channel.state, ("analytics", "revenue"))
    assert {r.query.needs for r in channel.asked()} == {REVENUE}


def _days(channel: Channel, count: int):
    for _ in range(count):
        channel.today += DAY
        yield


def test_there_is_no_history_before_a_report_is_known_nor_before_birth():
    assert not [r for r in Channel(reports=Reports()).day() if r.kind is Kind.HISTORY]
    assert not [r for r in Channel(state=replace(NEW, birth=None)).day() if r.kind is Kind.HISTORY]
    young = Channel(state=replace(NEW, birth=TODAY - 5 * DAY))
    assert {request.start for request in young.day() if request.query is DAILY} == {TODAY - 5 * DAY}


def test_a_channel_that_was_made_today_is_not_asked_about_days():
    channel = Channel(state=replace(NEW, birth=TODAY))
    assert not [request for request in channel.day() if request.query.window is Window.DAYS]


# Retention


def videos(count: int, *, old: int = 400) -> State:
    published = {f"v{number}": TODAY - old * DAY for number in range(count)}
    return with_videos(NEW, published, published)


def retention(channel: Channel) -> list[str]:
    return [str(request.video) for request in channel.day() if request.video]


def test_retention_is_asked_of_the_most_watched_first_and_the_others_on_the_days_after():
    channel = Channel(state=videos(7), retention=3)
    assert retention(channel) == ["v0", "v1", "v2"]
    assert retention(channel) == []
    channel.today += DAY
    assert retention(channel) == ["v3", "v4", "v5"]
    channel.today += DAY
    assert retention(channel) == ["v6"]


def test_a_new_video_goes_first_and_is_asked_about_each_week_while_it_is_new():
    state = with_videos(videos(3), ["v0", "v1", "v2", "new"], {"new": TODAY - 3 * DAY})
    channel = Channel(state=state, retention=1)
    assert retention(channel) == ["new"]
    seen = [number for number, _ in enumerate(_days(channel, 29), start=1) if "new" in retention(channel)]
    assert seen == [NEW_EVERY, 2 * NEW_EVERY, 3 * NEW_EVERY]


def test_what_is_asked_of_a_video_begins_with_its_publication():
    [request] = (r for r in Channel(state=videos(1)).day() if r.video)
    assert (request.start, request.end) == (TODAY - 400 * DAY, TODAY - DAY)


def test_the_list_of_videos_is_the_newest_ranking_and_remembers_what_was_asked():
    known = replace(NEW, videos=(Video(id="a", published=BIRTH, asked=TODAY), Video(id="b", published=BIRTH)))
    ranked = with_videos(known, ["c", "a", "unknown"], {"c": TODAY})
    assert ranked.videos == (Video(id="c", published=TODAY), known.videos[0])


# Whatever happens

lives = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9)), min_size=1, max_size=25)
"""Days that pass, and how many queries the run then gets to."""


@given(
    life=lives,
    birth=st.dates(date(2005, 2, 14), TODAY),
    first=st.integers(-35, 70),
    lacking=st.none() | st.integers(1, 70),
    refuses=st.booleans(),
)
def test_history_meets_no_report_nor_another_window_nor_the_recent_days_of_its_load(
    life, birth, first, lacking, refuses
):
    first_day = TODAY - first * DAY
    oldest = None if lacking is None else max(first_day, TODAY - lacking * DAY)
    channel = Channel(state=replace(NEW, birth=birth), reports=Reports(first=first_day, lacking=oldest))
    history = dict[str, list[Request]]()
    for days, most in life:
        channel.today += days * DAY
        channel.refused = frozenset({REVENUE}) if refuses and most % 2 else frozenset()
        asked = channel.run(most)
        for request in asked:
            assert request.start <= request.end < channel.today
            assert birth <= (request.end if request.query.window is Window.MONTH else request.start)
            if request.kind is Kind.HISTORY and request.query.needs not in channel.refused:
                assert request.end < first_day
                recent = [each for each in asked if each.key == request.key and each.kind is Kind.RECENT]
                assert all(request.end < each.start for each in recent)
                history.setdefault(request.key, []).append(request)
        assert STATES.read("UC1", STATES.fields(channel.state)) == channel.state
    for windows in history.values():
        assert all(later.end == earlier.start - DAY for earlier, later in pairwise(windows))


@settings(max_examples=25)  # each lives through years
@given(st.dates(date(2005, 2, 14), TODAY), st.integers(1, 9), st.sampled_from([30, 40, 60]))
def test_history_ends_at_birth_and_with_the_recent_days_leaves_no_day_out(birth, most, first):
    channel = Channel(state=replace(NEW, birth=birth), reports=Reports(first=TODAY - first * DAY))
    answered = {"channel_daily": set[date](), "revenue_daily": set[date]()}
    for request in channel.day(most):
        if request.query.name in answered:
            days = (request.end - request.start).days + 1
            answered[request.query.name] |= {request.start + number * DAY for number in range(days)}
    whole = {birth + number * DAY for number in range((TODAY - birth).days)}
    assert answered == {"channel_daily": whole, "revenue_daily": whole}


@settings(max_examples=25)
@given(lives, st.integers(0, 4))
def test_nothing_is_asked_twice_a_day_and_no_more_retention_than_allowed(life, allowed):
    channel = Channel(state=videos(20), retention=allowed)
    for days, most in life:
        channel.today += days * DAY
        asked = [*channel.run(most), *channel.day()]
        of_a_day = Counter((r.key, r.kind, r.start, r.video) for r in asked)
        assert all(count == 1 for count in of_a_day.values()) or days == 0
        assert sum(video.asked == channel.today for video in channel.state.videos) <= allowed


@given(st.integers(1, 3))
def test_where_few_can_be_asked_a_day_none_waits_for_ever(most):
    channel, last = Channel(state=videos(5), reports=Reports(first=FIRST)), dict[str, int]()
    for day in range(120):
        for request in channel.run(most):
            last[request.query.name] = day
        channel.today += DAY
    assert last.keys() == queries().keys()
    assert last["channel_daily"] >= 110


@given(st.dates(date(2020, 1, 1), date(2030, 12, 31)))
def test_a_month_is_asked_from_its_first_day_to_its_last_or_yesterday(today):
    requests = to_ask(replace(NEW, birth=None), Reports(), today=today, retention=0)
    for request in (each for each in requests if each.query.window is Window.MONTH):
        assert request.start.day == 1
        assert request.end in {end_of_month(request.start), today - DAY}


def test_a_state_stays_small_however_long_it_is_kept():
    channel = Channel(state=videos(50))
    for _ in range(200):
        channel.day()
        channel.today += DAY
    assert len(channel.state.queries) < 30
    assert Asked() not in channel.state.queries.values()
