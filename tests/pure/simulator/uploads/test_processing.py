"""What becomes of an uploaded file as time passes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from infra.local.simulator.uploads.processing import Fate, container, failure_of, processing_time, stage

ARRIVED = datetime(2026, 11, 20, 12, tzinfo=UTC)
MP4 = b"\x00\x00\x00\x20ftypisom" + bytes(20)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (MP4, "mp4"),
        (b"\x1a\x45\xdf\xa3" + bytes(20), "matroska"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "avi"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", None),
        (b"<!DOCTYPE html><html>", None),
        (b"\x89PNG\r\n\x1a\n", None),
        (b"", None),
    ],
)
def test_a_container_is_known_by_its_first_bytes(head: bytes, name: str | None):
    assert container(head) == name


@pytest.mark.parametrize(
    ("head", "size", "failure"),
    [
        (MP4, 4096, None),
        (b"", 0, "emptyFile"),
        (b"<html>", 900, "invalidFile"),
        (MP4[:8], 8, "tooSmall"),
    ],
)
def test_a_file_that_is_no_video_fails(head: bytes, size: int, failure: str | None):
    assert failure_of(head, size) == failure


def test_processing_takes_time_and_then_succeeds():
    half = stage(arrived=ARRIVED, size=0, fate=Fate(), now=ARRIVED + processing_time(0) / 2)
    assert (half.upload_status, half.processing_status) == ("uploaded", "processing")
    assert half.share == pytest.approx(0.5)
    done = stage(arrived=ARRIVED, size=0, fate=Fate(), now=ARRIVED + processing_time(0))
    assert (done.upload_status, done.processing_status) == ("processed", "succeeded")


def test_a_larger_file_takes_longer():
    assert processing_time(2**30) > processing_time(2**20) > timedelta(0)


def test_a_bad_fate_shows_only_when_processing_ends():
    early = stage(arrived=ARRIVED, size=0, fate=Fate(failure="codec"), now=ARRIVED)
    assert early.upload_status == "uploaded"
    assert early.failure is None
    failed = stage(arrived=ARRIVED, size=0, fate=Fate(failure="codec"), now=ARRIVED + timedelta(hours=1))
    assert (failed.upload_status, failed.processing_status, failed.failure) == ("failed", "failed", "codec")
    rejected = stage(arrived=ARRIVED, size=0, fate=Fate(rejection="duplicate"), now=ARRIVED + timedelta(hours=1))
    assert (rejected.upload_status, rejected.processing_status) == ("rejected", "terminated")
    assert rejected.rejection == "duplicate"
