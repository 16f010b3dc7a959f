"""What is wrong enough for long enough is an alarm: the table, its boundaries, each alarm's fault and end."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from infra.deployment import ROOT, deployment
from infra.faults import Outcome
from shared.collection.call_log import LONG, SHORT, SLOW_MS
from shared.console.alarms import rows
from shared.data_map import DEAD_LETTERS
from shared.monitoring import alerts
from shared.monitoring.alerts import Alert
from shared.quota.opening import forecast_of
from shared.quota.profile import load
from shared.quota.usage import Level
from shared.tokens.health import THRESHOLD
from shared.watch import conditions
from shared.watch.conditions import (
    ALARMS,
    CALLS_MIN,
    CONDITIONS,
    ERROR_RATE,
    INTERVAL,
    MOST,
    RESPONSE_TIME,
    SILENT_AFTER,
    WATCH,
    Seen,
    alarm,
    alarms,
    rates,
)
from shared.watch.reading import READERS, RECENT, levels_seen
from shared.watch.watching import digest, notice

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)  # 04:00 in Los Angeles
SECOND = timedelta(seconds=1)
LIST = "youtube.videos.list"
PROFILE = load("current")
ERASURES, OPERATIONS, CALL_LOG = (ALARMS[key] for key in ("erasures", "operations", "callLog"))
QUOTA_USED, QUOTA_FORECAST, QUOTA_DRIFT = (
    ALARMS[key] for key in ("youtube_api_quota_used", "quotaForecast", "quotaDrift")
)
REFRESH_FAILURES = ALARMS["youtube_oauth_refresh_failures"]


def since(*ages: timedelta, value: float = 0) -> list[Seen]:
    return [Seen(since=NOW - age, value=value) for age in ages]


def level(name: str = "default", used: int = 0, *, hours: list[int] | None = None, **closed: Any) -> Level:
    bucket = PROFILE.bucket(name)
    forecast = forecast_of(bucket, used, hours or [0] * 25, NOW.date(), NOW)
    return Level(bucket=bucket, forecast=forecast, closed=closed or None)


def called(calls: int, bad: int, lately: int, bad_lately: int, *, slow: bool = False) -> dict[str, Any]:
    def counts(total: int, of_them: int) -> list[int]:
        return [total, 0, of_them] if slow else [total, of_them, 0]

    reasons = {} if slow else {"quotaExceeded": 1, "backendError": bad}
    return {LIST: {"long": counts(calls, bad), "short": counts(lately, bad_lately), "reasons": reasons}}


DECLARED = yaml.safe_load((ROOT / "tests" / "faults" / "alarms.yaml").read_text())
FAULTS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "deadLetters": (lambda: since(SECOND), list),
    "erasures": (lambda: since(timedelta(hours=1)), lambda: since(timedelta(minutes=59))),
    "operations": (lambda: since(timedelta(hours=2)), lambda: since(timedelta(minutes=119))),
    "youtube_api_quota_used": (
        lambda: levels_seen([level(used=8_000)], NOW)[QUOTA_USED.key],
        lambda: levels_seen([level(used=7_999), level("batchGetStats", 9_000)], NOW)[QUOTA_USED.key],
    ),
    "quotaForecast": (
        lambda: levels_seen([level(used=3_000, hours=[750] * 4)], NOW)[QUOTA_FORECAST.key],
        lambda: levels_seen([level(used=2_499, hours=[750] * 4), level(used=3_000)], NOW)[QUOTA_FORECAST.key],
    ),
    "quotaDrift": (
        lambda: levels_seen([level(used=4_000, at=NOW, drift=500)], NOW)[QUOTA_DRIFT.key],
        lambda: levels_seen([level(used=4_000, at=NOW, drift=499)], NOW)[QUOTA_DRIFT.key],
    ),
    "youtube_api_error_rate": (
        lambda: rates(called(100, 5, 20, 1), NOW)[ERROR_RATE.key],
        lambda: rates(called(100, 50, 20, 0), NOW)[ERROR_RATE.key],  # the last ten minutes are well
    ),
    "youtube_api_response_time_ms": (
        lambda: rates(called(100, 5, 20, 1, slow=True), NOW)[RESPONSE_TIME.key],
        lambda: rates(called(100, 4, 20, 20, slow=True), NOW)[RESPONSE_TIME.key],  # the hour is well
    ),
    "youtube_oauth_refresh_failures": (
        lambda: since(SECOND, value=THRESHOLD),
        lambda: since(SECOND, value=THRESHOLD - 1),
    ),
    "lostCapabilities": (lambda: [Seen(since=NOW, what="UC1: captions (insufficientPermissions)")], list),
    "certificates": (
        lambda: [Seen(since=NOW, what="UC1 2026-10, channel_basic_a3 2026-10-30: rows: 3 rows, not 4")],
        list,
    ),
    "unverified": (lambda: since(timedelta(days=2)), lambda: since(timedelta(hours=47))),
    "leases": (lambda: since(timedelta(hours=6)), lambda: since(timedelta(hours=5))),
    "callLog": (lambda: since(timedelta(minutes=30)), lambda: since(timedelta(minutes=29))),
}
"""Each alarm of the watch: what opens it, what ends it. What it then says: tests/faults/alarms.yaml."""


@pytest.mark.alarm("quotaForecast", "quotaDrift", "youtube_oauth_refresh_failures", "leases", "unverified")
@pytest.mark.parametrize("key", FAULTS)
def test_every_alarm_of_the_watch_opens_by_its_fault_with_the_notice_that_is_declared_and_ends(key):
    fault, end = FAULTS[key]
    assert alarms({key: fault()}, NOW, app="https://app.example") == {key: DECLARED[key]["notice"]}
    assert alarms({key: end()}, NOW) == {}


def test_every_alarm_has_its_fault_its_end_and_a_test_that_injects_it():
    assert FAULTS.keys() == {each.key for each in CONDITIONS}
    assert list(DECLARED) == list(ALARMS)
    table = (ROOT / "infra" / "docs" / "watching.md").read_text().partition("<!-- alarm faults -->")[2]
    assert table.count("`test_") >= len(ALARMS)
    assert Outcome.NO_TEST.value not in table


def test_more_than_are_looked_at_is_said():
    late = since(*[OPERATIONS.after + SECOND] * MOST)
    assert f": {MOST - 1}, " in alarm(OPERATIONS, late[1:], NOW)
    assert f": {MOST} or more, " in alarm(OPERATIONS, late, NOW)


def test_an_alarm_names_the_worst_first_and_how_many_more():
    seen = [Seen(since=NOW, value=10_000 + number, what=f"b{number}") for number in range(7)]
    assert alarm(QUOTA_USED, seen, NOW).endswith(": b6; b5; b4; b3; b2; and 2 more.")


def test_of_what_could_not_be_read_nothing_is_said():
    late = {ERASURES.key: since(ERASURES.after)}
    assert list(alarms(late, NOW)) == [ERASURES.key]
    assert alarms({}, NOW) == {}


@given(
    st.dictionaries(
        st.sampled_from([each.key for each in CONDITIONS]),
        st.lists(st.tuples(st.integers(0, 1_000), st.floats(0, 20_000)), max_size=MOST),
    )
)
def test_an_alarm_is_open_exactly_while_something_lasts_longer_and_is_worse_than_its_row_allows(seen):
    observed = {
        key: [Seen(since=NOW - timedelta(minutes=age), value=value) for age, value in each]
        for key, each in seen.items()
    }
    found = alarms(observed, NOW).keys()
    allowed = {each.key: (each.after / timedelta(minutes=1), each.level) for each in CONDITIONS}
    assert found == {
        key
        for key, each in seen.items()
        if any(age >= allowed[key][0] and value >= allowed[key][1] for age, value in each)
    }


@pytest.mark.parametrize(("calls", "lately"), [(CALLS_MIN[0] - 1, 10), (100, CALLS_MIN[1] - 1)])
def test_a_few_calls_that_all_fail_say_nothing_of_a_rate(calls, lately):
    assert rates(called(calls, calls, lately, lately), NOW) == {ERROR_RATE.key: [], RESPONSE_TIME.key: []}


def test_the_guide_s_thresholds_stand_and_are_what_the_other_rooms_act_by():
    thresholds = {key: ALARMS[key].threshold for key in ALARMS if key.startswith("youtube_")}
    assert thresholds == {
        "youtube_api_quota_used": 8_000,
        "youtube_api_response_time_ms": 5_000,
        "youtube_api_error_rate": 0.05,
        "youtube_oauth_refresh_failures": 3,
    }
    assert PROFILE.bucket("default").alert == QUOTA_USED.threshold
    assert RESPONSE_TIME.threshold == SLOW_MS
    assert REFRESH_FAILURES.threshold == THRESHOLD
    assert (f"{LONG / timedelta(hours=1):g} hour", SHORT) == ("1 hour", timedelta(minutes=10))
    assert SHORT > INTERVAL  # a run always has the last one's calls
    assert CALL_LOG.after > SHORT


def test_what_is_planned_to_be_spent_is_no_alarm_before_more_is():
    assert levels_seen([level("batchGetStats", 9_000)], NOW)[QUOTA_USED.key] == []
    [seen] = levels_seen([level("batchGetStats", 9_001)], NOW)[QUOTA_USED.key]
    assert seen.value >= QUOTA_USED.level
    assert set(QUOTA_USED.planned) <= PROFILE.buckets.keys()


def test_every_condition_is_read_and_the_console_says_of_each_what_to_do():
    assert (
        len(READERS) == len(CONDITIONS) - 5
    )  # the ledger and the call log tell of three each, certificates of two
    for key, row in ALARMS.items():
        [shown] = rows([Alert(key=f"{key}youtube" if key.endswith(":") else key, since=NOW, message="wrong")])
        assert shown["todo"]["text"] == row.todo
        assert shown["stops"]
        assert row.done


def test_whoever_fires_an_alert_by_a_name_finds_its_row():
    fired = {each for each in vars(alerts) if each.isupper()} & {
        "OAUTH_CLIENT",
        "REPORT_GAPS",
        "REPORT_TYPES",
        "NEW_REPORT_TYPES",
    }
    assert len(fired) == 4
    for name in fired:
        assert conditions.known(getattr(alerts, name)) is not None
    assert conditions.known("check:falls") is ALARMS["check:"]
    assert conditions.known("youtubeApi:youtube") is ALARMS["youtubeApi:"]
    assert conditions.known("unheard of") is None


def test_the_runbook_has_a_section_for_every_alarm_with_what_it_means_what_was_done_and_what_to_do():
    text = (ROOT / conditions.RUNBOOK).read_text()
    sections = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", text, flags=re.DOTALL | re.MULTILINE))
    assert list(sections) == [key.rstrip(":") for key in ALARMS]
    for name, body in sections.items():
        assert re.findall(r"^\*\*(\w+)\.\*\* \S", body, flags=re.MULTILINE) == ["Means", "Done", "Do", "Test"], (
            name
        )
    for each in ALARMS.values():
        assert each.runbook == f"infra/docs/runbook.md#{each.key.rstrip(':').lower()}"


def test_a_threshold_is_in_the_words_of_its_alarm_and_of_its_section():
    text = (ROOT / conditions.RUNBOOK).read_text()
    for figure in ("8,000", "5,000 ms", "5 %"):
        assert figure in text
        assert any(figure in each.says for each in CONDITIONS)


def test_a_storm_is_one_text_that_is_the_same_for_the_same_alarms():
    storm = [
        notice(Alert(key=f"check:{number}", since=NOW, message=f"wrong {number}", severity="ERROR"))
        for number in range(30)
    ]
    text, event = digest(storm)
    lines = text.splitlines()
    assert len(lines) == 21
    assert lines[0] == ("ERROR check:0, since 2026-11-22T12:00:00+00:00: wrong 0 (infra/docs/runbook.md#check)")
    assert lines[-1] == "and 10 more"
    assert digest(storm[::-1])[1] == event
    assert digest(storm[1:])[1] != event
    over = notice(replace(Alert(key="leases", since=NOW, message="wrong"), state=alerts.RESOLVED))
    assert digest([over])[0].startswith("OVER leases, since")


def test_the_watch_runs_as_often_as_it_counts_on():
    cron = CronSim(deployment().schedules["watch"].cron, NOW)
    assert next(cron) + INTERVAL == next(cron)
    assert INTERVAL * 3 / 2 == SILENT_AFTER == WATCH.after


def test_every_dead_letter_topic_is_noted_by_the_watch_and_kept_for_a_person():
    subscriptions = deployment().subscriptions.values()
    for dead in {each.dead_letter_topic for each in subscriptions} - {None}:
        takers = [each.function for each in subscriptions if each.topic == dead]
        assert sorted(takers, key=str) == [None, "watch"]


def test_a_message_that_was_given_up_is_known_for_as_long_as_it_is_an_alarm():
    assert DEAD_LETTERS.keep is not None
    assert DEAD_LETTERS.keep > RECENT
