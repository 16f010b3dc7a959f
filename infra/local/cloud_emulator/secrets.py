"""google.cloud.secretmanager.v1: secrets and versions, behind the methods that the clients call."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from google.cloud import secretmanager_v1

from infra.local.cloud_emulator import moments, names
from infra.local.cloud_emulator.pages import page
from infra.local.cloud_emulator.refusal import already_exists, invalid, not_found, precondition, unimplemented
from infra.local.cloud_emulator.vault import LATEST, Secret, State, Version
from infra.local.cloud_emulator.wire import Method

_LARGEST_PAGE = 25_000
_MOST_LABELS, _MOST_TOPICS, _MOST_ALIASES = 64, 10, 50
_SOONEST_ROTATION, _SHORTEST_PERIOD, _LONGEST = 300.0, 3600.0, 3_153_600_000.0
_LABEL_KEY = re.compile(r"[^\W\dA-Z_][\w-]{0,62}")
_LABEL_VALUE = re.compile(r"[\w-]{0,63}")
_TOPIC = re.compile(r"projects/[^/]+/topics/[^/]+")
_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
_MUTABLE = frozenset(
    {"labels", "annotations", "topics", "rotation", "version_aliases", "expire_time", "ttl", "version_destroy_ttl"}
)
_SECRET = secretmanager_v1.Secret.pb()
_VERSION = secretmanager_v1.SecretVersion.pb()


class SecretManager:
    """Every secret. now: seconds since the epoch."""

    def __init__(self, *, now: Callable[[], float]) -> None:
        self.now = now
        self.secrets: dict[str, Secret] = {}
        self._serials = count(1)

    def methods(self) -> Iterator[Method]:
        """The service's table."""
        for name, request, answer in (
            ("CreateSecret", secretmanager_v1.CreateSecretRequest, self.create_secret),
            ("GetSecret", secretmanager_v1.GetSecretRequest, self.get_secret),
            ("ListSecrets", secretmanager_v1.ListSecretsRequest, self.list_secrets),
            ("UpdateSecret", secretmanager_v1.UpdateSecretRequest, self.update_secret),
            ("DeleteSecret", secretmanager_v1.DeleteSecretRequest, self.delete_secret),
            ("AddSecretVersion", secretmanager_v1.AddSecretVersionRequest, self.add_version),
            ("AccessSecretVersion", secretmanager_v1.AccessSecretVersionRequest, self.access_version),
            ("GetSecretVersion", secretmanager_v1.GetSecretVersionRequest, self.get_version),
            ("ListSecretVersions", secretmanager_v1.ListSecretVersionsRequest, self.list_versions),
            ("EnableSecretVersion", secretmanager_v1.EnableSecretVersionRequest, self._mover(State.ENABLED)),
            ("DisableSecretVersion", secretmanager_v1.DisableSecretVersionRequest, self._mover(State.DISABLED)),
            ("DestroySecretVersion", secretmanager_v1.DestroySecretVersionRequest, self._mover(State.DESTROYED)),
        ):
            yield Method(name, request.pb(), answer)

    def create_secret(self, request: Any) -> Any:
        """CreateSecret: empty, with its settings."""
        names.PROJECT.match(request.parent, field="parent")
        names.SECRET_ID.match(request.secret_id, field="secret_id")
        if request.secret.WhichOneof("expiration") or request.secret.HasField("version_destroy_ttl"):
            raise unimplemented("Expiry and delayed destruction of secrets are not emulated.")
        if request.secret.replication.WhichOneof("replication") is None:
            raise invalid("Secret.replication must be provided.")
        self._check(request.secret, versions=0)
        name = f"{request.parent}/secrets/{request.secret_id}"
        if name in self.secrets:
            raise already_exists(f"Secret [{name}] already exists.")
        settings = _SECRET()
        settings.CopyFrom(request.secret)
        secret = Secret(name=name, serial=next(self._serials), created_at=self.now(), settings=settings)
        self.secrets[name] = secret
        return _write_secret(secret)

    def get_secret(self, request: Any) -> Any:
        """GetSecret."""
        return _write_secret(self.secret(request.name))

    def list_secrets(self, request: Any) -> Any:
        """ListSecrets of a project, newest first."""
        names.PROJECT.match(request.parent, field="parent")
        _refuse_filter(request)
        found = {
            _newest_first(secret.serial): secret
            for name, secret in self.secrets.items()
            if name.startswith(f"{request.parent}/secrets/")
        }
        part, token = page(sorted(found), request, largest=_LARGEST_PAGE)
        return secretmanager_v1.ListSecretsResponse.pb()(
            secrets=[_write_secret(found[key]) for key in part], next_page_token=token, total_size=len(found)
        )

    def update_secret(self, request: Any) -> Any:
        """UpdateSecret: the fields of the mask, which is required."""
        secret = self.secret(request.secret.name)
        _check_etag(request.secret.etag, _etag(secret.revision))
        paths = list(request.update_mask.paths)
        if not paths or any(path.split(".")[0] not in _MUTABLE for path in paths):
            raise invalid(f"update_mask must name fields among {sorted(_MUTABLE)}.")
        wanted = _SECRET()
        wanted.CopyFrom(secret.settings)
        request.update_mask.MergeMessage(
            request.secret, wanted, replace_message_field=True, replace_repeated_field=True
        )
        if wanted.WhichOneof("expiration") or wanted.HasField("version_destroy_ttl"):
            raise unimplemented("Expiry and delayed destruction of secrets are not emulated.")
        self._check(wanted, versions=len(secret.versions))
        secret.settings = wanted
        secret.revision += 1
        return _write_secret(secret)

    def delete_secret(self, request: Any) -> None:
        """DeleteSecret with all its versions; the name is free at once."""
        secret = self.secret(request.name)
        _check_etag(request.etag, _etag(secret.revision))
        del self.secrets[secret.name]

    def add_version(self, request: Any) -> Any:
        """AddSecretVersion: enabled, one number higher than the last."""
        secret = self.secret(request.parent, field="parent")
        payload = request.payload
        checksum = payload.data_crc32c if payload.HasField("data_crc32c") else None
        return _write_version(secret, secret.add(payload.data, checksum, self.now()))

    def access_version(self, request: Any) -> Any:
        """AccessSecretVersion: the payload with its checksum, under the version's number."""
        secret, version = self._version(request.name)
        data = secret.access(version)
        response = secretmanager_v1.AccessSecretVersionResponse.pb()(
            name=f"{secret.name}/versions/{version.number}"
        )
        response.payload.data = data
        response.payload.data_crc32c = version.checksum
        return response

    def get_version(self, request: Any) -> Any:
        """GetSecretVersion: everything but the payload."""
        return _write_version(*self._version(request.name))

    def list_versions(self, request: Any) -> Any:
        """ListSecretVersions, newest first."""
        secret = self.secret(request.parent, field="parent")
        _refuse_filter(request)
        found = {_newest_first(version.number): version for version in secret.versions}
        part, token = page(sorted(found), request, largest=_LARGEST_PAGE)
        return secretmanager_v1.ListSecretVersionsResponse.pb()(
            versions=[_write_version(secret, found[key]) for key in part],
            next_page_token=token,
            total_size=len(found),
        )

    def _mover(self, state: State) -> Callable[[Any], Any]:
        def move(request: Any) -> Any:
            if request.name.endswith(f"/{LATEST}"):
                raise invalid("A version is enabled, disabled or destroyed by its number.")
            secret, version = self._version(request.name)
            _check_etag(request.etag, _etag(version.revision))
            version.move(state, self.now())
            return _write_version(secret, version)

        return move

    def secret(self, name: str, *, field: str = "name") -> Secret:
        """The secret of a full resource name. Refuses with INVALID_ARGUMENT or NOT_FOUND."""
        names.SECRET.match(name, field=field)
        if name not in self.secrets:
            raise not_found(f"Secret [{name}] not found.")
        return self.secrets[name]

    def _version(self, name: str) -> tuple[Secret, Version]:
        parts = names.VERSION.match(name, field="name")
        secret = self.secret(parts.group("secret"))
        return secret, secret.version(parts.group("version"), secret.settings.version_aliases)

    def _check(self, wanted: Any, *, versions: int) -> None:
        """Refuses settings that the service refuses."""
        _check_labels(wanted.labels)
        if len(wanted.topics) > _MOST_TOPICS or not all(_TOPIC.fullmatch(topic.name) for topic in wanted.topics):
            raise invalid("Secret.topics holds up to 10 names of the form 'projects/*/topics/*'.")
        _check_aliases(wanted.version_aliases, versions)
        if wanted.HasField("rotation"):
            self._check_rotation(wanted)

    def _check_rotation(self, wanted: Any) -> None:
        if not wanted.topics:
            raise invalid("Secret.topics must be set when rotation is.")
        rotation = wanted.rotation
        if not rotation.HasField("next_rotation_time"):
            raise invalid("Rotation.next_rotation_time must be set.")
        ahead = moments.instant(rotation.next_rotation_time) - self.now()
        if not _SOONEST_ROTATION <= ahead <= _LONGEST:
            raise invalid("Rotation.next_rotation_time must be 300 s to 100 years ahead.")
        if rotation.HasField("rotation_period"):
            period = moments.span(rotation.rotation_period)
            if not _SHORTEST_PERIOD <= period <= _LONGEST:
                raise invalid("Rotation.rotation_period must be 1 hour to 100 years.")


def _check_labels(labels: Any) -> None:
    if len(labels) > _MOST_LABELS:
        raise invalid("No more than 64 labels can be assigned to a secret.")
    for key, value in labels.items():
        lower = key == key.lower() and value == value.lower()
        if not (lower and _LABEL_KEY.fullmatch(key) and _LABEL_VALUE.fullmatch(value)):
            raise invalid(f"The label {key!r} does not conform: lower-case letters, digits, _ and -, up to 63.")


def _check_aliases(aliases: Any, versions: int) -> None:
    if len(aliases) > _MOST_ALIASES:
        raise invalid("No more than 50 aliases can be assigned to a secret.")
    for alias, number in aliases.items():
        if not _ALIAS.fullmatch(alias) or alias in {LATEST, "NEW"}:
            raise invalid(f"The version alias {alias!r} does not conform.")
        if not 1 <= number <= versions:
            raise precondition(f"The version alias {alias!r} names a version that does not exist.")


def _refuse_filter(request: Any) -> None:
    if request.filter:
        raise unimplemented("Filters of list calls are not emulated.")


def _newest_first(serial: int) -> str:
    return f"{10**12 - serial:012d}"


def _etag(revision: int) -> str:
    return f'"{revision:014x}"'


def _check_etag(given: str, actual: str) -> None:
    if given and given != actual:
        raise precondition("The etag does not match the stored one.")


def _write_secret(secret: Secret) -> Any:
    message = _SECRET()
    message.CopyFrom(secret.settings)
    message.name = secret.name
    message.create_time.CopyFrom(moments.timestamp(secret.created_at))
    message.etag = _etag(secret.revision)
    return message


def _write_version(secret: Secret, version: Version) -> Any:
    message = _VERSION(
        name=f"{secret.name}/versions/{version.number}",
        create_time=moments.timestamp(version.created_at),
        state=int(version.state),
        etag=_etag(version.revision),
        client_specified_payload_checksum=version.checksum_given,
    )
    if version.destroyed_at is not None:
        message.destroy_time.CopyFrom(moments.timestamp(version.destroyed_at))
    if secret.settings.replication.WhichOneof("replication") == "automatic":
        message.replication_status.automatic.SetInParent()
    return message
