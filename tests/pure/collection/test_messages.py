"""What travels to `ingest` comes out as it went in, and nothing is left behind or sent twice."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.collection import videos
from shared.collection.messages import REPORTS_MAX, message, messages, refs_from
from shared.push.feed import VideoNotice
from shared.warehouse.rows import ReportRef

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
instants = st.integers(0, 4 * 10**15).map(lambda microseconds: EPOCH + timedelta(microseconds=microseconds))
words = st.text(st.characters(blacklist_categories=("Cs",)), max_size=12)
refs = st.builds(
    ReportRef,
    report_id=words, channel_id=words, report_type=st.just("channel_basic_a3"), job_id=words,
    day=st.dates(date(2020, 1, 1)), create_time=instants, download_url=words,
)  # fmt: skip
notices = st.builds(
    VideoNotice, video_id=words, channel_id=words, updated=instants, deleted=st.booleans(),
    title=st.none() | words, published=st.none() | instants,
)  # fmt: skip


@given(st.lists(refs, min_size=1))
def test_reports_come_out_of_a_message_as_they_went_in(sent):
    assert refs_from(json.loads(json.dumps(message(sent)))) == sent


@given(st.lists(notices))
def test_notices_come_out_of_a_message_as_they_went_in(sent):
    assert videos.notices_from(json.loads(json.dumps(videos.message(sent)))) == sent


def group(channel: int, report_type: str, count: int) -> list[ReportRef]:
    return [
        ReportRef(
            report_id=f"{channel}-{report_type}-{n}", channel_id=f"UC{channel}", report_type=report_type,
            job_id="j", day=date(2026, 11, 1), create_time=datetime(2026, 11, 4, tzinfo=UTC), download_url="u",
        )
        for n in range(count)
    ]  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 120)), max_size=20))
def test_every_report_is_in_one_message_of_its_type_and_no_message_is_too_large(brought):
    groups = [group(number, kind, count) for number, (kind, count) in enumerate(brought)]
    sent = list(messages(groups))
    ids = [report["report_id"] for message in sent for report in message["reports"]]
    assert sorted(ids) == sorted(ref.report_id for refs in groups for ref in refs)
    assert all(0 < len(message["reports"]) <= REPORTS_MAX for message in sent)
    assert all(report["report_id"].split("-")[1] == m["report_type"] for m in sent for report in m["reports"])


@pytest.mark.parametrize("broken", [{}, {"report_type": "a"}, {"report_type": "a", "reports": [{"id": "x"}]},
                                    {"report_type": "a", "reports": 3}])  # fmt: skip
def test_a_message_that_nobody_here_wrote_is_told_apart(broken):
    with pytest.raises((KeyError, TypeError, ValueError)):
        refs_from(broken)
