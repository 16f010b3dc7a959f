"""What a database holds and the data map does not know is found in one document at a time."""

import pytest

from infra.local.demo.unmapped import strangers

SEALED = {"v": 1, "n": bytes(12), "c": b"sealed"}


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("grants", {"access_token": SEALED, "refresh_token": SEALED, "access_expires_at": 1}),
        ("operations", {"upload": {"session": SEALED, "bytes": 7}, "expires_at": None}),
        ("quota/*/entries", {"expires_at": 1}),
        ("channels", {"warnings": {"v": 1}}),
    ],
)
def test_what_the_map_knows_is_no_stranger(path, fields):
    assert list(strangers(path, fields)) == []


@pytest.mark.parametrize(
    ("path", "fields", "named"),
    [
        ("likes", {}, "the collection likes"),
        ("channels/*/notes", {}, "the collection channels/*/notes"),
        ("channels", {"key": SEALED}, "the sealed field key of channels"),
        ("operations", {"upload": {"key": SEALED}}, "the sealed field upload.key of operations"),
        ("channels", {"expires_at": 1}, "that channels expires"),
    ],
)
def test_a_stranger_is_named(path, fields, named):
    assert list(strangers(path, fields)) == [f"the data map does not know {named}"]
