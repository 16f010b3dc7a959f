"""Operations are listed by channel, state and time of change, page by page; failed ones can be dismissed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.errors import Conflict, InvalidRequest
from shared.publishing import api as module
from shared.publishing.api import handle
from shared.publishing.operation import State


def listed(bench, **filters):
    return handle(bench.submissions, {"action": "list", **filters})


def ids(answer):
    return [each["id"] for each in answer["operations"]]


@pytest.fixture
def asked(bench):
    """Five operations a second apart: three of one channel, two of its neighbour; the first is cancelled last."""
    found = []
    for number in range(5):
        other = {"channel_id": bench.neighbour_id} if number % 2 else {}
        found.append(bench.submit(playlist={"title": f"List {number}"}, **other)[0])
        bench.stand.advance(seconds=1)
    bench.submissions.cancel(found[0].id)
    return [operation.id for operation in found]


def test_all_of_them_the_newest_change_first(bench, asked):
    answer = listed(bench)
    assert ids(answer) == [asked[0], *reversed(asked[1:])]
    assert answer["next_page"] is None


def test_by_channel_by_state_and_by_both(bench, asked):
    mine, cancelled = {"channel_id": bench.channel_id}, {"state": "cancelled"}
    assert ids(listed(bench, **mine)) == [asked[0], asked[4], asked[2]]
    assert ids(listed(bench, **cancelled)) == [asked[0]]
    assert ids(listed(bench, **mine, state="queued")) == [asked[4], asked[2]]
    assert ids(listed(bench, channel_id=bench.neighbour_id, **cancelled)) == []


def test_by_the_time_of_the_last_change(bench, asked):
    third = bench.operations.get(asked[2]).operation.updated_at
    since = {"since": third.isoformat()}
    until = {"until": (third + timedelta(seconds=1)).isoformat()}
    assert ids(listed(bench, **since, **until)) == [asked[2]]
    assert ids(listed(bench, **since, state="queued")) == [asked[4], asked[3], asked[2]]
    assert ids(listed(bench, **until, channel_id=bench.neighbour_id)) == [asked[1]]


@pytest.mark.parametrize("filters", [{}, {"state": "queued"}, {"channel": True}])
def test_pages_follow_each_other_to_the_end_without_a_gap(bench, asked, monkeypatch, filters):
    filters = {"channel_id": bench.channel_id} if filters.get("channel") else filters
    whole = ids(listed(bench, **filters))
    monkeypatch.setattr(module, "PAGE", 2)
    found, page = [], {}
    for _ in range(9):
        answer = listed(bench, **filters, **page)
        assert len(answer["operations"]) <= 2
        found += ids(answer)
        if answer["next_page"] is None:
            break
        page = {"page": answer["next_page"]}
    assert found == whole


def test_a_page_looks_at_so_many_and_no_more(bench, asked, monkeypatch):
    monkeypatch.setattr(module, "SCANNED", 1)
    first = listed(bench, channel_id=bench.channel_id, state="queued")
    assert first["operations"] == []
    assert ids(listed(bench, channel_id=bench.channel_id, state="queued", page=first["next_page"])) == [asked[4]]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"state": "done"}, "state"),
        ({"channel_id": "UC1"}, "channel_id"),
        ({"since": "yesterday"}, "since"),
        ({"page": "x"}, "page"),
        ({"page": "bnVsbA=="}, "page"),
        ({"page": "WyIyMDI2LTEyLTAxVDE4OjAwOjAwWiIsICJhL2IiXQ=="}, "page"),
        ({"user": "u"}, "user"),
    ],
)
def test_a_listing_that_is_nearly_right_is_refused_by_its_field(bench, wrong, field):
    with pytest.raises(InvalidRequest) as refused:
        listed(bench, **wrong)
    assert refused.value.field == field


def test_a_failed_operation_can_be_dismissed_and_nothing_else_can(bench):
    bench.put("page.mp4", b"<!doctype html><html>expired</html>")
    operation, _ = bench.submit(upload=bench.upload("page.mp4"))
    dismiss = {"action": "dismiss", "operation": operation.id}
    with pytest.raises(Conflict):
        handle(bench.submissions, dismiss)
    failed = bench.settle(operation)
    assert failed.state is State.FAILED
    gone = handle(bench.submissions, dismiss)["operation"]
    assert (gone["state"], gone["reason"], gone["message"]) == ("cancelled", "dismissed", failed.message)
    assert bench.operations.in_state(State.FAILED) == []
    with pytest.raises(Conflict):
        bench.submissions.retry(operation.id)
