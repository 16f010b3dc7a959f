"""What a fault means beyond the operation that met it: the connection, the video or the project is marked.

reauthenticate, mark_channel   the connection can no longer do such a step, until its owner connects it again: new
                               work is refused, and the console says why. Collecting continues, as reading may well
                               work; a grant that is dead for everything is marked by `access`.
mark_as_deleted                a video of this channel that its owner's listing does not have is known to be gone;
                               another call's word does not count, as YouTube denies new videos for a while
tell_operator                  an alert about the API, by `youtube`, which ends with its next success
treat_as_done, waiting         are the operation's own: `run`
log_and_fix_request, fail      the operation fails, with the log and the words that say why
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from shared import channels
from shared.channels import Capability
from shared.cloud.calls import call_options
from shared.collection import videos
from shared.publishing.operation import Operation
from shared.publishing.plan import DELETE, PROCESSING, PUBLICATION, UPDATE, feature
from shared.push.feed import VideoNotice
from shared.youtube.policy import Action
from shared.youtube.retry import RetryDecision

LISTED = frozenset({UPDATE, DELETE, PROCESSING, PUBLICATION})
"""Steps that meet `videoNotFound` in a listing by the owner."""

if TYPE_CHECKING:
    from google.cloud.firestore import Client


def mark(client: Client, decision: RetryDecision, operation: Operation, now: datetime) -> None:
    """Do what a retry decision asks for besides ending the operation. Safe to repeat."""
    if decision.action in {Action.REAUTHENTICATE, Action.MARK_CHANNEL}:
        lost = Capability(have=False, reason=decision.reason)
        channels.set_capability(client, operation.channel_id, feature(operation.current), lost)
    elif decision.action is Action.MARK_AS_DELETED and operation.current in LISTED:
        video_gone(client, operation, now)


def video_gone(client: Client, operation: Operation, now: datetime) -> None:
    """Mark its video as deleted, if it is one of this channel that we know: the request may name any."""
    video_id = operation.video_id
    known = client.collection(videos.COLLECTION).document(video_id).get(**call_options()) if video_id else None
    if known is not None and known.exists and known.get("channel_id") == operation.channel_id:
        gone = VideoNotice(video_id=str(video_id), channel_id=operation.channel_id, updated=now, deleted=True)
        videos.record(client, gone)
