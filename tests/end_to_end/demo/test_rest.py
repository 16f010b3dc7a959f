"""What the demo does besides its main job, on a small network: all of it goes well, and by what is granted."""

from __future__ import annotations

from infra.local.demo import rotation
from infra.local.demo.connect import connect_all, people
from infra.local.demo.rest import PEOPLE, Rest
from infra.local.demo.story import LAG, to_collecting_hour


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
    assert stack.trigger("collect-reports-daily")["status"] == 200
    stack.wait_idle()
    rotation.rotate(stack)
    rest = Rest(stack, firestore.Client(project=project), bigquery.client_of(project), "youtube", everybody)
    assert list(rest.problems()) == []
    assert rest.grants().problems == []
