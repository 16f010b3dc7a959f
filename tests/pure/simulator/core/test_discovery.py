"""Discovery documents, compiled: addresses, parameters and schemas."""

from __future__ import annotations

import pytest

from infra.local.simulator import discovery


@pytest.mark.parametrize(
    ("verb", "path", "method", "upload"),
    [
        ("GET", "/youtube/v3/videos", "youtube.videos.list", False),
        ("GET", "/youtube/v3/videos:batchGetStats", "youtube.videos.batchGetStats", False),
        ("POST", "/upload/youtube/v3/videos", "youtube.videos.insert", True),
        ("POST", "/resumable/upload/youtube/v3/videos", "youtube.videos.insert", True),
        ("POST", "/upload/youtube/v3/thumbnails/set", "youtube.thumbnails.set", True),
        ("GET", "/v2/reports", "youtubeAnalytics.reports.query", False),
        ("GET", "/v1/jobs/j1/reports/r1", "youtubereporting.jobs.reports.get", False),
        ("GET", "/v1/media/CHANNEL/a/b", "youtubereporting.media.download", False),
    ],
)
def test_an_address_finds_its_method(verb: str, path: str, method: str, upload: bool):
    match = discovery.find(verb, path)
    assert match is not None
    assert (match.method.id, match.upload) == (method, upload)


def test_path_parameters_are_read_from_the_address():
    match = discovery.find("GET", "/v1/jobs/j1/reports/r1")
    assert match is not None
    assert match.path_params == {"jobId": "j1", "reportId": "r1"}


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("PATCH", "/youtube/v3/videos"),
        ("GET", "/youtube/v3/video"),
        ("GET", "/youtube/v3/videos/"),
        ("GET", "/upload/youtube/v3/videos"),
        ("POST", "/upload/youtube/v3/playlists"),
        ("GET", "/youtube/v3/videosXbatchGetStats"),
    ],
)
def test_any_other_address_finds_nothing(verb: str, path: str):
    assert discovery.find(verb, path) is None


def test_constraints_that_stand_only_in_a_description_are_read():
    query = discovery.methods()["youtubeAnalytics.reports.query"].parameters
    assert query["startDate"].required
    assert query["startDate"].pattern is not None
    assert query["startDate"].pattern.fullmatch("2026-11-01")
    assert not query["startDate"].pattern.fullmatch("7daysAgo")
    assert query["maxResults"].minimum == 1
    assert discovery.methods()["youtube.videos.batchGetStats"].parameters["id"].required


def test_parts_are_the_resources_own_properties():
    parts = discovery.methods()["youtube.channels.list"].parts
    assert parts is not None
    assert {"id", "snippet", "statistics", "contentDetails"} <= parts
    assert "items" not in parts
    insert = discovery.methods()["youtube.videos.insert"].parts
    assert insert is not None
    assert {"snippet", "status"} <= insert


def test_an_answer_that_fits_has_no_errors():
    answer = {"items": [{"id": "v", "statistics": {"viewCount": "12"}}], "pageInfo": {"totalResults": 1}}
    assert discovery.response_errors("youtube.videos.list", answer) == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"items": [{"id": "v", "title": "t"}]}, "items[0].title: unknown field"),
        ({"items": [{"statistics": {"viewCount": 12}}]}, "items[0].statistics.viewCount"),
        ({"items": {}}, "items: expected a list"),
        ({"pageInfo": {"totalResults": "1"}}, "pageInfo.totalResults"),
        ({"items": [{"status": {"privacyStatus": "secret"}}]}, "not one of the known values"),
        ([], "expected an object"),
    ],
)
def test_an_answer_that_does_not_fit_is_told_where(answer: object, said: str):
    errors = discovery.response_errors("youtube.videos.list", answer)
    assert len(errors) == 1
    assert said in errors[0]
