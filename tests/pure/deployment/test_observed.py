"""What functions were seen to call, held against what they are granted."""

from __future__ import annotations

import pytest

from infra import observed
from infra.deployment import deployment
from infra.observed import Grant

PROJECT = "projects/local"
SECRETS = "google.cloud.secretmanager.v1.SecretManagerService"
INGEST = (
    "google.firestore.v1.Firestore/Commit projects/local/databases/(default)",
    f"google.cloud.tasks.v2.CloudTasks/CreateTask {PROJECT}/locations/r/queues/ingest task-queues@local.iam",
    f"POST:/v1/{PROJECT}/topics/ingest:publish",
    f"POST:/v1/{PROJECT}/topics/calls:publish",
    f"google.pubsub.v1.Subscriber/Pull {PROJECT}/subscriptions/calls",
    f"{SECRETS}/AccessSecretVersion {PROJECT}/secrets/youtube-vault-key/versions/latest",
    f"{SECRETS}/AccessSecretVersion {PROJECT}/secrets/youtube-oauth-client/versions/latest",
    f"POST:/bigquery/v2/{PROJECT}/queries INSERT",
)


def of(function: str) -> list[Grant]:
    return [each for each in observed.grants() if each.holder == function]


def test_every_function_is_granted_something_and_nothing_twice():
    held = observed.grants()
    assert {each.holder for each in held} >= deployment().functions.keys()
    assert len(held) == len(set(held))


def test_what_is_granted_may_be_called_and_what_was_called_is_used():
    refused, unused = observed.compared(of("ingest"), {"ingest": INGEST})
    assert refused == []
    assert unused == []


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (f"POST:/v1/{PROJECT}/topics/alerts:publish", "pubsub.publisher on pubsub_topic alerts"),
        (
            f"{SECRETS}/AddSecretVersion {PROJECT}/secrets/youtube-vault-key",
            "secretmanager.secretVersionManager",
        ),
        (f"google.cloud.tasks.v2.CloudTasks/CreateTask {PROJECT}/queues/access task-queues@x", "queue access"),
        (f"google.cloud.tasks.v2.CloudTasks/CreateTask {PROJECT}/queues/ingest scheduler@x", "account scheduler"),
        ("GET:/storage/v1/b/videos/o/a.mp4", "storage.objectViewer"),
    ],
)
def test_a_call_that_no_grant_allows_is_told(call, told):
    refused, _ = observed.compared(of("ingest"), {"ingest": [call]})
    assert any(told in each for each in refused)


def test_a_function_that_may_only_read_the_warehouse_may_not_write():
    read, write = (f"POST:/bigquery/v2/{PROJECT}/queries {word}" for word in ("SELECT", "INSERT"))
    assert observed.compared(of("console"), {"console": [read]})[0] == []
    [refused] = observed.compared(of("console"), {"console": [write]})[0]
    assert "bigquery.dataEditor" in refused


def test_a_grant_that_no_call_has_used_is_told():
    _, unused = observed.compared(of("ingest"), {"ingest": INGEST[:-1]})
    assert {(each.role, each.on.split()[0]) for each in unused} == {
        ("bigquery.dataEditor", "bigquery_dataset"),
        ("bigquery.jobUser", "project"),
    }


def test_a_secret_that_is_mounted_counts_as_read():
    _, unused = observed.compared(of("webhook"), {"webhook": ()})
    assert not any("youtube-hub-key" in each.on for each in unused)


def test_who_calls_a_private_function_uses_the_grant_to_and_nobody_else_may():
    called = f"{observed.INVOKE}:watch"
    assert observed.compared(of("scheduler"), {"scheduler": [called]})[0] == []
    assert observed.compared(of("task-queues"), {"task-queues": [called]})[0] != []


def test_a_grant_that_the_stack_cannot_use_has_one_reason_and_each_reason_a_grant():
    found = [
        [key for key in observed.ONLY_AT_GOOGLE if key[0] in each.holder and key[1] == each.role]
        for each in observed.grants()
    ]
    assert max(map(len, found)) == 1
    assert {key for keys in found for key in keys} == observed.ONLY_AT_GOOGLE.keys()


def test_both_kinds_of_mismatch_are_told_in_words():
    held = of("ingest")
    refused, unused = observed.compared(held, {"ingest": [*INGEST[:-1], f"{observed.INVOKE}:watch"]})
    told = observed.Matched(len(held), 0, refused, unused).problems
    assert told[0] == "not granted: ingest called invoke:watch, and has none of run.invoker on function watch"
    assert "granted for nothing: ingest has bigquery.jobUser on project example-project" in told


def test_a_call_that_nobody_has_thought_of_is_an_error_and_not_overlooked():
    with pytest.raises(ValueError, match="nobody has said"):
        observed.needs("GET:/compute/v1/projects/local/zones")


def test_calls_of_others_than_google_cloud_are_left_out(tmp_path):
    folder = tmp_path / observed.FOLDER
    folder.mkdir()
    (folder / "ingest").write_text(f"GET:/youtube/v3/videos\n{INGEST[0]}\n{INGEST[0]}\nPOST:/token\n")
    assert observed.calls(tmp_path) == {"ingest": frozenset(INGEST[:1])}
