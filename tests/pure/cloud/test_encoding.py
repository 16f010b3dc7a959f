"""What is sent for a commit is what Google's library would send."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from inspect import signature

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore
from google.cloud.firestore_v1._helpers import decode_value, encode_value
from google.cloud.firestore_v1.types import Write as TheirWrite
from hypothesis import given
from hypothesis import strategies as st
from proto.datetime_helpers import DatetimeWithNanoseconds

from infra.deployment import ROOT
from shared.cloud import encoding
from shared.cloud.steps import ABSENT, PRESENT, Commit, Write

CLIENT = firestore.Client(project="p", credentials=AnonymousCredentials())
SEEN = DatetimeWithNanoseconds(2026, 11, 22, 20, 0, 0, nanosecond=123456789, tzinfo=UTC)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
    lambda inner: st.dictionaries(st.text(min_size=1), inner, max_size=3),
    max_leaves=8,
)


def test_the_private_names_of_the_library_by_which_commits_are_sent_are_where_they_were():
    """They are promised by nobody: a version of the library that has moved them must not be deployed."""
    assert CLIENT._database_string == "projects/p/databases/(default)"
    assert ("google-cloud-resource-prefix", CLIENT._database_string) in CLIENT._rpc_metadata
    assert {"request", "metadata", "retry", "timeout"} <= set(signature(CLIENT._firestore_api.commit).parameters)


def test_the_library_that_is_tested_is_the_one_that_is_deployed():
    pins = (ROOT / "requirements.txt").read_text().splitlines()
    assert f"google-cloud-firestore=={version('google-cloud-firestore')}" in pins


def sent(write: Write):
    (message,) = encoding.request(CLIENT, Commit((write,))).writes
    return message


@given(value=VALUES, listed=st.lists(VALUES, max_size=3))
def test_every_value_is_encoded_as_the_library_does(value, listed):
    fields = sent(Write("c/d", {"field": value, "list": listed})).update.fields
    assert fields["field"] == encode_value(value)
    assert decode_value(fields["list"], CLIENT) == decode_value(encode_value(listed), CLIENT)


def test_what_firestore_cannot_store_is_an_error():
    with pytest.raises(TypeError):
        sent(Write("c/d", {"field": object()}))


def test_only_named_fields_are_written_and_odd_names_are_quoted():
    message = sent(Write("c/d", {"days.`2026-01-01`": 1, "a": 2}, {"n.h05": 3}, PRESENT, remove=("gone",)))
    assert list(message.update_mask.field_paths) == ["days.`2026-01-01`", "a", "gone"]
    assert message.current_document.exists is True
    (transform,) = message.update_transforms
    assert (transform.field_path, transform.increment.integer_value) == ("n.h05", 3)


def test_a_new_document_is_written_as_a_whole_and_only_if_there_is_none():
    message = sent(Write("c/d", {"a": 1}, only_if=ABSENT))
    assert "update_mask" not in message
    assert TheirWrite.pb(message).current_document.HasField("exists")
    assert message.current_document.exists is False
    assert message.update.name == "projects/p/databases/(default)/documents/c/d"


@pytest.mark.parametrize("version", [SEEN, SEEN.timestamp_pb()])
def test_a_version_is_a_condition_in_either_form_in_which_the_library_gives_it(version):
    message = sent(Write("c/d", {"a": 1}, only_if=version))
    assert message.current_document.update_time.timestamp_pb() == SEEN.timestamp_pb()


def test_a_deletion_has_its_condition():
    message = sent(Write("c/d", only_if=PRESENT, delete=True))
    assert message.delete.endswith("/c/d")
    assert message.current_document.exists is True
