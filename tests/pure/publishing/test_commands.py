"""What counts as a question about an operation, and what is refused as none."""

from __future__ import annotations

import pytest

from shared.errors import InvalidRequest
from shared.publishing.submit import command, operation_id


@pytest.mark.parametrize("action", ["read", "cancel", "retry"])
def test_an_action_names_an_operation(action):
    known = operation_id("release-42")
    assert command({"action": action, "operation": known}) == (action, known)


def test_a_submission_is_no_action():
    assert command({"idempotency_key": "k", "upload": {}}) is None


@pytest.mark.parametrize(
    "wrong", ["", "op-", "op-a/../../grants/b", "op-" + "A" * 24, "grants/UC1", None, 7, ["op-1"]]
)
def test_what_is_no_operation_s_id_is_refused_by_its_field(wrong):
    with pytest.raises(InvalidRequest) as refusal:
        command({"action": "read", "operation": wrong})
    assert refusal.value.field == "operation"


def test_an_unknown_action_is_refused_by_its_field():
    with pytest.raises(InvalidRequest) as refusal:
        command({"action": "delete", "operation": operation_id("k")})
    assert refusal.value.field == "action"
