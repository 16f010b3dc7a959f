"""What the ledger says: refusals in words, quotes before the work, modes, forecasts, usage."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.clock import next_reset, pacific_day, pacific_midnight
from shared.errors import InvalidRequest, QuotaRefused
from shared.quota.calendar import next_off_peak
from shared.quota.decisions import Loan
from shared.quota.opening import Mode, forecast_of, off_peak_allowance
from shared.quota.profile import Priority, load
from shared.quota.quotes import Work
from shared.rate_limits.limits import DryRunLog, RateLimit
from tests.pure.quota.stand import CHANNELS, NOON, THUMBNAIL, UPDATE, UPLOAD, Stand

TODAY = pacific_day(NOON)
DELETE = "youtube.videos.delete"
PUBLISH = {UPLOAD: 1, THUMBNAIL: 1}


def test_twelve_uploads_with_thumbnails_today_by_the_guides_figures():
    answer = Stand().ledger("guide").quote([Work(calls=PUBLISH, times=12, account="u1")])
    assert answer.costs == {"default": 12 * 1650}
    assert answer.now == 5
    first, second = (pacific_midnight(TODAY + timedelta(days=d)) for d in (1, 2))
    assert [(later.times, later.at) for later in answer.later] == [(5, first), (2, second)]
    assert answer.message == (
        "5 of 12 can run now (YouTube APIs: 19800 units, 9000 left). "
        "7 more from 2026-11-23 00:00 Pacific (the last from 2026-11-24 00:00): YouTube APIs: "
        "too little is left outside the reserve, which only critical work may enter."
    )


def test_twelve_uploads_with_thumbnails_today_by_youtubes_buckets():
    answer = Stand().ledger().quote([Work(calls=PUBLISH, times=12, account="u1")])
    assert answer.costs == {"default": 600, "uploads": 12}
    assert (answer.now, answer.later) == (12, ())


def test_a_quote_reserves_nothing_and_agrees_with_what_then_happens():
    ledger = Stand().ledger("guide")
    for _ in range(2):
        assert ledger.quote([Work(calls={UPLOAD: 1}, times=9, account="u1")]).now == 5
    for number in range(5):
        ledger.reserve(method=UPLOAD, account="u1", operation_id=f"op{number}")
    with pytest.raises(QuotaRefused) as refusal:
        ledger.reserve(method=UPLOAD, account="u1", operation_id="op5")
    (later,) = ledger.quote([Work(calls={UPLOAD: 1}, account="u1")]).later
    assert (later.reason, later.at) == (refusal.value.reason, refusal.value.retry_at)


def test_a_plan_of_several_works_is_tried_in_order():
    plan = [Work(calls={UPLOAD: 1}, times=2, account="u1"), Work(calls={UPLOAD: 1}, times=4, account="u2")]
    answer = Stand().ledger("guide").quote(plan)
    assert [part.now for part in answer.parts] == [2, 3]


def test_each_work_item_of_a_plan_runs_at_the_time_that_was_quoted_and_not_before():
    stand = Stand()
    for user in ("u1", "u2", "u3", "u4"):
        stand.user(user)
    ledger = stand.ledger("current", "default=1000")
    answer = ledger.quote([Work(calls={DELETE: 1}, times=17, account="u1")])
    assert answer.now == 10
    assert {later.reason for later in answer.later[:4]} == {"shareSpentNobodyToBorrowFrom"}
    today = [later.at for later in answer.later if later.at and later.at < next_reset(NOON)]
    assert len(today) == len(set(today)) == 7 + 10 - answer.now  # each has to wait until more is lent
    for _ in range(answer.now):
        ledger.reserve(method=DELETE, account="u1")
    for at in today:
        stand.now = at - timedelta(minutes=2)
        with pytest.raises(QuotaRefused):
            ledger.reserve(method=DELETE, account="u1")
        stand.now = at
        ledger.reserve(method=DELETE, account="u1")


@pytest.mark.parametrize("priority", Priority)
@pytest.mark.parametrize("method", [DELETE, UPLOAD, CHANNELS])
def test_a_quote_is_decided_at_the_priority_of_the_reservation(priority, method):
    stand = Stand()
    for user in ("u1", "u2", "u3", "u4"):
        stand.user(user)
    ledger = stand.ledger("current", "default=1000", "uploads=8")
    work = Work(calls={method: 1}, account="u1", priority=priority)
    while not (later := ledger.quote([work]).later):
        ledger.reserve(method=method, account="u1", priority=priority)
    with pytest.raises(QuotaRefused) as refusal:
        ledger.reserve(method=method, account="u1", priority=priority)
    assert later[0].reason == refusal.value.reason
    assert later[0].at == refusal.value.retry_at


def test_later_work_items_see_the_reserve_that_former_ones_took():
    works = [
        Work(calls={THUMBNAIL: 1}, times=19, account="u1"),
        Work(calls={THUMBNAIL: 1}, times=2, account="u2", priority=Priority.CRITICAL),
        Work(calls={THUMBNAIL: 1}, account="u1"),
    ]
    answer = Stand().ledger("guide", "default=1000").quote(works)
    assert [part.now for part in answer.parts] == [18, 2, 0]
    assert [later.reason for later in answer.later] == ["reserveKept", "bucketSpent"]


def test_work_for_a_later_time_is_tried_on_the_bucket_day_of_that_time():
    ledger = Stand().ledger("current", "uploads=2")
    ledger.reserve(method=UPLOAD, account="u1", count=2)
    tomorrow = next_reset(NOON) + timedelta(hours=3)
    answer = ledger.quote([Work(calls={UPLOAD: 1}, times=3, account="u1", not_before=tomorrow)])
    after = next_reset(tomorrow)
    assert [(later.times, later.at, later.reason) for later in answer.later] == [
        (2, tomorrow, "notBefore"),
        (1, after, "bucketSpent"),
    ]


def test_a_plan_waits_for_the_rate_limits_that_it_meets():
    ledger, hour = Stand().ledger(), timedelta(hours=1)
    calls = [NOON - timedelta(minutes=50), NOON - timedelta(minutes=10)]
    limit = RateLimit(name="uploads", methods=(UPLOAD,), per=("project",), calls=4, window=3600)
    project = DryRunLog(title="at most 4 calls in 3600 seconds", limit=limit, stamps=calls)
    limits = {(UPLOAD, user): [project] for user in ("u1", "u2")}
    plan = [Work(calls={UPLOAD: 1}, times=1, account="u1"), Work(calls={UPLOAD: 1}, times=4, account="u2")]
    answer = ledger.quote(plan, limits=lambda _: limits)
    assert [part.now for part in answer.parts] == [1, 1]
    assert [(later.times, later.at, later.reason) for later in answer.later] == [
        (1, NOON + timedelta(minutes=10), "rateLimited"),
        (1, NOON + timedelta(minutes=50), "rateLimited"),
        (1, NOON + hour, "rateLimited"),
    ]
    assert "3 more from 2026-11-22 12:10 Pacific (the last from 2026-11-22 13:00): at most 4" in answer.message


def test_a_plan_that_never_fits_says_so():
    answer = Stand().ledger("guide", "default=1000").quote([Work(calls={UPLOAD: 1})])
    assert [(later.at, later.reason) for later in answer.later] == [(None, "neverFits")]


@pytest.mark.parametrize("work", [Work(calls={}), Work(calls={UPLOAD: 0}), Work(calls={UPLOAD: 1}, times=0)])
def test_an_absurd_plan_is_refused(work):
    with pytest.raises(InvalidRequest):
        Stand().ledger().quote([work])


@pytest.mark.parametrize("count", [0, -1, 1.5, True])
def test_an_absurd_count_is_refused(count):
    with pytest.raises(InvalidRequest):
        Stand().ledger().reserve(method=UPLOAD, account="u1", count=count)


def test_an_unknown_operation_is_refused():
    with pytest.raises(InvalidRequest):
        Stand().ledger().reserve(method="youtube.videos.imagine", account="u1")


def test_reads_give_way_to_the_cache_from_the_alert_on_and_writes_go_on():
    stand = Stand()
    ledger = stand.ledger("current", "default=1000")
    for _ in range(16):
        ledger.reserve(method=UPDATE, account="u1")
    assert ledger.usage()["default"]["mode"] == Mode.CACHE_ONLY
    with pytest.raises(QuotaRefused) as refusal:
        ledger.reserve(method=CHANNELS, account="system")
    assert (refusal.value.reason, refusal.value.retry_at) == ("cacheOnly", next_reset(NOON))
    ledger.reserve(method=CHANNELS, account="system", priority=Priority.HIGH)
    ledger.reserve(method=UPDATE, account="system")


def test_a_bucket_is_exhausted_when_only_the_reserve_is_left():
    ledger = Stand().ledger("guide")
    ledger.reserve(method=UPLOAD, account="u1", count=5)
    ledger.reserve(method=THUMBNAIL, account="u1", count=20)
    assert ledger.usage()["default"]["mode"] == Mode.EXHAUSTED
    with pytest.raises(QuotaRefused) as refusal:
        ledger.reserve(method=THUMBNAIL, account="u1")
    assert refusal.value.reason == "reserveKept"
    assert "9000 of 10000 units used, 50 needed" in refusal.value.message
    assert ledger.reserve(method=THUMBNAIL, account="u1", priority=Priority.CRITICAL).entry.loans == (
        Loan("reserve", 50),
    )


def test_background_work_waits_for_the_off_peak_hours():
    stand = Stand()
    stand.user("u1")
    ledger = stand.ledger("current", "default=1000")
    request = {"method": "youtube.videos.delete", "account": "u1", "priority": Priority.BACKGROUND}
    assert ledger.reserve(**request).entry.loans == ()
    ledger.reserve(method=UPDATE, account="u1")  # what people want at noon
    with pytest.raises(QuotaRefused) as refusal:
        ledger.reserve(**request, count=10)
    assert refusal.value.reason == "offPeakOnly"
    assert refusal.value.retry_at == next_off_peak(NOON)
    stand.now = refusal.value.retry_at
    assert ledger.reserve(**request, count=10).cost == 500
    with pytest.raises(QuotaRefused) as refusal:
        ledger.reserve(**request, count=8)
    assert refusal.value.reason == "allowanceSpent"


def test_off_peak_allowance_leaves_what_yesterday_needed_after_this_hour():
    bucket = load("guide").bucket("default")
    at_two = pacific_midnight(TODAY) + timedelta(hours=2)
    yesterday = [0] * 25
    yesterday[1], yesterday[9], yesterday[15] = 500, 2000, 4000
    assert off_peak_allowance(bucket, 300, yesterday, TODAY, at_two) == 9000 - 300 - 6000
    assert off_peak_allowance(bucket, 300, (), TODAY, at_two) == 9000 - 300 - 8250
    assert off_peak_allowance(bucket, 300, [0] * 25, TODAY, at_two) == 9000 - 300
    assert off_peak_allowance(bucket, 9000, yesterday, TODAY, at_two) == 0


def test_what_background_work_took_last_night_does_not_shrink_its_allowance_tonight():
    stand = Stand(pacific_midnight(TODAY) + timedelta(hours=2, minutes=30))
    ledger, nights = stand.ledger("guide"), []
    for _ in range(4):
        work = Work(calls={DELETE: 1}, times=200, account="u1", priority=Priority.BACKGROUND)
        nights.append(ledger.quote([work]).now)
        ledger.reserve(method=DELETE, account="u1", priority=Priority.BACKGROUND, count=nights[-1])
        assert ledger.usage()["default"]["by_hour"][2] == 50 * nights[-1]
        stand.now += timedelta(hours=10)
        ledger.reserve(method=THUMBNAIL, account="u2", count=9)  # what people want by day
        stand.now += timedelta(hours=14)
    assert nights[1:] == [(9000 - 9 * 50) // 50] * 3


def test_a_forecast_follows_the_burn_of_the_last_hours_to_midnight():
    bucket = load("guide").bucket("default")
    hours = [0] * 25
    hours[9:12] = [100, 100, 100]
    forecast = forecast_of(bucket, 300, hours, TODAY, NOON)
    assert (forecast.burn, forecast.at_midnight) == (100, 1500)
    assert forecast.spent_at is None
    hours[9:12] = [900, 900, 900]
    forecast = forecast_of(bucket, 2700, hours, TODAY, NOON)
    assert forecast.at_midnight == 2700 + 12 * 900
    assert forecast.spent_at == NOON + timedelta(hours=7)


def test_a_ledgers_forecast_and_usage_tell_the_same():
    ledger = Stand().ledger()
    ledger.reserve(method=UPDATE, account="u1", operation_id="held")
    ledger.settle(ledger.reserve(method=UPDATE, account="u1", operation_id="done"), sent=True)
    figures = ledger.usage()["default"]
    assert (figures["used"], figures["reserved"], figures["left"]) == (50, 50, 9900)
    assert figures["by_hour"][12] == 100
    forecast = forecast_of(ledger.profile.bucket("default"), 100, figures["by_hour"], TODAY, NOON)
    assert (forecast.used, forecast.burn) == (100, 33.33)
    assert ledger.usage()["search"]["used"] == 0
    assert ledger.usage(TODAY - timedelta(days=1))["default"]["left"] == 10_000


def test_usage_shows_loans_and_refusals_with_their_reasons():
    stand = Stand()
    for user in ("a", "b"):
        stand.user(user)
    ledger = stand.ledger("current", "uploads=4", users_max=2)
    ledger.settle(ledger.reserve(method=UPLOAD, account="b"), sent=False)
    for number in range(4):
        high = ledger.reserve(method=UPLOAD, account="a", operation_id=f"op{number}", priority=Priority.HIGH)
        ledger.settle(high, sent=True)
    with pytest.raises(QuotaRefused):
        ledger.reserve(method=UPLOAD, account="b", operation_id="late")
    figures = ledger.usage()["uploads"]
    assert [(loan["borrower"], loan["lender"], loan["units"]) for loan in figures["loans"]] == [("a", "b", 1)] * 2
    assert figures["by_account"]["a"] == {"share": 2, "borrowed": 2, "lent": 0, "spent": 4, "left": 0}
    (refusal,) = figures["refusals"]
    assert (refusal["account"], refusal["reason"], refusal["needed"]) == ("b", "bucketSpent", 1)


def test_the_shares_of_users_who_have_not_come_today_are_lent_by_the_pool():
    stand = Stand()
    for user in ("a", "b"):
        stand.user(user)
    ledger = stand.ledger("current", "uploads=4", users_max=2)
    for _ in range(3):
        ledger.settle(ledger.reserve(method=UPLOAD, account="a"), sent=True)
    figures = ledger.usage()["uploads"]
    assert [(loan["borrower"], loan["lender"], loan["units"]) for loan in figures["loans"]] == [("a", "pool", 1)]
    assert figures["by_account"]["pool"] == {"share": 2, "borrowed": 0, "lent": 1, "spent": 0, "left": 1}


@pytest.mark.fault(22)
def test_google_is_right_when_it_says_that_a_bucket_is_used_up():
    stand = Stand()
    ledger, other = stand.ledger(), stand.ledger()
    ledger.settle(ledger.reserve(method=UPLOAD, account="a", operation_id="op"), sent=True)
    ledger.close_bucket("uploads", reason="rateLimitExceeded")
    stand.now += timedelta(seconds=3)
    for one in (ledger, other):
        with pytest.raises(QuotaRefused) as refusal:
            one.reserve(method=UPLOAD, account="a", priority=Priority.CRITICAL)
        assert refusal.value.reason == "bucketClosedByGoogle"
        assert refusal.value.retry_at == next_reset(NOON)
        assert one.usage()["uploads"]["mode"] == Mode.EXHAUSTED
    closed = ledger.usage()["uploads"]["closed"]
    assert closed is not None
    assert (closed["drift"], closed["used"], closed["reason"]) == (99, 1, "rateLimitExceeded")
    assert ledger.reserve(method=UPDATE, account="a").cost == 50
    assert ledger.quote([Work(calls={UPLOAD: 1})]).later[0].reason == "bucketClosedByGoogle"
    stand.now = next_reset(NOON) + timedelta(minutes=2)
    assert ledger.reserve(method=UPLOAD, account="a").cost == 1


@pytest.mark.case("P17")
def test_a_refusal_by_google_just_after_midnight_does_not_cost_the_new_day():
    stand = Stand(next_reset(NOON) + timedelta(seconds=30))
    ledger = stand.ledger()
    ledger.close_bucket("uploads", reason="quotaExceeded")
    with pytest.raises(QuotaRefused) as refusal:
        ledger.reserve(method=UPLOAD, account="a")
    stand.now = next_reset(NOON) + timedelta(minutes=2)
    with pytest.raises(QuotaRefused) as refusal:
        ledger.reserve(method=UPLOAD, account="a")
    assert refusal.value.retry_at == next_reset(NOON) + timedelta(minutes=5)
    stand.now = refusal.value.retry_at
    assert ledger.reserve(method=UPLOAD, account="a").cost == 1


@pytest.mark.fault(20)
def test_a_crash_between_reserve_and_settle_is_charged_once():
    stand = Stand()
    ledger = stand.ledger()
    held = ledger.reserve(method=UPLOAD, account="a", operation_id="op")
    assert ledger.sweep() == 0
    stand.now += timedelta(hours=2)
    assert (ledger.sweep(), ledger.sweep()) == (1, 0)
    ledger.settle(held, sent=False)
    ledger.settle(held, sent=True)
    figures = ledger.usage()["uploads"]
    assert (figures["used"], figures["reserved"]) == (1, 0)


def test_a_settled_operation_that_calls_again_is_charged_again():
    ledger = Stand().ledger()
    for attempt in (1, 2):
        ledger.settle(ledger.reserve(method=UPLOAD, account="a", operation_id="op"), sent=True)
        assert ledger.usage()["uploads"]["used"] == attempt


def test_an_operation_pays_for_each_of_its_methods():
    ledger = Stand().ledger()
    methods = (UPLOAD, THUMBNAIL, UPDATE)
    assert [ledger.reserve(method=m, account="a", operation_id="op").cost for m in methods] == [1, 50, 50]


def test_an_operation_id_may_be_any_text():
    ledger = Stand().ledger()
    for name in ("a/b", ".", "..", "__x__", "ü" * 500, "a b"):
        first = ledger.reserve(method=UPLOAD, account="a", operation_id=name)
        again = ledger.reserve(method=UPLOAD, account="a", operation_id=name)
        assert first.entry.token == again.entry.token


def test_a_repeated_refusal_is_remembered_for_a_moment_and_written_once_a_minute():
    stand = Stand()
    ledger = stand.ledger("current", "uploads=1")
    ledger.reserve(method=UPLOAD, account="a")
    for _ in range(50):
        with pytest.raises(QuotaRefused):
            ledger.reserve(method=UPLOAD, account="a")
    before = stand.store.commits
    with pytest.raises(QuotaRefused):
        ledger.reserve(method=UPLOAD, account="a")
    assert stand.store.commits == before


@pytest.mark.fault(43)
def test_reading_by_night_leaves_units_for_looking_for_new_videos_while_push_is_silent():
    stand = Stand()
    ledger = stand.ledger("current", "default=1000")
    stand.now = next_off_peak(NOON)
    background = {"method": "youtube.videos.list", "account": "system", "priority": Priority.BACKGROUND}
    system = ledger.profile.bucket("default").system
    with pytest.raises(QuotaRefused):
        ledger.reserve(**background, count=system, least=system)
    assert ledger.reserve(**background, count=system // 5).cost == system // 5
    kept = ledger.profile.bucket("default").kept
    looking = ledger.reserve(
        method="youtube.channels.list", account="system", priority=Priority.PROMPT, count=kept // 2
    )
    assert looking.entry.loans == ()


def test_levels_are_of_the_buckets_that_were_asked_of_today_with_what_google_said_of_them():
    stand = Stand()
    ledger = stand.ledger()
    assert ledger.levels() == []
    ledger.settle(ledger.reserve(method=UPLOAD, account="u1"), sent=True)
    ledger.settle(ledger.reserve(method=UPDATE, account="u1"), sent=True)
    ledger.close_bucket("uploads", reason="quotaExceeded")
    levels = {each.bucket.name: each for each in ledger.levels()}
    assert {name: each.forecast.used for name, each in levels.items()} == {"uploads": 1, "default": 50}
    assert levels["default"].closed is None
    assert levels["uploads"].closed is not None
    assert (levels["uploads"].closed["drift"], levels["uploads"].bucket.limit) == (99, 100)
    stand.now = next_reset(NOON) + timedelta(minutes=10)
    assert ledger.levels() == []


def test_a_method_that_rests_is_put_off_where_it_can_wait_and_another_of_its_bucket_is_not():
    stand = Stand()
    ledger = stand.ledger()
    listing = "youtube.videos.list"
    ledger.rest(listing, NOON + timedelta(minutes=15))  # a day that nobody has begun: nothing to put off
    ledger.reserve(method=listing, account="u1")
    ledger.rest(listing, NOON + timedelta(minutes=15))
    stand.now += timedelta(seconds=3)
    with pytest.raises(QuotaRefused) as refusal:
        ledger.reserve(method=listing, account="u2")
    assert (refusal.value.reason, refusal.value.retry_at) == ("resting", NOON + timedelta(minutes=15))
    ledger.reserve(method=listing, account="u2", priority=Priority.HIGH)
    ledger.reserve(method="youtube.channels.list", account="u2")
    stand.now = NOON + timedelta(minutes=15)
    ledger.reserve(method=listing, account="u2")
