"""Everything is exported and restored elsewhere by the real gcloud and Google's client, against a stand-in."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from infra import gcloud, moving
from infra.deployment import deployment
from infra.rehearsal import moved
from infra.rehearsal.cloud import Cloud
from shared.warehouse.tables import TABLES

OLD, NEW = "old-project", "new-project"
KEY = f"projects/{{}}/secrets/{moving.KEY}"
VERSIONS = {
    "1": {"state": "DESTROYED", "content": b""},
    "2": {"state": "ENABLED", "content": b"2" * 32},
    "3": {"state": "DISABLED", "content": b"3" * 32},
    "4": {"state": "ENABLED", "content": b"\xff" * 32},
}


ACTS = moved.ACTS


@pytest.fixture(scope="module")
def project(place: SimpleNamespace) -> Cloud:
    (place.folder / "infra").mkdir()
    for name in (OLD, NEW):
        (place.folder / "infra" / f"settings.{name}.yaml").write_text("YT_DATASET: numbers\n")
    place.patch.setattr(moving.deploy, "ROOT", place.folder)
    found: Cloud = place.cloud
    return found


@pytest.fixture
def cloud(project: Cloud) -> Cloud:
    project.resources.clear()
    project.changed.clear()
    project.refusals.clear()
    project.resources[KEY.format(OLD)] = {number: dict(each) for number, each in VERSIONS.items()}
    return project


def test_an_export_stops_what_starts_work_before_it_writes_documents_and_tables(cloud):
    assert moving.main(["export", "--project", OLD, "--bucket", "moving-bucket"]) == 0
    assert cloud.refusals == []
    declared = deployment()
    resting = [f"{name} is paused" for name in (*declared.schedules, *declared.queues)]
    assert sorted(cloud.changed[: len(resting)]) == sorted(resting)
    first, *tables = cloud.changed[len(resting) :]
    assert first == f"Firestore: exportDocuments gs://moving-bucket/moving/{OLD}/firestore"
    assert tables == [f"{each.name} to gs://moving-bucket/moving/{OLD}/{each.name}/*.json.gz" for each in TABLES]


def restore() -> int:
    return moving.main(["restore", "--project", NEW, "--from", OLD, "--bucket", "moving-bucket"])


def test_a_restore_brings_the_key_documents_and_tables_and_a_second_one_loads_no_table_again(cloud):
    assert restore() == 0
    assert cloud.refusals == []
    loaded = [f"gs://moving-bucket/moving/{OLD}/{each.name}/*.json.gz to {each.name}" for each in TABLES]
    assert cloud.changed[-len(TABLES) :] == loaded
    assert f"Firestore: importDocuments gs://moving-bucket/moving/{OLD}/firestore" in cloud.changed
    before = len(cloud.changed)
    assert restore() == 0
    assert cloud.changed[before:] == [f"Firestore: importDocuments gs://moving-bucket/moving/{OLD}/firestore"]


def test_every_version_of_the_key_keeps_its_number_and_only_those_in_use_are_copied(cloud):
    moving.copy_key(OLD, NEW)
    copied = cloud.resources[KEY.format(NEW)]
    assert {number: each["state"] for number, each in copied.items()} == {
        "1": "DESTROYED",
        "2": "ENABLED",
        "3": "DESTROYED",
        "4": "ENABLED",
    }
    assert [copied[number]["content"] for number in "24"] == [b"2" * 32, b"\xff" * 32]


def test_another_key_that_is_there_already_is_not_mixed_with_the_old_one(cloud):
    cloud.resources[KEY.format(NEW)] = {
        "1": {"state": "DESTROYED", "content": b""},
        "2": {"state": "ENABLED", "content": b"other"},
    }
    with pytest.raises(gcloud.Refused, match="another youtube-vault-key"):
        moving.copy_key(OLD, NEW)
    assert len(cloud.resources[KEY.format(NEW)]) == 2


def test_a_restore_that_died_goes_on_where_it_was(cloud):
    cloud.changes_left = 9
    assert restore() == 1
    cloud.changes_left = None
    assert restore() == 0
    assert [each for each in cloud.changed if each.endswith(f" to {TABLES[0].name}")] == [
        f"gs://moving-bucket/moving/{OLD}/{TABLES[0].name}/*.json.gz to {TABLES[0].name}"
    ]


@pytest.mark.parametrize(
    "given",
    [
        ["export", "--project", OLD],
        ["teardown", "--project", OLD, "--bucket", "moving-bucket"],
        ["restore", "--project", NEW],
    ],
)
def test_a_command_that_lacks_something_says_what(given, capsys):
    with pytest.raises(SystemExit):
        moving.main(given)
    assert "needs --bucket" in capsys.readouterr().err
