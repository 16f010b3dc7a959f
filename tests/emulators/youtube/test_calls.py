"""A call and everything around it, against the simulator: paid once for each request, classified, logged."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from shared.clock import next_reset
from shared.errors import (
    Forbidden,
    InvalidRequest,
    NotFound,
    QuotaRefused,
    RateLimited,
    ReauthRequired,
    Unavailable,
    YtempireError,
)
from shared.quota.ledger import Ledger
from shared.rate_limits.limits import RateLimit
from shared.youtube import data
from shared.youtube.faults import fault_of
from tests.emulators.youtube.stand import SCOPES


def counted(stand):
    """Both counts, which must agree."""
    ours, googles = stand.ours(), stand.googles()
    assert ours == googles
    return {name: units for name, units in ours.items() if units}


def test_a_channel_learns_who_it_is(stand):
    channel = data.my_channel(stand.caller())
    assert (channel.id, channel.title) == (stand.channel().id, stand.channel().title)
    assert channel.uploads_playlist
    assert counted(stand) == {"default": 1}


def test_one_call_is_one_record_with_everything_but_secrets(stand):
    caller = stand.caller(operation_id="op-1")
    data.my_channel(caller)
    (call,) = stand.calls
    assert (call.endpoint, call.bucket, call.quota_cost, call.status) == (
        "youtube.channels.list",
        "default",
        1,
        "success",
    )
    assert (call.http_status, call.channel_id, call.operation_id, call.attempt) == (
        200,
        stand.channel().id,
        "op-1",
        1,
    )
    assert call.response_time_ms > 0


@pytest.mark.fault(18)
def test_no_record_holds_a_secret(stand):
    caller = stand.caller()
    stand.inject(method="youtube.channels.list", kind="badRequest", times=1)
    with pytest.raises(InvalidRequest):
        data.my_channel(caller)
    data.my_channel(caller)
    written = json.dumps([asdict(call) for call in stand.calls], default=str)
    issued = [secret for secrets in stand.simulator.journal.secrets().values() for secret in secrets]
    assert issued
    assert not [secret for secret in issued if secret in written]


def test_an_expired_token_is_renewed_once_and_both_requests_are_paid_for(stand):
    caller = stand.caller()
    stand.simulator.grants.expire_access()
    assert data.my_channel(caller).id == stand.channel().id
    assert caller.tokens.renewals == 1
    assert [call.attempt for call in stand.calls] == [1, 2]
    assert [call.reason for call in stand.calls] == ["authError", None]
    assert stand.ours()["default"] == stand.googles()["default"] == 2


@pytest.mark.case("C12")
@pytest.mark.parametrize("kind", ["forbidden", "accessNotConfigured", "rate", "quota", "backendError", "html"])
def test_a_refused_request_costs_its_whole_price_by_our_count_and_by_googles(stand, kind):
    stand.inject(method="youtube.captions.list", times=1, kind=kind)
    caller = stand.caller(scopes=(*SCOPES, "youtube.force-ssl"))
    with pytest.raises(YtempireError):
        data.captions_list(caller, "aaaaaaaaaaa")
    assert stand.ours()["default"] == stand.googles()["default"] == 50


def test_a_token_that_is_refused_twice_asks_a_person(stand):
    caller = stand.caller()
    stand.inject(method="youtube.channels.list", kind="authError", times=2)
    with pytest.raises(ReauthRequired) as refused:
        data.my_channel(caller)
    assert refused.value.reason == "authRefused"
    assert len(stand.calls) == 2


@pytest.mark.fault(22)
def test_when_google_says_that_the_quota_is_spent_the_bucket_closes_until_its_reset(stand):
    caller = stand.caller()
    stand.inject(method="youtube.channels.list", kind="quotaExceeded", times=1)
    with pytest.raises(QuotaRefused) as refused:
        data.my_channel(caller)
    assert refused.value.retry_at == next_reset(stand.clock())
    sent = len(stand.calls)
    with pytest.raises(QuotaRefused):
        data.my_channel(caller)
    assert len(stand.calls) == sent
    stand.simulator.timepiece.set(next_reset(stand.clock()) + timedelta(minutes=3))
    assert data.my_channel(stand.caller()).id


def test_too_many_in_a_minute_is_a_rate_and_closes_nothing(stand):
    stand.inject(method="youtube.channels.list", kind="rate", times=1)
    with pytest.raises(RateLimited):
        data.my_channel(stand.caller())
    assert data.my_channel(stand.caller()).id


@pytest.mark.fault(36)
@pytest.mark.parametrize(
    ("spec", "error", "reason"),
    [
        ({"kind": "html", "status": 403}, Forbidden, "unclassified403"),
        ({"kind": "html", "status": 502}, Unavailable, "unclassified5xx"),
        ({"kind": "empty", "status": 500}, Unavailable, "unclassified5xx"),
        ({"kind": "truncated"}, Unavailable, "unreadableAnswer"),
        ({"kind": "reset"}, Unavailable, "connectionLost"),
        ({"kind": "drop"}, Unavailable, "connectionLost"),
        ({"kind": "backendError"}, Unavailable, "backendError"),
    ],
)
def test_whatever_comes_back_is_one_typed_fault(stand, spec, error, reason):
    stand.inject(method="youtube.channels.list", times=1, **spec)
    with pytest.raises(error) as met:
        data.my_channel(stand.caller())
    assert (met.value.reason, fault_of(met.value).reason) == (reason, reason)
    assert stand.calls[-1].reason == reason
    assert stand.ours()["default"] == 1  # sent, so charged


@pytest.mark.fault(36)
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_honoured_in_both_forms(stand, form):
    caller = stand.caller()
    stand.inject(
        method="youtube.channels.list", kind="backendError", times=1, retry_after=120, retry_after_form=form
    )
    before = stand.clock()
    with pytest.raises(Unavailable) as met:
        data.my_channel(caller)
    assert timedelta(seconds=110) < met.value.retry_at - before < timedelta(seconds=130)


def test_a_refused_connection_costs_nothing(stand):
    caller = stand.caller()
    object.__setattr__(caller.settings, "youtube_root", "http://127.0.0.1:9")
    with pytest.raises(Unavailable) as met:
        data.my_channel(caller)
    assert met.value.reason == "connectionFailed"
    assert stand.ours()["default"] == 0


def test_a_call_that_comes_too_fast_sets_no_quota_aside_and_writes_nothing(stand):
    caller = stand.caller()
    limit = RateLimit(name="tight", methods=("youtube.channels.list",), per=("project",), calls=1, window=60)
    first, caller = (replace(caller, limiter=stand.limiter_of(limit)) for _ in range(2))
    first.limiter.admit(method="youtube.channels.list", user="somebody")
    with pytest.raises(RateLimited) as met:
        data.my_channel(caller)
    assert met.value.retry_at is not None
    assert not list(stand.firestore.collection("quota").stream())
    assert stand.calls == []


def test_a_call_that_the_quota_refuses_takes_nobodys_place_in_a_rate_limit(stand):
    limit = RateLimit(name="tight", methods=("youtube.channels.list",), per=("project",), calls=1, window=60)
    caller = replace(stand.caller(), limiter=stand.limiter_of(limit))
    stand.ledger.close_bucket("default", reason="quotaExceeded")
    with pytest.raises(QuotaRefused):
        data.my_channel(caller)
    assert not list(stand.firestore.collection("rate_limits").stream())


class Killed(BaseException):
    """The end of a process."""


class Mortal(Ledger):
    """A ledger whose process dies when it is about to settle."""

    def settle(self, reservation, *, sent):
        raise Killed


@pytest.mark.fault(20)
def test_a_request_that_follows_a_crash_pays_for_itself_and_so_does_the_one_before(stand):
    caller = stand.caller(operation_id="op-1")
    dying = Mortal(stand.firestore, stand.ledger.profile, stand.clock)
    with pytest.raises(Killed):
        data.my_channel(replace(caller, quota=dying))
    data.my_channel(caller)
    assert counted(stand) == {"default": 2}
    assert stand.ledger.sweep(stand.clock() + timedelta(hours=2)) == 0  # it was charged before it was sent
    assert counted(stand) == {"default": 2}


def test_a_missing_scope_asks_for_consent_and_not_for_a_refresh(stand):
    caller = stand.caller(scopes=("yt-analytics.readonly",))
    with pytest.raises(ReauthRequired) as refused:
        data.my_channel(caller)
    assert refused.value.reason == "insufficientPermissions"
    assert caller.tokens.renewals == 0


@pytest.mark.fault(35)
def test_ids_that_youtube_does_not_show_are_named(stand):
    caller = stand.caller()
    playlist = data.my_channel(caller).uploads_playlist
    known = [item.video_id for item in data.playlist_items(caller, playlist).items][:3]
    listed = data.videos(caller, [*known, "AAAAAAAAAAA"])
    assert [video.id for video in listed.videos] == known
    assert listed.absent == ("AAAAAAAAAAA",)
    assert {stats.id for stats in data.batch_get_stats(caller, known)} <= set(known)


def test_writing_to_a_missing_video_says_so(stand):
    with pytest.raises(NotFound) as missing:
        data.videos_update(stand.caller(), "AAAAAAAAAAA", {"snippet": {"title": "x", "categoryId": "22"}})
    assert missing.value.reason == "videoNotFound"


def test_threads_share_the_pool(stand):
    callers = [stand.caller(user, place) for user in (1, 2) for place in (0, 1)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(data.my_channel, callers * 5))
    assert [channel.id for channel in found] == [caller.context.channel_id for caller in callers] * 5
    assert counted(stand) == {"default": 20}
