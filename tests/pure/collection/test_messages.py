"""What travels to `ingest` comes out as it went in, and nothing is left behind or sent twice."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from cloudevents.http import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from shared import entry
from shared.cloud import pubsub
from shared.collection.messages import (
    REPORTS_MAX,
    STAGED,
    message,
    messages,
    refs_from,
    staged_from,
    staged_message,
)
from shared.push import receiving
from shared.push.feed import VideoNotice
from shared.warehouse.load import Staged, StagedReport
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


staged = st.builds(
    Staged,
    report_type=st.just("channel_basic_a3"), table=st.none() | words, order=st.lists(words).map(tuple),
    reports=st.lists(
        st.builds(
            StagedReport,
            ref=refs, connection=words, rows=st.integers(0, 10**9), checksum=words,
            findings=st.lists(words).map(tuple),
        )
    ).map(tuple),
)  # fmt: skip


@given(st.lists(staged, max_size=3))
def test_staging_tables_come_out_of_a_message_as_they_went_in(sent):
    assert staged_from(json.loads(json.dumps(staged_message(sent)))) == sent


def test_the_largest_message_fits_a_task():
    uuid, channel = "1c0ec9d6-1c0c-4a0f-8d4e-0c3f0f3d2a10", "UC" + "x" * 22
    url = f"https://youtubereporting.googleapis.com/v1/media/CHANNEL/{channel}/jobs/{uuid}/reports/1234567890?alt=media"
    one = ReportRef(
        report_id="1234567890", channel_id=channel, report_type="channel_reach_combined_a1", job_id=uuid,
        day=date(2026, 11, 1), create_time=EPOCH, download_url=url,
    )  # fmt: skip
    read = StagedReport(
        ref=one, connection="c" * 24, rows=10**6, checksum="sha256:" + "0" * 64, findings=("x" * 100,)
    )  # fmt: skip
    sent = [
        Staged(
            report_type=one.report_type, table="staged_" + "x" * 60, order=("x" * 30,) * 40,
            reports=(read,) * (REPORTS_MAX // 15),
        )
    ] * 15  # fmt: skip
    task = json.dumps(pubsub.delivery(STAGED, staged_message(sent)))
    assert len(task) < 1_000_000  # of Cloud Tasks' 1 MiB


def test_a_message_that_a_task_delivers_reads_as_one_of_pubsub_s():
    delivery = pubsub.delivery("reports", {"a": 1})
    event = CloudEvent({"source": "s", "type": "t"}, {"message": delivery["message"]})
    assert entry.pubsub_message(event) == ({"kind": "reports"}, {"a": 1})
    assert delivery == pubsub.delivery("reports", {"a": 1})
    assert delivery["message"]["messageId"] != pubsub.delivery("staged", {"a": 1})["message"]["messageId"]


@given(st.lists(notices))
def test_notices_come_out_of_a_message_as_they_went_in(sent):
    for received in (None, datetime(2026, 11, 4, 5, 6, 7, tzinfo=UTC)):
        message = json.loads(json.dumps(receiving.message(sent, received=received)))
        assert receiving.notices_from(message) == (sent, received)


def group(channel: int, count: int) -> list[ReportRef]:
    return [
        ReportRef(
            report_id=f"{channel}-{n}", channel_id=f"UC{channel}", report_type="channel_basic_a3",
            job_id="j", day=date(2026, 11, 1), create_time=datetime(2026, 11, 4, tzinfo=UTC), download_url="u",
        )
        for n in range(count)
    ]  # fmt: skip


@given(st.lists(st.integers(0, 120), max_size=20))
def test_every_report_is_in_one_message_and_no_message_is_too_large(brought):
    groups = [group(number, count) for number, count in enumerate(brought)]
    sent = list(messages(groups))
    ids = [report["report_id"] for message in sent for report in message["reports"]]
    assert ids == [ref.report_id for refs in groups for ref in refs]
    assert all(0 < len(message["reports"]) <= REPORTS_MAX for message in sent)


@pytest.mark.parametrize("broken", [{}, {"report_type": "a"}, {"report_type": "a", "reports": [{"id": "x"}]},
                                    {"report_type": "a", "reports": 3}])  # fmt: skip
def test_a_message_that_nobody_here_wrote_is_told_apart(broken):
    with pytest.raises((KeyError, TypeError, ValueError)):
        refs_from(broken)
