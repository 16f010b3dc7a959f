"""Publishing on a small quota: what runs, what borrows, what has to wait and why, and what runs after midnight.

Four users share four uploads a day. One of them publishes a release and two videos as critical work, which borrows
from those who are idle at once; of the two who come later one finds nothing left, and its upload waits for the
reset at midnight in California.
"""

from __future__ import annotations

import hashlib
import os
import struct
import time
import zlib
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rich.table import Table

from infra import observed
from infra.local import loopback
from infra.local.addresses import SOURCE_BUCKET as BUCKET
from infra.local.demo import control
from infra.local.demo.connect import connect_all, people
from infra.local.demo.ledgers import quota_problems
from infra.local.demo.pulse import Pulse
from infra.local.demo.story import to_collecting_hour
from infra.local.demo.unmapped import documents, unmapped
from infra.local.stack import Stack
from shared.clock import RESET_GRACE, RESET_SPREAD, next_reset, pacific_day

if TYPE_CHECKING:
    from google.cloud.firestore import Client as Firestore
    from rich.console import Console

USERS = 4
UPLOADS = 4  # a day, for the whole project
SETTINGS = {
    observed.VARIABLE: "1",
    "YT_USERS_MAX": str(USERS),
    "YT_QUOTA_LIMITS": f"uploads={UPLOADS}",
    "YT_REPORT_TYPES": "channel_basic_a3",
}
PATIENCE = 60.0  # seconds
ENDED = frozenset({"succeeded", "failed", "cancelled"})
SETTLED = ENDED | {"waiting"}  # until YouTube has processed a video, or for the next day


@dataclass
class Act:
    """What happened. problems: whatever should have been otherwise. run: the folder of its stack."""

    operations: list[dict[str, Any]] = field(default_factory=list)
    plan: dict[str, Any] = field(default_factory=dict)
    quota: dict[str, dict[str, int]] = field(default_factory=dict)
    loans: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    run: str = ""

    def as_json(self) -> dict[str, Any]:
        """For programs; each operation as its owner reads it."""
        return asdict(self)


def perform(act: Act, screen: Console, pulse: Pulse) -> None:
    """Play the act on a small stack of its own, showing each step, and note in `act` what happened."""
    with Stack.start(
        users=USERS,
        channels_per_user=1,
        schedules_paused=True,
        settings=SETTINGS,
        say=lambda text: screen.print(text, markup=False),
    ) as stack:
        act.run = str(stack.run_folder)
        pulse.watch(stack.supervisor.parts.values())
        to_collecting_hour(stack)
        control.tell(stack, "quota", limits={"uploads": UPLOADS})
        everybody = people(stack, users=USERS)
        failures = connect_all(stack, everybody, said=lambda _: None)
        act.problems += [f"{channel} is not connected: {why}" for channel, why in failures.items()]
        stack.wait_idle()
        channels = [person.channels[0] for person in everybody]
        files = _put_files(stack)
        _ask_for_a_plan(stack, act, channels[0], screen)
        screen.print(
            f"  {USERS} users share {UPLOADS} uploads a day; one has a release and two videos that cannot wait"
        )
        today = [submit(stack, f"today-{n}", channels[0], {**_work(n), "critical": True}) for n in range(3)]
        wait(stack, today, ENDED)
        screen.print("  two others publish a video each: one unit is left for both")
        rest = []
        for number, channel in enumerate(channels[1:3], start=3):
            rest.append(submit(stack, f"today-{number}", channel, _work(number)))
            wait(stack, rest, SETTLED)
        act.operations = [read(stack, operation) for operation in (*today, *rest)]
        _show(screen, act.operations, "Before midnight in California")
        _note_quota(stack, act)
        screen.print("  midnight passes")
        stack.advance((next_reset(stack.now()) + RESET_GRACE + RESET_SPREAD - stack.now()).total_seconds())
        wait(stack, rest, ENDED)
        act.operations = [read(stack, operation) for operation in (*today, *rest)]
        _show(screen, act.operations, "After midnight")
        _compare_counts(stack, act)
        _check(stack, act, files)


def _work(number: int) -> dict[str, Any]:
    """The first is a release of three steps, the others are plain uploads."""
    upload = {
        "source": {"bucket": BUCKET, "object": f"video-{number}.mp4"},
        "title": f"Demo video {number}",
        "made_for_kids": False,
    }
    if number:
        return {"upload": upload}
    return {
        "release": {
            "upload": upload,
            "thumbnail": {"source": {"bucket": BUCKET, "object": "thumbnail.png"}},
            "playlist": {"title": "Demo releases"},
        }
    }


def _put_files(stack: Stack) -> dict[str, bytes]:
    """Videos and a thumbnail in the bucket, as the app would have put them there."""
    files = {f"video-{n}.mp4": video(n) for n in range(5)} | {"thumbnail.png": _picture()}
    folder = stack.run_folder / "objects" / BUCKET
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return files


def video(number: int) -> bytes:
    """A file that begins as an MP4 does; what follows matters to nobody here."""
    kind = b"ftypisom\x00\x00\x02\x00isomiso2mp41"
    return struct.pack(">I", len(kind) + 4) + kind + hashlib.sha256(str(number).encode()).digest() * 30_000


def _picture() -> bytes:
    """A PNG of one grey point."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\x00\x80"))
        + chunk(b"IEND", b"")
    )


def submit(stack: Stack, key: str, channel: str, work: dict[str, Any]) -> str:
    """Hand in work as the app's backend does; the operation's id."""
    told = control.call(stack, "publish", "app-backend", idempotency_key=key, channel_id=channel, **work)
    return str(told["operation"]["id"])


def read(stack: Stack, operation: str) -> dict[str, Any]:
    """An operation as the app reads it."""
    told = control.call(stack, "publish", "app-backend", action="read", operation=operation)
    return dict(told["operation"])


def wait(stack: Stack, operations: list[str], states: frozenset[str]) -> None:
    """Until each is in one of these states. Raises TimeoutError when the demo's patience ends first.

    Meanwhile YouTube's processing time passes, which an upload waits for.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        found = [read(stack, operation) for operation in operations]
        if all(one["state"] in states for one in found):
            return
        if time.monotonic() > deadline:
            left = ", ".join(f"{one['id']} is {one['state']}" for one in found if one["state"] not in states)
            raise TimeoutError(f"after {PATIENCE:.0f} s {left}")
        if any(one["state"] == "waiting" and one["reason"] == "processing" for one in found):
            stack.advance(timedelta(seconds=30).total_seconds())
        time.sleep(0.3)


def _ask_for_a_plan(stack: Stack, act: Act, channel: str, screen: Console) -> None:
    """Twelve uploads with thumbnails today? Asked before there is anything to upload, and without spending."""
    work = {"channel_id": channel, "do": ["upload", "thumbnail"], "times": 12, "critical": True}
    act.plan = control.call(stack, "publish", "app-backend", action="plan", work=[work])["plan"]
    screen.print(f"  Twelve uploads with thumbnails today? {act.plan['message']}", markup=False)
    days = [later["times"] for later in act.plan["work"][0]["later"]]
    if (act.plan["now"], days) != (UPLOADS, [UPLOADS, UPLOADS]):
        act.problems.append(f"of twelve uploads {act.plan['now']} could run now and {days} later")


def _note_quota(stack: Stack, act: Act) -> None:
    """What the console shows of the bucket: who lent what to whom, and what was refused; and who has to wait."""
    _compare_counts(stack, act)
    told = _quota(stack, bucket="uploads")
    act.loans, act.refusals = told["loans"], told["refusals"]
    if not act.loans:
        act.problems.append("nobody borrowed an upload")
    if not any(one["state"] == "waiting" and one["due_at"] for one in act.operations):
        act.problems.append("nothing had to wait for the spent bucket")


def _quota(stack: Stack, **query: str) -> dict[str, Any]:
    """The console's page of quotas, for programs."""
    address, asked = f"{stack.url('gateway')}/console/quota", {"format": "json", **query}
    told: dict[str, Any] = loopback.http().get(address, params=asked, timeout=60).raise_for_status().json()
    return told


def _compare_counts(stack: Stack, act: Act) -> None:
    """The console's buckets of this Pacific day, each of whose counts must be Google's own."""
    buckets = {bucket["bucket"]: bucket for bucket in _quota(stack)["buckets"]}
    today = pacific_day(stack.now()).isoformat()
    ours = {name: bucket["used"] for name, bucket in buckets.items()}
    told = control.ask(stack, "quota")["days"].get(today, {})
    google = {name: counts["used"] for name, counts in told.items()}
    act.quota[today] = {"ours": ours["uploads"], "google": google.get("uploads", 0), "limit": UPLOADS}
    act.problems += quota_problems({today: ours}, {today: google})
    if google.get("uploads", 0) > UPLOADS:
        act.problems.append(f"Google counts {google['uploads']} uploads on {today}, of {UPLOADS}")


def _check(stack: Stack, act: Act, files: dict[str, bytes]) -> None:
    """Each operation succeeded, YouTube holds each video once, byte for byte, and what is stored is on the map."""
    act.problems += [
        f"operation {one['id']} is {one['state']}: {one['message']}"
        for one in act.operations
        if one["state"] != "succeeded"
    ]
    uploaded = sorted(one["sha256"] for one in control.ask(stack, "uploads")["uploads"] if one["video_id"])
    wanted = sorted(hashlib.sha256(content).hexdigest() for name, content in files.items() if name.endswith("mp4"))
    if uploaded != wanted:
        act.problems.append(f"YouTube holds {len(uploaded)} uploads, not each of {len(wanted)} videos once")
    act.problems += unmapped(documents(_state(stack)))


def _state(stack: Stack) -> Firestore:
    """The stack's Firestore. The environment says where it is only meanwhile: the next act has another one."""
    from google.cloud.firestore import Client  # after the environment is set

    where = "FIRESTORE_EMULATOR_HOST"
    os.environ[where] = stack.env[where]
    try:
        return Client(project=stack.env["GOOGLE_CLOUD_PROJECT"])
    finally:
        del os.environ[where]


def _show(screen: Console, operations: list[dict[str, Any]], title: str) -> None:
    table = Table(title=title)
    for column in ("operation", "state", "why", "until"):
        table.add_column(column)
    for one in operations:
        until = one["due_at"] if one["state"] == "waiting" else ""
        table.add_row(one["kind"], one["state"], one["message"] or one["reason"], until or "")
    screen.print(table)
