"""Workers killed at any moment: one video each, byte for byte, one of all else, every unit accounted for."""

import hashlib
import multiprocessing
import os
import random
import time
from signal import SIGKILL

import pytest

from infra.local.simulator.data.library import Library
from shared.clock import system_clock
from shared.publishing.attempt import Limits
from shared.publishing.operation import State
from shared.youtube import data
from tests.emulators.publishing.bench import PNG
from tests.emulators.publishing.killed_worker import Told, work

KILLS = 50
SIZE = 5_000_000
PASSED_ON = """
FIRESTORE_EMULATOR_HOST STORAGE_EMULATOR_HOST GOOGLE_CLOUD_PROJECT YT_APP_URL YT_API_URL YT_ID_TOKEN_ISSUER
YT_ID_TOKEN_KEYS_URL YT_ID_TOKEN_AUDIENCE
"""


def workers():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.emulators.publishing.killed_worker"])
    return context


def told(bench, operation, seed=1, **more):
    clock = bench.stand.clock
    due = bench.get(operation).due_at
    if due is not None and due > clock():
        bench.stand.advance(seconds=(due - clock()).total_seconds() + 1)
    return Told(
        environment={name: os.environ[name] for name in PASSED_ON.split()},
        project=bench.stand.firestore.project,
        root=bench.stand.simulator.root,
        token=bench.tokens(None),
        ahead=(clock() - system_clock()).total_seconds(),
        operation=operation.id,
        attempt=bench.get(operation).attempt,
        seed=seed,
        **more,
    )


@pytest.mark.fault(47)
def test_fifty_kills_at_random_moments_of_uploads_make_one_video_each(bench):
    rng, context = random.Random(47), workers()
    bench.stand.inject(method="upload.session", kind="drop", probability=0.03, seed=1)
    bench.stand.inject(method="upload.session", kind="backendError", probability=0.03, seed=2)
    bench.stand.inject(method="youtube.videos.insert", kind="drop", probability=0.1, seed=3)
    kills, interrupted, uploads, expected = 0, 0, [], []
    deadline = time.monotonic() + 240
    while kills < KILLS and time.monotonic() < deadline:
        name = f"video-{len(uploads)}.mp4"
        expected.append(hashlib.sha256(bench.video(name, SIZE, seed=len(uploads))).hexdigest())
        operation, _ = bench.submit(upload=bench.upload(name))
        uploads.append(operation)
        while not bench.get(operation).ended and bench.get(operation).current == "transfer":
            assert time.monotonic() < deadline + 60, f"{operation} does not end"
            worker = context.Process(target=work, args=(told(bench, operation, rng.randrange(1000)),))
            worker.start()
            if kills >= KILLS:
                worker.join(30)
            elif rng.random() < 0.5:
                worker.join(rng.uniform(0.0, 0.6))
            else:
                join_until_bytes_are_under_way(bench, worker)
            if worker.is_alive():
                interrupted += under_way(bench)
                worker.kill()
                worker.join()
                kills += 1
            assert worker.exitcode in {0, -SIGKILL}
            time.sleep(0.05)
    assert kills >= KILLS
    assert interrupted >= KILLS / 5  # with bytes under way, not only before the first or after the last
    print(f"{kills} kills, {interrupted} with bytes under way, {len(uploads)} uploads")
    bench.stand.simulator.faults.clear()
    for operation in uploads:
        finish(bench, operation)
        assert bench.get(operation).state is State.SUCCEEDED, bench.get(operation)
    assert sorted(session.received.sha256 for session in bench.videos()) == sorted(expected)
    ours, googles = bench.stand.ours(), bench.stand.googles()
    # A worker that died between setting units aside and sending left them spent: never fewer than Google counts.
    assert all(0 <= ours[bucket] - googles[bucket] <= kills for bucket in ours), (ours, googles)


def under_way(bench):
    return any(0 < session.stored < SIZE for session in bench.sessions())


def join_until_bytes_are_under_way(bench, worker):
    """A moment that a clock would rarely hit on a fast machine: some bytes have arrived, and not all."""
    deadline = time.monotonic() + 5
    while worker.is_alive() and not under_way(bench) and time.monotonic() < deadline:
        worker.join(0.002)


def finish(bench, operation):
    for _ in range(50):
        found = bench.get(operation)
        if found.ended:
            return
        wait = (found.due_at - bench.stand.clock()).total_seconds() if found.due_at else 0
        bench.stand.advance(seconds=max(0, wait) + 1)
        bench.runner().run(operation.id, found.attempt)


@pytest.mark.fault(47)
def test_a_release_killed_between_any_two_writes_has_one_thumbnail_one_playlist_and_one_entry(bench):
    bench.video(size=300_000)
    bench.put("thumb.png", PNG)
    release = {
        "upload": bench.upload(),
        "thumbnail": {"source": {"bucket": "videos", "object": "thumb.png"}},
        "playlist": {"title": "Killed"},
    }
    operation, _ = bench.submit(release=release)
    bench.limits = Limits(seconds=0, portion=1024 * 1024)
    bench.run_due()
    deaths = killed_at_every_write(bench, operation, until="processing")
    assert all(deaths[step] >= 5 for step in ("thumbnail", "playlist", "playlist_item")), deaths
    finish(bench, operation)
    done, caller = bench.get(operation), bench.stand.caller()
    assert done.state is State.SUCCEEDED, done
    assert len(bench.videos()) == 1
    picture = bench.stand.simulator.room(Library).pictures[done.results["video_id"]]
    assert picture.sha256 == hashlib.sha256(PNG).hexdigest()
    assert [one.id for one in data.my_playlists(caller)] == [done.results["playlist_id"]]
    (entry,) = data.playlist_items(caller, done.results["playlist_id"]).items
    assert entry.video_id == done.results["video_id"]
    accounted(bench, sum(deaths.values()))


@pytest.mark.fault(47)
def test_an_update_killed_between_any_two_writes_changes_what_it_says_and_nothing_else(bench):
    caller = bench.stand.caller()
    video = data.playlist_items(caller, data.my_channel(caller).uploads_playlist).items[0].video_id
    before = data.videos(caller, [video], parts="snippet").videos[0].resource["snippet"]
    operation, _ = bench.submit(update={"video_id": video, "title": "Changed"})
    deaths = killed_at_every_write(bench, operation, until="")
    assert bench.get(operation).state is State.SUCCEEDED
    after = data.videos(caller, [video], parts="snippet").videos[0].resource["snippet"]
    assert {name for name in before if before[name] != after[name]} <= {"title", "localized"}
    assert after["title"] == "Changed"
    accounted(bench, sum(deaths.values()))


def killed_at_every_write(bench, operation, *, until):
    """Let each step's workers die at their first, second, third, ... look at the clock; deaths by step."""
    context, deaths, looks = workers(), {}, 0
    for _ in range(100):
        step = bench.get(operation).current
        if step == until:
            return deaths
        looks = looks + 1 if deaths.get(step) else 1
        worker = context.Process(target=work, args=(told(bench, operation, dies_at=looks, seconds=0),))
        worker.start()
        worker.join(30)
        assert worker.exitcode in {0, -SIGKILL}
        deaths[step] = deaths.get(step, 0) + (worker.exitcode == -SIGKILL)
        bench.stand.advance(seconds=1)  # the dead worker's lease ends
    raise AssertionError(f"no end of {step} in sight: {deaths}")


def accounted(bench, kills):
    """Units set aside by who died before sending stay spent: never fewer than Google counts."""
    ours, googles = bench.stand.ours(), bench.stand.googles()
    assert all(0 <= ours[bucket] - googles[bucket] <= 50 * kills for bucket in ours), (ours, googles)
