"""The small decisions: what an update writes, what a file is, which addresses are public, how states follow."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.deployment import deployment
from shared.clock import PACIFIC, next_reset
from shared.errors import InvalidRequest, QuotaRefused, RateLimited, Unavailable
from shared.publishing import media
from shared.publishing.address import checked, is_public, target
from shared.publishing.operation import ENDED, NEXT, Operation, State
from shared.publishing.plan import WRITABLE, merged
from shared.publishing.retries import LOOKS, retry_decision
from shared.publishing.tasks import FUNCTION, MAX_DELIVERIES, QUEUE
from shared.quota.calendar import DOUBT
from shared.youtube.faults import as_error, damaged
from shared.youtube.policy import Action, policy

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
values = st.text(max_size=5) | st.booleans()
snippets = st.fixed_dictionaries(
    {"title": st.text(min_size=1), "categoryId": st.just("22")},
    optional={
        "tags": st.lists(st.text(), min_size=1),
        "description": st.text(),
        "channelTitle": st.text(),
    },
)


def operation(**changes):
    made = {
        "id": "op-1", "fingerprint": "f", "channel_id": "UC1", "user_id": "u", "kind": "upload", "work": {},
        "steps": ("transfer",), "state": State.QUEUED, "created_at": NOW, "updated_at": NOW, "due_at": NOW,
    }  # fmt: skip
    return Operation(**{**made, **changes})


@given(snippets, snippets)
def test_an_update_keeps_every_field_that_it_does_not_change(current, wanted):
    changes = {name: value for name, value in wanted.items() if name in WRITABLE["snippet"]}
    written = merged({"snippet": current}, {"snippet": changes}).get("snippet", current)
    for name in WRITABLE["snippet"]:
        assert written.get(name) == changes.get(name, current.get(name))


@given(snippets)
def test_an_update_that_changes_nothing_writes_nothing(current):
    wanted = {"title": current["title"]}
    assert merged({"snippet": current}, {"snippet": wanted}) == {}


def test_what_is_youtubes_own_is_not_sent_back():
    written = merged(
        {"snippet": {"title": "a", "categoryId": "1", "channelTitle": "x"}}, {"snippet": {"title": "b"}}
    )
    assert written == {"snippet": {"title": "b", "categoryId": "1"}}


@pytest.mark.case("P23")
def test_a_schedule_is_removed_by_null_and_everything_else_of_the_status_stays():
    current = {"status": {"privacyStatus": "private", "publishAt": "2026-12-01T00:00:00Z", "license": "youtube"}}
    written = merged(current, {"status": {"publishAt": None}})
    assert written == {"status": {"privacyStatus": "private", "license": "youtube"}}
    assert merged({"status": written["status"]}, {"status": {"publishAt": None}}) == {}


def test_a_schedule_ends_with_being_private():
    current = {"status": {"privacyStatus": "private", "publishAt": "2026-12-01T00:00:00Z"}}
    assert merged(current, {"status": {"privacyStatus": "public"}}) == {"status": {"privacyStatus": "public"}}


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
     "255.255.255.255", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
     "64:ff9b::7f00:1", "2002:7f00:1::", "::", "ff02::1", "198.18.0.1", "::ffff:8.8.8.8", "64:ff9b::808:808",
     "64:ff9b:1::808:808", "2002:808:808::1", "2001::1", "2001:0:53aa:64c::1", "2001:20::1", "2001:db8::1",
     "3fff::1", "5f00::1", "4000::1", "fec0::1", "100::1", "::8.8.8.8"],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(address):
    assert not is_public(address)
    with pytest.raises(InvalidRequest) as refused:
        target("https://files.example/x", field="source.url", resolver=lambda _host: [address])
    assert (refused.value.field, refused.value.reason) == ("source.url", "sourceNotPublic")


@pytest.mark.parametrize("address", ["8.8.8.8", "2607:f8b0:4004:800::200e", "2001:4860:4860::8888", "1.1.1.1"])
def test_public_addresses_are_taken_and_held_to(address):
    found = target("https://files.example/a?b=c", field="f", resolver=lambda _host: [address])
    assert found.addresses == (address,)


def test_a_few_of_a_hosts_addresses_are_tried_and_those_that_every_machine_can_reach_first():
    known = ["2607:f8b0:4004:800::1", "8.8.8.8", "2607:f8b0:4004:800::2", "1.1.1.1", "2607:f8b0:4004:800::3"]
    found = target("https://files.example/", field="f", resolver=lambda _host: known)
    assert found.addresses == ("8.8.8.8", "1.1.1.1", "2607:f8b0:4004:800::1", "2607:f8b0:4004:800::2")


def test_one_private_address_among_public_ones_is_enough_to_refuse():
    with pytest.raises(InvalidRequest):
        target("https://files.example/x", field="f", resolver=lambda _host: ["8.8.8.8", "10.0.0.1"])


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/x", "https://[::1]/x", "https://2130706433/", "https://0x7f.1/"]
)
def test_addresses_written_as_hosts_are_resolved_and_refused_too(url):
    checked(url, field="f")
    with pytest.raises((InvalidRequest, Unavailable)):
        target(url, field="f")


@pytest.mark.case("P5")
@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x00\x00\x00\x18ftypmp42", "video/mp4"),
        (b"\x1a\x45\xdf\xa3\x01", "video/x-matroska"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "video/x-msvideo"),
        (b"G" + bytes(187) + b"G" + bytes(187) + b"G" + bytes(187), "video/mp2t"),
        (b"\x00\x00\x00\x08skip\x00\x00", media.UNKNOWN),
        (b"\x00\x00\x00\x08free\x00\x00", media.UNKNOWN),
        (b"\x00\x00\x00\x14pnot\x00\x00", media.UNKNOWN),
        (b"\x00\x00\x00\x28uuid\xbe\x7a", media.UNKNOWN),
        (b"\x00\x00\x00\x18stypmsdh\x00\x00", media.UNKNOWN),
        (b"\x06\x0e\x2b\x34\x02\x05\x01\x01", media.UNKNOWN),
    ],
)
def test_a_video_is_announced_by_its_first_bytes_and_what_we_do_not_know_is_youtubes_to_decide(head, kind):
    assert (media.no_video(head), media.video_type(head)) == (None, kind)


@pytest.mark.case("P5")
@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"PK\x03\x04", "an archive"),
        (b"%PDF-1.7", "a document"),
        (b"just text, in \xc3\xbc", "a text"),
        ("テキスト".encode()[:-1], "a text"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "a picture"),
        (b"GIF89a", "a picture"),
        (b"\x00\x00\x00\x18ftypheic", "a picture"),
        (b"", "a text"),
    ],
)
def test_what_surely_is_no_video_is_known_and_named(head, what):
    assert media.no_video(head) == what


@given(st.binary(max_size=600))
def test_any_bytes_are_looked_at_without_harm(head):
    media.video_type(head), media.image_type(head), media.no_video(head)


def test_states_follow_each_other_only_as_drawn():
    for state, allowed in NEXT.items():
        for to in State:
            if to in allowed:
                assert operation(state=state).moved(to, NOW).history[-1].state is to
            else:
                with pytest.raises(ValueError, match="does not go"):
                    operation(state=state).moved(to, NOW)


def test_what_has_ended_is_due_never_and_forgotten_in_time():
    for state in ENDED:
        ended = operation(state=State.RUNNING).moved(state, NOW)
        assert ended.due_at is None
        assert ended.expires_at > NOW


def decided(error, **changes):
    return retry_decision(operation(**changes), error, clock=lambda: NOW, rng=random.Random(1))


def test_a_quota_that_says_tomorrow_waits_until_just_after_the_reset():
    decision = decided(QuotaRefused("no", reason="bucketSpent", retry_at=next_reset(NOW)))
    assert decision.action is Action.DEFER_TO_TOMORROW
    assert next_reset(NOW) < decision.at < next_reset(NOW) + timedelta(minutes=31)


@pytest.mark.fault(25)
@pytest.mark.parametrize(
    "error",
    [
        QuotaRefused("no", reason="bucketSpent", retry_at=next_reset(NOW)),
        as_error(damaged("quotaExceeded"), clock=lambda: NOW),
    ],
    ids=["our quota", "Google"],
)
def test_a_thousand_operations_deferred_to_one_midnight_come_spread_over_half_an_hour(error):
    rng = random.Random(25)
    decisions = [retry_decision(operation(), error, clock=lambda: NOW, rng=rng) for _ in range(1000)]
    waits = [decision.at - next_reset(NOW) for decision in decisions]
    per_minute = Counter(wait // timedelta(minutes=1) for wait in waits)
    assert len(per_minute) >= 30
    assert max(per_minute.values()) < 80
    assert min(waits) > timedelta(0)


@pytest.mark.fault(21)
@pytest.mark.parametrize(("month", "day", "hours"), [(3, 8, 23), (11, 1, 25), (6, 1, 24)])
def test_an_operation_deferred_in_a_day_of_any_length_runs_after_the_whole_of_it(month, day, hours):
    midnight = datetime(2026, month, day, tzinfo=PACIFIC).astimezone(UTC)
    clock = lambda: midnight + DOUBT  # noqa: E731
    error = as_error(damaged("quotaExceeded"), clock=clock)
    decision = retry_decision(operation(), error, clock=clock, rng=random.Random(21))
    assert timedelta(hours=hours) < decision.at - midnight < timedelta(hours=hours, minutes=31)


@pytest.mark.case("P17")
@pytest.mark.parametrize("seconds", [1, 120, 299])
def test_a_refusal_just_after_midnight_may_mean_yesterday_and_is_asked_again_minutes_later(seconds):
    now = datetime(2026, 11, 22, tzinfo=PACIFIC).astimezone(UTC) + timedelta(seconds=seconds)
    decision = retry_decision(
        operation(), as_error(damaged("quotaExceeded"), clock=lambda: now), clock=lambda: now, rng=random.Random(1)
    )
    assert decision.action is Action.RETRY
    assert DOUBT <= decision.at - now <= 2 * DOUBT


@pytest.mark.case("P2")
def test_what_is_missing_is_looked_for_five_times_before_it_counts_as_gone():
    error, retries = as_error(damaged("videoNotFound"), clock=lambda: NOW), {}
    waited = timedelta(0)
    for wait in LOOKS:
        decision = decided(error, retries=dict(retries))
        assert (decision.action, wait <= decision.at - NOW) == (Action.LOOK_AGAIN, True)
        retries[decision.reason] = decision.attempt
        waited += wait
    assert waited > timedelta(minutes=5)
    assert decided(error, retries=retries).action is Action.MARK_AS_DELETED


def test_a_limiter_that_says_in_a_minute_waits_a_minute():
    decision = decided(RateLimited("no", retry_at=NOW + timedelta(minutes=1)))
    assert NOW + timedelta(minutes=1) <= decision.at <= NOW + timedelta(minutes=1, seconds=5)


def test_a_source_that_does_not_answer_is_asked_again_and_then_given_up():
    error = Unavailable("no", reason="sourceUnreachable")
    assert decided(error).action is Action.RETRY
    assert decided(error, retries={"sourceUnreachable": 8}).action is Action.FAIL


def test_trouble_of_our_own_is_counted_under_its_own_name_and_ends():
    error, retries = Unavailable("no", reason="ledgerUnavailable"), {}
    for action in [Action.RETRY] * 10 + [Action.RETRY_LATER] * len(policy().retry_later):
        decision = decided(error, retries=dict(retries))
        assert (decision.action, decision.reason) == (action, "ledgerUnavailable")
        retries[decision.reason] = decision.attempt
    assert decided(error, retries=retries).action is Action.FAIL


def test_a_mistake_in_the_request_is_not_retried():
    assert decided(InvalidRequest("no", field="title")).action is Action.FAIL


def test_a_failed_processing_is_looked_at_five_times_every_five_minutes():
    error = as_error(damaged("processingFailure"), clock=lambda: NOW)
    assert decided(error).at == NOW + timedelta(minutes=5)
    assert decided(error, retries={"processingFailure": 5}).action is Action.FAIL


def test_the_queue_gives_up_when_the_code_says_that_it_does():
    assert deployment().queues[QUEUE].max_attempts == MAX_DELIVERIES
    assert "task-queues" in deployment().functions[FUNCTION].callers
