"""What counts as a question about an operation, and what is refused as none."""

from __future__ import annotations

import pytest

from shared.errors import InvalidRequest
from shared.publishing.api import command, handle
from shared.publishing.submissions import operation_id


@pytest.mark.parametrize("action", ["read", "cancel", "retry", "dismiss"])
def test_an_action_names_an_operation(action):
    known = operation_id("UC" + "a" * 22, "release-42")
    assert command({"action": action, "operation": known}) == (action, known)


@pytest.mark.parametrize(
    "wrong", ["", "op-", "op-a/../../grants/b", "op-" + "A" * 24, "grants/UC1", None, 7, ["op-1"]]
)
def test_what_is_no_operation_s_id_is_refused_by_its_field(wrong):
    with pytest.raises(InvalidRequest) as refusal:
        command({"action": "read", "operation": wrong})
    assert refusal.value.field == "operation"


def test_an_unknown_action_is_refused_by_its_field():
    with pytest.raises(InvalidRequest) as refusal:
        command({"action": "delete", "operation": operation_id("UC" + "a" * 22, "k")})
    assert refusal.value.field == "action"


@pytest.mark.case("P15")
@pytest.mark.parametrize("near", ["true", "false", "yes", "", 0, 1, None, [True], {}])
def test_what_is_nearly_a_quote_is_refused_and_not_taken_for_a_submission(near):
    with pytest.raises(InvalidRequest) as refusal:
        handle(None, {"quote": near, "idempotency_key": "k", "upload": {}})
    assert refusal.value.field == "quote"


def test_an_action_takes_no_other_field():
    with pytest.raises(InvalidRequest) as refusal:
        command({"action": "read", "operation": operation_id("UC" + "a" * 22, "k"), "attempt": 1})
    assert refusal.value.field == "attempt"
