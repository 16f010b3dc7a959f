import uuid
from datetime import UTC, datetime, timedelta

import google_crc32c
import pytest
from google.api_core import exceptions
from google.cloud import secretmanager_v1
from google.protobuf.field_mask_pb2 import FieldMask

PROJECT = "projects/test"
State = secretmanager_v1.SecretVersion.State


@pytest.fixture
def secret(secrets_client):
    """A fresh, empty secret's name."""
    made = secrets_client.create_secret(
        parent=PROJECT, secret_id=f"s-{uuid.uuid4().hex}", secret={"replication": {"automatic": {}}}
    )
    return made.name


def add(client, secret, data=b"value", **payload):
    return client.add_secret_version(parent=secret, payload={"data": data, **payload})


def access(client, secret, version="latest"):
    return client.access_secret_version(name=f"{secret}/versions/{version}")


def test_what_is_declared_is_there_and_empty(secrets_client):
    from infra.deployment import deployment

    for declared in deployment().secrets:
        assert secrets_client.get_secret(name=f"{PROJECT}/secrets/{declared}").replication.automatic is not None


def test_a_secret_without_versions_has_nothing_to_access(secrets_client, secret):
    with pytest.raises(exceptions.NotFound, match="versions/latest"):
        access(secrets_client, secret)


def test_versions_count_up_and_latest_is_the_newest(secrets_client, secret):
    names = [add(secrets_client, secret, data).name for data in (b"one", b"two")]
    assert names == [f"{secret}/versions/1", f"{secret}/versions/2"]
    assert access(secrets_client, secret, 1).payload.data == b"one"
    newest = access(secrets_client, secret)
    assert newest.payload.data == b"two"
    assert newest.name == names[1]
    with pytest.raises(exceptions.NotFound):
        access(secrets_client, secret, 3)


def test_a_payload_comes_back_with_its_checksum(secrets_client, secret):
    made = add(secrets_client, secret, b"payload", data_crc32c=google_crc32c.value(b"payload"))
    assert made.client_specified_payload_checksum
    assert access(secrets_client, secret).payload.data_crc32c == google_crc32c.value(b"payload")
    assert not add(secrets_client, secret).client_specified_payload_checksum


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ({"data": b"damaged", "data_crc32c": 1}, "crc32c"),
        ({"data": b""}, "empty"),
        ({"data": b"x" * 65537}, "larger"),
    ],
)
def test_a_payload_that_is_damaged_empty_or_too_large_is_refused(secrets_client, secret, payload, says):
    with pytest.raises(exceptions.InvalidArgument, match=says):
        secrets_client.add_secret_version(parent=secret, payload=payload)
    assert list(secrets_client.list_secret_versions(parent=secret)) == []


def test_the_largest_payload_is_kept(secrets_client, secret):
    add(secrets_client, secret, b"x" * 65536)
    assert len(access(secrets_client, secret).payload.data) == 65536


def test_a_disabled_version_refuses_access_until_it_is_enabled(secrets_client, secret):
    version = add(secrets_client, secret).name
    assert secrets_client.disable_secret_version(name=version).state == State.DISABLED
    with pytest.raises(exceptions.FailedPrecondition, match="DISABLED"):
        access(secrets_client, secret, 1)
    with pytest.raises(exceptions.FailedPrecondition, match="DISABLED"):
        access(secrets_client, secret)  # latest is the newest version, not the newest enabled one
    assert secrets_client.enable_secret_version(name=version).state == State.ENABLED
    assert access(secrets_client, secret).payload.data == b"value"


def test_a_destroyed_version_stays_destroyed(secrets_client, secret):
    version = add(secrets_client, secret).name
    destroyed = secrets_client.destroy_secret_version(name=version)
    assert destroyed.state == State.DESTROYED
    assert destroyed.destroy_time
    with pytest.raises(exceptions.FailedPrecondition, match="DESTROYED"):
        access(secrets_client, secret, 1)
    for change in (
        secrets_client.enable_secret_version,
        secrets_client.disable_secret_version,
        secrets_client.destroy_secret_version,
    ):
        with pytest.raises(exceptions.FailedPrecondition):
            change(name=version)
    assert add(secrets_client, secret).name.endswith("/versions/2")


def test_versions_are_listed_newest_first_page_by_page(secrets_client, secret):
    for _ in range(5):
        add(secrets_client, secret)
    pages = list(secrets_client.list_secret_versions(request={"parent": secret, "page_size": 2}).pages)
    numbers = [[version.name.rsplit("/", 1)[1] for version in page.versions] for page in pages]
    assert numbers == [["5", "4"], ["3", "2"], ["1"]]
    assert pages[0].total_size == 5


def test_secrets_are_listed_newest_first(secrets_client):
    parent = f"projects/p-{uuid.uuid4().hex[:8]}"
    for secret_id in ("a", "c", "b"):
        secrets_client.create_secret(parent=parent, secret_id=secret_id, secret={"replication": {"automatic": {}}})
    assert [found.name.rsplit("/", 1)[1] for found in secrets_client.list_secrets(parent=parent)] == [
        "b",
        "c",
        "a",
    ]


@pytest.mark.parametrize(
    ("secret_id", "settings"),
    [
        ("with.dot", {}),
        ("s" * 256, {}),
        ("", {}),
        ("upper-label", {"labels": {"Team": "x"}}),
        ("digit-label", {"labels": {"1team": "x"}}),
        ("long-label", {"labels": {"k" * 64: "x"}}),
        ("many-labels", {"labels": {f"k{number}": "x" for number in range(65)}}),
        ("topic", {"topics": [{"name": "rotations"}]}),
        ("no-replication", {"replication": {}}),
        (
            "rotation-without-topic",
            {"rotation": {"next_rotation_time": datetime.now(UTC) + timedelta(days=1)}},
        ),
        (
            "rotation-too-soon",
            {
                "topics": [{"name": "projects/test/topics/rotations"}],
                "rotation": {"next_rotation_time": datetime.now(UTC) + timedelta(seconds=60)},
            },
        ),
        (
            "rotation-without-start",
            {
                "topics": [{"name": "projects/test/topics/rotations"}],
                "rotation": {"rotation_period": timedelta(days=1)},
            },
        ),
    ],
)
def test_a_secret_that_the_service_refuses_is_refused(secrets_client, secret_id, settings):
    with pytest.raises(exceptions.InvalidArgument):
        secrets_client.create_secret(
            parent=PROJECT, secret_id=secret_id, secret={"replication": {"automatic": {}}, **settings}
        )


def test_labels_topics_and_rotation_are_kept(secrets_client):
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    made = secrets_client.create_secret(
        parent=PROJECT,
        secret_id=f"s-{uuid.uuid4().hex}",
        secret={
            "replication": {"automatic": {}},
            "labels": {"team": "video_1"},
            "topics": [{"name": "projects/test/topics/rotations"}],
            "rotation": {"next_rotation_time": start, "rotation_period": timedelta(days=90)},
        },
    )
    found = secrets_client.get_secret(name=made.name)
    assert found == made
    assert dict(found.labels) == {"team": "video_1"}
    assert found.rotation.next_rotation_time == start


def test_an_alias_names_a_version(secrets_client, secret):
    add(secrets_client, secret, b"one")
    add(secrets_client, secret, b"two")
    secrets_client.update_secret(
        secret={"name": secret, "version_aliases": {"current": 1}},
        update_mask=FieldMask(paths=["version_aliases"]),
    )
    assert access(secrets_client, secret, "current").payload.data == b"one"
    with pytest.raises(exceptions.FailedPrecondition):
        secrets_client.update_secret(
            secret={"name": secret, "version_aliases": {"next": 9}},
            update_mask=FieldMask(paths=["version_aliases"]),
        )


def test_an_old_etag_is_refused(secrets_client, secret):
    version = add(secrets_client, secret)
    secrets_client.disable_secret_version(name=version.name)
    with pytest.raises(exceptions.FailedPrecondition, match="etag"):
        secrets_client.enable_secret_version(request={"name": version.name, "etag": version.etag})


def test_a_name_is_taken_while_the_secret_lives_and_free_afterwards(secrets_client, secret):
    again = {
        "parent": PROJECT,
        "secret_id": secret.rsplit("/", 1)[1],
        "secret": {"replication": {"automatic": {}}},
    }
    with pytest.raises(exceptions.AlreadyExists):
        secrets_client.create_secret(request=again)
    add(secrets_client, secret)
    secrets_client.delete_secret(name=secret)
    with pytest.raises(exceptions.NotFound):
        secrets_client.get_secret(name=secret)
    secrets_client.create_secret(request=again)
    assert list(secrets_client.list_secret_versions(parent=secret)) == []


@pytest.mark.parametrize(
    "call",
    [
        lambda client, name: client.get_secret(name=name),
        lambda client, name: client.delete_secret(name=name),
        lambda client, name: list(client.list_secret_versions(parent=name)),
        add,
        lambda client, name: client.get_secret_version(name=f"{name}/versions/1"),
        lambda client, name: client.disable_secret_version(name=f"{name}/versions/1"),
    ],
)
def test_a_secret_that_does_not_exist_is_not_found(secrets_client, call):
    with pytest.raises(exceptions.NotFound):
        call(secrets_client, f"{PROJECT}/secrets/nowhere")


def test_a_version_is_changed_by_its_number_only(secrets_client, secret):
    add(secrets_client, secret)
    with pytest.raises(exceptions.InvalidArgument):
        secrets_client.destroy_secret_version(name=f"{secret}/versions/latest")
