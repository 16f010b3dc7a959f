"""Sends a notification to the deployed webhook as the hub would, signed, and waits until it has come through.

    python -m infra.push test CHANNEL            a deletion of a video that never was
    python -m infra.push replay CHANNEL FILE     once more a body that the hub sent

Needs the deployment's settings and YOUTUBE_HUB_KEY in the environment (gcloud secrets versions access latest
--secret=youtube-hub-key). Through is what `ingest` has noted: webhook, Pub/Sub, ingest and Firestore lie between.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import urllib3

from shared.clock import format_instant, system_clock
from shared.cloud import firestore
from shared.collection import videos
from shared.push import keys
from shared.push.subscriptions import COLLECTION
from shared.settings import settings

NOBODY_S = "pushTest_00"
"""The id of a video that never was."""
_PATIENCE = 60.0


def deletion(channel_id: str, now: datetime) -> bytes:
    """A feed that says that a video is gone, as YouTube's hub sends it."""
    return (
        '<feed xmlns:at="http://purl.org/atompub/tombstones/1.0" xmlns="http://www.w3.org/2005/Atom">'
        f'<at:deleted-entry ref="yt:video:{NOBODY_S}" when="{format_instant(now)}"><at:by>'
        f"<uri>https://www.youtube.com/channel/{channel_id}</uri></at:by></at:deleted-entry></feed>"
    ).encode()


def signed(key: keys.HubKeys, channel_id: str, body: bytes) -> tuple[str, dict[str, str]]:
    """The path and the headers of a notification."""
    signature = hmac.new(key.secret(channel_id).encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/atom+xml", "X-Hub-Signature": f"sha256={signature}"}
    return f"/webhooks/youtube/{channel_id}/{key.token(channel_id)}", headers


def main(given: Sequence[str] | None = None) -> int:
    """Exit status 0 once the notification has come through."""
    parser = argparse.ArgumentParser(prog="python -m infra.push", description=__doc__)
    parser.add_argument("what", choices=["test", "replay"])
    parser.add_argument("channel")
    parser.add_argument("file", nargs="?", type=Path)
    asked = parser.parse_args(given)
    if (asked.what == "replay") != (asked.file is not None):
        parser.error("replay takes a file, and test none")
    began = system_clock()
    body = asked.file.read_bytes() if asked.file else deletion(asked.channel, began)
    path, headers = signed(keys.from_environment(), asked.channel, body)
    answer = urllib3.request("POST", settings().api_url + path, body=body, headers=headers, timeout=30)
    print(f"the webhook answered {answer.status} {answer.data.decode(errors='replace')[:300]}")
    return int(answer.status != 204 or not _through(asked.channel, began))


def _through(channel_id: str, began: datetime) -> bool:
    client, ends = firestore.client(), time.monotonic() + _PATIENCE
    while time.monotonic() < ends:
        stored = client.document(COLLECTION, channel_id).get().to_dict() or {}
        if stored.get("last_notification", began) > began:
            print(f"it came through after {(system_clock() - began).total_seconds():.1f} s")
            videos.forget(client, NOBODY_S)
            return True
        time.sleep(0.2)
    print(f"it has not come through within {_PATIENCE:.0f} s", file=sys.stderr)
    return False


if __name__ == "__main__":
    sys.exit(main())
