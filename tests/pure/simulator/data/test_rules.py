"""What YouTube refuses in metadata, and what a write leaves behind."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.simulator.data import rules

GOOD = {"title": "A title", "categoryId": "22"}


def reason_of(snippet: dict[str, Any], *, updating: bool = False) -> str | None:
    problem = rules.metadata_problem({"snippet": snippet}, frozenset({"snippet"}), updating=updating)
    return problem.reason if problem else None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"title": "x" * 100}, None),
        ({"title": "x" * 101}, "invalidTitle"),
        ({"title": "  "}, "invalidTitle"),
        ({"title": "a < b"}, "invalidTitle"),
        ({"title": "ü" * 100}, None),
        ({"description": "d" * 5000}, None),
        ({"description": "ü" * 2501}, "invalidDescription"),
        ({"description": "<script>"}, "invalidDescription"),
        ({"tags": ["t" * 500]}, None),
        ({"tags": ["t" * 501]}, "invalidTags"),
        ({"tags": ["two words" * 10] * 6}, "invalidTags"),
        ({"tags": [""]}, "invalidTags"),
        ({"categoryId": "9999"}, "invalidCategoryId"),
        ({"categoryId": "x"}, "invalidCategoryId"),
    ],
)
def test_a_snippet_is_refused_by_its_first_problem(change: dict[str, Any], reason: str | None):
    assert reason_of({**GOOD, **change}) == reason


def test_tags_count_with_their_quotes_and_commas():
    assert rules.tags_length(["one", "two words"]) == 3 + 1 + 11
    assert rules.tags_length([]) == 0


def test_an_update_of_the_snippet_needs_title_and_category():
    assert reason_of({"title": "only"}, updating=True) == "invalidVideoMetadata"
    assert reason_of({"categoryId": "22"}, updating=True) == "invalidVideoMetadata"
    assert reason_of(GOOD, updating=True) is None


@pytest.mark.parametrize(
    ("status", "was_public", "refused"),
    [
        ({"privacyStatus": "private", "publishAt": "2026-12-01T00:00:00Z"}, False, False),
        ({"privacyStatus": "public", "publishAt": "2026-12-01T00:00:00Z"}, False, True),
        ({"publishAt": "2026-12-01T00:00:00Z"}, False, True),
        ({"privacyStatus": "private", "publishAt": "2026-12-01T00:00:00Z"}, True, True),
        ({"privacyStatus": "private", "publishAt": "tomorrow"}, False, True),
        ({"privacyStatus": "private", "publishAt": "2026-12-01T00:00:00"}, False, True),
        ({"privacyStatus": "private"}, True, False),
    ],
)
def test_publishing_can_be_scheduled_only_while_private_and_never_public(
    status: dict[str, Any], was_public: bool, refused: bool
):
    problem = rules.status_problem(status, was_public=was_public)
    assert (problem is not None and problem.reason == "invalidPublishAt") is refused


def test_translations_need_a_default_language():
    body = {"localizations": {"de": {"title": "Ein Titel"}}}
    problem = rules.metadata_problem(body, frozenset({"localizations"}), updating=True)
    assert problem is not None
    assert problem.reason == "defaultLanguageNotSetError"
    fine = rules.metadata_problem(body, frozenset({"localizations"}), updating=True, default_language="en")
    assert fine is None


@pytest.mark.parametrize("details", [{"recordingDate": "soon"}, {"location": {"latitude": 91.0}}])
def test_a_video_was_recorded_at_a_possible_place_and_time(details: dict[str, Any]):
    problem = rules.metadata_problem({"recordingDetails": details}, frozenset({"recordingDetails"}), updating=True)
    assert problem is not None
    assert problem.reason == "invalidRecordingDetails"


def test_an_upload_is_public_and_embeddable_unless_told_otherwise():
    status = rules.written_part({}, "status", updating=False)
    assert status == {
        "privacyStatus": "public",
        "license": "youtube",
        "embeddable": True,
        "publicStatsViewable": True,
    }


def test_an_update_of_the_privacy_alone_silently_drops_the_other_flags():
    status = rules.written_part({"status": {"privacyStatus": "unlisted"}}, "status", updating=True)
    assert (status["privacyStatus"], status["embeddable"], status["publicStatsViewable"]) == (
        "unlisted",
        False,
        False,
    )


PART_VALUES = st.dictionaries(st.sampled_from(rules.MUTABLE["status"]), st.sampled_from([True, False, "private"]))


@given(sent=PART_VALUES)
def test_what_is_sent_is_what_is_kept(sent: dict[str, Any]):
    kept = rules.written_part({"status": sent}, "status", updating=True)
    assert {name: kept[name] for name in sent} == sent
    assert set(kept) <= set(sent) | set(rules.REPLACED_STATUS)
