"""What the demo does besides its main job, on a small network: all of it goes well, and by what is granted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial

import yaml

from infra.deployment import ROOT
from infra.local.demo import control, outage, rotation
from infra.local.demo.connect import connect_all, people
from infra.local.demo.rest import PEOPLE, Rest
from infra.local.demo.story import LAG, to_collecting_hour
from shared.access.receipts import PENDING
from tests.stands.waiting import eventually


def test_everything_is_done_by_what_is_granted_and_nothing_is_granted_that_nothing_uses(stack, monkeypatch):
    from google.cloud import firestore

    from shared.cloud import bigquery

    for name in ("FIRESTORE_EMULATOR_HOST", "BIGQUERY_EMULATOR_HOST"):
        monkeypatch.setenv(name, stack.env[name])
    project = stack.env["GOOGLE_CLOUD_PROJECT"]
    to_collecting_hour(stack)
    everybody = people(stack, users=PEOPLE)
    assert connect_all(stack, everybody, said=lambda _: None) == {}
    stack.wait_idle()
    stack.advance(LAG.total_seconds())
    assert stack.call("collect_reports", {"everything": True}).status_code == 200
    stack.wait_idle()
    rotation.rotate(stack)
    found, client = outage.Outage(), firestore.Client(project=project)
    channels = [channel for person in everybody for channel in person.channels]
    renew = partial(stack.trigger, "renew-subscriptions")
    renew()
    outage.live_through(stack, client, channels, renew, found, videos=1)
    assert found.problems() == []
    rest = Rest(stack, client, bigquery.client(project), "youtube", everybody)
    assert list(rest.problems()) == []
    assert rest.grants().problems == []


def test_a_teardown_ends_every_connection_of_everybody_and_is_repeated_until_every_receipt_is_finished(
    stack, tmp_path
):
    everybody = people(stack, users=PEOPLE)
    assert connect_all(stack, everybody, said=lambda _: None) == {}
    project = stack.env["GOOGLE_CLOUD_PROJECT"]
    settings, kept = tmp_path / "settings.yaml", tmp_path / f"receipts.{project}.jsonl"
    settings.write_text(yaml.safe_dump(dict(stack.env)))
    command = [sys.executable, "-m", "infra.moving", "teardown", "--project", project, "--settings", str(settings)]
    environment = {**os.environ, **stack.env, **stack.clock.environment(), "PYTHONPATH": str(ROOT)}
    said: list[str] = []

    def run(*more: str) -> int:
        ended = subprocess.run(
            [*command, *more],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        said.append(ended.stdout + ended.stderr)
        return ended.returncode

    channels = sum(len(person.channels) for person in everybody)
    assert run() == 1
    assert f"{channels} channels would be disconnected" in said[-1]
    assert not kept.exists()

    def finished() -> bool:
        status = run("--confirm", project)
        assert status == 0 or "run it again" in said[-1], said[-1]  # as its last line says
        stack.wait_idle()
        return status == 0

    eventually(finished, lambda: (said[-1], stack.logs("ingest")[-5000:]), every=1)  # while `ingest` erases
    receipts = [json.loads(line) for line in kept.read_text().splitlines()]
    assert {each["channel_id"] for each in receipts} >= {name for person in everybody for name in person.channels}
    assert not [each for each in receipts if None in each["deleted"].values() or each["google"] == PENDING]
    assert "Nobody is connected any more" in said[-1]
    assert control.ask(stack, "grants")["grants"] == []
