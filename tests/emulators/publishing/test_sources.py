"""Sources that vanish, shrink, change, ignore ranges, serve pages, or point inwards."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from infra.local import object_store
from infra.local.simulator.data.library import Library
from shared.errors import InvalidRequest, Unavailable
from shared.publishing.address import Allowed
from shared.publishing.attempt import Limits
from shared.publishing.operation import State
from shared.publishing.sources import StorageObject, WebFile, source_of
from shared.youtube import data
from tests.emulators.publishing.bench import BUCKET, MP4, PNG
from tests.emulators.publishing.web import HOST, Web, web_serving
from tests.stands.waiting import eventually

CONTENT = MP4 + bytes(range(256)) * 8000
PAGE = b"<!DOCTYPE html><html>This link has expired</html>"
URL = f"https://{HOST}/film.mp4?token=1"


@pytest.fixture
def web(tmp_path) -> Iterator[Web]:
    with web_serving(tmp_path) as serving:
        serving.content = CONTENT
        yield serving


def source(web, url=URL, **changes):
    known = {HOST: ["127.0.0.1"], "inside.example": ["10.0.0.7"]}
    made = {
        "resolver": lambda host: known[host],
        "admits": lambda address: address == "127.0.0.1",
        "tls": web.tls,
        "port": web.port,
        "allowed": Allowed(hosts=(".example",)),
    }
    return WebFile(url, "upload.source", **{**made, **changes})


def test_a_file_is_described_by_its_first_bytes_alone(web):
    described = source(web).describe()
    assert (described.size, described.identity) == (len(CONTENT), '"one"')
    assert described.head == CONTENT[:4096]
    assert web.asked == [f"{HOST}/film.mp4?token=1 bytes=0-4095"]


@pytest.mark.parametrize("first", [0, 1, 1_000_000, len(CONTENT) - 1])
def test_it_is_read_from_any_byte(web, first):
    described = source(web).describe()
    assert b"".join(source(web).read(first, described)) == CONTENT[first:]


def test_a_redirect_is_followed_and_its_address_checked(web):
    web.redirects["/film.mp4?token=1"] = "/moved.mp4"
    assert source(web).describe().size == len(CONTENT)
    web.redirects["/film.mp4?token=1"] = "https://inside.example/metadata"
    with pytest.raises(InvalidRequest) as refused:
        source(web).describe()
    assert refused.value.reason == "sourceNotPublic"
    web.redirects["/film.mp4?token=1"] = "http://files.example/plain"
    with pytest.raises(InvalidRequest):
        source(web).describe()


@pytest.mark.parametrize(("redirects", "followed"), [(5, True), (6, False)])
def test_five_redirects_are_followed_and_no_more(web, redirects, followed):
    places = ["/film.mp4?token=1", *(f"/moved-{number}" for number in range(redirects))]
    web.redirects.update(itertools.pairwise(places))
    if followed:
        assert source(web).describe().size == len(CONTENT)
    else:
        with pytest.raises(InvalidRequest) as refused:
            source(web).describe()
        assert refused.value.reason == "sourceUnusable"
    assert len(web.asked) == 6


def test_redirects_in_a_circle_end(web):
    web.redirects["/film.mp4?token=1"] = "/film.mp4?token=1"
    with pytest.raises(InvalidRequest):
        source(web).describe()


def test_a_name_that_resolves_differently_later_changes_nothing(web):
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    found = source(web, resolver=lambda _host: next(answers))
    assert found.describe().size == len(CONTENT)
    with pytest.raises(InvalidRequest):
        found.describe()


def test_an_address_that_does_not_answer_is_passed_over_for_the_next(web):
    known = ["127.0.0.2", "127.0.0.3", "127.0.0.1"]
    found = source(web, resolver=lambda _host: known, admits=lambda address: address in known)
    assert found.describe().size == len(CONTENT)
    with pytest.raises(Unavailable):
        source(web, resolver=lambda _host: known[:2], admits=lambda address: address in known).describe()
    with pytest.raises(InvalidRequest):
        source(
            web, resolver=lambda _host: [*known, "10.0.0.1"], admits=lambda address: address in known
        ).describe()


def test_a_certificate_for_another_name_is_refused(web):
    with pytest.raises(Unavailable):
        source(web, url="https://other.example/x", resolver=lambda _host: ["127.0.0.1"]).describe()


@pytest.mark.parametrize(
    ("change", "error", "reason"),
    [
        ({"status": 404}, InvalidRequest, "sourceUnusable"),
        ({"status": 403}, InvalidRequest, "sourceUnusable"),
        ({"status": 503}, Unavailable, "sourceUnreachable"),
        ({"status": 429}, Unavailable, "sourceUnreachable"),
    ],
)
def test_a_source_that_cannot_be_used_says_why_before_anything_is_spent(web, change, error, reason):
    vars(web).update(change)
    with pytest.raises(error) as refused:
        source(web).describe()
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "change",
    [
        {"etag": '"two"'},
        {"content": CONTENT[:-1]},
        {"content": CONTENT[:500_000]},
        {"content": CONTENT + b"x"},
        {"status": 404},
        {"status": 410},
    ],
)
def test_a_source_that_changes_shrinks_or_vanishes_is_noticed(web, change):
    described = source(web).describe()
    vars(web).update(change)
    with pytest.raises(InvalidRequest) as refused:
        b"".join(source(web).read(700_000, described))
    assert (refused.value.reason, refused.value.field) == ("sourceChanged", "upload.source")


def test_an_upload_from_a_server_that_ignores_ranges_is_refused_before_anything_is_spent(bench, web):
    web.ranges = False
    bench.sources[URL] = source(web)
    operation, _ = bench.submit(upload={"source": {"url": URL}, "title": "t", "made_for_kids": True})
    done = bench.settle(operation)
    assert (done.state, done.reason) == (State.FAILED, "sourceUnusable")
    assert "does not serve ranges" in done.message
    assert bench.sessions() == []


@pytest.mark.case("P8")
@pytest.mark.parametrize("ranges", [True, False])
def test_a_picture_is_taken_as_a_whole_where_its_server_ignores_ranges(bench, web, ranges):
    web.ranges, web.content = ranges, PNG
    bench.sources[URL] = source(web)
    caller = bench.stand.caller()
    video = data.uploads(caller, data.my_channel(caller).uploads_playlist).items[0].video_id
    operation, _ = bench.submit(thumbnail={"video_id": video, "source": {"url": URL}})
    assert bench.settle(operation).state is State.SUCCEEDED
    assert bench.stand.simulator.room(Library).pictures[video].sha256 == hashlib.sha256(PNG).hexdigest()


@pytest.mark.case("P13")
@pytest.mark.fault(56)
@pytest.mark.parametrize("where", ["headers", "body"])
def test_a_source_that_drips_is_left_in_time(web, where):
    web.content, web.drips = CONTENT[:200], where
    began = time.monotonic()
    with pytest.raises(Unavailable) as left:
        source(web, seconds=0.5).describe()
    assert left.value.reason == "sourceUnreachable"
    assert time.monotonic() - began < 10


@pytest.mark.case("P13")
@pytest.mark.fault(56)
def test_of_a_source_that_sends_more_than_it_said_no_more_is_taken(web):
    web.content, web.surplus = CONTENT[:300_000], 5_000_000
    described = source(web).describe()
    assert described.size == 300_000
    taken = []
    with pytest.raises(InvalidRequest) as refused:
        taken.extend(source(web).read(0, described))
    assert refused.value.reason == "sourceChanged"
    assert sum(map(len, taken)) <= 300_000


@pytest.mark.case("P22")
@pytest.mark.parametrize(
    ("named", "field"),
    [
        ({"bucket": "other-bucket", "object": "film.mp4"}, "bucket"),
        ({"url": "https://elsewhere.test/film.mp4"}, "url"),
        ({"url": "https://files.example.elsewhere.test/film.mp4"}, "url"),
    ],
)
def test_a_source_that_is_not_on_the_operators_list_is_refused_when_asked_for_and_when_read(bench, named, field):
    for work in (
        {"upload": {"source": named, "title": "t", "made_for_kids": True}},
        {"release": {"upload": bench.upload(), "thumbnail": {"source": named}}},
    ):
        with pytest.raises(InvalidRequest) as refused:
            bench.submit(**work)
        assert refused.value.reason == "sourceNotAllowed"
        assert refused.value.field.endswith(f"source.{field}")
    with pytest.raises(InvalidRequest):
        source_of(bench.allowed, named, "upload.source")


@pytest.mark.case("P22")
def test_a_redirect_to_a_host_that_is_not_on_the_list_is_refused(web):
    web.redirects["/film.mp4?token=1"] = "https://elsewhere.test/film.mp4"
    with pytest.raises(InvalidRequest) as refused:
        source(web, resolver=lambda _host: ["127.0.0.1"]).describe()
    assert refused.value.reason == "sourceNotAllowed"


def test_a_read_that_is_cut_can_be_tried_again(web):
    described = source(web).describe()
    web.cut_after = 100_000
    with pytest.raises(Unavailable):
        b"".join(source(web).read(0, described))


def test_a_source_that_stops_while_it_is_described_can_be_tried_again(web):
    web.cut_after = 1_000
    with pytest.raises(Unavailable) as stopped:
        source(web).describe()
    assert stopped.value.reason == "sourceUnreachable"


def test_a_reader_that_leaves_early_leaves_nothing_open(web):
    described = source(web).describe()
    reading = source(web).read(0, described)
    assert next(reading)
    assert web.connections == 1
    reading.close()
    eventually(lambda: web.connections == 0)


@pytest.mark.case("P13")
@pytest.mark.fault(56)
def test_an_object_that_drips_is_left_in_time(bench, monkeypatch):
    bench.video(size=100_000)
    seconds = 0.5
    described = StorageObject(BUCKET, "video.mp4", "upload.source", seconds).describe()
    with object_store.serving(bench.folder, drips=0.1) as address:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        dripping = StorageObject(BUCKET, "video.mp4", "upload.source", seconds)
        for ask in (dripping.describe, lambda: next(dripping.read(0, described))):
            began = time.monotonic()
            with pytest.raises(Unavailable) as left:
                ask()
            assert left.value.reason == "sourceUnreachable"
            assert time.monotonic() - began < 10


def test_an_upload_from_the_web_goes_on_after_the_source_was_cut(bench, web):
    bench.sources[URL] = source(web)
    web.cut_after = 1_500_000
    operation, _ = bench.submit(upload={"source": {"url": URL}, "title": "t", "made_for_kids": True})
    bench.run_due()
    web.cut_after = None
    assert bench.settle(operation).state is State.SUCCEEDED
    assert len(bench.videos()) == 1


@pytest.mark.parametrize("content", [b"<!DOCTYPE html><html>no</html>", b"", b"PK\x03\x04" + bytes(5000)])
def test_a_source_that_is_no_video_costs_nothing(bench, web, content):
    web.content = content
    bench.sources[URL] = source(web)
    operation, _ = bench.submit(upload={"source": {"url": URL}, "title": "t", "made_for_kids": True})
    done = bench.settle(operation)
    assert done.state is State.FAILED
    assert done.reason in {"notAVideo", "sourceUnusable"}
    assert bench.stand.ours()["uploads"] == 0


@pytest.mark.parametrize(
    ("change", "reason", "says"),
    [
        ({"status": 404}, "sourceChanged", "has changed or vanished"),
        ({"status": 410}, "sourceChanged", "has changed or vanished"),
        ({"content": CONTENT[:-1]}, "sourceChanged", "has changed or vanished"),
        ({"content": CONTENT[:600_000]}, "sourceChanged", "has changed or vanished"),
        ({"content": CONTENT + b"more"}, "sourceChanged", "has changed or vanished"),
        ({"etag": '"two"'}, "sourceChanged", "has changed or vanished"),
        ({"content": PAGE * 100_000, "etag": '"page"'}, "sourceChanged", "has changed or vanished"),
        ({"content": PAGE, "ranges": False}, "sourceUnusable", "no longer serves ranges, or answers with a page"),
        ({"ranges": False}, "sourceUnusable", "no longer serves ranges"),
        ({"status": 403}, "sourceUnusable", "answers 403"),
    ],
)
def test_a_source_that_fails_in_the_middle_of_an_upload_says_how_and_makes_no_video(
    bench, web, change, reason, says
):
    bench.sources[URL] = source(web)
    bench.limits = Limits(seconds=0, portion=512 * 1024)
    operation, _ = bench.submit(upload={"source": {"url": URL}, "title": "t", "made_for_kids": True})
    bench.run_due()
    assert bench.sessions()[0].stored == 512 * 1024
    vars(web).update(change)
    done = bench.settle(operation)
    assert (done.state, done.reason) == (State.FAILED, reason)
    assert says in done.message
    assert bench.videos() == []
    assert bench.stand.ours()["uploads"] == bench.stand.googles()["uploads"] == 1


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_a_source_that_does_not_say_which_version_it_is_costs_nothing(bench, web, etag):
    web.etag = etag
    bench.sources[URL] = source(web)
    operation, _ = bench.submit(upload={"source": {"url": URL}, "title": "t", "made_for_kids": True})
    done = bench.settle(operation)
    assert (done.state, done.reason) == (State.FAILED, "sourceUnusable")
    assert "neither a strong ETag nor a Last-Modified" in done.message
    assert bench.sessions() == []


def test_a_source_is_held_to_its_time_of_change_where_that_is_all_it_says(web):
    web.etag, web.modified = 'W/"weak"', "Sun, 22 Nov 2026 12:00:00 GMT"
    described = source(web).describe()
    assert b"".join(source(web).read(700_000, described)) == CONTENT[700_000:]
    web.modified = "Sun, 22 Nov 2026 12:00:01 GMT"
    with pytest.raises(InvalidRequest) as refused:
        b"".join(source(web).read(700_000, described))
    assert refused.value.reason == "sourceChanged"


def test_a_source_that_changes_within_the_second_is_looked_at_again_later(web):
    web.etag, web.modified = "", format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)
    with pytest.raises(Unavailable):
        source(web).describe()
    web.etag = '"one"'
    assert source(web).describe().identity == '"one"'


def test_a_source_that_shrinks_while_it_is_read_makes_no_video(bench, web):
    bench.sources[URL] = source(web)
    web.cut_after, web.shrinks_to = 1_500_000, 1_500_000
    operation, _ = bench.submit(upload={"source": {"url": URL}, "title": "t", "made_for_kids": True})
    done = bench.settle(operation)
    assert (done.state, done.reason) == (State.FAILED, "sourceChanged")
    assert bench.videos() == []


def test_a_source_that_never_answers_again_is_given_up_after_hours(bench, web):
    bench.sources[URL] = source(web)
    bench.limits = Limits(seconds=0, portion=512 * 1024)
    operation, _ = bench.submit(upload={"source": {"url": URL}, "title": "t", "made_for_kids": True})
    bench.run_due()
    web.status = 503
    done = bench.settle(operation)
    assert (done.state, done.reason) == (State.FAILED, "sourceUnreachable")
    web.status = 200
    bench.submissions.retry(operation.id)
    assert bench.settle(operation).state is State.SUCCEEDED
    assert len(bench.videos()) == 1


def test_a_source_that_changes_between_two_runs_fails_and_makes_no_video(bench):
    bench.video(size=4_000_000)
    bench.limits = Limits(seconds=0, portion=1024 * 1024)
    operation, _ = bench.submit(upload=bench.upload())
    bench.run_due()
    bench.video(size=4_000_000, seed=2)
    done = bench.settle(operation)
    assert (done.state, done.reason) == (State.FAILED, "sourceChanged")
    assert bench.videos() == []


def test_an_object_that_is_not_there_is_named(bench):
    operation, _ = bench.submit(upload=bench.upload("nothing.mp4"))
    done = bench.settle(operation)
    assert (done.state, done.reason) == (State.FAILED, "sourceMissing")
    assert "nothing.mp4" in done.message
