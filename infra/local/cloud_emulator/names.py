"""Resource names of both services: their shapes, alphabets and lengths.

Sources: the reference of google.cloud.tasks.v2 (Queue.name, Task.name) and of google.cloud.secretmanager.v1
(CreateSecretRequest.secret_id, SecretVersion.name).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from infra.local.cloud_emulator.refusal import invalid

_PROJECT = r"[A-Za-z0-9.:-]{1,100}"
_LOCATION = r"[a-z0-9-]{1,63}"
_QUEUE = r"[A-Za-z0-9-]{1,100}"
_TASK = r"[A-Za-z0-9_-]{1,500}"
_SECRET = r"[A-Za-z0-9_-]{1,255}"  # noqa: S105 - an alphabet
_ALIAS = r"[A-Za-z][A-Za-z0-9_-]{0,62}"


@dataclass(frozen=True)
class Shape:
    """One kind of resource name: how it reads in a message, and what it must match whole."""

    reads: str
    pattern: re.Pattern[str]

    def match(self, name: str, *, field: str) -> re.Match[str]:
        """The name's parts. Refuses what does not fit with INVALID_ARGUMENT."""
        found = self.pattern.fullmatch(name)
        if found is None:
            raise invalid(
                f"Invalid resource field value in the request: {field} must have the form {self.reads!r}."
            )
        return found


def _shape(reads: str, pattern: str) -> Shape:
    return Shape(reads, re.compile(pattern, re.ASCII))


_IN_LOCATION = rf"projects/(?P<project>{_PROJECT})/locations/(?P<location>{_LOCATION})"
_OF_PROJECT = rf"projects/(?P<project>{_PROJECT})"
_IN_QUEUE = rf"(?P<queue>{_IN_LOCATION}/queues/(?P<queue_id>{_QUEUE}))"
_OF_SECRET = rf"(?P<secret>{_OF_PROJECT}/secrets/(?P<secret_id>{_SECRET}))"

LOCATION = _shape("projects/PROJECT_ID/locations/LOCATION_ID", _IN_LOCATION)
QUEUE = _shape("projects/PROJECT_ID/locations/LOCATION_ID/queues/QUEUE_ID", _IN_QUEUE)
TASK = _shape(
    "projects/PROJECT_ID/locations/LOCATION_ID/queues/QUEUE_ID/tasks/TASK_ID",
    rf"{_IN_QUEUE}/tasks/(?P<task_id>{_TASK})",
)
PROJECT = _shape("projects/PROJECT_ID", _OF_PROJECT)
SECRET = _shape("projects/PROJECT_ID/secrets/SECRET_ID", _OF_SECRET)
VERSION = _shape(
    "projects/PROJECT_ID/secrets/SECRET_ID/versions/VERSION",
    rf"{_OF_SECRET}/versions/(?P<version>[1-9][0-9]{{0,9}}|{_ALIAS})",
)
SECRET_ID = _shape("[A-Za-z0-9_-]{1,255}", _SECRET)
