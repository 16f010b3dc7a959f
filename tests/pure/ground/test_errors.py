"""The error tree and the one JSON shape."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared import errors
from shared.errors import InvalidRequest, QuotaRefused, Terminal, Transient, YtempireError

CONCRETE = [
    found
    for found in vars(errors).values()
    if isinstance(found, type)
    and issubclass(found, YtempireError)
    and found not in {YtempireError, Terminal, Transient}
]


@pytest.mark.parametrize("kind", CONCRETE)
def test_every_error_says_by_its_type_whether_to_try_again(kind):
    assert issubclass(kind, Terminal) != issubclass(kind, Transient)


@pytest.mark.parametrize("kind", CONCRETE)
def test_the_drawn_tree_shows_every_error_with_its_status(kind):
    line = next(line for line in (errors.__doc__ or "").splitlines() if f" {kind.__name__} " in f"{line} ")
    assert str(kind.code) in line


def test_an_error_answers_in_the_one_shape():
    error = QuotaRefused("Spent.", reason="bucketSpent", retry_at=datetime(2026, 11, 23, 8, tzinfo=UTC))
    assert error.as_json() == {
        "error": {
            "code": 429,
            "reason": "bucketSpent",
            "message": "Spent.",
            "retry_at": "2026-11-23T08:00:00+00:00",
        }
    }


def test_the_field_at_fault_is_named():
    told = InvalidRequest("Too long.", field="title").as_json()["error"]
    assert (set(told), told["message"]) == ({"code", "reason", "message"}, "title: Too long.")
    assert (
        InvalidRequest("A title is needed.", field="title").as_json()["error"]["message"] == "A title is needed."
    )
