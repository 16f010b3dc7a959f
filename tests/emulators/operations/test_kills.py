"""Workers killed at any moment, fifty times: one video each, byte for byte, and every unit accounted for."""

import hashlib
import multiprocessing
import os
import random
import time

import pytest

from shared.clock import system_clock
from shared.operations.operation import State
from tests.emulators.operations.killed_worker import Told, work

KILLS = 50
SIZE = 5_000_000
PASSED_ON = """
FIRESTORE_EMULATOR_HOST STORAGE_EMULATOR_HOST GOOGLE_CLOUD_PROJECT YT_APP_URL YT_API_URL YT_ID_TOKEN_ISSUER
YT_ID_TOKEN_KEYS_URL YT_ID_TOKEN_AUDIENCE
"""


def workers():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.emulators.operations.killed_worker"])
    return context


def told(bench, operation, seed):
    clock = bench.stand.clock
    due = bench.get(operation).due_at
    if due is not None and due > clock():
        bench.stand.advance(seconds=(due - clock()).total_seconds() + 1)
    return Told(
        environment={name: os.environ[name] for name in PASSED_ON.split()},
        project=bench.stand.firestore.project,
        root=bench.stand.simulator.root,
        token=bench.tokens.access_token(),
        ahead=(clock() - system_clock()).total_seconds(),
        operation=operation.id,
        turn=bench.get(operation).turn,
        seed=seed,
    )


@pytest.mark.fault(47)
def test_fifty_kills_at_random_moments_of_uploads_make_one_video_each(bench):
    dice, context = random.Random(47), workers()
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
            worker = context.Process(target=work, args=(told(bench, operation, dice.randrange(1000)),))
            worker.start()
            worker.join(dice.uniform(0.0, 0.6) if kills < KILLS else 30)
            if worker.is_alive():
                interrupted += any(0 < session.stored < SIZE for session in bench.sessions())
                worker.kill()
                worker.join()
                kills += 1
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


def finish(bench, operation):
    for _ in range(50):
        found = bench.get(operation)
        if found.ended:
            return
        wait = (found.due_at - bench.stand.clock()).total_seconds() if found.due_at else 0
        bench.stand.advance(seconds=max(0, wait) + 1)
        bench.runner().run(operation.id, found.turn)
