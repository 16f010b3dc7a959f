from datetime import UTC, datetime

import pytest

from shared.errors import InvalidRequest
from shared.vault.rotation import rotation_notice

PUBLISHED = "2026-11-22T12:00:00.123Z"


def push(event):
    attributes = {"eventType": event, "secretId": "projects/1/secrets/youtube-vault-key"}
    return {"message": {"attributes": attributes, "publishTime": PUBLISHED, "messageId": "1"}}


def test_a_rotation_notice_says_when_it_was_sent():
    assert rotation_notice(push("SECRET_ROTATE")) == datetime(2026, 11, 22, 12, 0, 0, 123000, tzinfo=UTC)


@pytest.mark.parametrize("event", ["SECRET_VERSION_ADD", "SECRET_UPDATE", "TOPIC_CONFIGURED"])
def test_secret_manager_s_other_events_ask_for_nothing(event):
    assert rotation_notice(push(event)) is None


@pytest.mark.parametrize(
    "body",
    [{"message": None}, {"message": "x"}, {"message": {"attributes": {"eventType": "SECRET_ROTATE"}}}],
)
def test_what_is_no_message_is_refused(body):
    with pytest.raises(InvalidRequest):
        rotation_notice(body)
