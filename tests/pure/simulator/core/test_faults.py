"""Which request a fault hits, and how it looks to a client."""

from __future__ import annotations

import pytest

from infra.local.simulator import discovery
from infra.local.simulator.faults import REASONS, Faults, WrongFault, parse

LIST = "youtube.videos.list"


def hits(spec: dict[str, object], requests: int = 10, **params: str) -> list[int]:
    """The numbers of the requests that a fault hits."""
    faults = Faults()
    faults.add(parse({"method": LIST, **spec}))
    return [number for number in range(requests) if faults.take(LIST, params)]


def test_a_fault_strikes_as_often_as_told():
    assert hits({"kind": "backendError", "times": 2}) == [0, 1]
    assert hits({"kind": "backendError", "times": 1, "skip": 3}) == [3]
    assert hits({"kind": "backendError"}) == list(range(10))


def test_a_probability_with_a_seed_strikes_the_same_requests_again():
    spec = {"kind": "backendError", "probability": 0.3, "seed": 7}
    first = hits(spec, 200)
    assert first == hits(spec, 200)
    assert 30 < len(first) < 90
    assert first != hits({**spec, "seed": 8}, 200)


def test_a_fault_can_choose_its_victim():
    spec = {"kind": "backendError", "match": {"channel": "UC1"}}
    assert hits(spec, 2, channel="UC1") == [0, 1]
    assert hits(spec, 2, channel="UC2") == []


def test_another_method_is_left_alone():
    faults = Faults()
    faults.add(parse({"method": "oauth.token", "kind": "invalid_grant"}))
    assert faults.take(LIST, {}) is None
    assert faults.take("oauth.token", {}) is not None


def test_the_first_fault_that_strikes_wins_and_clearing_is_by_method():
    faults = Faults()
    faults.add(parse({"method": LIST, "kind": "html", "times": 1}))
    faults.add(parse({"kind": "empty"}))
    assert [fault.kind for fault in (faults.take(LIST, {}), faults.take(LIST, {})) if fault] == ["html", "empty"]
    assert faults.clear(LIST) == 1
    assert faults.clear() == 1
    assert not faults.active


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_every_known_reason_can_be_injected(reason: str):
    error = parse({"method": LIST, "kind": reason}).error(LIST)
    assert error.reason == reason
    assert 400 <= error.status < 600


@pytest.mark.parametrize(
    ("method", "status", "words"),
    [
        (LIST, 403, "exceeded your"),
        ("youtube.videos.insert", 429, "Video Uploads per day"),
        ("youtubereporting.jobs.list", 429, "FreeQuotaRequestsPerDayPerProject"),
    ],
)
def test_quota_speaks_each_buckets_language(method: str, status: int, words: str):
    error = parse({"method": method, "kind": "quota"}).error(method)
    assert error.status == status
    assert words in error.message


def test_the_two_meanings_of_rate_limit_exceeded_differ_in_their_words():
    method = "youtube.videos.insert"
    daily, short = parse({"kind": "quota"}).error(method), parse({"kind": "rate"}).error(method)
    assert daily.reason == short.reason == "rateLimitExceeded"
    assert "per day" in daily.message
    assert "per day" not in short.message


@pytest.mark.parametrize(
    ("spec", "replaces"),
    [
        ({"kind": "backendError"}, True),
        ({"kind": "error", "status": 502}, True),
        ({"kind": "html", "status": 403}, True),
        ({"kind": "reset"}, True),
        ({"kind": "channelSuspended"}, True),
        ({"kind": "quota"}, True),
        ({"kind": "quotaExceeded"}, True),
        ({"kind": "rateLimitExceeded"}, True),
        ({"kind": "denied", "reason": "videoNotFound"}, False),
        ({"kind": "delay", "seconds": 1}, False),
    ],
)
def test_what_answers_in_the_methods_place_counts_in_its_place(spec: dict[str, object], replaces: bool):
    assert parse({"method": LIST, **spec}).replaces is replaces


@pytest.mark.parametrize(
    "spec",
    [
        {"method": "youtube.videos.lost"},
        {"kind": "earthquake"},
        {"kind": "html", "colour": "red"},
    ],
)
def test_a_fault_that_nobody_knows_is_refused(spec: dict[str, object]):
    with pytest.raises(WrongFault, match="unknown"):
        parse(spec)


def test_every_api_method_can_be_hit():
    for method in discovery.methods():
        assert parse({"method": method}).method == method
