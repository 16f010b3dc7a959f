"""What may be asked for: mistakes are refused before any quota is spent, and the field is named."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidRequest
from shared.publishing import plan
from shared.publishing.requests import KINDS, parse

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CHANNEL = "UC" + "a" * 22
SOURCE = {"bucket": "videos", "object": "a.mp4"}


def body(**work):
    return {"idempotency_key": "key-1", "channel_id": CHANNEL, **work}


def upload(**fields):
    return body(upload={"source": SOURCE, "title": "A title", "made_for_kids": False, **fields})


def asked(raw):
    return parse(raw, now=NOW)


def refused_field(raw):
    with pytest.raises(InvalidRequest) as refused:
        asked(raw)
    return refused.value.field


def test_an_upload_is_private_unless_told_and_says_everything_that_youtube_would_assume():
    request = asked(upload())
    assert request.work["parts"]["status"] == {
        "privacyStatus": "private",
        "selfDeclaredMadeForKids": False,
        "containsSyntheticMedia": False,
    }
    assert request.work["notify_subscribers"] is False


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": "x" * 101}, "upload.title"),
        ({"title": "   "}, "upload.title"),
        ({"title": "a <b> c"}, "upload.title"),
        ({"title": None}, "upload.title"),
        ({"description": "ü" * 2501}, "upload.description"),
        ({"tags": ["x" * 501]}, "upload.tags"),
        ({"tags": ["two words"] * 46}, "upload.tags"),
        ({"tags": "one"}, "upload.tags"),
        ({"category_id": "0"}, "upload.category_id"),
        ({"privacy": "secret"}, "upload.privacy"),
        ({"made_for_kids": None}, "upload.made_for_kids"),
        ({"made_for_kids": "no"}, "upload.made_for_kids"),
        ({"publish_at": "2026-11-21T00:00:00Z"}, "upload.publish_at"),
        ({"publish_at": "2026-12-01"}, "upload.publish_at"),
        ({"publish_at": "2026-12-01T00:00:00Z", "privacy": "public"}, "upload.publish_at"),
        ({"default_language": "english!"}, "upload.default_language"),
        ({"notify_subscribers": 1}, "upload.notify_subscribers"),
        ({"colour": "red"}, "upload.colour"),
        ({"\ud800": "red"}, "upload.?"),
        ({"title": "half \ud83d"}, "upload.title"),
        ({"title": "a\0b"}, "upload.title"),
        ({"description": "half \udc00"}, "upload.description"),
        ({"tags": ["half \ud83d"]}, "upload.tags"),
        ({"tags": ["a\0b"]}, "upload.tags"),
        ({"tags": ["a\nb"]}, "upload.tags"),
        ({"category_id": "1\u0662"}, "upload.category_id"),
        ({"publish_at": "0001-01-01T00:00:00+14:00"}, "upload.publish_at"),
        ({"publish_at": "9999-12-31T23:59:59-12:00"}, "upload.publish_at"),
        ({"publish_at": "9999-12-31T00:00:00Z"}, "upload.publish_at"),
        ({"source": {"bucket": "videos", "object": "a\0b"}}, "upload.source.object"),
        ({"source": {"bucket": "videos", "object": "\ud800"}}, "upload.source.object"),
        ({"source": {"url": "https://example.org/\ud800"}}, "upload.source.url"),
        ({"source": {"url": "https://example.org/a.mp4", "bucket": "videos"}}, "upload.source.url"),
        ({"source": {"url": "https://example.org/a.mp4", **SOURCE}}, "upload.source.url"),
        ({"source": {}}, "upload.source.object"),
        ({"source": {"bucket": "X", "object": "a"}}, "upload.source.bucket"),
        ({"source": {"url": "http://example.org/a.mp4"}}, "upload.source.url"),
        ({"source": {"url": "https://user:pw@example.org/a.mp4"}}, "upload.source.url"),
        ({"source": {"url": "https://example.org:8443/a.mp4"}}, "upload.source.url"),
        ({"source": {"url": "file:///etc/passwd"}}, "upload.source.url"),
        ({"source": {"url": "https://exa mple.org/"}}, "upload.source.url"),
    ],
)
def test_what_youtube_would_refuse_is_refused_here_with_its_field(fields, field):
    assert refused_field(upload(**fields)) == field


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ([], "body"),
        ({}, "kind"),
        (body(), "kind"),
        ({**upload(), "playlist": {"title": "x"}}, "kind"),
        ({**upload(), "idempotency_key": ""}, "idempotency_key"),
        ({**upload(), "idempotency_key": "with space"}, "idempotency_key"),
        ({**upload(), "channel_id": "somebody"}, "channel_id"),
        ({**upload(), "not_before": "tomorrow"}, "not_before"),
        ({**upload(), "not_before": "0001-01-01T00:00:00Z"}, "not_before"),
        ({**upload(), "not_before": "9999-12-31T23:59:59Z"}, "not_before"),
        ({**upload(), "idempotency_key": "\ud800"}, "idempotency_key"),
        ({**upload(), "channel_id": "UC" + "\ud800" * 22}, "channel_id"),
        (body(update={"video_id": "AAAAAAAAAAA"}), "update"),
        (body(update={"video_id": "short", "title": "x"}), "update.video_id"),
        (body(playlist={"title": "x" * 151}), "playlist.title"),
        (body(playlist_item={"playlist_id": "PL1", "video_id": ""}), "playlist_item.video_id"),
        (body(release={"upload": upload()["upload"], "playlist": {"title": "x"}, "playlist_id": "PL1"}),
         "release.playlist"),
        (body(release={"upload": {**upload()["upload"], "title": ""}}), "release.upload.title"),
    ],
)  # fmt: skip
def test_a_request_that_is_none_is_refused_with_its_field(raw, field):
    assert refused_field(raw) == field


@pytest.mark.parametrize(
    ("work", "field"),
    [
        (lambda video: {"upload": video}, "upload.publish_at"),
        (lambda video: {"release": {"upload": video}}, "release.upload.publish_at"),
        (lambda video: {"update": {"video_id": "AAAAAAAAAAA", "publish_at": video["publish_at"]}},
         "update.publish_at"),
    ],
)  # fmt: skip
def test_work_for_later_than_its_own_publication_is_refused(work, field):
    video = upload(publish_at="2026-12-01T18:00:00Z")["upload"]
    assert asked({**body(**work(video)), "not_before": "2026-12-01T17:59:00Z"})
    assert refused_field({**body(**work(video)), "not_before": "2026-12-01T18:00:00Z"}) == field


@pytest.mark.case("P6")
@pytest.mark.parametrize("mark", ["\u200c", "\u200d", "\u00a0", "\u3000"])
def test_marks_that_words_of_many_scripts_need_are_taken_in_tags(mark):
    assert asked(upload(tags=[f"one{mark}two"])).work["parts"]["snippet"]["tags"] == [f"one{mark}two"]


@pytest.mark.case("P6")
@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\n", "\x85"])
def test_what_breaks_a_line_is_refused_in_titles_and_tags_by_field(mark):
    assert refused_field(body(playlist={"title": f"one{mark}two"})) == "playlist.title"
    assert refused_field(upload(title=f"one{mark}two")) == "upload.title"
    assert refused_field(upload(tags=[f"one{mark}two"])) == "upload.tags"


@pytest.mark.case("P6")
def test_a_playlists_description_is_counted_in_characters_and_a_videos_in_bytes():
    assert asked(body(playlist={"title": "x", "description": "字" * 5000}))
    assert refused_field(body(playlist={"title": "x", "description": "字" * 5001})) == "playlist.description"
    assert refused_field(upload(description="字" * 2000)) == "upload.description"


def test_a_schedule_is_removed_by_null_which_elsewhere_is_nothing():
    removal = body(update={"video_id": "AAAAAAAAAAA", "publish_at": None})
    assert asked(removal).work["parts"] == {"status": {"publishAt": None}}
    assert plan.steps(asked(removal)) == ("update",)
    assert refused_field(body(update={"video_id": "AAAAAAAAAAA", "title": None})) == "update"


@pytest.mark.case("P23")
def test_a_release_names_several_playlists_new_and_existing_by_id_or_title():
    work = {
        "upload": upload()["upload"],
        "playlist": {"title": "New"},
        "playlists": [{"id": "PL1"}, {"title": "Old"}],
    }
    request = asked(body(release=work))
    assert request.work["into"] == [{}, {"id": "PL1"}, {"title": "Old"}]
    entries = ("playlist_item", "playlist_item 2", "playlist_item 3")
    assert plan.steps(request) == ("transfer", "playlist", *entries, "processing")
    assert plan.calls(plan.steps(request))["youtube.playlistItems.insert"] == 3


@pytest.mark.parametrize(
    ("playlists", "field"),
    [
        ([{"id": "PL1", "title": "x"}], "release.playlists.0.id"),
        ([{}], "release.playlists.0.title"),
        ([{"id": "PL1"}, {"id": "PL1"}], "release.playlists"),
        ([{"id": f"PL{number}"} for number in range(11)], "release.playlists"),
        ([{"id": "PL1", "colour": 1}], "release.playlists.0.colour"),
    ],
)
def test_playlists_that_cannot_be_meant_are_refused(playlists, field):
    assert refused_field(body(release={"upload": upload()["upload"], "playlists": playlists})) == field


def test_what_follows_a_time_of_publication_is_a_look_whether_it_came():
    soon = (NOW + timedelta(days=2)).isoformat()
    assert plan.steps(asked(upload(publish_at=soon)))[-1] == "publication"
    assert plan.steps(asked(body(update={"video_id": "AAAAAAAAAAA", "publish_at": soon})))[-1] == "publication"


def test_tags_are_counted_as_youtube_counts_them():
    assert asked(upload(tags=["x" * 249, "y" * 250]))
    assert refused_field(upload(tags=["x" * 249, "y" * 251])) == "upload.tags"
    assert refused_field(upload(tags=["x " * 124 + "x", "y" * 250])) == "upload.tags"


def test_a_title_of_a_hundred_characters_in_any_script_is_taken():
    assert asked(upload(title="題" * 100)).work["parts"]["snippet"]["title"] == "題" * 100


def test_the_same_request_has_one_fingerprint_and_another_has_another():
    assert asked(upload()).fingerprint == asked(upload()).fingerprint
    assert asked(upload()).fingerprint != asked(upload(title="Another")).fingerprint


def test_a_release_is_planned_in_order_and_priced_by_its_calls():
    request = asked(
        body(release={"upload": upload()["upload"], "thumbnail": {"source": SOURCE}, "playlist_id": "PL1"})
    )
    steps = plan.steps(request)
    assert steps == ("transfer", "thumbnail", "playlist_item", "processing")
    assert plan.calls(steps)["youtube.videos.insert"] == 1


@given(
    st.dictionaries(
        st.sampled_from([*KINDS, "idempotency_key", "channel_id", "x"]),
        st.none() | st.text() | st.lists(st.integers()) | st.dictionaries(st.text(), st.text()),
    )
)
def test_any_json_is_refused_in_the_one_way(raw):
    with pytest.raises(InvalidRequest):
        asked(raw)


def test_a_time_of_publication_is_kept_as_youtube_writes_it():
    at = NOW + timedelta(days=2)
    status = asked(upload(publish_at=at.isoformat())).work["parts"]["status"]
    assert status["publishAt"] == "2026-11-24T12:00:00.000000Z"
    assert status["privacyStatus"] == "private"
