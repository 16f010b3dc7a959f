"""What `python -m infra.push` sends is what the webhook believes."""

from __future__ import annotations

from datetime import UTC, datetime

from infra import push
from shared.push.feed import VideoNotice, parse
from shared.push.keys import HubKeys
from shared.push.verification import check_signature

KEY, CHANNEL = HubKeys((b"k" * 32,)), "UC" + "a" * 22
NOW = datetime(2026, 11, 29, tzinfo=UTC)


def test_a_test_notification_holds_its_signature_and_tells_of_no_video_that_exists():
    body = push.deletion(CHANNEL, NOW)
    path, headers = push.signed(KEY, CHANNEL, body)
    token = path.removeprefix(f"/webhooks/youtube/{CHANNEL}/")
    check_signature(headers["X-Hub-Signature"], body, KEY.secrets(CHANNEL, token))
    gone = VideoNotice(video_id=push.NOBODY_S, channel_id=CHANNEL, updated=NOW, deleted=True)
    assert parse(body, CHANNEL).notices == (gone,)
